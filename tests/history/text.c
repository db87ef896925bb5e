/* How each command is written, for the wire and for messages. */
#include "history.h"
#include <stdio.h>
#include <string.h>

/* kN is a key, vN an argument, k* and v* are all of them, # is the number of keys, mN a member, t
 * the time-out, dN LEFT or RIGHT, eN MIN or MAX; inside a word ? is L or R, and @ is IN or AX. */
static const char *const TEXTS[COMMAND_COUNT] = {
    [COMMAND_GET] = "GET k0",
    [COMMAND_SET] = "SET k0 v0",
    [COMMAND_SETNX] = "SET k0 v0 NX",
    [COMMAND_SETGET] = "SET k0 v0 GET",
    [COMMAND_INCRBY] = "INCRBY k0 v0",
    [COMMAND_GETDEL] = "GETDEL k0",
    [COMMAND_MGET] = "MGET k*",
    [COMMAND_MSET] = "MSET k0 v0 k1 v1",
    [COMMAND_MSETNX] = "MSETNX k0 v0 k1 v1",
    [COMMAND_DEL] = "DEL k*",
    [COMMAND_EXISTS] = "EXISTS k*",
    [COMMAND_RENAME] = "RENAME k0 k1",
    [COMMAND_COPY] = "COPY k0 k1 REPLACE",
    [COMMAND_PUSH] = "?PUSH k0 v*",
    [COMMAND_POP] = "?POP k0",
    [COMMAND_POP_COUNT] = "?POP k0 v0",
    [COMMAND_LLEN] = "LLEN k0",
    [COMMAND_LRANGE] = "LRANGE k0 0 -1",
    [COMMAND_LMOVE] = "LMOVE k0 k1 d0 d1",
    [COMMAND_ZADD] = "ZADD k0 v0 m1",
    [COMMAND_ZREM] = "ZREM k0 m0",
    [COMMAND_ZINCRBY] = "ZINCRBY k0 v0 m1",
    [COMMAND_ZSCORE] = "ZSCORE k0 m0",
    [COMMAND_ZRANGE] = "ZRANGE k0 0 -1 WITHSCORES",
    [COMMAND_ZPOP] = "ZPOPM@ k0",
    [COMMAND_ZSTORE] = "ZUNIONSTORE k0 1 k1",
    [COMMAND_BPOP] = "B?POP k* t",
    [COMMAND_BLMOVE] = "BLMOVE k0 k1 d0 d1 t",
    [COMMAND_BLMPOP] = "BLMPOP t # k* d0 COUNT v0",
    [COMMAND_BZPOP] = "BZPOPM@ k* t",
    [COMMAND_BZMPOP] = "BZMPOP t # k* e0",
};

/* One word of a text, written out. */
static int word_text(const struct command *command, unsigned group, const char *word, char *text,
                     size_t size)
{
    unsigned index = (unsigned)(word[1] - '0');
    switch (word[0]) {
    case 'k':
        return snprintf(text, size, "key:%u", group * KEYS + command->keys[index]);
    case 'v':
        return snprintf(text, size, "%d", command->args[index]);
    case 'm': /* a member is two digits, so that order by name is order by number */
        return snprintf(text, size, "%02d", command->args[index]);
    case 't':
        return snprintf(text, size, "0.%03u", command->timeout_ms);
    case '#':
        return snprintf(text, size, "%u", command->key_count);
    case 'd':
        return snprintf(text, size, "%s", command->ends[index] ? "RIGHT" : "LEFT");
    case 'e':
        return snprintf(text, size, "%s", command->ends[index] ? "MAX" : "MIN");
    default:
        break;
    }
    size_t length = 0;
    for (; *word != '\0' && *word != ' ' && length + 3 < size; word++) {
        if (*word == '?') {
            text[length++] = command->ends[0] ? 'R' : 'L';
        } else if (*word == '@') {
            text[length++] = command->ends[0] ? 'A' : 'I';
            text[length++] = command->ends[0] ? 'X' : 'N';
        } else {
            text[length++] = *word;
        }
    }
    text[length] = '\0';
    return (int)length;
}

size_t command_text(const struct command *command, unsigned group, char *ret_text, size_t size)
{
    size_t length = 0;
    for (const char *word = TEXTS[command->kind]; word != NULL;) {
        unsigned repeat = 1;
        char star[3] = {word[0], '0', '\0'};
        bool is_star = word[1] == '*';
        if (is_star) {
            repeat = word[0] == 'k' ? command->key_count : command->arg_count;
        }
        for (unsigned i = 0; i < repeat; i++) {
            star[1] = (char)('0' + i);
            if (size - length < 32) {
                return 0;
            }
            ret_text[length] = ' ';
            length += length > 0;
            length += (size_t)word_text(command, group, is_star ? star : word, ret_text + length,
                                        size - length);
        }
        word = strchr(word, ' ');
        word = word != NULL ? word + 1 : NULL;
    }
    return length;
}
