/* LREM: items that equal one leave a list.
 *
 * Runs inside a WRITE access on one key. What is long is done on the pool in a version of the list,
 * with no lock held; then the result is put in its place if the list still is that version. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

struct removal_work {
    struct exec_work work;
    struct collection *version;
    struct list_wanted wanted;
    uint64_t found;
    struct collection *made; /* what the list shall be */
};

static enum status run(struct exec *x, struct exec_work *work)
{
    struct removal_work *job = (struct removal_work *)work;
    struct list_removal removal;
    enum status status = STATUS_OK;
    list_removal_begin(&removal, job->version, &job->wanted, list_limits(x));
    for (;;) {
        uint64_t budget = LIST_SLICE;
        if (list_removal_prepare(&removal, &budget)) {
            break;
        }
        if (exec_breathe(x)) {
            status = STATUS_REPLIED;
            break;
        }
    }
    if (status == STATUS_OK && removal.found > 0) {
        job->made = collection_acquire(job->version);
        collection_own(&job->made);
        keyspace_discard_collection(x->services->keyspace,
                                    list_removal_finish(&removal, &job->made));
    }
    job->found = removal.found;
    list_removal_end(&removal);
    return status;
}

static void free_work(struct exec_work *work, struct keyspace *keyspace)
{
    struct removal_work *job = (struct removal_work *)work;
    keyspace_discard_collection(keyspace, job->version);
    if (job->made != NULL) {
        keyspace_discard_collection(keyspace, job->made);
    }
    mem_free(job);
}

/* On the pool, from now on without the lock; on a reactor: to the pool. */
static enum status compute(struct exec *x, struct collection *list,
                           const struct list_wanted *wanted)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct removal_work *work = mem_alloc(sizeof(*work));
    *work = (struct removal_work){.work = {.run = run, .free = free_work},
                                  .version = collection_acquire(list),
                                  .wanted = *wanted};
    x->work = &work->work;
    return STATUS_COMPUTE;
}

static enum status finish(struct exec *x, struct list_removal *removal)
{
    if (removal->found == 0) {
        return STATUS_OK;
    }
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status == STATUS_OK) {
        key_dispose(x->access, list_removal_finish(removal, edit.at));
        status = edit_end(x, &edit, EVENT_lrem);
    }
    return status;
}

static enum status remove_wanted(struct exec *x, struct collection *list,
                                 const struct list_wanted *wanted)
{
    struct removal_work *work = (struct removal_work *)x->work;
    if (work != NULL && work->version == list) {
        reply_integer(x->reply, (int64_t)work->found);
        if (work->made != NULL) {
            list_install(x, 0, work->made, EVENT_lrem);
            work->made = NULL;
        }
        return STATUS_OK;
    }
    exec_drop_work(x);
    struct list_removal removal;
    uint64_t budget = x->computes < EXEC_COMPUTES_MAX ? LIST_LOOK_MAX : UINT64_MAX;
    list_removal_begin(&removal, list, wanted, list_limits(x));
    enum status status = STATUS_OK;
    if (!list_removal_prepare(&removal, &budget)) {
        status = compute(x, list, wanted);
    } else {
        status = finish(x, &removal);
        reply_integer(x->reply, (int64_t)removal.found);
    }
    list_removal_end(&removal);
    return status;
}

enum status cmd_lrem(struct exec *x)
{
    int64_t count;
    if (argument_integer(x, 2, &count) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
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
    const struct list_wanted wanted = {.text = x->argv[3],
                                       .limit = count < 0 ? 0 - (uint64_t)count : (uint64_t)count,
                                       .is_reverse = count < 0};
    return remove_wanted(x, list, &wanted);
}
