/* The registry: all clients, over all reactors. Floor 4.
 *
 * Sessions live on their reactors; a question about other clients is a mail to every reactor, and
 * is answered when all have (registry_gather). */
#ifndef POLLARD_CLIENT_REGISTRY_H
#define POLLARD_CLIENT_REGISTRY_H

#include "pollard/base/option.h"
#include "pollard/client/session.h"

enum client_class { CLIENT_NORMAL, CLIENT_REPLICA, CLIENT_PUBSUB, CLIENT_CLASSES };

struct output_limit {
    option_number hard_bytes; /* 0: none */
    option_number soft_bytes;
    option_number soft_seconds;
};

struct client_options {
    option_number maxclients;
    option_number timeout; /* s */
    option_number protected_mode;
    option_number bulk_size_max;      /* proto-max-bulk-len */
    option_number query_buffer_limit; /* client-query-buffer-limit */
    struct output_limit output_limits[CLIENT_CLASSES];
    option_number maxmemory_clients; /* bytes; below 0: percent of maxmemory; 0: none */
    struct option_text requirepass;
    struct client_registry *registry; /* private: whom a change is told; NULL before there is one */
};
extern const struct option_row client_option_rows[];
extern const size_t client_option_row_count;

struct client_registry;

ATTR_MUST_USE struct client_registry *registry_create(const struct client_options *options);
void registry_destroy(struct client_registry **registry);
/* Tells which reactors there are: once, before they run. */
void registry_set_reactors(struct client_registry *registry, struct reactor **reactors,
                           size_t count);
const struct client_options *registry_options(const struct client_registry *registry);
/* Connected clients now; the most at any time; those blocked; monitors. Any thread. */
uint64_t registry_count(const struct client_registry *registry);
uint64_t registry_count_blocked(const struct client_registry *registry);
uint64_t registry_count_monitors(const struct client_registry *registry);
uint64_t registry_count_watching(const struct client_registry *registry);
uint64_t registry_next_id_peek(const struct client_registry *registry);
struct reactor *registry_reactor(const struct client_registry *registry, size_t index);
size_t registry_reactor_count(const struct client_registry *registry);

/* Called on the owner's thread for every session that ends, before it is freed: what exec hung on
 * it is taken off. Set once, before reactors run. */
void registry_on_destroy(struct client_registry *registry,
                         void (*hook)(void *context, struct session *session), void *context);
/* The session got output outside its own call (a push): called on the owner's thread. Set once,
 * with the same context as registry_on_destroy, before reactors run. */
void registry_on_output(struct client_registry *registry,
                        void (*hook)(void *context, struct session *session));
/* A session is about to be described: who keeps what it shows brings it up to date. The same. */
void registry_on_describe(struct client_registry *registry,
                          void (*hook)(void *context, struct session *session));
/* The session of that id on this reactor, NULL when there is none. On its thread. O(1). */
struct session *registry_find(const struct client_registry *registry, const struct reactor *reactor,
                              uint64_t id);
/* Monitors among the sessions of one reactor. Any thread. */
uint32_t registry_reactor_monitors(const struct client_registry *registry, size_t index);
/* The session is (no longer) blocked: keeps flag b and the count. Owner's thread. */
void session_set_blocked(struct session *session, bool blocked);

/* The session watches so many keys: keeps the count of those that watch. Owner's thread. */
void session_set_watches(struct session *session, uint32_t count);

/* A new session on this reactor for an accepted socket, or NULL after it has been refused (over
 * maxclients, protected mode: Redis's error is sent) and closed. */
struct session *session_create(struct client_registry *registry, struct reactor *reactor, int fd,
                               bool is_unix);
/* Closes and frees: the only way a session ends. Cancels what it waits for. */
void session_destroy(struct session *session);
/* Turns it into a monitor or back; keeps the count. */
void session_set_monitor(struct session *session, bool on);

/* Asks every reactor: visit runs for every session on its own reactor's thread (it may destroy the
 * session by setting SESSION_CLOSE_NOW only); finish runs last, once, on the last reactor's thread.
 * The two see the same argument: visits of different reactors run side by side, so results go to
 * slots[reactor_index]. */
struct gather {
    void (*visit)(struct gather *gather, struct session *session);
    void (*finish)(struct gather *gather);
    struct buf *slots; /* one a reactor, made and freed by registry_gather */
    size_t slot_count;
    _Atomic uint64_t total; /* for counting answers */
    void *argument;
    /* private */
    _Atomic uint32_t pending;
    struct mail *mails;
};
/* gather is the caller's heap memory, freed by finish. Any thread. */
void registry_gather(struct client_registry *registry, struct gather *gather);

/* Closes clients that were idle longer than the timeout option; called now and then by server on
 * the reactor's own thread. Returns when it wants to be called again (monotonic ms), INT64_MAX
 * when the option is off. */
int64_t registry_close_idle(struct client_registry *registry, struct reactor *reactor);

/* Is the output over the limits of its class? Marks CLOSE_NOW and counts. Owner's thread, after
 * output was appended. */
void session_check_output(struct session *session, int64_t monotonic_ms);
/* The same for one for whom too much waits elsewhere: marks and counts. */
void session_cut_for_output(struct session *session);

/* ---- Memory of all clients (maxmemory-clients) ---- */

/* The limit in bytes, 0 if there is none; maxmemory is what percentages are of. */
uint64_t registry_memory_limit(const struct client_registry *registry, uint64_t maxmemory);
struct client_memory_limits {
    uint64_t all; /* maxmemory-clients: above it the largest go. 0: no limit */
    /* The same for clients of 4 KB and more, without the commands that they are sending. 0: no
     * limit */
    uint64_t large;
    /* The same for the commands that clients are sending. 0: no limit */
    uint64_t input;
    bool counts; /* count, whatever the limits are */
};
/* Keeps to the limits: closes the largest clients without NO-EVICT while all together are over one,
 * or has the reactors do so that they live on. Counts from the first call that is to, or has a
 * limit of all, to the first without. At the end of a cycle, on the reactor's thread. */
void registry_hold_memory(struct client_registry *registry, struct reactor *reactor,
                          const struct client_memory_limits *limits);
/* What the clients take as last counted; while they are not, the least that so many take. Any
 * thread. */
uint64_t registry_memory(const struct client_registry *registry);
/* Where the reactor's part of it stands, while it counts. */
const _Atomic uint64_t *registry_memory_of(const struct client_registry *registry,
                                           struct reactor *reactor);
/* Counts the session anew if its reactor counts; after it was busy. On the owner's thread. */
void session_count_memory(struct session *session);

/* ---- Pause (CLIENT PAUSE) ---- */

enum pause_mode { PAUSE_NONE, PAUSE_WRITE, PAUSE_ALL };
/* Until when (wall ms) and what; a later end and a stronger mode win over those in force. */
void registry_pause(struct client_registry *registry, enum pause_mode mode, int64_t until_ms);
void registry_unpause(struct client_registry *registry);
/* What is paused at now_ms; cheap. */
enum pause_mode registry_paused(const struct client_registry *registry, int64_t now_ms);
int64_t registry_pause_end(const struct client_registry *registry);
/* The same as a word that each command may look at: nothing is paused from that time on. */
const _Atomic int64_t *registry_pause_mark(const struct client_registry *registry);

#endif
