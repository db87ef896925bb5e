/* Operations on one field of a hash, whatever its form.
 *
 * On the data path of HSET, HGET, HDEL. Pure; the key's lock is held by the caller. */
#include "internal.h"

bool hash_find(const struct collection *hash, const struct item_needle *field, int64_t now_ms,
               struct item *ret_value)
{
    if (!hash->is_large) {
        struct small_record record;
        if (!small_hash_find(hash, field, &record) || hash_time_is_over(record.expiry, now_ms)) {
            return false;
        }
        (void)item_read(record.value_at, ret_value);
        return true;
    }
    const struct hash_large *large = hash_large_of(hash);
    struct map_record record;
    if (!map_find(&large->fields, field, &record)) {
        return false;
    }
    *ret_value = record.value;
    return !hash_time_is_over(hash_expiry_find(large->expiry, field), now_ms);
}

static bool is_long(const struct item *item, int64_t most)
{
    return (int64_t)item->size > most ||
           (UNLIKELY(most < ITEM_SCRATCH) && (int64_t)item_text_size(item) > most);
}

/* Would the small hash be too large with this field? */
static bool outgrows(const struct collection *hash, const struct item_needle *field,
                     const struct hash_write *write, bool is_new)
{
    const struct value_options *options = write->limits->options;
    int64_t longest = option_get(&options->hash_max_listpack_value);
    if (is_long(&field->item, longest) || is_long(&write->value, longest)) {
        return true;
    }
    int64_t most = option_get(&options->hash_max_listpack_entries);
    most = most < SMALL_RECORDS_MAX ? most : SMALL_RECORDS_MAX;
    return (int64_t)hash->count + is_new > most ||
           hash->size + field->packed_size + item_packed_size(&write->value) > SMALL_SIZE_MAX;
}

static bool set_large(struct hash_large *large, const struct item_needle *field,
                      const struct hash_write *write)
{
    const struct map_record record = {.name = field->item, .value = write->value};
    if (LIKELY(large->expiry == NULL)) {
        return map_put(&large->fields, &record);
    }
    int64_t expiry = hash_expiry_find(large->expiry, field);
    bool is_over = hash_time_is_over(expiry, write->now_ms);
    if (expiry != HASH_NO_EXPIRY && (is_over || !write->keeps_expiry)) {
        hash_expiry_change(large, &field->item, expiry, HASH_NO_EXPIRY);
    }
    return map_put(&large->fields, &record) || is_over;
}

bool hash_set(struct collection **hash, const struct item_needle *field,
              const struct hash_write *write)
{
    struct small_record record;
    if ((*hash)->is_large) {
        return set_large(hash_large_of(*hash), field, write);
    }
    bool is_found = small_hash_find(*hash, field, &record);
    if (UNLIKELY(outgrows(*hash, field, write, !is_found))) {
        hash_convert(hash, write->limits);
        return set_large(hash_large_of(*hash), field, write);
    }
    if (!is_found) {
        small_hash_append(hash, &field->item, &write->value);
        return true;
    }
    bool is_over = hash_time_is_over(record.expiry, write->now_ms);
    small_hash_replace(hash, record.value_at, &write->value);
    if (UNLIKELY(record.expiry != HASH_NO_EXPIRY) && (is_over || !write->keeps_expiry)) {
        small_hash_set_expiry(hash, field, HASH_NO_EXPIRY);
    }
    return is_over;
}

bool hash_remove(struct collection **hash, const struct item_needle *field, int64_t now_ms)
{
    if (!(*hash)->is_large) {
        struct small_record record;
        if (!small_hash_find(*hash, field, &record)) {
            return false;
        }
        small_hash_remove(hash, &record);
        return !hash_time_is_over(record.expiry, now_ms);
    }
    struct hash_large *large = hash_large_of(*hash);
    int64_t expiry = hash_expiry_find(large->expiry, field);
    if (expiry != HASH_NO_EXPIRY) {
        hash_expiry_change(large, &field->item, expiry, HASH_NO_EXPIRY);
    }
    return map_remove(&large->fields, field) && !hash_time_is_over(expiry, now_ms);
}
