/* Tests of listening: TCP and unix sockets, the spread, texts, and running out of descriptors. */
#define _GNU_SOURCE
#include "net_support.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

TestSuite(listen, .init = thread_adopt);

static void socket_path(char *path, size_t size, const char *name)
{
    snprintf(path, size, "/tmp/pollard-%s-%ld.sock", name, (long)getpid());
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static int connect_tcp(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void check_texts(struct echo *echo, struct conn **conns, size_t count)
{
    struct buf peer = {0};
    struct buf local = {0};
    conn_peer_text(conns[0], &peer);
    conn_local_text(conns[0], &local);
    buf_append_byte(&peer, '\0');
    buf_append_byte(&local, '\0');
    int *port = echo->extra;
    char expected[64];
    snprintf(expected, sizeof(expected), "127.0.0.1:%d", *port);
    cr_assert_str_eq((char *)local.data, expected);
    cr_assert_eq(strncmp((char *)peer.data, "127.0.0.1:", 10), 0);
    cr_assert(conn_is_local(conns[0]));
    buf_deinit(&peer);
    buf_deinit(&local);
    echo_default_ready(echo, conns, count);
}

Test(listen, tcp_accepts_and_echoes)
{
    struct echo echo;
    struct buf error = {0};
    struct listeners *listeners = NULL;
    int port = 20000 + (int)(getpid() % 20000);
    echo_open(&echo, NET_POLLER_AUTO);
    option_text_set(&echo.options.bind, bytes_text("127.0.0.1 -::1 -192.0.2.1"));
    for (int i = 0; i < 20 && listeners == NULL; i++) {
        option_put(&echo.options.port, ++port);
        listeners = listeners_open(&echo.options, &error);
    }
    cr_assert_not_null(listeners);
    cr_assert_eq(listeners_port(listeners), port);
    struct buf again = {0};
    cr_assert_null(listeners_open(&echo.options, &again), "the port is taken");
    buf_append_byte(&again, '\0');
    cr_assert_not_null(strstr((char *)again.data, "bind: Address already in use"));
    listeners_start(listeners, &echo.reactor, 1);
    int fd = connect_tcp(port);
    cr_assert_eq(send(fd, "hi", 2, MSG_NOSIGNAL), 2);
    echo.extra = &port;
    echo.scripted = check_texts;
    echo.stop_after_ready = 1;
    cr_assert(echo_run(&echo, 2000));
    char data[8];
    cr_assert_eq(recv(fd, data, sizeof(data), 0), 2);
    close(fd);
    listeners_close(&listeners);
    echo_close(&echo);
    option_text_deinit(&echo.options.bind);
    buf_deinit(&error);
    buf_deinit(&again);
}

Test(listen, unix_socket_mode_stale_and_live)
{
    struct echo echo;
    struct buf error = {0};
    char path[64];
    socket_path(path, sizeof(path), "unix");
    echo_open(&echo, NET_POLLER_AUTO);
    option_text_set(&echo.options.unixsocket, bytes_text(path));
    option_put(&echo.options.unixsocketperm, 0700);
    /* A server that died leaves a socket that nobody listens on. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
    close(stale);
    struct listeners *listeners = listeners_open(&echo.options, &error);
    cr_assert_not_null(listeners);
    cr_assert_eq(listeners_port(listeners), 0);
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0700);
    cr_assert_null(listeners_open(&echo.options, &error), "a live one is not replaced");
    cr_assert_gt(error.size, 0);
    listeners_close(&listeners);
    cr_assert_neq(stat(path, &status), 0);
    echo_close(&echo);
    option_text_deinit(&echo.options.unixsocket);
    buf_deinit(&error);
}

/* How many of 30 connections each of three reactors gets. */
static void spread(enum net_spread option, unsigned accepted[3])
{
    struct echo echo[3];
    struct reactor *reactors[3];
    struct buf error = {0};
    int fds[30];
    char path[64];
    socket_path(path, sizeof(path), "spread");
    for (int i = 0; i < 3; i++) {
        echo_open(&echo[i], NET_POLLER_AUTO);
        reactors[i] = echo[i].reactor;
    }
    option_text_set(&echo[0].options.unixsocket, bytes_text(path));
    option_put(&echo[0].options.connection_spread, option);
    struct listeners *listeners = listeners_open(&echo[0].options, &error);
    listeners_start(listeners, reactors, 3);
    for (int i = 0; i < 30; i++) {
        fds[i] = connect_unix(path);
        cr_assert_geq(fds[i], 0);
    }
    for (int i = 0; i < 3; i++) {
        (void)echo_run(&echo[i], 400);
        accepted[i] = (unsigned)echo[i].accepted;
    }
    listeners_close(&listeners);
    for (int i = 0; i < 3; i++) {
        echo_close(&echo[i]);
    }
    for (int i = 0; i < 30; i++) {
        close(fds[i]);
    }
    option_text_deinit(&echo[0].options.unixsocket);
    buf_deinit(&error);
}

Test(listen, spreads_over_all_reactors)
{
    unsigned accepted[3];
    spread(NET_SPREAD_ALL, accepted);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(accepted[i], 10);
    }
}

/* Criterion runs each test in a process of its own: the CPU set stays in here. */
Test(listen, spreads_over_as_many_reactors_as_there_are_cpus)
{
    unsigned accepted[3];
    cpu_set_t set;
    cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &set)) {
        cpu++;
    }
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
    spread(NET_SPREAD_CPUS, accepted);
    cr_assert_eq(accepted[0], 30);
    cr_assert_eq(accepted[1] + accepted[2], 0);
}

/* Criterion runs each test in a process of its own: the limit stays in here. */
Test(listen, out_of_descriptors_pauses_and_recovers)
{
    struct echo echo;
    struct buf error = {0};
    struct reactor_figures before;
    struct reactor_figures after;
    char path[64];
    int fds[8];
    socket_path(path, sizeof(path), "full");
    echo_open(&echo, NET_POLLER_AUTO);
    option_text_set(&echo.options.unixsocket, bytes_text(path));
    struct listeners *listeners = listeners_open(&echo.options, &error);
    listeners_start(listeners, &echo.reactor, 1);
    for (int i = 0; i < 8; i++) {
        fds[i] = connect_unix(path);
    }
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = {.rlim_cur = (rlim_t)fds[7] + 4, .rlim_max = limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    (void)echo_run(&echo, 30);
    cr_assert_eq(echo.accepted, 3);
    reactor_figures(echo.reactor, &before);
    (void)echo_run(&echo, 50);
    reactor_figures(echo.reactor, &after);
    cr_assert_leq(after.cycles - before.cycles, 4, "no spinning while descriptors are out");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)echo_run(&echo, 200);
    cr_assert_eq(echo.accepted, 8);
    listeners_close(&listeners);
    echo_close(&echo);
    for (int i = 0; i < 8; i++) {
        close(fds[i]);
    }
    option_text_deinit(&echo.options.unixsocket);
    buf_deinit(&error);
}

Test(listen, limits_are_told)
{
    cr_assert_geq(net_raise_descriptor_limit(64), 64);
    cr_assert_gt(net_kernel_backlog(), 0);
}
