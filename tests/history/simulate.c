/* A server in memory to try the checker on: correct, or with one of the defects a threaded server
 * could have. Operations of the clients overlap as they do on sockets; each takes effect once,
 * somewhere between call and return, unless the defect has it otherwise. */
#include "history.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND_OPS = 160, ROUNDS = 200, ACTIVE = 6, DEFECT_ONE_IN = 8 };

enum defect {
    DEFECT_NONE,
    DEFECT_STALE_READ,   /* a read answers from before the last write of another client */
    DEFECT_SPLIT_TXN,    /* other commands between the commands of a transaction */
    DEFECT_LOST_POP,     /* a pop takes the element and answers nil: the waiter had timed out */
    DEFECT_SERVED_TWICE, /* a pop answers and leaves the element */
    DEFECT_WATCH,        /* EXEC runs although a watched key has changed */
    DEFECT_ABORT,        /* EXEC gives up although nothing has changed */
    DEFECT_LATE_WRITE,   /* a write is answered before it is done */
    DEFECT_LOST_WRITE,   /* a write is answered and never done */
    DEFECT_COUNT,
};

static const char *const DEFECT_NAMES[DEFECT_COUNT] = {
    "none",          "stale read", "split transaction", "lost pop",   "served twice",
    "ignored watch", "abort",      "late write",        "lost write",
};

struct client {
    struct maker maker;
    int op; /* in flight, or -1 */
    bool is_applied;
    bool is_late; /* answered, to be applied at some later step */
    struct op late;
};

struct simulation {
    struct random random;
    enum defect defect;
    int64_t clock_ns;
    struct state state;
    struct state before; /* the state some writes ago */
    struct client clients[CLIENTS];
    struct op ops[ROUND_OPS + 2 * CLIENTS + 1];
    int count;
    int last[CLIENTS];
    int64_t *tokens; /* REPLY_MAX an operation */
};

static bool strikes(struct simulation *simulation)
{
    return random_below(&simulation->random, DEFECT_ONE_IN) == 0;
}

static bool is_read(const struct op *op)
{
    uint8_t kind = op->commands[0].kind;
    return op->kind == OP_SINGLE && (kind == COMMAND_GET || kind == COMMAND_MGET ||
                                     kind == COMMAND_LRANGE || kind == COMMAND_ZRANGE);
}

static bool is_pop(const struct op *op)
{
    uint8_t kind = op->commands[0].kind;
    return op->kind == OP_SINGLE && (kind == COMMAND_POP || kind == COMMAND_BPOP ||
                                     kind == COMMAND_BLMPOP || kind == COMMAND_BLMOVE);
}

static bool is_write(const struct op *op)
{
    uint8_t kind = op->commands[0].kind;
    return op->kind == OP_SINGLE && (kind == COMMAND_SET || kind == COMMAND_PUSH ||
                                     kind == COMMAND_MSET || kind == COMMAND_ZADD);
}

static void apply_right(struct simulation *simulation, struct op *op)
{
    int64_t *reply = simulation->tokens + (op - simulation->ops) * REPLY_MAX;
    op->reply = reply;
    op->reply_count = model_step(&simulation->state, op, NULL, reply);
}

/* The first command now, the rest as a second transaction of the same client, answered as one. */
static void apply_split(struct simulation *simulation, struct op *op)
{
    int64_t *reply = simulation->tokens + (op - simulation->ops) * REPLY_MAX;
    struct op first = *op;
    struct op rest = *op;
    first.command_count = 1;
    rest.command_count--;
    memmove(rest.commands, rest.commands + 1, rest.command_count * sizeof(rest.commands[0]));
    op->reply = reply;
    op->reply_count = model_step(&simulation->state, &first, NULL, reply);
    /* Another client's operation that is in flight takes effect in the gap. */
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &simulation->clients[i];
        if (i != op->client && client->op >= 0 && !client->is_applied &&
            simulation->ops[client->op].kind == OP_SINGLE) {
            apply_right(simulation, &simulation->ops[client->op]);
            client->is_applied = true;
        }
    }
    op->reply_count += model_step(&simulation->state, &rest, NULL, reply + op->reply_count);
}

static void apply_wrong(struct simulation *simulation, struct client *client, struct op *op)
{
    int64_t *reply = simulation->tokens + (op - simulation->ops) * REPLY_MAX;
    struct state kept = simulation->state;
    uint32_t own = 1u << op->client;
    bool is_dirty = simulation->state.dirty & own;
    bool is_watching = simulation->state.watched[op->client] != 0;
    switch (simulation->defect) {
    case DEFECT_STALE_READ:
        if (is_read(op)) {
            simulation->state = simulation->before;
            apply_right(simulation, op);
            simulation->state = kept;
            return;
        }
        break;
    case DEFECT_LOST_POP:
    case DEFECT_SERVED_TWICE:
        if (is_pop(op)) {
            apply_right(simulation, op);
            if (simulation->defect == DEFECT_SERVED_TWICE) {
                simulation->state = kept;
            } else {
                reply[0] = token_make(TOKEN_NIL, 0);
                op->reply_count = 1;
            }
            return;
        }
        break;
    case DEFECT_WATCH:
        simulation->state.dirty &= op->kind == OP_TXN && is_dirty ? ~own : ~0u;
        break;
    case DEFECT_ABORT:
        simulation->state.dirty |= op->kind == OP_TXN && is_watching ? own : 0;
        break;
    case DEFECT_LATE_WRITE:
    case DEFECT_LOST_WRITE:
        if (is_write(op)) {
            apply_right(simulation, op);
            simulation->state = kept;
            client->is_late = simulation->defect == DEFECT_LATE_WRITE;
            client->late = *op;
            return;
        }
        break;
    default:
        if (op->kind == OP_TXN && op->command_count > 1) {
            apply_split(simulation, op);
            return;
        }
    }
    apply_right(simulation, op);
}

static void start(struct simulation *simulation, struct client *client)
{
    struct op *op = &simulation->ops[simulation->count];
    op_make(&client->maker, op);
    op->invoked_ns = simulation->clock_ns;
    op->previous = simulation->last[op->client];
    simulation->last[op->client] = client->op = simulation->count++;
    client->is_applied = false;
}

static void advance(struct simulation *simulation, struct client *client)
{
    struct op *op = &simulation->ops[client->op];
    simulation->clock_ns++;
    if (client->is_applied) {
        op->returned_ns = simulation->clock_ns;
        maker_learn(&client->maker, op);
        client->op = -1;
        return;
    }
    if (random_below(&simulation->random, 6) == 0) {
        simulation->before = simulation->state;
    }
    client->is_applied = true;
    if (simulation->defect != DEFECT_NONE && strikes(simulation)) {
        apply_wrong(simulation, client, op);
    } else {
        apply_right(simulation, op);
    }
}

static void step(struct simulation *simulation)
{
    struct client *client = &simulation->clients[random_below(&simulation->random, ACTIVE)];
    int64_t ignored[REPLY_MAX];
    simulation->clock_ns++;
    if (client->op >= 0) {
        advance(simulation, client);
    } else if (client->is_late) {
        (void)model_step(&simulation->state, &client->late, NULL, ignored);
        client->is_late = false;
    } else if (simulation->count < ROUND_OPS) {
        start(simulation, client);
    }
}

static bool is_idle(const struct simulation *simulation)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (simulation->clients[i].op >= 0 || simulation->clients[i].is_late) {
            return false;
        }
    }
    return simulation->count >= ROUND_OPS;
}

static enum verdict run_round(struct simulation *simulation)
{
    struct mix mix;
    mix_make(&mix, &simulation->random);
    mix.groups = 1;
    mix.txn = 30;
    mix.watch = 50;
    simulation->count = 0;
    simulation->state = simulation->before = (struct state){.dirty = 0};
    for (int i = 0; i < CLIENTS; i++) {
        simulation->last[i] = -1;
        simulation->clients[i] = (struct client){
            .op = -1,
            .maker = {.client = i, .mix = mix, .random = {random_next(&simulation->random)}}};
    }
    while (!is_idle(simulation)) {
        step(simulation);
    }
    struct op *last = &simulation->ops[simulation->count++];
    op_make_snapshot(0, last);
    last->invoked_ns = simulation->clock_ns + 1;
    last->returned_ns = simulation->clock_ns + 2;
    last->previous = -1;
    apply_right(simulation, last);
    struct state state = {.dirty = 0};
    struct row row = {simulation->ops, simulation->count, /* is_quiet= */ true};
    return check_row(&row, &state);
}

bool simulate_all(uint64_t seed)
{
    bool is_fine = true;
    struct simulation *simulation = calloc(1, sizeof(*simulation));
    size_t room = sizeof(simulation->ops) / sizeof(simulation->ops[0]);
    int64_t *tokens = calloc(room * REPLY_MAX, sizeof(int64_t));
    for (int defect = 0; defect < DEFECT_COUNT && simulation != NULL && tokens != NULL; defect++) {
        int verdicts[3] = {0};
        *simulation = (struct simulation){
            .defect = (enum defect)defect, .random = {seed + (uint64_t)defect}, .tokens = tokens};
        for (int i = 0; i < ROUNDS; i++) {
            verdicts[run_round(simulation)]++;
        }
        bool is_right =
            defect == DEFECT_NONE ? verdicts[LINEARIZABLE] == ROUNDS : verdicts[VIOLATION] > 0;
        is_right = is_right && verdicts[UNDECIDED] == 0;
        is_fine = is_fine && is_right;
        printf("%s: defect %s: %d of %d rounds rejected, %d undecided\n",
               is_right ? "right" : "WRONG", DEFECT_NAMES[defect], verdicts[VIOLATION], ROUNDS,
               verdicts[UNDECIDED]);
    }
    is_fine = is_fine && simulation != NULL && tokens != NULL;
    free(simulation);
    free(tokens);
    return is_fine;
}
