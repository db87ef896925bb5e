/* Small commands of the server: MODULE, MONITOR, ROLE, SAVE, SHUTDOWN, TIME, ACL. On the reactor.
 */
#include "pollard/base/clock.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

enum status cmd_module_list(struct exec *x)
{
    reply_array(x->reply, 0);
    return STATUS_OK;
}

enum status cmd_module_help(struct exec *x)
{
    static const char *const lines[] = {"LIST", "    List the loaded modules: always none.", NULL};
    reply_help(x->reply, "MODULE", lines);
    return STATUS_OK;
}

enum status cmd_monitor(struct exec *x)
{
    if (x->is_inside) {
        reply_error(x->reply, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return STATUS_REPLIED;
    }
    session_set_monitor(x->session, true);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_role(struct exec *x)
{
    reply_array(x->reply, 3);
    reply_bulk_text(x->reply, "master");
    reply_integer(x->reply, 0);
    reply_array(x->reply, 0);
    return STATUS_OK;
}

enum status cmd_save(struct exec *x)
{
    reply_error(x->reply, "ERR persistence is not supported: there is nothing to save to");
    return STATUS_REPLIED;
}

struct shutdown_words {
    bool save;
    bool nosave;
    bool now;
    bool force;
    bool abort;
};

static enum status parse_shutdown(const struct exec *x, struct shutdown_words *words)
{
    for (uint32_t i = 1; i < x->argc; i++) {
        if (bytes_is(x->argv[i], "save")) {
            words->save = true;
        } else if (bytes_is(x->argv[i], "nosave")) {
            words->nosave = true;
        } else if (bytes_is(x->argv[i], "now")) {
            words->now = true;
        } else if (bytes_is(x->argv[i], "force")) {
            words->force = true;
        } else if (bytes_is(x->argv[i], "abort")) {
            words->abort = true;
        } else {
            return STATUS_SYNTAX;
        }
    }
    bool has_other = words->save || words->nosave || words->now || words->force;
    if ((words->abort && has_other) || (words->save && words->nosave)) {
        return STATUS_SYNTAX;
    }
    return STATUS_OK;
}

enum status cmd_shutdown(struct exec *x)
{
    struct shutdown_words words = {0};
    enum status status = parse_shutdown(x, &words);
    if (status != STATUS_OK) {
        return status;
    }
    const struct services *services = x->services;
    if (words.abort) {
        if (!services->abort_shutdown(services->server)) {
            reply_error(x->reply, "ERR No shutdown in progress.");
            return STATUS_REPLIED;
        }
        reply_ok(x->reply);
        return STATUS_OK;
    }
    if (words.save && !words.force) {
        reply_error(x->reply, "ERR Errors trying to SHUTDOWN. Check logs.");
        return STATUS_REPLIED;
    }
    /* No reply: the client sees the connection close, as with Redis. */
    services->request_shutdown(services->server, words.now);
    return STATUS_OK;
}

enum status cmd_time(struct exec *x)
{
    int64_t now_us = clock_us();
    reply_array(x->reply, 2);
    reply_bulk_integer(x->reply, now_us / 1000000);
    reply_bulk_integer(x->reply, now_us % 1000000);
    return STATUS_OK;
}

enum status cmd_acl_whoami(struct exec *x)
{
    reply_bulk_text(x->reply, "default");
    return STATUS_OK;
}

enum status cmd_acl_help(struct exec *x)
{
    static const char *const lines[] = {"WHOAMI", "    Tell this connection's user: \"default\".",
                                        NULL};
    reply_help(x->reply, "ACL", lines);
    return STATUS_OK;
}
