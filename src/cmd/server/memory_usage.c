/* MEMORY USAGE: what one key takes. Wherever its key takes it. */
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard/value/collection.h"
#include "pollard_commands.h"

/* Elements that are looked at unless SAMPLES says otherwise, and the most for a reactor. */
#define SAMPLES_DEFAULT 5
#define SAMPLES_MAX_INLINE 1024

static enum status read_samples(const struct exec *x, int64_t *ret_samples)
{
    for (uint32_t i = 3; i < x->argc; i += 2) {
        if (!bytes_is(x->argv[i], "samples") || i + 1 == x->argc) {
            return STATUS_SYNTAX;
        }
        if (!number_parse_i64(x->argv[i + 1], ret_samples)) {
            return STATUS_NOT_INTEGER;
        }
        if (*ret_samples < 0) {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}

/* A walk over a large collection, from a version. */
struct usage_work {
    struct exec_work work;
    struct collection *collection;
    size_t own; /* of the key */
    uint64_t samples;
};

static enum status usage_run(struct exec *x, struct exec_work *work)
{
    const struct usage_work *usage = (const struct usage_work *)work;
    size_t size = usage->own + collection_memory(usage->collection, usage->samples);
    reply_integer(x->reply, (int64_t)size);
    return STATUS_REPLIED;
}

static void usage_free(struct exec_work *work, struct keyspace *keyspace)
{
    keyspace_discard_collection(keyspace, ((struct usage_work *)work)->collection);
    mem_free(work);
}

static enum status usage_later(struct exec *x, struct collection *collection, uint64_t samples)
{
    struct usage_work *usage = mem_alloc(sizeof(*usage));
    usage->work = (struct exec_work){.run = usage_run, .free = usage_free};
    usage->collection = collection_acquire(collection);
    usage->own = key_memory(x->access, 0);
    usage->samples = samples;
    x->work = &usage->work;
    return STATUS_COMPUTE;
}

enum status cmd_memory_usage(struct exec *x)
{
    struct value value;
    int64_t samples = SAMPLES_DEFAULT;
    enum status status = read_samples(x, &samples);
    if (status != STATUS_OK) {
        return status;
    }
    if (!key_find(x->access, 0, KEY_QUIET, &value)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    size_t size = key_memory(x->access, 0);
    if (value.type != VALUE_STRING) {
        uint64_t count = collection_count(value.collection);
        uint64_t looks = samples == 0 || (uint64_t)samples > count ? count : (uint64_t)samples;
        if (looks > SAMPLES_MAX_INLINE) {
            return exec_on_reactor(x) ? STATUS_TO_POOL : usage_later(x, value.collection, looks);
        }
        size += collection_memory(value.collection, looks);
    }
    reply_integer(x->reply, (int64_t)size);
    return STATUS_OK;
}
