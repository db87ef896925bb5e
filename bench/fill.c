/* fill: loads numbered keys fast: SET key:000000000000 and on, pipelined, over a unix socket.
 *
 * fill [-f FIRST] [-s SIZE] [-p UNIX_TIME_MS] [-r RATE] [-i] SOCKET COUNT: values of SIZE bytes
 * (-i: the number itself), expiring at UNIX_TIME_MS if given, RATE keys a second if given. The
 * next batch is sent before the replies of the last are read, so that the server never waits.
 * Prints one JSON object. */
#include "client.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 100, VALUE_MAX = 1 << 20, FRAME_MAX = 160, REPLY_SIZE = 5 };

struct fill {
    int fd;
    uint64_t first;
    uint64_t count;
    uint64_t rate; /* keys a second; 0: as fast as the server takes them */
    size_t value_size;
    bool is_integer;
    const char *expire_at; /* milliseconds, or NULL */
    char *buffer;          /* one batch */
};

static bool parse(struct fill *fill, int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "f:s:p:r:i")) != -1) {
        switch (option) {
        case 'f':
            fill->first = strtoull(optarg, NULL, 10);
            break;
        case 's':
            fill->value_size = strtoull(optarg, NULL, 10);
            break;
        case 'p':
            fill->expire_at = optarg;
            break;
        case 'r':
            fill->rate = strtoull(optarg, NULL, 10);
            break;
        case 'i':
            fill->is_integer = true;
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 2 || fill->value_size > VALUE_MAX ||
        (fill->expire_at != NULL && strlen(fill->expire_at) > 20)) {
        return false;
    }
    fill->count = strtoull(argv[optind + 1], NULL, 10);
    fill->fd = connect_unix(argv[optind]);
    if (fill->fd < 0) {
        perror("fill: connect");
    }
    return fill->fd >= 0;
}

static char *append_set(const struct fill *fill, uint64_t number, char *out)
{
    char digits[24];
    size_t size = fill->value_size;
    if (fill->is_integer) {
        size = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    }
    out += sprintf(out, "*%d\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$%zu\r\n",
                   fill->expire_at != NULL ? 5 : 3, (unsigned long long)number, size);
    if (fill->is_integer) {
        memcpy(out, digits, size);
    } else {
        memset(out, 'x', size);
    }
    out += size;
    if (fill->expire_at != NULL) {
        return out + sprintf(out, "\r\n$4\r\nPXAT\r\n$%zu\r\n%s\r\n", strlen(fill->expire_at),
                             fill->expire_at);
    }
    return out + sprintf(out, "\r\n");
}

static bool send_batch(const struct fill *fill, uint64_t done, uint64_t size)
{
    char *end = fill->buffer;
    for (uint64_t i = 0; i < size; i++) {
        end = append_set(fill, fill->first + done + i, end);
    }
    for (const char *next = fill->buffer; next < end;) {
        ssize_t sent = write(fill->fd, next, (size_t)(end - next));
        if (sent <= 0) {
            return false;
        }
        next += sent;
    }
    return true;
}

/* Every reply is "+OK\r\n"; anything else ends the run. */
static bool read_replies(const struct fill *fill, uint64_t size)
{
    char buffer[BATCH * REPLY_SIZE];
    size_t due = (size_t)size * REPLY_SIZE;
    while (due > 0) {
        ssize_t got = read(fill->fd, buffer, due);
        if (got <= 0 || memchr(buffer, '-', (size_t)got) != NULL) {
            return false;
        }
        due -= (size_t)got;
    }
    return true;
}

static bool run(const struct fill *fill)
{
    int64_t start_ns = now_ns();
    uint64_t unread = 0;
    for (uint64_t done = 0; done < fill->count;) {
        uint64_t size = fill->count - done < BATCH ? fill->count - done : BATCH;
        if (fill->rate > 0) {
            double offset_s = (double)done / (double)fill->rate;
            sleep_until(start_ns + (int64_t)(offset_s * NS_PER_S));
        }
        if (!send_batch(fill, done, size) || !read_replies(fill, unread)) {
            return false;
        }
        unread = size;
        done += size;
    }
    return read_replies(fill, unread);
}

int main(int argc, char **argv)
{
    struct fill fill = {.fd = -1, .value_size = 3};
    if (!parse(&fill, argc, argv)) {
        fprintf(stderr, "usage: fill [-f FIRST] [-s SIZE] [-p UNIX_TIME_MS] [-r RATE] [-i] "
                        "SOCKET COUNT\n");
        return 2;
    }
    fill.buffer = malloc((size_t)BATCH * (FRAME_MAX + fill.value_size));
    if (fill.buffer == NULL) {
        return 1;
    }
    int64_t start_ns = now_ns();
    if (!run(&fill)) {
        fprintf(stderr, "fill: the server failed a request\n");
        return 1;
    }
    printf("{\"keys\": %llu, \"seconds\": %.3f}\n", (unsigned long long)fill.count,
           (double)(now_ns() - start_ns) / NS_PER_S);
    free(fill.buffer);
    close(fill.fd);
    return 0;
}
