/* Finding commands: the lookup over the generated table.
 *
 * On the hot path: each request is looked up once, by name. Any thread; the table is constant.
 *
 * The perfect hash: a name becomes two words (its first and last eight bytes; a shorter name is
 * packed into the first), letters folded to lower case by setting bit 5. The two words and the
 * size are mixed and multiplied; the top bits pick a displacement, which added to middle bits picks
 * the one slot where the name can be. The generator (table/perfect_hash.py) computes the same and
 * proves that no two commands meet. */
#include "pollard/exec/command_table.h"
#include "pollard/base/check.h"

/* Bit 5 of each byte: what tells 'a' from 'A'. */
#define FOLD UINT64_C(0x2020202020202020)

/* Set once before there are threads: exec must not link to the handlers that the rows name. */
static const struct command_table *table;

void command_table_use(const struct command_table *generated)
{
    table = generated;
}

/* Eight or four bytes as a little-endian number, on any machine. */
static inline uint64_t load_8(const unsigned char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t load_4(const unsigned char *data)
{
    uint32_t word;
    memcpy(&word, data, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* 1 to 7 bytes in one word, reading no byte beyond them. */
static inline uint64_t pack_short(struct bytes name)
{
    const unsigned char *data = name.data;
    if (name.size >= 4) {
        return load_4(data) | load_4(data + name.size - 4) << 32;
    }
    return (uint64_t)data[0] | (uint64_t)data[name.size / 2] << 8 |
           (uint64_t)data[name.size - 1] << 16;
}

const struct command *command_find(struct bytes name)
{
    if (UNLIKELY(name.size == 0)) {
        return NULL;
    }
    uint64_t first;
    uint64_t last;
    if (name.size >= 8) {
        first = load_8(name.data) | FOLD;
        last = load_8(name.data + name.size - 8) | FOLD;
    } else {
        first = pack_short(name) | FOLD;
        last = 0;
    }
    uint64_t mixed = first ^ (last << 25 | last >> 39) ^ name.size;
    uint64_t hash = (mixed ^ mixed >> 32) * table->multiplier;
    uint32_t place = (uint32_t)(hash >> 32) + table->displacements[hash >> table->bucket_shift];
    const struct command_slot *slot = &table->slots[place & table->slot_mask];
    if (UNLIKELY(slot->size != name.size || slot->first != first || slot->last != last)) {
        return NULL;
    }
    if (UNLIKELY(slot->careful) && !bytes_is(name, slot->command->name)) {
        return NULL;
    }
    return slot->command;
}

const struct command *command_find_sub(const struct command *container, struct bytes name)
{
    for (uint32_t i = 0; i < container->subcommand_count; i++) {
        if (bytes_is(name, container->subcommands[i].name)) {
            return &container->subcommands[i];
        }
    }
    return NULL;
}

const struct command *command_find_full(struct bytes full_name)
{
    const unsigned char *bar =
        full_name.size == 0 ? NULL : memchr(full_name.data, '|', full_name.size);
    if (bar == NULL) {
        return command_find(full_name);
    }
    size_t size = (size_t)(bar - full_name.data);
    const struct command *container = command_find(bytes_make(full_name.data, size));
    return container == NULL
               ? NULL
               : command_find_sub(container, bytes_make(bar + 1, full_name.size - size - 1));
}

const struct command *command_by_id(uint32_t id)
{
    check(id < table->count);
    return &table->commands[id];
}

uint32_t command_table_count(void)
{
    return table->count;
}

uint32_t command_toplevel_count(void)
{
    return table->toplevel_count;
}

const struct command *command_toplevel(uint32_t i)
{
    check(i < table->toplevel_count);
    return &table->commands[i];
}

const struct command_docs *command_docs(const struct command *command)
{
    return &table->docs[command->id];
}

const char *command_flag_name(uint32_t bit)
{
    /* Redis keeps the others to itself. */
    static const char *const names[COMMAND_FLAG_COUNT] = {
        "write",
        "readonly",
        "denyoom",
        "admin",
        "pubsub",
        "noscript",
        "blocking",
        "loading",
        "stale",
        "skip_monitor",
        "skip_slowlog",
        "asking",
        "fast",
        "no_auth",
        "may_replicate",
        NULL,
        NULL,
        "no_mandatory_keys",
        NULL,
        "no_async_loading",
        "no_multi",
        "movablekeys",
        "allow_busy",
        NULL,
    };
    check(bit < COMMAND_FLAG_COUNT);
    return names[bit];
}

const char *command_category_name(uint32_t bit)
{
    static const char *const names[COMMAND_CATEGORY_COUNT] = {
        "@keyspace",   "@read",        "@write",     "@set",         "@sortedset", "@list",
        "@hash",       "@string",      "@bitmap",    "@hyperloglog", "@geo",       "@stream",
        "@pubsub",     "@admin",       "@fast",      "@slow",        "@blocking",  "@dangerous",
        "@connection", "@transaction", "@scripting",
    };
    check(bit < COMMAND_CATEGORY_COUNT);
    return names[bit];
}

uint32_t command_category_find(struct bytes name)
{
    for (uint32_t bit = 0; bit < COMMAND_CATEGORY_COUNT; bit++) {
        if (bytes_is(name, command_category_name(bit) + 1)) {
            return UINT32_C(1) << bit;
        }
    }
    return 0;
}

const char *key_spec_flag_name(uint32_t bit)
{
    static const char *const names[KEY_SPEC_FLAG_COUNT] = {
        "RO",     "RW",     "OW",      "RM",         "access",         "update",
        "insert", "delete", "not_key", "incomplete", "variable_flags",
    };
    check(bit < KEY_SPEC_FLAG_COUNT);
    return names[bit];
}
