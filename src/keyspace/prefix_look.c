/* Lookups and stores by prefix: sampled into tallies of the thread, summed on demand. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "prefix.h"
#include <stdlib.h>

/* Hashes of expired keys that are remembered, each in the one place it can be: a power of two. */
#define EXPIRED_SLOTS 65536

/* The tallies of a row, over all threads. */
struct prefix_sum {
    uint64_t hits;
    uint64_t misses;
    uint64_t misses_expired;
    uint64_t evictions;
    uint64_t sets;
    uint64_t own_bytes; /* these two are not reset */
    uint64_t long_bytes;
};

/* ---- Keys that expired ---- */

/* What stands for a hash; 0 is an empty slot. */
static uint32_t mark_of(uint32_t hash)
{
    return hash | 1;
}

static _Atomic uint32_t *expired_slots(struct prefixes *prefixes)
{
    return atomic_load_explicit(&prefixes->expired, memory_order_acquire);
}

static _Atomic uint32_t *make_expired(struct prefixes *prefixes)
{
    _Atomic uint32_t *slots = NULL;
    _Atomic uint32_t *made = mem_alloc_zero(EXPIRED_SLOTS * sizeof(*made));
    if (!atomic_compare_exchange_strong_explicit(&prefixes->expired, &slots, made,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        mem_free((void *)made);
        return slots;
    }
    return made;
}

void prefixes_expired(struct keyspace *keyspace, uint32_t hash)
{
    if (keyspace->prefixes == NULL) {
        return;
    }
    _Atomic uint32_t *slots = expired_slots(keyspace->prefixes);
    if (slots == NULL) {
        slots = make_expired(keyspace->prefixes);
    }
    /* The high bits: shards and buckets are chosen by the low ones. */
    atomic_store_explicit(&slots[hash >> 16], mark_of(hash), memory_order_relaxed);
}

void prefixes_unexpire(struct prefixes *prefixes, uint32_t hash)
{
    _Atomic uint32_t *slots = expired_slots(prefixes);
    if (slots != NULL &&
        atomic_load_explicit(&slots[hash >> 16], memory_order_relaxed) == mark_of(hash)) {
        atomic_store_explicit(&slots[hash >> 16], 0, memory_order_relaxed);
    }
}

static bool has_expired(struct prefixes *prefixes, uint32_t hash)
{
    _Atomic uint32_t *slots = expired_slots(prefixes);
    return slots != NULL &&
           atomic_load_explicit(&slots[hash >> 16], memory_order_relaxed) == mark_of(hash);
}

/* ---- Tallies ---- */

int prefixes_look(const struct access *access, uint32_t index, enum prefix_event event, int result)
{
    const struct access_key *key = &access->keys[index];
    struct prefixes *prefixes = access->keyspace->prefixes;
    uint32_t weight = sampler_next(&prefix_sampler, prefixes == NULL ? 0 : PREFIX_SAMPLE_RATIO);
    if (weight == 0) {
        return result;
    }
    struct prefix_thread *self = prefix_thread_self(prefixes);
    struct prefix_tally *tally = &self->tallies[prefix_index(prefixes, self, key->name)];
    if (event == PREFIX_HIT) {
        stat_counter_add(&tally->hits, weight);
    } else if (event == PREFIX_SET) {
        stat_counter_add(&tally->sets, weight);
    } else {
        stat_counter_add(&tally->misses, weight);
        if (event == PREFIX_MISS_EXPIRED || has_expired(prefixes, table_hash(key->hash))) {
            stat_counter_add(&tally->misses_expired, weight);
        }
    }
    return result;
}

void prefixes_evicted(struct keyspace *keyspace, struct bytes name)
{
    struct prefixes *prefixes = keyspace->prefixes;
    if (prefixes == NULL) {
        return;
    }
    struct prefix_thread *self = prefix_thread_self(prefixes);
    stat_counter_add(&self->tallies[prefix_index(prefixes, self, name)].evictions, 1);
}

/* ---- Figures ---- */

static uint64_t counter_get(const stat_counter *counter)
{
    return atomic_load_explicit((stat_counter *)counter, memory_order_relaxed);
}

/* Since the start, whatever was reset. */
static struct prefix_sum *sum_tallies(struct prefixes *prefixes, uint32_t count)
{
    struct prefix_sum *sums = mem_alloc_zero(count * sizeof(*sums));
    for (uint32_t i = 0; i < thread_index_limit(); i++) {
        /* Acquire: pairs with the release in prefix_thread_make. */
        const struct prefix_thread *thread =
            atomic_load_explicit(&prefixes->threads[i], memory_order_acquire);
        for (uint32_t row = 0; thread != NULL && row < count; row++) {
            const struct prefix_tally *tally = &thread->tallies[row];
            sums[row].hits += counter_get(&tally->hits);
            sums[row].misses += counter_get(&tally->misses);
            sums[row].misses_expired += counter_get(&tally->misses_expired);
            sums[row].evictions += counter_get(&tally->evictions);
            sums[row].sets += counter_get(&tally->sets);
            sums[row].own_bytes += counter_get(&tally->own_bytes);
            sums[row].long_bytes += counter_get(&tally->long_bytes);
        }
    }
    return sums;
}

static uint64_t not_negative(int64_t number)
{
    return number < 0 ? 0 : (uint64_t)number;
}

/* Threads take away what others have brought: while they run, a sum over stripes may be a little
 * below 0. */
static void fill_sizes(struct prefix_row *row, const struct prefix_size_sum *size,
                       const struct prefix_sum *sum)
{
    row->keys = not_negative(size->keys);
    row->bytes = not_negative(size->bytes);
    if (sum->own_bytes > 0 && size->collections > 0) {
        row->bytes += (uint64_t)((double)size->collections * (double)sum->long_bytes /
                                 (double)sum->own_bytes);
    }
}

static void fill_row(struct prefix_row *row, uint32_t index, const struct prefix *prefix,
                     const struct prefix_sum *sum)
{
    row->kind = prefix != NULL ? PREFIX_NAMED : (enum prefix_kind)index;
    row->name = prefix != NULL ? bytes_make(prefix->name, prefix->size) : bytes_make(NULL, 0);
    row->hits = sum->hits;
    row->misses = sum->misses;
    row->misses_expired = sum->misses_expired;
    row->evictions = sum->evictions;
    row->sets = sum->sets;
}

/* Takes what the last reset saw off the sums. */
static void subtract_zero(struct prefixes *prefixes, struct prefix_sum *sums, uint32_t count)
{
    lock_acquire(&prefixes->lock);
    const struct prefix_sum *zero = prefixes->zero;
    for (uint32_t i = 0; zero != NULL && i < count; i++) {
        sums[i].hits -= zero[i].hits;
        sums[i].misses -= zero[i].misses;
        sums[i].misses_expired -= zero[i].misses_expired;
        sums[i].evictions -= zero[i].evictions;
        sums[i].sets -= zero[i].sets;
    }
    lock_release(&prefixes->lock);
}

static bool is_empty(const struct prefix_row *row)
{
    return (row->keys | row->bytes | row->hits | row->misses | row->evictions | row->sets) == 0;
}

static int by_bytes(const void *a, const void *b)
{
    const struct prefix_row *first = a;
    const struct prefix_row *second = b;
    if (first->bytes != second->bytes) {
        return first->bytes > second->bytes ? -1 : 1;
    }
    if (first->kind != second->kind) {
        return first->kind > second->kind ? -1 : 1;
    }
    return bytes_compare(first->name, second->name);
}

bool keyspace_has_prefixes(const struct keyspace *keyspace)
{
    return keyspace->prefixes != NULL;
}

size_t keyspace_prefixes(struct keyspace *keyspace, struct prefix_row **ret_rows)
{
    struct prefixes *prefixes = keyspace->prefixes;
    *ret_rows = NULL;
    if (prefixes == NULL) {
        return 0;
    }
    uint32_t count = atomic_load_explicit(&prefixes->count, memory_order_acquire);
    struct prefix_row *rows = mem_alloc_zero(count * sizeof(*rows));
    struct prefix_size_sum *sizes = mem_alloc_zero(count * sizeof(*sizes));
    struct prefix_sum *sums = sum_tallies(prefixes, count);
    subtract_zero(prefixes, sums, count);
    for (uint32_t db = 0; db < keyspace->database_count; db++) {
        prefix_sizes_add(database_of(keyspace, db), sizes, count);
    }
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct prefix *prefix =
            atomic_load_explicit(&prefixes->rows[i], memory_order_relaxed);
        fill_row(&rows[used], i, prefix, &sums[i]);
        fill_sizes(&rows[used], &sizes[i], &sums[i]);
        used += !is_empty(&rows[used]);
    }
    mem_free(sizes);
    qsort(rows, used, sizeof(*rows), by_bytes);
    mem_free(sums);
    *ret_rows = rows;
    return used;
}

void keyspace_prefixes_reset(struct keyspace *keyspace)
{
    struct prefixes *prefixes = keyspace->prefixes;
    if (prefixes == NULL) {
        return;
    }
    struct prefix_sum *sums = sum_tallies(prefixes, prefixes->max + PREFIX_FIRST);
    lock_acquire(&prefixes->lock);
    struct prefix_sum *old = prefixes->zero;
    prefixes->zero = sums;
    lock_release(&prefixes->lock);
    mem_free(old);
}
