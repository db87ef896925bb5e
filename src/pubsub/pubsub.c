/* The index of channels and patterns.
 *
 *     hash of the name --> stripe --> { lock, index of channels, index of shard channels }
 *     patterns --> one index, read under one gate, changed under all gates
 *
 * On the data path of PUBLISH and of keyspace notifications. Threads: any; see the header.
 * Lock order: a stripe, then gates (docs/locking.md). */
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"
#include "pollard/base/text.h"
#include "pollard/base/thread.h"
#include "target.h"

/* Publishers of different channels seldom meet at so many. */
#define STRIPE_BITS 8
#define STRIPE_COUNT (1 << STRIPE_BITS)
/* Who changes the patterns takes all gates: few; two threads seldom share one. */
#define GATE_COUNT 16

struct stripe {
    struct lock lock;
    struct index targets[PUBSUB_PATTERNS];
} ATTR_ALIGNED(CACHE_LINE);

/* Not a struct lock: several of this rank are held at once, in the order of their places. */
struct pattern_gate {
    pthread_mutex_t mutex;
} ATTR_ALIGNED(CACHE_LINE);

struct pubsub {
    struct stripe stripes[STRIPE_COUNT];
    struct pattern_gate gates[GATE_COUNT];
    struct index patterns;
    /* Stored under the locks of what is counted, with release; loaded by those who ask whether to
     * go on, with acquire. */
    _Atomic uint64_t counts[PUBSUB_SPACES];
    uint32_t reactors;
    struct hash_secret secret;
};

struct pubsub *pubsub_create(uint32_t reactors)
{
    struct pubsub *pubsub =
        mem_alloc_zero((sizeof(*pubsub) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    pubsub->reactors = reactors;
    hash_secret_random(&pubsub->secret);
    for (size_t i = 0; i < STRIPE_COUNT; i++) {
        lock_init(&pubsub->stripes[i].lock, LOCK_RANK_PUBSUB);
    }
    for (size_t i = 0; i < GATE_COUNT; i++) {
        check(pthread_mutex_init(&pubsub->gates[i].mutex, NULL) == 0);
    }
    return pubsub;
}

void pubsub_destroy(struct pubsub **pubsub_pointer)
{
    struct pubsub *pubsub = *pubsub_pointer;
    if (pubsub == NULL) {
        return;
    }
    for (size_t i = 0; i < STRIPE_COUNT; i++) {
        check(pubsub->stripes[i].targets[PUBSUB_CHANNELS].count == 0);
        check(pubsub->stripes[i].targets[PUBSUB_SHARD_CHANNELS].count == 0);
        lock_deinit(&pubsub->stripes[i].lock);
    }
    check(pubsub->patterns.count == 0);
    for (size_t i = 0; i < GATE_COUNT; i++) {
        check(pthread_mutex_destroy(&pubsub->gates[i].mutex) == 0);
    }
    mem_free(pubsub);
    *pubsub_pointer = NULL;
}

uint64_t pubsub_hash(const struct pubsub *pubsub, struct bytes name)
{
    return hash_keyed(&pubsub->secret, name);
}

/* The high bits: the indexes use the low ones. */
static struct stripe *stripe_of(struct pubsub *pubsub, uint64_t hash)
{
    return &pubsub->stripes[hash >> (64 - STRIPE_BITS)];
}

/* ---- The locks ---- */

static void gates_close(struct pubsub *pubsub) NO_LOCK_ANALYSIS
{
    lock_rank_enter(LOCK_RANK_PATTERNS);
    for (size_t i = 0; i < GATE_COUNT; i++) {
        check(pthread_mutex_lock(&pubsub->gates[i].mutex) == 0);
    }
}

static void gates_open(struct pubsub *pubsub) NO_LOCK_ANALYSIS
{
    for (size_t i = GATE_COUNT; i > 0; i--) {
        check(pthread_mutex_unlock(&pubsub->gates[i - 1].mutex) == 0);
    }
    lock_rank_leave(LOCK_RANK_PATTERNS);
}

static struct index *space_acquire(struct pubsub *pubsub, enum pubsub_space space,
                                   uint64_t hash) NO_LOCK_ANALYSIS
{
    if (space == PUBSUB_PATTERNS) {
        gates_close(pubsub);
        return &pubsub->patterns;
    }
    struct stripe *stripe = stripe_of(pubsub, hash);
    lock_acquire(&stripe->lock);
    return &stripe->targets[space];
}

static void space_release(struct pubsub *pubsub, enum pubsub_space space,
                          uint64_t hash) NO_LOCK_ANALYSIS
{
    if (space == PUBSUB_PATTERNS) {
        gates_open(pubsub);
    } else {
        lock_release(&stripe_of(pubsub, hash)->lock);
    }
}

/* ---- Joining and leaving ---- */

static struct target *find(const struct index *index, struct bytes name, uint64_t hash)
{
    struct index_node *node = index_find(index, hash);
    while (node != NULL && !bytes_equal(target_name((struct target *)node), name)) {
        node = index_find_next(node);
    }
    return (struct target *)node;
}

static void count_add(struct pubsub *pubsub, enum pubsub_space space, uint64_t more)
{
    /* Release: partner is the acquire in pubsub_has_targets. */
    atomic_fetch_add_explicit(&pubsub->counts[space], more, memory_order_release);
}

struct target *pubsub_join(struct pubsub *pubsub, const struct pubsub_join *join,
                           pubsub_enqueue *enqueue, void *context)
{
    uint64_t hash = pubsub_hash(pubsub, join->name);
    struct index *index = space_acquire(pubsub, join->space, hash);
    struct target *target = find(index, join->name, hash);
    if (target == NULL) {
        target = target_create(join->space, join->name, hash, pubsub->reactors);
        index_insert(index, &target->node);
        count_add(pubsub, join->space, 1);
    }
    (void)target_acquire(target);
    target->total++;
    target->parts[join->reactor].count++;
    target->parts[join->reactor].is_given_up = false;
    enqueue(context, target);
    space_release(pubsub, join->space, hash);
    return target;
}

void pubsub_leave(struct pubsub *pubsub, struct target *target, uint32_t reactor,
                  pubsub_enqueue *enqueue, void *context)
{
    enum pubsub_space space = target->space;
    uint64_t hash = target->node.hash;
    struct index *index = space_acquire(pubsub, space, hash);
    check(target->parts[reactor].count > 0);
    target->parts[reactor].count--;
    target->total--;
    bool is_last = target->total == 0;
    if (is_last) {
        index_remove(index, &target->node);
        count_add(pubsub, space, UINT64_MAX);
    }
    enqueue(context, target);
    space_release(pubsub, space, hash);
    if (is_last) {
        target_release(target);
    }
}

/* ---- Publishing ---- */

struct match {
    const struct pubsub_message *message;
    pubsub_visit *visit;
    void *context;
    uint64_t receivers;
};

static bool match_pattern(struct index_node *node, void *argument)
{
    struct match *match = argument;
    struct target *target = (struct target *)node;
    struct bytes pattern = target_name(target);
    struct bytes channel = match->message->channel;
    /* No star matches a channel without a name: as in Redis. */
    if (channel.size == 0 ? pattern.size == 0
                          : text_glob(pattern, channel, /* ignore_case= */ false)) {
        match->receivers += match->visit(match->context, target);
    }
    return true;
}

static void publish_to_patterns(struct pubsub *pubsub, struct match *match) NO_LOCK_ANALYSIS
{
    struct pattern_gate *gate = &pubsub->gates[thread_index() % GATE_COUNT];
    lock_rank_enter(LOCK_RANK_PATTERNS);
    check(pthread_mutex_lock(&gate->mutex) == 0);
    index_each(&pubsub->patterns, match_pattern, match);
    check(pthread_mutex_unlock(&gate->mutex) == 0);
    lock_rank_leave(LOCK_RANK_PATTERNS);
}

uint64_t pubsub_publish(struct pubsub *pubsub, const struct pubsub_message *message,
                        pubsub_visit *visit, void *context)
{
    if (!pubsub_has_targets(pubsub, message->space)) {
        return 0;
    }
    struct match match = {.message = message, .visit = visit, .context = context};
    uint64_t hash = pubsub_hash(pubsub, message->channel);
    struct stripe *stripe = stripe_of(pubsub, hash);
    lock_acquire(&stripe->lock);
    struct target *target = find(&stripe->targets[message->space], message->channel, hash);
    if (target != NULL) {
        match.receivers = visit(context, target);
    }
    /* Inside the stripe's lock: the patterns' messages have the order of the channel, too. */
    if (message->space == PUBSUB_CHANNELS && pubsub_count(pubsub, PUBSUB_PATTERNS) > 0) {
        publish_to_patterns(pubsub, &match);
    }
    lock_release(&stripe->lock);
    return match.receivers;
}

bool pubsub_has_targets(const struct pubsub *pubsub, enum pubsub_space space)
{
    return pubsub_count(pubsub, space) > 0 ||
           (space == PUBSUB_CHANNELS && pubsub_count(pubsub, PUBSUB_PATTERNS) > 0);
}

/* ---- Questions ---- */

uint64_t pubsub_count(const struct pubsub *pubsub, enum pubsub_space space)
{
    /* Acquire: partner is the release in count_add. */
    return atomic_load_explicit((_Atomic uint64_t *)&pubsub->counts[space], memory_order_acquire);
}

uint64_t pubsub_receivers(struct pubsub *pubsub, enum pubsub_space space, struct bytes name)
{
    uint64_t hash = pubsub_hash(pubsub, name);
    struct stripe *stripe = stripe_of(pubsub, hash);
    lock_acquire(&stripe->lock);
    const struct target *target = find(&stripe->targets[space], name, hash);
    uint64_t receivers = target == NULL ? 0 : target->total;
    lock_release(&stripe->lock);
    return receivers;
}

struct names {
    void (*visit)(void *context, struct bytes name);
    void *context;
};

static bool visit_name(struct index_node *node, void *argument)
{
    const struct names *names = argument;
    names->visit(names->context, target_name((struct target *)node));
    return true;
}

void pubsub_names(struct pubsub *pubsub, enum pubsub_space space,
                  void (*visit)(void *context, struct bytes name), void *context)
{
    check(space != PUBSUB_PATTERNS);
    struct names names = {.visit = visit, .context = context};
    for (size_t i = 0; i < STRIPE_COUNT; i++) {
        struct stripe *stripe = &pubsub->stripes[i];
        lock_acquire(&stripe->lock);
        index_each(&stripe->targets[space], visit_name, &names);
        lock_release(&stripe->lock);
    }
}
