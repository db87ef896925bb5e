/* BITCOUNT and BITPOS: looking through a string.
 *
 * Run inside a READ access on one key; what is too long for a reactor is done on the pool with a
 * reference to the bytes and no key held, in slices. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

/* What is sought, as the arguments say it. */
struct scan_options {
    bool is_count; /* else a position */
    bool bit;      /* of the position */
    bool has_end;
    uint32_t unit_bits;
    int64_t start;
    int64_t end;
};

/* STATUS_OK, STATUS_SYNTAX. */
static enum status read_unit(const struct exec *x, uint32_t index, struct scan_options *options)
{
    options->unit_bits = 8;
    if (index >= x->argc || argument_is(x, index, "byte")) {
        return STATUS_OK;
    }
    options->unit_bits = 1;
    return argument_is(x, index, "bit") ? STATUS_OK : STATUS_SYNTAX;
}

/* first: index of start, which is optional with all behind it. What is wrong is told in Redis's
 * order. STATUS_OK, STATUS_NOT_INTEGER, STATUS_SYNTAX. */
static enum status read_range(const struct exec *x, uint32_t first, struct scan_options *options)
{
    options->start = 0;
    options->end = -1;
    if (x->argc > first + 3 || (options->is_count && x->argc == first + 1)) {
        return STATUS_SYNTAX;
    }
    options->has_end = x->argc > first + 1;
    if (x->argc > first && argument_integer(x, first, &options->start) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    enum status unit = read_unit(x, first + 2, options);
    if (!options->is_count && unit != STATUS_OK) {
        return unit;
    }
    if (options->has_end && argument_integer(x, first + 1, &options->end) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    return unit;
}

struct scan_work {
    struct exec_work base;
    struct blob *blob;
    struct scan_options options;
    struct bitmap_range range;
};

/* A part of a range that ends with a byte: a slice, or what is left of it. */
static struct bitmap_range next_slice(struct bitmap_range left)
{
    uint64_t end = left.first / 8 * 8 + (uint64_t)BITMAP_SLICE_SIZE * 8 - 1;
    return (struct bitmap_range){.first = left.first, .last = end < left.last ? end : left.last};
}

/* The answer when no such bit was found: behind a string without an end there are zeroes. */
static int64_t position_of_none(const struct scan_options *options, size_t size)
{
    return options->bit || options->has_end ? -1 : (int64_t)(size * 8);
}

static enum status scan_run(struct exec *x, struct exec_work *work)
{
    struct scan_work *scan = (struct scan_work *)work;
    struct bytes bytes = blob_bytes(scan->blob);
    struct bitmap_range left = scan->range;
    int64_t result = scan->options.is_count ? 0 : -1;
    while (left.first <= left.last && (scan->options.is_count || result < 0)) {
        struct bitmap_range slice = next_slice(left);
        if (scan->options.is_count) {
            result += (int64_t)bitmap_count_range(bytes, slice);
        } else {
            result = bitmap_position(bytes, scan->options.bit, slice);
        }
        left.first = slice.last + 1;
        if (exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    if (!scan->options.is_count && result < 0) {
        result = position_of_none(&scan->options, bytes.size);
    }
    reply_integer(x->reply, result);
    return STATUS_REPLIED;
}

static void scan_free(struct exec_work *work, struct keyspace *keyspace)
{
    (void)keyspace; /* Nothing of it is held. */
    struct scan_work *scan = (struct scan_work *)work;
    blob_release(scan->blob);
    mem_free(scan);
}

/* Leaves the work to be done without the key. */
static enum status scan_later(struct exec *x, const struct value *value,
                              const struct scan_options *options, struct bitmap_range range)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct scan_work *scan = mem_alloc(sizeof(*scan));
    *scan = (struct scan_work){
        .base = {.run = scan_run, .free = scan_free},
        .blob = blob_acquire(value->blob),
        .options = *options,
        .range = range,
    };
    x->work = &scan->base;
    return STATUS_COMPUTE;
}

static enum status scan(struct exec *x, const struct scan_options *options)
{
    struct value value;
    enum status status = string_find(x, 0, 0, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, !options->is_count && options->bit ? -1 : 0);
        return STATUS_OK;
    }
    unsigned char scratch[NUMBER_INT_MAX + 4];
    struct bytes bytes = value_string_bytes(&value, scratch);
    struct bitmap_range range;
    /* Both from the end, in the wrong order: Redis counts nothing there, but searches. */
    bool is_crossed = options->is_count && options->start < 0 && options->end < 0 &&
                      options->start > options->end;
    if (is_crossed ||
        !bitmap_range_of(bytes.size, options->start, options->end, options->unit_bits, &range)) {
        reply_integer(x->reply, options->is_count ? 0 : -1);
        return STATUS_OK;
    }
    if ((range.last - range.first) / 8 > BITMAP_REACTOR_SIZE && value.blob != NULL) {
        return scan_later(x, &value, options, range);
    }
    int64_t result = options->is_count ? (int64_t)bitmap_count_range(bytes, range)
                                       : bitmap_position(bytes, options->bit, range);
    reply_integer(x->reply, result < 0 ? position_of_none(options, bytes.size) : result);
    return STATUS_OK;
}

enum status cmd_bitcount(struct exec *x)
{
    struct scan_options options = {.is_count = true};
    enum status status = read_range(x, 2, &options);
    return status == STATUS_OK ? scan(x, &options) : status;
}

enum status cmd_bitpos(struct exec *x)
{
    struct scan_options options = {.is_count = false};
    int64_t bit;
    if (argument_integer(x, 2, &bit) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (bit != 0 && bit != 1) {
        return STATUS_BITPOS_BIT;
    }
    options.bit = bit != 0;
    enum status status = read_range(x, 3, &options);
    return status == STATUS_OK ? scan(x, &options) : status;
}
