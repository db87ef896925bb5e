/* A job: one command that runs on the pool, or waits for a pause to end. Private to exec. */
#ifndef POLLARD_EXEC_JOB_H
#define POLLARD_EXEC_JOB_H

#include "pollard/client/push.h"
#include "pollard/exec/pool.h"
#include "suspend.h"
#include <stddef.h>

struct job {
    struct suspension suspension; /* first: where its reply goes */
    struct pool_task task;
    struct access_waiter waiter; /* while it queues at a busy shard */
    struct exec x;
    struct access access;
    struct request request;
    struct access_key *keys;
    struct job *next; /* parked */
    uint64_t key_hash;
    uint64_t ticks; /* spent so far */
    uint32_t access_flags;
    bool is_open;                    /* the access is filled in */
    bool is_entered;                 /* between keyspace_enter and keyspace_leave */
    struct buf peer;                 /* for the command log */
    struct waiting *waiting;         /* it waits for its keys (block.h); NULL: does not */
    struct transaction *transaction; /* the session's, while the job is out */
    struct block_room *room;         /* keys held for others that wait; NULL: none */
    struct push marker;              /* holds the session's pushes back from its reads on */
    bool is_marked;                  /* that was posted */
    bool is_tracking;                /* the session is one that is told of changes */
    bool is_inline;                  /* made on the reactor after the call ran there: it waits */
};

/* The keys of a call for its access. Returns how many, or -1 when the arguments make no sense;
 * keys has room for INLINE_KEYS_MAX + 1 and is replaced by heap memory when that is too small
 * (*ret_heap then is what to free). One entry beyond the count is always free for exec_key_in_db.
 */
int call_find_keys(const struct keyspace *keyspace, const struct command *command,
                   const struct request *request, uint32_t db, struct access_key **keys);

/* Moves the call to the pool; the session waits. */
void job_start(struct cycle *cycle, struct session *session, struct call *call,
               enum pool_lane lane);
/* The call, which has just run on the reactor, is to wait for its keys; they are held. */
void job_wait(struct cycle *cycle, struct session *session, struct call *call,
              struct access *access);
/* The job is done: books it and sends its reply home. It may be gone when this returns. */
void job_finish(struct job *job, enum status status);
/* Holds the call until the pause is over; the session waits. */
void job_park(struct cycle *cycle, struct session *session, struct call *call);

#endif
