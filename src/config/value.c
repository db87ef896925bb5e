/* Values of options: from text, with Redis's checks and error texts, and back to text.
 *
 * Off the data path. Called with the config lock held, so that only one thread writes an option;
 * readers see numbers atomically and texts through their own lock.
 *
 * Invariants: 1. A failed set leaves the old value. 2. Printing and setting again changes nothing.
 */
#include "pollard/base/check.h"
#include "pollard/base/number.h"
#include "table.h"
#include <inttypes.h>

static option_number *value_number(const struct config_entry *entry)
{
    return (option_number *)((char *)entry->owner + entry->row->offset);
}

static struct option_text *value_text(const struct config_entry *entry)
{
    return (struct option_text *)((char *)entry->owner + entry->row->offset);
}

bool config_row_takes_words(const struct option_row *row)
{
    return row->kind == OPTION_SPECIAL ||
           (row->flags & (OPTION_WORDS | OPTION_REPEATED | OPTION_ENUM_BITS)) != 0;
}

static const char *value_read_bool(struct bytes value, int64_t *ret_number)
{
    if (bytes_is(value, "yes")) {
        *ret_number = 1;
        return NULL;
    }
    if (bytes_is(value, "no")) {
        *ret_number = 0;
        return NULL;
    }
    return "argument must be 'yes' or 'no'";
}

static const char *value_choices_error(const struct option_row *row, struct buf *scratch)
{
    scratch->size = 0;
    buf_append_text(scratch, "argument(s) must be one of the following: ");
    for (const struct option_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (choice != row->choices) {
            buf_append_text(scratch, ", ");
        }
        buf_append_text(scratch, choice->name);
    }
    buf_append_byte(scratch, '\0');
    return (const char *)scratch->data;
}

static bool value_find_choice(const struct option_row *row, struct bytes word, int64_t *ret_number)
{
    for (const struct option_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (bytes_is(word, choice->name)) {
            *ret_number = choice->value;
            return true;
        }
    }
    return false;
}

static const char *value_read_enum(const struct option_row *row, struct bytes value,
                                   int64_t *ret_number, struct buf *scratch)
{
    bool is_set = (row->flags & OPTION_ENUM_BITS) != 0;
    int64_t bits = 0;
    int64_t one = 0;
    size_t start = 0;
    size_t found = 0;
    while (is_set && start < value.size) {
        const unsigned char *space = memchr(value.data + start, ' ', value.size - start);
        size_t end = space == NULL ? value.size : (size_t)(space - value.data);
        struct bytes word = bytes_make(value.data + start, end - start);
        start = end + 1;
        if (!value_find_choice(row, word, &one)) {
            return value_choices_error(row, scratch);
        }
        bits |= one;
        found++;
    }
    if (is_set ? found == 0 : !value_find_choice(row, value, &bits)) {
        return value_choices_error(row, scratch);
    }
    *ret_number = bits;
    return NULL;
}

static bool value_read_octal(struct bytes value, int64_t *ret_number)
{
    int64_t number = 0;
    if (value.size == 0 || value.size > 20) {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        unsigned char digit = value.data[i];
        if (digit < '0' || digit > '7') {
            return false;
        }
        number = number * 8 + (digit - '0');
    }
    *ret_number = number;
    return true;
}

static const char *value_range_error(const struct option_row *row, struct buf *scratch)
{
    scratch->size = 0;
    if (row->kind == OPTION_OCTAL) {
        buf_format(scratch, "argument must be between %" PRIo64 " and %" PRIo64 " inclusive",
                   (uint64_t)row->min, (uint64_t)row->max);
    } else {
        buf_format(scratch, "argument must be between %" PRId64 " and %" PRId64 " inclusive",
                   row->min, row->max);
    }
    buf_append_byte(scratch, '\0');
    return (const char *)scratch->data;
}

static bool value_is_digits(struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* "75%": a percentage, of 0 or more? */
static bool value_parse_percent(const struct option_row *row, struct bytes value,
                                int64_t *ret_percent)
{
    return row->whole != NULL && value.size >= 2 && value.data[value.size - 1] == '%' &&
           number_parse_i64(bytes_make(value.data, value.size - 1), ret_percent) &&
           *ret_percent >= 0;
}

/* A percentage of a whole. Not of 0: where that means no limit, it is said without a sign. */
static const char *value_take_percent(const struct option_row *row, int64_t percent,
                                      int64_t *ret_number)
{
    if (percent > 100) {
        return "percentage argument must be less or equal to 100";
    }
    if (percent == 0) {
        return "percentage argument must be 1 at least";
    }
    int64_t whole = row->whole();
    *ret_number = whole / 100 * percent + whole % 100 * percent / 100;
    return NULL;
}

static const char *value_read_memory(const struct option_row *row, struct bytes value,
                                     int64_t *ret_number, struct buf *scratch)
{
    uint64_t size = 0;
    int64_t percent;
    if (value_parse_percent(row, value, &percent)) {
        return value_take_percent(row, percent, ret_number);
    }
    /* Redis takes no digits for 0, and finds too many of them out of range. */
    if (value.size > 0 && !number_parse_memory(value, &size)) {
        return value_is_digits(value) ? value_range_error(row, scratch)
                                      : "argument must be a memory value";
    }
    if (size > INT64_MAX) {
        return value_range_error(row, scratch);
    }
    *ret_number = (int64_t)size;
    return NULL;
}

/* For all kinds but TEXT and SPECIAL. */
static const char *value_read_number(const struct option_row *row, struct bytes value,
                                     int64_t *ret_number, struct buf *scratch)
{
    int64_t number = 0;
    if (row->kind == OPTION_BOOL) {
        return value_read_bool(value, ret_number);
    }
    if (row->kind == OPTION_ENUM) {
        return value_read_enum(row, value, ret_number, scratch);
    }
    if (row->kind == OPTION_NUMBER) {
        if (!number_parse_i64(value, &number)) {
            return "argument couldn't be parsed into an integer";
        }
    } else if (row->kind == OPTION_MEMORY) {
        const char *error = value_read_memory(row, value, &number, scratch);
        if (error != NULL) {
            return error;
        }
    } else {
        check(row->kind == OPTION_OCTAL);
        if (!value_read_octal(value, &number)) {
            return "argument couldn't be parsed as an octal number";
        }
    }
    if (number < row->min || number > row->max) {
        return value_range_error(row, scratch);
    }
    *ret_number = number;
    return NULL;
}

static const char *value_set_text(const struct config_entry *entry, struct bytes value)
{
    if (value.size > 0 && memchr(value.data, '\0', value.size) != NULL) {
        /* Texts end at a NUL: a password cut short unseen would be a weaker one. */
        return "argument must not contain a NUL byte";
    }
    const char *error = NULL;
    if (entry->row->parse != NULL) {
        error = entry->row->parse(entry->owner, value);
    }
    if (error == NULL) {
        option_text_set(value_text(entry), value);
    }
    return error;
}

const char *config_value_set(const struct config_entry *entry, struct bytes value,
                             struct buf *scratch)
{
    if (entry->row->kind == OPTION_SPECIAL) {
        return entry->row->parse(entry->owner, value);
    }
    if (entry->row->kind == OPTION_TEXT) {
        return value_set_text(entry, value);
    }
    int64_t number = 0;
    const char *error = value_read_number(entry->row, value, &number, scratch);
    if (error == NULL) {
        option_put(value_number(entry), number);
    }
    return error;
}

static void value_print_enum(const struct option_row *row, int64_t number, struct buf *ret_value)
{
    size_t printed = 0;
    int64_t left = number;
    for (const struct option_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (choice->value == number) {
            buf_append_text(ret_value, choice->name);
            return;
        }
    }
    for (const struct option_choice *choice = row->choices; choice->name != NULL; choice++) {
        bool fits = choice->value != 0 && (left & choice->value) == choice->value;
        if ((row->flags & OPTION_ENUM_BITS) == 0 || !fits) {
            continue;
        }
        buf_append_text(ret_value, printed++ == 0 ? "" : " ");
        buf_append_text(ret_value, choice->name);
        left &= ~choice->value;
    }
}

static void value_print_number(const struct option_row *row, int64_t number, struct buf *ret_value)
{
    switch (row->kind) {
    case OPTION_BOOL:
        buf_append_text(ret_value, number != 0 ? "yes" : "no");
        break;
    case OPTION_ENUM:
        value_print_enum(row, number, ret_value);
        break;
    case OPTION_OCTAL:
        buf_format(ret_value, "%" PRIo64, (uint64_t)number);
        break;
    case OPTION_NUMBER:
    case OPTION_MEMORY:
        buf_format(ret_value, "%" PRId64, number);
        break;
    case OPTION_TEXT:
    case OPTION_SPECIAL:
        check_unreachable();
    }
}

void config_value_print(const struct config_entry *entry, struct buf *ret_value)
{
    if (entry->row->kind == OPTION_SPECIAL) {
        entry->row->print(entry->owner, ret_value);
    } else if (entry->row->kind == OPTION_TEXT) {
        option_text_copy(value_text(entry), ret_value);
    } else {
        value_print_number(entry->row, option_get(value_number(entry)), ret_value);
    }
}

void config_value_normalise(const struct config_entry *entry, struct bytes text,
                            struct buf *ret_value)
{
    struct buf scratch = {0};
    int64_t number = 0;
    bool is_text = entry->row->kind == OPTION_TEXT || entry->row->kind == OPTION_SPECIAL;
    if (is_text || value_read_number(entry->row, text, &number, &scratch) != NULL) {
        buf_append(ret_value, text);
    } else {
        value_print_number(entry->row, number, ret_value);
    }
    buf_deinit(&scratch);
}
