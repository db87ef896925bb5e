/* What the checker knows of an operation before it searches: the keys it reads and writes, judged
 * by its recorded reply too, and whether it can be put anywhere without harm. */
#include "history.h"

/* Whether the command changes nothing in any state in which it gives this reply. */
static bool is_idle(const struct command *command, const int64_t *reply, int count)
{
    switch (command->kind) {
    case COMMAND_GET:
    case COMMAND_MGET:
    case COMMAND_EXISTS:
    case COMMAND_LLEN:
    case COMMAND_LRANGE:
    case COMMAND_ZSCORE:
    case COMMAND_ZRANGE:
        return true;
    case COMMAND_SETNX:
    case COMMAND_GETDEL:
    case COMMAND_POP:
    case COMMAND_POP_COUNT:
    case COMMAND_LMOVE:
    case COMMAND_BPOP:
    case COMMAND_BLMOVE:
    case COMMAND_BLMPOP:
    case COMMAND_BZPOP:
    case COMMAND_BZMPOP:
        return count == 1 && token_kind(reply[0]) == TOKEN_NIL;
    case COMMAND_DEL:
    case COMMAND_MSETNX:
    case COMMAND_COPY:
    case COMMAND_ZREM:
        return count == 1 && reply[0] == token_make(TOKEN_INTEGER, 0);
    case COMMAND_RENAME:
        return count == 1 && token_kind(reply[0]) == TOKEN_ERROR;
    case COMMAND_ZPOP:
        return count == 0;
    default:
        return false;
    }
}

void facts_find(const struct row *row, struct facts *ret_facts)
{
    uint8_t watched[CLIENTS + 1] = {0};
    for (int i = 0; i < row->count; i++) {
        const struct op *op = &row->ops[i];
        struct facts *facts = &ret_facts[i];
        facts->clients = 1u << op->client;
        facts->reads = watched[op->client];
        facts->is_final = op->kind != OP_WATCH;
        if (op->kind == OP_WATCH) {
            facts->reads = watched[op->client] |= op->watch_mask;
        } else if (op->kind != OP_SINGLE) {
            watched[op->client] = 0;
        }
        bool is_aborted = op->reply_count == 1 && token_kind(op->reply[0]) == TOKEN_ABORTED;
        for (unsigned k = 0; k < op->command_count && !is_aborted; k++) {
            const struct command *command = &op->commands[k];
            /* Inside a transaction a reply is not told apart from the next one's. */
            bool is_single = op->kind == OP_SINGLE;
            bool idles = is_idle(command, op->reply, is_single ? op->reply_count : -1);
            for (unsigned key = 0; key < command->key_count; key++) {
                facts->reads |= (uint8_t)(1u << command->keys[key]);
                facts->writes |= idles ? 0 : (uint8_t)(1u << command->keys[key]);
            }
            facts->is_final = facts->is_final && idles;
        }
    }
}
