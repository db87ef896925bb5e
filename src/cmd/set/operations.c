/* SINTER SUNION SDIFF, their STORE and CARD forms.
 *
 * Run inside an access on all their keys. Large ones go to the pool: there versions are taken, the
 * keys let go, and the answer computed; a STORE form installs it if its sources are still those
 * versions. */
#include "algebra.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

static void reply_members(struct exec *x, const struct algebra *algebra)
{
    reply_set(x->reply, algebra->count);
    stream_elements(x, algebra->result,
                    &(struct stream){.parts = STREAM_MEMBERS, .count = algebra->count});
}

/* ---- Replies ---- */

static enum status reply_run(struct exec *x, struct exec_work *work)
{
    const struct algebra *algebra = (const struct algebra *)work;
    enum status status = algebra_run(x, work);
    if (status != STATUS_OK) {
        return status;
    }
    if (algebra->wants_members) {
        reply_members(x, algebra);
    } else {
        reply_integer(x->reply, (int64_t)algebra->count);
    }
    return STATUS_REPLIED;
}

/* Computes and replies: here, or on the pool without keys. */
static enum status answer(struct exec *x, struct algebra *algebra)
{
    if (algebra_is_large(algebra)) {
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

static enum status members(struct exec *x, enum algebra_kind kind)
{
    struct algebra *algebra;
    enum status status = algebra_begin(x, 0, x->access->key_count, &algebra);
    if (status != STATUS_OK) {
        return status;
    }
    algebra->kind = kind;
    algebra->wants_members = true;
    return answer(x, algebra);
}

enum status cmd_sinter(struct exec *x)
{
    return members(x, ALGEBRA_INTER);
}

enum status cmd_sunion(struct exec *x)
{
    return members(x, ALGEBRA_UNION);
}

enum status cmd_sdiff(struct exec *x)
{
    return members(x, ALGEBRA_DIFF);
}

/* ---- CARD forms ---- */

static enum status read_limit(const struct exec *x, uint32_t *index, uint64_t *ret_limit)
{
    int64_t limit;
    if (*index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    *index += 1;
    if (argument_integer(x, *index, &limit) != STATUS_OK || limit < 0) {
        return STATUS_LIMIT_NEGATIVE;
    }
    *ret_limit = limit == 0 ? UINT64_MAX : (uint64_t)limit;
    return STATUS_OK;
}

static enum status card(struct exec *x, enum algebra_kind kind)
{
    struct algebra *algebra;
    int64_t keys;
    uint64_t limit = UINT64_MAX;
    if (argument_integer(x, 1, &keys) != STATUS_OK || keys < 1) {
        return STATUS_NUMKEYS;
    }
    if (keys > (int64_t)x->argc - 2) {
        return STATUS_KEYS_BEYOND_ARGUMENTS;
    }
    for (uint32_t i = (uint32_t)keys + 2; i < x->argc; i++) {
        /* An exact answer is an approximate one, too. */
        if (kind == ALGEBRA_UNION && argument_is(x, i, "approx")) {
            continue;
        }
        enum status status = argument_is(x, i, "limit") ? read_limit(x, &i, &limit) : STATUS_SYNTAX;
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = algebra_begin(x, 0, x->access->key_count, &algebra);
    if (status != STATUS_OK) {
        return status;
    }
    algebra->kind = kind;
    algebra->limit = limit;
    return answer(x, algebra);
}

enum status cmd_sintercard(struct exec *x)
{
    return card(x, ALGEBRA_INTER);
}

enum status cmd_sunioncard(struct exec *x)
{
    return card(x, ALGEBRA_UNION);
}

enum status cmd_sdiffcard(struct exec *x)
{
    return card(x, ALGEBRA_DIFF);
}

/* ---- STORE forms ---- */

static enum status install(struct exec *x, struct algebra *algebra)
{
    static const enum key_event events[] = {[ALGEBRA_UNION] = EVENT_sunionstore,
                                            [ALGEBRA_INTER] = EVENT_sinterstore,
                                            [ALGEBRA_DIFF] = EVENT_sdiffstore};
    struct collection *result = algebra->result;
    algebra->result = NULL;
    enum status status = collection_store(x, 0, result, events[algebra->kind]);
    if (status == STATUS_OK) {
        reply_integer(x->reply, (int64_t)algebra->count);
    }
    exec_drop_work(x);
    return status;
}

static enum status store(struct exec *x, enum algebra_kind kind)
{
    struct algebra *algebra = (struct algebra *)x->work;
    if (algebra != NULL && algebra_is_current(x, 1, algebra)) {
        return install(x, algebra);
    }
    exec_drop_work(x);
    enum status status = algebra_begin(x, 1, x->access->key_count - 1, &algebra);
    if (status != STATUS_OK) {
        return status;
    }
    algebra->kind = kind;
    algebra->wants_members = true;
    if (algebra_is_large(algebra) && exec_on_reactor(x)) {
        exec_drop_work(x);
        return STATUS_TO_POOL;
    }
    if (algebra_is_large(algebra) && x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    status = algebra_run(x, &algebra->work);
    if (status != STATUS_OK) {
        exec_drop_work(x);
        return status;
    }
    return install(x, algebra);
}

enum status cmd_sinterstore(struct exec *x)
{
    return store(x, ALGEBRA_INTER);
}

enum status cmd_sunionstore(struct exec *x)
{
    return store(x, ALGEBRA_UNION);
}

enum status cmd_sdiffstore(struct exec *x)
{
    return store(x, ALGEBRA_DIFF);
}
