/* probe: a client that measures stalls: GET and SET in turn on random keys at a fixed schedule.
 *
 * probe SOCKET RATE SECONDS KEYS: prints one JSON object. A latency counts from the moment the
 * request was due, not from when it could be sent, so that a server that stops for a second is
 * charged with every request of that second. Single-threaded, one connection (unix socket). */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void sleep_until(int64_t due_ns)
{
    struct timespec ts = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A splitmix step: the keys need to be spread, not secret. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* One request and its whole reply: values are shorter than the buffer, and a reply is complete
 * when its last line is. */
static bool exchange(int fd, bool is_set, uint64_t key)
{
    char buffer[512];
    int size = is_set
                   ? snprintf(buffer, sizeof(buffer),
                              "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$3\r\nabc\r\n",
                              (unsigned long long)key)
                   : snprintf(buffer, sizeof(buffer), "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n",
                              (unsigned long long)key);
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

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: probe SOCKET RATE SECONDS KEYS\n");
        return 2;
    }
    int64_t rate = (int64_t)strtoll(argv[2], NULL, 10);
    int64_t seconds = (int64_t)strtoll(argv[3], NULL, 10);
    uint64_t keys = (uint64_t)strtoull(argv[4], NULL, 10);
    if (rate < 1 || seconds < 1 || keys < 1 || rate * seconds > SAMPLES_MAX) {
        fprintf(stderr, "probe: rate, seconds or keys out of range\n");
        return 2;
    }
    size_t count = (size_t)(rate * seconds);
    int64_t *samples = calloc(count, sizeof(*samples));
    int fd = connect_unix(argv[1]);
    if (samples == NULL || fd < 0) {
        fprintf(stderr, "probe: cannot connect\n");
        return 1;
    }
    uint64_t state = 42;
    int64_t start_ns = now_ns() + NS_PER_S / 100;
    for (size_t i = 0; i < count; i++) {
        int64_t due_ns = start_ns + (int64_t)i * NS_PER_S / rate;
        sleep_until(due_ns);
        if (!exchange(fd, i % 2 == 1, random_next(&state) % keys)) {
            fprintf(stderr, "probe: the server failed a request\n");
            return 1;
        }
        samples[i] = now_ns() - due_ns;
    }
    print_percentiles(samples, count);
    close(fd);
    free(samples);
    return 0;
}
