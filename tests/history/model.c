/* The model: what a server that runs one command after another answers, for one group of keys.
 *
 * It is the specification the histories are checked against, so it is written for the eye: plain
 * arrays, no sharing, one short function a command. */
#include "history.h"
#include <string.h>

/* An operation being applied. */
struct run {
    struct state *state;
    const int64_t *hint; /* the recorded reply, or NULL inside a transaction: there nothing waits */
    int64_t *reply;
    int count;
    bool is_overfull;
};

static void put(struct run *run, enum token kind, int32_t value)
{
    if (run->count < REPLY_MAX) {
        run->reply[run->count++] = token_make(kind, value);
    }
}

static void touch(struct state *state, unsigned key)
{
    for (unsigned client = 0; client < CLIENTS; client++) {
        if (state->watched[client] & (1u << key)) {
            state->dirty |= 1u << client;
        }
    }
}

static bool exists(const struct state *state, unsigned key)
{
    return key < KEY_LIST   ? state->strings[key] != 0
           : key < KEY_ZSET ? state->list_count[key - KEY_LIST] > 0
                            : state->members[key - KEY_ZSET] != 0;
}

static void clear(struct state *state, unsigned key)
{
    if (key < KEY_LIST) {
        state->strings[key] = 0;
    } else if (key < KEY_ZSET) {
        state->list_count[key - KEY_LIST] = 0;
    } else {
        state->members[key - KEY_ZSET] = 0;
    }
}

/* Keys of one role only. */
static void copy(struct state *state, unsigned from, unsigned to)
{
    if (from < KEY_LIST) {
        state->strings[to] = state->strings[from];
    } else if (from < KEY_ZSET) {
        int32_t count = state->list_count[from - KEY_LIST];
        state->list_count[to - KEY_LIST] = count;
        memcpy(state->lists[to - KEY_LIST], state->lists[from - KEY_LIST],
               (size_t)count * sizeof(int32_t));
    } else {
        state->members[to - KEY_ZSET] = state->members[from - KEY_ZSET];
        memcpy(state->scores[to - KEY_ZSET], state->scores[from - KEY_ZSET],
               sizeof(state->scores[0]));
    }
}

static void put_string(struct run *run, unsigned key)
{
    int32_t value = run->state->strings[key];
    put(run, value != 0 ? TOKEN_VALUE : TOKEN_NIL, value);
}

static void set_string(struct run *run, unsigned key, int32_t value)
{
    run->state->strings[key] = value;
    touch(run->state, key);
}

static void do_get(struct run *run, const struct command *command)
{
    for (unsigned i = 0; i < command->key_count; i++) {
        put_string(run, command->keys[i]);
    }
}

static void do_set(struct run *run, const struct command *command)
{
    for (unsigned i = 0; i < command->key_count; i++) {
        set_string(run, command->keys[i], command->args[i]);
    }
    put(run, TOKEN_OK, 0);
}

static void do_setnx(struct run *run, const struct command *command)
{
    if (exists(run->state, command->keys[0])) {
        put(run, TOKEN_NIL, 0);
    } else {
        do_set(run, command);
    }
}

static void do_msetnx(struct run *run, const struct command *command)
{
    bool is_free = !exists(run->state, command->keys[0]) && !exists(run->state, command->keys[1]);
    for (unsigned i = 0; i < command->key_count && is_free; i++) {
        set_string(run, command->keys[i], command->args[i]);
    }
    put(run, TOKEN_INTEGER, is_free);
}

static void do_setget(struct run *run, const struct command *command)
{
    put_string(run, command->keys[0]);
    set_string(run, command->keys[0], command->args[0]);
}

static void do_incrby(struct run *run, const struct command *command)
{
    unsigned key = command->keys[0];
    set_string(run, key, run->state->strings[key] + command->args[0]);
    put(run, TOKEN_INTEGER, run->state->strings[key]);
}

static void do_getdel(struct run *run, const struct command *command)
{
    unsigned key = command->keys[0];
    put_string(run, key);
    if (exists(run->state, key)) {
        set_string(run, key, 0);
    }
}

static void do_del(struct run *run, const struct command *command)
{
    int count = 0;
    for (unsigned i = 0; i < command->key_count; i++) {
        unsigned key = command->keys[i];
        if (exists(run->state, key)) {
            count++;
            clear(run->state, key);
            touch(run->state, key);
        }
    }
    put(run, TOKEN_INTEGER, count);
}

static void do_exists(struct run *run, const struct command *command)
{
    int count = 0;
    for (unsigned i = 0; i < command->key_count; i++) {
        count += exists(run->state, command->keys[i]);
    }
    put(run, TOKEN_INTEGER, count);
}

static void do_rename(struct run *run, const struct command *command)
{
    if (!exists(run->state, command->keys[0])) {
        put(run, TOKEN_ERROR, ERROR_NO_SUCH_KEY);
        return;
    }
    copy(run->state, command->keys[0], command->keys[1]);
    clear(run->state, command->keys[0]);
    touch(run->state, command->keys[0]);
    touch(run->state, command->keys[1]);
    put(run, TOKEN_OK, 0);
}

/* COPY with REPLACE. */
static void do_copy(struct run *run, const struct command *command)
{
    bool is_there = exists(run->state, command->keys[0]);
    if (is_there) {
        copy(run->state, command->keys[0], command->keys[1]);
        touch(run->state, command->keys[1]);
    }
    put(run, TOKEN_INTEGER, is_there);
}

static void push(struct run *run, unsigned key, bool at_right, int32_t value)
{
    int32_t *list = run->state->lists[key - KEY_LIST];
    int32_t *count = &run->state->list_count[key - KEY_LIST];
    if (*count == LIST_MAX) {
        run->is_overfull = true;
        return;
    }
    if (at_right) {
        list[*count] = value;
    } else {
        memmove(list + 1, list, (size_t)*count * sizeof(*list));
        list[0] = value;
    }
    (*count)++;
    touch(run->state, key);
}

/* The list is not empty. */
static int32_t pop(struct run *run, unsigned key, bool at_right)
{
    int32_t *list = run->state->lists[key - KEY_LIST];
    int32_t count = --run->state->list_count[key - KEY_LIST];
    int32_t value = at_right ? list[count] : list[0];
    if (!at_right) {
        memmove(list, list + 1, (size_t)count * sizeof(*list));
    }
    touch(run->state, key);
    return value;
}

static void do_push(struct run *run, const struct command *command)
{
    for (unsigned i = 0; i < command->arg_count; i++) {
        push(run, command->keys[0], command->ends[0], command->args[i]);
    }
    put(run, TOKEN_INTEGER, run->state->list_count[command->keys[0] - KEY_LIST]);
}

static void do_pop(struct run *run, const struct command *command)
{
    int wanted = command->arg_count > 0 ? command->args[0] : 1;
    unsigned key = command->keys[0];
    if (!exists(run->state, key)) {
        put(run, TOKEN_NIL, 0);
    }
    for (; wanted > 0 && exists(run->state, key); wanted--) {
        put(run, TOKEN_VALUE, pop(run, key, command->ends[0]));
    }
}

static void do_llen(struct run *run, const struct command *command)
{
    put(run, TOKEN_INTEGER, run->state->list_count[command->keys[0] - KEY_LIST]);
}

static void do_lrange(struct run *run, const struct command *command)
{
    unsigned list = command->keys[0] - KEY_LIST;
    for (int i = 0; i < run->state->list_count[list]; i++) {
        put(run, TOKEN_VALUE, run->state->lists[list][i]);
    }
}

/* LMOVE, and BLMOVE at the moment it is served or gives up. */
static void do_lmove(struct run *run, const struct command *command)
{
    if (!exists(run->state, command->keys[0])) {
        put(run, TOKEN_NIL, 0);
        return;
    }
    int32_t value = pop(run, command->keys[0], command->ends[0]);
    push(run, command->keys[1], command->ends[1], value);
    put(run, TOKEN_VALUE, value);
}

static bool has_member(const struct state *state, unsigned zset, int32_t member)
{
    return state->members[zset] & (1u << member);
}

static void do_zadd(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    int32_t member = command->args[1];
    bool is_new = !has_member(run->state, zset, member);
    if (is_new || run->state->scores[zset][member] != command->args[0]) {
        run->state->members[zset] |= 1u << member;
        run->state->scores[zset][member] = command->args[0];
        touch(run->state, command->keys[0]);
    }
    put(run, TOKEN_INTEGER, is_new);
}

static void do_zrem(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    bool is_there = has_member(run->state, zset, command->args[0]);
    if (is_there) {
        run->state->members[zset] &= ~(1u << command->args[0]);
        touch(run->state, command->keys[0]);
    }
    put(run, TOKEN_INTEGER, is_there);
}

static void do_zincrby(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    int32_t member = command->args[1];
    int32_t *score = &run->state->scores[zset][member];
    *score = (has_member(run->state, zset, member) ? *score : 0) + command->args[0];
    run->state->members[zset] |= 1u << member;
    touch(run->state, command->keys[0]);
    put(run, TOKEN_VALUE, *score);
}

static void do_zscore(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    bool is_there = has_member(run->state, zset, command->args[0]);
    put(run, is_there ? TOKEN_VALUE : TOKEN_NIL,
        is_there ? run->state->scores[zset][command->args[0]] : 0);
}

/* The member among `members` with the smallest or largest score; equal scores: by name. */
static int32_t extreme(const struct state *state, unsigned zset, uint32_t members, bool is_largest)
{
    int32_t found = -1;
    for (int32_t member = 0; member < MEMBERS; member++) {
        if (!(members & (1u << member))) {
            continue;
        }
        int32_t score = state->scores[zset][member];
        if (found < 0 || (is_largest ? score >= state->scores[zset][found]
                                     : score < state->scores[zset][found])) {
            found = member;
        }
    }
    return found;
}

static void put_member(struct run *run, unsigned zset, int32_t member)
{
    put(run, TOKEN_VALUE, member);
    put(run, TOKEN_VALUE, run->state->scores[zset][member]);
}

static void do_zrange(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    for (uint32_t rest = run->state->members[zset]; rest != 0;) {
        int32_t member = extreme(run->state, zset, rest, false);
        put_member(run, zset, member);
        rest &= ~(1u << member);
    }
}

static void do_zpop(struct run *run, const struct command *command)
{
    unsigned zset = command->keys[0] - KEY_ZSET;
    if (run->state->members[zset] != 0) {
        int32_t member = extreme(run->state, zset, run->state->members[zset], command->ends[0]);
        put_member(run, zset, member);
        run->state->members[zset] &= ~(1u << member);
        touch(run->state, command->keys[0]);
    }
}

/* ZUNIONSTORE of one set: also what an empty source does to the destination. */
static void do_zstore(struct run *run, const struct command *command)
{
    unsigned to = command->keys[0];
    bool was_there = exists(run->state, to);
    copy(run->state, command->keys[1], to);
    if (was_there || exists(run->state, to)) {
        touch(run->state, to);
    }
    put(run, TOKEN_INTEGER, __builtin_popcount(run->state->members[to - KEY_ZSET]));
}

/* The key a blocking pop is served from, or -1. One that waited is served from the key that got
 * something, even if a transaction filled the others too: the recorded reply says which. */
static int served_key(struct run *run, const struct command *command)
{
    int first = -1;
    for (unsigned i = 0; i < command->key_count; i++) {
        unsigned key = command->keys[i];
        if (!exists(run->state, key)) {
            continue;
        }
        if (first < 0) {
            first = (int)key;
        }
        if (run->hint != NULL && run->hint[0] == token_make(TOKEN_KEY, (int32_t)key)) {
            return (int)key;
        }
    }
    return first;
}

/* All forms that pop from the first of several keys. */
static void do_bpop(struct run *run, const struct command *command)
{
    int key = served_key(run, command);
    if (key < 0) {
        put(run, TOKEN_NIL, 0);
        return;
    }
    struct command inner = *command;
    inner.keys[0] = (uint8_t)key;
    put(run, TOKEN_KEY, key);
    if (key >= KEY_ZSET) {
        do_zpop(run, &inner);
    } else {
        do_pop(run, &inner);
    }
}

static void (*const APPLY[COMMAND_COUNT])(struct run *run, const struct command *command) = {
    [COMMAND_GET] = do_get,         [COMMAND_SET] = do_set,       [COMMAND_SETNX] = do_setnx,
    [COMMAND_SETGET] = do_setget,   [COMMAND_INCRBY] = do_incrby, [COMMAND_GETDEL] = do_getdel,
    [COMMAND_MGET] = do_get,        [COMMAND_MSET] = do_set,      [COMMAND_MSETNX] = do_msetnx,
    [COMMAND_DEL] = do_del,         [COMMAND_EXISTS] = do_exists, [COMMAND_RENAME] = do_rename,
    [COMMAND_COPY] = do_copy,       [COMMAND_PUSH] = do_push,     [COMMAND_POP] = do_pop,
    [COMMAND_POP_COUNT] = do_pop,   [COMMAND_LLEN] = do_llen,     [COMMAND_LRANGE] = do_lrange,
    [COMMAND_LMOVE] = do_lmove,     [COMMAND_ZADD] = do_zadd,     [COMMAND_ZREM] = do_zrem,
    [COMMAND_ZINCRBY] = do_zincrby, [COMMAND_ZSCORE] = do_zscore, [COMMAND_ZRANGE] = do_zrange,
    [COMMAND_ZPOP] = do_zpop,       [COMMAND_ZSTORE] = do_zstore, [COMMAND_BPOP] = do_bpop,
    [COMMAND_BLMOVE] = do_lmove,    [COMMAND_BLMPOP] = do_bpop,   [COMMAND_BZPOP] = do_bpop,
    [COMMAND_BZMPOP] = do_bpop,
};

static void unwatch(struct state *state, unsigned client)
{
    if (client < CLIENTS) { /* the reader never watches */
        state->watched[client] = 0;
        state->dirty &= ~(1u << client);
    }
}

static void step_exec(struct run *run, const struct op *op)
{
    bool is_dirty = run->state->dirty & (1u << op->client);
    unwatch(run->state, op->client);
    if (is_dirty) {
        put(run, TOKEN_ABORTED, 0);
        return;
    }
    for (unsigned i = 0; i < op->command_count; i++) {
        APPLY[op->commands[i].kind](run, &op->commands[i]);
        put(run, TOKEN_NEXT, 0);
    }
}

int model_step(struct state *state, const struct op *op, const int64_t *hint, int64_t *ret_reply)
{
    struct run run = {.state = state, .reply = ret_reply};
    switch (op->kind) {
    case OP_WATCH:
        state->watched[op->client] |= op->watch_mask;
        put(&run, TOKEN_OK, 0);
        break;
    case OP_UNWATCH:
        unwatch(state, op->client);
        put(&run, TOKEN_OK, 0);
        break;
    case OP_TXN:
        step_exec(&run, op);
        break;
    default:
        run.hint = hint;
        APPLY[op->commands[0].kind](&run, &op->commands[0]);
    }
    return run.is_overfull ? -1 : run.count;
}

void state_copy(struct state *to, const struct state *from)
{
    memcpy(to, from, offsetof(struct state, lists));
    for (unsigned k = 0; k < 2; k++) {
        memcpy(to->lists[k], from->lists[k], (size_t)from->list_count[k] * sizeof(int32_t));
    }
}

static uint64_t mix_in(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

uint64_t state_hash(const struct state *state)
{
    uint64_t hash = mix_in(1, state->dirty);
    for (unsigned i = 0; i < CLIENTS; i++) {
        hash = mix_in(hash, state->watched[i]);
    }
    for (unsigned k = 0; k < 2; k++) {
        hash = mix_in(hash, (uint64_t)state->strings[k] << 32 | (uint32_t)state->list_count[k]);
        for (int i = 0; i < state->list_count[k]; i++) {
            hash = mix_in(hash, (uint32_t)state->lists[k][i]);
        }
        hash = mix_in(hash, state->members[k]);
        for (unsigned i = 0; i < MEMBERS; i++) {
            if (has_member(state, k, (int32_t)i)) {
                hash = mix_in(hash, (uint32_t)state->scores[k][i]);
            }
        }
    }
    return hash;
}
