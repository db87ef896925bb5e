/* What the handlers of the hash group share. */
#ifndef POLLARD_CMD_HASH_COMMON_H
#define POLLARD_CMD_HASH_COMMON_H

#include "../collection.h"
#include "pollard/value/hash.h"

/* The hash under the command's key, for reading. STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE. */
static inline enum status hash_of_key(struct exec *x, const struct collection **ret_hash)
{
    struct collection *hash = NULL;
    enum status status = collection_find(x, 0, VALUE_HASH, &hash);
    *ret_hash = hash;
    return status;
}
/* The same in a command that writes: not counted as a hit or miss. */
enum status hash_look(struct exec *x, const struct collection **ret_hash);

/* Opens the hash under the command's key for changes, an empty one when there is none. STATUS_OK,
 * STATUS_WRONG_TYPE. End with edit_end. */
enum status hash_edit(struct exec *x, struct collection_edit *ret_edit);

/* As edit_end, when fields may have got an expiry: tells the keyspace when the first is due. */
enum status hash_edit_end(struct exec *x, struct collection_edit *edit, enum key_event event);

/* More arguments than a reactor should work on. */
static inline bool hash_is_long(const struct exec *x)
{
    return UNLIKELY(x->argc > 2048) && exec_on_reactor(x);
}

/* argv[index] as a field that may be stored; end with item_unmake of its item. STATUS_OK,
 * STATUS_ALLOCATION. */
enum status hash_argument(const struct exec *x, uint32_t index, struct item_needle *ret_field);

/* Sets the field at argv[index] to the value at argv[index + 1]. STATUS_OK, STATUS_ALLOCATION. */
struct hash_pair {
    uint32_t index;
    bool keeps_expiry;
};
enum status hash_set_pair(struct exec *x, struct collection **hash, const struct hash_pair *pair,
                          bool *ret_is_new);

/* ---- FIELDS numfields field ... ---- */

struct hash_fields {
    uint32_t first; /* index of the first field in argv */
    uint32_t count;
    uint32_t stride; /* 1, or 2: each with a value */
};
/* FIELDS and what follows from argv[index] to the end. STATUS_OK, STATUS_FIELDS_MISSING,
 * STATUS_FIELDS_POSITIVE, STATUS_FIELDS_MISMATCH. */
enum status hash_fields_read(const struct exec *x, uint32_t index, struct hash_fields *ret_fields);
/* An array of as many times the same answer: the key is not there. */
void hash_reply_absent(struct exec *x, const struct hash_fields *fields, int64_t code);

/* The time in argv[index] as absolute ms. STATUS_OK, STATUS_NOT_INTEGER,
 * STATUS_FIELD_TIME_NEGATIVE, STATUS_REPLIED when it is too far. */
struct hash_time {
    uint32_t index;
    int64_t unit_ms; /* what it counts: 1000 or 1 */
    bool is_relative;
};
enum status hash_time_read(struct exec *x, const struct hash_time *time, int64_t *ret_at_ms);

#endif
