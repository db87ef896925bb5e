"""Memory of collections: bytes an element, by the growth of used_memory that the server reports."""
import collection_fill
from bench_tools import redis_value
from collection_fill import element, encode
from progress import progress_of

SMALL_LISTS, LIST_ELEMENTS = 20000, 100
SMALL_HASHES, HASH_FIELDS = 200000, 10
LARGE = 1000000
QUICK = 100


def _small_hashes(count):
    for number in range(count):
        words = ["HSET", b"hash:%d" % number]
        for field in range(HASH_FIELDS):
            words += [b"field:%d" % field, b"value:%d" % ((number + field) % 1000)]
        yield encode(*words)


def _small_lists(count):
    for number in range(count):
        begin = number * LIST_ELEMENTS
        yield encode("RPUSH", b"list:%d" % number,
                     *[element(begin + i) for i in range(LIST_ELEMENTS)])


def _cases(scale):
    """(name, elements, commands) of every row."""
    hashes, lists, large = SMALL_HASHES // scale, SMALL_LISTS // scale, LARGE // scale
    yield (f"{hashes} hashes of {HASH_FIELDS}", hashes * HASH_FIELDS, _small_hashes(hashes))
    yield (f"{lists} lists of {LIST_ELEMENTS}", lists * LIST_ELEMENTS, _small_lists(lists))
    for command, name in (("SADD", "set"), ("HSET", "hash"), ("ZADD", "sorted set"),
                          ("RPUSH", "list")):
        yield (f"one {name} of {large}", large, collection_fill.pieces(command, "large", large))


def steps(programs):
    return 6 * len([program for program in programs if program.protocol == "resp"])


def _bytes_an_element(program, elements, commands):
    target = program.start(cores="")
    try:
        before = redis_value(target, "memory", "used_memory")
        connection = target.connect()
        try:
            collection_fill.send(connection, commands)
        finally:
            connection.close()
        return (redis_value(target, "memory", "used_memory") - before) / elements
    finally:
        target.stop()


def run(programs, quick, say):
    """A row a collection and server; ratio: to the first server."""
    say, rows = progress_of(say), []
    scale = QUICK if quick else 1
    programs = [program for program in programs if program.protocol == "resp"]
    made = {}
    for program in programs:
        for name, elements, commands in _cases(scale):
            say.step(f"{name}: {program.name}")
            made[name, program.name] = _bytes_an_element(program, elements, commands)
    for name, _, _ in _cases(scale):
        base = made[name, programs[0].name]
        rows += [{"what": name, "server": program.name,
                  "bytes_per_element": made[name, program.name],
                  "ratio": made[name, program.name] / base} for program in programs]
    return rows


COLUMNS = [("what", "what", "%s"), ("server", "server", "%s"),
           ("bytes_per_element", "bytes/element", "%.1f"), ("ratio", "ratio", "%.2f")]
