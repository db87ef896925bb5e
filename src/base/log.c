/* The log: formats a line on the stack and writes it with one call.
 *
 * Never on the data path and never under a shard lock. Any thread: there is no lock, because one
 * write() to a file opened for appending is not torn.
 * Invariant: once a log file has been opened, the descriptor's number never changes; later targets
 * are put under the same number, so that a line in flight cannot meet a closed descriptor. */
#define _GNU_SOURCE
#include "pollard/base/log.h"
#include "pollard/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* As long as Redis' longest line, and room for the head. */
#define LINE_MAX_SIZE 1152

static _Atomic int log_descriptor = STDOUT_FILENO;
static _Atomic int log_threshold = LOG_NOTICE;

/* Puts what descriptor refers to under the log's own number; the descriptor stays the caller's. */
static bool log_redirect(int descriptor)
{
    int current = atomic_load_explicit(&log_descriptor, memory_order_relaxed);
    if (current != STDOUT_FILENO) {
        return dup3(descriptor, current, O_CLOEXEC) >= 0;
    }
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own < 0) {
        return false;
    }
    atomic_store_explicit(&log_descriptor, own, memory_order_relaxed);
    return true;
}

bool log_open(const char *path)
{
    if (path == NULL || path[0] == '\0') {
        return log_redirect(STDOUT_FILENO);
    }
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        return false;
    }
    bool redirected = log_redirect(descriptor);
    int reason = errno;
    close(descriptor);
    errno = reason;
    return redirected;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_threshold, (int)level, memory_order_relaxed);
}

/* Writes "pid:M day month year time.ms level " and returns its length. */
static size_t log_head(char *out, size_t size, enum log_level level)
{
    static const char marks[] = ".-*#";
    int64_t now_ms = clock_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm local;
    char date[40] = "";
    if (localtime_r(&seconds, &local) != NULL) {
        (void)strftime(date, sizeof(date), "%d %b %Y %H:%M:%S", &local);
    }
    int length = snprintf(out, size, "%ld:M %s.%03d %c ", (long)getpid(), date,
                          (int)(now_ms % 1000), marks[level]);
    return length > 0 ? (size_t)length : 0;
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&log_threshold, memory_order_relaxed) ||
        level >= LOG_NOTHING) {
        return;
    }
    char line[LINE_MAX_SIZE];
    size_t size = log_head(line, sizeof(line) - 1, level);
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof(line) - 1 - size;
    int length = vsnprintf(line + size, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        size += (size_t)length < room ? (size_t)length : room - 1;
    }
    line[size++] = '\n';
    int target = atomic_load_explicit(&log_descriptor, memory_order_relaxed);
    ssize_t ignored = write(target, line, size);
    (void)ignored; /* A full disk must not stop a cache. */
}
