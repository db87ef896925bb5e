/* PFCOUNT: how many different elements one sketch has seen, or several together.
 *
 * Runs inside a WRITE access: the estimate of one is kept in its header. Many sketches are merged
 * on the pool from references, with no key held. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

static enum status count_one(struct exec *x)
{
    struct value value;
    enum status status = sketch_find(x, 0, 0, &value);
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t count;
    if (!hll_cached(value.bytes, &count)) {
        if (!hll_count(value.bytes, &count)) {
            return STATUS_HLL_CORRUPT;
        }
        unsigned char *data;
        status = key_edit(x->access, 0, value.bytes.size, /* grow_ahead= */ false, &data);
        if (status != STATUS_OK) {
            return status;
        }
        hll_cache(data, count);
        key_event_unnamed(x->access, 0); /* Whoever reads it as a string sees it. */
    }
    reply_integer(x->reply, (int64_t)count);
    return STATUS_OK;
}

struct count_work {
    struct exec_work base;
    struct sketch_versions versions;
};

static enum status count_run(struct exec *x, struct exec_work *base)
{
    const struct count_work *work = (struct count_work *)base;
    struct sketch_union total;
    enum status status = union_of_versions(x, &work->versions, &total);
    if (status != STATUS_OK) {
        return status;
    }
    reply_integer(x->reply, (int64_t)hll_count_registers(&total.registers));
    return STATUS_REPLIED;
}

static void count_free(struct exec_work *base, struct keyspace *keyspace)
{
    (void)keyspace; /* Nothing of it is held. */
    struct count_work *work = (struct count_work *)base;
    versions_release(&work->versions);
    mem_free(work);
}

static enum status count_later(struct exec *x)
{
    struct count_work *work = mem_alloc_zero(sizeof(*work));
    work->base = (struct exec_work){.run = count_run, .free = count_free};
    x->work = &work->base;
    enum status status = versions_take(x, &work->versions);
    return status == STATUS_OK ? STATUS_COMPUTE : status;
}

enum status cmd_pfcount(struct exec *x)
{
    if (x->argc == 2) {
        return count_one(x);
    }
    if (x->access->key_count > SKETCHES_REACTOR_MAX) {
        return exec_on_reactor(x) ? STATUS_TO_POOL : count_later(x);
    }
    struct sketch_union total;
    enum status status = union_of_keys(x, &total);
    if (status == STATUS_OK) {
        reply_integer(x->reply, (int64_t)hll_count_registers(&total.registers));
    }
    return status;
}
