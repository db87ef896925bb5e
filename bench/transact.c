/* transact: transactions of many clients at full rate.
 *
 * transact PORT get|set [--commands N] [--connections N] [--pipeline N] [--transactions N]
 *          [--keys N] [--value-size N] [--seed N] [--watch 1]
 *
 * A transaction is MULTI, --commands GETs or SETs of random keys (those of bench/load) and EXEC,
 * with --watch 1 a WATCH before them, of a key that nobody writes. Every connection sends a batch
 * of
 * --pipeline transactions in one write, waits for all its replies and sends the next. GET expects
 * that every key was filled with a value of --value-size 'x'. Every byte of the replies is
 * compared; the first that is not as it should be ends the program with 1. A latency is the time
 * from the batch being sent to the read that completed its last reply.
 *
 * Prints one JSON object. Single-threaded; loopback TCP; Linux (epoll). */
#include "generator.h"
#include "load_histogram.h"

/* A batch and its replies fit into sockets' buffers: a blocking send never waits for our reads. */
enum { BATCH_BYTES_MAX = 128 * 1024, KEY_DIGITS = 12, FORM_EXTRA = 128 };

struct options {
    bool is_get;
    uint64_t commands, connections, pipeline, transactions, keys, value_size, seed, is_watch;
};

static const struct setting settings[] = {
    {"--commands", offsetof(struct options, commands), 1, 1000},
    {"--connections", offsetof(struct options, connections), 1, 10000},
    {"--pipeline", offsetof(struct options, pipeline), 1, 1000},
    {"--transactions", offsetof(struct options, transactions), 1, 1000000000},
    {"--keys", offsetof(struct options, keys), 1, 1000000000},
    {"--value-size", offsetof(struct options, value_size), 1, 10000},
    {"--seed", offsetof(struct options, seed), 0, UINT64_MAX},
    {"--watch", offsetof(struct options, is_watch), 0, 1},
    {NULL, 0, 0, 0},
};

struct text {
    char *bytes;
    size_t size;
};

struct connection {
    int fd;
    uint64_t due; /* bytes of the batch's replies still to come */
    int64_t sent_ns;
};

struct load {
    struct options options;
    struct text request, reply;                 /* of one transaction */
    size_t command_at, command_size, digits_at; /* the first command; its key's digits in it */
    char *batch;
    int epoll_fd;
    uint64_t started, done, random_state;
    struct histogram latency_ns;
    char buffer[READ_SIZE];
};

static void text_append(struct text *text, const char *what)
{
    size_t size = strlen(what);
    memcpy(text->bytes + text->size, what, size);
    text->size += size;
}

/* A bulk string of x. */
static void text_append_value(struct text *text, uint64_t size)
{
    char head[32];
    snprintf(head, sizeof(head), "$%llu\r\n", (unsigned long long)size);
    text_append(text, head);
    memset(text->bytes + text->size, 'x', size);
    text->size += size;
    text_append(text, "\r\n");
}

static void make_request(struct load *load)
{
    const struct options *options = &load->options;
    struct text *request = &load->request;
    request->bytes =
        allocate(4 * FORM_EXTRA + options->commands * (FORM_EXTRA + options->value_size));
    if (options->is_watch) {
        text_append(request, "*2\r\n$5\r\nWATCH\r\n$7\r\nwatched\r\n");
    }
    text_append(request, "*1\r\n$5\r\nMULTI\r\n");
    load->command_at = request->size;
    for (uint64_t i = 0; i < options->commands; i++) {
        text_append(request, options->is_get ? "*2\r\n$3\r\nGET\r\n$16\r\nkey:"
                                             : "*3\r\n$3\r\nSET\r\n$16\r\nkey:");
        load->digits_at = i == 0 ? request->size - load->command_at : load->digits_at;
        text_append(request, "000000000000\r\n");
        if (!options->is_get) {
            text_append_value(request, options->value_size);
        }
    }
    load->command_size = (request->size - load->command_at) / options->commands;
    text_append(request, "*1\r\n$4\r\nEXEC\r\n");
}

static void make_reply(struct load *load)
{
    const struct options *options = &load->options;
    struct text *reply = &load->reply;
    char head[32];
    reply->bytes = allocate(FORM_EXTRA + options->commands * (FORM_EXTRA + options->value_size));
    text_append(reply, options->is_watch ? "+OK\r\n+OK\r\n" : "+OK\r\n");
    for (uint64_t i = 0; i < options->commands; i++) {
        text_append(reply, "+QUEUED\r\n");
    }
    snprintf(head, sizeof(head), "*%llu\r\n", (unsigned long long)options->commands);
    text_append(reply, head);
    for (uint64_t i = 0; i < options->commands; i++) {
        if (options->is_get) {
            text_append_value(reply, options->value_size);
        } else {
            text_append(reply, "+OK\r\n");
        }
    }
}

static void make_batch(struct load *load)
{
    uint64_t pipeline = load->options.pipeline;
    if (pipeline * (load->request.size + load->reply.size) > BATCH_BYTES_MAX) {
        fail("pipeline, commands and value size make too large a batch", "");
    }
    load->batch = allocate(pipeline * load->request.size);
    for (uint64_t i = 0; i < pipeline; i++) {
        memcpy(load->batch + i * load->request.size, load->request.bytes, load->request.size);
    }
}

/* The next batch of a connection that owes nothing; none when all transactions were started. */
static void connection_begin(struct load *load, struct connection *c)
{
    const struct options *options = &load->options;
    uint64_t left = options->transactions - load->started;
    uint64_t count = left < options->pipeline ? left : options->pipeline;
    for (uint64_t i = 0; i < count; i++) {
        char *command = load->batch + i * load->request.size + load->command_at;
        for (uint64_t j = 0; j < options->commands; j++) {
            put_digits(command + load->digits_at, KEY_DIGITS,
                       random_next(&load->random_state) % options->keys);
            command += load->command_size;
        }
    }
    load->started += count;
    c->due = count * load->reply.size;
    c->sent_ns = now_ns();
    send_all(c->fd, load->batch, count * load->request.size);
}

static void connection_read(struct load *load, struct connection *c)
{
    const struct text *reply = &load->reply;
    size_t count = receive(c->fd, load->buffer, READ_SIZE);
    if (count > c->due) {
        fail_reply(load->buffer, count);
    }
    for (size_t at = 0; at < count;) {
        size_t left = (size_t)(c->due % reply->size);
        size_t from = left == 0 ? 0 : reply->size - left;
        size_t part = count - at < reply->size - from ? count - at : reply->size - from;
        if (memcmp(load->buffer + at, reply->bytes + from, part) != 0) {
            fail_reply(load->buffer + at, part);
        }
        c->due -= part;
        at += part;
        if (from + part == reply->size) {
            load->done++;
            histogram_add(&load->latency_ns, (uint64_t)(now_ns() - c->sent_ns));
        }
    }
    if (c->due == 0) {
        connection_begin(load, c);
    }
}

static void run(struct load *load, struct connection *connections)
{
    struct epoll_event events[EVENTS_MAX];
    for (uint64_t i = 0; i < load->options.connections; i++) {
        connection_begin(load, &connections[i]);
    }
    while (load->done < load->options.transactions) {
        size_t count = wait_events(load->epoll_fd, events);
        for (size_t i = 0; i < count; i++) {
            connection_read(load, events[i].data.ptr);
        }
    }
}

static void print_figures(const struct load *load, double seconds)
{
    const struct histogram *h = &load->latency_ns;
    printf("{\"transactions\": %llu, \"seconds\": %.6f, \"rps\": %.1f, \"p50_ms\": %.4f, "
           "\"p99_ms\": %.4f, \"p999_ms\": %.4f}\n",
           (unsigned long long)load->done, seconds, (double)load->done / seconds,
           (double)histogram_at(h, 0.50) / 1e6, (double)histogram_at(h, 0.99) / 1e6,
           (double)histogram_at(h, 0.999) / 1e6);
}

int main(int argc, char **argv)
{
    static struct load load = {.options = {.commands = 10,
                                           .connections = 50,
                                           .pipeline = 1,
                                           .transactions = 10000,
                                           .keys = 100000,
                                           .value_size = 32,
                                           .seed = 42}};
    if (argc < 3 || (strcmp(argv[2], "get") != 0 && strcmp(argv[2], "set") != 0)) {
        fail("usage: transact PORT get|set [--OPTION NUMBER]...", "");
    }
    uint64_t port = parse_number("PORT", argv[1], 1, 65535);
    load.options.is_get = strcmp(argv[2], "get") == 0;
    parse_settings(&load.options, settings, argc - 3, argv + 3);
    load.random_state = load.options.seed;
    make_request(&load);
    make_reply(&load);
    make_batch(&load);
    load.epoll_fd = epoll_create1(0);
    struct connection *connections = allocate(load.options.connections * sizeof(*connections));
    for (uint64_t i = 0; i < load.options.connections; i++) {
        connections[i].fd = connect_tcp(port);
        watch(load.epoll_fd, connections[i].fd, &connections[i]);
    }
    int64_t begun_ns = now_ns();
    run(&load, connections);
    print_figures(&load, (double)(now_ns() - begun_ns) / 1e9);
    for (uint64_t i = 0; i < load.options.connections; i++) {
        close(connections[i].fd);
    }
    free(connections);
    free(load.batch);
    free(load.request.bytes);
    free(load.reply.bytes);
    return 0;
}
