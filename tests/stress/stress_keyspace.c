/* Stress of the keyspace: threads as in the server, each with jobs that try, queue and are woken.
 *
 * Movers shift money between accounts in several shards while readers sum all accounts in one
 * access: the sum never changes, or an access was not atomic. Beside them: keys with TTLs, large
 * values edited in place and copied, leases (one holder at a time), deletions by prefix, hints
 * without locks, scans, walks, random picks, expiry, flushes, swaps and reclaiming. Everything is
 * bounded by operations, so that a lost wake-up shows as a time-out and nothing else ends late.
 * Each thread prints nothing; main prints the figures. */
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/access.h"
#include "pollard/keyspace/leases.h"
#include "pollard/stats/stats.h"
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define ACCOUNTS 64
#define ACCOUNT_BEGIN 1000
#define WORKERS 4
#define OPERATIONS 6000
#define HOUSEKEEPING 150
#define TTL_KEYS 4000
#define NAME_SIZE 24

/* A thread that waits for its turn at a shard, as a job does. */
struct waiting {
    struct access_waiter waiter; /* first */
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    bool is_woken;
};

struct stress {
    struct keyspace *keyspace;
    _Atomic int running;
    _Atomic int64_t sums;
    _Atomic int64_t waits;
    _Atomic bool is_leased;
    _Atomic int64_t rebuilds;
    char accounts[ACCOUNTS][NAME_SIZE];
};

static void on_wake(struct access_waiter *waiter)
{
    struct waiting *waiting = (struct waiting *)waiter;
    pthread_mutex_lock(&waiting->mutex);
    waiting->is_woken = true;
    pthread_cond_signal(&waiting->woken);
    pthread_mutex_unlock(&waiting->mutex);
}

/* Gets the access, however long it takes. The thread is inside before and after. */
static void take(struct stress *stress, struct access *access)
{
    struct waiting waiting = {.waiter = {.wake = on_wake},
                              .mutex = PTHREAD_MUTEX_INITIALIZER,
                              .woken = PTHREAD_COND_INITIALIZER};
    while (access_try(access) == ACCESS_BUSY) {
        keyspace_leave(stress->keyspace);
        waiting.is_woken = false;
        if (access_queue(access, &waiting.waiter)) {
            atomic_fetch_add(&stress->waits, 1);
            pthread_mutex_lock(&waiting.mutex);
            while (!waiting.is_woken) {
                pthread_cond_wait(&waiting.woken, &waiting.mutex);
            }
            pthread_mutex_unlock(&waiting.mutex);
        }
        keyspace_enter(stress->keyspace);
    }
    pthread_mutex_destroy(&waiting.mutex);
    pthread_cond_destroy(&waiting.woken);
}

static struct access_key key_of(struct stress *stress, const char *name, uint32_t db)
{
    struct bytes bytes = bytes_make(name, strlen(name));
    return (struct access_key){
        .name = bytes, .hash = keyspace_hash(stress->keyspace, bytes), .db = db};
}

static void move_money(struct stress *stress)
{
    struct access access;
    struct value from;
    struct value to;
    uint64_t first = random_below(ACCOUNTS);
    uint64_t second = (first + 1 + random_below(ACCOUNTS - 1)) % ACCOUNTS;
    struct access_key keys[2] = {key_of(stress, stress->accounts[first], 0),
                                 key_of(stress, stress->accounts[second], 0)};
    access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){keys, 2}, clock_ms());
    take(stress, &access);
    check(key_find(&access, 0, 0, &from) && key_find(&access, 1, 0, &to));
    struct value less = value_integer(from.integer - 1);
    struct value more = value_integer(to.integer + 1);
    check(key_update(&access, 0, &less, KEY_KEEP_EXPIRY) == STATUS_OK);
    check(key_update(&access, 1, &more, KEY_KEEP_EXPIRY) == STATUS_OK);
    key_event(&access, 0, EVENT_incrby);
    key_event(&access, 1, EVENT_incrby);
    access_end(&access);
}

static void add_account(void *argument, struct access *access, uint32_t index)
{
    struct value value;
    check(key_find(access, index, 0, &value));
    *(int64_t *)argument += value.integer;
}

static void sum_money(struct stress *stress, bool as_writer)
{
    struct access access;
    struct access_key keys[ACCOUNTS];
    int64_t sum = 0;
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        keys[i] = key_of(stress, stress->accounts[i], 0);
    }
    access_init(&access, stress->keyspace, as_writer ? ACCESS_WRITE : ACCESS_READ,
                (struct key_list){keys, ACCOUNTS}, clock_ms());
    take(stress, &access);
    access_each_by_shard(&access, add_account, &sum);
    access_end(&access);
    check(sum == (int64_t)ACCOUNTS * ACCOUNT_BEGIN);
    atomic_fetch_add(&stress->sums, 1);
}

/* Some change of a key that comes and goes. */
static void change_key(struct stress *stress)
{
    static const char text[] = "a value of thirty-two bytes.....";
    struct access access;
    char name[NAME_SIZE];
    uint32_t db = (uint32_t)(1 + random_below(3));
    snprintf(name, sizeof(name), "ttl:%04u", (unsigned)random_below(TTL_KEYS));
    struct access_key key = key_of(stress, name, db);
    struct value value = value_string(bytes_make(text, 1 + random_below(sizeof(text) - 1)));
    int64_t now_ms = clock_ms();
    keyspace_prefetch(stress->keyspace, &key, 1);
    access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){&key, 1}, now_ms);
    take(stress, &access);
    uint64_t choice = random_below(8);
    if (choice == 0) {
        (void)key_delete(&access, 0);
    } else if (choice == 1) {
        (void)key_set_expiry(&access, 0, KEY_NO_EXPIRY);
    } else if (choice == 2) {
        (void)key_set_expiry(&access, 0, now_ms + (int64_t)random_below(300));
    } else {
        int64_t at_ms = choice < 6 ? now_ms + 1 + (int64_t)random_below(400) : KEY_NO_EXPIRY;
        check(key_put(&access, 0, &value, at_ms) == STATUS_OK);
    }
    key_event(&access, 0, EVENT_set);
    access_end(&access);
}

/* A value of some 100 KB, edited with what it needs made ready outside the lock. */
static void edit_large(struct stress *stress)
{
    struct access access;
    unsigned char *data;
    struct access_key key = key_of(stress, "large", 0);
    size_t size = 90000 + (size_t)random_below(20000);
    enum status status;
    access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){&key, 1}, clock_ms());
    do {
        take(stress, &access);
        status = key_edit(&access, 0, size, /* grow_ahead= */ true, &data);
        if (status == STATUS_OK) {
            data[0] = 'x';
            data[size - 1] = 'y';
            key_event(&access, 0, EVENT_setrange);
        }
        access_end(&access);
        check(status == STATUS_OK || access_prepare(&access) == STATUS_OK);
    } while (status == STATUS_PREPARE);
}

/* Keeps a reference to the large value past its access, as a reply does. */
static void read_large(struct stress *stress)
{
    struct access access;
    struct value value;
    struct blob *blob = NULL;
    size_t size = 0;
    struct access_key key = key_of(stress, "large", 0);
    access_init(&access, stress->keyspace, ACCESS_READ, (struct key_list){&key, 1}, clock_ms());
    take(stress, &access);
    if (key_find(&access, 0, 0, &value) && value.blob != NULL) {
        blob = blob_acquire(value.blob);
        size = blob->size;
    }
    access_end(&access);
    if (blob != NULL) {
        check(blob->size == size && blob->data[0] == 'x' && blob->data[size - 1] == 'y');
    }
    blob_release(blob);
}

/* A lease of the one key, given back in another access: nobody else has it between. */
static void rebuild(struct stress *stress)
{
    struct access access;
    struct key_lease lease;
    struct access_key key = key_of(stress, "leased", 0);
    access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){&key, 1}, clock_ms());
    take(stress, &access);
    check(key_lease(&access, 0, 3600000, &lease) == STATUS_OK);
    check(!lease.is_new || !atomic_exchange(&stress->is_leased, true));
    access_end(&access);
    if (lease.is_new) {
        take(stress, &access);
        atomic_store(&stress->is_leased, false);
        check(key_take_lease(&access, 0, lease.token));
        access_end(&access);
        atomic_fetch_add(&stress->rebuilds, 1);
    }
}

/* A lease that is left to end by its time, if nothing else ends it. */
static void leave_lease(struct stress *stress)
{
    struct access access;
    struct key_lease lease;
    char name[NAME_SIZE];
    snprintf(name, sizeof(name), "ttl:%04u", (unsigned)random_below(TTL_KEYS));
    struct access_key key = key_of(stress, name, (uint32_t)(1 + random_below(3)));
    access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){&key, 1}, clock_ms());
    take(stress, &access);
    check(key_lease(&access, 0, 1 + (int64_t)random_below(300), &lease) == STATUS_OK);
    access_end(&access);
}

static void work(void *argument)
{
    struct stress *stress = argument;
    for (int i = 0; i < OPERATIONS; i++) {
        keyspace_enter(stress->keyspace);
        uint64_t choice = random_below(64);
        if (choice == 0) {
            sum_money(stress, i % 2 == 0);
        } else if (choice < 3) {
            edit_large(stress);
        } else if (choice < 5) {
            read_large(stress);
        } else if (choice < 7) {
            rebuild(stress);
        } else if (choice < 9) {
            leave_lease(stress);
        } else if (choice < 36) {
            change_key(stress);
        } else {
            move_money(stress);
        }
        keyspace_leave(stress->keyspace);
    }
    atomic_fetch_sub(&stress->running, 1);
}

static void count_visit(void *argument, const struct key_view *key)
{
    check(key->name.size > 0);
    (*(uint64_t *)argument)++;
}

/* Scans, walks and picks, with every account seen by each complete scan. */
static void look(void *argument)
{
    struct stress *stress = argument;
    for (int i = 0; i < HOUSEKEEPING; i++) {
        uint64_t seen = 0;
        uint64_t cursor = 0;
        struct buf name = {0};
        struct keyspace_figures figures;
        do {
            keyspace_enter(stress->keyspace);
            cursor = keyspace_scan(stress->keyspace, &(struct key_scan){0, cursor, 10}, count_visit,
                                   &seen);
            keyspace_leave(stress->keyspace);
        } while (cursor != 0);
        check(seen >= ACCOUNTS);
        keyspace_walk(stress->keyspace, 1, count_visit, NULL, &seen);
        keyspace_enter(stress->keyspace);
        check(keyspace_random(stress->keyspace, 0, &name));
        keyspace_figures(stress->keyspace, 2, &figures);
        keyspace_leave(stress->keyspace);
        buf_deinit(&name);
        (void)keyspace_size(stress->keyspace, 2);
    }
    atomic_fetch_sub(&stress->running, 1);
}

static void keep_house(void *argument)
{
    struct stress *stress = argument;
    for (int i = 0; atomic_load(&stress->running) > 0; i++) {
        (void)keyspace_expire(stress->keyspace, clock_ms(), 1000);
        (void)keyspace_reclaim(stress->keyspace);
        if (i < HOUSEKEEPING) {
            (void)keyspace_flush(stress->keyspace, 2);
            struct key_prefix_walk walk = {.prefix = bytes_text("ttl:3"), .db = 1};
            while (keyspace_delete_prefix(stress->keyspace, &walk)) {
            }
            struct access access;
            access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){0}, 0);
            access_take_all(&access);
            keyspace_swap(&access, 1, 3);
            access_end(&access);
        }
        struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

static void ignore_reclaim(void *context)
{
    /* keep_house comes by all the time. */
}

static void make_accounts(struct stress *stress)
{
    keyspace_enter(stress->keyspace);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        struct access access;
        struct value value = value_integer(ACCOUNT_BEGIN);
        snprintf(stress->accounts[i], NAME_SIZE, "account:%u", i);
        struct access_key key = key_of(stress, stress->accounts[i], 0);
        access_init(&access, stress->keyspace, ACCESS_WRITE, (struct key_list){&key, 1},
                    clock_ms());
        take(stress, &access);
        check(key_put(&access, 0, &value, KEY_NO_EXPIRY) == STATUS_OK);
        key_event(&access, 0, EVENT_set);
        access_end(&access);
    }
    keyspace_leave(stress->keyspace);
}

/* All that has a TTL is gone once its time is over, and the memory with it. */
static void finish(struct stress *stress)
{
    int64_t late_ms = clock_ms() + 60000;
    while (keyspace_expire(stress->keyspace, late_ms, 1000000) != INT64_MAX) {
    }
    for (uint32_t db = 0; db < 4; db++) {
        check(keyspace_expires(stress->keyspace, db) == 0);
    }
    check(keyspace_leased_keys(stress->keyspace) == 0);
    keyspace_verify(stress->keyspace);
    keyspace_enter(stress->keyspace);
    sum_money(stress, false);
    keyspace_leave(stress->keyspace);
    (void)keyspace_flush_all(stress->keyspace);
    while (keyspace_reclaim(stress->keyspace)) {
    }
    check(keyspace_size(stress->keyspace, 0) == 0);
}

int main(void)
{
    static struct stress stress;
    struct thread *threads[WORKERS + 2];
    static struct keyspace_options options;
    const struct keyspace_hooks hooks = {.want_reclaim = ignore_reclaim};
    clock_setup();
    thread_adopt();
    stats_setup(1);
    atomic_init(&options.databases, 4);
    atomic_init(&options.shards, 64);
    atomic_init(&options.maxmemory, 0);
    option_put(&options.prefix_stats, 1);
    option_put(&options.prefix_max, 7);
    option_text_set(&options.prefix_separator, bytes_text("5"));
    size_t before = mem_used();
    stress.keyspace = keyspace_create(&options, &hooks, WORKERS);
    make_accounts(&stress);
    atomic_store(&stress.running, WORKERS + 1);
    for (int i = 0; i < WORKERS; i++) {
        threads[i] = thread_start("work", work, &stress);
    }
    threads[WORKERS] = thread_start("look", look, &stress);
    threads[WORKERS + 1] = thread_start("house", keep_house, &stress);
    for (int i = 0; i < WORKERS + 2; i++) {
        thread_join(&threads[i]);
    }
    finish(&stress);
    keyspace_destroy(&stress.keyspace);
    printf("sums %lld, waits %lld, rebuilds %lld, left %lld bytes\n",
           (long long)atomic_load(&stress.sums), (long long)atomic_load(&stress.waits),
           (long long)atomic_load(&stress.rebuilds), (long long)mem_used() - (long long)before);
    option_text_deinit(&options.prefix_separator);
    stats_teardown();
    thread_release();
    return 0;
}
