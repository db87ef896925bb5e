/* PING, ECHO, QUIT, RESET, SELECT. On the reactor. */
#include "pollard/base/number.h"
#include "pollard_commands.h"

enum status cmd_ping(struct exec *x)
{
    if (x->argc > 2) {
        reply_error(x->reply, "ERR wrong number of arguments for 'ping' command");
        return STATUS_REPLIED;
    }
    if (x->argc == 1) {
        reply_simple(x->reply, "PONG");
    } else {
        reply_bulk(x->reply, x->argv[1]);
    }
    return STATUS_OK;
}

enum status cmd_echo(struct exec *x)
{
    reply_bulk(x->reply, x->argv[1]);
    return STATUS_OK;
}

enum status cmd_quit(struct exec *x)
{
    reply_ok(x->reply);
    x->session->flags |= SESSION_CLOSE_AFTER;
    return STATUS_OK;
}

enum status cmd_reset(struct exec *x)
{
    session_reset(x->session);
    x->reply->protocol = x->session->protocol;
    reply_simple(x->reply, "RESET");
    return STATUS_OK;
}

enum status cmd_select(struct exec *x)
{
    int64_t db;
    if (!number_parse_i64(x->argv[1], &db) || db < INT32_MIN || db > INT32_MAX) {
        return STATUS_NOT_INTEGER;
    }
    if (db < 0 || db >= (int64_t)keyspace_databases(x->services->keyspace)) {
        return STATUS_DB_RANGE;
    }
    x->session->db = (uint32_t)db;
    reply_ok(x->reply);
    return STATUS_OK;
}
