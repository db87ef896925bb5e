/* Strings of many keys: MGET, MSET, MSETNX, MSETEX.
 *
 * Run inside one access on all keys: all are seen, and change, at one instant. The shards were
 * prefetched by the dispatcher while it hashed the keys. */
#include "common.h"
#include "pollard_commands.h"

enum status cmd_mget(struct exec *x)
{
    uint32_t count = x->argc - 1;
    reply_array(x->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        if (string_find(x, i, 0, &value) == STATUS_OK) {
            string_reply(x->reply, &value);
        } else {
            reply_null(x->reply);
        }
    }
    return STATUS_OK;
}

/* Stores under each key the argument behind its own; first: index of the first key in argv. */
static enum status store_pairs(struct exec *x, uint32_t first, uint32_t count,
                               int64_t expires_at_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        struct value value = argument_value(x, first + 2 * i + 1);
        enum status status = string_store(x, i, &value, expires_at_ms);
        if (UNLIKELY(status != STATUS_OK)) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Do all of the first count keys exist, or, if that is what is wanted, none of them? */
static bool all_exist(struct exec *x, uint32_t count, bool wanted)
{
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        if (key_find(x->access, i, KEY_QUIET, &value) != wanted) {
            return false;
        }
    }
    return true;
}

enum status cmd_mset(struct exec *x)
{
    if (x->argc % 2 == 0) {
        return argument_refuse_count(x);
    }
    enum status status = store_pairs(x, 1, x->argc / 2, KEY_NO_EXPIRY);
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}

enum status cmd_msetnx(struct exec *x)
{
    if (x->argc % 2 == 0) {
        return argument_refuse_count(x);
    }
    uint32_t count = x->argc / 2;
    if (!all_exist(x, count, /* wanted= */ false)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    enum status status = store_pairs(x, 1, count, KEY_NO_EXPIRY);
    if (status == STATUS_OK) {
        reply_integer(x->reply, 1);
    }
    return status;
}

struct msetex_options {
    uint32_t count; /* of pairs */
    struct expiry_option expiry;
    struct condition condition;
};

static enum status read_msetex(const struct exec *x, struct msetex_options *options)
{
    int64_t count;
    if (argument_integer(x, 1, &count) != STATUS_OK || count <= 0 || count > INT32_MAX) {
        return STATUS_INVALID_NUMKEYS;
    }
    if (count > (int64_t)(x->argc - 2) / 2) {
        return STATUS_PAIRS;
    }
    options->count = (uint32_t)count;
    for (uint32_t i = 2 + 2 * options->count; i < x->argc; i++) {
        enum status status = expiry_read(x, EXPIRY_KEEPTTL, &i, &options->expiry);
        if (status == STATUS_ABSENT) {
            status = condition_read(x, &i, &options->condition);
        }
        if (status != STATUS_OK || condition_compares(&options->condition)) {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}

enum status cmd_msetex(struct exec *x)
{
    struct msetex_options options = {0};
    enum status status = read_msetex(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t expires_at_ms;
    status = expiry_time(x, &options.expiry, &expires_at_ms);
    if (status != STATUS_OK) {
        return status;
    }
    enum condition_kind kind = options.condition.kind;
    if (kind != CONDITION_NONE && !all_exist(x, options.count, kind == CONDITION_XX)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    status = store_pairs(x, 2, options.count, expires_at_ms);
    if (status == STATUS_OK) {
        reply_integer(x->reply, 1);
    }
    return status;
}
