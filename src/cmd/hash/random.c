/* HRANDFIELD: fields drawn at random, each as likely as any.
 *
 * Runs inside a READ access on one key; long replies are drawn as the client takes them, from a
 * version, with no lock held. */
#include "common.h"
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* Fields that are drawn at once. */
#define INLINE_COUNT 1024
/* Distinct ranks are remembered up to this many; more of them are picked in a walk over all. */
#define DISTINCT_MAX ((uint64_t)1 << 18)
/* Ranks tried before the fields behind one that is over are looked at in turn: only when nearly all
 * of a hash is over and not yet reaped. */
#define TRIES_MAX 256

enum pick_mode {
    PICK_REPEATED, /* each draw from all */
    PICK_DISTINCT, /* draws of ranks not drawn yet */
    PICK_WALK      /* in order, each taken with the chance that is due */
};

struct pick {
    enum pick_mode mode;
    bool has_values;
    const struct collection *hash;
    int64_t now_ms;
    uint64_t left;            /* to be replied */
    uint64_t unseen;          /* WALK: fields to come */
    struct element *elements; /* REPEATED of a small hash: all of them */
    uint64_t element_count;
    uint64_t *taken; /* DISTINCT: hash table of ranks + 1 */
    uint64_t taken_mask;
    struct collection_cursor cursor; /* WALK */
};

/* A random field, and its rank. There must be one that is not over. */
static uint64_t draw(const struct pick *pick, struct element *ret_element)
{
    uint64_t count = collection_count(pick->hash);
    uint64_t rank = random_below(count);
    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        if (LIKELY(hash_at(pick->hash, rank, pick->now_ms, ret_element))) {
            return rank;
        }
        rank = random_below(count);
    }
    while (!hash_at(pick->hash, rank, pick->now_ms, ret_element)) {
        rank = rank + 1 < count ? rank + 1 : 0;
    }
    return rank;
}

/* False when it was taken before. */
static bool take(struct pick *pick, uint64_t rank)
{
    uint64_t slot = (rank * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    for (;; slot++) {
        uint64_t *at = &pick->taken[slot & pick->taken_mask];
        if (*at == rank + 1) {
            return false;
        }
        if (*at == 0) {
            *at = rank + 1;
            return true;
        }
    }
}

static void pick_next(struct pick *pick, struct element *ret_element)
{
    switch (pick->mode) {
    case PICK_REPEATED:
        if (pick->elements != NULL) {
            *ret_element = pick->elements[random_below(pick->element_count)];
        } else {
            (void)draw(pick, ret_element); /* The rank does not matter. */
        }
        break;
    case PICK_DISTINCT:
        while (!take(pick, draw(pick, ret_element))) {
        }
        break;
    case PICK_WALK:
        do {
            check(collection_cursor_next(&pick->cursor, ret_element));
        } while (random_below(pick->unseen--) >= pick->left);
        break;
    }
    pick->left--;
}

static void pick_reply(struct pick *pick, struct reply *reply)
{
    struct element element;
    pick_next(pick, &element);
    if (!pick->has_values) {
        reply_item(reply, &element.member);
        return;
    }
    if (reply->protocol > 2) {
        reply_array(reply, 2);
    }
    reply_item(reply, &element.member);
    reply_item(reply, &element.value);
}

/* Fills the parts that the mode needs. live: fields that are not over. */
static void pick_begin(struct pick *pick, uint64_t live)
{
    const struct cursor_start start = {.now_ms = pick->now_ms};
    if (pick->mode == PICK_REPEATED) {
        if (!pick->hash->is_large) {
            pick->elements = mem_alloc(live * sizeof(*pick->elements));
            collection_cursor_begin(&pick->cursor, pick->hash, &start);
            while (pick->element_count < live &&
                   collection_cursor_next(&pick->cursor, &pick->elements[pick->element_count])) {
                pick->element_count++;
            }
        }
        return;
    }
    if (pick->hash->is_large && pick->left <= DISTINCT_MAX && pick->left <= live / 4) {
        uint64_t slots = 16;
        while (slots < 2 * pick->left) {
            slots *= 2;
        }
        pick->mode = PICK_DISTINCT;
        pick->taken = mem_alloc_zero(slots * sizeof(*pick->taken));
        pick->taken_mask = slots - 1;
        return;
    }
    pick->mode = PICK_WALK;
    pick->unseen = live;
    collection_cursor_begin(&pick->cursor, pick->hash, &start);
}

static void pick_end(struct pick *pick)
{
    mem_free(pick->elements);
    mem_free(pick->taken);
}

/* ---- Long replies ---- */

struct pick_source {
    struct chain_source source; /* first: the chain hands it back */
    struct collection *hash;
    struct keyspace *keyspace;
    uint8_t protocol;
    struct pick pick;
};

static bool render(struct chain_source *source, struct chain *chain)
{
    struct pick_source *mine = (struct pick_source *)source;
    struct reply reply;
    reply_init(&reply, chain, mine->protocol);
    while (mine->pick.left > 0 && chain_size(chain) < CHAIN_SOURCE_STEP) {
        pick_reply(&mine->pick, &reply);
    }
    return mine->pick.left > 0;
}

static void release(struct chain_source *source)
{
    struct pick_source *mine = (struct pick_source *)source;
    pick_end(&mine->pick);
    keyspace_discard_collection(mine->keyspace, mine->hash);
    mem_free(mine);
}

/* ---- The command ---- */

static void reply_one(struct exec *x, const struct collection *hash)
{
    const struct pick pick = {.hash = hash, .now_ms = x->now_ms};
    struct element element;
    (void)draw(&pick, &element); /* The rank does not matter. */
    reply_item(x->reply, &element.member);
}

static void reply_many(struct exec *x, struct collection *hash, uint64_t live,
                       const struct pick *plan)
{
    reply_array(x->reply, plan->has_values && x->protocol < 3 ? 2 * plan->left : plan->left);
    if (plan->left <= INLINE_COUNT) {
        struct pick pick = *plan;
        pick_begin(&pick, live);
        while (pick.left > 0) {
            pick_reply(&pick, x->reply);
        }
        pick_end(&pick);
        return;
    }
    struct pick_source *source = mem_alloc(sizeof(*source));
    source->hash = collection_acquire(hash);
    source->keyspace = x->services->keyspace;
    source->protocol = x->protocol;
    source->pick = *plan;
    pick_begin(&source->pick, live);
    source->source = (struct chain_source){.render = render,
                                           .release = release,
                                           .memory = collection_memory(hash, 1) + sizeof(*source) +
                                                     (source->pick.taken_mask + 1) *
                                                         sizeof(*source->pick.taken)};
    exec_source(x, &source->source);
}

static enum status read_count(struct exec *x, int64_t *ret_count, bool *ret_has_values)
{
    enum status status = argument_integer(x, 2, ret_count);
    if (status != STATUS_OK) {
        return status;
    }
    if (*ret_count == INT64_MIN) {
        return STATUS_COUNT_RANGE;
    }
    *ret_has_values = x->argc == 4 && argument_is(x, 3, "withvalues");
    if (x->argc > 4 || (x->argc == 4 && !*ret_has_values)) {
        return STATUS_SYNTAX;
    }
    if (*ret_has_values && (*ret_count < -INT64_MAX / 2 || *ret_count > INT64_MAX / 2)) {
        return STATUS_OUT_OF_RANGE;
    }
    return STATUS_OK;
}

enum status cmd_hrandfield(struct exec *x)
{
    struct collection *hash = NULL;
    int64_t count = 0;
    struct pick plan = {.now_ms = x->now_ms};
    if (x->argc > 2) {
        enum status status = read_count(x, &count, &plan.has_values);
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = collection_find(x, 0, VALUE_HASH, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    uint64_t live = status == STATUS_OK ? hash_count(hash, x->now_ms) : 0;
    if (x->argc == 2) {
        if (live == 0) {
            reply_null(x->reply);
        } else {
            reply_one(x, hash);
        }
        return STATUS_OK;
    }
    if (live == 0 || count == 0) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    plan.hash = hash;
    plan.mode = count < 0 ? PICK_REPEATED : PICK_WALK;
    plan.left = count < 0 ? (uint64_t)-count : (uint64_t)count;
    if (count > 0 && plan.left > live) {
        plan.left = live;
    }
    reply_many(x, hash, live, &plan);
    return STATUS_OK;
}
