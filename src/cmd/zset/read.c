/* Reading single members and counts: ZCARD ZSCORE ZMSCORE ZRANK ZREVRANK ZCOUNT ZLEXCOUNT. Run
 * inside a READ access on one key. */
#include "common.h"
#include "pollard_commands.h"

enum status cmd_zcard(struct exec *x)
{
    struct collection *zset;
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK ? (int64_t)collection_count(zset) : 0);
    return STATUS_OK;
}

static void reply_score(struct exec *x, const struct collection *zset, struct bytes text)
{
    struct item_needle member;
    double score;
    item_needle_init(&member, text);
    if (zset != NULL && zset_score(zset, &member, &score)) {
        reply_double(x->reply, score);
    } else {
        reply_null(x->reply);
    }
}

enum status cmd_zscore(struct exec *x)
{
    struct collection *zset = NULL;
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_score(x, zset, x->argv[2]);
    return STATUS_OK;
}

enum status cmd_zmscore(struct exec *x)
{
    struct collection *zset = NULL;
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        reply_score(x, zset, x->argv[i]);
    }
    return STATUS_OK;
}

static enum status rank(struct exec *x, bool is_reverse)
{
    struct collection *zset = NULL;
    struct item_needle member;
    uint64_t place;
    double score;
    bool has_score = x->argc == 4;
    if (x->argc > 4 || (has_score && !argument_is(x, 3, "withscore"))) {
        return STATUS_SYNTAX;
    }
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    item_needle_init(&member, x->argv[2]);
    if (zset == NULL || !zset_rank(zset, &member, &place, &score)) {
        if (has_score) {
            reply_null_array(x->reply);
        } else {
            reply_null(x->reply);
        }
        return STATUS_OK;
    }
    if (is_reverse) {
        place = collection_count(zset) - 1 - place;
    }
    if (has_score) {
        reply_array(x->reply, 2);
    }
    reply_integer(x->reply, (int64_t)place);
    if (has_score) {
        reply_double(x->reply, score);
    }
    return STATUS_OK;
}

enum status cmd_zrank(struct exec *x)
{
    return rank(x, /* is_reverse= */ false);
}

enum status cmd_zrevrank(struct exec *x)
{
    return rank(x, /* is_reverse= */ true);
}

static enum status count(struct exec *x, enum range_kind kind)
{
    struct collection *zset = NULL;
    struct zset_range range = {.kind = kind, .limit = -1};
    enum status status = range_read(x, 2, 3, &range);
    if (status != STATUS_OK) {
        return status;
    }
    status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, (int64_t)range_find(zset, &range).count);
    return STATUS_OK;
}

enum status cmd_zcount(struct exec *x)
{
    return count(x, RANGE_SCORE);
}

enum status cmd_zlexcount(struct exec *x)
{
    return count(x, RANGE_LEX);
}
