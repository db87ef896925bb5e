/* Trimming: keeps the resident size near what is in use.
 *
 *   a look finds the process near maxmemory, or activedefrag too much waste
 *     --want_trim--> a task on the pool: purge, then move what lies in sparse slabs, and again
 *
 * The allocator keeps blocks of one size class together, in slabs. When values change their size,
 * or some keys go and others stay, slabs are left that hold little and cannot be used for other
 * sizes. Their last blocks are moved to dense ones: entries, with the small blobs and the small
 * collections they point to, and the parts of tables; then the slab is given back.
 *
 * A pass walks the shards bucket by bucket in short exclusive holds, and empties one part in 32 of
 * the address space: keys meet slabs in random order, so that a pass over all of them would copy
 * most before the first slab is empty. After each pass what it freed is given back. Each round of
 * passes begins with a plan: which size classes have sparse slabs, and in how many passes they are
 * emptied.
 * Which strategy, measured: docs/decisions/0012-memory-budget.md.
 *
 * Threads: one run at a time, on the pool. Invariants: 1. An entry is moved under its shard's
 * exclusive lock, a value only while the key has the only reference. 2. Bytes and sizes stay, only
 * addresses change. */
#include "bucket.h"
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include <sched.h>

/* Blocks moved in one hold of a shard at most: some microseconds. */
#define HOLD_BLOCKS 64
/* Buckets of a table that are looked at in one hold: some hundred entries, of which a pass moves
 * one in 32. */
#define HOLD_BUCKETS 16
/* A pass empties every 32nd window of 4 MB: what it copies before it frees is 3 % at most. */
#define WINDOW_SHIFT 22
#define WINDOW_SETS 32
/* How long a run works before other tasks of the pool have their turn. */
#define RUN_US 2000
/* Waste of a size class below which it is left alone: slabs that are being filled. */
#define WASTE_LEAST ((uint64_t)512 * 1024)
/* After a run that found nothing to do the next one waits, longer each time, but no longer than a
 * hundredth of maxmemory takes to be written at 200 MB/s. */
#define QUIET_NS_MIN UINT64_C(1000000)
#define QUIET_NS_MAX UINT64_C(64000000)
#define QUIET_BYTES_PER_NS 20
/* The resident size is kept below maxmemory less a part of this: what comes until the next look. */
#define MARGIN_PART 64

/* Percent of the slabs of a size class in use up to which it is compacted: far from the limit, and
 * how many more for each percent of maxmemory that the process is nearer, and at most: nineteen
 * blocks are copied then for the room of one. */
#define FILL_FAR 80
#define FILL_STEP 4
#define FILL_NEAR 95

/* A class of which a round moves less than this part cannot be compacted further. */
#define MOVED_PART_LEAST 32

/* A write helps with a step for each thousandth of maxmemory that the process is over that line,
 * but not with more than these: about 2 us each. */
#define HELP_PART 1000
#define HELP_MAX 64
/* From so many on, 1 % over the limit, it waits until the process is nearer to it, but no longer
 * than this: there is nothing left to give. */
#define HELP_HARD 10
#define RELIEVE_US 10000
/* The part of maxmemory that the data gives up at most for what cannot be moved. */
#define SQUEEZE_PART 10

static uint32_t get(_Atomic uint32_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* ---- Is there reason? ---- */

static bool is_wasteful(const struct keyspace *keyspace, const struct mem_figures *figures)
{
    const struct keyspace_options *options = keyspace->options;
    uint64_t waste = figures->active_bytes - figures->allocated_bytes;
    return option_get(&options->activedefrag) != 0 &&
           waste > (uint64_t)option_get(&options->defrag_ignore_bytes) &&
           waste / 100 * 100 >
               figures->allocated_bytes / 100 * (uint64_t)option_get(&options->defrag_threshold);
}

/* Bytes by which the process is nearer to its limit than it should be. */
static uint64_t bytes_too_near(const struct keyspace *keyspace, uint64_t resident)
{
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t line = limit - limit / MARGIN_PART;
    return limit != 0 && resident > line ? resident - line : 0;
}

/* The further the process is over its limit, the more its writers help. */
static void set_pressure(struct keyspace *keyspace, uint64_t resident, uint64_t limit)
{
    uint64_t over = resident > limit ? resident - limit : 0;
    uint64_t steps = over / (limit / HELP_PART + 1);
    steps = steps < HELP_MAX ? steps : HELP_MAX;
    if (get(&keyspace->trim.pressure) != steps) {
        atomic_store_explicit(&keyspace->trim.pressure, (uint32_t)steps, memory_order_relaxed);
    }
}

/* What lies unused and cannot be moved is slack. Where the reserve does not hold it, the data's
 * budget does, up to a tenth of maxmemory: bounded, so that data never goes round after round for
 * what its going does not bring back. */
static void squeeze(struct trim *trim, uint64_t limit)
{
    uint64_t bytes = atomic_load_explicit(&trim->squeeze_bytes, memory_order_relaxed);
    uint64_t resident = mem_rss();
    uint64_t most = limit + trim->idle_bytes;
    bytes = resident > most ? bytes + (resident - most) / 4 : bytes - bytes / 16;
    bytes = bytes < limit / SQUEEZE_PART ? bytes : limit / SQUEEZE_PART;
    atomic_store_explicit(&trim->squeeze_bytes, bytes, memory_order_relaxed);
}

void trim_look(struct keyspace *keyspace, uint64_t limit)
{
    struct trim *trim = &keyspace->trim;
    uint64_t now = clock_ticks();
    if (keyspace->hooks.want_trim == NULL ||
        now < atomic_load_explicit(&trim->quiet_until_ticks, memory_order_relaxed)) {
        return;
    }
    bool is_wanted = false;
    if (limit != 0) {
        uint64_t resident = mem_rss();
        set_pressure(keyspace, resident, limit);
        is_wanted = bytes_too_near(keyspace, resident) > 0;
        if (!is_wanted && atomic_load_explicit(&trim->squeeze_bytes, memory_order_relaxed) > 0) {
            squeeze(trim, limit);
        }
    }
    if (!is_wanted && option_get(&keyspace->options->activedefrag) != 0) {
        struct mem_figures figures;
        mem_figures(&figures);
        is_wanted = is_wasteful(keyspace, &figures);
        if (!is_wanted) {
            atomic_store_explicit(&trim->quiet_until_ticks, now + clock_ns_to_ticks(QUIET_NS_MAX),
                                  memory_order_relaxed);
        }
    }
    if (is_wanted) {
        keyspace->hooks.want_trim(keyspace->hooks.context);
    }
}

/* ---- Moving ---- */

/* What is looked at in one hold. A slot's entry, or what an entry points to. */
struct looked {
    void *blocks[HOLD_BLOCKS];
    _Atomic uint64_t *slots[HOLD_BLOCKS]; /* of the entry */
    bool is_value[HOLD_BLOCKS];           /* the block is the entry's value */
    uint8_t places[HOLD_BLOCKS];          /* as mem_find_sparse says */
    uint32_t count;
};

static void look_at(struct looked *looked, void *block, _Atomic uint64_t *slot, bool is_value)
{
    if (looked->count < HOLD_BLOCKS) {
        looked->blocks[looked->count] = block;
        looked->slots[looked->count] = slot;
        looked->is_value[looked->count] = is_value;
        looked->count++;
    }
}

/* The value's block if it may be moved; NULL if there is none. */
static void *movable_value(struct entry *entry)
{
    if ((entry->flags & ENTRY_BLOB) != 0) {
        struct blob *blob = entry_blob(entry);
        return blob_is_unique(blob) ? blob : NULL;
    }
    if ((entry->flags & ENTRY_COLLECTION) != 0) {
        struct collection *collection = *entry_collection(entry);
        return !collection->is_large && collection_is_unique(collection) ? collection : NULL;
    }
    return NULL;
}

static bool is_in_window(struct trim *trim, const void *block)
{
    return ((uintptr_t)block >> WINDOW_SHIFT) % get(&trim->windows) == get(&trim->window);
}

static void look_at_slot(struct trim *trim, struct looked *looked, _Atomic uint64_t *slot)
{
    struct entry *entry = slot_entry(slot_get(slot));
    if (is_in_window(trim, entry)) {
        look_at(looked, entry, slot, /* is_value= */ false);
    }
    bool has_values = atomic_load_explicit(&trim->has_values, memory_order_relaxed);
    if (get(&trim->window) > 0 && !has_values) {
        return; /* The entry itself need not be looked at: its address was enough. */
    }
    void *block = movable_value(entry);
    if (block != NULL && !has_values) {
        atomic_store_explicit(&trim->has_values, true, memory_order_relaxed);
    }
    if (block != NULL && is_in_window(trim, block)) {
        look_at(looked, block, slot, /* is_value= */ true);
    }
}

static void count_moved(struct trim *trim, uint8_t place)
{
    atomic_fetch_add_explicit(&trim->moved_by_class[place - 1], 1, memory_order_relaxed);
}

/* A copy of a part of a table, slot by slot, if it lies in a sparse slab of the window; NULL: it
 * stays. Readers without a lock may look into the old one for a while (gate.h). */
static void *copy_slots(struct trim *trim, void *old, uint32_t count)
{
    uint8_t place = 0;
    if (!is_in_window(trim, old)) {
        return NULL;
    }
    mem_find_sparse(&old, 1, trim->fills, &place);
    _Atomic uint64_t *copy = place == 0 ? NULL : mem_alloc_dense(mem_block_size(old));
    for (uint32_t i = 0; copy != NULL && i < count; i++) {
        atomic_init(&copy[i], slot_get((_Atomic uint64_t *)old + i));
    }
    if (copy != NULL) {
        count_moved(trim, place);
    }
    return copy;
}

static void move_segment(struct keyspace *keyspace, struct table *table, uint32_t index)
{
    struct directory *directory = atomic_load_explicit(&table->directory, memory_order_relaxed);
    struct bucket *old = atomic_load_explicit(&directory->segments[index], memory_order_relaxed);
    uint32_t buckets = index == 0 ? UINT32_C(1) << table->first_level : SEGMENT_BUCKETS;
    struct bucket *copy = copy_slots(&keyspace->trim, old, buckets * BUCKET_SLOTS);
    if (copy != NULL) {
        /* Release: pairs with the looks of key_hint_bucket. */
        atomic_store_explicit(&directory->segments[index], copy, memory_order_release);
        gate_retire(&keyspace->gate, old);
    }
}

/* The node that the slot links to. */
static void move_node(struct keyspace *keyspace, _Atomic uint64_t *link)
{
    struct node *old = slot_node(slot_get(link));
    struct node *copy = copy_slots(&keyspace->trim, old, NODE_SLOTS);
    if (copy != NULL) {
        /* Release: pairs with the looks of key_hint_entry. */
        atomic_store_explicit(link, (uint64_t)(uintptr_t)copy | LINK_BIT, memory_order_release);
        gate_retire(&keyspace->gate, old);
    }
}

static void look_at_chain(struct keyspace *keyspace, struct looked *looked, struct bucket *bucket)
{
    _Atomic uint64_t *slots = bucket->slots;
    uint32_t left = BUCKET_SLOTS;
    while (left > 0) {
        uint64_t value = slot_get(slots);
        if (value == 0) {
            return;
        }
        if ((value & LINK_BIT) != 0) {
            move_node(keyspace, slots);
            slots = slot_node(slot_get(slots))->slots;
            left = NODE_SLOTS;
            continue;
        }
        look_at_slot(&keyspace->trim, looked, slots);
        slots++;
        left--;
    }
}

/* A copy in a dense slab; the old block is freed. */
static void *move_block(void *block)
{
    size_t size = mem_block_size(block);
    void *copy = mem_alloc_dense(size);
    if (copy != NULL) {
        memcpy(copy, block, size);
        mem_free_dense(block);
    }
    return copy;
}

/* Values first: an entry that moves as well takes the new pointer along. */
static void move_value(struct looked *looked, uint32_t i)
{
    struct entry *entry = slot_entry(slot_get(looked->slots[i]));
    void *copy = move_block(looked->blocks[i]);
    if (copy != NULL) {
        entry_set_pointer(entry, copy);
    }
}

static void move_entry(struct looked *looked, uint32_t i)
{
    struct entry *copy = move_block(looked->blocks[i]);
    if (copy != NULL) {
        struct position position = {.slot = looked->slots[i]};
        table_replace(position, copy);
    }
}

static void move_sparse(struct trim *trim, struct looked *looked)
{
    mem_find_sparse(looked->blocks, looked->count, trim->fills, looked->places);
    for (uint32_t i = 0; i < looked->count; i++) {
        if (looked->places[i] != 0 && looked->is_value[i]) {
            move_value(looked, i);
            count_moved(trim, looked->places[i]);
        }
    }
    for (uint32_t i = 0; i < looked->count; i++) {
        if (looked->places[i] != 0 && !looked->is_value[i]) {
            move_entry(looked, i);
            count_moved(trim, looked->places[i]);
        }
    }
}

/* Looks at some buckets of a table, and says how many it has. */
static void look_at_table(struct keyspace *keyspace, struct table *table, uint32_t first,
                          struct looked *looked)
{
    struct trim *trim = &keyspace->trim;
    uint32_t count = atomic_load_explicit(&table->bucket_count, memory_order_relaxed);
    uint32_t end = first + HOLD_BUCKETS;
    for (uint32_t i = first; i < end && i < count; i++) {
        if (i % SEGMENT_BUCKETS == 0) {
            move_segment(keyspace, table, i / SEGMENT_BUCKETS);
        }
        look_at_chain(keyspace, looked, bucket_at(table, i));
    }
    /* Two threads may both find their count the largest: either is good enough. */
    if (count > get(&trim->buckets)) {
        atomic_store_explicit(&trim->buckets, count, memory_order_relaxed);
    }
}

static void move_in_shard(struct keyspace *keyspace, struct shard *shard, uint32_t first)
{
    struct trim *trim = &keyspace->trim;
    struct looked looked;
    looked.count = 0;
    if (shard_first_table(shard) == NULL) {
        return;
    }
    gate_enter(&keyspace->gate);
    shard_lock_patiently(shard, /* exclusive= */ true, 0);
    struct table *table = shard_first_table(shard);
    for (; table != NULL; table = table_next(table)) {
        look_at_table(keyspace, table, first, &looked);
    }
    move_sparse(trim, &looked);
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    gate_leave(&keyspace->gate);
    atomic_fetch_add_explicit(&trim->looked_blocks, looked.count, memory_order_relaxed);
}

/* One step of the pass: the next buckets of the next shard. All shards' first ones come before
 * their next ones. False: the pass has no more. */
static bool take_step(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    uint64_t step = atomic_fetch_add_explicit(&trim->step, 1, memory_order_relaxed);
    uint64_t first = step / keyspace->shard_count * HOLD_BUCKETS;
    if (first > 0 && first >= get(&trim->buckets)) {
        return false;
    }
    move_in_shard(keyspace, &keyspace->shards[step & keyspace->shard_mask], (uint32_t)first);
    return true;
}

/* Goes on with the pass until the time is over or it ends; true if it has ended. */
static bool trim_pass(struct keyspace *keyspace, int64_t end_us)
{
    while (take_step(keyspace)) {
        if (clock_monotonic_us() > end_us) {
            return false;
        }
    }
    return true;
}

/* The next pass is over the next windows; true: after the last ones, a round has ended. */
static bool next_pass(struct trim *trim)
{
    uint32_t window = (get(&trim->window) + 1) % get(&trim->windows);
    atomic_store_explicit(&trim->window, window, memory_order_relaxed);
    atomic_store_explicit(&trim->buckets, 0, memory_order_relaxed);
    atomic_store_explicit(&trim->step, 0, memory_order_relaxed);
    return window == 0;
}

/* Percent of a size class's slabs in use above which they are left alone: the nearer the process is
 * to its limit, the more work is done for a page. */
static uint32_t fill_worth_moving(const struct keyspace *keyspace, uint64_t too_near)
{
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t percent = limit == 0 ? 0 : too_near * 100 / limit;
    uint32_t fill = FILL_FAR + (uint32_t)percent * FILL_STEP;
    return fill < FILL_NEAR ? fill : FILL_NEAR;
}

/* Blocks of the class that the last round moved, since they are counted anew. */
static uint64_t take_moved(struct trim *trim, size_t class)
{
    uint64_t moved =
        atomic_exchange_explicit(&trim->moved_by_class[class], 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&trim->moved_blocks, moved, memory_order_relaxed);
    return moved;
}

/* Is the class to be compacted? Says up to which percentage of a slab in use, else 0. One of which
 * the last round moved hardly anything is made of what cannot be moved, and is left alone until
 * more of it lies unused. */
static uint8_t plan_class(struct trim *trim, size_t i, const struct mem_class *class, uint32_t most)
{
    bool was_planned = atomic_load_explicit(&trim->fills[i], memory_order_relaxed) != 0;
    uint64_t moved = take_moved(trim, i) * class->block_size;
    uint64_t waste =
        class->slab_bytes > class->used_bytes ? class->slab_bytes - class->used_bytes : 0;
    if (was_planned) {
        trim->stuck_bytes[i] = moved < class->used_bytes / MOVED_PART_LEAST ? waste : 0;
    }
    if (waste < trim->stuck_bytes[i]) {
        trim->stuck_bytes[i] = waste;
    }
    if (waste <= trim->stuck_bytes[i] + WASTE_LEAST ||
        class->used_bytes * 100 > class->slab_bytes * most) {
        return 0;
    }
    /* Midway between what all have on average and full: those that are denser stay. */
    return (uint8_t)((class->used_bytes * 100 / class->slab_bytes + 100) / 2);
}

/* Begins a round: which classes are sparse enough, and in how many passes. False: none is. */
static bool plan_round(struct keyspace *keyspace, uint64_t too_near, uint64_t in_use)
{
    struct trim *trim = &keyspace->trim;
    struct mem_class classes[MEM_CLASSES_MAX];
    size_t count = mem_classes(classes);
    uint32_t most = fill_worth_moving(keyspace, too_near);
    uint64_t to_move = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t fill = plan_class(trim, i, &classes[i], most);
        to_move += fill == 0 ? 0 : classes[i].used_bytes;
        atomic_store_explicit(&trim->fills[i], fill, memory_order_relaxed);
    }
    uint64_t windows = to_move * WINDOW_SETS / (in_use + 1) + 1;
    windows = windows < WINDOW_SETS ? windows : WINDOW_SETS;
    atomic_store_explicit(&trim->windows, (uint32_t)windows, memory_order_relaxed);
    atomic_store_explicit(&trim->has_values, false, memory_order_relaxed);
    return to_move > 0;
}

/* Is there so much to gain that blocks are to be moved? */
static bool wants_moves(struct keyspace *keyspace)
{
    struct mem_figures figures;
    mem_figures(&figures);
    uint64_t too_near = bytes_too_near(keyspace, figures.rss_bytes);
    if (too_near == 0 && !is_wasteful(keyspace, &figures)) {
        return false;
    }
    return keyspace->trim.is_in_round ||
           plan_round(keyspace, too_near, (uint64_t)figures.allocated_bytes);
}

/* Nothing can be done for a while. */
static void rest(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    atomic_store_explicit(&trim->pressure, 0, memory_order_relaxed);
    atomic_store_explicit(&trim->is_moving, false, memory_order_relaxed);
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t longest = limit == 0 || limit / QUIET_BYTES_PER_NS > QUIET_NS_MAX
                           ? QUIET_NS_MAX
                           : limit / QUIET_BYTES_PER_NS;
    squeeze(trim, limit);
    trim->quiet_ns = trim->quiet_ns == 0 ? QUIET_NS_MIN : trim->quiet_ns * 2;
    trim->quiet_ns = trim->quiet_ns < longest ? trim->quiet_ns : longest;
    atomic_store_explicit(&trim->quiet_until_ticks,
                          clock_ticks() + clock_ns_to_ticks(trim->quiet_ns), memory_order_relaxed);
}

bool keyspace_trim(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    /* Acquire: pairs with the release below. */
    if (atomic_exchange_explicit(&trim->is_running, true, memory_order_acquire)) {
        return false;
    }
    uint64_t began = clock_ticks();
    mem_purge();
    bool is_more = wants_moves(keyspace);
    if (is_more) {
        trim->is_in_round = true;
        trim->quiet_ns = 0;
        atomic_store_explicit(&trim->is_moving, true, memory_order_relaxed);
        if (trim_pass(keyspace, clock_monotonic_us() + RUN_US)) {
            trim->is_in_round = !next_pass(trim);
        }
        gate_collect(&keyspace->gate);
    } else {
        gate_collect(&keyspace->gate);
        rest(keyspace);
    }
    atomic_fetch_add_explicit(&trim->moved_ticks, clock_ticks() - began, memory_order_relaxed);
    atomic_store_explicit(&trim->is_running, false, memory_order_release);
    return is_more;
}

/* The pass has no more steps: somebody has to end it, and begin the next one. */
static void go_on(struct keyspace *keyspace)
{
    if (atomic_load_explicit(&keyspace->trim.is_running, memory_order_relaxed)) {
        (void)sched_yield(); /* The thread that does it may need this one's processor. */
    } else {
        (void)keyspace_trim(keyspace);
    }
}

static void relieve(struct keyspace *keyspace, uint32_t steps)
{
    struct trim *trim = &keyspace->trim;
    int64_t end_us = clock_monotonic_us() + RELIEVE_US;
    for (;;) {
        bool is_moving = atomic_load_explicit(&trim->is_moving, memory_order_relaxed);
        while (is_moving && steps > 0 && take_step(keyspace)) {
            steps--;
        }
        if (steps > 0 && (is_moving || get(&trim->pressure) >= HELP_HARD)) {
            go_on(keyspace);
        }
        trim_look(keyspace, (uint64_t)option_get(&keyspace->options->maxmemory));
        steps = get(&trim->pressure);
        if (steps < HELP_HARD || clock_monotonic_us() > end_us) {
            return;
        }
    }
}

bool keyspace_wants_relief(const struct keyspace *keyspace)
{
    return get(&((struct keyspace *)keyspace)->trim.pressure) > 0;
}

void keyspace_relieve(struct keyspace *keyspace)
{
    uint32_t steps = get(&keyspace->trim.pressure);
    if (UNLIKELY(steps > 0)) {
        relieve(keyspace, steps);
    }
}

void keyspace_trim_figures(const struct keyspace *keyspace, struct trim_figures *ret_figures)
{
    struct trim *trim = &((struct keyspace *)keyspace)->trim;
    uint64_t moved = atomic_load_explicit(&trim->moved_blocks, memory_order_relaxed);
    *ret_figures = (struct trim_figures){
        .is_moving = atomic_load_explicit(&trim->is_moving, memory_order_relaxed),
        .moved = moved,
        .left = atomic_load_explicit(&trim->looked_blocks, memory_order_relaxed) - moved,
        .spent_us =
            clock_ticks_to_ns(atomic_load_explicit(&trim->moved_ticks, memory_order_relaxed)) /
            1000,
    };
}
