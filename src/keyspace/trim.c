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
 * A pass walks the shards bucket by bucket in short exclusive holds, and empties some windows of
 * the address space: keys meet slabs in random order, so that a pass over all of them would copy
 * most before the first slab is empty. Each begins with a plan, of the size classes that have
 * sparse slabs, and after each what it freed is given back.
 * Which strategy, measured: docs/decisions/0012-memory-budget.md.
 *
 * Threads: one run at a time, on the pool or by a write that waits; writes help with its steps. */
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include <sched.h>

/* How long a run works before other tasks of the pool have their turn. */
#define RUN_US 2000
/* After so many steps a thread that waits for the processor may have it: some ten microseconds. */
#define YIELD_STEPS 16
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

/* A class of whose waste the passes over all windows move less than this part cannot be compacted
 * further. */
#define MOVED_PART_LEAST 8
/* Windows of a pass at most. */
#define SPAN_MAX 16

/* A write helps with a step for each thousandth of maxmemory that the process is over that line,
 * but not with more than these: about 2 us each. */
#define HELP_PART 1000
#define HELP_MAX 64
/* From so many on, 1 % over the limit, it waits until the process is nearer to it, but no longer
 * than this for each of them: 2 ms at 1 %, 13 ms at most. */
#define HELP_HARD 10
#define RELIEVE_STEP_US 200
/* So long they wait one after the other. */
#define HARD_NS UINT64_C(500000000)
/* Passes over all windows that did not bring this part of maxmemory are not made again for a while,
 * unless so much more has come. */
#define WORTH_PART 256
#define VAIN_NS UINT64_C(250000000)
/* The part of maxmemory that the data gives up at most for what is not moved. */
#define SQUEEZE_PART 10
/* The part of maxmemory that has room for the server itself. */
#define OWN_PART 12

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

/* The most that the process is to be resident with. The server itself has its room in the reserve,
 * but under a small limit it is more than that has: the rest comes on top. */
static uint64_t resident_limit(const struct trim *trim, uint64_t limit)
{
    uint64_t room = limit / OWN_PART;
    return limit + (trim->own_bytes > room ? trim->own_bytes - room : 0);
}

/* Bytes by which the process is nearer to its limit than it should be. */
static uint64_t bytes_too_near(const struct keyspace *keyspace, uint64_t resident)
{
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    uint64_t line = resident_limit(&keyspace->trim, limit) - limit / MARGIN_PART;
    return limit != 0 && resident > line ? resident - line : 0;
}

/* Have writers waited for so long that they have to go on? */
static bool has_waited(struct trim *trim)
{
    uint64_t now = clock_ticks();
    uint64_t since = atomic_load_explicit(&trim->hard_since_ticks, memory_order_relaxed);
    if (since == 0) {
        atomic_store_explicit(&trim->hard_since_ticks, now, memory_order_relaxed);
    }
    return since != 0 && now - since > clock_ns_to_ticks(HARD_NS);
}

/* The further the process is over its limit, the more its writers help. Where that has not helped
 * for a while, what there is has to do, and they help again when it grows further. */
static void set_pressure(struct keyspace *keyspace, uint64_t resident, uint64_t limit)
{
    struct trim *trim = &keyspace->trim;
    uint64_t most = resident_limit(trim, limit);
    uint64_t stuck = atomic_load_explicit(&trim->stuck_at_bytes, memory_order_relaxed);
    if (resident < stuck) {
        stuck = resident > most ? resident : 0;
        atomic_store_explicit(&trim->stuck_at_bytes, stuck, memory_order_relaxed);
    }
    most = stuck > most ? stuck : most;
    uint64_t over = resident > most ? resident - most : 0;
    uint64_t steps = over / (limit / HELP_PART + 1);
    steps = steps < HELP_MAX ? steps : HELP_MAX;
    if (steps >= HELP_HARD && has_waited(trim)) {
        atomic_store_explicit(&trim->stuck_at_bytes, resident, memory_order_relaxed);
        steps = 0;
    }
    if (steps < HELP_HARD) {
        atomic_store_explicit(&trim->hard_since_ticks, 0, memory_order_relaxed);
    }
    if (get(&trim->pressure) != steps) {
        atomic_store_explicit(&trim->pressure, (uint32_t)steps, memory_order_relaxed);
    }
}

/* What lies unused and is not yet moved, or cannot be, is slack. Where the reserve does not hold
 * it, the data's budget does, up to a tenth of maxmemory: bounded, so that data never goes round
 * after round for what its going does not bring back. */
static void squeeze(struct trim *trim, uint64_t resident, uint64_t limit)
{
    uint64_t bytes = atomic_load_explicit(&trim->squeeze_bytes, memory_order_relaxed);
    uint64_t most = resident_limit(trim, limit);
    if (resident <= most && bytes == 0) {
        return;
    }
    bytes = resident > most ? bytes + (resident - most) / 16 : bytes - (bytes + 63) / 64;
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
        if (mem_tells_slabs()) {
            set_pressure(keyspace, resident, limit);
            squeeze(trim, resident, limit);
        }
        is_wanted = bytes_too_near(keyspace, resident) > 0;
    } else if (get(&trim->pressure) > 0) {
        atomic_store_explicit(&trim->pressure, 0, memory_order_relaxed);
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

/* ---- Passes ---- */

/* Goes on with the pass until the time is over or it ends; true if it has ended. */
static bool trim_pass(struct keyspace *keyspace, int64_t end_us)
{
    uint32_t steps = 0;
    while (trim_step(keyspace)) {
        if (clock_monotonic_us() > end_us) {
            return false;
        }
        if (++steps % YIELD_STEPS == 0) {
            (void)sched_yield();
        }
    }
    return true;
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

/* Bytes of the class's slabs that no block uses. */
static uint64_t waste_of(const struct mem_class *class)
{
    return class->slab_bytes > class->used_bytes ? class->slab_bytes - class->used_bytes : 0;
}

/* Is the class to be compacted? Says up to which percentage of a slab in use, else 0. */
static uint8_t fill_of(struct trim *trim, size_t i, const struct mem_class *class, uint32_t most)
{
    uint64_t waste = waste_of(class);
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

/* Before a pass: which classes are sparse enough now. Returns the bytes of their blocks; 0: none
 * is. */
static uint64_t plan_pass(struct keyspace *keyspace, uint64_t too_near)
{
    struct trim *trim = &keyspace->trim;
    struct mem_class classes[MEM_CLASSES_MAX];
    size_t count = mem_classes(classes);
    uint32_t most = fill_worth_moving(keyspace, too_near);
    bool is_first = get(&trim->window) == 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t fill = fill_of(trim, i, &classes[i], most);
        trim->was_planned[i] = fill != 0 && (is_first || trim->was_planned[i]);
        bytes += fill == 0 ? 0 : classes[i].used_bytes + 1;
        atomic_store_explicit(&trim->fills[i], fill, memory_order_relaxed);
    }
    return bytes;
}

/* As many windows as hold at most 1/32 of the limit of what may be moved, of which half is. */
static uint32_t span_of(uint32_t window, uint64_t bytes, uint64_t limit)
{
    uint32_t span = SPAN_MAX;
    while (span > 1 && (window % span != 0 || bytes * span > limit * 2)) {
        span /= 2;
    }
    return span;
}

static void begin_pass(struct keyspace *keyspace, uint32_t span)
{
    struct trim *trim = &keyspace->trim;
    atomic_store_explicit(&trim->span, span, memory_order_relaxed);
    if (get(&trim->window) == 0) {
        atomic_store_explicit(&trim->saw_values, false, memory_order_relaxed);
    }
    trim->is_in_pass = true;
    trim_begin(keyspace);
    atomic_store_explicit(&trim->is_moving, true, memory_order_relaxed);
}

/* After a pass: what it moved. */
static void take_moved(struct trim *trim, const struct mem_class *classes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t moved =
            atomic_exchange_explicit(&trim->moved_by_class[i], 0, memory_order_relaxed);
        trim->moved_bytes[i] += moved * classes[i].block_size;
        atomic_fetch_add_explicit(&trim->moved_blocks, moved, memory_order_relaxed);
    }
}

/* All windows had their pass. A class of which they moved little of what it wastes is made of what
 * cannot be moved, and is left alone until more of it lies unused. */
static void judge_classes(struct trim *trim, const struct mem_class *classes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t waste = waste_of(&classes[i]);
        bool is_stuck = trim->was_planned[i] && trim->moved_bytes[i] < waste / MOVED_PART_LEAST;
        trim->stuck_bytes[i] = is_stuck ? waste : 0;
        trim->moved_bytes[i] = 0;
    }
}

/* The same for all of them. */
static void judge_round(struct trim *trim, uint64_t limit)
{
    uint64_t resident = mem_rss();
    if (limit != 0 && resident + limit / WORTH_PART > trim->round_bytes) {
        trim->vain_until_ticks = clock_ticks() + clock_ns_to_ticks(VAIN_NS);
    }
    trim->round_bytes = resident;
}

/* The next pass is over the next windows. */
static void end_pass(struct trim *trim, uint64_t limit)
{
    struct mem_class classes[MEM_CLASSES_MAX];
    size_t count = mem_classes(classes);
    uint32_t window = (get(&trim->window) + get(&trim->span)) % TRIM_WINDOWS;
    trim->is_in_pass = false;
    atomic_store_explicit(&trim->is_moving, false, memory_order_relaxed);
    take_moved(trim, classes, count);
    if (get(&trim->window) == 0) {
        bool saw_values = atomic_load_explicit(&trim->saw_values, memory_order_relaxed);
        atomic_store_explicit(&trim->has_values, saw_values, memory_order_relaxed);
    }
    if (window == 0) {
        judge_classes(trim, classes, count);
        judge_round(trim, limit);
    }
    atomic_store_explicit(&trim->window, window, memory_order_relaxed);
}

/* Is there so much to gain that blocks are to be moved? Then a pass is under way. */
static bool wants_moves(struct keyspace *keyspace)
{
    struct trim *trim = &keyspace->trim;
    uint64_t limit = (uint64_t)option_get(&keyspace->options->maxmemory);
    struct mem_figures figures;
    mem_figures(&figures);
    uint64_t too_near = bytes_too_near(keyspace, figures.rss_bytes);
    if (too_near == 0 && !is_wasteful(keyspace, &figures)) {
        return false;
    }
    if (clock_ticks() < trim->vain_until_ticks &&
        figures.rss_bytes < trim->round_bytes + limit / WORTH_PART) {
        return false;
    }
    uint64_t bytes = trim->is_in_pass ? 0 : plan_pass(keyspace, too_near);
    if (bytes > 0) {
        uint64_t whole = limit == 0 ? (uint64_t)figures.allocated_bytes : limit;
        begin_pass(keyspace, span_of(get(&trim->window), bytes, whole));
    }
    return trim->is_in_pass;
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
        trim->quiet_ns = 0;
        if (trim_pass(keyspace, clock_monotonic_us() + RUN_US)) {
            end_pass(trim, (uint64_t)option_get(&keyspace->options->maxmemory));
        }
        gate_collect(&keyspace->gate);
    } else {
        gate_collect(&keyspace->gate);
        rest(keyspace);
    }
    uint64_t spent = clock_ticks() - began;
    spent += atomic_fetch_add_explicit(&trim->moved_ticks, spent, memory_order_relaxed);
    if (!is_more) {
        atomic_store_explicit(&trim->rested_ticks, spent, memory_order_relaxed);
    }
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
    int64_t end_us = clock_monotonic_us() + (int64_t)steps * RELIEVE_STEP_US;
    if (steps >= HELP_HARD) {
        mem_thread_flush(); /* What this thread keeps for itself holds slabs. */
    }
    for (;;) {
        gate_renew(&keyspace->gate); /* Else nothing that is retired meanwhile is freed. */
        bool is_moving = atomic_load_explicit(&trim->is_moving, memory_order_relaxed);
        while (is_moving && steps > 0 && trim_step(keyspace)) {
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

/* Others count meanwhile. */
static uint64_t rest_of(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

void keyspace_trim_figures(const struct keyspace *keyspace, struct trim_figures *ret_figures)
{
    struct trim *trim = &((struct keyspace *)keyspace)->trim;
    uint64_t moved = atomic_load_explicit(&trim->moved_blocks, memory_order_relaxed);
    uint64_t moved_keys = atomic_load_explicit(&trim->moved_keys, memory_order_relaxed);
    uint64_t rested = atomic_load_explicit(&trim->rested_ticks, memory_order_relaxed);
    uint64_t spent = atomic_load_explicit(&trim->moved_ticks, memory_order_relaxed);
    *ret_figures = (struct trim_figures){
        .is_moving = atomic_load_explicit(&trim->is_moving, memory_order_relaxed) || spent > rested,
        .moved = moved,
        .left = rest_of(atomic_load_explicit(&trim->looked_blocks, memory_order_relaxed), moved),
        .keys_moved = moved_keys,
        .keys_left =
            rest_of(atomic_load_explicit(&trim->looked_keys, memory_order_relaxed), moved_keys),
        .spent_us = clock_ticks_to_ns(spent) / 1000,
        .current_us = clock_ticks_to_ns(rest_of(spent, rested)) / 1000,
    };
}
