/* PFADD: elements into a sketch.
 *
 * Runs inside a WRITE access on one key. Most elements change nothing: that is found out without a
 * copy. A dense sketch is changed in place, a sparse one as a copy that replaces it. */
#include "common.h"
#include "pollard_commands.h"

/* Elements that a reactor may add in one call. Source: some 20 ns each. */
#define REACTOR_ELEMENTS_MAX 8192

static struct hll_sample sample_of(const struct exec *x, uint32_t index)
{
    return hll_sample_of(x->argv[index]);
}

static enum status add_to_dense(struct exec *x, struct bytes sketch)
{
    unsigned char *data = NULL;
    for (uint32_t i = 2; i < x->argc; i++) {
        struct hll_sample sample = sample_of(x, i);
        if (data != NULL) {
            (void)hll_dense_raise(data, sample); /* That something changed is known. */
            continue;
        }
        if (hll_dense_get(sketch.data, sample.index) >= sample.value) {
            continue;
        }
        enum status status = key_edit(x->access, 0, sketch.size, /* grow_ahead= */ false, &data);
        if (status != STATUS_OK) {
            return status;
        }
        (void)hll_dense_raise(data, sample);
        hll_uncache(data);
    }
    if (data != NULL) {
        key_event(x->access, 0, EVENT_pfadd);
    }
    reply_integer(x->reply, data != NULL);
    return STATUS_OK;
}

/* The elements from first on, into a copy, or into an empty sketch if there are no bytes. place:
 * where the first changes something; NULL if that is not known. */
static enum status add_to_copy(struct exec *x, struct bytes sketch, uint32_t first,
                               const struct hll_place *place)
{
    struct sketch_room room;
    enum status status = room_init(x, &room, sketch);
    bool changed = false;
    if (place != NULL && status == STATUS_OK &&
        hll_sparse_raise_at(room.sparse, &room.size, sample_of(x, first), place, room.size_max) ==
            HLL_RAISED) {
        changed = true;
        first++;
    }
    for (uint32_t i = first; i < x->argc && status == STATUS_OK; i++) {
        status = room_raise(&room, sample_of(x, i), &changed);
    }
    if (status == STATUS_OK) {
        status = room_store(x, &room, changed || sketch.size == 0);
    }
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_pfadd);
        reply_integer(x->reply, 1);
    }
    room_deinit(&room);
    return status;
}

static enum status add_to_sparse(struct exec *x, struct bytes sketch)
{
    for (uint32_t i = 2; i < x->argc; i++) {
        struct hll_place place;
        enum hll_result result = hll_sparse_find(sketch, sample_of(x, i), &place);
        if (result == HLL_CORRUPT) {
            return STATUS_HLL_CORRUPT;
        }
        if (result == HLL_RAISED) {
            return add_to_copy(x, sketch, i, &place);
        }
    }
    reply_integer(x->reply, 0);
    return STATUS_OK;
}

enum status cmd_pfadd(struct exec *x)
{
    if (exec_on_reactor(x) && x->argc > REACTOR_ELEMENTS_MAX) {
        return STATUS_TO_POOL;
    }
    struct value value;
    enum status status = sketch_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_ABSENT) {
        return add_to_copy(x, (struct bytes){0}, /* first= */ 2, NULL);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return hll_encoding_of(value.bytes) == HLL_DENSE ? add_to_dense(x, value.bytes)
                                                     : add_to_sparse(x, value.bytes);
}
