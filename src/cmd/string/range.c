/* Parts of strings: APPEND, GETRANGE, SUBSTR, SETRANGE.
 *
 * Run inside an access on one key. Large strings are read as shared slices and written in place;
 * where a write needs a large copy first, key_edit says STATUS_PREPARE and the handler is run again
 * with the copy made. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

enum status cmd_append(struct exec *x)
{
    struct value value;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    struct bytes tail = x->argv[2];
    if (status == STATUS_ABSENT) {
        struct value first = argument_value(x, 2);
        status = key_put(x->access, 0, &first, KEY_NO_EXPIRY);
        if (status == STATUS_OK) {
            key_event(x->access, 0, EVENT_append);
            reply_integer(x->reply, (int64_t)tail.size);
        }
        return status;
    }
    size_t size = value_string_size(&value);
    if (!string_size_is_allowed(x, (uint64_t)size + tail.size)) {
        return STATUS_STRING_TOO_LONG;
    }
    unsigned char *data;
    status = key_edit(x->access, 0, size + tail.size, /* grow_ahead= */ true, &data);
    if (status != STATUS_OK) {
        return status;
    }
    if (tail.size > 0) {
        memcpy(data + size, tail.data, tail.size);
    }
    key_event(x->access, 0, EVENT_append);
    reply_integer(x->reply, (int64_t)(size + tail.size));
    return STATUS_OK;
}

enum status cmd_setrange(struct exec *x)
{
    int64_t offset;
    enum status status = argument_integer(x, 2, &offset);
    if (status != STATUS_OK) {
        return status;
    }
    if (offset < 0) {
        return STATUS_OFFSET_RANGE;
    }
    struct value value;
    status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    size_t size = status == STATUS_OK ? value_string_size(&value) : 0;
    struct bytes part = x->argv[3];
    if (part.size == 0) {
        reply_integer(x->reply, (int64_t)size);
        return STATUS_OK;
    }
    if (!string_size_is_allowed(x, (uint64_t)offset + part.size)) {
        return STATUS_STRING_TOO_LONG;
    }
    size_t end = (size_t)offset + part.size;
    size_t new_size = end > size ? end : size;
    unsigned char *data;
    status = key_edit(x->access, 0, new_size, /* grow_ahead= */ size > 0, &data);
    if (status != STATUS_OK) {
        return status;
    }
    memcpy(data + offset, part.data, part.size);
    key_event(x->access, 0, EVENT_setrange);
    reply_integer(x->reply, (int64_t)new_size);
    return STATUS_OK;
}

enum status cmd_getrange(struct exec *x)
{
    int64_t start;
    int64_t end;
    if (argument_integer(x, 2, &start) != STATUS_OK || argument_integer(x, 3, &end) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    struct value value;
    enum status status = string_find(x, 0, 0, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_bulk(x->reply, (struct bytes){0});
        return STATUS_OK;
    }
    unsigned char scratch[NUMBER_INT_MAX + 4];
    struct bytes bytes = value_string_bytes(&value, scratch);
    struct string_slice slice = string_slice_of(bytes.size, start, end);
    if (value.blob != NULL && slice.size > 0) {
        size_t base = (size_t)(bytes.data - value.blob->data);
        reply_bulk_blob(x->reply, value.blob, base + slice.offset, slice.size);
    } else {
        reply_bulk(x->reply, bytes_make(bytes.data + slice.offset, slice.size));
    }
    return STATUS_OK;
}

enum status cmd_substr(struct exec *x)
{
    return cmd_getrange(x);
}
