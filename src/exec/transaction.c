/* Transactions: the queue, the watches, and the keys that EXEC holds. Off the path of sessions that
 * queue nothing. */
#include "transaction.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"

static struct transaction *make(struct transaction **transaction)
{
    if (*transaction == NULL) {
        *transaction = mem_alloc_zero(sizeof(**transaction));
    }
    return *transaction;
}

void transaction_describe(struct session *session)
{
    const struct transaction *transaction = session->transaction;
    bool is_open = transaction != NULL && transaction->is_open;
    session->queued_count = is_open ? transaction->count : 0;
    session->queued_memory = is_open ? transaction->memory : 0;
    session_set_watches(session, transaction == NULL ? 0 : transaction->watch_count);
    session->flags &= ~(uint32_t)SESSION_MULTI;
    session->flags |= is_open ? SESSION_MULTI : 0;
}

void transaction_look(struct session *session)
{
    const struct transaction *transaction = session->transaction;
    bool is_lost = false;
    for (uint32_t i = 0; transaction != NULL && i < transaction->watch_count; i++) {
        is_lost |= key_watch_has_changed(&transaction->watches[i]);
    }
    session->flags &= ~(uint32_t)SESSION_WATCH_LOST;
    session->flags |= is_lost ? SESSION_WATCH_LOST : 0;
}

uint32_t transaction_flags(const struct session *session)
{
    return session->transaction == NULL ? 0 : session->transaction->flags;
}

void transaction_begin(struct session *session)
{
    make(&session->transaction)->is_open = true;
    transaction_describe(session);
}

void transaction_break(struct session *session)
{
    if ((session->flags & SESSION_MULTI) != 0) {
        session->transaction->is_broken = true;
    }
}

/* Remembers what EXEC must know of its calls as a whole. */
static void note_call(struct transaction *transaction, const struct queued *queued)
{
    const struct command *command = queued->command;
    transaction->flags |= command->flags;
    transaction->is_whole |= command->inside == INSIDE_WHOLE;
    transaction->has_later |= command->inside == INSIDE_LATER;
    transaction->has_session |= command->inside == INSIDE_SESSION;
    transaction->route_count +=
        command->route == ROUTE_POOL ||
        (command->route == ROUTE_SIZE && queued->request.argc > SIZE_ROUTE_KEYS_MAX);
    transaction->memory += queued->request.wire_size + sizeof(*queued);
}

void transaction_queue(struct session *session, struct call *call, struct reply *reply)
{
    struct transaction *transaction = session->transaction;
    if (transaction->is_broken) {
        /* It will not run: it need not be kept. */
        reply_simple(reply, "QUEUED");
        return;
    }
    if (transaction->count == transaction->capacity) {
        transaction->capacity = transaction->capacity == 0 ? 8 : transaction->capacity * 2;
        transaction->calls =
            mem_realloc(transaction->calls, transaction->capacity * sizeof(*transaction->calls));
    }
    struct queued *queued = &transaction->calls[transaction->count++];
    *queued =
        (struct queued){.command = call->command, .request = call->request, .hash = call->key.hash};
    request_detach(&queued->request);
    call->request = (struct request){0};
    note_call(transaction, queued);
    session->queued_count = transaction->count;
    session->queued_memory = transaction->memory;
    reply_simple(reply, "QUEUED");
}

bool exec_is_queueing(const struct exec *x)
{
    return *x->transaction != NULL && (*x->transaction)->is_open;
}

static void clear_queue(struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->count; i++) {
        request_deinit(&transaction->calls[i].request);
        chain_clear(&transaction->calls[i].reply);
    }
    mem_free(transaction->calls);
    mem_free(transaction->keys);
    *transaction = (struct transaction){
        .watches = transaction->watches,
        .watch_count = transaction->watch_count,
        .watch_capacity = transaction->watch_capacity,
    };
}

/* ---- Watches ---- */

/* Watches that could not be ended at once because their shards were busy. */
struct unwatch {
    struct pool_task task; /* first */
    struct keyspace *keyspace;
    struct key_watch *watches;
    uint32_t count;
};

static void run_unwatch(struct pool_task *task)
{
    struct unwatch *unwatch = (struct unwatch *)task;
    keyspace_enter(unwatch->keyspace);
    (void)keyspace_unwatch(unwatch->keyspace, unwatch->watches, unwatch->count,
                           /* patient= */ true);
    keyspace_leave(unwatch->keyspace);
    mem_free(unwatch->watches);
    mem_free(unwatch);
}

static void end_watches(const struct services *services, struct transaction *transaction)
{
    uint32_t left = keyspace_unwatch(services->keyspace, transaction->watches,
                                     transaction->watch_count, /* patient= */ false);
    if (left == 0) {
        mem_free(transaction->watches);
    } else {
        struct unwatch *unwatch = mem_alloc_zero(sizeof(*unwatch));
        unwatch->task.run = run_unwatch;
        unwatch->keyspace = services->keyspace;
        unwatch->watches = transaction->watches;
        unwatch->count = left;
        pool_submit(services->pool, &unwatch->task, POOL_QUICK);
    }
    transaction->watches = NULL;
    transaction->watch_count = 0;
    transaction->watch_capacity = 0;
}

void transaction_destroy(const struct services *services, struct transaction **pointer)
{
    struct transaction *transaction = *pointer;
    if (transaction == NULL) {
        return;
    }
    clear_queue(transaction);
    end_watches(services, transaction);
    mem_free(transaction);
    *pointer = NULL;
}

void transaction_discard(const struct services *services, struct session *session)
{
    transaction_destroy(services, &session->transaction);
    transaction_describe(session);
}

void transaction_settle(struct session *session)
{
    struct transaction *transaction = session->transaction;
    if (transaction != NULL && transaction->is_done) {
        clear_queue(transaction);
        check(transaction->watch_count == 0);
        mem_free(transaction->watches);
        mem_free(transaction);
        session->transaction = NULL;
        transaction_describe(session);
    }
}

static bool is_watched(const struct transaction *transaction, const struct access_key *key)
{
    for (uint32_t i = 0; i < transaction->watch_count; i++) {
        const struct access_key other = key_watch_key(&transaction->watches[i]);
        if (other.hash == key->hash && other.db == key->db && bytes_equal(other.name, key->name)) {
            return true;
        }
    }
    return false;
}

void transaction_watch(struct exec *x)
{
    struct transaction *transaction = make(x->transaction);
    for (uint32_t i = 0; i < x->access->key_count; i++) {
        if (is_watched(transaction, &x->access->keys[i])) {
            continue;
        }
        if (transaction->watch_count == transaction->watch_capacity) {
            transaction->watch_capacity =
                transaction->watch_capacity == 0 ? 4 : transaction->watch_capacity * 2;
            transaction->watches = mem_realloc(
                transaction->watches, transaction->watch_capacity * sizeof(*transaction->watches));
        }
        key_watch(x->access, i, &transaction->watches[transaction->watch_count++]);
    }
    if (x->session != NULL) {
        transaction_describe(x->session);
    }
}

/* ---- EXEC's keys ---- */

/* The database that the calls behind this one run in. */
static uint32_t db_after(const struct queued *queued, const struct keyspace *keyspace, uint32_t db)
{
    int64_t wanted;
    bool is_select = strcmp(queued->command->full_name, "select") == 0;
    if (is_select && number_parse_i64(queued->request.argv[1], &wanted) && wanted >= 0 &&
        wanted < keyspace_databases(keyspace)) {
        return (uint32_t)wanted;
    }
    return db;
}

/* Room for how many keys: each call's and a spare one, for exec_key_in_db. */
static uint32_t count_keys(const struct transaction *transaction)
{
    uint32_t count = transaction->watch_count;
    for (uint32_t i = 0; i < transaction->count; i++) {
        const struct queued *queued = &transaction->calls[i];
        int keys = queued->command->has_one_key
                       ? 1
                       : command_keys(queued->command, queued->request.argv, queued->request.argc,
                                      NULL, 0);
        /* Arguments that name no keys are the handler's to refuse. */
        count += keys > 0 ? (uint32_t)keys + 1 : 0;
    }
    return count;
}

/* Puts a call's keys at *at and moves it behind them and the spare one. */
static void place_keys(struct queued *queued, const struct keyspace *keyspace, uint32_t db,
                       struct access_key **at)
{
    struct access_key *keys = *at;
    if (queued->command->has_one_key) {
        keys[0].name = queued->request.argv[queued->command->first_key];
        keys[0].hash = queued->hash;
        keys[0].db = db;
        queued->key_count = 1;
    } else {
        int count = call_find_keys(keyspace, queued->command, &queued->request, db, &keys);
        queued->key_count = count > 0 ? (uint32_t)count : 0;
        if (keys != *at) {
            /* There were too many for the room that call_find_keys counts on. */
            memcpy(*at, keys, queued->key_count * sizeof(*keys));
            mem_free(keys);
        }
    }
    if (queued->key_count > 0) {
        /* The spare one is among those that are held: it names a shard of the call's. */
        (*at)[queued->key_count] = (*at)[0];
        *at += queued->key_count + 1;
    }
}

struct key_list transaction_keys(struct transaction *transaction, const struct keyspace *keyspace,
                                 uint32_t db)
{
    if (transaction->keys == NULL) {
        transaction->keys =
            mem_alloc((count_keys(transaction) + INLINE_KEYS_MAX) * sizeof(struct access_key));
    }
    struct access_key *at = transaction->keys;
    for (uint32_t i = 0; i < transaction->count; i++) {
        struct queued *queued = &transaction->calls[i];
        queued->first_key = (uint32_t)(at - transaction->keys);
        queued->key_count = 0;
        if (queued->command->key_spec_count > 0) {
            place_keys(queued, keyspace, db, &at);
        }
        db = db_after(queued, keyspace, db);
    }
    for (uint32_t i = 0; i < transaction->watch_count; i++) {
        *at++ = key_watch_key(&transaction->watches[i]);
    }
    return (struct key_list){transaction->keys, (uint32_t)(at - transaction->keys)};
}

enum access_mode transaction_mode(const struct transaction *transaction)
{
    if (transaction->watch_count > 0) {
        return ACCESS_WRITE;
    }
    for (uint32_t i = 0; i < transaction->count; i++) {
        if (transaction->calls[i].command->is_exclusive) {
            return ACCESS_WRITE;
        }
    }
    return ACCESS_READ;
}

bool transaction_wants_pool(const struct transaction *transaction)
{
    return transaction->is_open && !transaction->is_broken &&
           (transaction->is_whole || transaction->has_later || transaction->route_count > 0 ||
            (transaction->count > QUEUE_REACTOR_MAX && !transaction->has_session));
}
