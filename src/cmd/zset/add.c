/* ZADD and ZINCRBY. On the data path; run inside an access on one key. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"
#include <math.h>

/* Pairs whose scores are kept while they are all read: before the first one is stored. */
#define INLINE_PAIRS 16

struct add_options {
    bool is_nx;
    bool is_xx;
    bool is_gt;
    bool is_lt;
    bool is_ch;
    bool is_incr;
    uint32_t first; /* index of the first score */
    uint32_t pairs;
};

struct add_result {
    int64_t added;
    int64_t changed;
    bool was_done; /* the last one was stored, or had that score already */
    double score;  /* of the last one */
};

static enum status read_options(const struct exec *x, struct add_options *options)
{
    uint32_t i = 2;
    for (; i < x->argc; i++) {
        if (argument_is(x, i, "nx")) {
            options->is_nx = true;
        } else if (argument_is(x, i, "xx")) {
            options->is_xx = true;
        } else if (argument_is(x, i, "gt")) {
            options->is_gt = true;
        } else if (argument_is(x, i, "lt")) {
            options->is_lt = true;
        } else if (argument_is(x, i, "ch")) {
            options->is_ch = true;
        } else if (argument_is(x, i, "incr")) {
            options->is_incr = true;
        } else {
            break;
        }
    }
    options->first = i;
    options->pairs = (x->argc - i) / 2;
    if (options->pairs == 0 || (x->argc - i) % 2 != 0) {
        return STATUS_SYNTAX;
    }
    if (options->is_nx && options->is_xx) {
        return STATUS_ZADD_NX_XX;
    }
    if ((options->is_gt && options->is_nx) || (options->is_lt && options->is_nx) ||
        (options->is_gt && options->is_lt)) {
        return STATUS_ZADD_GT_LT_NX;
    }
    return options->is_incr && options->pairs > 1 ? STATUS_ZADD_INCR : STATUS_OK;
}

/* Stores one member if the options allow it. found and old are its present score. */
static enum status add_one(struct exec *x, struct collection **zset, uint32_t index,
                           const struct add_options *options, struct add_result *result)
{
    const struct value_limits *limits = &x->services->value_limits;
    struct item member;
    double old = 0;
    bool is_there = false;
    enum status status = argument_item(x, index, &member);
    if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    bool has_conditions =
        options->is_nx || options->is_xx || options->is_gt || options->is_lt || options->is_incr;
    if (has_conditions) {
        struct item_needle needle;
        item_needle_of(&needle, &member);
        is_there = zset_score(*zset, &needle, &old);
    }
    double score = options->is_incr && is_there ? old + result->score : result->score;
    if (isnan(score)) {
        item_unmake(&member);
        return STATUS_SCORE_NAN;
    }
    result->score = score;
    result->was_done = !(is_there ? options->is_nx || (options->is_gt && score <= old) ||
                                        (options->is_lt && score >= old)
                                  : options->is_xx);
    if (result->was_done) {
        enum zset_change change = zset_put(zset, limits, &member, score);
        result->added += change == ZSET_ADDED;
        result->changed += change == ZSET_MOVED;
    }
    item_unmake(&member);
    return STATUS_OK;
}

static enum status add_all(struct exec *x, struct collection **zset,
                           const struct add_options *options, const double *scores,
                           struct add_result *result)
{
    for (uint32_t i = 0; i < options->pairs; i++) {
        result->score = scores[i];
        enum status status = add_one(x, zset, options->first + 2 * i + 1, options, result);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static void reply_result(struct exec *x, const struct add_options *options,
                         const struct add_result *result)
{
    if (!options->is_incr) {
        reply_integer(x->reply, result->added + (options->is_ch ? result->changed : 0));
    } else if (result->was_done) {
        reply_double(x->reply, result->score);
    } else {
        reply_null(x->reply);
    }
}

static enum status add_with_scores(struct exec *x, const struct add_options *options,
                                   const double *scores)
{
    struct collection_edit edit;
    struct add_result result = {0};
    enum status status = edit_begin(x, 0, VALUE_ZSET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        if (options->is_xx) {
            reply_result(x, options, &result);
            return STATUS_OK;
        }
        edit_create(&edit, zset_create());
    } else if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    status = add_all(x, edit.at, options, scores, &result);
    bool has_changed = result.added + result.changed > 0;
    enum status ended = edit_end(x, &edit,
                                 !has_changed       ? EDIT_TELLS_NOTHING
                                 : options->is_incr ? EVENT_zincr
                                                    : EVENT_zadd);
    if (LIKELY(status == STATUS_OK && ended == STATUS_OK)) {
        reply_result(x, options, &result);
    }
    return status == STATUS_OK ? ended : status;
}

static enum status add(struct exec *x, const struct add_options *options)
{
    double room[INLINE_PAIRS];
    double *scores = room;
    enum status status = STATUS_OK;
    if (options->pairs > INLINE_PAIRS) {
        scores = mem_try_alloc(options->pairs * sizeof(*scores));
        if (scores == NULL) {
            return STATUS_ALLOCATION;
        }
    }
    for (uint32_t i = 0; i < options->pairs && status == STATUS_OK; i++) {
        status = argument_score(x, options->first + 2 * i, &scores[i]);
    }
    if (LIKELY(status == STATUS_OK)) {
        status = add_with_scores(x, options, scores);
    }
    if (scores != room) {
        mem_free(scores);
    }
    return status;
}

enum status cmd_zadd(struct exec *x)
{
    struct add_options options = {0};
    enum status status = read_options(x, &options);
    return LIKELY(status == STATUS_OK) ? add(x, &options) : status;
}

enum status cmd_zincrby(struct exec *x)
{
    /* Words that are options of ZADD are that here, too, as in Redis. */
    struct add_options options = {.is_incr = true};
    enum status status = read_options(x, &options);
    return LIKELY(status == STATUS_OK) ? add(x, &options) : status;
}
