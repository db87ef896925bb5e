/* probe: a client that measures stalls: requests on random keys at a fixed schedule.
 *
 * probe SOCKET RATE SECONDS KEYS [MODE]: GET and SET in turn (mixed), one of them (get, set), SET
 * of 100 bytes to keys that differ from run to run, all new if KEYS is large (insert), or a write
 * to the key "large" (rpush, sadd, hset, zadd); prints one JSON object. SIGTERM ends it early, with
 * the figures so far. A latency counts from the moment the request was due, not from when it could
 * be sent, so that a server that stops for a second is charged with every request of that second.
 * Single-threaded, one connection (unix socket). */
#include "client.h"
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 1000 * 1000 };

enum mode {
    MODE_MIXED,
    MODE_GET,
    MODE_SET,
    MODE_INSERT,
    MODE_RPUSH,
    MODE_SADD,
    MODE_HSET,
    MODE_ZADD,
    MODES
};

struct probe {
    int fd;
    enum mode mode;
    int64_t rate;
    uint64_t keys;
    size_t count;
    int64_t *samples;
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

static int make_request(enum mode mode, uint64_t key, char *out, size_t size)
{
    static const char *const names[MODES] = {[MODE_RPUSH] = "RPUSH", [MODE_SADD] = "SADD"};
    unsigned long long number = (unsigned long long)key;
    switch (mode) {
    case MODE_SET:
        return snprintf(out, size, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$3\r\nabc\r\n",
                        number);
    case MODE_INSERT:
        return snprintf(out, size, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$100\r\n%0100d\r\n",
                        number, 0);
    case MODE_HSET:
        return snprintf(out, size,
                        "*4\r\n$4\r\nHSET\r\n$5\r\nlarge\r\n$19\r\nwriter:%012llu\r\n"
                        "$6\r\n123456\r\n",
                        number);
    case MODE_ZADD:
        return snprintf(out, size,
                        "*4\r\n$4\r\nZADD\r\n$5\r\nlarge\r\n$6\r\n%06llu\r\n"
                        "$19\r\nwriter:%012llu\r\n",
                        number % 1000000, number);
    case MODE_RPUSH:
    case MODE_SADD:
        return snprintf(out, size, "*3\r\n$%zu\r\n%s\r\n$5\r\nlarge\r\n$19\r\nwriter:%012llu\r\n",
                        strlen(names[mode]), names[mode], number);
    default:
        return snprintf(out, size, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n", number);
    }
}

/* One request and its whole reply: values are shorter than the buffer, and a reply is complete
 * when its last line is. */
static bool exchange(int fd, enum mode mode, uint64_t key)
{
    char buffer[512];
    int size = make_request(mode, key, buffer, sizeof(buffer));
    if (write(fd, buffer, (size_t)size) != size) {
        return false;
    }
    size_t got = 0;
    for (;;) {
        ssize_t count = read(fd, buffer + got, sizeof(buffer) - 1 - got);
        if (count <= 0) {
            return false;
        }
        got += (size_t)count;
        buffer[got] = '\0';
        const char *line_end = strstr(buffer, "\r\n");
        bool two_lines = buffer[0] == '$' && buffer[1] != '-';
        if (line_end != NULL && (!two_lines || strstr(line_end + 2, "\r\n") != NULL)) {
            return buffer[0] != '-';
        }
    }
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_percentiles(int64_t *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), compare_i64);
    printf("{\"count\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, "
           "\"max_ms\": %.4f}\n",
           count, (double)samples[count / 2] / 1e6, (double)samples[count * 99 / 100] / 1e6,
           (double)samples[count * 999 / 1000] / 1e6, (double)samples[count - 1] / 1e6);
}

static bool mode_named(const char *name, enum mode *ret_mode)
{
    static const char *const names[MODES] = {"mixed", "get",  "set",  "insert",
                                             "rpush", "sadd", "hset", "zadd"};
    for (size_t i = 0; i < MODES; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_mode = (enum mode)i;
            return true;
        }
    }
    return false;
}

/* Fills samples; returns how many, fewer when a signal came, 0 when the server failed. */
static size_t run(const struct probe *probe)
{
    uint64_t state = probe->mode == MODE_INSERT ? (uint64_t)now_ns() : 42;
    int64_t start_ns = now_ns() + NS_PER_S / 100;
    size_t done = 0;
    for (; done < probe->count; done++) {
        int64_t due_ns = start_ns + (int64_t)done * NS_PER_S / probe->rate;
        sleep_until(due_ns);
        if (is_over) {
            break;
        }
        enum mode mode = probe->mode;
        if (mode == MODE_MIXED) {
            mode = done % 2 == 1 ? MODE_SET : MODE_GET;
        }
        if (!exchange(probe->fd, mode, random_next(&state) % probe->keys)) {
            fprintf(stderr, "probe: the server failed a request\n");
            return 0;
        }
        probe->samples[done] = now_ns() - due_ns;
    }
    return done;
}

static bool parse(struct probe *probe, int argc, char **argv)
{
    if (argc < 5 || argc > 6 || (argc == 6 && !mode_named(argv[5], &probe->mode))) {
        fprintf(stderr, "usage: probe SOCKET RATE SECONDS KEYS "
                        "[mixed|get|set|insert|rpush|sadd|hset|zadd]\n");
        return false;
    }
    probe->rate = (int64_t)strtoll(argv[2], NULL, 10);
    double seconds = strtod(argv[3], NULL);
    probe->keys = (uint64_t)strtoull(argv[4], NULL, 10);
    double count = seconds * (double)probe->rate;
    if (probe->rate < 1 || probe->keys < 1 || !(count >= 1 && count <= SAMPLES_MAX)) {
        fprintf(stderr, "probe: rate, seconds or keys out of range\n");
        return false;
    }
    probe->count = (size_t)count;
    return true;
}

int main(int argc, char **argv)
{
    struct probe probe = {.mode = MODE_MIXED};
    if (!parse(&probe, argc, argv)) {
        return 2;
    }
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    probe.samples = calloc(probe.count, sizeof(*probe.samples));
    probe.fd = connect_unix(argv[1]);
    if (probe.samples == NULL || probe.fd < 0) {
        fprintf(stderr, "probe: cannot connect\n");
        return 1;
    }
    size_t done = run(&probe);
    if (done > 0) {
        print_percentiles(probe.samples, done);
    }
    close(probe.fd);
    free(probe.samples);
    return done > 0 ? 0 : 1;
}
