/* Asking for expiries: TTL, PTTL, EXPIRETIME, PEXPIRETIME.
 *
 * Run inside a READ access on one key; asking does not count as using the key. */
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

/* Replies the expiry relative to base_ms; -1: the key has none; -2: there is no such key. */
static enum status reply_expiry(struct exec *x, int64_t base_ms, bool in_seconds)
{
    struct value value;
    if (!key_find(x->access, 0, KEY_NO_CLOCK, &value)) {
        reply_integer(x->reply, -2);
        return STATUS_OK;
    }
    int64_t expires_at_ms = key_expiry(x->access, 0);
    if (expires_at_ms < 0) {
        reply_integer(x->reply, -1);
        return STATUS_OK;
    }
    int64_t time = expires_at_ms - base_ms;
    time = time < 0 ? 0 : time;
    /* Rounded to the nearest second, without the sum that could overflow. */
    reply_integer(x->reply, in_seconds ? time / 1000 + (time % 1000 >= 500) : time);
    return STATUS_OK;
}

enum status cmd_ttl(struct exec *x)
{
    return reply_expiry(x, x->access->now_ms, true);
}

enum status cmd_pttl(struct exec *x)
{
    return reply_expiry(x, x->access->now_ms, false);
}

enum status cmd_expiretime(struct exec *x)
{
    return reply_expiry(x, 0, true);
}

enum status cmd_pexpiretime(struct exec *x)
{
    return reply_expiry(x, 0, false);
}
