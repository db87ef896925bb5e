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

static enum status cut_install(struct exec *x, uint32_t key_index, struct cut_work *cut,
                               cut_answer *answer)
{
    struct value value = value_collection(cut->rest);
    cut->rest = NULL;
    enum status status = key_put(x->access, key_index, &value, KEY_KEEP_EXPIRY);
    if (status == STATUS_OK) {
        answer(x, cut->version, &cut->range);
    }
    return status;
}

static enum status cut_long(struct exec *x, uint32_t key_index, struct collection *zset,
                            const struct rank_range *range, cut_answer *answer)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct cut_work *cut = (struct cut_work *)x->work;
    if (cut != NULL && cut->version == zset && cut->range.rank == range->rank &&
        cut->range.count == range->count) {
        return cut_install(x, key_index, cut, answer);
    }
    exec_drop_work(x);
    cut = mem_alloc_zero(sizeof(*cut));
    cut->work = (struct exec_work){.run = cut_run, .free = cut_free};
    cut->version = collection_acquire(zset);
    cut->range = *range;
    x->work = &cut->work;
    if (x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    enum status status = cut_run(x, &cut->work);
    return status == STATUS_OK ? cut_install(x, key_index, cut, answer) : status;
}

enum status zset_cut(struct exec *x, uint32_t key_index, struct collection *zset,
                     const struct rank_range *range, cut_answer *answer)
{
    if (range->count == collection_count(zset)) {
        answer(x, zset, range);
        (void)key_delete(x->access, key_index); /* It is there. */
        return STATUS_OK;
    }
    if (range->count > ZSET_INLINE_COUNT) {
        return cut_long(x, key_index, zset, range, answer);
    }
    struct collection_edit edit;
    answer(x, zset, range);
    (void)edit_begin(x, key_index, VALUE_ZSET, NULL, &edit); /* It was just found. */
    zset_remove_range(edit.at, range->rank, range->count);
    return edit_end(x, &edit);
}
