"""Start-up and rest: the time to the first answer, and how often an idle server wakes up.

A server that waits in one blocking call and does nothing else never leaves the processor of its
own will; every further system call that blocks adds a voluntary context switch. So their growth
while nobody talks to the server counts its wake-ups, all threads together.
"""
import glob
import re
import statistics
import time

from progress import progress_of

STARTS = 10
SETTLE_S = 1
REST_S = 5


def steps(programs, quick):
    return len(programs) * _starts(quick) + 1


def _starts(quick):
    return 2 if quick else STARTS


def _switches(pid):
    """Voluntary context switches of all threads of a process."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with open(path, encoding="ascii") as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(),
                                   re.M).group(1))
    return total


def start_up(programs, quick, say):
    """Milliseconds from exec to the first answer over TCP: median of the starts, taking turns."""
    say, times = progress_of(say), {program.name: [] for program in programs}
    for turn in range(_starts(quick)):
        for program in programs:
            say.step(f"start-up: {program.name}, {turn + 1} of {_starts(quick)}")
            target = program.start(cores="")
            times[program.name].append(target.ready_ms)
            target.stop()
    first = statistics.median(times[programs[0].name])
    return [{"server": name, "start_ms": statistics.median(found), "start_min_ms": min(found),
             "start_max_ms": max(found), "ratio": statistics.median(found) / first}
            for name, found in times.items()]


def rest(programs, quick, say):
    """Wake-ups of every server while all of them rest at the same time, without a client."""
    seconds = 1 if quick else REST_S
    progress_of(say).step(f"rest: all servers idle for {seconds} s")
    targets = []
    try:
        targets = [program.start(cores="") for program in programs]
        time.sleep(SETTLE_S)
        before = [_switches(target.pid) for target in targets]
        time.sleep(seconds)
        return [{"server": target.name, "seconds": seconds,
                 "wake_ups": _switches(target.pid) - count}
                for target, count in zip(targets, before)]
    finally:
        for target in targets:
            target.stop()


def run(programs, quick, say):
    """A row a server: start-up and rest."""
    rows = start_up(programs, quick, say)
    for row, rested in zip(rows, rest(programs, quick, say)):
        row.update(rested)
    return rows


COLUMNS = [("server", "server", "%s"), ("start_ms", "start-up ms", "%.2f"),
           ("start_min_ms", "from", "%.2f"), ("start_max_ms", "to", "%.2f"),
           ("ratio", "ratio", "%.2f"), ("wake_ups", "wake-ups", "%d"),
           ("seconds", "in s", "%d")]
