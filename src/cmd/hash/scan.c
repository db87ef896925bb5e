/* HSCAN: the fields of a hash in steps.
 *
 * Runs inside a READ access on one key; many at a time on the pool, from a version. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard/base/text.h"
#include "pollard_commands.h"

/* Fields that are visited in the access; more of them are the pool's work, in slices of so many. */
#define SCAN_SLICE ((uint64_t)1000)
#define SCAN_COUNT_DEFAULT 10

struct scan_options {
    uint64_t cursor;
    uint64_t count;
    struct bytes pattern; /* of size 0 with data NULL: all */
    bool has_no_values;
};

struct collector {
    const struct scan_options *options;
    struct reply *reply;
    size_t count; /* items replied */
};

static void collect(void *argument, const struct element *element)
{
    struct collector *collector = argument;
    const struct scan_options *options = collector->options;
    unsigned char scratch[ITEM_SCRATCH];
    if (options->pattern.data != NULL &&
        !text_glob(options->pattern, item_text(&element->member, scratch), false)) {
        return;
    }
    reply_item(collector->reply, &element->member);
    collector->count++;
    if (!options->has_no_values) {
        reply_item(collector->reply, &element->value);
        collector->count++;
    }
}

static enum status read_options(const struct exec *x, struct scan_options *options)
{
    int64_t count = SCAN_COUNT_DEFAULT;
    for (uint32_t i = 3; i < x->argc; i++) {
        bool has_operand = i + 1 < x->argc;
        if (has_operand && argument_is(x, i, "count")) {
            if (argument_integer(x, ++i, &count) != STATUS_OK) {
                return STATUS_NOT_INTEGER;
            }
            if (count < 1) {
                return STATUS_SYNTAX;
            }
        } else if (has_operand && argument_is(x, i, "match")) {
            options->pattern = x->argv[++i];
        } else if (argument_is(x, i, "novalues")) {
            options->has_no_values = true;
        } else {
            return STATUS_SYNTAX;
        }
    }
    options->count = (uint64_t)count;
    if (bytes_equal(options->pattern, bytes_text("*"))) {
        options->pattern = bytes_make(NULL, 0);
    }
    return STATUS_OK;
}

static void scan(struct exec *x, const struct collection *hash, const struct scan_options *options,
                 bool breathes)
{
    /* The cursor goes before the fields but is known only after them. */
    struct chain chain = {0};
    struct reply fields;
    reply_init(&fields, &chain, x->protocol);
    struct collector collector = {.options = options, .reply = &fields};
    struct hash_scan step = {
        .cursor = options->cursor, .now_ms = x->now_ms, .visit = collect, .argument = &collector};
    uint64_t left = options->count;
    do {
        step.count = left < SCAN_SLICE ? left : SCAN_SLICE;
        step.cursor = hash_scan(hash, &step);
        left -= step.count;
    } while (step.cursor != 0 && left > 0 && !(breathes && exec_breathe(x)));
    reply_array(x->reply, 2);
    reply_bulk_format(x->reply, "%llu", (unsigned long long)step.cursor);
    reply_array(x->reply, collector.count);
    chain_splice(x->reply->chain, &chain);
}

/* A long scan, from a version. */
struct scan_work {
    struct exec_work work; /* first */
    struct collection *hash;
    struct scan_options options;
};

static enum status run(struct exec *x, struct exec_work *work)
{
    struct scan_work *mine = (struct scan_work *)work;
    scan(x, mine->hash, &mine->options, /* breathes= */ true);
    return STATUS_REPLIED;
}

static void release(struct exec_work *work, struct keyspace *keyspace)
{
    struct scan_work *mine = (struct scan_work *)work;
    keyspace_discard_collection(keyspace, mine->hash);
    mem_free(mine);
}

static enum status scan_without_lock(struct exec *x, struct collection *hash,
                                     const struct scan_options *options)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct scan_work *mine = mem_alloc(sizeof(*mine));
    *mine = (struct scan_work){.work = {.run = run, .free = release},
                               .hash = collection_acquire(hash),
                               .options = *options};
    x->work = &mine->work;
    return STATUS_COMPUTE;
}

enum status cmd_hscan(struct exec *x)
{
    struct collection *hash;
    struct scan_options options = {0};
    if (!argument_cursor(x, 2, &options.cursor)) {
        return STATUS_INVALID_CURSOR;
    }
    enum status status = collection_find(x, 0, VALUE_HASH, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_array(x->reply, 2);
        reply_bulk_text(x->reply, "0");
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    if (options.count > SCAN_SLICE && collection_count(hash) > SCAN_SLICE) {
        return scan_without_lock(x, hash, &options);
    }
    scan(x, hash, &options, /* breathes= */ false);
    return STATUS_OK;
}
