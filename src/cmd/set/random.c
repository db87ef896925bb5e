/* Members drawn at random, each as likely as any: SRANDMEMBER, SPOP.
 *
 * Run inside an access on one key; many are popped on the pool, from a version. */
#include "../member_draw.h"
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/value/set.h"
#include "pollard_commands.h"

/* Members that are drawn at once. */
#define INLINE_COUNT 1024

static void set_element_at(const struct collection *set, uint64_t rank, struct element *ret_element)
{
    set_at(set, rank, &ret_element->member);
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
        return STATUS_OK;
    }
    member_draw(
        x, set,
        &(struct member_draw){.at = set_element_at, .parts = STREAM_MEMBERS, .count = count});
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
    set_remove_at(set, rank, &member);
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
    enum status status = key_update(x->access, 0, &value, KEY_KEEP_EXPIRY);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_spop);
        reply_set(x->reply, pop->count);
        stream_elements(x, pop->drawn,
                        &(struct stream){.parts = STREAM_MEMBERS, .count = pop->count});
    }
    return status;
}

/* Draws many of a set that has more: on the pool, in two visits. */
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
    enum status status = collection_look(x, 0, VALUE_SET, &set);
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
        key_event(x->access, 0, EVENT_spop);
        (void)key_remove(x, 0); /* It is there. */
        return STATUS_OK;
    }
    if (count > INLINE_COUNT) {
        return pop_large(x, set, count);
    }
    reply_set(x->reply, count);
    (void)edit_begin(x, 0, VALUE_SET, NULL, &edit); /* It was just found. */
    for (uint64_t i = 0; i < count; i++) {
        pop_one(x, edit.at);
    }
    return edit_end(x, &edit, EVENT_spop);
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
    return edit_end(x, &edit, EVENT_spop);
}
