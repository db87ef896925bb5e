"""WATCH over the wire: what makes a transaction fail, and what does not.

Rows are (what another client does, whether the watched key "k" counts as changed). All of it holds
on Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import shlex

from pollard_test import case, main, wait_for
from talkers import BOTH, OK, arity, client, clients, fields, gone, rows, waits

QUEUED = "QUEUED"


def passes(c):
    """Whether a transaction of c is run."""
    c.cmd("MULTI").is_ok()
    assert c.cmd("PING") == QUEUED
    reply = c.cmd("EXEC")
    if reply.kind == "array":
        assert reply == ["PONG"]
        return True
    assert reply.kind == ("null" if c.protocol == 3 else "null_array"), reply
    return False


def judge(c, *table):
    """(commands before, commands of another between WATCH k and EXEC, changed)."""
    other = client(c)
    for before, between, changed in table:
        other.cmd("SELECT", "0")
        other.cmd("FLUSHALL").is_ok()
        for line in before:
            assert other.cmd(*shlex.split(line)).kind != "error", line
        other.cmd("SELECT", "0")
        c.cmd("WATCH", "k").is_ok()
        for line in between:
            assert other.cmd(*shlex.split(line)).kind != "error", line
        assert passes(c) is not changed, (before, between)


@case(protocols=BOTH)
def test_arguments(c):
    rows(c, ("WATCH", arity("watch")), ("UNWATCH x", arity("unwatch")), ("WATCH k", OK),
         ("WATCH a b c k k", OK), ("UNWATCH", OK), ("UNWATCH", OK))
    assert passes(c)


@case(protocols=BOTH)
def test_strings(c):
    text = ["SET k text"]
    number = ["SET k 5"]
    judge(c, (text, [], False), (text, ["SET k text"], True), (text, ["GET k"], False),
          (text, ["SET other 1"], False), ([], ["SET k 1"], True), (text, ["SETNX k 1"], False),
          (text, ["SET k 1 NX"], False), ([], ["SET k 1 XX"], False), (text, ["APPEND k x"], True),
          (text, ["SETRANGE k 0 x"], True), ([], ["SETRANGE k 0 ''"], False),
          (number, ["INCR k"], True), (number, ["INCRBY k 0"], True), (text, ["GETDEL k"], True),
          (text, ["GETEX k"], False), (text, ["GETSET k text"], True),
          (text, ["MSET k 1 b 2"], True), (text, ["MSETNX k 1 b 2"], False),
          (text, ["SETBIT k 0 0"], False), (text, ["SETBIT k 0 1"], True),
          (text, ["BITOP NOT k nosuch"], True))


@case(protocols=BOTH)
def test_keys(c):
    text = ["SET k text"]
    judge(c, (text, ["DEL k"], True), ([], ["DEL k"], False), (text, ["UNLINK k"], True),
          ([], ["SET k 1", "DEL k"], True), (text, ["RENAME k b"], True),
          (["SET b 1"], ["RENAME b k"], True), (text, ["RENAME k b", "RENAME b k"], True),
          (text, ["COPY k b"], False), (text + ["SET b 1"], ["COPY b k"], False),
          (["SET b 1"], ["COPY b k"], True), (text + ["SET b 1"], ["COPY b k REPLACE"], True),
          (text, ["MOVE k 1"], True), (["SELECT 1", "SET k 1"], ["SELECT 1", "MOVE k 0"], True),
          (text, ["EXPIRE k 100"], True), (text, ["PERSIST k"], False),
          (text + ["EXPIRE k 100"], ["PERSIST k"], True), (text, ["EXPIRE k 100 XX"], False),
          (text, ["EXPIRE k -1"], True), (text, ["TOUCH k"], False), (text, ["TYPE k"], False),
          (text, ["OBJECT ENCODING k"], False), (["RPUSH b 1"], ["SORT b STORE k"], True),
          (text, ["SORT nosuch STORE k"], True), ([], ["SORT nosuch STORE k"], False))


@case(protocols=BOTH)
def test_whole_databases(c):
    text = ["SET k text"]
    judge(c, (text, ["FLUSHALL"], True), ([], ["FLUSHALL"], False), (text, ["FLUSHDB"], True),
          (text, ["FLUSHALL ASYNC"], True), (text, ["FLUSHDB ASYNC"], True),
          (["SET b 1"], ["FLUSHALL"], False), (text, ["SELECT 1", "FLUSHDB"], False),
          (text, ["SWAPDB 0 1"], True), (["SELECT 1", "SET k 1"], ["SWAPDB 0 1"], True),
          ([], ["SWAPDB 0 1"], False), (["SET b 1"], ["SWAPDB 0 1"], False),
          (text + ["SELECT 1", "SET k text"], ["SWAPDB 0 1"], True),
          (text, ["SWAPDB 1 2"], False), (text, ["SELECT 1", "SET k 1"], False))


@case(protocols=BOTH)
def test_collections(c):
    judge(c, (["RPUSH k a b"], ["LPUSH k x"], True), (["RPUSH k a b"], ["LPOP k"], True),
          (["RPUSH k a b"], ["LREM k 0 no"], False), (["RPUSH k a b"], ["LRANGE k 0 -1"], False),
          ([], ["LPUSHX k a"], False), (["RPUSH k a"], ["LMOVE k b LEFT LEFT"], True),
          (["RPUSH b a"], ["LMOVE b k LEFT LEFT"], True), (["RPUSH k a"], ["LSET k 0 a"], True),
          (["SADD k a"], ["SADD k a"], False), (["SADD k a"], ["SADD k b"], True),
          (["SADD k a"], ["SREM k b"], False), (["SADD k a"], ["SPOP k"], True),
          (["SADD b a"], ["SMOVE b k a"], True), (["SADD b a"], ["SUNIONSTORE k b"], True),
          ([], ["SUNIONSTORE k no"], False), (["HSET k a 1"], ["HSET k a 1"], True),
          (["HSET k a 1"], ["HSETNX k a 1"], False), (["HSET k a 1"], ["HDEL k b"], False),
          (["HSET k a 1"], ["HINCRBY k a 0"], True), (["ZADD k 1 a"], ["ZADD k 1 a"], False),
          (["ZADD k 1 a"], ["ZADD k 2 a"], True), (["ZADD k 1 a"], ["ZADD k GT 0 a"], False),
          (["ZADD k 1 a"], ["ZREM k b"], False), (["ZADD k 1 a"], ["ZPOPMIN k"], True),
          (["ZADD b 1 a"], ["ZRANGESTORE k b 0 -1"], True), (["PFADD k a"], ["PFADD k a"], False),
          ([], ["PFADD k"], True), (["GEOADD b 1 1 a"],
                                    ["GEOSEARCHSTORE k b FROMLONLAT 1 1 BYRADIUS 9 km"], True))


@case(protocols=BOTH)
def test_expiry(c):
    """A key that expires after WATCH has changed; one that was expired before has not."""
    other = client(c)
    other.cmd("SET", "k", "1", "PX", "30")
    c.cmd("WATCH", "k")
    wait_for(lambda: other.cmd("EXISTS", "k") == 0)
    assert not passes(c)
    other.cmd("SET", "k", "1", "PX", "1")
    wait_for(lambda: other.cmd("EXISTS", "k") == 0)
    c.cmd("WATCH", "k")
    assert passes(c)


@case(protocols=BOTH)
def test_expiry_unseen(c):
    """Nobody looks at the key between its end and EXEC."""
    other = client(c)
    other.cmd("SET", "k", "1", "PX", "30")
    c.cmd("WATCH", "k")
    other.send("BLPOP", "no", "0.1")
    other.read().is_null()
    assert not passes(c)


@case(protocols=BOTH)
def test_flag_of_a_lost_watch(c):
    """CLIENT LIST tells that a watched key has changed."""
    other = client(c)
    c.cmd("WATCH", "k")
    assert "d" not in fields(other, c.cmd("CLIENT", "ID").value)["flags"]
    other.cmd("SET", "k", "1")
    assert "d" in fields(other, c.cmd("CLIENT", "ID").value)["flags"]
    c.cmd("UNWATCH")
    assert "d" not in fields(other, c.cmd("CLIENT", "ID").value)["flags"]


@case(protocols=BOTH)
def test_unwatch_discard_exec_forget(c):
    other = client(c)
    for command in ("UNWATCH", "DISCARD", "EXEC", "abort"):
        c.cmd("WATCH", "k", "j")
        if command != "UNWATCH":
            c.cmd("MULTI")
        if command == "abort":
            c.cmd("NOSUCH")
        c.cmd("EXEC" if command == "abort" else command)
        other.cmd("SET", "k", command)
        assert passes(c), command
    c.cmd("WATCH", "k")
    other.cmd("SET", "k", "1")
    assert c.cmd("EXEC").is_error("ERR EXEC without MULTI")
    assert c.cmd("DISCARD").is_error("ERR DISCARD without MULTI")
    assert not passes(c) and passes(c)


@case(protocols=BOTH)
def test_reset_forgets(c):
    other = client(c)
    c.cmd("WATCH", "k")
    other.cmd("SET", "k", "1")
    assert c.cmd("RESET") == "RESET"
    c.reader.protocol = c.protocol = 2
    assert passes(c)


@case(protocols=BOTH)
def test_own_changes(c):
    c.cmd("WATCH", "k")
    c.cmd("SET", "k", "1")
    assert not passes(c)
    c.cmd("WATCH", "k")
    rows(c, ("MULTI", OK), ("SET k 2", QUEUED), ("GET k", QUEUED), ("EXEC", [OK, b"2"]))


@case(protocols=BOTH)
def test_many_keys_and_watched_again(c):
    other = client(c)
    c.cmd("WATCH", *[f"k{i}" for i in range(1000)])
    other.cmd("SET", "k777", "x")
    c.cmd("WATCH", "k777", "k5")
    assert not passes(c)
    c.cmd("WATCH", *[f"k{i}" for i in range(1000)])
    other.cmd("SET", "k1000", "x")
    assert passes(c)


@case(protocols=BOTH)
def test_one_of_two_wins(c):
    a, b = clients(c, 2)
    for winner, loser in ((a, b), (b, a)) * 20:
        for one in (a, b):
            one.cmd("WATCH", "k")
            one.cmd("MULTI")
            one.cmd("INCR", "k")
        assert winner.cmd("EXEC").kind == "array" and loser.cmd("EXEC").is_null()
    assert c.cmd("GET", "k") == b"40"


@case(protocols=BOTH)
def test_other_databases(c):
    other = client(c)
    rows(c, ("SELECT 1", OK), ("WATCH k", OK), ("SELECT 0", OK))
    other.cmd("SET", "k", "1")
    assert passes(c)
    rows(c, ("SELECT 1", OK), ("WATCH k", OK), ("SELECT 0", OK))
    rows(other, ("SELECT 1", OK), ("SET k 1", OK))
    assert not passes(c)


@case(protocols=BOTH)
def test_served_clients_change_keys(c):
    """What a waiting client takes or gets counts as a change."""
    a, b = clients(c, 2)
    waits(c, a, "BLMOVE l m LEFT LEFT 0")
    c.cmd("WATCH", "m")
    b.cmd("RPUSH", "l", "x")
    assert a.read() == b"x"
    assert not passes(c)


@case(protocols=BOTH)
def test_counter_loop(c):
    """Optimistic locking of four clients, interleaved: nothing is lost."""
    workers = clients(c, 4)
    done = 0
    for _ in range(100):
        for worker in workers:
            worker.cmd("WATCH", "n")
            worker.value = int(worker.cmd("GET", "n").value or 0)
        for worker in workers:
            replies = worker.pipeline(("MULTI",), ("SET", "n", worker.value + 1), ("EXEC",))
            done += replies[2].kind == "array"
    assert done == 100 and c.cmd("GET", "n") == b"100"


@case(protocols=BOTH)
def test_dropped_watchers(c):
    for one in clients(c, 20):
        one.cmd("WATCH", "k", "a", "b")
        one.close()
        gone(c, one.id)
    c.cmd("SET", "k", "1").is_ok()


main()
