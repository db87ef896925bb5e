/* MONITOR's feed: a line a command, made where the command is dispatched, mailed to the reactors
 * that have monitors. Mails of one sender arrive in order, so each connection's order is kept. */
#include "cycle.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

struct monitor_mail {
    struct mail mail; /* first */
    struct dispatcher *dispatcher;
    struct blob *line;
};

struct feed {
    struct cycle *cycle;
    struct blob *line;
};

static void feed_conn(struct conn *conn, void *argument)
{
    struct feed *feed = argument;
    struct session *session = session_of(conn);
    if ((session->flags & SESSION_MONITOR) != 0) {
        chain_append(&conn->output, blob_bytes(feed->line));
        cycle_mark_dirty(feed->cycle, session);
    }
}

static void deliver(struct mail *mail, struct reactor *reactor)
{
    struct monitor_mail *self = (struct monitor_mail *)mail;
    struct feed feed = {
        .cycle = &self->dispatcher->cycles[reactor_index(reactor)],
        .line = self->line,
    };
    reactor_each(reactor, feed_conn, &feed);
    blob_release(self->line);
    mem_free(self);
}

static void format_line(const struct exec *x, struct buf *line)
{
    int64_t now_us = clock_us();
    buf_format(line, "+%lld.%06lld [%u ", (long long)(now_us / 1000000),
               (long long)(now_us % 1000000), x->db);
    if ((x->session->flags & SESSION_UNIX) != 0) {
        buf_append_text(line, "unix:");
        conn_local_text(&x->session->conn, line);
    } else {
        conn_peer_text(&x->session->conn, line);
    }
    buf_append_byte(line, ']');
    for (uint32_t i = 0; i < x->argc; i++) {
        buf_append_byte(line, ' ');
        bool hide = x->command->sensitive && i > (x->command->parent != NULL ? 1U : 0U);
        buf_append_quoted(line, hide ? bytes_text("(redacted)") : x->argv[i]);
    }
    buf_append_text(line, "\r\n");
}

void exec_feed_monitors(struct exec *x)
{
    if ((x->command->flags & (COMMAND_ADMIN | COMMAND_SKIP_MONITOR)) != 0) {
        return;
    }
    const struct client_registry *registry = x->services->registry;
    struct buf line = {0};
    format_line(x, &line);
    struct blob *shared = blob_try_copy(buf_bytes(&line), line.size);
    buf_deinit(&line);
    if (shared == NULL) {
        return;
    }
    for (size_t i = 0; i < registry_reactor_count(registry); i++) {
        if (registry_reactor_monitors(registry, i) == 0) {
            continue;
        }
        struct monitor_mail *mail = mem_alloc_zero(sizeof(*mail));
        mail->mail.deliver = deliver;
        mail->dispatcher = x->services->dispatcher;
        mail->line = blob_acquire(shared);
        reactor_post(registry_reactor(registry, i), &mail->mail);
    }
    blob_release(shared);
}
