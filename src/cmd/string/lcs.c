/* LCS: the longest common subsequence of two strings.
 *
 * Runs inside a READ access on two keys, on the reactor only while the product of the sizes is
 * small. Large work is done on the pool with references to the two strings, after the access has
 * been ended: neither a shard nor the gate is held up by it. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* Cells that a reactor may work on in one call. Source: a cell takes about a nanosecond. */
#define REACTOR_CELLS_MAX ((uint64_t)100000)
/* Cells between two looks at whether the client is still there. */
#define SLICE_CELLS ((uint64_t)1000000)

struct lcs_options {
    bool wants_length;
    bool wants_indexes;
    bool wants_match_length;
    int64_t match_size_min;
};

static enum status read_options(const struct exec *x, struct lcs_options *options)
{
    for (uint32_t i = 3; i < x->argc; i++) {
        if (argument_is(x, i, "idx")) {
            options->wants_indexes = true;
        } else if (argument_is(x, i, "len")) {
            options->wants_length = true;
        } else if (argument_is(x, i, "withmatchlen")) {
            options->wants_match_length = true;
        } else if (argument_is(x, i, "minmatchlen") && i + 1 < x->argc) {
            i++;
            if (argument_integer(x, i, &options->match_size_min) != STATUS_OK) {
                return STATUS_NOT_INTEGER;
            }
        } else {
            return STATUS_SYNTAX;
        }
    }
    return options->wants_length && options->wants_indexes ? STATUS_LCS_BOTH : STATUS_OK;
}

/* The strings under both keys; absent ones are empty. */
static enum status find_values(struct exec *x, struct value *values)
{
    for (uint32_t i = 0; i < 2; i++) {
        enum status status = string_find(x, i, 0, &values[i]);
        if (status == STATUS_WRONG_TYPE) {
            return STATUS_LCS_TYPE;
        }
        if (status == STATUS_ABSENT) {
            values[i] = value_string(bytes_text(""));
        }
    }
    return STATUS_OK;
}

/* False when the work should stop: nobody waits for the answer. */
static bool compute(struct exec *x, struct lcs *lcs)
{
    uint64_t row_cells = (uint64_t)lcs->b.size + 1;
    uint64_t cells = 0;
    while (lcs_row(lcs)) {
        cells += row_cells;
        if (cells < SLICE_CELLS) {
            continue;
        }
        cells = 0;
        if (exec_breathe(x)) {
            return false;
        }
    }
    return true;
}

static void reply_range(struct reply *reply, size_t start, size_t end)
{
    reply_array(reply, 2);
    reply_integer(reply, (int64_t)start);
    reply_integer(reply, (int64_t)end);
}

static void reply_indexes(struct reply *reply, struct lcs *lcs, const struct lcs_options *options)
{
    reply_map(reply, 2);
    reply_bulk_text(reply, "matches");
    struct reply_later later;
    reply_later_begin(reply, &later);
    size_t count = 0;
    struct lcs_match match;
    while (lcs_next(lcs, &match)) {
        int64_t size = (int64_t)(match.a_end - match.a_start + 1);
        if (size < options->match_size_min) {
            continue;
        }
        count++;
        reply_array(reply, options->wants_match_length ? 3 : 2);
        reply_range(reply, match.a_start, match.a_end);
        reply_range(reply, match.b_start, match.b_end);
        if (options->wants_match_length) {
            reply_integer(reply, size);
        }
    }
    reply_later_end(reply, &later, REPLY_ARRAY, count);
    reply_bulk_text(reply, "len");
    reply_integer(reply, (int64_t)lcs->length);
}

/* The subsequence itself, put together from its end. */
static enum status reply_text(struct reply *reply, struct lcs *lcs)
{
    unsigned char *text = mem_try_alloc(lcs->length);
    if (text == NULL) {
        return STATUS_LCS_MEMORY;
    }
    size_t at = lcs->length;
    struct lcs_match match;
    while (lcs_next(lcs, &match)) {
        size_t size = match.a_end - match.a_start + 1;
        at -= size;
        memcpy(text + at, lcs->a.data + match.a_start, size);
    }
    reply_bulk(reply, bytes_make(text, lcs->length));
    mem_free(text);
    return STATUS_OK;
}

static enum status answer(struct exec *x, struct lcs *lcs, const struct lcs_options *options)
{
    if (!compute(x, lcs)) {
        return STATUS_SHUTTING_DOWN;
    }
    if (options->wants_indexes) {
        reply_indexes(x->reply, lcs, options);
        return STATUS_OK;
    }
    if (options->wants_length) {
        reply_integer(x->reply, (int64_t)lcs->length);
        return STATUS_OK;
    }
    return reply_text(x->reply, lcs);
}

/* The matches may take as much memory for a moment as the longest string may for good. */
static enum status work(struct exec *x, const struct blob *a, const struct blob *b,
                        const struct lcs_options *options)
{
    if (a == NULL || b == NULL) {
        return STATUS_LCS_MEMORY;
    }
    struct lcs lcs;
    size_t memory_max = (size_t)option_get(&x->services->client_options->bulk_size_max);
    if (!lcs_init(&lcs, blob_bytes(a), blob_bytes(b), !options->wants_length, memory_max)) {
        return STATUS_LCS_MEMORY;
    }
    enum status status = answer(x, &lcs, options);
    lcs_deinit(&lcs);
    return status;
}

enum status cmd_lcs(struct exec *x)
{
    struct value values[2];
    enum status status = find_values(x, values);
    if (status != STATUS_OK) {
        return status;
    }
    struct lcs_options options = {0};
    status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t a_size = value_string_size(&values[0]);
    uint64_t b_size = value_string_size(&values[1]);
    if (exec_on_reactor(x) && b_size > 0 && a_size > REACTOR_CELLS_MAX / b_size) {
        return STATUS_TO_POOL;
    }
    struct blob *a = string_hold(&values[0]);
    struct blob *b = string_hold(&values[1]);
    if (!exec_on_reactor(x)) {
        access_end(x->access);
    }
    status = work(x, a, b, &options);
    blob_release(a);
    blob_release(b);
    return status;
}
