/* The table of key prefixes: found without a lock, made under one, never taken away.
 *
 * On the data path of keys that come and go, and of lookups that are sampled. Slots and rows are
 * published with release stores and found with acquire loads. */
#include "prefix.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

_Thread_local struct sampler prefix_sampler = SAMPLER_BEGIN;

static uint32_t slots_for(uint32_t rows)
{
    uint32_t count = 16;
    while (count < rows * 2) {
        count *= 2;
    }
    return count;
}

struct prefixes *prefixes_create(const struct keyspace_options *options,
                                 const struct hash_secret *secret)
{
    struct buf separator = {0};
    struct prefixes *prefixes = NULL;
    option_text_copy(&options->prefix_separator, &separator);
    /* Threads begin anew with each keyspace. */
    prefix_sampler = (struct sampler)SAMPLER_BEGIN;
    if (option_get(&options->prefix_stats) != 0 && separator.size > 0) {
        prefixes = mem_alloc_zero(sizeof(*prefixes));
        prefixes->secret = secret;
        prefixes->separator = separator.data[0];
        prefixes->max = (uint32_t)option_get(&options->prefix_max);
        uint32_t rows = prefixes->max + PREFIX_FIRST;
        prefixes->slot_mask = slots_for(rows) - 1;
        prefixes->slots =
            mem_alloc_zero(((size_t)prefixes->slot_mask + 1) * sizeof(*prefixes->slots));
        prefixes->rows = mem_alloc_zero(rows * sizeof(*prefixes->rows));
        atomic_init(&prefixes->count, PREFIX_FIRST);
        lock_init(&prefixes->lock, LOCK_RANK_PREFIXES);
    }
    buf_deinit(&separator);
    return prefixes;
}

void prefixes_destroy(struct prefixes **prefixes_pointer)
{
    struct prefixes *prefixes = *prefixes_pointer;
    if (prefixes == NULL) {
        return;
    }
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        struct prefix_thread *thread = atomic_load(&prefixes->threads[i]);
        if (thread != NULL) {
            mem_free(thread->edits);
            mem_free(thread);
        }
    }
    for (uint32_t i = PREFIX_FIRST; i < atomic_load(&prefixes->count); i++) {
        mem_free(atomic_load(&prefixes->rows[i]));
    }
    lock_deinit(&prefixes->lock);
    mem_free((void *)atomic_load(&prefixes->expired));
    mem_free((void *)prefixes->slots);
    mem_free((void *)prefixes->rows);
    mem_free(prefixes->zero);
    mem_free(prefixes);
    *prefixes_pointer = NULL;
}

struct prefix_thread *prefix_thread_make(struct prefixes *prefixes)
{
    uint32_t rows = prefixes->max + PREFIX_FIRST;
    struct prefix_thread *self = mem_alloc_zero(sizeof(*self) + rows * sizeof(struct prefix_tally));
    self->elements = (struct sampler)SAMPLER_BEGIN;
    /* Release: pairs with the acquire of who sums. */
    atomic_store_explicit(&prefixes->threads[thread_index()], self, memory_order_release);
    return self;
}

static bool is_prefix(const struct prefix *prefix, struct bytes name)
{
    return prefix->size == name.size && bytes_same(prefix->name, name.data, name.size);
}

/* NULL: not there; *ret_slot is where it would be. */
static struct prefix *find(const struct prefixes *prefixes, struct bytes name, uint32_t *ret_slot)
{
    uint32_t slot = (uint32_t)hash_keyed(prefixes->secret, name) & prefixes->slot_mask;
    for (;; slot = (slot + 1) & prefixes->slot_mask) {
        struct prefix *prefix = atomic_load_explicit(&prefixes->slots[slot], memory_order_acquire);
        if (prefix == NULL || is_prefix(prefix, name)) {
            *ret_slot = slot;
            return prefix;
        }
    }
}

/* NULL: there is no room. */
static struct prefix *make(struct prefixes *prefixes, struct bytes name)
{
    uint32_t slot;
    lock_acquire(&prefixes->lock);
    struct prefix *prefix = find(prefixes, name, &slot);
    uint32_t count = atomic_load_explicit(&prefixes->count, memory_order_relaxed);
    if (prefix == NULL && count < prefixes->max + PREFIX_FIRST) {
        prefix = mem_alloc(sizeof(*prefix) + name.size);
        prefix->index = count;
        prefix->size = (uint32_t)name.size;
        memcpy(prefix->name, name.data, name.size);
        atomic_store_explicit(&prefixes->rows[count], prefix, memory_order_relaxed);
        /* Releases: pair with the acquires in find() and of who walks the rows. */
        atomic_store_explicit(&prefixes->slots[slot], prefix, memory_order_release);
        atomic_store_explicit(&prefixes->count, count + 1, memory_order_release);
    }
    lock_release(&prefixes->lock);
    return prefix;
}

/* NULL: there is none, and no room for it. */
static struct prefix *find_or_make(struct prefixes *prefixes, struct bytes name)
{
    uint32_t slot;
    struct prefix *prefix = find(prefixes, name, &slot);
    if (LIKELY(prefix != NULL)) {
        return prefix;
    }
    /* Full is full for ever: who finds it so needs no lock. But what made it so is looked at. */
    bool is_full = atomic_load_explicit(&prefixes->count, memory_order_acquire) ==
                   prefixes->max + PREFIX_FIRST;
    return is_full ? find(prefixes, name, &slot) : make(prefixes, name);
}

static void remember(struct prefix_thread *self, const struct prefixes *prefixes,
                     const struct prefix *prefix)
{
    unsigned char word[8] = {0};
    unsigned char mask[8] = {0};
    if (prefix->size >= sizeof(word)) {
        return;
    }
    memcpy(word, prefix->name, prefix->size);
    word[prefix->size] = prefixes->separator;
    memset(mask, 0xff, prefix->size + 1);
    memcpy(&self->last_word, word, sizeof(word));
    memcpy(&self->last_mask, mask, sizeof(mask));
    self->last_index = prefix->index;
}

uint32_t prefix_find(struct prefixes *prefixes, struct prefix_thread *self, struct bytes key)
{
    size_t looked_at = key.size < PREFIX_SIZE_MAX + 1 ? key.size : PREFIX_SIZE_MAX + 1;
    const unsigned char *end =
        key.size == 0 ? NULL : memchr(key.data, prefixes->separator, looked_at);
    if (end == NULL) {
        return PREFIX_NONE;
    }
    const struct prefix *prefix =
        find_or_make(prefixes, bytes_make(key.data, (size_t)(end - key.data)));
    if (prefix == NULL) {
        return PREFIX_OTHER;
    }
    remember(self, prefixes, prefix);
    return prefix->index;
}
