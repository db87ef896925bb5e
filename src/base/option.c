/* Option texts: strings that any thread may read while CONFIG SET replaces them.
 *
 * Not on the data path. All texts share one mutex: they are read a few times a second at most.
 * Invariant: a value is either NULL or an allocated, NUL-terminated string of its option alone. */
#include "pollard/base/option.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include <pthread.h>

static pthread_mutex_t text_mutex = PTHREAD_MUTEX_INITIALIZER;

void option_text_copy(const struct option_text *text, struct buf *ret_value)
{
    check(pthread_mutex_lock(&text_mutex) == 0);
    if (text->value != NULL) {
        buf_append_text(ret_value, text->value);
    }
    check(pthread_mutex_unlock(&text_mutex) == 0);
}

bool option_text_is_set(const struct option_text *text)
{
    check(pthread_mutex_lock(&text_mutex) == 0);
    bool is_set = text->value != NULL && text->value[0] != '\0';
    check(pthread_mutex_unlock(&text_mutex) == 0);
    return is_set;
}

void option_text_set(struct option_text *text, struct bytes value)
{
    char *copy = mem_copy_text(value);
    check(pthread_mutex_lock(&text_mutex) == 0);
    char *before = text->value;
    text->value = copy;
    check(pthread_mutex_unlock(&text_mutex) == 0);
    mem_free(before);
}

void option_text_deinit(struct option_text *text)
{
    mem_free(text->value);
    text->value = NULL;
}

/* ---- Shares ---- */

#define PERCENT_MAX 100

const char *option_parse_share(option_number *number, struct bytes value)
{
    static const char error[] = "argument must be a memory or percent value";
    if (value.size > 1 && value.data[value.size - 1] == '%') {
        int64_t percent = 0;
        if (!number_parse_i64(bytes_make(value.data, value.size - 1), &percent) || percent < 0) {
            return error;
        }
        if (percent > PERCENT_MAX) {
            return "percentage argument must be less or equal to 100";
        }
        option_put(number, -percent);
        return NULL;
    }
    uint64_t size = 0;
    if (value.size > 0 && !number_parse_memory(value, &size)) {
        return error;
    }
    option_put(number, size > INT64_MAX ? INT64_MAX : (int64_t)size);
    return NULL;
}

void option_print_share(const option_number *number, struct buf *value)
{
    int64_t share = option_get(number);
    if (share < 0) {
        buf_format(value, "%d%%", (int)-share);
    } else {
        buf_format(value, "%lld", (long long)share);
    }
}

uint64_t option_share_of(const option_number *number, uint64_t whole)
{
    int64_t share = option_get(number);
    if (share >= 0) {
        return (uint64_t)share;
    }
    return whole / PERCENT_MAX * (uint64_t)-share +
           whole % PERCENT_MAX * (uint64_t)-share / PERCENT_MAX;
}
