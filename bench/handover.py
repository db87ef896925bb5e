"""Blocking pops: how long a hand-over takes, and what clients that wait cost the others.

A hand-over is an LPUSH to a list that another client waits for in BLPOP: the time from sending it
to the waiter's reply, with the load on core 1 and one reactor on core 0, and with two reactors, the
two clients on different ones. The two share core 0, which repeats well; "all cores" leaves
everybody to the scheduler, and a figure then depends on who came to the core of whom. All of this
also beside 10,000 clients that wait for other keys. The part "blocked" measures GET and SET beside
those; its ratio is to the same server without them.
"""
import statistics

import conversations
import loader
from bench_lib import benchmark, raise_descriptor_limit
from progress import progress_of
from throughput import rows_of

CROWD, CROWD_QUICK = 10000, 200
PUSHES, PUSHES_QUICK = 10000, 200
# Name, reactors, and whether the server has core 0 and the load core 1.
REACTORS = (("one reactor", 1, True), ("across reactors", 2, True),
            ("across reactors, all cores", 2, False))
KEYS = 100000
DEPTHS = ((1, 100000), (16, 500000))  # and requests of GET and SET
QUICK = 50


def _crowd(quick):
    return CROWD_QUICK if quick else CROWD


def _measure(target, path, arguments, crowd, is_pinned):
    with conversations.blocked_crowd(target, crowd):
        figures = conversations.generate(path, target, arguments, is_pinned)
    return {name: figures[name] for name in ("p50_us", "p99_us", "p999_us")}


def _rows_of(programs, shape, runs, notes):
    """Medians of the latencies; the ratios are those to the first server, if it took part."""
    rows, base = [], None
    for program in programs:
        row = {"shape": shape, "server": program.name}
        rows.append(row)
        if program.name in notes:
            row["note"] = notes[program.name]
            continue
        found = runs[program.name]
        row.update({name: statistics.median(run[name] for run in found) for name in found[0]})
        base = row if program is programs[0] else base
        if base is not None:
            row.update({f"{name}_ratio": row[f"{name}_us"] / base[f"{name}_us"]
                        for name in ("p50", "p99")})
    return rows


def steps(programs, repeats, quick):
    return (len(conversations.resp(programs)) * len(REACTORS) * 2
            * conversations.turns_of(repeats, quick))


def run(programs, path, repeats, quick, say):
    """A row for every number of reactors, crowd and server; path: bench/handover."""
    raise_descriptor_limit()
    say, rows = progress_of(say), []
    for name, count, is_pinned in REACTORS:
        used = conversations.with_threads(programs, count)
        arguments = ["--pushes", PUSHES_QUICK if quick else PUSHES, "--reactors", count]
        with conversations.running(used, is_pinned) as targets:
            for crowd in (0, _crowd(quick)):
                shape = f"{name}, beside {crowd:,} blocked" if crowd > 0 else name
                found = conversations.take_turns(
                    [(target.name, target) for target in targets], shape,
                    conversations.turns_of(repeats, quick),
                    lambda target: _measure(target, path, arguments, crowd, is_pinned), say)
                rows += _rows_of(used, shape, *found)
                conversations.said(rows[-len(used):], "p50_us", say)
    return rows


COLUMNS = [
    ("shape", "shape", "%s"), ("server", "server", "%s"), ("p50_us", "p50 us", "%.1f"),
    ("p50_ratio", "ratio", "%.2f"), ("p99_us", "p99 us", "%.1f"), ("p99_ratio", "ratio", "%.2f"),
    ("p999_us", "p99.9 us", "%.1f"),
]


# ---- GET and SET beside clients that wait ----


def _beside_shapes(quick):
    return [{"name": f"{command} 32 B, pipeline {depth}", "tool": "redis-benchmark",
             "command": command, "requests": requests // QUICK if quick else requests,
             "arguments": ["-t", command, "-d", "32", "-P", str(depth), "-c", "50", "-r",
                           str(KEYS)]}
            for depth, requests in DEPTHS for command in ("get", "set")]


def beside_steps(programs, repeats, quick):
    return (len(conversations.resp(programs)) * len(DEPTHS) * 4
            * conversations.turns_of(repeats, quick))


def _beside(item, shape):
    with conversations.blocked_crowd(item.target, item.crowd):
        return benchmark(item.target, shape["arguments"], shape["requests"])


class _Beside:
    """A server, without or with its crowd; by name it stands for itself where rows are made."""

    def __init__(self, target, crowd):
        self.target = target
        self.crowd = crowd
        self.who = f"{crowd:,} blocked" if crowd > 0 else "nobody"
        self.name = f"{target.name}, beside {self.who}"


def beside(programs, repeats, quick, say, load=None):
    """Two rows for every shape and server: without and with the crowd."""
    raise_descriptor_limit()
    say, rows = progress_of(say), []
    with conversations.running(conversations.with_threads(programs, 1), True) as targets:
        for target in targets:
            loader.fill(load, target, KEYS // QUICK if quick else KEYS, {"value_size": 32})
        pairs = [(_Beside(target, 0), _Beside(target, _crowd(quick))) for target in targets]
        for shape in _beside_shapes(quick):
            found = conversations.take_turns(
                [(item.name, item) for pair in pairs for item in pair], shape["name"],
                conversations.turns_of(repeats, quick), lambda item: _beside(item, shape), say)
            for pair in pairs:
                made = rows_of(pair, shape, *found)
                conversations.said(made, "cpu_ns", say)
                rows += [{**row, "server": item.target.name, "beside": item.who}
                         for row, item in zip(made, pair)]
    return rows


BESIDE_COLUMNS = [
    ("shape", "shape", "%s"), ("server", "server", "%s"), ("beside", "beside", "%s"),
    ("cpu_ns", "CPU ns/request", "%.0f"), ("cpu_spread_percent", "spread %", "%.1f"),
    ("ratio", "ratio", "%.2f"), ("ratio_min", "from", "%.2f"), ("ratio_max", "to", "%.2f"),
    ("rps", "rps", "%.0f"), ("rps_ratio", "ratio", "%.2f"), ("p99_ms", "p99 ms", "%.3f"),
]
