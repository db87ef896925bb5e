/* ZREM and ZREMRANGEBY*. Run inside an access on one key; long ranges on the pool (cut.c). */
#include "common.h"
#include "pollard_commands.h"

enum status cmd_zrem(struct exec *x)
{
    struct collection_edit edit;
    int64_t removed = 0;
    enum status status = edit_begin(x, 0, VALUE_ZSET, NULL, &edit);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK) {
        for (uint32_t i = 2; i < x->argc && collection_count(*edit.at) > 0; i++) {
            struct item_needle member;
            item_needle_init(&member, x->argv[i]);
            removed += zset_remove(edit.at, &member);
        }
        status = edit_end(x, &edit, removed > 0 ? EVENT_zrem : EDIT_TELLS_NOTHING);
    }
    reply_integer(x->reply, removed);
    return STATUS_OK;
}

static void answer(struct exec *x, struct collection *before, const struct rank_range *range)
{
    reply_integer(x->reply, (int64_t)range->count);
}

static enum status remove_range(struct exec *x, enum range_kind kind)
{
    static const enum key_event events[] = {[RANGE_RANK] = EVENT_zremrangebyrank,
                                            [RANGE_SCORE] = EVENT_zremrangebyscore,
                                            [RANGE_LEX] = EVENT_zremrangebylex};
    struct collection *zset = NULL;
    struct zset_range range = {.kind = kind, .limit = -1};
    enum status status = range_read(x, 2, 3, &range);
    if (status != STATUS_OK) {
        return status;
    }
    status = collection_look(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    const struct zset_cut cut = {
        .range = range_find(zset, &range), .event = events[kind], .answer = answer};
    if (cut.range.count == 0) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    return zset_cut(x, zset, &cut);
}

enum status cmd_zremrangebyrank(struct exec *x)
{
    return remove_range(x, RANGE_RANK);
}

enum status cmd_zremrangebyscore(struct exec *x)
{
    return remove_range(x, RANGE_SCORE);
}

enum status cmd_zremrangebylex(struct exec *x)
{
    return remove_range(x, RANGE_LEX);
}
