"""Two servers under the same load, pair by pair, and what the pairs allow to say.

Both servers stay up side by side with the same data; one is loaded at a time, and who begins
changes from pair to pair. What is judged is the ratio within each pair of CPU per request: what
disturbs a machine for seconds (its clock, its neighbours) disturbs both runs of a pair. What stays
for the life of a process (where its memory lies) does not cancel out: therefore servers are started
anew several times.
"""
import contextlib
import math
import statistics

from bench_lib import benchmark, load_keys, raise_descriptor_limit

LEVEL = 0.95  # the least certainty of an interval
PAIRS_MIN = 6  # an interval from fewer is not of LEVEL
BIG = 204800


def spread(pairs, starts):
    """How many pairs each start measures: as even as it goes, none of 0."""
    starts = max(1, min(starts, pairs))
    return [pairs // starts + (start < pairs % starts) for start in range(starts)]


def _fill(target, shape, keys):
    connection = target.connect()
    connection.cmd("FLUSHALL")
    connection.cmd("SET", "big", b"v" * BIG)
    connection.close()
    load_keys(target, keys, shape["size"])


def _run(target, shape):
    with contextlib.ExitStack() as crowd:
        for _ in range(shape.get("idle", 0)):
            connection = target.connect()
            crowd.callback(connection.close)
        return benchmark(target, shape["arguments"], shape["requests"])


def _pairs_of(targets, shape, count):
    """One run of each that warms up, then the pairs: tuples of figures in the order of targets."""
    found = []
    for turn in range(count + 1):
        order = (0, 1) if turn % 2 else (1, 0)
        figures = {index: _run(targets[index], shape) for index in order}
        if turn > 0:
            found.append((figures[0], figures[1]))
    return found


def measure(programs, shapes, counts, keys, say):
    """Pairs of figures for each shape's name; counts: how many pairs after each start."""
    raise_descriptor_limit()
    pairs = {shape["name"]: [] for shape in shapes}
    for number, count in enumerate(counts, 1):
        with contextlib.ExitStack() as running:
            targets = []
            for program in programs:
                targets.append(program.start())
                running.callback(targets[-1].stop)
            size = None
            for shape in shapes:
                if shape["size"] != size:
                    for target in targets:
                        _fill(target, shape, keys)
                    size = shape["size"]
                found = _pairs_of(targets, shape, count)
                pairs[shape["name"]] += found
                say(f"start {number} of {len(counts)}, {shape['name']}: CPU ratio "
                    f"{statistics.median(ratios(found)):.3f}")
    return pairs


def ratios(pairs):
    """CPU per request of the second server over the first's, pair by pair."""
    return [second["cpu_ns"] / first["cpu_ns"] for first, second in pairs]


def interval(values):
    """Where the median of what the values are drawn from lies with a certainty of LEVEL or more.

    Order statistics, so that nothing is assumed of how noise is distributed: the k-th smallest and
    largest value, k as large as LEVEL allows. Too few values for LEVEL give the smallest and the
    largest.
    """
    ordered, count = sorted(values), len(values)
    cut, outside = 0, 0.0
    for k in range(count // 2):
        outside += 2 * math.comb(count, k) / 2 ** count
        if outside > 1 - LEVEL:
            break
        cut = k
    return ordered[cut], ordered[count - 1 - cut]


def judge(values, least_percent):
    """"faster" or "slower" when the whole interval and a change of least_percent say so."""
    low, high = interval(values)
    middle = statistics.median(values)
    if len(values) < PAIRS_MIN:
        return "too few pairs"
    if low > 1 and middle >= 1 + least_percent / 100:
        return "slower"
    if high < 1 and middle <= 1 - least_percent / 100:
        return "faster"
    return "within the noise"
