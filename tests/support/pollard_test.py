"""The harness of the wire tests: starts a server, runs cases, prints TAP.

    from pollard_test import Server, case, main

    @case(protocols=(2, 3))
    def test_get(c):
        c.cmd("SET", "k", "v").is_ok()          # is_ok/is_error/is_null assert themselves
        assert c.cmd("GET", "k") == b"v"        # replies compare with plain Python values
        c.cmd("GET").is_error("ERR wrong number")
        d = c.server.connect(protocol=3)        # another connection

    main("--maxclients", "100")                 # the last line; options go to the server

One server serves a file, with FLUSHALL before every case; a case that says options=(...) gets a
server of its own with these. $POLLARD_SERVER names the program (default build/pollard, redis-server
works too); servers listen on a unix socket in a temporary directory, and on a free TCP port if
tcp=True. By hand: `PYTHONPATH=tests/support python3 tests/wire/test_x.py [part of a name...]`.
"""
import atexit
import inspect
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from resp import (Closed, Connection, Error, ProtocolError, Reader, Reply,  # noqa: F401
                  encode, matches, pairs_of)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLOW = float(os.environ.get("POLLARD_TEST_SLOW", "1"))
SANITIZER_MARKS = (b"ERROR: AddressSanitizer", b"ERROR: LeakSanitizer", b"runtime error:",
                   b"WARNING: ThreadSanitizer")
_cases = []


class Skip(Exception):
    """Raised by a case that cannot run here; the text is the reason."""


def server_path():
    path = os.environ.get("POLLARD_SERVER") or os.path.join(ROOT, "build", "pollard")
    return path if os.path.exists(path) else shutil.which(path) or path


def is_oracle():
    """Whether the program under test is redis-server (the cases are tried against it too)."""
    return os.path.basename(server_path()).startswith(("redis", "valkey"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds=10.0, what="condition"):
    """Polls condition until it is true; returns its value, or fails after the time."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.005)


class Server:
    """A server process on a unix socket in a directory of its own."""

    def __init__(self, *options, tcp=False, wait=True, path=None, prefix=()):
        self.directory = tempfile.mkdtemp(prefix="pollard-test-")
        self.socket_path = os.path.join(self.directory, "s")
        self.port = free_port() if tcp else 0
        self.path = path or server_path()
        self.options = [str(option) for option in options]
        arguments = [*prefix, self.path, "--port", str(self.port), "--unixsocket",
                     self.socket_path, "--dir", self.directory]
        if os.path.basename(self.path).startswith("redis"):
            arguments += ["--save", "", "--enable-debug-command", "yes"]
        self.output_path = os.path.join(self.directory, "output")
        with open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(arguments + self.options, stdout=output,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        atexit.register(self.discard)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        wait_for(self._answers, 20, "server start")

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"server ended with {self.process.returncode} at start:\n"
                                 + self.tail())
        try:
            connection = self.connect()
            connection.cmd("PING")
            connection.close()
            return True
        except OSError:
            return False

    def connect(self, protocol=2, tcp=False, timeout=None):
        address = ("127.0.0.1", self.port) if tcp else self.socket_path
        return Connection(address, protocol, self, timeout or 30 * SLOW)

    def output(self):
        with open(self.output_path, "rb") as output:
            return output.read()

    def tail(self, size=6000):
        return self.output()[-size:].decode("utf-8", "backslashreplace")

    def discard(self):
        """Ends the server without any check: for what is left when the program ends."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self, signal_number=signal.SIGTERM, expect=0, seconds=15):
        """Stops the server and checks its exit status and, in sanitizer builds, its output."""
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal_number)
            try:
                status = self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("server did not stop in time:\n" + self.tail()) from None
            output = self.output()
            found = [mark.decode() for mark in SANITIZER_MARKS if mark in output]
            assert not found, f"{found}:\n{_from_mark(output)}"
            assert expect is None or status == expect, (
                f"server exit status {status}, expected {expect}:\n{self.tail()}")
            return status
        finally:
            self.discard()
            atexit.unregister(self.discard)


def _from_mark(output):
    start = min(output.find(mark) for mark in SANITIZER_MARKS if mark in output)
    return output[start:start + 8000].decode("utf-8", "backslashreplace")


def case(function=None, *, protocols=(2,), options=None, tcp=False, timeout=60, skip=None):
    """Registers a test case; works with and without arguments.

    protocols: run once in each; options: extra server options, with a server of its own;
    tcp: that server also listens on 127.0.0.1 (c.server.port); skip: a reason not to run.
    """
    def register(body):
        for protocol in protocols:
            name = body.__name__ + (f" RESP{protocol}" if len(protocols) > 1 else "")
            _cases.append((name, body, protocol, options, tcp, timeout, skip))
        return body
    return register(function) if function else register


def _on_term(_signal, _frame):
    sys.exit(143)  # runs what atexit knows: no server is left behind


signal.signal(signal.SIGTERM, _on_term)


def _on_alarm(_signal, _frame):
    raise AssertionError("the case took too long")


class _Runner:
    def __init__(self, options):
        self.options = options
        self.shared = None
        self.failed = 0

    def server_for(self, options, tcp):
        if options is not None or tcp:
            return Server(*self.options, *(options or ()), tcp=tcp)
        if self.shared is None or self.shared.process.poll() is not None:
            self.shared = Server(*self.options)
        return self.shared

    def run(self, number, entry):
        name, body, protocol, options, tcp, timeout, skip = entry
        connection = server = None
        started = time.monotonic()
        try:
            if skip:
                raise Skip(skip)
            signal.alarm(int(timeout * SLOW))
            server = self.server_for(options, tcp)
            connection = server.connect()
            connection.cmd("FLUSHALL")
            if protocol == 3:
                connection.hello(3)
            if inspect.signature(body).parameters:
                body(connection)
            else:
                body()
            connection.close()
            if server is not self.shared:
                server.stop()
            signal.alarm(0)
            took = (time.monotonic() - started) * 1000
            print(f"ok {number} - {name} # {took:.0f} ms", flush=True)
        except Skip as reason:
            signal.alarm(0)
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            if server is not self.shared:
                self.drop(server)
        except Exception:  # every failure of a case is a result, not an end
            signal.alarm(0)
            self.failed += 1
            print(f"not ok {number} - {name}", flush=True)
            _explain(connection, server)
            self.drop(server)

    def drop(self, server):
        """After a failure the server is in an unknown state: the next case gets a new one."""
        if server is None:
            return
        try:
            server.stop(expect=None, seconds=5)
        except AssertionError as error:
            explain(str(error))
        if server is self.shared:
            self.shared = None


def explain(text):
    """Explains a failure: to stderr, which Meson shows, unlike comments of TAP."""
    print(text, file=sys.stderr, flush=True)


def _explain(connection, server):
    explain(traceback.format_exc())
    if connection is not None:
        explain("last commands:\n" + "\n".join(connection.history))
    if server is not None and server.process.poll() is not None:
        explain(f"server ended with {server.process.returncode}:\n" + server.tail())


def main(*options):
    """Runs the cases of the file (those named on the command line) and exits."""
    selected = [entry for entry in _cases
                if not sys.argv[1:] or any(part in entry[0] for part in sys.argv[1:])]
    signal.signal(signal.SIGALRM, _on_alarm)
    runner = _Runner([str(option) for option in options])
    print(f"1..{len(selected) + 1}", flush=True)
    for number, entry in enumerate(selected, 1):
        runner.run(number, entry)
    last = len(selected) + 1
    try:
        if runner.shared is not None:
            runner.shared.stop()
        print(f"ok {last} - the server ends cleanly", flush=True)
    except AssertionError as error:
        runner.failed += 1
        print(f"not ok {last} - the server ends cleanly", flush=True)
        explain(str(error))
    sys.exit(1 if runner.failed else 0)
