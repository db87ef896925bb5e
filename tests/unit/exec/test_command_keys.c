/* Tests of key positions: every form of a spec, and arguments that do not fit it. */
#include "pollard_commands.h"
#include <criterion/criterion.h>

#define WORDS_MAX 16

static struct bytes words[WORDS_MAX];
static struct key_position positions[WORDS_MAX];

static void use_table(void)
{
    command_table_use(&pollard_command_table);
}

TestSuite(command_keys, .init = use_table);

/* Splits a line at single spaces. */
static uint32_t split(const char *line)
{
    uint32_t count = 0;
    for (const char *at = line; *at != '\0';) {
        size_t size = strcspn(at, " ");
        words[count++] = bytes_make(at, size);
        at += size + (at[size] == ' ');
    }
    return count;
}

static int keys_of_spec(const struct key_spec *spec, const char *line)
{
    struct command command = {.key_specs = spec, .key_spec_count = 1};
    return command_keys(&command, words, split(line), positions, WORDS_MAX);
}

/* Of a command in the table, or one of its subcommands. */
static int keys_of(const char *line)
{
    uint32_t argc = split(line);
    const struct command *command = command_find(words[0]);
    if (command->subcommand_count > 0) {
        command = command_find_sub(command, words[1]);
    }
    return command_keys(command, words, argc, positions, WORDS_MAX);
}

static bool is_at(int i, uint32_t index, uint16_t flags)
{
    return positions[i].index == index && positions[i].flags == flags;
}

Test(command_keys, one_key)
{
    cr_assert(keys_of("get a") == 1 && is_at(0, 1, KEY_SPEC_RO | KEY_SPEC_ACCESS));
    cr_assert(keys_of("memory usage a") == 1 && is_at(0, 2, KEY_SPEC_RO));
    cr_assert(keys_of("ping") == 0);
}

Test(command_keys, ranges)
{
    cr_assert(keys_of("del a b c") == 3 && is_at(2, 3, KEY_SPEC_RM | KEY_SPEC_DELETE));
    cr_assert(keys_of("mset a 1 b 2") == 2 && is_at(1, 3, KEY_SPEC_OW | KEY_SPEC_UPDATE));
    cr_assert(keys_of("mset a 1 b") == 2 && is_at(1, 3, KEY_SPEC_OW | KEY_SPEC_UPDATE));
    cr_assert(keys_of("lcs a b len") == 2 && is_at(1, 2, KEY_SPEC_RO | KEY_SPEC_ACCESS));
}

Test(command_keys, two_specs)
{
    cr_assert_eq(keys_of("copy a b db 1"), 2);
    cr_assert(is_at(0, 1, KEY_SPEC_RO | KEY_SPEC_ACCESS));
    cr_assert(is_at(1, 2, KEY_SPEC_OW | KEY_SPEC_UPDATE));
}

Test(command_keys, counted)
{
    cr_assert(keys_of("msetex 2 a 1 b 2 ex 5") == 2 && positions[0].index == 2 &&
              positions[1].index == 4);
    cr_assert_eq(keys_of("msetex 0 a 1"), 0);
    cr_assert_eq(keys_of("msetex 3 a 1"), -1);
    cr_assert_eq(keys_of("msetex -1 a 1"), -1);
    cr_assert_eq(keys_of("msetex x a 1"), -1);
    cr_assert_eq(keys_of("msetex 9223372036854775807 a 1"), -1);
    cr_assert_eq(keys_of("msetex 4294967297 a 1"), -1);
}

Test(command_keys, behind_a_keyword)
{
    const struct key_spec forward = {.begin = KEY_BEGIN_KEYWORD,
                                     .find = KEY_FIND_RANGE,
                                     .index = 1,
                                     .keyword = "streams",
                                     .last = -1,
                                     .step = 1,
                                     .limit = 2};
    cr_assert(keys_of_spec(&forward, "xread count 2 STREAMS a b 0 0") == 2);
    cr_assert(positions[0].index == 4 && positions[1].index == 5);
    cr_assert_eq(keys_of_spec(&forward, "xread count 2"), 0);
    cr_assert_eq(keys_of_spec(&forward, "xread count 2 streams"), -1);
    const struct key_spec backward = {.begin = KEY_BEGIN_KEYWORD,
                                      .find = KEY_FIND_RANGE,
                                      .index = -2,
                                      .keyword = "keys",
                                      .last = -1,
                                      .step = 1,
                                      .flags = KEY_SPEC_INCOMPLETE};
    cr_assert(keys_of_spec(&backward, "migrate h p k 0 1 keys a b") == 2);
    cr_assert(positions[0].index == 7 && positions[1].index == 8);
    cr_assert_eq(keys_of_spec(&backward, "migrate h p k 0 1 a keys"), 0);
}

Test(command_keys, not_keys_and_incomplete_specs)
{
    const struct key_spec not_key = {
        .find = KEY_FIND_RANGE, .index = 1, .step = 1, .flags = KEY_SPEC_NOT_KEY};
    cr_assert_eq(keys_of_spec(&not_key, "spublish a b"), 0);
    const struct key_spec incomplete = {
        .find = KEY_FIND_RANGE, .index = 5, .step = 1, .flags = KEY_SPEC_INCOMPLETE};
    cr_assert_eq(keys_of_spec(&incomplete, "x a"), 0);
    const struct key_spec unknown = {.begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN};
    cr_assert_eq(keys_of_spec(&unknown, "x a"), 0);
}

Test(command_keys, more_keys_than_room)
{
    uint32_t argc = split("del a b c d");
    positions[2].index = 77;
    cr_assert_eq(command_keys(command_find(words[0]), words, argc, positions, 2), 4);
    cr_assert(positions[1].index == 2 && positions[2].index == 77);
    argc = split("get a");
    cr_assert_eq(command_keys(command_find(words[0]), words, argc, NULL, 0), 1);
}
