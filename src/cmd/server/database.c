/* Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
 *
 * The flushes and the swap run on the pool, outside keyspace_enter: they close the gate for the
 * instant of the switch. SYNC and ASYNC are the same here: old keys are always freed on the pool.
 */
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

enum status cmd_dbsize(struct exec *x)
{
    reply_integer(x->reply, (int64_t)keyspace_size(x->services->keyspace, x->db));
    return STATUS_OK;
}

static bool has_good_mode(const struct exec *x)
{
    return x->argc == 1 ||
           (x->argc == 2 && (bytes_is(x->argv[1], "sync") || bytes_is(x->argv[1], "async")));
}

enum status cmd_flushdb(struct exec *x)
{
    if (!has_good_mode(x)) {
        return STATUS_SYNTAX;
    }
    (void)keyspace_flush(x->services->keyspace, x->db); /* The count is nobody's answer. */
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_flushall(struct exec *x)
{
    if (!has_good_mode(x)) {
        return STATUS_SYNTAX;
    }
    (void)keyspace_flush_all(x->services->keyspace); /* The count is nobody's answer. */
    reply_ok(x->reply);
    return STATUS_OK;
}

static bool parse_index(struct bytes text, int64_t *ret_index)
{
    return number_parse_i64(text, ret_index) && *ret_index >= INT32_MIN && *ret_index <= INT32_MAX;
}

enum status cmd_swapdb(struct exec *x)
{
    int64_t first;
    int64_t second;
    if (!parse_index(x->argv[1], &first)) {
        return STATUS_INVALID_FIRST_DB;
    }
    if (!parse_index(x->argv[2], &second)) {
        return STATUS_INVALID_SECOND_DB;
    }
    int64_t count = keyspace_databases(x->services->keyspace);
    if (first < 0 || second < 0 || first >= count || second >= count) {
        return STATUS_DB_RANGE;
    }
    if (first != second) {
        access_take_all(x->access);
        keyspace_swap(x->access, (uint32_t)first, (uint32_t)second);
    }
    reply_ok(x->reply);
    return STATUS_OK;
}
