/* Checks of our own promises; never of client input.
 *
 * check() stays in release builds and aborts with file, line and expression. debug_check() is for
 * costly checks and vanishes unless POLLARD_DEBUG is 1. check_unreachable() marks branches that
 * cannot be taken. */
#ifndef POLLARD_BASE_CHECK_H
#define POLLARD_BASE_CHECK_H

#include "pollard/base/attr.h"

/* Writes the message and a line about where to standard error, then aborts. Any thread. */
ATTR_NORETURN ATTR_COLD void check_failed(const char *expression, const char *file, int line);

#define check(expression)                                                                          \
    (LIKELY(expression) ? (void)0 : check_failed(#expression, __FILE__, __LINE__))

#if POLLARD_DEBUG
#define debug_check(expression) check(expression)
#else
#define debug_check(expression) ((void)sizeof(!(expression)))
#endif

#define check_unreachable() check_failed("unreachable", __FILE__, __LINE__)

#endif
