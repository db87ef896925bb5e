/* Byte strings: struct bytes borrows, struct buf owns. */
#ifndef POLLARD_BASE_BYTES_H
#define POLLARD_BASE_BYTES_H

#include "pollard/base/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: never freed by who holds it. data may be NULL only when size is 0. */
struct bytes {
    const unsigned char *data;
    size_t size;
};

/* Owned, growable bytes. A zeroed struct is an empty buffer. */
struct buf {
    unsigned char *data;
    size_t size;
    size_t capacity;
};

static inline struct bytes bytes_make(const void *data, size_t size)
{
    return (struct bytes){.data = data, .size = size};
}

/* Of a string literal or any NUL-terminated text; the NUL is not part. */
static inline struct bytes bytes_text(const char *text)
{
    return bytes_make(text, strlen(text));
}

/* Are these size bytes the same? Short ones, as keys are, without a call. */
static inline bool bytes_same(const unsigned char *a, const unsigned char *b, size_t size)
{
    uint64_t a_ends[2];
    uint64_t b_ends[2];
    if (UNLIKELY(size < 8 || size > 16)) {
        return size == 0 || memcmp(a, b, size) == 0;
    }
    /* The first and the last eight bytes, which overlap. */
    memcpy(&a_ends[0], a, 8);
    memcpy(&b_ends[0], b, 8);
    memcpy(&a_ends[1], a + size - 8, 8);
    memcpy(&b_ends[1], b + size - 8, 8);
    return ((a_ends[0] ^ b_ends[0]) | (a_ends[1] ^ b_ends[1])) == 0;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Is it the word, whatever the case of its ASCII letters? word is a lower-case literal. O(size). */
bool bytes_is(struct bytes bytes, const char *word);

/* Three-way comparison as memcmp, shorter first on a tie: below, equal or above 0. */
int bytes_compare(struct bytes a, struct bytes b);

/* Equality in time that depends on the sizes alone: for secrets. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return bytes_make(buf->data, buf->size);
}

/* Makes room for extra more bytes behind size (amortised doubling). Aborts when memory is out:
 * for sizes that our own limits bound. */
void buf_reserve(struct buf *buf, size_t extra);
void buf_append(struct buf *buf, struct bytes bytes);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, unsigned char byte);
void buf_format(struct buf *buf, const char *format, ...) ATTR_PRINTF(2, 3);
/* Appends the bytes quoted as redis-cli and MONITOR print them: "…" with \n \r \t \a \b \\ \" and
 * \xHH for what is not printable ASCII. */
void buf_append_quoted(struct buf *buf, struct bytes bytes);
/* Frees the memory; the buffer is empty and usable afterwards. */
void buf_deinit(struct buf *buf);

#endif
