/* Items by position: LLEN, LRANGE, LINDEX, LSET.
 *
 * Run inside an access on one key. */
#include "common.h"
#include "pollard_commands.h"

enum status cmd_llen(struct exec *x)
{
    struct collection *list;
    enum status status = collection_find(x, 0, VALUE_LIST, &list);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK ? (int64_t)collection_count(list) : 0);
    return STATUS_OK;
}

enum status cmd_lrange(struct exec *x)
{
    int64_t start;
    int64_t stop;
    if (argument_integer(x, 2, &start) != STATUS_OK || argument_integer(x, 3, &stop) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    struct collection *list;
    enum status status = collection_find(x, 0, VALUE_LIST, &list);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    struct list_slice slice = {0};
    if (status == STATUS_OK) {
        slice = list_slice_of(collection_count(list), start, stop);
    }
    reply_array(x->reply, (size_t)slice.count);
    if (slice.count > 0) {
        const struct stream stream = {.rank = slice.index, .count = slice.count};
        stream_elements(x, list, &stream);
    }
    return STATUS_OK;
}

/* The place that an index means, counted from the tail if it is negative. */
static bool find_place(const struct collection *list, int64_t index, uint64_t *ret_place)
{
    int64_t count = (int64_t)collection_count(list);
    if (index < -count || index >= count) {
        return false;
    }
    *ret_place = (uint64_t)(index < 0 ? index + count : index);
    return true;
}

enum status cmd_lindex(struct exec *x)
{
    struct collection *list;
    enum status status = collection_find(x, 0, VALUE_LIST, &list);
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    int64_t index;
    status = status == STATUS_OK ? argument_integer(x, 2, &index) : status;
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t place;
    if (!find_place(list, index, &place)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    struct item item;
    list_get(list, place, &item);
    reply_item(x->reply, &item);
    return STATUS_OK;
}

static enum status replace(struct exec *x, uint64_t place, const struct item *item)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    list_replace(edit.at, place, item, list_limits(x));
    return edit_end(x, &edit, EVENT_lset);
}

enum status cmd_lset(struct exec *x)
{
    struct collection *list;
    enum status status = list_find(x, 0, &list);
    if (status != STATUS_OK) {
        return status == STATUS_ABSENT ? STATUS_NO_SUCH_KEY : status;
    }
    int64_t index;
    uint64_t place;
    if (argument_integer(x, 2, &index) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (!find_place(list, index, &place)) {
        return STATUS_INDEX_RANGE;
    }
    struct item item;
    status = argument_item(x, 3, &item);
    if (status != STATUS_OK) {
        return status;
    }
    status = replace(x, place, &item);
    item_unmake(&item);
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}
