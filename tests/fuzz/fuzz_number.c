/* Fuzz target of number parsing: whatever is read must print back, exactly or in value. */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/number.h"
#include <math.h>

static void check_integers(struct bytes text)
{
    unsigned char out[NUMBER_INT_MAX];
    int64_t value;
    if (number_parse_i64(text, &value)) {
        check(bytes_equal(text, bytes_make(out, number_print_i64(out, value))));
        check(number_length_i64(value) == text.size);
    }
    uint64_t natural;
    if (number_parse_u64(text, &natural)) {
        check(bytes_equal(text, bytes_make(out, number_print_u64(out, natural))));
    }
    uint64_t memory;
    (void)number_parse_memory(text, &memory);
}

static void check_double(double value)
{
    unsigned char out[64];
    size_t size = number_print_double(out, value);
    check(size <= 32);
    double again;
    if (isnan(value)) {
        return;
    }
    check(number_parse_double(bytes_make(out, size), &again));
    check(again == value);
    check(signbit(again) == signbit(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    check_integers(text);
    double value;
    if (number_parse_double(text, &value)) {
        check_double(value);
    }
    if (size == sizeof(value)) {
        memcpy(&value, data, sizeof(value));
        check_double(value);
    }
    long double wide;
    if (number_parse_long_double(text, &wide)) {
        unsigned char out[NUMBER_FLOAT_MAX];
        check(number_print_long_double(out, wide) > 0);
    }
    return 0;
}
