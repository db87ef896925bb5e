/* Filters of CLIENT LIST and CLIENT KILL, as a table of options.
 *
 * Parsed on the asker's reactor, matched on every reactor against its own sessions.
 * Invariant: a filter owns all it refers to; the request may be gone when it is matched. */
#include "client_filter.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include <stdlib.h>

enum filter_kind {
    FILTER_ID,
    FILTER_TYPE,
    FILTER_ADDR,
    FILTER_LADDR,
    FILTER_IP,
    FILTER_USER,
    FILTER_NAME,
    FILTER_LIB_NAME,
    FILTER_LIB_VER,
    FILTER_FLAGS,
    FILTER_CAPA,
    FILTER_DB,
    FILTER_MAXAGE,
    FILTER_IDLE,
    FILTER_KINDS
};

static const struct {
    const char *name;
    bool is_number;
    bool can_negate;
} filter_rows[FILTER_KINDS] = {
    [FILTER_ID] = {"id", false, true},           [FILTER_TYPE] = {"type", false, true},
    [FILTER_ADDR] = {"addr", false, true},       [FILTER_LADDR] = {"laddr", false, true},
    [FILTER_IP] = {"ip", false, true},           [FILTER_USER] = {"user", false, true},
    [FILTER_NAME] = {"name", false, true},       [FILTER_LIB_NAME] = {"lib-name", false, true},
    [FILTER_LIB_VER] = {"lib-ver", false, true}, [FILTER_FLAGS] = {"flags", false, true},
    [FILTER_CAPA] = {"capa", false, true},       [FILTER_DB] = {"db", true, true},
    [FILTER_MAXAGE] = {"maxage", true, false},   [FILTER_IDLE] = {"idle", true, false},
};

/* Conditions of one call: each session is held against all of them on its reactor, so there must
 * not be as many as a client likes. */
#define CONDITIONS_MAX 64

struct client_condition {
    enum filter_kind kind;
    bool is_negated;
    struct buf text; /* what to compare with; the ids, sorted, for FILTER_ID */
    int64_t number;
};

/* The kind an option names, or FILTER_KINDS. */
static enum filter_kind kind_find(struct bytes word, bool *ret_negated)
{
    *ret_negated = word.size > 4 && bytes_is(bytes_make(word.data, 4), "not-");
    struct bytes name = *ret_negated ? bytes_make(word.data + 4, word.size - 4) : word;
    for (int kind = 0; kind < FILTER_KINDS; kind++) {
        if (bytes_is(name, filter_rows[kind].name) &&
            (!*ret_negated || filter_rows[kind].can_negate)) {
            return (enum filter_kind)kind;
        }
    }
    return FILTER_KINDS;
}

static bool is_option(struct bytes word)
{
    bool negated;
    return bytes_is(word, "skipme") || kind_find(word, &negated) != FILTER_KINDS;
}

static struct client_condition *condition_add(struct client_filter *filter, enum filter_kind kind,
                                              bool is_negated)
{
    struct client_condition *condition = &filter->conditions[filter->count];
    filter->count++;
    *condition = (struct client_condition){.kind = kind, .is_negated = is_negated};
    return condition;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left;
    int64_t right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return left < right ? -1 : left > right;
}

/* Takes ids from argv[*i] on, up to the next option. */
static enum status parse_ids(struct exec *x, uint32_t *i, struct client_filter *filter,
                             struct client_condition *condition)
{
    do {
        int64_t id;
        if (!number_parse_i64(x->argv[*i], &id) || (filter->for_kill && id < 1)) {
            reply_error(x->reply, filter->for_kill ? "ERR client-id should be greater than 0"
                                                   : "ERR Invalid client ID");
            return STATUS_REPLIED;
        }
        buf_append(&condition->text, bytes_make(&id, sizeof(id)));
        (*i)++;
    } while (*i < x->argc && !is_option(x->argv[*i]));
    qsort(condition->text.data, condition->text.size / sizeof(int64_t), sizeof(int64_t),
          compare_ids);
    return STATUS_OK;
}

static enum status check_type(struct exec *x, struct bytes type)
{
    static const char *const types[] = {"normal", "slave",  "replica",
                                        "pubsub", "master", "primary"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (bytes_is(type, types[i])) {
            return STATUS_OK;
        }
    }
    reply_error_format(x->reply, "ERR Unknown client type '%.*s'",
                       (int)(type.size < 128 ? type.size : 128), (const char *)type.data);
    return STATUS_REPLIED;
}

static enum status check_text(struct exec *x, enum filter_kind kind, struct bytes text)
{
    if (kind == FILTER_TYPE) {
        return check_type(x, text);
    }
    if (kind == FILTER_USER && !bytes_equal(text, bytes_text("default"))) {
        reply_error_format(x->reply, "ERR No such user '%.*s'",
                           (int)(text.size < 128 ? text.size : 128), (const char *)text.data);
        return STATUS_REPLIED;
    }
    return STATUS_OK;
}

/* One option at argv[*i], which is moved behind its values. */
static enum status parse_option(struct exec *x, uint32_t *i, struct client_filter *filter)
{
    struct bytes word = x->argv[*i];
    bool is_negated;
    enum filter_kind kind = kind_find(word, &is_negated);
    (*i)++;
    if (*i == x->argc || filter->count == CONDITIONS_MAX) {
        return STATUS_SYNTAX;
    }
    if (kind == FILTER_ID) {
        return parse_ids(x, i, filter, condition_add(filter, kind, is_negated));
    }
    struct bytes value = x->argv[*i];
    (*i)++;
    if (bytes_is(word, "skipme")) {
        filter->skip_me = bytes_is(value, "yes");
        return filter->skip_me || bytes_is(value, "no") ? STATUS_OK : STATUS_SYNTAX;
    }
    if (kind == FILTER_KINDS) {
        return STATUS_SYNTAX;
    }
    struct client_condition *condition = condition_add(filter, kind, is_negated);
    if (filter_rows[kind].is_number) {
        if (!number_parse_i64(value, &condition->number)) {
            return STATUS_NOT_INTEGER;
        }
        return condition->number >= 0 ? STATUS_OK : STATUS_NOT_POSITIVE;
    }
    buf_append(&condition->text, value);
    return check_text(x, kind, value);
}

enum status client_filter_parse(struct exec *x, uint32_t first, struct client_filter *filter)
{
    filter->conditions = mem_alloc_zero(CONDITIONS_MAX * sizeof(*filter->conditions));
    enum status status = STATUS_OK;
    uint32_t i = first;
    while (i < x->argc && status == STATUS_OK) {
        status = parse_option(x, &i, filter);
    }
    if (status != STATUS_OK) {
        client_filter_deinit(filter);
    }
    return status;
}

void client_filter_address(struct client_filter *filter, struct bytes text)
{
    filter->conditions = mem_alloc_zero(sizeof(*filter->conditions));
    struct client_condition *condition = condition_add(filter, FILTER_ADDR, false);
    buf_append(&condition->text, text);
}

void client_filter_deinit(struct client_filter *filter)
{
    for (size_t i = 0; i < filter->count; i++) {
        buf_deinit(&filter->conditions[i].text);
    }
    mem_free(filter->conditions);
    filter->conditions = NULL;
    filter->count = 0;
}

static bool has_id(const struct client_condition *condition, uint64_t id)
{
    int64_t wanted = (int64_t)id;
    return bsearch(&wanted, condition->text.data, condition->text.size / sizeof(wanted),
                   sizeof(wanted), compare_ids) != NULL;
}

static bool text_is(const struct client_condition *condition, const char *text)
{
    return bytes_equal(buf_bytes(&condition->text), bytes_text(text == NULL ? "" : text));
}

static bool address_is(const struct client_condition *condition, const struct session *session)
{
    struct buf text = {0};
    if (condition->kind == FILTER_LADDR) {
        conn_local_text(&session->conn, &text);
    } else {
        conn_peer_text(&session->conn, &text);
    }
    if (condition->kind == FILTER_IP) {
        while (text.size > 0 && text.data[text.size - 1] != ':') {
            text.size--;
        }
        text.size -= text.size > 0;
    }
    bool is_same = bytes_equal(buf_bytes(&text), buf_bytes(&condition->text));
    buf_deinit(&text);
    return is_same;
}

/* Are all wanted letters among the session's flags, as CLIENT LIST shows them? */
static bool flags_are(const struct client_condition *condition, struct session *session)
{
    struct buf line = {0};
    session_describe(session, &line);
    buf_append_byte(&line, '\0');
    const char *found = strstr((const char *)line.data, " flags=");
    const char *flags = found == NULL ? "" : found + strlen(" flags=");
    size_t size = strcspn(flags, " ");
    bool all = true;
    for (size_t i = 0; i < condition->text.size && all; i++) {
        all = memchr(flags, condition->text.data[i], size) != NULL;
    }
    buf_deinit(&line);
    return all;
}

static bool capa_is(const struct client_condition *condition, const struct session *session)
{
    bool redirects = (session->flags & SESSION_CAPA_REDIRECT) != 0;
    return condition->text.size > 0 && redirects && text_is(condition, "r");
}

static bool meets(const struct client_condition *condition, struct session *session)
{
    const struct reactor *reactor = session->conn.reactor;
    switch (condition->kind) {
    case FILTER_ID:
        return has_id(condition, session->id);
    case FILTER_TYPE:
        /* There are no replicas; monitors count as normal, as in Redis. */
        return bytes_is(buf_bytes(&condition->text),
                        (session->flags & SESSION_SUBSCRIBED) != 0 ? "pubsub" : "normal");
    case FILTER_ADDR:
    case FILTER_LADDR:
    case FILTER_IP:
        return address_is(condition, session);
    case FILTER_USER:
        return text_is(condition, "default");
    case FILTER_NAME:
        return text_is(condition, session->name);
    case FILTER_LIB_NAME:
        return text_is(condition, session->lib_name);
    case FILTER_LIB_VER:
        return text_is(condition, session->lib_version);
    case FILTER_FLAGS:
        return flags_are(condition, session);
    case FILTER_CAPA:
        return capa_is(condition, session);
    case FILTER_DB:
        return session->db == condition->number;
    case FILTER_MAXAGE:
        return (reactor_now_ms(reactor) - session->created_ms) / 1000 >= condition->number;
    case FILTER_IDLE:
        return (reactor_monotonic_ms(reactor) - session->conn.active_ms) / 1000 >=
               condition->number;
    case FILTER_KINDS:
        break;
    }
    return false;
}

bool client_filter_matches(const struct client_filter *filter, struct session *session)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct client_condition *condition = &filter->conditions[i];
        if (meets(condition, session) == condition->is_negated) {
            return false;
        }
    }
    return true;
}
