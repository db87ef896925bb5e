/* PING, ECHO, QUIT, RESET, SELECT. On the reactor. */
#include "../arguments.h"
#include "pollard/exec/transaction.h"
#include "pollard_commands.h"

enum status cmd_ping(struct exec *x)
{
    if (x->argc > 2) {
        reply_error(x->reply, "ERR wrong number of arguments for 'ping' command");
        return STATUS_REPLIED;
    }
    if (x->session != NULL && (x->session->flags & SESSION_SUBSCRIBED) != 0 && x->protocol < 3) {
        /* In the form of a message: such clients read nothing else. */
        reply_array(x->reply, 2);
        reply_bulk_text(x->reply, "pong");
        reply_bulk(x->reply, x->argc == 1 ? bytes_text("") : x->argv[1]);
        return STATUS_OK;
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
    const struct services *services = x->services;
    transaction_discard(services, x->session);
    if (services->sinks.session_ended != NULL) {
        services->sinks.session_ended(services->sinks.context, x->session);
    }
    session_reset(x->session);
    x->reply->protocol = x->session->protocol;
    reply_simple(x->reply, "RESET");
    return STATUS_OK;
}

enum status cmd_select(struct exec *x)
{
    uint32_t db;
    enum status status = argument_db(x, 1, &db);
    if (status != STATUS_OK) {
        return status;
    }
    /* Inside a transaction the session may be out of reach: it gets the database afterwards. */
    x->db = db;
    if (x->session != NULL) {
        x->session->db = db;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}
