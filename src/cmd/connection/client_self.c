/* CLIENT subcommands that concern the asking client alone, and the pause. On the reactor. */
#include "auth.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

enum status cmd_client_id(struct exec *x)
{
    reply_integer(x->reply, (int64_t)x->client_id);
    return STATUS_OK;
}

enum status cmd_client_info(struct exec *x)
{
    struct buf line = {0};
    session_describe(x->session, &line);
    buf_append_byte(&line, '\n');
    reply_verbatim(x->reply, "txt", buf_bytes(&line));
    buf_deinit(&line);
    return STATUS_OK;
}

enum status cmd_client_setname(struct exec *x)
{
    if (!client_set_name(x, x->argv[2])) {
        return STATUS_REPLIED;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_getname(struct exec *x)
{
    if (x->session->name == NULL) {
        reply_null(x->reply);
    } else {
        reply_bulk_text(x->reply, x->session->name);
    }
    return STATUS_OK;
}

enum status cmd_client_setinfo(struct exec *x)
{
    bool is_name = bytes_is(x->argv[2], "lib-name");
    if (!is_name && !bytes_is(x->argv[2], "lib-ver")) {
        size_t shown = x->argv[2].size < 128 ? x->argv[2].size : 128;
        reply_error_format(x->reply, "ERR Unrecognized option '%.*s'", (int)shown,
                           (const char *)x->argv[2].data);
        return STATUS_REPLIED;
    }
    if (!client_text_is_valid(x->argv[3])) {
        reply_error_format(x->reply,
                           "ERR %s cannot contain spaces, newlines or special characters.",
                           is_name ? "lib-name" : "lib-ver");
        return STATUS_REPLIED;
    }
    session_set_text(is_name ? &x->session->lib_name : &x->session->lib_version, x->argv[3]);
    reply_ok(x->reply);
    return STATUS_OK;
}

/* A switch of the session: ON or OFF. */
static enum status set_flag(struct exec *x, uint32_t flag)
{
    if (bytes_is(x->argv[2], "on")) {
        x->session->flags |= flag;
    } else if (bytes_is(x->argv[2], "off")) {
        x->session->flags &= ~flag;
    } else {
        return STATUS_SYNTAX;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_no_evict(struct exec *x)
{
    return set_flag(x, SESSION_NO_EVICT);
}

enum status cmd_client_no_touch(struct exec *x)
{
    return set_flag(x, SESSION_NO_TOUCH);
}

/* OFF and SKIP answer nothing themselves: what is written here is dropped by dispatch. */
enum status cmd_client_reply(struct exec *x)
{
    struct session *session = x->session;
    if (bytes_is(x->argv[2], "on")) {
        session->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
        /* This is the first one that it gets. */
        x->reply->chain = &session->conn.output;
        reply_ok(x->reply);
    } else if (bytes_is(x->argv[2], "off")) {
        session->flags |= SESSION_REPLY_OFF;
    } else if (bytes_is(x->argv[2], "skip")) {
        if ((session->flags & SESSION_REPLY_OFF) == 0) {
            session->flags |= SESSION_REPLY_SKIP_NEXT;
        }
    } else {
        return STATUS_SYNTAX;
    }
    return STATUS_OK;
}

enum status cmd_client_pause(struct exec *x)
{
    enum pause_mode mode = PAUSE_ALL;
    if (x->argc > 4) {
        reply_error_format(x->reply,
                           "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                           "CLIENT HELP.",
                           (int)x->argv[1].size, (const char *)x->argv[1].data);
        return STATUS_REPLIED;
    }
    if (x->argc == 4 && bytes_is(x->argv[3], "write")) {
        mode = PAUSE_WRITE;
    } else if (x->argc == 4 && !bytes_is(x->argv[3], "all")) {
        reply_error(x->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
        return STATUS_REPLIED;
    }
    int64_t duration_ms;
    int64_t until_ms;
    if (!number_parse_i64(x->argv[2], &duration_ms)) {
        return STATUS_TIMEOUT_NOT_INTEGER;
    }
    if (duration_ms < 0) {
        return STATUS_TIMEOUT_NEGATIVE;
    }
    if (!number_add_i64(x->now_ms, duration_ms, &until_ms)) {
        reply_error(x->reply, "ERR timeout is out of range");
        return STATUS_REPLIED;
    }
    registry_pause(x->services->registry, mode, until_ms);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_unpause(struct exec *x)
{
    registry_unpause(x->services->registry);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_capa(struct exec *x)
{
    for (uint32_t i = 2; i < x->argc; i++) {
        if (bytes_is(x->argv[i], "redirect")) {
            x->session->flags |= SESSION_CAPA_REDIRECT;
        }
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_help(struct exec *x)
{
    static const char *const lines[] = {
        "CACHING (YES|NO)",
        "    Whether the keys of the next command are tracked, in the modes OPTIN and OPTOUT.",
        "CAPA <capability> [<capability> ...]",
        "    Tell the server what this client can do; words that are not known are ignored.",
        "GETNAME",
        "    Tell the name of this connection.",
        "GETREDIR",
        "    Tell the ID of the connection that invalidations of this one go to.",
        "ID",
        "    Tell the ID of this connection.",
        "INFO",
        "    Describe this connection in one line.",
        "KILL <ip:port>",
        "    Close the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close the connections that all the given options fit. Options are:",
        "    * ID <client-id> [<client-id> ...]",
        "    * ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0), IP <ip>",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <username>, DB <number>",
        "    * NAME <name>, LIB-NAME <name>, LIB-VER <version>, FLAGS <letters>, CAPA <letters>",
        "    * MAXAGE <seconds>, IDLE <seconds>",
        "    * NOT-<option> <value>: turns any of the above but MAXAGE and IDLE around.",
        "    * SKIPME (YES|NO)",
        "      Leave this connection alone (default: yes).",
        "LIST [options ...]",
        "    Describe the connections, a line each: all, or those that KILL's options fit.",
        "UNPAUSE",
        "    End a pause before its time.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back all commands, or those that write, for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection gets replies; SKIP drops the next one only.",
        "SETINFO (LIB-NAME <name>|LIB-VER <version>)",
        "    Say which client library this connection comes from.",
        "SETNAME <name>",
        "    Give this connection a name.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Whether this connection is told when keys change that it has read, or, with BCAST,",
        "    any keys that begin with a prefix.",
        "TRACKINGINFO",
        "    Tell how this connection tracks keys.",
        "UNBLOCK <client-id> [TIMEOUT|ERROR]",
        "    End the wait of a connection, as if its time were over, or with an error.",
        "NO-EVICT (ON|OFF)",
        "    Keep this connection when client memory runs short.",
        "NO-TOUCH (ON|OFF)",
        "    Whether this connection's reads leave the last access of keys as it is.",
        NULL};
    reply_help(x->reply, "CLIENT", lines);
    return STATUS_OK;
}
