/* pubsub: who is subscribed to what. Floor 2. It knows channels, patterns and shard channels, and
 * counts of receivers a reactor; it sends nothing and knows no sessions.
 *
 *   any thread:  pubsub_publish -> the stripe's lock -> visit(target) for the channel and for each
 *                pattern that matches: enqueues for the reactors that have receivers
 *   a reactor:   pubsub_join -> the same lock -> counts one more, and enqueue(target) to itself
 *                ... later, when it comes to that in its queue: target_seat
 *   a reactor:   pubsub_leave -> the same lock -> counts one less, and enqueue(target) to itself
 *                ... later, when it comes to that: target_unseat
 *
 * Invariants:
 * 1. What is enqueued about a channel is enqueued under its lock: all reactors see the messages of
 *    a channel in one order, and joining and leaving have their place in it.
 * 2. So the receivers seated when a reactor comes to a message are those that were counted when it
 *    was published: none less, none more.
 * 3. A target is in the index exactly while its counts are not all 0. It lives as long as someone
 *    shares it.
 *
 * A publisher looks at the list of patterns under a lock of its thread's (one of a few), and who
 * changes it holds all of those: publishers of different channels do not meet. */
#ifndef POLLARD_PUBSUB_PUBSUB_H
#define POLLARD_PUBSUB_PUBSUB_H

#include "pollard/base/bytes.h"

enum pubsub_space { PUBSUB_CHANNELS, PUBSUB_SHARD_CHANNELS, PUBSUB_PATTERNS, PUBSUB_SPACES };

struct pubsub;
/* A channel, pattern or shard channel that somebody has subscribed to. */
struct target;

ATTR_MUST_USE struct pubsub *pubsub_create(uint32_t reactors);
/* Nobody is subscribed any more. */
void pubsub_destroy(struct pubsub **pubsub);

/* Runs under the target's lock: may only enqueue, and take locks of higher rank for that. */
typedef void pubsub_enqueue(void *context, struct target *target);

/* Counts one receiver more on that reactor, and enqueues that it joins. Gives a reference to the
 * target, which comes into being if need be. Any thread. O(1). */
struct pubsub_join {
    enum pubsub_space space;
    struct bytes name;
    uint32_t reactor;
};
ATTR_MUST_USE struct target *pubsub_join(struct pubsub *pubsub, const struct pubsub_join *join,
                                         pubsub_enqueue *enqueue, void *context);
/* Counts one less, and enqueues that it leaves. The caller's reference stays his. Any thread. */
void pubsub_leave(struct pubsub *pubsub, struct target *target, uint32_t reactor,
                  pubsub_enqueue *enqueue, void *context);
/* Visits the target of that name, and for PUBSUB_CHANNELS the patterns that match it; as
 * pubsub_enqueue, but visit says how many receivers it enqueued for. Returns their sum. Any
 * thread. */
typedef uint64_t pubsub_visit(void *context, struct target *target);
struct pubsub_message {
    enum pubsub_space space; /* not PUBSUB_PATTERNS */
    struct bytes channel;
};
uint64_t pubsub_publish(struct pubsub *pubsub, const struct pubsub_message *message,
                        pubsub_visit *visit, void *context);
/* May a message to some channel have receivers at all? Cheap; any thread. */
bool pubsub_has_targets(const struct pubsub *pubsub, enum pubsub_space space);

/* Targets of a space now. Any thread. */
uint64_t pubsub_count(const struct pubsub *pubsub, enum pubsub_space space);
/* Receivers of a channel or shard channel now. Any thread. */
uint64_t pubsub_receivers(struct pubsub *pubsub, enum pubsub_space space, struct bytes name);
/* Visits the names of a space, in no order, some at a time under a lock; not PUBSUB_PATTERNS. */
void pubsub_names(struct pubsub *pubsub, enum pubsub_space space,
                  void (*visit)(void *context, struct bytes name), void *context);

/* ---- Targets ---- */

struct bytes target_name(const struct target *target);
uint64_t target_hash(const struct target *target);
enum pubsub_space target_space(const struct target *target);
/* The hash by which targets are found: the same for a name in all spaces. */
uint64_t pubsub_hash(const struct pubsub *pubsub, struct bytes name);
/* Receivers counted on a reactor: inside an enqueue. */
uint32_t target_count(const struct target *target, uint32_t reactor);
/* Bytes enqueued for each receiver of a reactor and not come to yet. Wait is said inside a visit;
 * false: it would be more than limit (0: none) with what waits already, and nothing was added.
 * Waited by the reactor. */
bool target_wait(struct target *target, uint32_t reactor, size_t size, uint64_t limit);
void target_waited(struct target *target, uint32_t reactor, size_t size);
/* The receivers counted on that reactor are given up: true unless all of them were before. Inside a
 * visit. */
bool target_give_up(struct target *target, uint32_t reactor);
/* A reference more, or less; the last one frees. */
struct target *target_acquire(struct target *target);
void target_release(struct target *target);

/* The receivers of one reactor, on its thread only. A seat is embedded in what the receiver keeps
 * of its subscription. */
struct seat {
    uint32_t position; /* private */
};
struct seated {
    void *receiver;
    struct seat *seat;
};
/* O(1). */
void target_seat(struct target *target, uint32_t reactor, void *receiver, struct seat *seat);
void target_unseat(struct target *target, uint32_t reactor, struct seat *seat);
/* All of them; valid until one comes or goes. */
struct seated *target_seated(struct target *target, uint32_t reactor, uint32_t *ret_count);

#endif
