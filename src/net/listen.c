/* Listeners: accept connections and hand each to the reactor with the fewest, among as many as can
 * run at a time.
 *
 *      reactors[0]: accept4 -> choose -> mail -> the chosen reactor: hooks.on_accept
 *
 * Before the data path: once a connection. Threads: reactors[0]'s own; the mail is delivered on
 * the chosen reactor's.
 * Invariant: watched sources are exactly those of an unpaused, started set. */
#define _GNU_SOURCE
#include "listen.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "reactor.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long accepting rests when descriptors are out. Short beside a client's patience, long beside
 * a cycle. A guess. */
#define LISTEN_PAUSE_MS 100

struct listener {
    struct source source; /* first */
    struct listeners *set;
    bool is_unix;
};

struct listeners {
    const struct net_options *options;
    struct listen_set opened;
    struct listener items[LISTEN_SOCKETS];
    struct reactor **reactors; /* owned array; NULL: not started */
    size_t reactor_count;
    struct timer pause;
    bool paused;
};

/* A connection on its way to its reactor. */
struct arrival {
    struct mail mail; /* first */
    int fd;
    bool is_unix;
};

static void on_connection(struct source *source, struct reactor *reactor);
static void on_pause_over(struct timer *timer, struct reactor *reactor);
static void listeners_pause(struct listeners *listeners);
static void listeners_resume(struct listeners *listeners);
static void hand_over(struct listeners *listeners, int fd, bool is_unix);
static void arrival_deliver(struct mail *mail, struct reactor *reactor);

struct listeners *listeners_open(const struct net_options *options, struct buf *ret_error)
{
    struct listeners *listeners = mem_alloc_zero(sizeof(*listeners));
    listeners->options = options;
    if (!listen_set_open(&listeners->opened, options, ret_error)) {
        mem_free(listeners);
        return NULL;
    }
    for (size_t i = 0; i < listeners->opened.count; i++) {
        listeners->items[i] = (struct listener){
            .source = {.conn.fd = listeners->opened.fds[i], .on_event = on_connection},
            .set = listeners,
            .is_unix = listeners->opened.is_unix[i],
        };
    }
    listeners->pause.fire = on_pause_over;
    return listeners;
}

void listeners_start(struct listeners *listeners, struct reactor **reactors, size_t count)
{
    check(listeners->reactors == NULL);
    check(count > 0);
    listeners->reactors = mem_alloc(count * sizeof(reactors[0]));
    memcpy(listeners->reactors, reactors, count * sizeof(reactors[0]));
    listeners->reactor_count = count;
    reactors[0]->listeners = listeners;
    /* Resuming is how a set begins: if watching fails, it tries again after a pause. */
    listeners->paused = true;
    listeners_resume(listeners);
}

void listeners_close(struct listeners **listeners)
{
    struct listeners *gone = *listeners;
    *listeners = NULL;
    if (gone == NULL) {
        return;
    }
    if (gone->reactors != NULL) {
        struct reactor *first = gone->reactors[0];
        for (size_t i = 0; i < gone->opened.count && !gone->paused; i++) {
            reactor_unwatch(first, &gone->items[i].source);
        }
        reactor_timer_cancel(first, &gone->pause);
        first->listeners = NULL;
        mem_free(gone->reactors);
    }
    listen_set_close(&gone->opened);
    mem_free(gone);
}

int listeners_port(const struct listeners *listeners)
{
    return listeners->opened.port;
}

void listeners_descriptor_closed(struct listeners *listeners)
{
    if (UNLIKELY(listeners->paused)) {
        listeners_resume(listeners);
    }
}

static void arrival_drop(struct mail *mail)
{
    struct arrival *arrival = (struct arrival *)mail;
    (void)close(arrival->fd); /* nothing was sent yet */
    mem_free(arrival);
}

/* ---- Accepting ---- */

static void on_connection(struct source *source, struct reactor *reactor)
{
    struct listener *listener = (struct listener *)source;
    struct listeners *listeners = listener->set;
    int64_t left = option_get(&listeners->options->max_new_connections_per_cycle);
    while (left > 0 && !listeners->paused) {
        int fd = accept4(source->conn.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(listeners, fd, listener->is_unix);
            left--;
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            listeners_pause(listeners);
            return;
        }
        /* The peer left while it waited, or the network did: the next one may be well. The count
         * bounds this loop also if the error stays. */
        left--;
    }
}

/* Fewest connections, those on their way included; the first of equals. */
static struct reactor *choose(struct listeners *listeners)
{
    struct reactor *best = NULL;
    uint64_t best_load = UINT64_MAX;
    size_t count = listeners->reactor_count;
    if (count > 1 && option_get(&listeners->options->connection_spread) == NET_SPREAD_CPUS) {
        /* Asked each time: the set may be changed while the server runs. */
        uint32_t cpus = thread_cpus();
        count = cpus < count ? cpus : count;
    }
    for (size_t i = 0; i < count; i++) {
        struct reactor *reactor = listeners->reactors[i];
        /* Relaxed, not of one instant: a stale figure makes the spread a little uneven. */
        uint64_t load = atomic_load_explicit(&reactor->counters.connections, memory_order_relaxed) +
                        atomic_load_explicit(&reactor->arriving, memory_order_relaxed);
        if (load < best_load) {
            best_load = load;
            best = reactor;
        }
    }
    return best;
}

static void hand_over(struct listeners *listeners, int fd, bool is_unix)
{
    if (!is_unix) {
        listen_tune(fd, option_get(&listeners->options->tcp_keepalive));
    }
    struct reactor *reactor = choose(listeners);
    struct arrival *arrival = mem_alloc(sizeof(*arrival));
    *arrival = (struct arrival){
        .mail.deliver = arrival_deliver, .mail.drop = arrival_drop, .fd = fd, .is_unix = is_unix};
    /* Partner: the subtraction in arrival_deliver. Relaxed: a figure, no message. */
    atomic_fetch_add_explicit(&reactor->arriving, 1, memory_order_relaxed);
    reactor_post(reactor, &arrival->mail);
}

static void arrival_deliver(struct mail *mail, struct reactor *reactor)
{
    struct arrival *arrival = (struct arrival *)mail;
    int fd = arrival->fd;
    bool is_unix = arrival->is_unix;
    mem_free(arrival);
    atomic_fetch_sub_explicit(&reactor->arriving, 1, memory_order_relaxed);
    reactor->hooks.on_accept(reactor->hooks.context, reactor, fd, is_unix);
}

/* ---- Resting while descriptors are out ---- */

static void listeners_rest(struct listeners *listeners)
{
    struct reactor *first = listeners->reactors[0];
    reactor_timer_set(first, &listeners->pause, first->monotonic_ms + LISTEN_PAUSE_MS);
}

static void listeners_pause(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->opened.count; i++) {
        reactor_unwatch(listeners->reactors[0], &listeners->items[i].source);
    }
    listeners->paused = true;
    listeners_rest(listeners);
}

static void listeners_resume(struct listeners *listeners)
{
    struct reactor *first = listeners->reactors[0];
    reactor_timer_cancel(first, &listeners->pause);
    for (size_t i = 0; i < listeners->opened.count; i++) {
        if (!reactor_watch(first, &listeners->items[i].source)) {
            while (i-- > 0) {
                reactor_unwatch(first, &listeners->items[i].source);
            }
            listeners_rest(listeners);
            return;
        }
    }
    listeners->paused = false;
}

static void on_pause_over(struct timer *timer, struct reactor *reactor)
{
    listeners_resume(reactor->listeners);
}
