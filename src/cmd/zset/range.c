/* ZRANGE and the older commands it unites, and ZRANGESTORE.
 *
 * Run inside an access on one key (ZRANGESTORE: two). Every range is found as ranks in O(log n);
 * the elements are streamed from a version. */
#include "common.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

struct range_request {
    struct zset_range range;
    bool has_scores;
    bool is_store;
};

static enum status read_limit(const struct exec *x, uint32_t *index, struct range_request *request)
{
    if (*index + 2 >= x->argc) {
        return STATUS_SYNTAX;
    }
    if (argument_integer(x, *index + 1, &request->range.offset) != STATUS_OK ||
        argument_integer(x, *index + 2, &request->range.limit) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    *index += 2;
    return STATUS_OK;
}

/* An option that only ZRANGE and ZRANGESTORE have: kind and direction. */
static bool read_kind(const struct exec *x, uint32_t index, struct range_request *request)
{
    struct zset_range *range = &request->range;
    if (argument_is(x, index, "rev") && !range->is_reverse) {
        range->is_reverse = true;
    } else if (argument_is(x, index, "byscore") && range->kind == RANGE_RANK) {
        range->kind = RANGE_SCORE;
    } else if (argument_is(x, index, "bylex") && range->kind == RANGE_RANK) {
        range->kind = RANGE_LEX;
    } else {
        return false;
    }
    return true;
}

/* Options from index on. takes_kind: BYSCORE, BYLEX and REV are among them. */
static enum status read_options(const struct exec *x, uint32_t index, bool takes_kind,
                                struct range_request *request)
{
    for (; index < x->argc; index++) {
        if (argument_is(x, index, "withscores") && !request->is_store) {
            request->has_scores = true;
        } else if (argument_is(x, index, "limit")) {
            enum status status = read_limit(x, &index, request);
            if (status != STATUS_OK) {
                return status;
            }
        } else if (!takes_kind || !read_kind(x, index, request)) {
            return STATUS_SYNTAX;
        }
    }
    if (request->range.limit != -1 && request->range.kind == RANGE_RANK) {
        return STATUS_LIMIT_ALONE;
    }
    return request->has_scores && request->range.kind == RANGE_LEX ? STATUS_LEX_SCORES : STATUS_OK;
}

/* The bounds: a reverse range by score or text names the higher one first. */
static enum status read_bounds(const struct exec *x, uint32_t index, struct range_request *request)
{
    bool is_swapped = request->range.is_reverse && request->range.kind != RANGE_RANK;
    return is_swapped ? range_read(x, index + 1, index, &request->range)
                      : range_read(x, index, index + 1, &request->range);
}

static enum status answer(struct exec *x, const struct range_request *request)
{
    struct collection *zset = NULL;
    enum status status = collection_find(x, 0, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    struct rank_range range = range_find(zset, &request->range);
    reply_range(x, zset, &range, request->range.is_reverse, request->has_scores);
    return STATUS_OK;
}

static enum status range_command(struct exec *x, enum range_kind kind, bool is_reverse,
                                 bool takes_kind)
{
    struct range_request request = {.range = {.kind = kind, .is_reverse = is_reverse, .limit = -1}};
    enum status status = read_options(x, 4, takes_kind, &request);
    if (status == STATUS_OK) {
        status = read_bounds(x, 2, &request);
    }
    return status == STATUS_OK ? answer(x, &request) : status;
}

enum status cmd_zrange(struct exec *x)
{
    return range_command(x, RANGE_RANK, /* is_reverse= */ false, /* takes_kind= */ true);
}

enum status cmd_zrevrange(struct exec *x)
{
    return range_command(x, RANGE_RANK, /* is_reverse= */ true, /* takes_kind= */ false);
}

enum status cmd_zrangebyscore(struct exec *x)
{
    return range_command(x, RANGE_SCORE, /* is_reverse= */ false, /* takes_kind= */ false);
}

enum status cmd_zrevrangebyscore(struct exec *x)
{
    return range_command(x, RANGE_SCORE, /* is_reverse= */ true, /* takes_kind= */ false);
}

enum status cmd_zrangebylex(struct exec *x)
{
    return range_command(x, RANGE_LEX, /* is_reverse= */ false, /* takes_kind= */ false);
}

enum status cmd_zrevrangebylex(struct exec *x)
{
    return range_command(x, RANGE_LEX, /* is_reverse= */ true, /* takes_kind= */ false);
}

/* ---- ZRANGESTORE ---- */

struct store_work {
    struct exec_work work; /* first */
    struct collection *version;
    struct collection *result;
    struct rank_range range;
};

static enum status store_run(struct exec *x, struct exec_work *work)
{
    struct store_work *store = (struct store_work *)work;
    struct collection_cursor cursor;
    struct element element;
    store->result = zset_create();
    collection_cursor_begin(&cursor, store->version,
                            &(struct cursor_start){.rank = store->range.rank});
    for (uint64_t i = 0; i < store->range.count; i++) {
        check(collection_cursor_next(&cursor, &element));
        (void)zset_put(&store->result, &x->services->value_limits, &element.member, element.score);
        if (i % ZSET_INLINE_COUNT == ZSET_INLINE_COUNT - 1 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static void store_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct store_work *store = (struct store_work *)work;
    keyspace_discard_collection(keyspace, store->version);
    keyspace_discard_collection(keyspace, store->result);
    mem_free(store);
}

static enum status store_install(struct exec *x, struct store_work *store)
{
    struct collection *result = store->result;
    int64_t count = (int64_t)store->range.count;
    store->result = NULL;
    enum status status = collection_store(x, 0, result, EVENT_zrangestore);
    if (status == STATUS_OK) {
        reply_integer(x->reply, count);
    }
    exec_drop_work(x);
    return status;
}

static enum status store_range(struct exec *x, struct collection *zset,
                               const struct rank_range *range)
{
    struct store_work *store = (struct store_work *)x->work;
    if (store != NULL && store->version == zset) {
        return store_install(x, store);
    }
    bool is_long = range->count > ZSET_INLINE_COUNT;
    if (is_long && exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    exec_drop_work(x);
    store = mem_alloc_zero(sizeof(*store));
    store->work = (struct exec_work){.run = store_run, .free = store_free};
    store->version = collection_acquire(zset);
    store->range = *range;
    x->work = &store->work;
    if (is_long && x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    enum status status = store_run(x, &store->work);
    return status == STATUS_OK ? store_install(x, store) : status;
}

enum status cmd_zrangestore(struct exec *x)
{
    struct collection *zset = NULL;
    struct range_request request = {.range = {.limit = -1}, .is_store = true};
    enum status status = read_options(x, 5, /* takes_kind= */ true, &request);
    if (status == STATUS_OK) {
        status = read_bounds(x, 3, &request);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = collection_find(x, 1, VALUE_ZSET, &zset);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    struct rank_range range = range_find(zset, &request.range);
    if (range.count == 0) {
        (void)key_remove(x, 0); /* Whether there was one does not matter. */
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    return store_range(x, zset, &range);
}
