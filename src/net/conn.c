/* A connection's bytes: one read, one write, and what is left over.
 *
 * On the data path twice a request: conn_read after the wait, conn_flush at the end.
 * Threads: the reactor's own.
 * Invariants:
 * 1. CONN_WRITES is set if and only if a flush left output behind.
 * 2. CONN_PENDING is cleared only by a read that found less than it asked for, or failed. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "reactor.h"
#include <errno.h>
#include <sys/uio.h>

/* Parts of one writev. A reply chunk and a shared value alternate, so 64 are 32 large values; more
 * parts than that are many bytes, which take a second call anyway. A guess. */
#define CONN_VECTORS 64
/* Most bytes one flush writes: then the next connection has its turn. On TCP it is what goes out as
 * one segment to the local host. A kernel that paces what it sends (bbr) holds a second one back
 * with a timer and an interrupt of its own, which cost as much as the first; by the connection's
 * next turn the pause is over. Measured: docs/decisions/0005-large-values.md. */
#define CONN_FLUSH_TCP ((size_t)56 * 1024)
/* And at most, on a unix socket in any case. Source: design page. */
#define CONN_FLUSH_SIZE ((size_t)1 << 20)
/* The share of a long output, which others may fill (a monitor's) faster than 56 KB a cycle. */
#define CONN_FLUSH_PART 8

static void conn_fail(struct conn *conn);

ssize_t conn_read(struct conn *conn, void *data, size_t size)
{
    ssize_t got;
    do {
        got = conn->transport->read(conn, data, size);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        conn->read_bytes += (uint64_t)got;
        conn->active_ms = conn->reactor->monotonic_ms;
        /* A stream that gives less than there is room for is empty; new input is a new edge. The
         * end of a stream has no edge of its own any more, so it stays pending. */
        if ((size_t)got < size && (conn->flags & CONN_HUNG_UP) == 0) {
            conn->flags &= ~(uint32_t)CONN_PENDING;
        }
        return got;
    }
    conn->flags &= ~(uint32_t)CONN_PENDING;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }
    conn->flags |= CONN_FAILED;
    poller_update(&conn->reactor->poller, conn);
    return -1;
}

static size_t flush_room(const struct conn *conn)
{
    size_t room = (conn->flags & CONN_UNIX) ? CONN_FLUSH_SIZE : CONN_FLUSH_TCP;
    size_t part = chain_size(&conn->output) / CONN_FLUSH_PART;
    if (LIKELY(part <= room)) {
        return room;
    }
    return part < CONN_FLUSH_SIZE ? part : CONN_FLUSH_SIZE;
}

bool conn_flush(struct conn *conn)
{
    if (UNLIKELY(conn->flags & CONN_FAILED)) {
        chain_clear(&conn->output);
        return false;
    }
    size_t room = flush_room(conn);
    while (!chain_is_empty(&conn->output)) {
        if (room == 0) {
            /* The socket may still have room, and then it has no edge to tell: go on unasked. */
            conn->flags |= CONN_WRITES | CONN_ROOM;
            ready_queue(conn->reactor, conn);
            return true;
        }
        struct iovec vectors[CONN_VECTORS];
        size_t count = chain_vectors(&conn->output, vectors, CONN_VECTORS, room);
        if (count == 0) {
            continue; /* A source that had nothing left to say. */
        }
        ssize_t written = conn->transport->write(conn, vectors, (int)count);
        if (written >= 0) {
            chain_consume(&conn->output, (size_t)written);
            conn->written_bytes += (uint64_t)written;
            room -= (size_t)written;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            conn->flags |= CONN_WRITES;
            poller_update(&conn->reactor->poller, conn);
            return true;
        } else if (errno != EINTR) {
            conn_fail(conn);
            return false;
        }
    }
    if (UNLIKELY(conn->flags & CONN_WRITES)) {
        conn->flags &= ~(uint32_t)CONN_WRITES;
        poller_update(&conn->reactor->poller, conn);
    }
    return true;
}

void conn_want_reads(struct conn *conn, bool wanted)
{
    if (wanted == ((conn->flags & CONN_READS) != 0)) {
        return;
    }
    conn->flags ^= CONN_READS;
    if ((conn->flags & CONN_PARKED) == 0) {
        poller_update(&conn->reactor->poller, conn);
    }
    if (wanted && (conn->flags & CONN_PENDING)) {
        ready_queue(conn->reactor, conn);
    }
}

static void conn_fail(struct conn *conn)
{
    chain_clear(&conn->output);
    conn->flags &= ~(uint32_t)(CONN_WRITES | CONN_ROOM);
    conn->flags |= CONN_FAILED;
    poller_update(&conn->reactor->poller, conn);
    /* The kernel may have told of the end long ago; on_ready has to. */
    ready_queue(conn->reactor, conn);
}
