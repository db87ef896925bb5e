/* exec: a request becomes a command that runs. Floor 5. What a handler sees.
 *
 *   cycle (all ready connections): read -> decode -> command_find, hash, prefetch -> gate -> run
 *   gate: arity, authentication, protected commands, memory, pause
 *   run: access_try -> handler -> access_end, on the reactor; or a job on the pool
 *
 * A handler reads x, reaches keys through x->access by key index (in the order of the command's
 * key specs), writes one reply, and returns STATUS_OK; or returns an error status without having
 * written anything, and dispatch replies its text. It never locks, never blocks, never sees a
 * shard. Handlers of keyless commands have an access with no keys.
 *
 * On the pool x->session is NULL: only commands with ROUTE_INLINE may use the session, and must not
 * have keys that can be busy (commands with keys may be handed to the pool at any time). */
#ifndef POLLARD_EXEC_EXEC_H
#define POLLARD_EXEC_EXEC_H

#include "pollard/base/status.h"
#include "pollard/client/registry.h"
#include "pollard/client/session.h"
#include "pollard/exec/command.h"
#include "pollard/keyspace/access.h"
#include "pollard/proto/reply.h"
#include "pollard/proto/request.h"
#include "pollard/value/limits.h"

struct config;
struct events;
struct stats_options;
struct server_options;
struct pool;
struct dispatcher;
struct hotkeys;

enum exec_dispatch { DISPATCH_AUTO, DISPATCH_INLINE, DISPATCH_POOL };

struct exec_options {
    option_number threads;                  /* reactors; 0: cores */
    option_number pool_threads;             /* 0: chosen */
    option_number dispatch;                 /* enum exec_dispatch */
    option_number enable_debug_command;     /* 0 no, 1 yes, 2 local */
    option_number enable_protected_configs; /* the same */
    option_number hotkeys_sample_ratio;     /* one call in so many; 0: none (hotkeys.h) */
    struct option_text rename_commands;
};
extern const struct option_row exec_option_rows[];
extern const size_t exec_option_row_count;

/* What exec tells the rooms above it. All run on the thread of the command, or of the session. */
struct exec_sinks {
    void *context;
    /* Are this call's reads to be remembered for the tracking session, so that it is told of
     * changes? Asked once a call, on the reactor, of sessions with SESSION_TRACKING; also of calls
     * that are refused (command NULL: there is no such one). */
    bool (*tracks)(void *context, struct session *session, const struct command *command);
    /* A READONLY command of such a call has run and its keys are still held: they are to be
     * remembered for x->client_id. On a reactor or the pool. */
    void (*remember)(void *context, const struct exec *x);
    /* The session ends, or is RESET: what hangs on it is taken off. On its reactor. */
    void (*session_ended)(void *context, struct session *session);
};

/* What the rooms below need not know of each other, handed to every handler. Filled by server,
 * constant while threads run. */
struct services {
    struct keyspace *keyspace;
    struct config *config;
    struct client_registry *registry;
    struct pool *pool;
    struct dispatcher *dispatcher;
    struct events *events; /* opaque here */
    struct hotkeys *hotkeys;
    struct exec_sinks sinks;
    const struct exec_options *exec_options;
    const struct client_options *client_options;
    const struct keyspace_options *keyspace_options;
    struct value_limits value_limits; /* for every operation that makes or grows a collection */
    const struct net_options *net_options;
    struct stats_options *stats_options;
    const struct server_options *server_options; /* opaque here */
    int64_t started_ms;                          /* wall clock */
    size_t startup_bytes;                        /* of memory in use before the first client */
    char run_id[41];
    char executable[4096];
    int tcp_port;
    _Atomic bool shutting_down;
    void *server; /* for the hooks below */
    /* Begins an orderly end (SHUTDOWN, SIGTERM): stops accepting, sends what is due. abort: takes
     * back one that is waiting; false when there is none. */
    void (*request_shutdown)(void *server, bool now);
    bool (*abort_shutdown)(void *server);
};

/* ---- Waiting for keys ----
 * A blocking command looks at its keys, in a WRITE access, and takes what it finds. When there is
 * nothing it says exec_wait: the client is hung on the keys under the lock that found them empty,
 * and holds no thread, lock or job. Who brings something to one of the keys runs the handler once
 * more for it, inside his own access and before anybody else can take it; the handler then looks
 * at one key only (exec_wait_keys). When the time is over, a null array is replied, or what the
 * command says instead.
 * A string is waited for until it is fresh (no soft time, or one that has not come); it is not
 * taken away, so that one serves all. */
struct exec_wait {
    int64_t timeout_ms;   /* 0: for ever */
    uint32_t key_count;   /* it waits for the call's first keys */
    enum value_type type; /* that they must hold to be taken from */
    uint64_t least;       /* elements that a collection must have; 0 and 1: any */
    bool null_is_array;   /* the form of the reply inside a transaction, where nobody waits */
    bool has_target;      /* the key behind those is written too (BLMOVE) */
    bool takes_turns;     /* runs once more also when no lease is out (keyspace/leases.h) */
    void (*time_over)(struct reply *reply); /* writes the reply then; NULL: a null array */
    /* When the time is over the handler runs once more, with x->has_waited and this struct as it
     * was, and may wait again; nothing is replied by itself. */
    bool looks_again;
    int64_t until_ms; /* the handler's own: when it gives up, wall clock */
};

struct exec {
    const struct command *command;
    struct request *request;
    const struct bytes *argv; /* = request->argv */
    uint32_t argc;
    uint32_t db;
    struct reply *reply;
    struct access *access;   /* granted; its keys are those of the command's specs */
    struct session *session; /* NULL on the pool */
    const struct services *services;
    int64_t now_ms; /* wall clock: = access->now_ms when there are keys */
    uint64_t client_id;
    uint32_t reactor_index; /* where the client lives; also on the pool */
    uint8_t protocol;
    struct fieldsets *fieldsets; /* on the pool: of the session */
    struct exec_work *work;      /* STATUS_COMPUTE's, on the pool; else NULL */
    uint32_t computes;           /* how often it was returned in this call */
    /* The session's queued commands and watched keys, NULL when it has none: where the pointer is.
     * A job has it while it is out. */
    struct transaction **transaction;
    struct exec_wait wait; /* STATUS_BLOCK's */
    bool tracks;           /* reads are to be remembered (struct exec_sinks) */
    bool is_inside;        /* in a transaction, or served while it waited: it must finish here */
    bool is_served;        /* it waited, and takes from this key alone: */
    uint32_t served_index;
    bool has_waited;               /* it waited, and looks again (struct exec_wait) */
    const _Atomic bool *cancelled; /* on the pool: the client is gone or the server stops; long
                                      work polls it. NULL on a reactor */
};

/* May the handler ask for the pool (STATUS_TO_POOL)? True on a reactor, but not inside a
 * transaction. */
static inline bool exec_on_reactor(const struct exec *x)
{
    return x->session != NULL && !x->is_inside;
}

/* ---- Later replies ----
 * A handler on a reactor that cannot answer now (WAIT, DEBUG SLEEP, CLIENT LIST, CLIENT PAUSE's
 * victims, ...) suspends its session and returns STATUS_PENDING. The session's input waits. */
struct suspension;
/* Called on the reactor's thread when the time is over and nobody has resumed: writes the reply. */
typedef void suspension_timeout(struct suspension *suspension, struct reply *reply);
/* blocked: CLIENT LIST shows flag b. Either timeout is NULL, and somebody calls suspension_resume
 * exactly once; or it is not, nobody does, and it ends timeout_ms from now (<= 0: never) or with
 * its session. */
struct suspension *exec_suspend(struct exec *x, bool blocked, int64_t timeout_ms,
                                suspension_timeout *timeout, void *argument);
void *suspension_argument(const struct suspension *suspension);
/* A reply builder for it; for the one thread that will resume it. */
struct reply *suspension_reply(struct suspension *suspension);
/* Sends the reply home and lets the session go on. Any thread, once; the pointer is dead after.
 * If the session is gone meanwhile, the reply is dropped (the pointer stays valid until resumed).
 */
void suspension_resume(struct suspension *suspension);

/* Has the client wait as said. Inside a transaction nobody waits: the null is replied at once.
 * Returns what the handler is to return. */
enum status exec_wait(struct exec *x, const struct exec_wait *wait);
/* CLIENT UNBLOCK: ends the session's wait as if its time were over, or with an error. False when it
 * does not wait, or is being served. On the session's reactor. */
bool exec_unblock(struct session *session, bool with_error);
/* The keys that a blocking command is to look at: of its first count keys, or the one served. */
struct exec_range {
    uint32_t begin;
    uint32_t end;
};
static inline struct exec_range exec_wait_keys(const struct exec *x, uint32_t count)
{
    return x->is_served ? (struct exec_range){x->served_index, x->served_index + 1}
                        : (struct exec_range){0, count};
}

/* Replies what the source renders as the client takes it (reply_source), and sees to it that what
 * it costs is found among the call's keys (hotkeys.h). */
void exec_source(struct exec *x, struct chain_source *source);

/* ---- More keys ---- */

/* The index of an access key with the same name as key_index, in another logical database (COPY
 * DB, MOVE): the same shard, so it is held already. At most one a call, before the first write.
 * STATUS_OK, STATUS_DB_RANGE. */
enum status exec_key_in_db(struct exec *x, uint32_t key_index, uint32_t db, uint32_t *ret_index);
/* Between slices of long work on the pool: lets all-shards work (FLUSHALL) go first. Nothing of
 * the keyspace may be in hand; while the keys are held nobody is let go first. True when the work
 * should stop: the client is gone, or the server is going. Does nothing on a reactor. */
bool exec_breathe(struct exec *x);

/* ---- Long work without locks ----
 * A handler on the pool whose work is long takes versions of its values (collection_acquire), puts
 * them into an object that begins with a struct exec_work, sets x->work and returns STATUS_COMPUTE:
 * the access is closed and work->run is called, with no key held. STATUS_REPLIED from it ends the
 * command. STATUS_OK: the access is opened again and the handler is called once more, with x->work
 * still there, to install what was computed, if the keys still hold those versions (the same
 * pointers: who changes a collection that has a version replaces it). If they do not, it may drop
 * the work (exec_drop_work) and begin anew, at most x->computes < EXEC_COMPUTES_MAX times; then it
 * does all under its lock.
 * On a reactor a handler says STATUS_TO_POOL instead, before its first write or reply. */
#define EXEC_COMPUTES_MAX 2
struct exec_work {
    /* Between slices it calls exec_breathe; true from that: it stops with STATUS_REPLIED. */
    enum status (*run)(struct exec *x, struct exec_work *work);
    void (*free)(struct exec_work *work, struct keyspace *keyspace);
};
/* Frees x->work and forgets it. Dispatch does it at the end of the command too. */
void exec_drop_work(struct exec *x);

/* ---- For commands about commands ---- */

/* Feeds a line to all monitors: internal to dispatch, declared for tests. */
void exec_feed_monitors(struct exec *x);

/* Replies "unknown subcommand 'x'. Try NAME HELP." as Redis words it; returns STATUS_REPLIED. */
enum status exec_unknown_subcommand(struct exec *x);

#endif
