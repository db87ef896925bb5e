/* Setting expiries: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.
 *
 * Run inside a WRITE access on one key. A time that is over deletes the key at once. */
#include "../arguments.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

enum expire_flag { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

static uint32_t find_flag(struct bytes word)
{
    if (bytes_is(word, "nx")) {
        return EXPIRE_NX;
    }
    if (bytes_is(word, "xx")) {
        return EXPIRE_XX;
    }
    if (bytes_is(word, "gt")) {
        return EXPIRE_GT;
    }
    return bytes_is(word, "lt") ? EXPIRE_LT : 0;
}

/* Reads argv[3] and on. STATUS_OK, STATUS_REPLIED, STATUS_EXPIRE_NX, STATUS_EXPIRE_GT_LT. */
static enum status read_flags(struct exec *x, uint32_t *ret_flags)
{
    uint32_t flags = 0;
    for (uint32_t i = 3; i < x->argc; i++) {
        uint32_t flag = find_flag(x->argv[i]);
        if (flag == 0) {
            reply_error_format(x->reply, "ERR Unsupported option %.*s",
                               (int)(x->argv[i].size > 128 ? 128 : x->argv[i].size),
                               (const char *)x->argv[i].data);
            return STATUS_REPLIED;
        }
        flags |= flag;
    }
    if ((flags & EXPIRE_NX) != 0 && flags != EXPIRE_NX) {
        return STATUS_EXPIRE_NX;
    }
    if ((flags & EXPIRE_GT) != 0 && (flags & EXPIRE_LT) != 0) {
        return STATUS_EXPIRE_GT_LT;
    }
    *ret_flags = flags;
    return STATUS_OK;
}

/* May a key that expires at current (or KEY_NO_EXPIRY, which is later than any time) expire at when
 * instead? */
static bool flags_allow(uint32_t flags, int64_t current, int64_t when)
{
    bool has_expiry = current != KEY_NO_EXPIRY;
    if ((flags & EXPIRE_NX) != 0 && has_expiry) {
        return false;
    }
    if ((flags & EXPIRE_XX) != 0 && !has_expiry) {
        return false;
    }
    if ((flags & EXPIRE_GT) != 0 && (!has_expiry || when <= current)) {
        return false;
    }
    return (flags & EXPIRE_LT) == 0 || !has_expiry || when < current;
}

/* base_ms: what argv[2] is relative to; unit_ms: what it counts. */
static enum status expire(struct exec *x, int64_t base_ms, int64_t unit_ms)
{
    uint32_t flags;
    enum status status = read_flags(x, &flags);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t when;
    status = argument_integer(x, 2, &when);
    if (status != STATUS_OK) {
        return status;
    }
    if (!number_mul_i64(when, unit_ms, &when) || !number_add_i64(when, base_ms, &when)) {
        return argument_refuse_expiry(x);
    }
    struct value value;
    if (!key_find(x->access, 0, KEY_QUIET, &value) ||
        !flags_allow(flags, key_expiry(x->access, 0), when)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    if (when <= x->access->now_ms) {
        (void)key_remove(x, 0); /* It is there: it was found. */
    } else {
        (void)key_set_expiry(x->access, 0, when); /* The same. */
        key_event(x->access, 0, EVENT_expire);
    }
    reply_integer(x->reply, 1);
    return STATUS_OK;
}

enum status cmd_expire(struct exec *x)
{
    return expire(x, x->access->now_ms, 1000);
}

enum status cmd_pexpire(struct exec *x)
{
    return expire(x, x->access->now_ms, 1);
}

enum status cmd_expireat(struct exec *x)
{
    return expire(x, 0, 1000);
}

enum status cmd_pexpireat(struct exec *x)
{
    return expire(x, 0, 1);
}

enum status cmd_persist(struct exec *x)
{
    bool has_expiry = key_expiry(x->access, 0) >= 0;
    if (has_expiry) {
        (void)key_set_expiry(x->access, 0, KEY_NO_EXPIRY); /* It is there. */
        key_event(x->access, 0, EVENT_persist);
    }
    reply_integer(x->reply, has_expiry ? 1 : 0);
    return STATUS_OK;
}
