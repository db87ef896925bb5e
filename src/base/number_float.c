/* Floating-point numbers from and to text.
 *
 * On the data path of scores and float increments. Pure functions; the process must stay in the "C"
 * locale's number format, as it is from its start. */
#include "pollard/base/check.h"
#include "pollard/base/number.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Longest text that is read as a number, and a NUL. */
#define FLOAT_TEXT_MAX ((size_t)NUMBER_FLOAT_MAX)
/* Decimal digits that every double keeps, and that a 53-bit mantissa holds exactly. */
#define DIGITS_EXACT 15
/* Digits that tell any two doubles apart. */
#define DIGITS_UNIQUE 17
/* Largest number of decimals tried by the short printer. */
#define DECIMALS_SHORT 8

/* The powers of ten that a double holds exactly. */
static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* Plain decimals of few digits, "-12.5": both the digits and the power of ten are exact, so that
 * one division gives the correctly rounded value. false sends everything else to strtod. */
static bool parse_short_decimal(struct bytes text, double *ret_value)
{
    size_t at = text.data[0] == '-' ? 1 : 0;
    if (text.size - at > DIGITS_EXACT + 1) {
        return false;
    }
    uint64_t mantissa = 0;
    size_t digits = 0;
    size_t decimals = 0;
    bool has_point = false;
    for (size_t i = at; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit <= 9) {
            mantissa = mantissa * 10 + digit;
            digits++;
            decimals += has_point;
        } else if (text.data[i] == '.' && !has_point) {
            has_point = true;
        } else {
            return false;
        }
    }
    if (digits == 0 || digits > DIGITS_EXACT) {
        return false;
    }
    double value = (double)mantissa / powers_of_ten[decimals];
    *ret_value = at == 1 ? -value : value;
    return true;
}

/* Copies text with a NUL where the C library can read it; false where Redis refuses it unread. */
static bool copy_float_text(struct bytes text, char *out)
{
    if (text.size == 0 || text.size >= FLOAT_TEXT_MAX) {
        return false;
    }
    unsigned char first = text.data[0];
    if (first == ' ' || (first >= '\t' && first <= '\r')) {
        return false;
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

bool number_parse_double(struct bytes text, double *ret_value)
{
    if (text.size > 0 && parse_short_decimal(text, ret_value)) {
        return true;
    }
    char copy[FLOAT_TEXT_MAX];
    if (!copy_float_text(text, copy)) {
        return false;
    }
    char *end;
    errno = 0;
    double value = strtod(copy, &end);
    bool overflowed = errno == ERANGE && (isinf(value) || value == 0.0);
    if (end != copy + text.size || overflowed || isnan(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool number_parse_long_double(struct bytes text, long double *ret_value)
{
    char copy[FLOAT_TEXT_MAX];
    if (!copy_float_text(text, copy)) {
        return false;
    }
    char *end;
    errno = 0;
    long double value = strtold(copy, &end);
    bool overflowed = errno == ERANGE && (isinf(value) || value == 0.0L);
    if (end != copy + text.size || overflowed || isnan(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

/* Prints values with few decimals, as scores mostly have: digits * 10^-decimals of at most 15
 * digits is the only such text that reads back as the value, hence the shortest. 0 if it has none.
 */
static size_t print_short_decimal(unsigned char *out, double value)
{
    for (size_t decimals = 1; decimals <= DECIMALS_SHORT; decimals++) {
        double scaled = value * powers_of_ten[decimals];
        if (scaled >= powers_of_ten[DIGITS_EXACT]) {
            return 0;
        }
        uint64_t digits = (uint64_t)(scaled + 0.5);
        if ((double)digits / powers_of_ten[decimals] != value) {
            continue;
        }
        uint64_t unit = (uint64_t)powers_of_ten[decimals];
        size_t length = number_print_u64(out, digits / unit);
        out[length] = '.';
        uint64_t fraction = digits % unit;
        for (size_t i = decimals; i > 0; i--) {
            out[length + i] = (unsigned char)('0' + fraction % 10);
            fraction /= 10;
        }
        return length + 1 + decimals;
    }
    return 0;
}

/* A positive value as significant digits without trailing zeros, and the exponent of the first. */
struct decimal {
    char digits[DIGITS_UNIQUE + 1];
    int count;
    int exponent;
};

/* The fewest digits that read back as value. Every decimal of 15 digits survives a double, so fewer
 * need not be tried but for subnormals, which keep fewer bits. */
static struct decimal shortest_decimal(double value)
{
    char text[40];
    int precision = value < 2.3e-308 ? 1 : DIGITS_EXACT;
    for (;; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision - 1, value);
        if (precision == DIGITS_UNIQUE || strtod(text, NULL) == value) {
            break;
        }
    }
    struct decimal decimal = {.count = 0};
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            decimal.digits[decimal.count++] = *at;
        }
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') {
        decimal.count--;
    }
    bool is_negative = at[1] == '-';
    for (at += 2; *at != '\0'; at++) {
        decimal.exponent = decimal.exponent * 10 + (*at - '0');
    }
    decimal.exponent = is_negative ? -decimal.exponent : decimal.exponent;
    return decimal;
}

static size_t put_digits(unsigned char *out, const char *digits, int count)
{
    memcpy(out, digits, (size_t)count);
    return (size_t)count;
}

static size_t put_zeros(unsigned char *out, int count)
{
    memset(out, '0', (size_t)count);
    return (size_t)count;
}

/* "d.ddde+x". */
static size_t print_scientific(unsigned char *out, const struct decimal *decimal)
{
    size_t length = put_digits(out, decimal->digits, 1);
    if (decimal->count > 1) {
        out[length++] = '.';
        length += put_digits(out + length, decimal->digits + 1, decimal->count - 1);
    }
    out[length++] = 'e';
    out[length++] = decimal->exponent < 0 ? '-' : '+';
    return length + number_print_i64(out + length, llabs(decimal->exponent));
}

/* Lays the digits out. Where the plain form ends and the scientific begins is not ours to choose:
 * clients compare these texts (source: replies of Redis 7.2). */
static size_t print_decimal(unsigned char *out, const struct decimal *decimal)
{
    int count = decimal->count;
    int last_place = decimal->exponent - count + 1; /* power of ten of the last digit */
    int magnitude = abs(decimal->exponent);
    if (last_place >= 0 && magnitude < count + 7) {
        size_t length = put_digits(out, decimal->digits, count);
        return length + put_zeros(out + length, last_place);
    }
    if (last_place >= 0 || (last_place <= -7 && magnitude >= 4)) {
        return print_scientific(out, decimal);
    }
    int whole = decimal->exponent + 1; /* digits before the point */
    size_t length = 0;
    if (whole <= 0) {
        length = put_digits(out, "0.", 2);
        length += put_zeros(out + length, -whole);
        return length + put_digits(out + length, decimal->digits, count);
    }
    length = put_digits(out, decimal->digits, whole);
    out[length++] = '.';
    return length + put_digits(out + length, decimal->digits + whole, count - whole);
}

size_t number_print_double(unsigned char *out, double value)
{
    if (isnan(value)) {
        return put_digits(out, "nan", 3);
    }
    size_t sign = 0;
    if (signbit(value)) {
        out[sign++] = '-';
        value = -value;
    }
    out += sign;
    if (isinf(value)) {
        return sign + put_digits(out, "inf", 3);
    }
    /* Whole numbers within half of int64's range print as integers. */
    if (value <= 4611686018427387903.0) {
        uint64_t whole = (uint64_t)value;
        if ((double)whole == value) {
            return sign + number_print_u64(out, whole);
        }
    }
    size_t length = value >= 1e-3 ? print_short_decimal(out, value) : 0;
    if (length == 0) {
        struct decimal decimal = shortest_decimal(value);
        length = print_decimal(out, &decimal);
    }
    return sign + length;
}

size_t number_print_long_double(unsigned char *out, long double value)
{
    if (isnan(value)) {
        return put_digits(out, "nan", 3);
    }
    if (isinf(value)) {
        return value > 0 ? put_digits(out, "inf", 3) : put_digits(out, "-inf", 4);
    }
    int printed = snprintf((char *)out, NUMBER_FLOAT_MAX, "%.17Lf", value);
    check(printed > 0);
    check(printed < NUMBER_FLOAT_MAX);
    size_t length = (size_t)printed;
    while (out[length - 1] == '0') {
        length--;
    }
    if (out[length - 1] == '.') {
        length--;
    }
    if (length == 2 && out[0] == '-' && out[1] == '0') {
        out[0] = '0';
        return 1;
    }
    return length;
}
