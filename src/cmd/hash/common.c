/* What the handlers of the hash group share.
 *
 * On the data path between the key and the reply. Runs inside the call's access. */
#include "common.h"
#include "pollard/base/number.h"

/* Times of fields fit so many bits, as in Redis. */
#define TIME_BITS 46

enum status hash_look(struct exec *x, const struct collection **ret_hash)
{
    struct collection *hash = NULL;
    enum status status = collection_look(x, 0, VALUE_HASH, &hash);
    *ret_hash = hash;
    return status;
}

enum status hash_edit(struct exec *x, struct collection_edit *ret_edit)
{
    enum status status = edit_begin(x, 0, VALUE_HASH, /* fresh= */ NULL, ret_edit);
    if (UNLIKELY(status == STATUS_ABSENT)) {
        edit_create(ret_edit, hash_create());
        return STATUS_OK;
    }
    return status;
}

enum status hash_edit_end(struct exec *x, struct collection_edit *edit, enum key_event event)
{
    enum status status = edit_end(x, edit, event);
    key_file_fields(x->access, 0);
    return status;
}

enum status hash_argument(const struct exec *x, uint32_t index, struct item_needle *ret_field)
{
    item_needle_init(ret_field, x->argv[index]);
    if (LIKELY(ret_field->packed_size != 0)) {
        return STATUS_OK;
    }
    return argument_item(x, index, &ret_field->item);
}

enum status hash_set_pair(struct exec *x, struct collection **hash, const struct hash_pair *pair,
                          bool *ret_is_new)
{
    struct item_needle field;
    struct hash_write write = {.limits = &x->services->value_limits,
                               .now_ms = x->now_ms,
                               .keeps_expiry = pair->keeps_expiry};
    enum status status = hash_argument(x, pair->index, &field);
    if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    status = argument_item(x, pair->index + 1, &write.value);
    if (LIKELY(status == STATUS_OK)) {
        *ret_is_new = hash_set(hash, &field, &write);
        item_unmake(&write.value);
    }
    item_unmake(&field.item);
    return status;
}

enum status hash_fields_read(const struct exec *x, uint32_t index, struct hash_fields *ret_fields)
{
    int64_t count;
    if (!argument_is(x, index, "fields")) {
        return STATUS_FIELDS_MISSING;
    }
    if (argument_integer(x, index + 1, &count) != STATUS_OK || count < 1) {
        return STATUS_FIELDS_POSITIVE;
    }
    if (count != (int64_t)(x->argc - index - 2)) {
        return STATUS_FIELDS_MISMATCH;
    }
    *ret_fields = (struct hash_fields){.first = index + 2, .count = (uint32_t)count, .stride = 1};
    return STATUS_OK;
}

void hash_reply_absent(struct exec *x, const struct hash_fields *fields, int64_t code)
{
    reply_array(x->reply, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        reply_integer(x->reply, code);
    }
}

enum status hash_time_read(struct exec *x, const struct hash_time *time, int64_t *ret_at_ms)
{
    int64_t at;
    enum status status = argument_integer(x, time->index, &at);
    if (status != STATUS_OK) {
        return status;
    }
    if (at < 0) {
        return STATUS_FIELD_TIME_NEGATIVE;
    }
    if (!number_mul_i64(at, time->unit_ms, &at) ||
        (time->is_relative && !number_add_i64(at, x->now_ms, &at)) || at >> TIME_BITS != 0) {
        return argument_refuse_expiry(x);
    }
    *ret_at_ms = at;
    return STATUS_OK;
}
