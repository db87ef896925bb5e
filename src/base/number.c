/* Integers from and to text, and checked arithmetic.
 *
 * On the data path: lengths, counters, integer values. Pure functions. */
#include "pollard/base/number.h"

/* Digits that always fit in 64 bits, whatever they are. */
#define DIGITS_SAFE ((size_t)19)

static const char digit_pairs[] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

bool number_parse_u64(struct bytes text, uint64_t *ret_value)
{
    if (text.size == 0 || text.size > NUMBER_INT_MAX) {
        return false;
    }
    if (text.data[0] == '0' && text.size > 1) {
        return false;
    }
    uint64_t value = 0;
    size_t safe = text.size < DIGITS_SAFE ? text.size : DIGITS_SAFE;
    for (size_t i = 0; i < safe; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (text.size > DIGITS_SAFE) {
        unsigned digit = (unsigned)text.data[DIGITS_SAFE] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

bool number_parse_i64(struct bytes text, int64_t *ret_value)
{
    uint64_t magnitude;
    if (text.size == 0) {
        return false;
    }
    if (text.data[0] != '-') {
        if (!number_parse_u64(text, &magnitude) || magnitude > INT64_MAX) {
            return false;
        }
        *ret_value = (int64_t)magnitude;
        return true;
    }
    if (!number_parse_u64(bytes_make(text.data + 1, text.size - 1), &magnitude)) {
        return false;
    }
    /* "-0" would print back as "0". */
    if (magnitude == 0 || magnitude > (uint64_t)INT64_MAX + 1) {
        return false;
    }
    *ret_value = (int64_t)(0 - magnitude);
    return true;
}

bool number_parse_memory(struct bytes text, uint64_t *ret_bytes)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {
        {"", 1},           {"b", 1},
        {"k", 1000},       {"kb", UINT64_C(1) << 10},
        {"m", 1000000},    {"mb", UINT64_C(1) << 20},
        {"g", 1000000000}, {"gb", UINT64_C(1) << 30},
    };
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (digits == 0) {
        return false;
    }
    /* Leading zeros are harmless here, and people write them. */
    size_t zeros = 0;
    while (zeros + 1 < digits && text.data[zeros] == '0') {
        zeros++;
    }
    uint64_t count;
    if (!number_parse_u64(bytes_make(text.data + zeros, digits - zeros), &count)) {
        return false;
    }
    struct bytes suffix = bytes_make(text.data + digits, text.size - digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (bytes_is(suffix, units[i].suffix)) {
            if (count > UINT64_MAX / units[i].factor) {
                return false;
            }
            *ret_bytes = count * units[i].factor;
            return true;
        }
    }
    return false;
}

static size_t length_u64(uint64_t value)
{
    size_t length = 1;
    for (;;) {
        if (value < 10) {
            return length;
        }
        if (value < 100) {
            return length + 1;
        }
        if (value < 1000) {
            return length + 2;
        }
        if (value < 10000) {
            return length + 3;
        }
        value /= 10000;
        length += 4;
    }
}

size_t number_print_u64(unsigned char *out, uint64_t value)
{
    if (value < 10) {
        out[0] = (unsigned char)('0' + value);
        return 1;
    }
    size_t length = length_u64(value);
    size_t at = length;
    while (value >= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (at == 2) {
        memcpy(out, digit_pairs + value * 2, 2);
    } else {
        out[0] = (unsigned char)('0' + value);
    }
    return length;
}

size_t number_print_i64(unsigned char *out, int64_t value)
{
    if (value >= 0) {
        return number_print_u64(out, (uint64_t)value);
    }
    out[0] = '-';
    return 1 + number_print_u64(out + 1, 0 - (uint64_t)value);
}

size_t number_length_i64(int64_t value)
{
    return value >= 0 ? length_u64((uint64_t)value) : 1 + length_u64(0 - (uint64_t)value);
}

bool number_add_i64(int64_t a, int64_t b, int64_t *ret_sum)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *ret_sum = sum;
    return true;
}

bool number_sub_i64(int64_t a, int64_t b, int64_t *ret_difference)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return false;
    }
    *ret_difference = difference;
    return true;
}

bool number_mul_i64(int64_t a, int64_t b, int64_t *ret_product)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *ret_product = product;
    return true;
}
