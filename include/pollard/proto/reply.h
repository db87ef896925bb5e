/* The reply builder: RESP2 and RESP3 into a chain.
 *
 * Handlers say what they mean (a map, a double, nothing) and the builder writes the form of the
 * connection's protocol. Aggregates announce their count first; a count that is known only later
 * is reserved with reply_later. */
#ifndef POLLARD_PROTO_REPLY_H
#define POLLARD_PROTO_REPLY_H

#include "pollard/base/chain.h"
#include "pollard/base/status.h"

struct reply {
    struct chain *chain;
    uint8_t protocol;    /* 2 or 3 */
    bool had_error;      /* an error was written: for the error statistics */
    char error_code[24]; /* first word of the last error, NUL-terminated: "ERR", "WRONGTYPE" */
};

void reply_init(struct reply *reply, struct chain *chain, uint8_t protocol);

void reply_simple(struct reply *reply, const char *text); /* +text */
void reply_ok(struct reply *reply);                       /* +OK, the commonest */
/* "-TEXT": text begins with its code word. CR and LF in it become spaces. */
void reply_error(struct reply *reply, const char *text);
void reply_error_format(struct reply *reply, const char *format, ...) ATTR_PRINTF(2, 3);
void reply_error_bytes(struct reply *reply, struct bytes text);
void reply_error_status(struct reply *reply, enum status status);
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, struct bytes bytes);
void reply_bulk_text(struct reply *reply, const char *text);
void reply_bulk_format(struct reply *reply, const char *format, ...) ATTR_PRINTF(2, 3);
void reply_bulk_integer(struct reply *reply, int64_t value); /* as a bulk string */
/* A slice of a blob as a bulk string without a copy (large) or with one (small); the caller keeps
 * its reference. */
void reply_bulk_blob(struct reply *reply, struct blob *blob, size_t offset, size_t size);
/* Nothing: RESP2 $-1, RESP3 _. */
void reply_null(struct reply *reply);
/* No array: RESP2 *-1, RESP3 _. */
void reply_null_array(struct reply *reply);
void reply_array(struct reply *reply, size_t count);
/* count pairs: RESP2 an array of 2 x count, RESP3 a map. */
void reply_map(struct reply *reply, size_t count);
void reply_set(struct reply *reply, size_t count);
/* Out-of-band data: RESP3 '>', RESP2 an array. */
void reply_push(struct reply *reply, size_t count);
/* Attributes exist in RESP3 only: the caller checks. */
void reply_attribute(struct reply *reply, size_t count);
void reply_double(struct reply *reply, double value); /* RESP2 a bulk string */
/* The same in full decimals, as INCRBYFLOAT prints: for numbers that are not large. */
void reply_decimal(struct reply *reply, double value);
void reply_bool(struct reply *reply, bool value);                /* RESP2 :1 or :0 */
void reply_big_number(struct reply *reply, struct bytes digits); /* RESP2 a bulk string */
/* Verbatim text; format is three letters ("txt"). RESP2 a bulk string. */
void reply_verbatim(struct reply *reply, const char *format, struct bytes text);
/* Lines of a HELP reply: an array of simple strings as Redis' containers answer:
 * "NAME <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", the lines, then HELP itself.
 * lines is NULL-terminated. */
void reply_help(struct reply *reply, const char *name, const char *const *lines);

/* What the source renders from now on stands here; it is the reply's. It renders the form of the
 * connection's protocol itself, with a builder of its own on the chain that it is given. */
void reply_source(struct reply *reply, struct chain_source *source);

/* An aggregate whose count comes later: reserve, write the elements, then set it. */
struct reply_later {
    struct chain saved;
};
/* From here on everything goes into a chain of its own, until reply_later_end puts the header
 * (reply_array, reply_map, reply_set) with count before it. Nests. */
void reply_later_begin(struct reply *reply, struct reply_later *ret_later);
enum reply_aggregate { REPLY_ARRAY, REPLY_MAP, REPLY_SET };
void reply_later_end(struct reply *reply, struct reply_later *later, enum reply_aggregate kind,
                     size_t count);

#endif
