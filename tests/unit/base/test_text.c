/* Tests of glob patterns, word splitting and name distance. */
#include "pollard/base/clock.h"
#include "pollard/base/text.h"
#include <criterion/criterion.h>

static bool glob(const char *pattern, const char *text)
{
    return text_glob(bytes_text(pattern), bytes_text(text), /* ignore_case= */ false);
}

Test(glob, matches)
{
    static const char *const good[][2] = {
        {"*", ""},
        {"", ""},
        {"abc", "abc"},
        {"a?c", "abc"},
        {"a*", "a"},
        {"*c", "abc"},
        {"a*c*e", "abcde"},
        {"[abc]x", "bx"},
        {"[^a]x", "bx"},
        {"[a-c]x", "bx"},
        {"[c-a]x", "bx"},
        {"\\*", "*"},
        {"a\\", "a\\"},
        {"[\\]]", "]"},
        {"[a-", "-"},
        {"[a", "a"},
        {"**", "x"},
        {"*a*a*", "xaxa"},
        {"h[^e]llo", "hallo"},
        {"[^", "a"},
        {"x[a-z]*[0-9]", "xbcd5"},
        {"*ab", "aab"},
        {"[]a", "a"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        bool is_exception = strcmp(good[i][0], "[]a") == 0;
        cr_assert_eq(glob(good[i][0], good[i][1]), !is_exception, "%s", good[i][0]);
    }
}

Test(glob, mismatches)
{
    static const char *const bad[][2] = {
        {"", "a"},      {"a", ""},        {"?", ""},   {"abc", "abd"}, {"a*c", "abd"},
        {"[^a]", "a"},  {"[abc]", "d"},   {"[", "a"},  {"\\*", "a"},   {"a?", "a"},
        {"*a", "ab"},   {"[a-c]", "d"},   {"[]", "a"}, {"[]a]", "a"},  {"abc*d", "abc"},
        {"ABC", "abc"}, {"[\\a-c]", "b"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_not(glob(bad[i][0], bad[i][1]), "%s %s", bad[i][0], bad[i][1]);
    }
}

Test(glob, ignores_case_on_demand)
{
    cr_assert(text_glob(bytes_text("A[B-D]\\E*"), bytes_text("acexyz"), true));
    cr_assert(text_glob(bytes_text("max*"), bytes_text("MAXMEMORY"), true));
    cr_assert_not(text_glob(bytes_text("a[^B]"), bytes_text("Ab"), true));
}

Test(glob, binary_safe)
{
    cr_assert(text_glob(bytes_make("a\0*", 3), bytes_make("a\0b", 3), false));
    cr_assert(text_glob(bytes_text("\xff?"), bytes_text("\xff\xfe"), false));
    cr_assert(text_glob(bytes_text("[\x80-\xff]"), bytes_text("\xc0"), false));
}

Test(glob, pathological_patterns_stay_bounded)
{
    char pattern[4001];
    char text[20001];
    for (size_t i = 0; i < 2000; i++) {
        memcpy(pattern + 2 * i, "*a", 2);
    }
    pattern[4000] = 'b';
    memset(text, 'a', sizeof(text));
    int64_t start = clock_monotonic_ms();
    cr_assert_not(
        text_glob(bytes_make(pattern, sizeof(pattern)), bytes_make(text, sizeof(text)), false));
    /* The bound is 80 million steps; exponential time would never end. */
    cr_assert_lt(clock_monotonic_ms() - start, 20000);
}

Test(glob, literals)
{
    cr_assert(text_glob_is_literal(bytes_text("abc:{1}]^-")));
    cr_assert(text_glob_is_literal(bytes_text("")));
    cr_assert_not(text_glob_is_literal(bytes_text("a*")));
    cr_assert_not(text_glob_is_literal(bytes_text("?")));
    cr_assert_not(text_glob_is_literal(bytes_text("[a")));
    cr_assert_not(text_glob_is_literal(bytes_text("a\\")));
}

/* Splits and joins with '|'; "!" when refused. */
static bool splits(const char *line, const char *expected)
{
    struct buf storage = {0};
    struct buf joined = {0};
    struct bytes words[16];
    int count = text_split_words(bytes_text(line), &storage, words, 16);
    if (count < 0) {
        buf_append_text(&joined, "!");
    }
    for (int i = 0; i < count; i++) {
        buf_append(&joined, words[i]);
        buf_append_text(&joined, "|");
    }
    bool equal = bytes_equal(buf_bytes(&joined), bytes_text(expected));
    buf_deinit(&joined);
    buf_deinit(&storage);
    return equal;
}

Test(split, words_and_quotes)
{
    cr_assert(splits("", ""));
    cr_assert(splits("   \t ", ""));
    cr_assert(splits("set  a b ", "set|a|b|"));
    cr_assert(splits("a \"b c\" d", "a|b c|d|"));
    cr_assert(splits("\"\\x41\\n\\r\\t\\b\\a\\\\\\\"\\q\"", "A\n\r\t\b\a\\\"q|"));
    cr_assert(splits("\"\\x4\"", "x4|"));
    cr_assert(splits("'a\\'b\\n'", "a'b\\n|"));
    cr_assert(splits("a\"b\"", "ab|"));
    cr_assert(splits("\"\" ''", "||"));
    cr_assert(splits("a\vb", "a\vb|"));
    cr_assert(splits("a\rb", "a|b|"));
}

Test(split, refuses_unbalanced_quotes)
{
    cr_assert(splits("\"a", "!"));
    cr_assert(splits("'a", "!"));
    cr_assert(splits("\"a\"b", "!"));
    cr_assert(splits("'a'b", "!"));
    cr_assert(splits("\"a\\\"", "!"));
    cr_assert(splits("\"\\", "!"));
    cr_assert(splits("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "!"));
}

Test(distance, counts_edits)
{
    cr_assert_eq(text_distance("", "", 3), 0);
    cr_assert_eq(text_distance("get", "get", 3), 0);
    cr_assert_eq(text_distance("gte", "get", 3), 2);
    cr_assert_eq(text_distance("hset", "set", 3), 1);
    cr_assert_eq(text_distance("abcdef", "uvwxyz", 3), 4);
}
