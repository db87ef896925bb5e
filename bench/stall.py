"""Stalls: a probe of 1,000 GET/SET a second while KEYS * over 2 million keys runs in a loop.

The servers may use every core, as in life: a slow command needs a thread of its own. The probe
charges a latency from when its request was due. Idle figures come from the same servers.
"""
import json
import os
import subprocess
import sys

import loader
from bench_lib import HERE
from progress import progress_of

LOOP = """
import sys
sys.path.insert(0, sys.argv[2])
from resp import Connection, encode
c = Connection(sys.argv[1], timeout=120)
c.cmd("PING")
done = 0
print("ready", flush=True)
end = b"END-OF-REPLY"
asked = encode(*sys.argv[3:]) + encode("ECHO", end)
while True:
    c.raw(asked)
    tail = b""
    while not tail.endswith(end + b"\\r\\n"):
        data = c.socket.recv(1 << 20)
        if not data:
            sys.exit(1)
        tail = (tail + data[-64:])[-64:]
    done += 1
    print(done, flush=True)
"""


def probe(program, target, seconds, keys, mode="mixed"):
    """The figures of bench/probe, 1,000 requests a second. A server that answers one request
    between two commands of a second each would take an hour: it is asked for twice the time."""
    process = subprocess.Popen([program, target.socket_path, "1000", str(seconds), str(keys), mode],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, error = process.communicate(timeout=seconds * 2)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, error = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            process.kill()
    if process.returncode != 0 or not out:
        raise RuntimeError(f"probe on {target.name}: {error}")
    return json.loads(out)


def steps(programs):
    return 2 * len(programs)


def looping(target, *words):
    """A client that runs a command in a loop, once its connection is up; end() it."""
    support = os.path.join(os.path.dirname(HERE), "tests", "support")
    loop = subprocess.Popen([sys.executable, "-c", LOOP, target.socket_path, support, *words],
                            stdout=subprocess.PIPE, text=True)
    loop.stdout.readline()
    return loop


def end(loop):
    """Ends a loop; returns how often its command was answered."""
    loop.kill()
    lines = loop.stdout.read().split()
    loop.wait()
    return int(lines[-1]) if lines else 0


def _under_keys(program, target, seconds, keys):
    """The probe's figures while another client runs KEYS * in a loop."""
    loop, done = looping(target, "KEYS", "*"), 0
    try:
        row = probe(program, target, seconds, keys)
    finally:
        done = end(loop)
    return {**row, "keys_done": done}


def run(programs, probe_program, quick, say, load=None):
    """Rows for every server: idle, and under KEYS *. Needs servers with a unix socket."""
    keys, seconds = (20000, 1) if quick else (2000000, 20)
    say, rows = progress_of(say), []
    for program in programs:
        target = program.start(cores="")
        try:
            loader.fill(load, target, keys, {"value_size": 3})
            say.step(f"stall, idle: {target.name}")
            rows.append({"what": "idle", "server": target.name,
                         **probe(probe_program, target, seconds, keys // 2)})
            say.step(f"stall, KEYS * of {keys}: {target.name}")
            rows.append({"what": f"KEYS * of {keys}", "server": target.name,
                         **_under_keys(probe_program, target, seconds, keys // 2)})
        finally:
            target.stop()
        for row in rows[-2:]:
            say(f"{row['server']} {row['what']}: p99 {row['p99_ms']:.3f} ms, "
                f"p99.9 {row['p999_ms']:.3f} ms")
    return rows


COLUMNS = [("what", "while", "%s"), ("server", "server", "%s"), ("p50_ms", "p50 ms", "%.3f"),
           ("p99_ms", "p99 ms", "%.3f"), ("p999_ms", "p99.9 ms", "%.3f"),
           ("max_ms", "max ms", "%.3f"), ("keys_done", "KEYS done", "%d")]
