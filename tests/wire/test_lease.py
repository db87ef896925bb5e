"""LEASE.GET and LEASE.SET over the wire: states, who gets the token, waiting, what ends a lease.
Whose turn it is when one has ended is in test_lease_turns.py.

All of it is newer than Redis 7.0. Time is waited for by polling what it changes: a lease that is
over is given to the poll.
"""
import shlex

from leases import LONG, MISS, becomes, get, ready, stale, token_of
from pollard_test import Error, case, main, wait_for
from talkers import (BOTH, NOT_INTEGER, OK, POSITIVE, SYNTAX, WRONG, arity, client, clients,
                     fields, gone, info, rows, still_waits, waits)

RANGE = Error("ERR LEASE must be between 1 and 86400000 milliseconds")


@case(protocols=BOTH)
def test_arguments(c):
    for words in ("", " k", " k LEASE", " k 10"):
        rows(c, ("LEASE.GET" + words, arity("lease.get")))
    for words in ("", " k", " k v"):
        rows(c, ("LEASE.SET" + words, arity("lease.set")))
    rows(c, ("LEASE.GET k GRACE 10", SYNTAX), ("LEASE.GET k LEASE 10 x", SYNTAX),
         ("LEASE.GET k LEASE 10 GRACE", SYNTAX), ("LEASE.GET k LEASE 10 WAIT", SYNTAX),
         ("LEASE.GET k LEASE 10 SOFT 10", SYNTAX), ("LEASE.GET k GRACE 10 WAIT 10", SYNTAX),
         ("LEASE.GET k LEASE abc", NOT_INTEGER), ("LEASE.GET k LEASE 1.5", NOT_INTEGER),
         ("LEASE.GET k LEASE 10 GRACE abc", NOT_INTEGER),
         ("LEASE.GET k LEASE 10 WAIT ''", NOT_INTEGER),
         ("LEASE.GET k LEASE 0", RANGE), ("LEASE.GET k LEASE -1", RANGE),
         ("LEASE.GET k LEASE 86400001", RANGE), ("LEASE.GET k LEASE 10 GRACE -1", POSITIVE),
         ("LEASE.GET k LEASE 10 WAIT -1", POSITIVE),
         ("LEASE.SET k v 1 x", SYNTAX), ("LEASE.SET k v 1 EX", SYNTAX),
         ("LEASE.SET k v 1 NX", SYNTAX), ("LEASE.SET k v 1 GET", SYNTAX),
         ("LEASE.SET k v 1 EX 10 PX 10", SYNTAX), ("LEASE.SET k v 1 SOFT", SYNTAX),
         ("LEASE.SET k v 1 EX abc", NOT_INTEGER),
         ("LEASE.SET k v 1 EX 0", Error("ERR invalid expire time in 'lease.set' command")),
         ("LEASE.SET k v 1 PX 10 SOFT 10",
          Error("ERR SOFT must be above 0 and end before the key expires")),
         ("LEASE.SET k v 1 JITTER 10", Error("ERR JITTER needs EX, PX, EXAT or PXAT")),
         ("LEASE.SET k v 1 EX 10 JITTER 101",
          Error("ERR JITTER must be a percentage between 0 and 100")),
         ("EXISTS k", 0))


@case(protocols=BOTH)
def test_wrong_type(c):
    rows(c, ("RPUSH l a", 1), ("LEASE.GET l LEASE 10", WRONG), ("SADD s a", 1),
         ("LEASE.GET s LEASE 10 WAIT 10", WRONG), ("LEASE.SET l v 1", None), ("LLEN l", 1))


@case(protocols=BOTH)
def test_fresh(c):
    rows(c, ("SET k v", OK), ("LEASE.GET k LEASE 10", [b"v", "FRESH", None]),
         ("lease.get k wait 10 grace 10 lease 86400000", [b"v", "FRESH", None]),
         ("SET k 12 EX 100 SOFT 50000", OK), ("LEASE.GET k LEASE 10", [b"12", "FRESH", None]),
         ("SET k '' EX 100", OK), ("LEASE.GET k LEASE 10 LEASE 20", [b"", "FRESH", None]))
    big = b"x" * 100000
    rows(c, (f"SET k {big.decode()}", OK), ("LEASE.GET k LEASE 10", [big, "FRESH", None]))


@case(protocols=BOTH)
def test_missing(c):
    token = token_of(get(c), "MISS")
    other = client(c)
    assert get(other) == MISS and get(c) == MISS and get(c, "k", "GRACE", "100") == MISS
    rows(c, ("LEASE.SET k v 1", None), ("LEASE.SET k v abc", None), ("LEASE.SET k v ''", None),
         ("LEASE.SET k v -1", None), ("LEASE.SET k v 0", None),
         ("LEASE.SET k v 99999999999999999999", None), ("EXISTS k", 0))
    assert other.cmd("LEASE.SET", "k", "v", token).is_ok(), "whoever has the token may bring it"
    assert get(c) == [b"v", "FRESH", None]
    c.cmd("LEASE.SET", "k", "w", token).is_null()
    rows(c, ("GET k", b"v"))


@case(protocols=BOTH)
def test_stale(c):
    stale(c)
    token = token_of(get(c), "STALE", b"old")
    assert get(c) == [b"old", "STALE", None]
    assert get(c, "k", "GRACE", "100000000") == [b"old", "STALE", None]
    assert get(c, "k", "WAIT", "10000") == [b"old", "STALE", None], "there is something to show"
    assert get(c, "k", "GRACE", "0") == MISS
    assert get(c, "k", "GRACE", "0", "WAIT", "0") == MISS
    assert c.cmd("LEASE.SET", "k", "new", token, "EX", "100", "SOFT", "50000").is_ok()
    assert get(c, "k", "GRACE", "0") == [b"new", "FRESH", None]
    assert 0 < c.cmd("TTL", "k").value <= 100


@case(protocols=BOTH)
def test_stale_beyond_grace(c):
    """Beyond the grace time the value is not shown to anybody, but is there."""
    stale(c)
    wait_for(lambda: get(c, "k", "GRACE", "5")[1] == "MISS", what="the grace time is over")
    rows(c, ("GET k", b"old"), ("DEL k", 1))
    stale(c)
    token_of(get(c, "k", "GRACE", "0"), "MISS")


@case(protocols=BOTH)
def test_options_of_set(c):
    for options, ttl in (("", -1), ("EX 100", 100), ("PX 100000", 100), ("KEEPTTL", 50),
                         ("EX 100 JITTER 0", 100), ("EXAT 99999999999", None),
                         ("PXAT 99999999999999", None), ("SOFT 100000", -1),
                         ("PX 100000 SOFT 9000 JITTER 10", None)):
        stale(c, "k", "old", "EX", "50")
        token = token_of(get(c), "STALE", b"old")
        c.cmd("LEASE.SET", "k", "new", token, *options.split()).is_ok()
        found = c.cmd("TTL", "k").value
        assert found > 0 if ttl is None else ttl - 1 <= found <= ttl, (options, found)
        # KEEPTTL keeps the soft time too.
        assert get(c)[:2] == [b"new", "STALE" if options == "KEEPTTL" else "FRESH"], options
        c.cmd("DEL", "k")
    token = token_of(get(c), "MISS")
    rows(c, ("LEASE.SET k v " + token.decode() + " PXAT 1", OK), ("EXISTS k", 0))


@case(protocols=BOTH)
def test_tokens_differ(c):
    tokens = [token_of(get(c, f"k{i}"), "MISS") for i in range(500)]
    assert len(set(tokens)) == 500
    assert any(int(token) >= 2**63 for token in tokens) and min(map(int, tokens)) < 2**63
    for i, token in enumerate(tokens):
        c.cmd("LEASE.SET", f"k{(i + 1) % 500}", "v", token).is_null()
    for i, token in enumerate(tokens):
        c.cmd("LEASE.SET", f"k{i}", "v", token).is_ok()


@case(protocols=BOTH)
def test_lease_ends_at_its_time(c):
    token = token_of(get(c, lease="20"), "MISS")
    becomes(c, "k", None, "MISS")
    c.cmd("LEASE.SET", "k", "v", token).is_null()
    stale(c)
    token = token_of(get(c, lease="20"), "STALE", b"old")
    becomes(c, "k", b"old", "STALE")
    c.cmd("LEASE.SET", "k", "v", token).is_null()
    rows(c, ("GET k", b"old"))


@case(protocols=BOTH)
def test_lease_that_is_over_is_no_lease(c):
    """Also when nobody has asked since."""
    token = token_of(get(c, lease="1"), "MISS")
    token_of(get(c, "other", lease="30"), "MISS")
    becomes(c, "other", None, "MISS")
    c.cmd("LEASE.SET", "k", "v", token).is_null()


# What ends a lease of "k"; before it the key may be made.
ENDING = ("SET k v", "SET k v EX 100", "SETEX k 10 v", "MSET a 1 k v", "APPEND k x",
          "SETRANGE k 0 x",
          "DEL k", "UNLINK k a", "GETDEL k", "RENAME other k", "COPY other k REPLACE", "FLUSHDB",
          "FLUSHALL", "SWAPDB 0 5", "DELPREFIX k", "DELPREFIX ''")


@case(protocols=BOTH)
def test_what_ends_it(c):
    """A write by others, and a deletion whether there was something or not."""
    for line in ENDING:
        for exists in (False, True):
            c.cmd("FLUSHALL").is_ok()
            c.cmd("SET", "other", "o").is_ok()
            if exists:
                stale(c)
            token = token_of(get(c), *(("STALE", b"old") if exists else ("MISS",)))
            assert c.cmd(*shlex.split(line)).kind != "error", line
            assert c.cmd("LEASE.SET", "k", "late", token).is_null(), (line, exists)
            assert not c.cmd("GET", "k") == b"late", line
    for line in ("INCR k", "RPUSH k a", "SADD k a", "HSET k f v", "MSETNX k v", "SETNX k v"):
        c.cmd("FLUSHALL").is_ok()
        token = token_of(get(c), "MISS")
        assert c.cmd(*line.split()) in (1, OK), line
        c.cmd("LEASE.SET", "k", "late", token).is_null()
    for line in ("EXPIREAT k 1", "GETEX k PXAT 1"):
        stale(c)
        token = token_of(get(c), "STALE", b"old")
        assert c.cmd(*line.split()).kind != "error", line
        c.cmd("LEASE.SET", "k", "late", token).is_null()


@case(protocols=BOTH)
def test_what_does_not_end_it(c):
    for line in ("GET k", "EXPIRE k 100", "PERSIST k", "GETEX k EX 100", "TOUCH k", "SET k v NX",
                 "DEL another", "DELPREFIX kk", "DELPREFIX a", "SET kk v", "LEASE.SET k v 5",
                 "COPY k another"):
        c.cmd("FLUSHALL").is_ok()
        stale(c)
        token = token_of(get(c), "STALE", b"old")
        assert c.cmd(*shlex.split(line)).kind != "error", line
        assert c.cmd("LEASE.SET", "k", "new", token).is_ok(), line
    # Another database has leases of its own.
    stale(c)
    token = token_of(get(c), "STALE", b"old")
    rows(c, ("SELECT 1", OK), ("SET k v", OK), ("DEL k", 1))
    second = token_of(get(c), "MISS")
    rows(c, ("FLUSHDB", OK), (f"LEASE.SET k v {second.decode()}", None), ("SELECT 0", OK),
         (f"LEASE.SET k new {token.decode()}", OK))


@case(protocols=BOTH)
def test_expiry_does_not_end_it(c):
    """Who rebuilds a value that goes meanwhile goes on."""
    c.cmd("SET", "k", "old", "PX", "60", "SOFT", "1").is_ok()
    wait_for(lambda: not get(c, lease="1")[1] == "FRESH", what="stale")
    replies = []

    def has_token():
        replies.append(get(c))
        return replies[-1][2].kind == "bulk"
    wait_for(has_token, what="a token")
    wait_for(lambda: c.cmd("EXISTS", "k") == 0, what="k is gone")
    wait_for(lambda: c.cmd("DBSIZE") == 0, what="k is out of memory")
    assert get(c) == MISS
    c.cmd("LEASE.SET", "k", "new", replies[-1][2].value).is_ok()
    rows(c, ("GET k", b"new"))


@case(protocols=BOTH)
def test_wait_is_served_by_lease_set(c):
    stale(c)
    token = token_of(get(c), "STALE", b"old")
    others = clients(c, 5)
    for other in others:
        waits(c, other, "LEASE.GET k LEASE 1000 GRACE 0 WAIT 50000")
    c.cmd("LEASE.SET", "k", "x", "5").is_null()
    still_waits(c, others[0])
    c.cmd("LEASE.SET", "k", "new", token).is_ok()
    for other in others:
        assert other.read() == [b"new", "FRESH", None]
    assert info(c, "clients")["blocked_clients"] == "0"


@case(protocols=BOTH)
def test_wait_is_served_by_any_string(c):
    a, b = clients(c, 2)
    for line in ("SET k new", "SETEX k 100 new", "MSET a 1 k new", "APPEND k new", "RENAME other k",
                 "COPY other k", "SET k new SOFT 100000", "SWAPDB 0 5", "MOVED"):
        c.cmd("FLUSHALL").is_ok()
        c.cmd("SET", "other", "new").is_ok()
        token_of(get(c), "MISS")
        waits(c, a, "LEASE.GET k LEASE 1000 WAIT 50000")
        waits(c, b, "LEASE.GET k LEASE 1000 WAIT 50000")
        if line == "SWAPDB 0 5":
            rows(c, ("SELECT 5", OK), ("SET k new", OK), ("SELECT 0", OK))
        if line == "MOVED":
            rows(c, ("SELECT 5", OK), ("SET k new", OK), ("MOVE k 0", 1), ("SELECT 0", OK))
        else:
            assert c.cmd(*line.split()).kind != "error", line
        assert a.read() == [b"new", "FRESH", None], line
        assert b.read() == [b"new", "FRESH", None], line


@case(protocols=BOTH)
def test_wait_is_not_served_by_others(c):
    """By what neither is a fresh string nor ends the lease."""
    other = client(c)
    stale(c)
    token_of(get(c), "STALE", b"old")
    waits(c, other, "LEASE.GET k LEASE 1000 GRACE 0 WAIT 50000")
    for line in ("EXPIRE k 100", "PERSIST k", "GETEX k EX 100", "TOUCH k", "SET k v NX", "SET kk v",
                 "DEL kk", "DELPREFIX kk", "SWAPDB 3 4", "COPY k kk", "LEASE.SET k v 5",
                 "SELECT 1", "SET k v", "DEL k", "FLUSHDB", "SELECT 0"):
        assert c.cmd(*line.split()).kind != "error", line
        still_waits(c, other)
    rows(c, ("EXPIREAT k 99999999999", 1), ("SET k v", OK))
    assert other.read() == [b"v", "FRESH", None]


@case(protocols=BOTH)
def test_wait_beside_other_waits(c):
    """The same key is waited for as a list and as a string."""
    a, b = clients(c, 2)
    token_of(get(c), "MISS")
    waits(c, a, "BLPOP k 0")
    waits(c, b, "LEASE.GET k LEASE 1000 WAIT 50000")
    rows(c, ("RPUSH k x", 1))
    assert a.read() == [b"k", b"x"]
    # The list came and went, and the lease with it.
    token_of(b.read(), "MISS")
    waits(c, a, "BLPOP k 0")
    waits(c, b, "LEASE.GET k LEASE 1000 WAIT 50000")
    rows(c, ("SET k v", OK))
    assert b.read() == [b"v", "FRESH", None]
    still_waits(c, a)
    a.close()


@case(protocols=BOTH)
def test_wait_ends(c):
    other = client(c)
    token_of(get(c), "MISS")
    assert get(other, "k", "WAIT", "20") == MISS
    assert get(other, "k", "WAIT", "1") == MISS
    # When the lease is over, who waits has the next one.
    c.cmd("DEL", "k")
    token_of(get(c, lease="30"), "MISS")
    token = token_of(get(other, "k", "WAIT", str(2**63 - 1)), "MISS")
    c.cmd("LEASE.SET", "k", "v", token).is_ok()
    # UNBLOCK, a client that goes.
    c.cmd("DEL", "k")
    token_of(get(c), "MISS")
    waits(c, other, "LEASE.GET k LEASE 1000 WAIT 50000")
    rows(c, (f"CLIENT UNBLOCK {other.id} ERROR", 1))
    other.read().is_error("UNBLOCKED")
    waits(c, other, "LEASE.GET k LEASE 1000 WAIT 50000")
    rows(c, (f"CLIENT UNBLOCK {other.id}", 1))
    assert other.read() == MISS
    waits(c, other, "LEASE.GET k LEASE 1000 WAIT 50000")
    other.close()
    gone(c, other.id)
    rows(c, ("SET k v", OK), ("GET k", b"v"))


@case(protocols=BOTH)
def test_first_of_a_wait_does_not_wait(c):
    """Who asks first gets the token at once, whatever time he would wait."""
    token_of(get(c, "k", "WAIT", "50000"), "MISS")
    stale(c, "s")
    token_of(get(c, "s", "GRACE", "0", "WAIT", "50000"), "MISS")


@case(protocols=BOTH)
def test_inside_a_transaction(c):
    """Nobody waits there, and what a transaction writes ends its own lease."""
    c.cmd("MULTI").is_ok()
    for line in ("LEASE.GET k LEASE 1000", "LEASE.GET k LEASE 1000 WAIT 50000", "SET k v",
                 "LEASE.GET k LEASE 1000", "DEL k", "LEASE.GET k LEASE 50000"):
        c.cmd(*line.split())
    found = c.cmd("EXEC")
    first, last = token_of(found[0], "MISS"), token_of(found[5], "MISS")
    assert found[1] == MISS and found[3] == [b"v", "FRESH", None]
    c.cmd("LEASE.SET", "k", "w", first).is_null()
    c.cmd("MULTI").is_ok()
    c.cmd("LEASE.SET", "k", "w", last)
    c.cmd("GET", "k")
    assert c.cmd("EXEC") == [OK, b"w"]
    # A waiter is served by the transaction as a whole.
    c.cmd("DEL", "k")
    token = token_of(get(c), "MISS")
    other = client(c)
    waits(c, other, "LEASE.GET k LEASE 1000 WAIT 50000")
    c.cmd("MULTI").is_ok()
    c.cmd("LEASE.SET", "k", "one", token)
    c.cmd("SET", "k", "two")
    c.cmd("EXEC")
    assert other.read() == [b"two", "FRESH", None]


@case(protocols=BOTH)
def test_watch_and_tracking(c):
    """A lease is no change of the key; LEASE.SET is one."""
    other = client(c, 3)
    other.cmd("CLIENT", "TRACKING", "ON").is_ok()
    rows(c, ("SET k v", OK))
    assert other.cmd("GET", "k") == b"v"
    stale(c)
    other.push()
    assert other.cmd("GET", "k") == b"old"
    rows(c, ("WATCH k", OK))
    token = token_of(get(other), "STALE", b"old")
    rows(c, ("MULTI", OK), ("PING", "QUEUED"))
    assert c.cmd("EXEC").kind == "array"
    rows(c, ("WATCH k", OK))
    assert client(c).cmd("LEASE.SET", "k", "new", token).is_ok()
    assert other.push()[1] == [b"k"]
    rows(c, ("MULTI", OK), ("PING", "QUEUED"))
    assert c.cmd("EXEC").kind.startswith("null")


@case(protocols=BOTH)
def test_hits_and_misses(c):
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    get(c)
    rows(c, ("SET k v", OK))
    get(c)
    get(c)
    found = info(c, "stats")
    assert (found["keyspace_hits"], found["keyspace_misses"]) == ("2", "1")


@case(options=("--shards", "1"))
def test_leases_of_a_shard_are_bounded(c):
    for i in range(1024):
        token_of(get(c, f"k{i}"), "MISS")
    get(c, "more").is_error("ERR too many leases are out")
    assert get(c, "k5") == MISS
    rows(c, ("SET stale v SOFT 1", OK))
    wait_for(lambda: get(c, "stale")[1] == "STALE", what="stale")
    assert get(c, "stale") == [b"v", "STALE", None], "what there is to show is shown"
    rows(c, ("DEL k7", 0))
    token_of(get(c, "more", lease="1"), "MISS")
    becomes(c, "more", None, "MISS")
    rows(c, ("FLUSHALL", OK))
    token_of(get(c, "k5"), "MISS")


@case
def test_memory_of_leases_comes_back(c):
    """Leases of keys that nobody asks for again are dropped after their time."""
    def used():
        return int(info(c, "memory")["used_memory"])
    before = used()
    for i in range(0, 20000, 1000):
        c.pipeline(*(("LEASE.GET", f"{'x' * 500}{j}", "LEASE", "1") for j in range(i, i + 1000)))
    wait_for(lambda: info(c, "clients")["total_leased_keys"] == "0", what="the leases are over")
    assert used() < before + 1000000
    get(c)
    assert info(c, "clients")["total_leased_keys"] == "1"


@case(protocols=BOTH)
def test_docs(c):
    for name, words in (("lease.get", ("LEASE", "GRACE", "WAIT")),
                        ("lease.set", ("SOFT", "JITTER", "PXAT", "token"))):
        text = repr(c.cmd("COMMAND", "DOCS", name))
        assert all(word in text for word in words), text
    assert c.cmd("COMMAND", "GETKEYS", "LEASE.SET", "k", "v", "1") == [b"k"]


@case(options=("--threads", "4", "--maxclients", "4000"), timeout=120)
def test_stampede(c):
    """1,000 clients ask for one expired key at once: one of them rebuilds it."""
    crowd = [c.server.connect() for _ in range(1000)]
    c.cmd("SET", "k", "old", "PX", "1").is_ok()
    wait_for(lambda: c.cmd("EXISTS", "k") == 0, what="k is gone")
    for one in crowd:
        one.send("LEASE.GET", "k", "LEASE", LONG, "WAIT", "60000")
    first = ready(crowd, 1)
    assert len(first) == 1
    token = token_of(first[0].read(), "MISS")
    wait_for(lambda: info(c, "clients")["blocked_clients"] == "999", what="the others wait")
    assert first[0].cmd("LEASE.SET", "k", "new", token, "EX", "100").is_ok()
    for one in crowd:
        if one is not first[0]:
            assert one.read() == [b"new", "FRESH", None]
    # The same without waiting: one token, and the stale value for all others.
    stale(c, "s", "old", "EX", "1000")
    for one in crowd:
        one.send("LEASE.GET", "s", "LEASE", LONG)
    replies = [one.read() for one in crowd]
    assert all(reply[:2] == [b"old", "STALE"] for reply in replies)
    assert sum(reply[2].kind == "bulk" for reply in replies) == 1
    # Who was to rebuild does not: one other gets his turn.
    token_of(get(c, "gone", lease="100"), "MISS")
    for one in crowd:
        one.send("LEASE.GET", "gone", "LEASE", LONG, "WAIT", "60000")
    second = ready(crowd, 1)
    assert len(second) == 1
    token = token_of(second[0].read(), "MISS")
    wait_for(lambda: info(c, "clients")["blocked_clients"] == "999", what="the others wait again")
    assert second[0].cmd("LEASE.SET", "gone", "new", token).is_ok()
    for one in crowd:
        if one is not second[0]:
            assert one.read() == [b"new", "FRESH", None]


@case(options=("--threads", "4", "--maxclients", "4000"), timeout=120)
def test_rounds_of_rebuilding(c):
    """Each round the value goes, all ask, and each gets what one of them has made of it."""
    crowd = [c.server.connect(2 + i % 2) for i in range(100)]
    for turn in range(30):
        key, value = f"k{turn % 7}", f"value {turn}".encode()
        c.cmd("DEL", key)
        for one in crowd:
            one.send("LEASE.GET", key, "LEASE", LONG, "WAIT", "60000")
        maker = ready(crowd, 1)[0]
        token = token_of(maker.read(), "MISS")
        assert maker.cmd("LEASE.SET", key, value, token, "PX", "100000").is_ok()
        for one in crowd:
            if one is not maker:
                assert one.read() == [value, "FRESH", None]
    assert fields(c, crowd[0].cmd("CLIENT", "ID").value) is not None


main()
