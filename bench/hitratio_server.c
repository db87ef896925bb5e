/* A trace through a real server: a look-aside cache whose clients ask for some objects at a time
 * and then store those that were not there. */
#include "hitratio.h"

struct link {
    int fd;
    char *out;
    size_t out_size;
    char *in;
    size_t in_from;
    size_t in_size;
    size_t in_capacity;
    char *value;
};

static void append(struct link *link, const char *data, size_t size)
{
    memcpy(link->out + link->out_size, data, size);
    link->out_size += size;
}

static void append_command(struct link *link, const char *head, uint32_t object)
{
    char key[TRACE_KEY_SIZE + 2] = {[TRACE_KEY_SIZE] = '\r', [TRACE_KEY_SIZE + 1] = '\n'};
    trace_key(object, key);
    append(link, head, strlen(head));
    append(link, key, sizeof(key));
}

static void append_get(struct link *link, uint32_t object)
{
    append_command(link, "*2\r\n$3\r\nGET\r\n$12\r\n", object);
}

static void append_set(struct link *link, uint32_t object, uint32_t size)
{
    char head[32];
    append_command(link, "*3\r\n$3\r\nSET\r\n$12\r\n", object);
    append(link, head, (size_t)snprintf(head, sizeof(head), "$%u\r\n", size));
    append(link, link->value, size);
    append(link, "\r\n", 2);
}

static void flush(struct link *link)
{
    send_all(link->fd, link->out, link->out_size);
    link->out_size = 0;
}

/* More of the input; what was read already goes to the front. */
static void read_more(struct link *link)
{
    memmove(link->in, link->in + link->in_from, link->in_size - link->in_from);
    link->in_size -= link->in_from;
    link->in_from = 0;
    if (link->in_capacity - link->in_size < READ_SIZE) {
        link->in_capacity = link->in_capacity * 2 + READ_SIZE;
        link->in = realloc(link->in, link->in_capacity);
        if (link->in == NULL) {
            fail("no memory", "");
        }
    }
    link->in_size += receive(link->fd, link->in + link->in_size, READ_SIZE);
}

/* Reads a reply: its first line without the end, and its bulk. True: it is not null. */
static bool read_reply(struct link *link)
{
    for (;;) {
        char *from = link->in + link->in_from;
        char *end = memchr(from, '\n', link->in_size - link->in_from);
        if (end == NULL) {
            read_more(link);
            continue;
        }
        size_t size = (size_t)(end + 1 - from);
        bool is_null = from[0] == '_' || (from[0] == '$' && from[1] == '-');
        if (from[0] == '$' && !is_null) {
            size += strtoull(from + 1, NULL, 10) + 2;
        } else if (from[0] != '+' && from[0] != ':' && !is_null) {
            fail_reply(from, size);
        }
        if (link->in_size - link->in_from < size) {
            read_more(link);
            continue;
        }
        link->in_from += size;
        return !is_null;
    }
}

static uint64_t ask_keys(struct link *link)
{
    append(link, "*1\r\n$6\r\nDBSIZE\r\n", 16);
    flush(link);
    while (memchr(link->in + link->in_from, '\n', link->in_size - link->in_from) == NULL) {
        read_more(link);
    }
    uint64_t keys = strtoull(link->in + link->in_from + 1, NULL, 10);
    (void)read_reply(link);
    return keys;
}

/* Some requests at a time: the gets, then what they missed and what is set anyway. */
static void replay_some(struct link *link, const struct trace *trace, size_t from, size_t to,
                        struct outcome *outcome)
{
    uint32_t sets = 0;
    for (size_t i = from; i < to; i++) {
        if ((trace->requests[i] & TRACE_SET) == 0) {
            append_get(link, trace->requests[i]);
        }
    }
    flush(link);
    for (size_t i = from; i < to; i++) {
        uint32_t object = trace->requests[i] & TRACE_OBJECT;
        bool is_get = (trace->requests[i] & TRACE_SET) == 0;
        bool is_hit = is_get && read_reply(link);
        if (is_get && i >= trace->count / 2) {
            outcome->gets++;
            outcome->hits += is_hit;
        }
        if (!is_hit) {
            append_set(link, object, trace_size(trace, object));
            sets++;
        }
    }
    flush(link);
    while (sets-- > 0) {
        (void)read_reply(link);
    }
}

struct outcome replay_server(const struct trace *trace, const char *path, uint32_t pipeline)
{
    struct outcome outcome = {0};
    struct link link = {.fd = connect_unix(path)};
    uint32_t largest = TRACE_VALUE_SIZE;
    if (link.fd < 0) {
        fail("cannot connect", path);
    }
    for (uint32_t i = 0; trace->sizes != NULL && i < trace->objects; i++) {
        largest = trace->sizes[i] > largest ? trace->sizes[i] : largest;
    }
    link.value = allocate(largest);
    memset(link.value, 'v', largest);
    link.out = allocate((size_t)pipeline * (largest + 128));
    for (size_t i = 0; i < trace->count; i += pipeline) {
        size_t to = i + pipeline < trace->count ? i + pipeline : trace->count;
        replay_some(&link, trace, i, to, &outcome);
    }
    outcome.keys = ask_keys(&link);
    close(link.fd);
    free(link.out);
    free(link.in);
    free(link.value);
    return outcome;
}
