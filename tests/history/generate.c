/* Random operations: short programs over few keys, so that clients meet on them.
 *
 * Values are unique in a run, so that a reply tells which write it saw. Lists stay short: a client
 * that last saw one as long pops from it. */
#include "history.h"

enum { LIST_LONG = 10, TIMEOUT_MAX_MS = 12 };

uint64_t random_next(struct random *random)
{
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)((random_next(random) >> 32) * bound >> 32);
}

void mix_make(struct mix *mix, struct random *random)
{
    *mix = (struct mix){
        .groups = (uint8_t)(2 + random_below(random, GROUPS - 1)),
        .pipeline = (uint8_t)(random_below(random, 2) ? 1 : 3),
        .txn = (uint8_t)(random_below(random, 3) * 15),
        .watch = (uint8_t)(random_below(random, 3) * 40),
        .blocking = (uint8_t)(random_below(random, 2) * 12),
        .role = (uint8_t)(random_below(random, 2) ? 34 : 80),
        .favourite = (uint8_t)random_below(random, 3),
    };
    /* Many operations at once on few keys make more orders than can be searched. */
    if (mix->groups < GROUPS) {
        mix->pipeline = 1;
    }
}

static int32_t next_value(struct maker *maker)
{
    return maker->sequence++ * (CLIENTS + 1) + maker->client + 1;
}

static void use_keys(struct command *command, struct maker *maker, unsigned role, unsigned count)
{
    unsigned first = random_below(&maker->random, 2);
    command->key_count = (uint8_t)count;
    command->keys[0] = (uint8_t)(role + first);
    command->keys[1] = (uint8_t)(role + 1 - first);
}

static void make_string(struct maker *maker, struct command *command)
{
    static const struct {
        uint8_t kind, keys, args;
    } choices[] = {
        {COMMAND_GET, 1, 0},    {COMMAND_GET, 1, 0},    {COMMAND_SET, 1, 1},
        {COMMAND_SET, 1, 1},    {COMMAND_SETNX, 1, 1},  {COMMAND_SETGET, 1, 1},
        {COMMAND_INCRBY, 1, 1}, {COMMAND_GETDEL, 1, 0}, {COMMAND_MGET, 2, 0},
        {COMMAND_MGET, 2, 0},   {COMMAND_MSET, 2, 2},   {COMMAND_MSETNX, 2, 2},
    };
    unsigned choice = random_below(&maker->random, sizeof(choices) / sizeof(choices[0]));
    command->kind = choices[choice].kind;
    command->arg_count = choices[choice].args;
    use_keys(command, maker, KEY_STRING, choices[choice].keys);
    for (unsigned i = 0; i < command->arg_count; i++) {
        command->args[i] = next_value(maker);
    }
    if (command->kind == COMMAND_INCRBY) {
        command->args[0] = 1 + (int32_t)random_below(&maker->random, 9);
    }
}

static void make_list(struct maker *maker, struct command *command, unsigned group)
{
    static const uint8_t kinds[] = {COMMAND_PUSH, COMMAND_PUSH,   COMMAND_PUSH,
                                    COMMAND_POP,  COMMAND_POP,    COMMAND_POP_COUNT,
                                    COMMAND_LLEN, COMMAND_LRANGE, COMMAND_LMOVE};
    command->kind = kinds[random_below(&maker->random, sizeof(kinds))];
    use_keys(command, maker, KEY_LIST, command->kind == COMMAND_LMOVE ? 2 : 1);
    command->ends[0] = random_below(&maker->random, 2);
    command->ends[1] = random_below(&maker->random, 2);
    if (command->kind == COMMAND_PUSH &&
        maker->list_count[group][command->keys[0] - KEY_LIST] > LIST_LONG) {
        command->kind = COMMAND_POP_COUNT;
    }
    if (command->kind == COMMAND_POP_COUNT) {
        command->arg_count = 1;
        command->args[0] = 1 + (int32_t)random_below(&maker->random, 3);
    } else if (command->kind == COMMAND_PUSH) {
        command->arg_count = (uint8_t)(1 + random_below(&maker->random, 2));
        for (unsigned i = 0; i < command->arg_count; i++) {
            command->args[i] = next_value(maker);
        }
    }
}

static void make_zset(struct maker *maker, struct command *command)
{
    static const uint8_t kinds[] = {COMMAND_ZADD,   COMMAND_ZADD,   COMMAND_ZADD,   COMMAND_ZADD,
                                    COMMAND_ZREM,   COMMAND_ZSCORE, COMMAND_ZPOP,   COMMAND_ZPOP,
                                    COMMAND_ZRANGE, COMMAND_ZSTORE, COMMAND_ZINCRBY};
    command->kind = kinds[random_below(&maker->random, sizeof(kinds))];
    use_keys(command, maker, KEY_ZSET, command->kind == COMMAND_ZSTORE ? 2 : 1);
    command->ends[0] = random_below(&maker->random, 2);
    int32_t member = (int32_t)random_below(&maker->random, MEMBERS);
    command->args[0] = command->args[1] = member;
    command->arg_count = 1;
    if (command->kind == COMMAND_ZADD || command->kind == COMMAND_ZINCRBY) {
        command->arg_count = 2;
        command->args[0] = 1 + (int32_t)random_below(&maker->random, 50);
    }
}

/* What any role knows: keys that go, and keys that appear by being moved. */
static void make_any(struct maker *maker, struct command *command, unsigned role)
{
    static const uint8_t kinds[] = {COMMAND_DEL, COMMAND_EXISTS, COMMAND_RENAME, COMMAND_RENAME,
                                    COMMAND_COPY};
    command->kind = kinds[random_below(&maker->random, sizeof(kinds))];
    use_keys(command, maker, role, 2);
    if (command->kind == COMMAND_DEL) {
        command->key_count = (uint8_t)(1 + random_below(&maker->random, 2));
    }
}

static void make_blocking(struct maker *maker, struct command *command)
{
    static const uint8_t kinds[] = {COMMAND_BPOP,   COMMAND_BPOP,  COMMAND_BLMOVE, COMMAND_BLMOVE,
                                    COMMAND_BLMPOP, COMMAND_BZPOP, COMMAND_BZMPOP};
    command->kind = kinds[random_below(&maker->random, sizeof(kinds))];
    bool is_zset = command->kind == COMMAND_BZPOP || command->kind == COMMAND_BZMPOP;
    use_keys(command, maker, is_zset ? KEY_ZSET : KEY_LIST, 2);
    if (command->kind != COMMAND_BLMOVE) {
        command->key_count = (uint8_t)(1 + random_below(&maker->random, 2));
    }
    command->ends[0] = random_below(&maker->random, 2);
    command->ends[1] = random_below(&maker->random, 2);
    command->timeout_ms = (uint8_t)(1 + random_below(&maker->random, TIMEOUT_MAX_MS));
    if (command->kind == COMMAND_BLMPOP) {
        command->arg_count = 1;
        command->args[0] = 1 + (int32_t)random_below(&maker->random, 3);
    }
}

static void make_command(struct maker *maker, struct command *command, unsigned group)
{
    bool is_favourite = random_below(&maker->random, 100) < maker->mix.role;
    unsigned role = 2 * (is_favourite ? maker->mix.favourite : random_below(&maker->random, 3));
    *command = (struct command){.kind = COMMAND_GET};
    if (random_below(&maker->random, 100) < maker->mix.blocking) {
        make_blocking(maker, command);
    } else if (random_below(&maker->random, 100) < 12) {
        make_any(maker, command, role);
    } else if (role == KEY_STRING) {
        make_string(maker, command);
    } else if (role == KEY_LIST) {
        make_list(maker, command, group);
    } else {
        make_zset(maker, command);
    }
}

static void make_watch(struct maker *maker, struct op *op)
{
    op->kind = OP_WATCH;
    op->watch_mask = (uint8_t)(1 + random_below(&maker->random, (1u << KEYS) - 1));
    maker->watch_mask |= op->watch_mask;
    maker->watch_group = op->group;
}

void op_make(struct maker *maker, struct op *ret_op)
{
    const struct mix *mix = &maker->mix;
    unsigned group = random_below(&maker->random, mix->groups);
    *ret_op = (struct op){.client = (uint8_t)maker->client, .kind = OP_SINGLE, .command_count = 1};
    bool is_watching = maker->watch_mask != 0;
    uint32_t chance = random_below(&maker->random, 100);
    ret_op->group = is_watching ? maker->watch_group : (uint8_t)group;
    if (is_watching && chance < 5) {
        ret_op->kind = OP_UNWATCH;
        ret_op->command_count = 0;
        maker->watch_mask = 0;
        return;
    }
    if (chance < mix->txn * (is_watching ? 4u : 1u)) {
        if (!is_watching && random_below(&maker->random, 100) < mix->watch) {
            make_watch(maker, ret_op);
            ret_op->command_count = 0;
            return;
        }
        ret_op->kind = OP_TXN;
        ret_op->command_count = (uint8_t)(1 + random_below(&maker->random, 4));
        maker->watch_mask = 0;
    }
    for (unsigned i = 0; i < ret_op->command_count; i++) {
        make_command(maker, &ret_op->commands[i], ret_op->group);
    }
}

void op_make_snapshot(unsigned group, struct op *ret_op)
{
    static const uint8_t kinds[KEYS] = {COMMAND_GET,    COMMAND_GET,    COMMAND_LRANGE,
                                        COMMAND_LRANGE, COMMAND_ZRANGE, COMMAND_ZRANGE};
    *ret_op = (struct op){
        .client = READER, .group = (uint8_t)group, .kind = OP_TXN, .command_count = KEYS};
    for (unsigned i = 0; i < KEYS; i++) {
        ret_op->commands[i] =
            (struct command){.kind = kinds[i], .key_count = 1, .keys = {(uint8_t)i}};
    }
}

void maker_learn(struct maker *maker, const struct op *op)
{
    for (unsigned i = 0; i < op->command_count; i++) {
        const struct command *command = &op->commands[i];
        if (command->kind != COMMAND_PUSH && command->kind != COMMAND_LLEN) {
            continue;
        }
        int32_t *count = &maker->list_count[op->group][command->keys[0] - KEY_LIST];
        if (op->kind == OP_SINGLE && token_kind(op->reply[0]) == TOKEN_INTEGER) {
            *count = token_value(op->reply[0]);
        } else {
            (*count) += command->arg_count;
        }
    }
    if (op->kind != OP_SINGLE || op->commands[0].kind != COMMAND_POP_COUNT) {
        return;
    }
    maker->list_count[op->group][op->commands[0].keys[0] - KEY_LIST] = 0;
}
