/* The reply reader: RESP2 and RESP3 replies into trees.
 *
 * Not on the server's data path: tests, the bench, later the replica link. One thread at a time.
 * Invariants: 1. Nothing is advanced unless a whole reply was read. 2. Depth is bounded by
 * DEPTH_MAX, so that the recursion is; memory follows the bytes that really came, not the counts
 * announced. */
#include "pollard/proto/read.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include <math.h>

#define DEPTH_MAX 32
/* Longest bulk string that is believed. Source: the largest value of proto-max-bulk-len in use. */
#define BULK_MAX INT64_C(4294967296)
/* Children reserved on the peer's mere word. */
#define CHILDREN_TRUSTED ((size_t)16)

enum read_result { READ_BAD = -1, READ_MORE = 0, READ_DONE = 1 };

static enum read_result read_node(struct bytes *input, int depth, struct reply_node *ret_node);

static void node_deinit(struct reply_node *node)
{
    buf_deinit(&node->text);
    for (size_t i = 0; i < node->child_count; i++) {
        node_deinit(&node->children[i]);
    }
    mem_free(node->children);
}

static void advance(struct bytes *input, size_t size)
{
    *input = bytes_make(input->data + size, input->size - size);
}

/* Takes a line and its end. */
static enum read_result read_line(struct bytes *input, struct bytes *ret_line)
{
    const unsigned char *end = input->size > 0 ? memchr(input->data, '\r', input->size) : NULL;
    if (end == NULL) {
        return READ_MORE;
    }
    size_t size = (size_t)(end - input->data);
    if (input->size - size < 2) {
        return READ_MORE;
    }
    if (end[1] != '\n') {
        return READ_BAD;
    }
    *ret_line = bytes_make(input->data, size);
    advance(input, size + 2);
    return READ_DONE;
}

/* A bulk string, a bulk error or a verbatim text, whose length line was read. */
static enum read_result read_bulk(struct bytes *input, int64_t size, struct reply_node *node)
{
    if (size == -1 && node->kind == REPLY_KIND_BULK) {
        node->kind = REPLY_KIND_NULL;
        return READ_DONE;
    }
    if (size < 0 || size > BULK_MAX) {
        return READ_BAD;
    }
    size_t length = (size_t)size;
    if (input->size < length + 2) {
        return READ_MORE;
    }
    if (input->data[length] != '\r' || input->data[length + 1] != '\n') {
        return READ_BAD;
    }
    struct bytes text = bytes_make(input->data, length);
    if (node->kind == REPLY_KIND_VERBATIM) {
        if (length < 4 || text.data[3] != ':') {
            return READ_BAD;
        }
        text = bytes_make(text.data + 4, length - 4);
    }
    buf_append(&node->text, text);
    advance(input, length + 2);
    return READ_DONE;
}

static enum read_result read_children(struct bytes *input, size_t count, int depth,
                                      struct reply_node *node)
{
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == capacity) {
            capacity = capacity == 0 ? CHILDREN_TRUSTED : capacity * 2;
            capacity = capacity < count ? capacity : count;
            node->children = mem_realloc(node->children, capacity * sizeof(*node->children));
        }
        enum read_result result = read_node(input, depth + 1, &node->children[i]);
        if (result != READ_DONE) {
            return result;
        }
        node->child_count++;
    }
    return READ_DONE;
}

static enum read_result read_aggregate(struct bytes *input, int64_t count, int depth,
                                       struct reply_node *node)
{
    if (count == -1 && node->kind == REPLY_KIND_ARRAY) {
        node->kind = REPLY_KIND_NULL;
        return READ_DONE;
    }
    if (count < 0 || count > INT32_MAX || depth >= DEPTH_MAX) {
        return READ_BAD;
    }
    bool has_pairs = node->kind == REPLY_KIND_MAP || node->kind == REPLY_KIND_ATTRIBUTE;
    return read_children(input, (size_t)count * (has_pairs ? 2 : 1), depth, node);
}

/* A line that is the whole value. */
static enum read_result read_scalar(struct bytes line, struct reply_node *node)
{
    bool is_good = true;
    switch (node->kind) {
    case REPLY_KIND_INTEGER:
        is_good = number_parse_i64(line, &node->integer);
        break;
    case REPLY_KIND_NULL:
        return line.size == 0 ? READ_DONE : READ_BAD;
    case REPLY_KIND_BOOL:
        is_good = line.size == 1 && (line.data[0] == 't' || line.data[0] == 'f');
        node->integer = is_good && line.data[0] == 't';
        break;
    case REPLY_KIND_DOUBLE:
        if (bytes_is(line, "nan") || bytes_is(line, "-nan")) {
            node->number = NAN;
        } else {
            is_good = number_parse_double(line, &node->number);
        }
        buf_append(&node->text, line);
        break;
    default:
        buf_append(&node->text, line);
        break;
    }
    return is_good ? READ_DONE : READ_BAD;
}

/* How the rest of a reply is read, by its first byte. */
enum read_shape { SHAPE_SCALAR, SHAPE_BULK, SHAPE_AGGREGATE };

static bool kind_of(unsigned char mark, enum reply_kind *ret_kind, enum read_shape *ret_shape)
{
    static const struct {
        unsigned char mark;
        enum reply_kind kind;
        enum read_shape shape;
    } marks[] = {
        {'+', REPLY_KIND_SIMPLE, SHAPE_SCALAR},     {'-', REPLY_KIND_ERROR, SHAPE_SCALAR},
        {':', REPLY_KIND_INTEGER, SHAPE_SCALAR},    {'$', REPLY_KIND_BULK, SHAPE_BULK},
        {'_', REPLY_KIND_NULL, SHAPE_SCALAR},       {'*', REPLY_KIND_ARRAY, SHAPE_AGGREGATE},
        {'%', REPLY_KIND_MAP, SHAPE_AGGREGATE},     {'~', REPLY_KIND_SET, SHAPE_AGGREGATE},
        {'>', REPLY_KIND_PUSH, SHAPE_AGGREGATE},    {'|', REPLY_KIND_ATTRIBUTE, SHAPE_AGGREGATE},
        {',', REPLY_KIND_DOUBLE, SHAPE_SCALAR},     {'#', REPLY_KIND_BOOL, SHAPE_SCALAR},
        {'(', REPLY_KIND_BIG_NUMBER, SHAPE_SCALAR}, {'=', REPLY_KIND_VERBATIM, SHAPE_BULK},
        {'!', REPLY_KIND_ERROR, SHAPE_BULK},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (marks[i].mark == mark) {
            *ret_kind = marks[i].kind;
            *ret_shape = marks[i].shape;
            return true;
        }
    }
    return false;
}

static enum read_result read_body(struct bytes *input, int depth, struct reply_node *node)
{
    enum read_shape shape;
    if (!kind_of(input->data[0], &node->kind, &shape)) {
        return READ_BAD;
    }
    advance(input, 1);
    struct bytes line;
    enum read_result result = read_line(input, &line);
    if (result != READ_DONE) {
        return result;
    }
    if (shape == SHAPE_SCALAR) {
        return read_scalar(line, node);
    }
    int64_t size;
    if (!number_parse_i64(line, &size)) {
        return READ_BAD;
    }
    return shape == SHAPE_BULK ? read_bulk(input, size, node)
                               : read_aggregate(input, size, depth, node);
}

/* Reads into an uninitialised node; leaves nothing to free unless READ_DONE. */
static enum read_result read_node(struct bytes *input, int depth, struct reply_node *ret_node)
{
    *ret_node = (struct reply_node){.kind = REPLY_KIND_NULL};
    if (input->size == 0) {
        return READ_MORE;
    }
    enum read_result result = read_body(input, depth, ret_node);
    if (result != READ_DONE) {
        node_deinit(ret_node);
    }
    return result;
}

int reply_read(struct bytes *input, struct reply_node **ret_node)
{
    struct bytes rest = *input;
    struct reply_node node;
    enum read_result result = read_node(&rest, /* depth= */ 0, &node);
    if (result != READ_DONE) {
        return (int)result;
    }
    *ret_node = mem_alloc(sizeof(node));
    **ret_node = node;
    *input = rest;
    return (int)READ_DONE;
}

void reply_node_destroy(struct reply_node **node)
{
    if (*node == NULL) {
        return;
    }
    node_deinit(*node);
    mem_free(*node);
    *node = NULL;
}
