/* What the tests of net share: a reactor whose owner echoes, on socketpairs. */
#ifndef POLLARD_TESTS_NET_SUPPORT_H
#define POLLARD_TESTS_NET_SUPPORT_H

#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/net/net.h"
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

struct echo_conn {
    struct conn conn; /* first */
    int peer;
    int reports;
    size_t bytes;
};

/* What the hooks saw. scripted, when set, is called instead of echoing. */
struct echo {
    struct net_options options;
    struct reactor *reactor;
    int ready_calls;
    size_t last_count;
    int drained;
    int accepted;
    int stop_after_ready; /* stops the reactor at this on_ready call; 0: never */
    void (*scripted)(struct echo *echo, struct conn **conns, size_t count);
    void *extra;
};

static inline void echo_default_ready(struct echo *echo, struct conn **conns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct echo_conn *item = (struct echo_conn *)conns[i];
        unsigned char data[4096];
        if (item == NULL) {
            continue;
        }
        item->reports++;
        ssize_t got = conn_read(&item->conn, data, sizeof(data));
        if (got < 0) {
            reactor_remove(&item->conn);
            continue;
        }
        item->bytes += (size_t)got;
        chain_append(&item->conn.output, bytes_make(data, (size_t)got));
        (void)conn_flush(&item->conn); /* a gone peer is told by on_ready */
    }
}

static inline void echo_on_ready(void *context, struct reactor *reactor, struct conn **conns,
                                 size_t count)
{
    struct echo *echo = context;
    echo->ready_calls++;
    echo->last_count = count;
    if (echo->scripted != NULL) {
        echo->scripted(echo, conns, count);
    } else {
        echo_default_ready(echo, conns, count);
    }
    if (echo->ready_calls == echo->stop_after_ready) {
        reactor_stop(reactor);
    }
}

static inline void echo_on_drained(void *context, struct conn *conn)
{
    struct echo *echo = context;
    echo->drained++;
}

static inline void echo_on_accept(void *context, struct reactor *reactor, int fd, bool is_unix)
{
    struct echo *echo = context;
    struct echo_conn *item = mem_alloc_zero(sizeof(*item));
    echo->accepted++;
    if (!reactor_add(reactor, &item->conn, fd, is_unix)) {
        (void)close(fd);
        mem_free(item);
    }
}

static inline void echo_open(struct echo *echo, enum net_poller poller)
{
    *echo = (struct echo){0};
    option_put(&echo->options.poller, poller);
    option_put(&echo->options.max_new_connections_per_cycle, 10);
    option_put(&echo->options.tcp_backlog, 511);
    option_put(&echo->options.tcp_keepalive, 300);
    struct reactor_hooks hooks = {
        .context = echo,
        .on_accept = echo_on_accept,
        .on_ready = echo_on_ready,
        .on_drained = echo_on_drained,
    };
    echo->reactor = reactor_create(&echo->options, &hooks, 0);
    check(echo->reactor != NULL);
}

static inline void echo_remove_one(struct conn *conn, void *argument)
{
    reactor_remove(conn);
}

static inline void echo_close(struct echo *echo)
{
    reactor_each(echo->reactor, echo_remove_one, NULL);
    reactor_destroy(&echo->reactor);
}

/* A pair of unix sockets; is_unix false treats it as TCP. */
static inline void echo_connect_as(struct echo *echo, struct echo_conn *item, bool is_unix)
{
    int fds[2];
    *item = (struct echo_conn){0};
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    check(reactor_add(echo->reactor, &item->conn, fds[0], is_unix));
    item->peer = fds[1];
}

static inline void echo_connect(struct echo *echo, struct echo_conn *item)
{
    echo_connect_as(echo, item, /* is_unix= */ true);
}

static inline void echo_say(struct echo_conn *item, const char *text)
{
    check(send(item->peer, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* What has come back, without waiting. */
static inline size_t echo_heard(struct echo_conn *item)
{
    unsigned char data[65536];
    size_t heard = 0;
    for (;;) {
        ssize_t got = recv(item->peer, data, sizeof(data), MSG_DONTWAIT);
        if (got <= 0) {
            return heard;
        }
        heard += (size_t)got;
    }
}

/* Runs until the reactor is stopped, at the latest after so long. */
struct echo_alarm {
    struct timer timer; /* first */
    bool rang;
};

static inline void echo_ring(struct timer *timer, struct reactor *reactor)
{
    ((struct echo_alarm *)timer)->rang = true;
    reactor_stop(reactor);
}

/* Returns false if it was the alarm that stopped it. */
static inline bool echo_run(struct echo *echo, int64_t limit_ms)
{
    struct echo_alarm alarm = {.timer.fire = echo_ring};
    reactor_timer_set(echo->reactor, &alarm.timer, clock_monotonic_ms() + limit_ms);
    reactor_run(echo->reactor);
    reactor_timer_cancel(echo->reactor, &alarm.timer);
    return !alarm.rang;
}

#endif
