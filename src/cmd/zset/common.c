/* Ranges of sorted sets: as commands name them, and as ranks. */
#include "common.h"
#include "pollard/base/number.h"
#include <math.h>
#include <stdlib.h>

enum status argument_score(const struct exec *x, uint32_t index, double *ret_score)
{
    return number_parse_double(x->argv[index], ret_score) ? STATUS_OK : STATUS_NOT_FLOAT;
}

/* "1.5", "(1.5", "-inf"; nothing is 0. */
static bool read_score_bound(struct bytes text, double *ret_score, bool *ret_is_open)
{
    *ret_is_open = text.size > 0 && text.data[0] == '(';
    if (*ret_is_open) {
        text.data++;
        text.size--;
    }
    *ret_score = 0;
    return text.size == 0 || number_parse_double(text, ret_score);
}

/* "-", "+", "[text", "(text". */
static bool read_text_bound(struct bytes text, struct bytes *ret_text, int *ret_edge,
                            bool *ret_is_open)
{
    if (text.size == 0) {
        return false;
    }
    unsigned char first = text.data[0];
    *ret_edge = 0;
    *ret_is_open = first == '(';
    *ret_text = bytes_make(text.data + 1, text.size - 1);
    if (first == '-' || first == '+') {
        *ret_edge = first == '-' ? -1 : 1;
        return text.size == 1;
    }
    return first == '(' || first == '[';
}

enum status range_read(const struct exec *x, uint32_t min_index, uint32_t max_index,
                       struct zset_range *range)
{
    struct bytes min = x->argv[min_index];
    struct bytes max = x->argv[max_index];
    switch (range->kind) {
    case RANGE_RANK:
        if (!number_parse_i64(min, &range->start) || !number_parse_i64(max, &range->stop)) {
            return STATUS_NOT_INTEGER;
        }
        return STATUS_OK;
    case RANGE_SCORE:
        if (!read_score_bound(min, &range->min, &range->min_is_open) ||
            !read_score_bound(max, &range->max, &range->max_is_open)) {
            return STATUS_SCORE_RANGE;
        }
        return STATUS_OK;
    default:
        if (!read_text_bound(min, &range->min_text, &range->min_edge, &range->min_is_open) ||
            !read_text_bound(max, &range->max_text, &range->max_edge, &range->max_is_open)) {
            return STATUS_LEX_RANGE;
        }
        return STATUS_OK;
    }
}

static struct rank_range find_ranks(uint64_t size, const struct zset_range *range)
{
    const struct rank_range nothing = {0};
    int64_t length = (int64_t)size;
    int64_t start = range->start < 0 ? range->start + length : range->start;
    int64_t stop = range->stop < 0 ? range->stop + length : range->stop;
    start = start < 0 ? 0 : start;
    stop = stop >= length ? length - 1 : stop;
    if (start > stop || start >= length) {
        return nothing;
    }
    uint64_t count = (uint64_t)(stop - start) + 1;
    uint64_t first = range->is_reverse ? (uint64_t)(length - 1 - stop) : (uint64_t)start;
    return (struct rank_range){first, count};
}

static uint64_t text_rank(const struct collection *zset, struct bytes text, int edge, bool after)
{
    if (edge != 0) {
        return edge < 0 ? 0 : collection_count(zset);
    }
    struct item item = item_of(text);
    return zset_rank_of_text(zset, &item, after);
}

/* Leaves out what LIMIT leaves out, at the end where the range begins. */
static struct rank_range apply_limit(uint64_t first, uint64_t end, const struct zset_range *range)
{
    const struct rank_range nothing = {0};
    if (end <= first || range->offset < 0 || (uint64_t)range->offset >= end - first) {
        return nothing;
    }
    uint64_t offset = (uint64_t)range->offset;
    uint64_t count = end - first - offset;
    if (range->limit >= 0 && (uint64_t)range->limit < count) {
        count = (uint64_t)range->limit;
    }
    return (struct rank_range){range->is_reverse ? end - offset - count : first + offset, count};
}

struct rank_range range_find(const struct collection *zset, const struct zset_range *range)
{
    if (zset == NULL) {
        return (struct rank_range){0};
    }
    if (range->kind == RANGE_RANK) {
        return find_ranks(collection_count(zset), range);
    }
    uint64_t first;
    uint64_t end;
    if (range->kind == RANGE_SCORE) {
        first = zset_rank_of_score(zset, range->min, range->min_is_open);
        end = zset_rank_of_score(zset, range->max, !range->max_is_open);
    } else {
        first = text_rank(zset, range->min_text, range->min_edge, range->min_is_open);
        end = text_rank(zset, range->max_text, range->max_edge, !range->max_is_open);
    }
    return apply_limit(first, end, range);
}

void reply_elements_header(struct reply *reply, uint64_t count, bool has_scores)
{
    reply_array(reply, has_scores && reply->protocol == 2 ? count * 2 : count);
}

void reply_range(struct exec *x, struct collection *zset, const struct rank_range *range,
                 bool is_reverse, bool has_scores)
{
    reply_elements_header(x->reply, range->count, has_scores);
    if (range->count == 0) {
        return;
    }
    uint64_t size = collection_count(zset);
    const struct stream stream = {
        .parts = has_scores ? STREAM_SCORES : STREAM_MEMBERS,
        .rank = is_reverse ? size - range->rank - range->count : range->rank,
        .count = range->count,
        .is_reverse = is_reverse,
    };
    stream_elements(x, zset, &stream);
}
