/* INCREX: a counter with bounds and an expiry.
 *
 * Runs inside a WRITE access on one key. An increment that would leave the bounds, or the range of
 * its type, changes nothing at all, or with SATURATE goes as far as it may. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"
#include <float.h>
#include <math.h>

/* Indices in argv; 0: not given. */
struct increx_options {
    uint32_t by;
    uint32_t lower;
    uint32_t upper;
    bool is_float;
    bool saturates;
    bool only_without_ttl;
    struct expiry_option expiry;
};

/* Takes the word behind *index as the operand of an option that may stand once. */
static enum status read_operand(const struct exec *x, uint32_t *index, uint32_t *operand)
{
    if (*operand != 0 || *index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    *index += 1;
    *operand = *index;
    return STATUS_OK;
}

static enum status read_flag(bool *flag)
{
    if (*flag) {
        return STATUS_SYNTAX;
    }
    *flag = true;
    return STATUS_OK;
}

static enum status read_option(const struct exec *x, uint32_t *index,
                               struct increx_options *options)
{
    struct bytes word = x->argv[*index];
    if (bytes_is(word, "byint")) {
        return read_operand(x, index, &options->by);
    }
    if (bytes_is(word, "byfloat")) {
        options->is_float = true;
        return read_operand(x, index, &options->by);
    }
    if (bytes_is(word, "lbound")) {
        return read_operand(x, index, &options->lower);
    }
    if (bytes_is(word, "ubound")) {
        return read_operand(x, index, &options->upper);
    }
    if (bytes_is(word, "saturate")) {
        return read_flag(&options->saturates);
    }
    if (bytes_is(word, "enx")) {
        return read_flag(&options->only_without_ttl);
    }
    if (options->expiry.kind != EXPIRY_NONE) {
        return STATUS_SYNTAX;
    }
    return expiry_read(x, EXPIRY_PERSIST, index, &options->expiry);
}

static enum status read_options(const struct exec *x, struct increx_options *options)
{
    for (uint32_t i = 2; i < x->argc; i++) {
        enum status status = read_option(x, &i, options);
        if (status != STATUS_OK) {
            return STATUS_SYNTAX;
        }
    }
    if (options->only_without_ttl && options->expiry.kind == EXPIRY_PERSIST) {
        return STATUS_SYNTAX;
    }
    if (options->only_without_ttl && options->expiry.kind == EXPIRY_NONE) {
        return STATUS_ENX_ALONE;
    }
    return STATUS_OK;
}

/* The expiry to store with the new value, now that the key is known to be there or not. */
static int64_t choose_expiry(struct exec *x, const struct increx_options *options,
                             int64_t expires_at_ms)
{
    bool keeps = options->expiry.kind == EXPIRY_NONE ||
                 (options->only_without_ttl && key_expiry(x->access, 0) >= 0);
    return keeps ? KEY_KEEP_EXPIRY : expires_at_ms;
}

/* Stores the new value under a time and tells what became of the key. */
static enum status store(struct exec *x, const struct increx_options *options,
                         const struct value *value, int64_t expires_at_ms)
{
    bool had_expiry = key_expiry(x->access, 0) >= 0;
    expires_at_ms = choose_expiry(x, options, expires_at_ms);
    if (expiry_is_past(x, expires_at_ms)) {
        (void)key_remove(x, 0); /* Whether there was one does not matter. */
        return STATUS_OK;
    }
    enum status status = key_update(x->access, 0, value, expires_at_ms);
    if (status != STATUS_OK) {
        return status;
    }
    key_event(x->access, 0, options->is_float ? EVENT_incrbyfloat : EVENT_incrby);
    if (expires_at_ms >= 0) {
        key_event(x->access, 0, EVENT_expire);
    } else if (expires_at_ms == KEY_NO_EXPIRY && had_expiry) {
        key_event(x->access, 0, EVENT_persist);
    }
    return STATUS_OK;
}

/* ---- Integers ---- */

struct integer_plan {
    int64_t by;
    int64_t lower;
    int64_t upper;
};

static enum status read_integers(const struct exec *x, const struct increx_options *options,
                                 struct integer_plan *plan)
{
    *plan = (struct integer_plan){.by = 1, .lower = INT64_MIN, .upper = INT64_MAX};
    if (options->by != 0 && argument_integer(x, options->by, &plan->by) != STATUS_OK) {
        return STATUS_BYINT_NOT_INTEGER;
    }
    if (options->lower != 0 && argument_integer(x, options->lower, &plan->lower) != STATUS_OK) {
        return STATUS_LBOUND_NOT_INTEGER;
    }
    if (options->upper != 0 && argument_integer(x, options->upper, &plan->upper) != STATUS_OK) {
        return STATUS_UBOUND_NOT_INTEGER;
    }
    return plan->lower > plan->upper ? STATUS_BOUNDS_CROSSED : STATUS_OK;
}

/* The new value: false when it is refused. */
static bool plan_integer(const struct integer_plan *plan, int64_t current, bool saturates,
                         int64_t *ret_result)
{
    int64_t sum;
    bool fits = number_add_i64(current, plan->by, &sum);
    if (!fits) {
        sum = plan->by > 0 ? INT64_MAX : INT64_MIN;
    }
    int64_t clamped = sum < plan->lower ? plan->lower : sum;
    clamped = clamped > plan->upper ? plan->upper : clamped;
    if (!saturates && (!fits || clamped != sum)) {
        return false;
    }
    *ret_result = clamped;
    return true;
}

static void reply_integers(struct exec *x, int64_t result, int64_t applied)
{
    reply_array(x->reply, 2);
    reply_integer(x->reply, result);
    reply_integer(x->reply, applied);
}

static enum status increment_integer(struct exec *x, const struct increx_options *options,
                                     const struct integer_plan *plan, int64_t expires_at_ms)
{
    struct value value;
    int64_t current = 0;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK && !string_integer(&value, &current)) {
        return STATUS_NOT_INTEGER;
    }
    int64_t result;
    if (!plan_integer(plan, current, options->saturates, &result)) {
        reply_integers(x, current, 0);
        return STATUS_OK;
    }
    int64_t applied;
    if (!number_sub_i64(result, current, &applied)) {
        return STATUS_APPLIED_OVERFLOW;
    }
    struct value stored = value_integer(result);
    status = store(x, options, &stored, expires_at_ms);
    if (status == STATUS_OK) {
        reply_integers(x, result, applied);
    }
    return status;
}

/* ---- Floats ---- */

struct float_plan {
    long double by;
    long double lower;
    long double upper;
};

static enum status read_floats(const struct exec *x, const struct increx_options *options,
                               struct float_plan *plan)
{
    *plan = (struct float_plan){.lower = -LDBL_MAX, .upper = LDBL_MAX};
    if (!number_parse_long_double(x->argv[options->by], &plan->by)) {
        return STATUS_BYFLOAT_NOT_FLOAT;
    }
    if (isinf(plan->by)) {
        return STATUS_INCREMENT_INFINITE;
    }
    if (options->lower != 0 && !number_parse_long_double(x->argv[options->lower], &plan->lower)) {
        return STATUS_LBOUND_NOT_FLOAT;
    }
    if (options->upper != 0 && !number_parse_long_double(x->argv[options->upper], &plan->upper)) {
        return STATUS_UBOUND_NOT_FLOAT;
    }
    return plan->lower > plan->upper ? STATUS_BOUNDS_CROSSED : STATUS_OK;
}

static bool plan_float(const struct float_plan *plan, long double current, bool saturates,
                       long double *ret_result)
{
    long double sum = current + plan->by;
    long double clamped = sum < plan->lower ? plan->lower : sum;
    clamped = clamped > plan->upper ? plan->upper : clamped;
    if (isinf(clamped)) {
        clamped = clamped > 0 ? LDBL_MAX : -LDBL_MAX;
    }
    /* A sum that stays where it is was within the bounds and finite. */
    if (!saturates && (clamped < sum || clamped > sum)) {
        return false;
    }
    *ret_result = clamped;
    return true;
}

static void reply_float(struct reply *reply, long double number)
{
    if (reply->protocol >= 3) {
        reply_double(reply, (double)number);
        return;
    }
    unsigned char text[NUMBER_FLOAT_MAX];
    reply_bulk(reply, bytes_make(text, number_print_long_double(text, number)));
}

static void reply_floats(struct exec *x, long double result, long double applied)
{
    reply_array(x->reply, 2);
    reply_float(x->reply, result);
    reply_float(x->reply, applied);
}

static enum status increment_float(struct exec *x, const struct increx_options *options,
                                   const struct float_plan *plan, int64_t expires_at_ms)
{
    struct value value;
    long double current = 0;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK && !string_float(&value, &current)) {
        return STATUS_NOT_FLOAT;
    }
    if (isinf(current)) {
        return STATUS_VALUE_INFINITE;
    }
    long double result;
    if (!plan_float(plan, current, options->saturates, &result)) {
        reply_floats(x, current, 0);
        return STATUS_OK;
    }
    long double applied = result - current;
    if (isinf(applied)) {
        return STATUS_APPLIED_OVERFLOW;
    }
    unsigned char text[NUMBER_FLOAT_MAX];
    struct value stored =
        string_unencoded(bytes_make(text, number_print_long_double(text, result)));
    status = store(x, options, &stored, expires_at_ms);
    if (status == STATUS_OK) {
        reply_floats(x, result, applied);
    }
    return status;
}

enum status cmd_increx(struct exec *x)
{
    struct increx_options options = {0};
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    struct integer_plan integers;
    struct float_plan floats;
    status = options.is_float ? read_floats(x, &options, &floats)
                              : read_integers(x, &options, &integers);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t expires_at_ms;
    status = expiry_time(x, &options.expiry, &expires_at_ms);
    if (status != STATUS_OK) {
        return status;
    }
    return options.is_float ? increment_float(x, &options, &floats, expires_at_ms)
                            : increment_integer(x, &options, &integers, expires_at_ms);
}
