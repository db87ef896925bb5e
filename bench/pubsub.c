/* pubsub: one publisher at full rate to a crowd of subscribers of one channel.
 *
 * pubsub PORT [--subscribers N] [--messages N] [--pipeline N] [--size N]
 *
 * The publisher sends a batch of --pipeline PUBLISHes in one write, waits for all its replies and
 * sends the next, but never runs more than WINDOW messages ahead of the slowest subscriber: what is
 * measured is what a message costs, not how long a queue may grow. A message begins with its
 * number; every subscriber must get every message whole, once and in order, and every PUBLISH must
 * count all subscribers, or the program ends with 1.
 *
 * Prints one JSON object. Single-threaded; loopback TCP; Linux (epoll). */
#include "generator.h"

enum { WINDOW = 1024, DIGITS = 16, HEAD_SIZE = 128, PIPELINE_MAX = WINDOW };

struct options {
    uint64_t subscribers, messages, pipeline, size;
};

static const struct setting settings[] = {
    {"--subscribers", offsetof(struct options, subscribers), 1, 10000},
    {"--messages", offsetof(struct options, messages), 1, 1000000000},
    {"--pipeline", offsetof(struct options, pipeline), 1, PIPELINE_MAX},
    {"--size", offsetof(struct options, size), DIGITS, 65536},
    {NULL, 0, 0, 0},
};

struct subscriber {
    int fd;
    uint64_t received; /* bytes, since its subscription */
};

/* A frame is a message as subscribers get it; the ring has those of the last WINDOW messages. */
struct load {
    struct options options;
    struct subscriber *subscribers;
    int epoll_fd, publisher_fd;
    char *request; /* a batch of PUBLISH */
    size_t request_size, request_digits_at;
    char *ring;
    size_t frame_size, frame_digits_at;
    char reply[32];
    size_t reply_size;
    uint64_t published, delivered;
    uint64_t replies_due; /* bytes of the batch's replies */
    char buffer[READ_SIZE];
};

/* Writes head, a value of size bytes that begins with digits, CRLF; returns the whole size. */
static size_t put_message(char *to, const char *head, size_t value_size)
{
    size_t head_size = strlen(head);
    memcpy(to, head, head_size);
    memset(to + head_size, '0', DIGITS);
    memset(to + head_size + DIGITS, 'x', value_size - DIGITS);
    memcpy(to + head_size + value_size, "\r\n", 2);
    return head_size + value_size + 2;
}

static void make_forms(struct load *load)
{
    const struct options *options = &load->options;
    unsigned long long size = options->size;
    char head[HEAD_SIZE];
    snprintf(head, sizeof(head), "*3\r\n$7\r\nPUBLISH\r\n$7\r\nchannel\r\n$%llu\r\n", size);
    load->request_digits_at = strlen(head);
    load->request_size = strlen(head) + options->size + 2;
    load->request = allocate(load->request_size * options->pipeline);
    for (uint64_t i = 0; i < options->pipeline; i++) {
        put_message(load->request + i * load->request_size, head, options->size);
    }
    snprintf(head, sizeof(head), "*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$%llu\r\n", size);
    load->frame_digits_at = strlen(head);
    load->frame_size = strlen(head) + options->size + 2;
    load->ring = allocate(load->frame_size * WINDOW);
    for (size_t i = 0; i < WINDOW; i++) {
        put_message(load->ring + i * load->frame_size, head, options->size);
    }
    load->reply_size = (size_t)snprintf(load->reply, sizeof(load->reply), ":%llu\r\n",
                                        (unsigned long long)options->subscribers);
}

static void open_all(struct load *load, uint64_t port)
{
    static const char subscribe[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nchannel\r\n";
    static const char reply[] = "*3\r\n$9\r\nsubscribe\r\n$7\r\nchannel\r\n:1\r\n";
    load->epoll_fd = epoll_create1(0);
    load->subscribers = allocate(load->options.subscribers * sizeof(*load->subscribers));
    for (uint64_t i = 0; i < load->options.subscribers; i++) {
        struct subscriber *subscriber = &load->subscribers[i];
        subscriber->fd = connect_tcp(port);
        send_all(subscriber->fd, subscribe, sizeof(subscribe) - 1);
        expect_bytes(subscriber->fd, reply, sizeof(reply) - 1);
        watch(load->epoll_fd, subscriber->fd, subscriber);
    }
    load->publisher_fd = connect_tcp(port);
    watch(load->epoll_fd, load->publisher_fd, NULL);
}

/* The number of messages that every subscriber has got. */
static uint64_t got_by_all(const struct load *load)
{
    uint64_t least = UINT64_MAX;
    for (uint64_t i = 0; i < load->options.subscribers; i++) {
        uint64_t received = load->subscribers[i].received;
        least = received < least ? received : least;
    }
    return least / load->frame_size;
}

/* The next batch, once the last was answered and there is room in the window. */
static void publish(struct load *load)
{
    uint64_t left = load->options.messages - load->published;
    uint64_t count = left < load->options.pipeline ? left : load->options.pipeline;
    if (load->replies_due > 0 || count == 0 ||
        load->published + count > got_by_all(load) + WINDOW) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        char *frame = load->ring + (load->published % WINDOW) * load->frame_size;
        put_digits(load->request + i * load->request_size + load->request_digits_at, DIGITS,
                   load->published);
        put_digits(frame + load->frame_digits_at, DIGITS, load->published);
        load->published++;
    }
    load->replies_due = count * load->reply_size;
    send_all(load->publisher_fd, load->request, count * load->request_size);
}

static void read_replies(struct load *load)
{
    size_t count = receive(load->publisher_fd, load->buffer, READ_SIZE);
    if (count > load->replies_due) {
        fail("more replies than requests", "");
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = (load->reply_size - load->replies_due % load->reply_size) % load->reply_size;
        if (load->buffer[i] != load->reply[at]) {
            fail_reply(load->buffer, count);
        }
        load->replies_due--;
    }
}

static void read_messages(struct load *load, struct subscriber *subscriber)
{
    size_t count = receive(subscriber->fd, load->buffer, READ_SIZE);
    size_t ring_size = load->frame_size * WINDOW;
    if (subscriber->received + count > load->published * load->frame_size) {
        fail("more messages than were published", "");
    }
    uint64_t before = subscriber->received / load->frame_size;
    for (size_t at = 0; at < count;) {
        size_t from = (size_t)(subscriber->received % ring_size);
        size_t part = count - at < ring_size - from ? count - at : ring_size - from;
        if (memcmp(load->buffer + at, load->ring + from, part) != 0) {
            fail_reply(load->buffer + at, part);
        }
        subscriber->received += part;
        at += part;
    }
    load->delivered += subscriber->received / load->frame_size - before;
}

static void run(struct load *load)
{
    uint64_t wanted = load->options.messages * load->options.subscribers;
    struct epoll_event events[EVENTS_MAX];
    publish(load);
    while (load->delivered < wanted || load->replies_due > 0) {
        size_t count = wait_events(load->epoll_fd, events);
        for (size_t i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                read_replies(load);
            } else {
                read_messages(load, events[i].data.ptr);
            }
        }
        publish(load);
    }
}

int main(int argc, char **argv)
{
    static struct load load = {
        .options = {.subscribers = 100, .messages = 10000, .pipeline = 1, .size = 64}};
    if (argc < 2) {
        fail("usage: pubsub PORT [--OPTION NUMBER]...", "");
    }
    uint64_t port = parse_number("PORT", argv[1], 1, 65535);
    parse_settings(&load.options, settings, argc - 2, argv + 2);
    make_forms(&load);
    open_all(&load, port);
    int64_t begun_ns = now_ns();
    run(&load);
    double seconds = (double)(now_ns() - begun_ns) / 1e9;
    printf("{\"messages\": %llu, \"deliveries\": %llu, \"seconds\": %.6f, \"rps\": %.1f}\n",
           (unsigned long long)load.published, (unsigned long long)load.delivered, seconds,
           (double)load.delivered / seconds);
    for (uint64_t i = 0; i < load.options.subscribers; i++) {
        close(load.subscribers[i].fd);
    }
    close(load.publisher_fd);
    free(load.subscribers);
    free(load.request);
    free(load.ring);
    return 0;
}
