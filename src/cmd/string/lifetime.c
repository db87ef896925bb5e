/* How long a value is good for: the options of SET and LEASE.SET that say when it expires, from
 * when on it is stale (SOFT), and how far its expiry is spread (JITTER).
 *
 * Read before a key is looked at, judged inside the call's access. */
#include "common.h"
#include "pollard/base/hash.h"
#include "pollard/base/number.h"

/* The operand of an option that may stand more than once; the last one counts. */
static enum status read_operand(const struct exec *x, uint32_t *index, uint32_t *ret_argument)
{
    if (*index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    *index += 1;
    *ret_argument = *index;
    return STATUS_OK;
}

enum status lifetime_read_own(const struct exec *x, uint32_t *index, struct lifetime *lifetime)
{
    if (argument_is(x, *index, "soft")) {
        return read_operand(x, index, &lifetime->soft);
    }
    if (argument_is(x, *index, "jitter")) {
        return read_operand(x, index, &lifetime->jitter);
    }
    return STATUS_ABSENT;
}

/* Draws the expiry between what it may be at the earliest, which is returned, and what it is. */
static enum status spread(struct exec *x, const struct lifetime *lifetime, struct key_times *times,
                          int64_t *ret_earliest_ms)
{
    int64_t percent;
    int64_t now_ms = x->access->now_ms;
    int64_t ttl_ms = times->expires_at_ms - now_ms;
    if (argument_integer(x, lifetime->jitter, &percent) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (percent < 0 || percent > 100) {
        return STATUS_JITTER_RANGE;
    }
    if (times->expires_at_ms < 0) {
        return STATUS_JITTER_ALONE;
    }
    if (ttl_ms <= 0) {
        return STATUS_OK;
    }
    int64_t span_ms = ttl_ms / 100 * percent + ttl_ms % 100 * percent / 100;
    /* A key that is set is there. */
    span_ms = span_ms < ttl_ms ? span_ms : ttl_ms - 1;
    *ret_earliest_ms = times->expires_at_ms - span_ms;
    times->expires_at_ms -= (int64_t)random_below((uint64_t)span_ms + 1);
    return STATUS_OK;
}

/* earliest_ms: when the key expires, at the earliest; negative: never. */
static enum status soften(struct exec *x, const struct lifetime *lifetime, int64_t earliest_ms,
                          struct key_times *times)
{
    int64_t soft_ms;
    if (argument_integer(x, lifetime->soft, &soft_ms) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (soft_ms <= 0 || !number_add_i64(soft_ms, x->access->now_ms, &soft_ms)) {
        return STATUS_SOFT_RANGE;
    }
    if (earliest_ms == KEY_KEEP_EXPIRY) {
        earliest_ms = key_expiry(x->access, 0);
    }
    if (earliest_ms >= 0 && soft_ms >= earliest_ms) {
        return STATUS_SOFT_RANGE;
    }
    times->soft_at_ms = soft_ms;
    return STATUS_OK;
}

enum status lifetime_adapt(struct exec *x, const struct lifetime *lifetime, struct key_times *times)
{
    enum status status = STATUS_OK;
    int64_t earliest_ms = times->expires_at_ms;
    if (lifetime->jitter != 0) {
        status = spread(x, lifetime, times, &earliest_ms);
    }
    if (status == STATUS_OK && lifetime->soft != 0) {
        status = soften(x, lifetime, earliest_ms, times);
    }
    return status;
}

enum status string_store_soft(struct exec *x, uint32_t key_index, const struct value *value,
                              struct key_times times)
{
    enum status status = key_put_soft(x->access, key_index, value, times);
    if (status == STATUS_OK) {
        key_event(x->access, key_index, EVENT_set);
        if (times.expires_at_ms >= 0) {
            key_event(x->access, key_index, EVENT_expire);
        }
    }
    return status;
}
