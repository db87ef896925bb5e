/* struct access: taking and letting go of shards. The door of every command, so its straight path,
 * one key and a free shard, is short.
 *
 * Several shards are taken all or none in address order: a busy one lets all go. Who has been
 * refused often may become the one access with priority: it puts a ticket on all its shards, which
 * newcomers respect, and gets them as their holders leave. Only one at a time, so that two cannot
 * wait for each other. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include "prefix.h"

/* How long a short holder is waited for. An ordinary command holds a shard for well under 1 us. */
#define SPIN_NS 2000
/* A queue older than this makes newcomers queue behind it. Source: the design page. */
#define QUEUE_PATIENCE_US 1000
/* Refusals after which an access asks for priority. */
#define PATIENT_TRIES 4
/* Keys of a shard whose lines are asked for together. */
#define VISIT_GROUP 64
/* Bytes of blobs that an access frees itself; more go to the pool, whose waking costs more than
 * freeing so much, and which is slow to nobody. Measured: docs/decisions/0005-large-values.md. */
#define RELEASE_HERE_SIZE ((size_t)256 * 1024)

static uint32_t extra_of(const struct access *access)
{
    return (access->flags & ACCESS_LONG) != 0 ? SHARD_LONG_ONE : 0;
}

void access_init(struct access *access, struct keyspace *keyspace, enum access_mode mode,
                 struct key_list keys, int64_t now_ms)
{
    access->keyspace = keyspace;
    access->keys = keys.keys;
    access->key_count = keys.count;
    access->mode = (uint8_t)mode;
    access->flags = 0;
    access->changed = false;
    access->now_ms = now_ms;
    access->extra = (struct key_list){0};
    access->client_id = 0;
    access->interest = 0;
    access->has_all = false;
    access->is_borrowed = false;
    access->has_told = false;
    access->changed_index = 0;
    access->has_edits = false;
    access->has_lapsed = false;
    access->is_untold = false;
    access->ready = NULL;
    access->granted = false;
    access->has_extras = false;
    access->tries = 0;
    access->shard_count = 0;
    access->shards = NULL;
    access->ticket = NULL;
    access->busy = NULL;
    access->due_ms = INT64_MAX;
    access->prepares = 0;
    access->prepare_size = 0;
    access->prepare_source = NULL;
    access->prepared = NULL;
    access->garbage = NULL;
}

static struct shard_queue *queue_of(const struct access *access, const struct shard *shard)
{
    return &access->keyspace->queues[shard_index(access->keyspace, shard)];
}

/* One shard, with patience for a short holder. */
static bool take_shard(struct access *access, struct shard *shard)
{
    bool exclusive = access->mode == ACCESS_WRITE;
    uint32_t extra = extra_of(access);
    uint32_t respects = access->ticket == NULL ? SHARD_TICKET : 0;
    if (LIKELY(shard_try_lock(&shard->word, exclusive, respects | SHARD_QUEUED, extra))) {
        return true;
    }
    int64_t since_us =
        atomic_load_explicit(&queue_of(access, shard)->since_us, memory_order_relaxed);
    if (since_us != 0 && clock_monotonic_us() - since_us > QUEUE_PATIENCE_US && respects != 0) {
        return false;
    }
    uint64_t end = clock_ticks() + clock_ns_to_ticks(SPIN_NS);
    do {
        uint32_t seen = atomic_load_explicit(&shard->word, memory_order_relaxed);
        if ((seen & SHARD_LONG) != 0) {
            return false;
        }
        thread_pause();
        stat_add(STAT_lock_spins, 1);
        if (shard_try_lock(&shard->word, exclusive, respects, extra)) {
            return true;
        }
    } while (clock_ticks() < end);
    return false;
}

/* Puts a shard into the ordered list, once. */
static void insert_shard(struct access *access, struct shard *shard)
{
    uint32_t at = access->shard_count;
    while (at > 0 && access->shards[at - 1] > shard) {
        at--;
    }
    if (at > 0 && access->shards[at - 1] == shard) {
        return;
    }
    memmove(&access->shards[at + 1], &access->shards[at],
            (access->shard_count - at) * sizeof(access->shards[0]));
    access->shards[at] = shard;
    access->shard_count++;
}

/* Of the keys and those that are to be held as well. */
static const struct access_key *held_key(const struct access *access, uint32_t i)
{
    return i < access->key_count ? &access->keys[i] : &access->extra.keys[i - access->key_count];
}

/* The shards of many keys, each once and in order: a bit a shard, so that it costs O(keys). */
static void collect_shards(struct access *access)
{
    struct keyspace *keyspace = access->keyspace;
    size_t words = keyspace->shard_count / 64 + 1;
    uint64_t room[64];
    uint64_t *bits = words <= 64 ? room : mem_alloc(words * sizeof(*bits));
    memset(bits, 0, words * sizeof(*bits));
    uint32_t count = 0;
    for (uint32_t i = 0; i < access->key_count + access->extra.count; i++) {
        uint64_t index = held_key(access, i)->hash & keyspace->shard_mask;
        uint64_t bit = UINT64_C(1) << (index & 63);
        count += (bits[index / 64] & bit) == 0;
        bits[index / 64] |= bit;
    }
    access->has_extras = true;
    access->shards = count <= ACCESS_SHARDS_INLINE ? access->inline_shards
                                                   : mem_alloc(count * sizeof(*access->shards));
    for (size_t i = 0; i < words; i++) {
        while (bits[i] != 0) {
            size_t index = i * 64 + (size_t)__builtin_ctzll(bits[i]);
            access->shards[access->shard_count++] = &keyspace->shards[index];
            bits[i] &= bits[i] - 1;
        }
    }
    if (bits != room) {
        mem_free(bits);
    }
}

static void find_shards(struct access *access)
{
    uint32_t count = access->key_count + access->extra.count;
    if (LIKELY(count == 1)) {
        access->shards = access->inline_shards;
        access->inline_shards[0] = shard_of(access->keyspace, held_key(access, 0)->hash);
        access->shard_count = 1;
        return;
    }
    if (count <= ACCESS_SHARDS_INLINE) {
        access->shards = access->inline_shards;
        for (uint32_t i = 0; i < count; i++) {
            insert_shard(access, shard_of(access->keyspace, held_key(access, i)->hash));
        }
        return;
    }
    collect_shards(access);
}

/* The shards have notes: are any of them of the keys? */
static ATTR_NOINLINE void forget_others_notes(struct access *access)
{
    for (uint32_t i = 0; i < access->key_count + access->extra.count; i++) {
        if (shard_may_note(access->keyspace, held_key(access, i)->hash)) {
            return;
        }
    }
    access->interest &= ~(uint32_t)ACCESS_NOTED;
}

/* Whom its changes may concern, now that the shards are held. */
static void settle_interest(struct access *access)
{
    uint32_t interest = 0;
    for (uint32_t i = 0; i < access->shard_count; i++) {
        interest |= shard_interest(access->keyspace, access->shards[i]);
    }
    access->interest = interest;
    if (UNLIKELY((interest & ACCESS_NOTED) != 0)) {
        forget_others_notes(access);
    }
}

/* The one time this access judges by: never earlier than what its shards have judged by. */
static void settle_time(struct access *access)
{
    int64_t now_ms = access->now_ms;
    for (uint32_t i = 0; i < access->shard_count; i++) {
        int64_t latest =
            atomic_load_explicit(&access->shards[i]->latest_now_ms, memory_order_relaxed);
        now_ms = latest > now_ms ? latest : now_ms;
    }
    for (uint32_t i = 0; i < access->shard_count; i++) {
        _Atomic int64_t *latest = &access->shards[i]->latest_now_ms;
        int64_t seen = atomic_load_explicit(latest, memory_order_relaxed);
        while (seen < now_ms &&
               !atomic_compare_exchange_weak_explicit(latest, &seen, now_ms, memory_order_relaxed,
                                                      memory_order_relaxed)) {
        }
    }
    access->now_ms = now_ms;
}

static void let_go(struct access *access, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        if (access->shards[i] != NULL) {
            shard_unlock(access->keyspace, access->shards[i], access->mode == ACCESS_WRITE,
                         extra_of(access));
        }
    }
}

static void drop_priority(struct access *access)
{
    if (access->ticket == NULL) {
        return;
    }
    for (uint32_t i = 0; i < access->shard_count; i++) {
        uint32_t seen = atomic_fetch_and_explicit(&access->shards[i]->word, ~SHARD_TICKET,
                                                  memory_order_relaxed);
        /* Who queued only because of the ticket has no holder that would wake it. */
        if ((seen & SHARD_QUEUED) != 0 && (seen & (SHARD_WRITER | SHARD_READERS)) == 0) {
            shard_wake_queue(access->keyspace, access->shards[i]);
        }
    }
    access->ticket = NULL;
    /* Release: pairs with the compare-exchange of the next one that wants it. */
    atomic_store_explicit(&access->keyspace->priority, NULL, memory_order_release);
}

static void want_priority(struct access *access)
{
    struct access *none = NULL;
    if (access->ticket != NULL ||
        !atomic_compare_exchange_strong_explicit(&access->keyspace->priority, &none, access,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return;
    }
    access->has_extras = true;
    access->ticket = access->shards[0];
    for (uint32_t i = 0; i < access->shard_count; i++) {
        atomic_fetch_or_explicit(&access->shards[i]->word, SHARD_TICKET, memory_order_relaxed);
    }
}

enum access_result access_try(struct access *access)
{
    debug_check(!access->granted);
    if (access->shard_count == 0) {
        find_shards(access);
    }
    for (uint32_t i = 0; i < access->shard_count; i++) {
        if (UNLIKELY(!take_shard(access, access->shards[i]))) {
            access->busy = access->shards[i];
            let_go(access, i);
            access->tries += access->tries < UINT8_MAX;
            return ACCESS_BUSY;
        }
        lock_rank_enter(LOCK_RANK_SHARD);
    }
    access->granted = true;
    drop_priority(access);
    settle_time(access);
    settle_interest(access);
    return ACCESS_GRANTED;
}

void access_take_all(struct access *access)
{
    struct keyspace *keyspace = access->keyspace;
    if (access->has_all) {
        return;
    }
    debug_check(!access->granted);
    gate_close(&keyspace->gate);
    access->mode = ACCESS_WRITE;
    access->has_all = true;
    access->has_extras = true;
    access->granted = true;
    /* Some shard may have notes: who has everything looks. */
    access->interest =
        atomic_load_explicit(&keyspace->interest, memory_order_relaxed) | ACCESS_NOTED;
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        int64_t latest =
            atomic_load_explicit(&keyspace->shards[i].latest_now_ms, memory_order_relaxed);
        access->now_ms = latest > access->now_ms ? latest : access->now_ms;
    }
}

enum access_result access_open_one(struct access *access, const struct access_open *open)
{
    struct shard *shard = shard_of(access->keyspace, open->key->hash);
    debug_check(!access->granted && !access->has_extras);
    access->keys = open->key;
    access->key_count = 1;
    access->mode = (uint8_t)open->mode;
    access->flags = (uint8_t)open->flags;
    access->changed = false;
    access->changed_index = 0;
    access->tries = 0;
    access->prepares = 0;
    access->now_ms = open->now_ms;
    access->shards = access->inline_shards;
    access->inline_shards[0] = shard;
    access->shard_count = 1;
    if (UNLIKELY(!shard_try_lock(&shard->word, open->mode == ACCESS_WRITE,
                                 SHARD_TICKET | SHARD_QUEUED, extra_of(access)))) {
        return access_try(access);
    }
    lock_rank_enter(LOCK_RANK_SHARD);
    access->granted = true;
    settle_time(access);
    access->interest = shard_interest(access->keyspace, shard);
    if (UNLIKELY((access->interest & ACCESS_NOTED) != 0)) {
        forget_others_notes(access);
    }
    return ACCESS_GRANTED;
}

bool access_queue(struct access *access, struct access_waiter *waiter)
{
    struct shard *shard = access->busy;
    struct shard_queue *queue = queue_of(access, shard);
    if (access->tries >= PATIENT_TRIES) {
        want_priority(access);
    }
    lock_acquire(&queue->lock);
    /* Set before the look: a holder that leaves after it finds the mark, and comes for the queue
     * when this lock is free again. */
    uint32_t seen = atomic_fetch_or_explicit(&shard->word, SHARD_QUEUED, memory_order_seq_cst);
    uint32_t obstacles = shard_rivals(access->mode == ACCESS_WRITE);
    obstacles |= access->ticket == NULL ? SHARD_TICKET : 0;
    /* Behind a queue any holder will do to wait for: its release wakes all. */
    obstacles |= queue->head != NULL ? SHARD_WRITER | SHARD_READERS : 0;
    if ((seen & obstacles) == 0) {
        if (queue->head == NULL) {
            atomic_fetch_and_explicit(&shard->word, ~SHARD_QUEUED, memory_order_relaxed);
        }
        lock_release(&queue->lock);
        return false;
    }
    atomic_fetch_add_explicit(&access->keyspace->queued_jobs, 1, memory_order_relaxed);
    waiter->next = NULL;
    waiter->since_us = clock_monotonic_us();
    if (queue->head == NULL) {
        atomic_store_explicit(&queue->since_us, waiter->since_us, memory_order_relaxed);
    }
    *queue->tail = waiter;
    queue->tail = &waiter->next;
    /* From the release on the waiter may run elsewhere: access is no longer this thread's. */
    lock_release(&queue->lock);
    return true;
}

static void release_garbage(struct keyspace *keyspace, struct garbage *garbage)
{
    size_t room = RELEASE_HERE_SIZE;
    while (garbage != NULL) {
        struct garbage *next = garbage->next;
        if (garbage->collection != NULL) {
            keyspace_discard_collection(keyspace, garbage->collection);
        } else if (garbage->blob->capacity <= room) {
            room -= garbage->blob->capacity;
            blob_release(garbage->blob);
        } else {
            keyspace_discard_blob(keyspace, garbage->blob);
        }
        mem_free_sized(garbage, sizeof(*garbage));
        garbage = next;
    }
}

/* What access_end has to do when it was more than one shard that was taken and let go. */
static ATTR_NOINLINE void end_extras(struct access *access)
{
    debug_check(access->ready == NULL && !access->is_borrowed);
    if (access->has_all) {
        gate_open(&access->keyspace->gate);
        access->has_all = false;
    }
    access->extra = (struct key_list){0};
    if (access->has_lapsed) {
        access->has_lapsed = false;
        access->has_told |= expire_key(access->keyspace, &access->lapsed, access->now_ms);
    }
    if (access->has_told) {
        access->has_told = false;
        keyspace_settle(access->keyspace);
    }
    drop_priority(access);
    if (UNLIKELY(access->shards != NULL && access->shards != access->inline_shards)) {
        mem_free(access->shards);
    }
    access->has_extras = false;
    if (UNLIKELY(access->garbage != NULL)) {
        struct garbage *garbage = access->garbage;
        access->garbage = NULL;
        release_garbage(access->keyspace, garbage);
    }
    if (UNLIKELY(access->prepared != NULL)) {
        /* Prepared and not used: the source had changed. */
        blob_release(access->prepared);
        access->prepared = NULL;
        blob_release(access->prepare_source);
        access->prepare_source = NULL;
    }
    if (UNLIKELY(access->due_ms != INT64_MAX)) {
        keyspace_tell_due(access->keyspace, access->due_ms);
        access->due_ms = INT64_MAX;
    }
}

/* While the shards are held still. */
static void count_edits(struct access *access)
{
    if (access->has_edits) {
        access->has_edits = false;
        prefixes_settle(access->keyspace);
    }
}

/* access_end when there is more to do than to let one shard go. */
static ATTR_NOINLINE void end_slowly(struct access *access)
{
    if (access->granted) {
        count_edits(access);
        let_go(access, access->shard_count);
        access->granted = false;
    }
    if (access->has_extras) {
        end_extras(access);
    }
    access->shard_count = 0;
}

void access_end(struct access *access)
{
    debug_check(!access->is_untold); /* The handler told what it did. */
    bool is_plain = access->granted && !access->has_extras && access->shard_count == 1;
    if (UNLIKELY(!is_plain || access->shards[0] == NULL)) {
        end_slowly(access);
        return;
    }
    shard_unlock(access->keyspace, access->shards[0], access->mode == ACCESS_WRITE,
                 extra_of(access));
    access->granted = false;
    access->shard_count = 0;
}

enum status access_prepare(struct access *access)
{
    struct blob *source = access->prepare_source;
    size_t size = access->prepare_size;
    struct blob *blob = blob_try_create(size, access->prepare_capacity);
    if (blob == NULL) {
        blob_release(source);
        access->prepare_source = NULL;
        return STATUS_ALLOCATION;
    }
    size_t copied = 0;
    if (source != NULL) {
        copied = source->size < size ? source->size : size;
        memcpy(blob->data, source->data, copied);
    }
    memset(blob->data + copied, 0, size - copied);
    access->prepared = blob;
    access->has_extras = true;
    return STATUS_OK;
}

/* The key indexes of an access as one list a shard, forward: heads[shard], then next[index]. */
struct shard_lists {
    uint32_t *heads;
    uint32_t *next;
};

static void lists_make(const struct access *access, struct shard_lists *lists)
{
    const struct keyspace *keyspace = access->keyspace;
    lists->heads = mem_alloc(keyspace->shard_count * sizeof(*lists->heads));
    lists->next = mem_alloc(access->key_count * sizeof(*lists->next));
    memset(lists->heads, 0xff, keyspace->shard_count * sizeof(*lists->heads));
    /* From the back, so that the lists run forward: the order of equal keys is kept. */
    for (uint32_t i = access->key_count; i-- > 0;) {
        uint64_t shard = access->keys[i].hash & keyspace->shard_mask;
        lists->next[i] = lists->heads[shard];
        lists->heads[shard] = i;
    }
}

static void lists_free(struct shard_lists *lists)
{
    mem_free(lists->next);
    mem_free(lists->heads);
}

/* Visits the keys of one shard, prefetched in groups. */
static void visit_shard(struct access *access, const struct shard_lists *lists,
                        const struct shard *shard, access_visitor *visit, void *argument)
{
    struct access_key group[VISIT_GROUP];
    uint32_t next = lists->heads[shard_index(access->keyspace, shard)];
    while (next != UINT32_MAX) {
        uint32_t first = next;
        uint32_t count = 0;
        for (; next != UINT32_MAX && count < VISIT_GROUP; next = lists->next[next]) {
            group[count++] = access->keys[next];
        }
        keyspace_prefetch(access->keyspace, group, count);
        for (uint32_t i = first; i != next; i = lists->next[i]) {
            visit(argument, access, i);
        }
    }
}

/* A view, and who has everything, keep what they hold, and so does who may have to serve others
 * with it: keys are visited in their order. */
static bool visit_held(struct access *access, access_visitor *visit, void *argument)
{
    if (!access->is_borrowed && !access->has_all && (access->interest & ACCESS_NOTED) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < access->key_count; i++) {
        visit(argument, access, i);
    }
    return true;
}

void access_each_by_shard(struct access *access, access_visitor *visit, void *argument)
{
    struct shard_lists lists;
    if (visit_held(access, visit, argument)) {
        return;
    }
    lists_make(access, &lists);
    for (uint32_t s = 0; s < access->shard_count; s++) {
        struct shard *shard = access->shards[s];
        visit_shard(access, &lists, shard, visit, argument);
        count_edits(access);
        /* All locks were held at one instant: letting one go early keeps the whole atomic. */
        shard_unlock(access->keyspace, shard, access->mode == ACCESS_WRITE, extra_of(access));
        access->shards[s] = NULL;
    }
    lists_free(&lists);
}

/* Nobody may wait for a reader of many keys, so it holds one shard at a time and remembers which
 * version of each it saw; then all at once, for as long as it takes to compare the versions and to
 * visit again what has changed: a few shards. That instant is the one the whole is of. Waiting for
 * a shard while holding others is safe here: they are taken in address order, and whoever else
 * holds several never waits. */
void access_each_snapshot(struct access *access, access_visitor *visit, void *argument)
{
    struct keyspace *keyspace = access->keyspace;
    struct shard_lists lists;
    if (visit_held(access, visit, argument)) {
        return;
    }
    uint32_t *versions = mem_alloc(access->shard_count * sizeof(*versions));
    check(access->mode == ACCESS_READ);
    lists_make(access, &lists);
    let_go(access, access->shard_count);
    for (uint32_t s = 0; s < access->shard_count; s++) {
        struct shard *shard = access->shards[s];
        shard_lock_patiently(shard, /* exclusive= */ false, 0);
        versions[s] = shard->version;
        visit_shard(access, &lists, shard, visit, argument);
        shard_unlock(keyspace, shard, /* exclusive= */ false, 0);
    }
    for (uint32_t s = 0; s < access->shard_count; s++) {
        shard_lock_patiently(access->shards[s], /* exclusive= */ false, 0);
    }
    for (uint32_t s = 0; s < access->shard_count; s++) {
        struct shard *shard = access->shards[s];
        if (shard->version != versions[s]) {
            visit_shard(access, &lists, shard, visit, argument);
        }
    }
    for (uint32_t s = 0; s < access->shard_count; s++) {
        shard_unlock(keyspace, access->shards[s], /* exclusive= */ false, 0);
        access->shards[s] = NULL;
    }
    lists_free(&lists);
    mem_free(versions);
}
