/* Finding keys by their names: SCAN, KEYS, RANDOMKEY.
 *
 * These commands have no keys: the keyspace takes its locks itself, a shard at a time. What runs
 * under a lock only compares names and appends to the reply. */
#include "../arguments.h"
#include "pollard/base/text.h"
#include "pollard_commands.h"

/* Keys that SCAN visits in one go: the most for a reactor, and a slice on the pool. */
#define SCAN_SLICE ((uint64_t)1000)
#define SCAN_COUNT_DEFAULT 10

enum type_filter { TYPE_ANY = -2, TYPE_UNKNOWN = -1 };

/* Chooses keys, and collects those that pass. */
struct name_filter {
    struct bytes prefix; /* what the pattern begins with literally: the cheap half of the test */
    struct bytes rest;   /* the pattern behind it */
    bool takes_any_rest; /* rest is a lone star */
    int type;            /* enum value_type, or enum type_filter */
    struct reply *reply;
    size_t count;
};

static struct name_filter make_filter(struct bytes pattern, struct reply *reply)
{
    size_t literal = 0;
    while (literal < pattern.size && memchr("*?[\\", pattern.data[literal], 4) == NULL) {
        literal++;
    }
    struct bytes rest = bytes_make(pattern.data + literal, pattern.size - literal);
    return (struct name_filter){
        .prefix = bytes_make(pattern.data, literal),
        .rest = rest,
        .takes_any_rest = rest.size == 1 && rest.data[0] == '*',
        .type = TYPE_ANY,
        .reply = reply,
    };
}

static bool name_passes(const struct name_filter *filter, struct bytes name)
{
    size_t prefix = filter->prefix.size;
    if (name.size < prefix || (prefix > 0 && memcmp(name.data, filter->prefix.data, prefix) != 0)) {
        return false;
    }
    if (filter->takes_any_rest) {
        return true;
    }
    struct bytes rest = bytes_make(name.data + prefix, name.size - prefix);
    return filter->rest.size == 0 ? rest.size == 0 : text_glob(filter->rest, rest, false);
}

static void collect(void *argument, const struct key_view *key)
{
    struct name_filter *filter = argument;
    if (filter->type != TYPE_ANY && filter->type != (int)key->value.type) {
        return;
    }
    if (name_passes(filter, key->name)) {
        reply_bulk(filter->reply, key->name);
        filter->count++;
    }
}

enum status cmd_keys(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct name_filter filter = make_filter(x->argv[1], x->reply);
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    keyspace_walk(x->services->keyspace, x->db, collect, x->cancelled, &filter);
    reply_later_end(x->reply, &later, REPLY_ARRAY, filter.count);
    return STATUS_OK;
}

struct scan_options {
    int64_t count;
    struct bytes pattern;
    int type;
};

static enum status read_scan_options(const struct exec *x, struct scan_options *options)
{
    for (uint32_t i = 2; i < x->argc; i += 2) {
        if (i + 1 >= x->argc) {
            return STATUS_SYNTAX;
        }
        if (argument_is(x, i, "count")) {
            if (argument_integer(x, i + 1, &options->count) != STATUS_OK) {
                return STATUS_NOT_INTEGER;
            }
            if (options->count < 1) {
                return STATUS_SYNTAX;
            }
        } else if (argument_is(x, i, "match")) {
            options->pattern = x->argv[i + 1];
        } else if (argument_is(x, i, "type")) {
            /* A type that does not exist is no error: no key has it. */
            int type = value_type_find(x->argv[i + 1]);
            options->type = type < 0 ? TYPE_UNKNOWN : type;
        } else {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}

/* Scans count keys in slices; on the pool, others may go in between. Returns the next cursor. */
static uint64_t scan_slices(struct exec *x, uint64_t cursor, uint64_t count,
                            struct name_filter *filter)
{
    for (;;) {
        uint64_t slice = count < SCAN_SLICE ? count : SCAN_SLICE;
        cursor = keyspace_scan(x->services->keyspace, &(struct key_scan){x->db, cursor, slice},
                               collect, filter);
        count -= slice;
        if (cursor == 0 || count == 0 || exec_breathe(x)) {
            return cursor;
        }
    }
}

enum status cmd_scan(struct exec *x)
{
    uint64_t cursor;
    if (!argument_cursor(x, 1, &cursor)) {
        return STATUS_INVALID_CURSOR;
    }
    struct scan_options options = {
        .count = SCAN_COUNT_DEFAULT, .pattern = bytes_text("*"), .type = TYPE_ANY};
    enum status status = read_scan_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t count = (uint64_t)options.count;
    if (count > SCAN_SLICE && exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    /* The cursor goes before the names but is known only after them. */
    struct chain chain = {0};
    struct reply names;
    reply_init(&names, &chain, x->protocol);
    struct name_filter filter = make_filter(options.pattern, &names);
    filter.type = options.type;
    cursor = scan_slices(x, cursor, count, &filter);
    reply_array(x->reply, 2);
    reply_bulk_format(x->reply, "%llu", (unsigned long long)cursor);
    reply_array(x->reply, filter.count);
    chain_splice(x->reply->chain, &chain);
    return STATUS_OK;
}

enum status cmd_randomkey(struct exec *x)
{
    struct buf name = {0};
    if (keyspace_random(x->services->keyspace, x->db, &name)) {
        reply_bulk(x->reply, buf_bytes(&name));
    } else {
        reply_null(x->reply);
    }
    buf_deinit(&name);
    return STATUS_OK;
}
