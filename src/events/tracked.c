/* The table of tracked keys. See tracked.h for the layout and who may do what. */
#include "tracked.h"
#include "pollard/base/check.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"

#define STRIPES 256
/* Buckets of a stripe's first key. */
#define BUCKETS_MIN 4
/* A key with more than one client begins with so many places. */
#define CLIENT_SLOTS_MIN 4
/* Keys that one more key may cost when the limit was lowered. */
#define EVICTIONS_MAX 16
/* Buckets looked at for a key to evict: most hold one. */
#define EVICTION_LOOKS_MAX 64

struct stripe {
    struct lock lock;
    struct tracked **buckets;
    uint32_t bucket_count;
    uint32_t bucket_slots; /* of the array */
    uint32_t round;        /* the power of two that bucket_count has reached */
    uint32_t key_count;
    uint32_t hand; /* bucket to evict from next */
    uint64_t item_count;
    const struct prefix_set *prefixes; /* the same in all stripes */
} ATTR_ALIGNED(CACHE_LINE);

struct tracked_keys {
    struct tracked_sink sink;
    _Atomic uint64_t key_count;
    _Atomic uint32_t next_eviction; /* stripe */
    struct stripe stripes[STRIPES];
};

struct tracked_batch {
    struct tracked **buckets;
    uint32_t bucket_count;
    struct tracked_batch *next;
};

struct tracked_keys *tracked_keys_create(const struct tracked_sink *sink)
{
    struct tracked_keys *keys = mem_alloc_zero(sizeof(*keys));
    keys->sink = *sink;
    for (uint32_t i = 0; i < STRIPES; i++) {
        lock_init(&keys->stripes[i].lock, LOCK_RANK_TRACKING);
    }
    return keys;
}

void tracked_keys_destroy(struct tracked_keys **keys)
{
    if (*keys != NULL) {
        tracked_batch_free(tracked_take_all(*keys));
        for (uint32_t i = 0; i < STRIPES; i++) {
            lock_deinit(&(*keys)->stripes[i].lock);
        }
        mem_free(*keys);
        *keys = NULL;
    }
}

void tracked_free(struct tracked *tracked)
{
    if (tracked->client_slots != 0) {
        mem_free(tracked->clients);
    }
    mem_free(tracked);
}

static struct stripe *stripe_of(struct tracked_keys *keys, uint64_t hash)
{
    return &keys->stripes[hash >> 56];
}

/* ---- Buckets: linear hashing, so that no change of size is long ---- */

static uint32_t bucket_index(const struct stripe *stripe, uint64_t hash)
{
    uint32_t bits = (uint32_t)(hash >> 20);
    uint32_t index = bits & (2 * stripe->round - 1);
    return index < stripe->bucket_count ? index : bits & (stripe->round - 1);
}

/* Adds a bucket, and moves there what the bucket before it held for it. */
static void add_bucket(struct stripe *stripe)
{
    if (stripe->bucket_count == stripe->bucket_slots) {
        stripe->bucket_slots = stripe->bucket_slots == 0 ? BUCKETS_MIN : 2 * stripe->bucket_slots;
        stripe->buckets =
            mem_realloc(stripe->buckets, stripe->bucket_slots * sizeof(struct tracked *));
    }
    uint32_t made = stripe->bucket_count;
    stripe->buckets[made] = NULL;
    stripe->bucket_count++;
    if (made == 0) {
        stripe->round = 1;
        return;
    }
    struct tracked **link = &stripe->buckets[made - stripe->round];
    while (*link != NULL) {
        struct tracked *tracked = *link;
        if (bucket_index(stripe, tracked->hash) == made) {
            *link = tracked->next;
            tracked->next = stripe->buckets[made];
            stripe->buckets[made] = tracked;
        } else {
            link = &tracked->next;
        }
    }
    if (stripe->bucket_count == 2 * stripe->round) {
        stripe->round *= 2;
    }
}

/* Where the key hangs, or would. */
static struct tracked **find_link(const struct stripe *stripe, const struct key_change *key)
{
    struct tracked **link = &stripe->buckets[bucket_index(stripe, key->hash)];
    while (*link != NULL &&
           ((*link)->hash != key->hash || !bytes_equal(tracked_name(*link), key->name))) {
        link = &(*link)->next;
    }
    return link;
}

static struct tracked *unlink_at(struct tracked_keys *keys, struct stripe *stripe,
                                 struct tracked **link)
{
    struct tracked *tracked = *link;
    *link = tracked->next;
    stripe->key_count--;
    stripe->item_count -= tracked->client_count;
    (void)atomic_fetch_sub_explicit(&keys->key_count, 1, memory_order_relaxed);
    return tracked;
}

static struct tracked *make(struct bytes name)
{
    struct tracked *tracked = mem_alloc(sizeof(*tracked) + name.size);
    *tracked = (struct tracked){.name_size = (uint32_t)name.size};
    if (name.size > 0) {
        memcpy(tracked->name, name.data, name.size);
    }
    return tracked;
}

/* ---- Clients of a key ---- */

/* The client's place in a set that has free ones, or the free one that it would get. */
static uint32_t client_place(const uint64_t *clients, uint32_t slots, uint64_t client)
{
    /* Ids are given in turn; the top bits of the product depend on all of them. */
    uint32_t place = (uint32_t)((client * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (slots - 1);
    while (clients[place] != 0 && clients[place] != client) {
        place = (place + 1) & (slots - 1);
    }
    return place;
}

static void grow_clients(struct tracked *tracked)
{
    uint32_t slots = tracked->client_slots == 0 ? CLIENT_SLOTS_MIN : 2 * tracked->client_slots;
    uint64_t *clients = mem_alloc_zero(slots * sizeof(*clients));
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        uint64_t client = tracked_at(tracked, i);
        if (client != 0) {
            clients[client_place(clients, slots, client)] = client;
        }
    }
    if (tracked->client_slots != 0) {
        mem_free(tracked->clients);
    }
    tracked->clients = clients;
    tracked->client_slots = slots;
}

static bool has_client(const struct tracked *tracked, uint64_t client)
{
    if (tracked->client_slots == 0) {
        return tracked->client == client;
    }
    return tracked->clients[client_place(tracked->clients, tracked->client_slots, client)] != 0;
}

/* It is not one of its clients yet. */
static void add_client(struct tracked *tracked, uint64_t client)
{
    if (tracked->client_count == 0) {
        tracked->client = client;
    } else {
        /* A third stays free. */
        if (tracked->client_slots == 0 ||
            (tracked->client_count + 1) * 3 > tracked->client_slots * 2) {
            grow_clients(tracked);
        }
        tracked->clients[client_place(tracked->clients, tracked->client_slots, client)] = client;
    }
    tracked->client_count++;
}

/* ---- Adding and evicting ---- */

static void emit(struct tracked_keys *keys, struct tracked *tracked,
                 const struct reactor_set *broadcast)
{
    keys->sink.emit(keys->sink.context, tracked, broadcast);
}

/* Emits keys of a stripe, wherever the hand finds them. Returns how many, at most `most`. */
static uint32_t evict_from(struct tracked_keys *keys, struct stripe *stripe, uint32_t most)
{
    const struct reactor_set nobody = {{0}};
    uint32_t evicted = 0;
    uint32_t looks = 0;
    lock_acquire(&stripe->lock);
    while (stripe->key_count > 0 && evicted < most && looks < EVICTION_LOOKS_MAX) {
        if (stripe->hand >= stripe->bucket_count) {
            stripe->hand = 0;
        }
        struct tracked **link = &stripe->buckets[stripe->hand];
        if (*link != NULL) {
            struct tracked *tracked = unlink_at(keys, stripe, link);
            tracked->writer = 0;
            emit(keys, tracked, &nobody);
            evicted++;
        }
        stripe->hand++;
        looks++;
    }
    lock_release(&stripe->lock);
    return evicted;
}

/* True: a key was emitted. */
static bool evict(struct tracked_keys *keys, uint64_t keys_max)
{
    uint32_t evicted = 0;
    for (uint32_t i = 0; i < STRIPES && evicted < EVICTIONS_MAX; i++) {
        uint64_t count = tracked_count_keys(keys);
        if (count <= keys_max) {
            break;
        }
        uint32_t most = count - keys_max > 1 ? 2 : 1;
        uint32_t next = atomic_fetch_add_explicit(&keys->next_eviction, 1, memory_order_relaxed);
        evicted += evict_from(keys, &keys->stripes[next % STRIPES], most);
    }
    return evicted > 0;
}

static void insert(struct tracked_keys *keys, struct stripe *stripe, const struct key_change *key,
                   uint64_t client)
{
    struct tracked *tracked = make(key->name);
    tracked->hash = key->hash;
    add_client(tracked, client);
    if (stripe->key_count >= stripe->bucket_count) {
        add_bucket(stripe);
    }
    struct tracked **bucket = &stripe->buckets[bucket_index(stripe, key->hash)];
    tracked->next = *bucket;
    *bucket = tracked;
    stripe->key_count++;
    stripe->item_count++;
    (void)atomic_fetch_add_explicit(&keys->key_count, 1, memory_order_relaxed);
}

/* The stripe's lock is held. True: the key was emitted for its other clients. */
static bool add_to_stripe(struct tracked_keys *keys, struct stripe *stripe,
                          const struct key_change *key, const struct tracked_reader *reader)
{
    const struct reactor_set nobody = {{0}};
    struct tracked **link = stripe->bucket_count == 0 ? NULL : find_link(stripe, key);
    struct tracked *tracked = link == NULL ? NULL : *link;
    if (tracked != NULL && has_client(tracked, reader->client)) {
        return false;
    }
    bool is_full = tracked != NULL && tracked->client_count >= reader->clients_max;
    if (is_full) {
        (void)unlink_at(keys, stripe, link);
        tracked->writer = 0;
        emit(keys, tracked, &nobody);
    }
    if (tracked != NULL && !is_full) {
        add_client(tracked, reader->client);
        stripe->item_count++;
    } else {
        insert(keys, stripe, key, reader->client);
    }
    return is_full;
}

bool tracked_add(struct tracked_keys *keys, const struct key_change *key,
                 const struct tracked_reader *reader)
{
    struct stripe *stripe = stripe_of(keys, key->hash);
    lock_acquire(&stripe->lock);
    bool has_emitted = add_to_stripe(keys, stripe, key, reader);
    lock_release(&stripe->lock);
    if (reader->keys_max != 0 && tracked_count_keys(keys) > reader->keys_max) {
        has_emitted |= evict(keys, reader->keys_max);
    }
    return has_emitted;
}

/* ---- Changes ---- */

void tracked_change(struct tracked_keys *keys, const struct key_change *change)
{
    struct stripe *stripe = stripe_of(keys, change->hash);
    struct reactor_set broadcast = {{0}};
    lock_acquire(&stripe->lock);
    struct tracked *tracked = NULL;
    if (stripe->key_count > 0) {
        struct tracked **link = find_link(stripe, change);
        tracked = *link == NULL ? NULL : unlink_at(keys, stripe, link);
    }
    prefix_set_match(stripe->prefixes, change->name, &broadcast);
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof(broadcast.bits) / sizeof(broadcast.bits[0]); i++) {
        any |= broadcast.bits[i];
    }
    if (tracked == NULL && any != 0) {
        tracked = make(change->name);
    }
    if (tracked != NULL) {
        tracked->writer = change->client_id;
        emit(keys, tracked, &broadcast);
    }
    lock_release(&stripe->lock);
}

void tracked_use_prefixes(struct tracked_keys *keys, const struct prefix_set *prefixes)
{
    for (uint32_t i = 0; i < STRIPES; i++) {
        lock_acquire(&keys->stripes[i].lock);
        keys->stripes[i].prefixes = prefixes;
        lock_release(&keys->stripes[i].lock);
    }
}

/* Leaves the stripe without a bucket. */
static struct tracked_batch *take_stripe(struct tracked_keys *keys, struct stripe *stripe)
{
    struct tracked_batch *batch = NULL;
    lock_acquire(&stripe->lock);
    if (stripe->bucket_count > 0) {
        batch = mem_alloc(sizeof(*batch));
        *batch = (struct tracked_batch){.buckets = stripe->buckets,
                                        .bucket_count = stripe->bucket_count};
        (void)atomic_fetch_sub_explicit(&keys->key_count, stripe->key_count, memory_order_relaxed);
        stripe->buckets = NULL;
        stripe->bucket_count = 0;
        stripe->bucket_slots = 0;
        stripe->key_count = 0;
        stripe->item_count = 0;
    }
    lock_release(&stripe->lock);
    return batch;
}

struct tracked_batch *tracked_take_all(struct tracked_keys *keys)
{
    struct tracked_batch *first = NULL;
    for (uint32_t i = 0; i < STRIPES; i++) {
        struct tracked_batch *batch = take_stripe(keys, &keys->stripes[i]);
        if (batch != NULL) {
            batch->next = first;
            first = batch;
        }
    }
    return first;
}

void tracked_batch_free(struct tracked_batch *batch)
{
    while (batch != NULL) {
        struct tracked_batch *next = batch->next;
        for (uint32_t i = 0; i < batch->bucket_count; i++) {
            struct tracked *tracked = batch->buckets[i];
            while (tracked != NULL) {
                struct tracked *following = tracked->next;
                tracked_free(tracked);
                tracked = following;
            }
        }
        mem_free(batch->buckets);
        mem_free(batch);
        batch = next;
    }
}

/* ---- Figures ---- */

uint64_t tracked_count_keys(const struct tracked_keys *keys)
{
    return atomic_load_explicit(&((struct tracked_keys *)keys)->key_count, memory_order_relaxed);
}

uint64_t tracked_count_items(struct tracked_keys *keys)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < STRIPES; i++) {
        lock_acquire(&keys->stripes[i].lock);
        sum += keys->stripes[i].item_count;
        lock_release(&keys->stripes[i].lock);
    }
    return sum;
}

static void verify_key(const struct stripe *stripe, uint32_t bucket, const struct tracked *tracked)
{
    uint32_t clients = 0;
    check(bucket_index(stripe, tracked->hash) == bucket);
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        clients += tracked_at(tracked, i) != 0;
    }
    check(clients > 0);
    check(clients == tracked->client_count);
}

void tracked_verify(struct tracked_keys *keys)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &keys->stripes[i];
        uint64_t items = 0;
        uint32_t count = 0;
        lock_acquire(&stripe->lock);
        for (uint32_t bucket = 0; bucket < stripe->bucket_count; bucket++) {
            for (const struct tracked *tracked = stripe->buckets[bucket]; tracked != NULL;
                 tracked = tracked->next) {
                check(stripe_of(keys, tracked->hash) == stripe);
                verify_key(stripe, bucket, tracked);
                items += tracked->client_count;
                count++;
            }
        }
        check(count == stripe->key_count);
        check(items == stripe->item_count);
        lock_release(&stripe->lock);
        total += count;
    }
    check(total == tracked_count_keys(keys));
}
