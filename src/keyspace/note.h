/* Notes of a shard. Private to keyspace; see pollard/keyspace/notes.h. */
#ifndef POLLARD_KEYSPACE_NOTE_H
#define POLLARD_KEYSPACE_NOTE_H

#include "pollard/keyspace/notes.h"
#include "shard.h"

struct key_note {
    struct key_note *chain;      /* of its slot */
    struct key_note *next_ready; /* in an access's list */
    struct key_note *next_turn;  /* in the keyspace's list (leases.h) */
    struct key_waiter *first;
    struct key_waiter *last;
    uint64_t lease; /* the token of who is to rebuild the value (leases.h); 0: none */
    int64_t lease_end_ms;
    _Atomic uint64_t version; /* changes with the key; CLIENT LIST looks at it without the lock */
    uint64_t hash;
    uint32_t db;
    uint32_t watchers;
    uint32_t turn_count; /* of those that wait: who take turns */
    bool is_ready;       /* in an access's list, or being served */
    bool is_turn_due;    /* in the keyspace's list, or until its turn is given */
    uint32_t name_size;
    unsigned char name[];
};

/* Notes have watchers, waiters, a lease, or are in a list; else they are dropped. The shard is held
 * exclusively.
 * note_make: the key's note, made when missing; its user puts something into it. */
struct key_note *note_make(struct keyspace *keyspace, const struct access_key *key);
/* Frees a note that nobody needs any more. */
void note_drop(struct keyspace *keyspace, struct key_note *note);
/* The note of a key; NULL: none. The shard is held. */
struct key_note *note_find(const struct keyspace *keyspace, const struct access_key *key);
/* The key has changed: its watchers will see it; the note goes to the ready list if someone waits
 * for the key. access: NULL when there is none to serve in. ends_lease: it was written or deleted,
 * which makes what the holder of a lease may bring obsolete. */
void note_touch(struct keyspace *keyspace, const struct access_key *key, struct access *access,
                bool ends_lease);
/* Puts the note among those that the access serves, if somebody waits for its key. */
void note_make_ready(struct access *access, struct key_note *note);
/* A database is about to be emptied, or swapped with another (else UINT32_MAX): its watched keys
 * that exist in either have changed. With every thread kept out. access as in note_touch: gets the
 * keys of both that are waited for. */
void notes_touch_databases(struct keyspace *keyspace, uint32_t db, uint32_t other,
                           struct access *access);
/* ---- lease.c ---- */

/* Ends the lease of a note, if it has one, and sees to it that the next of those who wait for its
 * holder has his turn: in the access, NULL: soon (keyspace_take_turns). The note may be gone after.
 * The shard is held. */
void note_end_lease(struct keyspace *keyspace, struct key_note *note, struct access *access);
/* Has the turns given that are due. With no shard held. */
void keyspace_tell_turns(struct keyspace *keyspace);
/* The key, which is not there, was to be deleted: a lease of it ends. */
void key_end_lease(struct access *access, uint32_t index);
/* Drops leases of the shard that are over if it is time to look, and finds when it is next. */
void shard_sweep_leases(struct keyspace *keyspace, struct shard *shard, int64_t now_ms);
/* Ends the shard's leases of keys of the database with that prefix. */
void shard_end_leases(struct keyspace *keyspace, struct shard *shard, uint32_t db,
                      struct bytes prefix);

void notes_destroy(struct keyspace *keyspace);

#endif
