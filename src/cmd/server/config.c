/* CONFIG: the options of all rooms. GET and SET run on the reactor; REWRITE writes a file, so it
 * goes to the pool. */
#include "pollard/config/config.h"
#include "pollard/exec/exec.h"
#include "pollard/keyspace/prefixes.h"
#include "pollard/stats/stats.h"
#include "pollard_commands.h"

struct config_answer {
    struct reply *reply;
    size_t count;
};

static void add_pair(void *argument, struct bytes name, struct bytes value)
{
    struct config_answer *answer = argument;
    reply_bulk(answer->reply, name);
    reply_bulk(answer->reply, value);
    answer->count++;
}

/* More patterns than this go to the pool: each is held against every option. */
#define INLINE_PATTERNS_MAX 64

enum status cmd_config_get(struct exec *x)
{
    if (exec_on_reactor(x) && x->argc > INLINE_PATTERNS_MAX) {
        return STATUS_TO_POOL;
    }
    struct config_answer answer = {.reply = x->reply};
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    config_get(x->services->config, x->argv + 2, x->argc - 2, add_pair, &answer);
    reply_later_end(x->reply, &later, REPLY_MAP, answer.count);
    return STATUS_OK;
}

/* OK, or what config says is wrong. */
static enum status answer_config(struct exec *x, bool is_done, struct buf *error)
{
    if (is_done) {
        reply_ok(x->reply);
    } else {
        reply_error_bytes(x->reply, buf_bytes(error));
    }
    buf_deinit(error);
    return is_done ? STATUS_OK : STATUS_REPLIED;
}

enum status cmd_config_set(struct exec *x)
{
    if (x->argc % 2 != 0) {
        return STATUS_SYNTAX;
    }
    struct buf error = {0};
    bool is_local = x->session != NULL && conn_is_local(&x->session->conn);
    bool is_done =
        config_set(x->services->config, x->argv + 2, (x->argc - 2) / 2, is_local, &error);
    return answer_config(x, is_done, &error);
}

enum status cmd_config_resetstat(struct exec *x)
{
    stats_reset();
    keyspace_prefixes_reset(x->services->keyspace);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_config_rewrite(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct buf error = {0};
    bool is_done = config_rewrite(x->services->config, &error);
    return answer_config(x, is_done, &error);
}

enum status cmd_config_help(struct exec *x)
{
    static const char *const lines[] = {
        "GET <pattern>",
        "    Show the options whose names fit the glob <pattern>, with their values.",
        "SET <directive> <value>",
        "    Change an option; with several pairs, all of them or none.",
        "RESETSTAT",
        "    Count from zero again what INFO counts.",
        "REWRITE",
        "    Bring the configuration file up to date with the options in force.",
        NULL};
    reply_help(x->reply, "CONFIG", lines);
    return STATUS_OK;
}
