/* Latency events: the last samples of each kind of event that took longer than the threshold.
 *
 * Off the data path unless the monitor is on and the threshold is passed. One lock.
 * Invariants: 1. Samples of an event are in rising time, one a second at most: a second sample in
 * the same second only raises the first. 2. max_ms covers the samples that have been dropped. */
#include "pollard/base/clock.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"
#include "pollard/stats/commandlog.h"

/* Event names are ours, a handful: room for all that may ever exist. */
#define LATENCY_EVENTS_MAX 32

static struct lock latency_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_RANK_STATS};
static struct latency_event *events[LATENCY_EVENTS_MAX];
static size_t event_count;

/* The event of that name, made if need be; NULL when there are too many. */
static struct latency_event *event_of(const char *name)
{
    for (size_t i = 0; i < event_count; i++) {
        if (strcmp(events[i]->name, name) == 0) {
            return events[i];
        }
    }
    if (event_count == LATENCY_EVENTS_MAX) {
        return NULL;
    }
    struct latency_event *event = mem_alloc_zero(sizeof(*event));
    event->name = name;
    events[event_count] = event;
    event_count++;
    return event;
}

static void event_add(struct latency_event *event, int64_t time_s, uint32_t latency_ms)
{
    if (latency_ms > event->max_ms) {
        event->max_ms = latency_ms;
    }
    struct latency_sample *last =
        event->sample_count > 0 ? &event->samples[event->sample_count - 1] : NULL;
    if (last != NULL && last->time_s == time_s) {
        last->latency_ms = latency_ms > last->latency_ms ? latency_ms : last->latency_ms;
        return;
    }
    if (event->sample_count == LATENCY_SAMPLES_MAX) {
        memmove(event->samples, event->samples + 1,
                (LATENCY_SAMPLES_MAX - 1) * sizeof(event->samples[0]));
        event->sample_count--;
    }
    event->samples[event->sample_count] =
        (struct latency_sample){.time_s = time_s, .latency_ms = latency_ms};
    event->sample_count++;
}

void latency_add(const struct stats_options *options, const char *name, int64_t latency_ms)
{
    int64_t threshold = option_get(&options->latency_monitor_threshold);
    if (threshold == 0 || latency_ms < threshold) {
        return;
    }
    int64_t time_s = clock_ms() / 1000;
    lock_acquire(&latency_lock);
    struct latency_event *event = event_of(name);
    if (event != NULL) {
        event_add(event, time_s, latency_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)latency_ms);
    }
    lock_release(&latency_lock);
}

void latency_each(void (*visit)(void *argument, const struct latency_event *event), void *argument)
{
    lock_acquire(&latency_lock);
    for (size_t i = 0; i < event_count; i++) {
        visit(argument, events[i]);
    }
    lock_release(&latency_lock);
}

size_t latency_reset(struct bytes name)
{
    size_t kept = 0;
    lock_acquire(&latency_lock);
    size_t before = event_count;
    for (size_t i = 0; i < before; i++) {
        if (name.size == 0 || bytes_equal(name, bytes_text(events[i]->name))) {
            mem_free(events[i]);
        } else {
            events[kept] = events[i];
            kept++;
        }
    }
    event_count = kept;
    lock_release(&latency_lock);
    return before - kept;
}
