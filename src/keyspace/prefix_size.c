/* Keys and bytes by prefix: each database has its own, so that flushing and swapping databases
 * takes them along. */
#include "bucket.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "prefix.h"

/* Elements looked at of a collection, to guess the bytes of those that live in blobs; and how often
 * before what was seen counts half. */
#define ELEMENTS_LOOKED_AT 5
#define ELEMENTS_FADE_EVERY 1024

/* What a stripe of a database counts for one prefix; written by several threads. */
struct prefix_size {
    _Atomic int64_t keys;
    _Atomic int64_t bytes;
    _Atomic int64_t collections;
};

/* Stripes are made by the first thread that writes there. */
struct prefix_sizes {
    _Atomic(struct prefix_size *) stripes[DATABASE_STRIPES];
};

static struct prefix_sizes *sizes_of(struct database *database)
{
    return atomic_load_explicit(&database->prefix_sizes, memory_order_acquire);
}

static struct prefix_size *stripe_of(struct prefix_sizes *sizes, uint32_t stripe)
{
    return atomic_load_explicit(&sizes->stripes[stripe], memory_order_acquire);
}

/* The stripe, made when missing. */
static ATTR_NOINLINE struct prefix_size *make_stripe(const struct prefixes *prefixes,
                                                     struct database *database, uint32_t stripe)
{
    struct prefix_sizes *sizes = sizes_of(database);
    if (sizes == NULL) {
        struct prefix_sizes *made = mem_alloc_zero(sizeof(*made));
        if (atomic_compare_exchange_strong_explicit(&database->prefix_sizes, &sizes, made,
                                                    memory_order_acq_rel, memory_order_acquire)) {
            sizes = made;
        } else {
            mem_free(made);
        }
    }
    struct prefix_size *size = stripe_of(sizes, stripe);
    if (size == NULL) {
        struct prefix_size *made = mem_alloc_zero((prefixes->max + PREFIX_FIRST) * sizeof(*made));
        if (atomic_compare_exchange_strong_explicit(&sizes->stripes[stripe], &size, made,
                                                    memory_order_acq_rel, memory_order_acquire)) {
            size = made;
        } else {
            mem_free(made);
        }
    }
    return size;
}

static void add(const struct prefixes *prefixes, struct prefix_thread *self,
                struct database *database, uint32_t index, const struct prefix_size_sum *change)
{
    if (UNLIKELY(self->sized != database)) {
        self->sizes = make_stripe(prefixes, database, thread_index() % DATABASE_STRIPES);
        self->sized = database;
    }
    struct prefix_size *size = &self->sizes[index];
    if (change->keys != 0) {
        atomic_fetch_add_explicit(&size->keys, change->keys, memory_order_relaxed);
    }
    if (change->bytes != 0) {
        atomic_fetch_add_explicit(&size->bytes, change->bytes, memory_order_relaxed);
    }
    if (UNLIKELY(change->collections != 0)) {
        atomic_fetch_add_explicit(&size->collections, change->collections, memory_order_relaxed);
    }
}

/* What the entry points to, but for collections. */
static size_t blob_bytes_of(const struct entry *entry)
{
    if (LIKELY((entry->flags & ENTRY_BLOB) == 0)) {
        return 0;
    }
    const struct blob *blob = entry_blob(entry);
    return sizeof(*blob) + blob->capacity;
}

/* Now and then: what share of a prefix's collections are long elements. */
static void look_at_elements(struct prefix_thread *self, uint32_t index,
                             const struct collection *collection)
{
    struct prefix_tally *tally = &self->tallies[index];
    if (!sampler_is_due(&self->elements)) {
        return;
    }
    uint32_t weight = sampler_next(&self->elements, PREFIX_SAMPLE_RATIO);
    uint64_t own = atomic_load_explicit(&tally->own_bytes, memory_order_relaxed);
    uint64_t lengthy = atomic_load_explicit(&tally->long_bytes, memory_order_relaxed);
    if (++tally->looks == ELEMENTS_FADE_EVERY) {
        tally->looks = 0;
        own /= 2;
        lengthy /= 2;
    }
    own += collection_own_memory(collection) * weight;
    lengthy += collection_long_memory(collection, ELEMENTS_LOOKED_AT) * weight;
    atomic_store_explicit(&tally->own_bytes, own, memory_order_relaxed);
    atomic_store_explicit(&tally->long_bytes, lengthy, memory_order_relaxed);
}

/* Adds the entry's figures, times sign, the collection's bytes apart; returns its key. */
static struct bytes add_entry(struct prefix_size_sum *sum, const struct entry *entry,
                              size_t collection, int sign)
{
    size_t size;
    const struct bytes key = entry_measure(entry, &size);
    sum->keys += sign;
    sum->bytes += sign * (int64_t)(size + blob_bytes_of(entry) + collection);
    sum->collections += sign * (int64_t)collection;
    return key;
}

static size_t collection_bytes(const struct entry *entry)
{
    if (LIKELY((entry->flags & ENTRY_COLLECTION) == 0)) {
        return 0;
    }
    return collection_own_memory(*entry_collection((struct entry *)entry));
}

/* The same of an entry that goes: a noted collection as it was counted. */
static size_t counted_bytes(struct prefix_thread *self, const struct entry *entry)
{
    if (LIKELY((entry->flags & ENTRY_COLLECTION) == 0)) {
        return 0;
    }
    struct collection **collection = entry_collection((struct entry *)entry);
    for (uint32_t i = 0; i < self->edit_count; i++) {
        if (self->edits[i].collection == collection) {
            size_t before = self->edits[i].before;
            self->edits[i] = self->edits[--self->edit_count];
            return before;
        }
    }
    return collection_own_memory(*collection);
}

void prefixes_move(const struct place *place, const struct entry *old, const struct entry *fresh)
{
    struct prefixes *prefixes = place->keyspace->prefixes;
    struct prefix_thread *self = prefix_thread_self(prefixes);
    struct prefix_size_sum change = {0};
    struct bytes key = {0};
    if (old != NULL) {
        key = add_entry(&change, old, counted_bytes(self, old), -1);
    } else {
        prefixes_unexpire(prefixes, place->hash);
    }
    if (fresh != NULL) {
        key = add_entry(&change, fresh, collection_bytes(fresh), 1);
    }
    uint32_t index = prefix_index(prefixes, self, key);
    add(prefixes, self, table_database(place->table), index, &change);
    if (fresh != NULL && UNLIKELY((fresh->flags & ENTRY_COLLECTION) != 0)) {
        look_at_elements(self, index, *entry_collection((struct entry *)fresh));
    }
}

void prefixes_edit(const struct place *place)
{
    struct prefixes *prefixes = place->keyspace->prefixes;
    struct prefix_thread *self = prefix_thread_self(prefixes);
    struct entry *entry = place->position.entry;
    struct collection **collection = entry_collection(entry);
    for (uint32_t i = 0; i < self->edit_count; i++) {
        if (self->edits[i].collection == collection) {
            return;
        }
    }
    if (self->edit_count == self->edit_capacity) {
        self->edit_capacity = self->edit_capacity == 0 ? 4 : self->edit_capacity * 2;
        self->edits = mem_realloc(self->edits, self->edit_capacity * sizeof(*self->edits));
    }
    self->edits[self->edit_count++] = (struct prefix_edit){
        .collection = collection,
        .database = table_database(place->table),
        .index = prefix_index(prefixes, self, entry_key(entry)),
        .before = collection_own_memory(*collection),
    };
}

void prefixes_settle(struct keyspace *keyspace)
{
    struct prefixes *prefixes = keyspace->prefixes;
    if (prefixes == NULL) {
        return;
    }
    struct prefix_thread *self = prefix_thread_self(prefixes);
    for (uint32_t i = 0; i < self->edit_count; i++) {
        const struct prefix_edit *edit = &self->edits[i];
        int64_t grown = (int64_t)collection_own_memory(*edit->collection) - (int64_t)edit->before;
        add(prefixes, self, edit->database, edit->index,
            &(struct prefix_size_sum){.bytes = grown, .collections = grown});
        look_at_elements(self, edit->index, *edit->collection);
    }
    self->edit_count = 0;
}

/* ---- Figures ---- */

void prefix_sizes_reset(struct database *database, uint32_t rows)
{
    struct prefix_sizes *sizes = sizes_of(database);
    for (uint32_t i = 0; sizes != NULL && i < DATABASE_STRIPES; i++) {
        struct prefix_size *stripe = stripe_of(sizes, i);
        for (uint32_t row = 0; stripe != NULL && row < rows; row++) {
            atomic_store_explicit(&stripe[row].keys, 0, memory_order_relaxed);
            atomic_store_explicit(&stripe[row].bytes, 0, memory_order_relaxed);
            atomic_store_explicit(&stripe[row].collections, 0, memory_order_relaxed);
        }
    }
}

void prefix_sizes_free(struct database *database)
{
    struct prefix_sizes *sizes = sizes_of(database);
    for (uint32_t i = 0; sizes != NULL && i < DATABASE_STRIPES; i++) {
        mem_free((void *)stripe_of(sizes, i));
    }
    mem_free(sizes);
}

void prefix_sizes_add(struct database *database, struct prefix_size_sum *sums, uint32_t count)
{
    struct prefix_sizes *sizes = sizes_of(database);
    for (uint32_t i = 0; sizes != NULL && i < DATABASE_STRIPES; i++) {
        struct prefix_size *stripe = stripe_of(sizes, i);
        for (uint32_t row = 0; stripe != NULL && row < count; row++) {
            struct prefix_size *size = &stripe[row];
            sums[row].keys += atomic_load_explicit(&size->keys, memory_order_relaxed);
            sums[row].bytes += atomic_load_explicit(&size->bytes, memory_order_relaxed);
            sums[row].collections += atomic_load_explicit(&size->collections, memory_order_relaxed);
        }
    }
}

struct recount {
    struct prefixes *prefixes;
    struct prefix_thread *self;
    struct prefix_size_sum *sums;
};

static bool recount_entry(void *argument, struct entry *entry)
{
    const struct recount *recount = argument;
    uint32_t index = prefix_index(recount->prefixes, recount->self, entry_key(entry));
    (void)add_entry(&recount->sums[index], entry, collection_bytes(entry), 1);
    return true;
}

static void recount_database(struct keyspace *keyspace, struct database *database,
                             struct recount *recount)
{
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        const struct table *table = shard_table(&keyspace->shards[i], database);
        for (uint32_t bucket = 0; table != NULL && bucket < table->bucket_count; bucket++) {
            (void)table_visit_bucket(table, bucket, recount_entry, recount);
        }
    }
}

void prefixes_verify(struct keyspace *keyspace)
{
    struct prefixes *prefixes = keyspace->prefixes;
    if (prefixes == NULL) {
        return;
    }
    uint32_t count = prefixes->max + PREFIX_FIRST;
    size_t size = count * sizeof(struct prefix_size_sum);
    struct prefix_size_sum *told = mem_alloc(size);
    struct prefix_size_sum *found = mem_alloc(size);
    struct recount recount = {prefixes, prefix_thread_self(prefixes), found};
    for (uint32_t db = 0; db < keyspace->database_count; db++) {
        struct database *database = database_of(keyspace, db);
        if (sizes_of(database) == NULL) {
            continue;
        }
        memset(told, 0, size);
        memset(found, 0, size);
        prefix_sizes_add(database, told, count);
        recount_database(keyspace, database, &recount);
        for (uint32_t i = 0; i < count; i++) {
            check(told[i].keys == found[i].keys);
            check(told[i].bytes == found[i].bytes);
            check(told[i].collections == found[i].collections);
        }
    }
    mem_free(told);
    mem_free(found);
}
