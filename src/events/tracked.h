/* The table of tracked keys: key -> clients, and the prefixes of those that want to hear of all.
 * Private to the room.
 *
 *   hash bits 56 .. 63: stripe {lock, buckets}      bits 20 .. 51: bucket, split one at a time
 *   bucket -> tracked -> tracked -> NULL            tracked: its clients, its name
 *
 * Threads: any; a stripe's lock is held for a look-up and a few stores. emit is called under it.
 * Invariants:
 * 1. A key is in the table once, in the stripe and bucket of its hash, with at least one client.
 * 2. What emit gets is in no table any more, and emit's. */
#ifndef POLLARD_EVENTS_TRACKED_H
#define POLLARD_EVENTS_TRACKED_H

#include "pollard/client/push.h"
#include "pollard/keyspace/event.h"
#include "prefixes.h"

/* A client as the table knows it: its reactor in the top byte, its id below. */
#define TRACKED_CLIENT_BITS 56
static_assert(THREADS_MAX <= 256, "a reactor's index has to fit into a byte");

static inline uint64_t tracked_client(uint32_t reactor, uint64_t id)
{
    return (uint64_t)reactor << TRACKED_CLIENT_BITS | id;
}
static inline uint32_t tracked_client_reactor(uint64_t client)
{
    return (uint32_t)(client >> TRACKED_CLIENT_BITS);
}
static inline uint64_t tracked_client_id(uint64_t client)
{
    return client & ((UINT64_C(1) << TRACKED_CLIENT_BITS) - 1);
}

/* A key: in the table, and after it was taken out the message about it. */
struct tracked {
    union {
        struct {
            struct tracked *next;
            uint64_t hash;
        };
        struct push push;
    };
    void *owner;     /* emit's, when taken out */
    uint64_t writer; /* whose command changed it; 0: nobody's. Set when taken out */
    uint32_t name_size;
    uint32_t client_count;
    uint32_t client_slots; /* 0: the only client is in `client` */
    _Atomic uint32_t references;
    union {
        uint64_t client;
        uint64_t *clients; /* open addressing, 0: free */
    };
    unsigned char name[];
};

/* Its clients, by place; 0: nobody is there. */
static inline uint32_t tracked_places(const struct tracked *tracked)
{
    return tracked->client_slots == 0 ? 1 : tracked->client_slots;
}
static inline uint64_t tracked_at(const struct tracked *tracked, uint32_t place)
{
    return tracked->client_slots == 0 ? tracked->client : tracked->clients[place];
}
static inline struct bytes tracked_name(const struct tracked *tracked)
{
    return bytes_make(tracked->name, tracked->name_size);
}
void tracked_free(struct tracked *tracked);

/* What was taken out is told to its clients, and to those of the prefixes on these reactors. */
struct tracked_sink {
    void *context;
    void (*emit)(void *context, struct tracked *tracked, const struct reactor_set *broadcast);
};

struct tracked_keys;
ATTR_MUST_USE struct tracked_keys *tracked_keys_create(const struct tracked_sink *sink);
void tracked_keys_destroy(struct tracked_keys **keys);

struct tracked_reader {
    uint64_t client;
    uint64_t keys_max;    /* of the table; 0: none */
    uint32_t clients_max; /* of a key */
};
/* The reader is to hear of the next change of the key. At the limits others are emitted: keys here
 * and there in the table, or the key itself, which has no other client then. True: some were. */
bool tracked_add(struct tracked_keys *keys, const struct key_change *key,
                 const struct tracked_reader *reader);
/* The key has changed: emitted when it is in the table or has one of the prefixes. */
void tracked_change(struct tracked_keys *keys, const struct key_change *change);
/* The prefixes from now on; returns when nobody looks at the former ones any more. */
void tracked_use_prefixes(struct tracked_keys *keys, const struct prefix_set *prefixes);
/* Empties the table, O(1) in keys; NULL when it was empty. What is returned is to be freed. */
struct tracked_batch *tracked_take_all(struct tracked_keys *keys);
/* O(keys) */
void tracked_batch_free(struct tracked_batch *batch);

uint64_t tracked_count_keys(const struct tracked_keys *keys);
uint64_t tracked_count_items(struct tracked_keys *keys);
/* Checks the invariants; aborts on a broken one. Tests. */
void tracked_verify(struct tracked_keys *keys);

#endif
