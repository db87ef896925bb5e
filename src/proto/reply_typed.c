/* The reply builder: aggregates, and the types that RESP3 has and RESP2 has not.
 *
 * On the data path of replies with many elements. Never fails. One thread at a time, as the chain.
 */
#include "pollard/base/check.h"
#include "reply_internal.h"

/* Longest text of a double. */
#define DOUBLE_TEXT_SIZE 64
/* A verbatim text is preceded by three letters and a colon. */
#define VERBATIM_FORMAT_SIZE ((size_t)3)

void reply_array(struct reply *reply, size_t count)
{
    reply_header(reply, '*', count);
}

void reply_map(struct reply *reply, size_t count)
{
    bool is_resp3 = reply->protocol >= 3;
    reply_header(reply, is_resp3 ? '%' : '*', is_resp3 ? count : count * 2);
}

void reply_set(struct reply *reply, size_t count)
{
    reply_header(reply, reply->protocol >= 3 ? '~' : '*', count);
}

void reply_push(struct reply *reply, size_t count)
{
    reply_header(reply, reply->protocol >= 3 ? '>' : '*', count);
}

void reply_attribute(struct reply *reply, size_t count)
{
    check(reply->protocol >= 3);
    reply_header(reply, '|', count);
}

void reply_double(struct reply *reply, double value)
{
    unsigned char text[DOUBLE_TEXT_SIZE];
    size_t size = number_print_double(text, value);
    if (reply->protocol < 3) {
        reply_bulk(reply, bytes_make(text, size));
        return;
    }
    unsigned char *out = chain_reserve(reply->chain, size + 3);
    *out++ = ',';
    memcpy(out, text, size);
    reply->chain->cursor = reply_end_put(out + size);
}

void reply_decimal(struct reply *reply, double value)
{
    unsigned char text[NUMBER_FLOAT_MAX];
    size_t size = number_print_long_double(text, (long double)value);
    if (reply->protocol < 3) {
        reply_bulk(reply, bytes_make(text, size));
        return;
    }
    unsigned char *out = chain_reserve(reply->chain, size + 3);
    *out++ = ',';
    memcpy(out, text, size);
    reply->chain->cursor = reply_end_put(out + size);
}

void reply_bool(struct reply *reply, bool value)
{
    if (reply->protocol < 3) {
        reply_integer(reply, value);
        return;
    }
    unsigned char *out = chain_reserve(reply->chain, 4);
    memcpy(out, value ? "#t\r\n" : "#f\r\n", 4);
    reply->chain->cursor = out + 4;
}

void reply_big_number(struct reply *reply, struct bytes digits)
{
    if (reply->protocol < 3) {
        reply_bulk(reply, digits);
        return;
    }
    chain_append(reply->chain, bytes_text("("));
    chain_append(reply->chain, digits);
    chain_append(reply->chain, bytes_text("\r\n"));
}

void reply_verbatim(struct reply *reply, const char *format, struct bytes text)
{
    if (reply->protocol < 3) {
        reply_bulk(reply, text);
        return;
    }
    check(strlen(format) == VERBATIM_FORMAT_SIZE);
    reply_header(reply, '=', text.size + VERBATIM_FORMAT_SIZE + 1);
    chain_append(reply->chain, bytes_text(format));
    chain_append(reply->chain, bytes_text(":"));
    chain_append(reply->chain, text);
    chain_append(reply->chain, bytes_text("\r\n"));
}

void reply_later_begin(struct reply *reply, struct reply_later *ret_later)
{
    ret_later->saved = *reply->chain;
    *reply->chain = (struct chain){0};
}

void reply_later_end(struct reply *reply, struct reply_later *later, enum reply_aggregate kind,
                     size_t count)
{
    struct chain elements = *reply->chain;
    *reply->chain = later->saved;
    later->saved = (struct chain){0};
    switch (kind) {
    case REPLY_ARRAY:
        reply_array(reply, count);
        break;
    case REPLY_MAP:
        reply_map(reply, count);
        break;
    case REPLY_SET:
        reply_set(reply, count);
        break;
    default:
        check_unreachable();
    }
    chain_splice(reply->chain, &elements);
}
