/* Operations on string values: what commands need to know of a string without its key.
 *
 * On the data path of GETRANGE, the counters and the conditional writes. Pure functions: any
 * thread; the caller's access keeps the value in place. */
#include "pollard/value/string.h"
#include "pollard/base/hash.h"
#include "pollard/base/number.h"

struct string_slice string_slice_of(size_t size, int64_t start, int64_t end)
{
    const struct string_slice nothing = {0};
    if (start < 0 && end < 0 && start > end) {
        return nothing;
    }
    int64_t length = (int64_t)size;
    start = start < 0 ? start + length : start;
    end = end < 0 ? end + length : end;
    start = start < 0 ? 0 : start;
    end = end < 0 ? 0 : end;
    end = end >= length ? length - 1 : end;
    if (start > end || length == 0) {
        return nothing;
    }
    return (struct string_slice){.offset = (size_t)start, .size = (size_t)(end - start + 1)};
}

bool string_integer(const struct value *value, int64_t *ret_integer)
{
    if (value->encoding == ENCODING_INT) {
        *ret_integer = value->integer;
        return true;
    }
    return number_parse_i64(value->bytes, ret_integer);
}

bool string_float(const struct value *value, long double *ret_number)
{
    if (value->encoding == ENCODING_INT) {
        *ret_number = (long double)value->integer;
        return true;
    }
    return number_parse_long_double(value->bytes, ret_number);
}

struct value string_unencoded(struct bytes bytes)
{
    return (struct value){
        .type = VALUE_STRING,
        .encoding = bytes.size <= VALUE_EMBSTR_SIZE_MAX ? ENCODING_EMBSTR : ENCODING_RAW,
        .bytes = bytes,
    };
}

void string_digest(const struct value *value, unsigned char *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char scratch[NUMBER_INT_MAX + 4];
    uint64_t digest = hash_digest(value_string_bytes(value, scratch));
    for (size_t i = STRING_DIGEST_SIZE; i > 0; i--) {
        out[i - 1] = (unsigned char)digits[digest & 15];
        digest >>= 4;
    }
}
