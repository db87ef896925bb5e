/* Counters in hashes: HINCRBY, HINCRBYFLOAT.
 *
 * Run inside a WRITE access on one key. The TTLs of the key and of the field stay. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"
#include <math.h>

/* The text of the field at argv[2]. STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE. */
static enum status find(struct exec *x, struct item *ret_value)
{
    const struct collection *hash;
    struct item_needle field;
    enum status status = hash_look(x, &hash);
    if (status != STATUS_OK) {
        return status;
    }
    item_needle_init(&field, x->argv[2]);
    return hash_find(hash, &field, x->now_ms, ret_value) ? STATUS_OK : STATUS_ABSENT;
}

/* Stores the sum under argv[2] and tells the event. STATUS_OK, STATUS_ALLOCATION. */
static enum status store(struct exec *x, struct item value, enum key_event event)
{
    struct collection_edit edit;
    struct item_needle field;
    enum status status = hash_argument(x, 2, &field);
    if (status != STATUS_OK) {
        return status;
    }
    status = hash_edit(x, &edit);
    if (status == STATUS_OK) {
        const struct hash_write write = {.limits = &x->services->value_limits,
                                         .now_ms = x->now_ms,
                                         .keeps_expiry = true,
                                         .value = value};
        (void)hash_set(edit.at, &field, &write); /* New or not: it holds the sum. */
        status = edit_end(x, &edit, event);
    }
    item_unmake(&field.item);
    return status;
}

enum status cmd_hincrby(struct exec *x)
{
    int64_t increment;
    int64_t number = 0;
    struct item value;
    enum status status = argument_integer(x, 3, &increment);
    if (status != STATUS_OK) {
        return status;
    }
    status = find(x, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK) {
        if (!item_is_integer(&value)) {
            return STATUS_HASH_NOT_INTEGER;
        }
        number = value.integer;
    }
    if (!number_add_i64(number, increment, &number)) {
        return STATUS_INCREMENT_OVERFLOW;
    }
    status = store(x, item_of_integer(number), EVENT_hincrby);
    if (LIKELY(status == STATUS_OK)) {
        reply_integer(x->reply, number);
    }
    return status;
}

enum status cmd_hincrbyfloat(struct exec *x)
{
    long double increment;
    long double number = 0;
    struct item value;
    unsigned char scratch[ITEM_SCRATCH];
    if (!number_parse_long_double(x->argv[3], &increment)) {
        return STATUS_NOT_FLOAT;
    }
    if (!isfinite(increment)) {
        return STATUS_FLOAT_NOT_FINITE;
    }
    enum status status = find(x, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK && !number_parse_long_double(item_text(&value, scratch), &number)) {
        return STATUS_HASH_NOT_FLOAT;
    }
    number += increment;
    if (!isfinite(number)) {
        return STATUS_INCREMENT_NAN;
    }
    unsigned char text[NUMBER_FLOAT_MAX];
    struct bytes sum = bytes_make(text, number_print_long_double(text, number));
    struct item stored;
    status = item_make(sum, /* blob= */ NULL, &stored);
    if (status != STATUS_OK) {
        return status;
    }
    status = store(x, stored, EVENT_hincrbyfloat);
    item_unmake(&stored);
    if (status == STATUS_OK) {
        reply_bulk(x->reply, sum);
    }
    return status;
}
