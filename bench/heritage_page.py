"""Writes what bench/heritage measured as a page with two charts."""
import os
import shutil
import subprocess

from bench_lib import table
from bench_tools import say

HEAD = """# The system Pollard grew from, and its three wishes

Made by `{command}`; {cpu}, {cores} cores, Linux {kernel}, TCP {congestion_control}, {time}.

Pollard's ancestor was a C++ store with a `poll()` reactor and a thread pool. Its published table is
repeated here row by row: redis-benchmark on core 1, Pollard with one reactor on core 0, 100,000
keys (200 KB: 100 keys), the median of the repeats. Its figures are of another machine and another
load generator: a landmark, not a race.
"""
NOTES = {
    "pool": "CPU per request of the whole process, 50 connections. `inline`: everything that can "
            "runs on\nthe reactor; `auto`, the default: what is long goes to the pool; `pool`: "
            "every command with\nkeys does. The ratio is to `inline`.",
    "copies": "A value of 16 KB or more is sent from where it lies; a smaller one is copied into "
              "the output.\nOne GET of a large value is compared with an MGET of values below that "
              "bound, of as many bytes in\nall (the MGET looks up 13 keys and parses 13 more "
              "arguments: part of its cost), and a GET just\nbelow the bound with one at it. "
              "10 connections. The ratio is to the copy.",
    "batching": "GET of 32 bytes, 50 connections. Reads and writes of sockets per request are "
                "INFO's\n`total_reads_processed` and `total_writes_processed`. The ratio is to "
                "pipeline 1.",
}
CHART = """set terminal svg size 900,400 font 'sans,12' background 'white'
set output '{path}'
set title '{title}'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set logscale y
set grid ytics
set key outside bottom center horizontal
set xtics font ',10'
set yrange [{low}:]
$rows << END
{rows}
END
plot $rows using 2:xtic(1) title '{first}' lc rgb '#2a6f3c', \\
     '' using 3 title '{second}' lc rgb '#b9b9b9'{more}
"""


def _chart(path, title, names, rows, low):
    """A clustered chart: every row is a label and a figure for each of the names."""
    lines = "\n".join(" ".join([f'"{row[0]}"', *(f"{figure:.4f}" for figure in row[1:])])
                      for row in rows)
    colours = ("", "", ", '' using 4 title '%s' lc rgb '#7fb58c'",
               ", '' using 5 title '%s' lc rgb '#dddddd'")
    more = "".join(colours[index] % name for index, name in enumerate(names) if index > 1)
    script = CHART.format(path=path, title=title, rows=lines, first=names[0], second=names[1],
                          more=more, low=low)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def _charts(directory, rows):
    """Throughput and latency, if gnuplot is there; the lines that show them."""
    if shutil.which("gnuplot") is None:
        say("no gnuplot: no charts")
        return ""
    os.makedirs(os.path.join(directory, "charts"), exist_ok=True)
    _chart(os.path.join(directory, "charts", "heritage-throughput.svg"), "Requests a second",
           ("Pollard", "published"), [(row["shape"], row["rps"], row["then_rps"]) for row in rows],
           1000)
    _chart(os.path.join(directory, "charts", "heritage-latency.svg"), "Latency in milliseconds",
           ("Pollard average", "published average", "Pollard p99", "published p99"),
           [(row["shape"], row["average_ms"], row["then_average_ms"], row["p99_ms"],
             row["then_p99_ms"]) for row in rows], 0.01)
    return ("\n![Requests a second](charts/heritage-throughput.svg)\n"
            "![Latency in milliseconds](charts/heritage-latency.svg)\n")


def write(options, info, sections):
    """heritage.md and its charts in options.write."""
    os.makedirs(options.write, exist_ok=True)
    command = f"bench/heritage --repeats {options.repeats} --write {options.write}"
    parts = [HEAD.format(command=command, **info)]
    for key, title, rows, columns in sections:
        parts.append(f"\n## {title}\n")
        if key in NOTES:
            parts.append(f"\n{NOTES[key]}\n")
        parts.append(f"\n```\n{table(rows, columns)}\n```\n")
        if key == "table":
            parts.append(_charts(options.write, rows))
    path = os.path.join(options.write, "heritage.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(parts))
    say(f"wrote {path}")
