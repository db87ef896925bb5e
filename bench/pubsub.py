"""Pub/sub: one publisher at full rate, 100 subscribers of one channel, messages of 64 bytes.

What counts is deliveries per second of the server's CPU. With one reactor on core 0 and the load on
core 1, and with the default number of reactors, where servers and load may use every core.
"""
import conversations
from progress import progress_of
from throughput import rows_of

SUBSCRIBERS, SIZE = 100, 64
DEPTHS = ((1, 5000), (16, 25000))  # PUBLISHes in a write, and messages
QUICK = 50
REACTORS = ("one reactor", "default reactors")


def _shape(depth, messages, reactors, quick):
    subscribers = SUBSCRIBERS // 10 if quick else SUBSCRIBERS
    messages = messages // QUICK if quick else messages
    return {"name": f"{subscribers} subscribers, pipeline {depth}, {reactors}", "tool": "pubsub",
            "command": "publish", "deliveries": messages * subscribers,
            "arguments": ["--subscribers", subscribers, "--messages", messages, "--pipeline", depth,
                          "--size", SIZE]}


def _measure(target, path, shape, is_pinned):
    figures = conversations.generate(path, target, shape["arguments"], is_pinned)
    if figures["deliveries"] != shape["deliveries"]:
        raise RuntimeError(f"{figures['deliveries']} of {shape['deliveries']} deliveries")
    cpu_ns = figures["cpu_ns"] / figures["deliveries"]
    return {"rps": figures["rps"], "cpu_ns": cpu_ns, "per_cpu_s": 1e9 / cpu_ns}


def steps(programs, repeats, quick):
    return (len(conversations.resp(programs)) * len(DEPTHS) * len(REACTORS)
            * conversations.turns_of(repeats, quick))


def run(programs, path, repeats, quick, say):
    """A row for every depth, number of reactors and server; path: bench/pubsub."""
    say, rows = progress_of(say), []
    for reactors in REACTORS:
        is_pinned = reactors == REACTORS[0]
        used = conversations.with_threads(programs, 1 if is_pinned else None)
        with conversations.running(used, is_pinned) as targets:
            for depth, messages in DEPTHS:
                shape = _shape(depth, messages, reactors, quick)
                found = conversations.take_turns(
                    [(target.name, target) for target in targets], shape["name"],
                    conversations.turns_of(repeats, quick),
                    lambda target: _measure(target, path, shape, is_pinned), say)
                made = rows_of(used, shape, *found)
                for row in made:
                    if "ratio" in row:
                        row["per_cpu_s_ratio"] = row["per_cpu_s"] / made[0]["per_cpu_s"]
                conversations.said(made, "per_cpu_s", say)
                rows += made
    return rows


COLUMNS = [
    ("shape", "shape", "%s"), ("server", "server", "%s"),
    ("per_cpu_s", "deliveries/CPU s", "%.0f"), ("per_cpu_s_ratio", "ratio", "%.2f"),
    ("cpu_ns", "CPU ns/delivery", "%.0f"), ("cpu_spread_percent", "spread %", "%.1f"),
    ("rps", "deliveries/s", "%.0f"), ("rps_spread_percent", "spread %", "%.1f"),
]
