/* Expiries of the fields of large hashes: by field and by time.
 *
 * Pure; the key's lock is held by the caller. */
#include "internal.h"

int64_t hash_expiry_find(const struct hash_expiry *expiry, const struct item_needle *field)
{
    struct map_record record;
    if (LIKELY(expiry == NULL) || !map_find(&expiry->times, field, &record)) {
        return HASH_NO_EXPIRY;
    }
    return (int64_t)record.word;
}

int64_t hash_expiry_find_item(const struct hash_expiry *expiry, const struct item *field)
{
    struct item_needle needle;
    unsigned char scratch[ITEM_SCRATCH];
    if (LIKELY(expiry == NULL) || !map_has(&expiry->times, field)) {
        return HASH_NO_EXPIRY;
    }
    item_needle_init(&needle, item_text(field, scratch));
    return hash_expiry_find(expiry, &needle);
}

static struct hash_expiry *create(const struct hash_secret *secret)
{
    struct hash_expiry *expiry = mem_alloc(sizeof(*expiry));
    map_init(&expiry->times, MAP_WORDS, secret);
    tree_init(&expiry->order, /* is_keyed= */ true);
    return expiry;
}

void hash_expiry_free(struct hash_expiry *expiry)
{
    if (expiry != NULL) {
        map_clear(&expiry->times);
        tree_clear(&expiry->order);
        mem_free(expiry);
    }
}

struct hash_expiry *hash_expiry_copy(const struct hash_expiry *expiry)
{
    struct hash_expiry *fresh = create(expiry->times.secret);
    map_copy(&expiry->times, &fresh->times);
    tree_copy(&expiry->order, &fresh->order);
    return fresh;
}

void hash_expiry_change(struct hash_large *large, const struct item *name, int64_t old_ms,
                        int64_t at_ms)
{
    if (large->expiry == NULL) {
        large->expiry = create(large->fields.secret);
    }
    struct hash_expiry *expiry = large->expiry;
    if (old_ms != HASH_NO_EXPIRY) {
        check(tree_drop(&expiry->order, (uint64_t)old_ms, name));
    }
    if (at_ms != HASH_NO_EXPIRY) {
        const struct map_record time = {.name = *name, .word = (uint64_t)at_ms};
        const struct tree_record due = {.key = (uint64_t)at_ms, .item = *name};
        (void)map_put(&expiry->times, &time); /* New or not: it is set. */
        (void)tree_add(&expiry->order, &due); /* Its rank does not matter. */
    } else if (old_ms != HASH_NO_EXPIRY) {
        check(map_remove_item(&expiry->times, name));
    }
    if (expiry->order.count == 0) {
        hash_expiry_free(expiry);
        large->expiry = NULL;
    }
}

static uint64_t reap_large(struct hash_large *large, int64_t now_ms, uint64_t most)
{
    uint64_t removed = 0;
    struct tree_record due;
    while (large->expiry != NULL && removed < most) {
        struct hash_expiry *expiry = large->expiry;
        tree_get(&expiry->order, 0, &due);
        if ((int64_t)due.key > now_ms) {
            break;
        }
        /* The view is the tree's: it changes last. */
        check(map_remove_item(&large->fields, &due.item));
        check(map_remove_item(&expiry->times, &due.item));
        tree_remove(&expiry->order, 0);
        removed++;
        if (expiry->order.count == 0) {
            hash_expiry_free(expiry);
            large->expiry = NULL;
        }
    }
    return removed;
}

uint64_t hash_reap(struct collection **hash, int64_t now_ms, uint64_t most)
{
    if ((*hash)->is_large) {
        return reap_large(hash_large_of(*hash), now_ms, most);
    }
    return (*hash)->form == HASH_TRIPLES ? small_hash_reap(hash, now_ms) : 0;
}

bool hash_has_expiry(const struct collection *hash)
{
    return hash->is_large ? hash_large_of(hash)->expiry != NULL : hash->form == HASH_TRIPLES;
}

int64_t hash_next_expiry(const struct collection *hash)
{
    int64_t next = HASH_NEVER;
    if (!hash_has_expiry(hash)) {
        return next;
    }
    if (hash->is_large) {
        struct tree_record first;
        tree_get(&hash_large_of(hash)->expiry->order, 0, &first);
        return (int64_t)first.key;
    }
    struct small_record record = {.end = hash->pack};
    while (record.end < small_end(hash)) {
        small_record_read(hash, record.end, &record);
        next = record.expiry != HASH_NO_EXPIRY && record.expiry < next ? record.expiry : next;
    }
    return next;
}

int64_t hash_expiry(const struct collection *hash, const struct item_needle *field, int64_t now_ms)
{
    int64_t expiry;
    if (hash->is_large) {
        const struct hash_large *large = hash_large_of(hash);
        if (!map_find(&large->fields, field, NULL)) {
            return HASH_NO_FIELD;
        }
        expiry = hash_expiry_find(large->expiry, field);
    } else {
        struct small_record record;
        if (!small_hash_find(hash, field, &record)) {
            return HASH_NO_FIELD;
        }
        expiry = record.expiry;
    }
    return hash_time_is_over(expiry, now_ms) ? HASH_NO_FIELD : expiry;
}

void hash_set_expiry(struct collection **hash, const struct item_needle *field, int64_t at_ms)
{
    struct map_record record;
    if (!(*hash)->is_large) {
        small_hash_set_expiry(hash, field, at_ms);
        return;
    }
    struct hash_large *large = hash_large_of(*hash);
    int64_t old_ms = hash_expiry_find(large->expiry, field);
    if (old_ms != at_ms && map_find(&large->fields, field, &record)) {
        hash_expiry_change(large, &record.name, old_ms, at_ms);
    }
}
