/* Limits of the system that bound a server of sockets. At start only.
 *
 * Threads: main's, before others start (the limit is the process's). */
#define _GNU_SOURCE
#include "pollard/base/number.h"
#include "pollard/net/net.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

size_t net_raise_descriptor_limit(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur >= wanted) {
        return wanted;
    }
    /* Above the hard limit only with privileges; else as far as it goes. */
    struct rlimit raised = {
        .rlim_cur = wanted,
        .rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted,
    };
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        return wanted;
    }
    raised = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        return (size_t)raised.rlim_cur;
    }
    return (size_t)limit.rlim_cur;
}

int net_kernel_backlog(void)
{
    int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    char text[NUMBER_INT_MAX + 1];
    ssize_t got = read(fd, text, sizeof(text));
    (void)close(fd); /* only read from */
    while (got > 0 && text[got - 1] == '\n') {
        got--;
    }
    int64_t value;
    if (got <= 0 || !number_parse_i64(bytes_make(text, (size_t)got), &value)) {
        return -1;
    }
    return value > INT32_MAX ? INT32_MAX : (int)value;
}
