/* A session: one client's connection, its protocol state and its settings. Floor 4.
 *
 * Threads: touched by the reactor that owns the connection only; commands on the pool see copies
 * (struct exec), never the session. */
#ifndef POLLARD_CLIENT_SESSION_H
#define POLLARD_CLIENT_SESSION_H

#include "pollard/net/net.h"
#include "pollard/proto/decode.h"

struct suspension;
struct fieldsets;
struct client_registry;
struct transaction;
struct subscriptions;
struct tracking;

enum session_flag {
    SESSION_AUTHENTICATED = 1 << 0,
    SESSION_MONITOR = 1 << 1,     /* CLIENT LIST flag O */
    SESSION_NO_EVICT = 1 << 2,    /* e */
    SESSION_NO_TOUCH = 1 << 3,    /* T */
    SESSION_CLOSE_AFTER = 1 << 4, /* close when the output is sent: flag c */
    SESSION_CLOSE_NOW = 1 << 5,   /* A */
    SESSION_JOB = 1 << 6,         /* a job is out, or it is suspended: input waits */
    SESSION_BLOCKED = 1 << 7,     /* b: the suspension is a blocking command's */
    SESSION_CAPA_REDIRECT = 1 << 8,
    SESSION_REPLY_OFF = 1 << 9,
    SESSION_REPLY_SKIP_NEXT = 1 << 10, /* CLIENT REPLY SKIP was the command before */
    SESSION_REPLY_SKIP = 1 << 11,      /* this command's reply is dropped */
    SESSION_UNIX = 1 << 12,            /* U */
    SESSION_MULTI = 1 << 13,           /* x: commands are queued */
    SESSION_SUBSCRIBED = 1 << 14,      /* P: to a channel or pattern */
    SESSION_HOLD = 1 << 15,            /* a reply is being written: pushes wait (push.h) */
    SESSION_TRACKING_BROKEN = 1 << 16, /* R: the client it redirects to is gone */
    /* 28 is ACCESS_NOTED's (keyspace/access.h), so that exec can ask for both at once. */
    SESSION_TRACKING = 1 << 18,       /* t: is told of changes of keys that it read */
    SESSION_TRACKING_BCAST = 1 << 19, /* B */
    SESSION_PAUSED = 1 << 20,         /* its call waits for a pause to end */
    SESSION_WATCH_LOST = 1 << 21      /* d: a watched key has changed; as of session_describe */
};

/* Flags that a request is looked at more closely for: all but the first of them, or without it. */
#define SESSION_GUARDED                                                                            \
    (SESSION_AUTHENTICATED | SESSION_MULTI | SESSION_SUBSCRIBED | SESSION_REPLY_OFF |              \
     SESSION_REPLY_SKIP)

/* Flags that make a request leave the straight path in exec. */
#define SESSION_SLOW_PATH                                                                          \
    (SESSION_CLOSE_AFTER | SESSION_CLOSE_NOW | SESSION_JOB | SESSION_REPLY_OFF |                   \
     SESSION_REPLY_SKIP_NEXT | SESSION_REPLY_SKIP | SESSION_SUBSCRIBED)

struct session {
    struct conn conn; /* first: net hands out its address */
    uint64_t id;
    uint32_t flags;
    uint32_t db;
    uint8_t protocol; /* 2 or 3 */
    struct client_registry *registry;
    struct decoder *decoder;     /* a frame in work, NULL otherwise */
    struct buf input;            /* bytes of that frame, or requests not yet run */
    size_t input_offset;         /* how much of input is done with */
    struct session *next_dirty;  /* exec: sessions with output to flush at the end of the cycle */
    struct session *next_pushed; /* exec: the same for pushes, which may wait a little */
    struct session *previous_pushed;
    bool is_dirty;
    bool is_pushed;
    bool is_unparsed; /* input came while an answer was out: decode before the next read */
    bool hung_up;     /* the peer is gone: it ends when nothing is out */
    char *name;       /* NULL: none; all three NUL-terminated */
    char *lib_name;
    char *lib_version;
    const char *last_command;    /* full name, static; "NULL" before the first */
    int64_t created_ms;          /* wall clock */
    int64_t soft_limit_since_ms; /* output over its soft limit since; 0: is not */
    uint64_t commands;
    struct fieldsets *fieldsets;   /* of HIMPORT; NULL: none */
    struct suspension *suspension; /* what it waits for, NULL if nothing */
    struct session *next_by_id;    /* private to the registry, and so are these: */
    struct session *next_by_size;
    struct session *previous_by_size;
    size_t counted_memory;               /* as last counted */
    size_t counted_input;                /* the part of it that is a command being received */
    uint8_t size_class;                  /* the list that it is in; 0: none */
    struct chain held;                   /* pushes while SESSION_HOLD */
    struct transaction *transaction;     /* exec's: queued commands, watched keys; NULL: none */
    struct subscriptions *subscriptions; /* events': NULL: none */
    struct tracking *tracking;           /* events': NULL: off */
    /* For CLIENT LIST; kept by those who own the three above. */
    uint32_t channel_count;
    uint32_t pattern_count;
    uint32_t shard_channel_count;
    uint32_t queued_count; /* commands in the transaction */
    uint32_t watch_count;
    size_t queued_memory;
    size_t tracking_memory;
    size_t subscription_memory;
    int64_t redirect_id; /* of tracking: 0 none */
};

/* Does it hold nothing but itself, and is it counted so? Then session_count_memory does nothing. On
 * the owner's thread. */
static inline bool session_is_bare(const struct session *session)
{
    return session->counted_memory == sizeof(*session) && session->size_class != 0 &&
           (session->flags & SESSION_NO_EVICT) == 0 && session->decoder == NULL &&
           (session->input.capacity | session->queued_memory | session->tracking_memory |
            session->subscription_memory) == 0 &&
           session->fieldsets == NULL && chain_is_empty(&session->conn.output) &&
           chain_is_empty(&session->held);
}

static inline struct session *session_of(struct conn *conn)
{
    return (struct session *)conn;
}

/* The one line of CLIENT LIST and CLIENT INFO, with Redis's fields in Redis's order plus lib-name,
 * lib-ver, without the newline. On the owner's thread. */
void session_describe(struct session *session, struct buf *ret_line);
/* Back to a fresh connection's state (RESET): RESP2, db 0, no name, replies on, not a monitor,
 * unauthenticated if a password is set. */
void session_reset(struct session *session);
/* Has the client to authenticate first? True when a password is set, else it counts as
 * authenticated from now on. For sessions without the flag. */
bool session_needs_password(struct session *session);
static inline bool session_is_authenticated(struct session *session)
{
    return LIKELY((session->flags & SESSION_AUTHENTICATED) != 0) ||
           !session_needs_password(session);
}
/* Sets one of name, lib_name, lib_version; empty clears. */
void session_set_text(char **field, struct bytes text);
/* Memory of its buffers, for limits and tot-mem. */
size_t session_memory(const struct session *session);

#endif
