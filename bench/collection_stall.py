"""Stalls by large collections: a probe on a fixed schedule while large commands run in a loop.

The part collection-stall probes GET on other keys; collection-writers is a writer of 1,000 requests
a second to the very key that another client reads whole, again and again. The servers may use every
core. A latency counts from when its request was due. Ratios are to the first server's p99.
"""
import threading
import time

import collection_fill
import loader
import stall
from progress import progress_of

KEYS = 100000
HUGE, LARGE = 5000000, 1000000
DELETED = 1  # sorted sets prepared for DEL: to fill one takes longest of all
QUICK = 250
WRITERS = [("SMEMBERS", "SADD", ["SMEMBERS", "large"]), ("HGETALL", "HSET", ["HGETALL", "large"]),
           ("LRANGE 0 -1", "RPUSH", ["LRANGE", "large", "0", "-1"]),
           ("ZRANGE 0 -1", "ZADD", ["ZRANGE", "large", "0", "-1"])]


def steps(programs):
    return 3 * len(programs)


def writer_steps(programs):
    return len(WRITERS) * len(programs)


def _scale(quick):
    return QUICK if quick else 1


def _drop(target, *keys):
    connection = target.connect()
    connection.cmd("UNLINK", *keys)
    connection.close()


def _under_loop(probe, target, seconds, words, mode="get", keys=KEYS):
    loop, done = stall.looping(target, *words), 0
    try:
        row = stall.probe(probe, target, seconds, keys, mode)
    finally:
        done = stall.end(loop)
    return {**row, "done": done}


def _delete(target, seconds):
    """DELs the prepared keys, spread over the probe's time."""
    connection = target.connect()
    try:
        for number in range(DELETED):
            time.sleep(seconds / (DELETED + 1) / 2)
            connection.cmd("DEL", f"sorted:{number}")
    finally:
        connection.close()


def _under_delete(probe, target, seconds):
    deleter = threading.Thread(target=_delete, args=(target, seconds))
    deleter.start()
    try:
        row = stall.probe(probe, target, seconds, KEYS, "get")
    finally:
        deleter.join()
    return {**row, "done": DELETED}


def _rows_of(target, probe, seconds, scale, say):
    """The three rows of a server."""
    huge, large = HUGE // scale, LARGE // scale
    say.step(f"SMEMBERS of {huge}: {target.name}")
    collection_fill.fill(target, "SADD", "set", huge)
    yield {"what": f"SMEMBERS of {huge}",
           **_under_loop(probe, target, seconds, ["SMEMBERS", "set"])}
    _drop(target, "set")
    say.step(f"DEL of sorted sets of {huge}: {target.name}")
    for number in range(DELETED):
        collection_fill.fill(target, "ZADD", f"sorted:{number}", huge)
    yield {"what": f"DEL of a sorted set of {huge}", **_under_delete(probe, target, seconds)}
    say.step(f"SUNIONSTORE of two sets of {large}: {target.name}")
    collection_fill.fill(target, "SADD", "a", large)
    connection = target.connect()
    collection_fill.send(connection, collection_fill.pieces("SADD", "b", large, large // 2))
    connection.close()
    yield {"what": f"SUNIONSTORE of two of {large}",
           **_under_loop(probe, target, seconds, ["SUNIONSTORE", "union", "a", "b"])}


def _with_ratios(rows, first):
    """Sorted by what was run; a ratio beside every p99."""
    base = {row["what"]: row["p99_ms"] for row in rows if row["server"] == first}
    order = list(base)
    for row in rows:
        row["ratio"] = row["p99_ms"] / max(base[row["what"]], 0.001)
    return sorted(rows, key=lambda row: order.index(row["what"]))


def run(programs, probe, quick, say, load=None):
    """GET's figures on other keys. Needs servers with a unix socket."""
    say, rows = progress_of(say), []
    seconds = 1 if quick else 6
    for program in programs:
        target = program.start(cores="")
        try:
            loader.fill(load, target, KEYS, {"value_size": 3})
            rows += [{**row, "server": target.name}
                     for row in _rows_of(target, probe, seconds, _scale(quick), say)]
        finally:
            target.stop()
    return _with_ratios(rows, programs[0].name)


def writers(programs, probe, quick, say):
    """The figures of a writer to a key that is read whole in a loop."""
    say, rows = progress_of(say), []
    count, seconds = LARGE // _scale(quick), 1 if quick else 8
    for program in programs:
        target = program.start(cores="")
        try:
            for name, command, words in WRITERS:
                say.step(f"{name} of {count}: {target.name}")
                collection_fill.fill(target, command, "large", count)
                found = _under_loop(probe, target, seconds, words, command.lower(), count)
                rows.append({"what": f"{command}, {name} of {count}", "server": target.name,
                             **found})
                _drop(target, "large")
        finally:
            target.stop()
    return _with_ratios(rows, programs[0].name)


COLUMNS = [("what", "while", "%s"), ("server", "server", "%s"), ("p50_ms", "p50 ms", "%.3f"),
           ("p99_ms", "p99 ms", "%.3f"), ("ratio", "ratio", "%.4f"),
           ("p999_ms", "p99.9 ms", "%.3f"), ("max_ms", "max ms", "%.3f"), ("done", "done", "%d")]
