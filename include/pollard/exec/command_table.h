/* The form of the generated command table: for the generated code, and the lookup over it. */
#ifndef POLLARD_EXEC_COMMAND_TABLE_H
#define POLLARD_EXEC_COMMAND_TABLE_H

#include "pollard/exec/command.h"
#include "pollard/exec/command_docs.h"

/* A place of the perfect hash. An empty one has size 0, which no name has. */
struct command_slot {
    /* command_find's two words of the name, letters in lower case. */
    uint64_t first;
    uint64_t last;
    const struct command *command;
    uint32_t size;
    bool careful; /* the words do not cover the name, or folding would blur it: compare it whole */
};

/* Top-level commands first, sorted by name; then the subcommands, container by container. The
 * index is the id. */
struct command_table {
    const struct command_slot *slots;
    const uint16_t *displacements;
    uint64_t multiplier;
    uint32_t slot_mask;
    uint32_t bucket_shift;
    uint32_t toplevel_count;
    uint32_t count;
    const struct command *commands;
    const struct command_docs *docs; /* by id */
};

#endif
