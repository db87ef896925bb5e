/* Serving those who wait: inside the access of who brought something, before its locks are gone, so
 * that no later command can take it.
 *
 *   handler -> key_event notes keys with waiters -> block_serve: for each key, waiters in the order
 *   of their waiting: taken, their handler run on this one key in a view of the access ->
 * access_end
 *   -> block_send_home
 *
 * What a waiter does (BLMOVE pushes to its target) may make other keys ready: they are served in
 * the same loop, behind those that were ready before. A waiter whose target is not held is served
 * by a task of its own a little later; block_widen makes that rare.
 *
 * Who waits for the holder of a lease (LEASE.GET) has his turn when none is out any more and
 * nothing fresh has come: the handler runs for the first of them, gives him the next lease, and so
 * the others go on waiting; if it gives none (the key is of another type now), the next one has his
 * turn.
 *
 * Threads: any that holds the keys. */
#include "block.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/exec/dispatcher.h"
#include "pollard/keyspace/leases.h"
#include "pollard/value/collection.h"

/* Waiters of a key whose targets are held beforehand, and steps of a chain of moves. */
#define WIDEN_WAITERS_MAX 64
#define WIDEN_STEPS_MAX 8
/* Those that one access serves with the same string, or turns it gives; a task serves the next.
 * Some tens of microseconds, as long as the key's shard may be held. */
#define STRING_READERS_MAX 64
#define TURNS_MAX 64

static struct waiting *waiting_of(const struct key_waiter *waiter)
{
    return waiter->owner;
}

/* ---- Serving ---- */

/* A key that is to be served in an access of its own: its first waiter needs what was not held, too
 * many waited, or there was no access. */
struct later {
    struct pool_task task; /* first */
    struct access_waiter waiter;
    const struct services *services;
    struct access access;
    struct block_room room;
    struct access_key key;
    bool ends_turn; /* it is from keyspace_take_turns */
    unsigned char name[];
};

static void run_later(struct pool_task *task)
{
    struct later *later = (struct later *)task;
    struct keyspace *keyspace = later->services->keyspace;
    struct served served = {.last = &served.first};
    keyspace_enter(keyspace);
    while (access_try(&later->access) == ACCESS_BUSY ||
           !block_widen(&later->access, &later->room)) {
        keyspace_leave(keyspace);
        if (access_queue(&later->access, &later->waiter)) {
            return;
        }
        keyspace_enter(keyspace);
    }
    if (later->ends_turn) {
        key_end_turn(&later->access, 0);
    } else {
        key_wake(&later->access, 0);
    }
    block_serve(later->services, &later->access, &served);
    access_end(&later->access);
    keyspace_leave(keyspace);
    block_send_home(&served);
    block_room_free(&later->room);
    mem_free(later);
}

static void wake_later(struct access_waiter *waiter)
{
    struct later *later = (struct later *)((char *)waiter - offsetof(struct later, waiter));
    pool_submit(later->services->pool, &later->task, POOL_QUICK);
}

static void serve_later(const struct services *services, const struct key_note *note,
                        int64_t now_ms, bool ends_turn)
{
    struct access_key key = key_note_key(note);
    struct later *later = mem_alloc_zero(sizeof(*later) + key.name.size);
    memcpy(later->name, key.name.data, key.name.size);
    later->key = key;
    later->key.name.data = later->name;
    later->services = services;
    later->ends_turn = ends_turn;
    later->task.run = run_later;
    later->waiter.wake = wake_later;
    access_init(&later->access, services->keyspace, ACCESS_WRITE, (struct key_list){&later->key, 1},
                now_ms);
    pool_submit(services->pool, &later->task, POOL_QUICK);
}

void dispatcher_give_turns(const struct services *services)
{
    struct key_note *note = keyspace_take_turns(services->keyspace);
    while (note != NULL) {
        struct key_note *next = key_note_next_turn(note);
        serve_later(services, note, clock_ms(), /* ends_turn= */ true);
        note = next;
    }
}

/* Runs the waiting call for the one key. It is this thread's: it was taken. */
static void serve_call(struct access *access, struct job *job, uint32_t index)
{
    struct exec *x = &job->x;
    struct access view;
    uint32_t count = x->wait.key_count + (x->wait.has_target ? 1 : 0);
    access_borrow(&view, access, (struct key_list){job->keys, count});
    view.client_id = x->client_id;
    x->access = &view;
    x->now_ms = access->now_ms;
    x->is_inside = true;
    x->is_served = true;
    x->served_index = index;
    x->computes = EXEC_COMPUTES_MAX;
    uint64_t begin = clock_ticks();
    enum status status = x->command->handler(x);
    check(status != STATUS_BLOCK && status != STATUS_TO_POOL && status != STATUS_PREPARE);
    check(status != STATUS_COMPUTE && status != STATUS_PENDING);
    call_reply_status(x->reply, status);
    job->ticks += clock_ticks() - begin;
    access_return(&view, access);
}

enum serving { SERVED, SKIPPED, UNHELD };

static enum serving serve_waiter(struct access *access, struct key_waiter *waiter,
                                 struct served *served)
{
    struct waiting *waiting = waiting_of(waiter);
    if (atomic_load(&waiting->is_taken)) {
        key_unwait(access, waiter);
        return SKIPPED;
    }
    if (waiting->has_target && !access_holds(access, &waiting->target)) {
        return UNHELD;
    }
    bool is_mine = block_take(waiting);
    /* Who has taken it has the job; nobody else may look at it. */
    struct job *job = is_mine ? waiting->job : NULL;
    uint32_t index = waiter->index;
    /* The waiting is the reactor's from here on, and may be freed when its last waiter is off. */
    key_unwait(access, waiter);
    if (!is_mine) {
        return SKIPPED;
    }
    serve_call(access, job, index);
    job->next = NULL;
    *served->last = job;
    served->last = &job->next;
    return SERVED;
}

/* Has the key what this one waits for? Who waits for another type, for more of it, or for a fresh
 * value, goes on waiting. */
static bool has_enough(const struct access *access, const struct key_note *note,
                       const struct waiting *waiting, const struct value *value)
{
    if (waiting->type != value->type) {
        return false;
    }
    if (value->type == VALUE_STRING) {
        return key_note_is_fresh(access, note);
    }
    return collection_count(value->collection) >= waiting->least;
}

/* Serves the waiters of one key for as long as it has something for them. False: a task does the
 * rest. */
static bool serve_value(const struct services *services, struct access *access,
                        struct key_note *note, struct served *served)
{
    struct key_waiter *waiter = key_note_first(note);
    uint32_t readers = 0;
    while (waiter != NULL) {
        struct key_waiter *next = key_waiter_next(waiter);
        struct value value;
        if (!key_note_value(access, note, &value)) {
            return true;
        }
        /* A string is left where it is, however many get it. */
        bool is_enough = has_enough(access, note, waiting_of(waiter), &value);
        readers += is_enough && value.type == VALUE_STRING;
        if (is_enough &&
            (readers > STRING_READERS_MAX || serve_waiter(access, waiter, served) == UNHELD)) {
            serve_later(services, note, access->now_ms, /* ends_turn= */ false);
            return false;
        }
        waiter = next;
    }
    return true;
}

/* Gives those who wait for a lease their turns until one is out. */
static void serve_turns(const struct services *services, struct access *access,
                        struct key_note *note, struct served *served)
{
    struct key_waiter *waiter = key_note_first(note);
    uint32_t turns = 0;
    while (waiter != NULL && key_note_has_turn(access, note)) {
        struct key_waiter *next = key_waiter_next(waiter);
        if (waiter->takes_turns && ++turns > TURNS_MAX) {
            serve_later(services, note, access->now_ms, /* ends_turn= */ false);
            return;
        }
        if (waiter->takes_turns) {
            (void)serve_waiter(access, waiter, served); /* It has no target that is not held. */
        }
        waiter = next;
    }
}

void block_serve(const struct services *services, struct access *access, struct served *served)
{
    struct key_note *note;
    while ((note = access_next_ready(access)) != NULL) {
        if (serve_value(services, access, note, served)) {
            serve_turns(services, access, note, served);
        }
        access_end_ready(access, note);
    }
}

void block_send_home(struct served *served)
{
    struct job *job = served->first;
    while (job != NULL) {
        /* From job_finish on it may be freed. */
        struct job *next = job->next;
        job_finish(job, STATUS_REPLIED);
        job = next;
    }
}

/* ---- Holding targets beforehand ---- */

void block_room_free(struct block_room *room)
{
    for (uint32_t i = 0; i < room->count; i++) {
        mem_free((void *)room->keys[i].name.data);
    }
    mem_free(room->keys);
    *room = (struct block_room){0};
}

/* The name is copied: a wait may end when the locks are let go. */
static void add_target(struct block_room *room, const struct access_key *target)
{
    unsigned char *name = mem_alloc(target->name.size);
    if (room->count == room->capacity) {
        room->capacity = room->capacity == 0 ? 16 : room->capacity * 2;
        room->keys = mem_realloc(room->keys, room->capacity * sizeof(*room->keys));
    }
    if (target->name.size > 0) {
        memcpy(name, target->name.data, target->name.size);
    }
    room->keys[room->count] = *target;
    room->keys[room->count].name.data = name;
    room->count++;
}

/* The targets of those who wait for this key, unless they are held. True if there are any. */
static bool add_targets_of(const struct access *access, const struct access_key *key,
                           struct block_room *room)
{
    const struct key_note *note = key_note(access, key);
    struct key_waiter *waiter = note == NULL ? NULL : key_note_first(note);
    bool added = false;
    for (uint32_t i = 0; waiter != NULL && i < WIDEN_WAITERS_MAX; i++) {
        const struct waiting *waiting = waiting_of(waiter);
        if (waiting->has_target && !access_holds(access, &waiting->target)) {
            add_target(room, &waiting->target);
            added = true;
        }
        waiter = key_waiter_next(waiter);
    }
    return added;
}

bool block_widen(struct access *access, struct block_room *room)
{
    /* Of the room's keys these are held: what is added below may move the array. */
    uint32_t held = access->extra.count;
    if (access->has_all) {
        return true;
    }
    for (int step = 0; step < WIDEN_STEPS_MAX; step++) {
        bool added = false;
        for (uint32_t i = 0; i < access->key_count; i++) {
            added |= add_targets_of(access, &access->keys[i], room);
        }
        /* What is moved to a target may be waited for in turn. */
        for (uint32_t i = 0; i < held; i++) {
            const struct access_key key = room->keys[i];
            added |= add_targets_of(access, &key, room);
        }
        if (!added) {
            return true;
        }
        access_end(access);
        held = room->count;
        access->extra = (struct key_list){room->keys, held};
        access->has_extras = true;
        if (access_try(access) == ACCESS_BUSY) {
            return false;
        }
    }
    /* A longer chain of moves is served step by step (serve_later). */
    return true;
}
