/* Keyed hashing of keys (XXH3 with a random secret), and the digest of DIGEST (XXH3, seed 0). */
#ifndef POLLARD_BASE_HASH_H
#define POLLARD_BASE_HASH_H

#include "pollard/base/bytes.h"

/* The secret of one keyspace: filled from the system's randomness. */
struct hash_secret {
    unsigned char bytes[192];
};

void hash_secret_random(struct hash_secret *ret_secret);
/* A fixed one for reproducible tests. */
void hash_secret_fixed(struct hash_secret *ret_secret, uint64_t seed);
uint64_t hash_keyed(const struct hash_secret *secret, struct bytes bytes);
uint64_t hash_digest(struct bytes bytes);
/* Random bytes from the system; aborts if it has none. */
void random_bytes(void *ret_bytes, size_t size);
/* Fast per-thread generator (not for secrets), seeded from the system. */
uint64_t random_u64(void);
/* Uniform in 0 .. bound - 1, bound > 0; no modulo bias. */
uint64_t random_below(uint64_t bound);

#endif
