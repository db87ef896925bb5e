/* COMMAND LIST: the names of commands and subcommands, all or those that pass a filter.
 *
 * Keyless and inline: the table is constant, and a pattern's cost is bounded. */
#include "../arguments.h"
#include "pollard/base/text.h"
#include "pollard/exec/command_docs.h"
#include "pollard_commands.h"

enum list_filter { FILTER_NONE, FILTER_MODULE, FILTER_CATEGORY, FILTER_PATTERN };

struct list_choice {
    enum list_filter filter;
    uint32_t category;
    struct bytes pattern;
};

static bool passes(const struct list_choice *choice, const struct command *command)
{
    switch (choice->filter) {
    case FILTER_NONE:
        return true;
    case FILTER_MODULE:
        /* There are no modules that could have brought it. */
        return false;
    case FILTER_CATEGORY:
        return (command->acl & choice->category) != 0;
    case FILTER_PATTERN:
        return text_glob(choice->pattern, bytes_text(command->full_name), /* ignore_case= */ true);
    }
    return false;
}

static enum status read_choice(const struct exec *x, struct list_choice *ret_choice)
{
    *ret_choice = (struct list_choice){.filter = FILTER_NONE};
    if (x->argc == 2) {
        return STATUS_OK;
    }
    if (x->argc != 5 || !argument_is(x, 2, "filterby")) {
        return STATUS_SYNTAX;
    }
    if (argument_is(x, 3, "module")) {
        ret_choice->filter = FILTER_MODULE;
    } else if (argument_is(x, 3, "aclcat")) {
        ret_choice->filter = FILTER_CATEGORY;
        ret_choice->category = command_category_find(x->argv[4]);
    } else if (argument_is(x, 3, "pattern")) {
        ret_choice->filter = FILTER_PATTERN;
        ret_choice->pattern = x->argv[4];
    } else {
        return STATUS_SYNTAX;
    }
    return STATUS_OK;
}

enum status cmd_command_list(struct exec *x)
{
    struct list_choice choice;
    enum status status = read_choice(x, &choice);
    if (status != STATUS_OK) {
        return status;
    }
    struct reply_later later;
    size_t count = 0;
    reply_later_begin(x->reply, &later);
    for (uint32_t id = 0; id < command_table_count(); id++) {
        const struct command *command = command_by_id(id);
        if (passes(&choice, command)) {
            reply_bulk_text(x->reply, command->full_name);
            count++;
        }
    }
    reply_later_end(x->reply, &later, REPLY_ARRAY, count);
    return STATUS_OK;
}
