/* CLIENT UNBLOCK: ends the wait of another client, on whose reactor alone that can be done.
 *
 * Threads: made on the asker's reactor; during the gather it is only read, but for the count; the
 * last reactor replies and frees it. */
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

struct unblock {
    struct gather gather; /* first; the total is how many were let go */
    struct suspension *suspension;
    uint64_t client_id;
    bool with_error;
};

static void visit(struct gather *gather, struct session *session)
{
    const struct unblock *unblock = (struct unblock *)gather;
    if (session->id == unblock->client_id && exec_unblock(session, unblock->with_error)) {
        (void)atomic_fetch_add_explicit(&gather->total, 1, memory_order_relaxed);
    }
}

static void finish(struct gather *gather)
{
    struct unblock *unblock = (struct unblock *)gather;
    reply_integer(suspension_reply(unblock->suspension),
                  (int64_t)atomic_load_explicit(&gather->total, memory_order_relaxed));
    suspension_resume(unblock->suspension);
    mem_free(unblock);
}

enum status cmd_client_unblock(struct exec *x)
{
    int64_t id;
    if (x->argc > 4) {
        reply_error_format(x->reply,
                           "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                           "CLIENT HELP.",
                           (int)x->argv[1].size, (const char *)x->argv[1].data);
        return STATUS_REPLIED;
    }
    bool with_error = x->argc == 4 && bytes_is(x->argv[3], "error");
    if (x->argc == 4 && !with_error && !bytes_is(x->argv[3], "timeout")) {
        reply_error(x->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return STATUS_REPLIED;
    }
    if (!number_parse_i64(x->argv[2], &id)) {
        return STATUS_NOT_INTEGER;
    }
    struct unblock *unblock = mem_alloc_zero(sizeof(*unblock));
    unblock->client_id = (uint64_t)id;
    unblock->with_error = with_error;
    unblock->suspension = exec_suspend(x, /* blocked= */ false, 0, /* timeout= */ NULL, unblock);
    unblock->gather.visit = visit;
    unblock->gather.finish = finish;
    registry_gather(x->services->registry, &unblock->gather);
    return STATUS_PENDING;
}
