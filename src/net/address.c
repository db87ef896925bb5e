/* Texts and facts about the two ends of a connection, as CLIENT LIST shows them.
 *
 * Off the data path. Threads: the reactor's own. */
#define _GNU_SOURCE
#include "pollard/net/net.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

/* Redis shows this for an end that the system does not tell. */
#define ADDRESS_UNKNOWN "?:0"

static void address_print(const union address *address, socklen_t size, struct buf *ret_text)
{
    char host[INET6_ADDRSTRLEN];
    switch (address->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
        buf_format(ret_text, "%s:%u", host, (unsigned)ntohs(address->v4.sin_port));
        return;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
        buf_format(ret_text, "[%s]:%u", host, (unsigned)ntohs(address->v6.sin6_port));
        return;
    case AF_UNIX: {
        size_t room = size - offsetof(struct sockaddr_un, sun_path);
        buf_format(ret_text, "%.*s:0", (int)room, address->local.sun_path);
        return;
    }
    default:
        buf_append_text(ret_text, ADDRESS_UNKNOWN);
    }
}

void conn_local_text(const struct conn *conn, struct buf *ret_text)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    if (getsockname(conn->fd, &address.any, &size) != 0) {
        buf_append_text(ret_text, ADDRESS_UNKNOWN);
        return;
    }
    address_print(&address, size, ret_text);
}

void conn_peer_text(const struct conn *conn, struct buf *ret_text)
{
    if (conn->flags & CONN_UNIX) {
        /* Clients of a unix socket have no name of their own; the path says which door it was. */
        conn_local_text(conn, ret_text);
        return;
    }
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    if (getpeername(conn->fd, &address.any, &size) != 0) {
        buf_append_text(ret_text, ADDRESS_UNKNOWN);
        return;
    }
    address_print(&address, size, ret_text);
}

bool conn_is_local(const struct conn *conn)
{
    if (conn->flags & CONN_UNIX) {
        return true;
    }
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    if (getpeername(conn->fd, &address.any, &size) != 0) {
        return false;
    }
    switch (address.any.sa_family) {
    case AF_INET:
        return (ntohl(address.v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
    default:
        return address.any.sa_family == AF_UNIX;
    }
}
