/* Heads and ends of RESP elements, written into reserved room: private to proto. */
#ifndef POLLARD_PROTO_REPLY_INTERNAL_H
#define POLLARD_PROTO_REPLY_INTERNAL_H

#include "pollard/base/number.h"
#include "pollard/proto/reply.h"

/* Longest head: a mark, a number, CR LF. */
#define REPLY_HEAD_MAX ((size_t)(1 + NUMBER_INT_MAX + 2))

/* Both return where to go on. */
static inline unsigned char *reply_end_put(unsigned char *out)
{
    memcpy(out, "\r\n", 2);
    return out + 2;
}

static inline unsigned char *reply_head_put(unsigned char *out, char mark, size_t count)
{
    *out++ = (unsigned char)mark;
    if (LIKELY(count < 10)) {
        *out++ = (unsigned char)('0' + count);
    } else if (LIKELY(count < 100)) {
        *out++ = (unsigned char)('0' + count / 10);
        *out++ = (unsigned char)('0' + count % 10);
    } else {
        out += number_print_u64(out, count);
    }
    return reply_end_put(out);
}

/* Appends the head "mark count CRLF". */
void reply_header(struct reply *reply, char mark, size_t count);

#endif
