/* OBJECT: how a key is stored.
 *
 * Its subcommands run inside a READ access on one key; asking does not count as using the key. */
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

/* Integers below this are one shared object each in Redis, whose count of references is told as
 * the largest there is; clients that look at the count expect that. */
#define SHARED_INTEGERS 10000

enum status cmd_object_help(struct exec *x)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Tell by which of its forms the value of <key> is stored in memory.",
        "FREQ <key>",
        "    Tell how often <key> is used, on the logarithmic scale of the LFU policies.",
        "IDLETIME <key>",
        "    Tell for how many seconds nobody has used <key>.",
        "REFCOUNT <key>",
        "    Tell how many references there are to the value of <key>.",
        NULL,
    };
    reply_help(x->reply, "OBJECT", lines);
    return STATUS_OK;
}

/* False, with nil replied, when there is no such key. */
static bool find(struct exec *x, struct value *ret_value)
{
    if (key_find(x->access, 0, KEY_NO_CLOCK | KEY_NO_MISS, ret_value)) {
        return true;
    }
    reply_null(x->reply);
    return false;
}

enum status cmd_object_encoding(struct exec *x)
{
    struct value value;
    if (find(x, &value)) {
        reply_bulk_text(x->reply, value_encoding_name(value.encoding));
    }
    return STATUS_OK;
}

enum status cmd_object_refcount(struct exec *x)
{
    struct value value;
    if (find(x, &value)) {
        bool is_shared =
            value.encoding == ENCODING_INT && value.integer >= 0 && value.integer < SHARED_INTEGERS;
        reply_integer(x->reply, is_shared ? INT32_MAX : 1);
    }
    return STATUS_OK;
}

enum status cmd_object_idletime(struct exec *x)
{
    struct value value;
    if (!find(x, &value)) {
        return STATUS_OK;
    }
    if (!keyspace_knows_idle(x->services->keyspace_options)) {
        bool is_lfu = keyspace_knows_uses(x->services->keyspace_options);
        return is_lfu ? STATUS_NO_IDLE_TIME : STATUS_NO_CLOCK;
    }
    reply_integer(x->reply, key_idle_s(x->access, 0));
    return STATUS_OK;
}

enum status cmd_object_freq(struct exec *x)
{
    struct value value;
    if (!find(x, &value)) {
        return STATUS_OK;
    }
    if (!keyspace_knows_uses(x->services->keyspace_options)) {
        return STATUS_NO_LFU;
    }
    reply_integer(x->reply, key_uses(x->access, 0));
    return STATUS_OK;
}
