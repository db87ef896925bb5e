"""DELPREFIX over the wire: what it deletes, who hears of it, and that nobody waits for it. It is
newer than Redis 7.0."""
import shlex

from pollard_test import Error, case, main, wait_for
from talkers import (BOTH, OK, arity, client, clients, info, items, rows, still_waits, told,
                     tracker, waits)


def fill(c, prefix, count, value="v"):
    for begin in range(0, count, 1000):
        words = [word for i in range(begin, min(begin + 1000, count))
                 for word in (f"{prefix}{i}", value)]
        c.cmd("MSET", *words).is_ok()


@case(protocols=BOTH)
def test_arguments(c):
    rows(c, ("DELPREFIX", arity("delprefix")), ("DELPREFIX a b", arity("delprefix")),
         ("DELPREFIX a", 0), ("DELPREFIX ''", 0))


@case(protocols=BOTH)
def test_literal_bytes(c):
    names = [b"a", b"a*", b"a*b", b"ab", b"A", b"", b"b", b"a\0b", b"\xff\xfe", b"a?", b"[a]",
             b"x" * 300]

    def left(prefix):
        c.cmd("FLUSHALL").is_ok()
        for name in names:
            c.cmd("SET", name, "v").is_ok()
        expected = [name for name in names if not name.startswith(prefix)]
        assert c.cmd("DELPREFIX", prefix) == len(names) - len(expected), prefix
        assert sorted(c.cmd("KEYS", "*").value) == sorted(expected), prefix
        assert c.cmd("DBSIZE") == len(expected)
    for prefix in (b"a", b"a*", b"A", b"b", b"a\0", b"\xff", b"[", b"?", b"*", b"none", b"ab",
                   b"abc", b"x" * 299, b"x" * 300, b"x" * 301, b""):
        left(prefix)


@case(protocols=BOTH)
def test_every_type(c):
    lines = ("SET p:s v", "RPUSH p:l a b", "SADD p:i 1 2", "SADD p:t a", "HSET p:h f v",
             "ZADD p:z 1 a", "SETBIT p:b 1000000 1", "PFADD p:f a", "SET p:x v EX 100",
             "SET p:soft v SOFT 1", "HSET p:ttl f v", "HPEXPIRE p:ttl 100000 FIELDS 1 f")
    for line in lines:
        assert c.cmd(*line.split()).kind != "error", line
    rows(c, ("SET other v", OK), ("DELPREFIX p:", 11), ("DBSIZE", 1), ("EXISTS other", 1))
    big = b"x" * 1000000
    for i in range(20):
        c.cmd("SET", f"big{i}", big).is_ok()
    fill(c, "member:", 10)
    c.cmd("RPUSH", "big:list", *(str(i) for i in range(20000)))
    rows(c, ("DELPREFIX big", 21), ("DBSIZE", 11))
    wait_for(lambda: int(info(c, "memory")["used_memory"]) < 20000000, what="memory comes back")


@case(protocols=BOTH)
def test_only_this_database(c):
    rows(c, ("SET k 0", OK), ("SELECT 1", OK), ("SET k 1", OK), ("SET l 1", OK),
         ("DELPREFIX k", 1), ("EXISTS k", 0), ("EXISTS l", 1), ("SELECT 0", OK), ("GET k", b"0"),
         ("DELPREFIX ''", 1), ("SELECT 1", OK), ("EXISTS l", 1))


@case(protocols=BOTH)
def test_what_has_expired_is_not_counted(c):
    rows(c, ("DEBUG SET-ACTIVE-EXPIRE 0", OK), ("SET p:1 v PX 1", OK), ("SET p:2 v PX 1", OK),
         ("SET p:3 v", OK))
    wait_for(lambda: c.cmd("EXISTS", "p:2") == 0, what="expired")
    rows(c, ("DELPREFIX p:", 1), ("DBSIZE", 0), ("DEBUG SET-ACTIVE-EXPIRE 1", OK))


@case(protocols=BOTH)
def test_many(c):
    for shards in ("few", "many"):
        fill(c, f"{shards}:a:", 20000)
        fill(c, f"{shards}:b:", 20000)
        rows(c, (f"DELPREFIX {shards}:a:1", 11111), (f"DELPREFIX {shards}:a:", 8889),
             (f"DELPREFIX {shards}:a:", 0), ("DBSIZE", 20000),
             (f"GET {shards}:b:19999", b"v"), (f"DELPREFIX {shards}", 20000), ("DBSIZE", 0))


@case(options=("--shards", "1"))
def test_one_shard(c):
    """Many holds of the same table, while it shrinks."""
    fill(c, "a:", 30000)
    fill(c, "b:", 10000)
    c.cmd("SET", "c", "v", "EX", "100").is_ok()
    rows(c, ("DELPREFIX a:", 30000), ("DBSIZE", 10001), ("EXISTS c b:0 b:9999 a:0", 3),
         ("DELPREFIX b:", 10000), ("DBSIZE", 1), ("DELPREFIX c", 1), ("DBSIZE", 0),
         ("SET k v", OK), ("DELPREFIX k", 1))


@case(protocols=BOTH)
def test_events(c):
    rows(c, ("SET p:1 v", OK), ("SET p:2 v", OK), ("SET q v", OK),
         ("CONFIG SET notify-keyspace-events EA", OK))
    listener = client(c)
    listener.send("PSUBSCRIBE", "__keyevent@*__:*")
    listener.read()
    rows(c, ("DELPREFIX p:", 2), ("DELPREFIX p:", 0), ("SET end v", OK))
    found = [listener.read().value[2:] for _ in range(3)]
    assert sorted(found[:2]) == [[b"__keyevent@0__:del", b"p:1"], [b"__keyevent@0__:del", b"p:2"]]
    assert found[2] == [b"__keyevent@0__:set", b"end"]


@case(protocols=BOTH)
def test_watch(c):
    other = client(c)
    for prefix, runs in (("k", False), ("", False), ("kk", True), ("x", True)):
        rows(c, ("SET k v", OK), ("WATCH k", OK))
        other.cmd("DELPREFIX", prefix)
        rows(c, ("MULTI", OK), ("PING", "QUEUED"))
        assert (c.cmd("EXEC").kind == "array") is runs, prefix
    rows(c, ("DEL k", 1), ("WATCH k", OK), ("DELPREFIX k", 0), ("MULTI", OK), ("PING", "QUEUED"),
         ("EXEC", ["PONG"]))


@case(protocols=BOTH)
def test_invalidation(c):
    a = tracker(c)
    own = tracker(c, "NOLOOP")
    all_of = tracker(c, "BCAST", "PREFIX", "p:")
    rows(c, ("SET p:1 v", OK), ("SET q v", OK))
    told(all_of, ["p:1"])
    for one in (a, own):
        assert one.cmd("GET", "p:1") == b"v" and one.cmd("GET", "q") == b"v"
    assert own.cmd("DELPREFIX", "p") == 1
    told(a, ["p:1"])
    told(own)
    told(all_of, ["p:1"])


@case(protocols=BOTH)
def test_inside_a_transaction(c):
    fill(c, "p:", 500)
    rows(c, ("MULTI", OK), ("SET p:new v", "QUEUED"), ("DELPREFIX p:", "QUEUED"),
         ("EXISTS p:1 p:new", "QUEUED"), ("SET p:after v", "QUEUED"), ("DELPREFIX p:", "QUEUED"),
         ("EXEC", [OK, 501, 0, OK, 1]), ("DBSIZE", 0))


@case(protocols=BOTH)
def test_waiting_clients_go_on_waiting(c):
    other = client(c)
    waits(c, other, "BLPOP p:list 0")
    rows(c, ("SET p:1 v", OK), ("DELPREFIX p:", 1))
    still_waits(c, other)
    rows(c, ("RPUSH p:list x", 1))
    assert other.read() == items("p:list x")


@case(options=("--threads", "2"))
def test_others_go_on(c):
    """Writers and a reader while it runs: what was there before is gone, the rest is as written."""
    fill(c, "old:", 100000)
    fill(c, "keep:", 1000)
    others = clients(c, 4)
    deleting = client(c)
    deleting.send("DELPREFIX", "old:")
    for turn in range(200):
        for i, other in enumerate(others):
            other.cmd("SET", f"new:{i}:{turn}", "v").is_ok()
            assert other.cmd("GET", f"keep:{turn}") == b"v"
    assert deleting.read() == 100000
    assert c.cmd("EXISTS", "old:1", "old:99999") == 0
    rows(c, ("DBSIZE", 1800), ("DELPREFIX new:", 800), ("DELPREFIX keep:", 1000))


@case
def test_a_client_that_goes(c):
    """What was begun is done."""
    fill(c, "old:", 50000)
    other = client(c)
    other.send("DELPREFIX", "old:")
    other.close()
    wait_for(lambda: c.cmd("DBSIZE") == 0, what="all are deleted")


@case(protocols=BOTH)
def test_figures_and_docs(c):
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    fill(c, "p:", 10)
    before = int(info(c, "persistence").get("rdb_changes_since_last_save", 0))
    rows(c, ("DELPREFIX p:", 10))
    after = int(info(c, "persistence").get("rdb_changes_since_last_save", 10))
    assert after - before == 10
    assert "prefix" in repr(c.cmd("COMMAND", "DOCS", "delprefix"))
    assert c.cmd(*shlex.split("COMMAND GETKEYS DELPREFIX p")) == Error(
        "ERR The command has no key arguments")


main("--enable-debug-command", "yes")
