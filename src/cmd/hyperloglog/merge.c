/* PFMERGE: several sketches into the first.
 *
 * Runs inside a WRITE access on all keys, the destination first. Many are merged on the pool from
 * references with no key held, and stored when the keys still hold those very bytes. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* A sparse or absent destination, through a copy. */
static enum status store_copy(struct exec *x, struct bytes sketch, const struct sketch_union *total)
{
    struct sketch_room room;
    enum status status = room_init(x, &room, sketch);
    if (status == STATUS_OK && total->has_dense) {
        status = room_make_dense(&room);
    }
    if (status == STATUS_OK && room.dense == NULL) {
        status = room_raise_all(&room, &total->registers);
    }
    if (status == STATUS_OK) {
        if (room.dense != NULL) {
            hll_dense_raise_all(room.dense->data, &total->registers);
        }
        status = room_store(x, &room, /* stale= */ true);
    }
    room_deinit(&room);
    return status;
}

static enum status store(struct exec *x, const struct sketch_union *total)
{
    struct value value;
    enum status status = sketch_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_OK && hll_encoding_of(value.bytes) == HLL_DENSE) {
        unsigned char *data;
        status = key_edit(x->access, 0, value.bytes.size, /* grow_ahead= */ false, &data);
        if (status == STATUS_OK) {
            hll_dense_raise_all(data, &total->registers);
            hll_uncache(data);
        }
    } else if (status == STATUS_OK || status == STATUS_ABSENT) {
        struct bytes sketch = status == STATUS_OK ? value.bytes : (struct bytes){0};
        status = store_copy(x, sketch, total);
    }
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_pfadd);
        reply_ok(x->reply);
    }
    return status;
}

struct merge_work {
    struct exec_work base;
    struct sketch_versions versions;
    struct sketch_union total;
};

static enum status merge_run(struct exec *x, struct exec_work *base)
{
    struct merge_work *work = (struct merge_work *)base;
    return union_of_versions(x, &work->versions, &work->total);
}

static void merge_free(struct exec_work *base, struct keyspace *keyspace)
{
    (void)keyspace; /* Nothing of it is held. */
    struct merge_work *work = (struct merge_work *)base;
    versions_release(&work->versions);
    mem_free(work);
}

static enum status merge_later(struct exec *x)
{
    struct merge_work *work = mem_alloc_zero(sizeof(*work));
    work->base = (struct exec_work){.run = merge_run, .free = merge_free};
    x->work = &work->base;
    enum status status = versions_take(x, &work->versions);
    return status == STATUS_OK ? STATUS_COMPUTE : status;
}

enum status cmd_pfmerge(struct exec *x)
{
    const struct merge_work *work = (struct merge_work *)x->work;
    if (work != NULL && versions_are_current(x, &work->versions)) {
        return store(x, &work->total);
    }
    exec_drop_work(x);
    if (x->access->key_count > SKETCHES_REACTOR_MAX && x->computes < EXEC_COMPUTES_MAX) {
        return exec_on_reactor(x) ? STATUS_TO_POOL : merge_later(x);
    }
    struct sketch_union total;
    enum status status = union_of_keys(x, &total);
    return status == STATUS_OK ? store(x, &total) : status;
}
