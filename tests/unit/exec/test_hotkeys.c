/* Tests of the hot keys: sessions and their ends, what belongs to an earlier one, shares of a call
 * with several keys, threads, sampling and fading. */
#include "pollard/base/clock.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/exec/exec.h"
#include "pollard/exec/hotkeys.h"
#include "pollard/stats/stats.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define NOW_MS INT64_C(1800000000000)

static struct exec_options options;
static struct hotkeys *hotkeys;
static size_t used_before;
static bool has_threads; /* the counts of ended threads are not exact to the byte */

static void begin(void)
{
    thread_adopt();
    clock_setup();
    stats_setup(1);
    (void)stats_self();
    used_before = mem_used();
    option_put(&options.hotkeys_sample_ratio, 64);
    hotkeys = hotkeys_create(&options);
}

static void end(void)
{
    hotkeys_destroy(&hotkeys);
    cr_assert(mem_used() == used_before || has_threads, "all memory came back");
    hotkeys_destroy(&hotkeys);
    stats_teardown();
    thread_release();
}

TestSuite(hotkeys, .init = begin, .fini = end);

static struct access_key key_of(const char *name)
{
    struct bytes bytes = bytes_text(name);
    return (struct access_key){.name = bytes, .hash = hash_digest(bytes)};
}

/* A call that took ticks and moved bytes; as a thread without a cycle books it. */
static void call(const char *name, uint64_t ticks, uint64_t bytes)
{
    struct access_key key = key_of(name);
    const struct hotkeys_call done = {.keys = {&key, 1}, .ticks = ticks, .bytes = bytes};
    if (hotkeys_is_due_here(hotkeys)) {
        hotkeys_book_here(hotkeys, &done);
    }
}

static uint64_t weight_of(const struct topk *topk, const char *name)
{
    for (uint32_t i = 0; topk != NULL && i < topk_count(topk); i++) {
        struct topk_item item = topk_get(topk, i);
        if (bytes_equal(item.key, bytes_text(name))) {
            return item.weight - item.error;
        }
    }
    return 0;
}

static struct hotkeys_figures figures_at(int64_t now_ms)
{
    struct hotkeys_figures figures;
    cr_assert(hotkeys_figures(hotkeys, now_ms, &figures));
    return figures;
}

static void drop(struct hotkeys_figures *figures)
{
    topk_destroy(&figures->found[HOTKEYS_CPU]);
    topk_destroy(&figures->found[HOTKEYS_NET]);
}

static const struct hotkeys_session both = {
    .wants = {[HOTKEYS_CPU] = true, [HOTKEYS_NET] = true}, .count = 5, .sample = 1};

Test(hotkeys, session)
{
    struct hotkeys_figures figures;
    cr_assert_not(hotkeys_figures(hotkeys, NOW_MS, &figures));
    cr_assert_not(hotkeys_stop(hotkeys, NOW_MS));
    cr_assert(hotkeys_reset(hotkeys, NOW_MS));
    call("early", 1, 1);
    cr_assert(hotkeys_start(hotkeys, &both, NOW_MS));
    cr_assert_not(hotkeys_start(hotkeys, &both, NOW_MS));
    cr_assert_not(hotkeys_reset(hotkeys, NOW_MS));
    cr_assert(hotkeys_is_tracking(hotkeys, NOW_MS));
    call("a", 100, 7);
    call("a", 100, 7);
    call("b", 10, 1000);
    figures = figures_at(NOW_MS + 5);
    cr_assert(figures.is_tracking);
    cr_assert_eq(figures.duration_ms, 5);
    cr_assert_eq(figures.all_bytes, 1014);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_CPU], "a"), 200);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "b"), 1000);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "early"), 0);
    drop(&figures);
    cr_assert(hotkeys_stop(hotkeys, NOW_MS + 9));
    call("late", 1, 1);
    figures = figures_at(NOW_MS + 100);
    cr_assert_not(figures.is_tracking);
    cr_assert_eq(figures.duration_ms, 9);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "late"), 0);
    drop(&figures);
    cr_assert(hotkeys_reset(hotkeys, NOW_MS));
    cr_assert_not(hotkeys_figures(hotkeys, NOW_MS, &figures));
}

/* A reply in parts: the call is booked, then each part, which is no call of its own. */
Test(hotkeys, parts_of_a_reply)
{
    struct access_key key = key_of("long");
    const struct hotkeys_call part = {.keys = {&key, 1}, .ticks = 50, .bytes = 1000};
    uint32_t weight;
    cr_assert(hotkeys_wants_parts(hotkeys, &weight), "the first ones are all looked at");
    cr_assert_eq(weight, 1);
    call("long", 10, 7);
    hotkeys_book_part(hotkeys, &part, weight);
    hotkeys_book_part(hotkeys, &part, weight);
    struct topk *by_accesses = hotkeys_recent(hotkeys, HOTKEYS_BY_ACCESSES);
    struct topk *by_bytes = hotkeys_recent(hotkeys, HOTKEYS_BY_BYTES);
    cr_assert_eq(weight_of(by_accesses, "long"), 1);
    cr_assert_eq(weight_of(by_bytes, "long"), 2007);
    topk_destroy(&by_accesses);
    topk_destroy(&by_bytes);
    option_put(&options.hotkeys_sample_ratio, 0);
    (void)hotkeys_wants_parts(hotkeys, &weight);
    cr_assert_not(hotkeys_wants_parts(hotkeys, &weight), "neither sampled nor tracked");
    cr_assert(hotkeys_start(hotkeys, &both, NOW_MS));
    cr_assert(hotkeys_wants_parts(hotkeys, &weight));
    cr_assert_eq(weight, 0);
    hotkeys_book_part(hotkeys, &part, weight);
    cr_assert(hotkeys_stop(hotkeys, NOW_MS));
    hotkeys_book_part(hotkeys, &part, weight);
    struct hotkeys_figures figures = figures_at(NOW_MS);
    cr_assert_eq(figures.all_bytes, 1000);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_CPU], "long"), 50);
    drop(&figures);
}

Test(hotkeys, next_session_begins_anew)
{
    const struct hotkeys_session net = {.wants = {[HOTKEYS_NET] = true}, .count = 1, .sample = 1};
    cr_assert(hotkeys_start(hotkeys, &both, NOW_MS));
    call("old", 1, 1);
    cr_assert(hotkeys_stop(hotkeys, NOW_MS));
    cr_assert(hotkeys_start(hotkeys, &net, NOW_MS));
    struct hotkeys_figures figures = figures_at(NOW_MS);
    cr_assert_eq(figures.all_bytes, 0, "no call yet: what the thread holds is the old session's");
    cr_assert_null(figures.found[HOTKEYS_CPU]);
    drop(&figures);
    call("new", 1, 3);
    figures = figures_at(NOW_MS);
    cr_assert_eq(figures.all_bytes, 3);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "old"), 0);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "new"), 3);
    drop(&figures);
}

Test(hotkeys, duration)
{
    struct hotkeys_session timed = both;
    timed.duration_s = 2;
    cr_assert(hotkeys_start(hotkeys, &timed, NOW_MS));
    cr_assert(hotkeys_is_tracking(hotkeys, NOW_MS + 1999));
    cr_assert_not(hotkeys_is_tracking(hotkeys, NOW_MS + 2000));
    call("late", 1, 1);
    struct hotkeys_figures figures = figures_at(NOW_MS + 5000);
    cr_assert_not(figures.is_tracking);
    cr_assert_eq(figures.duration_ms, 2000);
    cr_assert_eq(figures.all_bytes, 0);
    drop(&figures);
    cr_assert_not(hotkeys_stop(hotkeys, NOW_MS + 5000));
    cr_assert(hotkeys_start(hotkeys, &timed, NOW_MS + 5000));
    cr_assert(hotkeys_start(hotkeys, &timed, NOW_MS + 7000), "its time is over");
}

Test(hotkeys, several_keys_share_a_call)
{
    struct access_key keys[1000];
    char names[1000][8];
    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof(names[i]), "k%d", i);
        keys[i] = key_of(names[i]);
    }
    cr_assert(hotkeys_start(hotkeys, &both, NOW_MS));
    cr_assert(hotkeys_is_due_here(hotkeys));
    hotkeys_book_here(hotkeys,
                      &(struct hotkeys_call){.keys = {keys, 4}, .ticks = 40, .bytes = 400});
    struct hotkeys_figures figures = figures_at(NOW_MS);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_CPU], "k3"), 10);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "k0"), 100);
    drop(&figures);
    cr_assert(hotkeys_is_due_here(hotkeys));
    hotkeys_book_here(hotkeys,
                      &(struct hotkeys_call){.keys = {keys, 1000}, .ticks = 1000, .bytes = 1000});
    cr_assert(hotkeys_is_due_here(hotkeys));
    hotkeys_book_here(hotkeys, &(struct hotkeys_call){.ticks = 5, .bytes = 5});
    figures = figures_at(NOW_MS);
    cr_assert_eq(figures.all_bytes, 1405);
    uint64_t total = topk_total(figures.found[HOTKEYS_NET]);
    cr_assert(total >= 400 + 900 && total <= 400 + 1100, "some of many stand for all");
    drop(&figures);
}

static void call_often(void *argument)
{
    const char *name = argument;
    for (int i = 0; i < 5000; i++) {
        call(name, 1, 2);
        call("shared", 1, 2);
    }
}

Test(hotkeys, threads)
{
    static char names[4][8] = {"t0", "t1", "t2", "t3"};
    struct thread *threads[4];
    has_threads = true;
    cr_assert(hotkeys_start(hotkeys, &both, NOW_MS));
    for (int i = 0; i < 4; i++) {
        threads[i] = thread_start("call", call_often, names[i]);
    }
    for (int i = 0; i < 100; i++) {
        struct hotkeys_figures figures = figures_at(NOW_MS);
        drop(&figures);
        struct topk *recent = hotkeys_recent(hotkeys, HOTKEYS_BY_BYTES);
        topk_destroy(&recent);
    }
    for (int i = 0; i < 4; i++) {
        thread_join(&threads[i]);
    }
    struct hotkeys_figures figures = figures_at(NOW_MS);
    cr_assert_eq(figures.all_bytes, 4 * 5000 * 4);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_NET], "shared"), 4 * 5000 * 2);
    cr_assert_eq(weight_of(figures.found[HOTKEYS_CPU], "t2"), 5000);
    drop(&figures);
}

Test(hotkeys, recent)
{
    for (int i = 0; i < 20; i++) {
        call("a", 1, 10);
        call(i % 2 == 0 ? "b" : "c", 1, 100);
    }
    struct topk *recent = hotkeys_recent(hotkeys, HOTKEYS_BY_ACCESSES);
    cr_assert_eq(weight_of(recent, "a"), 20, "few calls are all looked at");
    cr_assert_eq(topk_total(recent), 40);
    topk_destroy(&recent);
    recent = hotkeys_recent(hotkeys, HOTKEYS_BY_BYTES);
    cr_assert_eq(weight_of(recent, "b"), 1000);
    topk_destroy(&recent);
    /* What was hot long ago goes. */
    for (int i = 0; i < 4000000; i++) {
        call("later", 1, 1);
    }
    recent = hotkeys_recent(hotkeys, HOTKEYS_BY_ACCESSES);
    cr_assert_lt(weight_of(recent, "a"), 5);
    cr_assert_gt(weight_of(recent, "later"), 200000);
    cr_assert_lt(topk_total(recent), 2000000);
    topk_destroy(&recent);
}

Test(hotkeys, off_and_on)
{
    option_put(&options.hotkeys_sample_ratio, 0);
    for (int i = 0; i < 100; i++) {
        call("a", 1, 1);
    }
    struct topk *recent = hotkeys_recent(hotkeys, HOTKEYS_BY_ACCESSES);
    cr_assert_eq(topk_total(recent), 0);
    topk_destroy(&recent);
    option_put(&options.hotkeys_sample_ratio, 2);
    for (int i = 0; i < 10; i++) {
        call("b", 1, 1);
    }
    recent = hotkeys_recent(hotkeys, HOTKEYS_BY_ACCESSES);
    cr_assert_eq(weight_of(recent, "b"), 10);
    topk_destroy(&recent);
}
