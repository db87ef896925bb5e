/* Sets.
 *
 *   small INTSET      sorted integers of 2, 4 or 8 bytes each (form is the width)
 *   small LISTPACK    packed members in order of insertion
 *   large HASHTABLE   a map of names
 *
 * Floor 2: no keys, no locks, no clock. */
#ifndef POLLARD_VALUE_SET_H
#define POLLARD_VALUE_SET_H

#include "pollard/value/collection.h"

/* An empty one; the caller's reference. */
ATTR_MUST_USE struct collection *set_create(void);

/* Is it a member? O(1); O(log n) of integers, O(n) of a small one. */
bool set_has(const struct collection *set, const struct item *member);
/* The same for a needle at hand. */
bool set_find(const struct collection *set, const struct item_needle *member);
/* The rank-th member in the order of the walk; rank < count. Picks by rank are fair. The view is
 * valid until the set is changed. O(log n), or O(n) of a small one. */
void set_at(const struct collection *set, uint64_t rank, struct item *ret_member);
/* SSCAN: as map_scan; a small set is visited whole. Returns the next cursor. */
typedef void set_visitor(void *argument, const struct item *member);
uint64_t set_scan(const struct collection *set, uint64_t cursor, uint64_t count, set_visitor *visit,
                  void *argument);

/* ---- Changing: of a set that is the caller's alone (collection_own) ---- */

/* True when it is new. A member longer than ITEM_EMBED_MAX has its blob (item_make), which is
 * acquired. O(1), or O(n) of a small one. */
bool set_add(struct collection **set, const struct value_limits *limits, const struct item *member);
/* False when it was not there. */
bool set_remove(struct collection **set, const struct item_needle *member);
/* Removes the member that set_at has just told of the rank; a large one is not counted through
 * again. */
void set_remove_at(struct collection **set, uint64_t rank, const struct item *member);

/* ---- Integers, for the set operations ---- */

static inline bool set_is_intset(const struct collection *set)
{
    return set->encoding == ENCODING_INTSET;
}
/* The index-th integer of an intset. */
int64_t intset_get(const struct collection *set, uint32_t index);
/* Members of both intsets, into out (room for the smaller one's count) unless it is NULL; returns
 * how many, at most limit. O(a + b), or O(a log b) when one is much smaller. */
uint32_t intset_intersect(const struct collection *a, const struct collection *b, uint32_t limit,
                          int64_t *out);

#endif
