/* What the readers and the writers of keys share. Private to keyspace. */
#ifndef POLLARD_KEYSPACE_KEY_H
#define POLLARD_KEYSPACE_KEY_H

#include "evict_use.h"

/* What was unlinked under the lock, released after it: one of the two. */
struct garbage {
    struct garbage *next;
    struct blob *blob;
    struct collection *collection;
};

/* The entry is used. Shared lock. */
static inline void clock_touch(const struct access *access, struct entry *entry)
{
    const struct keyspace *keyspace = access->keyspace;
    uint32_t policy = policy_of(&keyspace->options->maxmemory_policy);
    uint32_t clock = clock_get(entry);
    uint32_t used = clock_used(keyspace, policy, clock, access->now_ms);
    /* Stored only when it changes: readers of a hot key leave its line alone. */
    if (used != clock) {
        clock_put(entry, used);
    }
}

/* Its value is changed, which is a use too. Exclusive lock. */
static inline void clock_change(const struct access *access, struct entry *entry)
{
    uint32_t policy = policy_of(&access->keyspace->options->maxmemory_policy);
    if (UNLIKELY((policy & POLICY_CLOCK) == CLOCK_CHANGE)) {
        clock_put(entry, clock_by_use(access->now_ms));
        return;
    }
    clock_touch(access, entry);
}

struct entry *key_lookup(struct access *access, uint32_t index, struct place *place);
/* Frees an unlinked entry: small memory at once, what it points to after the lock. */
void key_discard(struct access *access, struct entry *entry);

#endif
