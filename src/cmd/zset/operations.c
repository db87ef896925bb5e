/* ZUNION ZINTER ZDIFF, their STORE forms, ZINTERCARD.
 *
 * Run inside an access on all their keys. Large ones go to the pool: there versions are taken, the
 * keys let go, and the answer computed; a STORE form installs it if its sources are still those
 * versions. */
#include "algebra.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"
#include <math.h>

/* Where the arguments of a command stand. */
struct form {
    enum zset_operation operation;
    uint32_t numkeys; /* index of the number of keys: 2 with a destination */
};

/* Reads numkeys. STATUS_OK, STATUS_NOT_INTEGER, STATUS_SYNTAX, STATUS_REPLIED. */
static enum status read_numkeys(struct exec *x, const struct form *form, uint32_t *ret_keys)
{
    int64_t keys;
    if (argument_integer(x, form->numkeys, &keys) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (keys < 1) {
        reply_error_format(x->reply, "ERR at least 1 input key is needed for '%s' command",
                           x->command->full_name);
        return STATUS_REPLIED;
    }
    if (keys > (int64_t)x->argc - form->numkeys - 1) {
        return STATUS_SYNTAX;
    }
    *ret_keys = (uint32_t)keys;
    return STATUS_OK;
}

static enum status read_weights(const struct exec *x, uint32_t *index, struct zset_algebra *algebra)
{
    if (x->argc - *index - 1 < algebra->input_count) {
        return STATUS_SYNTAX;
    }
    for (uint32_t i = 0; i < algebra->input_count; i++) {
        *index += 1;
        if (!number_parse_double(x->argv[*index], &algebra->inputs[i].weight)) {
            return STATUS_WEIGHT;
        }
    }
    return STATUS_OK;
}

static enum status read_aggregate(const struct exec *x, uint32_t *index,
                                  struct zset_algebra *algebra)
{
    static const char *const words[] = {[AGGREGATE_SUM] = "sum",
                                        [AGGREGATE_MIN] = "min",
                                        [AGGREGATE_MAX] = "max",
                                        [AGGREGATE_COUNT] = "count"};
    *index += 1;
    for (uint32_t i = 0; *index < x->argc && i < sizeof(words) / sizeof(words[0]); i++) {
        if (argument_is(x, *index, words[i])) {
            algebra->aggregate = (enum zset_aggregate)i;
            return STATUS_OK;
        }
    }
    return STATUS_SYNTAX;
}

static enum status read_options(const struct exec *x, uint32_t index, bool is_store,
                                struct zset_algebra *algebra)
{
    bool takes_weights = algebra->operation != ZSET_DIFF;
    for (; index < x->argc; index++) {
        enum status status = STATUS_SYNTAX;
        if (takes_weights && argument_is(x, index, "weights")) {
            status = read_weights(x, &index, algebra);
        } else if (takes_weights && argument_is(x, index, "aggregate")) {
            status = read_aggregate(x, &index, algebra);
        } else if (!is_store && argument_is(x, index, "withscores")) {
            algebra->has_scores = true;
            status = STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Takes versions and reads options; the work is dropped when something is wrong. */
static enum status begin(struct exec *x, const struct form *form, struct zset_algebra **ret_algebra)
{
    uint32_t keys;
    bool is_store = form->numkeys == 2;
    enum status status = read_numkeys(x, form, &keys);
    if (status != STATUS_OK) {
        return status;
    }
    status = zset_algebra_begin(x, is_store ? 1 : 0, keys, ret_algebra);
    if (status != STATUS_OK) {
        return status;
    }
    (*ret_algebra)->operation = form->operation;
    (*ret_algebra)->wants_members = true;
    status = read_options(x, form->numkeys + 1 + keys, is_store, *ret_algebra);
    if (status != STATUS_OK) {
        exec_drop_work(x);
    }
    return status;
}

/* ---- Replies ---- */

static enum status reply_run(struct exec *x, struct exec_work *work)
{
    const struct zset_algebra *algebra = (const struct zset_algebra *)work;
    enum status status = zset_algebra_run(x, work);
    if (status != STATUS_OK) {
        return status;
    }
    if (algebra->wants_members) {
        const struct rank_range all = {0, algebra->count};
        reply_range(x, algebra->result, &all, /* is_reverse= */ false, algebra->has_scores);
    } else {
        reply_integer(x->reply, (int64_t)algebra->count);
    }
    return STATUS_REPLIED;
}

/* Computes and replies: here, or on the pool without keys. */
static enum status answer(struct exec *x, struct zset_algebra *algebra)
{
    if (zset_algebra_is_large(algebra)) {
        if (exec_on_reactor(x)) {
            exec_drop_work(x);
            return STATUS_TO_POOL;
        }
        algebra->work.run = reply_run;
        return STATUS_COMPUTE;
    }
    enum status status = reply_run(x, &algebra->work);
    exec_drop_work(x);
    return status == STATUS_REPLIED ? STATUS_OK : status;
}

static enum status combine(struct exec *x, enum zset_operation operation)
{
    struct zset_algebra *algebra;
    const struct form form = {operation, 1};
    enum status status = begin(x, &form, &algebra);
    return status == STATUS_OK ? answer(x, algebra) : status;
}

enum status cmd_zunion(struct exec *x)
{
    return combine(x, ZSET_UNION);
}

enum status cmd_zinter(struct exec *x)
{
    return combine(x, ZSET_INTER);
}

enum status cmd_zdiff(struct exec *x)
{
    return combine(x, ZSET_DIFF);
}

static enum status read_card_limit(const struct exec *x, uint32_t index, uint64_t *ret_limit)
{
    for (; index < x->argc; index += 2) {
        int64_t limit;
        if (!argument_is(x, index, "limit") || index + 1 >= x->argc) {
            return STATUS_SYNTAX;
        }
        if (argument_integer(x, index + 1, &limit) != STATUS_OK || limit < 0) {
            return STATUS_LIMIT_NEGATIVE;
        }
        *ret_limit = limit == 0 ? UINT64_MAX : (uint64_t)limit;
    }
    return STATUS_OK;
}

enum status cmd_zintercard(struct exec *x)
{
    struct zset_algebra *algebra;
    const struct form form = {ZSET_INTER, 1};
    uint32_t keys;
    enum status status = read_numkeys(x, &form, &keys);
    if (status != STATUS_OK) {
        return status;
    }
    status = zset_algebra_begin(x, 0, keys, &algebra);
    if (status != STATUS_OK) {
        return status;
    }
    status = read_card_limit(x, keys + 2, &algebra->limit);
    if (status != STATUS_OK) {
        exec_drop_work(x);
        return status;
    }
    algebra->operation = ZSET_INTER;
    return answer(x, algebra);
}

/* ---- STORE forms ---- */

static enum status install(struct exec *x, struct zset_algebra *algebra)
{
    static const enum key_event events[] = {[ZSET_UNION] = EVENT_zunionstore,
                                            [ZSET_INTER] = EVENT_zinterstore,
                                            [ZSET_DIFF] = EVENT_zdiffstore};
    struct collection *result = algebra->result;
    int64_t count = (int64_t)algebra->count;
    algebra->result = NULL;
    enum status status = collection_store(x, 0, result, events[algebra->operation]);
    exec_drop_work(x);
    if (status == STATUS_OK) {
        reply_integer(x->reply, count);
    }
    return status;
}

static enum status store(struct exec *x, enum zset_operation operation)
{
    struct zset_algebra *algebra = (struct zset_algebra *)x->work;
    const struct form form = {operation, 2};
    if (algebra != NULL && zset_algebra_is_current(x, algebra)) {
        return install(x, algebra);
    }
    exec_drop_work(x);
    enum status status = begin(x, &form, &algebra);
    if (status != STATUS_OK) {
        return status;
    }
    if (zset_algebra_is_large(algebra) && exec_on_reactor(x)) {
        exec_drop_work(x);
        return STATUS_TO_POOL;
    }
    if (zset_algebra_is_large(algebra) && x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    status = zset_algebra_run(x, &algebra->work);
    if (status != STATUS_OK) {
        exec_drop_work(x);
        return status;
    }
    return install(x, algebra);
}

enum status cmd_zunionstore(struct exec *x)
{
    return store(x, ZSET_UNION);
}

enum status cmd_zinterstore(struct exec *x)
{
    return store(x, ZSET_INTER);
}

enum status cmd_zdiffstore(struct exec *x)
{
    return store(x, ZSET_DIFF);
}
