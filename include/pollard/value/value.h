/* A value as commands see it: a view, borrowed from the key it was found under, or built by a
 * handler to be stored. Floor 2: pure; no keys, no locks, no clock. */
#ifndef POLLARD_VALUE_VALUE_H
#define POLLARD_VALUE_VALUE_H

#include "pollard/base/blob.h"
#include "pollard/base/bytes.h"

/* The types of keys. The numbers are private to the process. */
enum value_type { VALUE_STRING, VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH, VALUE_STREAM };

/* What OBJECT ENCODING tells, by Redis's names. */
enum value_encoding {
    ENCODING_INT,
    ENCODING_EMBSTR,
    ENCODING_RAW,
    ENCODING_LISTPACK,
    ENCODING_LISTPACKEX, /* a small hash with a field that has a TTL */
    ENCODING_INTSET,
    ENCODING_QUICKLIST,
    ENCODING_HASHTABLE,
    ENCODING_SKIPLIST
};

struct collection;

/* Strings: INT lives in integer; EMBSTR and RAW in bytes. Collections: a borrowed pointer. blob is
 * not NULL when the bytes live in a blob: who wants to keep them past the access takes a reference.
 * Longest EMBSTR: 44 bytes. */
struct value {
    enum value_type type;
    enum value_encoding encoding;
    int64_t integer;
    struct bytes bytes;
    struct blob *blob;
    struct collection *collection; /* lists, sets, sorted sets, hashes; strings: undefined */
};

#define VALUE_EMBSTR_SIZE_MAX 44

/* "string", "list", "set", "zset", "hash", "stream": what TYPE answers. */
const char *value_type_name(enum value_type type);
/* The type of that name, or -1. Case-insensitive. */
int value_type_find(struct bytes name);
/* "int", "embstr", "raw", ... */
const char *value_encoding_name(enum value_encoding encoding);

/* A string value of these bytes, integer encoded if the text is an integer's. Borrows. O(size). */
struct value value_string(struct bytes bytes);
/* Of a blob's whole content: borrows the blob too; key_put acquires it. */
struct value value_blob(struct blob *blob);
struct value value_integer(int64_t integer);
/* Bytes that shall answer "raw", as APPEND leaves them. */
struct value value_raw(struct bytes bytes);

/* A collection to be stored: key_put takes over the caller's reference. */
struct value value_collection(struct collection *collection);

/* The bytes of a string value; integers are printed into scratch (>= 24 bytes). */
struct bytes value_string_bytes(const struct value *value, unsigned char *scratch);
size_t value_string_size(const struct value *value);

#endif
