/* What COMMAND DOCS and COMMAND INFO tell about a command beside what dispatch needs: generated
 * from the same files, off the hot path. All texts are static; any thread. */
#ifndef POLLARD_EXEC_COMMAND_DOCS_H
#define POLLARD_EXEC_COMMAND_DOCS_H

#include "pollard/exec/command.h"

enum command_argument_flag {
    ARGUMENT_OPTIONAL = 1 << 0,
    ARGUMENT_MULTIPLE = 1 << 1,      /* may be given several times */
    ARGUMENT_MULTIPLE_TOKEN = 1 << 2 /* each time with its token */
};

struct command_argument {
    const char *name;
    const char *type;                         /* "string", "key", "oneof", "pure-token", ... */
    const char *token;                        /* NULL if none */
    const char *since;                        /* NULL: as old as the command */
    const char *deprecated_since;             /* NULL if it is not */
    const struct command_argument *arguments; /* of a oneof or a block */
    uint16_t argument_count;
    uint8_t flags;         /* enum command_argument_flag */
    int8_t key_spec_index; /* -1 if it is no key */
};

struct command_change {
    const char *since;
    const char *text;
};

struct command_docs {
    const char *summary;
    const char *since;
    const char *group;
    const char *complexity;
    const char *deprecated_since; /* NULL if it is not */
    const char *replaced_by;      /* NULL if not deprecated */
    const struct command_change *history;
    const struct command_argument *arguments;
    const char *const *tips;
    const char *const *key_notes; /* one a key spec, each may be NULL; NULL if there are none */
    uint16_t history_count;
    uint16_t argument_count;
    uint16_t tip_count;
    bool is_system; /* the doc flag "syscmd" */
};

const struct command_docs *command_docs(const struct command *command);

/* The name of bit 0 .. COMMAND_FLAG_COUNT - 1; NULL for flags that COMMAND INFO does not tell. */
const char *command_flag_name(uint32_t bit);
/* Of bit 0 .. COMMAND_CATEGORY_COUNT - 1, with the '@'. */
const char *command_category_name(uint32_t bit);
/* The category of that name without '@', in any case; 0 if there is none. */
uint32_t command_category_find(struct bytes name);
/* Of bit 0 .. KEY_SPEC_FLAG_COUNT - 1. */
const char *key_spec_flag_name(uint32_t bit);

#endif
