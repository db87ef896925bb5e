/* Stress of channels and patterns: threads that are reactors subscribe, unsubscribe and publish at
 * random, each with a queue that the others post to.
 *
 * Every visit of a target by a publication counts up a number of that target and channel, under the
 * lock. A receiver notes the numbers when it joins and when it leaves, under the same lock: what it
 * is given in between must be all numbers between the two, one by one - nothing missed, nothing
 * twice, nothing out of order, nothing after it left. And all that was counted is delivered. */
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/pubsub/pubsub.h"
#include <stdatomic.h>
#include <stdio.h>

#define REACTORS 4
#define CHANNELS 6
#define OPERATIONS 60000
#define RECEIVERS 12 /* a reactor */

/* What can be subscribed to: the channels, then the patterns. */
static const char *const names[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c*", "c[0-2]"};
#define NAMES (sizeof(names) / sizeof(names[0]))

enum item_kind { ITEM_JOIN, ITEM_LEAVE, ITEM_MESSAGE };

struct receiver {
    struct target *target;
    struct seat seat;
    uint32_t name;
    bool is_in;
    uint64_t seen[CHANNELS];
};

struct item {
    struct item *next;
    enum item_kind kind;
    struct target *target;
    struct receiver *receiver;
    uint32_t channel;
    uint64_t numbers[CHANNELS]; /* of a message: the one of its channel */
};

struct reactor_state {
    _Atomic(struct item *) newest;
    struct receiver receivers[RECEIVERS];
    uint64_t counted; /* by its publications */
    uint64_t delivered;
    uint32_t index;
    struct stress *stress;
} ATTR_ALIGNED(CACHE_LINE);

struct stress {
    struct pubsub *pubsub;
    struct reactor_state reactors[REACTORS];
    uint64_t numbers[NAMES][CHANNELS]; /* under the locks of the targets */
    _Atomic uint32_t running;
};

static void post(struct reactor_state *to, struct item *item)
{
    item->next = atomic_load_explicit(&to->newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&to->newest, &item->next, item)) {
    }
}

static struct item *item_new(enum item_kind kind, struct target *target)
{
    struct item *item = mem_alloc_zero(sizeof(*item));
    item->kind = kind;
    item->target = target_acquire(target);
    return item;
}

static uint32_t name_of(const struct target *target)
{
    for (uint32_t i = 0; i < NAMES; i++) {
        if (bytes_equal(target_name(target), bytes_text(names[i]))) {
            return i;
        }
    }
    check_unreachable();
}

/* ---- A reactor's queue ---- */

static void deliver(struct reactor_state *self, const struct item *item)
{
    uint32_t count;
    struct seated *seated = target_seated(item->target, self->index, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct receiver *receiver = seated[i].receiver;
        receiver->seen[item->channel]++;
        check(receiver->seen[item->channel] == item->numbers[item->channel]);
        self->delivered++;
    }
}

static void come_to(struct reactor_state *self, struct item *item)
{
    struct receiver *receiver = item->receiver;
    switch (item->kind) {
    case ITEM_JOIN:
        memcpy(receiver->seen, item->numbers, sizeof(receiver->seen));
        target_seat(item->target, self->index, receiver, &receiver->seat);
        break;
    case ITEM_LEAVE:
        check(memcmp(receiver->seen, item->numbers, sizeof(receiver->seen)) == 0);
        target_unseat(item->target, self->index, &receiver->seat);
        target_release(receiver->target);
        receiver->is_in = false;
        break;
    case ITEM_MESSAGE:
        deliver(self, item);
        break;
    }
    target_release(item->target);
    mem_free(item);
}

static void take_in(struct reactor_state *self)
{
    struct item *item = atomic_exchange(&self->newest, NULL);
    struct item *oldest = NULL;
    while (item != NULL) {
        struct item *older = item->next;
        item->next = oldest;
        oldest = item;
        item = older;
    }
    while (oldest != NULL) {
        struct item *next = oldest->next;
        come_to(self, oldest);
        oldest = next;
    }
}

/* ---- What it does ---- */

struct place {
    struct reactor_state *self;
    struct receiver *receiver;
    enum item_kind kind;
};

/* A join or a leave, under the target's lock. */
static void enqueue_place(void *context, struct target *target)
{
    struct place *place = context;
    struct item *item = item_new(place->kind, target);
    item->receiver = place->receiver;
    memcpy(item->numbers, place->self->stress->numbers[place->receiver->name],
           sizeof(item->numbers));
    post(place->self, item);
}

static void join(struct reactor_state *self, struct receiver *receiver)
{
    receiver->name = (uint32_t)random_below(NAMES);
    const struct pubsub_join wanted = {.space = receiver->name < CHANNELS ? PUBSUB_CHANNELS
                                                                          : PUBSUB_PATTERNS,
                                       .name = bytes_text(names[receiver->name]),
                                       .reactor = self->index};
    struct place place = {self, receiver, ITEM_JOIN};
    receiver->is_in = true;
    receiver->target = pubsub_join(self->stress->pubsub, &wanted, enqueue_place, &place);
}

static void leave(struct reactor_state *self, struct receiver *receiver)
{
    struct place place = {self, receiver, ITEM_LEAVE};
    pubsub_leave(self->stress->pubsub, receiver->target, self->index, enqueue_place, &place);
    /* Before its slot is used again. */
    take_in(self);
    check(!receiver->is_in);
}

struct message {
    struct stress *stress;
    uint32_t channel;
};

static uint64_t enqueue_message(void *context, struct target *target)
{
    const struct message *message = context;
    uint64_t number = ++message->stress->numbers[name_of(target)][message->channel];
    uint64_t receivers = 0;
    for (uint32_t i = 0; i < REACTORS; i++) {
        if (target_count(target, i) > 0) {
            struct item *item = item_new(ITEM_MESSAGE, target);
            item->channel = message->channel;
            item->numbers[message->channel] = number;
            receivers += target_count(target, i);
            post(&message->stress->reactors[i], item);
        }
    }
    return receivers;
}

static void publish(struct reactor_state *self)
{
    struct message message = {self->stress, (uint32_t)random_below(CHANNELS)};
    const struct pubsub_message to = {.space = PUBSUB_CHANNELS,
                                      .channel = bytes_text(names[message.channel])};
    self->counted += pubsub_publish(self->stress->pubsub, &to, enqueue_message, &message);
}

static void run(void *argument)
{
    struct reactor_state *self = argument;
    for (int i = 0; i < OPERATIONS; i++) {
        struct receiver *receiver = &self->receivers[random_below(RECEIVERS)];
        uint64_t choice = random_below(8);
        if (choice == 0 && receiver->is_in) {
            leave(self, receiver);
        } else if (choice == 0) {
            join(self, receiver);
        } else if (choice < 6) {
            publish(self);
        } else {
            take_in(self);
        }
    }
    for (int i = 0; i < RECEIVERS; i++) {
        if (self->receivers[i].is_in) {
            leave(self, &self->receivers[i]);
        }
    }
    atomic_fetch_sub(&self->stress->running, 1);
    while (atomic_load(&self->stress->running) > 0) {
        thread_pause();
    }
    take_in(self);
}

int main(void)
{
    thread_adopt();
    struct stress *stress =
        mem_alloc_zero((sizeof(*stress) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    struct thread *threads[REACTORS];
    stress->pubsub = pubsub_create(REACTORS);
    atomic_store(&stress->running, REACTORS);
    for (uint32_t i = 0; i < REACTORS; i++) {
        stress->reactors[i].index = i;
        stress->reactors[i].stress = stress;
        threads[i] = thread_start("reactor", run, &stress->reactors[i]);
        check(threads[i] != NULL);
    }
    uint64_t counted = 0;
    uint64_t delivered = 0;
    for (uint32_t i = 0; i < REACTORS; i++) {
        thread_join(&threads[i]);
        counted += stress->reactors[i].counted;
        delivered += stress->reactors[i].delivered;
    }
    printf("%llu counted, %llu delivered\n", (unsigned long long)counted,
           (unsigned long long)delivered);
    check(counted == delivered && counted > 0);
    check(pubsub_count(stress->pubsub, PUBSUB_CHANNELS) == 0);
    check(pubsub_count(stress->pubsub, PUBSUB_PATTERNS) == 0);
    pubsub_destroy(&stress->pubsub);
    mem_free(stress);
    thread_release();
    return 0;
}
