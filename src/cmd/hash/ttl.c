/* Asking for expiries of fields: HTTL HPTTL HEXPIRETIME HPEXPIRETIME.
 *
 * Run inside a READ access on one key. */
#include "common.h"
#include "pollard_commands.h"

/* Replies the fields' expiries relative to base_ms, in units of unit_ms, rounded up. */
static enum status reply_expiries(struct exec *x, int64_t base_ms, int64_t unit_ms)
{
    const struct collection *hash;
    struct hash_fields fields;
    struct item_needle field;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status found = hash_of_key(x, &hash);
    if (found == STATUS_WRONG_TYPE) {
        return found;
    }
    enum status status = hash_fields_read(x, 2, &fields);
    if (status != STATUS_OK) {
        return status;
    }
    if (found == STATUS_ABSENT) {
        hash_reply_absent(x, &fields, HASH_NO_FIELD);
        return STATUS_OK;
    }
    reply_array(x->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        item_needle_init(&field, x->argv[fields.first + i]);
        int64_t expiry = hash_expiry(hash, &field, x->now_ms);
        reply_integer(x->reply, expiry < 0 ? expiry : (expiry - base_ms + unit_ms - 1) / unit_ms);
    }
    return STATUS_OK;
}

enum status cmd_httl(struct exec *x)
{
    return reply_expiries(x, x->now_ms, 1000);
}

enum status cmd_hpttl(struct exec *x)
{
    return reply_expiries(x, x->now_ms, 1);
}

enum status cmd_hexpiretime(struct exec *x)
{
    return reply_expiries(x, 0, 1000);
}

enum status cmd_hpexpiretime(struct exec *x)
{
    return reply_expiries(x, 0, 1);
}
