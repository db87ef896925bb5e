"""Generic commands over the wire: every form, option and error text, in RESP2 and RESP3.

Rows are "COMMAND words", expected reply. Words are split as a shell does. Everything that Redis 7.0
knows also holds there (POLLARD_SERVER=redis-server); newer commands are skipped then.
"""
import time

from pollard_test import Error, case, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, newer, rows

DB_RANGE = Error("ERR DB index is out of range")
SAME = Error("ERR source and destination objects are the same")
NO_KEY = Error("ERR no such key")
INT_RANGE = Error("ERR value is out of range, value must between -2147483648 and 2147483647")
CURSOR = Error("ERR invalid cursor")
MAX = 2 ** 63 - 1
MIN = -2 ** 63


def bad_expiry(name):
    return Error(f"ERR invalid expire time in '{name}' command")


def scan_all(c, *options):
    """All names that SCAN gives, with repetitions."""
    names = []
    cursor = b"0"
    for _ in range(1000000):
        reply = c.cmd("SCAN", cursor, *options)
        assert len(reply) == 2
        cursor = reply[0].value
        names += reply[1].value
        if cursor == b"0":
            return names
    raise AssertionError("SCAN does not end")


def fill(c, count, prefix=b"key:"):
    for first in range(0, count, 1000):
        numbers = range(first, min(first + 1000, count))
        c.cmd("MSET", *[word for i in numbers for word in (prefix + b"%d" % i, i)]).is_ok()
    return {prefix + b"%d" % i for i in range(count)}


@case(protocols=BOTH)
def test_del_unlink_exists_touch_type(c):
    rows(c,
         ("DEL k", 0), ("MSET a 1 b 2 c three", OK), ("EXISTS a", 1), ("EXISTS a a b n", 3),
         ("TOUCH a b n a", 3), ("TYPE a", "string"), ("TYPE c", "string"), ("TYPE n", "none"),
         ("DEL a a n", 1), ("UNLINK b n c b", 2), ("DBSIZE", 0), ("EXISTS a b c", 0),
         ("DEL", arity("del")), ("UNLINK", arity("unlink")), ("EXISTS", arity("exists")),
         ("TOUCH", arity("touch")), ("TYPE", arity("type")), ("TYPE a b", arity("type")))
    assert c.cmd("TYPE", "n").kind == "simple"
    c.cmd("SET", "big", b"x" * 5000000).is_ok()
    assert c.cmd("DEL", "big") == 1
    assert c.cmd("GET", "big") == None  # noqa: E711 - replies compare with plain values


@case(protocols=BOTH)
def test_expire(c):
    now = int(time.time())
    rows(c,
         ("EXPIRE k 10", 0), ("PEXPIRE k 10", 0), ("EXPIREAT k 10", 0), ("PEXPIREAT k 10", 0),
         ("SET k v", OK), ("TTL k", -1), ("PTTL k", -1), ("EXPIRETIME k", -1),
         ("PEXPIRETIME k", -1), ("EXPIRE k 100", 1), ("TTL k", 100), ("PEXPIRE k 50000", 1),
         ("TTL k", 50), (f"EXPIREAT k {now + 500}", 1), ("EXPIRETIME k", now + 500),
         ("PEXPIRETIME k", (now + 500) * 1000), (f"PEXPIREAT k {now * 1000 + 499600}", 1),
         ("EXPIRETIME k", now + 500), (f"PEXPIREAT k {now * 1000 + 499400}", 1),
         ("EXPIRETIME k", now + 499), ("PERSIST k", 1), ("PERSIST k", 0), ("TTL k", -1),
         ("PERSIST n", 0), ("TTL n", -2), ("PTTL n", -2), ("EXPIRETIME n", -2),
         ("PEXPIRETIME n", -2))
    for name, past in (("EXPIRE", 0), ("EXPIRE", -1), ("PEXPIRE", 0), ("PEXPIRE", MIN),
                       ("EXPIREAT", 1), ("EXPIREAT", 0), ("EXPIREAT", -5), ("PEXPIREAT", now),
                       ("PEXPIREAT", MIN)):
        rows(c, ("SET k v", OK), (f"{name} k {past}", 1), ("EXISTS k", 0), ("DBSIZE", 0))
    rows(c, ("SET k v", OK))
    for name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"):
        rows(c,
             (f"{name} k abc", NOT_INTEGER), (f"{name} k 1.5", NOT_INTEGER),
             (f"{name} k ''", NOT_INTEGER), (f"{name} n abc", NOT_INTEGER),
             (f"{name} k {MAX + 1}", NOT_INTEGER), (f"{name} k", arity(name.lower())),
             (f"{name} k 10 FOO", Error("ERR Unsupported option FOO")),
             (f"{name} k abc FOO", Error("ERR Unsupported option FOO")))
    for name, value in (("EXPIRE", MAX), ("EXPIRE", MIN), ("PEXPIRE", MAX), ("EXPIREAT", MAX),
                        ("EXPIREAT", MIN), ("EXPIRE", MAX // 1000)):
        rows(c, (f"{name} k {value}", bad_expiry(name.lower())))
    rows(c,
         ("TTL k", -1), ("TTL", arity("ttl")), ("PTTL", arity("pttl")),
         ("PERSIST", arity("persist")), ("EXPIRETIME a b", arity("expiretime")),
         ("PEXPIRETIME", arity("pexpiretime")))


@case
def test_expiry_at_the_end_of_time(c):
    for when in (2 ** 47, 2 ** 48 - 1, 2 ** 48, 2 ** 53, MAX):
        rows(c,
             ("SET k v", OK), (f"PEXPIREAT k {when}", 1), ("PEXPIRETIME k", when), ("GET k", b"v"),
             ("EXPIRE k 100", 1), ("TTL k", 100), (f"PEXPIREAT k {when}", 1), ("INCR n", 1),
             (f"PEXPIREAT n {when}", 1), ("INCR n", 2), ("PEXPIRETIME n", when), ("PERSIST n", 1),
             ("DEL k n", 2))


@case(protocols=BOTH)
def test_expire_options(c):
    nx = Error("ERR NX and XX, GT or LT options at the same time are not compatible")
    gt = Error("ERR GT and LT options at the same time are not compatible")
    rows(c,
         ("SET k v", OK), ("EXPIRE k 100 XX", 0), ("EXPIRE k 100 GT", 0), ("TTL k", -1),
         ("EXPIRE k 100 NX", 1), ("EXPIRE k 200 NX", 0), ("TTL k", 100), ("EXPIRE k 200 xx", 1),
         ("EXPIRE k 100 GT", 0), ("TTL k", 200), ("EXPIRE k 300 GT", 1), ("TTL k", 300),
         ("EXPIRE k 400 LT", 0), ("TTL k", 300), ("EXPIRE k 50 LT", 1), ("TTL k", 50),
         ("PERSIST k", 1), ("EXPIRE k 70 LT", 1), ("TTL k", 70), ("EXPIRE k 80 XX GT", 1),
         ("EXPIRE k 60 XX LT", 1), ("TTL k", 60), ("EXPIRE k 10 XX GT", 0),
         ("EXPIRE k 90 NX NX", 0), ("EXPIRE k 10 NX XX", nx), ("EXPIRE k 10 NX GT", nx),
         ("EXPIRE k 10 LT NX", nx), ("EXPIRE k 10 GT LT", gt), ("PEXPIRE k 10 GT LT XX", gt),
         ("EXPIREAT k 10 NX LT", nx), ("EXPIRE n 10 NX LT", nx), ("EXPIRE n 10 NX", 0),
         ("EXPIRE k 0 GT", 0), ("EXPIRE k -1 LT", 1), ("EXISTS k", 0))


@case
def test_expired_keys_leave_memory(c):
    for index in range(1000):
        c.send("SET", f"k:{index}", "v", "PX", 20)
    for _ in range(1000):
        c.read().is_ok()
    deadline = time.monotonic() + 10
    while c.cmd("DBSIZE").value > 0:
        assert time.monotonic() < deadline, c.cmd("DBSIZE")
        time.sleep(0.01)
    assert scan_all(c) == []


@case(protocols=BOTH)
def test_rename(c):
    rows(c,
         ("RENAME n x", NO_KEY), ("RENAME n n", NO_KEY), ("RENAMENX n x", NO_KEY),
         ("SET a 1 EX 100", OK), ("RENAME a b", OK), ("GET b", b"1"), ("TTL b", 100),
         ("EXISTS a", 0), ("RENAME b b", OK), ("TTL b", 100), ("RENAMENX b b", 0),
         ("SET c old EX 500", OK), ("RENAMENX b c", 0), ("GET c", b"old"), ("RENAME b c", OK),
         ("GET c", b"1"), ("TTL c", 100), ("RENAMENX c d", 1), ("GET d", b"1"), ("TTL d", 100),
         ("SET e x", OK), ("RENAME e d", OK), ("TTL d", -1), ("GET d", b"x"), ("DBSIZE", 1),
         ("RENAME a", arity("rename")), ("RENAMENX a", arity("renamenx")))
    value = bytes(range(256)) * 2000
    c.cmd("SET", "big", value).is_ok()
    for index in range(30):
        c.cmd("RENAME", "big" if index == 0 else f"big:{index - 1}", f"big:{index}").is_ok()
    assert c.cmd("GET", "big:29") == value


@case(protocols=BOTH)
def test_copy(c):
    rows(c,
         ("COPY n x", 0), ("SET a 1 EX 100", OK), ("COPY a b", 1), ("GET b", b"1"), ("TTL b", 100),
         ("SET a 2", OK), ("COPY a b", 0), ("GET b", b"1"), ("COPY a b REPLACE", 1),
         ("GET b", b"2"), ("TTL b", -1), ("COPY a a", SAME), ("COPY a a REPLACE", SAME),
         ("COPY n n", SAME), ("COPY a a DB 0", SAME), ("COPY a a DB 1", 1), ("COPY a a DB 1", 0),
         ("COPY a c DB 1 REPLACE", 1), ("COPY a c db 1", 0), ("COPY n a DB 1 REPLACE", 0),
         ("SELECT 1", OK), ("GET a", b"2"), ("GET c", b"2"), ("DBSIZE", 2), ("COPY c z DB 0", 1),
         ("SELECT 0", OK), ("GET z", b"2"), ("COPY a b DB 1 DB 0 REPLACE", 1),
         ("COPY a b DB 16", DB_RANGE), ("COPY a b DB -1", DB_RANGE), ("COPY a b DB x", NOT_INTEGER),
         ("COPY a b DB 99999999999", INT_RANGE), ("COPY a b DB", SYNTAX), ("COPY a b FOO", SYNTAX),
         ("COPY n b DB 99", DB_RANGE), ("COPY a b DB 99 FOO", DB_RANGE), ("COPY a", arity("copy")))
    value = b"v" * 200000
    c.cmd("SET", "big", value).is_ok()
    assert c.cmd("COPY", "big", "other") == 1
    assert c.cmd("APPEND", "big", "x") == 200001
    assert c.cmd("SETRANGE", "other", 0, "y") == 200000
    assert c.cmd("GET", "big") == value + b"x"
    assert c.cmd("GET", "other") == b"y" + value[1:]


@case(protocols=BOTH)
def test_move(c):
    rows(c,
         ("MOVE n 1", 0), ("SET a 1 EX 100", OK), ("MOVE a 1", 1), ("EXISTS a", 0), ("DBSIZE", 0),
         ("SET a 2", OK), ("MOVE a 1", 0), ("GET a", b"2"), ("SELECT 1", OK), ("GET a", b"1"),
         ("TTL a", 100), ("DBSIZE", 1), ("MOVE a 1", SAME), ("MOVE a 5", 1), ("SELECT 5", OK),
         ("GET a", b"1"), ("TTL a", 100), ("SELECT 0", OK), ("MOVE a 0", SAME), ("MOVE n 0", SAME),
         ("MOVE a 16", DB_RANGE), ("MOVE a -1", DB_RANGE), ("MOVE a x", NOT_INTEGER),
         ("MOVE a 99999999999", INT_RANGE), ("MOVE a", arity("move")), ("GET a", b"2"))


@case(protocols=BOTH)
def test_databases_are_apart(c):
    for db in range(16):
        c.cmd("SELECT", db).is_ok()
        rows(c, ("DBSIZE", 0), (f"SET k {db}", OK), ("DBSIZE", 1), ("KEYS *", [b"k"]))
    for db in range(16):
        c.cmd("SELECT", db).is_ok()
        assert c.cmd("GET", "k") == str(db)
        assert scan_all(c) == [b"k"]
        assert c.cmd("RANDOMKEY") == b"k"


@case(protocols=BOTH)
def test_keys(c):
    names = ["hello", "hallo", "hxllo", "hllo", "heeeello", "h*llo", "h[llo", "", "world", "h\\llo"]
    for name in names:
        c.cmd("SET", name, 1).is_ok()
    for pattern, expected in (
            ("*", names), ("h?llo", ["hello", "hallo", "hxllo", "h*llo", "h[llo", "h\\llo"]),
            ("h*llo", ["hello", "hallo", "hxllo", "hllo", "heeeello", "h*llo", "h[llo", "h\\llo"]),
            ("h[ae]llo", ["hello", "hallo"]), ("h[^e]llo", ["hallo", "hxllo", "h*llo", "h[llo",
                                                            "h\\llo"]),
            ("h[a-b]llo", ["hallo"]), ("h\\*llo", ["h*llo"]), ("h\\[llo", ["h[llo"]),
            ("hello", ["hello"]), ("hell", []), ("", [""]), ("w*", ["world"]), ("*d", ["world"]),
            ("none*", []), ("?", []), ("hello*", ["hello"]), ("h\\\\llo", ["h\\llo"])):
        found = sorted(c.cmd("KEYS", pattern).value)
        assert found == sorted(name.encode() for name in expected), (pattern, found)
        assert sorted(set(scan_all(c, "MATCH", pattern))) == found, pattern
    rows(c, ("KEYS", arity("keys")), ("KEYS a b", arity("keys")), ("EXPIRE world 0", 1),
         ("KEYS w*", []))


@case(timeout=120)
def test_scan_finds_all(c):
    names = fill(c, 20000)
    assert set(c.cmd("KEYS", "*").value) == names
    for options in ((), ("COUNT", 1), ("COUNT", 7), ("COUNT", 1000), ("COUNT", 1001),
                    ("COUNT", 5000), ("COUNT", MAX), ("TYPE", "string", "COUNT", 500)):
        found = scan_all(c, *options)
        assert set(found) == names, options
        assert len(found) == len(names), options
    matching = {name for name in names if name.startswith(b"key:77")}
    assert set(scan_all(c, "MATCH", "key:77*", "COUNT", 333)) == matching
    assert set(c.cmd("KEYS", "key:77*").value) == matching
    assert scan_all(c, "TYPE", "hash", "COUNT", 1000) == []
    assert scan_all(c, "TYPE", "nonsense", "COUNT", 1000) == []


@case(timeout=120)
def test_scan_while_keys_come_and_go(c):
    names = fill(c, 5000)
    other = c.server.connect()
    found = set()
    cursor = b"0"
    step = 0
    while True:
        reply = c.cmd("SCAN", cursor, "COUNT", 50)
        cursor = reply[0].value
        found.update(reply[1].value)
        if cursor == b"0":
            break
        prefix = b"new:%d:" % (step // 40)
        if step % 40 < 20:
            fill(other, 1000, prefix)
        else:
            other.cmd("DEL", *[prefix + b"%d" % i for i in range(1000)])
        step += 1
        assert step < 20000
    assert names <= found


@case(protocols=BOTH)
def test_scan_forms(c):
    rows(c, ("SCAN 0", [b"0", []]), ("SET k v", OK), ("SCAN 0", [b"0", [b"k"]]))
    for cursor in ("0", "00", "+0", "''"):
        rows(c, (f"SCAN {cursor}", [b"0", [b"k"]]))
    for cursor in ("1", "5", "123456789", str(2 ** 53), str(2 ** 64 - 1)):
        assert c.cmd("SCAN", cursor).kind == "array"
    rows(c,
         ("SCAN abc", CURSOR), (f"SCAN {2 ** 64}", CURSOR), ("SCAN 1.5", CURSOR),
         ("SCAN ' 1'", CURSOR), ("SCAN '1 '", CURSOR), ("SCAN 0 COUNT 0", SYNTAX),
         ("SCAN 0 COUNT -1", SYNTAX), ("SCAN 0 COUNT x", NOT_INTEGER), ("SCAN 0 COUNT", SYNTAX),
         ("SCAN 0 MATCH", SYNTAX), ("SCAN 0 TYPE", SYNTAX), ("SCAN 0 FOO", SYNTAX),
         ("SCAN 0 FOO bar", SYNTAX), ("SCAN abc FOO", CURSOR), ("SCAN", arity("scan")),
         ("SCAN 0 MATCH k TYPE STRING COUNT 5", [b"0", [b"k"]]), ("SCAN 0 type zset", [b"0", []]))


@case(protocols=BOTH)
def test_randomkey(c):
    rows(c, ("RANDOMKEY", None), ("SET only v", OK), ("RANDOMKEY", b"only"),
         ("RANDOMKEY x", arity("randomkey")))
    names = fill(c, 50) | {b"only"}
    seen = {c.cmd("RANDOMKEY").value for _ in range(3000)}
    assert seen == names


@case(protocols=BOTH)
def test_object(c):
    lfu = Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
                "note that when switching between policies at runtime LRU and LFU data will take "
                "some time to adjust.")
    rows(c,
         ("SET i 10", OK), ("SET s short", OK), ("SET l " + "x" * 45, OK),
         ("OBJECT ENCODING i", b"int"), ("OBJECT ENCODING s", b"embstr"),
         ("object encoding l", b"raw"), ("OBJECT ENCODING n", None), ("OBJECT REFCOUNT s", 1),
         ("OBJECT REFCOUNT i", 2 ** 31 - 1), ("OBJECT REFCOUNT n", None),
         ("OBJECT IDLETIME n", None),
         ("OBJECT IDLETIME s", 0), ("OBJECT FREQ s", lfu), ("OBJECT FREQ n", None),
         ("OBJECT ENCODING", arity("object|encoding")),
         ("OBJECT ENCODING a b", arity("object|encoding")), ("OBJECT", arity("object")),
         ("OBJECT FOO s", Error("ERR unknown subcommand 'FOO'. Try OBJECT HELP.")))
    lines = c.cmd("OBJECT", "HELP")
    assert lines[0] == "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert {"ENCODING <key>", "FREQ <key>", "IDLETIME <key>", "REFCOUNT <key>", "HELP"} <= {
        line.value.decode() for line in lines}


@case
def test_idle_time(c):
    rows(c, ("MSET a 1 b 2", OK))
    time.sleep(1.2)
    rows(c, ("TYPE a", "string"), ("TTL a", -1), ("EXISTS a", 1))
    idle = c.cmd("OBJECT", "IDLETIME", "a").value
    assert 1 <= idle <= 3, idle
    rows(c, ("TOUCH a", 1), ("OBJECT IDLETIME a", 0), ("GET b", b"2"), ("OBJECT IDLETIME b", 0))


@case(protocols=BOTH)
def test_wait(c):
    rows(c,
         ("WAIT 0 0", 0), ("WAIT 0 100000", 0), ("WAIT -1 0", 0), ("WAIT x 1", NOT_INTEGER),
         ("WAIT 1 x", Error("ERR timeout is not an integer or out of range")),
         ("WAIT 1 -1", Error("ERR timeout is negative")), ("WAIT 1", arity("wait")))
    started = time.monotonic()
    rows(c, ("WAIT 1 150", 0))
    took = time.monotonic() - started
    assert 0.14 <= took < 5, took
    c.send("WAIT", 1, 100)
    c.send("SET", "k", "v")
    c.send("GET", "k")
    assert [c.read(), c.read(), c.read()] == [0, OK, b"v"]
    other = c.server.connect()
    other.send("WAIT", 1, 0)
    other.send("GET", "k")
    rows(c, ("GET k", b"v"))
    other.close()
    rows(c, ("PING", "PONG"))


@case(protocols=BOTH)
def test_waitaof(c):
    newer()
    rows(c,
         ("WAITAOF 0 0 0", [0, 0]), ("WAITAOF 0 1 50", [0, 0]),
         ("WAITAOF 1 0 0",
          Error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")),
         ("WAITAOF 2 0 0", Error("ERR value is out of range, must be between 0 and 1")),
         ("WAITAOF x 0 0", NOT_INTEGER),
         ("WAITAOF 0 -1 0", Error("ERR value is out of range, must be positive")),
         ("WAITAOF 0 1 x", Error("ERR timeout is not an integer or out of range")),
         ("WAITAOF 0 1 -1", Error("ERR timeout is negative")), ("WAITAOF 0 0", arity("waitaof")))


main()
