/* Keyed hashing and randomness.
 *
 * hash_keyed() is on the data path once a key. Any thread: secrets are constant once filled, the
 * random generator is the thread's own. */
#define _GNU_SOURCE
#include "pollard/base/hash.h"
#include "pollard/base/check.h"
#include <errno.h>
#include <sys/random.h>

/* The short-key paths are a few multiplications: a call into the shared library would cost as much
 * again. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Odd constant nearest to 2^64 divided by the golden ratio: successive multiples of it are spread
 * evenly (Weyl sequence). */
#define WEYL_STEP UINT64_C(0x9e3779b97f4a7c15)

_Static_assert(sizeof(((struct hash_secret *)0)->bytes) >= XXH3_SECRET_SIZE_MIN,
               "XXH3 needs a larger secret");

static _Thread_local uint64_t random_state;
static _Thread_local bool random_is_seeded;

void random_bytes(void *ret_bytes, size_t size)
{
    unsigned char *out = ret_bytes;
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0) {
            check(errno == EINTR);
            continue;
        }
        out += got;
        size -= (size_t)got;
    }
}

/* Finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * 2014): every input bit changes each output bit with probability one half. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t random_u64(void)
{
    if (UNLIKELY(!random_is_seeded)) {
        random_bytes(&random_state, sizeof(random_state));
        random_is_seeded = true;
    }
    random_state += WEYL_STEP;
    return mix(random_state);
}

uint64_t random_below(uint64_t bound)
{
    check(bound > 0);
    /* The first values are dropped so that the number of those left is a multiple of bound. */
    uint64_t drop = (0 - bound) % bound;
    uint64_t value = random_u64();
    while (value < drop) {
        value = random_u64();
    }
    return value % bound;
}

void hash_secret_random(struct hash_secret *ret_secret)
{
    random_bytes(ret_secret->bytes, sizeof(ret_secret->bytes));
}

void hash_secret_fixed(struct hash_secret *ret_secret, uint64_t seed)
{
    for (size_t at = 0; at < sizeof(ret_secret->bytes); at += sizeof(seed)) {
        seed += WEYL_STEP;
        uint64_t word = mix(seed);
        memcpy(ret_secret->bytes + at, &word, sizeof(word));
    }
}

uint64_t hash_keyed(const struct hash_secret *secret, struct bytes bytes)
{
    return XXH3_64bits_withSecret(bytes.data, bytes.size, secret->bytes, sizeof(secret->bytes));
}

uint64_t hash_digest(struct bytes bytes)
{
    return XXH3_64bits(bytes.data, bytes.size);
}
