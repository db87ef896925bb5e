/* CLIENT LIST and CLIENT KILL: questions to every reactor, answered when all have.
 *
 *   handler: parse, suspend --gather mails--> visit on each reactor --last--> finish: reply, resume
 *
 * Threads: struct client_query is made on the asker's reactor; during the gather its filter is only
 * read, each reactor writes its own slot; the last reactor replies and frees it. */
#include "client_filter.h"
#include "pollard/base/mem.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"
#include <stdlib.h>

struct client_query {
    struct gather gather; /* first */
    struct client_filter filter;
    struct suspension *suspension;
    uint64_t asker_id;
    bool is_old_form; /* CLIENT KILL address: OK or an error instead of a count */
};

/* Before each line in a slot. */
struct line_head {
    uint64_t id;
    size_t size;
};

struct line {
    uint64_t id;
    struct bytes text;
};

static bool is_wanted(const struct client_query *query, struct session *session)
{
    if (query->filter.skip_me && session->id == query->asker_id) {
        return false;
    }
    return (session->flags & SESSION_CLOSE_NOW) == 0 &&
           client_filter_matches(&query->filter, session);
}

static struct client_query *query_make(struct exec *x, const struct client_filter *filter)
{
    struct client_query *query = mem_alloc_zero(sizeof(*query));
    query->filter = *filter;
    query->asker_id = x->client_id;
    query->suspension = exec_suspend(x, /* blocked= */ false, 0, /* timeout= */ NULL, query);
    return query;
}

static void query_end(struct client_query *query)
{
    suspension_resume(query->suspension);
    client_filter_deinit(&query->filter);
    mem_free(query);
}

static void list_visit(struct gather *gather, struct session *session)
{
    struct client_query *query = (struct client_query *)gather;
    if (!is_wanted(query, session)) {
        return;
    }
    struct buf text = {0};
    session_describe(session, &text);
    buf_append_byte(&text, '\n');
    struct buf *slot = &gather->slots[reactor_index(session->conn.reactor)];
    struct line_head head = {.id = session->id, .size = text.size};
    buf_append(slot, bytes_make(&head, sizeof(head)));
    buf_append(slot, buf_bytes(&text));
    buf_deinit(&text);
    (void)atomic_fetch_add_explicit(&gather->total, 1, memory_order_relaxed);
}

static int compare_lines(const void *a, const void *b)
{
    uint64_t left = ((const struct line *)a)->id;
    uint64_t right = ((const struct line *)b)->id;
    return left < right ? -1 : left > right;
}

/* The lines of all slots in the order of ids, whatever reactors they came from. */
static void list_join(const struct gather *gather, struct buf *text)
{
    size_t count = (size_t)atomic_load_explicit(&gather->total, memory_order_relaxed);
    struct line *lines = mem_alloc((count + 1) * sizeof(*lines));
    size_t used = 0;
    for (size_t i = 0; i < gather->slot_count; i++) {
        const struct buf *slot = &gather->slots[i];
        size_t at = 0;
        while (at < slot->size) {
            struct line_head head;
            memcpy(&head, slot->data + at, sizeof(head));
            at += sizeof(head);
            lines[used] =
                (struct line){.id = head.id, .text = bytes_make(slot->data + at, head.size)};
            used++;
            at += head.size;
        }
    }
    qsort(lines, used, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < used; i++) {
        buf_append(text, lines[i].text);
    }
    mem_free(lines);
}

static void list_finish(struct gather *gather)
{
    struct client_query *query = (struct client_query *)gather;
    struct buf text = {0};
    list_join(gather, &text);
    reply_verbatim(suspension_reply(query->suspension), "txt", buf_bytes(&text));
    buf_deinit(&text);
    query_end(query);
}

enum status cmd_client_list(struct exec *x)
{
    struct client_filter filter = {0};
    enum status status = client_filter_parse(x, 2, &filter);
    if (status != STATUS_OK) {
        return status;
    }
    struct client_query *query = query_make(x, &filter);
    query->gather.visit = list_visit;
    query->gather.finish = list_finish;
    registry_gather(x->services->registry, &query->gather);
    return STATUS_PENDING;
}

/* The asker itself gets its reply first. */
static void kill_visit(struct gather *gather, struct session *session)
{
    struct client_query *query = (struct client_query *)gather;
    if (!is_wanted(query, session)) {
        return;
    }
    session->flags |= session->id == query->asker_id ? SESSION_CLOSE_AFTER : SESSION_CLOSE_NOW;
    (void)atomic_fetch_add_explicit(&gather->total, 1, memory_order_relaxed);
}

static void kill_finish(struct gather *gather)
{
    struct client_query *query = (struct client_query *)gather;
    struct reply *reply = suspension_reply(query->suspension);
    uint64_t count = atomic_load_explicit(&gather->total, memory_order_relaxed);
    if (!query->is_old_form) {
        reply_integer(reply, (int64_t)count);
    } else if (count > 0) {
        reply_ok(reply);
    } else {
        reply_error_status(reply, STATUS_NO_SUCH_CLIENT);
    }
    query_end(query);
}

enum status cmd_client_kill(struct exec *x)
{
    struct client_filter filter = {.skip_me = x->argc > 3, .for_kill = true};
    if (x->argc == 3) {
        client_filter_address(&filter, x->argv[2]);
    } else {
        enum status status = client_filter_parse(x, 2, &filter);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct client_query *query = query_make(x, &filter);
    query->is_old_form = x->argc == 3;
    query->gather.visit = kill_visit;
    query->gather.finish = kill_finish;
    registry_gather(x->services->registry, &query->gather);
    return STATUS_PENDING;
}
