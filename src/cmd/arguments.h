/* Reading a command's arguments: what the handlers of several groups do alike. Pure but for the
 * replies named so; the thread of the call. */
#ifndef POLLARD_CMD_ARGUMENTS_H
#define POLLARD_CMD_ARGUMENTS_H

#include "pollard/exec/exec.h"

/* Is argv[index] the word (a lower-case literal), in any case? index < argc. */
static inline bool argument_is(const struct exec *x, uint32_t index, const char *word)
{
    return bytes_is(x->argv[index], word);
}

/* argv[index] as an integer. STATUS_OK, STATUS_NOT_INTEGER. */
enum status argument_integer(const struct exec *x, uint32_t index, int64_t *ret_value);
/* argv[index] as a database number that exists. STATUS_OK, STATUS_NOT_INTEGER, STATUS_INT_RANGE,
 * STATUS_DB_RANGE. */
enum status argument_db(const struct exec *x, uint32_t index, uint32_t *ret_db);
/* argv[index] as the time-out of a blocking command, in seconds with a fraction: in ms, rounded up,
 * 0 for ever. STATUS_OK, STATUS_TIMEOUT_NOT_FLOAT, STATUS_TIMEOUT_NEGATIVE. */
enum status argument_timeout(const struct exec *x, uint32_t index, int64_t *ret_timeout_ms);
/* argv[index] as a cursor of a scan, as Redis reads them: an optional sign, and nothing is 0. */
bool argument_cursor(const struct exec *x, uint32_t index, uint64_t *ret_cursor);
/* argv[index] as a string to be stored: shares the request's blob if it came in one. Valid as long
 * as the request; may be asked for again when the handler is run again. */
struct value argument_value(const struct exec *x, uint32_t index);

/* Reply "wrong number of arguments for 'x' command" / "invalid expire time in 'x' command"; return
 * STATUS_REPLIED. */
enum status argument_refuse_count(struct exec *x);
enum status argument_refuse_expiry(struct exec *x);

/* From this many keys on, keys are visited shard by shard (access_each_by_shard). */
#define ARGUMENT_BATCH_KEYS 128

/* Deletes the key and tells `del`; false when there was none. */
static inline bool key_remove(struct exec *x, uint32_t key_index)
{
    bool was_there = key_delete(x->access, key_index);
    if (was_there) {
        key_event(x->access, key_index, EVENT_del);
    }
    return was_there;
}

/* ---- Expiry options ---- */

enum expiry_kind {
    EXPIRY_NONE,
    EXPIRY_EX,   /* seconds from now */
    EXPIRY_PX,   /* milliseconds from now */
    EXPIRY_EXAT, /* seconds since the epoch */
    EXPIRY_PXAT, /* milliseconds since the epoch */
    EXPIRY_KEEPTTL,
    EXPIRY_PERSIST
};

/* A zeroed struct is no option. */
struct expiry_option {
    enum expiry_kind kind;
    uint32_t argument; /* index of the time in argv */
};

/* Reads the expiry option at argv[*index], if it is one, and moves *index to its last word. plain:
 * the word that the command takes instead of a time, EXPIRY_KEEPTTL, EXPIRY_PERSIST or EXPIRY_NONE.
 * STATUS_OK; STATUS_ABSENT when it is another word; STATUS_SYNTAX without a time or beside an
 * option of another kind. */
enum status expiry_read(const struct exec *x, enum expiry_kind plain, uint32_t *index,
                        struct expiry_option *option);
/* The time that key_put shall store: KEY_KEEP_EXPIRY for KEEPTTL, KEY_NO_EXPIRY for PERSIST and
 * none. STATUS_OK; STATUS_NOT_INTEGER; STATUS_REPLIED when the time is not above 0 or too far. */
enum status expiry_time(struct exec *x, const struct expiry_option *option,
                        int64_t *ret_expires_at_ms);

/* Is it a time that is over, judged by the access? */
static inline bool expiry_is_past(const struct exec *x, int64_t expires_at_ms)
{
    return expires_at_ms >= 0 && expires_at_ms <= x->access->now_ms;
}

#endif
