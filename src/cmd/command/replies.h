/* Pieces of replies that several of COMMAND's subcommands share. Thread of the call. */
#ifndef POLLARD_CMD_COMMAND_REPLIES_H
#define POLLARD_CMD_COMMAND_REPLIES_H

#include "pollard/exec/exec.h"

/* A set of the names of the bits that are set, as simple strings; name gives NULL for bits that
 * are not told. */
void command_reply_bits(struct reply *reply, uint32_t bits, uint32_t bit_count,
                        const char *(*name)(uint32_t bit));

#endif
