/* Redis's options about threads, processes, users, scripts, modules and the rest: kept and checked,
 * without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

static const struct option_choice choices_acl_pubsub_default[] = {
    {"allchannels", 0},
    {"resetchannels", 1},
    {NULL, 0},
};

static const struct option_choice choices_enable_module_command[] = {
    {"no", 0},
    {"yes", 1},
    {"local", 2},
    {NULL, 0},
};

static const struct option_choice choices_supervised[] = {
    {"upstart", 0}, {"systemd", 1}, {"auto", 2}, {"no", 3}, {NULL, 0},
};

static const struct option_choice choices_syslog_facility[] = {
    {"user", 0},   {"local0", 1}, {"local1", 2}, {"local2", 3}, {"local3", 4},
    {"local4", 5}, {"local5", 6}, {"local6", 7}, {"local7", 8}, {NULL, 0},
};

static const struct option_choice choices_oom_score_adj[] = {
    {"no", 0}, {"yes", 1}, {"relative", 2}, {"absolute", 3}, {NULL, 0},
};

static const struct option_choice choices_shutdown_on_sigint[] = {
    {"default", 0}, {"save", 1}, {"nosave", 2}, {"now", 4}, {"force", 8}, {NULL, 0},
};

static const struct option_choice choices_shutdown_on_sigterm[] = {
    {"default", 0}, {"save", 1}, {"nosave", 2}, {"now", 4}, {"force", 8}, {NULL, 0},
};

const struct option_row inert_misc_rows[] = {
    INERT_FIXED_NUMBER("io-threads", "1", 1, 128, "Threads for reading and writing; see threads."),
    INERT_BOOL("io-threads-do-reads", NULL, OPTION_IMMUTABLE, "no", "Read in these threads too."),
    INERT_TEXT("server_cpulist", "server-cpulist", OPTION_IMMUTABLE, "", "CPUs of the server."),
    INERT_TEXT("bio_cpulist", "bio-cpulist", OPTION_IMMUTABLE, "", "CPUs of background threads."),
    INERT_TEXT("aof_rewrite_cpulist", "aof-rewrite-cpulist", OPTION_IMMUTABLE, "",
               "CPUs of rewrites."),
    INERT_TEXT("bgsave_cpulist", "bgsave-cpulist", OPTION_IMMUTABLE, "", "CPUs of snapshots."),
    INERT_TEXT("aclfile", NULL, OPTION_IMMUTABLE, "", "File of users."),
    INERT_NUMBER("acllog-max-len", NULL, "128", 0, INT64_MAX, "Most entries of the ACL log."),
    INERT_ENUM("acl-pubsub-default", 0, "resetchannels", choices_acl_pubsub_default,
               "Channels of new users."),
    INERT_ENUM("enable-module-command", OPTION_IMMUTABLE, "no", choices_enable_module_command,
               "Who may use MODULE."),
    INERT_NUMBER("busy-reply-threshold", "lua-time-limit", "5000", 0, INT64_MAX,
                 "Milliseconds after which a script makes others see BUSY."),
    INERT_TEXT("bind-source-addr", NULL, 0, "", "Address of outgoing connections."),
    INERT_FIXED_NUMBER("socket-mark-id", "0", 0, UINT32_MAX, "Mark on sockets."),
    INERT_ENUM("supervised", OPTION_IMMUTABLE, "no", choices_supervised,
               "How the supervisor is told."),
    INERT_BOOL("set-proc-title", NULL, OPTION_IMMUTABLE, "yes", "Show a title in process lists."),
    INERT_CHECKED("proc-title-template", 0, "{title} {listen-addr} {server-mode}",
                  inert_check_title, "Form of that title."),
    INERT_TEXT("locale-collate", NULL, 0, "", "Locale of string comparison in SORT."),
    INERT_BOOL("always-show-logo", NULL, OPTION_IMMUTABLE, "no", "Print a logo at the start."),
    INERT_BOOL("syslog-enabled", NULL, OPTION_IMMUTABLE, "no", "Log to syslog."),
    INERT_TEXT("syslog-ident", NULL, OPTION_IMMUTABLE, "redis", "Name in syslog."),
    INERT_ENUM("syslog-facility", OPTION_IMMUTABLE, "local0", choices_syslog_facility,
               "Facility in syslog."),
    INERT_BOOL("crash-log-enabled", NULL, 0, "yes", "Write a report on a crash."),
    INERT_BOOL("crash-memcheck-enabled", NULL, 0, "yes", "Test memory on a crash."),
    INERT_BOOL("disable-thp", NULL, OPTION_IMMUTABLE, "yes", "Turn transparent huge pages off."),
    INERT_ENUM("oom-score-adj", 0, "no", choices_oom_score_adj,
               "Adjust the kernel's out-of-memory score."),
    INERT_CHECKED("oom-score-adj-values", OPTION_WORDS, "0 200 800", inert_check_scores,
                  "Scores of primary, replica and child."),
    INERT_ENUM("shutdown-on-sigint", OPTION_ENUM_BITS, "default", choices_shutdown_on_sigint,
               "What SIGINT does."),
    INERT_ENUM("shutdown-on-sigterm", OPTION_ENUM_BITS, "default", choices_shutdown_on_sigterm,
               "What SIGTERM does."),
    INERT_TEXT("ignore-warnings", NULL, 0, "", "Warnings that do not stop the start."),
    INERT_BOOL("hide-user-data-from-log", NULL, 0, "no", "Keep keys and values out of the log."),
    INERT_NUMBER("slowlog-entry-max-argc", NULL, "32", 2, INT32_MAX,
                 "Most arguments kept of a slow command."),
    INERT_NUMBER("slowlog-entry-max-string-len", NULL, "128", 1, INT32_MAX,
                 "Longest argument kept of a slow command."),
    INERT_TEXT("availability-zone", NULL, 0, "", "Zone told to clients."),
    INERT_BOOL("import-mode", NULL, 0, "no", "Keep expired keys while data is imported."),
    INERT_TEXT("hash-seed", NULL, OPTION_IMMUTABLE, "", "Seed of the hash function."),
};
const size_t inert_misc_count = sizeof(inert_misc_rows) / sizeof(inert_misc_rows[0]);
