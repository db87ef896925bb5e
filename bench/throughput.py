"""Shapes of load over redis-benchmark or bench/load: the servers take turns, run by run.

For every shape each server is started fresh and filled with the same data; they stay up side by
side and only one is loaded at a time. A figure is the median of the repeats; "ratio" is a server's
CPU per request over that of the first server, its range that of the single turns.
"""
import socket
import struct

import loader
from bench_lib import benchmark, raise_descriptor_limit, summarise
from progress import progress_of
from shapes import BIG, KEYS, quickened, select, shapes  # noqa: F401 (shapes: for callers)

PROBES = {"get": ("GET", "probe"), "set": ("SET", "probe", "1"), "mset": ("MSET", "probe", "1")}
NO_LINGER = struct.pack("ii", 1, 0)  # closing resets: thousands of sockets leave no TIME_WAIT


def _turns(repeats, quick):
    """How many runs a server makes of a shape: the first warms caches and tables."""
    return repeats if quick and repeats == 1 else repeats + 1


def steps(programs, wanted, repeats, quick, part="throughput"):
    return len(select(wanted, (part,))) * len(programs) * _turns(repeats, quick)


def _lack(program, target, shape):
    """Why a server cannot take part in a shape; None if it can."""
    if program.protocol == "memcached":
        return None if shape["tool"] == "load" else "speaks no RESP"
    connection = target.connect()
    try:
        reply = connection.cmd(*PROBES[shape["command"]])
    finally:
        connection.close()
    if reply.kind != "error":
        return None
    return f"no {shape['command'].upper()}: {reply.value.split(',')[0]}"


def _fill(target, shape, load):
    """The shape's keys, and the large value that "get 200 KB" reads."""
    loader.fill(load, target, shape.get("loaded_keys", KEYS), {"value_size": shape["size"]})
    if target.program.protocol == "memcached":
        loader.call(load, target, "set", ["--big", 1, "--requests", 1, "--connections", 1,
                                          "--value-size", BIG])
        return
    connection = target.connect()
    connection.cmd("SET", "big", b"v" * BIG)
    connection.close()


def _crowd(target, count):
    """Idle TCP connections."""
    crowd = []
    for _ in range(count):
        crowd.append(socket.create_connection(("127.0.0.1", target.port), timeout=20))
        crowd[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    return crowd


def _measure(target, shape, load):
    crowd = []
    try:
        crowd = _crowd(target, shape.get("idle", 0))
        if shape["tool"] == "load":
            return loader.measure(load, target, shape)
        return benchmark(target, shape["arguments"], shape["requests"])
    finally:
        for connection in crowd:
            connection.close()


def _command_line(shape):
    arguments = shape["arguments"] if shape["tool"] != "load" else \
        ["resp|memcached", shape["command"], "PORT", *shape["load"]]
    return f"{shape['tool']} {' '.join(str(argument) for argument in arguments)}"


def _take_turns(targets, shape, turns, load, say):
    """The figures of every turn but the first, by server; a server that fails leaves, noted."""
    runs, notes = {target.name: [] for target in targets}, {}
    for turn in range(turns):
        for target in targets if turn % 2 else targets[::-1]:
            if target.name in notes:
                say.skip(1)
                continue
            say.step(f"{shape['name']}: {target.name}, run {turn + 1} of {turns}")
            try:
                figures = _measure(target, shape, load)
            except (RuntimeError, OSError) as error:
                notes[target.name] = f"failed: {str(error).strip().splitlines()[-1][-160:]}"
                continue
            if turn > 0 or turns == 1:
                runs[target.name].append(figures)
    return runs, notes


def rows_of(programs, shape, runs, notes):
    """A row a server; the ratios are those to the first server, if it took part."""
    rows, first = [], programs[0].name
    base = summarise(runs[first]) if first in runs and first not in notes else None
    for program in programs:
        row = {"shape": shape["name"], "server": program.name, "tool": shape["tool"],
               "command": _command_line(shape)}
        rows.append(row)
        if program.name in notes:
            row["note"] = notes[program.name]
            continue
        row.update(summarise(runs[program.name]))
        if base is not None:
            pairs = [run["cpu_ns"] / other["cpu_ns"]
                     for run, other in zip(runs[program.name], runs[first])]
            row.update({"ratio": row["cpu_ns"] / base["cpu_ns"], "ratio_min": min(pairs),
                        "ratio_max": max(pairs), "rps_ratio": row["rps"] / base["rps"]})
    return rows


def run_shape(programs, shape, turns, load, say):
    """One shape on servers started for it; returns its rows."""
    targets, lacks = [], {}
    try:
        for program in programs:
            if program.protocol == "memcached" and shape["tool"] != "load":
                lacks[program.name] = _lack(program, None, shape)
                continue
            target = program.start()
            targets.append(target)
            lack = _lack(program, target, shape)
            if lack is not None:
                lacks[program.name] = lack
                targets.pop().stop()
                continue
            _fill(target, shape, load)
        say.skip(len(lacks) * turns)
        runs, notes = _take_turns(targets, shape, turns, load, say)
    finally:
        for target in targets:
            target.stop()
    return rows_of(programs, shape, runs, {**lacks, **notes})


def run(programs, wanted, repeats, quick, say, part="throughput", load=None):
    """Measures the shapes of a part that are wanted (all if empty); returns rows.

    load is the path of bench/load; without it keys are set from Python, and only the part
    "throughput" can be measured.
    """
    raise_descriptor_limit()
    say, rows = progress_of(say), []
    for shape in select(wanted, (part,)):
        made = run_shape(programs, quickened(shape) if quick else shape, _turns(repeats, quick),
                         load, say)
        rows += made
        say(f"{shape['name']}: " + ", ".join(_said(row) for row in made))
    return rows


def _said(row):
    if "note" in row:
        return f"{row['server']} {row['note']}"
    ratio = f" ({row['ratio']:.2f})" if "ratio" in row else ""
    return f"{row['server']} {row['cpu_ns']:.0f} ns{ratio}"


COLUMNS = [
    ("shape", "shape", "%s"), ("server", "server", "%s"), ("cpu_ns", "CPU ns/request", "%.0f"),
    ("cpu_spread_percent", "spread %", "%.1f"), ("ratio", "ratio", "%.2f"),
    ("ratio_min", "from", "%.2f"), ("ratio_max", "to", "%.2f"), ("rps", "rps", "%.0f"),
    ("rps_spread_percent", "spread %", "%.1f"), ("rps_ratio", "ratio", "%.2f"),
    ("p50_ms", "p50 ms", "%.3f"), ("p99_ms", "p99 ms", "%.3f"), ("p999_ms", "p99.9 ms", "%.3f"),
]
