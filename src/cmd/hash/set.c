/* Writing hashes: HSET HMSET HSETNX HDEL.
 *
 * Run inside a WRITE access on one key. A field that is written loses its TTL. */
#include "common.h"
#include "pollard_commands.h"

/* Sets all pairs from argv[2] on. */
static enum status set_pairs(struct exec *x, int64_t *ret_fresh)
{
    struct collection_edit edit;
    bool is_new = false;
    if (x->argc % 2 != 0) {
        return argument_refuse_count(x);
    }
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = hash_edit(x, &edit);
    if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    *ret_fresh = 0;
    for (uint32_t i = 2; i < x->argc && status == STATUS_OK; i += 2) {
        status = hash_set_pair(x, edit.at, &(struct hash_pair){.index = i}, &is_new);
        *ret_fresh += is_new ? 1 : 0;
    }
    enum status end = edit_end(x, &edit, EVENT_hset);
    return UNLIKELY(status != STATUS_OK) ? status : end;
}

enum status cmd_hset(struct exec *x)
{
    int64_t fresh;
    enum status status = set_pairs(x, &fresh);
    if (LIKELY(status == STATUS_OK)) {
        reply_integer(x->reply, fresh);
    }
    return status;
}

enum status cmd_hmset(struct exec *x)
{
    int64_t fresh;
    enum status status = set_pairs(x, &fresh);
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}

enum status cmd_hsetnx(struct exec *x)
{
    const struct collection *hash;
    struct collection_edit edit;
    struct item_needle field;
    struct item value;
    bool is_new;
    enum status status = hash_look(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    item_needle_init(&field, x->argv[2]);
    if (status == STATUS_OK && hash_find(hash, &field, x->now_ms, &value)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    status = hash_edit(x, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    status = hash_set_pair(x, edit.at, &(struct hash_pair){.index = 2}, &is_new);
    enum status end = edit_end(x, &edit, status == STATUS_OK ? EVENT_hset : EDIT_TELLS_NOTHING);
    status = status != STATUS_OK ? status : end;
    if (status == STATUS_OK) {
        reply_integer(x->reply, 1);
    }
    return status;
}

enum status cmd_hdel(struct exec *x)
{
    struct collection_edit edit;
    struct item_needle field;
    int64_t removed = 0;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = edit_begin(x, 0, VALUE_HASH, /* fresh= */ NULL, &edit);
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t held = collection_count(*edit.at);
    for (uint32_t i = 2; i < x->argc && collection_count(*edit.at) > 0; i++) {
        item_needle_init(&field, x->argv[i]);
        removed += hash_remove(edit.at, &field, x->now_ms) ? 1 : 0;
    }
    if (held - collection_count(*edit.at) > (uint64_t)removed) {
        key_event(x->access, 0, EVENT_hexpired); /* Fields that were over went, too. */
    }
    status = edit_end(x, &edit, removed > 0 ? EVENT_hdel : EDIT_TELLS_NOTHING);
    reply_integer(x->reply, removed);
    return status;
}
