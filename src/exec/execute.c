/* EXEC: runs the queue inside one access.
 *
 *   handler (keys of all calls held) -> watches compared -> each call in a view of its own keys
 *   calls that need the session wait, when this is the pool, and those that may answer later wait
 *   always: they run on the reactor when the locks are gone (transaction_tail), and the replies
 *   are put together in the calls' order. They touch no keys, so nobody can tell.
 *
 * Threads: the handler on the reactor or a worker, the tail on the reactor. */
#include "block.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "transaction.h"

/* Must the call wait until the locks are gone? */
static bool is_deferred(const struct exec *x, const struct queued *queued)
{
    return queued->command->inside == INSIDE_LATER ||
           (queued->command->inside == INSIDE_SESSION && x->session == NULL);
}

static void book(const struct exec *x, uint64_t ticks, size_t reply_bytes)
{
    call_book_keys(x, ticks, x->request->wire_size + reply_bytes);
    stats_command_done(stats_self(), x->command->id, ticks, x->reply->had_error);
    if (x->reply->had_error) {
        stat_add(STAT_error_replies, 1);
        stats_error(x->reply->error_code);
    }
    stat_add(STAT_commands_processed, 1);
}

/* Runs one call; x is EXEC's. Its database is the one that the calls before it chose. */
static void run_queued(struct exec *x, struct transaction *transaction, struct queued *queued,
                       struct chain *chain)
{
    struct access view;
    struct reply reply;
    struct exec inner = *x;
    reply_init(&reply, chain, x->reply->protocol);
    access_borrow(&view, x->access,
                  (struct key_list){&transaction->keys[queued->first_key], queued->key_count});
    inner.command = queued->command;
    inner.request = &queued->request;
    inner.argv = queued->request.argv;
    inner.argc = queued->request.argc;
    inner.access = &view;
    inner.reply = &reply;
    inner.is_inside = true;
    inner.computes = EXEC_COMPUTES_MAX;
    size_t replied = chain_size(chain);
    uint64_t begin = clock_ticks();
    enum status status = queued->command->handler(&inner);
    check(status != STATUS_TO_POOL && status != STATUS_PREPARE && status != STATUS_COMPUTE);
    check(status != STATUS_PENDING && status != STATUS_BLOCK);
    call_reply_status(&reply, status);
    exec_drop_work(&inner);
    book(&inner, clock_ticks() - begin, chain_size(chain) - replied);
    if (x->tracks && (queued->command->flags & COMMAND_READONLY) != 0) {
        x->services->sinks.remember(x->services->sinks.context, &inner);
    }
    access_return(&view, x->access);
    x->db = inner.db;
    x->tracks = inner.tracks;
    x->reply->protocol = inner.session != NULL ? inner.session->protocol : x->reply->protocol;
}

/* Ends the watches under the locks that EXEC holds. True if all keys are as they were. */
static bool settle_watches(struct exec *x, struct transaction *transaction)
{
    bool are_intact = true;
    for (uint32_t i = 0; i < transaction->watch_count; i++) {
        are_intact &= key_watch_is_intact(x->access, &transaction->watches[i]);
    }
    for (uint32_t i = 0; i < transaction->watch_count; i++) {
        key_unwatch(x->access, &transaction->watches[i]);
    }
    transaction->watch_count = 0;
    return are_intact;
}

static void run_queue(struct exec *x, struct transaction *transaction)
{
    bool some_deferred = false;
    reply_array(x->reply, transaction->count);
    for (uint32_t i = 0; i < transaction->count; i++) {
        struct queued *queued = &transaction->calls[i];
        queued->is_deferred = is_deferred(x, queued);
        some_deferred |= queued->is_deferred;
        if (!queued->is_deferred) {
            /* Behind a deferred call replies are kept apart, for the tail to put together. */
            run_queued(x, transaction, queued, some_deferred ? &queued->reply : x->reply->chain);
        }
    }
    transaction->tail = some_deferred ? 0 : transaction->count;
}

enum status transaction_execute(struct exec *x)
{
    struct transaction *transaction = *x->transaction;
    if (transaction == NULL || !transaction->is_open) {
        return STATUS_EXEC_ALONE;
    }
    transaction->is_done = true;
    transaction->tail = transaction->count;
    bool are_intact = settle_watches(x, transaction);
    if (transaction->is_broken) {
        return STATUS_EXEC_ABORT;
    }
    if (!are_intact) {
        reply_null_array(x->reply);
        return STATUS_OK;
    }
    run_queue(x, transaction);
    return STATUS_OK;
}

void transaction_feed_monitors(const struct exec *x)
{
    const struct transaction *transaction = *x->transaction;
    for (uint32_t i = 0; transaction != NULL && i < transaction->count; i++) {
        struct queued *queued = &transaction->calls[i];
        struct exec inner = *x;
        inner.command = queued->command;
        inner.request = &queued->request;
        inner.argv = queued->request.argv;
        inner.argc = queued->request.argc;
        exec_feed_monitors(&inner);
    }
}

/* ---- The tail ---- */

/* Runs a deferred call with the session. True: its answer comes later. */
static bool run_deferred(struct job *job, struct queued *queued)
{
    struct session *session = job->suspension.session;
    struct access access;
    struct reply reply;
    reply_init(&reply, &queued->reply, session->protocol);
    access_init(&access, job->x.services->keyspace, ACCESS_READ, (struct key_list){0},
                job->x.now_ms);
    struct exec x = job->x;
    x.command = queued->command;
    x.request = &queued->request;
    x.argv = queued->request.argv;
    x.argc = queued->request.argc;
    x.db = session->db;
    x.access = &access;
    x.session = session;
    x.reply = &reply;
    x.is_inside = true;
    x.cancelled = NULL;
    /* Room for the call's own suspension, which this one waits for then. */
    session->suspension = NULL;
    uint64_t begin = clock_ticks();
    enum status status = queued->command->handler(&x);
    if (status == STATUS_PENDING) {
        book(&x, clock_ticks() - begin, /* reply_bytes= */ 0);
        session->suspension->then = &job->suspension;
        session->suspension->take_part = transaction_take_part;
        session->suspension->discard = false;
        return true;
    }
    call_reply_status(&reply, status);
    book(&x, clock_ticks() - begin, chain_size(&queued->reply));
    session->suspension = &job->suspension;
    return false;
}

bool transaction_tail(struct job *job)
{
    struct transaction *transaction = job->transaction;
    if (transaction == NULL) {
        return false;
    }
    while (transaction->tail < transaction->count) {
        struct queued *queued = &transaction->calls[transaction->tail++];
        if (queued->is_deferred && run_deferred(job, queued)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < transaction->count; i++) {
        chain_splice(&job->suspension.chain, &transaction->calls[i].reply);
    }
    return false;
}

void transaction_take_part(struct suspension *suspension, struct chain *part)
{
    struct transaction *transaction = ((struct job *)suspension)->transaction;
    chain_splice(&transaction->calls[transaction->tail - 1].reply, part);
}
