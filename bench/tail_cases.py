"""What runs beside the probe of bench/tail: one function a case, each yields one server's row.

A case gets a started server, sets it up, measures the probe idle on that server, then starts the
probe again with the heavy work beside it. What loads the server runs niced, so that it does not
take the core from the probe: the two share the load's core.
"""
import subprocess
import sys
import time

from bench_lib import LOAD_CORE
from bench_tools import RESP_SUPPORT, Fill, Probe, fill, say
from stall import LOOP

IDLE_S = 8
KEYS_PROBED = 100000
GROWTH_KEYS = 5000000
FLUSH_KEYS = 1000000
FLUSHES = 5
EXPIRY_KEYS = 1000000
EXPIRY_S = 6
LISTED_KEYS = 2000000
LISTED_S = 20
BIG_S = 10
# Inserts a second of the "insert" case: what both servers take beside the probe with room to spare.
INSERT_RATE = 250000

BIG = """
import sys
sys.path.insert(0, sys.argv[2])
from resp import Connection, encode
sizes = (200 << 10, 512 << 10, 1 << 20)
frames = [encode("SET", "big:%d" % (i % 16), b"v" * sizes[i % 3]) for i in range(48)]
c = Connection(sys.argv[1], timeout=120)
print("ready", flush=True)
i = 0
while True:
    c.raw(frames[i % 48])
    c.raw(encode("GET", "big:%d" % (i % 16)))
    due = 5 + len(b"$%d\\r\\n" % sizes[i % 48 % 3]) + sizes[i % 48 % 3] + 2
    while due > 0:
        data = c.socket.recv(min(due, 1 << 20))
        if not data:
            sys.exit(1)
        due -= len(data)
    i += 1
    if i % 16 == 0:  # nobody reads until the end: the lines must fit the pipe
        print(i, flush=True)
"""


class Loop:
    """A python client that works until it is stopped; done counts what it finished."""

    def __init__(self, target, text):
        command = ["nice", "-n", "19", "taskset", "-c", str(LOAD_CORE), sys.executable, "-c", text,
                   target.socket_path, RESP_SUPPORT]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("a load did not start")

    def stop(self):
        self.process.kill()
        lines = self.process.stdout.read().split()
        self.process.wait()
        return int(lines[-1]) if lines else 0


def scaled(options, count):
    return count // (50 if options.quick else 1)


def seconds_of(options, seconds):
    return 0.2 if options.quick else seconds


def idle(options, target, mode="get"):
    return Probe(options, target, scaled(options, KEYS_PROBED), mode,
                 seconds_of(options, IDLE_S)).result()


def beside(options, target, seconds, start):
    """The probe for a time beside a load; start() begins it, its stop() ends it."""
    load = start()
    try:
        figures = Probe(options, target, scaled(options, KEYS_PROBED), "get",
                        seconds_of(options, seconds)).result()
    finally:
        done = load.stop()
    return {**figures, "done": done}


def until_done(options, target, work, mode="get"):
    """The probe for as long as work() takes."""
    probe = Probe(options, target, scaled(options, KEYS_PROBED), mode)
    try:
        done = work()
        return {**probe.stop(), "done": done}
    finally:
        probe.kill()


def keys(options, target):
    """KEYS * of 2 million keys in a loop."""
    fill(options, target, scaled(options, LISTED_KEYS))
    calm = idle(options, target)
    return calm, beside(options, target, LISTED_S, lambda: Loop(target, LOOP))


def growth(options, target):
    """5 million keys are inserted as fast as they go in."""
    count = scaled(options, GROWTH_KEYS)
    fill(options, target, scaled(options, KEYS_PROBED))
    calm = idle(options, target)

    def work():
        Fill(options, target, count, ["-f", 1000000, "-s", 32], niced=True).wait()
        return 1
    return calm, until_done(options, target, work)


def _flushes(options, target, word):
    count = scaled(options, FLUSH_KEYS)
    fill(options, target, count)
    calm = idle(options, target)

    def work():
        connection = target.connect()
        for _ in range(FLUSHES):
            connection.cmd("FLUSHALL", word).is_ok()
            Fill(options, target, count, niced=True).wait()
        connection.close()
        return FLUSHES
    return calm, until_done(options, target, work)


def flushall(options, target):
    """FLUSHALL SYNC of 1 million keys, which are loaded again, five times."""
    return _flushes(options, target, "SYNC")


def flushall_async(options, target):
    """FLUSHALL ASYNC of 1 million keys, which are loaded again, five times."""
    return _flushes(options, target, "ASYNC")


def expiry(options, target):
    """1 million keys expire at one moment; done is how many of them are gone at the end."""
    count = scaled(options, EXPIRY_KEYS)
    fill(options, target, scaled(options, KEYS_PROBED))
    calm = idle(options, target)
    ahead_s = 0.5 if options.quick else 8
    due_s = time.time() + ahead_s
    loading = ["-f", 1000000, "-s", 32, "-p", int(due_s * 1000)]
    Fill(options, target, count, loading).wait()
    left_s = due_s - time.time()
    if left_s < 0:
        raise RuntimeError(f"{target.name} took too long to load {count} keys")
    figures = Probe(options, target, scaled(options, KEYS_PROBED), "get",
                    left_s + 2 * seconds_of(options, EXPIRY_S)).result()
    connection = target.connect()
    left = connection.cmd("DBSIZE").value - scaled(options, KEYS_PROBED)
    connection.close()
    return calm, {**figures, "done": count - left}


def big(options, target):
    """One client writes and reads values of 200 KB to 1 MB; done counts the pairs."""
    fill(options, target, scaled(options, KEYS_PROBED))
    calm = idle(options, target)
    return calm, beside(options, target, BIG_S, lambda: Loop(target, BIG))


def insert(options, target):
    """A probe that SETs: 5 million new keys go in, against the same load on keys that exist."""
    count = scaled(options, GROWTH_KEYS)
    arguments = ["-f", 1000000, "-s", 32, "-r", INSERT_RATE]
    fill(options, target, scaled(options, KEYS_PROBED))

    def work():
        return Fill(options, target, count, arguments, niced=True).wait()["keys"]
    growing = until_done(options, target, work, "set")
    return until_done(options, target, work, "set"), growing


CASES = {"keys": keys, "growth": growth, "flushall": flushall, "flushall-async": flushall_async,
         "expiry": expiry, "big": big, "insert": insert}


def measure(options, program, name):
    """(calm, beside) of a case on a fresh server."""
    target = program.start(cores=options.cores)
    try:
        calm, loaded = CASES[name](options, target)
    finally:
        target.stop()
    say(f"{name}, {program.name}: p99 {calm['p99_ms']:.3f} -> {loaded['p99_ms']:.3f} ms, "
        f"p99.9 {calm['p999_ms']:.3f} -> {loaded['p999_ms']:.3f} ms")
    return calm, loaded


def describe():
    """The names of the cases and what each does."""
    return "\n".join(f"  {name:15} {case.__doc__}" for name, case in CASES.items())
