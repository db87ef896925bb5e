/* Counters: one block a thread, summed on demand.
 *
 * On the data path: stat_add and stats_command_done run for every command and touch the calling
 * thread's block only, with relaxed loads and stores. Sums, resets and the first use by a thread
 * take the lock.
 * Invariants: 1. A block is written by one living thread; a thread that starts later with the same
 * index goes on where the ended one stopped. 2. Counters never fall: a reset moves the zero line.
 * 3. The zero lines are read and written under the lock. */
#include "pollard/stats/stats.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "stats_private.h"

/* Threads without an index (before thread_adopt) share the last block: their rare counts may be
 * lost to each other. */
#define BLOCKS (THREADS_MAX + 1)

_Thread_local struct stats_thread *stats_self_cached;

static _Atomic(struct stats_thread *) blocks[BLOCKS];
static struct lock stats_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_RANK_STATS};
static uint64_t counter_zero[STAT_COUNT];
static struct stats_command_sum *command_zero; /* one a command, or NULL before stats_setup */
static size_t command_count;

static uint64_t counter_get(stat_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct stats_thread *block_get(size_t index)
{
    /* Pairs with the release in stats_self_make(). */
    return atomic_load_explicit(&blocks[index], memory_order_acquire);
}

static void block_make_commands(struct stats_thread *block)
{
    block->commands = mem_alloc_zero((command_count + 1) * sizeof(*block->commands));
    block->command_count = command_count;
}

void stats_setup(size_t commands)
{
    check(command_zero == NULL);
    command_count = commands;
    command_zero = mem_alloc_zero((commands + 1) * sizeof(*command_zero));
    for (size_t i = 0; i < BLOCKS; i++) {
        struct stats_thread *block = block_get(i);
        if (block != NULL) {
            mem_free(block->commands);
            block_make_commands(block);
        }
    }
}

static void block_destroy(struct stats_thread *block)
{
    for (size_t i = 0; i < block->command_count; i++) {
        mem_free(atomic_load_explicit(&block->commands[i], memory_order_relaxed));
    }
    mem_free(block->commands);
    mem_free(block);
}

void stats_teardown(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        struct stats_thread *block = block_get(i);
        if (block != NULL) {
            atomic_store_explicit(&blocks[i], NULL, memory_order_relaxed);
            block_destroy(block);
        }
    }
    mem_free(command_zero);
    command_zero = NULL;
    command_count = 0;
    memset(counter_zero, 0, sizeof(counter_zero));
    stats_self_cached = NULL;
    stats_errors_reset();
}

struct stats_thread *stats_self_make(void)
{
    size_t index = thread_index_self == THREAD_INDEX_NONE ? THREADS_MAX : thread_index_self;
    lock_acquire(&stats_lock);
    struct stats_thread *block = block_get(index);
    if (block == NULL) {
        block = mem_alloc_zero(sizeof(*block));
        block_make_commands(block);
        /* Pairs with the acquire in block_get(): sums see a complete block. */
        atomic_store_explicit(&blocks[index], block, memory_order_release);
    }
    lock_release(&stats_lock);
    stats_self_cached = block;
    return block;
}

/* The thread's figures of a command; only the thread itself makes them. */
struct stats_command *stats_command_make(struct stats_thread *self, uint32_t command)
{
    check(command < self->command_count);
    struct stats_command *figures =
        atomic_load_explicit(&self->commands[command], memory_order_relaxed);
    if (LIKELY(figures != NULL)) {
        return figures;
    }
    figures = mem_alloc_zero(sizeof(*figures));
    /* Pairs with the acquire in command_sum_raw(). */
    atomic_store_explicit(&self->commands[command], figures, memory_order_release);
    return figures;
}

void stats_command_rejected(uint32_t command)
{
    stat_counter_add(&stats_command_make(stats_self(), command)->rejected, 1);
}

static uint64_t sum_raw(enum stat_index index)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct stats_thread *block = block_get(i);
        if (block != NULL) {
            sum += counter_get(&block->counters[index]);
        }
    }
    return sum;
}

uint64_t stats_sum(enum stat_index index)
{
    lock_acquire(&stats_lock);
    uint64_t sum = sum_raw(index) - counter_zero[index];
    lock_release(&stats_lock);
    return sum;
}

uint64_t stats_sum_ever(enum stat_index index)
{
    return sum_raw(index);
}

static void command_sum_raw(uint32_t command, struct stats_command_sum *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (size_t i = 0; i < BLOCKS; i++) {
        struct stats_thread *block = block_get(i);
        if (block == NULL) {
            continue;
        }
        /* Pairs with the release in stats_command_make(). */
        struct stats_command *figures =
            atomic_load_explicit(&block->commands[command], memory_order_acquire);
        if (figures == NULL) {
            continue;
        }
        sum->calls += counter_get(&figures->calls);
        sum->ticks += counter_get(&figures->ticks);
        sum->rejected += counter_get(&figures->rejected);
        sum->failed += counter_get(&figures->failed);
        for (unsigned j = 0; j < STATS_HISTOGRAM_BUCKETS; j++) {
            sum->histogram[j] += counter_get(&figures->histogram[j]);
        }
    }
}

void stats_command_sum(uint32_t command, struct stats_command_sum *ret_sum)
{
    check(command < command_count);
    lock_acquire(&stats_lock);
    command_sum_raw(command, ret_sum);
    const struct stats_command_sum *zero = &command_zero[command];
    ret_sum->calls -= zero->calls;
    ret_sum->ticks -= zero->ticks;
    ret_sum->rejected -= zero->rejected;
    ret_sum->failed -= zero->failed;
    for (unsigned j = 0; j < STATS_HISTOGRAM_BUCKETS; j++) {
        ret_sum->histogram[j] -= zero->histogram[j];
    }
    lock_release(&stats_lock);
}

void stats_reset(void)
{
    lock_acquire(&stats_lock);
    for (size_t i = 0; i < STAT_COUNT; i++) {
        counter_zero[i] = sum_raw((enum stat_index)i);
    }
    for (size_t i = 0; i < command_count; i++) {
        command_sum_raw((uint32_t)i, &command_zero[i]);
    }
    lock_release(&stats_lock);
    stats_errors_reset();
}
