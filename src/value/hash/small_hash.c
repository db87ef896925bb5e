/* Small hashes: records of two or three items in one block, searched from its beginning.
 *
 * On the data path of HSET and HGET of small hashes. Pure; the key's lock is held by the caller. */
#include "internal.h"

struct collection *hash_create(void)
{
    struct collection *hash = small_create(VALUE_HASH, ENCODING_LISTPACK, /* room= */ 48);
    hash->form = HASH_PAIRS;
    return hash;
}

void small_record_read(const struct collection *hash, const unsigned char *at,
                       struct small_record *ret_record)
{
    struct item expiry;
    ret_record->at = at;
    ret_record->value_at = at + item_span(at);
    ret_record->end = ret_record->value_at + item_span(ret_record->value_at);
    ret_record->expiry_at = NULL;
    ret_record->expiry = HASH_NO_EXPIRY;
    if (UNLIKELY(hash->form == HASH_TRIPLES)) {
        ret_record->expiry_at = ret_record->end;
        ret_record->end = item_read(ret_record->expiry_at, &expiry);
        ret_record->expiry = expiry.integer > 0 ? expiry.integer : HASH_NO_EXPIRY;
    }
}

bool small_hash_find(const struct collection *hash, const struct item_needle *field,
                     struct small_record *ret_record)
{
    const unsigned char *at = pack_find(hash->pack, small_end(hash), field, hash->form);
    if (at == NULL) {
        return false;
    }
    small_record_read(hash, at, ret_record);
    return true;
}

void small_hash_replace(struct collection **hash, const unsigned char *at, const struct item *item)
{
    size_t old_size = item_span(at);
    size_t new_size = item_packed_size(item);
    size_t offset = (size_t)(at - (*hash)->pack);
    item_acquire(item);
    pack_release(at, at + old_size);
    unsigned char *to = (*hash)->pack + offset;
    if (new_size != old_size) {
        to = small_resize(hash, offset, old_size, new_size);
    }
    (void)item_pack(item, to); /* Its end is known. */
}

void small_hash_append(struct collection **hash, const struct item *field, const struct item *value)
{
    const struct item no_expiry = item_of_integer(0);
    bool has_triples = (*hash)->form == HASH_TRIPLES;
    size_t size = item_packed_size(field) + item_packed_size(value) + (has_triples ? 1 : 0);
    item_acquire(field);
    item_acquire(value);
    unsigned char *to = small_open(hash, (*hash)->size, size);
    to = item_pack(value, item_pack(field, to));
    if (has_triples) {
        (void)item_pack(&no_expiry, to);
    }
    (*hash)->count++;
}

static bool any_expiry(const struct collection *hash)
{
    struct small_record record = {.end = hash->pack};
    while (record.end < small_end(hash)) {
        small_record_read(hash, record.end, &record);
        if (record.expiry != HASH_NO_EXPIRY) {
            return true;
        }
    }
    return false;
}

/* The same records in another form; blobs go along. A TRIPLES without expiries is made to PAIRS and
 * the other way round. */
static void change_form(struct collection **hash, enum hash_form form)
{
    struct collection *old = *hash;
    bool to_triples = form == HASH_TRIPLES;
    struct collection *fresh =
        small_create(VALUE_HASH, to_triples ? ENCODING_LISTPACKEX : ENCODING_LISTPACK,
                     old->size + (to_triples ? old->count : 0));
    const struct item no_expiry = item_of_integer(0);
    struct small_record record = {.end = old->pack};
    unsigned char *to = fresh->pack;
    while (record.end < small_end(old)) {
        small_record_read(old, record.end, &record);
        const unsigned char *end = to_triples ? record.end : record.expiry_at;
        memcpy(to, record.at, (size_t)(end - record.at));
        to += end - record.at;
        to = to_triples ? item_pack(&no_expiry, to) : to;
    }
    fresh->form = (uint8_t)form;
    fresh->count = old->count;
    fresh->size = (uint32_t)(to - fresh->pack);
    mem_free(old);
    *hash = fresh;
}

void small_hash_remove(struct collection **hash, const struct small_record *record)
{
    bool had_expiry = record->expiry != HASH_NO_EXPIRY;
    pack_release(record->at, record->end);
    (*hash)->count--;
    small_close(hash, (size_t)(record->at - (*hash)->pack), (size_t)(record->end - record->at));
    if (UNLIKELY(had_expiry) && !any_expiry(*hash)) {
        change_form(hash, HASH_PAIRS);
    }
}

void small_hash_set_expiry(struct collection **hash, const struct item_needle *field, int64_t at_ms)
{
    struct small_record record;
    if ((*hash)->form == HASH_PAIRS) {
        if (at_ms == HASH_NO_EXPIRY) {
            return;
        }
        change_form(hash, HASH_TRIPLES);
    }
    if (!small_hash_find(*hash, field, &record)) {
        return;
    }
    const struct item expiry = item_of_integer(at_ms == HASH_NO_EXPIRY ? 0 : at_ms);
    small_hash_replace(hash, record.expiry_at, &expiry);
    if (at_ms == HASH_NO_EXPIRY && !any_expiry(*hash)) {
        change_form(hash, HASH_PAIRS);
    }
}

uint64_t small_hash_reap(struct collection **hash, int64_t now_ms)
{
    struct collection *old = *hash;
    struct small_record record = {.end = old->pack};
    unsigned char *to = old->pack;
    uint64_t removed = 0;
    bool has_expiry = false;
    while (record.end < small_end(old)) {
        small_record_read(old, record.end, &record);
        size_t size = (size_t)(record.end - record.at);
        if (hash_time_is_over(record.expiry, now_ms)) {
            pack_release(record.at, record.end);
            removed++;
            continue;
        }
        has_expiry = has_expiry || record.expiry != HASH_NO_EXPIRY;
        memmove(to, record.at, size);
        to += size;
    }
    if (removed == 0) {
        return 0;
    }
    size_t kept = (size_t)(to - old->pack);
    old->count -= (uint32_t)removed;
    small_close(hash, kept, old->size - kept);
    if (!has_expiry) {
        change_form(hash, HASH_PAIRS);
    }
    return removed;
}
