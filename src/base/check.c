/* Failed checks of our own promises: the last words of the process.
 *
 * Not on the data path. Any thread; takes no lock and allocates nothing, because the broken promise
 * may be about either. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *expression, const char *file, int line)
{
    char text[512];
    int size = snprintf(text, sizeof(text), "check failed: %s at %s:%d\n", expression, file, line);
    if (size > 0) {
        size_t length = (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1;
        ssize_t ignored = write(STDERR_FILENO, text, length);
        (void)ignored; /* There is nobody left to tell. */
    }
    abort();
}
