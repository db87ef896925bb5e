/* The shards' lock against pthread_rwlock: nanoseconds an acquire and release, alone and with two
 * threads on the same lock, for readers and writers.
 *
 *   bench_lock [--quick]
 *
 * The shard's lock is taken as an access takes it but for the queue: try, then spin. */
#include "micro.h"
#include "pollard/base/attr.h"
#include "pollard/base/thread.h"
#include "shard_lock.h"
#include <pthread.h>

#define ROUNDS 5000000
#define ROUNDS_QUICK 10000
#define THREADS 2

enum kind { KIND_SHARD, KIND_RWLOCK };

struct bench {
    enum kind kind;
    bool exclusive;
    _Atomic int ready;
    int threads;
    int rounds;
    _Atomic uint64_t ticks;
    _Atomic uint32_t word ATTR_ALIGNED(CACHE_LINE);
    pthread_rwlock_t rwlock ATTR_ALIGNED(CACHE_LINE);
    uint64_t guarded; /* what holders touch */
};

static void once_shard(struct bench *bench)
{
    while (!shard_try_lock(&bench->word, bench->exclusive, SHARD_TICKET | SHARD_QUEUED, 0)) {
        thread_pause();
    }
    if (bench->exclusive) {
        bench->guarded++;
    }
    check(!shard_unlock_word(&bench->word, bench->exclusive, 0));
}

static void once_rwlock(struct bench *bench)
{
    if (bench->exclusive) {
        check(pthread_rwlock_wrlock(&bench->rwlock) == 0);
        bench->guarded++;
    } else {
        check(pthread_rwlock_rdlock(&bench->rwlock) == 0);
    }
    check(pthread_rwlock_unlock(&bench->rwlock) == 0);
}

static void work(void *argument)
{
    struct bench *bench = argument;
    atomic_fetch_add(&bench->ready, 1);
    while (atomic_load(&bench->ready) < bench->threads) {
        thread_pause();
    }
    uint64_t begin = clock_ticks();
    for (int i = 0; i < bench->rounds; i++) {
        if (bench->kind == KIND_SHARD) {
            once_shard(bench);
        } else {
            once_rwlock(bench);
        }
    }
    atomic_fetch_add(&bench->ticks, clock_ticks() - begin);
}

static double measure(enum kind kind, bool exclusive, int threads, int rounds)
{
    static struct bench bench;
    struct thread *running[THREADS];
    bench =
        (struct bench){.kind = kind, .exclusive = exclusive, .threads = threads, .rounds = rounds};
    check(pthread_rwlock_init(&bench.rwlock, NULL) == 0);
    for (int i = 0; i < threads; i++) {
        running[i] = thread_start("lock", work, &bench);
        check(running[i] != NULL);
    }
    for (int i = 0; i < threads; i++) {
        thread_join(&running[i]);
    }
    check(pthread_rwlock_destroy(&bench.rwlock) == 0);
    check(!exclusive || bench.guarded == (uint64_t)rounds * (uint64_t)threads);
    return (double)clock_ticks_to_ns(atomic_load(&bench.ticks)) / ((double)rounds * threads);
}

int main(int argc, char **argv)
{
    bool quick;
    if (!micro_arguments(argc, argv, &quick)) {
        return 2;
    }
    int rounds = quick ? ROUNDS_QUICK : ROUNDS;
    clock_setup();
    thread_adopt();
    for (int threads = 1; threads <= THREADS; threads++) {
        for (int exclusive = 0; exclusive < 2; exclusive++) {
            printf("%d thread(s), %s: shard lock %6.1f ns, pthread_rwlock %6.1f ns\n", threads,
                   exclusive != 0 ? "writers" : "readers",
                   measure(KIND_SHARD, exclusive != 0, threads, rounds),
                   measure(KIND_RWLOCK, exclusive != 0, threads, rounds));
        }
    }
    thread_release();
    return 0;
}
