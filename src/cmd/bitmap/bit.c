/* Single bits: GETBIT, SETBIT.
 *
 * Run inside an access on one key. Where SETBIT needs a large growth first, key_edit says
 * STATUS_PREPARE and the handler is run again with the room made. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

enum status cmd_getbit(struct exec *x)
{
    uint64_t offset;
    enum status status = bitmap_offset(x, 2, /* unit= */ 0, &offset);
    if (status != STATUS_OK) {
        return status;
    }
    struct value value;
    status = string_find(x, 0, 0, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    bool bit = false;
    if (status == STATUS_OK) {
        unsigned char scratch[NUMBER_INT_MAX + 4];
        bit = bitmap_get(value_string_bytes(&value, scratch), offset);
    }
    reply_integer(x->reply, bit);
    return STATUS_OK;
}

enum status cmd_setbit(struct exec *x)
{
    uint64_t offset;
    enum status status = bitmap_offset(x, 2, /* unit= */ 0, &offset);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t bit;
    if (argument_integer(x, 3, &bit) != STATUS_OK || bit < 0 || bit > 1) {
        return STATUS_BIT_VALUE;
    }
    struct value value;
    status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    size_t size = status == STATUS_OK ? value_string_size(&value) : 0;
    size_t needed = (size_t)(offset / 8) + 1;
    unsigned char *data;
    status =
        key_edit(x->access, 0, needed > size ? needed : size, /* grow_ahead= */ size > 0, &data);
    if (status != STATUS_OK) {
        return status;
    }
    bool old = bitmap_set(data, offset, bit != 0);
    if (old != (bit != 0) || needed > size) {
        key_event(x->access, 0, EVENT_setbit);
    } else {
        key_event_none(x->access);
    }
    reply_integer(x->reply, old);
    return STATUS_OK;
}
