/* Stress of the table of tracked keys: readers remember, writers change, keys are evicted, all is
 * flushed, and prefixes come and go, all at once.
 *
 * Each key has a version behind a lock of its own, as a shard's lock does for it in the server. A
 * client that has read a version that is not the last one must have been told: that is checked at
 * the end. Everything is bounded by the number of operations. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/base/thread.h"
#include "tracked.h"
#include <pthread.h>
#include <stdio.h>

/* Fewer than the 64 locks that ThreadSanitizer lets a thread hold. */
#define KEYS 48
#define CLIENTS 24
#define WORKERS 4
#define STEPS 60000
#define FLUSHES 200
#define PREFIX_CHANGES 3000
#define KEYS_MAX 40
#define CLIENTS_MAX 20

struct key {
    pthread_rwlock_t lock;
    _Atomic uint64_t version;
    struct key_change change;
    char name[16];
};

struct stress {
    struct tracked_keys *table;
    struct key keys[KEYS];
    /* Of each client and key: the version it has cached, and from which on its cache is right. */
    _Atomic uint64_t cached[CLIENTS][KEYS];
    _Atomic uint64_t told[CLIENTS][KEYS];
    _Atomic uint64_t emitted;
    _Atomic uint64_t broadcast;
};

struct worker {
    struct stress *stress;
    struct thread *thread;
    uint64_t seed;
};

static void raise(_Atomic uint64_t *number, uint64_t to)
{
    uint64_t seen = atomic_load(number);
    while (seen < to && !atomic_compare_exchange_weak(number, &seen, to)) {
    }
}

static void on_emit(void *context, struct tracked *tracked, const struct reactor_set *broadcast)
{
    struct stress *stress = context;
    struct bytes name = tracked_name(tracked);
    int64_t index;
    check(name.size > 4);
    check(number_parse_i64(bytes_make(name.data + 4, name.size - 4), &index));
    check(index >= 0);
    check(index < KEYS);
    /* Under the key's lock for a change; at any time for an eviction, when it says too much. */
    uint64_t version = atomic_load(&stress->keys[index].version) + (tracked->writer == 0);
    for (uint32_t i = 0; i < tracked_places(tracked); i++) {
        uint64_t client = tracked_at(tracked, i);
        if (client != 0) {
            raise(&stress->told[tracked_client_id(client) - 1][index], version);
        }
    }
    (void)atomic_fetch_add(&stress->emitted, 1);
    (void)atomic_fetch_add(&stress->broadcast, reactor_set_has(broadcast, 1));
    tracked_free(tracked);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 11;
}

static void read_key(struct stress *stress, struct key *key, uint32_t client)
{
    size_t index = (size_t)(key - stress->keys);
    const struct tracked_reader reader = {
        .client = tracked_client(client % 3, client + 1),
        .keys_max = KEYS_MAX,
        .clients_max = CLIENTS_MAX,
    };
    check(pthread_rwlock_rdlock(&key->lock) == 0);
    raise(&stress->cached[client][index], atomic_load(&key->version));
    (void)tracked_add(stress->table, &key->change, &reader);
    check(pthread_rwlock_unlock(&key->lock) == 0);
}

static void write_key(struct stress *stress, struct key *key)
{
    check(pthread_rwlock_wrlock(&key->lock) == 0);
    (void)atomic_fetch_add(&key->version, 1);
    tracked_change(stress->table, &key->change);
    check(pthread_rwlock_unlock(&key->lock) == 0);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct stress *stress = worker->stress;
    for (uint32_t i = 0; i < STEPS; i++) {
        struct key *key = &stress->keys[next_random(&worker->seed) % KEYS];
        if (next_random(&worker->seed) % 8 == 0) {
            write_key(stress, key);
        } else {
            read_key(stress, key, (uint32_t)(next_random(&worker->seed) % CLIENTS));
        }
    }
}

/* As FLUSHALL: every key is locked. */
static void flush(void *argument)
{
    struct stress *stress = ((struct worker *)argument)->stress;
    for (uint32_t n = 0; n < FLUSHES; n++) {
        for (uint32_t i = 0; i < KEYS; i++) {
            check(pthread_rwlock_wrlock(&stress->keys[i].lock) == 0);
        }
        for (uint32_t i = 0; i < KEYS; i++) {
            uint64_t version = atomic_fetch_add(&stress->keys[i].version, 1) + 1;
            for (uint32_t client = 0; client < CLIENTS; client++) {
                raise(&stress->told[client][i], version);
            }
        }
        struct tracked_batch *batch = tracked_take_all(stress->table);
        for (uint32_t i = 0; i < KEYS; i++) {
            check(pthread_rwlock_unlock(&stress->keys[i].lock) == 0);
        }
        tracked_batch_free(batch);
    }
}

/* A reactor whose clients' prefixes change all the time. */
static void change_prefixes(void *argument)
{
    struct worker *worker = argument;
    struct prefix_change change = {0};
    struct prefix texts[] = {{bytes_text("")}, {bytes_text("key:1")}, {bytes_text("key:17")}};
    for (uint32_t n = 0; n <= PREFIX_CHANGES; n++) {
        struct prefix *chosen[3];
        size_t count = 0;
        uint64_t bits = n == PREFIX_CHANGES ? 0 : next_random(&worker->seed);
        for (size_t i = 0; i < 3; i++) {
            if ((bits >> i & 1) != 0) {
                chosen[count] = &texts[i];
                count++;
            }
        }
        struct prefix_change next = {.old = change.fresh};
        prefix_set_begin(&next, 1, chosen, count);
        tracked_use_prefixes(worker->stress->table, next.fresh);
        prefix_set_end(&next);
        change = next;
    }
    check(change.fresh == NULL);
}

static void setup(struct stress *stress)
{
    const struct tracked_sink sink = {.context = stress, .emit = on_emit};
    uint64_t seed = 88172645463325252U;
    stress->table = tracked_keys_create(&sink);
    for (uint32_t i = 0; i < KEYS; i++) {
        struct key *key = &stress->keys[i];
        check(pthread_rwlock_init(&key->lock, NULL) == 0);
        int size = snprintf(key->name, sizeof(key->name), "key:%u", i);
        uint64_t hash = next_random(&seed) << 40 ^ next_random(&seed);
        key->change = (struct key_change){
            .name = bytes_make(key->name, (size_t)size), .hash = hash, .client_id = 1};
        atomic_store(&key->version, 1);
    }
}

static void expect_told(struct stress *stress)
{
    for (uint32_t client = 0; client < CLIENTS; client++) {
        for (uint32_t i = 0; i < KEYS; i++) {
            uint64_t cached = atomic_load(&stress->cached[client][i]);
            if (cached != 0 && cached < atomic_load(&stress->keys[i].version)) {
                check(atomic_load(&stress->told[client][i]) > cached);
            }
        }
    }
}

int main(void)
{
    struct stress *stress = mem_alloc_zero(sizeof(*stress));
    struct worker workers[WORKERS + 2];
    thread_adopt();
    setup(stress);
    for (uint32_t i = 0; i < WORKERS + 2; i++) {
        void (*body)(void *) = i == WORKERS ? flush : i > WORKERS ? change_prefixes : work;
        workers[i] = (struct worker){.stress = stress, .seed = 77 + i * UINT64_C(7919)};
        workers[i].thread = thread_start("stress", body, &workers[i]);
        check(workers[i].thread != NULL);
    }
    for (uint32_t i = 0; i < WORKERS + 2; i++) {
        thread_join(&workers[i].thread);
    }
    tracked_verify(stress->table);
    check(tracked_count_keys(stress->table) <= KEYS_MAX);
    expect_told(stress);
    printf("%llu told, %llu of them to prefixes\n",
           (unsigned long long)atomic_load(&stress->emitted),
           (unsigned long long)atomic_load(&stress->broadcast));
    tracked_keys_destroy(&stress->table);
    mem_free(stress);
    thread_release();
    return 0;
}
