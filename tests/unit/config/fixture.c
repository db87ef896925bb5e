/* The options that the tests of config use: one of each kind. Runs in one thread. */
#include "fixture.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <stdarg.h>

#define FIELD(name) .offset = offsetof(struct fixture_options, name), .section = "test"

static const struct option_choice levels[] = {{"low", 0}, {"high", 1}, {NULL, 0}};
static const struct option_choice bits[] = {
    {"none", 0}, {"one", 1}, {"two", 2}, {"four", 4}, {NULL, 0}};
static const struct option_choice guards[] = {{"no", 0}, {"yes", 1}, {"local", 2}, {NULL, 0}};

static const char *parse_special(void *owner, struct bytes value)
{
    struct fixture_options *options = owner;
    if (bytes_equal(value, bytes_text("bad"))) {
        return "Invalid special";
    }
    option_text_set(&options->special, value);
    return NULL;
}

static void print_special(const void *owner, struct buf *ret_value)
{
    const struct fixture_options *options = owner;
    option_text_copy(&options->special, ret_value);
}

static int64_t whole_of_part(void)
{
    return 1000;
}

static const char *apply_number(void *owner)
{
    struct fixture_options *options = owner;
    options->applied++;
    int64_t number = option_get(&options->number);
    bool is_refused = options->refuse_from != 0 && number >= options->refuse_from;
    return is_refused ? "cannot be applied" : NULL;
}

static const struct option_row rows[] = {
    {.name = "flag", .kind = OPTION_BOOL, FIELD(flag), .fallback = "no", .doc = "A flag."},
    {.name = "number",
     .alias = "old-number",
     .kind = OPTION_NUMBER,
     FIELD(number),
     .fallback = "10",
     .min = -5,
     .max = 100,
     .doc = "A number.",
     .apply = apply_number},
    {.name = "size",
     .kind = OPTION_MEMORY,
     FIELD(size),
     .fallback = "1mb",
     .min = 1024,
     .max = INT64_MAX,
     .doc = "A size.",
     .apply = apply_number},
    {.name = "part",
     .kind = OPTION_MEMORY,
     FIELD(part),
     .fallback = "0",
     .min = 0,
     .max = INT64_MAX,
     .whole = whole_of_part,
     .doc = "A size or a part of one."},
    {.name = "level",
     .kind = OPTION_ENUM,
     FIELD(level),
     .fallback = "low",
     .choices = levels,
     .doc = "A level."},
    {.name = "bits",
     .kind = OPTION_ENUM,
     .flags = OPTION_ENUM_BITS,
     FIELD(bits),
     .fallback = "none",
     .choices = bits,
     .doc = "Some bits."},
    {.name = "mode",
     .kind = OPTION_OCTAL,
     FIELD(mode),
     .fallback = "0",
     .max = 0777,
     .doc = "A file mode."},
    {.name = "fixed",
     .kind = OPTION_NUMBER,
     .flags = OPTION_IMMUTABLE,
     FIELD(fixed),
     .fallback = "1",
     .max = 9,
     .doc = "Fixed at the start."},
    {.name = "enable-protected-configs",
     .kind = OPTION_ENUM,
     .flags = OPTION_IMMUTABLE,
     FIELD(guard),
     .fallback = "no",
     .choices = guards,
     .doc = "The guard."},
    {.name = "guarded",
     .kind = OPTION_BOOL,
     .flags = OPTION_PROTECTED,
     FIELD(guarded),
     .fallback = "no",
     .doc = "Guarded."},
    {.name = "text",
     .kind = OPTION_TEXT,
     .flags = OPTION_OWN,
     FIELD(text),
     .fallback = "abc",
     .doc = "A text."},
    {.name = "words",
     .kind = OPTION_TEXT,
     .flags = OPTION_WORDS,
     FIELD(words),
     .fallback = "a b",
     .doc = "Words."},
    {.name = "saves",
     .kind = OPTION_TEXT,
     .flags = OPTION_WORDS | OPTION_REPEATED,
     FIELD(saves),
     .fallback = "1 1",
     .doc = "Adds up."},
    {.name = "rename",
     .kind = OPTION_TEXT,
     .flags = OPTION_REPEATED | OPTION_FILE_ONLY,
     FIELD(renames),
     .fallback = "",
     .doc = "Only in files."},
    {.name = "special",
     .kind = OPTION_SPECIAL,
     .flags = OPTION_REPEATED,
     .fallback = "",
     .parse = parse_special,
     .print = print_special,
     .section = "other",
     .doc = "Special."},
};

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.used_bytes = mem_used()};
    fixture->config = config_create();
    struct option_set set = {
        .rows = rows, .count = sizeof(rows) / sizeof(rows[0]), .owner = &fixture->options};
    config_register(fixture->config, &set);
    config_register_inert(fixture->config);
}

void fixture_deinit(struct fixture *fixture)
{
    config_destroy(&fixture->config);
    option_text_deinit(&fixture->options.text);
    option_text_deinit(&fixture->options.words);
    option_text_deinit(&fixture->options.saves);
    option_text_deinit(&fixture->options.renames);
    option_text_deinit(&fixture->options.special);
    buf_deinit(&fixture->text);
    check(mem_used() == fixture->used_bytes);
}

static const char *fixture_result(struct fixture *fixture, bool is_good)
{
    buf_append_byte(&fixture->text, '\0');
    return is_good ? NULL : (const char *)fixture->text.data;
}

const char *fixture_load(struct fixture *fixture, const char *text)
{
    fixture->text.size = 0;
    return fixture_result(
        fixture, config_load_text(fixture->config, bytes_text(text), "t.conf", &fixture->text));
}

static void fixture_visit(void *argument, struct bytes name, struct bytes value)
{
    struct fixture *fixture = argument;
    buf_append(&fixture->text, value);
}

const char *fixture_get(struct fixture *fixture, const char *name)
{
    struct bytes pattern = bytes_text(name);
    fixture->text.size = 0;
    config_get(fixture->config, &pattern, 1, fixture_visit, fixture);
    return fixture_result(fixture, /* is_good= */ false);
}

const char *fixture_set(struct fixture *fixture, ...)
{
    struct bytes pairs[16];
    size_t count = 0;
    va_list list;
    va_start(list, fixture);
    for (const char *word = va_arg(list, char *); word != NULL; word = va_arg(list, char *)) {
        pairs[count++] = bytes_text(word);
    }
    va_end(list);
    fixture->text.size = 0;
    bool is_set =
        config_set(fixture->config, pairs, count / 2, /* is_local= */ false, &fixture->text);
    return fixture_result(fixture, is_set);
}

const char *fixture_arguments(struct fixture *fixture, struct config_command_line *ret_line, ...)
{
    char *words[16] = {(char *)"pollard"};
    int count = 1;
    va_list list;
    va_start(list, ret_line);
    for (char *word = va_arg(list, char *); word != NULL; word = va_arg(list, char *)) {
        words[count++] = word;
    }
    va_end(list);
    fixture->text.size = 0;
    bool is_loaded = config_load_arguments(fixture->config, count, words, ret_line, &fixture->text);
    return fixture_result(fixture, is_loaded);
}
