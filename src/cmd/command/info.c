/* COMMAND, COMMAND COUNT and COMMAND INFO: the table as clients that route by it read it.
 *
 * Keyless and inline: the table is constant. The replies have Redis's form to the byte, with sets
 * where it has sets. */
#include "pollard/exec/command_docs.h"
#include "pollard_commands.h"
#include "replies.h"

void command_reply_bits(struct reply *reply, uint32_t bits, uint32_t bit_count,
                        const char *(*name)(uint32_t bit))
{
    size_t count = 0;
    for (uint32_t bit = 0; bit < bit_count; bit++) {
        count += (bits >> bit & 1) != 0 && name(bit) != NULL;
    }
    reply_set(reply, count);
    for (uint32_t bit = 0; bit < bit_count; bit++) {
        if ((bits >> bit & 1) != 0 && name(bit) != NULL) {
            reply_simple(reply, name(bit));
        }
    }
}

static void reply_number(struct reply *reply, const char *name, int64_t value)
{
    reply_bulk_text(reply, name);
    reply_integer(reply, value);
}

/* "type", then "spec", whose map of count pairs the caller writes. */
static void reply_step(struct reply *reply, const char *step, const char *type, size_t count)
{
    reply_bulk_text(reply, step);
    reply_map(reply, 2);
    reply_bulk_text(reply, "type");
    reply_bulk_text(reply, type);
    reply_bulk_text(reply, "spec");
    reply_map(reply, count);
}

static void reply_begin_search(struct reply *reply, const struct key_spec *spec)
{
    switch ((enum key_spec_begin)spec->begin) {
    case KEY_BEGIN_INDEX:
        reply_step(reply, "begin_search", "index", 1);
        reply_number(reply, "index", spec->index);
        break;
    case KEY_BEGIN_KEYWORD:
        reply_step(reply, "begin_search", "keyword", 2);
        reply_bulk_text(reply, "keyword");
        reply_bulk_text(reply, spec->keyword);
        reply_number(reply, "startfrom", spec->index);
        break;
    case KEY_BEGIN_UNKNOWN:
        reply_step(reply, "begin_search", "unknown", 0);
        break;
    }
}

static void reply_find_keys(struct reply *reply, const struct key_spec *spec)
{
    switch ((enum key_spec_find)spec->find) {
    case KEY_FIND_RANGE:
        reply_step(reply, "find_keys", "range", 3);
        reply_number(reply, "lastkey", spec->last);
        reply_number(reply, "keystep", spec->step);
        reply_number(reply, "limit", spec->limit);
        break;
    case KEY_FIND_KEYNUM:
        reply_step(reply, "find_keys", "keynum", 3);
        reply_number(reply, "keynumidx", spec->keynum_index);
        reply_number(reply, "firstkey", spec->first_key);
        reply_number(reply, "keystep", spec->step);
        break;
    case KEY_FIND_UNKNOWN:
        reply_step(reply, "find_keys", "unknown", 0);
        break;
    }
}

static void reply_key_specs(struct reply *reply, const struct command *command)
{
    const char *const *notes = command_docs(command)->key_notes;
    reply_set(reply, command->key_spec_count);
    for (uint32_t i = 0; i < command->key_spec_count; i++) {
        const struct key_spec *spec = &command->key_specs[i];
        bool has_note = notes != NULL && notes[i] != NULL;
        reply_map(reply, has_note ? 4 : 3);
        if (has_note) {
            reply_bulk_text(reply, "notes");
            reply_bulk_text(reply, notes[i]);
        }
        reply_bulk_text(reply, "flags");
        command_reply_bits(reply, spec->flags, KEY_SPEC_FLAG_COUNT, key_spec_flag_name);
        reply_begin_search(reply, spec);
        reply_find_keys(reply, spec);
    }
}

/* Everything but the subcommands. */
static void reply_own_info(struct reply *reply, const struct command *command)
{
    const struct command_docs *docs = command_docs(command);
    reply_array(reply, 10);
    reply_bulk_text(reply, command->full_name);
    reply_integer(reply, command->arity);
    command_reply_bits(reply, command->flags, COMMAND_FLAG_COUNT, command_flag_name);
    reply_integer(reply, command->first_key);
    reply_integer(reply, command->last_key);
    reply_integer(reply, command->key_step);
    command_reply_bits(reply, command->acl, COMMAND_CATEGORY_COUNT, command_category_name);
    reply_set(reply, docs->tip_count);
    for (uint32_t i = 0; i < docs->tip_count; i++) {
        reply_bulk_text(reply, docs->tips[i]);
    }
    reply_key_specs(reply, command);
}

static void reply_info(struct reply *reply, const struct command *command)
{
    reply_own_info(reply, command);
    if (command->subcommand_count == 0) {
        reply_set(reply, 0);
        return;
    }
    reply_array(reply, command->subcommand_count);
    for (uint32_t i = 0; i < command->subcommand_count; i++) {
        reply_own_info(reply, &command->subcommands[i]);
        reply_set(reply, 0);
    }
}

enum status cmd_command(struct exec *x)
{
    uint32_t count = command_toplevel_count();
    reply_array(x->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        reply_info(x->reply, command_toplevel(i));
    }
    return STATUS_OK;
}

enum status cmd_command_count(struct exec *x)
{
    reply_integer(x->reply, command_toplevel_count());
    return STATUS_OK;
}

enum status cmd_command_info(struct exec *x)
{
    if (x->argc == 2) {
        return cmd_command(x);
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        const struct command *command = command_find_full(x->argv[i]);
        if (command == NULL) {
            reply_null(x->reply);
        } else {
            reply_info(x->reply, command);
        }
    }
    return STATUS_OK;
}
