/* Which keys are asked for most, by accesses, by time and by bytes on the wire.
 *
 * Always on, unless hotkeys-sample-ratio is 0: one call in so many goes into two sketches of the
 * thread (ds/topk.h) that forget slowly, for INFO hotkeys. While HOTKEYS tracks, every call is
 * looked at, and the session's sketches are filled too.
 *
 * Threads: each books into a block of its own, under that block's lock; who asks takes them one by
 * one. */
#ifndef POLLARD_EXEC_HOTKEYS_H
#define POLLARD_EXEC_HOTKEYS_H

#include "pollard/ds/topk.h"
#include "pollard/keyspace/access.h"
#include "pollard/stats/sampler.h"

struct exec_options;
struct hotkeys;

ATTR_MUST_USE struct hotkeys *hotkeys_create(const struct exec_options *options);
/* No thread may book any more. NULL is allowed. */
void hotkeys_destroy(struct hotkeys **hotkeys);

/* ---- Booking ---- */

/* A call that is done. */
struct hotkeys_call {
    struct key_list keys; /* none: counts in the session's totals only */
    uint64_t ticks;
    uint64_t bytes; /* of the request and of the reply */
};
/* Books a call that the caller's sampler said is due; sets the sampler for the next one. */
void hotkeys_book(struct hotkeys *hotkeys, struct sampler *sampler,
                  const struct hotkeys_call *call);
/* The same for a thread that has no cycle: with a sampler of its own. */
bool hotkeys_is_due_here(struct hotkeys *hotkeys);
void hotkeys_book_here(struct hotkeys *hotkeys, const struct hotkeys_call *call);
/* A reply that will be sent in parts: are they to be booked? For so many such replies each of them
 * stands, 0: only HOTKEYS wants it. By the sampler of hotkeys_book_here. */
bool hotkeys_wants_parts(struct hotkeys *hotkeys, uint32_t *ret_weight);
/* Books such a part: its time and bytes; the call itself is booked apart from that. */
void hotkeys_book_part(struct hotkeys *hotkeys, const struct hotkeys_call *part, uint32_t weight);
/* A number that changes when a session begins or ends: a thread's sampler is to begin anew then. */
const _Atomic uint32_t *hotkeys_mark(const struct hotkeys *hotkeys);
/* Does HOTKEYS track at this time (ms since the epoch)? */
bool hotkeys_is_tracking(struct hotkeys *hotkeys, int64_t now_ms);

/* ---- A session of HOTKEYS ---- */

enum hotkeys_metric { HOTKEYS_CPU, HOTKEYS_NET, HOTKEYS_METRICS };

#define HOTKEYS_COUNT_MAX 64
#define HOTKEYS_DURATION_MAX_S INT64_C(1000000)

struct hotkeys_session {
    bool wants[HOTKEYS_METRICS];
    uint32_t count;     /* keys told of each metric: 1 .. HOTKEYS_COUNT_MAX */
    uint64_t sample;    /* one call in so many: 1 ... */
    int64_t duration_s; /* 0: until it is stopped */
};
/* False: one is going on. Drops what an earlier one has found. */
bool hotkeys_start(struct hotkeys *hotkeys, const struct hotkeys_session *session, int64_t now_ms);
/* False: none is going on. */
bool hotkeys_stop(struct hotkeys *hotkeys, int64_t now_ms);
/* Forgets what was found; false: a session is going on. */
bool hotkeys_reset(struct hotkeys *hotkeys, int64_t now_ms);

struct hotkeys_figures {
    bool is_tracking;
    struct hotkeys_session session;
    int64_t start_ms;
    int64_t duration_ms;
    uint64_t user_ms; /* the process's */
    uint64_t sys_ms;
    uint64_t net_bytes; /* read and written */
    uint64_t all_us;    /* of all calls */
    uint64_t all_bytes;
    struct topk *found[HOTKEYS_METRICS]; /* ticks, bytes; the caller's; NULL: not wanted */
};
/* False: there was no session since the start or the last reset. */
bool hotkeys_figures(struct hotkeys *hotkeys, int64_t now_ms, struct hotkeys_figures *ret_figures);

/* ---- The hottest keys of late ---- */

enum hotkeys_recent { HOTKEYS_BY_ACCESSES, HOTKEYS_BY_BYTES, HOTKEYS_RECENTS };

/* What all threads have seen of late; the caller's. */
ATTR_MUST_USE struct topk *hotkeys_recent(struct hotkeys *hotkeys, enum hotkeys_recent which);

#endif
