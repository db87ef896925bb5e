/* Fuzz target: configuration texts, and CONFIG SET with every option's own value.
 *
 * Invariant checked: whatever a text sets, each settable option takes its printed value again and
 * prints it the same - CONFIG REWRITE and rollback rest on that. One config serves all inputs,
 * since building it is dearer than loading a text; repeated options start anew each time.
 */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/log.h"
#include "pollard/config/config.h"

struct fuzz_options {
    option_number number;
    option_number mode;
    option_number level;
    struct option_text text;
    struct option_text words;
    struct option_text adds;
};

#define FIELD(name) .offset = offsetof(struct fuzz_options, name), .section = "s", .doc = "d"

static const struct option_choice fuzz_levels[] = {{"low", 0}, {"high", 1}, {NULL, 0}};

static const struct option_row fuzz_rows[] = {
    {.name = "number", .kind = OPTION_NUMBER, FIELD(number), .fallback = "1", .min = -9, .max = 9},
    {.name = "mode", .kind = OPTION_OCTAL, FIELD(mode), .fallback = "0", .max = 0777},
    {.name = "level", .kind = OPTION_ENUM, FIELD(level), .fallback = "low", .choices = fuzz_levels},
    {.name = "text", .kind = OPTION_TEXT, FIELD(text), .fallback = ""},
    {.name = "words", .kind = OPTION_TEXT, .flags = OPTION_WORDS, FIELD(words), .fallback = ""},
    {.name = "adds", .kind = OPTION_TEXT, .flags = OPTION_REPEATED, FIELD(adds), .fallback = ""},
};

struct fuzz_values {
    struct buf text; /* all names and values */
    size_t starts[2048];
    size_t count;
};

static void fuzz_visit(void *argument, struct bytes name, struct bytes value)
{
    struct fuzz_values *values = argument;
    check(values->count + 3 < sizeof(values->starts) / sizeof(values->starts[0]));
    values->starts[values->count++] = values->text.size;
    buf_append(&values->text, name);
    values->starts[values->count++] = values->text.size;
    buf_append(&values->text, value);
    values->starts[values->count] = values->text.size;
}

static struct bytes fuzz_value(const struct fuzz_values *values, size_t index)
{
    size_t start = values->starts[index];
    return bytes_make(values->text.data + start, values->starts[index + 1] - start);
}

static void fuzz_round_trip(struct config *config)
{
    static struct fuzz_values before;
    static struct fuzz_values after;
    struct bytes all = bytes_text("*");
    struct buf error = {0};
    before.text.size = before.count = after.text.size = after.count = 0;
    config_get(config, &all, 1, fuzz_visit, &before);
    for (size_t i = 0; i < before.count; i += 2) {
        struct bytes pair[] = {fuzz_value(&before, i), fuzz_value(&before, i + 1)};
        error.size = 0;
        bool is_set = config_set(config, pair, 1, /* is_local= */ true, &error);
        buf_append_byte(&error, '\0');
        check(is_set || strstr((const char *)error.data, "can't set ") != NULL);
    }
    config_get(config, &all, 1, fuzz_visit, &after);
    check(bytes_equal(buf_bytes(&before.text), buf_bytes(&after.text)));
    buf_deinit(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_options options;
    static struct config *config;
    if (config == NULL) {
        struct option_set set = {.rows = fuzz_rows,
                                 .count = sizeof(fuzz_rows) / sizeof(fuzz_rows[0]),
                                 .owner = &options};
        log_set_level(LOG_NOTHING);
        config = config_create();
        config_register(config, &set);
        config_register_inert(config);
    }
    struct buf error = {0};
    check(config_load_text(config, bytes_text("adds \"\"\nsave \"\"\n"), NULL, &error));
    if (!config_load_text(config, bytes_make(data, size), NULL, &error)) {
        check(error.size > 0);
    }
    fuzz_round_trip(config);
    buf_deinit(&error);
    return 0;
}
