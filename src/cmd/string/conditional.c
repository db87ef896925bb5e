/* Conditional deletes: DELEX, DELIFEQ.
 *
 * Run inside a WRITE access on one key. */
#include "common.h"
#include "pollard_commands.h"

/* Deletes the string under the key if the condition holds. */
static enum status delete_if(struct exec *x, const struct condition *condition)
{
    struct value value;
    enum status status = string_find(x, 0, KEY_QUIET, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    bool deletes = status == STATUS_OK && condition_holds(x, condition, &value);
    reply_integer(x->reply, deletes && key_remove(x, 0) ? 1 : 0);
    return STATUS_OK;
}

enum status cmd_delex(struct exec *x)
{
    if (x->argc == 2) {
        reply_integer(x->reply, key_remove(x, 0) ? 1 : 0);
        return STATUS_OK;
    }
    if (x->argc != 4) {
        return argument_refuse_count(x);
    }
    struct condition condition = {0};
    uint32_t index = 2;
    enum status status = condition_read(x, &index, &condition);
    if (status == STATUS_ABSENT || !condition_compares(&condition)) {
        return STATUS_SYNTAX;
    }
    return status == STATUS_OK ? delete_if(x, &condition) : status;
}

enum status cmd_delifeq(struct exec *x)
{
    const struct condition condition = {.kind = CONDITION_IFEQ, .argument = 2};
    return delete_if(x, &condition);
}
