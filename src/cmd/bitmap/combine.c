/* BITOP: several bitmaps into one.
 *
 * Runs inside a WRITE access on the destination (key 0) and the sources. Much work is done on the
 * pool with references to the sources' bytes and no key held; the result is stored when the handler
 * is called again and the keys still hold those very bytes: who changes bytes that have another
 * reference replaces them. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard_commands.h"

/* argv[2] is key 0. */
#define SOURCES_INLINE 8

static const char *const operation_names[] = {
    [BITMAP_AND] = "AND",     [BITMAP_OR] = "OR",     [BITMAP_XOR] = "XOR",
    [BITMAP_NOT] = "NOT",     [BITMAP_DIFF] = "DIFF", [BITMAP_DIFF1] = "DIFF1",
    [BITMAP_ANDOR] = "ANDOR", [BITMAP_ONE] = "ONE",
};

/* argv[1] as an operation on the sources. STATUS_OK, STATUS_SYNTAX, STATUS_BITOP_NOT,
 * STATUS_REPLIED. */
static enum status read_operation(struct exec *x, enum bitmap_operation *ret_operation)
{
    static const char *const words[] = {"and", "or", "xor", "not", "diff", "diff1", "andor", "one"};
    uint32_t found = 0;
    while (found < sizeof(words) / sizeof(words[0]) && !argument_is(x, 1, words[found])) {
        found++;
    }
    if (found == sizeof(words) / sizeof(words[0])) {
        return STATUS_SYNTAX;
    }
    enum bitmap_operation operation = (enum bitmap_operation)found;
    uint32_t sources = x->argc - 3;
    if (operation == BITMAP_NOT && sources != 1) {
        return STATUS_BITOP_NOT;
    }
    bool wants_others =
        operation == BITMAP_DIFF || operation == BITMAP_DIFF1 || operation == BITMAP_ANDOR;
    if (wants_others && sources < 2) {
        reply_error_format(x->reply, "ERR BITOP %s must be called with at least two source keys.",
                           operation_names[operation]);
        return STATUS_REPLIED;
    }
    *ret_operation = operation;
    return STATUS_OK;
}

struct source {
    struct value value; /* of absent keys: empty */
    unsigned char scratch[NUMBER_INT_MAX + 4];
};

/* All sources as the keys hold them. */
struct sources {
    struct source *items;
    struct bytes *bytes;
    uint32_t count;
    size_t longest;
    uint64_t total;
    struct source room[SOURCES_INLINE];
    struct bytes bytes_room[SOURCES_INLINE];
};

static void sources_deinit(struct sources *sources)
{
    if (sources->items != sources->room) {
        mem_free(sources->items);
        mem_free(sources->bytes);
    }
}

/* STATUS_OK, STATUS_WRONG_TYPE. The caller ends it either way. */
static enum status sources_find(struct exec *x, struct sources *sources)
{
    sources->count = x->argc - 3;
    sources->longest = 0;
    sources->total = 0;
    sources->items = sources->room;
    sources->bytes = sources->bytes_room;
    if (sources->count > SOURCES_INLINE) {
        sources->items = mem_alloc(sources->count * sizeof(*sources->items));
        sources->bytes = mem_alloc(sources->count * sizeof(*sources->bytes));
    }
    for (uint32_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        enum status status = string_find(x, i + 1, 0, &source->value);
        if (status == STATUS_WRONG_TYPE) {
            return status;
        }
        if (status == STATUS_ABSENT) {
            source->value = value_raw((struct bytes){0});
        }
        struct bytes bytes = value_string_bytes(&source->value, source->scratch);
        sources->bytes[i] = bytes;
        sources->total += bytes.size;
        sources->longest = bytes.size > sources->longest ? bytes.size : sources->longest;
    }
    return STATUS_OK;
}

/* Stores the result, of which the key takes a reference, and answers. */
static enum status store(struct exec *x, struct blob *result)
{
    if (result == NULL || result->size == 0) {
        (void)key_remove(x, 0); /* Whether there was one does not matter. */
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    const struct value value = value_blob(result);
    enum status status = key_put(x->access, 0, &value, KEY_NO_EXPIRY);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_set);
        reply_integer(x->reply, (int64_t)result->size);
    }
    return status;
}

/* All at once, with the keys held. */
static enum status combine_now(struct exec *x, enum bitmap_operation operation,
                               const struct sources *sources)
{
    if (sources->longest == 0) {
        return store(x, NULL);
    }
    struct blob *result = blob_try_create(sources->longest, sources->longest);
    if (result == NULL) {
        return STATUS_ALLOCATION;
    }
    const struct bitmap_sources items = {.items = sources->bytes, .count = sources->count};
    bitmap_combine(operation, &items, 0, sources->longest, result->data);
    enum status status = store(x, result);
    blob_release(result);
    return status;
}

/* ---- Much at once, without the keys ---- */

struct combine_work {
    struct exec_work base;
    enum bitmap_operation operation;
    uint32_t count;
    size_t size;
    struct blob *result;
    struct blob **blobs; /* references to what the sources were */
    struct bytes *bytes;
};

static void combine_free(struct exec_work *base, struct keyspace *keyspace)
{
    (void)keyspace; /* Nothing of it is held. */
    struct combine_work *work = (struct combine_work *)base;
    for (uint32_t i = 0; i < work->count; i++) {
        blob_release(work->blobs[i]);
    }
    blob_release(work->result);
    mem_free(work->blobs);
    mem_free(work->bytes);
    mem_free(work);
}

static enum status combine_run(struct exec *x, struct exec_work *base)
{
    struct combine_work *work = (struct combine_work *)base;
    work->result = blob_try_create(work->size, work->size);
    if (work->result == NULL) {
        return STATUS_ALLOCATION;
    }
    const struct bitmap_sources sources = {.items = work->bytes, .count = work->count};
    size_t slice = BITMAP_SLICE_SIZE / work->count;
    slice = slice > BITMAP_SLICE_SIZE / 64 ? slice : BITMAP_SLICE_SIZE / 64;
    for (size_t done = 0; done < work->size;) {
        size_t part = work->size - done < slice ? work->size - done : slice;
        bitmap_combine(work->operation, &sources, done, part, work->result->data);
        done += part;
        if (exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

static enum status combine_later(struct exec *x, enum bitmap_operation operation,
                                 const struct sources *sources)
{
    struct combine_work *work = mem_alloc_zero(sizeof(*work));
    work->base = (struct exec_work){.run = combine_run, .free = combine_free};
    work->operation = operation;
    work->size = sources->longest;
    work->blobs = mem_alloc(sources->count * sizeof(struct blob *));
    work->bytes = mem_alloc(sources->count * sizeof(*work->bytes));
    x->work = &work->base;
    for (uint32_t i = 0; i < sources->count; i++) {
        struct blob *blob = string_hold(&sources->items[i].value);
        if (blob == NULL) {
            return STATUS_ALLOCATION;
        }
        work->blobs[i] = blob;
        work->bytes[i] = blob_bytes(blob);
        work->count++;
    }
    return STATUS_COMPUTE;
}

/* Do the keys hold what was computed with? Small values were copied, so they are compared. */
static bool is_current(const struct combine_work *work, const struct sources *sources)
{
    for (uint32_t i = 0; i < work->count; i++) {
        const struct blob *blob = sources->items[i].value.blob;
        bool is_same =
            blob != NULL ? blob == work->blobs[i] : bytes_equal(sources->bytes[i], work->bytes[i]);
        if (!is_same) {
            return false;
        }
    }
    return true;
}

static enum status combine(struct exec *x, enum bitmap_operation operation,
                           const struct sources *sources)
{
    struct combine_work *work = (struct combine_work *)x->work;
    if (work != NULL && is_current(work, sources)) {
        return store(x, work->result);
    }
    exec_drop_work(x);
    if (sources->total <= BITMAP_REACTOR_SIZE || x->computes >= EXEC_COMPUTES_MAX) {
        return combine_now(x, operation, sources);
    }
    return exec_on_reactor(x) ? STATUS_TO_POOL : combine_later(x, operation, sources);
}

enum status cmd_bitop(struct exec *x)
{
    enum bitmap_operation operation;
    enum status status = read_operation(x, &operation);
    if (status != STATUS_OK) {
        return status;
    }
    struct sources sources;
    status = sources_find(x, &sources);
    if (status == STATUS_OK) {
        status = combine(x, operation, &sources);
    }
    sources_deinit(&sources);
    return status;
}
