"""Eviction: the latency of writes of new keys, without a limit and while each of them evicts.

A probe SETs new keys of 100 bytes at a fixed rate, beside a writer of new keys that pipelines, at a
fixed rate too; latencies count from when a request was due. Every run has a fresh server, filled
with more than the limit holds. A ratio is to the same server without a limit in the same turn. The
servers may use every core; the load is on the last one. On a machine with other work the latencies
are its scheduler's (hundreds of ms without a limit, any server): believe them on a quiet one only.
"""
import os
import statistics
import types

import bench_tools
import conversations
from bench_lib import Program
from progress import progress_of

NO_LIMIT = "no limit"
COMMON = ("allkeys-lru",)
OURS = ("allkeys-lru", "allkeys-tinylfu", "allkeys-lfu")
P99_LIMIT, P999_LIMIT = 1.5, 3.0
EVICTED_LIMIT = 1.1  # keys of a write: more are kept from the cache for nothing

VALUE_SIZE = 100
PROBE_RATE = 2000
PROBE_KEYS = 10 ** 12  # the names that the probe draws from: each is a new one
WRITER_RATE = 50_000  # the cache is turned over in 10 to 15 s; both servers take ten times that
WRITER_FIRST = 100_000_000

FULL = {"limit": "100mb", "filled": 1_000_000, "seconds": 10}
QUICK = {"limit": "16mb", "filled": 160_000, "seconds": 0.5}


def _tools(build):
    """What bench_tools wants to know."""
    made = os.path.join(build, "bench")
    return types.SimpleNamespace(fill=os.path.join(made, "fill"), probe=os.path.join(made, "probe"),
                                 rate=PROBE_RATE)


def _cases(programs):
    """(server, policy or NO_LIMIT, program) of all that take redis-server's options."""
    for program in programs:
        if not program.takes_options or program.protocol != "resp":
            continue
        is_ours = type(program) is Program and "--threads" in program.options
        for policy in (NO_LIMIT, *(OURS if is_ours else COMMON)):
            yield program.name, policy, conversations.with_threads([program])[0]


def steps(programs, repeats, quick):
    return len(list(_cases(programs))) * conversations.turns_of(repeats, quick)


def _write(tools, target, seconds):
    """The probe's figures beside the writer, and how fast that was."""
    count = int(WRITER_RATE * (seconds + 0.2))
    writer = bench_tools.Fill(tools, target, count, ["-f", WRITER_FIRST, "-s", VALUE_SIZE, "-r",
                                                     WRITER_RATE])
    probe = bench_tools.Probe(tools, target, PROBE_KEYS, "insert", seconds)
    try:
        figures = probe.result()
        done = writer.wait()
    finally:
        probe.kill()
        writer.kill()
    return {**figures, "writer_rps": done["keys"] / done["seconds"]}, count + figures["count"]


def _measure(tools, policy, program, scale):
    options = [] if policy == NO_LIMIT else ["--maxmemory", scale["limit"], "--maxmemory-policy",
                                             policy]
    target = program.start(*options, cores="")
    try:
        bench_tools.fill(tools, target, scale["filled"], "-s", VALUE_SIZE)
        before = bench_tools.redis_value(target, "stats", "evicted_keys")
        figures, written = _write(tools, target, scale["seconds"])
        evicted = bench_tools.redis_value(target, "stats", "evicted_keys") - before
        connection = target.connect()
        keys = connection.cmd("DBSIZE").value
        connection.close()
    finally:
        target.stop()
    return {**figures, "evicted_share": evicted / written, "keys": keys}


def _row(server, policy, found, calm):
    """Medians; ratios to the runs without a limit, turn by turn: their median, least and most."""
    row = {"shape": policy, "server": server, **bench_tools.medians(found)}
    for figure in ("p50", "p99", "p999"):
        ratios = [run[f"{figure}_ms"] / base[f"{figure}_ms"] for run, base in zip(found, calm)]
        row.update({f"{figure}_ratio": statistics.median(ratios), f"{figure}_from": min(ratios),
                    f"{figure}_to": max(ratios)})
    if policy in OURS and server == "pollard":
        worst = max(row["p99_ratio"] / P99_LIMIT, row["p999_ratio"] / P999_LIMIT,
                    row["evicted_share"] / EVICTED_LIMIT)
        row["verdict"] = bench_tools.verdict(worst, 1.0)
    return row


def _rows(cases, runs, notes):
    for server, policy, _ in cases:
        name, calm = f"{server}, {policy}", f"{server}, {NO_LIMIT}"
        note = notes.get(name) or notes.get(calm)
        if note:
            yield {"shape": policy, "server": server, "note": note}
        else:
            yield _row(server, policy, runs[name], runs[calm])


def run(programs, build, repeats, quick, say):
    """A row for every server and policy, that without a limit first."""
    say, cases, scale = progress_of(say), list(_cases(programs)), QUICK if quick else FULL
    items = [(f"{server}, {policy}", (policy, program)) for server, policy, program in cases]
    runs, notes = conversations.take_turns(
        items, "eviction", conversations.turns_of(repeats, quick),
        lambda item: _measure(_tools(build), *item, scale), say)
    rows = list(_rows(cases, runs, notes))
    for row in rows:
        if "note" not in row:
            say(f"{row['server']}, {row['shape']}: p99 {row['p99_ms']:.3f} ms, p99.9 "
                f"{row['p999_ms']:.3f} ms")
    return rows


COLUMNS = [
    ("shape", "policy", "%s"), ("server", "server", "%s"), ("p50_ms", "p50 ms", "%.3f"),
    ("p50_ratio", "ratio", "%.2f"), ("p99_ms", "p99 ms", "%.3f"), ("p99_ratio", "ratio", "%.2f"),
    ("p99_from", "from", "%.2f"), ("p99_to", "to", "%.2f"), ("p999_ms", "p99.9 ms", "%.3f"),
    ("p999_ratio", "ratio", "%.2f"), ("p999_from", "from", "%.2f"), ("p999_to", "to", "%.2f"),
    ("max_ms", "max ms", "%.1f"), ("evicted_share", "evicted/write", "%.2f"),
    ("keys", "keys", "%d"), ("writer_rps", "writer/s", "%.0f"),
    ("verdict", "", "%s"),
]
