"""Held: how many keys each server holds at the same maxmemory, filled well over the limit.

Keys of 16 bytes, values of 100, allkeys-lru. Pollard with its default maxmemory-reserve, and with
none: then all of maxmemory is for data, as it is in redis-server. Bytes a key are maxmemory over
the keys; the peak is that of the resident size (VmHWM), the empty server included.
"""
import re

import bench_tools
import conversations
import loader
from bench_lib import Program
from progress import progress_of

LIMIT_MB, QUICK_LIMIT_MB = 200, 16
KEYS_A_MB = 20_000  # 2.5 times what Pollard holds
VALUES = {"value_size": 100}
GOAL = 1.3


def _cases(programs):
    """(name, program, options) of all that take redis-server's options."""
    for program in programs:
        if not program.takes_options or program.protocol != "resp":
            continue
        is_ours = type(program) is Program and "--threads" in program.options
        started = conversations.with_threads([program])[0]
        yield program.name, started, []
        if is_ours:
            yield f"{program.name}, no reserve", started, ["--maxmemory-reserve", "0"]


def steps(programs, repeats):
    return len(list(_cases(programs))) * repeats


def _peak_bytes(target):
    with open(f"/proc/{target.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


def _measure(program, options, limit_mb, load):
    limit = limit_mb << 20
    target = program.start("--maxmemory", f"{limit_mb}mb", "--maxmemory-policy", "allkeys-lru",
                           *options, cores="")
    try:
        loader.fill(load, target, limit_mb * KEYS_A_MB, VALUES)
        connection = target.connect()
        keys = connection.cmd("DBSIZE").value
        connection.close()
        return {"keys": keys, "bytes_per_key": limit / keys,
                "used_percent": 100 * bench_tools.redis_value(target, "memory", "used_memory")
                / limit,
                "rss_percent": 100 * target.rss_bytes() / limit,
                "peak_percent": 100 * _peak_bytes(target) / limit}
    finally:
        target.stop()


def run(programs, repeats, quick, say, load=None):
    """A row for every server and reserve; the ratio is to the first server's keys."""
    say, cases = progress_of(say), list(_cases(programs))
    limit_mb = QUICK_LIMIT_MB if quick else LIMIT_MB
    runs, notes = conversations.take_turns(
        [(name, (program, options)) for name, program, options in cases], "held", repeats,
        lambda item: _measure(*item, limit_mb, load), say, warms_up=False)
    rows = []
    for name, _, _ in cases:
        row = {"shape": f"{limit_mb} MB", "server": name}
        rows.append(row)
        if name in notes:
            row["note"] = notes[name]
            continue
        row.update(bench_tools.medians(runs[name]))
        if "keys" in rows[0]:
            row["ratio"] = row["keys"] / rows[0]["keys"]
        if name == "pollard":
            row["verdict"] = "ok" if row.get("ratio", GOAL) >= GOAL else "under"
        say(f"{name}: {row['keys']:.0f} keys, at most {row['peak_percent']:.1f} % resident")
    return rows


COLUMNS = [
    ("shape", "maxmemory", "%s"), ("server", "server", "%s"), ("keys", "keys", "%d"),
    ("ratio", "ratio", "%.2f"), ("bytes_per_key", "bytes/key", "%.1f"),
    ("used_percent", "used %", "%.1f"), ("rss_percent", "RSS %", "%.1f"),
    ("peak_percent", "peak RSS %", "%.1f"), ("verdict", "", "%s"),
]
