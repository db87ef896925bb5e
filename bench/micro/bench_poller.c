/* What waiting costs: CPU of a reactor's thread per request, for each poller, over TCP loopback.
 *
 *      bench_poller POLLER BUSY IDLE DEPTH SECONDS
 *
 * POLLER is auto, poll or epoll; BUSY connections each keep DEPTH requests of 32 bytes in flight,
 * IDLE others say nothing. The client is a child process, so that the two do not share descriptors.
 * DEPTH 0 is the beat: all BUSY ones speak, all are answered, and again: every wait finds them all.
 * Prints one line: requests, user and system CPU of the thread per request, throughput, cycles. */
#define _GNU_SOURCE
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/base/thread.h"
#include "pollard/net/net.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_SIZE 32
#define MAX_SECONDS 30

struct bench {
    struct net_options options;
    struct reactor *reactor;
    int64_t busy;
    int64_t idle;
    int64_t depth;
    int64_t seconds;
    uint64_t requests;
    struct timer end;
    int port;
    int listen_fd;
    uint64_t start_requests;
    struct rusage start;
    struct reactor_figures start_figures;
    int64_t start_us;
    struct bench_conn *conns;
};

struct bench_conn {
    struct conn conn; /* first */
};

static void on_ready(void *context, struct reactor *reactor, struct conn **conns, size_t count)
{
    struct bench *bench = context;
    unsigned char data[16384];
    for (size_t i = 0; i < count; i++) {
        ssize_t got = conn_read(conns[i], data, sizeof(data));
        if (got < 0) {
            reactor_remove(conns[i]);
            reactor_stop(reactor);
            return;
        }
        bench->requests += (uint64_t)got / REQUEST_SIZE;
        chain_append(&conns[i]->output, bytes_make(data, (size_t)got));
    }
    for (size_t i = 0; i < count; i++) {
        (void)conn_flush(conns[i]); /* told by the next read */
    }
}

static double cpu_us(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void on_begin(struct timer *timer, struct reactor *reactor);
static void on_end(struct timer *timer, struct reactor *reactor)
{
    reactor_stop(reactor);
}

/* Warm: counting starts. */
static void on_begin(struct timer *timer, struct reactor *reactor)
{
    struct bench *bench = reactor_context(reactor);
    bench->start_requests = bench->requests;
    bench->start_us = clock_monotonic_us();
    getrusage(RUSAGE_THREAD, &bench->start);
    reactor_figures(reactor, &bench->start_figures);
    timer->fire = on_end;
    reactor_timer_set(reactor, timer, reactor_monotonic_ms(reactor) + bench->seconds * 1000);
}

/* ---- The client ---- */

static int client_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void client_say(int fd, size_t size)
{
    static const unsigned char data[16384];
    check(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void client_beat(const int *fds, int64_t count)
{
    unsigned char data[16384];
    for (;;) {
        for (int64_t i = 0; i < count; i++) {
            client_say(fds[i], REQUEST_SIZE);
        }
        for (int64_t i = 0; i < count; i++) {
            check(recv(fds[i], data, sizeof(data), 0) > 0);
        }
    }
}

static void client_run(const struct bench *bench)
{
    int *fds = mem_alloc((size_t)(bench->busy + bench->idle) * sizeof(int));
    for (int64_t i = 0; i < bench->busy + bench->idle; i++) {
        fds[i] = client_connect(bench->port);
    }
    alarm((unsigned)bench->seconds + 5);
    if (bench->depth == 0) {
        client_beat(fds, bench->busy);
    }
    int set = epoll_create1(0);
    for (int64_t i = 0; i < bench->busy; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        check(epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) == 0);
        client_say(fds[i], (size_t)bench->depth * REQUEST_SIZE);
    }
    for (;;) {
        struct epoll_event events[64];
        unsigned char data[16384];
        int found = epoll_wait(set, events, 64, -1);
        for (int i = 0; i < found; i++) {
            ssize_t got = recv(events[i].data.fd, data, sizeof(data), 0);
            check(got > 0);
            client_say(events[i].data.fd, (size_t)got);
        }
    }
}

/* ---- The server ---- */

static void server_listen(struct bench *bench)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    check(bind(bench->listen_fd, (struct sockaddr *)&address, size) == 0);
    check(listen(bench->listen_fd, 4096) == 0);
    check(getsockname(bench->listen_fd, (struct sockaddr *)&address, &size) == 0);
    bench->port = ntohs(address.sin_port);
}

static void server_accept_all(struct bench *bench)
{
    size_t count = (size_t)(bench->busy + bench->idle);
    bench->conns = mem_alloc_zero(count * sizeof(bench->conns[0]));
    for (size_t i = 0; i < count; i++) {
        int on = 1;
        int fd = accept4(bench->listen_fd, NULL, NULL, SOCK_NONBLOCK);
        check(fd >= 0);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        check(reactor_add(bench->reactor, &bench->conns[i].conn, fd, /* is_unix= */ false));
    }
}

static void server_report(const struct bench *bench, const char *poller)
{
    struct rusage end;
    struct reactor_figures figures;
    getrusage(RUSAGE_THREAD, &end);
    reactor_figures(bench->reactor, &figures);
    double seconds = (double)(clock_monotonic_us() - bench->start_us) / 1e6;
    double requests = (double)(bench->requests - bench->start_requests);
    double cycles = (double)(figures.cycles - bench->start_figures.cycles);
    double waits = (double)(figures.waits - bench->start_figures.waits);
    printf("%-5s busy %lld idle %lld depth %lld: %.3f us/req, %.0f req/s, %.1f req/cycle, "
           "%.2f waits/cycle, parked %llu\n",
           poller, (long long)bench->busy, (long long)bench->idle, (long long)bench->depth,
           (cpu_us(&end) - cpu_us(&bench->start)) / requests, requests / seconds, requests / cycles,
           waits / cycles, (unsigned long long)figures.parked);
}

/* Each end keeps to a core of its own: a scheduler that now and then puts both on one changes the
 * figures by half. Where it is not allowed, they float. */
static void pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    (void)sched_setaffinity(0, sizeof(cores), &cores);
}

static bool parse_arguments(struct bench *bench, char **argv)
{
    static const char *const names[] = {"auto", "poll", "epoll"};
    bool known = false;
    for (int i = 0; i < 3; i++) {
        if (strcmp(argv[1], names[i]) == 0) {
            option_put(&bench->options.poller, i);
            known = true;
        }
    }
    return known && number_parse_i64(bytes_text(argv[2]), &bench->busy) && bench->busy > 0 &&
           number_parse_i64(bytes_text(argv[3]), &bench->idle) && bench->idle >= 0 &&
           number_parse_i64(bytes_text(argv[4]), &bench->depth) && bench->depth >= 0 &&
           bench->depth <= 512 && number_parse_i64(bytes_text(argv[5]), &bench->seconds) &&
           bench->seconds > 0 && bench->seconds <= MAX_SECONDS;
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    if (argc != 6 || bench == NULL || !parse_arguments(bench, argv)) {
        fprintf(stderr, "usage: bench_poller auto|poll|epoll BUSY IDLE DEPTH SECONDS\n");
        return 2;
    }
    thread_adopt();
    clock_setup();
    check(net_raise_descriptor_limit((size_t)(bench->busy + bench->idle) + 64) > 64);
    struct reactor_hooks hooks = {.context = bench, .on_ready = on_ready};
    server_listen(bench);
    pid_t child = fork();
    check(child >= 0);
    pin(child == 0 ? 1 : 0);
    if (child == 0) {
        client_run(bench);
        _exit(0);
    }
    bench->reactor = reactor_create(&bench->options, &hooks, 0);
    check(bench->reactor != NULL);
    server_accept_all(bench);
    bench->end.fire = on_begin;
    reactor_timer_set(bench->reactor, &bench->end, clock_monotonic_ms() + 1000);
    reactor_run(bench->reactor);
    server_report(bench, argv[1]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
