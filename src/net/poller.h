/* The poll set or the parked set of one reactor. Private to net. */
#ifndef POLLARD_NET_POLLER_H
#define POLLARD_NET_POLLER_H

#include "pollard/net/net.h"
#include <poll.h>

/* Most events one look into the parked set brings. The rest stays in the kernel's list, in order:
 * 256 keeps the array in the first-level cache and one call's share of a thousand small. */
#define POLLER_EVENTS 256

struct poller {
    enum net_poller mode;
    int epoll_fd;        /* -1 when all is polled */
    struct pollfd *fds;  /* the poll set, empty when all is parked */
    struct conn **conns; /* the connections of fds */
    size_t count;        /* of both arrays */
    size_t capacity;
    size_t parked; /* watched in the parked set, sources not counted */
};

/* What a wait found, in the order found. */
struct poller_sink {
    void (*note)(void *argument, struct conn *conn, uint32_t events);
    void *argument;
};

/* Parked and polled entries report with the same bits. */
enum poller_event {
    POLLER_READABLE = 1, /* input, or the end of it */
    POLLER_ROOM = 2,
    POLLER_HUNG_UP = 4 /* nothing comes behind what is there */
};

bool poller_open(struct poller *poller, enum net_poller mode);
void poller_close(struct poller *poller);
/* Watches by conn->flags; false when memory or descriptors are out. */
ATTR_MUST_USE bool poller_add(struct poller *poller, struct conn *conn);
void poller_remove(struct poller *poller, struct conn *conn);
/* Tells that CONN_READS, CONN_WRITES or CONN_FAILED changed. A system call only if it is parked and
 * has to hear of room for the first time. */
void poller_update(struct poller *poller, struct conn *conn);
/* The parked set reported room that nobody wants: stops that. */
void poller_disarm(struct poller *poller, struct conn *conn);
/* Waits timeout_ms (-1: without end) and hands what is ready to the sink, which must not add or
 * remove. One system call. */
void poller_wait(struct poller *poller, int timeout_ms, const struct poller_sink *sink);

#endif
