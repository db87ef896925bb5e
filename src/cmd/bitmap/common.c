/* What the handlers of the bitmap group share. */
#include "common.h"
#include "pollard/base/number.h"

enum status bitmap_offset(const struct exec *x, uint32_t index, uint32_t unit, uint64_t *ret_offset)
{
    struct bytes text = x->argv[index];
    bool is_counted = unit > 0 && text.size > 0 && text.data[0] == '#';
    if (is_counted) {
        text = bytes_make(text.data + 1, text.size - 1);
    }
    int64_t offset;
    if (!number_parse_i64(text, &offset) || offset < 0 ||
        (is_counted && !number_mul_i64(offset, (int64_t)unit, &offset)) ||
        !string_size_is_allowed(x, (uint64_t)offset / 8 + 1)) {
        return STATUS_BIT_OFFSET;
    }
    *ret_offset = (uint64_t)offset;
    return STATUS_OK;
}
