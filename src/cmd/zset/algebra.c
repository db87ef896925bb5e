/* Union, intersection and difference of sorted sets, from versions. Small ones inside the access,
 * large ones on the pool with no key held. A member of a plain set has the score 1. */
#include "algebra.h"
#include "pollard/base/mem.h"
#include "pollard/value/set.h"
#include <math.h>

/* Elements between two looks at whether to go on. */
#define SLICE 1024

static void algebra_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct zset_algebra *algebra = (struct zset_algebra *)work;
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        keyspace_discard_collection(keyspace, algebra->inputs[i].collection);
    }
    keyspace_discard_collection(keyspace, algebra->result);
    mem_free(algebra);
}

enum status zset_algebra_begin(struct exec *x, uint32_t first, uint32_t count,
                               struct zset_algebra **ret_algebra)
{
    struct zset_algebra *algebra =
        mem_alloc_zero(sizeof(*algebra) + count * sizeof(struct zset_input));
    enum status status = STATUS_OK;
    algebra->work = (struct exec_work){.run = zset_algebra_run, .free = algebra_free};
    algebra->limit = UINT64_MAX;
    algebra->input_count = count;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct value value;
        algebra->inputs[i].weight = 1;
        algebra->inputs[i].key = first + i;
        if (!key_find(x->access, first + i, 0, &value)) {
            continue;
        }
        if (value.type != VALUE_ZSET && value.type != VALUE_SET) {
            status = STATUS_WRONG_TYPE;
            continue;
        }
        algebra->inputs[i].collection = collection_acquire(value.collection);
        algebra->size += collection_count(value.collection);
    }
    x->work = &algebra->work;
    if (status != STATUS_OK) {
        exec_drop_work(x);
    }
    *ret_algebra = algebra;
    return status;
}

bool zset_algebra_is_large(const struct zset_algebra *algebra)
{
    return algebra->size > ZSET_INLINE_COUNT;
}

bool zset_algebra_is_current(struct exec *x, const struct zset_algebra *algebra)
{
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        struct value value;
        const struct collection *now = NULL;
        if (key_find(x->access, algebra->inputs[i].key, KEY_QUIET, &value)) {
            if (value.type != VALUE_ZSET && value.type != VALUE_SET) {
                return false;
            }
            now = value.collection;
        }
        if (now != algebra->inputs[i].collection) {
            return false;
        }
    }
    return true;
}

static bool should_stop(struct exec *x, uint64_t seen)
{
    return seen % SLICE == 0 && exec_breathe(x);
}

/* ---- Scores ---- */

static bool find_score(const struct collection *collection, const struct item_needle *member,
                       double *ret_score)
{
    if (collection == NULL) {
        return false;
    }
    if (collection->type == VALUE_SET) {
        *ret_score = 1;
        return set_find(collection, member);
    }
    return zset_score(collection, member, ret_score);
}

/* The score an element brings; NaN when infinity meets zero. */
static double product(const struct zset_algebra *algebra, uint32_t input, double score)
{
    if (algebra->aggregate == AGGREGATE_COUNT) {
        return algebra->inputs[input].weight;
    }
    if (algebra->inputs[input].collection->type == VALUE_SET) {
        score = 1;
    }
    return score * algebra->inputs[input].weight;
}

/* The same with zero for NaN. */
static double weighted(const struct zset_algebra *algebra, uint32_t input, double score)
{
    double found = product(algebra, input, score);
    return isnan(found) ? 0 : found;
}

static double aggregated(const struct zset_algebra *algebra, double a, double b)
{
    double sum;
    switch (algebra->aggregate) {
    case AGGREGATE_MIN:
        return b < a ? b : a;
    case AGGREGATE_MAX:
        return b > a ? b : a;
    default:
        sum = a + b;
        /* Infinities of both signs. */
        return isnan(sum) ? 0 : sum;
    }
}

/* A member belongs to the answer. False when that was the last one wanted. */
static bool take(struct exec *x, struct zset_algebra *algebra, const struct item *member,
                 double score)
{
    if (algebra->wants_members) {
        (void)zset_put(&algebra->result, &x->services->value_limits, member, score);
    }
    algebra->count++;
    return algebra->count < algebra->limit;
}

/* ---- The operations ---- */

static uint64_t input_size(const struct zset_input *input)
{
    return input->collection == NULL ? 0 : collection_count(input->collection);
}

/* Smallest inputs first, absent ones before them: scores are added up in this order, as in Redis,
 * and an intersection walks through the first. */
static void sort_inputs(struct zset_algebra *algebra)
{
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        struct zset_input input = algebra->inputs[i];
        uint64_t size = input_size(&input);
        uint32_t at = i;
        while (at > 0 && input_size(&algebra->inputs[at - 1]) > size) {
            algebra->inputs[at] = algebra->inputs[at - 1];
            at--;
        }
        algebra->inputs[at] = input;
    }
}

/* Is the element of the first input in all others? Its score then. */
static bool intersect_one(const struct zset_algebra *algebra, const struct element *element,
                          double *ret_score)
{
    struct item_needle member;
    item_needle_of(&member, &element->member);
    *ret_score = weighted(algebra, 0, element->score);
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        double score;
        if (!find_score(algebra->inputs[i].collection, &member, &score)) {
            return false;
        }
        *ret_score = aggregated(algebra, *ret_score, product(algebra, i, score));
    }
    return true;
}

static enum status intersect(struct exec *x, struct zset_algebra *algebra)
{
    if (algebra->inputs[0].collection == NULL) {
        return STATUS_OK;
    }
    struct collection_cursor cursor;
    struct element element;
    uint64_t seen = 0;
    collection_cursor_begin(&cursor, algebra->inputs[0].collection, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        double score;
        if (intersect_one(algebra, &element, &score) && !take(x, algebra, &element.member, score)) {
            return STATUS_OK;
        }
        if (should_stop(x, ++seen)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static bool is_in_another(const struct zset_algebra *algebra, const struct item *item)
{
    struct item_needle member;
    double score;
    item_needle_of(&member, item);
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        if (find_score(algebra->inputs[i].collection, &member, &score)) {
            return true;
        }
    }
    return false;
}

static enum status differ(struct exec *x, struct zset_algebra *algebra)
{
    struct collection_cursor cursor;
    struct element element;
    uint64_t seen = 0;
    if (algebra->inputs[0].collection == NULL) {
        return STATUS_OK;
    }
    collection_cursor_begin(&cursor, algebra->inputs[0].collection, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        if (!is_in_another(algebra, &element.member) &&
            !take(x, algebra, &element.member, weighted(algebra, 0, element.score))) {
            return STATUS_OK;
        }
        if (should_stop(x, ++seen)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static enum status unite(struct exec *x, struct zset_algebra *algebra)
{
    const struct value_limits *limits = &x->services->value_limits;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        struct collection_cursor cursor;
        struct element element;
        if (algebra->inputs[i].collection == NULL) {
            continue;
        }
        collection_cursor_begin(&cursor, algebra->inputs[i].collection, &(struct cursor_start){0});
        while (collection_cursor_next(&cursor, &element)) {
            struct item_needle member;
            double score = weighted(algebra, i, element.score);
            double old;
            item_needle_of(&member, &element.member);
            if (i > 0 && zset_score(algebra->result, &member, &old)) {
                score = aggregated(algebra, old, score);
            }
            (void)zset_put(&algebra->result, limits, &element.member, score);
            if (should_stop(x, ++seen)) {
                return STATUS_REPLIED;
            }
        }
    }
    algebra->count = collection_count(algebra->result);
    return STATUS_OK;
}

enum status zset_algebra_run(struct exec *x, struct exec_work *work)
{
    struct zset_algebra *algebra = (struct zset_algebra *)work;
    collection_release(algebra->result);
    algebra->result = zset_create();
    algebra->count = 0;
    if (algebra->operation != ZSET_DIFF) {
        sort_inputs(algebra);
    }
    switch (algebra->operation) {
    case ZSET_UNION:
        return unite(x, algebra);
    case ZSET_INTER:
        return intersect(x, algebra);
    default:
        return differ(x, algebra);
    }
}
