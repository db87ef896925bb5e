/* Counters: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
 *
 * Run inside a WRITE access on one key; the TTL stays. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"
#include <math.h>

static enum status add_integer(struct exec *x, int64_t increment)
{
    int64_t number = 0;
    struct value value;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK && !string_integer(&value, &number)) {
        return STATUS_NOT_INTEGER;
    }
    if (!number_add_i64(number, increment, &number)) {
        return STATUS_INCREMENT_OVERFLOW;
    }
    struct value sum = value_integer(number);
    status = key_update(x->access, 0, &sum, KEY_KEEP_EXPIRY);
    if (LIKELY(status == STATUS_OK)) {
        key_event(x->access, 0, EVENT_incrby);
        reply_integer(x->reply, number);
    }
    return status;
}

enum status cmd_incr(struct exec *x)
{
    return add_integer(x, 1);
}

enum status cmd_decr(struct exec *x)
{
    return add_integer(x, -1);
}

enum status cmd_incrby(struct exec *x)
{
    int64_t increment;
    enum status status = argument_integer(x, 2, &increment);
    return status == STATUS_OK ? add_integer(x, increment) : status;
}

enum status cmd_decrby(struct exec *x)
{
    int64_t decrement;
    enum status status = argument_integer(x, 2, &decrement);
    if (status != STATUS_OK) {
        return status;
    }
    /* Its negation is no int64. */
    if (decrement == INT64_MIN) {
        return STATUS_DECREMENT_OVERFLOW;
    }
    return add_integer(x, -decrement);
}

enum status cmd_incrbyfloat(struct exec *x)
{
    struct value value;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    long double number = 0;
    long double increment;
    if ((status == STATUS_OK && !string_float(&value, &number)) ||
        !number_parse_long_double(x->argv[2], &increment)) {
        return STATUS_NOT_FLOAT;
    }
    number += increment;
    if (!isfinite(number)) {
        return STATUS_INCREMENT_NAN;
    }
    unsigned char text[NUMBER_FLOAT_MAX];
    struct bytes sum = bytes_make(text, number_print_long_double(text, number));
    struct value stored = string_unencoded(sum);
    status = key_update(x->access, 0, &stored, KEY_KEEP_EXPIRY);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_incrbyfloat);
        reply_bulk(x->reply, sum);
    }
    return status;
}
