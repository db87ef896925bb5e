/* Option texts: strings that any thread may read while CONFIG SET replaces them.
 *
 * Not on the data path. All texts share one mutex: they are read a few times a second at most.
 * Invariant: a value is either NULL or an allocated, NUL-terminated string of its option alone. */
#include "pollard/base/option.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
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
