/* RESP over a unix socket, as little of it as the histories need.
 *
 * Times are taken around the system calls: an operation is invoked before its first byte is sent
 * and has returned when its last byte was read. One thread a connection. */
#include "history.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 15, INPUT_MAX = 1 << 16, LINE_SIZE = 512, BLOCK_TOKENS = 1 << 14 };
enum { ANSWER_MAX_S = 60, ITEMS_MAX = 1 << 20 };

/* Replies of a round live in blocks. */
struct block {
    struct block *next;
    int count;
    int64_t tokens[BLOCK_TOKENS];
};

struct connection {
    int socket;
    int client;
    size_t output_size;
    size_t input_begin, input_end;
    struct block *blocks; /* the one in use first */
    char output[OUTPUT_MAX];
    char input[INPUT_MAX];
    char line[LINE_SIZE];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool fail(const struct connection *connection, const char *what)
{
    printf("client %d: %s: %s\n", connection->client, what, connection->line);
    return false;
}

struct connection *connection_open(const char *path, int client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval longest = {.tv_sec = ANSWER_MAX_S};
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL || strlen(path) >= sizeof(address.sun_path)) {
        free(connection);
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path));
    connection->client = client;
    connection->socket = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection->socket < 0 ||
        connect(connection->socket, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(connection->socket, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) != 0 ||
        (client % 2 == 1 && !connection_order(connection, "HELLO 3"))) {
        connection_close(connection);
        return NULL;
    }
    return connection;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void connection_close(struct connection *connection)
{
    if (connection->socket >= 0) {
        close(connection->socket);
    }
    free_blocks(connection->blocks);
    free(connection);
}

void connection_forget(struct connection *connection)
{
    if (connection->blocks != NULL) {
        free_blocks(connection->blocks->next);
        connection->blocks->next = NULL;
        connection->blocks->count = 0;
    }
}

/* Appends a command given as words divided by one blank. */
static bool encode(struct connection *connection, const char *words, size_t size)
{
    size_t room = OUTPUT_MAX - connection->output_size;
    if (size == 0 || room < size * 8 + 16) {
        return fail(connection, "a command too long to send");
    }
    char *output = connection->output;
    size_t at = connection->output_size;
    int count = 1;
    for (size_t i = 0; i < size; i++) {
        count += words[i] == ' ';
    }
    at += (size_t)snprintf(output + at, OUTPUT_MAX - at, "*%d\r\n", count);
    for (const char *end = words + size; words < end;) {
        const char *blank = memchr(words, ' ', (size_t)(end - words));
        size_t length = (size_t)((blank != NULL ? blank : end) - words);
        at += (size_t)snprintf(output + at, OUTPUT_MAX - at, "$%zu\r\n%.*s\r\n", length,
                               (int)length, words);
        words += length + 1;
    }
    connection->output_size = at;
    return true;
}

static bool send_output(struct connection *connection)
{
    size_t sent = 0;
    while (sent < connection->output_size) {
        ssize_t count = send(connection->socket, connection->output + sent,
                             connection->output_size - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return fail(connection, "cannot send");
        }
        sent += (size_t)count;
    }
    connection->output_size = 0;
    return true;
}

/* Makes at least one byte of input available. */
static bool receive(struct connection *connection)
{
    if (connection->input_begin == connection->input_end) {
        connection->input_begin = connection->input_end = 0;
    }
    if (connection->input_end == INPUT_MAX) {
        memmove(connection->input, connection->input + connection->input_begin,
                connection->input_end - connection->input_begin);
        connection->input_end -= connection->input_begin;
        connection->input_begin = 0;
    }
    ssize_t count = recv(connection->socket, connection->input + connection->input_end,
                         INPUT_MAX - connection->input_end, 0);
    if (count <= 0) {
        return fail(connection, count == 0 ? "the server closed the connection" : "no answer");
    }
    connection->input_end += (size_t)count;
    return true;
}

/* Reads a line into connection->line, without its end; bulks are lines too: none has a line end. */
static bool read_line(struct connection *connection)
{
    size_t seen = connection->input_begin;
    for (;;) {
        char *begin = connection->input + connection->input_begin;
        char *end = memchr(connection->input + seen, '\n', connection->input_end - seen);
        if (end != NULL) {
            size_t length = (size_t)(end - begin);
            if (length == 0 || length >= LINE_SIZE || end[-1] != '\r') {
                return fail(connection, "not a line of RESP");
            }
            memcpy(connection->line, begin, length - 1);
            connection->line[length - 1] = '\0';
            connection->input_begin += length + 1;
            return true;
        }
        size_t unread = connection->input_end - connection->input_begin;
        if (!receive(connection)) {
            return false;
        }
        seen = connection->input_begin + unread;
    }
}

/* A decimal integer at the begin of the text; doubles here are whole numbers. */
static int32_t number(const char *text)
{
    bool is_negative = *text == '-';
    int64_t value = 0;
    for (text += is_negative; *text >= '0' && *text <= '9' && value < INT32_MAX / 10; text++) {
        value = value * 10 + (*text - '0');
    }
    return (int32_t)(is_negative ? -value : value);
}

static bool read_bulk(struct connection *connection, int64_t *ret_token)
{
    if (!read_line(connection)) {
        return false;
    }
    if (strncmp(connection->line, "key:", 4) == 0) {
        *ret_token = token_make(TOKEN_KEY, number(connection->line + 4) % KEYS);
    } else {
        *ret_token = token_make(TOKEN_VALUE, number(connection->line));
    }
    return true;
}

static int64_t error_token(const struct connection *connection)
{
    if (strcmp(connection->line, "-ERR no such key") == 0) {
        return token_make(TOKEN_ERROR, ERROR_NO_SUCH_KEY);
    }
    printf("client %d: unexpected error: %s\n", connection->client, connection->line);
    return token_make(TOKEN_ERROR, ERROR_OTHER);
}

/* Reads one reply, arrays flattened. Returns the number of tokens, or -1. */
static int read_reply(struct connection *connection, int64_t *tokens, int room)
{
    int count = 0;
    for (int64_t pending = 1; pending > 0; pending--) {
        if (count == room || pending > ITEMS_MAX || !read_line(connection)) {
            return -1;
        }
        char kind = connection->line[0];
        int32_t value = number(connection->line + 1);
        bool is_nil = kind == '_' || ((kind == '$' || kind == '*') && value < 0);
        if (is_nil) {
            tokens[count++] = token_make(TOKEN_NIL, 0);
        } else if (kind == '*' || kind == '%') {
            pending += kind == '%' ? 2 * (int64_t)value : value;
        } else if (kind == '$') {
            if (!read_bulk(connection, &tokens[count++])) {
                return -1;
            }
        } else if (kind == ':' || kind == ',') {
            tokens[count++] = token_make(kind == ':' ? TOKEN_INTEGER : TOKEN_VALUE, value);
        } else if (kind == '+') {
            tokens[count++] = token_make(TOKEN_OK, 0);
        } else if (kind == '-') {
            tokens[count++] = error_token(connection);
        } else {
            fail(connection, "not a reply");
            return -1;
        }
    }
    return count;
}

static int64_t *store(struct connection *connection, const int64_t *tokens, int count)
{
    struct block *block = connection->blocks;
    if (block == NULL || block->count + count > BLOCK_TOKENS) {
        block = calloc(1, sizeof(*block));
        if (block == NULL) {
            return NULL;
        }
        block->next = connection->blocks;
        connection->blocks = block;
    }
    int64_t *stored = &block->tokens[block->count];
    memcpy(stored, tokens, (size_t)count * sizeof(*tokens));
    block->count += count;
    return stored;
}

static bool encode_op(struct connection *connection, const struct op *op)
{
    char text[256];
    if (op->kind == OP_UNWATCH) {
        return encode(connection, "UNWATCH", strlen("UNWATCH"));
    }
    if (op->kind == OP_WATCH) {
        size_t length = (size_t)snprintf(text, sizeof(text), "WATCH");
        for (unsigned key = 0; key < KEYS; key++) {
            if (op->watch_mask & (1u << key)) {
                length += (size_t)snprintf(text + length, sizeof(text) - length, " key:%u",
                                           op->group * KEYS + key);
            }
        }
        return encode(connection, text, length);
    }
    bool is_txn = op->kind == OP_TXN;
    bool is_fine = !is_txn || encode(connection, "MULTI", strlen("MULTI"));
    for (unsigned i = 0; i < op->command_count && is_fine; i++) {
        size_t length = command_text(&op->commands[i], op->group, text, sizeof(text));
        is_fine = encode(connection, text, length);
    }
    return is_fine && (!is_txn || encode(connection, "EXEC", strlen("EXEC")));
}

/* MULTI's +OK and a +QUEUED a command. */
static bool read_queued(struct connection *connection, const struct op *op)
{
    for (int i = -1; i < (int)op->command_count; i++) {
        if (!read_line(connection)) {
            return false;
        }
        if (strcmp(connection->line, i < 0 ? "+OK" : "+QUEUED") != 0) {
            return fail(connection, "a transaction refused");
        }
    }
    return true;
}

/* EXEC's reply: aborted, or a reply for each command. Returns the number of tokens, or -1. */
static int read_exec(struct connection *connection, const struct op *op, int64_t *tokens)
{
    if (!read_line(connection)) {
        return -1;
    }
    if (connection->line[0] == '_' || strcmp(connection->line, "*-1") == 0) {
        tokens[0] = token_make(TOKEN_ABORTED, 0);
        return 1;
    }
    if (connection->line[0] != '*' || number(connection->line + 1) != op->command_count) {
        fail(connection, "not a reply of EXEC");
        return -1;
    }
    int count = 0;
    for (unsigned i = 0; i < op->command_count; i++) {
        int added = read_reply(connection, tokens + count, REPLY_MAX - count - 1);
        if (added < 0) {
            return -1;
        }
        count += added;
        tokens[count++] = token_make(TOKEN_NEXT, 0);
    }
    return count;
}

bool connection_run(struct connection *connection, struct op *ops, int count)
{
    int64_t tokens[REPLY_MAX];
    for (int i = 0; i < count; i++) {
        if (!encode_op(connection, &ops[i])) {
            return false;
        }
    }
    int64_t invoked_ns = now_ns();
    if (!send_output(connection)) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        struct op *op = &ops[i];
        op->invoked_ns = invoked_ns;
        if (op->kind == OP_TXN && !read_queued(connection, op)) {
            return false;
        }
        op->reply_count = op->kind == OP_TXN ? read_exec(connection, op, tokens)
                                             : read_reply(connection, tokens, REPLY_MAX);
        op->returned_ns = now_ns();
        if (op->reply_count < 0) {
            return false;
        }
        op->reply = store(connection, tokens, op->reply_count);
        if (op->reply == NULL) {
            return fail(connection, "out of memory");
        }
    }
    return true;
}

bool connection_order(struct connection *connection, const char *words)
{
    int64_t tokens[REPLY_MAX];
    return encode(connection, words, strlen(words)) && send_output(connection) &&
           read_reply(connection, tokens, REPLY_MAX) >= 0;
}
