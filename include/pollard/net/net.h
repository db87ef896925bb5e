/* net: sockets, polling and output. Floor 1: it knows bytes and descriptors, nothing of protocol,
 * sessions or keys; those come to it as hooks.
 *
 *      listener --accept--> reactor with the fewest connections --on_accept--> owner's object
 *      poll()/epoll --ready--> hooks.on_ready(conns[], n) once a cycle --conn_read--> owner
 *      owner appends to conn->output, calls conn_flush --writev--> socket
 *
 * Threads: a reactor and its connections and timers are touched by the reactor's own thread only.
 * Other threads may only reactor_post(). */
#ifndef POLLARD_NET_NET_H
#define POLLARD_NET_NET_H

#include "pollard/base/chain.h"
#include "pollard/base/option.h"
#include <sys/types.h>

struct reactor;
struct conn;

/* ---- Options ---- */

enum net_spread { NET_SPREAD_CPUS, NET_SPREAD_ALL };
enum net_poller { NET_POLLER_AUTO, NET_POLLER_POLL, NET_POLLER_EPOLL };

struct net_options {
    struct option_text bind;       /* "127.0.0.1 -::1": addresses; a leading '-' may be missing */
    struct option_text unixsocket; /* path or "" */
    option_number port;            /* 0: none */
    option_number unixsocketperm;  /* octal, 0: as umask leaves it */
    option_number tcp_backlog;
    option_number tcp_keepalive;     /* s, 0: off */
    option_number poller;            /* enum net_poller */
    option_number connection_spread; /* enum net_spread */
    option_number busy_wait_us;
    option_number max_new_connections_per_cycle;
};
extern const struct option_row net_option_rows[];
extern const size_t net_option_row_count;

/* ---- Connections ---- */

/* How bytes move: plain sockets here, TLS later. Returns as read(2)/writev(2), errno set. */
struct transport {
    ssize_t (*read)(struct conn *conn, void *data, size_t size);
    ssize_t (*write)(struct conn *conn, const struct iovec *vectors, int count);
    void (*close)(struct conn *conn);
};

enum conn_flag {
    CONN_READS = 1,   /* wants to be told when readable */
    CONN_WRITES = 2,  /* output is left: waits for room */
    CONN_PARKED = 4,  /* private: sits in the parked set (epoll) */
    CONN_READY = 8,   /* private: has a place in this cycle's ready list */
    CONN_FAILED = 16, /* the peer is gone or a write failed; on_ready tells the owner */
    CONN_UNIX = 32,
    CONN_PENDING = 64,     /* private: the kernel reported input that is not read to its end yet */
    CONN_HUNG_UP = 128,    /* private: the end of the stream is behind the pending input */
    CONN_ROOM = 256,       /* private: leftovers can go on being written */
    CONN_RENEWED = 512,    /* private: the owner asked to be told about it (reactor_renew) */
    CONN_QUEUED = 1024,    /* private: has a place in the next cycle's ready list */
    CONN_OUT_ARMED = 2048, /* private: the parked set reports room for it */
    CONN_SOURCE = 4096     /* private: a listening socket or the wake descriptor, no connection */
};

/* The owner embeds it as the first member of its own object. */
struct conn {
    int fd;
    uint32_t flags;
    struct reactor *reactor;
    const struct transport *transport;
    struct chain output;
    uint64_t read_bytes; /* totals of this connection */
    uint64_t written_bytes;
    int64_t active_ms; /* monotonic time of the last read, by the reactor's clock */
    /* private to net */
    uint32_t slot;       /* in the poll set, unless parked */
    uint32_t place;      /* in the reactor's list of all */
    uint32_t ready_slot; /* in the ready list */
    uint32_t queue_slot; /* in the next cycle's ready list */
};

/* Reads up to size (> 0) bytes. > 0: so many; 0: nothing now; -1: end of stream or error
 * (CONN_FAILED is set). Never blocks. Fewer than size means that the socket is empty: the
 * connection is reported again when more comes; else in the next cycle. */
ssize_t conn_read(struct conn *conn, void *data, size_t size);
/* Writes what the output holds with one writev, but a limited share of a large one: the rest goes
 * out in the next cycles, one share each, and input is not reported before its end. Leftovers turn
 * CONN_WRITES on, and the reactor goes on by itself; on_drained tells when they are gone. Returns
 * false when the peer is gone (CONN_FAILED; the output is dropped). */
bool conn_flush(struct conn *conn);
/* Whether the reactor reports it as readable: off while a job is out, or input is held back. Data
 * that came meanwhile, or a hang-up, is reported as soon as it is on again. Makes no system call.
 */
void conn_want_reads(struct conn *conn, bool wanted);
/* Text of both ends as CLIENT LIST shows them: "127.0.0.1:50000", "[::1]:50000", "/path:0". */
void conn_peer_text(const struct conn *conn, struct buf *ret_text);
void conn_local_text(const struct conn *conn, struct buf *ret_text);
/* Is the peer on this host (loopback or unix socket)? */
bool conn_is_local(const struct conn *conn);

/* ---- Reactors ---- */

/* A message to a reactor; the sender embeds it. deliver runs on the reactor's thread and owns it
 * from then on. */
struct mail {
    struct mail *next; /* private */
    void (*deliver)(struct mail *mail, struct reactor *reactor);
    /* Instead, when the reactor is destroyed before; NULL: nothing is to be done then. */
    void (*drop)(struct mail *mail);
};

/* A timer; the owner embeds it. Zeroed is idle. */
struct timer {
    int64_t due_ms;  /* monotonic */
    size_t position; /* private: 1 + index in the heap; 0 idle */
    void (*fire)(struct timer *timer, struct reactor *reactor);
};

struct reactor_hooks {
    void *context;
    /* A new socket for this reactor: non-blocking, no-delay and keepalive set. The hook makes the
     * owner's object and calls reactor_add, or closes fd. Runs on the owning reactor. */
    void (*on_accept)(void *context, struct reactor *reactor, int fd, bool is_unix);
    /* The connections that can be read, have hung up, or had reads turned on with input waiting
     * (reactor_renew): once a cycle. A conn may be removed during it, also one later in the array:
     * its place then reads NULL. */
    void (*on_ready)(void *context, struct reactor *reactor, struct conn **conns, size_t count);
    /* The leftovers of the output are written. */
    void (*on_drained)(void *context, struct conn *conn);
    /* Around everything else the thread does between two waits. */
    void (*on_cycle_begin)(void *context, struct reactor *reactor);
    void (*on_cycle_end)(void *context, struct reactor *reactor);
};

struct reactor_figures {
    uint64_t cycles;
    uint64_t waits;       /* system calls to wait */
    uint64_t parked;      /* now */
    uint64_t connections; /* now */
    uint64_t busy_us;     /* time between waits */
    uint64_t mails;
};

/* index is the reactor's number. NULL when the system refuses descriptors. */
ATTR_MUST_USE struct reactor *reactor_create(const struct net_options *options,
                                             const struct reactor_hooks *hooks, uint32_t index);
/* Only after its thread has ended; connections must have been removed. Nulls the pointer. */
void reactor_destroy(struct reactor **reactor);
/* The thread's body: cycles until reactor_stop. With nothing due it makes no system call but the
 * one it waits in. */
void reactor_run(struct reactor *reactor);
/* Any thread; safe in a signal handler. */
void reactor_stop(struct reactor *reactor);
/* Sends a mail: never blocks, never fails; wakes the reactor if it sleeps. Any thread. Mails of
 * one sender arrive in order. */
void reactor_post(struct reactor *reactor, struct mail *mail);
uint32_t reactor_index(const struct reactor *reactor);
void *reactor_context(const struct reactor *reactor);
/* The monotonic and the wall time of this cycle, read once after the wait. */
int64_t reactor_monotonic_ms(const struct reactor *reactor);
int64_t reactor_now_ms(const struct reactor *reactor);
/* Starts to watch a connection (its fields are initialised here, fd first) for reading. false when
 * memory or descriptors are out. */
bool reactor_add(struct reactor *reactor, struct conn *conn, int fd, bool is_unix);
/* Stops to watch, closes the descriptor, clears the output. The owner then frees its object. */
void reactor_remove(struct conn *conn);
/* Puts a connection into the next cycle's ready set although its socket may have nothing: input is
 * left over in the owner's hands. The next wait does not sleep then. It is reported even while its
 * reads are off: the owner asked. */
void reactor_renew(struct conn *conn);
/* Walks all connections of this reactor; the visitor may remove the one it is given. */
void reactor_each(struct reactor *reactor, void (*visit)(struct conn *conn, void *argument),
                  void *argument);
void reactor_timer_set(struct reactor *reactor, struct timer *timer, int64_t due_ms);
/* Idle timers are allowed. */
void reactor_timer_cancel(struct reactor *reactor, struct timer *timer);
/* Any thread; relaxed figures. */
void reactor_figures(const struct reactor *reactor, struct reactor_figures *ret_figures);

/* ---- Listening ---- */

/* The listening sockets of a server and the spread of their connections over reactors. Polled by
 * the first reactor; each socket accepts at most max-new-connections-per-cycle a cycle, and does
 * not spin when descriptors are out (polling stops for 100 ms, or until a connection of the first
 * reactor closes). */
struct listeners;

/* Opens all sockets of the options: bind addresses x port, and the unix socket (a stale one is
 * replaced, a live one is an error). NULL with a text for people in ret_error. Port 0 with a
 * non-empty port file request takes no TCP socket, as Redis does. */
ATTR_MUST_USE struct listeners *listeners_open(const struct net_options *options,
                                               struct buf *ret_error);
/* Starts accepting on reactors[0], handing out to the reactor with the fewest connections. Before
 * reactors[0] runs or on its thread. The array is copied; the reactors must outlive the listeners.
 */
void listeners_start(struct listeners *listeners, struct reactor **reactors, size_t count);
/* Stops accepting and closes; removes the unix socket file. On reactors[0]'s thread or after it
 * has ended. Nulls the pointer. */
void listeners_close(struct listeners **listeners);
/* The TCP port really bound (for "--port 0" never; see port_file of the server), 0 if none. */
int listeners_port(const struct listeners *listeners);

/* Raises RLIMIT_NOFILE so that wanted descriptors fit; returns how many do. */
size_t net_raise_descriptor_limit(size_t wanted);
/* Seconds of user and system CPU etc. are the server's business; this one tells the largest
 * accepted backlog of the kernel (somaxconn), or -1. */
int net_kernel_backlog(void);

#endif
