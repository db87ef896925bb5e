"""Blocking commands over the wire: whatever makes a key appear serves those who wait for it.

Rows are (what is there before, the line that makes it appear, what is left). All of it holds on
Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import shlex

from pollard_test import case, main
from talkers import BOTH, OK, client, items, rows, waits

LISTS = (
    ((), "LPUSH k x", []), ((), "RPUSH k x y", ["y"]), (("RPUSH b x",), "RENAME b k", []),
    (("RPUSH b x y",), "RENAMENX b k", ["y"]), (("RPUSH b x",), "COPY b k", []),
    (("RPUSH b x",), "COPY b k REPLACE", []), (("RPUSH b x",), "LMOVE b k LEFT LEFT", []),
    (("RPUSH b x",), "RPOPLPUSH b k", []), (("RPUSH b x",), "BLMOVE b k LEFT RIGHT 0", []),
    (("RPUSH b x",), "BRPOPLPUSH b k 0", []), (("RPUSH b x y",), "SORT b ALPHA STORE k", ["y"]),
    (("SELECT 1", "RPUSH k x", "SELECT 0"), "SWAPDB 0 1", []),
    (("SELECT 1", "RPUSH k x y", "SELECT 0"), "SWAPDB 1 0", ["y"]),
)
SORTED_SETS = (
    ((), "ZADD k 1 x", []), ((), "ZADD k 1 x 2 y", ["y"]), ((), "ZINCRBY k 1 x", []),
    ((), "ZADD k INCR 1 x", []), (("ZADD b 1 x",), "RENAME b k", []),
    (("ZADD b 1 x",), "COPY b k", []), (("ZADD b 1 x",), "ZUNIONSTORE k 1 b", []),
    (("ZADD b 1 x 2 y",), "ZINTERSTORE k 2 b b", ["y"]),
    (("ZADD b 1 x",), "ZDIFFSTORE k 2 b nosuch", []),
    (("ZADD b 1 x 2 y",), "ZRANGESTORE k b 0 -1", ["y"]),
    (("SADD b x",), "ZUNIONSTORE k 1 b", []),
    (("GEOADD b 1 1 x",), "GEOSEARCHSTORE k b FROMLONLAT 1 1 BYRADIUS 9 km", []),
    (("GEOADD b 1 1 x",), "GEORADIUS b 1 1 9 km STORE k", []),
    (("GEOADD b 1 1 x",), "GEORADIUSBYMEMBER b x 9 km STOREDIST k", []),
    ((), "GEOADD k 1 1 x", []), (("SELECT 1", "ZADD k 1 x", "SELECT 0"), "SWAPDB 0 1", []),
)


def run(c, lines):
    for line in lines:
        reply = c.cmd(*shlex.split(line))
        assert reply.kind != "error", (line, reply)


def serve(c, command, table, range_of):
    """A client waits with command; each row must serve it at once, before the next command."""
    a = client(c)
    for before, line, left in table:
        c.cmd("FLUSHALL").is_ok()
        run(c, before)
        waits(c, a, command)
        c.pipeline(shlex.split(line))
        assert c.cmd(range_of, "k", "0", "-1") == [name.encode() for name in left], line
        reply = a.read()
        assert reply[0] == b"k" and reply[1] == b"x", (line, reply)
        for transaction in (("MULTI",), shlex.split(line), ("DISCARD",)):
            c.cmd(*transaction)


@case(protocols=BOTH)
def test_lists(c):
    serve(c, "BLPOP k 0", LISTS, "LRANGE")


@case(protocols=BOTH)
def test_lists_with_other_keys(c):
    serve(c, "BLPOP other k another 0", LISTS, "LRANGE")


@case(protocols=BOTH)
def test_sorted_sets(c):
    serve(c, "BZPOPMIN k 0", SORTED_SETS, "ZRANGE")


@case(protocols=BOTH)
def test_in_transactions(c):
    """The same lines inside of MULTI: served when EXEC has ended."""
    a = client(c)
    for command, table in (("BLPOP k 0", LISTS), ("BZPOPMIN k 0", SORTED_SETS)):
        for before, line, _ in table:
            c.cmd("FLUSHALL").is_ok()
            run(c, before)
            waits(c, a, command)
            replies = c.pipeline(("MULTI",), shlex.split(line), ("EXISTS", "k"), ("EXEC",),
                                 ("SELECT", "0"))
            assert replies[3][1] == 1, (line, replies)
            reply = a.read()
            assert reply[0] == b"k" and reply[1] == b"x", (line, reply)


@case(protocols=BOTH)
def test_move_and_copy_between_databases(c):
    a = client(c)
    for lines in (("RPUSH k x", "MOVE k 0"), ("RPUSH b x", "COPY b k DB 0"),
                  ("RPUSH k x", "COPY k k DB 0")):
        c.cmd("FLUSHALL").is_ok()
        waits(c, a, "BLPOP k 0")
        rows(c, ("SELECT 1", OK))
        run(c, lines)
        rows(c, ("SELECT 0", OK), ("EXISTS k", 0))
        assert a.read() == items("k x")


@case(protocols=BOTH)
def test_swapdb_to_a_waiting_client(c):
    a, b = client(c), client(c)
    rows(a, ("SELECT 2", OK))
    rows(c, ("RPUSH k x y", 2))
    waits(b, a, "BLPOP k 0")
    rows(c, ("SWAPDB 0 2", OK), ("EXISTS k", 0), ("SELECT 2", OK), ("LRANGE k 0 -1", items("y")))
    assert a.read() == items("k x")
    rows(a, ("LRANGE k 0 -1", items("y")))


@case(protocols=BOTH)
def test_expired_sources_serve_nobody(c):
    a = client(c)
    waits(c, a, "BLPOP k 0")
    rows(c, ("MULTI", OK), ("RPUSH k x", "QUEUED"), ("PEXPIRE k -1", "QUEUED"), ("EXEC", [1, 1]),
         ("RPUSH k y", 1))
    assert a.read() == items("k y")


@case(protocols=BOTH)
def test_flushed_while_waiting(c):
    a = client(c)
    for line in ("FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "SWAPDB 0 1", "SWAPDB 0 0"):
        waits(c, a, "BLPOP k 0")
        run(c, (line, "RPUSH k x"))
        assert a.read() == items("k x"), line


@case(protocols=BOTH)
def test_large_elements(c):
    a = client(c)
    value = bytes(range(256)) * 4000
    waits(c, a, "BLMOVE k b LEFT LEFT 0")
    assert c.cmd("RPUSH", "k", value) == 1
    assert a.read() == value and c.cmd("LINDEX", "b", "0") == value


main()
