/* Members drawn at random, each as likely as any: SRANDMEMBER, SPOP.
 *
 * Run inside an access on one key. Few are drawn there; many by the client's reactor as it takes
 * them (SRANDMEMBER), or on the pool from a version (SPOP). */
#include "../collection.h"
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/value/set.h"
#include "pollard_commands.h"

/* Members that are drawn at once. */
#define INLINE_COUNT 1024

/* ---- Long replies, drawn as the client takes them ---- */

struct draw {
    struct chain_source source; /* first: the chain hands it back */
    struct collection *set;
    struct keyspace *keyspace;
    struct collection_cursor cursor;
    uint8_t protocol;
    bool is_repeated;
    uint64_t left;   /* to be replied */
    uint64_t unseen; /* of the walk */
};

/* The next member of a walk in which each has the chance that is due. */
static void walk_on(struct draw *draw, struct element *ret_element)
{
    bool is_taken;
    do {
        check(collection_cursor_next(&draw->cursor, ret_element));
        is_taken = random_below(draw->unseen) < draw->left;
        draw->unseen--;
    } while (!is_taken);
}

static bool render(struct chain_source *source, struct chain *chain)
{
    struct draw *draw = (struct draw *)source;
    struct reply reply;
    struct element element;
    reply_init(&reply, chain, draw->protocol);
    while (draw->left > 0 && chain_size(chain) < CHAIN_SOURCE_STEP) {
        if (draw->is_repeated) {
            set_at(draw->set, random_below(collection_count(draw->set)), &element.member);
        } else {
            walk_on(draw, &element);
        }
        reply_item(&reply, &element.member);
        draw->left--;
    }
    return draw->left > 0;
}

static void release(struct chain_source *source)
{
    struct draw *draw = (struct draw *)source;
    keyspace_discard_collection(draw->keyspace, draw->set);
    mem_free(draw);
}

static void draw_later(struct exec *x, struct collection *set, uint64_t count, bool is_repeated)
{
    struct draw *draw = mem_alloc(sizeof(*draw));
    draw->source = (struct chain_source){
        .render = render, .release = release, .memory = collection_memory(set, 1)};
    draw->set = collection_acquire(set);
    draw->keyspace = x->services->keyspace;
    draw->protocol = x->protocol;
    draw->is_repeated = is_repeated;
    draw->left = count;
    draw->unseen = collection_count(set);
    collection_cursor_begin(&draw->cursor, set, &(struct cursor_start){0});
    reply_source(x->reply, &draw->source);
}

/* ---- SRANDMEMBER ---- */

/* Replies count (<= INLINE_COUNT) distinct members of a set that has more. */
static void reply_distinct(struct exec *x, const struct collection *set, uint64_t count)
{
    uint64_t taken[INLINE_COUNT]; /* ranks, sorted */
    uint64_t size = collection_count(set);
    uint64_t have = 0;
    /* Floyd: each step takes a rank among the first size - left ones, or its end. */
    for (uint64_t end = size - count; end < size; end++) {
        uint64_t rank = random_below(end + 1);
        uint64_t at = 0;
        while (at < have && taken[at] < rank) {
            at++;
        }
        if (at < have && taken[at] == rank) {
            rank = end;
            at = have;
        }
        memmove(taken + at + 1, taken + at, (have - at) * sizeof(taken[0]));
        taken[at] = rank;
        have++;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct item member;
        set_at(set, taken[i], &member);
        reply_item(x->reply, &member);
    }
}

static void reply_repeated(struct exec *x, struct collection *set, uint64_t count)
{
    reply_array(x->reply, count);
    if (count > INLINE_COUNT) {
        draw_later(x, set, count, /* is_repeated= */ true);
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct item member;
        set_at(set, random_below(collection_count(set)), &member);
        reply_item(x->reply, &member);
    }
}

static void reply_many(struct exec *x, struct collection *set, uint64_t count)
{
    uint64_t size = collection_count(set);
    count = count < size ? count : size;
    reply_array(x->reply, count);
    if (count == size) {
        stream_elements(x, set, &(struct stream){.parts = STREAM_MEMBERS, .count = count});
    } else if (count > INLINE_COUNT) {
        draw_later(x, set, count, /* is_repeated= */ false);
    } else {
        reply_distinct(x, set, count);
    }
}

static enum status random_count(struct exec *x, int64_t count)
{
    struct collection *set;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT || count == 0) {
        reply_array(x->reply, 0);
    } else if (count < 0) {
        reply_repeated(x, set, (uint64_t)-count);
    } else {
        reply_many(x, set, (uint64_t)count);
    }
    return STATUS_OK;
}

enum status cmd_srandmember(struct exec *x)
{
    struct collection *set;
    int64_t count;
    if (x->argc > 3) {
        return STATUS_SYNTAX;
    }
    if (x->argc == 3) {
        if (argument_integer(x, 2, &count) != STATUS_OK) {
            return STATUS_NOT_INTEGER;
        }
        return count == INT64_MIN ? STATUS_BETWEEN_INT64 : random_count(x, count);
    }
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    struct item member;
    set_at(set, random_below(collection_count(set)), &member);
    reply_item(x->reply, &member);
    return STATUS_OK;
}

/* ---- SPOP ---- */

/* Replies and removes one; the set is not empty. */
static void pop_one(struct exec *x, struct collection **set)
{
    struct item member;
    uint64_t rank = random_below(collection_count(*set));
    set_at(*set, rank, &member);
    reply_item(x->reply, &member);
    set_remove_at(set, rank);
}

/* A large part of a large set: what is drawn and what stays, made without the lock. */
struct pop_work {
    struct exec_work work; /* first */
    struct collection *version;
    struct collection *drawn;
    struct collection *rest;
    uint64_t count;
};

static enum status pop_run(struct exec *x, struct exec_work *work)
{
    struct pop_work *pop = (struct pop_work *)work;
    const struct value_limits *limits = &x->services->value_limits;
    struct collection_cursor cursor;
    struct element element;
    uint64_t left = pop->count;
    uint64_t unseen = collection_count(pop->version);
    pop->drawn = set_create();
    pop->rest = set_create();
    collection_cursor_begin(&cursor, pop->version, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        bool is_drawn = random_below(unseen) < left;
        left -= is_drawn;
        (void)set_add(is_drawn ? &pop->drawn : &pop->rest, limits, &element.member);
        unseen--;
        if (unseen % INLINE_COUNT == 0 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static void pop_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct pop_work *pop = (struct pop_work *)work;
    keyspace_discard_collection(keyspace, pop->version);
    keyspace_discard_collection(keyspace, pop->drawn);
    keyspace_discard_collection(keyspace, pop->rest);
    mem_free(pop);
}

static struct pop_work *pop_make(struct exec *x, struct collection *set, uint64_t count)
{
    struct pop_work *pop = mem_alloc_zero(sizeof(*pop));
    pop->work = (struct exec_work){.run = pop_run, .free = pop_free};
    pop->version = collection_acquire(set);
    pop->count = count;
    x->work = &pop->work;
    return pop;
}

static enum status pop_install(struct exec *x, struct pop_work *pop)
{
    struct value value = value_collection(collection_acquire(pop->rest));
    enum status status = key_put(x->access, 0, &value, KEY_KEEP_EXPIRY);
    if (status == STATUS_OK) {
        reply_set(x->reply, pop->count);
        stream_elements(x, pop->drawn,
                        &(struct stream){.parts = STREAM_MEMBERS, .count = pop->count});
    }
    return status;
}

/* Draws many of a large set that has more: on the pool, in two visits. */
static enum status pop_large(struct exec *x, struct collection *set, uint64_t count)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct pop_work *pop = (struct pop_work *)x->work;
    if (pop != NULL && pop->version == set && pop->count == count) {
        return pop_install(x, pop);
    }
    exec_drop_work(x);
    pop = pop_make(x, set, count);
    if (x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    enum status status = pop_run(x, &pop->work);
    return status == STATUS_OK ? pop_install(x, pop) : status;
}

static enum status pop_count(struct exec *x, uint64_t count)
{
    struct collection *set;
    struct collection_edit edit;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT || count == 0) {
        reply_set(x->reply, 0);
        return STATUS_OK;
    }
    uint64_t size = collection_count(set);
    if (count >= size) {
        reply_set(x->reply, size);
        stream_elements(x, set, &(struct stream){.parts = STREAM_MEMBERS, .count = size});
        (void)key_delete(x->access, 0); /* It is there. */
        return STATUS_OK;
    }
    if (count > INLINE_COUNT && set->is_large) {
        return pop_large(x, set, count);
    }
    reply_set(x->reply, count);
    (void)edit_begin(x, 0, VALUE_SET, NULL, &edit); /* It was just found. */
    for (uint64_t i = 0; i < count; i++) {
        pop_one(x, edit.at);
    }
    return edit_end(x, &edit);
}

enum status cmd_spop(struct exec *x)
{
    struct collection_edit edit;
    if (x->argc > 3) {
        return STATUS_SYNTAX;
    }
    if (x->argc == 3) {
        int64_t count;
        if (argument_integer(x, 2, &count) != STATUS_OK || count < 0) {
            return STATUS_NOT_POSITIVE;
        }
        return pop_count(x, (uint64_t)count);
    }
    enum status status = edit_begin(x, 0, VALUE_SET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    pop_one(x, edit.at);
    return edit_end(x, &edit);
}
