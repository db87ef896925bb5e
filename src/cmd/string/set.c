/* SET and its relatives of one key: SETNX, SETEX, PSETEX, GETSET.
 *
 * The innermost handler of most writes. Runs inside a WRITE access on one key; everything is
 * checked before the key is written, and an old value is replied before it goes. */
#include "common.h"
#include "pollard_commands.h"

struct set_options {
    struct lifetime lifetime;
    struct condition condition;
    bool wants_old;
};

/* Reads argv[3] and on. STATUS_OK, STATUS_SYNTAX, STATUS_DIGEST_SIZE. */
static enum status read_options(const struct exec *x, struct set_options *options)
{
    for (uint32_t i = 3; i < x->argc; i++) {
        if (argument_is(x, i, "get")) {
            options->wants_old = true;
            continue;
        }
        enum status status = lifetime_read(x, &i, &options->lifetime);
        if (status == STATUS_ABSENT) {
            status = condition_read(x, &i, &options->condition);
        }
        if (status != STATUS_OK) {
            return status == STATUS_ABSENT ? STATUS_SYNTAX : status;
        }
    }
    return STATUS_OK;
}

/* Replies the old value, or nil, and stores the new one; the reply is taken back if that fails. */
static enum status exchange(struct exec *x, const struct value *old, uint32_t argument,
                            struct key_times times)
{
    size_t before = chain_size(x->reply->chain);
    if (old != NULL) {
        string_reply(x->reply, old);
    } else {
        reply_null(x->reply);
    }
    struct value value = argument_value(x, argument);
    enum status status = string_store_for(x, 0, &value, times);
    if (status != STATUS_OK) {
        chain_truncate(x->reply->chain, before);
    }
    return status;
}

/* Inline for plain SET's sake. */
static inline ATTR_ALWAYS_INLINE enum status store_and_reply_ok(struct exec *x, uint32_t argument,
                                                                int64_t expires_at_ms)
{
    struct value value = argument_value(x, argument);
    enum status status = string_store(x, 0, &value, expires_at_ms);
    if (LIKELY(status == STATUS_OK)) {
        reply_ok(x->reply);
    }
    return status;
}

/* The same for a value with a soft time. */
static enum status store_soft_and_reply_ok(struct exec *x, uint32_t argument,
                                           struct key_times times)
{
    struct value value = argument_value(x, argument);
    enum status status = string_store_soft(x, 0, &value, times);
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}

static inline enum status store_for_and_reply_ok(struct exec *x, uint32_t argument,
                                                 struct key_times times)
{
    return LIKELY(times.soft_at_ms == 0) ? store_and_reply_ok(x, argument, times.expires_at_ms)
                                         : store_soft_and_reply_ok(x, argument, times);
}

static enum status set_with_options(struct exec *x)
{
    struct set_options options = {0};
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    struct key_times times;
    status = lifetime_times(x, &options.lifetime, &times);
    if (status != STATUS_OK) {
        return status;
    }
    if (!options.wants_old && options.condition.kind == CONDITION_NONE) {
        return store_for_and_reply_ok(x, 2, times);
    }
    struct value found;
    status = string_find(x, 0, options.wants_old ? 0 : KEY_QUIET, &found);
    if (status == STATUS_WRONG_TYPE &&
        (options.wants_old || condition_compares(&options.condition))) {
        return status;
    }
    const struct value *old = status == STATUS_ABSENT ? NULL : &found;
    bool writes = condition_holds(x, &options.condition, old);
    if (options.wants_old && writes) {
        return exchange(x, old, 2, times);
    }
    if (writes) {
        return store_for_and_reply_ok(x, 2, times);
    }
    if (options.wants_old && old != NULL) {
        string_reply(x->reply, old);
    } else {
        reply_null(x->reply);
    }
    return STATUS_OK;
}

enum status cmd_set(struct exec *x)
{
    if (LIKELY(x->argc == 3)) {
        return store_and_reply_ok(x, 2, KEY_NO_EXPIRY);
    }
    return set_with_options(x);
}

enum status cmd_setnx(struct exec *x)
{
    struct value found;
    if (key_find(x->access, 0, KEY_QUIET, &found)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    struct value value = argument_value(x, 2);
    enum status status = key_put(x->access, 0, &value, KEY_NO_EXPIRY);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_set);
        reply_integer(x->reply, 1);
    }
    return status;
}

static enum status set_for_time(struct exec *x, enum expiry_kind kind)
{
    const struct expiry_option expiry = {.kind = kind, .argument = 2};
    int64_t expires_at_ms;
    enum status status = expiry_time(x, &expiry, &expires_at_ms);
    return status == STATUS_OK ? store_and_reply_ok(x, 3, expires_at_ms) : status;
}

enum status cmd_setex(struct exec *x)
{
    return set_for_time(x, EXPIRY_EX);
}

enum status cmd_psetex(struct exec *x)
{
    return set_for_time(x, EXPIRY_PX);
}

enum status cmd_getset(struct exec *x)
{
    struct value found;
    enum status status = string_find(x, 0, 0, &found);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    return exchange(x, status == STATUS_OK ? &found : NULL, 2,
                    (struct key_times){.expires_at_ms = KEY_NO_EXPIRY});
}
