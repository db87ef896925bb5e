/* Union, intersection and difference of sets, from versions. Small ones inside the access, large
 * ones on the pool with no key held. */
#include "algebra.h"
#include "pollard/base/mem.h"

/* Members that are looked at on a reactor, or under locks. */
#define INLINE_WEIGHT 4096
/* Members between two looks at whether to go on. */
#define SLICE 1024
/* A union or difference begins with a version of an input that is at least so large. */
#define SHARE_COUNT 4096

static void algebra_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct algebra *algebra = (struct algebra *)work;
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        keyspace_discard_collection(keyspace, algebra->inputs[i]);
    }
    keyspace_discard_collection(keyspace, algebra->result);
    mem_free(algebra);
}

enum status algebra_begin(struct exec *x, uint32_t first, uint32_t count,
                          struct algebra **ret_algebra)
{
    struct algebra *algebra = mem_alloc_zero(sizeof(*algebra) + count * sizeof(void *));
    enum status status = STATUS_OK;
    algebra->work = (struct exec_work){.run = algebra_run, .free = algebra_free};
    algebra->limit = UINT64_MAX;
    algebra->input_count = count;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct collection *set;
        enum status found = collection_find(x, first + i, VALUE_SET, &set);
        if (found == STATUS_WRONG_TYPE) {
            status = found;
        } else if (found == STATUS_OK) {
            algebra->inputs[i] = collection_acquire(set);
            algebra->weight += collection_count(set);
        }
    }
    x->work = &algebra->work;
    if (status != STATUS_OK) {
        exec_drop_work(x);
    }
    *ret_algebra = algebra;
    return status;
}

bool algebra_is_large(const struct algebra *algebra)
{
    return algebra->weight > INLINE_WEIGHT;
}

bool algebra_is_current(struct exec *x, uint32_t first, const struct algebra *algebra)
{
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        struct value value;
        bool is_there = key_find(x->access, first + i, KEY_QUIET, &value);
        const struct collection *set =
            is_there && value.type == VALUE_SET ? value.collection : NULL;
        if (set != algebra->inputs[i] || (is_there && set == NULL)) {
            return false;
        }
    }
    return true;
}

/* A member belongs to the answer. False when that was the last one wanted. */
static bool take(struct exec *x, struct algebra *algebra, const struct item *member)
{
    if (algebra->wants_members) {
        (void)set_add(&algebra->result, &x->services->value_limits, member);
    }
    algebra->count++;
    return algebra->count < algebra->limit;
}

/* Time to look whether to go on, and not to? */
static bool should_stop(struct exec *x, uint64_t seen)
{
    return seen % SLICE == 0 && exec_breathe(x);
}

/* ---- Intersections ---- */

static uint32_t smallest_input(const struct algebra *algebra)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        if (collection_count(algebra->inputs[i]) < collection_count(algebra->inputs[best])) {
            best = i;
        }
    }
    return best;
}

static bool is_in_all(const struct algebra *algebra, uint32_t but, const struct item *member)
{
    struct item_needle needle;
    item_needle_of(&needle, member);
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        if (i != but && !set_find(algebra->inputs[i], &needle)) {
            return false;
        }
    }
    return true;
}

/* Two sets of integers: both sorted. */
static void intersect_integers(struct exec *x, struct algebra *algebra)
{
    const struct collection *a = algebra->inputs[0];
    const struct collection *b = algebra->inputs[1];
    uint32_t most = a->count < b->count ? a->count : b->count;
    uint32_t limit = algebra->limit < most ? (uint32_t)algebra->limit : most;
    if (!algebra->wants_members) {
        algebra->count = intset_intersect(a, b, limit, NULL);
        return;
    }
    int64_t *found = mem_alloc(((size_t)most + 1) * sizeof(*found));
    uint32_t count = intset_intersect(a, b, limit, found);
    for (uint32_t i = 0; i < count; i++) {
        struct item member = item_of_integer(found[i]);
        (void)take(x, algebra, &member);
    }
    mem_free(found);
}

static enum status intersect(struct exec *x, struct algebra *algebra)
{
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        if (algebra->inputs[i] == NULL) {
            return STATUS_OK;
        }
    }
    if (algebra->input_count == 2 && set_is_intset(algebra->inputs[0]) &&
        set_is_intset(algebra->inputs[1])) {
        intersect_integers(x, algebra);
        return STATUS_OK;
    }
    uint32_t base = smallest_input(algebra);
    struct collection_cursor cursor;
    struct element element;
    uint64_t seen = 0;
    collection_cursor_begin(&cursor, algebra->inputs[base], &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        if (is_in_all(algebra, base, &element.member) && !take(x, algebra, &element.member)) {
            return STATUS_OK;
        }
        if (should_stop(x, ++seen)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

/* ---- Differences ---- */

static bool is_in_another(const struct algebra *algebra, const struct item *member)
{
    struct item_needle needle;
    item_needle_of(&needle, member);
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        if (algebra->inputs[i] != NULL && set_find(algebra->inputs[i], &needle)) {
            return true;
        }
    }
    return false;
}

/* The result becomes a version of an input, to be changed. */
static void begin_with(struct algebra *algebra, uint32_t input)
{
    collection_release(algebra->result);
    algebra->result = collection_acquire(algebra->inputs[input]);
    collection_own(&algebra->result);
}

/* Counts what begin_with and its changes have made. */
static enum status count_result(struct algebra *algebra)
{
    uint64_t count = collection_count(algebra->result);
    algebra->count = count < algebra->limit ? count : algebra->limit;
    return STATUS_OK;
}

/* Few taken from many: out of a version. */
static enum status take_out(struct exec *x, struct algebra *algebra)
{
    uint64_t seen = 0;
    begin_with(algebra, 0);
    for (uint32_t i = 1; i < algebra->input_count; i++) {
        struct collection_cursor cursor;
        struct element element;
        if (algebra->inputs[i] == NULL) {
            continue;
        }
        collection_cursor_begin(&cursor, algebra->inputs[i], &(struct cursor_start){0});
        while (collection_cursor_next(&cursor, &element)) {
            struct item_needle needle;
            item_needle_of(&needle, &element.member);
            (void)set_remove(&algebra->result, &needle);
            if (should_stop(x, ++seen)) {
                return STATUS_REPLIED;
            }
        }
    }
    return count_result(algebra);
}

static enum status differ(struct exec *x, struct algebra *algebra)
{
    struct collection_cursor cursor;
    struct element element;
    uint64_t seen = 0;
    if (algebra->inputs[0] == NULL) {
        return STATUS_OK;
    }
    uint64_t count = collection_count(algebra->inputs[0]);
    if (algebra->inputs[0]->is_large && count >= SHARE_COUNT &&
        algebra->weight - count < count / 2) {
        return take_out(x, algebra);
    }
    collection_cursor_begin(&cursor, algebra->inputs[0], &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        if (!is_in_another(algebra, &element.member) && !take(x, algebra, &element.member)) {
            return STATUS_OK;
        }
        if (should_stop(x, ++seen)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

/* ---- Unions ---- */

/* The input that the union begins with: a large one is shared, not copied. */
static uint32_t union_base(const struct algebra *algebra)
{
    uint32_t best = algebra->input_count;
    uint64_t most = SHARE_COUNT - 1;
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        const struct collection *set = algebra->inputs[i];
        if (set != NULL && set->is_large && collection_count(set) > most) {
            most = collection_count(set);
            best = i;
        }
    }
    return best;
}

static enum status unite(struct exec *x, struct algebra *algebra)
{
    uint32_t base = union_base(algebra);
    uint64_t seen = 0;
    if (base < algebra->input_count) {
        begin_with(algebra, base);
    }
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        struct collection_cursor cursor;
        struct element element;
        if (i == base || algebra->inputs[i] == NULL) {
            continue;
        }
        collection_cursor_begin(&cursor, algebra->inputs[i], &(struct cursor_start){0});
        while (collection_cursor_next(&cursor, &element)) {
            (void)set_add(&algebra->result, &x->services->value_limits, &element.member);
            if (should_stop(x, ++seen)) {
                return STATUS_REPLIED;
            }
        }
    }
    return count_result(algebra);
}

enum status algebra_run(struct exec *x, struct exec_work *work)
{
    struct algebra *algebra = (struct algebra *)work;
    collection_release(algebra->result);
    algebra->result = set_create();
    algebra->count = 0;
    switch (algebra->kind) {
    case ALGEBRA_UNION:
        return unite(x, algebra);
    case ALGEBRA_INTER:
        return intersect(x, algebra);
    default:
        return differ(x, algebra);
    }
}
