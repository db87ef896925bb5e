/* Reading a command's arguments.
 *
 * On the data path of every command with options, before it looks at a key. No locks, no state. */
#include "arguments.h"
#include "pollard/base/check.h"
#include "pollard/base/number.h"
#include <math.h>

enum status argument_integer(const struct exec *x, uint32_t index, int64_t *ret_value)
{
    return number_parse_i64(x->argv[index], ret_value) ? STATUS_OK : STATUS_NOT_INTEGER;
}

enum status argument_db(const struct exec *x, uint32_t index, uint32_t *ret_db)
{
    int64_t db;
    enum status status = argument_integer(x, index, &db);
    if (status != STATUS_OK) {
        return status;
    }
    if (db < INT32_MIN || db > INT32_MAX) {
        return STATUS_INT_RANGE;
    }
    if (db < 0 || db >= (int64_t)keyspace_databases(x->services->keyspace)) {
        return STATUS_DB_RANGE;
    }
    *ret_db = (uint32_t)db;
    return STATUS_OK;
}

bool argument_cursor(const struct exec *x, uint32_t index, uint64_t *ret_cursor)
{
    struct bytes text = x->argv[index];
    size_t at = text.size > 0 && (text.data[0] == '+' || text.data[0] == '-') ? 1 : 0;
    if (at == 1 && text.size == 1) {
        return false;
    }
    uint64_t cursor = 0;
    for (size_t i = at; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || cursor > (UINT64_MAX - digit) / 10) {
            return false;
        }
        cursor = cursor * 10 + digit;
    }
    *ret_cursor = at == 1 && text.data[0] == '-' ? 0 - cursor : cursor;
    return true;
}

/* A longer time-out is none: 100 years. */
#define TIMEOUT_MS_MAX (INT64_C(100) * 366 * 24 * 3600 * 1000)

enum status argument_timeout(const struct exec *x, uint32_t index, int64_t *ret_timeout_ms)
{
    long double seconds;
    if (!number_parse_long_double(x->argv[index], &seconds)) {
        return STATUS_TIMEOUT_NOT_FLOAT;
    }
    long double ms = ceill(seconds * 1000);
    /* What does not fit 64 bits is told to be negative, as Redis 7.0 does. */
    if (ms < 0 || ms >= (long double)INT64_MAX) {
        return STATUS_TIMEOUT_NEGATIVE;
    }
    *ret_timeout_ms = ms > (long double)TIMEOUT_MS_MAX ? 0 : (int64_t)ms;
    return STATUS_OK;
}

struct value argument_value(const struct exec *x, uint32_t index)
{
    const struct request *request = x->request;
    struct bytes bytes = x->argv[index];
    if (UNLIKELY(request->blob_count > 0)) {
        struct blob *blob = request->blobs[index];
        /* A stored blob is a value as a whole: an argument that is only a part of one is copied. */
        if (blob != NULL && blob->data == bytes.data && blob->size == bytes.size) {
            return value_blob(blob);
        }
    }
    return value_string(bytes);
}

enum status argument_refuse_count(struct exec *x)
{
    reply_error_format(x->reply, "ERR wrong number of arguments for '%s' command",
                       x->command->full_name);
    return STATUS_REPLIED;
}

enum status argument_refuse_expiry(struct exec *x)
{
    reply_error_format(x->reply, "ERR invalid expire time in '%s' command", x->command->full_name);
    return STATUS_REPLIED;
}

/* The kind that a word names, EXPIRY_NONE if none. */
static enum expiry_kind find_kind(struct bytes word)
{
    if (word.size == 2) {
        if (bytes_is(word, "ex")) {
            return EXPIRY_EX;
        }
        return bytes_is(word, "px") ? EXPIRY_PX : EXPIRY_NONE;
    }
    if (bytes_is(word, "exat")) {
        return EXPIRY_EXAT;
    }
    if (bytes_is(word, "pxat")) {
        return EXPIRY_PXAT;
    }
    if (bytes_is(word, "keepttl")) {
        return EXPIRY_KEEPTTL;
    }
    return bytes_is(word, "persist") ? EXPIRY_PERSIST : EXPIRY_NONE;
}

static bool has_time(enum expiry_kind kind)
{
    return kind >= EXPIRY_EX && kind <= EXPIRY_PXAT;
}

enum status expiry_read(const struct exec *x, enum expiry_kind plain, uint32_t *index,
                        struct expiry_option *option)
{
    enum expiry_kind kind = find_kind(x->argv[*index]);
    if (kind == EXPIRY_NONE || (!has_time(kind) && kind != plain)) {
        return STATUS_ABSENT;
    }
    /* The same option may stand twice, and the last one counts, as Redis has it. */
    if (option->kind != EXPIRY_NONE && option->kind != kind) {
        return STATUS_SYNTAX;
    }
    option->kind = kind;
    if (!has_time(kind)) {
        return STATUS_OK;
    }
    if (*index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    *index += 1;
    option->argument = *index;
    return STATUS_OK;
}

enum status expiry_time(struct exec *x, const struct expiry_option *option,
                        int64_t *ret_expires_at_ms)
{
    if (!has_time(option->kind)) {
        *ret_expires_at_ms = option->kind == EXPIRY_KEEPTTL ? KEY_KEEP_EXPIRY : KEY_NO_EXPIRY;
        return STATUS_OK;
    }
    int64_t time;
    enum status status = argument_integer(x, option->argument, &time);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_seconds = option->kind == EXPIRY_EX || option->kind == EXPIRY_EXAT;
    bool is_relative = option->kind == EXPIRY_EX || option->kind == EXPIRY_PX;
    if (time <= 0 || (is_seconds && !number_mul_i64(time, 1000, &time)) ||
        (is_relative && !number_add_i64(time, x->access->now_ms, &time))) {
        return argument_refuse_expiry(x);
    }
    *ret_expires_at_ms = time;
    return STATUS_OK;
}
