/* What one client may hold: output limits and idle time. On the owner's thread. */
#include "pollard/base/log.h"
#include "pollard/stats/stats.h"
#include "registry_private.h"

static void cut_for_output(struct session *session, size_t held)
{
    struct buf line = {0};
    session_describe(session, &line);
    log_line(LOG_WARNING, "Client %.*s closed: its output of %zu bytes is over the limit",
             (int)line.size, (const char *)line.data, held);
    buf_deinit(&line);
    stat_add(STAT_client_output_limit_cuts, 1);
    session->flags |= SESSION_CLOSE_NOW;
}

void session_cut_for_output(struct session *session)
{
    if ((session->flags & SESSION_CLOSE_NOW) == 0) {
        cut_for_output(session, chain_memory(&session->conn.output));
    }
}

void session_check_output(struct session *session, int64_t monotonic_ms)
{
    if (chain_is_empty(&session->conn.output)) {
        session->soft_limit_since_ms = 0;
        return;
    }
    const struct client_options *options = session->registry->options;
    const struct output_limit *limit =
        &options->output_limits[(session->flags & SESSION_SUBSCRIBED) != 0 ? CLIENT_PUBSUB
                                                                           : CLIENT_NORMAL];
    uint64_t held = chain_memory(&session->conn.output) + chain_memory(&session->held);
    uint64_t hard = (uint64_t)option_get(&limit->hard_bytes);
    uint64_t soft = (uint64_t)option_get(&limit->soft_bytes);
    if (hard != 0 && held >= hard) {
        cut_for_output(session, held);
        return;
    }
    if (soft == 0 || held < soft) {
        session->soft_limit_since_ms = 0;
        return;
    }
    if (session->soft_limit_since_ms == 0) {
        session->soft_limit_since_ms = monotonic_ms;
        return;
    }
    if (monotonic_ms - session->soft_limit_since_ms > option_get(&limit->soft_seconds) * 1000) {
        cut_for_output(session, held);
    }
}

struct idle_walk {
    int64_t now_ms;
    int64_t timeout_ms;
    int64_t next_ms;
};

static void close_if_idle(struct conn *conn, void *argument)
{
    struct idle_walk *walk = argument;
    struct session *session = session_of(conn);
    if ((session->flags & (SESSION_JOB | SESSION_BLOCKED)) != 0) {
        return;
    }
    int64_t due_ms = conn->active_ms + walk->timeout_ms;
    if (due_ms > walk->now_ms) {
        walk->next_ms = due_ms < walk->next_ms ? due_ms : walk->next_ms;
        return;
    }
    log_line(LOG_VERBOSE, "Closing idle client %llu", (unsigned long long)session->id);
    session_destroy(session);
}

int64_t registry_close_idle(struct client_registry *registry, struct reactor *reactor)
{
    int64_t timeout_ms = option_get(&registry->options->timeout) * 1000;
    if (timeout_ms == 0) {
        return INT64_MAX;
    }
    struct idle_walk walk = {
        .now_ms = reactor_monotonic_ms(reactor),
        .timeout_ms = timeout_ms,
        .next_ms = reactor_monotonic_ms(reactor) + timeout_ms,
    };
    reactor_each(reactor, close_if_idle, &walk);
    /* Not more often than ten times a second: closing late by that much is as good. */
    return walk.next_ms < walk.now_ms + 100 ? walk.now_ms + 100 : walk.next_ms;
}
