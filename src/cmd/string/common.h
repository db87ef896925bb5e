/* What the handlers of the string group share. */
#ifndef POLLARD_CMD_STRING_COMMON_H
#define POLLARD_CMD_STRING_COMMON_H

#include "../arguments.h"
#include "pollard/value/string.h"

/* The string under a key. flags as key_find. STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE. */
enum status string_find(struct exec *x, uint32_t key_index, uint32_t flags,
                        struct value *ret_value);
/* A string value as a bulk string; large ones are shared, not copied. */
void string_reply(struct reply *reply, const struct value *value);
/* string_store with a time. */
enum status string_store_timed(struct exec *x, uint32_t key_index, const struct value *value,
                               int64_t expires_at_ms);
/* Stores the value and tells `set`, and `expire` if it has a time; one whose time is over already
 * is deleted instead, which is told as if it had been there. STATUS_OK, STATUS_ALLOCATION. */
static inline enum status string_store(struct exec *x, uint32_t key_index,
                                       const struct value *value, int64_t expires_at_ms)
{
    if (UNLIKELY(expires_at_ms >= 0)) {
        return string_store_timed(x, key_index, value, expires_at_ms);
    }
    enum status status = key_put(x->access, key_index, value, expires_at_ms);
    if (LIKELY(status == STATUS_OK)) {
        key_event(x->access, key_index, EVENT_set);
    }
    return status;
}
/* string_store of a value with a soft time that is to come before it expires. */
enum status string_store_soft(struct exec *x, uint32_t key_index, const struct value *value,
                              struct key_times times);
/* The one or the other. */
static inline enum status string_store_for(struct exec *x, uint32_t key_index,
                                           const struct value *value, struct key_times times)
{
    return LIKELY(times.soft_at_ms == 0) ? string_store(x, key_index, value, times.expires_at_ms)
                                         : string_store_soft(x, key_index, value, times);
}
/* A reference to the value's bytes that outlives the access: shared if they are a blob, else a
 * copy. NULL when memory is out. */
struct blob *string_hold(const struct value *value);
/* Is a string of that size within proto-max-bulk-len? */
bool string_size_is_allowed(const struct exec *x, uint64_t size);

/* ---- How long a value is good for: SET, LEASE.SET ---- */

/* A zeroed struct is no option. */
struct lifetime {
    struct expiry_option expiry;
    uint32_t soft;   /* index of SOFT's operand in argv; 0: none */
    uint32_t jitter; /* of JITTER's */
};

/* lifetime_read: reads the option at argv[*index], if it is one (EX, PX, EXAT, PXAT, KEEPTTL, SOFT,
 * JITTER), and moves *index to its last word. STATUS_OK; STATUS_ABSENT when it is another word;
 * STATUS_SYNTAX.
 */
enum status lifetime_read_own(const struct exec *x, uint32_t *index, struct lifetime *lifetime);
static inline enum status lifetime_read(const struct exec *x, uint32_t *index,
                                        struct lifetime *lifetime)
{
    enum status status = expiry_read(x, EXPIRY_KEEPTTL, index, &lifetime->expiry);
    return LIKELY(status != STATUS_ABSENT) ? status : lifetime_read_own(x, index, lifetime);
}

/* lifetime_times: the times to store for key 0. STATUS_OK; STATUS_NOT_INTEGER; STATUS_REPLIED as
 * expiry_time; STATUS_SOFT_RANGE when the value might expire before it is stale;
 * STATUS_JITTER_RANGE; STATUS_JITTER_ALONE without a time to spread. */
enum status lifetime_adapt(struct exec *x, const struct lifetime *lifetime,
                           struct key_times *times);
static inline enum status lifetime_times(struct exec *x, const struct lifetime *lifetime,
                                         struct key_times *ret_times)
{
    ret_times->soft_at_ms = 0;
    enum status status = expiry_time(x, &lifetime->expiry, &ret_times->expires_at_ms);
    return LIKELY(status != STATUS_OK || (lifetime->soft | lifetime->jitter) == 0)
               ? status
               : lifetime_adapt(x, lifetime, ret_times);
}

/* ---- Conditions of SET and DELEX ---- */

enum condition_kind {
    CONDITION_NONE,
    CONDITION_NX,
    CONDITION_XX,
    CONDITION_IFEQ,
    CONDITION_IFNE,
    CONDITION_IFDEQ,
    CONDITION_IFDNE
};

/* A zeroed struct always holds. */
struct condition {
    enum condition_kind kind;
    uint32_t argument; /* index of what the value is compared with */
};

/* Does it look at the value, which must be a string then? */
static inline bool condition_compares(const struct condition *condition)
{
    return condition->kind >= CONDITION_IFEQ;
}

/* Reads the condition at argv[*index], if it is one, and moves *index to its last word. STATUS_OK;
 * STATUS_ABSENT when it is another word; STATUS_SYNTAX without an operand or beside another
 * condition; STATUS_DIGEST_SIZE. */
enum status condition_read(const struct exec *x, uint32_t *index, struct condition *condition);
/* value: what is under the key, a string if the condition compares; NULL if it is absent. */
bool condition_holds(const struct exec *x, const struct condition *condition,
                     const struct value *value);

#endif
