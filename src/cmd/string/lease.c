/* LEASE.GET and LEASE.SET: reads that know of staleness, and one caller at a time who rebuilds.
 *
 *   LEASE.GET: fresh -> the value. Stale or missing: the first caller gets a token, for a bounded
 *   time; others get the stale value while it may be shown (GRACE), or wait for the new one (WAIT),
 *   and for their turn to rebuild when the first has not done it in time.
 *   LEASE.SET: stores if the token is still the key's.
 *
 * Both run in a WRITE access on one key, since leases change. Who waits is served by whoever brings
 * a fresh string, or ends the lease without one (exec/serve.c): the handler runs once more then,
 * and finds the string fresh, or no lease out. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard/keyspace/leases.h"
#include "pollard_commands.h"

/* A rebuild that takes longer than a day is none. */
#define LEASE_MS_MAX (INT64_C(24) * 3600 * 1000)
/* Nobody waits for longer than a year, whatever he says. */
#define WAIT_MS_MAX (365 * LEASE_MS_MAX)

struct lease_options {
    int64_t lease_ms; /* 0: not said */
    int64_t grace_ms; /* from the soft time on; negative: for as long as the key lives */
    int64_t wait_ms;
};

/* The number behind the option at argv[index]. */
static enum status read_number(const struct exec *x, uint32_t index, struct lease_options *options)
{
    int64_t *target = NULL;
    if (argument_is(x, index, "lease")) {
        target = &options->lease_ms;
    } else if (argument_is(x, index, "grace")) {
        target = &options->grace_ms;
    } else if (argument_is(x, index, "wait")) {
        target = &options->wait_ms;
    }
    if (target == NULL || index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    enum status status = argument_integer(x, index + 1, target);
    if (status != STATUS_OK) {
        return status;
    }
    if (target == &options->lease_ms && (*target < 1 || *target > LEASE_MS_MAX)) {
        return STATUS_LEASE_RANGE;
    }
    return *target < 0 ? STATUS_NOT_POSITIVE : STATUS_OK;
}

static enum status read_options(const struct exec *x, struct lease_options *options)
{
    *options = (struct lease_options){.grace_ms = -1};
    for (uint32_t i = 2; i < x->argc; i += 2) {
        enum status status = read_number(x, i, options);
        if (status != STATUS_OK) {
            return status;
        }
    }
    options->wait_ms = options->wait_ms < WAIT_MS_MAX ? options->wait_ms : WAIT_MS_MAX;
    return options->lease_ms == 0 ? STATUS_SYNTAX : STATUS_OK;
}

/* value and lease: NULL if there is none to tell. */
static enum status reply_state(struct reply *reply, const struct value *value, const char *state,
                               const struct key_lease *lease)
{
    reply_array(reply, 3);
    if (value != NULL) {
        string_reply(reply, value);
    } else {
        reply_null(reply);
    }
    reply_simple(reply, state);
    if (lease != NULL) {
        reply_bulk_format(reply, "%llu", (unsigned long long)lease->token);
    } else {
        reply_null(reply);
    }
    return STATUS_OK;
}

static void reply_miss(struct reply *reply)
{
    (void)reply_state(reply, NULL, "MISS", NULL); /* It is a status for the caller's sake. */
}

/* Waits for what the holder of the lease brings. When the lease is over, one of those that wait
 * gets the next one, and the others go on waiting. */
static enum status wait_for_rebuilt(struct exec *x, const struct lease_options *options,
                                    const struct key_lease *lease)
{
    int64_t now_ms = x->access->now_ms;
    int64_t until_ms = x->has_waited ? x->wait.until_ms : now_ms + options->wait_ms;
    if (until_ms <= now_ms) {
        reply_miss(x->reply);
        return STATUS_OK;
    }
    bool looks_again = lease->end_ms < until_ms;
    const struct exec_wait wait = {
        .timeout_ms = (looks_again ? lease->end_ms : until_ms) - now_ms,
        .key_count = 1,
        .type = VALUE_STRING,
        .takes_turns = true,
        .time_over = reply_miss,
        .looks_again = looks_again,
        .until_ms = until_ms,
    };
    return exec_wait(x, &wait);
}

/* The value is not fresh. stale: what may be shown all the same, NULL if nothing. */
static enum status get_stale(struct exec *x, const struct value *stale,
                             const struct lease_options *options)
{
    struct key_lease lease = {0};
    enum status status = key_lease(x->access, 0, options->lease_ms, &lease);
    const struct key_lease *own = lease.is_new ? &lease : NULL;
    if (stale != NULL) {
        return reply_state(x->reply, stale, "STALE", own);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (own != NULL || options->wait_ms == 0 || x->is_inside) {
        return reply_state(x->reply, NULL, "MISS", own);
    }
    return wait_for_rebuilt(x, options, &lease);
}

enum status cmd_lease_get(struct exec *x)
{
    struct lease_options options;
    struct value value;
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    /* Who waited was counted when he came. */
    bool is_first = !x->is_served && !x->has_waited;
    status = string_find(x, 0, is_first ? 0 : KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        return get_stale(x, NULL, &options);
    }
    int64_t soft_at_ms = key_soft_time(x->access, 0);
    int64_t stale_ms = x->access->now_ms - soft_at_ms;
    if (soft_at_ms == 0 || stale_ms < 0) {
        return reply_state(x->reply, &value, "FRESH", NULL);
    }
    bool is_shown = options.grace_ms < 0 || stale_ms < options.grace_ms;
    return get_stale(x, is_shown ? &value : NULL, &options);
}

enum status cmd_lease_set(struct exec *x)
{
    struct lifetime lifetime = {0};
    struct key_times times;
    uint64_t token;
    for (uint32_t i = 4; i < x->argc; i++) {
        enum status status = lifetime_read(x, &i, &lifetime);
        if (status != STATUS_OK) {
            return STATUS_SYNTAX;
        }
    }
    enum status status = lifetime_times(x, &lifetime, &times);
    if (status != STATUS_OK) {
        return status;
    }
    if (!number_parse_u64(x->argv[3], &token) || !key_take_lease(x->access, 0, token)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    struct value value = argument_value(x, 2);
    status = string_store_for(x, 0, &value, times);
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}
