/* An entry: a key with its value, in one allocation. Private to keyspace.
 *
 *   0        1       2          3            4            8
 *   | kind   | flags | key size | value size | clock      | [sizes] [ttl] [soft] [word] key value
 *
 *   kind      type in the low, encoding in the high four bits
 *   [sizes]   WIDE: key and value size as 32 bits each; the two bytes above are unused then
 *   [ttl]     TTL: 48 bits of absolute ms and 16 bits of where the expiry index has it; with WIDE
 *             64 bits each, because then the time may need them. FIELD_TTL, only with TTL: a hash
 *             whose fields have TTLs; it may have no expiry of its own then: a time of all ones
 *   [soft]    SOFT: from when on the value is stale, as 64 bits of absolute ms; strings only
 *   [word]    an integer value; or BLOB, COLLECTION: the pointer to a counted value, aligned; none:
 *             the value's bytes follow the key
 *
 * A 16-byte key with a 32-byte value is 56 bytes, with a TTL 64, with an integer 32.
 * Threads: written under the shard's exclusive lock; clock alone changes under the shared one. */
#ifndef POLLARD_KEYSPACE_ENTRY_H
#define POLLARD_KEYSPACE_ENTRY_H

#include "pollard/value/collection.h"
#include <stdatomic.h>

enum entry_flag {
    ENTRY_TTL = 1,
    ENTRY_WIDE = 2,
    ENTRY_BLOB = 4,
    ENTRY_COLLECTION = 8,
    ENTRY_FIELD_TTL = 16,
    ENTRY_SOFT = 32
};
/* The value is a pointer. */
#define ENTRY_POINTER (ENTRY_BLOB | ENTRY_COLLECTION)

struct entry {
    uint8_t kind;
    uint8_t flags;
    uint8_t key_size;
    uint8_t value_size;
    _Atomic uint32_t clock; /* seconds, wrapping: when it was used last */
    unsigned char body[];
};

/* Values up to this size live in the entry; larger ones in blobs of their own. Above it a copy
 * costs more than a second cache miss, and a blob can be sent without a copy. */
#define ENTRY_EMBED_MAX ((size_t)1024)
/* Expiry times below this fit the short form. */
#define ENTRY_SHORT_TIME_MAX ((INT64_C(1) << 48) - 1)
#define ENTRY_NO_SLOT 0xffff

/* What an entry is made of. */
struct entry_parts {
    struct bytes key;
    struct value value;    /* with a blob or a collection: entry_make acquires it */
    int64_t expires_at_ms; /* KEY_NO_EXPIRY: none */
    int64_t soft_at_ms;    /* 0: none, as all but strings have it */
};

/* NULL when memory is out. A string value without a blob that is too large to embed is copied into
 * one. The expiry slot is ENTRY_NO_SLOT. */
struct entry *entry_make(const struct entry_parts *parts, uint32_t clock);
/* Frees the entry and its reference to a blob or a collection. */
void entry_free(struct entry *entry);
/* Puts other parts into the same memory if they have the same layout and size class; false and
 * nothing changed otherwise. The key stays; the expiry slot stays if there is a TTL. */
bool entry_overwrite(struct entry *entry, const struct entry_parts *parts);
/* The short way: new bytes in a plain entry, if the value is plain bytes too and needs no other
 * size class; the TTL stays as it is. */
bool entry_overwrite_bytes(struct entry *entry, const struct value *value);

size_t entry_size(const struct entry *entry); /* as allocated, without what it points to */
/* The key, and that size, in one look. */
struct bytes entry_measure(const struct entry *entry, size_t *ret_size);
struct bytes entry_key(const struct entry *entry);
/* The value of any entry; entry_value is the short way for the commonest. */
void entry_value_any(const struct entry *entry, struct value *ret_value);
struct blob *entry_blob(const struct entry *entry); /* NULL unless BLOB */
/* Where the pointer to the collection is; COLLECTION only. */
struct collection **entry_collection(struct entry *entry);
/* Puts another pointer to the same value, moved: BLOB or COLLECTION only. */
void entry_set_pointer(struct entry *entry, void *pointer);
/* The bytes of an embedded value, to be edited in place. */
unsigned char *entry_embedded(struct entry *entry);
/* -1 when there is none. */
int64_t entry_expiry(const struct entry *entry);
int64_t entry_soft_time(const struct entry *entry); /* SOFT only */
/* When the expiry index should look at it: its own expiry or that of one of its fields, or earlier
 * than these. Only with TTL. */
int64_t entry_due(const struct entry *entry);
/* TTL only: the time as it is stored, later than any if it has no expiry of its own. */
int64_t entry_deadline(const struct entry *entry);
/* Only if it has an expiry of its own and the time fits its form. */
bool entry_set_expiry(struct entry *entry, int64_t at_ms);
uint16_t entry_slot(const struct entry *entry);
void entry_set_slot(struct entry *entry, uint16_t slot);

static inline enum value_type entry_type(const struct entry *entry)
{
    return (enum value_type)(entry->kind & 15);
}

/* From when on the value is stale; 0 when it has no such time. */
static inline int64_t entry_soft(const struct entry *entry)
{
    return LIKELY((entry->flags & ENTRY_SOFT) == 0) ? 0 : entry_soft_time(entry);
}

static inline bool entry_is_expired(const struct entry *entry, int64_t now_ms)
{
    return (entry->flags & ENTRY_TTL) != 0 && entry_deadline(entry) <= now_ms;
}

/* Is the value embedded bytes, with sizes of one byte and no soft time? */
static inline bool entry_is_plain(const struct entry *entry)
{
    return (entry->flags & (ENTRY_WIDE | ENTRY_POINTER | ENTRY_SOFT)) == 0 &&
           entry->kind >> 4 != ENCODING_INT;
}

static inline void entry_value(const struct entry *entry, struct value *ret_value)
{
    if (UNLIKELY(!entry_is_plain(entry))) {
        entry_value_any(entry, ret_value);
        return;
    }
    size_t offset = ((entry->flags & ENTRY_TTL) != 0 ? 8 : 0) + (size_t)entry->key_size;
    ret_value->type = entry_type(entry);
    ret_value->encoding = (enum value_encoding)(entry->kind >> 4);
    ret_value->bytes = bytes_make(entry->body + offset, entry->value_size);
    ret_value->blob = NULL;
}

/* The same key? Inline for the lookup's sake. */
static inline bool entry_has_key(const struct entry *entry, struct bytes key)
{
    if ((entry->flags & (ENTRY_WIDE | ENTRY_SOFT)) == 0) {
        size_t offset = (entry->flags & ENTRY_TTL) != 0 ? 8 : 0;
        bool has_word = entry->kind >> 4 == ENCODING_INT || (entry->flags & ENTRY_POINTER) != 0;
        offset += has_word ? 8 : 0;
        return entry->key_size == key.size && bytes_same(entry->body + offset, key.data, key.size);
    }
    return bytes_equal(entry_key(entry), key);
}

#endif
