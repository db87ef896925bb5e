/* Strings of many keys: MGET, MSET, MSETNX, MSETEX.
 *
 * Run inside one access on all keys: all are seen, and change, at one instant. The shards were
 * prefetched by the dispatcher while it hashed the keys. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* Values found shard by shard, which must outlive their shards' locks until they can be replied in
 * order. */
struct collected {
    struct value *values; /* by key index; bytes without a blob are set when all are there */
    size_t *offsets;      /* of small bytes in text */
    bool *found;
    struct buf text;
};

/* Gives up the reference to a large value that is not (or no longer) wanted. */
static void release_found(struct collected *collected, uint32_t index)
{
    const struct value *value = &collected->values[index];
    if (collected->found[index] && value->encoding != ENCODING_INT) {
        blob_release(value->blob);
    }
}

/* Visited again when the shard has changed since: the last value counts. */
static void collect_value(void *argument, struct access *access, uint32_t index)
{
    struct collected *collected = argument;
    struct value *value = &collected->values[index];
    release_found(collected, index);
    collected->found[index] = key_find(access, index, 0, value) && value->type == VALUE_STRING;
    if (!collected->found[index] || value->encoding == ENCODING_INT) {
        return;
    }
    if (value->blob != NULL) {
        (void)blob_acquire(value->blob); /* Given up by release_found. */
        return;
    }
    collected->offsets[index] = collected->text.size;
    buf_append(&collected->text, value->bytes);
}

static void mget_by_shard(struct exec *x, uint32_t count)
{
    struct collected collected = {
        .values = mem_alloc(count * sizeof(*collected.values)),
        .offsets = mem_alloc(count * sizeof(*collected.offsets)),
        .found = mem_alloc_zero(count * sizeof(*collected.found)),
    };
    access_each_snapshot(x->access, collect_value, &collected);
    for (uint32_t i = 0; i < count; i++) {
        struct value *value = &collected.values[i];
        if (!collected.found[i]) {
            reply_null(x->reply);
            continue;
        }
        bool is_integer = value->encoding == ENCODING_INT;
        if (!is_integer && value->blob == NULL && value->bytes.size > 0) {
            value->bytes.data = collected.text.data + collected.offsets[i];
        }
        string_reply(x->reply, value);
        release_found(&collected, i);
    }
    buf_deinit(&collected.text);
    mem_free(collected.found);
    mem_free(collected.offsets);
    mem_free(collected.values);
}

enum status cmd_mget(struct exec *x)
{
    uint32_t count = x->argc - 1;
    reply_array(x->reply, count);
    if (count >= ARGUMENT_BATCH_KEYS && !exec_on_reactor(x)) {
        mget_by_shard(x, count);
        return STATUS_OK;
    }
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

struct pairs {
    struct exec *x;
    uint32_t first; /* index of the first key in argv */
    int64_t expires_at_ms;
    enum status status; /* of the first that failed */
};

static void store_pair(void *argument, struct access *access, uint32_t index)
{
    (void)access; /* It is the call's own. */
    struct pairs *pairs = argument;
    struct value value = argument_value(pairs->x, pairs->first + 2 * index + 1);
    enum status status = string_store(pairs->x, index, &value, pairs->expires_at_ms);
    if (UNLIKELY(status != STATUS_OK && pairs->status == STATUS_OK)) {
        pairs->status = status;
    }
}

/* Stores under each key the argument behind its own. */
static enum status store_pairs(struct exec *x, uint32_t first, uint32_t count,
                               int64_t expires_at_ms)
{
    struct pairs pairs = {.x = x, .first = first, .expires_at_ms = expires_at_ms};
    if (count >= ARGUMENT_BATCH_KEYS) {
        access_each_by_shard(x->access, store_pair, &pairs);
        return pairs.status;
    }
    for (uint32_t i = 0; i < count; i++) {
        store_pair(&pairs, x->access, i);
    }
    return pairs.status;
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
