/* Walks over a hash, its count, and its check. Fields that are over are passed by.
 *
 * Runs under the key's lock, or on a version on any thread. */
#include "internal.h"

static bool is_due(const struct hash_expiry *expiry, int64_t now_ms)
{
    struct tree_record first;
    if (LIKELY(expiry == NULL)) {
        return false;
    }
    tree_get(&expiry->order, 0, &first);
    return (int64_t)first.key <= now_ms;
}

void hash_walk_begin(struct collection_cursor *cursor, const struct cursor_start *start)
{
    const struct collection *hash = cursor->collection;
    debug_check(start->rank == 0 && !start->is_reverse);
    cursor->left = collection_count(hash);
    if (!hash->is_large) {
        cursor->at = hash->pack;
        return;
    }
    const struct hash_large *large = hash_large_of(hash);
    cursor->expiry = is_due(large->expiry, start->now_ms) ? large->expiry : NULL;
    map_cursor_begin(&large->fields, &cursor->in.map);
}

static bool next_small(struct collection_cursor *cursor, struct element *ret_element)
{
    struct small_record record;
    while (cursor->left > 0) {
        cursor->left--;
        small_record_read(cursor->collection, cursor->at, &record);
        cursor->at = record.end;
        if (LIKELY(!hash_time_is_over(record.expiry, cursor->now_ms))) {
            (void)item_read(record.at, &ret_element->member);
            (void)item_read(record.value_at, &ret_element->value);
            return true;
        }
    }
    return false;
}

bool hash_walk_next(struct collection_cursor *cursor, struct element *ret_element)
{
    struct map_record record;
    if (!cursor->collection->is_large) {
        return next_small(cursor, ret_element);
    }
    do {
        if (!map_next(&cursor->in.map, &record)) {
            return false;
        }
    } while (
        UNLIKELY(cursor->expiry != NULL) &&
        hash_time_is_over(hash_expiry_find_item(cursor->expiry, &record.name), cursor->now_ms));
    ret_element->member = record.name;
    ret_element->value = record.value;
    return true;
}

uint64_t hash_count(const struct collection *hash, int64_t now_ms)
{
    uint64_t count = collection_count(hash);
    if (LIKELY(!hash_has_expiry(hash))) {
        return count;
    }
    if (hash->is_large) {
        const struct hash_expiry *expiry = hash_large_of(hash)->expiry;
        return count - tree_rank_key(&expiry->order, (uint64_t)now_ms, /* after= */ true);
    }
    struct small_record record = {.end = hash->pack};
    while (record.end < small_end(hash)) {
        small_record_read(hash, record.end, &record);
        count -= hash_time_is_over(record.expiry, now_ms) ? 1 : 0;
    }
    return count;
}

bool hash_at(const struct collection *hash, uint64_t rank, int64_t now_ms,
             struct element *ret_element)
{
    int64_t expiry;
    if (hash->is_large) {
        const struct hash_large *large = hash_large_of(hash);
        struct map_record record;
        map_at(&large->fields, rank, &record);
        ret_element->member = record.name;
        ret_element->value = record.value;
        expiry = hash_expiry_find_item(large->expiry, &record.name);
    } else {
        struct small_record record;
        small_record_read(hash, pack_seek(hash->pack, rank * hash->form), &record);
        (void)item_read(record.at, &ret_element->member);
        (void)item_read(record.value_at, &ret_element->value);
        expiry = record.expiry;
    }
    return !hash_time_is_over(expiry, now_ms);
}

struct visit {
    const struct hash_scan *scan;
    const struct hash_expiry *expiry; /* NULL: nothing is over */
};

static void visit_record(void *argument, const struct map_record *record)
{
    const struct visit *visit = argument;
    if (UNLIKELY(visit->expiry != NULL) &&
        hash_time_is_over(hash_expiry_find_item(visit->expiry, &record->name),
                          visit->scan->now_ms)) {
        return;
    }
    const struct element element = {.member = record->name, .value = record->value};
    visit->scan->visit(visit->scan->argument, &element);
}

uint64_t hash_scan(const struct collection *hash, const struct hash_scan *scan)
{
    if (hash->is_large) {
        const struct hash_large *large = hash_large_of(hash);
        struct visit visit = {.scan = scan,
                              .expiry = is_due(large->expiry, scan->now_ms) ? large->expiry : NULL};
        return map_scan(&large->fields, scan->cursor, scan->count, visit_record, &visit);
    }
    struct collection_cursor cursor;
    struct element element;
    collection_cursor_begin(&cursor, hash, &(struct cursor_start){.now_ms = scan->now_ms});
    while (collection_cursor_next(&cursor, &element)) {
        scan->visit(scan->argument, &element);
    }
    return 0;
}

static void verify_small(const struct collection *hash)
{
    struct small_record record = {.end = hash->pack};
    uint32_t count = 0;
    bool has_expiry = false;
    check(pack_verify(hash->pack, small_end(hash)));
    while (record.end < small_end(hash)) {
        small_record_read(hash, record.end, &record);
        has_expiry = has_expiry || record.expiry != HASH_NO_EXPIRY;
        count++;
    }
    check(record.end == small_end(hash) && count == hash->count);
    check(has_expiry == (hash->form == HASH_TRIPLES));
    check(hash->encoding == (has_expiry ? ENCODING_LISTPACKEX : ENCODING_LISTPACK));
}

void hash_verify(const struct collection *hash)
{
    struct tree_cursor cursor;
    struct tree_record record;
    if (!hash->is_large) {
        verify_small(hash);
        return;
    }
    const struct hash_large *large = hash_large_of(hash);
    map_verify(&large->fields);
    if (large->expiry == NULL) {
        return;
    }
    check(large->expiry->order.count > 0);
    check(large->expiry->order.count == large->expiry->times.count);
    map_verify(&large->expiry->times);
    tree_verify(&large->expiry->order);
    tree_cursor_at(&large->expiry->order, 0, &cursor);
    while (tree_next(&cursor, &record)) {
        check(map_has(&large->fields, &record.item));
        check(hash_expiry_find_item(large->expiry, &record.item) == (int64_t)record.key);
    }
}
