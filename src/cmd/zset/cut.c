/* Taking a range out of a sorted set: in the access, or on the pool from a version.
 *
 * A long range is taken out of a copy that shares the version's nodes, with no key held; the copy
 * is installed if the key still has that version. */
#include "common.h"
#include "pollard/base/mem.h"

struct cut_work {
    struct exec_work work; /* first */
    struct collection *version;
    struct collection *rest;
    struct rank_range range;
};

static enum status cut_run(struct exec *x, struct exec_work *work)
{
    struct cut_work *cut = (struct cut_work *)work;
    cut->rest = collection_acquire(cut->version);
    collection_own(&cut->rest);
    /* From its end: what is left to do keeps its ranks. */
    uint64_t left = cut->range.count;
    while (left > 0) {
        uint64_t slice = left < ZSET_INLINE_COUNT ? left : ZSET_INLINE_COUNT;
        left -= slice;
        zset_remove_range(&cut->rest, cut->range.rank + left, slice);
        if (exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static void cut_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct cut_work *cut = (struct cut_work *)work;
    keyspace_discard_collection(keyspace, cut->version);
    keyspace_discard_collection(keyspace, cut->rest);
    mem_free(cut);
}

static enum status cut_install(struct exec *x, struct cut_work *work, const struct zset_cut *cut)
{
    struct value value = value_collection(work->rest);
    work->rest = NULL;
    enum status status = key_update(x->access, cut->key_index, &value, KEY_KEEP_EXPIRY);
    if (status == STATUS_OK) {
        key_event(x->access, cut->key_index, cut->event);
        cut->answer(x, work->version, &cut->range);
    }
    return status;
}

static enum status cut_long(struct exec *x, struct collection *zset, const struct zset_cut *cut)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct cut_work *work = (struct cut_work *)x->work;
    if (work != NULL && work->version == zset && work->range.rank == cut->range.rank &&
        work->range.count == cut->range.count) {
        return cut_install(x, work, cut);
    }
    exec_drop_work(x);
    work = mem_alloc_zero(sizeof(*work));
    work->work = (struct exec_work){.run = cut_run, .free = cut_free};
    work->version = collection_acquire(zset);
    work->range = cut->range;
    x->work = &work->work;
    if (x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    enum status status = cut_run(x, &work->work);
    return status == STATUS_OK ? cut_install(x, work, cut) : status;
}

enum status zset_cut(struct exec *x, struct collection *zset, const struct zset_cut *cut)
{
    const struct rank_range *range = &cut->range;
    if (range->count == collection_count(zset)) {
        cut->answer(x, zset, range);
        key_event(x->access, cut->key_index, cut->event);
        (void)key_remove(x, cut->key_index); /* It is there. */
        return STATUS_OK;
    }
    if (range->count > ZSET_INLINE_COUNT) {
        return cut_long(x, zset, cut);
    }
    struct collection_edit edit;
    cut->answer(x, zset, range);
    (void)edit_begin(x, cut->key_index, VALUE_ZSET, NULL, &edit); /* It was just found. */
    zset_remove_range(edit.at, range->rank, range->count);
    return edit_end(x, &edit, cut->event);
}
