/* Tests of what the table tells beside what dispatch needs: complete for every command. */
#include "pollard_commands.h"
#include <criterion/criterion.h>

static void use_table(void)
{
    command_table_use(&pollard_command_table);
}

TestSuite(command_docs, .init = use_table);

Test(command_docs, every_command_is_explained)
{
    for (uint32_t id = 0; id < command_table_count(); id++) {
        const struct command *command = command_by_id(id);
        const struct command_docs *docs = command_docs(command);
        cr_assert(strlen(docs->summary) > 0, "%s", command->full_name);
        cr_assert(strlen(docs->since) >= 5, "%s", command->full_name);
        cr_assert(strlen(docs->group) > 0 && strlen(docs->complexity) > 0);
        cr_assert((docs->deprecated_since == NULL) == (docs->replaced_by == NULL));
        bool is_fast = (command->acl & CATEGORY_FAST) != 0;
        cr_assert(is_fast != ((command->acl & CATEGORY_SLOW) != 0), "%s", command->full_name);
    }
}

Test(command_docs, nested_arguments)
{
    const struct command_docs *docs = command_docs(command_find(bytes_text("set")));
    cr_assert_str_eq(docs->arguments[0].name, "key");
    cr_assert_eq(docs->arguments[0].key_spec_index, 0);
    cr_assert_eq(docs->arguments[1].key_spec_index, -1);
    const struct command_argument *condition = &docs->arguments[2];
    cr_assert_str_eq(condition->type, "oneof");
    cr_assert(condition->flags == ARGUMENT_OPTIONAL && condition->argument_count == 6);
    cr_assert_str_eq(condition->arguments[0].token, "NX");
}

Test(command_docs, notes_of_keys)
{
    cr_assert_not_null(command_docs(command_find(bytes_text("set")))->key_notes[0]);
    cr_assert_null(command_docs(command_find(bytes_text("get")))->key_notes);
}

Test(command_docs, names_of_bits)
{
    cr_assert_str_eq(command_flag_name(0), "write");
    cr_assert_str_eq(command_flag_name(21), "movablekeys");
    cr_assert_null(command_flag_name(18));
    cr_assert_str_eq(command_category_name(0), "@keyspace");
    cr_assert_eq(command_category_find(bytes_text("Dangerous")), CATEGORY_DANGEROUS);
    cr_assert_eq(command_category_find(bytes_text("@dangerous")), 0);
    cr_assert_eq(command_category_find(bytes_text("")), 0);
    cr_assert_str_eq(key_spec_flag_name(10), "variable_flags");
}
