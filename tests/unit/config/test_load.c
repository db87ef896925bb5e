/* Tests of configuration texts, include and the command line. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;

static void setup(void)
{
    fixture_init(&f);
}

static void teardown(void)
{
    fixture_deinit(&f);
}

TestSuite(load, .init = setup, .fini = teardown);

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(load, reads_lines)
{
    cr_assert_null(fixture_load(&f, "# comment\n\n   \t \r\n\t NUMBER 20 \r\nnumber 30\n"
                                    "text \"a\\x62c \\\"d\"\nwords 1 2 3\nlevel 'high'\n"
                                    "bits one two\nsize 1gb\nmode 700\nflag yes"));
    cr_assert_str_eq(fixture_get(&f, "number"), "30");
    cr_assert_str_eq(fixture_get(&f, "text"), "abc \"d");
    cr_assert_str_eq(fixture_get(&f, "words"), "1 2 3");
    cr_assert_str_eq(fixture_get(&f, "level"), "high");
    cr_assert_str_eq(fixture_get(&f, "bits"), "one two");
    cr_assert_str_eq(fixture_get(&f, "size"), "1073741824");
    cr_assert_str_eq(fixture_get(&f, "mode"), "700");
    cr_assert_str_eq(fixture_get(&f, "flag"), "yes");
    cr_assert_null(fixture_load(&f, "words\nfixed 5\nguarded yes\n"));
    cr_assert_str_eq(fixture_get(&f, "words"), "");
    cr_assert_str_eq(fixture_get(&f, "fixed"), "5");
}

Test(load, adds_repeated_up)
{
    cr_assert_null(fixture_load(&f, "saves 60 1\nsaves 30 2\n"));
    cr_assert_str_eq(fixture_get(&f, "saves"), "60 1 30 2");
    cr_assert_null(fixture_load(&f, "saves \"\"\n"));
    cr_assert_str_eq(fixture_get(&f, "saves"), "");
    cr_assert_null(
        fixture_load(&f, "saves 5 5\nspecial a\nspecial b c\nrename GET \"\"\nrename SET x\n"));
    cr_assert_str_eq(fixture_get(&f, "saves"), "5 5");
    cr_assert_str_eq(fixture_get(&f, "special"), "b c", "its parse sees one line at a time");
    struct buf renames = {0};
    option_text_copy(&f.options.renames, &renames);
    cr_assert(bytes_equal(buf_bytes(&renames), bytes_text("GET \"\" SET x")));
    buf_deinit(&renames);
}

Test(load, says_what_is_wrong)
{
    static const char *const wanted[][2] = {
        {"number 1\nnumbr 2\n", "t.conf:2: unknown option 'numbr', did you mean 'number'?"},
        {"lazyfree-lazy-evicton no\n", "t.conf:1: unknown option 'lazyfree-lazy-evicton', did you "
                                       "mean 'lazyfree-lazy-eviction'?"},
        {"completely-else 2\n", "t.conf:1: unknown option 'completely-else'"},
        {"zz 2\n", NULL},
        {"number\n", "t.conf:1: number: wrong number of arguments"},
        {"number 1 2\n", "t.conf:1: number: wrong number of arguments"},
        {"text a # c\n", "t.conf:1: text: wrong number of arguments"},
        {"\n\nnumber x\n", "t.conf:3: number: argument couldn't be parsed into an integer"},
        {"text \"a\n", "t.conf:1: unbalanced quotes or too many words"},
        {"\"\"\n", "t.conf:1: unknown option ''"},
        {"save 60\n", "t.conf:1: save: Invalid save parameters"},
        {"replicaof a\n", "t.conf:1: replicaof: wrong number of arguments"},
        {"include /nonexistent/x.conf\n", "/nonexistent/x.conf: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *error = fixture_load(&f, wanted[i][0]);
        cr_assert_not_null(error, "%s", wanted[i][0]);
        if (wanted[i][1] != NULL) {
            cr_assert_str_eq(error, wanted[i][1]);
        }
    }
    f.text.size = 0;
    cr_assert_not(config_load_text(f.config, bytes_make("a\0b 1", 5), NULL, &f.text));
    cr_assert_not(config_load_text(f.config, bytes_text("include /etc/passwd"), NULL, &f.text));
}

Test(load, includes_files)
{
    char directory[] = "/tmp/pollard-test-XXXXXX";
    char path[64];
    char text[256];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/a.inc", directory);
    write_file(path, "number 41\n");
    snprintf(path, sizeof(path), "%s/b.inc", directory);
    write_file(path, "number 42\nlevel high\n");
    snprintf(path, sizeof(path), "%s/main.conf", directory);
    snprintf(text, sizeof(text), "include %s/*.inc\ninclude %s/*.none\n", directory, directory);
    write_file(path, text);
    cr_assert(config_load_file(f.config, path, &f.text));
    cr_assert_str_eq(config_file(f.config), path);
    cr_assert_str_eq(fixture_get(&f, "number"), "42");
    snprintf(text, sizeof(text), "include %s\n", path);
    write_file(path, text);
    f.text.size = 0;
    cr_assert_not(config_load_file(f.config, path, &f.text), "it includes itself");
    f.text.size = 0;
    cr_assert_not(config_load_file(f.config, directory, &f.text), "a directory");
    snprintf(text, sizeof(text), "rm -r %s", directory);
    cr_assert_eq(system(text), 0);
}

Test(load, takes_arguments)
{
    struct config_command_line line;
    cr_assert_null(fixture_arguments(&f, &line, "--number", "20", "--words", "a", "-b", "--saves",
                                     "60", "1", "--saves", "30 2", "--TEXT", "--x", "--flag", "yes",
                                     NULL));
    cr_assert_str_eq(fixture_get(&f, "number"), "20");
    cr_assert_str_eq(fixture_get(&f, "words"), "a -b");
    cr_assert_str_eq(fixture_get(&f, "saves"), "60 1 30 2");
    cr_assert_str_eq(fixture_get(&f, "text"), "--x");
    cr_assert_str_eq(fixture_get(&f, "flag"), "yes");
    cr_assert_null(line.file);
    cr_assert_null(fixture_arguments(&f, &line, "--saves", "--number", "-5", NULL));
    cr_assert_str_eq(fixture_get(&f, "saves"), "");
    cr_assert_str_eq(fixture_get(&f, "number"), "-5");
}

Test(load, reports_arguments)
{
    struct config_command_line line;
    cr_assert_null(fixture_arguments(&f, &line, "--help", NULL));
    cr_assert(line.help && !line.version);
    cr_assert_null(fixture_arguments(&f, &line, "-v", NULL));
    cr_assert(line.version);
    cr_assert_null(fixture_arguments(&f, &line, "--number", "1", "--check-config", NULL));
    cr_assert(line.check_only);
    cr_assert_str_eq(fixture_arguments(&f, &line, "--number", NULL),
                     "command line: --number: wrong number of arguments");
    cr_assert_str_eq(fixture_arguments(&f, &line, "--number", "--flag", "yes", NULL),
                     "command line: --number: wrong number of arguments");
    cr_assert_str_eq(fixture_arguments(&f, &line, "--numbr", "1", NULL),
                     "command line: unknown option '--numbr', did you mean '--number'?");
    cr_assert_str_eq(fixture_arguments(&f, &line, "--number=5", NULL),
                     "command line: unknown option '--number=5': write --number 5");
    cr_assert_str_eq(fixture_arguments(&f, &line, "-x", NULL), "command line: unknown option '-x'");
    cr_assert_str_eq(fixture_arguments(&f, &line, "/nonexistent.conf", NULL),
                     "/nonexistent.conf: No such file or directory");
}

Test(load, file_before_arguments)
{
    char path[] = "/tmp/pollard-test-XXXXXX";
    struct config_command_line line;
    close(mkstemp(path));
    write_file(path, "number 7\nlevel high\n");
    cr_assert_null(fixture_arguments(&f, &line, path, "--number", "8", NULL));
    cr_assert_str_eq(line.file, path);
    cr_assert_str_eq(fixture_get(&f, "number"), "8");
    cr_assert_str_eq(fixture_get(&f, "level"), "high");
    unlink(path);
}
