/* DEBUG: which form was asked for, and the small ones. The gate has let only those clients through
 * that enable-debug-command allows.
 *
 * Starts on the reactor; forms that touch many keys ask for the pool. */
#include "debug.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/base/text.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"
#include <math.h>

/* Longest sleep: a week, so that the time in milliseconds cannot overflow. */
#define SLEEP_S_MAX 604800.0
/* Most steps of STRINGMATCH-LEN, text size by pattern size: some seconds of a worker. */
#define MATCH_STEPS_MAX INT64_C(4000000000)

static void end_sleep(struct suspension *suspension, struct reply *reply)
{
    reply_ok(reply);
}

/* Sleeps for the asking client alone: others are served meanwhile, unlike Redis. */
static enum status debug_sleep(struct exec *x)
{
    double seconds = 0;
    if (!number_parse_double(x->argv[2], &seconds) || !(seconds > 0)) {
        seconds = 0; /* Redis reads what is no number as 0, too. */
    }
    int64_t sleep_ms = (int64_t)ceil((seconds < SLEEP_S_MAX ? seconds : SLEEP_S_MAX) * 1000);
    if (sleep_ms == 0) {
        reply_ok(x->reply);
        return STATUS_OK;
    }
    (void)exec_suspend(x, /* blocked= */ false, sleep_ms, end_sleep, /* argument= */ NULL);
    return STATUS_PENDING;
}

static enum status debug_error(struct exec *x)
{
    reply_error_bytes(x->reply, x->argv[2]);
    return STATUS_REPLIED;
}

static enum status debug_log(struct exec *x)
{
    size_t shown = x->argv[2].size < 1024 ? x->argv[2].size : 1024;
    log_line(LOG_WARNING, "DEBUG LOG: %.*s", (int)shown, (const char *)x->argv[2].data);
    reply_ok(x->reply);
    return STATUS_OK;
}

static enum status debug_set_active_expire(struct exec *x)
{
    int64_t on = 0;
    if (!number_parse_i64(x->argv[2], &on)) {
        on = 0; /* As Redis reads it. */
    }
    keyspace_set_active_expire(x->services->keyspace, on != 0);
    reply_ok(x->reply);
    return STATUS_OK;
}

/* Checked and accepted: there are no quicklists whose nodes it could size. */
static enum status debug_packed_threshold(struct exec *x)
{
    uint64_t size;
    if (!number_parse_memory(x->argv[2], &size) || size > UINT32_MAX) {
        reply_error(x->reply,
                    "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
        return STATUS_REPLIED;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

/* Matches the pattern against that many letters 'a': shows that no pattern takes for ever. */
static enum status debug_stringmatch_len(struct exec *x)
{
    int64_t size;
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    if (!number_parse_i64(x->argv[2], &size)) {
        return STATUS_NOT_INTEGER;
    }
    if (size < 0 || size > MATCH_STEPS_MAX / ((int64_t)x->argv[3].size + 1)) {
        return STATUS_NOT_POSITIVE;
    }
    unsigned char *text = mem_try_alloc((size_t)size + 1);
    if (text == NULL) {
        return STATUS_ALLOCATION;
    }
    memset(text, 'a', (size_t)size);
    bool matches = text_glob(x->argv[3], bytes_make(text, (size_t)size), /* ignore_case= */ false);
    mem_free(text);
    reply_integer(x->reply, matches);
    return STATUS_OK;
}

static enum status debug_help(struct exec *x)
{
    static const char *const lines[] = {
        "DIGEST",
        "    Print 160 bits that depend on all keys, values and expiry times of all databases.",
        "    The figure is Pollard's own: it equals that of another Pollard, not of Redis.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    The same for the values of these keys.",
        "ERROR <string>",
        "    Answer with <string> as an error, for tests of clients.",
        "HTSTATS <dbid>",
        "    Tell figures of the tables of a database.",
        "LISTPACK <key>",
        "    Tell about the listpack of a key; there are none yet.",
        "LOG <message>",
        "    Write <message> to the log.",
        "OBJECT <key>",
        "    Tell how the value of a key is kept.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Make <count> strings \"<prefix>:<number>\" (default: key) of <size> bytes where there",
        "    are none yet.",
        "PROTOCOL <type>",
        "    Answer with a sample of the type: string, integer, double, bignum, null, array, set,",
        "    map, attrib, push, verbatim, true or false.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    Accepted without effect.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Whether expired keys are removed without being asked for.",
        "SLEEP <seconds>",
        "    Answer this client only after that time; others are served meanwhile.",
        "STRINGMATCH-LEN <size> <pattern>",
        "    Match the glob against that many letters a.",
        NULL};
    reply_help(x->reply, "DEBUG", lines);
    return STATUS_OK;
}

static const struct {
    const char *name;
    uint32_t argc_min;
    uint32_t argc_max;
    enum status (*run)(struct exec *x);
} forms[] = {
    {"digest", 2, 2, debug_digest},
    {"digest-value", 2, UINT32_MAX, debug_digest_value},
    {"error", 3, 3, debug_error},
    {"help", 2, 2, debug_help},
    {"htstats", 3, 4, debug_htstats},
    {"listpack", 3, 3, debug_listpack},
    {"log", 3, 3, debug_log},
    {"object", 3, 3, debug_object},
    {"populate", 3, 5, debug_populate},
    {"protocol", 3, 3, debug_protocol},
    {"quicklist-packed-threshold", 3, 3, debug_packed_threshold},
    {"set-active-expire", 3, 3, debug_set_active_expire},
    {"sleep", 3, 3, debug_sleep},
    {"stringmatch-len", 4, 4, debug_stringmatch_len},
};

enum status cmd_debug(struct exec *x)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (bytes_is(x->argv[1], forms[i].name) && x->argc >= forms[i].argc_min &&
            x->argc <= forms[i].argc_max) {
            return forms[i].run(x);
        }
    }
    size_t shown = x->argv[1].size < 128 ? x->argv[1].size : 128;
    reply_error_format(x->reply,
                       "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG "
                       "HELP.",
                       (int)shown, (const char *)x->argv[1].data);
    return STATUS_REPLIED;
}
