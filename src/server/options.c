/* The options of the process: rows for config. */
#include "pollard/server/options.h"
#include "pollard/base/log.h"
#include <unistd.h>

#define FIELD(name) .offset = offsetof(struct server_options, name)

static const struct option_choice level_choices[] = {
    {"debug", LOG_DEBUG},     {"verbose", LOG_VERBOSE}, {"notice", LOG_NOTICE},
    {"warning", LOG_WARNING}, {"nothing", LOG_NOTHING}, {NULL, 0}};

static const char *apply_loglevel(void *owner)
{
    const struct server_options *options = owner;
    log_set_level((enum log_level)option_get(&options->loglevel));
    return NULL;
}

static const char *apply_dir(void *owner)
{
    const struct server_options *options = owner;
    struct buf path = {0};
    option_text_copy(&options->dir, &path);
    buf_append_byte(&path, '\0');
    int result = path.size > 1 ? chdir((const char *)path.data) : 0;
    buf_deinit(&path);
    return result == 0 ? NULL : "cannot change to this directory";
}

const struct option_row server_option_rows[] = {
    {.name = "daemonize",
     .kind = OPTION_BOOL,
     .flags = OPTION_IMMUTABLE,
     FIELD(daemonize),
     .fallback = "no",
     .section = "process",
     .doc = "Run in the background."},
    {.name = "pidfile",
     .kind = OPTION_TEXT,
     .flags = OPTION_IMMUTABLE,
     FIELD(pidfile),
     .fallback = "",
     .section = "process",
     .doc = "File that holds the process id while the server runs."},
    {.name = "logfile",
     .kind = OPTION_TEXT,
     .flags = OPTION_IMMUTABLE,
     FIELD(logfile),
     .fallback = "",
     .section = "process",
     .doc = "File of the log; empty: standard output."},
    {.name = "loglevel",
     .kind = OPTION_ENUM,
     FIELD(loglevel),
     .fallback = "notice",
     .choices = level_choices,
     .section = "process",
     .doc = "Least level that is logged.",
     .apply = apply_loglevel},
    {.name = "dir",
     .kind = OPTION_TEXT,
     .flags = OPTION_PROTECTED,
     FIELD(dir),
     .fallback = "",
     .section = "process",
     .doc = "The working directory.",
     .apply = apply_dir},
    {.name = "shutdown-timeout",
     .kind = OPTION_NUMBER,
     FIELD(shutdown_timeout),
     .fallback = "10",
     .min = 0,
     .max = INT32_MAX,
     .unit = "s",
     .section = "process",
     .doc = "Most time that the end waits for replicas; without replicas it waits for none."},
};
const size_t server_option_row_count = sizeof(server_option_rows) / sizeof(server_option_rows[0]);
