"""The smoke of the benchmarks: bench/run --quick with every part, its options, bench/report.

smoke.py BUILD_DIRECTORY: exits with 1 at the first thing that is not as it should be. Nothing here
depends on how fast anything is.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "run")
REPORT = os.path.join(HERE, "report")
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


def check_collections(build, path):
    parts = ["collections", "collection-memory", "collection-stall", "collection-writers",
             "collection-index"]
    call(RUN, "--quick", "--build", build, "--json", path, "--servers", "redis,pollard", *parts)
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    for part in parts:
        expect(results.get(part), f"there is no {part}")
        for row in results[part]:
            expect(row.get("ratio", 0) > 0, f"no ratio in {row}")


def check_conversations(build, path):
    figures = {"pubsub": "per_cpu_s_ratio", "handover": "p99_ratio", "blocked": "ratio",
               "transactions": "ratio"}
    call(RUN, "--quick", "--build", build, "--json", path, "--servers", "redis,pollard", *figures)
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    for part, figure in figures.items():
        expect(results.get(part), f"there is no {part}")
        for row in results[part]:
            expect(row.get(figure, 0) > 0, f"no {figure} in {row}")


def check_limits(build, path):
    call(RUN, "--quick", "--build", build, "--json", path, "--servers", "redis,pollard",
         "eviction", "held")
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    rows = results["eviction"]
    expect([row["server"] for row in rows].count("pollard") == 4, f"not every policy in {rows}")
    for row in rows:
        expect(row.get("p999_ratio", 0) > 0, f"no ratio in {row}")
        expect((row["evicted_share"] > 0.5) == (row["shape"] != "no limit"), f"evicts: {row}")
    for row in results["held"]:
        expect(row.get("ratio", 0) > 0 and row["peak_percent"] > 0, f"no figures in {row}")


def check_given(build, path):
    out, _ = call(RUN, "--quick", "--build", build, "--json", path, "--servers",
                  "redis,pollard,old", "mset", OLD)
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["throughput"]
    expect([row["server"] for row in rows] == ["redis", "pollard", "old"], f"servers of {rows}")
    expect("no MSET" in rows[2].get("note", ""), f"the missing command is not said: {rows[2]}")
    expect("old is not in mset of 10, 3 B: no MSET" in out, f"the table does not say so: {out}")
    # One that cannot serve the load is a failure, one that does not start ends the run.
    few = "redis=redis-server --port {port} --dir {dir} --save '' --maxclients 5"
    out, _ = call(RUN, "--quick", "--build", build, "--servers", "redis", "mset", few, status=1)
    expect("redis is not in mset of 10, 3 B: failed: " in out, f"the failure is not said: {out}")
    broken = "no=redis-server --port {port} --no 1"
    _, error = call(RUN, "--quick", "--build", build, "mset", broken, status=1)
    expect("no ended with 1 at start: " in error and "Traceback" not in error, error)


def check_report(results, docs):
    """The report of the run: written twice, hand-written text kept; charts only with gnuplot."""
    page = os.path.join(docs, "benchmarks.md")
    os.mkdir(docs)
    call(REPORT, "--docs", docs, results)
    with open(page, encoding="utf-8") as file:
        written = file.read()
    expect("run smoke" in written and "32 B value, worst" in written, f"no results in {written}")
    with open(page, "w", encoding="utf-8") as file:
        file.write("by hand, before\n\n" + written + "\nby hand, after\n")
    _, error = call(REPORT, "--docs", docs, results)
    with open(page, encoding="utf-8") as file:
        expect(file.read() == "by hand, before\n\n" + written + "\nby hand, after\n",
               "the second report differs, or what was written by hand is gone")
    if "no gnuplot" in error:
        print("no gnuplot: no charts")
        return
    for name in ("throughput", "latency", "cpu", "memory", "memcached-cpu"):
        chart = xml.etree.ElementTree.parse(os.path.join(docs, "charts", f"{name}.svg"))
        expect("pollard" in "".join(chart.getroot().itertext()), f"{name}.svg lacks its legend")
        expect(f"charts/{name}.svg" in written, f"{name}.svg is not in the page")


def check_hit_ratios(build, folder):
    """Both formats of traces, with a hit ratio that is known; then every part once."""
    objects = [1, 2, 1, 3, 2, 1, 3, 3] * 2  # an LRU of two hits three of the second eight
    csv, binary = os.path.join(folder, "trace.csv"), os.path.join(folder, "trace.bin")
    with open(csv, "w", encoding="utf-8") as file:
        file.writelines(f"{i},key{object_},12,100,1,get,0\n" for i, object_ in enumerate(objects))
    with open(binary, "wb") as file:
        for i, object_ in enumerate(objects):
            file.write(struct.pack("<IQIq", i, object_, 112, -1))
    program = os.path.join(build, "bench", "hitratio")
    for trace in (csv, binary):
        for policy, keys in (("lru-exact", "2"), ("allkeys-lru", "2")):
            words = ["--trace", trace, "--policy", policy, "--bytes", "100000", "--keys", keys]
            done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60,
                                  check=True)
            result = json.loads(done.stdout)
            wanted = (37.5, 2) if policy == "lru-exact" else (100.0, 3)
            expect((result["ratio"], result["keys"]) == wanted, f"{trace}, {policy}: {result}")
    results, plot = os.path.join(folder, "hits.json"), os.path.join(folder, "hits.svg")
    out, _ = call(os.path.join(HERE, "hitratio"), "--quick", "--build", build, "--json", results,
                  "--svg", plot)
    with open(results, encoding="utf-8") as file:
        rows = json.load(file)["policies"]
    expect({row["policy"] for row in rows} == {"allkeys-lru", "allkeys-tinylfu", "lru-exact"} and
           "zipf:0.9: hit ratio" in out, f"no hit ratios in {rows}")
    drawn = xml.etree.ElementTree.parse(plot).getroot()
    expect(len(drawn.findall(".//{*}polyline")) == 6, "not the lines of three policies, two traces")


def check_bad_report(folder):
    call(REPORT, status=2)
    call(REPORT, "--docs", folder, os.path.join(folder, "nothing.json"), status=1)
    out, _ = call(REPORT, "--help")
    expect("--docs DIR" in out, "report --help lacks parts")


def main():
    check_command_line()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.json")
        check_everything(sys.argv[1], path)
        check_report(path, os.path.join(folder, "docs"))
        check_bad_report(folder)
        check_collections(sys.argv[1], os.path.join(folder, "collections.json"))
        check_conversations(sys.argv[1], os.path.join(folder, "conversations.json"))
        check_limits(sys.argv[1], os.path.join(folder, "limits.json"))
        check_hit_ratios(sys.argv[1], folder)
        check_given(sys.argv[1], os.path.join(folder, "given.json"))
    print("ok")


if __name__ == "__main__":
    main()
