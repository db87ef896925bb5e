/* What the blocking commands of several groups do alike. */
#ifndef POLLARD_CMD_BLOCKING_H
#define POLLARD_CMD_BLOCKING_H

#include "collection.h"

/* Takes an element off the collection under the key, at the end or side that the command means, and
 * replies it with the key's name. Returns the event to tell. */
typedef enum key_event blocking_take(struct exec *x, uint32_t key_index, struct collection **at,
                                     int end);
/* A command whose arguments are keys and a time-out: takes one element of the first collection of
 * the type there is, or waits for one. What the handler has to return. */
enum status blocking_pop_first(struct exec *x, enum value_type type, blocking_take *take, int end);

#endif
