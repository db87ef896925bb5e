/* Whether keys are there, and getting rid of them: DEL, UNLINK, DELPREFIX, EXISTS, TOUCH, TYPE.
 *
 * Run inside one access on all keys; DELPREFIX has none, and walks. Memory of deleted values is
 * freed after the access, big values on the pool, so that DEL and UNLINK are the same. */
#include "../arguments.h"
#include "pollard_commands.h"

struct tally {
    int64_t count;
    uint32_t flags; /* of key_find */
};

typedef void visit_key(void *tally, struct access *access, uint32_t index);

/* Replies what visit counted over all keys. */
static enum status count_over_keys(struct exec *x, visit_key *visit, uint32_t flags)
{
    struct tally tally = {.flags = flags};
    uint32_t count = x->argc - 1;
    if (count >= ARGUMENT_BATCH_KEYS) {
        access_each_by_shard(x->access, visit, &tally);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            visit(&tally, x->access, i);
        }
    }
    reply_integer(x->reply, tally.count);
    return STATUS_OK;
}

static void delete_key(void *argument, struct access *access, uint32_t index)
{
    struct tally *tally = argument;
    if (key_delete(access, index)) {
        key_event(access, index, EVENT_del);
        tally->count++;
    }
}

enum status cmd_del(struct exec *x)
{
    return count_over_keys(x, delete_key, 0);
}

enum status cmd_unlink(struct exec *x)
{
    return count_over_keys(x, delete_key, 0);
}

/* Is the server going down? A client that has gone is no reason to stop half-way. */
static bool server_ends(const struct exec *x)
{
    const struct services *services = x->services;
    return x->cancelled != NULL &&
           atomic_load_explicit((_Atomic bool *)x->cancelled, memory_order_relaxed) &&
           atomic_load_explicit((_Atomic bool *)&services->shutting_down, memory_order_relaxed);
}

enum status cmd_delprefix(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct key_prefix_walk walk = {.prefix = x->argv[1], .db = x->db, .client_id = x->client_id};
    while (keyspace_delete_prefix(x->services->keyspace, &walk) && !server_ends(x)) {
    }
    reply_integer(x->reply, (int64_t)walk.deleted);
    return STATUS_OK;
}

/* Keys named twice count twice. */
static void find_key(void *argument, struct access *access, uint32_t index)
{
    struct tally *tally = argument;
    struct value value;
    tally->count += key_find(access, index, tally->flags, &value);
}

enum status cmd_exists(struct exec *x)
{
    return count_over_keys(x, find_key, KEY_NO_CLOCK);
}

enum status cmd_touch(struct exec *x)
{
    return count_over_keys(x, find_key, 0);
}

enum status cmd_type(struct exec *x)
{
    struct value value;
    bool found = key_find(x->access, 0, KEY_NO_CLOCK, &value);
    reply_simple(x->reply, found ? value_type_name(value.type) : "none");
    return STATUS_OK;
}
