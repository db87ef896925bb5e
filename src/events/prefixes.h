/* Sets of prefixes in the order (size, bytes), so that those of a key are found by one search for
 * each different size. Private to the room. */
#ifndef POLLARD_EVENTS_PREFIXES_H
#define POLLARD_EVENTS_PREFIXES_H

#include "pollard/base/bytes.h"
#include "pollard/base/thread.h"
#include <assert.h>
#include <stdatomic.h>

/* Begins what a set holds. */
struct prefix {
    struct bytes text;
};

/* Where in the array the prefix stands, or would. */
size_t prefix_place(struct prefix *const *prefixes, size_t count, struct bytes text);
/* Is it the one at place? */
static inline bool prefix_is_at(struct prefix *const *prefixes, size_t count, size_t place,
                                struct bytes text)
{
    return place < count && bytes_equal(prefixes[place]->text, text);
}
/* Visits every prefix that the key begins with. O(log n) for each different size. */
typedef void prefix_visitor(void *argument, struct prefix *prefix);
void prefixes_match(struct prefix *const *prefixes, size_t count, struct bytes key,
                    prefix_visitor *visit, void *argument);

struct reactor_set {
    uint64_t bits[THREADS_MAX / 64];
};
static inline bool reactor_set_has(const struct reactor_set *set, uint32_t reactor)
{
    return (set->bits[reactor / 64] >> (reactor % 64) & 1) != 0;
}
static inline void reactor_set_add(struct reactor_set *set, uint32_t reactor)
{
    set->bits[reactor / 64] |= UINT64_C(1) << (reactor % 64);
}

/* A prefix that any thread may look at: on which reactors there are clients for it. */
struct shared_prefix {
    struct prefix prefix; /* first */
    struct shared_prefix *next_dropped;
    _Atomic uint64_t bits[THREADS_MAX / 64];
    unsigned char text[];
};

/* Published as a whole, never changed but for the bits. */
struct prefix_set {
    size_t count;
    struct prefix *prefixes[]; /* shared_prefix */
};
/* Adds the reactors that have clients for prefixes of the key. NULL: no prefixes. */
void prefix_set_match(const struct prefix_set *set, struct bytes key, struct reactor_set *reactors);
/* The set after the prefixes of one reactor have become others, with those of old that nobody wants
 * any more for prefix_set_end, when no thread looks at old. */
struct prefix_change {
    const struct prefix_set *old; /* NULL: empty */
    struct prefix_set *fresh;     /* NULL: empty */
    struct shared_prefix *dropped;
};
void prefix_set_begin(struct prefix_change *change, uint32_t reactor,
                      struct prefix *const *prefixes, size_t count);
void prefix_set_end(struct prefix_change *change);

#endif
