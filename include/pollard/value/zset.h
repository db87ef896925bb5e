/* Sorted sets: members with scores, ordered by score, and by text where scores are equal.
 *
 *   small LISTPACK    packed pairs of member and score, in order
 *   large SKIPLIST    a tree of (score, member), and a map of member to score
 *
 * Scores are doubles but for NaN. The two zeroes are equal; a small one has 0 only.
 *
 * Floor 2: no keys, no locks, no clock. */
#ifndef POLLARD_VALUE_ZSET_H
#define POLLARD_VALUE_ZSET_H

#include "pollard/value/collection.h"

/* An empty one; the caller's reference. */
ATTR_MUST_USE struct collection *zset_create(void);

/* The member's score; false when it is not there. O(1), or O(n) of a small one. */
bool zset_score(const struct collection *zset, const struct item_needle *member, double *ret_score);
/* The member's place from the lowest, and its score (both may be NULL). O(log n), or O(n) of a
 * small one. */
bool zset_rank(const struct collection *zset, const struct item_needle *member, uint64_t *ret_rank,
               double *ret_score);
/* The rank-th element, rank < count; valid until the set is changed. O(log n), or O(n) of a small
 * one. */
void zset_at(const struct collection *zset, uint64_t rank, struct element *ret_element);
/* How many have a lower score; with after: a lower or equal one. */
uint64_t zset_rank_of_score(const struct collection *zset, double score, bool after);
/* How many come before the text, or with after: before or at it, where all have the same score. */
uint64_t zset_rank_of_text(const struct collection *zset, const struct item *text, bool after);
/* ZSCAN: as map_scan; a small one is visited whole. Returns the next cursor. */
typedef void zset_visitor(void *argument, const struct element *element);
uint64_t zset_scan(const struct collection *zset, uint64_t cursor, uint64_t count,
                   zset_visitor *visit, void *argument);

/* ---- Changing: of a sorted set that is the caller's alone (collection_own) ---- */

enum zset_change { ZSET_ADDED, ZSET_MOVED, ZSET_SAME };

/* Gives the member that score. One longer than ITEM_EMBED_MAX has its blob (item_make), which is
 * acquired. O(log n), or O(n) of a small one. */
enum zset_change zset_put(struct collection **zset, const struct value_limits *limits,
                          const struct item *member, double score);
/* False when it was not there. */
bool zset_remove(struct collection **zset, const struct item_needle *member);
/* Takes count elements from rank on out. O(count). */
void zset_remove_range(struct collection **zset, uint64_t rank, uint64_t count);

#endif
