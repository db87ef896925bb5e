/* Clocks: wall, monotonic, and the cheap tick counter for durations of commands.
 *
 * On the data path once a batch (now) and twice a command (ticks). The calibration is written once
 * by clock_setup(), before threads, and only read afterwards. */
#include "pollard/base/clock.h"
#include "pollard/base/check.h"
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* How long the counter is compared with the monotonic clock: 2 ms against clock reads of some
 * 20 ns gives an error of about 1 in 50,000. */
#define CALIBRATION_NS 2000000

int clock_ticks_are_tsc;
double clock_ns_per_tick = 1.0;

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;
    check(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t clock_ms(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000u);
}

int64_t clock_us(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME) / 1000u);
}

int64_t clock_monotonic_ms(void)
{
    return (int64_t)(read_ns(CLOCK_MONOTONIC) / 1000000u);
}

int64_t clock_monotonic_us(void)
{
    return (int64_t)(read_ns(CLOCK_MONOTONIC) / 1000u);
}

uint64_t clock_ticks_slow(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

#if defined(__x86_64__)
/* Does the time stamp counter run at one rate in every power state? The CPU's advanced power
 * management leaf says so in bit 8 of EDX. */
static int tsc_is_invariant(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    if (__get_cpuid(0x80000007u, &eax, &ebx, &ecx, &edx) == 0) {
        return 0;
    }
    return (edx & (1u << 8)) != 0;
}

void clock_setup(void)
{
    if (!tsc_is_invariant()) {
        return;
    }
    uint64_t start_ns = read_ns(CLOCK_MONOTONIC);
    uint64_t start = __rdtsc();
    uint64_t end_ns = start_ns;
    while (end_ns - start_ns < CALIBRATION_NS) {
        end_ns = read_ns(CLOCK_MONOTONIC);
    }
    uint64_t ticks = __rdtsc() - start;
    if (ticks == 0 || ticks > UINT64_MAX / 2) {
        return; /* A counter that stands or ran back is not to be used. */
    }
    clock_ns_per_tick = (double)(end_ns - start_ns) / (double)ticks;
    clock_ticks_are_tsc = 1;
}
#else
void clock_setup(void)
{
}
#endif

uint64_t clock_ns_to_ticks(uint64_t ns)
{
    return (uint64_t)((double)ns / clock_ns_per_tick);
}
