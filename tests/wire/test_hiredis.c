/* hiredis against the server: synchronous calls, deep pipelines, binary values, the asynchronous
 * client. A plain program that starts the server itself; it prints TAP.
 *
 * hiredis 0.14 speaks RESP2 only; RESP3 is the Python harness's. Single-threaded. */
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIPELINE_COUNT = 10000, ASYNC_COUNT = 5000, START_TRIES = 2000 };

struct fixture {
    char directory[64];
    char path[96];
    pid_t pid;
    redisContext *context;
    int number;
    int failed;
};

static void report(struct fixture *f, bool passed, const char *name)
{
    f->number++;
    if (!passed) {
        f->failed++;
    }
    printf("%s %d - %s\n", passed ? "ok" : "not ok", f->number, name);
    fflush(stdout);
}

/* Starts $POLLARD_SERVER on a unix socket and connects; polls, because the start takes a moment. */
static bool server_start(struct fixture *f)
{
    const char *program = getenv("POLLARD_SERVER");
    strncpy(f->directory, "/tmp/pollard-hiredis-XXXXXX", sizeof(f->directory) - 1);
    if (program == NULL || mkdtemp(f->directory) == NULL) {
        return false;
    }
    snprintf(f->path, sizeof(f->path), "%s/s", f->directory);
    f->pid = fork();
    if (f->pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }
        execlp(program, program, "--port", "0", "--unixsocket", f->path, "--save", "",
               (char *)NULL);
        _exit(127);
    }
    for (int i = 0; f->pid > 0 && i < START_TRIES; i++) {
        f->context = redisConnectUnix(f->path);
        if (f->context != NULL && f->context->err == 0) {
            return true;
        }
        redisFree(f->context);
        f->context = NULL;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return false;
}

static bool server_stop(struct fixture *f)
{
    int status = -1;
    kill(f->pid, SIGTERM);
    waitpid(f->pid, &status, 0);
    rmdir(f->directory);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Takes the reply. */
static bool is_text(redisReply *reply, int type, const char *text, size_t size)
{
    bool same = reply != NULL && reply->type == type && (size_t)reply->len == size &&
                memcmp(reply->str, text, size) == 0;
    freeReplyObject(reply);
    return same;
}

static bool is_integer(redisReply *reply, long long want)
{
    bool same = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == want;
    freeReplyObject(reply);
    return same;
}

static bool test_commands(struct fixture *f)
{
    redisContext *c = f->context;
    static const char binary[] = "a\0b\r\nc\xff";
    bool passed = is_text(redisCommand(c, "PING"), REDIS_REPLY_STATUS, "PONG", 4);
    passed &= is_text(redisCommand(c, "SET k %s", "v"), REDIS_REPLY_STATUS, "OK", 2);
    passed &= is_text(redisCommand(c, "GET k"), REDIS_REPLY_STRING, "v", 1);
    passed &= is_text(
        redisCommand(c, "SET %b %b", binary, sizeof(binary) - 1, binary, sizeof(binary) - 1),
        REDIS_REPLY_STATUS, "OK", 2);
    passed &= is_text(redisCommand(c, "GET %b", binary, sizeof(binary) - 1), REDIS_REPLY_STRING,
                      binary, sizeof(binary) - 1);
    passed &= is_integer(redisCommand(c, "INCRBY n 5"), 5);
    redisReply *missing = redisCommand(c, "GET missing");
    passed &= missing != NULL && missing->type == REDIS_REPLY_NIL;
    freeReplyObject(missing);
    redisReply *error = redisCommand(c, "INCR k");
    passed &= error != NULL && error->type == REDIS_REPLY_ERROR;
    freeReplyObject(error);
    redisReply *many = redisCommand(c, "MGET k missing n");
    passed &= many != NULL && many->type == REDIS_REPLY_ARRAY && many->elements == 3 &&
              many->element[1]->type == REDIS_REPLY_NIL;
    freeReplyObject(many);
    return passed;
}

static bool test_pipeline(struct fixture *f)
{
    bool passed = true;
    for (int i = 0; i < PIPELINE_COUNT; i++) {
        passed &= redisAppendCommand(f->context, "SET p%d %d", i, i) == REDIS_OK;
        passed &= redisAppendCommand(f->context, "INCR p%d", i) == REDIS_OK;
    }
    for (int i = 0; i < PIPELINE_COUNT && passed; i++) {
        redisReply *set = NULL;
        redisReply *incremented = NULL;
        passed &= redisGetReply(f->context, (void **)&set) == REDIS_OK;
        passed &= redisGetReply(f->context, (void **)&incremented) == REDIS_OK;
        passed = passed && is_text(set, REDIS_REPLY_STATUS, "OK", 2);
        passed = passed && is_integer(incremented, i + 1);
    }
    return passed;
}

static bool test_big_value(struct fixture *f)
{
    size_t size = 5 * 1000 * 1000;
    char *value = malloc(size);
    if (value == NULL) {
        return false;
    }
    memset(value, 'x', size);
    bool passed =
        is_text(redisCommand(f->context, "SET big %b", value, size), REDIS_REPLY_STATUS, "OK", 2);
    passed &= is_text(redisCommand(f->context, "GET big"), REDIS_REPLY_STRING, value, size);
    free(value);
    return passed;
}

/* The asynchronous client, with the smallest event loop: poll() on one descriptor. */
struct loop {
    bool wants_read;
    bool wants_write;
    long long replies;
    long long last;
    bool closed;
};

static void loop_add_read(void *data)
{
    ((struct loop *)data)->wants_read = true;
}

static void loop_del_read(void *data)
{
    ((struct loop *)data)->wants_read = false;
}

static void loop_add_write(void *data)
{
    ((struct loop *)data)->wants_write = true;
}

static void loop_del_write(void *data)
{
    ((struct loop *)data)->wants_write = false;
}

static void on_disconnect(const redisAsyncContext *async, int status)
{
    (void)status;
    ((struct loop *)async->data)->closed = true;
}

static void on_reply(redisAsyncContext *async, void *reply, void *argument)
{
    struct loop *loop = argument;
    redisReply *r = reply;
    if (r != NULL && r->type == REDIS_REPLY_INTEGER && r->integer == loop->last + 1) {
        loop->last = r->integer;
        loop->replies++;
    }
    if (loop->replies == ASYNC_COUNT) {
        redisAsyncDisconnect(async);
    }
}

static void loop_run(struct loop *loop, redisAsyncContext *async, int fd)
{
    while (!loop->closed) {
        struct pollfd entry = {.fd = fd};
        entry.events = (short)((loop->wants_read ? POLLIN : 0) | (loop->wants_write ? POLLOUT : 0));
        if (poll(&entry, 1, 10000) <= 0) {
            return;
        }
        if ((entry.revents & POLLOUT) != 0) {
            redisAsyncHandleWrite(async);
        }
        if (!loop->closed && (entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            redisAsyncHandleRead(async);
        }
    }
}

static bool test_async(struct fixture *f)
{
    struct loop loop = {0};
    redisAsyncContext *async = redisAsyncConnectUnix(f->path);
    if (async == NULL || async->err != 0) {
        return false;
    }
    async->data = &loop;
    async->ev.data = &loop;
    async->ev.addRead = loop_add_read;
    async->ev.delRead = loop_del_read;
    async->ev.addWrite = loop_add_write;
    async->ev.delWrite = loop_del_write;
    redisAsyncSetDisconnectCallback(async, on_disconnect);
    loop_add_write(&loop);
    for (int i = 0; i < ASYNC_COUNT; i++) {
        redisAsyncCommand(async, on_reply, &loop, "INCR async");
    }
    loop_run(&loop, async, async->c.fd);
    return loop.replies == ASYNC_COUNT && loop.closed;
}

int main(void)
{
    struct fixture f = {0};
    printf("1..6\n");
    fflush(stdout); /* Before the fork: the child must not print it again. */
    bool started = server_start(&f);
    report(&f, started, "the server starts");
    if (!started) {
        return 1;
    }
    report(&f, test_commands(&f), "commands and binary arguments");
    report(&f, test_pipeline(&f), "a deep pipeline");
    report(&f, test_big_value(&f), "a value of 5 MB");
    report(&f, test_async(&f), "the asynchronous client");
    redisFree(f.context);
    report(&f, server_stop(&f), "the server ends cleanly");
    return f.failed == 0 ? 0 : 1;
}
