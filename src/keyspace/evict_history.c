/* What is known of keys that were evicted: how often they were used. A key that comes again goes
 * on from there (tinylfu), or is known to be worth more than a first visit (s3fifo).
 *
 *   a set, one word:  [epoch 4 | 4 x (10 bits of the hash, uses 5)]
 *
 * Lossy: of a full set the one with the fewest uses goes, of equals the oldest. Uses halve with
 * each epoch, when the set is next changed.
 * Threads: any; a set is read and written as one word, and of two changes at once one is lost. */
#include "evict.h"
#include "pollard/base/mem.h"

#define SET_WAYS 4
#define WAY_BITS 15
#define WAY_MASK ((UINT64_C(1) << WAY_BITS) - 1)
#define USES_BITS 5
#define USES_MASK ((UINT32_C(1) << USES_BITS) - 1)
#define MARK_MASK UINT32_C(1023)
#define EPOCH_SHIFT 60
#define EPOCH_MASK UINT32_C(15)
/* Keys remembered for each one that is there, at most. */
#define KEYS_PER_KEY 2
#define SETS_MIN 64

struct history {
    uint32_t bits; /* log2 of the sets */
    _Atomic uint64_t sets[];
};

struct set {
    uint32_t ways[SET_WAYS]; /* newest first; 0: none */
};

static _Atomic uint64_t *set_of(const struct history *history, uint64_t hash)
{
    /* The shard is in the low bits, the mark in those above. */
    return &((struct history *)history)->sets[hash >> (64 - history->bits)];
}

static uint32_t mark_of(uint64_t hash)
{
    return (uint32_t)(hash >> 16) & MARK_MASK;
}

static void set_read(uint64_t word, uint32_t epoch, struct set *set)
{
    uint32_t epochs = (epoch - (uint32_t)(word >> EPOCH_SHIFT)) & EPOCH_MASK;
    for (uint32_t i = 0; i < SET_WAYS; i++) {
        uint32_t way = (uint32_t)(word >> (i * WAY_BITS) & WAY_MASK);
        uint32_t uses = (way & USES_MASK) >> epochs;
        set->ways[i] = uses == 0 ? 0 : (way & ~USES_MASK) | uses;
    }
}

static uint64_t set_write(const struct set *set, uint32_t epoch)
{
    uint64_t word = (uint64_t)(epoch & EPOCH_MASK) << EPOCH_SHIFT;
    for (uint32_t i = 0; i < SET_WAYS; i++) {
        word |= (uint64_t)set->ways[i] << (i * WAY_BITS);
    }
    return word;
}

uint32_t history_uses(const struct history *history, uint64_t hash, uint32_t epoch)
{
    struct set set;
    set_read(atomic_load_explicit(set_of(history, hash), memory_order_relaxed), epoch, &set);
    for (uint32_t i = 0; i < SET_WAYS; i++) {
        if (set.ways[i] != 0 && set.ways[i] >> USES_BITS == mark_of(hash)) {
            return set.ways[i] & USES_MASK;
        }
    }
    return 0;
}

/* The way that goes: the key's own, else the one with the fewest uses. */
static uint32_t choose_way(const struct set *set, uint64_t hash)
{
    uint32_t chosen = SET_WAYS - 1;
    for (uint32_t i = SET_WAYS; i-- > 0;) {
        if (set->ways[i] != 0 && set->ways[i] >> USES_BITS == mark_of(hash)) {
            return i;
        }
        if ((set->ways[i] & USES_MASK) < (set->ways[chosen] & USES_MASK)) {
            chosen = i;
        }
    }
    return chosen;
}

void history_put(struct history *history, uint64_t hash, uint32_t uses, uint32_t epoch)
{
    _Atomic uint64_t *word = set_of(history, hash);
    struct set set;
    set_read(atomic_load_explicit(word, memory_order_relaxed), epoch, &set);
    for (uint32_t i = choose_way(&set, hash); i > 0; i--) {
        set.ways[i] = set.ways[i - 1];
    }
    uses = uses > USES_MASK ? USES_MASK : uses;
    set.ways[0] = uses == 0 ? 0 : mark_of(hash) << USES_BITS | uses;
    atomic_store_explicit(word, set_write(&set, epoch), memory_order_relaxed);
}

static uint32_t bits_for(uint64_t keys)
{
    uint64_t sets = keys * KEYS_PER_KEY / SET_WAYS;
    uint32_t bits = 6;
    while (UINT64_C(2) << bits <= sets) {
        bits++;
    }
    return bits;
}

bool history_fits(const struct history *history, uint64_t keys)
{
    uint32_t bits = bits_for(keys);
    /* One that is twice as large as need be stays: numbers of keys sway. */
    return history->bits == bits || history->bits == bits + 1;
}

struct history *history_create(const struct history *old, uint64_t keys)
{
    uint32_t bits = bits_for(keys);
    uint64_t count = UINT64_C(1) << bits;
    struct history *history = mem_alloc_zero(sizeof(*history) + count * sizeof(history->sets[0]));
    history->bits = bits;
    for (uint64_t i = 0; old != NULL && i < count; i++) {
        uint64_t from = old->bits <= bits ? i >> (bits - old->bits) : i << (old->bits - bits);
        uint64_t word =
            atomic_load_explicit(&((struct history *)old)->sets[from], memory_order_relaxed);
        atomic_init(&history->sets[i], word);
    }
    return history;
}
