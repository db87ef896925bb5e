/* handover: how long an element takes from one client's LPUSH to another that waits in BLPOP.
 *
 * handover PORT [--pushes N] [--reactors 0|1|2]
 *
 * The waiter sends BLPOP; the pusher asks CLIENT LIST until the server says that it waits, and then
 * sends LPUSH. A latency is the time from just before that write to the waiter's reply. --reactors
 * 1 or 2: both clients on one reactor or on two, as the field io-thread of CLIENT INFO has it; of a
 * server without that field, which has one, nothing is asked. An element is a number that the
 * waiter must get.
 *
 * Prints one JSON object. Single-threaded; loopback TCP. */
#include "generator.h"
#include "load_histogram.h"

enum { TRIES_MAX = 64, LINE_SIZE = 2048, DIGITS = 16, BLOCKED_S = 10 };

struct options {
    uint64_t pushes, reactors;
};

static const struct setting settings[] = {
    {"--pushes", offsetof(struct options, pushes), 1, 100000000},
    {"--reactors", offsetof(struct options, reactors), 0, 2},
    {NULL, 0, 0, 0},
};

struct load {
    struct options options;
    int waiter_fd, pusher_fd;
    char ask[96]; /* CLIENT LIST ID of the waiter */
    size_t ask_size;
    struct histogram latency_ns;
};

/* A bulk reply as text in line. */
static void read_bulk(int fd, char *line, size_t size)
{
    size_t got = 0;
    for (;;) {
        got += receive(fd, line + got, size - 1 - got);
        line[got] = '\0';
        const char *start = strstr(line, "\r\n");
        if (line[0] != '$') {
            fail_reply(line, got);
        }
        size_t head_size = start != NULL ? (size_t)(start - line) + 2 : size;
        if (start != NULL && got == head_size + strtoull(line + 1, NULL, 10) + 2) {
            memmove(line, line + head_size, got - head_size + 1);
            return;
        }
        if (got == size - 1) {
            fail("a reply is too long", "");
        }
    }
}

static void client_info(int fd, char *line, size_t size)
{
    static const char info[] = "*2\r\n$6\r\nCLIENT\r\n$4\r\nINFO\r\n";
    send_all(fd, info, sizeof(info) - 1);
    read_bulk(fd, line, size);
}

/* The value of a field of a client's line; NULL if there is no such field. */
static const char *field_of(const char *line, const char *name)
{
    const char *found = strstr(line, name);
    return found != NULL ? found + strlen(name) : NULL;
}

/* The reactor that serves a connection; -1 if the server does not say. */
static int64_t reactor_of(int fd)
{
    char line[LINE_SIZE];
    client_info(fd, line, sizeof(line));
    const char *field = field_of(line, " io-thread=");
    return field != NULL ? (int64_t)strtoll(field, NULL, 10) : -1;
}

/* Opens both clients. Those that came to the wrong reactor stay until the right one is found, so
 * that a server which deals connections out in turn, or to whom has the fewest, comes round. */
static void open_clients(struct load *load, uint64_t port)
{
    int fds[TRIES_MAX];
    size_t count = 0;
    load->waiter_fd = connect_tcp(port);
    int64_t waiter = reactor_of(load->waiter_fd);
    bool is_fit = false;
    while (!is_fit && count < TRIES_MAX) {
        fds[count] = connect_tcp(port);
        int64_t pusher = reactor_of(fds[count++]);
        is_fit = load->options.reactors == 0 || waiter < 0 ||
                 (pusher == waiter) == (load->options.reactors == 1);
    }
    if (!is_fit) {
        fail("no connection came to the reactor that was wanted", "");
    }
    load->pusher_fd = fds[--count];
    while (count > 0) {
        close(fds[--count]);
    }
}

static void make_ask(struct load *load)
{
    char line[LINE_SIZE];
    client_info(load->waiter_fd, line, sizeof(line));
    unsigned long long id = strtoull(strncmp(line, "id=", 3) == 0 ? line + 3 : "", NULL, 10);
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", id);
    load->ask_size = (size_t)snprintf(load->ask, sizeof(load->ask),
                                      "*4\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n$2\r\nID\r\n$%zu\r\n%s"
                                      "\r\n",
                                      strlen(digits), digits);
}

/* Until the server says that the waiter is blocked: no push may come before, and no reply. */
static void wait_blocked(struct load *load)
{
    char line[LINE_SIZE];
    int64_t deadline_ns = now_ns() + (int64_t)BLOCKED_S * NS_PER_S;
    while (now_ns() < deadline_ns) {
        send_all(load->pusher_fd, load->ask, load->ask_size);
        read_bulk(load->pusher_fd, line, sizeof(line));
        const char *flags = field_of(line, " flags=");
        if (flags != NULL && memchr(flags, 'b', strcspn(flags, " ")) != NULL) {
            return;
        }
        ssize_t count = recv(load->waiter_fd, line, sizeof(line), MSG_DONTWAIT);
        if (count > 0) {
            fail_reply(line, (size_t)count);
        }
    }
    fail("the waiter is never said to wait", line);
}

static void hand_over(struct load *load, uint64_t number)
{
    static const char wait[] = "*3\r\n$5\r\nBLPOP\r\n$4\r\nlist\r\n$1\r\n0\r\n";
    char push[] = "*3\r\n$5\r\nLPUSH\r\n$4\r\nlist\r\n$16\r\n0000000000000000\r\n";
    char reply[] = "*2\r\n$4\r\nlist\r\n$16\r\n0000000000000000\r\n";
    put_digits(push + sizeof(push) - 3 - DIGITS, DIGITS, number);
    put_digits(reply + sizeof(reply) - 3 - DIGITS, DIGITS, number);
    send_all(load->waiter_fd, wait, sizeof(wait) - 1);
    wait_blocked(load);
    int64_t sent_ns = now_ns();
    send_all(load->pusher_fd, push, sizeof(push) - 1);
    expect_bytes(load->waiter_fd, reply, sizeof(reply) - 1);
    histogram_add(&load->latency_ns, (uint64_t)(now_ns() - sent_ns));
    expect_bytes(load->pusher_fd, ":1\r\n", 4);
}

int main(int argc, char **argv)
{
    static struct load load = {.options = {.pushes = 10000}};
    if (argc < 2) {
        fail("usage: handover PORT [--OPTION NUMBER]...", "");
    }
    uint64_t port = parse_number("PORT", argv[1], 1, 65535);
    parse_settings(&load.options, settings, argc - 2, argv + 2);
    open_clients(&load, port);
    make_ask(&load);
    for (uint64_t i = 0; i < load.options.pushes; i++) {
        hand_over(&load, i);
    }
    const struct histogram *h = &load.latency_ns;
    printf("{\"pushes\": %llu, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f}\n",
           (unsigned long long)h->total, (double)histogram_at(h, 0.50) / 1e3,
           (double)histogram_at(h, 0.99) / 1e3, (double)histogram_at(h, 0.999) / 1e3);
    close(load.waiter_fd);
    close(load.pusher_fd);
    return 0;
}
