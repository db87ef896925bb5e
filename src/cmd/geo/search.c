/* GEOSEARCH, GEOSEARCHSTORE, and the legacy GEORADIUS forms.
 *
 * Run inside an access on the source and the destination. What looks at many elements goes to the
 * pool: there a version is taken and the keys are let go. */
#include "geo.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"

/* Elements that are looked at inside the access; and rows that are answered in one piece. */
#define INLINE_COUNT 4096

/* A long answer, told as the client takes it. */
struct hit_source {
    struct chain_source source; /* first: the chain hands it back */
    struct keyspace *keyspace;
    struct geo_query query;
    struct collection *version;
    struct geo_hit *hits;
    uint64_t count;
    uint64_t next;
    uint8_t protocol;
};

static void reply_hit(struct reply *reply, const struct geo_query *query, const struct geo_hit *hit)
{
    uint32_t parts =
        (uint32_t)query->with_distance + (uint32_t)query->with_hash + (uint32_t)query->with_place;
    if (parts > 0) {
        reply_array(reply, parts + 1);
    }
    reply_item(reply, &hit->member);
    if (query->with_distance) {
        geo_reply_distance(reply, hit->distance / query->unit);
    }
    if (query->with_hash) {
        reply_integer(reply, (int64_t)geo_score_bits(hit->score));
    }
    if (query->with_place) {
        struct geo_place place = geo_decode(hit->score);
        geo_reply_place(reply, &place);
    }
}

static bool render(struct chain_source *source, struct chain *chain)
{
    struct hit_source *hits = (struct hit_source *)source;
    struct reply reply;
    reply_init(&reply, chain, hits->protocol);
    while (hits->next < hits->count && chain_size(chain) < CHAIN_SOURCE_STEP) {
        reply_hit(&reply, &hits->query, &hits->hits[hits->next++]);
    }
    return hits->next < hits->count;
}

static void release(struct chain_source *source)
{
    struct hit_source *hits = (struct hit_source *)source;
    keyspace_discard_collection(hits->keyspace, hits->version);
    mem_free(hits->hits);
    mem_free(hits);
}

static void reply_hits(struct exec *x, struct geo_work *geo)
{
    reply_array(x->reply, geo->count);
    if (geo->count <= INLINE_COUNT) {
        for (uint64_t i = 0; i < geo->count; i++) {
            reply_hit(x->reply, &geo->query, &geo->hits[i]);
        }
        return;
    }
    struct hit_source *hits = mem_alloc_zero(sizeof(*hits));
    hits->source = (struct chain_source){.render = render,
                                         .release = release,
                                         .memory = collection_memory(geo->version, 1) +
                                                   (size_t)geo->count * sizeof(*geo->hits)};
    hits->keyspace = x->services->keyspace;
    hits->query = geo->query;
    hits->version = geo->version;
    hits->hits = geo->hits;
    hits->count = geo->count;
    hits->protocol = x->protocol;
    geo->version = NULL;
    geo->hits = NULL;
    exec_source(x, &hits->source);
}

static enum status run_and_reply(struct exec *x, struct exec_work *work)
{
    enum status status = geo_run(x, work);
    if (status != STATUS_OK) {
        return status;
    }
    reply_hits(x, (struct geo_work *)work);
    return STATUS_REPLIED;
}

/* Index of the destination among the access's keys; key_count when it is not there. */
static uint32_t find_destination(const struct exec *x, const struct geo_query *query)
{
    uint32_t i = 0;
    while (i < x->access->key_count && x->access->keys[i].name.data != x->argv[query->store].data) {
        i++;
    }
    return i;
}

static enum status install(struct exec *x, struct geo_work *geo)
{
    struct collection *result = geo->result;
    int64_t count = (int64_t)geo->count;
    geo->result = NULL;
    enum key_event event = geo->query.is_search ? EVENT_geosearchstore : EVENT_georadiusstore;
    enum status status = collection_store(x, find_destination(x, &geo->query), result, event);
    exec_drop_work(x);
    if (status == STATUS_OK) {
        reply_integer(x->reply, count);
    }
    return status;
}

static struct geo_work *make_work(struct exec *x, const struct geo_query *query,
                                  struct collection *zset)
{
    struct geo_work *geo = mem_alloc_zero(sizeof(*geo));
    geo->work =
        (struct exec_work){.run = query->store == 0 ? run_and_reply : geo_run, .free = geo_free};
    geo->query = *query;
    geo->version = collection_acquire(zset);
    x->work = &geo->work;
    return geo;
}

static enum status reply_nothing(struct exec *x, const struct geo_query *query)
{
    exec_drop_work(x);
    if (query->store == 0) {
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    (void)key_remove(x, find_destination(x, query)); /* Whether there was one does not matter. */
    reply_integer(x->reply, 0);
    return STATUS_OK;
}

static enum status run_here(struct exec *x, struct geo_work *geo)
{
    enum status status = geo->work.run(x, &geo->work);
    if (status == STATUS_OK) {
        return install(x, geo);
    }
    exec_drop_work(x);
    return status == STATUS_REPLIED ? STATUS_OK : status;
}

static enum status search_found(struct exec *x, const struct geo_query *query,
                                struct collection *zset)
{
    struct geo_work *geo = (struct geo_work *)x->work;
    if (geo != NULL && geo->version == zset) {
        return install(x, geo);
    }
    exec_drop_work(x);
    bool is_long = collection_count(zset) > INLINE_COUNT && geo_weight(query, zset) > INLINE_COUNT;
    if (is_long && exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    geo = make_work(x, query, zset);
    if (is_long && x->computes < EXEC_COMPUTES_MAX) {
        return STATUS_COMPUTE;
    }
    return run_here(x, geo);
}

static enum status search(struct exec *x, const struct geo_form *form)
{
    struct collection *zset = NULL;
    struct geo_query query;
    if (x->access->key_count == 0) {
        return STATUS_SYNTAX; /* STORE at the end: no key spec fits */
    }
    enum status status = collection_find(x, form->is_store ? 1 : 0, VALUE_ZSET, &zset);
    if (status != STATUS_OK && status != STATUS_ABSENT) {
        return status;
    }
    bool is_absent = status == STATUS_ABSENT;
    status = geo_read(x, form, is_absent ? NULL : zset, &query);
    if (status != STATUS_OK) {
        return status;
    }
    if (query.store != 0 && find_destination(x, &query) == x->access->key_count) {
        return STATUS_SYNTAX;
    }
    return is_absent ? reply_nothing(x, &query) : search_found(x, &query, zset);
}

enum status cmd_geosearch(struct exec *x)
{
    return search(x, &(struct geo_form){.is_search = true});
}

enum status cmd_geosearchstore(struct exec *x)
{
    return search(x, &(struct geo_form){.is_search = true, .is_store = true});
}

enum status cmd_georadius(struct exec *x)
{
    return search(x, &(struct geo_form){.takes_store = true});
}

enum status cmd_georadius_ro(struct exec *x)
{
    return search(x, &(struct geo_form){0});
}

enum status cmd_georadiusbymember(struct exec *x)
{
    return search(x, &(struct geo_form){.takes_store = true, .by_member = true});
}

enum status cmd_georadiusbymember_ro(struct exec *x)
{
    return search(x, &(struct geo_form){.by_member = true});
}
