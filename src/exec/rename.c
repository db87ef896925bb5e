/* rename-command: other names for commands, or none. Only looked at when the option is set. */
#include "cycle.h"
#include "pollard/base/mem.h"
#include "pollard/base/text.h"

#define RENAMES_MAX 256

struct rename {
    const struct command *command;
    char name[128]; /* lower case; "" : the command is gone */
};

const struct command *rename_find(const struct dispatcher *dispatcher, struct bytes name)
{
    const struct command *found = command_find(name);
    for (size_t i = 0; i < dispatcher->rename_count; i++) {
        const struct rename *rename = &dispatcher->renames[i];
        if (rename->name[0] != '\0' && bytes_is(name, rename->name)) {
            return rename->command;
        }
        if (rename->command == found) {
            found = NULL;
        }
    }
    return found;
}

static const char *add_rename(struct dispatcher *dispatcher, struct bytes from, struct bytes to)
{
    struct rename *rename = &dispatcher->renames[dispatcher->rename_count];
    rename->command = command_find(from);
    if (rename->command == NULL) {
        return "No such command in rename-command";
    }
    if (to.size >= sizeof(rename->name)) {
        return "Target command name is too long";
    }
    for (size_t i = 0; i < to.size; i++) {
        unsigned char c = to.data[i];
        rename->name[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    dispatcher->rename_count++;
    return NULL;
}

const char *dispatcher_use_renames(struct dispatcher *dispatcher)
{
    struct buf text = {0};
    struct buf storage = {0};
    struct bytes words[RENAMES_MAX * 2];
    option_text_copy(&dispatcher->services->exec_options->rename_commands, &text);
    int count = text_split_words(buf_bytes(&text), &storage, words, RENAMES_MAX * 2);
    const char *error = NULL;
    if (count < 0 || count % 2 != 0) {
        error = "rename-command takes pairs of an old and a new name";
    }
    if (error == NULL && count > 0) {
        dispatcher->renames = mem_alloc_zero((size_t)count / 2 * sizeof(struct rename));
    }
    for (int i = 0; error == NULL && i < count; i += 2) {
        error = add_rename(dispatcher, words[i], words[i + 1]);
    }
    buf_deinit(&storage);
    buf_deinit(&text);
    return error;
}
