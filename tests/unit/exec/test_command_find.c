/* Tests of the lookup: every name in every case, and names that are nearly right. */
#include "pollard_commands.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static void use_table(void)
{
    command_table_use(&pollard_command_table);
}

TestSuite(command_find, .init = use_table);

/* Looks up a copy of exactly size bytes, so that a sanitizer sees a read beyond them. */
static const struct command *find_copy(const char *name, size_t size)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, name, size);
    const struct command *found = command_find(bytes_make(copy, size));
    free(copy);
    return found;
}

static void change_case(char *name, uint32_t which)
{
    for (uint32_t i = 0; name[i] != '\0'; i++) {
        if ((which >> (i % 8) & 1) != 0 && name[i] >= 'a' && name[i] <= 'z') {
            name[i] = (char)(name[i] - 'a' + 'A');
        }
    }
}

Test(command_find, every_name_in_every_case)
{
    for (uint32_t i = 0; i < command_toplevel_count(); i++) {
        const struct command *command = command_toplevel(i);
        for (uint32_t which = 0; which < 256; which++) {
            char name[64] = {0};
            memcpy(name, command->name, strlen(command->name));
            change_case(name, which);
            cr_assert(find_copy(name, strlen(name)) == command, "%s", name);
        }
    }
}

Test(command_find, one_byte_off_is_another_name)
{
    for (uint32_t i = 0; i < command_toplevel_count(); i++) {
        const char *right = command_toplevel(i)->name;
        size_t size = strlen(right);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char name[64] = {0};
                memcpy(name, right, size);
                name[at] = (char)byte;
                const struct command *found = find_copy(name, size);
                cr_assert(found == NULL || bytes_is(bytes_make(name, size), found->name), "%s: %s",
                          name, found == NULL ? "" : found->name);
            }
        }
    }
}

Test(command_find, shorter_and_longer_names)
{
    for (uint32_t i = 0; i < command_toplevel_count(); i++) {
        char name[64] = {0};
        size_t size = strlen(command_toplevel(i)->name);
        memcpy(name, command_toplevel(i)->name, size);
        const struct command *found = find_copy(name, size - 1);
        cr_assert(found == NULL || strlen(found->name) == size - 1);
        name[size] = 's';
        cr_assert_null(find_copy(name, size + 1));
        name[size] = '\0';
        cr_assert_null(find_copy(name, size + 1));
    }
    cr_assert_null(find_copy("", 0));
    cr_assert_null(command_find((struct bytes){0}));
    char *huge = calloc(1, 1 << 20);
    cr_assert_null(find_copy(huge, 1 << 20));
    free(huge);
}

Test(command_find, subcommands)
{
    const struct command *client = command_find(bytes_text("client"));
    const struct command *id = command_find_sub(client, bytes_text("ID"));
    cr_assert_str_eq(id->full_name, "client|id");
    cr_assert(id->parent == client);
    cr_assert_null(command_find_sub(client, bytes_text("nothing")));
    cr_assert_null(command_find_sub(client, bytes_text("")));
    cr_assert_null(command_find_sub(command_find(bytes_text("get")), bytes_text("id")));
    cr_assert(command_find_full(bytes_text("Client|No-Evict"))->parent == client);
    cr_assert(command_find_full(bytes_text("CLIENT")) == client);
    cr_assert_null(command_find_full(bytes_text("client|")));
    cr_assert_null(command_find_full(bytes_text("|id")));
    cr_assert_null(command_find_full(bytes_text("client|id|x")));
    cr_assert_null(command_find_full(bytes_text("")));
}

Test(command_find, ids_are_dense_and_families_closed)
{
    uint32_t subcommands = 0;
    for (uint32_t id = 0; id < command_table_count(); id++) {
        const struct command *command = command_by_id(id);
        cr_assert(command->id == id);
        cr_assert(command_find_full(bytes_text(command->full_name)) == command);
        cr_assert((command->parent == NULL) == (id < command_toplevel_count()));
        for (uint32_t i = 0; i < command->subcommand_count; i++) {
            cr_assert(command->subcommands[i].parent == command);
        }
        subcommands += command->subcommand_count;
    }
    cr_assert(command_toplevel_count() + subcommands == command_table_count());
}

Test(command_find, facts_of_some_rows)
{
    const struct command *get = command_find(bytes_text("get"));
    cr_assert(get->arity == 2 && get->route == ROUTE_INLINE && get->key_spec_count == 1);
    cr_assert(get->flags == (COMMAND_READONLY | COMMAND_FAST));
    cr_assert(get->acl == (CATEGORY_STRING | CATEGORY_READ | CATEGORY_FAST));
    cr_assert(command_find(bytes_text("keys"))->route == ROUTE_POOL);
    cr_assert(command_find(bytes_text("mget"))->route == ROUTE_SIZE);
    cr_assert(command_find(bytes_text("auth"))->sensitive);
    cr_assert((command_find(bytes_text("msetex"))->flags & COMMAND_MOVABLEKEYS) != 0);
    const struct command *copy = command_find(bytes_text("copy"));
    cr_assert(copy->first_key == 1 && copy->last_key == 2 && copy->key_step == 1);
    cr_assert((copy->flags & COMMAND_MOVABLEKEYS) == 0);
}
