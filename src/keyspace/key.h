/* What the readers and the writers of keys share. Private to keyspace. */
#ifndef POLLARD_KEYSPACE_KEY_H
#define POLLARD_KEYSPACE_KEY_H

#include "shard.h"

/* What was unlinked under the lock, released after it: one of the two. */
struct garbage {
    struct garbage *next;
    struct blob *blob;
    struct collection *collection;
};

/* The access clock: seconds, wrapping. */
static inline uint32_t entry_clock_at(int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000);
}

struct entry *key_lookup(struct access *access, uint32_t index, struct place *place);
/* Frees an unlinked entry: small memory at once, what it points to after the lock. */
void key_discard(struct access *access, struct entry *entry);

#endif
