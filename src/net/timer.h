/* The timers of one reactor: a 4-ary heap by due time. Private to net. */
#ifndef POLLARD_NET_TIMER_H
#define POLLARD_NET_TIMER_H

#include "pollard/net/net.h"

/* A zeroed struct is an empty heap. */
struct timer_heap {
    struct timer **items;
    size_t count;
    size_t capacity;
};

/* Sets or moves. Aborts when memory is out: 8 bytes a timer, and timers are bounded by their
 * owners. O(log n). */
void timer_heap_set(struct timer_heap *heap, struct timer *timer, int64_t due_ms);
void timer_heap_cancel(struct timer_heap *heap, struct timer *timer);
/* Takes out the earliest timer that is due; NULL if there is none. */
struct timer *timer_heap_take_due(struct timer_heap *heap, int64_t monotonic_ms);
/* Milliseconds until the earliest is due, 0 if one is; -1 without timers. Fits poll(). */
int timer_heap_timeout(const struct timer_heap *heap, int64_t monotonic_ms);
void timer_heap_deinit(struct timer_heap *heap);

#endif
