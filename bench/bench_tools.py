"""What the single benchmark commands share: options, servers, loader, probe, turns, output.

bench_lib holds the measuring itself; this module is what a command line around it needs.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys

from bench_lib import LOAD_CORE, ROOT, Program, machine, raise_descriptor_limit, table

RESP_SUPPORT = os.path.join(ROOT, "tests", "support")


def say(text):
    print(text, file=sys.stderr, flush=True)


def parser(doc, repeats):
    """The options every command has; doc is the module's docstring."""
    made = argparse.ArgumentParser(description=doc,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true",
                      help="seconds: proves that it runs, measures nothing")
    made.add_argument("--repeats", type=int, default=repeats, help=f"default {repeats}")
    made.add_argument("--json", metavar="FILE", help="the figures as JSON too")
    made.add_argument("--build", default=os.path.join(ROOT, "build"), help="build directory")
    made.add_argument("--server", help="the program instead of pollard of the build directory")
    made.add_argument("--oracle", default="redis-server", help="the server to compare with")
    return made


def prepare(options):
    """Checks the tools, builds what is missing, raises the descriptor limit."""
    if options.quick:
        options.repeats = 1
    if options.repeats < 1:
        sys.exit("--repeats: at least 1")
    for tool in ("taskset", "redis-benchmark", options.oracle):
        if shutil.which(tool) is None:
            sys.exit(f"{os.path.basename(sys.argv[0])}: no {tool}")
    options.ours = options.server or os.path.join(options.build, "pollard")
    options.fill = os.path.join(options.build, "bench", "fill")
    options.probe = os.path.join(options.build, "bench", "probe")
    if not all(os.path.exists(path) for path in (options.ours, options.fill, options.probe)):
        if not os.path.exists(os.path.join(options.build, "build.ninja")):
            subprocess.run(["meson", "setup", options.build, ROOT, "--buildtype=release",
                            "-Dtests=disabled"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", options.build, "pollard", "bench/probe", "bench/fill"],
                       check=True, stdout=subprocess.DEVNULL)
    raise_descriptor_limit()


def oracle(options):
    return Program("redis", options.oracle)


def pollard(options, threads=1, name="pollard", extra=()):
    return Program(name, options.ours, ["--threads", str(threads), *extra])


def redis_value(target, section, field):
    """A field of INFO as a number."""
    connection = target.connect()
    text = connection.cmd("INFO", section).items.decode()
    connection.close()
    for line in text.splitlines():
        if line.startswith(field + ":"):
            return float(line.split(":", 1)[1])
    raise RuntimeError(f"INFO {section} of {target.name} has no {field}")


class _Tool:
    """A program that runs beside others."""

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Fill(_Tool):
    """bench/fill beside whatever else runs; wait() gives its figures."""

    def __init__(self, options, target, count, arguments=(), niced=False):
        command = ["nice", "-n", "19"] if niced else []
        command += ["taskset", "-c", str(LOAD_CORE), options.fill, *map(str, arguments),
                    target.socket_path, str(count)]
        self.what = f"fill on {target.name}"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def wait(self, seconds=300):
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self.process.returncode != 0:
            raise RuntimeError(f"{self.what}: {err}")
        return json.loads(out)


def fill(options, target, count, *arguments):
    """Loads keys 0 and on; returns keys and seconds."""
    return Fill(options, target, count, arguments).wait()


class Probe(_Tool):
    """bench/probe beside whatever else runs; stop() ends it and gives its figures."""

    def __init__(self, options, target, keys, mode="get", seconds=300):
        command = ["taskset", "-c", str(LOAD_CORE), options.probe, target.socket_path,
                   str(options.rate), str(seconds), str(keys), mode]
        self.what = f"probe on {target.name}"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def result(self):
        """Waits until its time is over. A server that stopped is waited for."""
        try:
            out, err = self.process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self.process.returncode != 0 or not out:
            raise RuntimeError(f"{self.what}: {err}")
        return json.loads(out)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.result()


def in_turns(items, measure, options):
    """measure(item) for every item A B B A ..., after one warm-up turn; a list of runs for each."""
    runs = [[] for _ in items]
    numbered = list(enumerate(items))
    for turn in range(1 if options.quick else 0, options.repeats + 1):
        for index, item in numbered if turn % 2 else reversed(numbered):
            figures = measure(item)
            if turn > 0:
                runs[index].append(figures)
    return runs


def medians(runs):
    """The median of every figure over the runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def verdict(value, limit):
    """How a figure stands to its target."""
    return "" if limit is None else "ok" if value <= limit else "over"


def report(options, programs, sections):
    """Prints (key, title, rows, columns) sections under the machine's line; writes the JSON."""
    info = machine()
    versions = {program.name: program.version() for program in programs}
    print(f"{info['cpu']}, {info['cores']} cores, Linux {info['kernel']}, "
          f"TCP {info['congestion_control']}, {info['time']}")
    for name, version in versions.items():
        print(f"{name}: {version}")
    if options.quick:
        print("--quick: these figures only prove that the benchmark runs")
    for _, title, rows, columns in sections:
        print(f"\n{title}\n{table(rows, columns)}")
    if options.json:
        results = {"machine": info, "versions": versions, "command": sys.argv,
                   "quick": options.quick, **{key: rows for key, _, rows, _ in sections}}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
