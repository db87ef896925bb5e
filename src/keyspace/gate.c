/* The gate and the epochs. See gate.h for the idea. */
#include "gate.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include <sched.h>
#include <time.h>

#define GATE_CLOSED UINT64_C(1)
#define EPOCH_STEP 2
/* How long the gate stays closed for threads that are still inside, before it opens again for the
 * others; and how often that is tried before the others have to wait. */
#define CLOSE_US 1000
#define CLOSE_TRIES 100
/* Looks at a thread that is inside before the waiting one sleeps between them. */
#define EAGER_LOOKS 200
#define LOOK_NS 200000
/* Retired blocks that are looked through at a time. */
#define RETIRE_LOOK 32

void gate_init(struct gate *gate)
{
    atomic_init(&gate->epoch, EPOCH_STEP);
    lock_init(&gate->close_lock, LOCK_RANK_GATE);
    lock_init(&gate->open_lock, LOCK_RANK_GATE_OPEN);
    lock_init(&gate->retire_lock, LOCK_RANK_RETIRE);
    pthread_cond_init(&gate->opened, NULL);
}

static void free_list(struct gate *gate, struct retired *retired)
{
    while (retired != NULL) {
        struct retired *next = retired->next;
        atomic_fetch_sub_explicit(&gate->retired_bytes, mem_block_size(retired->block),
                                  memory_order_relaxed);
        mem_free(retired->block);
        mem_free(retired);
        retired = next;
    }
}

void gate_deinit(struct gate *gate)
{
    free_list(gate, gate->retired);
    gate->retired = NULL;
    pthread_cond_destroy(&gate->opened);
    lock_deinit(&gate->close_lock);
    lock_deinit(&gate->open_lock);
    lock_deinit(&gate->retire_lock);
}

static void wait_open(struct gate *gate) NO_LOCK_ANALYSIS
{
    lock_acquire(&gate->open_lock);
    while ((atomic_load(&gate->epoch) & GATE_CLOSED) != 0) {
        pthread_cond_wait(&gate->opened, &gate->open_lock.mutex);
    }
    lock_release(&gate->open_lock);
}

bool gate_is_mine(struct gate *gate)
{
    /* Relaxed: only the own number matters, and nobody else writes that. */
    return atomic_load_explicit(&gate->owner, memory_order_relaxed) == thread_index() + 1;
}

void gate_enter(struct gate *gate)
{
    struct gate_word *self = &gate->words[thread_index()];
    _Atomic uint64_t *word = &self->epoch;
    /* Relaxed: only this thread writes its word. */
    if (UNLIKELY(atomic_load_explicit(word, memory_order_relaxed) != 0)) {
        self->depth++;
        return;
    }
    for (;;) {
        uint64_t epoch = atomic_load_explicit(&gate->epoch, memory_order_acquire);
        /* Sequentially consistent store and load: with those in try_close and oldest_inside, either
         * the other side sees this word, or this thread sees the gate closed or the epoch advanced,
         * and with it what was unpublished before. */
        atomic_store(word, epoch & ~GATE_CLOSED);
        if (LIKELY((atomic_load(&gate->epoch) & GATE_CLOSED) == 0)) {
            return;
        }
        atomic_store(word, 0);
        wait_open(gate);
    }
}

void gate_leave(struct gate *gate)
{
    struct gate_word *self = &gate->words[thread_index()];
    if (UNLIKELY(self->depth > 0)) {
        self->depth--;
        return;
    }
    /* Release: pairs with the loads in gate_close and oldest_inside. */
    atomic_store_explicit(&self->epoch, 0, memory_order_release);
}

void gate_renew(struct gate *gate)
{
    struct gate_word *self = &gate->words[thread_index()];
    if (self->depth == 0 && !gate_is_mine(gate) &&
        atomic_load_explicit(&self->epoch, memory_order_relaxed) != 0) {
        uint64_t epoch = atomic_load_explicit(&gate->epoch, memory_order_acquire);
        atomic_store(&self->epoch, epoch & ~GATE_CLOSED);
    }
}

static void let_in(struct gate *gate)
{
    lock_acquire(&gate->open_lock);
    atomic_fetch_and(&gate->epoch, ~GATE_CLOSED);
    lock_release(&gate->open_lock);
    pthread_cond_broadcast(&gate->opened);
}

static void gate_mark_inside(struct gate *gate)
{
    atomic_store(&gate->words[thread_index()].epoch, atomic_load(&gate->epoch) & ~GATE_CLOSED);
}

/* Closes the gate and waits for those inside, CLOSE_US at most unless it is insistent. */
static bool try_close(struct gate *gate, bool insists)
{
    int64_t end_us = clock_monotonic_us() + CLOSE_US;
    atomic_fetch_or(&gate->epoch, GATE_CLOSED);
    uint32_t limit = thread_index_limit();
    for (uint32_t i = 0; i < limit; i++) {
        while (atomic_load(&gate->words[i].epoch) != 0) {
            if (!insists && clock_monotonic_us() > end_us) {
                return false;
            }
            sched_yield();
        }
    }
    return true;
}

void gate_close(struct gate *gate) NO_LOCK_ANALYSIS
{
    if (gate_is_mine(gate)) {
        gate->closed_depth++;
        return;
    }
    lock_acquire(&gate->close_lock);
    atomic_fetch_add_explicit(&gate->closes, 1, memory_order_relaxed);
    for (uint32_t tries = 1; !try_close(gate, tries > CLOSE_TRIES); tries++) {
        let_in(gate);
        gate_wait(gate);
    }
    gate->closed_depth = 1;
    /* Who keeps it closed is inside: what it retires stays readable to it. */
    gate_mark_inside(gate);
    atomic_store_explicit(&gate->owner, thread_index() + 1, memory_order_relaxed);
}

void gate_open(struct gate *gate) NO_LOCK_ANALYSIS
{
    if (--gate->closed_depth > 0) {
        return;
    }
    gate_leave(gate);
    atomic_store_explicit(&gate->owner, 0, memory_order_relaxed);
    let_in(gate);
    lock_release(&gate->close_lock);
}

void gate_wait(struct gate *gate)
{
    const struct timespec look = {.tv_nsec = LOOK_NS};
    uint64_t epoch = atomic_fetch_add(&gate->epoch, EPOCH_STEP) & ~GATE_CLOSED;
    uint32_t limit = thread_index_limit();
    uint32_t looks = 0;
    for (uint32_t i = 0; i < limit; i++) {
        uint64_t seen;
        while ((seen = atomic_load(&gate->words[i].epoch)) != 0 && seen <= epoch) {
            if (++looks < EAGER_LOOKS) {
                sched_yield();
            } else {
                (void)nanosleep(&look, NULL);
            }
        }
    }
}

/* The least epoch anyone inside has entered in; UINT64_MAX when nobody is. */
static uint64_t oldest_inside(struct gate *gate)
{
    uint64_t oldest = UINT64_MAX;
    uint32_t limit = thread_index_limit();
    for (uint32_t i = 0; i < limit; i++) {
        uint64_t epoch = atomic_load(&gate->words[i].epoch);
        oldest = epoch != 0 && epoch < oldest ? epoch : oldest;
    }
    return oldest;
}

/* Cuts off the tail of the list that nobody can see any more. */
static struct retired *take_free(struct gate *gate)
{
    uint64_t oldest = oldest_inside(gate);
    struct retired **link = &gate->retired;
    while (*link != NULL && (*link)->epoch >= oldest) {
        link = &(*link)->next;
    }
    struct retired *list = *link;
    *link = NULL;
    return list;
}

void gate_retire(struct gate *gate, void *block)
{
    if (block == NULL) {
        return;
    }
    struct retired *retired = mem_alloc(sizeof(*retired));
    retired->block = block;
    atomic_fetch_add_explicit(&gate->retired_bytes, mem_block_size(block), memory_order_relaxed);
    lock_acquire(&gate->retire_lock);
    /* The block was unpublished before: who enters from the next epoch on cannot find it. */
    retired->epoch = atomic_fetch_add(&gate->epoch, EPOCH_STEP) & ~GATE_CLOSED;
    retired->next = gate->retired;
    gate->retired = retired;
    bool looks = retired->epoch % ((uint64_t)RETIRE_LOOK * EPOCH_STEP) == 0;
    struct retired *list = looks ? take_free(gate) : NULL;
    lock_release(&gate->retire_lock);
    free_list(gate, list);
}

void gate_collect(struct gate *gate)
{
    lock_acquire(&gate->retire_lock);
    struct retired *list = take_free(gate);
    lock_release(&gate->retire_lock);
    free_list(gate, list);
}
