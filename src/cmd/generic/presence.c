/* Whether keys are there, and getting rid of them: DEL, UNLINK, EXISTS, TOUCH, TYPE.
 *
 * Run inside one access on all keys. Memory of deleted values is freed after the access, big values
 * on the pool, so that DEL and UNLINK are the same. */
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

static enum status delete_keys(struct exec *x)
{
    uint32_t count = x->argc - 1;
    int64_t deleted = 0;
    for (uint32_t i = 0; i < count; i++) {
        deleted += key_delete(x->access, i);
    }
    reply_integer(x->reply, deleted);
    return STATUS_OK;
}

enum status cmd_del(struct exec *x)
{
    return delete_keys(x);
}

enum status cmd_unlink(struct exec *x)
{
    return delete_keys(x);
}

/* Keys named twice count twice. */
static enum status count_keys(struct exec *x, uint32_t flags)
{
    uint32_t count = x->argc - 1;
    int64_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        found += key_find(x->access, i, flags, &value);
    }
    reply_integer(x->reply, found);
    return STATUS_OK;
}

enum status cmd_exists(struct exec *x)
{
    return count_keys(x, KEY_NO_CLOCK);
}

enum status cmd_touch(struct exec *x)
{
    return count_keys(x, 0);
}

enum status cmd_type(struct exec *x)
{
    struct value value;
    bool found = key_find(x->access, 0, KEY_NO_CLOCK, &value);
    reply_simple(x->reply, found ? value_type_name(value.type) : "none");
    return STATUS_OK;
}
