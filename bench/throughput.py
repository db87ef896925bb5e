"""Shapes of load over redis-benchmark: two servers take turns, run by run.

The servers of a comparison stay up side by side with the same data; only one is loaded at a time.
A figure is the median of the repeats; "ratio" is the second server's CPU per request over the
first's.
"""
from bench_lib import benchmark, load_keys, raise_descriptor_limit, summarise

KEYS = 1000000


def _pipelines():
    for size in (3, 32):
        for depth, requests in ((1, 200000), (16, 1000000), (64, 2000000)):
            for command in ("set", "get"):
                yield {"name": f"{command} {size} B, pipeline {depth}", "size": size,
                       "requests": requests,
                       "arguments": ["-t", command, "-d", str(size), "-P", str(depth), "-c", "50",
                                     "-r", str(KEYS)]}


def shapes():
    """Every shape: name, redis-benchmark's arguments, requests, and what must hold before."""
    found = list(_pipelines())
    for command in ("set", "get"):
        found.append({"name": f"{command} 3 B, 1,000 connections", "size": 3, "requests": 200000,
                      "arguments": ["-t", command, "-c", "1000", "-r", str(KEYS)]})
        found.append({"name": f"{command} 3 B, 50 busy of 9,050", "size": 3, "requests": 200000,
                      "idle": 9000, "arguments": ["-t", command, "-c", "50", "-r", str(KEYS)]})
    found.append({"name": "mset of 10, 3 B", "size": 3, "requests": 100000,
                  "arguments": ["-t", "mset", "-r", str(KEYS)]})
    found.append({"name": "set 200 KB", "size": 3, "requests": 8000,
                  "arguments": ["-c", "10", "-r", "100", "-d", "204800", "-t", "set"]})
    found.append({"name": "get 200 KB", "size": 3, "requests": 8000, "big": True,
                  "arguments": ["-c", "10", "GET", "big"]})
    return found


def _prepare(targets, shape, loaded):
    """Fills the servers for a shape's value size, once a size."""
    for target in targets:
        if loaded.get(target.name) != shape["size"]:
            connection = target.connect()
            connection.cmd("FLUSHALL")
            connection.cmd("SET", "big", b"v" * 204800)
            connection.close()
            load_keys(target, shape.get("keys", KEYS), shape["size"])
            loaded[target.name] = shape["size"]


def _measure(target, shape):
    idle = []
    try:
        if shape.get("idle"):
            idle = [target.connect() for _ in range(shape["idle"])]
        return benchmark(target, shape["arguments"], shape["requests"])
    finally:
        for connection in idle:
            connection.close()


def run(programs, wanted, repeats, quick, say):
    """Measures the shapes whose names hold one of wanted (all if empty); returns rows."""
    raise_descriptor_limit()
    targets = [program.start() for program in programs]
    loaded, rows = {}, []
    try:
        for shape in shapes():
            if wanted and not any(word in shape["name"] for word in wanted):
                continue
            if quick:
                shape = {**shape, "requests": shape["requests"] // 50, "keys": 10000,
                         "idle": min(shape.get("idle", 0), 500)}
            _prepare(targets, shape, loaded)
            runs = {target.name: [] for target in targets}
            for turn in range(repeats + 1):
                for target in targets if turn % 2 else reversed(targets):
                    figures = _measure(target, shape)
                    if turn > 0:  # the first turn warms caches and tables
                        runs[target.name].append(figures)
            base = None
            for target in targets:
                row = {"shape": shape["name"], "server": target.name,
                       "command": "redis-benchmark " + " ".join(shape["arguments"]),
                       **summarise(runs[target.name])}
                base = base or row
                row["ratio"] = row["cpu_ns"] / base["cpu_ns"]
                rows.append(row)
            say(f"{shape['name']}: CPU ratio {rows[-1]['ratio']:.2f}")
    finally:
        for target in targets:
            target.stop()
    return rows


COLUMNS = [
    ("shape", "shape", "%s"), ("server", "server", "%s"), ("cpu_ns", "CPU ns/request", "%.0f"),
    ("cpu_spread_percent", "spread %", "%.1f"), ("ratio", "ratio", "%.2f"), ("rps", "rps", "%.0f"),
    ("p50_ms", "p50 ms", "%.3f"), ("p99_ms", "p99 ms", "%.3f"), ("p999_ms", "p99.9 ms", "%.3f"),
]
