/* A target's layout. Private to pubsub. */
#ifndef POLLARD_PUBSUB_TARGET_H
#define POLLARD_PUBSUB_TARGET_H

#include "pollard/ds/index.h"
#include "pollard/pubsub/pubsub.h"
#include <stdatomic.h>

/* A reactor's share of a target. count is changed under the target's lock, the rest by the
 * reactor's thread. */
struct target_part {
    union {
        struct seated one; /* while capacity is 0 */
        struct seated *many;
    };
    uint32_t size; /* seated */
    uint32_t capacity;
    uint32_t count;   /* counted */
    bool is_given_up; /* all of those; under the lock */
    _Atomic uint64_t waiting;
};

struct target {
    struct index_node node; /* first */
    _Atomic uint32_t refs;
    uint32_t part_count;
    enum pubsub_space space;
    uint64_t total; /* of all parts' counts: under the lock */
    size_t name_size;
    unsigned char *name; /* behind the parts */
    struct target_part parts[];
};

/* With one reference, in no index. */
ATTR_MUST_USE struct target *target_create(enum pubsub_space space, struct bytes name,
                                           uint64_t hash, uint32_t reactors);

#endif
