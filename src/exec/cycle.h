/* What a reactor keeps between and during its cycles. Private to exec.
 *
 *   on_ready: for each ready connection, cycle_gather: read, decode, look up, begin to prefetch
 *             when the group is full or all are in, cycle_run: prefetch keys, then batch by
 *             batch: call_run for each call, one flush
 *
 * Invariants:
 * 1. Slices of calls point into the arena, into their session's input, or into the storage of
 *    their batch's decoder; all three stay put until the group has run.
 * 2. A session appears in at most one batch of a group, and ends only in its own batch. */
#ifndef POLLARD_EXEC_CYCLE_H
#define POLLARD_EXEC_CYCLE_H

#include "pollard/client/push.h"
#include "pollard/exec/dispatcher.h"
#include "pollard/exec/exec.h"
#include "pollard/exec/hotkeys.h"
#include "pollard/stats/commandlog.h"
#include "pollard/stats/stats.h"

/* Bytes read from a socket at a time. Source: Redis reads 16 KB too; larger did not pay. */
#define READ_SIZE ((size_t)16384)
/* Read arena of a reactor: what a group of connections may bring. */
#define ARENA_SIZE (16 * READ_SIZE)
/* Commands of one connection a cycle, and bytes of its replies, before the next one has its turn.
 * Source: the design page, section 2. */
#define CONNECTION_CALLS_MAX 64
#define CONNECTION_REPLY_MAX ((size_t)1024 * 1024)
/* Calls prefetched together: their buckets and entries fit the first-level cache. */
#define GROUP_CALLS_MAX 128
#define GROUP_BATCHES_MAX 128
/* Replies of several connections are sent together, because the first of them wakes a sleeping
 * client's thread and that costs more than a write: a batch's answer waits for others this long, or
 * until it is this large. */
#define FLUSH_DELAY_NS 200000
#define FLUSH_AT_ONCE_SIZE ((size_t)16384)
/* Decoders kept for the next cycle. */
#define DECODER_POOL_MAX GROUP_BATCHES_MAX
/* Keys of a group's calls with several; calls beyond find and prefetch theirs when they run. */
#define GROUP_KEYS_MAX 512
/* Most arguments of a call whose keys are found with the group. */
#define GROUP_ARGC_MAX 64
/* Keys of an inline command; more go through heap memory. */
#define INLINE_KEYS_MAX 128
/* Keys or arguments from which a command of ROUTE_SIZE goes to the pool. */
#define SIZE_ROUTE_KEYS_MAX 128

struct call {
    struct request request;
    const struct command *command; /* NULL: unknown */
    const unsigned char *wire;     /* first byte of its frame in the input */
    struct access_key key;         /* its first key, when command->first_key > 0 */
    struct key_hint hint;          /* of that key; at is NULL when there is none */
    struct access_key *keys;       /* all of several, in the cycle's; NULL: not found yet */
    uint32_t key_count;
};

struct batch {
    struct session *session;
    struct decoder *decoder;
    struct bytes rest;        /* input behind the last decoded call */
    const unsigned char *end; /* of the input as it was read */
    bool from_input;          /* the input is session->input, not the arena */
    uint32_t first_call;
    uint32_t call_count;
    const char *error; /* a protocol error stands behind the last call */
};

struct job;

/* Sessions with pushes that are to be flushed (pushed.c). */
struct pushed {
    struct session *first;
    struct session *last;
    uint64_t flushed_at; /* ticks */
    uint64_t hold_ticks; /* how long from then no flush */
    struct timer timer;  /* ends a hold in which nothing happens */
};

struct cycle {
    struct dispatcher *dispatcher;
    const struct services *services;
    struct reactor *reactor;
    struct stats_thread *stats;
    unsigned char *arena;
    size_t arena_used;
    struct decoder *decoders[DECODER_POOL_MAX];
    uint32_t decoder_count;
    uint32_t call_count;
    uint32_t batch_count;
    /* Of the call that runs: what all calls have alike stays filled in. */
    struct exec exec;
    struct access access;
    struct reply reply;
    struct chain muted; /* replies of sessions that want none, until they are dropped */
    struct access_key one_key[2];
    const _Atomic int64_t *pause_mark; /* no pause lasts longer */
    const option_number *dispatch;     /* options that each call asks for */
    const option_number *maxmemory;
    const option_number *activedefrag;
    const option_number *maxmemory_clients;
    struct budget_view budget;
    uint64_t bulk_keep_max;               /* what an argument may have: all that the data may */
    const _Atomic uint64_t *client_bytes; /* what this reactor's clients take, as counted */
    uint64_t held_bytes;                  /* of this reactor's clients, at the last look */
    struct access_key keys[GROUP_KEYS_MAX];
    struct key_hint hints[GROUP_KEYS_MAX]; /* of keys, without the gaps */
    uint32_t key_count;                    /* used of keys */
    uint32_t hint_count;
    struct call calls[GROUP_CALLS_MAX];
    struct batch batches[GROUP_BATCHES_MAX];
    struct session *dirty; /* have output: flushed together, at the cycle's end at the latest */
    struct session *last_dirty;
    uint64_t dirty_since; /* ticks when the first of them came */
    uint64_t flush_ticks; /* FLUSH_DELAY_NS */
    struct push_marks push_marks;
    struct pushed pushed;
    struct job *parked; /* calls that a pause holds back */
    struct timer parked_timer;
    struct timer idle_timer;
    struct timer soft_timer; /* while some session is over its soft output limit */
    uint64_t ticks;          /* clock_ticks at the end of the last call */
    /* From which on a call goes into a log; UINT64_MAX: never. */
    uint64_t slow_ticks; /* 0 also when the latency monitor wants to see every call */
    uint64_t large_request;
    uint64_t large_reply;
    struct sampler key_sampler; /* of calls whose keys are booked (hotkeys.h) */
    uint32_t key_mark;          /* what it was set up for: */
    int64_t key_ratio;
    const _Atomic uint32_t *hotkeys_mark;
    const option_number *hotkeys_ratio;
    bool monitored;          /* some reactor has a monitor */
    bool draining;           /* the server ends: no new requests */
    uint64_t plain_size_max; /* of a request that needs not be asked whether there is memory */
    bool counts_clients;     /* there is a limit of the clients' memory */
    _Atomic uint64_t calls_run;
    _Atomic uint64_t handovers;
} ATTR_ALIGNED(CACHE_LINE);

struct rename;

struct dispatcher {
    struct services *services;
    struct rename *renames; /* NULL: none, the common case */
    size_t rename_count;
    uint32_t cycle_count;
    struct cycle *cycles;
};

static inline struct cycle *cycle_of(const struct session *session, struct dispatcher *dispatcher)
{
    return &dispatcher->cycles[reactor_index(session->conn.reactor)];
}

static inline bool call_has_arity(const struct call *call)
{
    int64_t argc = call->request.argc;
    int64_t arity = call->command->arity;
    return arity >= 0 ? argc == arity : argc >= -arity;
}

/* ---- gather.c: from sockets to calls ---- */

/* Reads and decodes one ready connection into the group. The session may end. */
void cycle_gather(struct cycle *cycle, struct conn *conn);
bool cycle_is_full(const struct cycle *cycle);
/* A decoder to use for a batch, and back. */
struct decoder *cycle_take_decoder(struct cycle *cycle);
void cycle_give_decoder(struct cycle *cycle, struct decoder **decoder);

/* ---- cycle.c ---- */

/* Runs the group and empties it. */
void cycle_run(struct cycle *cycle);
/* Keeps clients to their limits, and tells the keyspace what they take. cycle_memory.c */
void cycle_hold_clients(struct cycle *cycle);
/* Appends to the list that is flushed at the end of the cycle. */
void cycle_mark_dirty(struct cycle *cycle, struct session *session);
/* Sends what can be sent; ends the session when it is to end. False when it has ended. */
bool cycle_flush(struct cycle *cycle, struct session *session);

/* ---- pushed.c ---- */

/* The session got a push. */
void pushed_add(struct cycle *cycle, struct session *session);
void pushed_remove(struct cycle *cycle, struct session *session);
/* At the end of a cycle: flushes them, or leaves them for a little while. Sessions may end. */
void pushed_flush(struct cycle *cycle);
/* Takes in what the calls of a group had for others, behind their own replies, and flushes it. */
void pushed_settle(struct cycle *cycle);

/* ---- call.c: one call ---- */

/* What all calls of a session have alike; before the first of several call_run. */
void call_begin(struct cycle *cycle, struct session *session);
/* Gates and runs one call on the reactor, or hands it on (the request is moved then). */
void call_run(struct cycle *cycle, struct session *session, struct call *call);
/* Replies the text of a status, if it has one. */
void call_reply_status(struct reply *reply, enum status status);
/* ---- book.c ---- */

/* Books a finished command: histogram, error statistics, command logs. On any thread. */
struct call_result {
    uint64_t ticks;
    size_t request_bytes;
    size_t reply_bytes;
    bool failed;
};
void call_book(const struct exec *x, struct bytes peer, const struct call_result *result);
/* The same for a call that ran on its reactor. */
void call_book_inline(struct cycle *cycle, const struct exec *x, size_t reply_bytes);

/* Its keys, if its turn has come, for a call without a cycle. */
void call_book_keys(const struct exec *x, uint64_t ticks, uint64_t bytes);

/* ---- gate.c ---- */

enum gate { GATE_RUN, GATE_REPLIED, GATE_PARK, GATE_QUEUE };
/* May this call run? GATE_REPLIED: an error was replied. GATE_QUEUE: not now, but with EXEC. */
enum gate gate_check(struct cycle *cycle, struct session *session, const struct call *call,
                     struct reply *reply);
/* "ERR unknown command ..." as Redis words it. */
void gate_reply_unknown(struct reply *reply, const struct request *request);

/* ---- rename.c ---- */

/* command_find through rename-command. */
const struct command *rename_find(const struct dispatcher *dispatcher, struct bytes name);

#endif
