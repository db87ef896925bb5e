"""What the parts on conversations share: their generators, turns, reactors, blocked clients.

The generators (bench/pubsub, bench/handover, bench/transact) compare every byte of the replies: a
message that is lost, or an element that is not handed over, is a failure and never a good figure.
"""
import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import time

from bench_lib import LOAD_CORE, Program

NO_LINGER = struct.pack("ii", 1, 0)  # closing resets: thousands of sockets leave no TIME_WAIT
BLOCKED_S = 60  # until all clients of a crowd wait


def resp(programs):
    return [program for program in programs if program.protocol == "resp"]


def with_threads(programs, count=None):
    """The programs with so many reactors where they are an option (None: as many as they like).
    All of them serve, where Pollard by itself uses no more than it has cores."""
    options = [] if count is None else ["--threads", str(count), "--connection-spread", "all"]
    return [Program(program.name, program.path, options)
            if type(program) is Program and "--threads" in program.options else program
            for program in resp(programs)]


def generate(path, target, arguments, is_pinned):
    """Runs a generator; its figures, and the CPU time of the server meanwhile as cpu_ns."""
    line = ["taskset", "-c", str(LOAD_CORE)] if is_pinned else []
    line += [path, str(target.port), *(str(argument) for argument in arguments)]
    before = target.cpu_ns()
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)
    used = target.cpu_ns() - before
    if done.returncode != 0:
        raise RuntimeError(f"bench/{os.path.basename(path)}: {done.stderr.strip()[:120]}")
    return {**json.loads(done.stdout), "cpu_ns": used}


def turns_of(repeats, quick):
    """The first turn warms up; a quick run counts it."""
    return repeats if quick else repeats + 1


def take_turns(items, what, turns, measure, say, warms_up=True):
    """measure(item) for (name, item) A B B A ...; runs that count and notes of failures by name."""
    runs, notes = {name: [] for name, _ in items}, {}
    for turn in range(turns):
        for name, item in items if turn % 2 else items[::-1]:
            if name in notes:
                say.skip(1)
                continue
            say.step(f"{what}: {name}, run {turn + 1} of {turns}")
            try:
                figures = measure(item)
            except (RuntimeError, OSError) as error:
                notes[name] = f"failed: {str(error).strip().splitlines()[-1][-160:]}"
                continue
            if turn > 0 or turns == 1 or not warms_up:
                runs[name].append(figures)
    return runs, notes


@contextlib.contextmanager
def running(programs, is_pinned):
    """The programs' targets, side by side; on one core, or on all of them."""
    with contextlib.ExitStack() as stack:
        targets = []
        for program in programs:
            targets.append(program.start(cores="0" if is_pinned else ""))
            stack.callback(targets[-1].stop)
        yield targets


def _blocked_count(connection):
    for line in connection.cmd("INFO", "clients").items.decode().splitlines():
        if line.startswith("blocked_clients:"):
            return int(line.split(":")[1])
    raise RuntimeError("INFO clients has no blocked_clients")


def has_answer(client):
    """Is there something to read? By poll: select knows the first 1,024 descriptors only."""
    poller = select.poll()
    poller.register(client, select.POLLIN)
    return bool(poller.poll(0))


@contextlib.contextmanager
def blocked_crowd(target, count):
    """So many clients that each wait in BLPOP for a list of their own; all do when this begins."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", target.port), timeout=20)
            stack.callback(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            client.sendall(b"*3\r\n$5\r\nBLPOP\r\n$12\r\nother:%06d\r\n$1\r\n0\r\n" % number)
        connection = target.connect()
        stack.callback(connection.close)
        deadline = time.monotonic() + BLOCKED_S
        while count > 0 and _blocked_count(connection) < count:
            if has_answer(client):
                raise RuntimeError(f"{target.name}: BLPOP waits for nothing: {client.recv(80)!r}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{target.name}: not all of {count} clients wait in BLPOP")
            time.sleep(0.01)
        yield


def said(rows, figure, say):
    """A line of what was found."""
    texts = [f"{row['server']} " + (row["note"] if "note" in row else f"{row[figure]:.2f}")
                for row in rows]
    say(f"{rows[0]['shape']}: " + ", ".join(texts))
