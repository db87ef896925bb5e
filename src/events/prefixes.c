/* Sets of prefixes: searching, and the change of what all threads look at. Threads: see the
 * header; nothing here takes a lock. */
#include "prefixes.h"
#include "pollard/base/mem.h"

/* Shorter ones first. NULL data stands before all of its size. */
static int compare(struct bytes a, struct bytes b)
{
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    if (b.data == NULL || a.size == 0) {
        return a.size > 0;
    }
    return memcmp(a.data, b.data, a.size);
}

static size_t place_from(struct prefix *const *prefixes, size_t from, size_t count,
                         struct bytes text)
{
    size_t end = count;
    while (from < end) {
        size_t middle = from + (end - from) / 2;
        if (compare(prefixes[middle]->text, text) < 0) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

size_t prefix_place(struct prefix *const *prefixes, size_t count, struct bytes text)
{
    return place_from(prefixes, 0, count, text);
}

void prefixes_match(struct prefix *const *prefixes, size_t count, struct bytes key,
                    prefix_visitor *visit, void *argument)
{
    size_t at = 0;
    while (at < count && prefixes[at]->text.size <= key.size) {
        size_t size = prefixes[at]->text.size;
        struct bytes begin = bytes_make(key.data, size);
        at = place_from(prefixes, at, count, begin);
        if (prefix_is_at(prefixes, count, at, begin)) {
            visit(argument, prefixes[at]);
        }
        at = place_from(prefixes, at, count, bytes_make(NULL, size + 1));
    }
}

static void add_reactors(void *argument, struct prefix *prefix)
{
    struct reactor_set *reactors = argument;
    struct shared_prefix *shared = (struct shared_prefix *)prefix;
    for (size_t i = 0; i < THREADS_MAX / 64; i++) {
        /* Relaxed: who turns a broadcast on may miss changes that are under way. */
        reactors->bits[i] |= atomic_load_explicit(&shared->bits[i], memory_order_relaxed);
    }
}

void prefix_set_match(const struct prefix_set *set, struct bytes key, struct reactor_set *reactors)
{
    if (set != NULL) {
        prefixes_match(set->prefixes, set->count, key, add_reactors, reactors);
    }
}

static struct prefix *shared_make(struct bytes text)
{
    struct shared_prefix *shared = mem_alloc_zero(sizeof(*shared) + text.size);
    if (text.size > 0) {
        memcpy(shared->text, text.data, text.size);
    }
    shared->prefix.text = bytes_make(shared->text, text.size);
    return &shared->prefix;
}

/* Sets or clears the reactor's bit; false when no reactor is left. */
static bool mark(struct prefix *prefix, uint32_t reactor, bool is_wanted)
{
    struct shared_prefix *shared = (struct shared_prefix *)prefix;
    uint64_t all = 0;
    for (uint32_t i = 0; i < THREADS_MAX / 64; i++) {
        uint64_t bits = atomic_load_explicit(&shared->bits[i], memory_order_relaxed);
        if (i == reactor / 64) {
            uint64_t bit = UINT64_C(1) << (reactor % 64);
            bits = is_wanted ? bits | bit : bits & ~bit;
            atomic_store_explicit(&shared->bits[i], bits, memory_order_relaxed);
        }
        all |= bits;
    }
    return all != 0;
}

/* Keeps a prefix of old, or hangs it on the list of those that go. */
static void keep_or_drop(struct prefix_change *change, struct prefix *prefix, bool is_kept)
{
    if (is_kept) {
        change->fresh->prefixes[change->fresh->count] = prefix;
        change->fresh->count++;
        return;
    }
    struct shared_prefix *shared = (struct shared_prefix *)prefix;
    shared->next_dropped = change->dropped;
    change->dropped = shared;
}

void prefix_set_begin(struct prefix_change *change, uint32_t reactor,
                      struct prefix *const *prefixes, size_t count)
{
    const struct prefix_set *old = change->old;
    size_t old_count = old == NULL ? 0 : old->count;
    struct prefix_set *fresh =
        mem_alloc(sizeof(*fresh) + (old_count + count) * sizeof(fresh->prefixes[0]));
    fresh->count = 0;
    change->fresh = fresh;
    change->dropped = NULL;
    size_t i = 0;
    size_t j = 0;
    while (i < old_count || j < count) {
        int order = i == old_count ? 1
                    : j == count   ? -1
                                   : compare(old->prefixes[i]->text, prefixes[j]->text);
        if (order > 0) {
            struct prefix *made = shared_make(prefixes[j]->text);
            keep_or_drop(change, made, mark(made, reactor, /* is_wanted= */ true));
        } else {
            keep_or_drop(change, old->prefixes[i],
                         mark(old->prefixes[i], reactor, /* is_wanted= */ order == 0));
        }
        i += order <= 0;
        j += order >= 0;
    }
    if (fresh->count == 0) {
        mem_free(fresh);
        change->fresh = NULL;
    }
}

void prefix_set_end(struct prefix_change *change)
{
    while (change->dropped != NULL) {
        struct shared_prefix *shared = change->dropped;
        change->dropped = shared->next_dropped;
        mem_free(shared);
    }
    mem_free((void *)change->old);
}
