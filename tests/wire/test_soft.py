"""SET ... SOFT and JITTER over the wire: arguments, bounds, what keeps a soft time, what ends it.

All of it is newer than Redis 7.0. Nothing but LEASE.GET tells of a soft time; a poll of it is what
waits for staleness here.
"""
import shlex

from pollard_test import Error, case, main, wait_for
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, WRONG, items, rows

RANGE = Error("ERR SOFT must be above 0 and end before the key expires")
PERCENT = Error("ERR JITTER must be a percentage between 0 and 100")
ALONE = Error("ERR JITTER needs EX, PX, EXAT or PXAT")


def ask(c, key="k", *options):
    return c.cmd("LEASE.GET", key, "LEASE", "60000", *options)


def is_stale_soon(c, key="k"):
    """Waits until the value is not fresh any more; it is stale then, and still there."""
    replies = []

    def is_over():
        replies.append(ask(c, key))
        return not replies[-1][1] == "FRESH"
    wait_for(is_over, what=f"{key} is stale")
    assert replies[-1][1] == "STALE", replies[-1]
    assert c.cmd("EXISTS", key) == 1


@case(protocols=BOTH)
def test_arguments(c):
    rows(c, ("SET k v SOFT", SYNTAX), ("SET k v JITTER", SYNTAX), ("SET k v EX 10 SOFT", SYNTAX),
         ("SET k v SOFT abc", NOT_INTEGER), ("SET k v SOFT 1.5", NOT_INTEGER),
         ("SET k v SOFT ''", NOT_INTEGER), ("SET k v SOFT 0", RANGE), ("SET k v SOFT -1", RANGE),
         ("SET k v SOFT 9223372036854775807", RANGE),
         ("SET k v SOFT 9223372036854775808", NOT_INTEGER),
         ("SET k v EX 10 JITTER abc", NOT_INTEGER), ("SET k v EX 10 JITTER 1.5", NOT_INTEGER),
         ("SET k v EX 10 JITTER -1", PERCENT), ("SET k v EX 10 JITTER 101", PERCENT),
         ("SET k v JITTER 10", ALONE), ("SET k v KEEPTTL JITTER 10", ALONE),
         ("SET k v SOFT 10 JITTER 10", ALONE), ("SET k v SOFT 10 PERSIST", SYNTAX),
         ("SET k v EX 0 SOFT 1", Error("ERR invalid expire time in 'set' command")),
         ("EXISTS k", 0))
    # Where they are not known they are no options.
    rows(c, ("SET k v", OK), ("GETEX k SOFT 10", SYNTAX), ("GETEX k EX 10 JITTER 1", SYNTAX),
         ("SETEX k 10 v SOFT 1", Error("ERR wrong number of arguments for 'setex' command")))


@case(protocols=BOTH)
def test_soft_ends_before_the_key(c):
    rows(c, ("SET k v PX 100000 SOFT 100000", RANGE), ("SET k v PX 100000 SOFT 100001", RANGE),
         ("SET k v EX 100 SOFT 100000", RANGE), ("SET k v PXAT 1 SOFT 1", RANGE),
         ("SET k v EXAT 1 SOFT 1", RANGE), ("EXISTS k", 0), ("SET k v PX 100000 SOFT 99999", OK),
         ("SET k v SOFT 5000 EXAT 99999999999", OK), ("SET k v SOFT 5000 PXAT 99999999999999", OK),
         ("SET k v SOFT 4611686018427387904", OK), ("TTL k", -1))
    # With JITTER, before the earliest end that it may draw.
    rows(c, ("SET k v PX 100000 JITTER 50 SOFT 50000", RANGE),
         ("SET k v PX 100000 JITTER 50 SOFT 49999", OK),
         ("SET k v PX 100000 JITTER 100 SOFT 1", RANGE),
         ("SET k v PX 100000 JITTER 0 SOFT 99999", OK))
    # With KEEPTTL, before the end that the key has.
    rows(c, ("SET k v EX 100", OK), ("SET k v KEEPTTL SOFT 200000", RANGE), ("GET k", b"v"),
         ("SET k w KEEPTTL SOFT 50000", OK), ("GET k", b"w"), ("SET no v KEEPTTL SOFT 50000", OK),
         ("TTL no", -1))


@case(protocols=BOTH)
def test_words_in_any_order_and_case(c):
    rows(c, ("SET k v soft 50000 ex 100", OK), ("SET k v Jitter 10 SOFT 5000 Ex 100 GET", b"v"),
         ("SET k v XX SOFT 5000 GET", b"v"), ("SET k v NX SOFT 5000", None),
         ("SET k v SOFT 1 SOFT 100000", OK))
    assert ask(c) == [b"v", "FRESH", None], "the last one counts"
    rows(c, ("SET k w IFEQ v SOFT 5000 EX 100 JITTER 5", OK), ("GET k", b"w"),
         ("SET k x IFEQ v SOFT 5000", None), ("GET k", b"w"), ("SET n 5 SOFT 5000", OK),
         ("INCR n", 6), ("OBJECT ENCODING n", b"int"), ("RPUSH l a", 1),
         ("SET l v SOFT 5000 GET", WRONG), ("LRANGE l 0 -1", items("a")),
         ("SET l v SOFT 5000", OK), ("TYPE l", "string"))


@case(protocols=BOTH)
def test_every_size(c):
    for size in (0, 1, 31, 255, 256, 1024, 1025, 20000):
        for options in ((), ("EX", "100"), ("PXAT", "300000000000000")):
            for name in ("k", "k" * 255, "k" * 256):
                value = b"x" * size
                c.cmd("SET", name, value, "SOFT", "1", *options).is_ok()
                is_stale_soon(c, name)
                assert c.cmd("GET", name) == value
                assert c.cmd("STRLEN", name) == size
                assert (c.cmd("PTTL", name).value > 0) == bool(options)
                c.cmd("SET", name, value, "KEEPTTL").is_ok()
                assert ask(c, name)[1] == "STALE", "the soft time is kept with the TTL"
                c.cmd("SET", name, value).is_ok()
                assert ask(c, name) == [value, "FRESH", None]
                c.cmd("DEL", name)


def stale(c, key="k", value="10"):
    c.cmd("SET", key, value, "EX", "1000", "SOFT", "1").is_ok()
    is_stale_soon(c, key)


@case(protocols=BOTH)
def test_what_keeps_it(c):
    """The soft time goes with the value and its TTL."""
    for line in ("SET k v KEEPTTL", "APPEND k x", "INCR k", "INCRBYFLOAT k 0.5", "SETRANGE k 1 z",
                 "SETRANGE k 5000 z", "SETBIT k 1 1", "EXPIRE k 500", "PERSIST k", "GETEX k EX 9",
                 "GETEX k PERSIST", "GET k", "TOUCH k", "SET k v NX", "MSETNX k v"):
        stale(c)
        assert c.cmd(*shlex.split(line)).kind != "error", line
        assert ask(c)[1] == "STALE", line
    for line in ("COPY k to REPLACE", "RENAME k to"):
        stale(c)
        assert c.cmd(*shlex.split(line)).kind != "error", line
        assert ask(c, "to")[1] == "STALE", line
    stale(c)
    rows(c, ("MOVE k 3", 1), ("SELECT 3", OK))
    assert ask(c)[1] == "STALE"
    rows(c, ("SWAPDB 3 4", OK), ("SELECT 4", OK))
    assert ask(c)[1] == "STALE"


@case(protocols=BOTH)
def test_what_ends_it(c):
    for line in ("SET k v", "SET k v EX 100", "SET k v GET", "SETEX k 100 v", "PSETEX k 1000 v",
                 "GETSET k v", "MSET k v", "SET k v XX", "SET k v SOFT 100000",
                 "SET k v KEEPTTL SOFT 100000", "BITOP NOT k k", "RENAME other k",
                 "COPY other k REPLACE"):
        stale(c)
        c.cmd("SET", "other", "v").is_ok()
        assert c.cmd(*shlex.split(line)).kind != "error", line
        assert ask(c)[1] == "FRESH", line
    stale(c)
    rows(c, ("DEL k", 1), ("INCR k", 1))
    assert ask(c)[1] == "FRESH"


@case(protocols=BOTH)
def test_it_expires_all_the_same(c):
    c.cmd("SET", "k", "v", "PX", "30", "SOFT", "1").is_ok()
    wait_for(lambda: c.cmd("EXISTS", "k") == 0, what="k is gone")
    assert ask(c)[1] == "MISS"


@case(protocols=BOTH)
def test_jitter_spreads(c):
    """Within the bounds, and neither all at one nor all in one half."""
    for form, full in (("PX 1000000", 1000000), ("EX 1000", 1000000)):
        for percent, least in ((0, full), (50, full // 2), (100, 1)):
            found = []
            for i in range(200):
                c.cmd("SET", f"j{i}", "v", *form.split(), "JITTER", str(percent)).is_ok()
                found.append(c.cmd("PTTL", f"j{i}").value)
            slack = 60000  # between the two commands
            assert all(least - slack <= ttl <= full for ttl in found), (form, percent, found)
            if percent:
                assert max(found) - min(found) > (full - least) // 2, (form, percent)
    end = c.cmd("EXPIRETIME", "j0")
    assert end.kind == "integer"
    rows(c, ("SET k v PXAT 1 JITTER 50", OK), ("EXISTS k", 0), ("SET k v PX 1 JITTER 100", OK))
    at = int(c.cmd("TIME").value[0]) + 1000
    for _ in range(50):
        c.cmd("SET", "k", "v", "EXAT", str(at), "JITTER", "10").is_ok()
        assert at - 160 <= c.cmd("EXPIRETIME", "k").value <= at


@case(protocols=BOTH)
def test_docs(c):
    docs = c.cmd("COMMAND", "DOCS", "set")
    text = repr(docs)
    assert "SOFT" in text and "JITTER" in text


main()
