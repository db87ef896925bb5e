/* The plain transport: bytes over a TCP or unix socket.
 *
 * On the data path: the two system calls of a request. recv and send are taken over read and write
 * because they skip the file layer; MSG_NOSIGNAL makes a gone peer an EPIPE, so that nobody has to
 * ignore SIGPIPE for net's sake.
 * Threads: the reactor's own. */
#define _GNU_SOURCE
#include "reactor.h"
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t socket_read(struct conn *conn, void *data, size_t size)
{
    return recv(conn->fd, data, size, 0);
}

static ssize_t socket_write(struct conn *conn, const struct iovec *vectors, int count)
{
    if (count == 1) {
        return send(conn->fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL);
    }
    struct msghdr message = {
        .msg_iov = (struct iovec *)vectors,
        .msg_iovlen = (size_t)count,
    };
    return sendmsg(conn->fd, &message, MSG_NOSIGNAL);
}

static void socket_close(struct conn *conn)
{
    (void)close(conn->fd); /* the peer is gone or to be cut: an error changes nothing */
}

const struct transport socket_transport = {
    .read = socket_read,
    .write = socket_write,
    .close = socket_close,
};
