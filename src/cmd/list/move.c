/* Items from one list to another: LMOVE, RPOPLPUSH, LMOVEM.
 *
 * Run inside a WRITE access on both keys, which may be one. Moves of many are made on the pool in
 * versions of the lists, with no lock held, and put in place if the lists still are those. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

struct move {
    enum list_end from;
    enum list_end to;
    uint64_t count;
    bool is_exact;    /* all of count or none */
    bool is_bulk;     /* the items keep their order; else as if moved one by one */
    bool is_same;     /* one list */
    bool is_unlocked; /* made on versions */
};

static bool is_same_key(const struct exec *x)
{
    return bytes_equal(x->argv[1], x->argv[2]);
}

static enum key_event push_event(const struct move *move)
{
    return move->to == LIST_HEAD ? EVENT_lpush : EVENT_rpush;
}

static enum key_event pop_event(const struct move *move)
{
    return move->from == LIST_HEAD ? EVENT_lpop : EVENT_rpop;
}

/* Opens the list that items go to; makes it when there is none. */
static enum status begin_target(struct exec *x, struct collection_edit *edit)
{
    enum status status = edit_begin(x, 1, VALUE_LIST, NULL, edit);
    if (status == STATUS_ABSENT) {
        edit_create(edit, list_create(0));
        return STATUS_OK;
    }
    return status;
}

static enum status rotate(struct exec *x, const struct move *move)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    struct list_popped popped;
    list_pop(edit.at, move->from, list_limits(x), &popped);
    list_push(edit.at, move->to, &popped.item, list_limits(x));
    reply_item(x->reply, &popped.item);
    list_popped_end(&popped);
    key_event(x->access, 0, push_event(move));
    return edit_end(x, &edit, pop_event(move));
}

/* The item is taken out when the other list has it for sure. wait: how to wait for one; NULL: not
 * at all. */
static enum status move_one(struct exec *x, const struct move *move, const struct exec_wait *wait)
{
    struct collection *source;
    enum status status = list_find(x, 0, &source);
    if (status == STATUS_ABSENT && wait != NULL) {
        return exec_wait(x, wait);
    }
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    if (status != STATUS_OK || move->is_same) {
        return status == STATUS_OK ? rotate(x, move) : status;
    }
    struct collection_edit edit;
    status = begin_target(x, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    struct item item;
    uint64_t place = move->from == LIST_HEAD ? 0 : collection_count(source) - 1;
    list_get(source, place, &item);
    list_push(edit.at, move->to, &item, list_limits(x));
    status = edit_end(x, &edit, push_event(move));
    if (status != STATUS_OK) {
        return status;
    }
    reply_item(x->reply, &item);
    status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status == STATUS_OK) {
        list_remove(edit.at, place, list_limits(x));
        status = edit_end(x, &edit, pop_event(move));
    }
    return status;
}

enum status cmd_lmove(struct exec *x)
{
    struct move move = {.count = 1, .is_same = is_same_key(x)};
    if (list_end_argument(x, 3, &move.from) != STATUS_OK ||
        list_end_argument(x, 4, &move.to) != STATUS_OK) {
        return STATUS_SYNTAX;
    }
    return move_one(x, &move, /* wait= */ NULL);
}

/* Waits for the list under the first key, and needs the second one too. */
static enum status wait_and_move(struct exec *x, const struct move *move, uint32_t timeout_index)
{
    struct exec_wait wait = {.key_count = 1, .type = VALUE_LIST, .has_target = true};
    enum status status = argument_timeout(x, timeout_index, &wait.timeout_ms);
    return status == STATUS_OK ? move_one(x, move, &wait) : status;
}

enum status cmd_blmove(struct exec *x)
{
    struct move move = {.count = 1, .is_same = is_same_key(x)};
    if (list_end_argument(x, 3, &move.from) != STATUS_OK ||
        list_end_argument(x, 4, &move.to) != STATUS_OK) {
        return STATUS_SYNTAX;
    }
    return wait_and_move(x, &move, 5);
}

enum status cmd_brpoplpush(struct exec *x)
{
    const struct move move = {
        .from = LIST_TAIL, .to = LIST_HEAD, .count = 1, .is_same = is_same_key(x)};
    return wait_and_move(x, &move, 3);
}

enum status cmd_rpoplpush(struct exec *x)
{
    const struct move move = {
        .from = LIST_TAIL, .to = LIST_HEAD, .count = 1, .is_same = is_same_key(x)};
    return move_one(x, &move, /* wait= */ NULL);
}

/* ---- LMOVEM ---- */

struct move_work {
    struct exec_work work;
    struct move move;
    struct collection *versions[2]; /* of the target: NULL when it is absent */
    struct collection *made[2];
};

/* block: where the words about the block begin, if there are any. */
static enum status read_move(const struct exec *x, uint32_t block, struct move *move)
{
    if (list_end_argument(x, 3, &move->from) != STATUS_OK ||
        list_end_argument(x, 4, &move->to) != STATUS_OK) {
        return STATUS_SYNTAX;
    }
    if (x->argc == block) {
        return STATUS_OK;
    }
    if (x->argc != block + 3) {
        return STATUS_SYNTAX;
    }
    move->is_exact = argument_is(x, block, "exactly");
    move->is_bulk = argument_is(x, block + 2, "bulk");
    if ((!move->is_exact && !argument_is(x, block, "count")) ||
        (!move->is_bulk && !argument_is(x, block + 2, "obo"))) {
        return STATUS_SYNTAX;
    }
    int64_t count;
    if (argument_integer(x, block + 1, &count) != STATUS_OK || count < 1) {
        return STATUS_NOT_POSITIVE;
    }
    move->count = (uint64_t)count;
    return STATUS_OK;
}

/* Puts the items at the target's end, in the order that the move says. block: the list that has
 * them, from index on. False: nobody waits for it any more. */
static bool push_block(struct exec *x, const struct collection *block, uint64_t index,
                       struct collection **target, const struct move *move)
{
    struct collection_cursor cursor;
    struct element element;
    struct cursor_start start = {.is_reverse = move->is_bulk ? move->to == LIST_HEAD
                                                             : move->from == LIST_TAIL};
    start.rank = start.is_reverse ? collection_count(block) - index - move->count : index;
    collection_cursor_begin(&cursor, block, &start);
    for (uint64_t i = 1; i <= move->count && collection_cursor_next(&cursor, &element); i++) {
        list_push(target, move->to, &element.member, list_limits(x));
        if (move->is_unlocked && i % LIST_SLICE == 0 && exec_breathe(x)) {
            return false;
        }
    }
    return true;
}

static uint64_t block_index(const struct collection *source, const struct move *move)
{
    return move->from == LIST_HEAD ? 0 : collection_count(source) - move->count;
}

/* In the order in which they are in the target. */
static void reply_moved(struct exec *x, struct collection *target, const struct move *move)
{
    const struct stream stream = {
        .rank = move->to == LIST_HEAD ? 0 : collection_count(target) - move->count,
        .count = move->count};
    reply_array(x->reply, (size_t)move->count);
    stream_elements(x, target, &stream);
}

/* A list of one's own that begins as the version. */
static struct collection *own_copy(struct collection *version)
{
    struct collection *copy = collection_acquire(version);
    collection_own(&copy);
    return copy;
}

static enum status run_move(struct exec *x, struct exec_work *work)
{
    struct move_work *job = (struct move_work *)work;
    const struct move *move = &job->move;
    struct collection *source = job->versions[0];
    uint64_t index = block_index(source, move);
    bool is_wanted;
    job->made[0] = own_copy(source);
    struct collection *cut = list_cut(&job->made[0], index, move->count, list_limits(x));
    if (move->is_same) {
        is_wanted = push_block(x, cut, 0, &job->made[0], move);
    } else {
        job->made[1] = job->versions[1] == NULL ? list_create(0) : own_copy(job->versions[1]);
        is_wanted = push_block(x, cut, 0, &job->made[1], move);
    }
    keyspace_discard_collection(x->services->keyspace, cut);
    return is_wanted ? STATUS_OK : STATUS_REPLIED;
}

static void free_move(struct exec_work *work, struct keyspace *keyspace)
{
    struct move_work *job = (struct move_work *)work;
    for (int i = 0; i < 2; i++) {
        if (job->versions[i] != NULL) {
            keyspace_discard_collection(keyspace, job->versions[i]);
        }
        if (job->made[i] != NULL) {
            keyspace_discard_collection(keyspace, job->made[i]);
        }
    }
    mem_free(job);
}

static enum status install_move(struct exec *x, struct move_work *job)
{
    const struct move *move = &job->move;
    struct collection *target = job->made[move->is_same ? 0 : 1];
    if (!move->is_same && job->versions[1] == NULL) {
        job->made[1] = NULL;
        enum status status = collection_store(x, 1, target, push_event(move));
        if (status != STATUS_OK) {
            return status;
        }
    } else if (!move->is_same) {
        list_install(x, 1, target, push_event(move));
        job->made[1] = NULL;
    }
    list_install(x, 0, job->made[0], pop_event(move));
    if (move->is_same) {
        key_event(x->access, 0, push_event(move));
    }
    job->made[0] = NULL;
    reply_moved(x, target, move);
    return STATUS_OK;
}

/* On the pool, from now on without the locks; on a reactor: to the pool. */
static enum status compute_move(struct exec *x, const struct move *move,
                                struct collection *const *lists)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct move_work *work = mem_alloc_zero(sizeof(*work));
    work->work = (struct exec_work){.run = run_move, .free = free_move};
    work->move = *move;
    work->move.is_unlocked = true;
    for (int i = 0; i < 2; i++) {
        work->versions[i] = lists[i] == NULL ? NULL : collection_acquire(lists[i]);
    }
    x->work = &work->work;
    return STATUS_COMPUTE;
}

/* Within one list: the block is taken out and put back. */
static enum status turn_block(struct exec *x, const struct move *move)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t index = block_index(*edit.at, move);
    struct collection *cut = list_cut(edit.at, index, move->count, list_limits(x));
    (void)push_block(x, cut, 0, edit.at, move); /* Not in slices: the locks are held. */
    key_dispose(x->access, cut);
    reply_moved(x, *edit.at, move);
    key_event(x->access, 0, pop_event(move)); /* Here Redis tells it first. */
    return edit_end(x, &edit, push_event(move));
}

/* The items are taken out when the other list has them for sure. */
static enum status move_block(struct exec *x, struct collection *source, const struct move *move)
{
    struct collection_edit edit;
    enum status status = begin_target(x, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t index = block_index(source, move);
    (void)push_block(x, source, index, edit.at, move); /* Not in slices: the locks are held. */
    struct collection *target = *edit.at;
    status = edit_end(x, &edit, push_event(move));
    if (status != STATUS_OK) {
        return status;
    }
    reply_moved(x, target, move);
    const struct list_slice slice = {index, move->count};
    return list_cut_key(x, 0, &slice, pop_event(move));
}

/* The lists under both keys: of the target NULL when there is none. */
static enum status find_lists(struct exec *x, const struct move *move, struct collection **lists)
{
    enum status status = list_find(x, 0, &lists[0]);
    if (status != STATUS_OK || move->is_same) {
        return status;
    }
    status = list_find(x, 1, &lists[1]);
    return status == STATUS_ABSENT ? STATUS_OK : status;
}

/* wait: how to wait for enough items; NULL: not at all. */
static enum status move_many(struct exec *x, struct move *move, const struct exec_wait *wait)
{
    struct collection *lists[2] = {NULL, NULL};
    enum status status = find_lists(x, move, lists);
    uint64_t held = status == STATUS_OK ? collection_count(lists[0]) : 0;
    if (status == STATUS_ABSENT || (status == STATUS_OK && move->is_exact && held < move->count)) {
        if (wait != NULL) {
            return exec_wait(x, wait);
        }
        reply_null_array(x->reply);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    move->count = move->count < held ? move->count : held;
    struct move_work *work = (struct move_work *)x->work;
    if (work != NULL && work->versions[0] == lists[0] && work->versions[1] == lists[1]) {
        return install_move(x, work);
    }
    exec_drop_work(x);
    if (move->count > LIST_LOOK_MAX && x->computes < EXEC_COMPUTES_MAX) {
        return compute_move(x, move, lists);
    }
    return move->is_same ? turn_block(x, move) : move_block(x, lists[0], move);
}

enum status cmd_lmovem(struct exec *x)
{
    struct move move = {.count = 1, .is_same = is_same_key(x)};
    enum status status = read_move(x, 5, &move);
    return status == STATUS_OK ? move_many(x, &move, /* wait= */ NULL) : status;
}

enum status cmd_blmovem(struct exec *x)
{
    struct move move = {.count = 1, .is_same = is_same_key(x)};
    struct exec_wait wait = {
        .key_count = 1, .type = VALUE_LIST, .null_is_array = true, .has_target = true};
    enum status status = read_move(x, 6, &move);
    if (status != STATUS_OK) {
        return status;
    }
    status = argument_timeout(x, 5, &wait.timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    wait.least = move.is_exact ? move.count : 1;
    return move_many(x, &move, &wait);
}
