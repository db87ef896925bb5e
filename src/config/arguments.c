/* The command line, as redis-server takes it: [file] [--name value ...]... [-].
 *
 * Runs once, before other threads start. The file is read first, then standard input, then the
 * options: what stands in argv wins.
 *
 * Invariant: the word behind "--name" is always its value, even if it begins with "--"; only for
 * an option that takes any number of words may it be the next option.
 */
#include "pollard/base/mem.h"
#include "table.h"

struct arguments {
    struct config *config;
    int count;
    char **words;
    struct buf *ret_error;
};

static bool argument_is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] == '-';
}

static bool argument_unknown(const struct arguments *arguments, const char *argument)
{
    const char *name = argument_is_option(argument) ? argument + 2 : argument;
    const char *nearest = config_nearest(arguments->config, name);
    const char *equals = strchr(name, '=');
    buf_format(arguments->ret_error, "command line: unknown option '%s'", argument);
    if (equals != NULL) {
        buf_format(arguments->ret_error, ": write --%.*s %s", (int)(equals - name), name,
                   equals + 1);
    } else if (nearest != NULL) {
        buf_format(arguments->ret_error, ", did you mean '--%s'?", nearest);
    }
    return false;
}

/* How many words behind the option at index belong to it. */
static int argument_value_count(const struct arguments *arguments, int index,
                                const struct config_entry *entry)
{
    int count = 0;
    bool takes_words = config_row_takes_words(entry->row);
    for (int i = index + 1; i < arguments->count; i++) {
        bool is_free = count > 0 || takes_words;
        if (is_free && argument_is_option(arguments->words[i])) {
            break;
        }
        if (strcmp(arguments->words[i], "-") == 0 && i == arguments->count - 1 && is_free) {
            break;
        }
        count++;
    }
    return count;
}

/* Sets one option; *index moves behind its values. */
static bool argument_load(const struct arguments *arguments, int *index)
{
    const char *argument = arguments->words[*index];
    struct config_entry *entry = NULL;
    if (argument_is_option(argument)) {
        entry = config_find(arguments->config, bytes_text(argument + 2));
    }
    if (entry == NULL) {
        return argument_unknown(arguments, argument);
    }
    int count = argument_value_count(arguments, *index, entry);
    struct bytes *values = mem_alloc((size_t)(count + 1) * sizeof(*values));
    for (int i = 0; i < count; i++) {
        values[i] = bytes_text(arguments->words[*index + 1 + i]);
    }
    struct buf scratch = {0};
    const char *error = config_load_words(entry, values, (size_t)count, &scratch);
    if (error != NULL) {
        buf_format(arguments->ret_error, "command line: --%s: %s", entry->row->name, error);
    }
    buf_deinit(&scratch);
    mem_free(values);
    *index += count + 1;
    return error == NULL;
}

static bool arguments_load_options(const struct arguments *arguments, int index)
{
    while (index < arguments->count) {
        const char *argument = arguments->words[index];
        bool is_last_dash = strcmp(argument, "-") == 0 && index == arguments->count - 1;
        if (is_last_dash || strcmp(argument, "--check-config") == 0) {
            index++;
        } else if (!argument_load(arguments, &index)) {
            return false;
        }
    }
    return true;
}

/* Is the text one of the two spellings? */
static bool argument_is(const char *argument, const char *brief, const char *full)
{
    return strcmp(argument, brief) == 0 || strcmp(argument, full) == 0;
}

static bool arguments_load(const struct arguments *arguments, struct config_command_line *line)
{
    int index = 1;
    if (arguments->count > 1 && arguments->words[1][0] != '-') {
        line->file = arguments->words[1];
        index = 2;
        if (!config_load_file_locked(arguments->config, line->file, 0, arguments->ret_error)) {
            return false;
        }
        config_note_file(arguments->config, line->file);
    } else if (arguments->count > 1 && strcmp(arguments->words[1], "-") == 0) {
        index = 2;
    }
    bool reads_input = index == 2 && line->file == NULL;
    if (arguments->count > 2 && strcmp(arguments->words[arguments->count - 1], "-") == 0) {
        reads_input = true;
    }
    if (reads_input && !config_load_file_locked(arguments->config, "-", 0, arguments->ret_error)) {
        return false;
    }
    if (reads_input && line->file == NULL) {
        line->file = "-";
    }
    return arguments_load_options(arguments, index);
}

bool config_load_arguments(struct config *config, int argc, char **argv,
                           struct config_command_line *ret_line, struct buf *ret_error)
{
    struct config_command_line line = {0};
    struct arguments arguments = {
        .config = config, .count = argc, .words = argv, .ret_error = ret_error};
    line.help = argc > 1 && argument_is(argv[1], "-h", "--help");
    line.version = argc > 1 && argument_is(argv[1], "-v", "--version");
    for (int i = 1; i < argc; i++) {
        line.check_only = line.check_only || strcmp(argv[i], "--check-config") == 0;
    }
    bool is_loaded = true;
    if (!line.help && !line.version) {
        lock_acquire(&config->lock);
        is_loaded = arguments_load(&arguments, &line);
        lock_release(&config->lock);
    }
    *ret_line = line;
    return is_loaded;
}
