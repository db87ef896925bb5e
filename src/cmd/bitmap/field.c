/* BITFIELD and BITFIELD_RO: integers within a string.
 *
 * Run inside an access on one key. The operations are read twice: once to refuse what is wrong and
 * to see how long the string must be, once to do them. */
#include "common.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

/* Arguments that a reactor may work through in one call. Source: some 20 ns each. */
#define REACTOR_ARGUMENTS_MAX 8192

enum field_verb { FIELD_GET, FIELD_SET, FIELD_ADD };

struct field_operation {
    enum field_verb verb;
    enum bitmap_overflow overflow;
    struct bitmap_field field;
    int64_t operand;
};

/* What all operations need together. */
struct field_needs {
    size_t count;
    bool writes;
    bool grows;  /* the string has become longer for it */
    size_t size; /* of the string, for what is written */
};

/* "i5", "u63". */
static enum status read_type(struct bytes text, struct bitmap_field *field)
{
    int64_t bits;
    if (text.size < 2 || (text.data[0] != 'i' && text.data[0] != 'u') ||
        !number_parse_i64(bytes_make(text.data + 1, text.size - 1), &bits)) {
        return STATUS_BITFIELD_TYPE;
    }
    field->is_signed = text.data[0] == 'i';
    if (bits < 1 || bits > (field->is_signed ? 64 : 63)) {
        return STATUS_BITFIELD_TYPE;
    }
    field->bits = (uint8_t)bits;
    return STATUS_OK;
}

/* The OVERFLOW before argv[*index], moved behind. STATUS_OK, STATUS_BITFIELD_OVERFLOW. */
static enum status read_overflow(const struct exec *x, uint32_t *index,
                                 enum bitmap_overflow *overflow)
{
    static const char *const words[] = {
        [BITMAP_WRAP] = "wrap", [BITMAP_SATURATE] = "sat", [BITMAP_FAIL] = "fail"};
    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (argument_is(x, *index + 1, words[i])) {
            *overflow = (enum bitmap_overflow)i;
            *index += 2;
            return STATUS_OK;
        }
    }
    return STATUS_BITFIELD_OVERFLOW;
}

/* The operation at argv[*index], which is moved behind it; overflow goes on from one to the next.
 * STATUS_ABSENT when there are no more. */
static enum status next_operation(const struct exec *x, uint32_t *index,
                                  struct field_operation *operation)
{
    while (*index + 1 < x->argc && argument_is(x, *index, "overflow")) {
        enum status status = read_overflow(x, index, &operation->overflow);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (*index >= x->argc) {
        return STATUS_ABSENT;
    }
    uint32_t left = x->argc - *index - 1;
    if (argument_is(x, *index, "get") && left >= 2) {
        operation->verb = FIELD_GET;
    } else if (argument_is(x, *index, "set") && left >= 3) {
        operation->verb = FIELD_SET;
    } else if (argument_is(x, *index, "incrby") && left >= 3) {
        operation->verb = FIELD_ADD;
    } else {
        return STATUS_SYNTAX;
    }
    enum status status = read_type(x->argv[*index + 1], &operation->field);
    if (status != STATUS_OK) {
        return status;
    }
    status = bitmap_offset(x, *index + 2, operation->field.bits, &operation->field.offset);
    if (status != STATUS_OK) {
        return status;
    }
    *index += 3;
    if (operation->verb == FIELD_GET) {
        return STATUS_OK;
    }
    *index += 1;
    return argument_integer(x, *index - 1, &operation->operand);
}

static enum status read_operations(const struct exec *x, struct field_needs *needs)
{
    uint32_t index = 2;
    struct field_operation operation = {.overflow = BITMAP_WRAP};
    for (;;) {
        enum status status = next_operation(x, &index, &operation);
        if (status != STATUS_OK) {
            return status == STATUS_ABSENT ? STATUS_OK : status;
        }
        needs->count++;
        if (operation.verb != FIELD_GET) {
            size_t size = (size_t)((operation.field.offset + operation.field.bits + 7) / 8);
            needs->writes = true;
            needs->size = size > needs->size ? size : needs->size;
        }
    }
}

/* One write and its answer. False: nothing was written, or what was there already. */
static bool write_field(struct exec *x, const struct field_needs *needs, struct bytes bytes,
                        unsigned char *data, const struct field_operation *operation)
{
    int64_t old = bitmap_field_get(bytes, &operation->field);
    bool is_set = operation->verb == FIELD_SET;
    int64_t fresh;
    if (!bitmap_field_add(&operation->field, operation->overflow, is_set ? operation->operand : old,
                          is_set ? 0 : operation->operand, &fresh)) {
        reply_null(x->reply);
        return false;
    }
    bitmap_field_set(data, &operation->field, fresh);
    reply_integer(x->reply, is_set ? old : fresh);
    return needs->grows || fresh != old;
}

/* The operations; data, the same bytes, is NULL when nothing is written. True: something was
 * changed. */
static bool run_operations(struct exec *x, const struct field_needs *needs, struct bytes bytes,
                           unsigned char *data)
{
    reply_array(x->reply, needs->count);
    bool has_changed = false;
    uint32_t index = 2;
    struct field_operation operation = {.overflow = BITMAP_WRAP};
    while (next_operation(x, &index, &operation) == STATUS_OK) {
        if (operation.verb == FIELD_GET) {
            reply_integer(x->reply, bitmap_field_get(bytes, &operation.field));
        } else {
            has_changed |= write_field(x, needs, bytes, data, &operation);
        }
    }
    return has_changed;
}

/* Tells what the operations did. A string that only grew, because they all overflowed, is told of
 * as little as in Redis. */
static void tell(struct exec *x, const struct field_needs *needs, bool has_changed)
{
    if (has_changed) {
        key_event(x->access, 0, EVENT_setbit);
    } else if (needs->grows) {
        key_event_unnamed(x->access, 0);
    } else {
        key_event_none(x->access);
    }
}

static enum status run(struct exec *x, struct field_needs *needs)
{
    if (exec_on_reactor(x) && x->argc > REACTOR_ARGUMENTS_MAX) {
        return STATUS_TO_POOL;
    }
    struct value value;
    enum status status = string_find(x, 0, needs->writes ? KEY_QUIET : 0, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    unsigned char scratch[NUMBER_INT_MAX + 4];
    struct bytes bytes = {0};
    if (status == STATUS_OK) {
        bytes = value_string_bytes(&value, scratch);
    }
    unsigned char *data = NULL;
    if (needs->writes) {
        size_t size = needs->size > bytes.size ? needs->size : bytes.size;
        status = key_edit(x->access, 0, size, /* grow_ahead= */ bytes.size > 0, &data);
        if (status != STATUS_OK) {
            return status;
        }
        needs->grows = size > bytes.size;
        bytes = bytes_make(data, size);
    }
    tell(x, needs, run_operations(x, needs, bytes, data));
    return STATUS_OK;
}

enum status cmd_bitfield(struct exec *x)
{
    struct field_needs needs = {0};
    enum status status = read_operations(x, &needs);
    return status == STATUS_OK ? run(x, &needs) : status;
}

enum status cmd_bitfield_ro(struct exec *x)
{
    struct field_needs needs = {0};
    enum status status = read_operations(x, &needs);
    if (status != STATUS_OK) {
        return status;
    }
    return needs.writes ? STATUS_BITFIELD_READ_ONLY : run(x, &needs);
}
