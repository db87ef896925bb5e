/* The options of exec: rows for config. */
#include "pollard/exec/exec.h"

#define FIELD(name) .offset = offsetof(struct exec_options, name)

static const struct option_choice dispatch_choices[] = {
    {"auto", DISPATCH_AUTO}, {"inline", DISPATCH_INLINE}, {"pool", DISPATCH_POOL}, {NULL, 0}};
static const struct option_choice protected_choices[] = {
    {"no", 0}, {"yes", 1}, {"local", 2}, {NULL, 0}};

const struct option_row exec_option_rows[] = {
    {.name = "threads",
     .kind = OPTION_NUMBER,
     .flags = OPTION_OWN | OPTION_IMMUTABLE,
     FIELD(threads),
     .fallback = "0",
     .min = 0,
     .max = 64,
     .section = "threads",
     .doc = "Reactor threads: each serves its own connections from read to reply. 0: one a core."},
    {.name = "pool-threads",
     .kind = OPTION_NUMBER,
     .flags = OPTION_OWN | OPTION_IMMUTABLE,
     FIELD(pool_threads),
     .fallback = "0",
     .min = 0,
     .max = 64,
     .section = "threads",
     .doc = "Worker threads for long commands and for commands that meet a busy shard; at least "
            "2. 0: one a core and at least 2."},
    {.name = "dispatch",
     .kind = OPTION_ENUM,
     .flags = OPTION_OWN,
     FIELD(dispatch),
     .fallback = "auto",
     .choices = dispatch_choices,
     .section = "threads",
     .doc = "Where commands run: auto (short ones on the reactor, long ones on the pool), inline "
            "(everything that can on the reactor), pool (everything with keys on the pool)."},
    {.name = "hotkeys-sample-ratio",
     .kind = OPTION_NUMBER,
     .flags = OPTION_OWN,
     FIELD(hotkeys_sample_ratio),
     .fallback = "256",
     .min = 0,
     .max = 1000000,
     .unit = "calls",
     .section = "statistics",
     .doc = "One call in so many is looked at for the hottest keys in INFO hotkeys; 0: none."},
    {.name = "enable-debug-command",
     .kind = OPTION_ENUM,
     .flags = OPTION_IMMUTABLE,
     FIELD(enable_debug_command),
     .fallback = "no",
     .choices = protected_choices,
     .section = "security",
     .doc = "Who may use DEBUG: nobody, everybody, or local clients."},
    {.name = "enable-protected-configs",
     .kind = OPTION_ENUM,
     .flags = OPTION_IMMUTABLE,
     FIELD(enable_protected_configs),
     .fallback = "no",
     .choices = protected_choices,
     .section = "security",
     .doc = "Who may change protected options at run time: nobody, everybody, or local clients."},
    {.name = "rename-command",
     .kind = OPTION_TEXT,
     .flags = OPTION_IMMUTABLE | OPTION_REPEATED | OPTION_SECRET | OPTION_FILE_ONLY,
     FIELD(rename_commands),
     .fallback = "",
     .section = "security",
     .doc = "An old and a new name: the command answers to the new one only; \"\" removes it."},
};
const size_t exec_option_row_count = sizeof(exec_option_rows) / sizeof(exec_option_rows[0]);
