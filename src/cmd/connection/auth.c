/* AUTH and HELLO. There is one user, "default"; its password is the option requirepass.
 *
 * Runs on the reactor. Invariant: passwords are compared in time that depends on sizes alone. */
#include "auth.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard/stats/stats.h"
#include "pollard_commands.h"

enum status auth_check(struct exec *x, struct bytes user, struct bytes password)
{
    struct buf expected = {0};
    option_text_copy(&x->services->client_options->requirepass, &expected);
    bool is_right = bytes_equal(user, bytes_text("default")) &&
                    (expected.size == 0 || bytes_equal_secret(password, buf_bytes(&expected)));
    buf_deinit(&expected);
    if (!is_right) {
        stat_add(STAT_auth_failures, 1);
        return STATUS_WRONG_PASS;
    }
    x->session->flags |= SESSION_AUTHENTICATED;
    return STATUS_OK;
}

enum status cmd_auth(struct exec *x)
{
    if (x->argc > 3) {
        return STATUS_SYNTAX;
    }
    if (x->argc == 2 && !option_text_is_set(&x->services->client_options->requirepass)) {
        reply_error(x->reply, "ERR AUTH <password> called without any password configured for the "
                              "default user. Are you sure your configuration is correct?");
        return STATUS_REPLIED;
    }
    struct bytes user = x->argc == 3 ? x->argv[1] : bytes_text("default");
    enum status status = auth_check(x, user, x->argv[x->argc - 1]);
    if (status != STATUS_OK) {
        return status;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

bool client_text_is_valid(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '!' || text.data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* False when the error was replied. */
static bool check_name(struct exec *x, struct bytes name)
{
    if (!client_text_is_valid(name)) {
        reply_error(x->reply, "ERR Client names cannot contain spaces, newlines or special "
                              "characters.");
        return false;
    }
    return true;
}

bool client_set_name(struct exec *x, struct bytes name)
{
    if (!check_name(x, name)) {
        return false;
    }
    session_set_text(&x->session->name, name);
    return true;
}

/* Takes HELLO's options one after the other, as they stand: an error leaves what came before it.
 * ret_protocol is 0 when none was named. */
static enum status hello_parse(struct exec *x, int64_t *ret_protocol)
{
    if (x->argc >= 2) {
        if (!number_parse_i64(x->argv[1], ret_protocol)) {
            reply_error(x->reply, "ERR Protocol version is not an integer or out of range");
            return STATUS_REPLIED;
        }
        if (*ret_protocol < 2 || *ret_protocol > 3) {
            return STATUS_NO_PROTO;
        }
    }
    for (uint32_t i = 2; i < x->argc; i++) {
        uint32_t more = x->argc - 1 - i;
        if (bytes_is(x->argv[i], "auth") && more >= 2) {
            enum status status = auth_check(x, x->argv[i + 1], x->argv[i + 2]);
            if (status != STATUS_OK) {
                return status;
            }
            i += 2;
        } else if (bytes_is(x->argv[i], "setname") && more >= 1) {
            if (!client_set_name(x, x->argv[i + 1])) {
                return STATUS_REPLIED;
            }
            i++;
        } else {
            reply_error_format(x->reply, "ERR Syntax error in HELLO option '%.*s'",
                               (int)(x->argv[i].size < 128 ? x->argv[i].size : 128),
                               (const char *)x->argv[i].data);
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static void hello_reply(struct exec *x)
{
    struct reply *reply = x->reply;
    reply_map(reply, 7);
    reply_bulk_text(reply, "server");
    reply_bulk_text(reply, "redis");
    reply_bulk_text(reply, "version");
    reply_bulk_text(reply, "7.2.4");
    reply_bulk_text(reply, "proto");
    reply_integer(reply, x->session->protocol);
    reply_bulk_text(reply, "id");
    reply_integer(reply, (int64_t)x->client_id);
    reply_bulk_text(reply, "mode");
    reply_bulk_text(reply, "standalone");
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, "master");
    reply_bulk_text(reply, "modules");
    reply_array(reply, 0);
}

enum status cmd_hello(struct exec *x)
{
    int64_t protocol = 0;
    enum status status = hello_parse(x, &protocol);
    if (status != STATUS_OK) {
        return status;
    }
    if (!session_is_authenticated(x->session)) {
        reply_error(x->reply, "NOAUTH HELLO must be called with the client already authenticated, "
                              "otherwise the HELLO <proto> AUTH <user> <pass> option can be used "
                              "to authenticate the client and select the RESP protocol version at "
                              "the same time");
        return STATUS_REPLIED;
    }
    if (protocol != 0) {
        x->session->protocol = (uint8_t)protocol;
        x->reply->protocol = (uint8_t)protocol;
    }
    hello_reply(x);
    return STATUS_OK;
}
