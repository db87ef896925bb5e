/* ZPOPMIN ZPOPMAX ZMPOP. Run inside an access on their keys; long ones on the pool (cut.c). */
#include "../blocking.h"
#include "common.h"
#include "pollard_commands.h"

/* The count elements at one end. */
static struct rank_range end_range(const struct collection *zset, bool is_max, uint64_t count)
{
    uint64_t size = collection_count(zset);
    count = count < size ? count : size;
    return (struct rank_range){is_max ? size - count : 0, count};
}

static enum key_event pop_event(bool is_max)
{
    return is_max ? EVENT_zpopmax : EVENT_zpopmin;
}

/* One element, the commonest: member and score, flat in both protocols. */
static enum status pop_one(struct exec *x, bool is_max)
{
    struct collection_edit edit;
    struct element element;
    enum status status = edit_begin(x, 0, VALUE_ZSET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    uint64_t rank = is_max ? collection_count(*edit.at) - 1 : 0;
    zset_at(*edit.at, rank, &element);
    reply_array(x->reply, 2);
    reply_item(x->reply, &element.member);
    reply_double(x->reply, element.score);
    zset_remove_range(edit.at, rank, 1);
    return edit_end(x, &edit, pop_event(is_max));
}

static void answer_min(struct exec *x, struct collection *before, const struct rank_range *range)
{
    reply_range(x, before, range, /* is_reverse= */ false, /* has_scores= */ true);
}

static void answer_max(struct exec *x, struct collection *before, const struct rank_range *range)
{
    reply_range(x, before, range, /* is_reverse= */ true, /* has_scores= */ true);
}

static enum status pop(struct exec *x, bool is_max)
{
    struct collection *zset;
    int64_t count;
    if (x->argc == 2) {
        return pop_one(x, is_max);
    }
    if (x->argc > 3) {
        return STATUS_SYNTAX;
    }
    if (argument_integer(x, 2, &count) != STATUS_OK || count < 0) {
        return STATUS_NOT_POSITIVE;
    }
    enum status status = collection_look(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT || count == 0) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    const struct zset_cut cut = {.range = end_range(zset, is_max, (uint64_t)count),
                                 .event = pop_event(is_max),
                                 .answer = is_max ? answer_max : answer_min};
    return zset_cut(x, zset, &cut);
}

enum status cmd_zpopmin(struct exec *x)
{
    return pop(x, /* is_max= */ false);
}

enum status cmd_zpopmax(struct exec *x)
{
    return pop(x, /* is_max= */ true);
}

/* ---- ZMPOP ---- */

struct mpop {
    uint32_t keys;
    bool is_max;
    int64_t count;
};

/* first: where the number of keys stands. */
static enum status read_mpop(const struct exec *x, uint32_t first, struct mpop *mpop)
{
    int64_t keys;
    if (argument_integer(x, first, &keys) != STATUS_OK || keys < 1 || keys > INT32_MAX) {
        return STATUS_NUMKEYS;
    }
    if (keys > (int64_t)x->argc - first - 2) {
        return STATUS_SYNTAX;
    }
    uint32_t i = (uint32_t)keys + first + 1;
    mpop->keys = (uint32_t)keys;
    mpop->is_max = argument_is(x, i, "max");
    mpop->count = 1;
    if (!mpop->is_max && !argument_is(x, i, "min")) {
        return STATUS_SYNTAX;
    }
    if (++i == x->argc) {
        return STATUS_OK;
    }
    if (!argument_is(x, i, "count") || i + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    if (argument_integer(x, i + 1, &mpop->count) != STATUS_OK || mpop->count < 1) {
        return STATUS_COUNT_NOT_POSITIVE;
    }
    return i + 2 == x->argc ? STATUS_OK : STATUS_SYNTAX;
}

/* [key, [[member, score], ...]] in both protocols. */
static void answer_mpop(struct exec *x, struct collection *before, const struct rank_range *range,
                        bool is_max)
{
    uint64_t size = collection_count(before);
    reply_array(x->reply, range->count);
    const struct stream stream = {
        .parts = STREAM_PAIRED_SCORES,
        .rank = is_max ? size - range->rank - range->count : range->rank,
        .count = range->count,
        .is_reverse = is_max,
    };
    stream_elements(x, before, &stream);
}

/* The name of the key that is popped from goes first. */
static void reply_key(struct exec *x)
{
    const struct exec_range range = exec_wait_keys(x, x->access->key_count);
    reply_array(x->reply, 2);
    for (uint32_t i = range.begin; i < range.end; i++) {
        struct value value;
        if (key_find(x->access, i, KEY_QUIET, &value) && value.type == VALUE_ZSET) {
            reply_bulk(x->reply, x->access->keys[i].name);
            return;
        }
    }
}

static void answer_mpop_min(struct exec *x, struct collection *before,
                            const struct rank_range *range)
{
    reply_key(x);
    answer_mpop(x, before, range, /* is_max= */ false);
}

static void answer_mpop_max(struct exec *x, struct collection *before,
                            const struct rank_range *range)
{
    reply_key(x);
    answer_mpop(x, before, range, /* is_max= */ true);
}

/* Pops from the first sorted set there is in the range of keys. STATUS_ABSENT: there is none. */
static enum status pop_first(struct exec *x, const struct exec_range *range,
                             const struct mpop *mpop)
{
    for (uint32_t i = range->begin; i < range->end; i++) {
        struct collection *zset;
        enum status status = collection_look(x, i, VALUE_ZSET, &zset);
        if (status == STATUS_WRONG_TYPE) {
            return status;
        }
        if (status == STATUS_OK) {
            const struct zset_cut cut = {
                .key_index = i,
                .range = end_range(zset, mpop->is_max, (uint64_t)mpop->count),
                .event = pop_event(mpop->is_max),
                .answer = mpop->is_max ? answer_mpop_max : answer_mpop_min,
            };
            return zset_cut(x, zset, &cut);
        }
    }
    return STATUS_ABSENT;
}

enum status cmd_zmpop(struct exec *x)
{
    struct mpop mpop;
    enum status status = read_mpop(x, 1, &mpop);
    if (status != STATUS_OK) {
        return status;
    }
    const struct exec_range range = {0, mpop.keys};
    status = pop_first(x, &range, &mpop);
    if (status == STATUS_ABSENT) {
        reply_null_array(x->reply);
        return STATUS_OK;
    }
    return status;
}

enum status cmd_bzmpop(struct exec *x)
{
    struct mpop mpop;
    struct exec_wait wait = {.type = VALUE_ZSET, .null_is_array = true};
    enum status status = read_mpop(x, 2, &mpop);
    if (status != STATUS_OK) {
        return status;
    }
    status = argument_timeout(x, 1, &wait.timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    wait.key_count = mpop.keys;
    const struct exec_range range = exec_wait_keys(x, mpop.keys);
    status = pop_first(x, &range, &mpop);
    return status == STATUS_ABSENT ? exec_wait(x, &wait) : status;
}

static enum key_event take_member(struct exec *x, uint32_t key_index, struct collection **at,
                                  int end)
{
    bool is_max = end != 0;
    struct element element;
    uint64_t rank = is_max ? collection_count(*at) - 1 : 0;
    zset_at(*at, rank, &element);
    reply_array(x->reply, 3);
    reply_bulk(x->reply, x->access->keys[key_index].name);
    reply_item(x->reply, &element.member);
    reply_double(x->reply, element.score);
    zset_remove_range(at, rank, 1);
    return pop_event(is_max);
}

enum status cmd_bzpopmin(struct exec *x)
{
    return blocking_pop_first(x, VALUE_ZSET, take_member, /* end= */ 0);
}

enum status cmd_bzpopmax(struct exec *x)
{
    return blocking_pop_first(x, VALUE_ZSET, take_member, /* end= */ 1);
}
