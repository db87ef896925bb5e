/* history: records what 16 clients see of a server and checks that one order explains it.
 *
 *     history --socket PATH [--operations N] [--seed N]      the test
 *     history --simulate [--seed N]                          the checker tried on known defects
 *
 * Clients work in rounds. At the end of one all have met at a barrier, a reader takes everything in
 * one transaction a group, and the main thread checks each group's row of operations against the
 * model, beginning with the state that the round before left. From time to time one reply of a row
 * that was accepted is changed, and must then be rejected. Exit status: 0 accepted, 1 a violation,
 * 2 no verdict (the server closed, an order not found in bounds). */
#include "history.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENT_OPS = 20, PIPELINE_MAX = 3, CANARY_ROUNDS = 8, FRESH_ONE_IN = 4, LIST_FULL = 24 };
enum { UNDECIDED_ONE_IN = 20 };
/* A client's last operation may be an UNWATCH, to end the round with. */
enum { CLIENT_OPS_ROOM = CLIENT_OPS + PIPELINE_MAX + 1, ROW_ROOM = CLIENTS * CLIENT_OPS_ROOM + 1 };

struct run;

struct worker {
    struct run *run;
    struct connection *connection;
    struct maker maker;
    struct op ops[CLIENT_OPS_ROOM];
    int count;
    bool has_failed;
    pthread_t thread;
};

struct run {
    pthread_barrier_t barrier;
    bool is_over; /* written between barriers */
    struct random random;
    struct worker workers[CLIENTS];
    struct connection *reader;
    struct state states[GROUPS];
    struct op row[ROW_ROOM];
    bool is_unknown[GROUPS]; /* no order was found in bounds: the group begins anew */
    int64_t operations, canaries, waited, served, aborted, rounds, rows, undecided;
};

struct settings {
    const char *socket;
    bool is_simulation;
    int64_t operations;
    uint64_t seed;
};

/* One round of one client. */
static bool work(struct worker *worker)
{
    worker->count = 0;
    while (worker->count < CLIENT_OPS) {
        struct op *ops = &worker->ops[worker->count];
        int batch = 1 + (int)random_below(&worker->maker.random, worker->maker.mix.pipeline);
        for (int i = 0; i < batch; i++) {
            op_make(&worker->maker, &ops[i]);
        }
        worker->count += batch;
        if (!connection_run(worker->connection, ops, batch)) {
            return false;
        }
        for (int i = 0; i < batch; i++) {
            maker_learn(&worker->maker, &ops[i]);
        }
    }
    if (worker->maker.watch_mask == 0) {
        return true;
    }
    struct op *last = &worker->ops[worker->count++];
    *last = (struct op){.client = (uint8_t)worker->maker.client,
                        .group = worker->maker.watch_group,
                        .kind = OP_UNWATCH};
    worker->maker.watch_mask = 0;
    return connection_run(worker->connection, last, 1);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        pthread_barrier_wait(&worker->run->barrier);
        if (worker->run->is_over) {
            return NULL;
        }
        if (!worker->has_failed) {
            worker->has_failed = !work(worker);
        }
        pthread_barrier_wait(&worker->run->barrier);
    }
}

static void count_op(struct run *run, const struct op *op)
{
    bool is_nil = op->reply_count == 1 && token_kind(op->reply[0]) == TOKEN_NIL;
    bool is_aborted = op->reply_count == 1 && token_kind(op->reply[0]) == TOKEN_ABORTED;
    run->operations++;
    run->aborted += is_aborted;
    if (op->kind == OP_SINGLE && op->commands[0].timeout_ms > 0) {
        run->waited += is_nil;
        run->served += !is_nil;
    }
}

/* Collects the group's operations of the round, client by client, and the reader's. */
static bool collect(struct run *run, unsigned group, struct row *ret_row)
{
    int count = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct worker *worker = &run->workers[i];
        int previous = -1;
        for (int k = 0; k < worker->count; k++) {
            if (worker->ops[k].group == group) {
                run->row[count] = worker->ops[k];
                run->row[count].previous = previous;
                previous = count++;
                count_op(run, &worker->ops[k]);
            }
        }
    }
    struct op *last = &run->row[count++];
    op_make_snapshot(group, last);
    last->previous = -1;
    *ret_row = (struct row){.ops = run->row, .count = count};
    run->operations++;
    return connection_run(run->reader, last, 1);
}

/* Changes one reply to what was never written; the checker has to see it. */
static bool has_sharp_eyes(struct run *run, struct row *row, const struct state *begin)
{
    int64_t reply[REPLY_MAX];
    for (int tries = 0; tries < 50; tries++) {
        struct op *op = &row->ops[random_below(&run->random, (uint32_t)row->count)];
        if (op->reply_count == 0) {
            continue;
        }
        int64_t *token = &reply[random_below(&run->random, (uint32_t)op->reply_count)];
        memcpy(reply, op->reply, (size_t)op->reply_count * sizeof(reply[0]));
        if (token_kind(*token) != TOKEN_VALUE && token_kind(*token) != TOKEN_INTEGER) {
            continue;
        }
        *token = token_make(token_kind(*token), INT32_MAX / 2);
        const int64_t *kept = op->reply;
        struct state state = *begin;
        op->reply = reply;
        row->is_quiet = true;
        enum verdict verdict = check_row(row, &state);
        row->is_quiet = false;
        if (verdict == LINEARIZABLE) {
            printf("a changed reply was accepted:\n");
            op_print(op, row->ops[0].invoked_ns);
        }
        op->reply = kept;
        run->canaries += verdict == VIOLATION;
        return verdict != LINEARIZABLE;
    }
    return true;
}

/* Returns the exit status so far: 0, 1 or 2. */
static int check_round(struct run *run)
{
    struct row row;
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (run->workers[i].has_failed) {
            return 2;
        }
    }
    for (unsigned group = 0; group < GROUPS; group++) {
        struct state begin = run->states[group];
        if (!collect(run, group, &row)) {
            return 2;
        }
        enum verdict verdict = check_row(&row, &run->states[group]);
        if (verdict == VIOLATION) {
            return 1;
        }
        run->rows++;
        run->undecided += verdict == UNDECIDED;
        run->is_unknown[group] = verdict == UNDECIDED;
        if (verdict == LINEARIZABLE && run->rounds % CANARY_ROUNDS == 0 &&
            !has_sharp_eyes(run, &row, &begin)) {
            return 1;
        }
    }
    return 0;
}

/* Between rounds: now and then, or when lists got long, a group begins empty. */
static bool prepare_round(struct run *run)
{
    struct mix mix;
    mix_make(&mix, &run->random);
    for (unsigned group = 0; group < GROUPS; group++) {
        struct state *state = &run->states[group];
        bool is_full = state->list_count[0] > LIST_FULL || state->list_count[1] > LIST_FULL;
        if (is_full || run->is_unknown[group] || random_below(&run->random, FRESH_ONE_IN) == 0) {
            char words[128];
            size_t length = (size_t)snprintf(words, sizeof(words), "DEL");
            for (unsigned key = 0; key < KEYS; key++) {
                length += (size_t)snprintf(words + length, sizeof(words) - length, " key:%u",
                                           group * KEYS + key);
            }
            if (!connection_order(run->reader, words)) {
                return false;
            }
            *state = (struct state){.dirty = 0};
        }
    }
    connection_forget(run->reader);
    for (unsigned i = 0; i < CLIENTS; i++) {
        connection_forget(run->workers[i].connection);
        run->workers[i].maker.mix = mix;
        for (unsigned group = 0; group < GROUPS; group++) {
            memcpy(run->workers[i].maker.list_count[group], run->states[group].list_count,
                   sizeof(run->states[group].list_count));
        }
    }
    return true;
}

static int run_rounds(struct run *run, int64_t operations)
{
    int status = 0;
    while (status == 0 && run->operations < operations) {
        if (!prepare_round(run)) {
            return 2;
        }
        pthread_barrier_wait(&run->barrier);
        pthread_barrier_wait(&run->barrier);
        status = check_round(run);
        run->rounds++;
    }
    return status;
}

static bool open_all(struct run *run, const struct settings *settings)
{
    run->random.state = settings->seed;
    run->reader = connection_open(settings->socket, READER);
    bool is_fine = run->reader != NULL;
    for (int i = 0; i < CLIENTS && is_fine; i++) {
        struct worker *worker = &run->workers[i];
        worker->run = run;
        worker->maker.client = i;
        worker->maker.random.state = random_next(&run->random);
        worker->connection = connection_open(settings->socket, i);
        is_fine = worker->connection != NULL;
    }
    return is_fine;
}

static int record(const struct settings *settings)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL || pthread_barrier_init(&run->barrier, NULL, CLIENTS + 1) != 0) {
        return 2;
    }
    if (!open_all(run, settings)) {
        printf("cannot connect to %s\n", settings->socket);
        return 2;
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (pthread_create(&run->workers[i].thread, NULL, worker_main, &run->workers[i]) != 0) {
            return 2;
        }
    }
    int status = run_rounds(run, settings->operations);
    run->is_over = true;
    pthread_barrier_wait(&run->barrier);
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(run->workers[i].thread, NULL);
        connection_close(run->workers[i].connection);
    }
    connection_close(run->reader);
    printf("%" PRId64 " operations in %" PRId64 " rounds; blocking pops: %" PRId64
           " served, %" PRId64 " timed out; %" PRId64 " transactions aborted; %" PRId64
           " changed replies rejected; %" PRId64 " of %" PRId64 " rows undecided\n",
           run->operations, run->rounds, run->served, run->waited, run->aborted, run->canaries,
           run->undecided, run->rows);
    if (status == 0 && run->undecided * UNDECIDED_ONE_IN > run->rows) {
        status = 2;
    }
    pthread_barrier_destroy(&run->barrier);
    free(run);
    return status;
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9' && number < UINT64_MAX / 16; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
    }
    *ret_number = number;
    return *text == '\0';
}

static bool parse_arguments(int count, char **arguments, struct settings *settings)
{
    uint64_t number = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--simulate") == 0) {
            settings->is_simulation = true;
            continue;
        }
        if (i + 1 == count) {
            return false;
        }
        const char *name = arguments[i++];
        if (strcmp(name, "--socket") == 0) {
            settings->socket = arguments[i];
        } else if (!parse_number(arguments[i], &number)) {
            return false;
        } else if (strcmp(name, "--operations") == 0) {
            settings->operations = (int64_t)number;
        } else if (strcmp(name, "--seed") == 0) {
            settings->seed = number;
        } else {
            return false;
        }
    }
    return settings->is_simulation || settings->socket != NULL;
}

int main(int count, char **arguments)
{
    struct settings settings = {.operations = 50000, .seed = (uint64_t)time(NULL)};
    if (!parse_arguments(count, arguments, &settings)) {
        fputs("usage: history --socket PATH [--operations N] [--seed N] | --simulate\n", stderr);
        return 2;
    }
    printf("seed %" PRIu64 "\n", settings.seed);
    if (settings.is_simulation) {
        return simulate_all(settings.seed) ? 0 : 1;
    }
    return record(&settings);
}
