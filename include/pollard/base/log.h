/* The log: one line a call, in redis.conf's levels and line format. Never under a shard lock. */
#ifndef POLLARD_BASE_LOG_H
#define POLLARD_BASE_LOG_H

#include "pollard/base/attr.h"
#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };

/* Opens the log: path NULL or "" is standard output; syslog not handled here. false if the file
 * cannot be opened (errno says why; the old target stays). Reopen with the same call. */
bool log_open(const char *path);
void log_set_level(enum log_level level);
/* Writes "pid:role day month year time.ms level text\n" with one write. Any thread. */
void log_line(enum log_level level, const char *format, ...) ATTR_PRINTF(2, 3);

#endif
