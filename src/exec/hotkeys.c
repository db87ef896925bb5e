/* The keys that are asked for most: booked into sketches of each thread, merged for who asks.
 *
 * On the data path of calls that are looked at only: one in hotkeys-sample-ratio, or all while
 * HOTKEYS tracks.
 * Invariants: 1. A block is written by its own thread, under its lock; others read it under that
 * lock. 2. A block's session sketches are of its generation: what belongs to an earlier session is
 * dropped when its thread books next, and passed by until then. */
#include "pollard/exec/hotkeys.h"
#include "pollard/base/clock.h"
#include "pollard/base/hash.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/exec/exec.h"
#include "pollard/stats/stats.h"
#include <sys/resource.h>

/* Keys of late that a thread holds: those with more than one access in so many are found. */
#define RECENT_CAPACITY 256
/* Calls looked at between two fadings: half of what is shown is about the last two million calls
 * of a thread, at one in 256. */
#define FADE_EVERY 8192
/* Keys that a session holds for each one that is told. Guess: errors are small then. */
#define SESSION_PLACES 8
/* Keys looked at of a call with many. */
#define CALL_KEYS_MAX 64

enum state { STATE_NONE, STATE_TRACKING, STATE_STOPPED };

struct hot_thread {
    struct lock lock;
    struct sampler sampler; /* of hotkeys_book_here: the thread's alone */
    struct topk *recent[HOTKEYS_RECENTS];
    uint32_t looks; /* since the last fading */
    uint64_t generation;
    struct topk *found[HOTKEYS_METRICS];
    uint64_t all_ticks;
    uint64_t all_bytes;
};

/* Figures of the process at one time. */
struct usage {
    uint64_t user_ms;
    uint64_t sys_ms;
    uint64_t net_bytes;
};

struct hotkeys {
    const struct exec_options *options;
    struct lock lock; /* of the session, but for what is atomic */
    _Atomic uint32_t mark;
    _Atomic int state;           /* enum state */
    _Atomic int64_t end_ms;      /* of its duration; INT64_MAX: none */
    _Atomic uint64_t generation; /* of sessions; 0: none yet */
    _Atomic uint64_t sample;
    _Atomic uint32_t places[HOTKEYS_METRICS]; /* of a thread's sketch; 0: not wanted */
    struct hotkeys_session session;
    int64_t start_ms;
    int64_t stop_ms;
    struct usage start;
    struct usage stop;
    _Atomic(struct hot_thread *) threads[THREADS_MAX];
};

struct hotkeys *hotkeys_create(const struct exec_options *options)
{
    struct hotkeys *hotkeys = mem_alloc_zero(sizeof(*hotkeys));
    hotkeys->options = options;
    lock_init(&hotkeys->lock, LOCK_RANK_HOTKEYS);
    return hotkeys;
}

void hotkeys_destroy(struct hotkeys **hotkeys_pointer)
{
    struct hotkeys *hotkeys = *hotkeys_pointer;
    if (hotkeys == NULL) {
        return;
    }
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        struct hot_thread *thread = atomic_load(&hotkeys->threads[i]);
        if (thread == NULL) {
            continue;
        }
        for (int j = 0; j < HOTKEYS_RECENTS; j++) {
            topk_destroy(&thread->recent[j]);
        }
        for (int j = 0; j < HOTKEYS_METRICS; j++) {
            topk_destroy(&thread->found[j]);
        }
        lock_deinit(&thread->lock);
        mem_free(thread);
    }
    lock_deinit(&hotkeys->lock);
    mem_free(hotkeys);
    *hotkeys_pointer = NULL;
}

static bool has_state(const struct hotkeys *hotkeys, enum state state)
{
    return atomic_load_explicit((_Atomic int *)&hotkeys->state, memory_order_relaxed) == (int)state;
}

static void set_state(struct hotkeys *hotkeys, enum state state)
{
    atomic_store_explicit(&hotkeys->state, (int)state, memory_order_relaxed);
    /* After the state: who sees the mark change finds it. */
    atomic_fetch_add_explicit(&hotkeys->mark, 1, memory_order_release);
}

/* ---- Booking ---- */

static struct hot_thread *thread_self(struct hotkeys *hotkeys)
{
    _Atomic(struct hot_thread *) *place = &hotkeys->threads[thread_index()];
    struct hot_thread *self = atomic_load_explicit(place, memory_order_relaxed);
    if (LIKELY(self != NULL)) {
        return self;
    }
    self = mem_alloc_zero(sizeof(*self));
    lock_init(&self->lock, LOCK_RANK_STATS);
    self->sampler = (struct sampler)SAMPLER_BEGIN;
    for (int i = 0; i < HOTKEYS_RECENTS; i++) {
        self->recent[i] = topk_create(RECENT_CAPACITY);
    }
    /* Release: pairs with the acquire in thread_get. */
    atomic_store_explicit(place, self, memory_order_release);
    return self;
}

static struct hot_thread *thread_get(struct hotkeys *hotkeys, uint32_t index)
{
    return atomic_load_explicit(&hotkeys->threads[index], memory_order_acquire);
}

/* Of a call with very many keys some stand for all: every so many. */
static uint32_t step_of(const struct key_list *keys)
{
    return (keys->count + CALL_KEYS_MAX - 1) / CALL_KEYS_MAX;
}

static void add_keys(struct topk *topk, const struct key_list *keys, uint64_t each)
{
    uint32_t step = step_of(keys);
    for (uint32_t i = 0; i < keys->count; i += step) {
        topk_add(topk, keys->keys[i].name, keys->keys[i].hash, each * step);
    }
}

static void offer_keys(struct topk *topk, const struct key_list *keys, uint64_t each)
{
    uint32_t step = step_of(keys);
    for (uint32_t i = 0; i < keys->count; i += step) {
        topk_offer(topk, keys->keys[i].name, keys->keys[i].hash,
                   (struct topk_offer){each * step, (uint32_t)random_u64()});
    }
}

static void book_recent_bytes(struct hot_thread *self, const struct hotkeys_call *call,
                              uint32_t weight)
{
    uint64_t bytes = call->bytes / call->keys.count;
    offer_keys(self->recent[HOTKEYS_BY_BYTES], &call->keys, bytes * weight);
}

static void book_recent(struct hot_thread *self, const struct hotkeys_call *call, uint32_t weight)
{
    offer_keys(self->recent[HOTKEYS_BY_ACCESSES], &call->keys, weight);
    book_recent_bytes(self, call, weight);
    if (++self->looks >= FADE_EVERY) {
        self->looks = 0;
        topk_fade(self->recent[HOTKEYS_BY_ACCESSES]);
        topk_fade(self->recent[HOTKEYS_BY_BYTES]);
    }
}

/* The thread's sketches for a session that it has not booked for yet. */
static void join_session(const struct hotkeys *hotkeys, struct hot_thread *self,
                         uint64_t generation)
{
    self->generation = generation;
    self->all_ticks = 0;
    self->all_bytes = 0;
    for (int i = 0; i < HOTKEYS_METRICS; i++) {
        uint32_t places =
            atomic_load_explicit((_Atomic uint32_t *)&hotkeys->places[i], memory_order_relaxed);
        topk_destroy(&self->found[i]);
        self->found[i] = places == 0 ? NULL : topk_create(places);
    }
}

static void book_session(const struct hotkeys *hotkeys, struct hot_thread *self,
                         const struct hotkeys_call *call)
{
    /* Acquire: pairs with the release in hotkeys_start. */
    uint64_t generation =
        atomic_load_explicit((_Atomic uint64_t *)&hotkeys->generation, memory_order_acquire);
    uint64_t sample =
        atomic_load_explicit((_Atomic uint64_t *)&hotkeys->sample, memory_order_relaxed);
    if (UNLIKELY(self->generation != generation)) {
        join_session(hotkeys, self, generation);
    }
    self->all_ticks += call->ticks;
    self->all_bytes += call->bytes;
    if (call->keys.count == 0 || (sample > 1 && random_below(sample) != 0)) {
        return;
    }
    const uint64_t each[HOTKEYS_METRICS] = {[HOTKEYS_CPU] = call->ticks / call->keys.count,
                                            [HOTKEYS_NET] = call->bytes / call->keys.count};
    for (int i = 0; i < HOTKEYS_METRICS; i++) {
        if (self->found[i] != NULL) {
            add_keys(self->found[i], &call->keys, each[i]);
        }
    }
}

/* Has the session a duration, whose end has to be looked for? */
static bool has_end(const struct hotkeys *hotkeys)
{
    return atomic_load_explicit((_Atomic int64_t *)&hotkeys->end_ms, memory_order_relaxed) !=
           INT64_MAX;
}

/* hotkeys_is_tracking, by the clock only where it matters. */
static bool tracks_now(struct hotkeys *hotkeys)
{
    return has_state(hotkeys, STATE_TRACKING) &&
           (!has_end(hotkeys) || hotkeys_is_tracking(hotkeys, clock_ms()));
}

/* How many calls one that is due stands for; sets the sampler for the next one. */
static uint32_t take_weight(const struct hotkeys *hotkeys, struct sampler *sampler,
                            bool is_tracking)
{
    uint32_t most = (uint32_t)option_get(&hotkeys->options->hotkeys_sample_ratio);
    uint32_t weight = sampler_next(sampler, most);
    if (is_tracking) {
        /* The next one again. */
        *sampler = (struct sampler)SAMPLER_BEGIN;
    }
    return weight;
}

void hotkeys_book(struct hotkeys *hotkeys, struct sampler *sampler, const struct hotkeys_call *call)
{
    bool is_tracking = tracks_now(hotkeys);
    uint32_t weight = take_weight(hotkeys, sampler, is_tracking);
    if (weight == 0 && !is_tracking) {
        return;
    }
    struct hot_thread *self = thread_self(hotkeys);
    lock_acquire(&self->lock);
    if (weight != 0 && call->keys.count > 0) {
        book_recent(self, call, weight);
    }
    if (is_tracking) {
        book_session(hotkeys, self, call);
    }
    lock_release(&self->lock);
}

bool hotkeys_is_due_here(struct hotkeys *hotkeys)
{
    struct sampler *sampler = &thread_self(hotkeys)->sampler;
    bool wants_next =
        sampler->weight == 0 && option_get(&hotkeys->options->hotkeys_sample_ratio) != 0;
    if (wants_next || has_state(hotkeys, STATE_TRACKING)) {
        sampler->left = 1;
    }
    return sampler_is_due(sampler);
}

void hotkeys_book_here(struct hotkeys *hotkeys, const struct hotkeys_call *call)
{
    hotkeys_book(hotkeys, &thread_self(hotkeys)->sampler, call);
}

bool hotkeys_wants_parts(struct hotkeys *hotkeys, uint32_t *ret_weight)
{
    if (!hotkeys_is_due_here(hotkeys)) {
        return false;
    }
    bool is_tracking = tracks_now(hotkeys);
    uint32_t weight = take_weight(hotkeys, &thread_self(hotkeys)->sampler, is_tracking);
    *ret_weight = weight;
    return is_tracking || weight != 0;
}

void hotkeys_book_part(struct hotkeys *hotkeys, const struct hotkeys_call *part, uint32_t weight)
{
    bool is_tracking = tracks_now(hotkeys);
    struct hot_thread *self = thread_self(hotkeys);
    lock_acquire(&self->lock);
    if (weight != 0 && part->keys.count > 0) {
        book_recent_bytes(self, part, weight);
    }
    if (is_tracking) {
        book_session(hotkeys, self, part);
    }
    lock_release(&self->lock);
}

/* ---- Sessions ---- */

static uint64_t time_ms(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_usec / 1000;
}

static struct usage usage_now(void)
{
    struct rusage usage;
    struct usage now = {.net_bytes = stats_sum_ever(STAT_net_input_bytes) +
                                     stats_sum_ever(STAT_net_output_bytes)};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        now.user_ms = time_ms(usage.ru_utime);
        now.sys_ms = time_ms(usage.ru_stime);
    }
    return now;
}

static void stop(struct hotkeys *hotkeys, int64_t now_ms) REQUIRES(hotkeys->lock)
{
    hotkeys->stop_ms = now_ms;
    hotkeys->stop = usage_now();
    set_state(hotkeys, STATE_STOPPED);
}

/* Is a session going on? One whose time is over is stopped. */
static bool settle(struct hotkeys *hotkeys, int64_t now_ms) REQUIRES(hotkeys->lock)
{
    int64_t end_ms = atomic_load_explicit(&hotkeys->end_ms, memory_order_relaxed);
    if (has_state(hotkeys, STATE_TRACKING) && now_ms >= end_ms) {
        stop(hotkeys, end_ms);
    }
    return has_state(hotkeys, STATE_TRACKING);
}

const _Atomic uint32_t *hotkeys_mark(const struct hotkeys *hotkeys)
{
    return &hotkeys->mark;
}

bool hotkeys_is_tracking(struct hotkeys *hotkeys, int64_t now_ms)
{
    lock_acquire(&hotkeys->lock);
    bool is_tracking = settle(hotkeys, now_ms);
    lock_release(&hotkeys->lock);
    return is_tracking;
}

bool hotkeys_start(struct hotkeys *hotkeys, const struct hotkeys_session *session, int64_t now_ms)
{
    lock_acquire(&hotkeys->lock);
    bool may_start = !settle(hotkeys, now_ms);
    if (may_start) {
        hotkeys->session = *session;
        hotkeys->start_ms = now_ms;
        hotkeys->start = usage_now();
        for (int i = 0; i < HOTKEYS_METRICS; i++) {
            uint32_t places = session->wants[i] ? session->count * SESSION_PLACES : 0;
            atomic_store_explicit(&hotkeys->places[i], places, memory_order_relaxed);
        }
        atomic_store_explicit(&hotkeys->sample, session->sample, memory_order_relaxed);
        atomic_store_explicit(&hotkeys->end_ms,
                              session->duration_s == 0 ? INT64_MAX
                                                       : now_ms + session->duration_s * 1000,
                              memory_order_relaxed);
        /* Release: who sees this generation sees what it is about. */
        atomic_fetch_add_explicit(&hotkeys->generation, 1, memory_order_release);
        set_state(hotkeys, STATE_TRACKING);
    }
    lock_release(&hotkeys->lock);
    return may_start;
}

bool hotkeys_stop(struct hotkeys *hotkeys, int64_t now_ms)
{
    lock_acquire(&hotkeys->lock);
    bool is_tracking = settle(hotkeys, now_ms);
    if (is_tracking) {
        stop(hotkeys, now_ms);
    }
    lock_release(&hotkeys->lock);
    return is_tracking;
}

bool hotkeys_reset(struct hotkeys *hotkeys, int64_t now_ms)
{
    lock_acquire(&hotkeys->lock);
    bool may_reset = !settle(hotkeys, now_ms);
    if (may_reset) {
        set_state(hotkeys, STATE_NONE);
    }
    lock_release(&hotkeys->lock);
    return may_reset;
}

/* ---- Figures ---- */

static struct topk *make_sum(uint32_t places)
{
    uint64_t wanted = (uint64_t)places * thread_index_limit();
    return topk_create(wanted < TOPK_CAPACITY_MAX ? (uint32_t)wanted : TOPK_CAPACITY_MAX);
}

static void sum_session(struct hotkeys *hotkeys, struct hotkeys_figures *figures)
{
    uint64_t generation = atomic_load_explicit(&hotkeys->generation, memory_order_relaxed);
    uint64_t ticks = 0;
    for (int i = 0; i < HOTKEYS_METRICS; i++) {
        uint32_t places = atomic_load_explicit(&hotkeys->places[i], memory_order_relaxed);
        figures->found[i] = places == 0 ? NULL : make_sum(places);
    }
    for (uint32_t t = 0; t < thread_index_limit(); t++) {
        struct hot_thread *thread = thread_get(hotkeys, t);
        if (thread == NULL) {
            continue;
        }
        lock_acquire(&thread->lock);
        for (int i = 0; thread->generation == generation && i < HOTKEYS_METRICS; i++) {
            if (figures->found[i] != NULL && thread->found[i] != NULL) {
                topk_merge(figures->found[i], thread->found[i]);
            }
        }
        if (thread->generation == generation) {
            ticks += thread->all_ticks;
            figures->all_bytes += thread->all_bytes;
        }
        lock_release(&thread->lock);
    }
    figures->all_us = clock_ticks_to_ns(ticks) / 1000;
}

bool hotkeys_figures(struct hotkeys *hotkeys, int64_t now_ms, struct hotkeys_figures *ret_figures)
{
    struct hotkeys_figures figures = {0};
    lock_acquire(&hotkeys->lock);
    figures.is_tracking = settle(hotkeys, now_ms);
    bool has_session = !has_state(hotkeys, STATE_NONE);
    if (has_session) {
        const struct usage end = figures.is_tracking ? usage_now() : hotkeys->stop;
        figures.session = hotkeys->session;
        figures.start_ms = hotkeys->start_ms;
        figures.duration_ms = (figures.is_tracking ? now_ms : hotkeys->stop_ms) - hotkeys->start_ms;
        figures.user_ms = end.user_ms - hotkeys->start.user_ms;
        figures.sys_ms = end.sys_ms - hotkeys->start.sys_ms;
        figures.net_bytes = end.net_bytes - hotkeys->start.net_bytes;
        sum_session(hotkeys, &figures);
    }
    lock_release(&hotkeys->lock);
    *ret_figures = figures;
    return has_session;
}

struct topk *hotkeys_recent(struct hotkeys *hotkeys, enum hotkeys_recent which)
{
    struct topk *sum = make_sum(RECENT_CAPACITY);
    for (uint32_t t = 0; t < thread_index_limit(); t++) {
        struct hot_thread *thread = thread_get(hotkeys, t);
        if (thread != NULL) {
            lock_acquire(&thread->lock);
            topk_merge(sum, thread->recent[which]);
            lock_release(&thread->lock);
        }
    }
    return sum;
}
