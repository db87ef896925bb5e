/* Reading hashes: HGET HMGET HEXISTS HSTRLEN HLEN HGETALL HKEYS HVALS.
 *
 * Run inside a READ access on one key. */
#include "common.h"
#include "pollard_commands.h"

/* The value of the field at argv[index]; false when there is none. */
static bool find(const struct exec *x, const struct collection *hash, uint32_t index,
                 struct item *ret_value)
{
    struct item_needle field;
    item_needle_init(&field, x->argv[index]);
    return hash_find(hash, &field, x->now_ms, ret_value);
}

enum status cmd_hget(struct exec *x)
{
    const struct collection *hash;
    struct item value;
    enum status status = hash_of_key(x, &hash);
    if (UNLIKELY(status == STATUS_WRONG_TYPE)) {
        return status;
    }
    if (status == STATUS_OK && find(x, hash, 2, &value)) {
        reply_item(x->reply, &value);
    } else {
        reply_null(x->reply);
    }
    return STATUS_OK;
}

enum status cmd_hmget(struct exec *x)
{
    const struct collection *hash;
    struct item value;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = hash_of_key(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        if (status == STATUS_OK && find(x, hash, i, &value)) {
            reply_item(x->reply, &value);
        } else {
            reply_null(x->reply);
        }
    }
    return STATUS_OK;
}

enum status cmd_hexists(struct exec *x)
{
    const struct collection *hash;
    struct item value;
    enum status status = hash_of_key(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK && find(x, hash, 2, &value) ? 1 : 0);
    return STATUS_OK;
}

enum status cmd_hstrlen(struct exec *x)
{
    const struct collection *hash;
    struct item value;
    enum status status = hash_of_key(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    bool is_found = status == STATUS_OK && find(x, hash, 2, &value);
    reply_integer(x->reply, is_found ? (int64_t)item_text_size(&value) : 0);
    return STATUS_OK;
}

enum status cmd_hlen(struct exec *x)
{
    const struct collection *hash;
    enum status status = hash_of_key(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK ? (int64_t)hash_count(hash, x->now_ms) : 0);
    return STATUS_OK;
}

static enum status reply_all(struct exec *x, enum stream_parts parts)
{
    struct collection *hash;
    uint64_t count = 0;
    enum status status = collection_find(x, 0, VALUE_HASH, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK) {
        count = hash_count(hash, x->now_ms);
    }
    if (parts == STREAM_PAIRS) {
        reply_map(x->reply, count);
    } else {
        reply_array(x->reply, count);
    }
    if (count > 0) {
        stream_elements(x, hash, &(struct stream){.parts = parts, .count = count});
    }
    return STATUS_OK;
}

enum status cmd_hgetall(struct exec *x)
{
    return reply_all(x, STREAM_PAIRS);
}

enum status cmd_hkeys(struct exec *x)
{
    return reply_all(x, STREAM_MEMBERS);
}

enum status cmd_hvals(struct exec *x)
{
    return reply_all(x, STREAM_VALUES);
}
