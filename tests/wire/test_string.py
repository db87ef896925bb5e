"""String commands over the wire: every form, option and error text, in RESP2 and RESP3.

Rows are "COMMAND words", expected reply. Words are split as a shell does. Everything that Redis 7.0
knows also holds there (POLLARD_SERVER=redis-server); newer commands are skipped then.
"""
import time

from pollard_test import Error, case, encode, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, newer, rows

NOT_FLOAT = Error("ERR value is not a valid float")
OVERFLOW = Error("ERR increment or decrement would overflow")
TOO_LONG = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
MAX = 2 ** 63 - 1
MIN = -2 ** 63


def bad_expiry(name):
    return Error(f"ERR invalid expire time in '{name}' command")


def ttl_within(c, key, low, high):
    ttl = c.cmd("PTTL", key).value
    assert low <= ttl <= high, f"PTTL {key} is {ttl}, expected {low} .. {high}"


@case(protocols=BOTH)
def test_get_and_set(c):
    rows(c,
         ("GET k", None), ("SET k v", OK), ("GET k", b"v"), ("set K w", OK), ("gEt K", b"w"),
         ("SET k ''", OK), ("GET k", b""), ("GET", arity("get")), ("GET a b", arity("get")),
         ("SET k", arity("set")), ("SET", arity("set")), ("GET k", b""))
    binary = bytes(range(256)) * 3
    c.cmd("SET", binary, binary).is_ok()
    assert c.cmd("GET", binary) == binary


@case
def test_values_of_many_sizes(c):
    for size in (1, 43, 44, 45, 127, 128, 255, 256, 257, 4095, 16383, 16384, 16385, 70000, 1 << 20):
        value = bytes(index * 7 % 251 for index in range(size))
        for key in ("k", f"key:{size}"):
            c.cmd("SET", key, value).is_ok()
            assert c.cmd("GET", key) == value
            assert c.cmd("STRLEN", key) == size
            assert c.cmd("OBJECT", "ENCODING", key) == ("embstr" if size <= 44 else "raw")
            assert c.cmd("GETRANGE", key, size // 2, -1) == value[size // 2:]
    for size in (1, 20, 250, 255, 256, 70000):
        key = b"x" * size
        c.cmd("SET", key, size).is_ok()
        assert c.cmd("GET", key) == str(size)


@case
def test_encodings(c):
    for text, encoding in (("0", "int"), ("-1", "int"), (str(MAX), "int"), (str(MIN), "int"),
                           (str(MAX + 1), "embstr"), ("01", "embstr"), ("+1", "embstr"),
                           ("-0", "embstr"), ("1.0", "embstr"), (" 1", "embstr"), ("", "embstr"),
                           ("1" * 45, "raw")):
        c.cmd("SET", "k", text).is_ok()
        assert c.cmd("OBJECT", "ENCODING", "k") == encoding, text
        assert c.cmd("GET", "k") == text
        assert c.cmd("STRLEN", "k") == len(text)


@case(protocols=BOTH)
def test_set_conditions(c):
    rows(c,
         ("SET k v XX", None), ("EXISTS k", 0), ("SET k v NX", OK), ("SET k w NX", None),
         ("GET k", b"v"), ("SET k w XX", OK), ("GET k", b"w"), ("SET k v NX XX", SYNTAX),
         ("SET k v xx nx", SYNTAX), ("SET k v NX NX", None), ("SET k v FOO", SYNTAX),
         ("SET k v PERSIST", SYNTAX), ("GET k", b"w"))


@case(protocols=BOTH)
def test_set_get(c):
    rows(c,
         ("SET k 1 GET", None), ("SET k two GET", b"1"), ("SET k 3 GET XX", b"two"),
         ("SET k 4 NX GET", b"3"), ("GET k", b"3"), ("SET n 1 XX GET", None), ("EXISTS n", 0),
         ("SET n 1 NX GET", None), ("GET n", b"1"), ("SET k v GET GET", b"3"),
         ("SET k v GET EX 0", bad_expiry("set")), ("SET k w GET EX 100", b"v"))
    ttl_within(c, "k", 90000, 100000)
    rows(c, ("SET k x GET KEEPTTL", b"w"))
    ttl_within(c, "k", 90000, 100000)
    rows(c, ("SET k x GET", b"x"), ("TTL k", -1))


@case
def test_set_expiry(c):
    now = int(time.time())
    for option, low, high in (("EX 100", 98000, 100000), ("PX 100000", 98000, 100000),
                              (f"EXAT {now + 100}", 97000, 100000),
                              (f"PXAT {now * 1000 + 100000}", 97000, 100000),
                              ("ex 100 NX", 98000, 100000)):
        rows(c, ("DEL k", c.cmd("EXISTS", "k").value), (f"SET k v {option}", OK))
        ttl_within(c, "k", low, high)
    rows(c, ("SET k w KEEPTTL", OK))
    ttl_within(c, "k", 97000, 100000)
    rows(c,
         ("SET k v", OK), ("TTL k", -1), ("SET k v KEEPTTL", OK), ("TTL k", -1),
         ("SET k v EX 100 EX 200", OK), ("TTL k", 200))
    for option in ("EX", "PX", "EXAT", "PXAT"):
        rows(c,
             (f"SET k v {option}", SYNTAX), (f"SET k v {option} abc", NOT_INTEGER),
             (f"SET k v {option} 1.5", NOT_INTEGER), (f"SET k v {option} ''", NOT_INTEGER),
             (f"SET k v {option} 0", bad_expiry("set")),
             (f"SET k v {option} -1", bad_expiry("set")),
             (f"SET k v {option} {MIN}", bad_expiry("set")),
             (f"SET k v {option} {MAX + 1}", NOT_INTEGER),
             (f"SET k v {option} 10 KEEPTTL", SYNTAX), (f"SET k v KEEPTTL {option} 10", SYNTAX))
    for option in (f"EX {MAX}", f"PX {MAX}", f"EXAT {MAX}", f"EX {MAX // 1000}"):
        rows(c, (f"SET k v {option}", bad_expiry("set")))
    rows(c,
         ("SET k v EX 10 PX 10", SYNTAX), ("SET k v EXAT 10 PXAT 10", SYNTAX), ("TTL k", 200),
         ("GET k", b"v"), ("SET k v EXAT 1", OK), ("GET k", None), ("SET k v", OK),
         ("SET k v PXAT 1", OK), ("EXISTS k", 0))


@case
def test_values_expire(c):
    rows(c, ("SET k v PX 60", OK), ("GET k", b"v"), ("SET j v", OK), ("PEXPIRE j 60", 1))
    time.sleep(0.08)
    rows(c,
         ("GET k", None), ("EXISTS k j", 0), ("TTL k", -2), ("STRLEN j", 0), ("APPEND j x", 1),
         ("TTL j", -1), ("INCR k", 1), ("TTL k", -1), ("DBSIZE", 2))


@case(protocols=BOTH)
def test_set_if(c):
    newer()
    digest = "b6acb9d84a38ff74"
    rows(c,
         ("SET k v IFEQ x", None), ("EXISTS k", 0), ("SET k v IFDEQ " + digest, None),
         ("SET k v IFNE x", OK), ("GET k", b"v"), ("SET k w IFEQ x", None), ("SET k w IFEQ v", OK),
         ("SET k x IFNE w", None), ("SET k 'Hello world' IFNE x", OK),
         ("SET k a IFDNE " + digest, None), ("SET k a IFDEQ 0000000000000000", None),
         ("SET k b IFDEQ " + digest.upper(), OK), ("SET k c IFDNE " + digest, OK),
         ("SET n v IFDNE " + digest, OK), ("SET k d IFEQ x GET", b"c"), ("GET k", b"c"),
         ("SET k d IFEQ c GET", b"c"), ("GET k", b"d"), ("SET m d IFEQ c GET", None),
         ("EXISTS m", 0), ("SET m d IFNE c GET", None), ("GET m", b"d"),
         ("SET k 12 EX 100", OK), ("SET k 13 IFEQ 12 KEEPTTL", OK), ("TTL k", 100),
         ("SET k 14 IFEQ 12", None), ("TTL k", 100), ("SET k 14 IFEQ 13", OK), ("TTL k", -1),
         ("SET k v IFEQ", SYNTAX), ("SET k v IFEQ a NX", SYNTAX), ("SET k v XX IFEQ a", SYNTAX),
         ("SET k v IFEQ a IFNE b", SYNTAX), ("SET k v IFEQ a IFEQ b", SYNTAX),
         ("SET k v IFDEQ abc", Error("ERR must be exactly 16 hexadecimal characters")),
         ("SET k v IFDNE 12345678901234567",
          Error("ERR must be exactly 16 hexadecimal characters")), ("GET k", b"14"))


@case(protocols=BOTH)
def test_setnx_setex_psetex_getset(c):
    rows(c,
         ("SETNX k 1", 1), ("SETNX k 2", 0), ("GET k", b"1"), ("SETNX k", arity("setnx")),
         ("SETEX k 100 v", OK), ("TTL k", 100), ("SETEX k 0 v", bad_expiry("setex")),
         ("SETEX k -1 v", bad_expiry("setex")), ("SETEX k x v", NOT_INTEGER),
         (f"SETEX k {MAX} v", bad_expiry("setex")), ("SETEX k 10", arity("setex")),
         ("PSETEX k 50000 v", OK), ("TTL k", 50), ("PSETEX k 0 v", bad_expiry("psetex")),
         (f"PSETEX k {MAX} v", bad_expiry("psetex")), ("PSETEX k x v", NOT_INTEGER),
         ("PSETEX k 1", arity("psetex")), ("SETNX k x", 0), ("TTL k", 50),
         ("GETSET k w", b"v"), ("TTL k", -1), ("GETSET n 5", None), ("GETSET n 6", b"5"),
         ("GET n", b"6"), ("GETSET n", arity("getset")))


@case(protocols=BOTH)
def test_getdel_getex(c):
    now = int(time.time())
    rows(c,
         ("GETDEL k", None), ("SET k v EX 100", OK), ("GETDEL k", b"v"), ("EXISTS k", 0),
         ("SET k 7", OK), ("GETDEL k", b"7"), ("GETDEL", arity("getdel")),
         ("GETEX k", None), ("GETEX k EX 10", None), ("GETEX k EX 0", None), ("GETEX k EX x", None),
         ("GETEX k FOO", SYNTAX), ("GETEX k EX", SYNTAX), ("GETEX k KEEPTTL", SYNTAX),
         ("SET k v", OK), ("GETEX k", b"v"), ("TTL k", -1), ("GETEX k EX 100", b"v"),
         ("TTL k", 100), ("GETEX k", b"v"), ("TTL k", 100), ("GETEX k PX 50000", b"v"),
         ("TTL k", 50), (f"GETEX k EXAT {now + 500}", b"v"), ("EXPIRETIME k", now + 500),
         (f"GETEX k PXAT {now * 1000 + 7777}", b"v"), ("PEXPIRETIME k", now * 1000 + 7777),
         ("GETEX k PERSIST", b"v"), ("TTL k", -1), ("GETEX k PERSIST EX 10", SYNTAX),
         ("GETEX k EX 10 PERSIST", SYNTAX), ("GETEX k EX 10 PX 10", SYNTAX),
         ("GETEX k EX 0", bad_expiry("getex")), ("GETEX k PX -5", bad_expiry("getex")),
         ("GETEX k EX abc", NOT_INTEGER), (f"GETEX k EX {MAX}", bad_expiry("getex")),
         ("GETEX k EXAT 1", b"v"), ("EXISTS k", 0), ("GETEX", arity("getex")))


@case(protocols=BOTH)
def test_append_strlen(c):
    rows(c,
         ("STRLEN k", 0), ("APPEND k 10", 2), ("OBJECT ENCODING k", "int"), ("APPEND k 5", 3),
         ("OBJECT ENCODING k", "raw"), ("GET k", b"105"), ("INCR k", 106), ("STRLEN k", 3),
         ("APPEND k ''", 3), ("APPEND n ''", 0), ("EXISTS n", 1), ("EXPIRE k 100", 1),
         ("APPEND k x", 4), ("TTL k", 100), ("GET k", b"106x"), ("APPEND k", arity("append")),
         ("STRLEN", arity("strlen")))
    expected = b"106x"
    for size in (1, 30, 60, 500, 5000, 70000, 300000):
        expected += b"y" * size
        assert c.cmd("APPEND", "k", b"y" * size) == len(expected)
        assert c.cmd("GET", "k") == expected


@case
def test_append_many_small(c):
    expected = b""
    for index in range(3000):
        piece = b"%d," % index
        expected += piece
        c.send("APPEND", "k", piece)
    for _ in range(3000):
        c.read()
    assert c.cmd("GET", "k") == expected


@case
def test_a_reply_keeps_its_value(c):
    """Large replies share the value: a later write must not be seen in them."""
    value = b"a" * 3000000
    c.cmd("SET", "k", value).is_ok()
    c.send("GET", "k")
    c.send("SETRANGE", "k", 0, b"b" * 1000)
    c.send("APPEND", "k", b"c")
    c.send("GETRANGE", "k", 0, 1999)
    assert c.read() == value
    assert c.read() == len(value)
    assert c.read() == len(value) + 1
    assert c.read() == b"b" * 1000 + b"a" * 1000


@case(protocols=BOTH)
def test_setrange(c):
    rows(c,
         ("SETRANGE k 0 ''", 0), ("EXISTS k", 0), ("SETRANGE k 3 ab", 5), ("SETRANGE k 0 xyz", 5),
         ("GET k", b"xyzab"), ("SETRANGE k 1 1", 5), ("GET k", b"x1zab"), ("SETRANGE k 9 !", 10),
         ("SETRANGE k 99 ''", 10), ("SETRANGE k -1 x", Error("ERR offset is out of range")),
         ("SETRANGE k a x", NOT_INTEGER), ("SETRANGE k 1", arity("setrange")),
         ("SET i 12345", OK), ("SETRANGE i 1 ''", 5), ("OBJECT ENCODING i", "int"),
         ("SETRANGE i 1 00", 5), ("GET i", b"10045"), ("OBJECT ENCODING i", "raw"),
         ("EXPIRE i 100", 1), ("SETRANGE i 0 9", 5), ("TTL i", 100), ("INCR i", 90046),
         ("SETRANGE n 536870912 x", TOO_LONG), ("SETRANGE n 536870911 ''", 0),
         ("SETRANGE n 536870911 xy", TOO_LONG), (f"SETRANGE n {MAX} x", TOO_LONG),
         ("EXISTS n", 0), ("SETRANGE k -1 ''", Error("ERR offset is out of range")))
    assert c.cmd("GET", "k") == b"x1zab\0\0\0\0!"
    assert c.cmd("SETRANGE", "big", 200000, "x") == 200001
    assert c.cmd("GET", "big") == b"\0" * 200000 + b"x"


@case(options=("--proto-max-bulk-len", "1048576"))
def test_longest_string(c):
    c.cmd("SET", "k", b"x" * 1048575).is_ok()
    rows(c,
         ("APPEND k y", 1048576), ("APPEND k y", TOO_LONG), ("APPEND k ''", 1048576),
         ("SETRANGE k 1048576 x", TOO_LONG), ("SETRANGE k 1048575 x", 1048576),
         ("STRLEN k", 1048576))


@case(protocols=BOTH)
def test_getrange(c):
    text = b"This is a string"
    c.cmd("SET", "k", text).is_ok()
    for start in (-100, -17, -16, -5, -1, 0, 1, 7, 15, 16, 100, MIN, MAX):
        for end in (-100, -17, -16, -5, -1, 0, 1, 7, 15, 16, 100, MIN, MAX):
            size = len(text)
            if start < 0 and end < 0 and start > end:
                expected = b""
            else:
                first = max(start + size if start < 0 else start, 0)
                last = min(max(end + size if end < 0 else end, 0), size - 1)
                expected = text[first:last + 1] if first <= last else b""
            for name in ("GETRANGE", "SUBSTR"):
                assert c.cmd(name, "k", start, end) == expected, (name, start, end)
    rows(c,
         ("GETRANGE n 0 -1", b""), ("GETRANGE n a b", NOT_INTEGER), ("GETRANGE k 0 b", NOT_INTEGER),
         ("GETRANGE k 0", arity("getrange")), ("SUBSTR k 0", arity("substr")),
         ("SET i 12345", OK), ("GETRANGE i 1 -2", b"234"), ("SET e ''", OK),
         ("GETRANGE e 0 -1", b""))


@case(protocols=BOTH)
def test_integers(c):
    rows(c,
         ("INCR k", 1), ("INCR k", 2), ("DECR k", 1), ("DECR n", -1), ("INCRBY k 10", 11),
         ("INCRBY k -20", -9), ("DECRBY k 1", -10), ("DECRBY k -5", -5),
         ("OBJECT ENCODING k", "int"),
         (f"SET k {MAX}", OK), ("INCR k", OVERFLOW), ("INCRBY k 1", OVERFLOW), ("DECR k", MAX - 1),
         (f"SET k {MIN}", OK), ("DECR k", OVERFLOW), ("DECRBY k 1", OVERFLOW),
         ("INCRBY k -1", OVERFLOW), ("INCR k", MIN + 1), (f"INCRBY k {MAX}", 0),
         (f"DECRBY k {MIN}", Error("ERR decrement would overflow")), (f"INCRBY k {MIN}", MIN),
         (f"INCRBY k {MAX + 1}", NOT_INTEGER), ("INCRBY k 1.5", NOT_INTEGER),
         ("INCRBY k ' 1'", NOT_INTEGER), ("INCRBY k 01", NOT_INTEGER), ("INCRBY k +1", NOT_INTEGER),
         ("DECRBY k abc", NOT_INTEGER), ("INCRBY k ''", NOT_INTEGER))
    for text in ("abc", "1.0", " 1", "1 ", "", "01", str(MAX + 1), "1" * 50):
        c.cmd("SET", "t", text).is_ok()
        rows(c,
             ("INCR t", NOT_INTEGER), ("DECR t", NOT_INTEGER), ("INCRBY t 1", NOT_INTEGER),
             ("DECRBY t 1", NOT_INTEGER))
        assert c.cmd("GET", "t") == text
    rows(c,
         ("SET k 5 EX 100", OK), ("INCR k", 6), ("DECRBY k 2", 4), ("TTL k", 100),
         ("INCR", arity("incr")), ("DECR a b", arity("decr")), ("INCRBY k", arity("incrby")),
         ("DECRBY k", arity("decrby")))


@case(protocols=BOTH)
def test_floats(c):
    rows(c,
         ("INCRBYFLOAT k 10.5", b"10.5"), ("INCRBYFLOAT k 0.1", b"10.6"),
         ("INCRBYFLOAT k -5", b"5.6"), ("SET k 5.5", OK), ("INCRBYFLOAT k 5.0e3", b"5005.5"),
         ("GET k", b"5005.5"),
         ("SET k 3", OK), ("INCRBYFLOAT k 1", b"4"), ("OBJECT ENCODING k", "embstr"),
         ("INCR k", 5), ("INCRBYFLOAT k -5", b"0"), ("SET k 1e2", OK), ("INCRBYFLOAT k 0", b"100"),
         ("SET k 3.0", OK), ("INCRBYFLOAT k -3", b"0"), ("INCRBYFLOAT k -0.0", b"0"),
         ("INCRBYFLOAT k abc", NOT_FLOAT), ("INCRBYFLOAT k ' 1'", NOT_FLOAT),
         ("INCRBYFLOAT k '1 '", NOT_FLOAT), ("INCRBYFLOAT k ''", NOT_FLOAT),
         ("INCRBYFLOAT k nan", NOT_FLOAT),
         ("INCRBYFLOAT k inf", Error("ERR increment would produce NaN or Infinity")),
         ("INCRBYFLOAT k -inf", Error("ERR increment would produce NaN or Infinity")),
         ("GET k", b"0"), ("SET t abc", OK), ("INCRBYFLOAT t 1", NOT_FLOAT), ("SET t ''", OK),
         ("INCRBYFLOAT t 1", NOT_FLOAT), ("SET t ' 1'", OK), ("INCRBYFLOAT t 1", NOT_FLOAT),
         ("SET k 1.5 EX 100", OK), ("INCRBYFLOAT k 1", b"2.5"), ("TTL k", 100),
         ("INCRBYFLOAT n 3e-1", b"0.3"), ("INCRBYFLOAT k", arity("incrbyfloat")),
         ("SET k 1e4932", OK),
         ("INCRBYFLOAT k 1e4932", Error("ERR increment would produce NaN or Infinity")))


@case(protocols=BOTH)
def test_mget_mset(c):
    rows(c,
         ("MGET a b", [None, None]), ("MSET a 1 b two", OK),
         ("MGET a c b a", [b"1", None, b"two", b"1"]),
         ("MSET a x a y", OK), ("GET a", b"y"), ("EXPIRE a 100", 1), ("MSET a z", OK),
         ("TTL a", -1),
         ("MSETNX a 1 n 2", 0), ("EXISTS n", 0), ("MSETNX n 1 m 2", 1), ("MGET n m", [b"1", b"2"]),
         ("MSETNX p 1 p 2", 1), ("GET p", b"2"), ("MGET", arity("mget")), ("MSET", arity("mset")),
         ("MSET a", arity("mset")), ("MSET a 1 b", arity("mset")),
         ("MSETNX a 1 b", arity("msetnx")),
         ("MSETNX a", arity("msetnx")), ("GET a", b"z"))


@case(timeout=120)
def test_many_keys(c):
    """Batches of every size, so that those for the pool are among them."""
    for count in (2, 3, 7, 8, 9, 50, 127, 128, 129, 1000, 20000):
        pairs = [(b"key:%d" % i, b"%d" % i if i % 3 else b"v" * (i % 90)) for i in range(count)]
        c.cmd("MSET", *[word for pair in pairs for word in pair]).is_ok()
        assert c.cmd("MGET", *[key for key, _ in pairs]) == [value for _, value in pairs]
        assert c.cmd("EXISTS", *[key for key, _ in pairs]) == count
        assert c.cmd("DBSIZE") == count
        assert c.cmd("MSETNX", *[word for pair in pairs for word in pair]) == 0
        assert c.cmd("TOUCH", *[key for key, _ in pairs], "none") == count
        assert c.cmd("UNLINK", *[key for key, _ in pairs[::2]]) == (count + 1) // 2
        assert c.cmd("DEL", *[key for key, _ in pairs]) == count // 2
        assert c.cmd("MSETNX", *[word for pair in pairs for word in pair]) == 1
        assert c.cmd("DEL", *[key for key, _ in pairs]) == count


@case(protocols=BOTH)
def test_msetex(c):
    newer()
    rows(c,
         ("MSETEX 2 a 1 b 2", 1), ("MGET a b", [b"1", b"2"]), ("TTL a", -1),
         ("MSETEX 2 a 3 c 4 NX", 0), ("EXISTS c", 0), ("MSETEX 2 a 3 c 4 XX", 0),
         ("MSETEX 2 a 3 b 4 XX EX 100", 1), ("MGET a b", [b"3", b"4"]), ("TTL a", 100),
         ("TTL b", 100), ("MSETEX 1 a 5 KEEPTTL", 1), ("TTL a", 100), ("MSETEX 1 a 5", 1),
         ("TTL a", -1), ("MSETEX 2 d 1 e 2 PX 50000 NX", 1), ("TTL e", 50),
         ("MSETEX 2 d 1 d 2", 1), ("GET d", b"2"), ("MSETEX 1 d 3 EXAT 1", 1), ("EXISTS d", 0),
         ("MSETEX 0 a 1", Error("ERR invalid numkeys value")),
         ("MSETEX -1 a 1", Error("ERR invalid numkeys value")),
         ("MSETEX x a 1", Error("ERR invalid numkeys value")),
         ("MSETEX 2147483648 a 1", Error("ERR invalid numkeys value")),
         ("MSETEX 2 a 1", Error("ERR wrong number of key-value pairs")),
         ("MSETEX 2 a 1 b", Error("ERR wrong number of key-value pairs")),
         ("MSETEX 1 a 1 b", SYNTAX), ("MSETEX 1 a 1 NX XX", SYNTAX), ("MSETEX 1 a 1 EX", SYNTAX),
         ("MSETEX 1 a 1 EX 1 PX 1", SYNTAX), ("MSETEX 1 a 1 IFEQ 5", SYNTAX),
         ("MSETEX 1 a 1 EX 0", bad_expiry("msetex")), ("MSETEX 1 a 1 EX x", NOT_INTEGER),
         ("MSETEX 1 a", arity("msetex")), ("GET a", b"5"))


@case(protocols=BOTH)
def test_delex_delifeq_digest(c):
    newer()
    size = Error("ERR must be exactly 16 hexadecimal characters")
    rows(c,
         ("DIGEST k", None), ("SET k 'Hello world'", OK), ("DIGEST k", b"b6acb9d84a38ff74"),
         ("DELEX n", 0), ("DELEX n IFNE x", 0), ("DELEX n IFEQ x", 0), ("DELEX k IFEQ x", 0),
         ("DELEX k IFNE 'Hello world'", 0), ("DELEX k IFDEQ 0000000000000000", 0),
         ("DELEX k IFDNE b6acb9d84a38ff74", 0), ("DELEX k IFDEQ abc", size),
         ("DELEX k FOO x", SYNTAX), ("DELEX k NX x", SYNTAX), ("DELEX k IFEQ", arity("delex")),
         ("DELEX k IFEQ a b", arity("delex")), ("EXISTS k", 1),
         ("DELEX k IFDEQ B6ACB9D84A38FF74", 1), ("EXISTS k", 0), ("SET k 12", OK),
         ("DELIFEQ k 13", 0), ("DELIFEQ k 12", 1), ("DELIFEQ k 12", 0), ("SET k v", OK),
         ("DELEX k IFNE x", 1), ("SET k v", OK), ("DELEX k", 1), ("SET k v", OK),
         ("DELEX k IFEQ v", 1), ("DBSIZE", 0), ("DELIFEQ k", arity("delifeq")),
         ("DELEX", arity("delex")), ("DIGEST", arity("digest")), ("SET i 5", OK),
         ("SETRANGE r 0 5", 1))
    assert c.cmd("DIGEST", "i") == c.cmd("DIGEST", "r")


@case(protocols=BOTH)
def test_increx_integers(c):
    newer()
    rows(c,
         ("INCREX k", [1, 1]), ("INCREX k BYINT 9", [10, 9]), ("INCREX k BYINT -3", [7, -3]),
         ("INCREX k UBOUND 7", [7, 0]), ("INCREX k UBOUND 8", [8, 1]), ("GET k", b"8"),
         ("INCREX k BYINT -9 LBOUND 0", [8, 0]), ("INCREX k BYINT -8 LBOUND 0", [0, -8]),
         ("INCREX k BYINT 50", [50, 50]), ("INCREX k BYINT 5 UBOUND 30", [50, 0]),
         ("INCREX k BYINT 5 UBOUND 30 SATURATE", [30, -20]),
         ("INCREX k SATURATE BYINT -100 LBOUND 0", [0, -30]), (f"SET k {MAX}", OK),
         ("INCREX k", [MAX, 0]), ("INCREX k SATURATE", [MAX, 0]), (f"SET k {MIN}", OK),
         (f"INCREX k BYINT {MAX} LBOUND 5 SATURATE",
          Error("ERR applied increment would overflow")), ("GET k", str(MIN)),
         ("INCREX n UBOUND 0", [0, 0]), ("EXISTS n", 0), ("SET t abc", OK),
         ("INCREX t", NOT_INTEGER), ("INCREX k FOO", SYNTAX), ("INCREX k BYINT", SYNTAX),
         ("INCREX k BYINT 1 BYINT 1", SYNTAX), ("INCREX k BYINT 1 BYFLOAT 1", SYNTAX),
         ("INCREX k SATURATE SATURATE", SYNTAX), ("INCREX k EX 1 EX 1", SYNTAX),
         ("INCREX k EX 1 PERSIST", SYNTAX), ("INCREX k PERSIST ENX", SYNTAX),
         ("INCREX k ENX", Error("ERR ENX flag requires an expiration")),
         ("INCREX k LBOUND 5 UBOUND 4", Error("ERR LBOUND can't be greater than UBOUND")),
         ("INCREX k LBOUND x", Error("ERR LBOUND is not an integer or out of range")),
         ("INCREX k UBOUND 1.5", Error("ERR UBOUND is not an integer or out of range")),
         ("INCREX k EX 0", bad_expiry("increx")), ("INCREX", arity("increx")))
    c.cmd("INCREX", "k", "BYINT", "x").is_error("ERR Increment is not an integer")


@case(protocols=BOTH)
def test_increx_expiry(c):
    newer()
    rows(c,
         ("INCREX k EX 100", [1, 1]), ("TTL k", 100), ("INCREX k", [2, 1]), ("TTL k", 100),
         ("INCREX k EX 200 ENX", [3, 1]), ("TTL k", 100), ("INCREX k PX 200000", [4, 1]),
         ("TTL k", 200), ("INCREX k UBOUND 4 EX 50", [4, 0]), ("TTL k", 200),
         ("INCREX k UBOUND 4 EX 50 SATURATE", [4, 0]), ("TTL k", 50), ("INCREX k PERSIST", [5, 1]),
         ("TTL k", -1), ("INCREX k ENX EX 70", [6, 1]), ("TTL k", 70),
         ("INCREX k ENX EXAT 1", [7, 1]), ("TTL k", 70), ("INCREX k EXAT 1", [8, 1]),
         ("EXISTS k", 0))


@case(protocols=BOTH)
def test_increx_floats(c):
    newer()

    def pair(a, b):
        return [float(a), float(b)] if c.protocol == 3 else [a.encode(), b.encode()]

    rows(c,
         ("INCREX k BYFLOAT 1.5", pair("1.5", "1.5")), ("GET k", b"1.5"),
         ("INCREX k BYFLOAT 1 UBOUND 2", pair("1.5", "0")),
         ("INCREX k BYFLOAT 1 UBOUND 2 SATURATE", pair("2", "0.5")),
         ("INCREX k BYFLOAT 3 UBOUND 5", pair("5", "3")), ("INCREX k", [6, 1]),
         ("INCREX k BYFLOAT x", Error("ERR Increment is not a valid float")),
         ("INCREX k BYFLOAT inf", Error("ERR BYFLOAT increment cannot be Infinity")),
         ("INCREX k BYFLOAT 1 LBOUND x", Error("ERR LBOUND is not a valid float")),
         ("INCREX k BYFLOAT 1 UBOUND x", Error("ERR UBOUND is not a valid float")),
         ("INCREX k BYFLOAT 1 LBOUND 2 UBOUND 1", Error("ERR LBOUND can't be greater than UBOUND")),
         ("SET i inf", OK), ("INCREX i BYFLOAT 1", Error("ERR value cannot be Infinity")),
         ("SET t abc", OK), ("INCREX t BYFLOAT 1", NOT_FLOAT), ("SET f 1.5", OK),
         ("INCREX f", NOT_INTEGER), ("GET k", b"6"))


@case(protocols=BOTH)
def test_lcs(c):
    both = Error("ERR If you want both the length and indexes, please just use IDX.")
    rows(c,
         ("MSET x ohmytext y mynewtext i 12345 e ''", OK), ("LCS x y", b"mytext"),
         ("LCS x y LEN", 6), ("LCS x n", b""), ("LCS n x LEN", 0), ("LCS n m", b""),
         ("LCS i i", b"12345"), ("LCS e x", b""),
         ("LCS x y IDX", {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}),
         ("LCS x y IDX MINMATCHLEN 4", {"matches": [[[4, 7], [5, 8]]], "len": 6}),
         ("LCS x y IDX WITHMATCHLEN",
          {"matches": [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]], "len": 6}),
         ("LCS x y WITHMATCHLEN MINMATCHLEN 4 IDX", {"matches": [[[4, 7], [5, 8], 4]], "len": 6}),
         ("LCS x y IDX MINMATCHLEN -1",
          {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}),
         ("LCS x y IDX MINMATCHLEN 99", {"matches": [], "len": 6}),
         ("LCS n y IDX", {"matches": [], "len": 0}), ("LCS x y LEN IDX", both),
         ("LCS x y MINMATCHLEN", SYNTAX), ("LCS x y MINMATCHLEN a", NOT_INTEGER),
         ("LCS x y FOO", SYNTAX), ("LCS x", arity("lcs")))


@case(protocols=BOTH)
def test_lcs_large(c):
    a = bytes(97 + index * index % 7 for index in range(3000))
    b = bytes(97 + index * 3 % 11 for index in range(3500))
    c.cmd("MSET", "a", a, "b", b).is_ok()
    row = [0] * (len(b) + 1)
    for left in a:
        diagonal = 0
        for j, right in enumerate(b):
            above = row[j + 1]
            row[j + 1] = diagonal + 1 if left == right else max(above, row[j])
            diagonal = above
    assert c.cmd("LCS", "a", "b", "LEN") == row[-1]
    text = c.cmd("LCS", "a", "b").value
    assert len(text) == row[-1]
    reply = c.cmd("LCS", "a", "b", "IDX")
    assert reply["len"] == row[-1]
    found = b"".join(a[first.value:last.value + 1] for (first, last), _ in
                     reversed(list(reply["matches"])))
    assert found == text


@case
def test_mget_of_many_keys_sees_one_instant(c):
    names = [f"k{i}" for i in range(300)]
    writer = c.server.connect()
    rounds = 60
    writer.raw(b"".join(
        encode("MSET", *[word for name in names for word in (name, f"round {i}")])
        for i in range(rounds)))
    for _ in range(rounds):
        values = {str(item.value) for item in c.cmd("MGET", *names).items}
        assert len(values) == 1, values
    for _ in range(rounds):
        writer.read().is_ok()
    writer.close()


main()
