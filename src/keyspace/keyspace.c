/* The keyspace: its life, its hash, the hints of the hot path. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "prefix.h"
#include "wheel.h"

/* Shards when the option leaves the choice: enough that threads seldom meet, and that the time one
 * is held by a walk is short; few enough that an empty server is small (128 bytes a shard). */
#define SHARDS_DEFAULT 1024
#define SHARDS_SMALL 256
#define SHARDS_MANY_THREADS 4096
#define SMALL_MEMORY (INT64_C(64) * 1024 * 1024)
/* Blobs of this size and more are released on the pool: unmapping them takes a while. */
#define LARGE_BLOB_SIZE ((size_t)64 * 1024)
/* But not while so much waits for the pool, or this part of maxmemory: it does not keep up. */
#define DYING_MAX ((uint64_t)64 * 1024 * 1024)
#define DYING_PART 64

static uint32_t choose_shards(const struct keyspace_options *options, uint32_t threads)
{
    int64_t wanted = option_get(&options->shards);
    int64_t memory = option_get(&options->maxmemory);
    if (wanted == 0) {
        bool is_small = memory > 0 && memory < SMALL_MEMORY;
        wanted = is_small ? SHARDS_SMALL : threads > 32 ? SHARDS_MANY_THREADS : SHARDS_DEFAULT;
    }
    uint32_t count = 1;
    while (count < wanted) {
        count *= 2;
    }
    return count;
}

struct keyspace *keyspace_create(const struct keyspace_options *options,
                                 const struct keyspace_hooks *hooks, uint32_t threads)
{
    struct keyspace *keyspace = mem_alloc_zero((sizeof(*keyspace) + 63) / 64 * 64);
    keyspace->options = options;
    keyspace->hooks = *hooks;
    hash_secret_random(&keyspace->secret);
    keyspace->shard_count = choose_shards(options, threads);
    keyspace->shard_mask = keyspace->shard_count - 1;
    keyspace->database_count = (uint32_t)option_get(&options->databases);
    keyspace->shards = mem_alloc_zero(keyspace->shard_count * sizeof(struct shard));
    keyspace->queues = mem_alloc_zero(keyspace->shard_count * sizeof(*keyspace->queues));
    keyspace->notes = mem_alloc_zero(keyspace->shard_count * sizeof(*keyspace->notes));
    keyspace->due_ms = mem_alloc(keyspace->shard_count * sizeof(*keyspace->due_ms));
    keyspace->databases = mem_alloc_zero(keyspace->database_count * sizeof(*keyspace->databases));
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard_queue *queue = &keyspace->queues[i];
        queue->tail = &queue->head;
        lock_init(&queue->lock, LOCK_RANK_SHARD_QUEUE);
        atomic_init(&keyspace->due_ms[i], INT64_MAX);
    }
    for (uint32_t i = 0; i < keyspace->database_count; i++) {
        struct database *database = mem_alloc_zero(sizeof(*database));
        atomic_init(&database->index, i);
        atomic_init(&keyspace->databases[i], database);
    }
    atomic_init(&keyspace->told_due_ms, INT64_MAX);
    atomic_init(&keyspace->expires_actively, true);
    keyspace->prefixes = prefixes_create(options, &keyspace->secret);
    atomic_init(&keyspace->trim.span, 1);
    lock_init(&keyspace->dead_lock, LOCK_RANK_RETIRE);
    gate_init(&keyspace->gate);
    evict_init(keyspace);
    return keyspace;
}

static void database_destroy(struct database *database)
{
    mem_free(atomic_load(&database->counts));
    prefix_sizes_free(database);
    mem_free(database);
}

void keyspace_destroy(struct keyspace **keyspace_pointer)
{
    struct keyspace *keyspace = *keyspace_pointer;
    while (keyspace_reclaim(keyspace)) {
    }
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct shard *shard = &keyspace->shards[i];
        struct table *table;
        while ((table = shard_first_table(shard)) != NULL) {
            table = shard_unlink_table(shard, table);
            table_deinit(table);
            mem_free(table);
        }
        lock_deinit(&keyspace->queues[i].lock);
    }
    for (uint32_t i = 0; i < keyspace->database_count; i++) {
        database_destroy(database_of(keyspace, i));
    }
    while (keyspace->spare_databases != NULL) {
        struct database *spare = keyspace->spare_databases;
        keyspace->spare_databases = spare->next_dead;
        database_destroy(spare);
    }
    gate_deinit(&keyspace->gate);
    notes_destroy(keyspace);
    evict_deinit(keyspace);
    prefixes_destroy(&keyspace->prefixes);
    lock_deinit(&keyspace->dead_lock);
    mem_free(keyspace->databases);
    mem_free(keyspace->due_ms);
    mem_free(keyspace->queues);
    mem_free(keyspace->shards);
    mem_free(keyspace);
    *keyspace_pointer = NULL;
}

void keyspace_seed(struct keyspace *keyspace, uint64_t seed)
{
    hash_secret_fixed(&keyspace->secret, seed);
}

void keyspace_enter(struct keyspace *keyspace)
{
    gate_enter(&keyspace->gate);
}

void keyspace_leave(struct keyspace *keyspace)
{
    gate_leave(&keyspace->gate);
}

uint64_t keyspace_hash(const struct keyspace *keyspace, struct bytes key)
{
    return hash_keyed(&keyspace->secret, key);
}

static uint32_t rehash_entry(void *context, const struct entry *entry)
{
    return table_hash(keyspace_hash(context, entry_key(entry)));
}

struct rehash keyspace_rehash(struct keyspace *keyspace)
{
    return (struct rehash){.hash = rehash_entry, .context = keyspace, .gate = &keyspace->gate};
}

/* Leaves a value to be freed by keyspace_reclaim. */
static void bury(struct keyspace *keyspace, struct blob *blob, struct collection *collection)
{
    struct dead_value *dead = mem_alloc(sizeof(*dead));
    dead->blob = blob;
    dead->collection = collection;
    dead->size =
        blob != NULL ? mem_block_size(blob) : collection_memory(collection, /* samples= */ 5);
    atomic_fetch_add_explicit(&keyspace->dying_bytes, dead->size, memory_order_relaxed);
    lock_acquire(&keyspace->dead_lock);
    dead->next = keyspace->dead_values;
    keyspace->dead_values = dead;
    keyspace->dead_value_count++;
    lock_release(&keyspace->dead_lock);
    keyspace->hooks.want_reclaim(keyspace->hooks.context);
}

static bool pool_keeps_up(const struct keyspace *keyspace)
{
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t most = limit == 0 ? DYING_MAX : limit / DYING_PART;
    _Atomic uint64_t *dying = &((struct keyspace *)keyspace)->dying_bytes;
    return atomic_load_explicit(dying, memory_order_relaxed) < most;
}

void keyspace_discard_blob(struct keyspace *keyspace, struct blob *blob)
{
    if (blob->capacity < LARGE_BLOB_SIZE || keyspace->hooks.want_reclaim == NULL ||
        !pool_keeps_up(keyspace)) {
        blob_release(blob);
        return;
    }
    bury(keyspace, blob, NULL);
}

void keyspace_discard_collection(struct keyspace *keyspace, struct collection *collection)
{
    if (collection == NULL || !collection_is_heavy(collection) ||
        keyspace->hooks.want_reclaim == NULL) {
        collection_release(collection);
        return;
    }
    bury(keyspace, NULL, collection);
}

const struct hash_secret *keyspace_secret(const struct keyspace *keyspace)
{
    return &keyspace->secret;
}

void keyspace_tell_due(struct keyspace *keyspace, int64_t due_ms)
{
    /* Pairs with the fence in keyspace_expire: either it sees the due time that this thread has
     * published, or this thread sees that what was told has been taken back. */
    atomic_thread_fence(memory_order_seq_cst);
    int64_t told = atomic_load_explicit(&keyspace->told_due_ms, memory_order_relaxed);
    if (due_ms >= told || keyspace->hooks.want_expire == NULL ||
        !atomic_load_explicit(&keyspace->expires_actively, memory_order_relaxed)) {
        return;
    }
    atomic_store_explicit(&keyspace->told_due_ms, due_ms, memory_order_relaxed);
    keyspace->hooks.want_expire(keyspace->hooks.context, due_ms);
}

_Static_assert(sizeof(struct shard) == CACHE_LINE, "a lookup begins with one line");
