"""bench/load from Python: fills a server with keys, and measures a shape on any protocol."""
import json
import os
import subprocess

from bench_lib import LOAD_CORE, ROOT, load_keys

PYTHON_MAX = 5000  # keys that Python sets as fast as a process starts


def find(build=None):
    """The path of bench/load in a build directory; None if it was not built (no epoll)."""
    path = os.path.join(build or os.path.join(ROOT, "build"), "bench", "load")
    return path if os.access(path, os.X_OK) else None


def call(load, target, command, arguments, cores=str(LOAD_CORE)):
    """Runs bench/load against a target; returns what it printed."""
    pinned = ["taskset", "-c", cores] if cores else []
    line = [*pinned, load, target.program.protocol, command, str(target.port),
            *(str(argument) for argument in arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout)


def measure(load, target, shape):
    """One run of a shape; its figures and the server's CPU time per request."""
    before = target.cpu_ns()
    figures = call(load, target, shape["command"],
                   [*shape["load"], "--requests", shape["requests"]])
    used = target.cpu_ns() - before
    names = ("rps", "p50_ms", "p99_ms", "p999_ms", "misses")
    return {**{name: figures[name] for name in names}, "cpu_ns": used / figures["requests"]}


def fill(load, target, count, values):
    """Sets count keys; values as load_keys takes them: value_size, and ttl or integer."""
    if count == 0:
        return
    if load is None or (count <= PYTHON_MAX and target.program.protocol == "resp"):
        load_keys(target, count, **values)
        return
    arguments = ["--fill", 1, "--keys", count, "--pipeline", 64, "--connections", 4,
                 "--value-size", max(values["value_size"], 1)]
    arguments += ["--ttl", 100000] if values.get("ttl") else []
    arguments += ["--integer", 1] if values.get("integer") else []
    call(load, target, "set", arguments)
