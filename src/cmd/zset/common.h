/* What the handlers of the sorted-set group share: ranges and how they are read. */
#ifndef POLLARD_CMD_ZSET_COMMON_H
#define POLLARD_CMD_ZSET_COMMON_H

#include "../collection.h"
#include "pollard/value/zset.h"

/* Elements that are changed or looked at inside an access; more are the pool's work. */
#define ZSET_INLINE_COUNT ((uint64_t)4096)

/* Consecutive elements, from the lowest rank. */
struct rank_range {
    uint64_t rank;
    uint64_t count;
};

enum range_kind { RANGE_RANK, RANGE_SCORE, RANGE_LEX };

/* A range as a command names it. Ranks of a reverse range count from the highest. */
struct zset_range {
    enum range_kind kind;
    bool is_reverse;
    int64_t start; /* ranks; negative from the end; the end counts */
    int64_t stop;
    double min; /* scores */
    double max;
    bool min_is_open; /* scores and texts: the bound itself is out */
    bool max_is_open;
    int min_edge; /* texts: -1 below all, 1 above all, 0: the text */
    int max_edge;
    struct bytes min_text;
    struct bytes max_text;
    int64_t offset; /* LIMIT */
    int64_t limit;  /* negative: none */
};

/* Reads the bounds of range->kind at argv[index] (the lower one first, whatever the direction) and
 * argv[index + 1] into the range. STATUS_OK, STATUS_NOT_INTEGER, STATUS_SCORE_RANGE,
 * STATUS_LEX_RANGE. */
enum status range_read(const struct exec *x, uint32_t min_index, uint32_t max_index,
                       struct zset_range *range);
/* The elements that are in it, LIMIT applied; zset may be NULL: none. */
struct rank_range range_find(const struct collection *zset, const struct zset_range *range);

/* argv[index] as a score. STATUS_OK, STATUS_NOT_FLOAT. */
enum status argument_score(const struct exec *x, uint32_t index, double *ret_score);

/* Header of count elements with or without scores: pairs are an array each in RESP3. */
void reply_elements_header(struct reply *reply, uint64_t count, bool has_scores);
/* The elements of a range, header included; the reply is streamed when it is long. */
void reply_range(struct exec *x, struct collection *zset, const struct rank_range *range,
                 bool is_reverse, bool has_scores);

/* ---- Taking a range out ---- */

/* How what was taken is answered: called once the change is done, with a version from before it. */
typedef void cut_answer(struct exec *x, struct collection *before, const struct rank_range *range);

/* Takes the range (not empty) out of the sorted set under a key, tells of it and answers. A long
 * one on the pool, without the lock, in two visits: the handler is called again then and must come
 * here with the same range if the set is the same. STATUS_OK or what the handler has to return. */
struct zset_cut {
    uint32_t key_index;
    struct rank_range range;
    enum key_event event;
    cut_answer *answer;
};
enum status zset_cut(struct exec *x, struct collection *zset, const struct zset_cut *cut);

#endif
