/* COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS: the keys in a command that is not run.
 *
 * Keyless and inline. The command that is asked about begins at argv[2]. */
#include "../arguments.h"
#include "pollard/base/mem.h"
#include "pollard/exec/command_docs.h"
#include "pollard_commands.h"
#include "replies.h"

/* Enough for nearly every command; more are put into memory of their own. */
#define KEYS_MAX 16

struct asked {
    const struct command *command;
    const struct bytes *argv;
    uint32_t argc;
};

static const struct command *find_command(const struct asked *asked)
{
    const struct command *command = command_find(asked->argv[0]);
    if (command == NULL || command->subcommand_count == 0 || asked->argc < 2) {
        return command;
    }
    return command_find_sub(command, asked->argv[1]);
}

/* Channels of a cluster's shards have specs, too, but are no keys. */
static bool has_keys(const struct command *command)
{
    for (uint32_t i = 0; i < command->key_spec_count; i++) {
        if ((command->key_specs[i].flags & KEY_SPEC_NOT_KEY) == 0) {
            return true;
        }
    }
    return false;
}

static enum status find_asked(const struct exec *x, struct asked *ret_asked)
{
    struct asked asked = {.argv = x->argv + 2, .argc = x->argc - 2};
    asked.command = find_command(&asked);
    if (asked.command == NULL) {
        return STATUS_NO_SUCH_COMMAND;
    }
    if (!has_keys(asked.command)) {
        return STATUS_COMMAND_WITHOUT_KEYS;
    }
    int32_t arity = asked.command->arity;
    bool fits = arity > 0 ? asked.argc == (uint32_t)arity : asked.argc >= (uint32_t)-arity;
    if (!fits) {
        return STATUS_COMMAND_WORD_COUNT;
    }
    *ret_asked = asked;
    return STATUS_OK;
}

/* Is one of the words among the arguments behind the first count? */
static bool has_word(const struct asked *asked, uint32_t count, const char *const *words)
{
    for (uint32_t i = count; i < asked->argc; i++) {
        for (const char *const *word = words; *word != NULL; word++) {
            if (bytes_is(asked->argv[i], *word)) {
                return true;
            }
        }
    }
    return false;
}

/* What this call does to its key, where that follows from its arguments: SET only writes unless it
 * is to tell or compare the old value, DELEX only removes unless it compares. */
static uint32_t call_flags(const struct asked *asked, uint32_t flags)
{
    static const char *const reads[] = {"get", "ifeq", "ifne", "ifdeq", "ifdne", NULL};
    if ((flags & KEY_SPEC_VARIABLE_FLAGS) == 0) {
        return flags;
    }
    flags &= ~(uint32_t)KEY_SPEC_VARIABLE_FLAGS;
    if (asked->command->handler == cmd_set && !has_word(asked, 3, reads)) {
        return KEY_SPEC_OW | KEY_SPEC_UPDATE;
    }
    if (asked->command->handler == cmd_delex && asked->argc == 2) {
        return KEY_SPEC_RM | KEY_SPEC_DELETE;
    }
    return flags;
}

static void reply_keys(struct exec *x, const struct asked *asked,
                       const struct key_position *positions, uint32_t count, bool with_flags)
{
    reply_array(x->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        if (with_flags) {
            reply_array(x->reply, 2);
        }
        reply_bulk(x->reply, asked->argv[positions[i].index]);
        if (with_flags) {
            command_reply_bits(x->reply, call_flags(asked, positions[i].flags), KEY_SPEC_FLAG_COUNT,
                               key_spec_flag_name);
        }
    }
}

static enum status tell_keys(struct exec *x, bool with_flags)
{
    struct asked asked;
    enum status status = find_asked(x, &asked);
    if (status != STATUS_OK) {
        return status;
    }
    struct key_position room[KEYS_MAX];
    struct key_position *positions = room;
    int count = command_keys(asked.command, asked.argv, asked.argc, positions, KEYS_MAX);
    bool may_lack_keys = (asked.command->flags & COMMAND_NO_MANDATORY_KEYS) != 0;
    if (count <= 0 && !may_lack_keys) {
        return STATUS_COMMAND_WORDS;
    }
    if (count > KEYS_MAX) {
        positions = mem_try_alloc((size_t)count * sizeof(*positions));
        if (positions == NULL) {
            return STATUS_ALLOCATION;
        }
        count = command_keys(asked.command, asked.argv, asked.argc, positions, (uint32_t)count);
    }
    reply_keys(x, &asked, positions, count > 0 ? (uint32_t)count : 0, with_flags);
    if (positions != room) {
        mem_free(positions);
    }
    return STATUS_OK;
}

enum status cmd_command_getkeys(struct exec *x)
{
    return tell_keys(x, /* with_flags= */ false);
}

enum status cmd_command_getkeysandflags(struct exec *x)
{
    return tell_keys(x, /* with_flags= */ true);
}
