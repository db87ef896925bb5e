/* CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: settings of the asking client.
 *
 *   TRACKING: parse -> apply, reply
 *                  \ REDIRECT: gather (where does that client live?) -> mail home -> apply, reply
 *
 * Threads: on the client's reactor, but for the gather; what it works on it owns. */
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/events/events.h"
#include "pollard_commands.h"
#include <assert.h>
#include <stddef.h>

static const char prefixes_error[] = "ERR a client can have 1024 prefixes at most";
static_assert(TRACKING_PREFIXES_MAX == 1024, "the text says so");

enum tracking_switch { SWITCH_UNKNOWN, SWITCH_ON, SWITCH_OFF };

struct tracking_call {
    struct gather gather; /* first; the total is the reactor of the client redirected to, plus 1 */
    struct mail home;
    const struct services *services;
    struct suspension *suspension;
    uint64_t client_id;
    uint32_t client_reactor;
    enum tracking_switch turned;
    bool has_redirect;
    const char *error; /* stands behind REDIRECT in the arguments; NULL: none */
    struct tracking_wish wish;
    struct bytes prefixes[]; /* copies */
};

static struct tracking_table *table_of(const struct services *services)
{
    return events_tracking(services->events);
}

static void call_free(struct tracking_call *call)
{
    for (uint32_t i = 0; i < call->wish.prefix_count; i++) {
        mem_free((void *)call->prefixes[i].data);
    }
    mem_free(call);
}

/* ---- Parsing ---- */

static const char *parse_redirect(struct tracking_call *call, struct bytes word)
{
    int64_t id;
    if (call->has_redirect) {
        return "ERR A client can only redirect to a single other client";
    }
    if (!number_parse_i64(word, &id)) {
        return status_text(STATUS_NOT_INTEGER);
    }
    call->has_redirect = true;
    call->wish.redirect_id = (uint64_t)id;
    return NULL;
}

static void keep_prefix(struct tracking_call *call, struct bytes word)
{
    unsigned char *copy = mem_alloc(word.size);
    if (word.size > 0) {
        memcpy(copy, word.data, word.size);
    }
    call->prefixes[call->wish.prefix_count] = bytes_make(copy, word.size);
    call->wish.prefix_count++;
}

/* The word at *i, and its value; moves *i behind them. */
static const char *parse_option(const struct exec *x, uint32_t *i, struct tracking_call *call)
{
    struct bytes word = x->argv[*i];
    bool has_value = *i + 1 < x->argc;
    (*i)++;
    if (bytes_is(word, "redirect") && has_value) {
        return parse_redirect(call, x->argv[(*i)++]);
    }
    if (bytes_is(word, "prefix") && has_value) {
        if (call->wish.prefix_count == TRACKING_PREFIXES_MAX) {
            return prefixes_error;
        }
        keep_prefix(call, x->argv[(*i)++]);
    } else if (bytes_is(word, "bcast")) {
        call->wish.is_broadcast = true;
    } else if (bytes_is(word, "optin")) {
        call->wish.flags |= TRACKING_OPTIN;
    } else if (bytes_is(word, "optout")) {
        call->wish.flags |= TRACKING_OPTOUT;
    } else if (bytes_is(word, "noloop")) {
        call->wish.flags |= TRACKING_NOLOOP;
    } else {
        return status_text(STATUS_SYNTAX);
    }
    return NULL;
}

static struct tracking_call *parse(const struct exec *x)
{
    uint32_t most = x->argc - 3;
    most = most < TRACKING_PREFIXES_MAX ? most : TRACKING_PREFIXES_MAX;
    struct tracking_call *call = mem_alloc_zero(sizeof(*call) + most * sizeof(call->prefixes[0]));
    call->services = x->services;
    call->client_id = x->client_id;
    call->client_reactor = x->reactor_index;
    call->wish.prefixes = call->prefixes;
    uint32_t i = 3;
    while (i < x->argc && call->error == NULL) {
        call->error = parse_option(x, &i, call);
    }
    if (bytes_is(x->argv[2], "on")) {
        call->turned = SWITCH_ON;
    } else if (bytes_is(x->argv[2], "off")) {
        call->turned = SWITCH_OFF;
    }
    return call;
}

/* ---- Applying ---- */

static bool overlap(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    return size == 0 || memcmp(a.data, b.data, size) == 0;
}

/* Redis's texts end at a NUL byte, and so do these. */
static void reply_overlap(struct reply *reply, struct bytes prefix, struct bytes other,
                          const char *which)
{
    reply_error_format(reply,
                       "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single "
                       "client must not overlap.",
                       (int)prefix.size, (const char *)prefix.data, which, (int)other.size,
                       (const char *)other.data);
}

/* True: an error was replied. */
static bool refuse_prefixes(const struct session *session, const struct tracking_wish *wish,
                            struct reply *reply)
{
    uint32_t kept = tracking_prefix_count(session);
    if (kept + wish->prefix_count > TRACKING_PREFIXES_MAX) {
        reply_error(reply, prefixes_error);
        return true;
    }
    for (uint32_t i = 0; i < wish->prefix_count; i++) {
        for (uint32_t j = 0; j < kept; j++) {
            if (overlap(wish->prefixes[i], tracking_prefix(session, j))) {
                reply_overlap(reply, wish->prefixes[i], tracking_prefix(session, j), "an existing");
                return true;
            }
        }
        for (uint32_t j = i + 1; j < wish->prefix_count; j++) {
            if (overlap(wish->prefixes[i], wish->prefixes[j])) {
                reply_overlap(reply, wish->prefixes[i], wish->prefixes[j], "another provided");
                return true;
            }
        }
    }
    return false;
}

/* What of the wish does not fit together, or not what the session has; NULL: nothing. */
static const char *find_conflict(const struct session *session, const struct tracking_wish *wish)
{
    const uint32_t modes = TRACKING_OPTIN | TRACKING_OPTOUT;
    uint32_t wanted = wish->flags & modes;
    uint32_t had = tracking_flags(session) & modes;
    bool was_broadcast = (session->flags & SESSION_TRACKING_BCAST) != 0;
    if (wish->prefix_count > 0 && !wish->is_broadcast) {
        return "ERR PREFIX option requires BCAST mode to be enabled";
    }
    if (session->tracking != NULL && was_broadcast != wish->is_broadcast) {
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    }
    if (wish->is_broadcast && wanted != 0) {
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    }
    if (wanted == modes) {
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    }
    if (wanted != 0 && had != 0 && wanted != had) {
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    }
    return NULL;
}

/* Does what was asked for, with the client that it redirects to known, and replies. */
static void apply(const struct tracking_call *call, struct session *session, struct reply *reply)
{
    const char *error = call->error;
    if (error == NULL && call->turned == SWITCH_UNKNOWN) {
        error = status_text(STATUS_SYNTAX);
    }
    if (error == NULL && call->turned == SWITCH_ON) {
        error = find_conflict(session, &call->wish);
    }
    if (error != NULL) {
        reply_error(reply, error);
        return;
    }
    if (call->turned == SWITCH_OFF) {
        tracking_disable(table_of(call->services), session);
    } else {
        if (refuse_prefixes(session, &call->wish, reply)) {
            return;
        }
        tracking_enable(table_of(call->services), session, &call->wish);
    }
    reply_ok(reply);
}

/* ---- REDIRECT: the way over all reactors ---- */

static void find_visit(struct gather *gather, struct session *session)
{
    struct tracking_call *call = (struct tracking_call *)gather;
    if (session->id == call->wish.redirect_id && (session->flags & SESSION_CLOSE_NOW) == 0) {
        atomic_store_explicit(&gather->total, (uint64_t)reactor_index(session->conn.reactor) + 1,
                              memory_order_relaxed);
    }
}

static struct tracking_call *call_of(struct mail *mail)
{
    return (struct tracking_call *)((char *)mail - offsetof(struct tracking_call, home));
}

static void on_home(struct mail *mail, struct reactor *reactor)
{
    struct tracking_call *call = call_of(mail);
    struct session *session = registry_find(call->services->registry, reactor, call->client_id);
    uint64_t found = atomic_load_explicit(&call->gather.total, memory_order_relaxed);
    struct reply *reply = suspension_reply(call->suspension);
    if (found == 0) {
        reply_error(reply, "ERR The client ID you want redirect to does not exist");
    } else if (session != NULL) {
        call->wish.redirect_reactor = (uint32_t)found - 1;
        apply(call, session, reply);
    }
    suspension_resume(call->suspension);
    call_free(call);
}

static void on_drop(struct mail *mail)
{
    call_free(call_of(mail));
}

static void find_finish(struct gather *gather)
{
    struct tracking_call *call = (struct tracking_call *)gather;
    call->home.deliver = on_home;
    call->home.drop = on_drop;
    reactor_post(registry_reactor(call->services->registry, call->client_reactor), &call->home);
}

enum status cmd_client_tracking(struct exec *x)
{
    struct tracking_call *call = parse(x);
    if (!call->has_redirect) {
        apply(call, x->session, x->reply);
        call_free(call);
        return STATUS_REPLIED;
    }
    call->suspension = exec_suspend(x, /* blocked= */ false, 0, /* timeout= */ NULL, call);
    call->gather.visit = find_visit;
    call->gather.finish = find_finish;
    registry_gather(x->services->registry, &call->gather);
    return STATUS_PENDING;
}

/* ---- The others ---- */

enum status cmd_client_caching(struct exec *x)
{
    uint32_t flags = tracking_flags(x->session);
    if (x->session->tracking == NULL) {
        reply_error(x->reply, "ERR CLIENT CACHING can be called only when the client is in "
                              "tracking mode with OPTIN or OPTOUT mode enabled");
        return STATUS_REPLIED;
    }
    bool is_yes = bytes_is(x->argv[2], "yes");
    if (!is_yes && !bytes_is(x->argv[2], "no")) {
        return STATUS_SYNTAX;
    }
    if (is_yes && (flags & TRACKING_OPTIN) == 0) {
        reply_error(x->reply, "ERR CLIENT CACHING YES is only valid when tracking is enabled in "
                              "OPTIN mode.");
        return STATUS_REPLIED;
    }
    if (!is_yes && (flags & TRACKING_OPTOUT) == 0) {
        reply_error(x->reply, "ERR CLIENT CACHING NO is only valid when tracking is enabled in "
                              "OPTOUT mode.");
        return STATUS_REPLIED;
    }
    if (x->is_inside) {
        /* For what stands behind it in the transaction. */
        x->tracks = is_yes;
    } else {
        tracking_set_caching(x->session);
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_client_getredir(struct exec *x)
{
    reply_integer(x->reply, x->session->tracking == NULL ? -1 : x->session->redirect_id);
    return STATUS_OK;
}

static void reply_flags(struct exec *x)
{
    const struct session *session = x->session;
    uint32_t flags = tracking_flags(session);
    bool is_said = (flags & TRACKING_CACHING) != 0;
    const struct {
        bool is_set;
        const char *name;
    } words[] = {
        {session->tracking == NULL, "off"},
        {session->tracking != NULL, "on"},
        {(session->flags & SESSION_TRACKING_BCAST) != 0, "bcast"},
        {(flags & TRACKING_OPTIN) != 0, "optin"},
        {(flags & TRACKING_OPTIN) != 0 && is_said, "caching-yes"},
        {(flags & TRACKING_OPTOUT) != 0, "optout"},
        {(flags & TRACKING_OPTOUT) != 0 && is_said, "caching-no"},
        {(flags & TRACKING_NOLOOP) != 0, "noloop"},
        {(session->flags & SESSION_TRACKING_BROKEN) != 0, "broken_redirect"},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        count += words[i].is_set;
    }
    reply_set(x->reply, count);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].is_set) {
            reply_bulk_text(x->reply, words[i].name);
        }
    }
}

enum status cmd_client_trackinginfo(struct exec *x)
{
    reply_map(x->reply, 3);
    reply_bulk_text(x->reply, "flags");
    reply_flags(x);
    reply_bulk_text(x->reply, "redirect");
    reply_integer(x->reply, x->session->tracking == NULL ? -1 : x->session->redirect_id);
    reply_bulk_text(x->reply, "prefixes");
    reply_array(x->reply, tracking_prefix_count(x->session));
    for (uint32_t i = 0; i < tracking_prefix_count(x->session); i++) {
        reply_bulk(x->reply, tracking_prefix(x->session, i));
    }
    return STATUS_OK;
}
