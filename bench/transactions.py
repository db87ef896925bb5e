"""Transactions: MULTI, ten commands, EXEC, from 50 clients; the server's CPU per transaction.

A transaction goes out in one write, alone or with others (pipeline 16). Its ten keys are random, so
that it spans shards. With WATCH, of a key that nobody writes, every transaction must succeed.
"""
import conversations
import loader
from progress import progress_of
from throughput import rows_of

COMMANDS, KEYS, SIZE = 10, 100000, 32
DEPTHS = ((1, 20000), (16, 50000))  # transactions in a write, and in all
KINDS = (("10 SET", "set", 0), ("10 GET", "get", 0), ("WATCH, 10 SET", "set", 1))
QUICK = 50


def _keys(quick):
    return KEYS // QUICK if quick else KEYS


def _shapes(quick):
    for depth, count in DEPTHS:
        for name, command, watch in KINDS:
            yield {"name": f"{name}, pipeline {depth}", "tool": "transact", "command": command,
                   "arguments": [command, "--commands", COMMANDS, "--pipeline", depth,
                                 "--transactions", max(count // QUICK, 1000) if quick else count,
                                 "--keys", _keys(quick), "--value-size", SIZE, "--watch", watch]}


def _measure(target, path, shape):
    figures = conversations.generate(path, target, shape["arguments"], True)
    return {**{name: figures[name] for name in ("rps", "p50_ms", "p99_ms", "p999_ms")},
            "cpu_ns": figures["cpu_ns"] / figures["transactions"]}


def steps(programs, repeats, quick):
    return (len(conversations.resp(programs)) * len(DEPTHS) * len(KINDS)
            * conversations.turns_of(repeats, quick))


def run(programs, path, repeats, quick, say, load=None):
    """A row for every kind, depth and server; path: bench/transact."""
    say, rows = progress_of(say), []
    used = conversations.with_threads(programs, 1)
    with conversations.running(used, True) as targets:
        for target in targets:
            loader.fill(load, target, _keys(quick), {"value_size": SIZE})
        for shape in _shapes(quick):
            found = conversations.take_turns(
                [(target.name, target) for target in targets], shape["name"],
                conversations.turns_of(repeats, quick),
                lambda target: _measure(target, path, shape), say)
            rows += rows_of(used, shape, *found)
            conversations.said(rows[-len(used):], "cpu_ns", say)
    return rows


COLUMNS = [
    ("shape", "MULTI, EXEC of", "%s"), ("server", "server", "%s"),
    ("cpu_ns", "CPU ns/transaction", "%.0f"), ("cpu_spread_percent", "spread %", "%.1f"),
    ("ratio", "ratio", "%.2f"), ("ratio_min", "from", "%.2f"), ("ratio_max", "to", "%.2f"),
    ("rps", "transactions/s", "%.0f"), ("rps_ratio", "ratio", "%.2f"),
    ("p50_ms", "p50 ms", "%.3f"), ("p99_ms", "p99 ms", "%.3f"),
]
