/* Work that keys ask for by themselves: expiry when it is due, freeing what was unlinked, evicting
 * ahead of need, and serving those whose turn it is.
 *
 * No thread of its own and no tick: the first reactor's timer is armed for the next expiry, a pool
 * task does the work, and nothing happens while no key has a TTL. */
#ifndef POLLARD_SERVER_MAINTENANCE_H
#define POLLARD_SERVER_MAINTENANCE_H

#include "pollard/exec/exec.h"
#include "pollard/exec/pool.h"
#include "pollard/keyspace/keyspace.h"
#include "pollard/net/net.h"
#include "pollard/stats/commandlog.h"
#include <stdatomic.h>

struct flush_mail {
    struct mail mail;
    struct reactor *reactor;
    _Atomic bool is_out;
};

struct maintenance {
    const struct services *services;
    struct keyspace *keyspace;
    struct pool *pool;
    struct reactor *reactor;
    _Atomic int64_t due_ms;      /* wall clock of the next expiry; INT64_MAX none */
    _Atomic bool mail_is_out;    /* arm_mail is on its way to the reactor */
    _Atomic bool expire_is_out;  /* the expiry task is queued or runs */
    _Atomic bool reclaim_is_out; /* the reclaim task is queued */
    _Atomic bool evict_is_out;   /* the eviction task is queued or runs */
    _Atomic bool trim_is_out;    /* the trim task is queued */
    _Atomic bool turns_is_out;   /* the task that gives turns is queued */
    uint64_t evict_left;         /* bytes that the evict task had no time for; its own */
    _Atomic bool stopping;
    struct mail arm_mail;
    struct timer timer;
    struct pool_task expire_task;
    struct pool_task reclaim_task;
    struct pool_task evict_task;
    struct pool_task trim_task;
    struct pool_task turns_task;
    /* Asks the reactors to empty the caches of their threads. */
    struct flush_mail *flush_mails;
    size_t reactor_count;
    int64_t flushed_ms; /* monotonic; the trim task's */
};

/* The hooks to create the keyspace with; maintenance may still be empty. */
struct keyspace_hooks maintenance_hooks(struct maintenance *maintenance);
/* From here on requests are served. */
void maintenance_start(struct maintenance *maintenance, const struct services *services,
                       struct reactor **reactors, size_t count);
/* No new tasks from here on. */
void maintenance_stop(struct maintenance *maintenance);
/* When no thread runs any more. */
void maintenance_deinit(struct maintenance *maintenance);

#endif
