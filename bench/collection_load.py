"""redis-benchmark's default list, test by test, and LINDEX and LSET in the middle of a long list.

The tests come in redis-benchmark's order, so that LPOP finds what LPUSH has pushed; the servers
take turns at every test. LRANGE is given as a command over a list of 100,000: redis-benchmark's
own form would count the pushes before it as well.
"""
import collection_fill
from bench_lib import benchmark
from progress import progress_of
from throughput import rows_of

TESTS = ["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop",
         "sadd", "hset", "spop", "zadd", "zpopmin", "lrange_100", "lrange_300", "lrange_500",
         "lrange_600", "mset"]
DEPTHS = ((1, 50000), (16, 200000))  # and requests of a test
RANGED = 100000  # elements of the list that LRANGE reads
LONG = 10000000
LONG_DEPTH = 16
# Fewer are over before redis-benchmark's clock moves: it says inf then.
LEAST = 2000
INDEX_REQUESTS = {"redis": 4000, "pollard": 200000}  # of LINDEX and LSET: redis is that slow
QUICK = 50


def _shape(test, depth, requests):
    name = f"{test}, -P {depth}"
    if test.startswith("lrange_"):
        count = int(test[7:])
        return {"name": name, "tool": "redis-benchmark", "requests": requests * 10 // count,
                "arguments": ["-P", str(depth), "LRANGE", "ranged", "0", str(count - 1)]}
    return {"name": name, "tool": "redis-benchmark", "requests": requests,
            "arguments": ["-t", test, "-P", str(depth)]}


def _shapes(quick):
    return [_shape(test, depth, max(requests // QUICK, LEAST) if quick else requests)
            for depth, requests in DEPTHS for test in TESTS]


def _resp(programs):
    return [program for program in programs if program.protocol == "resp"]


def _turns(repeats, quick):
    """The first warms up; a quick run counts it."""
    return repeats if quick else min(repeats, 3) + 1


def steps(programs, repeats, quick):
    return len(_resp(programs)) * len(_shapes(quick)) * _turns(repeats, quick)


def _turn(targets, shapes, turn, turns, say):
    """Every shape once on every server; its figures, or why it failed, by (shape, server)."""
    found = {}
    for shape in shapes:
        for target in targets if turn % 2 else targets[::-1]:
            say.step(f"{shape['name']}: {target.name}, run {turn + 1} of {turns}")
            try:
                figures = benchmark(target, shape["arguments"], shape["requests"])
            except RuntimeError as error:
                figures = f"failed: {str(error).strip().splitlines()[-1][-160:]}"
            found[shape["name"], target.name] = figures
    return found


def _collected(programs, shape, found):
    """The rows of a shape out of the turns that count."""
    runs, notes = {}, {}
    for program in programs:
        runs[program.name] = [turn[shape["name"], program.name] for turn in found]
        wrong = [run for run in runs[program.name] if isinstance(run, str)]
        if wrong:
            notes[program.name] = wrong[0]
    return rows_of(programs, shape, runs, notes)


def run(programs, repeats, quick, say):
    """Rows as the part throughput has them, for every test at -P 1 and -P 16."""
    programs, say, shapes = _resp(programs), progress_of(say), _shapes(quick)
    turns, found, targets = _turns(repeats, quick), [], []
    try:
        for program in programs:
            targets.append(program.start())
            collection_fill.fill_list(targets[-1], "ranged", RANGED, b"VXK")
        for turn in range(turns):
            found.append(_turn(targets, shapes, turn, turns, say))
    finally:
        for target in targets:
            target.stop()
    return [row for shape in shapes
            for row in _collected(programs, shape, found if quick else found[1:])]


# ---- In the middle of a long list ----


def _index_shapes(quick):
    middle = str(LONG // (QUICK if quick else 1) // 2)
    return [{"name": f"{words[0]}, list of {int(middle) * 2}", "tool": "redis-benchmark",
             "arguments": ["-P", str(LONG_DEPTH), *words]}
            for words in (["LINDEX", "long", middle],
                          ["LSET", "long", middle, "element:of-19-bytes"])]


def index_steps(programs, repeats, quick):
    return len(_resp(programs)) * 2 * _turns(repeats, quick)


def _index_of(program, shape, repeats, quick, say, target):
    """The runs of one server that count."""
    requests = INDEX_REQUESTS.get(program.name, INDEX_REQUESTS["redis"])
    if quick:
        requests = max(requests // QUICK, LEAST)
    found = []
    for turn in range(_turns(repeats, quick)):
        say.step(f"{shape['name']}: {program.name}, run {turn + 1}")
        found.append(benchmark(target, shape["arguments"], max(requests, 100)))
    return found if quick else found[1:]


def index(programs, repeats, quick, say):
    """Rows for LINDEX and LSET. One server at a time: the list takes hundreds of megabytes."""
    programs, say, shapes = _resp(programs), progress_of(say), _index_shapes(quick)
    runs = {shape["name"]: {} for shape in shapes}
    for program in programs:
        target = program.start()
        try:
            collection_fill.fill(target, "RPUSH", "long", LONG // (QUICK if quick else 1))
            for shape in shapes:
                runs[shape["name"]][program.name] = _index_of(program, shape, repeats, quick, say,
                                                              target)
        finally:
            target.stop()
    return [row for shape in shapes for row in rows_of(programs, shape, runs[shape["name"]], {})]
