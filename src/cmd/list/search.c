/* Where an item is: LPOS; LINSERT beside one.
 *
 * Run inside an access on one key. Long searches run on the pool, in a version of the list, with
 * no lock held. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* ---- LPOS ---- */

struct pos_options {
    uint64_t skip; /* matches before the first that is told */
    bool is_reverse;
    bool has_count;
    uint64_t count;    /* matches to tell */
    uint64_t look_max; /* items to look at */
};

struct pos_work {
    struct exec_work work;
    struct collection *version;
    struct pos_options options;
};

static enum status read_rank(const struct exec *x, uint32_t index, struct pos_options *options)
{
    int64_t rank;
    if (argument_integer(x, index, &rank) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    if (rank == 0) {
        return STATUS_LPOS_RANK_ZERO;
    }
    if (rank == INT64_MIN) {
        return STATUS_LPOS_RANK_RANGE;
    }
    options->is_reverse = rank < 0;
    options->skip = (uint64_t)(rank < 0 ? -rank : rank) - 1;
    return STATUS_OK;
}

/* A number of matches or items, of which 0 is all. */
static bool read_most(const struct exec *x, uint32_t index, uint64_t *ret_most)
{
    int64_t most;
    if (argument_integer(x, index, &most) != STATUS_OK || most < 0) {
        return false;
    }
    *ret_most = most == 0 ? UINT64_MAX : (uint64_t)most;
    return true;
}

static enum status read_pos(const struct exec *x, struct pos_options *options)
{
    for (uint32_t i = 3; i < x->argc; i += 2) {
        enum status status = STATUS_OK;
        if (i + 1 == x->argc) {
            return STATUS_SYNTAX;
        }
        if (argument_is(x, i, "rank")) {
            status = read_rank(x, i + 1, options);
        } else if (argument_is(x, i, "count")) {
            options->has_count = true;
            status = read_most(x, i + 1, &options->count) ? STATUS_OK : STATUS_LPOS_COUNT;
        } else if (argument_is(x, i, "maxlen")) {
            status = read_most(x, i + 1, &options->look_max) ? STATUS_OK : STATUS_LPOS_MAXLEN;
        } else {
            return STATUS_SYNTAX;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* The next match that counts. LIST_PAUSED: nobody waits for it any more. */
static enum list_found next_match(struct exec *x, struct list_search *search, uint64_t *skip,
                                  uint64_t *ret_index)
{
    for (;;) {
        uint64_t budget = LIST_SLICE;
        enum list_found found = list_search_next(search, &budget, ret_index);
        if (found == LIST_END || (found == LIST_FOUND && *skip == 0)) {
            return found;
        }
        if (found == LIST_FOUND) {
            *skip -= 1;
        } else if (exec_breathe(x)) {
            return LIST_PAUSED;
        }
    }
}

static void reply_matches(struct exec *x, struct list_search *search,
                          const struct pos_options *options)
{
    struct reply_later later;
    uint64_t skip = options->skip;
    uint64_t told = 0;
    uint64_t index;
    reply_later_begin(x->reply, &later);
    while (told < options->count && next_match(x, search, &skip, &index) == LIST_FOUND) {
        reply_integer(x->reply, (int64_t)index);
        told++;
    }
    reply_later_end(x->reply, &later, REPLY_ARRAY, (size_t)told);
}

static void answer_pos(struct exec *x, const struct collection *list,
                       const struct pos_options *options)
{
    struct list_search search;
    list_search_begin(&search, list, x->argv[2], options->look_max, options->is_reverse);
    if (options->has_count) {
        reply_matches(x, &search, options);
        return;
    }
    uint64_t skip = options->skip;
    uint64_t index;
    if (next_match(x, &search, &skip, &index) == LIST_FOUND) {
        reply_integer(x->reply, (int64_t)index);
    } else {
        reply_null(x->reply);
    }
}

static enum status run_pos(struct exec *x, struct exec_work *work)
{
    const struct pos_work *pos = (const struct pos_work *)work;
    answer_pos(x, pos->version, &pos->options);
    return STATUS_REPLIED;
}

static void free_pos(struct exec_work *work, struct keyspace *keyspace)
{
    keyspace_discard_collection(keyspace, ((struct pos_work *)work)->version);
    mem_free(work);
}

enum status cmd_lpos(struct exec *x)
{
    struct pos_options options = {.count = 1, .look_max = UINT64_MAX};
    enum status status = read_pos(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    struct collection *list;
    status = collection_find(x, 0, VALUE_LIST, &list);
    if (status == STATUS_ABSENT) {
        if (options.has_count) {
            reply_array(x->reply, 0);
        } else {
            reply_null(x->reply);
        }
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t count = collection_count(list);
    if (count <= LIST_LOOK_MAX || options.look_max <= LIST_LOOK_MAX) {
        answer_pos(x, list, &options);
        return STATUS_OK;
    }
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct pos_work *work = mem_alloc(sizeof(*work));
    *work = (struct pos_work){.work = {.run = run_pos, .free = free_pos},
                              .version = collection_acquire(list),
                              .options = options};
    x->work = &work->work;
    return STATUS_COMPUTE;
}

/* ---- LINSERT ---- */

struct pivot_work {
    struct exec_work work;
    struct collection *version;
    bool is_found;
    uint64_t place;
};

static enum status run_pivot(struct exec *x, struct exec_work *work)
{
    struct pivot_work *pivot = (struct pivot_work *)work;
    struct list_search search;
    uint64_t skip = 0;
    list_search_begin(&search, pivot->version, x->argv[3], UINT64_MAX, false);
    enum list_found found = next_match(x, &search, &skip, &pivot->place);
    pivot->is_found = found == LIST_FOUND;
    return found == LIST_PAUSED ? STATUS_REPLIED : STATUS_OK;
}

static void free_pivot(struct exec_work *work, struct keyspace *keyspace)
{
    keyspace_discard_collection(keyspace, ((struct pivot_work *)work)->version);
    mem_free(work);
}

/* STATUS_OK; STATUS_ABSENT when it is not in the list; STATUS_TO_POOL, STATUS_COMPUTE. */
static enum status find_pivot(struct exec *x, struct collection *list, uint64_t *ret_place)
{
    struct pivot_work *work = (struct pivot_work *)x->work;
    if (work != NULL && work->version == list) {
        bool is_found = work->is_found;
        *ret_place = work->place;
        exec_drop_work(x);
        return is_found ? STATUS_OK : STATUS_ABSENT;
    }
    exec_drop_work(x);
    struct list_search search;
    uint64_t budget = x->computes < EXEC_COMPUTES_MAX ? LIST_LOOK_MAX : UINT64_MAX;
    list_search_begin(&search, list, x->argv[3], UINT64_MAX, false);
    enum list_found found = list_search_next(&search, &budget, ret_place);
    if (found != LIST_PAUSED) {
        return found == LIST_FOUND ? STATUS_OK : STATUS_ABSENT;
    }
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    work = mem_alloc(sizeof(*work));
    *work = (struct pivot_work){.work = {.run = run_pivot, .free = free_pivot},
                                .version = collection_acquire(list)};
    x->work = &work->work;
    return STATUS_COMPUTE;
}

static enum status insert(struct exec *x, uint64_t place)
{
    struct item item;
    enum status status = argument_item(x, 4, &item);
    if (status != STATUS_OK) {
        return status;
    }
    struct collection_edit edit;
    status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status == STATUS_OK) {
        list_insert(edit.at, place, &item, list_limits(x));
        reply_integer(x->reply, (int64_t)collection_count(*edit.at));
        status = edit_end(x, &edit, EVENT_linsert);
    }
    item_unmake(&item);
    return status;
}

enum status cmd_linsert(struct exec *x)
{
    bool is_after = argument_is(x, 2, "after");
    if (!is_after && !argument_is(x, 2, "before")) {
        return STATUS_SYNTAX;
    }
    struct collection *list;
    enum status status = list_find(x, 0, &list);
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t place = 0;
    status = find_pivot(x, list, &place);
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, -1);
        return STATUS_OK;
    }
    return status == STATUS_OK ? insert(x, is_after ? place + 1 : place) : status;
}
