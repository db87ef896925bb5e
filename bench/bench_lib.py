"""What the benchmarks share: pinned servers, CPU time, memory, redis-benchmark, figures.

The server runs on core 0 and the load on core 1, so that neither takes the other's time; both
servers listen on loopback TCP under the system's one congestion control, which is reported. CPU is
the process's CPU clock (all threads, those that ended included), in nanoseconds.
"""
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from pollard_test import free_port  # noqa: E402
from resp import Connection  # noqa: E402

LOAD_CORE = 1 if (os.cpu_count() or 1) > 1 else 0
PINGS = {"resp": (b"*1\r\n$4\r\nPING\r\n", b"+PONG"), "memcached": (b"version\r\n", b"VERSION ")}
START_S = 20
CLK_PROCESS_SCHED = 2  # the low bits of a process's CPU clock id (clock_getcpuclockid)


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Program:
    """A server program under a name; start() gives a running Target. See servers.py for others."""

    protocol = "resp"
    has_socket = True  # it listens on the unix socket as well
    takes_options = True  # start() may add redis-server's options
    end_signal = signal.SIGKILL  # nothing is kept, and a clean end takes up to a second

    def __init__(self, name, path, options=()):
        self.name = name
        self.path = shutil.which(path) or path
        self.options = list(options)

    def start(self, *options, cores="0"):
        return Target(self, options, cores)

    def command(self, target, options):
        """The command line that serves a target's port and socket."""
        return [self.path, "--port", str(target.port), "--bind", "127.0.0.1", "--unixsocket",
                target.socket_path, "--dir", target.directory, "--save", "", "--maxclients",
                "11000", "--logfile", os.path.join(target.directory, "log"), *self.options,
                *options]

    def version(self):
        done = subprocess.run([self.path, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.strip()


class Target:
    """A running server on a free loopback port and, if it has_socket, a unix socket."""

    def __init__(self, program, options, cores):
        self.name = program.name
        self.program = program
        self.directory = tempfile.mkdtemp(prefix="pollard-bench-")
        self.port = free_port()
        self.socket_path = os.path.join(self.directory, "s")
        command = ["taskset", "-c", cores] if cores else []
        command += program.command(self, options)
        with open(os.path.join(self.directory, "output"), "wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        executed = time.perf_counter()  # Popen returns when exec has been done
        try:
            while not self._answers():
                if time.perf_counter() - executed > START_S:
                    raise RuntimeError(f"{self.name} does not answer within {START_S} s")
                time.sleep(0.0002)
            self.ready_ms = (time.perf_counter() - executed) * 1e3
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.directory, "output"), "rb") as file:
                said = file.read()[-400:].decode("utf-8", "replace").strip()
            raise RuntimeError(f"{self.name} ended with {self.process.returncode} at start: {said}")
        return self.ping()

    def ping(self):
        """Whether it answers over TCP that it is there and ready."""
        asked, expected = PINGS[self.program.protocol]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(asked)
                return connection.recv(64).startswith(expected)
        except OSError:
            return False

    def connect(self):
        """A RESP connection, over the unix socket where there is one."""
        address = self.socket_path if self.program.has_socket else ("127.0.0.1", self.port)
        return Connection(address, timeout=120)

    def cpu_ns(self):
        clock = (~self.pid << 3) | CLK_PROCESS_SCHED
        return time.clock_gettime_ns(clock)

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024

    def end(self):
        """Ends the process; what it has written is there until stop()."""
        self.process.send_signal(self.program.end_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.end()
        shutil.rmtree(self.directory, ignore_errors=True)


def load_keys(target, count, value_size, ttl=False, integer=False, first=0):
    """SETs keys "key:" + 12 digits (16 bytes, those redis-benchmark -r uses), pipelined."""
    connection = target.connect()
    value = b"x" * value_size
    tail = b"\r\n$2\r\nEX\r\n$6\r\n100000\r\n" if ttl else b"\r\n"
    head = b"*5" if ttl else b"*3"
    for start in range(first, first + count, 10000):
        numbers = range(start, min(start + 10000, first + count))
        parts = []
        for number in numbers:
            text = b"%d" % number if integer else value
            parts.append(b"%b\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%b%b"
                         % (head, number, len(text), text, tail))
        connection.raw(b"".join(parts))
        due = 5 * len(numbers)
        while due > 0:
            data = connection.socket.recv(min(due, 1 << 18))
            if not data or b"-" in data:
                raise RuntimeError(f"loading {target.name}: {data[:200]!r}")
            due -= len(data)
    connection.close()


def benchmark(target, arguments, requests, cores=str(LOAD_CORE)):
    """One redis-benchmark run; returns its figures and the server's CPU time per request."""
    command = ["taskset", "-c", cores, "redis-benchmark", "-p", str(target.port), "-n",
               str(requests), "--precision", "3", *arguments]
    before = target.cpu_ns()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    used = target.cpu_ns() - before
    if done.returncode != 0 or "ERR" in done.stdout + done.stderr:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-800:]}{done.stderr[-800:]}")
    return {**figures_of(done.stdout), "cpu_ns": used / requests}


def figures_of(text):
    """Throughput and percentiles out of redis-benchmark's report."""
    # "inf" when a short run was over before its clock moved.
    rate = re.findall(r"throughput summary: ([\d.]+|inf) requests per second", text)
    rows = [(float(percent), float(ms))
            for percent, ms in re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds", text, re.M)]
    if not rate or not rows:
        raise RuntimeError("redis-benchmark said nothing:\n" + text[-800:])
    figures = {"rps": float(rate[-1])}
    for name, wanted in (("p50_ms", 50.0), ("p99_ms", 99.0), ("p999_ms", 99.9)):
        figures[name] = next((ms for percent, ms in rows if percent >= wanted), rows[-1][1])
    return figures


def summarise(runs):
    """Median of every figure over the runs; for CPU and rate also the smallest, the largest and
    the spread, their distance in percent of the median."""
    result = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    for name, figure in (("cpu", "cpu_ns"), ("rps", "rps")):
        values = [run[figure] for run in runs]
        result[f"{figure}_min"], result[f"{figure}_max"] = min(values), max(values)
        result[f"{name}_spread_percent"] = 100 * (max(values) - min(values)) / result[figure]
    result["runs"] = len(runs)
    return result


def machine():
    """What a figure depends on beside the code."""
    def read(path, pattern=None):
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            return "unknown"
        found = re.search(pattern, text) if pattern else None
        return found.group(1) if found else text.strip()
    return {
        "cpu": read("/proc/cpuinfo", r"model name\s*: (.*)"),
        "cores": os.cpu_count(),
        "kernel": os.uname().release,
        "congestion_control": read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "huge_pages": read("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]"),
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def table(rows, columns):
    """Rows (dictionaries) as an aligned text table; columns: (key, title, format)."""
    cells = [[title for _, title, _ in columns]]
    for row in rows:
        cells.append([(form % row[key]) if row.get(key) is not None else "-"
                      for key, _, form in columns])
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths)))
                     for line in cells)
