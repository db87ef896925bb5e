/* COMMAND DOCS and COMMAND HELP: the table as people read it, through redis-cli's hints for one.
 *
 * Keyless and inline: the table is constant. */
#include "pollard/exec/command_docs.h"
#include "pollard_commands.h"
#include "replies.h"

static void reply_pair(struct reply *reply, const char *name, const char *text)
{
    reply_bulk_text(reply, name);
    reply_bulk_text(reply, text);
}

static void reply_pair_if(struct reply *reply, const char *name, const char *text)
{
    if (text != NULL) {
        reply_pair(reply, name, text);
    }
}

static const char *argument_flag_name(uint32_t bit)
{
    static const char *const names[] = {"optional", "multiple", "multiple_token"};
    return names[bit];
}

static void reply_arguments(struct reply *reply, const struct command_argument *arguments,
                            uint32_t count);

/* Recurses as deep as the command files nest arguments: a few levels. */
static void reply_argument(struct reply *reply, const struct command_argument *argument)
{
    size_t pairs = 2u + (argument->key_spec_index >= 0) + (argument->token != NULL) +
                   (argument->since != NULL) + (argument->deprecated_since != NULL) +
                   (argument->flags != 0) + (argument->argument_count > 0);
    reply_map(reply, pairs);
    reply_pair(reply, "name", argument->name);
    reply_pair(reply, "type", argument->type);
    if (argument->key_spec_index >= 0) {
        reply_bulk_text(reply, "key_spec_index");
        reply_integer(reply, argument->key_spec_index);
    }
    reply_pair_if(reply, "token", argument->token);
    reply_pair_if(reply, "since", argument->since);
    reply_pair_if(reply, "deprecated_since", argument->deprecated_since);
    if (argument->flags != 0) {
        reply_bulk_text(reply, "flags");
        command_reply_bits(reply, argument->flags, 3, argument_flag_name);
    }
    if (argument->argument_count > 0) {
        reply_arguments(reply, argument->arguments, argument->argument_count);
    }
}

static void reply_arguments(struct reply *reply, const struct command_argument *arguments,
                            uint32_t count)
{
    reply_bulk_text(reply, "arguments");
    reply_array(reply, count);
    for (uint32_t i = 0; i < count; i++) {
        reply_argument(reply, &arguments[i]);
    }
}

static void reply_doc_flags(struct reply *reply, const struct command_docs *docs)
{
    bool is_deprecated = docs->deprecated_since != NULL;
    if (!is_deprecated && !docs->is_system) {
        return;
    }
    reply_bulk_text(reply, "doc_flags");
    reply_set(reply, (size_t)is_deprecated + docs->is_system);
    if (is_deprecated) {
        reply_simple(reply, "deprecated");
    }
    if (docs->is_system) {
        reply_simple(reply, "syscmd");
    }
}

static void reply_history(struct reply *reply, const struct command_docs *docs)
{
    if (docs->history_count == 0) {
        return;
    }
    reply_bulk_text(reply, "history");
    reply_set(reply, docs->history_count);
    for (uint32_t i = 0; i < docs->history_count; i++) {
        reply_array(reply, 2);
        reply_bulk_text(reply, docs->history[i].since);
        reply_bulk_text(reply, docs->history[i].text);
    }
}

/* The name and the map of one command; has_more: a pair "subcommands" follows. */
static void reply_own_docs(struct reply *reply, const struct command *command, bool has_more)
{
    const struct command_docs *docs = command_docs(command);
    size_t pairs = 4u + (docs->deprecated_since != NULL || docs->is_system) +
                   (docs->deprecated_since != NULL) + (docs->replaced_by != NULL) +
                   (docs->history_count > 0) + (docs->argument_count > 0) + has_more;
    reply_bulk_text(reply, command->full_name);
    reply_map(reply, pairs);
    reply_pair(reply, "summary", docs->summary);
    reply_pair(reply, "since", docs->since);
    reply_pair(reply, "group", docs->group);
    reply_pair(reply, "complexity", docs->complexity);
    reply_doc_flags(reply, docs);
    reply_pair_if(reply, "deprecated_since", docs->deprecated_since);
    reply_pair_if(reply, "replaced_by", docs->replaced_by);
    reply_history(reply, docs);
    if (docs->argument_count > 0) {
        reply_arguments(reply, docs->arguments, docs->argument_count);
    }
}

static void reply_docs(struct reply *reply, const struct command *command)
{
    reply_own_docs(reply, command, command->subcommand_count > 0);
    if (command->subcommand_count == 0) {
        return;
    }
    reply_bulk_text(reply, "subcommands");
    reply_map(reply, command->subcommand_count);
    for (uint32_t i = 0; i < command->subcommand_count; i++) {
        reply_own_docs(reply, &command->subcommands[i], /* has_more= */ false);
    }
}

static enum status reply_all_docs(struct exec *x)
{
    uint32_t count = command_toplevel_count();
    reply_map(x->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        reply_docs(x->reply, command_toplevel(i));
    }
    return STATUS_OK;
}

enum status cmd_command_docs(struct exec *x)
{
    if (x->argc == 2) {
        return reply_all_docs(x);
    }
    size_t count = 0;
    for (uint32_t i = 2; i < x->argc; i++) {
        count += command_find_full(x->argv[i]) != NULL;
    }
    reply_map(x->reply, count);
    for (uint32_t i = 2; i < x->argc; i++) {
        const struct command *command = command_find_full(x->argv[i]);
        if (command != NULL) {
            reply_docs(x->reply, command);
        }
    }
    return STATUS_OK;
}

enum status cmd_command_help(struct exec *x)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe all commands.",
        "COUNT",
        "    Tell how many commands there are.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    List the names of all commands, or of those that pass the filter.",
        "INFO [<command-name> ...]",
        "    Describe the named commands, or all, for programs.",
        "DOCS [<command-name> ...]",
        "    Explain the named commands, or all, for people.",
        "GETKEYS <full-command>",
        "    List the keys in a full command.",
        "GETKEYSANDFLAGS <full-command>",
        "    List the keys in a full command, each with what is done to it.",
        NULL,
    };
    reply_help(x->reply, "COMMAND", lines);
    return STATUS_OK;
}
