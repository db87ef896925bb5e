/* Walks over keys: SCAN, KEYS, RANDOMKEY. Each takes the locks itself, one shard at a time. */
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"

/* A walk over a shard of more keys than this is a long holder. */
#define LONG_WALK_KEYS 512
/* Most entries looked at by a fair random pick in one bucket; longer chains are cut there. */
#define RANDOM_CHAIN_MAX 24
#define RANDOM_TRIES 100
/* Mean keys of a shard from which on a random one is drawn instead of summed up, and how often. */
#define DENSE_SHARD_KEYS 16
#define DRAWS_MAX 1000

struct walk {
    keyspace_visitor *visit;
    void *argument;
    int64_t now_ms;
    uint64_t visited;
    uint64_t groups; /* looked at by a scan */
};

static bool walk_entry(void *argument, struct entry *entry)
{
    struct walk *walk = argument;
    walk->visited++;
    if (entry_is_expired(entry, walk->now_ms)) {
        return true;
    }
    struct key_view view = {.name = entry_key(entry), .expires_at_ms = entry_expiry(entry)};
    entry_value(entry, &view.value);
    walk->visit(walk->argument, &view);
    return true;
}

/* The time a shard is judged by: under its lock. */
static int64_t shard_now(struct shard *shard, int64_t now_ms)
{
    int64_t latest = atomic_load_explicit(&shard->latest_now_ms, memory_order_relaxed);
    return latest > now_ms ? latest : now_ms;
}

/* Scans groups of one shard until count were visited; returns the position, 0 at its end. */
static uint32_t scan_shard(struct keyspace *keyspace, struct shard *shard,
                           const struct key_scan *scan, uint32_t position, struct walk *walk)
{
    if (shard_first_table(shard) == NULL) {
        return 0;
    }
    shard_lock_patiently(shard, /* exclusive= */ false, 0);
    walk->now_ms = shard_now(shard, walk->now_ms);
    struct table *table = shard_table(shard, database_of(keyspace, scan->db));
    if (table == NULL || table->key_count == 0) {
        position = 0;
    } else {
        do {
            position = table_scan(table, position, walk_entry, walk);
            walk->groups++;
        } while (position != 0 && walk->visited < scan->count && walk->groups / 10 < scan->count);
    }
    shard_unlock(keyspace, shard, /* exclusive= */ false, 0);
    return position;
}

uint64_t keyspace_scan(struct keyspace *keyspace, const struct key_scan *scan,
                       keyspace_visitor *visit, void *argument)
{
    struct walk walk = {.visit = visit, .argument = argument, .now_ms = clock_ms()};
    uint32_t shard = (uint32_t)(scan->cursor % keyspace->shard_count);
    uint32_t position = (uint32_t)(scan->cursor / keyspace->shard_count);
    for (; shard < keyspace->shard_count; shard++) {
        position = scan_shard(keyspace, &keyspace->shards[shard], scan, position, &walk);
        if (position != 0) {
            return (uint64_t)position * keyspace->shard_count + shard;
        }
        if (walk.visited >= scan->count) {
            shard++;
            return shard == keyspace->shard_count ? 0 : shard;
        }
    }
    return 0;
}

void keyspace_walk(struct keyspace *keyspace, uint32_t db, keyspace_visitor *visit,
                   const _Atomic bool *stop, void *argument)
{
    struct walk walk = {.visit = visit, .argument = argument};
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard *shard = &keyspace->shards[i];
        if (stop != NULL && atomic_load_explicit((_Atomic bool *)stop, memory_order_relaxed)) {
            return;
        }
        keyspace_enter(keyspace);
        struct table *table = shard_table(shard, database_of(keyspace, db));
        if (table != NULL) {
            shard_lock_patiently(shard, /* exclusive= */ false, 0);
            table = shard_table(shard, database_of(keyspace, db));
            uint32_t extra =
                table != NULL && table->key_count > LONG_WALK_KEYS ? SHARD_LONG_ONE : 0;
            atomic_fetch_add_explicit(&shard->word, extra, memory_order_relaxed);
            walk.now_ms = shard_now(shard, clock_ms());
            uint32_t count = table == NULL ? 0 : table->bucket_count;
            for (uint32_t bucket = 0; bucket < count; bucket++) {
                (void)table_visit_bucket(table, bucket, walk_entry, &walk);
            }
            shard_unlock(keyspace, shard, /* exclusive= */ false, extra);
        }
        keyspace_leave(keyspace);
    }
}

/* ---- RANDOMKEY ---- */

struct pick {
    uint32_t left;
    struct entry *entry;
};

static bool pick_entry(void *argument, struct entry *entry)
{
    struct pick *pick = argument;
    pick->entry = entry;
    return pick->left-- > 0;
}

static bool count_entry(void *argument, struct entry *entry)
{
    uint32_t *count = argument;
    (*count)++;
    return true;
}

static uint32_t chain_length(const struct table *table, uint32_t bucket)
{
    uint32_t length = 0;
    (void)table_visit_bucket(table, bucket, count_entry, &length);
    return length;
}

/* One of the table's keys, each as likely as any: a random bucket and a random place in it, tried
 * again when the chain is shorter than that. */
static struct entry *pick_random(const struct table *table)
{
    for (;;) {
        uint32_t bucket = (uint32_t)random_below(table->bucket_count);
        uint32_t place = (uint32_t)random_below(RANDOM_CHAIN_MAX);
        if (place < chain_length(table, bucket)) {
            struct pick pick = {.left = place};
            (void)table_visit_bucket(table, bucket, pick_entry, &pick);
            return pick.entry;
        }
    }
}

static uint32_t peek_count(struct keyspace *keyspace, uint32_t db, uint32_t shard)
{
    const struct table *table = shard_table(&keyspace->shards[shard], database_of(keyspace, db));
    return table == NULL
               ? 0
               : atomic_load_explicit(&((struct table *)table)->key_count, memory_order_relaxed);
}

/* At least the square root, at most twice it. */
static uint64_t root_above(uint64_t number)
{
    uint64_t root = 1;
    while (root * root < number) {
        root *= 2;
    }
    return root;
}

/* A shard, as likely as it has keys: by counts that may move meanwhile. With many keys a shard and
 * a place in it are drawn until the place is taken: shards of a keyed hash hold all about as many,
 * and none more than the bound. With few keys the counts are summed up. NULL when there is none. */
static struct shard *pick_shard(struct keyspace *keyspace, uint32_t db)
{
    uint64_t keys = keyspace_size(keyspace, db);
    uint64_t mean = keys / keyspace->shard_count;
    uint64_t bound = mean + 8 * root_above(mean);
    for (int tries = 0; mean >= DENSE_SHARD_KEYS && tries < DRAWS_MAX; tries++) {
        uint32_t drawn = (uint32_t)random_below(keyspace->shard_count);
        if (random_below(bound) < peek_count(keyspace, db, drawn)) {
            return &keyspace->shards[drawn];
        }
    }
    if (keys == 0) {
        return NULL;
    }
    uint64_t left = random_below(keys);
    struct shard *last = NULL;
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        uint32_t count = peek_count(keyspace, db, i);
        if (count > left) {
            return &keyspace->shards[i];
        }
        left -= count;
        last = count > 0 ? &keyspace->shards[i] : last;
    }
    return last;
}

bool keyspace_random(struct keyspace *keyspace, uint32_t db, struct buf *ret_name)
{
    for (int i = 0; i < RANDOM_TRIES; i++) {
        struct shard *shard = pick_shard(keyspace, db);
        if (shard == NULL) {
            return false;
        }
        bool found = false;
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        struct table *table = shard_table(shard, database_of(keyspace, db));
        if (table != NULL && table->key_count > 0) {
            struct entry *entry = pick_random(table);
            found = !entry_is_expired(entry, shard_now(shard, clock_ms()));
            if (found) {
                buf_append(ret_name, entry_key(entry));
            }
        }
        shard_unlock(keyspace, shard, /* exclusive= */ false, 0);
        if (found) {
            return true;
        }
    }
    return false;
}
