/* Stress of net over three reactors: connections that come and go, talk and are cut, replies that
 * do not fit, and mail between all threads at once. A plain main, so that it runs under
 * ThreadSanitizer, AddressSanitizer with leaks, and by itself.
 *
 * Each client thread opens a connection, writes bursts and reads the echo back, checks every byte,
 * and hangs up, sometimes with the echo unread. Every reactor posts a mail to its neighbour at each
 * cycle with input, which posts it on; the mails are counted at both ends.
 * Threads: main, three reactors, CLIENTS clients. Bounded by ROUNDS, not by time. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/net/net.h"
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REACTORS 3
#define CLIENTS 8
#define ROUNDS 60
#define BURSTS 20
#define BIG_SIZE ((size_t)300000)

struct stress {
    struct net_options options;
    struct reactor *reactors[REACTORS];
    struct listeners *listeners;
    char path[100];
    _Atomic uint64_t posted;
    _Atomic uint64_t delivered;
};

struct letter {
    struct mail mail; /* first */
    struct stress *stress;
    int hops;
};

struct client {
    struct stress *stress;
    unsigned number;
    struct thread *thread;
};

/* ---- Reactors ---- */

static void letter_deliver(struct mail *mail, struct reactor *reactor)
{
    struct letter *letter = (struct letter *)mail;
    struct stress *stress = letter->stress;
    if (--letter->hops > 0) {
        reactor_post(stress->reactors[(reactor_index(reactor) + 1) % REACTORS], mail);
        return;
    }
    mem_free(letter);
    atomic_fetch_add_explicit(&stress->delivered, 1, memory_order_relaxed);
}

static void post_letter(struct stress *stress, uint32_t from)
{
    struct letter *letter = mem_alloc(sizeof(*letter));
    *letter = (struct letter){.mail.deliver = letter_deliver, .stress = stress, .hops = 5};
    atomic_fetch_add_explicit(&stress->posted, 1, memory_order_relaxed);
    reactor_post(stress->reactors[(from + 1) % REACTORS], &letter->mail);
}

static void on_accept(void *context, struct reactor *reactor, int fd, bool is_unix)
{
    struct conn *conn = mem_alloc_zero(sizeof(*conn));
    check(reactor_add(reactor, conn, fd, is_unix));
}

static void remove_conn(struct conn *conn, void *argument)
{
    reactor_remove(conn);
    mem_free(conn);
}

static void on_ready(void *context, struct reactor *reactor, struct conn **conns, size_t count)
{
    struct stress *stress = context;
    post_letter(stress, reactor_index(reactor));
    for (size_t i = 0; i < count; i++) {
        unsigned char data[4096];
        ssize_t got = conn_read(conns[i], data, sizeof(data));
        if (got < 0) {
            remove_conn(conns[i], NULL);
            continue;
        }
        chain_append(&conns[i]->output, bytes_make(data, (size_t)got));
        bool alive = conn_flush(conns[i]);
        /* Input waits while output does, as a server under back-pressure does it. */
        conn_want_reads(conns[i], alive && (conns[i]->flags & CONN_WRITES) == 0);
    }
}

static void on_drained(void *context, struct conn *conn)
{
    conn_want_reads(conn, true);
}

static void run_reactor(void *argument)
{
    struct reactor *reactor = argument;
    reactor_run(reactor);
    if (reactor_index(reactor) == 0) {
        struct stress *stress = reactor_context(reactor);
        listeners_close(&stress->listeners);
    }
    reactor_each(reactor, remove_conn, NULL);
}

/* ---- Clients ---- */

static int client_connect(const struct stress *stress)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, stress->path, sizeof(stress->path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* Sends and receives at once: an echo larger than the socket would else stop both ends. */
static void client_burst(int fd, size_t size, unsigned seed)
{
    static _Thread_local unsigned char data[4096];
    size_t sent = 0;
    size_t heard = 0;
    while (heard < size) {
        size_t step = size - sent < sizeof(data) ? size - sent : sizeof(data);
        for (size_t i = 0; i < step; i++) {
            data[i] = (unsigned char)((sent + i) * 31 + seed);
        }
        ssize_t put = step == 0 ? 0 : send(fd, data, step, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += put > 0 ? (size_t)put : 0;
        /* Reads late on purpose: the reactor shall have leftovers. */
        bool full = put < 0 || sent == size;
        ssize_t got = full ? recv(fd, data, sizeof(data), sent == size ? 0 : MSG_DONTWAIT) : -1;
        for (ssize_t i = 0; i < got; i++) {
            check(data[i] == (unsigned char)((heard + (size_t)i) * 31 + seed));
        }
        heard += got > 0 ? (size_t)got : 0;
        check(got != 0);
    }
}

static void run_client(void *argument)
{
    struct client *client = argument;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int fd = client_connect(client->stress);
        for (unsigned burst = 0; burst < BURSTS; burst++) {
            unsigned seed = client->number * 7919u + round * 31u + burst;
            client_burst(fd, seed % 16 == 0 ? BIG_SIZE : 1 + seed % 9000, seed);
        }
        if (round % 3 == 0) {
            (void)send(fd, "unread", 6, MSG_NOSIGNAL); /* hangs up with the echo on its way */
        }
        close(fd);
    }
}

/* ---- The run ---- */

static bool is_settled(struct stress *stress)
{
    for (size_t i = 0; i < REACTORS; i++) {
        struct reactor_figures figures;
        reactor_figures(stress->reactors[i], &figures);
        if (figures.connections > 0) {
            return false;
        }
    }
    uint64_t delivered = atomic_load_explicit(&stress->delivered, memory_order_relaxed);
    return delivered == atomic_load_explicit(&stress->posted, memory_order_relaxed);
}

/* Until all connections are gone and all letters have arrived; false after five seconds. */
static bool wait_until_settled(struct stress *stress)
{
    int calm = 0;
    for (int i = 0; i < 500 && calm < 3; i++) {
        calm = is_settled(stress) ? calm + 1 : 0;
        (void)poll(NULL, 0, 10);
    }
    return calm == 3;
}

static void stress_poller(enum net_poller poller)
{
    struct stress *stress = mem_alloc_zero(sizeof(*stress));
    struct reactor_hooks hooks = {
        .context = stress,
        .on_accept = on_accept,
        .on_ready = on_ready,
        .on_drained = on_drained,
    };
    struct thread *threads[REACTORS];
    struct client clients[CLIENTS];
    struct buf error = {0};
    snprintf(stress->path, sizeof(stress->path), "/tmp/pollard-stress-%ld.sock", (long)getpid());
    option_put(&stress->options.poller, poller);
    option_put(&stress->options.tcp_backlog, 128);
    option_put(&stress->options.max_new_connections_per_cycle, 2);
    option_text_set(&stress->options.unixsocket, bytes_text(stress->path));
    stress->listeners = listeners_open(&stress->options, &error);
    check(stress->listeners != NULL);
    for (uint32_t i = 0; i < REACTORS; i++) {
        stress->reactors[i] = reactor_create(&stress->options, &hooks, i);
        check(stress->reactors[i] != NULL);
    }
    listeners_start(stress->listeners, stress->reactors, REACTORS);
    for (uint32_t i = 0; i < REACTORS; i++) {
        threads[i] = thread_start("reactor", run_reactor, stress->reactors[i]);
        check(threads[i] != NULL);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.stress = stress, .number = i};
        clients[i].thread = thread_start("client", run_client, &clients[i]);
        check(clients[i].thread != NULL);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        thread_join(&clients[i].thread);
    }
    check(wait_until_settled(stress));
    for (uint32_t i = 0; i < REACTORS; i++) {
        struct reactor_figures figures;
        reactor_figures(stress->reactors[i], &figures);
        printf("poller %d reactor %u: %llu cycles, %llu waits, %llu mails\n", (int)poller,
               (unsigned)i, (unsigned long long)figures.cycles, (unsigned long long)figures.waits,
               (unsigned long long)figures.mails);
        reactor_stop(stress->reactors[i]);
        thread_join(&threads[i]);
    }
    for (uint32_t i = 0; i < REACTORS; i++) {
        reactor_destroy(&stress->reactors[i]);
    }
    option_text_deinit(&stress->options.unixsocket);
    buf_deinit(&error);
    mem_free(stress);
}

int main(void)
{
    thread_adopt();
    clock_setup();
    stress_poller(NET_POLLER_AUTO);
    stress_poller(NET_POLLER_POLL);
    stress_poller(NET_POLLER_EPOLL);
    thread_release();
    return 0;
}
