/* Parking: which connections are polled and which are parked, in `poller auto`.
 *
 * The costs, as measured by bench/micro/bench_poller.c (docs/decisions/0002-parking.md): an entry
 * of the poll set costs a little at every wait, ready or not; a parked connection costs more, but
 * only when it speaks. So polling pays for a connection that is ready at nearly every wait, and
 * for no other. The choice is made by counting, over windows of waits, how often each was ready:
 * one addition for a ready connection, one pass over the poll set a window, and nothing at all
 * for a quiet one.
 *
 * Threads: the reactor's own.
 * Invariant: conn->heat is the number of a window (high half) and the waits of it in which the
 * connection was ready (low half); an older window's count is worth 0. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "poller.h"

/* Waits of a window: long enough that two system calls to move a connection vanish beside it. */
#define PARK_WINDOW 64
/* Ready in so many of them: warm enough to be polled. Below the second: parked again. The gap keeps
 * connections from moving to and fro. */
#define PARK_HEAT_HITS 60
#define PARK_PARK_HITS 48
/* The second call of a wait over both sets costs as much as several connections gain: fewer than
 * this are not worth it, nor is a set that leaves a quarter of the talkers outside. */
#define PARK_HEAT_MIN 16
/* So many waits of a window with a second call: the poll set does not pay, all are parked. */
#define PARK_DOUBLES 8
/* Most moves a window, each a system call of under a microsecond. */
#define PARK_MOVES 256

static uint32_t hits_of(const struct poller *poller, const struct conn *conn)
{
    return conn->heat >> 16 == (poller->window & 0xffff) ? conn->heat & 0xffff : 0;
}

static void heat_talkers(struct poller *poller, struct conn *const *ready, size_t count);
static void park_quiet(struct poller *poller);

void park_count(const struct poller *poller, struct conn *conn)
{
    conn->heat = ((poller->window & 0xffff) << 16) | (hits_of(poller, conn) + 1);
}

void park_judge(struct poller *poller, struct conn *const *ready, size_t count)
{
    if (++poller->window_waits < PARK_WINDOW) {
        return;
    }
    park_quiet(poller);
    heat_talkers(poller, ready, count);
    poller->window_waits = 0;
    poller->window_doubles = 0;
    poller->window++;
}

static void park_quiet(struct poller *poller)
{
    size_t moves = 0;
    bool all = poller->window_doubles > PARK_DOUBLES || poller->count <= PARK_HEAT_MIN;
    /* From the back: parking moves the last entry, already judged, into the gap. */
    for (size_t i = poller->count; i-- > 1 && moves < PARK_MOVES;) {
        struct conn *conn = poller->conns[i];
        if (all || hits_of(poller, conn) < PARK_PARK_HITS) {
            poller_park(poller, conn);
            /* Not to be warmed again in the same breath. */
            conn->heat = 0;
            moves++;
        }
    }
}

static bool is_talker(const struct poller *poller, const struct conn *conn)
{
    return conn != NULL && (conn->flags & CONN_SOURCE) == 0 &&
           hits_of(poller, conn) >= PARK_HEAT_HITS;
}

/* Who was ready in nearly all waits of the window is very likely ready in its last one: looking at
 * that alone spares a walk over the parked. */
static void heat_talkers(struct poller *poller, struct conn *const *ready, size_t count)
{
    size_t talkers = 0;
    for (size_t i = 0; i < count; i++) {
        talkers += is_talker(poller, ready[i]);
    }
    if (talkers < PARK_HEAT_MIN || talkers * 4 < count * 3) {
        return;
    }
    size_t moves = 0;
    for (size_t i = 0; i < count && moves < PARK_MOVES; i++) {
        if (is_talker(poller, ready[i]) && (ready[i]->flags & CONN_PARKED)) {
            poller_heat(poller, ready[i]);
            moves++;
        }
    }
}
