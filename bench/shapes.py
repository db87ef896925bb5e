"""The shapes of load: their names, and what each asks of redis-benchmark or of bench/load.

A shape is a dictionary: name, part, tool, command (get, set, mset), size of a value, requests,
connections, idle connections beside them, and the arguments of its tool.
"""
import re

KEYS = 1000000
PIPELINES = ((1, 200000), (16, 1000000), (64, 2000000))  # depth, requests
BIG = 204800
# One of each kind, for a run that only proves that everything runs.
QUICK = ["set 3 B, pipeline 1", "get 32 B, pipeline 16", "get 3 B, 1,000 connections",
         "set 3 B, 50 busy of 9,050", "mset of 10, 3 B", "set 200 KB", "get 200 KB",
         "load: get 32 B, pipeline 1", "load: set 32 B, pipeline 16",
         "load: get 32 B, 1,000 connections", "load: get 200 KB"]
TOOLS = {"throughput": "redis-benchmark", "memcached": "load"}


def _shape(name, command, requests, arguments, **more):
    """A shape for redis-benchmark."""
    return {"name": name, "part": "throughput", "command": command, "requests": requests,
            "arguments": arguments, "size": 3, "connections": 50, **more}


def _redis_benchmark():
    for size in (3, 32):
        for depth, requests in PIPELINES:
            for command in ("set", "get"):
                yield _shape(f"{command} {size} B, pipeline {depth}", command, requests,
                             ["-t", command, "-d", str(size), "-P", str(depth), "-c", "50", "-r",
                              str(KEYS)], size=size)
    for command in ("set", "get"):
        yield _shape(f"{command} 3 B, 1,000 connections", command, 200000,
                     ["-t", command, "-c", "1000", "-r", str(KEYS)], connections=1000)
    for command in ("set", "get"):
        yield _shape(f"{command} 3 B, 50 busy of 9,050", command, 200000,
                     ["-t", command, "-c", "50", "-r", str(KEYS)], idle=9000)
    yield _shape("mset of 10, 3 B", "mset", 100000, ["-t", "mset", "-r", str(KEYS)])
    yield _shape("set 200 KB", "set", 8000, ["-c", "10", "-r", "100", "-d", str(BIG), "-t", "set"],
                 connections=10)
    yield _shape("get 200 KB", "get", 8000, ["-c", "10", "GET", "big"], connections=10)


def _load(name, command, requests, **more):
    """A shape for bench/load, which speaks memcached's protocol as well."""
    shape = {"name": f"load: {name}", "part": "memcached", "command": command,
             "requests": requests, "size": 32, "connections": 50, "depth": 1, "keys": KEYS, **more}
    value_size = shape.pop("value_size", shape["size"])
    shape["load"] = ["--connections", shape["connections"], "--pipeline", shape.pop("depth"),
                     "--keys", shape.pop("keys"), "--value-size", value_size]
    shape["load"] += ["--big", 1] if shape.pop("is_big", False) else []
    return shape


def _bench_load():
    for depth, requests in PIPELINES:
        for command in ("set", "get"):
            yield _load(f"{command} 32 B, pipeline {depth}", command, requests, depth=depth)
    for command in ("set", "get"):
        yield _load(f"{command} 32 B, 1,000 connections", command, 200000, connections=1000)
    yield _load("set 200 KB", "set", 8000, connections=10, keys=100, value_size=BIG)
    yield _load("get 200 KB", "get", 8000, connections=10, is_big=True)


def shapes():
    """Every shape, in the order of the report."""
    return [{**shape, "tool": TOOLS[shape["part"]]}
            for shape in (*_redis_benchmark(), *_bench_load())]


def split_list(text):
    """The items of a comma-separated list; a comma before a blank or inside a number is text."""
    return [item.strip() for item in re.split(r",(?!\s|\d{3}\b)", text) if item.strip()]


def is_wanted(shape, wanted):
    """Whether a shape is one of wanted: names, or words of names ("pipeline 1" is not 16)."""
    return not wanted or any(
        re.search(rf"(?<!\w){re.escape(item)}(?!\w)", shape["name"], re.IGNORECASE)
        for item in wanted)


def select(wanted, parts=("throughput", "memcached")):
    """The shapes of these parts that are wanted; a whole name selects that shape alone."""
    names = {shape["name"] for shape in shapes()}
    exact = [item for item in wanted if item in names]
    words = [item for item in wanted if item not in names]
    return [shape for shape in shapes() if shape["part"] in parts and
            (shape["name"] in exact or ((words or not exact) and is_wanted(shape, words)))]


def quickened(shape):
    """The shape with so little load that it proves no more than that it runs."""
    return {**shape, "requests": shape["requests"] // 50, "loaded_keys": 10000,
            "idle": min(shape.get("idle", 0), 500)}
