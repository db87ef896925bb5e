/* config: the options of all rooms in one place: files, the command line, CONFIG GET/SET/REWRITE.
 *
 * It knows rows (base/option.h), not rooms: server registers the sets. Reading is free for all
 * threads through option_get; every function here takes the config lock. */
#ifndef POLLARD_CONFIG_CONFIG_H
#define POLLARD_CONFIG_CONFIG_H

#include "pollard/base/option.h"

struct config;

ATTR_MUST_USE struct config *config_create(void);
void config_destroy(struct config **config);
/* Adds a room's rows and gives every option its default. Before any other use. check()s that names
 * are unique. */
void config_register(struct config *config, const struct option_set *set);

/* Registers the options of Redis 7.2 that have no effect here, but for those that a room has
 * registered: call it last. config keeps their values, so that CONFIG GET and REWRITE are true. */
void config_register_inert(struct config *config);

/* Reads a whole configuration text (redis.conf's syntax: "name value...", '#' comments, quoting,
 * include with globs, an empty line). origin names it in errors; with NULL, include is refused.
 * What stands before a wrong line stays set: for the start of the process only. False with a text
 * for people in ret_error: "path:12: unknown option 'maxmemroy', did you mean 'maxmemory'?". */
bool config_load_text(struct config *config, struct bytes text, const char *origin,
                      struct buf *ret_error);
bool config_load_file(struct config *config, const char *path, struct buf *ret_error);
/* The command line: [file | -] [--name value ...]... as redis-server takes it. Sets
 * what the first argument is (a file is read first, options after it win). --help, --version and
 * --check-config are reported, not done. */
struct config_command_line {
    bool help;
    bool version;
    bool check_only;
    const char *file; /* NULL: none; "-": standard input */
};
/* argv[0] is the program. The strings of argv must outlive ret_line. */
bool config_load_arguments(struct config *config, int argc, char **argv,
                           struct config_command_line *ret_line, struct buf *ret_error);
/* Logs one line for each option without effect that a file or the command line has set since the
 * last call: the server calls it when its log is open. */
void config_report_inert(struct config *config);

/* One name and its value, as CONFIG GET's pairs. */
typedef void config_visitor(void *argument, struct bytes name, struct bytes value);
/* Calls visit for every option (by name and by alias) that matches any of the globs, each once. */
void config_get(struct config *config, const struct bytes *patterns, size_t count,
                config_visitor *visit, void *argument);
/* Sets several at once, all or nothing: names and values alternate in pairs. False with the text
 * of the reply (after "-") in ret_error, as Redis words it: "ERR CONFIG SET failed (possibly
 * related to argument 'x') - argument must be ...", "ERR Unknown option or number of arguments for
 * CONFIG SET - 'x'", duplicates, immutables. is_local: the client is on loopback or a unix socket,
 * which matters for protected options. Logs one line for an inert option. */
bool config_set(struct config *config, const struct bytes *pairs, size_t pair_count, bool is_local,
                struct buf *ret_error);
/* CONFIG REWRITE: keeps the file's comments and order, replaces changed values, appends what is
 * set and not there; writes a temporary file beside it, syncs and renames. False with the text of
 * the reply (after "-"). */
bool config_rewrite(struct config *config, struct buf *ret_error);
/* Path of the file in use, or NULL. */
const char *config_file(const struct config *config);
/* Walks all rows in registration order: for docs, sample configuration, tests. */
void config_each(const struct config *config,
                 void (*visit)(void *argument, const struct option_row *row, const void *owner),
                 void *argument);
/* The whole sample configuration with docs as comments; the table of docs/configuration.md; and
 * the option part of --help. */
void config_print_sample(const struct config *config, struct buf *ret_text);
void config_print_markdown(const struct config *config, struct buf *ret_text);
void config_print_help(const struct config *config, struct buf *ret_text);

#endif
