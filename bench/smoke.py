"""The smoke of the benchmarks: bench/run --quick with every part, and its options.

smoke.py BUILD_DIRECTORY: exits with 1 at the first thing that is not as it should be. Nothing here
depends on how fast anything is.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "run")
# A server that lacks a command, given on the command line.
OLD = "old=redis-server --port {port} --dir {dir} --save '' --rename-command MSET ''"


def call(*words, status=0):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120,
                          check=False)
    expect(done.returncode == status, f"{words} ended with {done.returncode}, not {status}:\n"
                                      f"{done.stdout}\n{done.stderr}")
    return done.stdout, done.stderr


def expect(condition, text):
    if not condition:
        print(f"not ok: {text}")
        sys.exit(1)


def check_command_line():
    out, _ = call(RUN, "--help")
    expect("NAME=COMMAND" in out and "--shapes LIST" in out, "--help lacks parts")
    out, _ = call(RUN, "--list")
    expect("get 32 B, pipeline 16\n" in out and "load: get 200 KB\n" in out, "--list lacks shapes")
    for words in (["--shapes", "no such shape"], ["--servers", "nobody"], ["x=y"], ["--bad"],
                  ["x=redis-server {port} {what}"], ["--repeats", "0"]):
        _, error = call(RUN, *words, status=2)
        expect(error.count("\n") == 2, f"{words} is refused with {error!r}")


def check_everything(build, path):
    out, error = call(RUN, "--quick", "--build", build, "--json", path, "--name", "smoke")
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    for part in ("throughput", "memcached", "memory", "start", "stall"):
        expect(results.get(part), f"there is no {part}")
    for row in results["throughput"] + results["memcached"]:
        expect("note" in row or (row["cpu_ns"] > 0 and row["rps"] > 0), f"no figures in {row}")
        expect(row["server"] != "pollard" or "ratio" in row, f"no ratio in {row}")
    worst = [row for row in results["memory"]["keys"] if row["what"] == "integer, worst"]
    expect([row["server"] for row in worst][:2] == ["redis", "pollard"], "no worst of the sizes")
    expect("Throughput" in out and "Stalls" in out, f"no tables in {out}")
    expect("] 0:" in error and "start-up: pollard, 1 of " in error, f"no progress in {error}")


def check_given(build, path):
    out, _ = call(RUN, "--quick", "--build", build, "--json", path, "--servers",
                  "redis,pollard,old", "mset", OLD)
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["throughput"]
    expect([row["server"] for row in rows] == ["redis", "pollard", "old"], f"servers of {rows}")
    expect("no MSET" in rows[2].get("note", ""), f"the missing command is not said: {rows[2]}")
    expect("old is not in mset of 10, 3 B: no MSET" in out, f"the table does not say so: {out}")


def main():
    check_command_line()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.json")
        check_everything(sys.argv[1], path)
        check_given(sys.argv[1], os.path.join(folder, "given.json"))
    print("ok")


if __name__ == "__main__":
    main()
