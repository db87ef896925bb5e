/* Tests of numbers at their boundaries, and of texts as Redis prints them. */
#include "pollard/base/hash.h"
#include "pollard/base/number.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool reads(const char *text, int64_t expected)
{
    int64_t value = ~expected;
    return number_parse_i64(bytes_text(text), &value) && value == expected;
}

static bool refuses(const char *text)
{
    int64_t value = 77;
    return !number_parse_i64(bytes_text(text), &value) && value == 77;
}

Test(number, reads_integers)
{
    cr_assert(reads("0", 0));
    cr_assert(reads("-1", -1));
    cr_assert(reads("9223372036854775807", INT64_MAX));
    cr_assert(reads("-9223372036854775808", INT64_MIN));
    cr_assert(reads("1000000000000000000", INT64_C(1000000000000000000)));
    const char *bad[] = {"",
                         "-",
                         "+1",
                         "01",
                         "-0",
                         "-01",
                         " 1",
                         "1 ",
                         "1a",
                         "9223372036854775808",
                         "0x10",
                         "1.0",
                         "--1",
                         "a",
                         "-9223372036854775809",
                         "/",
                         ":",
                         "1e3",
                         "00",
                         "99999999999999999999",
                         "-",
                         "1-",
                         "1\n2",
                         "- 1",
                         "100000000000000000000",
                         "\xb2",
                         "1_0",
                         "١",
                         "-100000000000000000000"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert(refuses(bad[i]), "%s", bad[i]);
    }
}

Test(number, reads_unsigned)
{
    uint64_t value = 0;
    cr_assert(number_parse_u64(bytes_text("18446744073709551615"), &value));
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_not(number_parse_u64(bytes_text("18446744073709551616"), &value));
    cr_assert_not(number_parse_u64(bytes_text("18446744073709551620"), &value));
    cr_assert_not(number_parse_u64(bytes_text("99999999999999999999"), &value));
    cr_assert_not(number_parse_u64(bytes_text("-1"), &value));
    cr_assert_not(number_parse_u64(bytes_text("1844674407370955161x"), &value));
}

Test(number, prints_what_it_reads)
{
    unsigned char text[NUMBER_INT_MAX];
    char expected[32];
    uint64_t power = 1;
    for (int digits = 0; digits < 20; digits++, power *= 10) {
        int64_t around[] = {
            (int64_t)power - 1, (int64_t)power, (int64_t)(0 - power),
            INT64_MIN,          INT64_MAX,      (int64_t)(random_u64() >> (digits * 3))};
        for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
            size_t size = number_print_i64(text, around[i]);
            snprintf(expected, sizeof(expected), "%" PRId64, around[i]);
            cr_assert(bytes_equal(bytes_make(text, size), bytes_text(expected)), "%s", expected);
            cr_assert_eq(number_length_i64(around[i]), size);
            int64_t back;
            cr_assert(number_parse_i64(bytes_make(text, size), &back) && back == around[i]);
        }
    }
    size_t size = number_print_u64(text, UINT64_MAX);
    cr_assert(bytes_equal(bytes_make(text, size), bytes_text("18446744073709551615")));
}

Test(number, reads_memory_sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1024", 1024},
                {"1k", 1000},
                {"1kb", 1024},
                {"2MB", 2097152},
                {"3g", 3000000000},
                {"4Gb", UINT64_C(4294967296)},
                {"0", 0},
                {"5m", 5000000},
                {"7b", 7},
                {"010", 10},
                {"0", 0}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 1;
        cr_assert(number_parse_memory(bytes_text(good[i].text), &bytes), "%s", good[i].text);
        cr_assert_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    const char *bad[] = {
        "", "k", "1t", "-1", "1 k", "1kbb", "99999999999999999999", "18446744073709551615kb"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes;
        cr_assert_not(number_parse_memory(bytes_text(bad[i]), &bytes), "%s", bad[i]);
    }
}

Test(number, reads_doubles_as_redis)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"1.5", 1.5},
                {"-2.25", -2.25},
                {".5", .5},
                {"5.", 5},
                {"1e3", 1000},
                {"+3", 3},
                {"0x10", 16},
                {"inf", INFINITY},
                {"-inf", -INFINITY},
                {"+Infinity", INFINITY},
                {"0.1", 0.1},
                {"123456789012345", 123456789012345.0},
                {"1234567890123456789", 1234567890123456789.0},
                {"1e-320", 1e-320},
                {"3.0000000000000004", 3.0000000000000004},
                {"00012", 12}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        double value = 99;
        cr_assert(number_parse_double(bytes_text(good[i].text), &value), "%s", good[i].text);
        cr_assert(value == good[i].value, "%s", good[i].text);
    }
    const char *bad[] = {"",  " 1", "1 ",    "nan",    "-nan",   "1e",  "abc", "1.2.3",
                         "-", ".",  "1e999", "-1e999", "1e-999", "\t1", "--1", "-."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        double value;
        cr_assert_not(number_parse_double(bytes_text(bad[i]), &value), "%s", bad[i]);
    }
    double value;
    cr_assert_not(number_parse_double(bytes_make("1\0", 2), &value));
    cr_assert(number_parse_double(bytes_text("-0"), &value) && signbit(value));
    char digits[NUMBER_FLOAT_MAX];
    memset(digits, '1', sizeof(digits));
    cr_assert(number_parse_double(bytes_make(digits, 300), &value) && value > 1e299);
    cr_assert_not(number_parse_double(bytes_make(digits, 310), &value));
    cr_assert_not(number_parse_double(bytes_make(digits, sizeof(digits)), &value));
}

static bool prints(double value, const char *expected)
{
    unsigned char text[64];
    size_t size = number_print_double(text, value);
    return bytes_equal(bytes_make(text, size), bytes_text(expected));
}

Test(number, prints_doubles_shortest)
{
    cr_assert(prints(3, "3"));
    cr_assert(prints(1.5, "1.5"));
    cr_assert(prints(0.1, "0.1"));
    cr_assert(prints(0, "0"));
    cr_assert(prints(-0.0, "-0"));
    cr_assert(prints(1e30, "1e+30"));
    cr_assert(prints(-1.5e300, "-1.5e+300"));
    cr_assert(prints(INFINITY, "inf"));
    cr_assert(prints(-INFINITY, "-inf"));
    cr_assert(prints(NAN, "nan"));
    cr_assert(prints(3.0000000000000004, "3.0000000000000004"));
    cr_assert(prints(0.30000000000000004, "0.30000000000000004"));
    cr_assert(prints(1e18, "1000000000000000000"));
    cr_assert(prints(1e19, "1e+19"));
    cr_assert(prints(5e-324, "5e-324"));
    cr_assert(prints(1.7976931348623157e308, "1.7976931348623157e+308"));
    cr_assert(prints(0.001, "0.001"));
    cr_assert(prints(123456.789, "123456.789"));
    cr_assert(prints(-99.99, "-99.99"));
    cr_assert(prints(1e-10, "1e-10"));
    cr_assert(prints(0.00001, "0.00001"));
}

Test(number, doubles_round_trip)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64();
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (i % 2 == 0) {
            value = (double)(int64_t)random_below(2000000) / 1000.0 - 1000.0;
        }
        if (isnan(value) || isinf(value)) {
            continue;
        }
        unsigned char text[65];
        size_t size = number_print_double(text, value);
        cr_assert_leq(size, 25);
        text[size] = '\0';
        cr_assert_eq(strtod((char *)text, NULL), value, "%s", (char *)text);
    }
}

static bool prints_long(const char *source, const char *expected)
{
    unsigned char text[NUMBER_FLOAT_MAX];
    long double value;
    if (!number_parse_long_double(bytes_text(source), &value)) {
        return false;
    }
    size_t size = number_print_long_double(text, value);
    return bytes_equal(bytes_make(text, size), bytes_text(expected));
}

Test(number, prints_long_doubles_for_humans)
{
    cr_assert(prints_long("10.50", "10.5"));
    cr_assert(prints_long("3.0", "3"));
    cr_assert(prints_long("5.0e3", "5000"));
    cr_assert(prints_long("-0.0", "0"));
    cr_assert(prints_long("0.1", "0.1"));
    cr_assert(prints_long("-1.25", "-1.25"));
    cr_assert(prints_long("inf", "inf"));
    unsigned char text[NUMBER_FLOAT_MAX];
    cr_assert_gt(number_print_long_double(text, -1.0e4930L), 4900);
    long double value;
    cr_assert_not(number_parse_long_double(bytes_text("nan"), &value));
    cr_assert_not(number_parse_long_double(bytes_text(""), &value));
    cr_assert_not(number_parse_long_double(bytes_text("1x"), &value));
}

Test(number, checked_arithmetic)
{
    int64_t result = 5;
    cr_assert_not(number_add_i64(INT64_MAX, 1, &result));
    cr_assert_not(number_sub_i64(INT64_MIN, 1, &result));
    cr_assert_not(number_mul_i64(INT64_MAX, 2, &result));
    cr_assert_not(number_mul_i64(INT64_MIN, -1, &result));
    cr_assert_eq(result, 5);
    cr_assert(number_add_i64(INT64_MAX, INT64_MIN, &result) && result == -1);
    cr_assert(number_sub_i64(0, INT64_MAX, &result) && result == -INT64_MAX);
    cr_assert(number_mul_i64(-4, 5, &result) && result == -20);
}
