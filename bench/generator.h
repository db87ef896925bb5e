/* What the load generators share: failing, options, loopback TCP, expected replies, epoll. */
#ifndef POLLARD_BENCH_GENERATOR_H
#define POLLARD_BENCH_GENERATOR_H

#include "client.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { STALL_MS = 30 * 1000, EVENTS_MAX = 256, READ_SIZE = 256 * 1024 };

/* A number on the command line: where it goes in the program's options, and its range. */
struct setting {
    const char *name;
    size_t offset;
    uint64_t min, max;
};

static inline _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s%s%s\n", what, detail[0] != '\0' ? ": " : "", detail);
    exit(1);
}

static inline uint64_t parse_number(const char *name, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max) {
        fail("not a number in its range", name);
    }
    return value;
}

/* Fills options from the words [--NAME NUMBER]...; settings end with a row without a name. */
static inline void parse_settings(void *options, const struct setting *settings, int argc,
                                  char **argv)
{
    for (int i = 0; i + 1 < argc; i += 2) {
        const struct setting *setting = settings;
        while (setting->name != NULL && strcmp(setting->name, argv[i]) != 0) {
            setting++;
        }
        if (setting->name == NULL) {
            fail("unknown option", argv[i]);
        }
        uint64_t value = parse_number(setting->name, argv[i + 1], setting->min, setting->max);
        memcpy((char *)options + setting->offset, &value, sizeof(value));
    }
    if (argc % 2 != 0) {
        fail("an option lacks its number", argv[argc - 1]);
    }
}

static inline void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fail("no memory", "");
    }
    return memory;
}

/* A connection to a loopback port that sends at once; it blocks. */
static inline int connect_tcp(uint64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        fail("cannot connect", strerror(errno));
    }
    return fd;
}

static inline void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            fail("write", strerror(errno));
        }
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
}

/* Bytes of a socket, which is waited for if it blocks; 0: none now, or interrupted. */
static inline size_t receive(int fd, char *to, size_t size)
{
    ssize_t count = recv(fd, to, size, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (count <= 0) {
        fail("the server closed a connection", count < 0 ? strerror(errno) : "");
    }
    return (size_t)count;
}

static inline _Noreturn void fail_reply(const char *got, size_t size)
{
    char shown[120];
    size_t used = 0;
    for (size_t i = 0; i < size && used < sizeof(shown) - 1; i++) {
        shown[used++] = got[i] >= ' ' && got[i] <= '~' ? got[i] : '.';
    }
    shown[used] = '\0';
    fail("not the expected reply", shown);
}

/* Reads exactly these bytes from a socket that blocks. */
static inline void expect_bytes(int fd, const char *expected, size_t size)
{
    char got[1024];
    while (size > 0) {
        size_t count = receive(fd, got, size < sizeof(got) ? size : sizeof(got));
        if (memcmp(got, expected, count) != 0) {
            fail_reply(got, count);
        }
        expected += count;
        size -= count;
    }
}

static inline void put_digits(char *to, size_t count, uint64_t number)
{
    while (count > 0) {
        to[--count] = (char)('0' + number % 10);
        number /= 10;
    }
}

static inline void watch(int epoll_fd, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl", strerror(errno));
    }
}

/* The next events; a server that says nothing for STALL_MS ends the program. */
static inline size_t wait_events(int epoll_fd, struct epoll_event *events)
{
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, STALL_MS);
    if (count == 0 || (count < 0 && errno != EINTR)) {
        fail("the server stopped answering", "");
    }
    return count > 0 ? (size_t)count : 0;
}

#endif
