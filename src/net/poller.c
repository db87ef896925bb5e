/* The poll set or the parked set: which descriptors a reactor waits for, and how.
 *
 * The outermost ring of the data path: one call here begins every cycle. Where the system has
 * epoll, every descriptor is parked in one epoll descriptor, and the wait costs by those that are
 * ready; else, or when asked for, all are entries of a poll() array. Mixing the two was measured
 * and did not pay: docs/decisions/0002-parking.md.
 *
 * Connections are parked edge-triggered: the kernel tells once, CONN_PENDING remembers until the
 * input has been read to its end. That is why turning reads off and on costs no system call, and
 * why a request costs none beside the wait, its read and its write. Sources (listening sockets) are
 * level-triggered, because they are not always accepted to the end.
 *
 * Threads: the reactor's own.
 * Invariants:
 * 1. A watched conn is either parked (CONN_PARKED) or conns[conn->slot] == conn, slot < count.
 * 2. fds[i].fd is negative if and only if entry i is not to be reported at all.
 * 3. The poll set is empty if there is a parked set. */
#define _GNU_SOURCE
#include "poller.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <errno.h>
#include <unistd.h>
#if POLLARD_HAVE_EPOLL
#include <sys/epoll.h>
#endif

#ifdef POLLRDHUP
#define HANG_UP_BITS (POLLRDHUP | POLLHUP | POLLERR)
#define READ_BITS (POLLIN | POLLRDHUP)
#else
#define HANG_UP_BITS (POLLHUP | POLLERR)
#define READ_BITS POLLIN
#endif

#if POLLARD_HAVE_EPOLL
/* Both families use the same numbers on Linux, so that one translation serves. */
_Static_assert(EPOLLIN == POLLIN, "epoll's bits are poll's");
_Static_assert(EPOLLOUT == POLLOUT, "epoll's bits are poll's");
_Static_assert(EPOLLRDHUP == POLLRDHUP, "epoll's bits are poll's");
_Static_assert(EPOLLHUP == POLLHUP && EPOLLERR == POLLERR, "epoll's bits are poll's");
#endif

static bool poll_reserve(struct poller *poller, size_t count);
static bool poll_insert(struct poller *poller, struct conn *conn);
static void poll_erase(struct poller *poller, struct conn *conn);
static void poll_interest(struct poller *poller, const struct conn *conn);
static bool parked_control(struct poller *poller, struct conn *conn, bool fresh);
static void parked_forget(struct poller *poller, struct conn *conn);
static void parked_wait(struct poller *poller, int timeout_ms, const struct poller_sink *sink);

static uint32_t events_of(uint32_t bits)
{
    uint32_t events = 0;
    if (bits & (READ_BITS | HANG_UP_BITS)) {
        events |= POLLER_READABLE;
    }
    if (bits & (POLLOUT | POLLERR | POLLHUP)) {
        events |= POLLER_ROOM;
    }
    if (bits & HANG_UP_BITS) {
        events |= POLLER_HUNG_UP;
    }
    return events;
}

bool poller_open(struct poller *poller, enum net_poller mode)
{
    *poller = (struct poller){.mode = mode, .epoll_fd = -1};
#if POLLARD_HAVE_EPOLL
    if (mode != NET_POLLER_POLL) {
        poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (poller->epoll_fd < 0) {
            return false;
        }
    }
#else
    poller->mode = NET_POLLER_POLL;
#endif
    return true;
}

void poller_close(struct poller *poller)
{
    if (poller->epoll_fd >= 0) {
        (void)close(poller->epoll_fd); /* nothing was written: it has no error to tell */
    }
    mem_free(poller->fds);
    mem_free(poller->conns);
    *poller = (struct poller){.epoll_fd = -1};
}

bool poller_add(struct poller *poller, struct conn *conn)
{
    if (poller->mode == NET_POLLER_POLL) {
        return poll_insert(poller, conn);
    }
    return parked_control(poller, conn, /* fresh= */ true);
}

void poller_remove(struct poller *poller, struct conn *conn)
{
    if (conn->flags & CONN_PARKED) {
        parked_forget(poller, conn);
    } else {
        poll_erase(poller, conn);
    }
}

void poller_update(struct poller *poller, struct conn *conn)
{
    if ((conn->flags & CONN_PARKED) == 0) {
        poll_interest(poller, conn);
        return;
    }
    if ((conn->flags & (CONN_WRITES | CONN_OUT_ARMED)) == CONN_WRITES) {
        conn->flags |= CONN_OUT_ARMED;
        /* Changing a registered descriptor needs no memory: it cannot fail. */
        check(parked_control(poller, conn, /* fresh= */ false));
    }
}

void poller_disarm(struct poller *poller, struct conn *conn)
{
    if ((conn->flags & (CONN_PARKED | CONN_OUT_ARMED)) == (CONN_PARKED | CONN_OUT_ARMED)) {
        conn->flags &= ~(uint32_t)CONN_OUT_ARMED;
        check(parked_control(poller, conn, /* fresh= */ false));
    }
}

void poller_wait(struct poller *poller, int timeout_ms, const struct poller_sink *sink)
{
    if (poller->epoll_fd >= 0) {
        parked_wait(poller, timeout_ms, sink);
        return;
    }
    int found = poll(poller->fds, (nfds_t)poller->count, timeout_ms);
    check(found >= 0 || errno == EINTR || errno == ENOMEM);
    for (size_t i = 0; i < poller->count && found > 0; i++) {
        uint32_t bits = (uint32_t)(unsigned short)poller->fds[i].revents;
        if (bits != 0) {
            found--;
            sink->note(sink->argument, poller->conns[i], events_of(bits));
        }
    }
}

/* ---- The poll set ---- */

static bool poll_reserve(struct poller *poller, size_t count)
{
    if (count <= poller->capacity) {
        return true;
    }
    size_t capacity = poller->capacity < 32 ? 64 : poller->capacity * 2;
    struct pollfd *fds = mem_try_realloc(poller->fds, capacity * sizeof(*fds));
    if (fds == NULL) {
        return false;
    }
    poller->fds = fds;
    struct conn **conns = mem_try_realloc(poller->conns, capacity * sizeof(*conns));
    if (conns == NULL) {
        return false;
    }
    poller->conns = conns;
    poller->capacity = capacity;
    return true;
}

static bool poll_insert(struct poller *poller, struct conn *conn)
{
    if (!poll_reserve(poller, poller->count + 1)) {
        return false;
    }
    conn->slot = (uint32_t)poller->count++;
    poller->conns[conn->slot] = conn;
    poll_interest(poller, conn);
    return true;
}

static void poll_erase(struct poller *poller, struct conn *conn)
{
    check(conn->slot < poller->count && poller->conns[conn->slot] == conn);
    size_t last = --poller->count;
    poller->fds[conn->slot] = poller->fds[last];
    poller->conns[conn->slot] = poller->conns[last];
    poller->conns[conn->slot]->slot = conn->slot;
}

static void poll_interest(struct poller *poller, const struct conn *conn)
{
    short events = 0;
    if (conn->flags & (CONN_READS | CONN_SOURCE)) {
        events |= READ_BITS;
    }
    if (conn->flags & CONN_WRITES) {
        events |= POLLOUT;
    }
    /* poll() tells hang-ups of every entry it looks at, wanted or not; it skips negative ones. */
    bool ignored = events == 0 || (conn->flags & CONN_FAILED) != 0;
    poller->fds[conn->slot] =
        (struct pollfd){.fd = ignored ? -1 - conn->fd : conn->fd, .events = events};
}

/* ---- The parked set ---- */

#if POLLARD_HAVE_EPOLL

static bool parked_control(struct poller *poller, struct conn *conn, bool fresh)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if ((conn->flags & CONN_SOURCE) == 0) {
        event.events |= EPOLLRDHUP | EPOLLET;
    }
    if (conn->flags & CONN_WRITES) {
        conn->flags |= CONN_OUT_ARMED;
    }
    if (conn->flags & CONN_OUT_ARMED) {
        event.events |= EPOLLOUT;
    }
    if (epoll_ctl(poller->epoll_fd, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, conn->fd, &event) != 0) {
        return false;
    }
    if (fresh) {
        conn->flags |= CONN_PARKED;
        poller->parked += (conn->flags & CONN_SOURCE) == 0;
    }
    return true;
}

static void parked_forget(struct poller *poller, struct conn *conn)
{
    struct epoll_event event = {.events = 0};
    check(epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, conn->fd, &event) == 0);
    conn->flags &= ~(uint32_t)(CONN_PARKED | CONN_OUT_ARMED);
    poller->parked -= (conn->flags & CONN_SOURCE) == 0;
}

static void parked_wait(struct poller *poller, int timeout_ms, const struct poller_sink *sink)
{
    struct epoll_event events[POLLER_EVENTS];
    int found = epoll_wait(poller->epoll_fd, events, POLLER_EVENTS, timeout_ms);
    check(found >= 0 || errno == EINTR);
    for (int i = 0; i < found; i++) {
        sink->note(sink->argument, events[i].data.ptr, events_of(events[i].events));
    }
}

#else

static bool parked_control(struct poller *poller, struct conn *conn, bool fresh)
{
    check_unreachable();
}

static void parked_forget(struct poller *poller, struct conn *conn)
{
    check_unreachable();
}

static void parked_wait(struct poller *poller, int timeout_ms, const struct poller_sink *sink)
{
    check_unreachable();
}

#endif
