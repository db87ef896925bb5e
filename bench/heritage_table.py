"""The table bench/heritage repeats: its published figures, and the same rows on Pollard."""
import csv
import subprocess

from bench_lib import LOAD_CORE
from bench_tools import in_turns, medians, pollard, say

KEYS = {1: 100000, 204800: 100}
# Bytes, command, clients: requests a second, average and p99 in ms, as published.
PUBLISHED = [
    (1, "set", 1, 14806, 0.06, 0.17), (1, "set", 10, 13212, 0.75, 1.90),
    (1, "get", 10, 14239, 0.69, 1.52), (204800, "set", 1, 4309, 0.23, 0.44),
    (204800, "set", 10, 6778, 1.46, 1.70), (204800, "get", 10, 13561, 0.73, 2.10),
]


def shape_of(size, command, clients):
    payload = "1 B" if size == 1 else "200 KB"
    who = "serial" if clients == 1 else f"{clients} clients"
    return f"{payload}, {command.upper()}, {who}"


def requests_of(options, size, clients):
    count = 8000 if size > 1 else 60000 if clients == 1 else 200000
    return count // (50 if options.quick else 1)


def run(target, size, command, clients, requests):
    """One redis-benchmark run: throughput, average and p99 as it reports them."""
    arguments = ["taskset", "-c", str(LOAD_CORE), "redis-benchmark", "-p", str(target.port), "-t",
                 command, "-d", str(size), "-c", str(clients), "-n", str(requests), "-r",
                 str(KEYS[size]), "--csv"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=True)
    row = list(csv.DictReader(done.stdout.splitlines()))[-1]
    return {"rps": float(row["rps"]), "average_ms": float(row["avg_latency_ms"]),
            "p99_ms": float(row["p99_latency_ms"])}


def repeat(options, published):
    """Rows of the published table with Pollard's figures; GET finds what SET has left."""
    target = pollard(options).start()
    rows = []
    try:
        for size, command, clients, *then in published:
            requests = requests_of(options, size, clients)

            def measure(found, size=size, command=command, clients=clients, requests=requests):
                return run(found, size, command, clients, requests)
            figures = medians(in_turns([target], measure, options)[0])
            rows.append({"shape": shape_of(size, command, clients), "bytes": size, **figures,
                         "then_rps": then[0], "then_average_ms": then[1], "then_p99_ms": then[2],
                         "ratio": figures["rps"] / then[0]})
            say(f"{rows[-1]['shape']}: {figures['rps']:.0f}/s, {rows[-1]['ratio']:.1f}x")
    finally:
        target.stop()
    return rows
