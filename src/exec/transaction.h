/* The inside of a transaction. Private to exec; see pollard/exec/transaction.h. */
#ifndef POLLARD_SRC_EXEC_TRANSACTION_H
#define POLLARD_SRC_EXEC_TRANSACTION_H

#include "job.h"
#include "pollard/exec/transaction.h"
#include "pollard/keyspace/notes.h"

/* Queued calls that a reactor runs itself; more go to the pool. */
#define QUEUE_REACTOR_MAX 64

struct queued {
    const struct command *command;
    struct request request;
    uint64_t hash;      /* of its key, when command->has_one_key */
    uint32_t first_key; /* in the transaction's keys */
    uint32_t key_count;
    bool is_deferred;   /* it runs on the reactor, when the locks are gone */
    struct chain reply; /* its own, when some call is deferred */
};

struct transaction {
    struct queued *calls;
    uint32_t count;
    uint32_t capacity;
    struct key_watch *watches;
    uint32_t watch_count;
    uint32_t watch_capacity;
    size_t memory;           /* of the calls' requests */
    uint32_t flags;          /* of all commands: enum command_flag */
    uint32_t route_count;    /* calls that are not of ROUTE_INLINE, or have many arguments */
    bool is_open;            /* MULTI was said */
    bool is_broken;          /* a call was refused: EXEC will be */
    bool is_whole;           /* some call looks at whole databases */
    bool has_later;          /* some call may answer later */
    bool has_session;        /* some call needs the session */
    bool is_done;            /* EXEC has run: the queue may go */
    struct access_key *keys; /* made by transaction_keys */
    uint32_t tail;           /* the next deferred call */
};

/* Queues the call for EXEC; its request is empty afterwards. Replies +QUEUED. */
void transaction_queue(struct session *session, struct call *call, struct reply *reply);
/* A call was refused while the session queues. */
void transaction_break(struct session *session);
/* Everything that EXEC has to hold: the keys of all calls, each followed by a spare one, and the
 * watched ones. They are the transaction's. db: of the session. */
struct key_list transaction_keys(struct transaction *transaction, const struct keyspace *keyspace,
                                 uint32_t db);
/* Is there anything that the keys must be held exclusively for? */
enum access_mode transaction_mode(const struct transaction *transaction);
/* Should the pool run it? */
bool transaction_wants_pool(const struct transaction *transaction);
/* After EXEC, the access being closed: frees the queue. The transaction stays for other watches. */
void transaction_settle(struct session *session);
/* Frees it; watches that are left are ended here or on the pool. NULL is allowed; nulls. */
void transaction_destroy(const struct services *services, struct transaction **transaction);
/* Copies what CLIENT LIST tells into the session. */
void transaction_describe(struct session *session);
/* Has a watched key changed? Sets SESSION_WATCH_LOST accordingly; a hint. */
void transaction_look(struct session *session);
/* What the gate must know of the session's queue: flags of all its commands. */
uint32_t transaction_flags(const struct session *session);

/* ---- execute.c ---- */

/* Shows the queued calls to monitors. x: of EXEC, on the reactor. */
void transaction_feed_monitors(const struct exec *x);
/* On the reactor, when EXEC's job has come home: runs the deferred calls and puts the replies
 * together. True: one of them answers later, and it will go on by itself. */
bool transaction_tail(struct job *job);
/* The answer of the deferred call that was waited for; take_part of its suspension. */
void transaction_take_part(struct suspension *suspension, struct chain *part);

#endif
