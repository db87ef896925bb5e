/* What the handlers of the HyperLogLog group share. */
#ifndef POLLARD_CMD_HYPERLOGLOG_COMMON_H
#define POLLARD_CMD_HYPERLOGLOG_COMMON_H

#include "../string/common.h"
#include "pollard/ds/hyperloglog.h"

/* Sketches that a reactor may merge in one call. Source: a dense one takes some 3 us. */
#define SKETCHES_REACTOR_MAX 16

/* The sketch under a key. flags as key_find. STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE,
 * STATUS_HLL_TYPE. Valid as long as the value. */
enum status sketch_find(struct exec *x, uint32_t key_index, uint32_t flags,
                        struct value *ret_value);

/* ---- A sparse sketch in change: a copy, until it is stored or becomes dense ---- */

struct sketch_room {
    unsigned char *sparse; /* room, or memory of its own */
    size_t size;
    size_t size_max;    /* of a sparse one, by the option */
    struct blob *dense; /* not NULL: it has become this */
    unsigned char room[4096];
};

/* Begins with a sparse sketch, or with an empty one if it has no bytes. STATUS_OK,
 * STATUS_HLL_CORRUPT. */
enum status room_init(const struct exec *x, struct sketch_room *room, struct bytes sketch);
void room_deinit(struct sketch_room *room);
/* Makes it dense. STATUS_OK, STATUS_HLL_CORRUPT, STATUS_ALLOCATION. */
enum status room_make_dense(struct sketch_room *room);
/* Sets *changed if the sample changes something. STATUS_OK, STATUS_HLL_CORRUPT, STATUS_ALLOCATION.
 */
enum status room_raise(struct sketch_room *room, struct hll_sample sample, bool *changed);
/* Raises all registers while it is sparse, and makes it dense when it must be: then the caller goes
 * on with that. STATUS_OK, STATUS_HLL_CORRUPT, STATUS_ALLOCATION. */
enum status room_raise_all(struct sketch_room *room, const struct hll_registers *registers);
/* Stores it under key 0, which keeps its expiry. stale: the cached estimate is no longer true.
 * STATUS_OK, STATUS_ALLOCATION. */
enum status room_store(struct exec *x, struct sketch_room *room, bool stale);

/* ---- Sketches of many keys ---- */

struct sketch_versions {
    uint32_t count;
    struct blob **blobs; /* empty ones of absent keys */
};

/* References to the bytes under all keys of the access. The caller ends it either way. STATUS_OK,
 * STATUS_WRONG_TYPE, STATUS_HLL_TYPE, STATUS_ALLOCATION. */
enum status versions_take(struct exec *x, struct sketch_versions *versions);
/* Do the keys still hold them? */
bool versions_are_current(struct exec *x, const struct sketch_versions *versions);
void versions_release(struct sketch_versions *versions);

/* Several sketches as one. */
struct sketch_union {
    struct hll_registers registers;
    bool has_dense;
};
/* STATUS_OK, STATUS_HLL_CORRUPT. */
enum status union_add(struct sketch_union *total, struct bytes sketch);
/* Of all keys of the access. STATUS_OK, STATUS_WRONG_TYPE, STATUS_HLL_TYPE, STATUS_HLL_CORRUPT. */
enum status union_of_keys(struct exec *x, struct sketch_union *total);
/* STATUS_OK, STATUS_HLL_CORRUPT; STATUS_REPLIED when nobody waits any more. */
enum status union_of_versions(struct exec *x, const struct sketch_versions *versions,
                              struct sketch_union *total);

#endif
