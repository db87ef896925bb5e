"""Bitmap commands over the wire: every form, option and error text, in RESP2 and RESP3, and bitmaps
of tens of MB, which are worked through without their keys.

Rows are "COMMAND words", expected reply. Everything that Redis 7.0 knows also holds there
(POLLARD_SERVER=redis-server), but that 7.2 looks at the arguments before the key.
"""
import random

from pollard_test import Error, case, encode, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, newer, rows

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
BAD_OFFSET = Error("ERR bit offset is not an integer or out of range")
BAD_BIT = Error("ERR bit is not an integer or out of range")
BAD_TYPE = Error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
                 "supported but i64 is.")
LARGE = 24 << 20


@case(protocols=BOTH)
def test_setbit_and_getbit(c):
    rows(c,
         ("SETBIT k 7 1", 0), ("GETBIT k 7", 1), ("GETBIT k 6", 0), ("GETBIT k 1000", 0),
         ("GET k", b"\x01"), ("SETBIT k 7 1", 1), ("SETBIT k 7 0", 1), ("SETBIT k 23 1", 0),
         ("GET k", b"\0\0\x01"), ("OBJECT ENCODING k", "raw"), ("GETBIT missing 0", 0),
         ("EXISTS missing", 0), ("SETBIT zero 0 0", 0), ("GET zero", b"\0"),
         ("SETBIT k -1 1", BAD_OFFSET), ("SETBIT k a 1", BAD_OFFSET),
         ("SETBIT k 4294967296 1", BAD_OFFSET), ("GETBIT k 4294967296", BAD_OFFSET),
         ("GETBIT k 4294967295", 0), ("GETBIT k -1", BAD_OFFSET), ("SETBIT k 0 2", BAD_BIT),
         ("SETBIT k 0 -1", BAD_BIT), ("SETBIT k 0 a", BAD_BIT), ("SETBIT k a a", BAD_OFFSET),
         ("SETBIT k 0", arity("setbit")), ("SETBIT k 0 1 2", arity("setbit")),
         ("GETBIT k", arity("getbit")), ("GETBIT k 0 1", arity("getbit")),
         ("SET n 12", OK), ("SETBIT n 0 0", 0), ("OBJECT ENCODING n", "raw"), ("GET n", b"12"),
         ("RPUSH l a", 1), ("SETBIT l 0 1", WRONG_TYPE), ("GETBIT l 0", WRONG_TYPE),
         ("SETBIT l 0 3", BAD_BIT), ("GETBIT l a", BAD_OFFSET))


@case
def test_setbit_keeps_the_expiry(c):
    rows(c, ("SET k v EX 1000", OK), ("SETBIT k 500 1", 0), ("TTL k", 1000), ("STRLEN k", 63))


@case
def test_setbit_grows_from_form_to_form(c):
    bits = [0, 8 * 44, 8 * 44 + 8, 8191, 8192, 100000, 8 << 16, (8 << 16) + 1, 8 << 21, 8 << 23]
    for bit in bits:
        assert c.cmd("SETBIT", "k", bit, 1) == 0
        assert c.cmd("STRLEN", "k") == bit // 8 + 1
    for bit in bits:
        assert c.cmd("GETBIT", "k", bit) == 1
        assert c.cmd("GETBIT", "k", bit + 2) == 0
    assert c.cmd("BITCOUNT", "k") == len(bits)


@case
def test_setbit_at_the_very_end(c):
    rows(c, ("SETBIT k 4294967295 1", 0), ("STRLEN k", 1 << 29), ("BITPOS k 1", 2 ** 32 - 1),
         ("BITCOUNT k", 1), ("BITPOS k 0 -1", 2 ** 32 - 8), ("DEL k", 1),
         ("CONFIG SET proto-max-bulk-len 1048576", OK), ("SETBIT k 8388608 1", BAD_OFFSET),
         ("SETBIT k 8388607 1", 0), ("BITFIELD k GET u8 8388608", BAD_OFFSET),
         ("CONFIG SET proto-max-bulk-len 536870912", OK))


@case(protocols=BOTH)
def test_bitcount(c):
    rows(c,
         ("SET k foobar", OK), ("BITCOUNT k", 26), ("BITCOUNT k 0 0", 4), ("BITCOUNT k 1 1", 6),
         ("BITCOUNT k 1 1 BYTE", 6), ("BITCOUNT k 5 30 BIT", 17), ("BITCOUNT k 0 -1 bit", 26),
         ("BITCOUNT k -2 -1", 7), ("BITCOUNT k 6 9", 0), ("BITCOUNT k 3 1", 0),
         ("BITCOUNT k -1 -3", 0), ("BITCOUNT k -100 -50", 4),
         ("BITCOUNT k -50 -100", 0), ("BITCOUNT missing", 0),
         ("BITCOUNT missing 0 -1 BIT", 0), ("SET n 7", OK), ("BITCOUNT n", 5),
         ("BITCOUNT k 0", SYNTAX), ("BITCOUNT k 0 1 BITS", SYNTAX),
         ("BITCOUNT k 0 1 BIT x", SYNTAX), ("BITCOUNT k a 1", NOT_INTEGER),
         ("BITCOUNT k 0 a foo", NOT_INTEGER), ("BITCOUNT", arity("bitcount")),
         ("RPUSH l a", 1), ("BITCOUNT l", WRONG_TYPE))


@case(protocols=BOTH)
def test_bitpos(c):
    c.cmd("SET", "k", b"\xff\xf0\x00").is_ok()
    rows(c,
         ("BITPOS k 0", 12), ("BITPOS k 1", 0), ("BITPOS k 1 1", 8), ("BITPOS k 1 2", -1),
         ("BITPOS k 0 0 0", -1), ("BITPOS k 0 0 -1", 12), ("BITPOS k 1 7 15 BIT", 7),
         ("BITPOS k 0 7 15 bit", 12), ("BITPOS k 1 12 -1 BIT", -1), ("BITPOS k 1 9", -1),
         ("BITPOS missing 0", 0), ("BITPOS missing 1", -1), ("BITPOS missing 0 5 6", 0),
         ("SET e ''", OK), ("BITPOS e 0", -1), ("BITPOS e 1", -1), ("BITPOS k 1 0 0 BYTE", 0),
         ("BITPOS k 1 -50 -100", 0),
         ("BITPOS k 2", Error("ERR The bit argument must be 1 or 0.")),
         ("BITPOS k a", NOT_INTEGER), ("BITPOS k 1 a", NOT_INTEGER),
         ("BITPOS k 1 0 a", NOT_INTEGER), ("BITPOS k 1 0 a foo", SYNTAX),
         ("BITPOS k 1 0 1 foo", SYNTAX), ("BITPOS k 1 0 1 BIT foo", SYNTAX),
         ("BITPOS k", arity("bitpos")), ("RPUSH l a", 1), ("BITPOS l 1", WRONG_TYPE))
    c.cmd("SET", "ones", b"\xff" * 3).is_ok()
    rows(c,
         ("BITPOS ones 0", 24), ("BITPOS ones 0 1", 24), ("BITPOS ones 0 3", -1),
         ("BITPOS ones 0 0 -1", -1), ("BITPOS ones 0 0 -1 BIT", -1))


@case
def test_arguments_are_looked_at_before_the_key(c):
    newer()
    rows(c, ("BITCOUNT missing 0", SYNTAX), ("BITCOUNT missing 0 a", NOT_INTEGER),
         ("BITPOS missing 0 a", NOT_INTEGER), ("RPUSH l a", 1), ("BITCOUNT l 0 a", NOT_INTEGER))


@case(protocols=BOTH)
def test_bitop(c):
    not_error = Error("ERR BITOP NOT must be called with a single source key.")
    rows(c,
         ("SET a abc", OK), ("SET b bc", OK), ("SET n 12", OK),
         ("BITOP AND d a b", 3), ("GET d", b"`b\0"), ("BITOP OR d a b", 3), ("GET d", b"ccc"),
         ("BITOP XOR d a b missing", 3), ("GET d", b"\x03\x01c"), ("BITOP not d n", 2),
         ("GET d", b"\xce\xcd"), ("OBJECT ENCODING d", "raw"), ("BITOP OR a a b", 3),
         ("GET a", b"ccc"), ("BITOP AND d missing a", 3), ("GET d", b"\0\0\0"),
         ("BITOP OR d missing", 0), ("EXISTS d", 0), ("BITOP NOT d missing", 0),
         ("BITOP NOT d a b", not_error), ("BITOP nosuch d a", SYNTAX),
         ("BITOP AND d", arity("bitop")), ("SET t v EX 100", OK), ("BITOP OR t b", 2),
         ("TTL t", -1), ("RPUSH l x", 1), ("BITOP OR d a l", WRONG_TYPE), ("BITOP OR l a", 3),
         ("TYPE l", "string"), ("BITOP NOT d l missing", not_error))


@case(protocols=BOTH)
def test_bitop_newer_operations(c):
    newer()
    for key, byte in (("x", b"\x0f"), ("y", b"\x33"), ("z", b"\x55\xf0")):
        c.cmd("SET", key, byte).is_ok()
    rows(c,
         ("BITOP DIFF d x y z", 2), ("GET d", b"\x08\0"),
         ("BITOP DIFF1 d x y z", 2), ("GET d", b"\x70\xf0"),
         ("BITOP ANDOR d x y z", 2), ("GET d", b"\x07\0"),
         ("BITOP ONE d x y z", 2), ("GET d", b"\x68\xf0"),
         ("BITOP one d x", 1), ("GET d", b"\x0f"), ("BITOP ONE d x x", 1), ("GET d", b"\0"),
         ("BITOP diff d missing x", 1), ("GET d", b"\0"),
         ("BITOP DIFF1 d missing x", 1), ("GET d", b"\x0f"))
    for name in ("DIFF", "DIFF1", "ANDOR"):
        rows(c, (f"BITOP {name} d x",
                 Error(f"ERR BITOP {name} must be called with at least two source keys.")))


@case(protocols=BOTH)
def test_bitfield(c):
    rows(c,
         ("BITFIELD k INCRBY i5 100 1 GET u4 0", [1, 0]), ("STRLEN k", 14), ("DEL k", 1),
         ("BITFIELD k SET u8 0 200 SET i8 #1 -2 GET u8 0 GET i8 8", [0, 0, 200, -2]),
         ("GET k", b"\xc8\xfe"), ("BITFIELD k SET u8 0 1 GET u16 #0", [200, 510]),
         ("BITFIELD k", []), ("BITFIELD k OVERFLOW SAT", []),
         ("BITFIELD k get u8 1000000", [0]), ("STRLEN k", 2),
         ("BITFIELD k INCRBY u8 0 255 INCRBY u8 0 255", [0, 255]),
         ("BITFIELD k OVERFLOW SAT INCRBY u8 0 10 INCRBY u8 0 -1000", [255, 0]),
         ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 -1 SET u8 0 256 GET u8 0", [None, None, 0]),
         ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 -1 OVERFLOW WRAP INCRBY u8 0 -1", [None, 255]),
         ("BITFIELD s SET i64 1 -9223372036854775808 GET i64 1", [0, -2 ** 63]),
         ("BITFIELD s OVERFLOW SAT INCRBY i64 1 -1", [-2 ** 63]),
         ("BITFIELD s SET u63 2 -1 GET u63 2", [0, 2 ** 63 - 1]),
         ("BITFIELD fail OVERFLOW FAIL SET u8 32 256", [None]), ("STRLEN fail", 5),
         ("BITFIELD k GET u64 0", BAD_TYPE), ("BITFIELD k GET i65 0", BAD_TYPE),
         ("BITFIELD k GET u0 0", BAD_TYPE), ("BITFIELD k GET b1 0", BAD_TYPE),
         ("BITFIELD k GET u8 -1", BAD_OFFSET), ("BITFIELD k GET u8 #-1", BAD_OFFSET),
         ("BITFIELD k GET u8 4294967296", BAD_OFFSET),
         ("BITFIELD k GET u8 #536870912", BAD_OFFSET), ("BITFIELD k SET u8 0 a", NOT_INTEGER),
         ("BITFIELD k GET u8", SYNTAX), ("BITFIELD k foo", SYNTAX),
         ("BITFIELD k OVERFLOW", SYNTAX), ("BITFIELD k SET u8 0", SYNTAX),
         ("BITFIELD k OVERFLOW foo", Error("ERR Invalid OVERFLOW type specified")),
         ("BITFIELD", arity("bitfield")), ("RPUSH l a", 1), ("BITFIELD l GET u8 0", WRONG_TYPE),
         ("BITFIELD l SET u8 0 1", WRONG_TYPE), ("BITFIELD l SET u8 0 a", NOT_INTEGER))


@case(protocols=BOTH)
def test_bitfield_ro(c):
    rows(c,
         ("SET k ab", OK), ("BITFIELD_RO k GET u8 0 GET u8 #1 GET i4 1", [97, 98, -4]),
         ("BITFIELD_RO missing GET u63 100", [0]), ("BITFIELD_RO k", []),
         ("BITFIELD_RO k SET u8 0 1", Error("ERR BITFIELD_RO only supports the GET subcommand")),
         ("BITFIELD_RO k GET u64 0", BAD_TYPE), ("BITFIELD_RO", arity("bitfield_ro")),
         ("RPUSH l a", 1), ("BITFIELD_RO l GET u8 0", WRONG_TYPE), ("OBJECT ENCODING k", "embstr"))


@case
def test_bitfield_of_many_operations(c):
    fields = [word for index in range(5000) for word in ("SET", "u16", f"#{index}", index)]
    reads = [word for index in range(5000) for word in ("GET", "u16", f"#{index}")]
    assert c.cmd("BITFIELD", "k", *fields) == [0] * 5000
    assert c.cmd("BITFIELD", "k", *reads) == list(range(5000))


def make_large(c, key, seed):
    data = random.Random(seed).randbytes(1 << 20) * (LARGE >> 20)
    c.cmd("SET", key, data).is_ok()
    return int.from_bytes(data, "big"), len(data)


@case(timeout=120)
def test_large_bitmaps_are_counted_and_searched(c):
    number, size = make_large(c, "k", 1)
    bits = size * 8
    assert c.cmd("BITCOUNT", "k") == bin(number).count("1")
    first, last = 12345, bits - 54321
    part = number >> (bits - 1 - last) & ((1 << (last - first + 1)) - 1)
    assert c.cmd("BITCOUNT", "k", first, last, "BIT") == bin(part).count("1")
    for fill, bit in ((b"\0", 1), (b"\xff", 0)):
        c.cmd("SET", "k", fill * LARGE).is_ok()
        assert c.cmd("BITPOS", "k", bit, 0, -1) == -1
        assert c.cmd("BITPOS", "k", bit) == (LARGE * 8 if bit == 0 else -1)
        for at in (LARGE * 8 - 1, LARGE * 4 + 3, (8 << 23) + 7, 8 << 23, 9):
            assert c.cmd("SETBIT", "k", at, bit) == 1 - bit
            assert c.cmd("BITPOS", "k", bit) == at
            assert c.cmd("BITPOS", "k", bit, at + 1, -1, "BIT") != at
        assert c.cmd("BITCOUNT", "k") == (5 if bit else LARGE * 8 - 5)


@case(timeout=120)
def test_large_bitmaps_are_combined(c):
    a, size = make_large(c, "a", 2)
    b, _ = make_large(c, "b", 3)
    mask = (1 << size * 8) - 1
    for name, expected in (("AND", a & b), ("OR", a | b), ("XOR", a ^ b)):
        assert c.cmd("BITOP", name, "d", "a", "b", "missing" if name != "AND" else "a") == size
        assert c.cmd("GET", "d") == expected.to_bytes(size, "big"), name
    assert c.cmd("BITOP", "NOT", "a", "a") == size
    assert c.cmd("GET", "a") == (a ^ mask).to_bytes(size, "big")
    c.cmd("SET", "short", b"\xff").is_ok()
    assert c.cmd("BITOP", "AND", "d", "a", "short", "missing") == size
    assert c.cmd("BITCOUNT", "d") == 0


@case(timeout=120)
def test_a_large_bitop_is_as_of_one_instant(c):
    """Pairs of bits are set in one command; what BITOP makes of two copies has both or none."""
    other = c.server.connect()
    c.cmd("SETBIT", "k", LARGE * 8 - 1, 0)
    for turn in range(20):
        c.raw(encode("BITOP", "OR", "d", "k", "k"))
        other.cmd("BITFIELD", "k", "SET", "u1", turn, 1, "SET", "u1", (LARGE - 4) * 8 + turn, 1)
        assert c.read() == LARGE
        assert c.cmd("GETBIT", "d", turn) == c.cmd("GETBIT", "d", (LARGE - 4) * 8 + turn)
        count = c.cmd("BITCOUNT", "d").value
        assert count in (2 * turn, 2 * turn + 2), count


@case(timeout=120)
def test_clients_that_leave_during_large_work(c):
    make_large(c, "a", 4)
    for _ in range(10):
        gone = c.server.connect()
        gone.raw(encode("BITOP", "XOR", "d", "a", "a") + encode("BITCOUNT", "a"))
        gone.close()
    rows(c, ("PING", "PONG"), ("STRLEN a", LARGE))


main()
