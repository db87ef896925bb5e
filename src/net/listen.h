/* Opening of listening sockets. Private to net. */
#ifndef POLLARD_NET_LISTEN_H
#define POLLARD_NET_LISTEN_H

#include "pollard/net/net.h"

/* As many as Redis takes bind addresses, and the unix socket. */
#define LISTEN_ADDRESSES 16
#define LISTEN_SOCKETS (LISTEN_ADDRESSES + 1)

/* Opened sockets, not yet polled. */
struct listen_set {
    int fds[LISTEN_SOCKETS];
    bool is_unix[LISTEN_SOCKETS];
    size_t count;
    int port;        /* 0: no TCP socket */
    char *unix_path; /* owned; NULL: none */
};

/* All sockets of the options. On failure everything is closed again, with a text for people. */
ATTR_MUST_USE bool listen_set_open(struct listen_set *set, const struct net_options *options,
                                   struct buf *ret_error);
/* Closes what is open and removes the unix socket's file. */
void listen_set_close(struct listen_set *set);
/* Makes an accepted socket fit to be served. Failures are of no consequence and ignored. */
void listen_tune(int fd, int64_t keepalive_s);

#endif
