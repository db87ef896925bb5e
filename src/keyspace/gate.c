/* The gate and the epochs. See gate.h for the idea. */
#include "gate.h"
#include "pollard/base/mem.h"
#include <sched.h>

/* Retired blocks that are looked through at a time. */
#define RETIRE_LOOK 32

void gate_init(struct gate *gate)
{
    atomic_init(&gate->epoch, 1);
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
    while (atomic_load(&gate->is_closed)) {
        pthread_cond_wait(&gate->opened, &gate->open_lock.mutex);
    }
    lock_release(&gate->open_lock);
}

void gate_enter(struct gate *gate)
{
    _Atomic uint64_t *word = &gate->words[thread_index()].epoch;
    for (;;) {
        /* Sequentially consistent store and load: with those in gate_close, either the closer sees
         * this word or this thread sees the closed gate. */
        atomic_store(word, atomic_load_explicit(&gate->epoch, memory_order_acquire));
        if (LIKELY(!atomic_load(&gate->is_closed))) {
            return;
        }
        atomic_store(word, 0);
        wait_open(gate);
    }
}

void gate_leave(struct gate *gate)
{
    /* Release: pairs with the loads in gate_close and oldest_inside. */
    atomic_store_explicit(&gate->words[thread_index()].epoch, 0, memory_order_release);
}

void gate_close(struct gate *gate) NO_LOCK_ANALYSIS
{
    lock_acquire(&gate->close_lock);
    atomic_store(&gate->is_closed, true);
    atomic_fetch_add_explicit(&gate->closes, 1, memory_order_relaxed);
    uint32_t limit = thread_index_limit();
    for (uint32_t i = 0; i < limit; i++) {
        while (atomic_load(&gate->words[i].epoch) != 0) {
            sched_yield();
        }
    }
}

void gate_open(struct gate *gate) NO_LOCK_ANALYSIS
{
    lock_acquire(&gate->open_lock);
    atomic_store(&gate->is_closed, false);
    lock_release(&gate->open_lock);
    pthread_cond_broadcast(&gate->opened);
    lock_release(&gate->close_lock);
}

void gate_wait(struct gate *gate)
{
    uint64_t epoch = atomic_fetch_add(&gate->epoch, 1);
    uint32_t limit = thread_index_limit();
    for (uint32_t i = 0; i < limit; i++) {
        uint64_t seen;
        while ((seen = atomic_load(&gate->words[i].epoch)) != 0 && seen <= epoch) {
            sched_yield();
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
    retired->epoch = atomic_fetch_add(&gate->epoch, 1);
    retired->next = gate->retired;
    gate->retired = retired;
    struct retired *list = retired->epoch % RETIRE_LOOK == 0 ? take_free(gate) : NULL;
    lock_release(&gate->retire_lock);
    free_list(gate, list);
}
