"""Client-side caching over the wire: BCAST with prefixes, and REDIRECT to another connection.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import shlex

from pollard_test import Error, case, main, wait_for
from talkers import BOTH, OK, client, fields, gone, items, rows

CHANNEL = b"__redis__:invalidate"


def lines(c, *texts):
    for text in texts:
        reply = c.cmd(*shlex.split(text))
        assert reply.kind != "error", (text, reply)


def caster(c, *options):
    a = client(c, 3)
    a.cmd("CLIENT", "TRACKING", "ON", "BCAST", *options).is_ok()
    return a


def names_of(a, count):
    """The names of invalidations until that many have come, without order."""
    found = []
    while len(found) < count:
        push = a.push()
        assert push[0] == b"invalidate", push
        found += [name.decode() for name in push[1].value]
    return sorted(found)


def overlap(one, other):
    return Error(f"ERR Prefix '{one}' overlaps with an existing prefix '{other}'. Prefixes for a "
                 "single client must not overlap.")


def overlap_given(one, other):
    return Error(f"ERR Prefix '{one}' overlaps with another provided prefix '{other}'. Prefixes "
                 "for a single client must not overlap.")


@case(protocols=(3,))
def test_prefixes_that_overlap(c):
    rows(c, ("CLIENT TRACKING ON BCAST PREFIX a PREFIX ab", overlap_given("a", "ab")),
         ("CLIENT TRACKING ON BCAST PREFIX ab PREFIX a", overlap_given("ab", "a")),
         ("CLIENT TRACKING ON BCAST PREFIX a PREFIX a", overlap_given("a", "a")),
         ("CLIENT TRACKING ON BCAST PREFIX '' PREFIX a", overlap_given("", "a")),
         ("CLIENT TRACKING ON BCAST PREFIX ab PREFIX ac", OK),
         ("CLIENT TRACKING ON BCAST PREFIX a", overlap("a", "ab")),
         ("CLIENT TRACKING ON BCAST PREFIX abc", overlap("abc", "ab")),
         ("CLIENT TRACKING ON BCAST PREFIX ad", OK))


@case(protocols=(3,))
def test_every_write(c):
    a = caster(c)
    for line, changed in (("SET k 1", "k"), ("SET k 1", "k"), ("MSET k 1 j 2", "j k"),
                          ("INCR k", "k"), ("RPUSH l x", "l"), ("LPOP l", "l"), ("DEL k", "k"),
                          ("RENAME j i", "i j"), ("SADD s a", "s"), ("EXPIRE s 1000", "s"),
                          ("COPY s t", "t")):
        lines(c, line)
        a.send("PING")
        names = set()
        while (reply := a.read()).kind == "push":
            names.update(name.decode() for name in reply[1].value)
        assert sorted(names) == changed.split(), line
    lines(c, "SADD s a", "DEL nosuch", "SETNX i 1", "GET i")
    lines(c, "SET last 1")
    assert names_of(a, 1) == ["last"]


@case(protocols=(3,))
def test_a_transaction(c):
    a = caster(c)
    lines(c, "MULTI", "SET k 1", "SET j 1", "INCR k", "EXEC", "SET last 1")
    names = set()
    while "last" not in names:
        names.update(name.decode() for name in a.push()[1].value)
    assert names == {"k", "j", "last"}


@case(protocols=(3,))
def test_prefixes(c):
    a, b = caster(c, "PREFIX", "user:", "PREFIX", "obj:"), caster(c, "PREFIX", "user:1")
    lines(c, "SET user:1 1")
    assert names_of(a, 1) == ["user:1"] and names_of(b, 1) == ["user:1"]
    lines(c, "SET user:2 1", "SET other 1", "SET user 1", "SET obj: 1", "SET user:12 1")
    assert names_of(a, 3) == ["obj:", "user:12", "user:2"] and names_of(b, 1) == ["user:12"]
    lines(a, "CLIENT TRACKING ON BCAST PREFIX more")
    lines(c, "SET more 1", "SET user:3 1")
    assert names_of(a, 2) == ["more", "user:3"]


@case(protocols=(3,))
def test_own_writes(c):
    a, b = caster(c), caster(c, "NOLOOP")
    lines(a, "SET k 1")
    assert names_of(a, 1) == ["k"] and names_of(b, 1) == ["k"]
    lines(b, "SET j 1")
    assert names_of(a, 1) == ["j"]
    lines(c, "SET i 1")
    assert names_of(b, 1) == ["i"] and names_of(a, 1) == ["i"]


@case(protocols=(3,))
def test_flush(c):
    a = caster(c, "PREFIX", "user:")
    lines(c, "SET other 1", "FLUSHALL")
    assert a.push() == [b"invalidate", None]


@case(protocols=(3,))
def test_expired(c):
    a = caster(c)
    lines(c, "SET k 1 PX 40")
    while names_of(a, 1) == ["k"]:
        if c.cmd("EXISTS", "k") == 0:
            break


@case(protocols=(3,))
def test_off(c):
    a = caster(c, "PREFIX", "a", "PREFIX", "b")
    lines(a, "CLIENT TRACKING OFF")
    lines(c, "SET a 1")
    a.send("PING")
    assert a.read() == "PONG"
    lines(a, "CLIENT TRACKING ON")
    lines(c, "SET a 1")
    a.send("PING")
    assert a.read() == "PONG"


@case(protocols=BOTH)
def test_redirect_to_a_subscriber(c):
    """The old way: a RESP2 connection listens on a channel for the others."""
    a, listener = client(c), client(c, 2)
    listener.cmd("SUBSCRIBE", CHANNEL)
    lines(a, f"CLIENT TRACKING ON REDIRECT {listener.id}", "GET k", "MGET i j")
    rows(a, ("CLIENT GETREDIR", listener.id))
    lines(c, "SET k 1", "MSET i 1 j 1")
    assert [listener.read().value for _ in range(3)] == [
        [b"message", CHANNEL, [name]] for name in items("k i j")]
    lines(a, "GET k")
    lines(c, "FLUSHALL")
    assert listener.read().value == [b"message", CHANNEL, None]
    rows(a, ("PING", "PONG"))
    lines(a, "GET k", "SET k 2")
    assert listener.read().value == [b"message", CHANNEL, [b"k"]]


@case(protocols=BOTH)
def test_redirect_of_broadcasts(c):
    a, listener = client(c), client(c, 2)
    listener.cmd("SUBSCRIBE", CHANNEL)
    lines(a, f"CLIENT TRACKING ON BCAST PREFIX k REDIRECT {listener.id}")
    lines(c, "SET j 1", "SET k1 1")
    assert listener.read().value == [b"message", CHANNEL, [b"k1"]]


@case(protocols=BOTH)
def test_redirect_to_resp3(c):
    a, listener = client(c), client(c, 3)
    lines(a, f"CLIENT TRACKING ON REDIRECT {listener.id}", "GET k")
    lines(c, "SET k 1")
    assert listener.push() == [b"invalidate", [b"k"]]


@case(protocols=BOTH)
def test_redirect_to_one_that_does_not_listen(c):
    a, listener = client(c), client(c, 2)
    lines(a, f"CLIENT TRACKING ON REDIRECT {listener.id}", "GET k")
    lines(c, "SET k 1")
    rows(listener, ("PING", "PONG"))
    rows(a, ("PING", "PONG"))


@case(protocols=(3,))
def test_the_redirection_breaks(c):
    a, listener = client(c, 3), client(c, 2)
    lines(a, f"CLIENT TRACKING ON REDIRECT {listener.id}", "GET k")
    listener.close()
    gone(c, listener.id)
    lines(c, "SET k 1")
    wait_for(lambda: "R" in fields(c, a.id)["flags"])
    assert a.push() == [b"tracking-redir-broken", listener.id]
    flags = {flag.decode() for flag in a.cmd("CLIENT", "TRACKINGINFO")["flags"].value}
    assert flags == {"on", "broken_redirect"}
    lines(a, "CLIENT TRACKING OFF")
    assert "R" not in fields(c, a.id)["flags"]


main()
