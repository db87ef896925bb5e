/* Tests of the index of channels and patterns: who is counted and seated, what is visited, in which
 * order, and that nothing is left behind. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/pubsub/pubsub.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define REACTORS 3

struct receiver {
    struct target *target;
    struct seat seat;
    uint32_t reactor;
};

static struct pubsub *pubsub;
static size_t used;

static void begin(void)
{
    thread_adopt();
    used = mem_used();
    pubsub = pubsub_create(REACTORS);
}

static void end(void)
{
    pubsub_destroy(&pubsub);
    cr_assert_eq(mem_used(), used);
    thread_release();
}

TestSuite(pubsub, .init = begin, .fini = end);

static void count_call(void *context, struct target *target)
{
    ++*(size_t *)context;
}

static void join(struct receiver *receiver, enum pubsub_space space, const char *name)
{
    size_t calls = 0;
    const struct pubsub_join wanted = {
        .space = space, .name = bytes_text(name), .reactor = receiver->reactor};
    receiver->target = pubsub_join(pubsub, &wanted, count_call, &calls);
    cr_assert_eq(calls, 1);
    cr_assert(bytes_equal(target_name(receiver->target), bytes_text(name)));
    cr_assert_eq(target_space(receiver->target), space);
    cr_assert_eq(target_hash(receiver->target), pubsub_hash(pubsub, bytes_text(name)));
    target_seat(receiver->target, receiver->reactor, receiver, &receiver->seat);
}

static void leave(struct receiver *receiver)
{
    size_t calls = 0;
    pubsub_leave(pubsub, receiver->target, receiver->reactor, count_call, &calls);
    cr_assert_eq(calls, 1);
    target_unseat(receiver->target, receiver->reactor, &receiver->seat);
    target_release(receiver->target);
}

/* What a publication has visited, as "name:c0,c1,c2 " for each target. */
struct visited {
    char text[512];
    size_t size;
};

static uint64_t note(void *context, struct target *target)
{
    struct visited *visited = context;
    struct bytes name = target_name(target);
    uint64_t sum = 0;
    visited->size +=
        (size_t)snprintf(visited->text + visited->size, sizeof(visited->text) - visited->size,
                         "%.*s:", (int)name.size, (const char *)name.data);
    for (uint32_t i = 0; i < REACTORS; i++) {
        visited->size +=
            (size_t)snprintf(visited->text + visited->size, sizeof(visited->text) - visited->size,
                             "%u%s", target_count(target, i), i + 1 < REACTORS ? "," : " ");
        sum += target_count(target, i);
    }
    return sum;
}

static void expect(enum pubsub_space space, const char *channel, uint64_t receivers,
                   const char *text)
{
    struct visited visited = {{0}, 0};
    const struct pubsub_message message = {.space = space, .channel = bytes_text(channel)};
    cr_assert_eq(pubsub_publish(pubsub, &message, note, &visited), receivers);
    cr_assert_str_eq(visited.text, text);
}

Test(pubsub, counts_by_reactor)
{
    struct receiver receivers[] = {{.reactor = 0}, {.reactor = 2}, {.reactor = 2}};
    expect(PUBSUB_CHANNELS, "a", 0, "");
    join(&receivers[0], PUBSUB_CHANNELS, "a");
    expect(PUBSUB_CHANNELS, "a", 1, "a:1,0,0 ");
    join(&receivers[1], PUBSUB_CHANNELS, "a");
    join(&receivers[2], PUBSUB_CHANNELS, "a");
    expect(PUBSUB_CHANNELS, "a", 3, "a:1,0,2 ");
    expect(PUBSUB_CHANNELS, "A", 0, "");
    cr_assert_eq(pubsub_receivers(pubsub, PUBSUB_CHANNELS, bytes_text("a")), 3);
    cr_assert_eq(pubsub_count(pubsub, PUBSUB_CHANNELS), 1);
    leave(&receivers[1]);
    expect(PUBSUB_CHANNELS, "a", 2, "a:1,0,1 ");
    leave(&receivers[0]);
    leave(&receivers[2]);
    expect(PUBSUB_CHANNELS, "a", 0, "");
    cr_assert_eq(pubsub_count(pubsub, PUBSUB_CHANNELS), 0);
    cr_assert_not(pubsub_has_targets(pubsub, PUBSUB_CHANNELS));
}

Test(pubsub, keeps_the_spaces_apart)
{
    struct receiver channel = {.reactor = 0};
    struct receiver shard = {.reactor = 1};
    struct receiver pattern = {.reactor = 2};
    join(&shard, PUBSUB_SHARD_CHANNELS, "a");
    cr_assert_not(pubsub_has_targets(pubsub, PUBSUB_CHANNELS));
    join(&channel, PUBSUB_CHANNELS, "a");
    join(&pattern, PUBSUB_PATTERNS, "a");
    expect(PUBSUB_CHANNELS, "a", 2, "a:1,0,0 a:0,0,1 ");
    expect(PUBSUB_SHARD_CHANNELS, "a", 1, "a:0,1,0 ");
    cr_assert_eq(pubsub_receivers(pubsub, PUBSUB_SHARD_CHANNELS, bytes_text("a")), 1);
    cr_assert_eq(pubsub_count(pubsub, PUBSUB_PATTERNS), 1);
    leave(&channel);
    leave(&shard);
    leave(&pattern);
}

Test(pubsub, matches_patterns_behind_the_channel)
{
    struct receiver one = {.reactor = 1};
    struct receiver two = {.reactor = 2};
    struct receiver three = {.reactor = 0};
    join(&one, PUBSUB_PATTERNS, "n?ws.*");
    cr_assert(pubsub_has_targets(pubsub, PUBSUB_CHANNELS));
    expect(PUBSUB_CHANNELS, "news.today", 1, "n?ws.*:0,1,0 ");
    expect(PUBSUB_CHANNELS, "old", 0, "");
    join(&two, PUBSUB_CHANNELS, "news.today");
    join(&three, PUBSUB_PATTERNS, "n?ws.*");
    expect(PUBSUB_CHANNELS, "news.today", 3, "news.today:0,0,1 n?ws.*:1,1,0 ");
    leave(&one);
    leave(&two);
    leave(&three);
    expect(PUBSUB_CHANNELS, "news.today", 0, "");
}

Test(pubsub, seats_stay_compact)
{
    static struct receiver receivers[100];
    memset(receivers, 0, sizeof(receivers));
    for (size_t i = 0; i < 100; i++) {
        join(&receivers[i], PUBSUB_CHANNELS, "crowd");
    }
    struct target *target = target_acquire(receivers[0].target);
    uint32_t count;
    for (size_t gone = 0; gone < 100; gone++) {
        /* In an order that is neither that of joining nor its reverse. */
        leave(&receivers[gone * 37 % 100]);
        struct seated *seated = target_seated(target, 0, &count);
        cr_assert_eq(count, 99 - gone);
        for (uint32_t i = 0; i < count; i++) {
            struct receiver *receiver = seated[i].receiver;
            cr_assert_eq(seated[i].seat, &receiver->seat);
        }
    }
    target_release(target);
}

Test(pubsub, bounds_what_waits)
{
    struct receiver receiver = {.reactor = 1};
    struct receiver later = {.reactor = 1};
    join(&receiver, PUBSUB_CHANNELS, "a");
    struct target *target = receiver.target;
    cr_assert(target_wait(target, 1, 60, 100));
    cr_assert(target_wait(target, 0, 60, 100));
    cr_assert_not(target_wait(target, 1, 41, 100));
    cr_assert(target_wait(target, 1, 40, 100));
    cr_assert(target_wait(target, 1, 1000, /* limit= */ 0));
    target_waited(target, 1, 1040);
    cr_assert(target_wait(target, 1, 40, 100));
    cr_assert(target_give_up(target, 1));
    cr_assert_not(target_give_up(target, 1));
    /* One who joined since has not been given up. */
    join(&later, PUBSUB_CHANNELS, "a");
    cr_assert(target_give_up(target, 1));
    leave(&receiver);
    leave(&later);
}

static void count_name(void *context, struct bytes name)
{
    size_t *count = context;
    cr_assert_eq(name.size, 5);
    ++*count;
}

Test(pubsub, names_all_channels)
{
    static struct receiver receivers[2000];
    memset(receivers, 0, sizeof(receivers));
    char name[16];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "c%04d", i);
        join(&receivers[i], i % 2 == 0 ? PUBSUB_CHANNELS : PUBSUB_SHARD_CHANNELS, name);
    }
    size_t count = 0;
    pubsub_names(pubsub, PUBSUB_CHANNELS, count_name, &count);
    cr_assert_eq(count, 1000);
    cr_assert_eq(pubsub_count(pubsub, PUBSUB_SHARD_CHANNELS), 1000);
    for (int i = 0; i < 2000; i++) {
        leave(&receivers[i]);
    }
    pubsub_names(pubsub, PUBSUB_CHANNELS, count_name, &count);
    cr_assert_eq(count, 1000);
}
