"""Charts of a run of bench/run, drawn by gnuplot from the results as JSON.

A chart is a set of panels; a panel has a cluster of bars for every shape (or kind of value), a bar
for every server. Panels keep shapes together whose figures fit on one axis.
"""
import os
import re
import shutil
import subprocess

COLOURS = {"redis": "#D55E00", "pollard": "#009E73", "memcached": "#0072B2"}
OTHER_COLOURS = ["#E69F00", "#CC79A7", "#56B4E9", "#7F7F7F"]  # told apart by colour-blind eyes too
# What a panel shows, and the place of its corner and its size, in shares of the picture.
GROUPS = [
    ("One request at a time", r"pipeline 1$|busy", (0, 0.48), (0.68, 0.46)),
    ("1,000 connections", r"1,000 connections", (0.68, 0.48), (0.32, 0.46)),
    ("Pipelined", r"pipeline (16|64)$", (0, 0.01), (0.68, 0.46)),
    ("Several keys, large values", r"mset|200 KB", (0.68, 0.01), (0.32, 0.46)),
]
# Bytes of key and value, which no server can go below (8 for an integer and for a TTL).
ALONE = {"32 B value": 48, "integer": 24, "100 B value": 116, "32 B value, TTL": 56}


def is_there():
    return shutil.which("gnuplot") is not None


def _colours(servers):
    others = iter(OTHER_COLOURS * len(servers))
    return [COLOURS.get(name) or next(others) for name in servers]


def _quoted(text):
    return '"' + text.replace("\\", "").replace('"', "'") + '"'


def _label(shape):
    """A shape's name on two lines, command in capitals."""
    head, _, tail = shape.removeprefix("load: ").partition(", ")
    word, _, rest = head.partition(" ")
    tail = tail.replace("connections", "conn.")
    return f'"{word.upper()} {rest}\\n{tail}"'


def _bars(index, count, values):
    """Rows of a data block: place, height, whiskers, width, and the label above the bar."""
    width = 0.8 / count
    for cluster, (height, low, high, text) in enumerate(values):
        if height is not None:
            place = cluster - 0.4 + width * (index + 0.5)
            yield f"{place:.4f} {height:.6g} {low:.6g} {high:.6g} {width * 0.92:.4f} \"{text}\""


def _panel(panel):
    """gnuplot's commands for a panel: title, unit, format, labels, servers, values, corner, size;
    has_key: whether the servers' colours are explained here; alone: a value a cluster to be drawn
    as a line, with its name."""
    servers, count = panel["servers"], len(panel["servers"])
    lines = []
    for index, name in enumerate(servers):
        lines += [f"$bars{index} << END", *_bars(index, count, panel["values"][name]), "END"]
    marks = panel.get("alone", ())
    lines += ["$alone << END", *(f"{i - 0.42} {value} 0.84" for i, value in enumerate(marks)),
              "END"]
    ticks = ", ".join(f"{label} {i}" for i, label in enumerate(panel["labels"]))
    lines += [
        "set origin {},{}".format(*panel["corner"]), "set size {},{}".format(*panel["size"]),
        f"set title {_quoted(panel['title'])} font ',13'",
        f"set ylabel {_quoted(panel['unit'])}",
        "set key outside top right horizontal samplen 2 width 1 font ',12'"
        if panel["has_key"] else "unset key", f"set xtics ({ticks}) scale 0 font ',10'",
        f"set xrange [-0.6:{len(panel['labels']) - 0.4}]",
    ]
    plots = []
    for index, (name, colour) in enumerate(zip(servers, _colours(servers))):
        has_whiskers = any(low != high for _, low, high, _ in panel["values"][name])
        style = "1:2:3:4:5 with boxerrorbars" if has_whiskers else "1:2:5 with boxes"
        plots.append(f"$bars{index} using {style} lc rgb \"{colour}\" title {_quoted(name)}")
    for index in range(count):
        plots.append(f"$bars{index} using 1:4:6 with labels offset 0,0.5 font ',8' notitle")
    if marks:
        plots.append(f"$alone using 1:2:3:(0) with vectors nohead lw 2 lc rgb \"#000000\" "
                     f"title {_quoted(panel['alone_name'])}")
    return lines + ["plot " + ", ".join(plots)]


def draw(path, title, panels, size=(1200, 800)):
    """Draws panels into an SVG or PNG file."""
    kind = "pngcairo" if path.endswith(".png") else "svg dynamic"
    lines = [
        f"set terminal {kind} size {size[0]},{size[1]} font 'sans,11' background rgb '#FFFFFF'",
        f"set output '{path}'", "set style fill solid 0.85 noborder",
        "set errorbars 0.5 lc rgb '#333333' lw 1", "set border 3 lc rgb '#555555'",
        "set tics nomirror", "set grid ytics lc rgb '#DDDDDD'", "set yrange [0:*]",
        "set offsets 0, 0, graph 0.12, 0", "set bmargin 4",
        f"set multiplot title {_quoted(title)} font ',15'",
    ]
    for panel in panels:
        lines += _panel(panel)
    script = "\n".join([*lines, "unset multiplot", "unset output", ""])
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode != 0 or not os.path.exists(path):
        raise RuntimeError(f"gnuplot, {path}: {done.stderr.strip()[-400:]}")
    if not path.endswith(".png"):
        _slim(path)


def _slim(path):
    """Takes gnuplot's empty groups and its indentation out of an SVG: half of the file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"<g [^>]*>\s*</g>", "", text)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line.strip() + "\n" for line in text.splitlines() if line.strip())


def _of_rows(rows, servers, figure):
    """Panels over shapes; figure gives height, low, high and label of a row."""
    by_name = {(row["shape"], row["server"]): row for row in rows if "note" not in row}
    names = list(dict.fromkeys(row["shape"] for row in rows))
    is_first = True
    for title, pattern, corner, size in GROUPS:
        chosen = [name for name in names if re.search(pattern, name)]
        present = [server for server in servers
                   if any((name, server) in by_name for name in chosen)]
        if present:
            values = {server: [figure(by_name[name, server]) if (name, server) in by_name
                               else (None, 0, 0, "") for name in chosen] for server in present}
            yield {"has_key": is_first, "title": title, "labels": [_label(name) for name in chosen],
                   "servers": present, "values": values, "corner": corner, "size": size}
            is_first = False


def _ratio(row, name):
    ratio = row.get(name)
    return f"{ratio:.2f}" if ratio is not None and ratio != 1 else ""


def _throughput(row):
    return (row["rps"] / 1e3, row["rps_min"] / 1e3, row["rps_max"] / 1e3,
            _ratio(row, "rps_ratio"))


def _cpu(row):
    return (row["cpu_ns"] / 1e3, row["cpu_ns_min"] / 1e3, row["cpu_ns_max"] / 1e3,
            _ratio(row, "ratio"))


def _latency(row):
    return row["p99_ms"], row["p50_ms"], row["p999_ms"], ""


SHAPED = [
    ("throughput", "Throughput (whiskers: all turns; above the bars: ratio to the first server)",
     "thousand requests a second", _throughput),
    ("latency", "Latency under full load: p99 (whiskers: p50 to p99.9)", "milliseconds", _latency),
    ("cpu", "Server CPU a request (whiskers: all turns; above the bars: ratio to the first server)",
     "microseconds", _cpu),
]


def _memory(rows, servers):
    worst = {(row["what"].rpartition(",")[0], row["server"]): row["bytes_per_key"]
             for row in rows if row["what"].endswith(", worst")}
    kinds = [kind for kind in ALONE if any((kind, server) in worst for server in servers)]
    values = {server: [(worst[kind, server], worst[kind, server], worst[kind, server],
                        f"{worst[kind, server]:.0f}") for kind in kinds] for server in servers}
    return {"title": "16-byte keys; the worst of 0.7, 1.0, 1.4 and 2.0 million keys",
            "unit": "bytes a key", "labels": [_quoted(kind) for kind in kinds],
            "servers": servers, "values": values, "corner": (0, 0), "size": (1, 0.93),
            "alone": [ALONE[kind] for kind in kinds], "alone_name": "key and value alone",
            "has_key": True}


def draw_all(results, folder, ending="svg"):
    """Every chart that the results have figures for; returns (file name, title) of each."""
    drawn, servers = [], results["servers"]
    for part, prefix in (("throughput", ""), ("memcached", "memcached-")):
        for name, title, unit, figure in SHAPED:
            title = title.replace("the first server", servers[0])
            panels = [{**panel, "unit": unit} for panel in
                      _of_rows(results.get(part, []), servers, figure)]
            if panels:
                drawn.append((f"{prefix}{name}.{ending}", title))
                draw(f"{folder}/{drawn[-1][0]}", title, panels)
    rows = results.get("memory", {}).get("keys", [])
    if rows:
        drawn.append((f"memory.{ending}", "Resident memory a key"))
        present = [name for name in servers if any(row["server"] == name for row in rows)]
        draw(f"{folder}/{drawn[-1][0]}", drawn[-1][1], [_memory(rows, present)], (1000, 520))
    return drawn
