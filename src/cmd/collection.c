/* What the handlers of all collections share: opening one for a change, and items in replies.
 *
 * On the data path of every command about collections. Runs inside the call's access. */
#include "collection.h"
#include "pollard/base/check.h"

enum status collection_find(struct exec *x, uint32_t key_index, enum value_type type,
                            struct collection **ret_collection)
{
    struct value value;
    if (!key_find(x->access, key_index, 0, &value)) {
        return STATUS_ABSENT;
    }
    *ret_collection = value.collection;
    return LIKELY(value.type == type) ? STATUS_OK : STATUS_WRONG_TYPE;
}

enum status collection_look(struct exec *x, uint32_t key_index, enum value_type type,
                            struct collection **ret_collection)
{
    struct value value;
    if (!key_find(x->access, key_index, KEY_QUIET, &value)) {
        return STATUS_ABSENT;
    }
    *ret_collection = value.collection;
    return LIKELY(value.type == type) ? STATUS_OK : STATUS_WRONG_TYPE;
}

enum status edit_begin(struct exec *x, uint32_t key_index, enum value_type type,
                       struct collection *fresh, struct collection_edit *ret_edit)
{
    ret_edit->key_index = key_index;
    ret_edit->fresh = NULL;
    enum status status = key_collection(x->access, key_index, type, &ret_edit->at);
    if (status == STATUS_ABSENT && fresh != NULL) {
        edit_create(ret_edit, fresh);
        return STATUS_OK;
    }
    collection_release(fresh);
    return status;
}

static inline void tell(struct exec *x, uint32_t key_index, enum key_event event)
{
    if (LIKELY(event != EDIT_TELLS_NOTHING)) {
        key_event(x->access, key_index, event);
    }
}

enum status edit_end(struct exec *x, struct collection_edit *edit, enum key_event event)
{
    struct collection *collection = *edit->at;
    bool is_empty = collection_count(collection) == 0;
    if (edit->fresh == NULL) {
        tell(x, edit->key_index, event);
        if (UNLIKELY(is_empty)) {
            (void)key_remove(x, edit->key_index); /* It is there. */
        }
        return STATUS_OK;
    }
    edit->fresh = NULL;
    if (is_empty) {
        collection_release(collection);
        return STATUS_OK;
    }
    return collection_store(x, edit->key_index, collection, event);
}

enum status collection_store(struct exec *x, uint32_t key_index, struct collection *collection,
                             enum key_event event)
{
    if (collection_count(collection) == 0) {
        collection_release(collection);
        (void)key_remove(x, key_index); /* Whether there was one does not matter. */
        return STATUS_OK;
    }
    struct value value = value_collection(collection);
    enum status status = key_put(x->access, key_index, &value, KEY_NO_EXPIRY);
    if (LIKELY(status == STATUS_OK)) {
        tell(x, key_index, event);
    }
    return status;
}

void reply_item(struct reply *reply, const struct item *item)
{
    if (UNLIKELY(item_is_integer(item))) {
        reply_bulk_integer(reply, item->integer);
    } else if (UNLIKELY(item->blob != NULL)) {
        reply_bulk_blob(reply, item->blob, 0, item->size);
    } else {
        reply_bulk(reply, bytes_make(item->data, item->size));
    }
}

enum status argument_item(const struct exec *x, uint32_t index, struct item *ret_item)
{
    struct bytes text = x->argv[index];
    if (LIKELY(text.size <= ITEM_EMBED_MAX)) {
        *ret_item = item_of(text);
        return STATUS_OK;
    }
    struct value value = argument_value(x, index);
    return item_make(text, value.blob, ret_item);
}
