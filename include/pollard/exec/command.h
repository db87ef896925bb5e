/* A command as data: what the table generator makes of src/exec/table/<group>.toml.
 *
 * The generated table holds every command and subcommand; a container ("client") points at its
 * subcommands. Ids are dense: 0 .. command_table_count() - 1, subcommands included. */
#ifndef POLLARD_EXEC_COMMAND_H
#define POLLARD_EXEC_COMMAND_H

#include "pollard/base/bytes.h"
#include "pollard/base/status.h"

struct exec;
typedef enum status command_handler(struct exec *x);

/* Flags as COMMAND INFO prints them (lower case). */
enum command_flag {
    COMMAND_WRITE = 1 << 0,
    COMMAND_READONLY = 1 << 1,
    COMMAND_DENYOOM = 1 << 2,
    COMMAND_ADMIN = 1 << 3,
    COMMAND_PUBSUB = 1 << 4,
    COMMAND_NOSCRIPT = 1 << 5,
    COMMAND_BLOCKING = 1 << 6,
    COMMAND_LOADING = 1 << 7,
    COMMAND_STALE = 1 << 8,
    COMMAND_SKIP_MONITOR = 1 << 9,
    COMMAND_SKIP_SLOWLOG = 1 << 10,
    COMMAND_ASKING = 1 << 11,
    COMMAND_FAST = 1 << 12,
    COMMAND_NO_AUTH = 1 << 13,
    COMMAND_MAY_REPLICATE = 1 << 14,
    COMMAND_SENTINEL = 1 << 15,
    COMMAND_ONLY_SENTINEL = 1 << 16,
    COMMAND_NO_MANDATORY_KEYS = 1 << 17,
    COMMAND_PROTECTED = 1 << 18,
    COMMAND_NO_ASYNC_LOADING = 1 << 19,
    COMMAND_NO_MULTI = 1 << 20,
    COMMAND_MOVABLEKEYS = 1 << 21, /* set by the generator: the old key triple does not say all */
    COMMAND_ALLOW_BUSY = 1 << 22,
    COMMAND_TOUCHES_ARBITRARY_KEYS = 1 << 23
};
#define COMMAND_FLAG_COUNT 24

/* ACL categories, in the order in which COMMAND INFO tells them. */
enum command_category {
    CATEGORY_KEYSPACE = 1 << 0,
    CATEGORY_READ = 1 << 1,
    CATEGORY_WRITE = 1 << 2,
    CATEGORY_SET = 1 << 3,
    CATEGORY_SORTEDSET = 1 << 4,
    CATEGORY_LIST = 1 << 5,
    CATEGORY_HASH = 1 << 6,
    CATEGORY_STRING = 1 << 7,
    CATEGORY_BITMAP = 1 << 8,
    CATEGORY_HYPERLOGLOG = 1 << 9,
    CATEGORY_GEO = 1 << 10,
    CATEGORY_STREAM = 1 << 11,
    CATEGORY_PUBSUB = 1 << 12,
    CATEGORY_ADMIN = 1 << 13,
    CATEGORY_FAST = 1 << 14,
    CATEGORY_SLOW = 1 << 15,
    CATEGORY_BLOCKING = 1 << 16,
    CATEGORY_DANGEROUS = 1 << 17,
    CATEGORY_CONNECTION = 1 << 18,
    CATEGORY_TRANSACTION = 1 << 19,
    CATEGORY_SCRIPTING = 1 << 20
};
#define COMMAND_CATEGORY_COUNT 21

/* Where a command runs. */
enum command_route {
    ROUTE_INLINE, /* on the reactor; keys through an access. Handed on only for a busy shard. */
    ROUTE_SIZE,   /* inline while it has few keys or arguments, else on the pool */
    ROUTE_POOL,   /* always on the pool */
    ROUTE_QUEUE   /* EXEC: as the session's queued commands want; their keys are its keys */
};

/* What a command needs inside a transaction. */
enum command_inside {
    INSIDE_KEYS,    /* its keys */
    INSIDE_SESSION, /* the session, too */
    INSIDE_LATER,   /* the same, and its answer may come later */
    INSIDE_WHOLE,   /* whole databases: everything is held */
    INSIDE_APART    /* it is not queued: it is about the transaction itself */
};

enum key_spec_begin { KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD, KEY_BEGIN_UNKNOWN };
enum key_spec_find { KEY_FIND_RANGE, KEY_FIND_KEYNUM, KEY_FIND_UNKNOWN };
enum key_spec_flag {
    KEY_SPEC_RO = 1 << 0,
    KEY_SPEC_RW = 1 << 1,
    KEY_SPEC_OW = 1 << 2,
    KEY_SPEC_RM = 1 << 3,
    KEY_SPEC_ACCESS = 1 << 4,
    KEY_SPEC_UPDATE = 1 << 5,
    KEY_SPEC_INSERT = 1 << 6,
    KEY_SPEC_DELETE = 1 << 7,
    KEY_SPEC_NOT_KEY = 1 << 8,
    KEY_SPEC_INCOMPLETE = 1 << 9,
    KEY_SPEC_VARIABLE_FLAGS = 1 << 10
};
#define KEY_SPEC_FLAG_COUNT 11

struct key_spec {
    uint8_t begin; /* enum key_spec_begin */
    uint8_t find;  /* enum key_spec_find */
    uint16_t flags;
    int32_t index; /* argv index, or start_from of a keyword search (negative: from the end) */
    const char *keyword; /* NULL unless KEY_BEGIN_KEYWORD */
    int32_t last;        /* range: relative to begin; negative: from the end (-1: last argument) */
    int32_t step;
    int32_t limit;
    int32_t keynum_index; /* keynum: relative to begin */
    int32_t first_key;    /* keynum: relative to begin */
};

struct command {
    const char *name;         /* lower case, own word: "get", "list" of client|list */
    const char *full_name;    /* "get", "client|list" */
    command_handler *handler; /* NULL for a container without a form of its own */
    const struct command *parent;
    const struct command *subcommands; /* consecutive, sorted by name; NULL if none */
    uint16_t subcommand_count;
    uint16_t id;
    int16_t arity; /* counts the name (both names of a subcommand); negative: at least */
    uint8_t route;
    uint8_t inside; /* enum command_inside */
    uint8_t key_spec_count;
    uint32_t flags;
    uint32_t acl; /* enum command_category */
    const struct key_spec *key_specs;
    /* First spec as the old triple of COMMAND INFO. */
    int16_t first_key;
    int16_t last_key;
    int16_t key_step;
    bool sensitive; /* arguments are kept out of MONITOR and logs (AUTH) */
    /* What the straight path asks at once; made by the generator. */
    bool is_gated;     /* a container, without a handler, or protected */
    bool is_exclusive; /* its access is ACCESS_WRITE: it writes, or has keys that are not RO */
    bool has_one_key;  /* not of ROUTE_POOL, with exactly the key at first_key */
};

/* The generated table (exec/command_table.h). Called once by server, before there are threads:
 * the rows name their handlers, which live above this room. */
struct command_table;
void command_table_use(const struct command_table *table);

/* The command of that name in any letter case, or NULL. A perfect hash over length and letters:
 * one compare. */
const struct command *command_find(struct bytes name);
/* The subcommand argv[1] of a container, or NULL. */
const struct command *command_find_sub(const struct command *container, struct bytes name);
/* By full name in any case: "get", "client|list", NULL if unknown. */
const struct command *command_find_full(struct bytes full_name);
/* By dense id. */
const struct command *command_by_id(uint32_t id);
uint32_t command_table_count(void);    /* with subcommands */
uint32_t command_toplevel_count(void); /* COMMAND COUNT */
/* i-th top-level command, 0 .. command_toplevel_count() - 1, sorted by name. */
const struct command *command_toplevel(uint32_t i);

/* ---- Keys of a call ---- */

struct key_position {
    uint32_t index; /* in argv */
    uint16_t flags; /* of its spec */
};
/* Positions of the keys of a call. Returns the count; at most capacity are written: call again with
 * more room when it is larger. -1 when the arguments do not fit the specs (numkeys is not a number
 * or too large). argc satisfies the arity. */
int command_keys(const struct command *command, const struct bytes *argv, uint32_t argc,
                 struct key_position *positions, uint32_t capacity);

#endif
