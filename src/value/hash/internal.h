/* The two forms of a hash, between the files of this folder. */
#ifndef POLLARD_VALUE_HASH_INTERNAL_H
#define POLLARD_VALUE_HASH_INTERNAL_H

#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/value/hash.h"

/* ---- Small: collection->form is how many items a field takes ---- */

enum hash_form { HASH_PAIRS = 2, HASH_TRIPLES = 3 };

/* A record of a small hash. Views; at .. end are its bytes. */
struct small_record {
    const unsigned char *at;
    const unsigned char *value_at;
    const unsigned char *expiry_at; /* TRIPLES only */
    const unsigned char *end;
    int64_t expiry; /* HASH_NO_EXPIRY if none */
};
/* Reads the record at. */
void small_record_read(const struct collection *hash, const unsigned char *at,
                       struct small_record *ret_record);
/* False when the field is not there; one that is over is found. */
bool small_hash_find(const struct collection *hash, const struct item_needle *field,
                     struct small_record *ret_record);
/* Another item in place of the one at `at`. */
void small_hash_replace(struct collection **hash, const unsigned char *at, const struct item *item);
void small_hash_append(struct collection **hash, const struct item *field,
                       const struct item *value);
void small_hash_remove(struct collection **hash, const struct small_record *record);
/* Expiry of a record; TRIPLES are made, or PAIRS again when it was the last one. */
void small_hash_set_expiry(struct collection **hash, const struct item_needle *field,
                           int64_t at_ms);
uint64_t small_hash_reap(struct collection **hash, int64_t now_ms);

/* ---- Large ---- */

/* Exists while a field has a TTL. */
struct hash_expiry {
    struct map times;  /* field -> expiry */
    struct tree order; /* (expiry, field) */
};

struct hash_large {
    struct map fields;
    struct hash_expiry *expiry;
};

static inline struct hash_large *hash_large_of(const struct collection *hash)
{
    return (struct hash_large *)(void *)hash->pack;
}

struct collection *hash_large_create(const struct hash_secret *secret);
/* Makes a large one of a small one. */
void hash_convert(struct collection **hash, const struct value_limits *limits);

/* HASH_NO_EXPIRY when it has none, or is not there. */
int64_t hash_expiry_find(const struct hash_expiry *expiry, const struct item_needle *field);
/* The same for a name at hand. */
int64_t hash_expiry_find_item(const struct hash_expiry *expiry, const struct item *field);
/* at_ms HASH_NO_EXPIRY: takes it away. old_ms: what it has. name: as the map of fields has it. */
void hash_expiry_change(struct hash_large *large, const struct item *name, int64_t old_ms,
                        int64_t at_ms);
void hash_expiry_free(struct hash_expiry *expiry);
struct hash_expiry *hash_expiry_copy(const struct hash_expiry *expiry);

/* Walks, for hash_methods. */
void hash_walk_begin(struct collection_cursor *cursor, const struct cursor_start *start);
bool hash_walk_next(struct collection_cursor *cursor, struct element *ret_element);

static inline bool hash_time_is_over(int64_t expiry_ms, int64_t now_ms)
{
    return expiry_ms != HASH_NO_EXPIRY && expiry_ms <= now_ms;
}

#endif
