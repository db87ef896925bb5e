/* Operations on string values: slices, numbers, digests, longest common subsequences. Pure: they
 * neither see keys nor locks, and allocate only where it is said. */
#ifndef POLLARD_VALUE_STRING_H
#define POLLARD_VALUE_STRING_H

#include "pollard/value/value.h"

/* Bytes offset .. offset + size - 1 of a string. */
struct string_slice {
    size_t offset;
    size_t size; /* 0: nothing */
};

/* What GETRANGE start end names in a string of that size: both ends count, negative ones from the
 * end of the string. */
struct string_slice string_slice_of(size_t size, int64_t start, int64_t end);

/* The integer that a string value is; false when its text is none. */
bool string_integer(const struct value *value, int64_t *ret_integer);
/* The same for the number of INCRBYFLOAT. */
bool string_float(const struct value *value, long double *ret_number);

/* A value of short bytes that answers "embstr" even if the text is an integer's, as INCRBYFLOAT
 * leaves it; longer ones are raw. Borrows. */
struct value string_unencoded(struct bytes bytes);

#define STRING_DIGEST_SIZE 16

/* The digest of DIGEST as lower-case hexadecimal digits into out (STRING_DIGEST_SIZE bytes, no
 * NUL). Source: XXH3 of 64 bits with seed 0. O(size). */
void string_digest(const struct value *value, unsigned char *out);

/* ---- Longest common subsequences ---- */

/* A step matrix of one bit a cell remembers how each best length came about, so that the matches
 * can be walked from the ends of the strings to their beginnings. */
struct lcs {
    struct bytes a;
    struct bytes b;
    size_t length; /* of the longest common subsequence; set by lcs_row */
    /* private */
    uint32_t *row;        /* best lengths against each beginning of b */
    unsigned char *steps; /* bit set: leave a byte of a; clear: one of b. NULL: length only */
    size_t steps_stride;  /* bytes a row of steps */
    size_t rows_done;
    size_t a_left; /* the walk: bytes of a and b in front of it */
    size_t b_left;
};

/* A stretch that both strings have: the ends count. */
struct lcs_match {
    size_t a_start;
    size_t a_end;
    size_t b_start;
    size_t b_end;
};

/* Begins: borrows the strings until lcs_deinit. steps: also remember the matches, which takes
 * a.size * b.size / 8 bytes. False when that is more than memory_max, or memory is out; nothing is
 * held then. */
bool lcs_init(struct lcs *lcs, struct bytes a, struct bytes b, bool steps, size_t memory_max);
void lcs_deinit(struct lcs *lcs);
/* Works on the next byte of a; false when all rows are done. O(b.size). */
bool lcs_row(struct lcs *lcs);
/* The next stretch, last ones first, once all rows are done; false when there are no more. */
bool lcs_next(struct lcs *lcs, struct lcs_match *ret_match);

#endif
