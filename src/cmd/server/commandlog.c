/* SLOWLOG and COMMANDLOG: views of the command logs. On the reactor; the logs are bounded. */
#include "pollard/stats/commandlog.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

#define SLOWLOG_COUNT_DEFAULT 10

struct log_answer {
    struct reply *reply;
    size_t count;
};

static void add_entry(void *argument, const struct commandlog_entry *entry)
{
    struct log_answer *answer = argument;
    struct reply *reply = answer->reply;
    reply_array(reply, 6);
    reply_integer(reply, entry->id);
    reply_integer(reply, entry->time_s);
    reply_integer(reply, entry->value);
    reply_array(reply, entry->argument_count);
    for (size_t i = 0; i < entry->argument_count; i++) {
        reply_bulk(reply, buf_bytes(&entry->arguments[i]));
    }
    reply_bulk(reply, buf_bytes(&entry->peer));
    reply_bulk(reply, buf_bytes(&entry->client_name));
    answer->count++;
}

static void answer_entries(struct exec *x, enum commandlog_kind kind, int64_t count)
{
    struct log_answer answer = {.reply = x->reply};
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    commandlog_each(kind, count, add_entry, &answer);
    reply_later_end(x->reply, &later, REPLY_ARRAY, answer.count);
}

/* A count of entries: -1 is all. False when the error was replied. */
static bool parse_count(struct exec *x, struct bytes text, int64_t *ret_count)
{
    if (!number_parse_i64(text, ret_count) || *ret_count < -1) {
        reply_error(x->reply, "ERR count should be greater than or equal to -1");
        return false;
    }
    return true;
}

/* The log named by argv[index]. False when the error was replied. */
static bool parse_kind(struct exec *x, uint32_t index, enum commandlog_kind *ret_kind)
{
    static const char *const names[COMMANDLOG_KINDS] = {
        [COMMANDLOG_SLOW] = "slow",
        [COMMANDLOG_LARGE_REQUEST] = "large-request",
        [COMMANDLOG_LARGE_REPLY] = "large-reply",
    };
    for (int kind = 0; kind < COMMANDLOG_KINDS; kind++) {
        if (bytes_is(x->argv[index], names[kind])) {
            *ret_kind = (enum commandlog_kind)kind;
            return true;
        }
    }
    reply_error(x->reply, "ERR type should be one of the following: slow, large-request, "
                          "large-reply");
    return false;
}

enum status cmd_slowlog_get(struct exec *x)
{
    int64_t count = SLOWLOG_COUNT_DEFAULT;
    if (x->argc > 3) {
        reply_error_format(x->reply,
                           "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                           "SLOWLOG HELP.",
                           (int)x->argv[1].size, (const char *)x->argv[1].data);
        return STATUS_REPLIED;
    }
    if (x->argc == 3 && !parse_count(x, x->argv[2], &count)) {
        return STATUS_REPLIED;
    }
    answer_entries(x, COMMANDLOG_SLOW, count);
    return STATUS_OK;
}

enum status cmd_slowlog_len(struct exec *x)
{
    reply_integer(x->reply, (int64_t)commandlog_length(COMMANDLOG_SLOW));
    return STATUS_OK;
}

enum status cmd_slowlog_reset(struct exec *x)
{
    commandlog_reset(COMMANDLOG_SLOW);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_slowlog_help(struct exec *x)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show the latest <count> slow commands (default: 10, -1 all of them).",
        "    An entry holds:",
        "    id, time in seconds, run time in microseconds, arguments, client address,",
        "    client name",
        "LEN",
        "    Tell how many entries there are.",
        "RESET",
        "    Forget all entries.",
        NULL};
    reply_help(x->reply, "SLOWLOG", lines);
    return STATUS_OK;
}

enum status cmd_commandlog_get(struct exec *x)
{
    enum commandlog_kind kind;
    int64_t count;
    if (!parse_count(x, x->argv[2], &count) || !parse_kind(x, 3, &kind)) {
        return STATUS_REPLIED;
    }
    answer_entries(x, kind, count);
    return STATUS_OK;
}

enum status cmd_commandlog_len(struct exec *x)
{
    enum commandlog_kind kind;
    if (!parse_kind(x, 2, &kind)) {
        return STATUS_REPLIED;
    }
    reply_integer(x->reply, (int64_t)commandlog_length(kind));
    return STATUS_OK;
}

enum status cmd_commandlog_reset(struct exec *x)
{
    enum commandlog_kind kind;
    if (!parse_kind(x, 2, &kind)) {
        return STATUS_REPLIED;
    }
    commandlog_reset(kind);
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_commandlog_help(struct exec *x)
{
    static const char *const lines[] = {
        "GET <count> <type>",
        "    Show the latest <count> entries of a log (-1 all of them). An entry holds:",
        "    id, time in seconds, value, arguments, client address, client name.",
        "    <type> is slow (value: microseconds), large-request or large-reply (bytes).",
        "LEN <type>",
        "    Tell how many entries there are.",
        "RESET <type>",
        "    Forget all entries.",
        NULL};
    reply_help(x->reply, "COMMANDLOG", lines);
    return STATUS_OK;
}
