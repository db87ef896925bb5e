/* Leases: against a stampede, one caller at a time is to rebuild the value of a key, which may be
 * missing. A lease is a note of the key's shard (notes.h) and lives for a bounded time.
 *
 *   key_lease -> token --- key_take_lease(token): the value is brought
 *                     +--- its time is over
 *                     +--- the key is written or deleted by others, its database flushed or swapped
 *
 * That the value expires, is evicted, or gets another expiry does not end it.
 *
 * Who waits for what the holder brings (key_waiter.takes_turns) waits while a lease is out. What
 * ends it without a fresh value gives the longest waiting one his turn: within the access that
 * ended it (access_next_ready); where there is none (a flush, a deletion by prefix, the sweep of
 * leases that are over) the key is in a list of the keyspace, and hooks.want_turns asks for an
 * access of its own.
 *
 * Threads: under the exclusive lock of the key's shard, but where it says other. */
#ifndef POLLARD_KEYSPACE_LEASES_H
#define POLLARD_KEYSPACE_LEASES_H

#include "pollard/keyspace/notes.h"

/* Leases out in a shard; more are refused. */
#define SHARD_LEASES_MAX 1024

struct key_lease {
    uint64_t token; /* unguessable, never 0 */
    int64_t end_ms;
    bool is_new; /* given to this caller */
};

/* WRITE access. The lease of the key: a new one for so many ms (above 0) if none is out. STATUS_OK;
 * STATUS_LEASES_FULL. O(1). */
enum status key_lease(struct access *access, uint32_t index, int64_t ms,
                      struct key_lease *ret_lease);
/* Ends the lease if it is still out and has this token; else false. WRITE access. O(1). */
bool key_take_lease(struct access *access, uint32_t index, uint64_t token);

/* ---- Turns ---- */

/* Does anybody who waits for the note's key wait for its lease, while none is out? For an access
 * that holds the key. */
bool key_note_has_turn(const struct access *access, const struct key_note *note);
/* The keys whose turns are due, in no order; NULL: none. They are the caller's, who ends each with
 * key_end_turn. Any thread, without a lock; O(1). */
struct key_note *keyspace_take_turns(struct keyspace *keyspace);
/* The one behind it; before its key_end_turn. Any thread. */
struct key_note *key_note_next_turn(const struct key_note *note);
/* WRITE access to a key that was taken: it is among the ready ones now, if somebody still waits. */
void key_end_turn(struct access *access, uint32_t index);

/* Keys with a lease that nobody has taken yet, those that are just over included. Any thread. */
uint64_t keyspace_leased_keys(const struct keyspace *keyspace);

#endif
