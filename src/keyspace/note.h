/* Notes of a shard. Private to keyspace; see pollard/keyspace/notes.h. */
#ifndef POLLARD_KEYSPACE_NOTE_H
#define POLLARD_KEYSPACE_NOTE_H

#include "pollard/keyspace/notes.h"
#include "shard.h"

struct key_note {
    struct key_note *chain;      /* of its slot */
    struct key_note *next_ready; /* in an access's list */
    struct key_waiter *first;
    struct key_waiter *last;
    _Atomic uint64_t version; /* changes with the key; CLIENT LIST looks at it without the lock */
    uint64_t hash;
    uint32_t db;
    uint32_t watchers;
    bool is_ready; /* in an access's list, or being served */
    uint32_t name_size;
    unsigned char name[];
};

/* The note of a key; NULL: none. The shard is held. */
struct key_note *note_find(const struct keyspace *keyspace, const struct access_key *key);
/* The key has changed: its watchers will see it; the note goes to the ready list if someone waits
 * for the key. access: NULL when there is none to serve in. */
void note_touch(struct keyspace *keyspace, const struct access_key *key, struct access *access);
/* A database is about to be emptied, or swapped with another (else UINT32_MAX): its watched keys
 * that exist in either have changed. With every thread kept out. access as in note_touch: gets the
 * keys of both that are waited for. */
void notes_touch_databases(struct keyspace *keyspace, uint32_t db, uint32_t other,
                           struct access *access);
void notes_destroy(struct keyspace *keyspace);

#endif
