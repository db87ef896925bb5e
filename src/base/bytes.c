/* Byte strings: comparison of borrowed ones, growth of owned ones.
 *
 * On the data path everywhere. No shared state: a buffer belongs to one thread at a time.
 * Invariants of a buffer: 1. size <= capacity. 2. data is NULL only when capacity is 0. */
#include "pollard/base/bytes.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <stdarg.h>
#include <stdio.h>

/* The smallest buffer: most texts that are built at all have a few words. A guess. */
#define BUF_CAPACITY_MIN ((size_t)64)

bool bytes_is(struct bytes bytes, const char *word)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = bytes.data[i];
        if (byte >= 'A' && byte <= 'Z') {
            byte = (unsigned char)(byte | 0x20);
        }
        /* A NUL in the bytes must not match the end of the word. */
        if (word[i] == '\0' || byte != (unsigned char)word[i]) {
            return false;
        }
    }
    return word[bytes.size] == '\0';
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    if (a.size != b.size) {
        return false;
    }
    /* volatile keeps the compiler from leaving the loop at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.size; i++) {
        difference = (unsigned char)(difference | (a.data[i] ^ b.data[i]));
    }
    return difference == 0;
}

void buf_reserve(struct buf *buf, size_t extra)
{
    if (extra <= buf->capacity - buf->size) {
        return;
    }
    check(extra <= (size_t)PTRDIFF_MAX - buf->size);
    size_t wanted = buf->size + extra;
    size_t capacity = buf->capacity * 2;
    if (capacity < BUF_CAPACITY_MIN) {
        capacity = BUF_CAPACITY_MIN;
    }
    if (capacity < wanted) {
        capacity = wanted;
    }
    buf->data = mem_realloc(buf->data, capacity);
    buf->capacity = capacity;
}

void buf_append(struct buf *buf, struct bytes bytes)
{
    if (bytes.size == 0) {
        return;
    }
    buf_reserve(buf, bytes.size);
    memcpy(buf->data + buf->size, bytes.data, bytes.size);
    buf->size += bytes.size;
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, bytes_text(text));
}

void buf_append_byte(struct buf *buf, unsigned char byte)
{
    buf_reserve(buf, 1);
    buf->data[buf->size++] = byte;
}

void buf_format(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    buf_reserve(buf, 128);
    size_t room = buf->capacity - buf->size;
    int length = vsnprintf((char *)buf->data + buf->size, room, format, arguments);
    check(length >= 0);
    if ((size_t)length >= room) {
        buf_reserve(buf, (size_t)length + 1);
        (void)vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, format, again);
    }
    buf->size += (size_t)length;
    va_end(again);
    va_end(arguments);
}

/* The letter of a byte's short escape, or 0. */
static char escape_letter(unsigned char byte)
{
    switch (byte) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    case '\\':
    case '"':
        return (char)byte;
    default:
        return '\0';
    }
}

void buf_append_quoted(struct buf *buf, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    buf_append_byte(buf, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = bytes.data[i];
        char letter = escape_letter(byte);
        if (letter != '\0') {
            unsigned char pair[] = {'\\', (unsigned char)letter};
            buf_append(buf, bytes_make(pair, sizeof(pair)));
        } else if (byte >= 0x20 && byte < 0x7f) {
            buf_append_byte(buf, byte);
        } else {
            char hex[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            buf_append(buf, bytes_make(hex, sizeof(hex)));
        }
    }
    buf_append_byte(buf, '"');
}

void buf_deinit(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){0};
}
