/* The reply builder: strings, integers, errors, nothing.
 *
 * On the data path of every reply: each function reserves room once and copies. Never fails. One
 * thread at a time, as the chain.
 * Invariant: every function appends one complete RESP element or header. */
#include "pollard/proto/reply.h"
#include "pollard/base/number.h"
#include "reply_internal.h"
#include <stdarg.h>
#include <stdio.h>

/* Bulk strings up to this size are reserved whole, with head and end. */
#define BULK_WHOLE_MAX (CHAIN_RESERVE_MAX - REPLY_HEAD_MAX - 2)
/* Longest formatted text on the stack; longer ones are rare and allocate. */
#define FORMAT_STACK_SIZE 512

void reply_init(struct reply *reply, struct chain *chain, uint8_t protocol)
{
    *reply = (struct reply){.chain = chain, .protocol = protocol};
}

void reply_header(struct reply *reply, char mark, size_t count)
{
    unsigned char *out = chain_reserve(reply->chain, REPLY_HEAD_MAX);
    reply->chain->cursor = reply_head_put(out, mark, count);
}

/* A line "mark text CRLF" of any length. */
static void put_line(struct reply *reply, char mark, struct bytes text)
{
    struct chain *chain = reply->chain;
    if (UNLIKELY(text.size > BULK_WHOLE_MAX)) {
        unsigned char first = (unsigned char)mark;
        chain_append(chain, bytes_make(&first, 1));
        chain_append(chain, text);
        chain_append(chain, bytes_text("\r\n"));
        return;
    }
    unsigned char *out = chain_reserve(chain, text.size + 3);
    *out++ = (unsigned char)mark;
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    chain->cursor = reply_end_put(out + text.size);
}

void reply_simple(struct reply *reply, const char *text)
{
    put_line(reply, '+', bytes_text(text));
}

void reply_ok(struct reply *reply)
{
    unsigned char *out = chain_reserve(reply->chain, 5);
    memcpy(out, "+OK\r\n", 5);
    reply->chain->cursor = out + 5;
}

/* Keeps the first word for the error statistics. */
static void note_error(struct reply *reply, struct bytes text)
{
    size_t size = 0;
    while (size < text.size && size + 1 < sizeof(reply->error_code) && text.data[size] != ' ') {
        reply->error_code[size] = (char)text.data[size];
        size++;
    }
    reply->error_code[size] = '\0';
    reply->had_error = true;
}

void reply_error_bytes(struct reply *reply, struct bytes text)
{
    note_error(reply, text);
    bool has_breaks = text.size > 0 && (memchr(text.data, '\r', text.size) != NULL ||
                                        memchr(text.data, '\n', text.size) != NULL);
    if (LIKELY(!has_breaks)) {
        put_line(reply, '-', text);
        return;
    }
    struct buf clean = {0};
    buf_append(&clean, text);
    for (size_t i = 0; i < clean.size; i++) {
        if (clean.data[i] == '\r' || clean.data[i] == '\n') {
            clean.data[i] = ' ';
        }
    }
    put_line(reply, '-', buf_bytes(&clean));
    buf_deinit(&clean);
}

void reply_error(struct reply *reply, const char *text)
{
    reply_error_bytes(reply, bytes_text(text));
}

/* Formats and hands the text to put. */
static void put_format(struct reply *reply, void (*put)(struct reply *, struct bytes),
                       const char *format, va_list arguments)
{
    char text[FORMAT_STACK_SIZE];
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    if (length >= 0 && (size_t)length < sizeof(text)) {
        put(reply, bytes_make(text, (size_t)length));
    } else if (length >= 0) {
        struct buf large = {0};
        buf_reserve(&large, (size_t)length + 1);
        (void)vsnprintf((char *)large.data, (size_t)length + 1, format, again);
        put(reply, bytes_make(large.data, (size_t)length));
        buf_deinit(&large);
    }
    va_end(again);
}

void reply_error_format(struct reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_format(reply, reply_error_bytes, format, arguments);
    va_end(arguments);
}

void reply_error_status(struct reply *reply, enum status status)
{
    const char *text = status_text(status);
    reply_error(reply, text != NULL ? text : "ERR internal error");
}

void reply_integer(struct reply *reply, int64_t value)
{
    unsigned char *out = chain_reserve(reply->chain, REPLY_HEAD_MAX);
    *out++ = ':';
    out += number_print_i64(out, value);
    reply->chain->cursor = reply_end_put(out);
}

void reply_bulk(struct reply *reply, struct bytes bytes)
{
    struct chain *chain = reply->chain;
    if (UNLIKELY(bytes.size > BULK_WHOLE_MAX)) {
        reply_header(reply, '$', bytes.size);
        chain_append(chain, bytes);
        chain_append(chain, bytes_text("\r\n"));
        return;
    }
    unsigned char *out = chain_reserve(chain, REPLY_HEAD_MAX + bytes.size + 2);
    out = reply_head_put(out, '$', bytes.size);
    if (LIKELY(bytes.size > 0)) {
        memcpy(out, bytes.data, bytes.size);
    }
    chain->cursor = reply_end_put(out + bytes.size);
}

void reply_bulk_text(struct reply *reply, const char *text)
{
    reply_bulk(reply, bytes_text(text));
}

void reply_bulk_format(struct reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_format(reply, reply_bulk, format, arguments);
    va_end(arguments);
}

void reply_bulk_integer(struct reply *reply, int64_t value)
{
    unsigned char text[NUMBER_INT_MAX];
    reply_bulk(reply, bytes_make(text, number_print_i64(text, value)));
}

void reply_bulk_blob(struct reply *reply, struct blob *blob, size_t offset, size_t size)
{
    if (size < BLOB_DIRECT_SIZE) {
        reply_bulk(reply, bytes_make(blob->data + offset, size));
        return;
    }
    reply_header(reply, '$', size);
    chain_append_blob_take(reply->chain, blob_acquire(blob), offset, size);
    reply->chain->cursor = reply_end_put(chain_reserve(reply->chain, 2));
}

void reply_source(struct reply *reply, struct chain_source *source)
{
    chain_append_source(reply->chain, source);
}

void reply_null(struct reply *reply)
{
    bool is_resp3 = reply->protocol >= 3;
    size_t size = is_resp3 ? 3 : 5;
    unsigned char *out = chain_reserve(reply->chain, size);
    memcpy(out, is_resp3 ? "_\r\n" : "$-1\r\n", size);
    reply->chain->cursor = out + size;
}

void reply_null_array(struct reply *reply)
{
    chain_append(reply->chain, bytes_text(reply->protocol >= 3 ? "_\r\n" : "*-1\r\n"));
}

void reply_help(struct reply *reply, const char *name, const char *const *lines)
{
    size_t count = 0;
    while (lines[count] != NULL) {
        count++;
    }
    struct buf first = {0};
    buf_format(&first, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name);
    reply_array(reply, count + 3);
    put_line(reply, '+', buf_bytes(&first));
    buf_deinit(&first);
    for (size_t i = 0; i < count; i++) {
        reply_simple(reply, lines[i]);
    }
    reply_simple(reply, "HELP");
    reply_simple(reply, "    Prints this help.");
}
