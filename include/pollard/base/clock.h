/* Clocks. Times are int64_t milliseconds or microseconds since the Unix epoch unless named ticks.
 */
#ifndef POLLARD_BASE_CLOCK_H
#define POLLARD_BASE_CLOCK_H

#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* Wall clock. A vDSO read: about 20 ns. */
int64_t clock_ms(void);
int64_t clock_us(void);
/* Never goes back. For timers and durations. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

/* The cheapest counter of the machine, for durations of commands: the time stamp counter where it
 * is invariant, else the monotonic clock in ns. */
extern int clock_ticks_are_tsc;
uint64_t clock_ticks_slow(void);
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    if (clock_ticks_are_tsc) {
        return __rdtsc();
    }
#endif
    return clock_ticks_slow();
}
/* Calibrates the counter: once, at start, before threads. */
void clock_setup(void);
extern double clock_ns_per_tick;
static inline uint64_t clock_ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)((double)(int64_t)ticks * clock_ns_per_tick);
}
uint64_t clock_ns_to_ticks(uint64_t ns);

#endif
