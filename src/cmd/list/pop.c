/* Items taken off the ends of lists: LPOP, RPOP, LMPOP; and LTRIM, which takes all but a range.
 *
 * Run inside a WRITE access. What leaves a list in bulk is cut off in one step and freed after the
 * lock; the reply of many is rendered from the version before. */
#include "../blocking.h"
#include "common.h"
#include "pollard_commands.h"

static enum key_event pop_event(enum list_end end)
{
    return end == LIST_HEAD ? EVENT_lpop : EVENT_rpop;
}

static enum status pop_one(struct exec *x, enum list_end end)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (UNLIKELY(status != STATUS_OK)) {
        if (status == STATUS_ABSENT) {
            reply_null(x->reply);
            return STATUS_OK;
        }
        return status;
    }
    struct list_popped popped;
    list_pop(edit.at, end, list_limits(x), &popped);
    reply_item(x->reply, &popped.item);
    list_popped_end(&popped);
    return edit_end(x, &edit, pop_event(end));
}

/* Replies and removes so many items, or all there are. */
static enum status pop_many(struct exec *x, uint32_t key_index, enum list_end end, uint64_t wanted)
{
    struct collection *list;
    enum status status = list_find(x, key_index, &list);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t held = collection_count(list);
    uint64_t count = wanted < held ? wanted : held;
    reply_array(x->reply, (size_t)count);
    if (count == 0) {
        return STATUS_OK;
    }
    const struct stream stream = {.count = count, .is_reverse = end == LIST_TAIL};
    stream_elements(x, list, &stream);
    if (count == held) {
        key_event(x->access, key_index, pop_event(end));
        (void)key_remove(x, key_index); /* It is there. */
        return STATUS_OK;
    }
    const struct list_slice slice = {end == LIST_HEAD ? 0 : held - count, count};
    return list_cut_key(x, key_index, &slice, pop_event(end));
}

static enum status pop(struct exec *x, enum list_end end)
{
    if (LIKELY(x->argc == 2)) {
        return pop_one(x, end);
    }
    if (x->argc > 3) {
        return argument_refuse_count(x);
    }
    int64_t count;
    if (argument_integer(x, 2, &count) != STATUS_OK || count < 0) {
        return STATUS_NOT_POSITIVE;
    }
    enum status status = pop_many(x, 0, end, (uint64_t)count);
    if (status == STATUS_ABSENT) {
        reply_null_array(x->reply);
        return STATUS_OK;
    }
    return status;
}

enum status cmd_lpop(struct exec *x)
{
    return pop(x, LIST_HEAD);
}

enum status cmd_rpop(struct exec *x)
{
    return pop(x, LIST_TAIL);
}

struct lmpop_options {
    uint32_t keys;
    enum list_end end;
    int64_t count;
};

/* first: where the number of keys stands. */
static enum status read_lmpop(const struct exec *x, uint32_t first, struct lmpop_options *options)
{
    int64_t keys;
    if (argument_integer(x, first, &keys) != STATUS_OK || keys <= 0) {
        return STATUS_NUMKEYS;
    }
    if (keys > (int64_t)x->argc - first - 2) {
        return STATUS_SYNTAX;
    }
    options->keys = (uint32_t)keys;
    uint32_t at = options->keys + first + 1;
    if (list_end_argument(x, at, &options->end) != STATUS_OK) {
        return STATUS_SYNTAX;
    }
    at++;
    if (at == x->argc) {
        return STATUS_OK;
    }
    if (!argument_is(x, at, "count") || at + 1 == x->argc) {
        return STATUS_SYNTAX;
    }
    if (argument_integer(x, at + 1, &options->count) != STATUS_OK || options->count <= 0) {
        return STATUS_COUNT_NOT_POSITIVE;
    }
    return at + 2 == x->argc ? STATUS_OK : STATUS_SYNTAX;
}

/* Pops from the first list there is in the range of keys. STATUS_ABSENT: there is none. */
static enum status mpop(struct exec *x, const struct exec_range *range,
                        const struct lmpop_options *options)
{
    for (uint32_t i = range->begin; i < range->end; i++) {
        struct collection *list;
        enum status status = list_find(x, i, &list);
        if (status == STATUS_OK) {
            reply_array(x->reply, 2);
            reply_bulk(x->reply, x->access->keys[i].name);
            return pop_many(x, i, options->end, (uint64_t)options->count);
        }
        if (status == STATUS_WRONG_TYPE) {
            return status;
        }
    }
    return STATUS_ABSENT;
}

enum status cmd_lmpop(struct exec *x)
{
    struct lmpop_options options = {.count = 1};
    enum status status = read_lmpop(x, 1, &options);
    if (status != STATUS_OK) {
        return status;
    }
    const struct exec_range range = {0, options.keys};
    status = mpop(x, &range, &options);
    if (status == STATUS_ABSENT) {
        reply_null_array(x->reply);
        return STATUS_OK;
    }
    return status;
}

enum status cmd_blmpop(struct exec *x)
{
    struct lmpop_options options = {.count = 1};
    struct exec_wait wait = {.type = VALUE_LIST, .null_is_array = true};
    enum status status = read_lmpop(x, 2, &options);
    if (status != STATUS_OK) {
        return status;
    }
    status = argument_timeout(x, 1, &wait.timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    wait.key_count = options.keys;
    const struct exec_range range = exec_wait_keys(x, options.keys);
    status = mpop(x, &range, &options);
    return status == STATUS_ABSENT ? exec_wait(x, &wait) : status;
}

static enum key_event take_item(struct exec *x, uint32_t key_index, struct collection **at, int end)
{
    struct list_popped popped;
    list_pop(at, (enum list_end)end, list_limits(x), &popped);
    reply_array(x->reply, 2);
    reply_bulk(x->reply, x->access->keys[key_index].name);
    reply_item(x->reply, &popped.item);
    list_popped_end(&popped);
    return pop_event((enum list_end)end);
}

enum status cmd_blpop(struct exec *x)
{
    return blocking_pop_first(x, VALUE_LIST, take_item, LIST_HEAD);
}

enum status cmd_brpop(struct exec *x)
{
    return blocking_pop_first(x, VALUE_LIST, take_item, LIST_TAIL);
}

static enum status trim(struct exec *x, const struct list_slice *kept, uint64_t held)
{
    if (kept->count == 0) {
        key_event(x->access, 0, EVENT_ltrim);
        (void)key_remove(x, 0); /* It is there. */
        return STATUS_OK;
    }
    uint64_t behind = kept->index + kept->count;
    enum status status = STATUS_OK;
    if (behind < held) {
        const struct list_slice slice = {behind, held - behind};
        status = list_cut_key(x, 0, &slice, EDIT_TELLS_NOTHING);
    }
    if (status == STATUS_OK && kept->index > 0) {
        const struct list_slice slice = {0, kept->index};
        status = list_cut_key(x, 0, &slice, EDIT_TELLS_NOTHING);
    }
    /* Also when all are kept, as in Redis. */
    key_event(x->access, 0, EVENT_ltrim);
    return status;
}

enum status cmd_ltrim(struct exec *x)
{
    int64_t start;
    int64_t stop;
    if (argument_integer(x, 2, &start) != STATUS_OK || argument_integer(x, 3, &stop) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    struct collection *list;
    enum status status = list_find(x, 0, &list);
    if (status == STATUS_OK) {
        uint64_t held = collection_count(list);
        const struct list_slice kept = list_slice_of(held, start, stop);
        status = trim(x, &kept, held);
    }
    if (status == STATUS_OK || status == STATUS_ABSENT) {
        reply_ok(x->reply);
        return STATUS_OK;
    }
    return status;
}
