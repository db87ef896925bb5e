/* A 4-ary heap of timers: the reactor's only notion of "later".
 *
 * Off the data path: a cycle looks at the root only. Four children a node halve the depth of a
 * binary heap, and siblings share a cache line.
 * Threads: the reactor's own.
 * Invariants: 1. items[i]->position == i + 1. 2. No item is due before its parent. */
#include "timer.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <limits.h>

#define HEAP_WAYS 4

static void heap_put(struct timer_heap *heap, size_t index, struct timer *timer)
{
    heap->items[index] = timer;
    timer->position = index + 1;
}

static void heap_rise(struct timer_heap *heap, size_t index)
{
    struct timer *timer = heap->items[index];
    while (index > 0) {
        size_t parent = (index - 1) / HEAP_WAYS;
        if (heap->items[parent]->due_ms <= timer->due_ms) {
            break;
        }
        heap_put(heap, index, heap->items[parent]);
        index = parent;
    }
    heap_put(heap, index, timer);
}

/* The earliest child of a node, or count when it has none. */
static size_t heap_child(const struct timer_heap *heap, size_t index)
{
    size_t first = index * HEAP_WAYS + 1;
    size_t best = first;
    for (size_t i = first + 1; i < first + HEAP_WAYS && i < heap->count; i++) {
        if (heap->items[i]->due_ms < heap->items[best]->due_ms) {
            best = i;
        }
    }
    return first < heap->count ? best : heap->count;
}

static void heap_sink(struct timer_heap *heap, size_t index)
{
    struct timer *timer = heap->items[index];
    for (;;) {
        size_t child = heap_child(heap, index);
        if (child == heap->count || heap->items[child]->due_ms >= timer->due_ms) {
            break;
        }
        heap_put(heap, index, heap->items[child]);
        index = child;
    }
    heap_put(heap, index, timer);
}

void timer_heap_set(struct timer_heap *heap, struct timer *timer, int64_t due_ms)
{
    timer_heap_cancel(heap, timer);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 16 : heap->capacity * 2;
        heap->items = mem_realloc(heap->items, heap->capacity * sizeof(heap->items[0]));
    }
    timer->due_ms = due_ms;
    heap_put(heap, heap->count++, timer);
    heap_rise(heap, heap->count - 1);
}

void timer_heap_cancel(struct timer_heap *heap, struct timer *timer)
{
    if (timer->position == 0) {
        return;
    }
    size_t index = timer->position - 1;
    check(index < heap->count);
    check(heap->items[index] == timer);
    timer->position = 0;
    heap->count--;
    if (index == heap->count) {
        return;
    }
    struct timer *moved = heap->items[heap->count];
    heap_put(heap, index, moved);
    heap_rise(heap, index);
    heap_sink(heap, moved->position - 1);
}

struct timer *timer_heap_take_due(struct timer_heap *heap, int64_t monotonic_ms)
{
    if (heap->count == 0 || heap->items[0]->due_ms > monotonic_ms) {
        return NULL;
    }
    struct timer *timer = heap->items[0];
    timer_heap_cancel(heap, timer);
    return timer;
}

int timer_heap_timeout(const struct timer_heap *heap, int64_t monotonic_ms)
{
    if (heap->count == 0) {
        return -1;
    }
    int64_t due_ms = heap->items[0]->due_ms;
    if (due_ms <= monotonic_ms) {
        return 0;
    }
    /* The subtraction cannot wrap: monotonic time is positive and due is later. */
    return due_ms - monotonic_ms > INT_MAX ? INT_MAX : (int)(due_ms - monotonic_ms);
}

void timer_heap_deinit(struct timer_heap *heap)
{
    mem_free(heap->items);
    *heap = (struct timer_heap){0};
}
