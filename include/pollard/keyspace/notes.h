/* Notes: what a shard remembers of keys that are watched (WATCH), waited for (BLPOP and others) or
 * leased (leases.h), whether they exist or not. Other keys have none, and cost nothing.
 *
 *   shard -> notes: {db, name} -> version, watchers, waiters in the order in which they came
 *
 * Threads: a note is touched under its shard's exclusive lock only. A reference (a watch, a waiter
 * that hangs on it) keeps its address and name for as long as it is held. */
#ifndef POLLARD_KEYSPACE_NOTES_H
#define POLLARD_KEYSPACE_NOTES_H

#include "pollard/keyspace/access.h"

struct key_note;

/* ---- Watching ---- */

struct key_watch {
    struct key_note *note;
    uint64_t hash;    /* of the key: its shard is found without the lock */
    uint64_t version; /* that it had when the watch began */
};

/* Begins to watch a key of a WRITE access; a watch must be ended by one of the two below. O(1). */
void key_watch(struct access *access, uint32_t index, struct key_watch *ret_watch);
/* Is the key as it was when the watch began: neither changed nor expired, flushed or swapped? For
 * an access that holds it. */
bool key_watch_is_intact(const struct access *access, const struct key_watch *watch);
/* Was the key told to have changed? Without a lock, and so but a hint: for CLIENT LIST. Any thread
 * that owns the watch. */
bool key_watch_has_changed(const struct key_watch *watch);
void key_unwatch(struct access *access, struct key_watch *watch);
/* Ends watches with no access open, taking the locks one by one. patient: waits for each (pool
 * only); else tries. Returns how many are left: they are moved to the front. */
uint32_t keyspace_unwatch(struct keyspace *keyspace, struct key_watch *watches, uint32_t count,
                          bool patient);
/* The watched key; the name is the note's. */
struct access_key key_watch_key(const struct key_watch *watch);

/* ---- Waiting ---- */

/* Embedded by who waits. */
struct key_waiter {
    void *owner;    /* the waiting call's */
    uint32_t index; /* of the key among the owner's */
    /* It waits for what the holder of the key's lease brings, and for its turn when none is out. */
    bool takes_turns;
    /* private */
    struct key_waiter *previous;
    struct key_waiter *next;
    struct key_note *note; /* NULL: hangs on nothing */
    uint64_t hash;
};

/* Hangs it behind those that wait for the key already. WRITE access. O(1). */
void key_wait(struct access *access, uint32_t index, struct key_waiter *waiter);
/* Takes it off; for an access that holds its key. Does nothing when it hangs on nothing. */
void key_unwait(struct access *access, struct key_waiter *waiter);
/* The same with no access open. patient: waits for the lock (pool only); else false when it could
 * not be had. */
bool keyspace_unwait(struct keyspace *keyspace, struct key_waiter *waiter, bool patient);
/* The longest waiting one, and the one behind it; NULL: none. The access holds the note's key. */
struct key_waiter *key_note_first(const struct key_note *note);
struct key_waiter *key_waiter_next(const struct key_waiter *waiter);
/* The note of a key that the access holds, NULL when it has none. O(1). */
struct key_note *key_note(const struct access *access, const struct access_key *key);
struct access_key key_note_key(const struct key_note *note);
/* The live value under the note's key, which the access holds. False when there is none. */
bool key_note_value(const struct access *access, const struct key_note *note,
                    struct value *ret_value);
/* Is there a live value under it whose soft time, if it has one, has not come? */
bool key_note_is_fresh(const struct access *access, const struct key_note *note);
/* Puts the key among the ready ones if somebody waits for it, though no event was told. */
void key_wake(struct access *access, uint32_t index);

/* The next key of which an event was told in this access, or whose lease it ended, and that has
 * waiters; NULL: no more. It may be told of again while it is being served. */
struct key_note *access_next_ready(struct access *access);
/* After its waiters have been looked through. */
void access_end_ready(struct access *access, struct key_note *note);

/* Keys that are waited for, and that are watched. Any thread; for INFO. */
uint64_t keyspace_waited_keys(const struct keyspace *keyspace);
uint64_t keyspace_watched_keys(const struct keyspace *keyspace);

#endif
