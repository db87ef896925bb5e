/* load: a closed-loop load generator for servers that redis-benchmark cannot load as well.
 *
 * load resp|memcached get|set PORT [--connections N] [--pipeline N] [--requests N] [--keys N]
 *      [--value-size N] [--seed N] [--ttl SECONDS] [--integer 1] [--fill 1] [--big 1]
 *
 * Every connection sends a batch of --pipeline requests in one write, waits for all its replies and
 * sends the next, until --requests are answered; keys are "key:" and 12 digits, random in --keys.
 * --fill 1 takes the keys 0, 1, 2, ... instead and sets each once; --big 1 uses the single key
 * "big". A latency is the time from the batch being sent to the read that completed the reply.
 *
 * Prints one JSON object. Ends with 1 and a line on stderr at the first error reply, or when no
 * server answers for STALL_MS. Single-threaded; loopback TCP; Linux (epoll). */
#include "generator.h"
#include "load_histogram.h"
#include <fcntl.h>

enum {
    LINE_SIZE = 160,
    KEY_DIGITS = 12,
    INTEGER_DIGITS = 7,
    FORM_EXTRA = 128 /* what a request has beside its value */
};

#define BATCHES_BYTES_MAX ((uint64_t)2 << 30)

/* The command line. Numbers are uint64_t so that one table can describe and fill them. */
struct options {
    bool is_memcached;
    bool is_get;
    uint64_t port, connections, pipeline, requests, keys, value_size, seed, ttl;
    uint64_t is_integer, is_fill, is_big;
};

static const struct setting settings[] = {
    {"--connections", offsetof(struct options, connections), 1, 10000},
    {"--pipeline", offsetof(struct options, pipeline), 1, 10000},
    {"--requests", offsetof(struct options, requests), 1, 1000000000},
    {"--keys", offsetof(struct options, keys), 1, 1000000000},
    {"--value-size", offsetof(struct options, value_size), 1, 64 * 1024 * 1024},
    {"--seed", offsetof(struct options, seed), 0, UINT64_MAX},
    {"--ttl", offsetof(struct options, ttl), 0, 2000000},
    {"--integer", offsetof(struct options, is_integer), 0, 1},
    {"--fill", offsetof(struct options, is_fill), 0, 1},
    {"--big", offsetof(struct options, is_big), 0, 1},
    {NULL, 0, 0, 0},
};

/* One request as bytes; key digits and an integer value are patched where they stand. */
struct form {
    char *bytes;
    size_t size;
    size_t digits_at; /* 0: the key is fixed */
    size_t value_at;  /* 0: there is no integer value */
};

struct connection {
    int fd;
    char *out; /* the batch: `pipeline` copies of the form */
    size_t out_size, out_sent;
    bool waits_to_write;
    uint64_t replies_due; /* of the batch */
    int64_t sent_ns;
    size_t skip;    /* bytes of a value still to come, its CRLF included */
    bool has_value; /* memcached: a value came before its END */
    size_t line_size;
    char line[LINE_SIZE]; /* the beginning of a line that a read cut */
};

struct load {
    struct options options;
    struct form form;
    struct connection *connections;
    int epoll_fd;
    uint64_t started, done, misses;
    uint64_t random_state;
    struct histogram latency_ns;
    char read_buffer[READ_SIZE];
};

/* --- the request ------------------------------------------------------------------------------ */

static size_t form_head(const struct options *options, char *to, size_t size)
{
    const char *key = options->is_big ? "big" : "key:000000000000";
    unsigned long long value_size = options->value_size;
    unsigned long long ttl = options->ttl;
    int used;
    if (options->is_memcached) {
        used = options->is_get ? snprintf(to, size, "get %s\r\n", key)
                               : snprintf(to, size, "set %s 0 %llu %llu\r\n", key, ttl, value_size);
    } else if (options->is_get) {
        used = snprintf(to, size, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(key), key);
    } else {
        used = snprintf(to, size, "*%d\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%llu\r\n", ttl > 0 ? 5 : 3,
                        strlen(key), key, value_size);
    }
    return (size_t)used;
}

static void form_build(struct form *form, const struct options *options)
{
    form->bytes = allocate(options->value_size + FORM_EXTRA);
    form->size = form_head(options, form->bytes, FORM_EXTRA);
    const char *digits = strstr(form->bytes, "000000000000");
    form->digits_at = digits != NULL ? (size_t)(digits - form->bytes) : 0;
    if (options->is_get) {
        return;
    }
    form->value_at = options->is_integer ? form->size : 0;
    memset(form->bytes + form->size, 'x', options->value_size);
    form->size += options->value_size;
    char tail[FORM_EXTRA / 2] = "\r\n";
    if (!options->is_memcached && options->ttl > 0) {
        char ttl[24];
        snprintf(ttl, sizeof(ttl), "%llu", (unsigned long long)options->ttl);
        snprintf(tail, sizeof(tail), "\r\n$2\r\nEX\r\n$%zu\r\n%s\r\n", strlen(ttl), ttl);
    }
    memcpy(form->bytes + form->size, tail, strlen(tail));
    form->size += strlen(tail);
}

static void batch_patch(struct load *load, char *request)
{
    const struct options *options = &load->options;
    uint64_t number = load->started;
    if (!options->is_fill) {
        number = random_next(&load->random_state) % options->keys;
    }
    if (load->form.digits_at != 0) {
        put_digits(request + load->form.digits_at, KEY_DIGITS, number);
    }
    if (load->form.value_at != 0) {
        /* Seven digits, the first not 0: no server takes it out of a pool of small numbers. */
        put_digits(request + load->form.value_at, INTEGER_DIGITS, 1000000 + number % 9000000);
    }
}

/* --- connections ------------------------------------------------------------------------------ */

static void watch_also(struct load *load, struct connection *c, bool for_write)
{
    struct epoll_event event = {.events = EPOLLIN | (for_write ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0) {
        fail("epoll_ctl", strerror(errno));
    }
    c->waits_to_write = for_write;
}

static void connection_open(struct load *load, struct connection *c)
{
    c->fd = connect_tcp(load->options.port);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) {
        fail("cannot set up a socket", strerror(errno));
    }
    c->out = allocate(load->form.size * load->options.pipeline);
    for (uint64_t i = 0; i < load->options.pipeline; i++) {
        memcpy(c->out + i * load->form.size, load->form.bytes, load->form.size);
    }
    watch(load->epoll_fd, c->fd, c);
}

static void connection_flush(struct load *load, struct connection *c)
{
    while (c->out_sent < c->out_size) {
        ssize_t count = send(c->fd, c->out + c->out_sent, c->out_size - c->out_sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno != EAGAIN) {
            fail("write", strerror(errno));
        }
        if (count < 0) {
            break;
        }
        c->out_sent += (size_t)count;
    }
    bool is_short = c->out_sent < c->out_size;
    if (is_short != c->waits_to_write) {
        watch_also(load, c, is_short);
    }
}

/* The next batch of a connection that owes nothing; none when all requests were started. */
static void connection_begin(struct load *load, struct connection *c)
{
    uint64_t left = load->options.requests - load->started;
    uint64_t count = left < load->options.pipeline ? left : load->options.pipeline;
    if (count == 0) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        batch_patch(load, c->out + i * load->form.size);
        load->started++;
    }
    c->out_size = count * load->form.size;
    c->out_sent = 0;
    c->replies_due = count;
    c->sent_ns = now_ns();
    connection_flush(load, c);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void reply_done(struct load *load, struct connection *c, int64_t read_ns)
{
    if (c->replies_due == 0) {
        fail("more replies than requests", "");
    }
    c->replies_due--;
    load->done++;
    histogram_add(&load->latency_ns, (uint64_t)(read_ns - c->sent_ns));
}

/* A whole line without its CRLF. Returns whether it ends a reply. */
static bool take_resp_line(struct load *load, struct connection *c, const char *line)
{
    if (line[0] == '$' && line[1] != '-') {
        c->skip = (size_t)strtoull(line + 1, NULL, 10) + 2;
        return false; /* the reply ends with the value */
    }
    if (line[0] == '$') {
        load->misses++;
    } else if (line[0] != '+' && line[0] != ':') {
        fail("the server replied", line);
    }
    return true;
}

static bool take_memcached_line(struct load *load, struct connection *c, const char *line)
{
    if (strncmp(line, "VALUE ", 6) == 0) {
        const char *size = strrchr(line, ' ');
        c->skip = (size_t)strtoull(size, NULL, 10) + 2;
        c->has_value = true;
        return false; /* END comes after the value */
    }
    if (strcmp(line, "END") == 0) {
        load->misses += !c->has_value;
        c->has_value = false;
    } else if (strcmp(line, "STORED") != 0) {
        fail("the server replied", line);
    }
    return true;
}

/* Takes bytes up to the end of a line or of a value; returns how many. */
static size_t take_part(struct connection *c, const char *data, size_t size)
{
    if (c->skip > 0) {
        size_t taken = size < c->skip ? size : c->skip;
        c->skip -= taken;
        return taken;
    }
    const char *end = memchr(data, '\n', size);
    size_t taken = end != NULL ? (size_t)(end - data) + 1 : size;
    if (c->line_size + taken >= LINE_SIZE) {
        fail("a line of a reply is too long", "");
    }
    memcpy(c->line + c->line_size, data, taken);
    c->line_size += taken;
    return taken;
}

static void connection_take(struct load *load, struct connection *c, size_t size)
{
    int64_t read_ns = now_ns();
    bool is_memcached = load->options.is_memcached;
    for (size_t at = 0; at < size;) {
        bool in_value = c->skip > 0;
        at += take_part(c, load->read_buffer + at, size - at);
        if (in_value && c->skip == 0 && !is_memcached) {
            reply_done(load, c, read_ns);
        }
        if (c->line_size == 0 || c->line[c->line_size - 1] != '\n') {
            continue;
        }
        c->line[c->line_size - (c->line_size > 1 ? 2 : 1)] = '\0';
        c->line_size = 0;
        if (is_memcached ? take_memcached_line(load, c, c->line)
                         : take_resp_line(load, c, c->line)) {
            reply_done(load, c, read_ns);
        }
    }
}

static void connection_read(struct load *load, struct connection *c)
{
    connection_take(load, c, receive(c->fd, load->read_buffer, READ_SIZE));
    if (c->replies_due == 0) {
        connection_begin(load, c);
    }
}

/* --- the run ---------------------------------------------------------------------------------- */

static void run(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    for (uint64_t i = 0; i < load->options.connections; i++) {
        connection_begin(load, &load->connections[i]);
    }
    while (load->done < load->options.requests) {
        size_t count = wait_events(load->epoll_fd, events);
        for (size_t i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0) {
                connection_flush(load, c);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                connection_read(load, c);
            }
        }
    }
}

static void print_figures(const struct load *load, double seconds)
{
    const struct histogram *h = &load->latency_ns;
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"rps\": %.1f, \"p50_ms\": %.4f, "
           "\"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f, \"misses\": %llu}\n",
           (unsigned long long)load->done, seconds, (double)load->done / seconds,
           (double)histogram_at(h, 0.50) / 1e6, (double)histogram_at(h, 0.99) / 1e6,
           (double)histogram_at(h, 0.999) / 1e6, (double)h->max / 1e6,
           (unsigned long long)load->misses);
}

static void parse_options(struct options *options, int argc, char **argv)
{
    if (argc < 4) {
        fail("usage: load resp|memcached get|set PORT [--OPTION NUMBER]...", "");
    }
    options->is_memcached = strcmp(argv[1], "memcached") == 0;
    options->is_get = strcmp(argv[2], "get") == 0;
    if (!options->is_memcached && strcmp(argv[1], "resp") != 0) {
        fail("the protocol is resp or memcached, not", argv[1]);
    }
    if (!options->is_get && strcmp(argv[2], "set") != 0) {
        fail("the command is get or set, not", argv[2]);
    }
    options->port = parse_number("PORT", argv[3], 1, 65535);
    parse_settings(options, settings, argc - 4, argv + 4);
    options->value_size = options->is_integer ? INTEGER_DIGITS : options->value_size;
    if (options->is_fill) {
        options->requests = options->keys;
    }
    uint64_t batch = options->pipeline * (FORM_EXTRA + (options->is_get ? 0 : options->value_size));
    if (batch * options->connections > BATCHES_BYTES_MAX) {
        fail("connections, pipeline and value size together take too much memory", "");
    }
}

int main(int argc, char **argv)
{
    static struct load load = {.options = {.connections = 50,
                                           .pipeline = 1,
                                           .requests = 100000,
                                           .keys = 1000000,
                                           .value_size = 3,
                                           .seed = 42}};
    parse_options(&load.options, argc, argv);
    load.random_state = load.options.seed;
    form_build(&load.form, &load.options);
    load.epoll_fd = epoll_create1(0);
    load.connections = allocate(load.options.connections * sizeof(*load.connections));
    for (uint64_t i = 0; i < load.options.connections; i++) {
        connection_open(&load, &load.connections[i]);
    }
    int64_t begun_ns = now_ns();
    run(&load);
    print_figures(&load, (double)(now_ns() - begun_ns) / 1e9);
    for (uint64_t i = 0; i < load.options.connections; i++) {
        close(load.connections[i].fd);
        free(load.connections[i].out);
    }
    free(load.connections);
    free(load.form.bytes);
    return 0;
}
