/* ZRANDMEMBER. Runs inside a READ access on one key. */
#include "../member_draw.h"
#include "pollard/base/hash.h"
#include "pollard/value/zset.h"
#include "pollard_commands.h"

static enum status draw_count(struct exec *x, bool has_scores)
{
    struct collection *zset;
    int64_t count;
    if (argument_integer(x, 2, &count) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (count == INT64_MIN) {
        return STATUS_BETWEEN_INT64;
    }
    if (x->argc > 4 || (has_scores && !argument_is(x, 3, "withscores"))) {
        return STATUS_SYNTAX;
    }
    if (has_scores && (count < -(INT64_MAX / 2) || count > INT64_MAX / 2)) {
        return STATUS_OUT_OF_RANGE;
    }
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT || count == 0) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    const struct member_draw draw = {
        .at = zset_at, .parts = has_scores ? STREAM_SCORES : STREAM_MEMBERS, .count = count};
    member_draw(x, zset, &draw);
    return STATUS_OK;
}

enum status cmd_zrandmember(struct exec *x)
{
    struct collection *zset;
    struct element element;
    if (x->argc >= 3) {
        return draw_count(x, x->argc >= 4);
    }
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    zset_at(zset, random_below(collection_count(zset)), &element);
    reply_item(x->reply, &element.member);
    return STATUS_OK;
}
