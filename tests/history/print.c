/* Operations and states as text, for whoever reads of a violation. */
#include "history.h"
#include <inttypes.h>
#include <stdio.h>

static void print_token(int64_t token)
{
    switch (token_kind(token)) {
    case TOKEN_NIL:
        printf(" nil");
        break;
    case TOKEN_OK:
        printf(" OK");
        break;
    case TOKEN_ABORTED:
        printf(" aborted");
        break;
    case TOKEN_NEXT:
        printf(" |");
        break;
    case TOKEN_KEY:
        printf(" key %" PRId32, token_value(token));
        break;
    case TOKEN_ERROR:
        printf(" error %" PRId32, token_value(token));
        break;
    default:
        printf(" %" PRId32, token_value(token));
    }
}

void op_print(const struct op *op, int64_t begin_ns)
{
    char text[256];
    printf("  client %2d  %9.1f to %9.1f us  ", op->client,
           (double)(op->invoked_ns - begin_ns) / 1e3, (double)(op->returned_ns - begin_ns) / 1e3);
    if (op->kind == OP_WATCH || op->kind == OP_UNWATCH) {
        printf(op->kind == OP_WATCH ? "WATCH" : "UNWATCH");
        for (unsigned key = 0; key < KEYS; key++) {
            if (op->watch_mask & (1u << key)) {
                printf(" key:%u", op->group * KEYS + key);
            }
        }
    }
    printf(op->kind == OP_TXN ? "MULTI" : "");
    for (unsigned i = 0; i < op->command_count; i++) {
        size_t length = command_text(&op->commands[i], op->group, text, sizeof(text));
        printf("%s%.*s", op->kind == OP_TXN ? " | " : "", (int)length, text);
    }
    printf("%s  ->", op->kind == OP_TXN ? " | EXEC" : "");
    for (int i = 0; i < op->reply_count; i++) {
        print_token(op->reply[i]);
    }
    printf("\n");
}

void state_print(const struct state *state, unsigned group)
{
    for (unsigned k = 0; k < 2; k++) {
        printf("  key:%u = %" PRId32 "   key:%u =", group * KEYS + KEY_STRING + k,
               state->strings[k], group * KEYS + KEY_LIST + k);
        for (int i = 0; i < state->list_count[k]; i++) {
            printf(" %" PRId32, state->lists[k][i]);
        }
        printf("   key:%u =", group * KEYS + KEY_ZSET + k);
        for (unsigned member = 0; member < MEMBERS; member++) {
            if (state->members[k] & (1u << member)) {
                printf(" %02u:%" PRId32, member, state->scores[k][member]);
            }
        }
        printf("\n");
    }
    for (unsigned client = 0; client < CLIENTS; client++) {
        if (state->watched[client] != 0) {
            printf("  client %u watches (mask %x), %s\n", client, state->watched[client],
                   state->dirty & (1u << client) ? "changed since" : "unchanged");
        }
    }
}
