/* SORT and SORT_RO.
 *
 * Run inside an access on the key and the destination. What is much, or has patterns that name
 * other keys, goes to the pool: there a version is taken and the keys are let go. */
#include "pollard/base/mem.h"
#include "pollard_commands.h"
#include "sort.h"

/* Elements that are sorted inside the access. */
#define INLINE_COUNT 1024

/* A long answer with rows that have nothing: the list's items, and which of them are none. */
struct row_source {
    struct chain_source source; /* first: the chain hands it back */
    struct keyspace *keyspace;
    struct collection *result;
    unsigned char *missing;
    struct collection_cursor cursor;
    uint64_t row;
    uint64_t count;
    uint8_t protocol;
};

static bool render(struct chain_source *source, struct chain *chain)
{
    struct row_source *rows = (struct row_source *)source;
    struct reply reply;
    struct element element;
    reply_init(&reply, chain, rows->protocol);
    while (rows->row < rows->count && chain_size(chain) < CHAIN_SOURCE_STEP &&
           collection_cursor_next(&rows->cursor, &element)) {
        if ((rows->missing[rows->row / 8] >> rows->row % 8 & 1) != 0) {
            reply_null(&reply);
        } else {
            reply_item(&reply, &element.member);
        }
        rows->row++;
    }
    return rows->row < rows->count;
}

static void release(struct chain_source *source)
{
    struct row_source *rows = (struct row_source *)source;
    keyspace_discard_collection(rows->keyspace, rows->result);
    mem_free(rows->missing);
    mem_free(rows);
}

static void reply_rows(struct exec *x, struct sort_work *sort)
{
    uint64_t count = collection_count(sort->result);
    reply_array(x->reply, count);
    if (sort->missing == NULL || count == 0) {
        stream_elements(x, sort->result, &(struct stream){.parts = STREAM_MEMBERS, .count = count});
        return;
    }
    struct row_source *rows = mem_alloc(sizeof(*rows));
    rows->source = (struct chain_source){
        .render = render, .release = release, .memory = collection_memory(sort->result, 1)};
    rows->keyspace = x->services->keyspace;
    rows->result = sort->result;
    rows->missing = sort->missing;
    rows->row = 0;
    rows->count = count;
    rows->protocol = x->protocol;
    sort->result = NULL;
    sort->missing = NULL;
    collection_cursor_begin(&rows->cursor, rows->result, &(struct cursor_start){0});
    exec_source(x, &rows->source);
}

static enum status reply_run(struct exec *x, struct exec_work *work)
{
    enum status status = sort_run(x, work);
    if (status != STATUS_OK) {
        return status;
    }
    reply_rows(x, (struct sort_work *)work);
    return STATUS_REPLIED;
}

static enum status install(struct exec *x, struct sort_work *sort)
{
    struct collection *result = sort->result;
    int64_t count = (int64_t)collection_count(result);
    sort->result = NULL;
    enum status status = collection_store(x, 1, result, EVENT_sortstore);
    exec_drop_work(x);
    if (status == STATUS_OK) {
        reply_integer(x->reply, count);
    }
    return status;
}

/* The list, set or sorted set under the key; NULL when it is absent. */
static enum status find_source(struct exec *x, struct collection **ret_collection)
{
    struct value value;
    *ret_collection = NULL;
    /* Called again, to install: it has been counted. */
    if (!key_find(x->access, 0, x->work == NULL ? 0 : KEY_QUIET, &value)) {
        return STATUS_OK;
    }
    if (value.type != VALUE_LIST && value.type != VALUE_SET && value.type != VALUE_ZSET) {
        return STATUS_WRONG_TYPE;
    }
    *ret_collection = value.collection;
    return STATUS_OK;
}

static struct sort_work *make_work(struct exec *x, const struct sort_options *options,
                                   struct collection *source)
{
    struct sort_work *sort = mem_alloc_zero(sizeof(*sort));
    sort->work =
        (struct exec_work){.run = options->store == 0 ? reply_run : sort_run, .free = sort_free};
    sort->options = *options;
    sort->version = source == NULL ? NULL : collection_acquire(source);
    /* A set has no order of its own: what is stored must have one. */
    if (options->store != 0 && options->skips_sorting && source != NULL &&
        source->type == VALUE_SET) {
        sort->options.skips_sorting = false;
        sort->options.is_alpha = true;
        sort->options.by = (struct bytes){0};
    }
    x->work = &sort->work;
    return sort;
}

/* Did the access find the destination where the options have it? */
static bool has_destination(const struct exec *x, const struct sort_options *options)
{
    return options->store == 0 || (x->access->key_count == 2 &&
                                   x->access->keys[1].name.data == x->argv[options->store].data);
}

static enum status run_here(struct exec *x, struct sort_work *sort)
{
    enum status status = sort->work.run(x, &sort->work);
    if (status == STATUS_OK) {
        return install(x, sort);
    }
    exec_drop_work(x);
    return status == STATUS_REPLIED ? STATUS_OK : status;
}

static enum status sort(struct exec *x, const struct sort_options *options)
{
    struct collection *source;
    if (options->reads_keys && exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = find_source(x, &source);
    struct sort_work *sort = (struct sort_work *)x->work;
    /* Patterns read each key at its own instant: then the source's is that of the version. */
    if (sort != NULL && status == STATUS_OK && (options->reads_keys || sort->version == source)) {
        return install(x, sort);
    }
    exec_drop_work(x);
    if (status != STATUS_OK) {
        return status;
    }
    sort = make_work(x, options, source);
    bool is_long = options->reads_keys || sort_weight(sort) > INLINE_COUNT;
    if (is_long && exec_on_reactor(x)) {
        exec_drop_work(x);
        return STATUS_TO_POOL;
    }
    if (is_long && (options->reads_keys || x->computes < EXEC_COMPUTES_MAX)) {
        return STATUS_COMPUTE;
    }
    return run_here(x, sort);
}

enum status cmd_sort(struct exec *x)
{
    struct sort_options options;
    enum status status = sort_read(x, /* takes_store= */ true, &options);
    if (status != STATUS_OK) {
        return status;
    }
    return has_destination(x, &options) ? sort(x, &options) : STATUS_SYNTAX;
}

enum status cmd_sort_ro(struct exec *x)
{
    struct sort_options options;
    enum status status = sort_read(x, /* takes_store= */ false, &options);
    return status == STATUS_OK ? sort(x, &options) : status;
}
