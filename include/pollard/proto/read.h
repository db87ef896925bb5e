/* The reply reader: parses RESP2 and RESP3 replies into trees. For tests, the bench and later the
 * replica link. Depth and element counts are bounded. */
#ifndef POLLARD_PROTO_READ_H
#define POLLARD_PROTO_READ_H

#include "pollard/base/bytes.h"

enum reply_kind {
    REPLY_KIND_SIMPLE,
    REPLY_KIND_ERROR,
    REPLY_KIND_INTEGER,
    REPLY_KIND_BULK,
    REPLY_KIND_NULL,
    REPLY_KIND_ARRAY,
    REPLY_KIND_MAP,
    REPLY_KIND_SET,
    REPLY_KIND_PUSH,
    REPLY_KIND_ATTRIBUTE,
    REPLY_KIND_DOUBLE,
    REPLY_KIND_BOOL,
    REPLY_KIND_BIG_NUMBER,
    REPLY_KIND_VERBATIM
};

struct reply_node {
    enum reply_kind kind;
    int64_t integer;    /* INTEGER, BOOL */
    double number;      /* DOUBLE */
    struct buf text;    /* SIMPLE, ERROR, BULK, DOUBLE (as sent), BIG_NUMBER, VERBATIM */
    size_t child_count; /* elements; a map has 2 a pair */
    struct reply_node *children;
};

/* Parses one reply from the front of *input and advances it. 1 parsed, 0 more bytes are needed
 * (nothing advanced), -1 not RESP (or nested over 32 deep). */
int reply_read(struct bytes *input, struct reply_node **ret_node);
void reply_node_destroy(struct reply_node **node);

#endif
