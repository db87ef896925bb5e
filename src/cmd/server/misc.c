/* Small commands of the server: MEMORY, MODULE, MONITOR, ROLE, SAVE, SHUTDOWN, TIME, ACL. On the
 * reactor, but MEMORY USAGE wherever its key takes it. */
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard/value/collection.h"
#include "pollard_commands.h"

/* Elements that are looked at unless SAMPLES says otherwise, and the most for a reactor. */
#define SAMPLES_DEFAULT 5
#define SAMPLES_MAX_INLINE 1024

static enum status read_samples(const struct exec *x, int64_t *ret_samples)
{
    for (uint32_t i = 3; i < x->argc; i += 2) {
        if (!bytes_is(x->argv[i], "samples") || i + 1 == x->argc) {
            return STATUS_SYNTAX;
        }
        if (!number_parse_i64(x->argv[i + 1], ret_samples)) {
            return STATUS_NOT_INTEGER;
        }
        if (*ret_samples < 0) {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}

/* A walk over a large collection, from a version. */
struct usage_work {
    struct exec_work work;
    struct collection *collection;
    size_t own; /* of the key */
    uint64_t samples;
};

static enum status usage_run(struct exec *x, struct exec_work *work)
{
    const struct usage_work *usage = (const struct usage_work *)work;
    size_t size = usage->own + collection_memory(usage->collection, usage->samples);
    reply_integer(x->reply, (int64_t)size);
    return STATUS_REPLIED;
}

static void usage_free(struct exec_work *work, struct keyspace *keyspace)
{
    keyspace_discard_collection(keyspace, ((struct usage_work *)work)->collection);
    mem_free(work);
}

static enum status usage_later(struct exec *x, struct collection *collection, uint64_t samples)
{
    struct usage_work *usage = mem_alloc(sizeof(*usage));
    usage->work = (struct exec_work){.run = usage_run, .free = usage_free};
    usage->collection = collection_acquire(collection);
    usage->own = key_memory(x->access, 0);
    usage->samples = samples;
    x->work = &usage->work;
    return STATUS_COMPUTE;
}

enum status cmd_memory_usage(struct exec *x)
{
    struct value value;
    int64_t samples = SAMPLES_DEFAULT;
    enum status status = read_samples(x, &samples);
    if (status != STATUS_OK) {
        return status;
    }
    if (!key_find(x->access, 0, KEY_QUIET, &value)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    size_t size = key_memory(x->access, 0);
    if (value.type != VALUE_STRING) {
        uint64_t count = collection_count(value.collection);
        uint64_t looks = samples == 0 || (uint64_t)samples > count ? count : (uint64_t)samples;
        if (looks > SAMPLES_MAX_INLINE) {
            return exec_on_reactor(x) ? STATUS_TO_POOL : usage_later(x, value.collection, looks);
        }
        size += collection_memory(value.collection, looks);
    }
    reply_integer(x->reply, (int64_t)size);
    return STATUS_OK;
}

enum status cmd_memory_help(struct exec *x)
{
    static const char *const lines[] = {
        "USAGE <key> [SAMPLES <count>]",
        "    Tell how many bytes a key and its value take. What long elements of a",
        "    collection take is judged by <count> of them (0: all; default: 5).", NULL};
    reply_help(x->reply, "MEMORY", lines);
    return STATUS_OK;
}

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
