/* The gate and the epochs: who is inside the keyspace, and when memory may go. Private to keyspace.
 *
 * Each thread has a word on its own cache line: 0 outside, else the epoch it entered in. Epochs are
 * even; the odd bit of the gate's own word says that it is closed.
 * - All-shards work closes the gate, waits until every word is 0, works, and opens it.
 * - Memory that lock-free readers may look at is retired with the epoch of the moment, and freed
 *   when all threads inside have entered in a later one. */
#ifndef POLLARD_KEYSPACE_GATE_H
#define POLLARD_KEYSPACE_GATE_H

#include "pollard/base/lock.h"
#include "pollard/base/thread.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct gate_word {
    _Atomic uint64_t epoch;
    uint32_t depth; /* brackets inside of the first; the thread's own */
} ATTR_ALIGNED(CACHE_LINE);

struct retired {
    struct retired *next;
    void *block;
    uint64_t epoch;
};

struct gate {
    struct gate_word words[THREADS_MAX];
    _Atomic uint64_t epoch; /* and GATE_CLOSED */
    _Atomic uint64_t closes;
    _Atomic uint32_t owner; /* 1 + index of the thread that keeps it closed; 0: nobody */
    uint32_t closed_depth;  /* the owner's */
    struct lock close_lock; /* one all-shards work at a time */
    struct lock open_lock;  /* for the condition */
    pthread_cond_t opened;
    struct lock retire_lock;
    struct retired *retired; /* newest first */
    _Atomic size_t retired_bytes;
};

void gate_init(struct gate *gate);
/* Frees all that is retired: no thread may be inside. */
void gate_deinit(struct gate *gate);
/* They nest, and may be used by who keeps the gate closed. */
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
/* As if it had left and entered again: the calling thread, inside, has no pointer from before. Does
 * not wait, and does nothing if it has entered several times or keeps the gate closed. */
void gate_renew(struct gate *gate);
/* Waits until every other thread is outside and keeps them there. While one stays long the gate is
 * left open for the others: nobody else waits for more than about a millisecond. The caller must be
 * outside. Who keeps it closed may close it again; it opens with the last gate_open. */
void gate_close(struct gate *gate);
void gate_open(struct gate *gate);
/* Does the calling thread keep it closed? */
bool gate_is_mine(struct gate *gate);
/* Waits until every thread that is inside now has left. The caller must be outside. */
void gate_wait(struct gate *gate);
/* Frees the block when nobody can look at it any more. NULL is allowed. */
void gate_retire(struct gate *gate, void *block);
/* Frees what nobody can look at any more. */
void gate_collect(struct gate *gate);

#endif
