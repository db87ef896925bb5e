/* Hashes: fields with values, and fields with a time to live.
 *
 *   small, form PAIRS     field value field value ...             LISTPACK, in order of insertion
 *   small, form TRIPLES   field value expiry field ...            LISTPACKEX: once a field has a
 * TTL large                 {map field -> value, pointer to         HASHTABLE {map field -> expiry,
 * tree (expiry, field)} or NULL}
 *
 * A hash none of whose fields has a TTL spends nothing on TTLs. Expiries are absolute ms. A field
 * whose expiry is at or before now_ms is over: for every operation here it is not there, but it
 * takes memory until hash_reap or a write of the field removes it.
 *
 * Floor 2: no keys, no locks, no clock. */
#ifndef POLLARD_VALUE_HASH_H
#define POLLARD_VALUE_HASH_H

#include "pollard/value/collection.h"

#define HASH_NO_EXPIRY INT64_C(-1)
#define HASH_NO_FIELD INT64_C(-2)
/* hash_next_expiry of a hash without TTLs. */
#define HASH_NEVER INT64_MAX

/* An empty small one; the caller's reference. */
ATTR_MUST_USE struct collection *hash_create(void);

/* ---- Reading ---- */

/* Fields that are not over. O(1); with TTLs O(log n), or O(fields) of a small one. */
uint64_t hash_count(const struct collection *hash, int64_t now_ms);
/* The field's value, valid until the hash is changed; false when it is not there. O(1). */
bool hash_find(const struct collection *hash, const struct item_needle *field, int64_t now_ms,
               struct item *ret_value);
/* The field's expiry, HASH_NO_EXPIRY or HASH_NO_FIELD. O(1). */
int64_t hash_expiry(const struct collection *hash, const struct item_needle *field, int64_t now_ms);
/* Has any field a TTL? O(1). */
bool hash_has_expiry(const struct collection *hash);
/* When the first of its fields is over; HASH_NEVER: none has a TTL. O(log n), or O(fields) of a
 * small one. */
int64_t hash_next_expiry(const struct collection *hash);
/* The rank-th of all fields in the walk's order, those included that are over; rank <
 * collection_count. False when it is over. O(log n), or O(fields) of a small one. */
bool hash_at(const struct collection *hash, uint64_t rank, int64_t now_ms,
             struct element *ret_element);

/* HSCAN: as map_scan; a small hash is visited whole. Returns the next cursor. */
struct hash_scan {
    uint64_t cursor;
    uint64_t count;
    int64_t now_ms;
    void (*visit)(void *argument, const struct element *element);
    void *argument;
};
uint64_t hash_scan(const struct collection *hash, const struct hash_scan *scan);

/* ---- Changing: of a hash that is the caller's alone (collection_own) ---- */

struct hash_write {
    const struct value_limits *limits;
    int64_t now_ms;
    bool keeps_expiry; /* of a field that is there; else it loses its TTL */
    struct item value; /* long texts: with a blob (item_make), which is acquired */
};
/* Sets a field. A field longer than ITEM_EMBED_MAX: field->item must have its blob. True: it is
 * new; false: it had another value. O(1). */
bool hash_set(struct collection **hash, const struct item_needle *field,
              const struct hash_write *write);
/* False when it was not there, or over. The hash may be empty then. O(1). */
bool hash_remove(struct collection **hash, const struct item_needle *field, int64_t now_ms);
/* Gives a field that is there and not over an expiry above 0, or takes it away (HASH_NO_EXPIRY).
 * O(log n). */
void hash_set_expiry(struct collection **hash, const struct item_needle *field, int64_t at_ms);
/* Removes fields that are over, about most at least if there are so many, all of a small hash;
 * returns how many. The hash may be empty then. */
uint64_t hash_reap(struct collection **hash, int64_t now_ms, uint64_t most);

/* Aborts unless every invariant holds. For tests. O(n). */
void hash_verify(const struct collection *hash);

#endif
