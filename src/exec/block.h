/* Clients that wait for keys. Private to exec; exec.h (exec_wait) has the idea.
 *
 *   handler: exec_wait -> STATUS_BLOCK, its access still open
 *   block_begin: the call becomes a job; a waiter on each key, under the lock
 *        WAITING --one compare-and-swap--> TAKEN by: who brings something (block_serve)
 *                                                    the time, UNBLOCK, the session's end (reactor)
 *   who took it has the job: fills in its reply and sends it home
 *
 * Waiters on keys that the taker does not hold stay there, dead, until the reactor takes them off
 * when the job has come home. */
#ifndef POLLARD_EXEC_BLOCK_H
#define POLLARD_EXEC_BLOCK_H

#include "job.h"
#include "pollard/keyspace/notes.h"

struct waiting {
    _Atomic bool is_taken;
    struct job *job; /* until it is taken: then the taker's */
    struct mail arm; /* to the reactor, when the call was on the pool */
    struct pool_task cleanup;
    struct keyspace *keyspace;
    /* What a server must know before it takes it. */
    enum value_type type;
    uint64_t least;
    bool has_target;
    struct access_key target; /* its name is a copy, behind the waiters */
    uint32_t count;
    struct key_waiter waiters[];
};

/* Hangs the job's call on its keys, which access holds. From here on others may take it. */
void block_begin(struct job *job, struct access *access);
/* Takes the wait back, on the reactor: false when somebody else has it already, and the job will
 * come home. */
bool block_take(struct waiting *waiting);
/* The job has come home: waiters that are left are taken off. On the reactor. */
void block_end(struct job *job);

/* ---- serve.c ---- */

/* Calls that were served in an access, to be sent home when it is closed. */
struct served {
    struct job *first;
    struct job **last;
};
/* Serves those who wait for keys that this access changed, in the order of the changes and of their
 * waiting. Before access_end. */
void block_serve(const struct services *services, struct access *access, struct served *served);
/* After access_end. */
void block_send_home(struct served *served);
/* Keys that are held for those who wait. */
struct block_room {
    struct access_key *keys; /* with names of their own */
    uint32_t count;
    uint32_t capacity;
};
/* Does somebody who waits for a key of this granted WRITE access need a key that is not held (the
 * target of BLMOVE)? Then the access is closed and taken once more with it. false: the shards are
 * busy, nothing is held. room: zeroed by the caller, who frees it after access_end. */
bool block_widen(struct access *access, struct block_room *room);
void block_room_free(struct block_room *room);

#endif
