/* The types of the history test: operations as recorded, and the state of a group of keys.
 *
 * Keys come in groups of six: two strings, two lists, two sorted sets. An operation touches keys of
 * one group only, so each group is linearizable by itself or not at all. All values are integers,
 * so that a reply is a short row of tokens, whatever protocol it came in. */
#ifndef POLLARD_TESTS_HISTORY_H
#define POLLARD_TESTS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLIENTS = 16,
    READER = CLIENTS, /* the connection that reads everything at the end of a round */
    GROUPS = 4,
    KEY_STRING = 0, /* two keys of each role */
    KEY_LIST = 2,
    KEY_ZSET = 4,
    KEYS = 6,
    LIST_MAX =
        256, /* far above what the generator lets a list grow to; model_step() refuses more */
    MEMBERS = 16,
    COMMAND_ARGS = 4,
    TXN_COMMANDS = 6,
    REPLY_MAX = 2048,
};

/* A token is a kind above 32 bits and a value below. */
enum token {
    TOKEN_VALUE = 1, /* a bulk or a double */
    TOKEN_INTEGER,
    TOKEN_NIL, /* of any form */
    TOKEN_OK,
    TOKEN_ABORTED, /* an EXEC that did nothing */
    TOKEN_NEXT,    /* the end of a reply inside EXEC's */
    TOKEN_KEY,     /* the value is the key's index in its group */
    TOKEN_ERROR,   /* the value is an enum reply_error */
};

enum reply_error { ERROR_NO_SUCH_KEY = 1, ERROR_OTHER };

static inline int64_t token_make(enum token kind, int32_t value)
{
    return ((int64_t)kind << 32) | (uint32_t)value;
}

static inline enum token token_kind(int64_t token)
{
    return (enum token)(token >> 32);
}

static inline int32_t token_value(int64_t token)
{
    return (int32_t)(uint32_t)(token & 0xffffffff);
}

enum command_kind {
    COMMAND_GET,
    COMMAND_SET,
    COMMAND_SETNX,
    COMMAND_SETGET,
    COMMAND_INCRBY,
    COMMAND_GETDEL,
    COMMAND_MGET,
    COMMAND_MSET,
    COMMAND_MSETNX,
    COMMAND_DEL,
    COMMAND_EXISTS,
    COMMAND_RENAME,
    COMMAND_COPY,
    COMMAND_PUSH,
    COMMAND_POP,
    COMMAND_POP_COUNT,
    COMMAND_LLEN,
    COMMAND_LRANGE,
    COMMAND_LMOVE,
    COMMAND_ZADD,
    COMMAND_ZREM,
    COMMAND_ZINCRBY,
    COMMAND_ZSCORE,
    COMMAND_ZRANGE,
    COMMAND_ZPOP,
    COMMAND_ZSTORE,
    COMMAND_BPOP,
    COMMAND_BLMOVE,
    COMMAND_BLMPOP,
    COMMAND_BZPOP,
    COMMAND_BZMPOP,
    COMMAND_COUNT,
};

struct command {
    uint8_t kind; /* enum command_kind */
    uint8_t key_count;
    uint8_t arg_count;
    uint8_t timeout_ms; /* of those that wait */
    uint8_t keys[3];
    bool ends[2]; /* the right end, the largest score; the second is where LMOVE puts it */
    int32_t args[COMMAND_ARGS];
};

enum op_kind { OP_SINGLE, OP_TXN, OP_WATCH, OP_UNWATCH };

struct op {
    int64_t invoked_ns; /* before the first byte was sent */
    int64_t returned_ns;
    const int64_t *reply; /* tokens; arrays, but EXEC's, leave no trace of their own */
    int32_t reply_count;
    int32_t
        previous; /* the client's operation before it in the same row, or -1: they may not swap */
    uint8_t kind; /* enum op_kind */
    uint8_t client;
    uint8_t group;
    uint8_t watch_mask; /* keys, one bit each */
    uint8_t command_count;
    struct command commands[TXN_COMMANDS];
};

/* One group of keys and who watches them. A string or score that is absent is 0 or has no bit. */
struct state {
    int32_t strings[2];
    int32_t list_count[2];
    uint32_t members[2];
    int32_t scores[2][MEMBERS];
    uint8_t watched[CLIENTS];   /* keys, one bit each */
    uint32_t dirty;             /* clients whose watched keys have changed */
    int32_t lists[2][LIST_MAX]; /* last: mostly empty, and then not copied */
};

/* model.c: what a server that runs one command after another answers. */

/* Applies the operation to the state and writes the reply; `hint` is the recorded reply or NULL: of
 * several keys a blocking pop may be served from any that has something, and the hint says which.
 * Returns the number of tokens, at most REPLY_MAX, or -1 if a list grew past LIST_MAX. */
int model_step(struct state *state, const struct op *op, const int64_t *hint, int64_t *ret_reply);

void state_copy(struct state *to, const struct state *from);

/* The same number for two states that no later command can tell apart. */
uint64_t state_hash(const struct state *state);

/* text.c: commands as text. */

/* The command as text, words divided by one blank: for a message and for the wire.
 * Returns its length, 0 if it does not fit. */
size_t command_text(const struct command *command, unsigned group, char *ret_text, size_t size);

/* check.c: whether an order explains a row of operations. */

enum verdict { LINEARIZABLE, VIOLATION, UNDECIDED };

struct row {
    struct op *ops;
    int count;
    bool is_quiet; /* nothing is printed */
};

/* Searches for an order of the row's operations that agrees with time, with the order of each
 * client, and with the model, beginning at `state`; on success `state` is what they leave. On a
 * violation prints the operations around the first point no order can pass. */
enum verdict check_row(const struct row *row, struct state *state);

/* facts.c: what the checker knows of an operation before it searches. */

/* What is known of an operation from its kind and reply. */
struct facts {
    uint8_t reads, writes; /* keys, one bit each */
    uint32_t clients;      /* its client's bit */
    /* Wherever it agrees with the model it changes nothing that another operation could see: a
     * read, a pop that found nothing. In any order that has it later it could as well come now,
     * so that it is taken as soon as it agrees, and no other choice is tried. */
    bool is_final;
};

/* Fills in one for each operation of the row. A client's operations are in its order. */
void facts_find(const struct row *row, struct facts *ret_facts);

/* print.c: on standard output, times relative to `begin_ns`. */

void op_print(const struct op *op, int64_t begin_ns);
void state_print(const struct state *state, unsigned group);

/* generate.c: random operations. */

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t bound);

/* How a round is mixed, in parts of the whole. */
struct mix {
    uint8_t groups;   /* in use */
    uint8_t pipeline; /* operations in one write, at most */
    uint8_t txn;      /* percent of operations that are transactions, and of those with WATCH */
    uint8_t watch;
    uint8_t blocking;
    uint8_t role; /* percent of commands on the round's favourite role, the others share the rest */
    uint8_t favourite;
};

/* What a client remembers while it makes operations. */
struct maker {
    struct random random;
    struct mix mix;
    int32_t client;
    int32_t sequence;                /* values are unique: sequence * (CLIENTS + 1) + client + 1 */
    int32_t list_count[GROUPS][2];   /* as last seen */
    uint8_t watch_mask, watch_group; /* watching, between WATCH and EXEC */
};

void mix_make(struct mix *mix, struct random *random);
void op_make(struct maker *maker, struct op *ret_op);

/* Every reader's operation at the end of a round: all keys of the group in one transaction. */
void op_make_snapshot(unsigned group, struct op *ret_op);

/* Remembers lengths that a reply told. */
void maker_learn(struct maker *maker, const struct op *op);

/* connection.c: RESP over a unix socket. */

struct connection;

/* NULL if the server cannot be reached. Odd clients speak RESP3. */
struct connection *connection_open(const char *path, int client);
void connection_close(struct connection *connection);

/* Sends `count` operations in one write, then reads the reply of each; fills in times and replies.
 * The replies live until connection_forget(). False, with a message printed, if the server closed,
 * did not answer in 60 s, or sent what is not RESP or not asked for. */
bool connection_run(struct connection *connection, struct op *ops, int count);
void connection_forget(struct connection *connection);

/* Sends one command of blank-separated words and ignores what the reply is. */
bool connection_order(struct connection *connection, const char *words);

/* simulate.c: a server in memory, correct or with a defect, to try the checker on. */

/* Every defect is caught and the correct server is not accused. Prints what failed. */
bool simulate_all(uint64_t seed);

#endif
