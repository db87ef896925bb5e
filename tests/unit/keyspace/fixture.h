/* What the tests of the keyspace share: one keyspace on one thread, with short calls for single
 * keys. Every call is an access of its own at the time fixture.now_ms. */
#ifndef POLLARD_TESTS_KEYSPACE_FIXTURE_H
#define POLLARD_TESTS_KEYSPACE_FIXTURE_H

#include "pollard/keyspace/access.h"
#include "pollard/keyspace/keyspace.h"

struct fixture {
    struct keyspace_options options;
    struct keyspace *keyspace;
    int64_t now_ms;
    int64_t told_due_ms; /* what want_expire said last */
    uint32_t reclaims;   /* how often want_reclaim was called */
    size_t used_before;  /* mem_used() before the keyspace was made */
};

/* A keyspace of that many shards (0: as by default) and four databases, hashed by a fixed seed. */
void fixture_begin(struct fixture *fixture, int64_t shards);
/* Verifies, destroys, and expects all memory back. */
void fixture_end(struct fixture *fixture);

/* Opens an access for keys of names; entered and granted. */
void fixture_open(struct fixture *fixture, struct access *access, enum access_mode mode,
                  struct access_key *keys, uint32_t key_count);
void fixture_close(struct fixture *fixture, struct access *access);
struct access_key fixture_key(const struct fixture *fixture, uint32_t db, struct bytes name);

void fixture_put(struct fixture *fixture, uint32_t db, struct bytes name, struct value value,
                 int64_t expires_at_ms);
/* SWAPDB. */
void fixture_swap(struct fixture *fixture, uint32_t a, uint32_t b);
bool fixture_delete(struct fixture *fixture, uint32_t db, struct bytes name);
bool fixture_has(struct fixture *fixture, uint32_t db, struct bytes name);
int64_t fixture_expiry(struct fixture *fixture, uint32_t db, struct bytes name);
/* Prints "key:<number>" into room (>= 32 bytes). */
struct bytes fixture_name(char *room, uint64_t number);
/* Calls keyspace_expire until it has nothing due. Returns the next due time. */
int64_t fixture_expire_all(struct fixture *fixture);

#endif
