/* What the handlers of the list group share.
 *
 * Runs inside the call's access. */
#include "common.h"
#include "pollard/base/check.h"

struct list_slice list_slice_of(uint64_t count, int64_t start, int64_t stop)
{
    int64_t size = (int64_t)count;
    if (start < 0) {
        start = start < -size ? 0 : start + size;
    }
    if (stop < 0) {
        stop = stop < -size ? -1 : stop + size;
    }
    stop = stop >= size ? size - 1 : stop;
    if (start > stop) {
        return (struct list_slice){0};
    }
    return (struct list_slice){(uint64_t)start, (uint64_t)(stop - start) + 1};
}

enum status list_cut_key(struct exec *x, uint32_t key_index, const struct list_slice *slice,
                         enum key_event event)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, key_index, VALUE_LIST, NULL, &edit);
    if (status == STATUS_OK) {
        key_dispose(x->access, list_cut(edit.at, slice->index, slice->count, list_limits(x)));
        status = edit_end(x, &edit, event);
    }
    return status;
}

void list_install(struct exec *x, uint32_t key_index, struct collection *made, enum key_event event)
{
    key_event(x->access, key_index, event);
    if (collection_count(made) == 0) {
        collection_release(made);
        (void)key_remove(x, key_index); /* It is there. */
        return;
    }
    struct collection **at;
    check(key_collection(x->access, key_index, VALUE_LIST, &at) == STATUS_OK);
    key_dispose(x->access, *at);
    *at = made;
}
