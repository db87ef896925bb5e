/* The gate: whether a call may run at all. Cheap checks in Redis's order: existence, arity,
 * authentication, protected commands, memory, pause. */
#include "pollard/base/clock.h"
#include "pollard/base/log.h"
#include "pollard/stats/commandlog.h"
#include "transaction.h"

/* Most keys that a command evicts before it runs: some tens of microseconds. What is left to be
 * evicted falls to the next commands, and to the pool. */
#define GATE_EVICTS_MAX 16

void gate_reply_unknown(struct reply *reply, const struct request *request)
{
    struct buf text = {0};
    size_t shown = request->argv[0].size < 128 ? request->argv[0].size : 128;
    buf_format(&text, "ERR unknown command '%.*s', with args beginning with: ", (int)shown,
               (const char *)request->argv[0].data);
    size_t begin = text.size;
    for (uint32_t i = 1; i < request->argc && text.size - begin < 128; i++) {
        size_t room = 128 - (text.size - begin);
        /* Redis prints arguments as C strings: up to a NUL. */
        size_t size = request->argv[i].size < room ? request->argv[i].size : room;
        const void *nul = size == 0 ? NULL : memchr(request->argv[i].data, '\0', size);
        if (nul != NULL) {
            size = (size_t)((const unsigned char *)nul - request->argv[i].data);
        }
        buf_append_byte(&text, '\'');
        buf_append(&text, bytes_make(request->argv[i].data, size));
        buf_append_text(&text, "' ");
    }
    reply_error_bytes(reply, buf_bytes(&text));
    buf_deinit(&text);
}

enum status exec_unknown_subcommand(struct exec *x)
{
    const struct command *container = x->command->parent != NULL ? x->command->parent : x->command;
    char upper[64];
    size_t size = 0;
    for (const char *c = container->name; *c != '\0' && size < sizeof(upper) - 1; c++) {
        upper[size++] = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    upper[size] = '\0';
    size_t shown = x->argv[1].size < 128 ? x->argv[1].size : 128;
    reply_error_format(x->reply, "ERR unknown subcommand '%.*s'. Try %s HELP.", (int)shown,
                       (const char *)x->argv[1].data, upper);
    return STATUS_REPLIED;
}

/* A browser was made to talk to us: an attack on people behind a firewall. The connection ends
 * before what follows the headers can be taken for commands. */
static bool is_http(const struct request *request)
{
    return bytes_is(request->argv[0], "post") || bytes_is(request->argv[0], "host:");
}

static void cut_http(struct session *session)
{
    struct buf peer = {0};
    conn_peer_text(&session->conn, &peer);
    log_line(LOG_WARNING,
             "Possible security attack: %.*s sent POST or Host: commands, as a browser does that "
             "is made to cross protocols. Connection closed.",
             (int)peer.size, (const char *)peer.data);
    buf_deinit(&peer);
    session->flags |= SESSION_CLOSE_NOW;
}

struct refusal {
    struct reply *reply;
    const char *format; /* with %s for the command, without "ERR " */
};

/* Replies why the call may not run. EXEC is the end of its transaction even so. */
static void refuse(const struct cycle *cycle, struct session *session, const struct call *call,
                   const struct refusal *refusal)
{
    const struct command *command = call->command;
    const char *begin = "ERR ";
    struct buf text = {0};
    if (command->route == ROUTE_QUEUE) {
        begin = "EXECABORT Transaction discarded because of: ";
        transaction_discard(cycle->services, session);
    }
    const char *name = strstr(refusal->format, "%s");
    buf_append_text(&text, begin);
    buf_append(&text, bytes_make(refusal->format, (size_t)(name - refusal->format)));
    buf_append_text(&text, command->full_name);
    buf_append_text(&text, name + 2);
    reply_error_bytes(refusal->reply, buf_bytes(&text));
    buf_deinit(&text);
}

/* The call names no command that can run, or not with so many arguments. */
static bool refuse_shape(const struct cycle *cycle, struct session *session,
                         const struct call *call, struct reply *reply)
{
    const struct command *command = call->command;
    if (command == NULL) {
        if (is_http(&call->request)) {
            cut_http(session);
        }
        gate_reply_unknown(reply, &call->request);
        return true;
    }
    uint32_t argc = call->request.argc;
    if (command->subcommands != NULL && argc > 1) {
        /* The lookup found no such subcommand. */
        struct exec x = {.command = command, .argv = call->request.argv, .reply = reply};
        (void)exec_unknown_subcommand(&x);
        return true;
    }
    if ((command->arity > 0 && argc != (uint32_t)command->arity) ||
        (command->arity < 0 && argc < (uint32_t)-command->arity) || command->handler == NULL) {
        refuse(cycle, session, call,
               &(struct refusal){reply, "wrong number of arguments for '%s' command"});
        stats_command_rejected(command->id);
        return true;
    }
    return false;
}

/* Is a protected command or option allowed for this client? setting: 0 no, 1 yes, 2 local. */
static bool is_protected_allowed(const struct session *session, int64_t setting)
{
    return setting == 1 || (setting == 2 && conn_is_local(&session->conn));
}

/* What a subscribed client of RESP2 may send: it reads messages, and no replies of other forms. */
static bool is_for_subscribers(const struct command *command)
{
    static const char *const names[] = {"subscribe",    "unsubscribe", "psubscribe",
                                        "punsubscribe", "ssubscribe",  "sunsubscribe",
                                        "ping",         "quit",        "reset"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(command->full_name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Evicts a little if need be; that takes time only while the data is over its budget. */
static bool make_room(const struct services *services)
{
    struct keyspace *keyspace = services->keyspace;
    const struct stats_options *options = services->stats_options;
    if (option_get(&options->latency_monitor_threshold) == 0) {
        return keyspace_make_room(keyspace, GATE_EVICTS_MAX);
    }
    int64_t began_us = clock_monotonic_us();
    bool has_room = keyspace_make_room(keyspace, GATE_EVICTS_MAX);
    latency_add(options, "eviction-cycle", (clock_monotonic_us() - began_us) / 1000);
    return has_room;
}

/* Is there room, or can it be made? A request that is larger than all that the data may have would
 * only evict everything. */
static bool has_room(const struct services *services, const struct call *call)
{
    uint64_t limit = (uint64_t)option_get(&services->keyspace_options->maxmemory);
    if (limit != 0 && call->request.wire_size > limit - keyspace_reserve(services->keyspace)) {
        return false;
    }
    keyspace_relieve(services->keyspace);
    return make_room(services);
}

static bool refuse_state(const struct cycle *cycle, struct session *session,
                         const struct call *call, struct reply *reply)
{
    const struct command *command = call->command;
    const struct services *services = cycle->services;
    if (!session_is_authenticated(session) && (command->flags & COMMAND_NO_AUTH) == 0) {
        reply_error_status(reply, STATUS_NO_AUTH);
        return true;
    }
    if ((command->flags & COMMAND_PROTECTED) != 0 &&
        !is_protected_allowed(session, option_get(&services->exec_options->enable_debug_command))) {
        reply_error_format(
            reply,
            "ERR %s command not allowed. If the enable-%s-command option is set to \"local\", "
            "you can run it from a local connection, otherwise you need to set this option in "
            "the configuration file, and then restart the server.",
            "DEBUG", "debug");
        return true;
    }
    /* A queue takes memory, whatever the queued commands do. */
    bool takes_memory = (command->flags & COMMAND_DENYOOM) != 0 ||
                        ((session->flags & SESSION_MULTI) != 0 && command->inside != INSIDE_APART);
    if (call->request.is_cut || (takes_memory && !has_room(services, call))) {
        reply_error_status(reply, STATUS_OUT_OF_MEMORY);
        return true;
    }
    if ((session->flags & SESSION_SUBSCRIBED) != 0 && session->protocol < 3 &&
        !is_for_subscribers(command)) {
        refuse(cycle, session, call,
               &(struct refusal){reply, "Can't execute '%s': only (P|S)SUBSCRIBE / "
                                        "(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                                        "this context"});
        return true;
    }
    return false;
}

/* Queued calls were let in when there was memory; EXEC is asked again for all of them. */
static bool refuse_exec(const struct cycle *cycle, struct session *session, struct reply *reply)
{
    if ((transaction_flags(session) & COMMAND_DENYOOM) == 0 || make_room(cycle->services)) {
        return false;
    }
    reply_error_format(reply, "EXECABORT Transaction discarded because of: %s",
                       status_text(STATUS_OUT_OF_MEMORY));
    transaction_discard(cycle->services, session);
    return true;
}

/* A queue takes as much memory as input may. */
static bool is_queue_full(const struct session *session)
{
    const struct client_options *options = registry_options(session->registry);
    return session->queued_memory > (uint64_t)option_get(&options->query_buffer_limit);
}

/* The call comes inside MULTI, and is not about the transaction itself. */
static enum gate gate_queue(struct session *session, const struct call *call, struct reply *reply)
{
    if ((call->command->flags & COMMAND_NO_MULTI) != 0) {
        reply_error_status(reply, STATUS_MULTI_REFUSES);
        return GATE_REPLIED;
    }
    if (is_queue_full(session)) {
        log_line(LOG_WARNING, "Closing client %llu: its transaction has reached the limit of %s",
                 (unsigned long long)session->id, "client-query-buffer-limit");
        stat_add(STAT_client_input_limit_cuts, 1);
        session->flags |= SESSION_CLOSE_NOW;
        return GATE_REPLIED;
    }
    return GATE_QUEUE;
}

/* CLIENT UNPAUSE goes through every pause: it is how one ends early. */
static bool is_paused(const struct cycle *cycle, const struct session *session,
                      const struct call *call)
{
    enum pause_mode mode =
        registry_paused(cycle->services->registry, reactor_now_ms(cycle->reactor));
    if (LIKELY(mode == PAUSE_NONE)) {
        return false;
    }
    if (mode == PAUSE_ALL) {
        return strcmp(call->command->full_name, "client|unpause") != 0;
    }
    uint32_t flags = call->command->flags;
    flags |= call->command->route == ROUTE_QUEUE ? transaction_flags(session) : 0;
    return (flags & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) != 0;
}

enum gate gate_check(struct cycle *cycle, struct session *session, const struct call *call,
                     struct reply *reply)
{
    if (UNLIKELY(refuse_shape(cycle, session, call, reply))) {
        return GATE_REPLIED;
    }
    if (UNLIKELY(refuse_state(cycle, session, call, reply))) {
        stats_command_rejected(call->command->id);
        return GATE_REPLIED;
    }
    if (UNLIKELY(is_paused(cycle, session, call))) {
        return GATE_PARK;
    }
    if ((session->flags & SESSION_MULTI) == 0) {
        return GATE_RUN;
    }
    if (call->command->inside != INSIDE_APART) {
        return gate_queue(session, call, reply);
    }
    bool is_refused = call->command->route == ROUTE_QUEUE && refuse_exec(cycle, session, reply);
    return is_refused ? GATE_REPLIED : GATE_RUN;
}
