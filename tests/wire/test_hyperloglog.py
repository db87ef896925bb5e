"""HyperLogLog commands over the wire, in RESP2 and RESP3: replies, errors, the published format,
estimates, and many sketches at once.

Rows are "COMMAND words", expected reply. Everything also holds at Redis 7.0
(POLLARD_SERVER=redis-server), but what corrupt sketches do.
"""

from pollard_test import Error, Skip, case, encode, is_oracle, main
from talkers import BOTH, OK, arity, rows

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
NO_SKETCH = Error("WRONGTYPE Key is not a valid HyperLogLog string value.")
CORRUPT = Error("INVALIDOBJ Corrupted HLL object detected")
HEADER = b"HYLL\x01" + b"\0" * 10 + b"\x80"
EMPTY = b"HYLL\x01" + b"\0" * 11 + b"\x7f\xff"
REGISTERS = 16384
DENSE_SIZE = 16 + REGISTERS * 6 // 8


def add(c, key, first, count):
    for begin in range(first, first + count, 1000):
        end = min(begin + 1000, first + count)
        c.cmd("PFADD", key, *(f"e{number}" for number in range(begin, end)))


def within(count, elements, percent=4):
    assert abs(count - elements) <= elements * percent / 100 + 1, f"{count} for {elements}"


@case(protocols=BOTH)
def test_pfadd_and_pfcount(c):
    rows(c,
         ("PFADD k", 1), ("PFADD k", 0), ("TYPE k", "string"), ("OBJECT ENCODING k", "raw"),
         ("GET k", HEADER + b"\x7f\xff"), ("PFCOUNT k", 0), ("GET k", EMPTY),
         ("PFADD k a b c", 1), ("PFADD k a b c", 0), ("PFADD k c d", 1), ("PFCOUNT k", 4),
         ("PFCOUNT k", 4), ("PFADD k ''", 1), ("PFCOUNT k", 5), ("PFCOUNT missing", 0),
         ("PFCOUNT missing k missing2", 5), ("PFADD other x y a", 1), ("PFCOUNT k other", 7),
         ("EXISTS missing", 0), ("PFADD", arity("pfadd")), ("PFCOUNT", arity("pfcount")),
         ("SET s abc", OK), ("PFADD s a", NO_SKETCH), ("PFCOUNT s", NO_SKETCH),
         ("PFCOUNT k s", NO_SKETCH), ("SET n 123", OK), ("PFADD n a", NO_SKETCH),
         ("RPUSH l a", 1), ("PFADD l a", WRONG_TYPE), ("PFCOUNT l", WRONG_TYPE),
         ("PFCOUNT k l", WRONG_TYPE), ("EXPIRE k 1000", 1), ("PFADD k z", 1), ("PFCOUNT k", 6),
         ("TTL k", 1000))


@case
def test_the_format(c):
    assert c.cmd("PFADD", "k", "a") == 1
    assert c.cmd("GET", "k") == HEADER + b"\x71\xa6\x84\x4e\x57"
    assert c.cmd("PFCOUNT", "k") == 1
    assert c.cmd("GET", "k") == b"HYLL\x01\0\0\0\x01" + b"\0" * 7 + b"\x71\xa6\x84\x4e\x57"
    assert c.cmd("PFDEBUG", "DECODE", "k") == "Z:12711 v:2,1 Z:3672"
    assert c.cmd("PFDEBUG", "TODENSE", "k") == 1
    dense = c.cmd("GET", "k").value
    assert len(dense) == DENSE_SIZE
    assert dense[:16] == b"HYLL\0\0\0\0\x01" + b"\0" * 7
    # Register 12711 begins at bit 6 * 12711.
    position = 6 * 12711
    assert int.from_bytes(dense[16:], "little") == 2 << position


@case
def test_a_sketch_moves_as_a_string(c):
    add(c, "small", 0, 200)
    add(c, "large", 0, 20000)
    for key in ("small", "large"):
        c.cmd("SET", "copy", c.cmd("GET", key).value).is_ok()
        assert c.cmd("PFCOUNT", "copy") == c.cmd("PFCOUNT", key).value
        assert c.cmd("PFADD", "copy", "e1", "e2", "e3") == 0
        assert c.cmd("PFADD", "copy", "one", "two", "three", "four", "five", "six") == 1
        assert c.cmd("PFCOUNT", "copy") != 0


@case
def test_estimates(c):
    added = 0
    for count in (1, 9, 90, 900, 4000, 25000, 70000):
        add(c, "k", added, count)
        added += count
        first = c.cmd("PFCOUNT", "k").value
        within(first, added)
        assert c.cmd("PFCOUNT", "k") == first
        assert c.cmd("PFCOUNT", "k", "missing") == first
        is_sparse = added <= 1000
        assert c.cmd("PFDEBUG", "ENCODING", "k") == ("sparse" if is_sparse else "dense")


@case
def test_an_estimate_is_kept_until_something_changes(c):
    add(c, "k", 0, 5000)
    before = c.cmd("GET", "k").value
    assert before[15] & 0x80
    count = c.cmd("PFCOUNT", "k").value
    after = c.cmd("GET", "k").value
    assert int.from_bytes(after[8:16], "little") == count
    assert after[16:] == before[16:]
    assert c.cmd("PFADD", "k", "e1") == 0
    assert c.cmd("GET", "k") == after
    c.cmd("SET", "k", after[:8] + (77).to_bytes(8, "little") + after[16:]).is_ok()
    assert c.cmd("PFCOUNT", "k") == 77
    add(c, "k", 5000, 1000)
    within(c.cmd("PFCOUNT", "k").value, 6000)


@case(protocols=BOTH)
def test_pfmerge(c):
    rows(c,
         ("PFMERGE d", OK), ("GET d", HEADER + b"\x7f\xff"), ("PFADD a 1 2 3 4", 1),
         ("PFADD b 4 5 6", 1), ("PFMERGE d a b missing", OK), ("PFCOUNT d", 6),
         ("PFDEBUG ENCODING d", "sparse"), ("PFMERGE d d", OK), ("PFCOUNT d", 6),
         ("PFMERGE a b", OK), ("PFCOUNT a", 6), ("PFCOUNT b", 3), ("PFDEBUG TODENSE b", 1),
         ("PFMERGE fresh b", OK), ("PFDEBUG ENCODING fresh", "dense"), ("PFCOUNT fresh", 3),
         ("PFMERGE a b", OK), ("PFDEBUG ENCODING a", "dense"), ("PFCOUNT a", 6),
         ("PFMERGE b d", OK), ("PFCOUNT b", 6), ("PFMERGE", arity("pfmerge")),
         ("SET s abc", OK), ("PFMERGE s", NO_SKETCH), ("PFMERGE s a", NO_SKETCH),
         ("PFMERGE none s", NO_SKETCH), ("EXISTS none", 0), ("RPUSH l a", 1),
         ("PFMERGE l", WRONG_TYPE), ("PFMERGE none a l", WRONG_TYPE), ("EXPIRE d 1000", 1),
         ("PFMERGE d a", OK), ("TTL d", 1000))
    count = c.cmd("PFCOUNT", "a").value
    assert c.cmd("PFCOUNT", "a", "b", "d", "fresh") == count


@case(timeout=120)
def test_many_sketches_at_once(c):
    keys = [f"k{number}" for number in range(200)]
    for number, key in enumerate(keys):
        add(c, key, number * 100, 3000 if number % 10 == 0 else 200)
    elements = 19000 + 3000
    within(c.cmd("PFCOUNT", *keys, "missing").value, elements)
    c.cmd("PFMERGE", "all", *keys, "missing").is_ok()
    assert c.cmd("PFCOUNT", "all") == c.cmd("PFCOUNT", *keys).value
    c.cmd("PFMERGE", keys[1], *keys).is_ok()
    assert c.cmd("PFCOUNT", keys[1]) == c.cmd("PFCOUNT", "all").value
    c.cmd("SET", "s", "abc").is_ok()
    assert c.cmd("PFCOUNT", *keys, "s") == NO_SKETCH
    assert c.cmd("PFMERGE", "all", *keys, "s") == NO_SKETCH


@case(timeout=120)
def test_many_are_merged_while_they_change(c):
    """What was merged is never less than what was there before, nor more than there is after."""
    keys = [f"k{number}" for number in range(50)]
    for key in keys:
        add(c, key, 0, 2000)
    other = c.server.connect()
    for turn in range(20):
        c.raw(encode("PFMERGE", "all", *keys))
        for number in range(10):
            other.cmd("PFADD", keys[-1 - number], *(f"t{turn}:{number}:{n}" for n in range(50)))
        assert c.read() == OK
        low = c.cmd("PFCOUNT", "all").value
        c.cmd("PFMERGE", "all", *keys).is_ok()
        assert c.cmd("PFCOUNT", "all").value >= low
    within(c.cmd("PFCOUNT", "all").value, 2000 + 20 * 500)


@case
def test_many_elements_at_once(c):
    assert c.cmd("PFADD", "k", *range(100000)) == 1
    assert c.cmd("PFADD", "k", *range(100000)) == 0
    within(c.cmd("PFCOUNT", "k").value, 100000)


@case(protocols=BOTH)
def test_pfdebug(c):
    missing = Error("ERR The specified key does not exist")
    rows(c,
         ("PFADD k a", 1), ("PFDEBUG ENCODING k", "sparse"), ("pfdebug encoding k", "sparse"),
         ("PFDEBUG DECODE k", b"Z:12711 v:2,1 Z:3672"),
         ("PFDEBUG nosuch k", Error("ERR Unknown PFDEBUG subcommand 'nosuch'")),
         ("PFDEBUG ENCODING missing", missing), ("PFDEBUG nosuch missing", missing),
         ("PFDEBUG", arity("pfdebug")), ("PFDEBUG ENCODING", arity("pfdebug")),
         ("PFDEBUG ENCODING k k", arity("pfdebug")), ("SET s abc", OK),
         ("PFDEBUG ENCODING s", NO_SKETCH), ("RPUSH l a", 1), ("PFDEBUG GETREG l", WRONG_TYPE))
    registers = [0] * REGISTERS
    registers[12711] = 2
    assert c.cmd("PFDEBUG", "GETREG", "k") == registers
    rows(c,
         ("PFDEBUG ENCODING k", "dense"), ("PFDEBUG TODENSE k", 0), ("PFCOUNT k", 1),
         ("PFDEBUG DECODE k", Error("ERR HLL encoding is not sparse")))


@case
def test_the_limit_of_the_sparse_form(c):
    rows(c,
         ("CONFIG SET hll-sparse-max-bytes 24", OK), ("PFADD k a", 1),
         ("PFDEBUG ENCODING k", "sparse"), ("PFADD k b", 1), ("PFADD k c", 1),
         ("PFDEBUG ENCODING k", "dense"), ("PFCOUNT k", 3),
         ("CONFIG SET hll-sparse-max-bytes 0", OK), ("PFADD z", 1),
         ("PFDEBUG ENCODING z", "sparse"), ("PFADD z a", 1), ("PFDEBUG ENCODING z", "dense"),
         ("CONFIG SET hll-sparse-max-bytes 20000", OK))
    add(c, "k2", 0, 3000)
    assert c.cmd("PFDEBUG", "ENCODING", "k2") == "sparse"
    within(c.cmd("PFCOUNT", "k2").value, 3000)
    c.cmd("CONFIG", "SET", "hll-sparse-max-bytes", "3000").is_ok()
    assert c.cmd("PFADD", "k2", *range(1000)) == 1
    assert c.cmd("PFDEBUG", "ENCODING", "k2") == "dense"


@case(protocols=BOTH)
def test_corrupt_sketches_are_refused(c):
    if is_oracle():
        raise Skip("Redis writes beyond what it read")
    for opcodes in (b"", b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f\xff\x40"):
        c.cmd("SET", "k", HEADER + opcodes).is_ok()
        assert c.cmd("PFCOUNT", "k") == CORRUPT
        assert c.cmd("PFCOUNT", "k", "missing") == CORRUPT
        assert c.cmd("PFMERGE", "d", "k") == CORRUPT
        assert c.cmd("PFDEBUG", "TODENSE", "k") == CORRUPT
        assert c.cmd("GET", "k") == HEADER + opcodes
        assert c.cmd("PFADD", "k", *range(3000)) == CORRUPT
    c.cmd("SET", "k", HEADER + b"\x00" * 100000).is_ok()
    for command in (("PFCOUNT", "k"), ("PFADD", "k", "a"), ("PFDEBUG", "DECODE", "k"),
                    ("PFMERGE", "k", "k")):
        assert c.cmd(*command) == CORRUPT
    for value in (b"HYLL", b"HYLL\x02" + EMPTY[5:], b"hyll" + EMPTY[4:], b"HYLL\0" + EMPTY[5:],
                  b"HYLL\0" + b"\0" * (DENSE_SIZE - 6), b"HYLL\0" + b"\0" * (DENSE_SIZE - 4)):
        c.cmd("SET", "k", value).is_ok()
        assert c.cmd("PFCOUNT", "k") == NO_SKETCH
        assert c.cmd("PFADD", "k", "a") == NO_SKETCH


@case(timeout=120)
def test_pfselftest(c):
    rows(c, ("PFSELFTEST", OK), ("PFSELFTEST x", arity("pfselftest")), ("DBSIZE", 0))


main()
