/* Tests of CONFIG GET and SET: kinds, bounds, error texts, all or nothing. */
#include "fixture.h"
#include "pollard/base/log.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#define FAILED(name) "ERR CONFIG SET failed (possibly related to argument '" name "') - "

static struct fixture f;

static void setup(void)
{
    fixture_init(&f);
}

static void teardown(void)
{
    fixture_deinit(&f);
}

TestSuite(set, .init = setup, .fini = teardown);

Test(set, has_defaults)
{
    static const char *const wanted[][2] = {
        {"flag", "no"},   {"number", "10"}, {"old-number", "10"}, {"size", "1048576"},
        {"level", "low"}, {"bits", "none"}, {"mode", "0"},        {"text", "abc"},
        {"words", "a b"}, {"saves", "1 1"}, {"rename", ""},       {"special", ""},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        cr_assert_str_eq(fixture_get(&f, wanted[i][0]), wanted[i][1], "%s", wanted[i][0]);
    }
}

Test(set, takes_good_values)
{
    static const char *const wanted[][3] = {
        {"flag", "YES", "yes"},      {"number", "-5", "-5"},    {"number", "100", "100"},
        {"size", "1024", "1024"},    {"size", "1k", NULL},      {"size", "2gb", "2147483648"},
        {"size", "50%", NULL},       {"part", "2kb", "2048"},   {"part", "75%", "750"},
        {"part", "100%", "1000"},    {"part", "1%", "10"},      {"part", "0%", NULL},
        {"part", "101%", NULL},      {"part", "-1%", NULL},     {"part", "%", NULL},
        {"part", "7.5%", NULL},      {"level", "HIGH", "high"}, {"bits", "one four", "one four"},
        {"bits", "none two", "two"}, {"bits", "none", "none"},  {"mode", "777", "777"},
        {"text", "a b", "a b"},      {"text", "", ""},          {"words", "x", "x"},
        {"saves", "5 5", "5 5"},     {"special", "z z", "z z"}, {"OLD-Number", "3", "3"},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *error = fixture_set(&f, wanted[i][0], wanted[i][1], NULL);
        cr_assert_eq(error == NULL, wanted[i][2] != NULL, "%s %s", wanted[i][0], wanted[i][1]);
        if (error == NULL) {
            cr_assert_str_eq(fixture_get(&f, wanted[i][0]), wanted[i][2], "%s", wanted[i][0]);
        }
    }
}

Test(set, refuses_as_redis_words_it)
{
    static const char *const wanted[][3] = {
        {"flag", "maybe", FAILED("flag") "argument must be 'yes' or 'no'"},
        {"number", "x", FAILED("number") "argument couldn't be parsed into an integer"},
        {"number", "", FAILED("number") "argument couldn't be parsed into an integer"},
        {"number", " 1", FAILED("number") "argument couldn't be parsed into an integer"},
        {"number", "-6", FAILED("number") "argument must be between -5 and 100 inclusive"},
        {"number", "101", FAILED("number") "argument must be between -5 and 100 inclusive"},
        {"size", "18446744073709551615",
         FAILED("size") "argument must be between 1024 and 9223372036854775807 inclusive"},
        {"size", "-1", FAILED("size") "argument must be a memory value"},
        {"size", "101%", FAILED("size") "argument must be a memory value"},
        {"part", "101%", FAILED("part") "percentage argument must be less or equal to 100"},
        {"part", "0%", FAILED("part") "percentage argument must be 1 at least"},
        {"part", "-1%", FAILED("part") "argument must be a memory value"},
        {"size", "1.5gb", FAILED("size") "argument must be a memory value"},
        {"size", "1",
         FAILED("size") "argument must be between 1024 and 9223372036854775807 inclusive"},
        {"level", "mid", FAILED("level") "argument(s) must be one of the following: low, high"},
        {"bits", "one three",
         FAILED("bits") "argument(s) must be one of the following: none, one, two, four"},
        {"bits", "",
         FAILED("bits") "argument(s) must be one of the following: none, one, two, four"},
        {"mode", "9", FAILED("mode") "argument couldn't be parsed as an octal number"},
        {"mode", "1000", FAILED("mode") "argument must be between 0 and 777 inclusive"},
        {"special", "bad", FAILED("special") "Invalid special"},
        {"fixed", "2", FAILED("fixed") "can't set immutable config"},
        {"guarded", "yes", FAILED("guarded") "can't set protected config"},
        {"nope", "1", "ERR Unknown option or number of arguments for CONFIG SET - 'nope'"},
        {"rename", "a b", "ERR Unknown option or number of arguments for CONFIG SET - 'rename'"},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *error = fixture_set(&f, wanted[i][0], wanted[i][1], NULL);
        cr_assert_not_null(error, "%s %s", wanted[i][0], wanted[i][1]);
        cr_assert_str_eq(error, wanted[i][2]);
    }
    struct bytes pair[] = {bytes_text("text"), bytes_make("a\0b", 3)};
    cr_assert_not(config_set(f.config, pair, 1, false, &f.text));
    cr_assert_str_eq(fixture_get(&f, "text"), "abc");
}

Test(set, is_all_or_nothing)
{
    cr_assert_str_eq(fixture_set(&f, "flag", "yes", "number", "x", NULL),
                     FAILED("number") "argument couldn't be parsed into an integer");
    cr_assert_str_eq(fixture_get(&f, "flag"), "no");
    cr_assert_str_eq(fixture_set(&f, "flag", "yes", "FLAG", "no", NULL),
                     FAILED("FLAG") "duplicate parameter");
    cr_assert_str_eq(fixture_set(&f, "number", "1", "old-number", "2", NULL),
                     FAILED("old-number") "duplicate parameter");
    cr_assert_str_eq(fixture_get(&f, "number"), "10");
    cr_assert_eq(f.options.applied, 0);
}

Test(set, rolls_back_when_apply_fails)
{
    f.options.refuse_from = 50;
    cr_assert_str_eq(fixture_set(&f, "text", "new", "saves", "", "number", "60", NULL),
                     FAILED("number") "cannot be applied");
    cr_assert_str_eq(fixture_get(&f, "text"), "abc");
    cr_assert_str_eq(fixture_get(&f, "saves"), "1 1");
    cr_assert_str_eq(fixture_get(&f, "number"), "10");
    f.options.applied = 0;
    cr_assert_null(fixture_set(&f, "number", "20", "size", "5mb", NULL));
    cr_assert_eq(f.options.applied, 1, "one hook of two options runs once");
    cr_assert_null(fixture_set(&f, "number", "20", NULL));
    cr_assert_eq(f.options.applied, 1, "nothing changed");
}

Test(set, guards_protected_options)
{
    struct bytes pair[] = {bytes_text("guarded"), bytes_text("yes")};
    cr_assert_null(fixture_load(&f, "enable-protected-configs local\n"));
    cr_assert_not(config_set(f.config, pair, 1, /* is_local= */ false, &f.text));
    cr_assert(config_set(f.config, pair, 1, /* is_local= */ true, &f.text));
    cr_assert_null(fixture_load(&f, "enable-protected-configs yes\n"));
    cr_assert(config_set(f.config, pair, 1, /* is_local= */ false, &f.text));
}

static void count_visit(void *argument, struct bytes name, struct bytes value)
{
    (*(size_t *)argument)++;
}

Test(set, get_visits_each_match_once)
{
    struct bytes patterns[] = {bytes_text("num*"), bytes_text("NUMBER"), bytes_text("*number")};
    size_t count = 0;
    config_get(f.config, patterns, 3, count_visit, &count);
    cr_assert_eq(count, 2, "the name and the alias");
}

static size_t count_lines(const char *path, const char *name)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        count += strstr(line, name) != NULL && strstr(line, "no effect") != NULL ? 1 : 0;
    }
    fclose(file);
    return count;
}

Test(set, tells_of_options_without_effect)
{
    char path[] = "/tmp/pollard-test-log-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert(log_open(path));
    cr_assert_null(fixture_load(&f, "appendonly yes\nappendonly no\nsave 5 5\nnumber 3\n"));
    config_report_inert(f.config);
    config_report_inert(f.config);
    cr_assert_eq(count_lines(path, "'appendonly'"), 1);
    cr_assert_eq(count_lines(path, "'save'"), 1);
    cr_assert_eq(count_lines(path, "'number'"), 0);
    cr_assert_null(fixture_set(&f, "hz", "20", "flag", "yes", NULL));
    cr_assert_eq(count_lines(path, "'hz'"), 1);
    cr_assert(log_open(NULL));
    unlink(path);
}
