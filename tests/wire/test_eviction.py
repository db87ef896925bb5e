"""maxmemory-policy over the wire: who may be evicted, who is, who hears of it, and when nobody is.

Everything about Redis's own policies also holds on Redis 7.0 (POLLARD_SERVER=redis-server). Limits
are far apart from what is in use, because what a server takes besides keys differs.
"""
import time

from pollard_test import Error, Skip, case, is_oracle, main, wait_for
from talkers import BOTH, OK, client, info, newer, rows

OOM = Error("OOM command not allowed when used memory > 'maxmemory'.")
MANY = () if is_oracle() else ("--threads", "4", "--connection-spread", "all")
VALUE = b"v" * 1000
ROOM = 4_000_000
REDIS = ["allkeys-lru", "allkeys-lfu", "allkeys-random"]
REDIS_VOLATILE = ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
OWN = ["allkeys-lrm", "allkeys-tinylfu", "allkeys-s3fifo", "allkeys-sieve"]
OWN_VOLATILE = ["volatile-lrm", "volatile-tinylfu", "volatile-s3fifo", "volatile-sieve"]
ALLKEYS = REDIS if is_oracle() else REDIS + OWN
VOLATILE = REDIS_VOLATILE if is_oracle() else REDIS_VOLATILE + OWN_VOLATILE


empty = {}  # what a server used before its first limit


def used(c):
    return int(info(c, "memory")["used_memory"])


def evicted(c):
    return int(info(c, "stats")["evicted_keys"])


def limit(c, policy, room=ROOM):
    """A limit that leaves room for so many bytes more; the tenth is for what is no data."""
    c.cmd("CONFIG", "SET", "maxmemory-policy", policy).is_ok()
    if c.cmd("DBSIZE") == 0:
        empty.setdefault(c.server, used(c))
    c.cmd("CONFIG", "SET", "maxmemory", str(int((used(c) + room) / 0.9))).is_ok()


def unlimited(c):
    c.cmd("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction").is_ok()


def restart(c):
    """An empty server that has its memory back."""
    unlimited(c)
    c.cmd("FLUSHALL").is_ok()
    if c.server in empty:
        try:
            wait_for(lambda: used(c) < empty[c.server] + 1_500_000, 1, what="the memory is back")
        except AssertionError:
            pass  # a checking build keeps freed memory: the limits below count from what is in use


def fill(c, count, prefix="fill", seconds=None):
    """Sets so many keys, some at a time; returns the replies that are no OK."""
    bad = []
    for first in range(0, count, 100):
        numbers = range(first, min(first + 100, count))
        for i in numbers:
            ttl = () if seconds is None else ("EX", str(seconds))
            c.send("SET", f"{prefix}:{i}", VALUE, *ttl)
        bad += [reply for reply in (c.read() for _ in numbers) if reply != OK]
    return bad


def present(c, prefix, count):
    """Which of prefix:0 ... there are."""
    for i in range(count):
        c.send("EXISTS", f"{prefix}:{i}")
    return {i for i in range(count) if c.read() == 1}


@case(protocols=BOTH)
def test_names(c):
    for policy in ALLKEYS + VOLATILE + ["noeviction"]:
        rows(c, (f"CONFIG SET maxmemory-policy {policy}", OK),
             ("CONFIG GET maxmemory-policy", [b"maxmemory-policy", policy.encode()]
              if c.protocol == 2 else {b"maxmemory-policy": policy.encode()}))
        assert info(c, "memory")["maxmemory_policy"] == policy
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-none").is_error("ERR CONFIG SET failed")
    rows(c, ("CONFIG SET maxmemory-samples 10", OK), ("CONFIG SET lfu-log-factor 5", OK),
         ("CONFIG SET lfu-decay-time 3", OK))


@case(protocols=BOTH)
def test_noeviction_refuses(c):
    limit(c, "noeviction")
    bad = fill(c, 10000)
    assert bad and all(reply == OOM for reply in bad), bad[:3]
    assert evicted(c) == 0
    if not is_oracle():  # There clients take memory from the keys, while they do.
        c.cmd("LPUSH", "l", "x").is_error("OOM")
        c.cmd("MULTI").is_ok()
        c.cmd("SET", "k", "v").is_error("OOM")
        c.cmd("EXEC").is_error("EXECABORT")
    assert c.cmd("GET", "fill:0") == VALUE
    assert c.cmd("DEL", *(f"fill:{i}" for i in range(1000))) == 1000
    wait_for(lambda: c.cmd("SET", "k", "v") == OK, what="there is room again")
    restart(c)


@case(protocols=BOTH)
def test_allkeys_never_refuse(c):
    for policy in ALLKEYS:
        limit(c, policy)
        before = evicted(c)
        assert fill(c, 10000) == [], policy
        assert c.cmd("DBSIZE").value < 6000, policy
        assert c.cmd("DBSIZE").value > 1500, policy
        wait_for(lambda: evicted(c) - before == 10000 - c.cmd("DBSIZE").value, what=policy)
        c.cmd("MULTI").is_ok()
        c.send("SET", "k", "v")
        c.send("EXEC")
        assert c.read() == "QUEUED"
        assert c.read() == [OK], policy
        restart(c)


@case(protocols=BOTH)
def test_volatile_spare_the_others(c):
    for policy in VOLATILE:
        assert fill(c, 1000, "stays") == []
        limit(c, policy)
        assert fill(c, 10000, "goes", seconds=10000) == [], policy
        assert present(c, "stays", 1000) == set(range(1000)), policy
        assert c.cmd("DBSIZE").value < 7000, policy
        bad = fill(c, 10000, "more")
        assert bad and bad[-1] == OOM, policy
        assert present(c, "goes", 10000) == set(), policy
        assert present(c, "stays", 1000) == set(range(1000)), policy
        restart(c)


@case
def test_few_with_an_expiry_are_found(c):
    restart(c)
    assert fill(c, 20000, "stays") == []
    assert fill(c, 50, "goes", seconds=10000) == []
    limit(c, "volatile-lru", room=100_000)
    assert fill(c, 10000, "more")[-1] == OOM
    assert present(c, "goes", 50) == set()
    assert present(c, "stays", 20000) == set(range(20000))
    restart(c)


@case
def test_who_is_used_stays(c):
    if is_oracle():
        raise Skip("its clock counts seconds")
    for policy in [policy for policy in ALLKEYS if policy not in ("allkeys-random", "allkeys-lrm")]:
        limit(c, policy)
        assert fill(c, 100, "hot") == []
        for i in range(60):
            assert fill(c, 200, f"cold{i}") == []
            for j in range(100):
                c.send("GET", f"hot:{j}")
            for _ in range(100):
                c.read()
            time.sleep(0.004)
        hot = len(present(c, "hot", 100))
        assert hot >= 90, f"{policy}: {hot}"
        restart(c)


@case
def test_who_was_not_changed_goes(c):
    newer()
    limit(c, "allkeys-lrm")
    assert fill(c, 100, "read") == []
    assert fill(c, 100, "written") == []
    for i in range(60):
        assert fill(c, 200, f"cold{i}") == []
        assert fill(c, 100, "written") == []
        present(c, "read", 100)
        c.cmd("GET", "read:0")
        time.sleep(0.004)
    assert len(present(c, "read", 100)) == 0
    assert len(present(c, "written", 100)) >= 95
    restart(c)


@case
def test_the_soonest_to_expire_go(c):
    limit(c, "volatile-ttl")
    assert fill(c, 2000, "soon", seconds=1000) == []
    assert fill(c, 6000, "late", seconds=100000) == []
    assert len(present(c, "soon", 2000)) < 100
    restart(c)


@case(options=MANY)
def test_a_lower_limit_evicts(c):
    assert fill(c, 10000) == []
    half = used(c) - 6_000_000
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", str(half)).is_ok()
    wait_for(lambda: c.cmd("DBSIZE").value < 6500, what="keys go without a write")
    restart(c)


@case
def test_a_value_larger_than_all(c):
    newer()
    assert fill(c, 1000) == []
    limit(c, "allkeys-lru")
    c.cmd("SET", "k", b"x" * (3 * ROOM + 2 * used(c))).is_error("OOM")
    assert c.cmd("EXISTS", "k") == 0
    restart(c)


@case
def test_large_values_go(c):
    limit(c, "allkeys-lru", room=50_000_000)
    for i in range(300):
        c.cmd("SET", f"large:{i}", b"x" * 1_000_000).is_ok()
    assert 10 <= c.cmd("DBSIZE").value <= 60, c.cmd("DBSIZE")
    c.cmd("DEL", "set").value
    for i in range(300):
        c.cmd("SADD", f"set:{i}", *(f"{i}:{j}:{'m' * 50}" for j in range(2000)))
    assert c.cmd("DBSIZE").value >= 100
    restart(c)


@case(protocols=BOTH)
def test_events(c):
    c.cmd("CONFIG", "SET", "notify-keyspace-events", "KEe").is_ok()
    listener = client(c)
    listener.send("PSUBSCRIBE", "__key*__:*")
    listener.read()
    limit(c, "allkeys-random")
    assert fill(c, 6000) == []
    wait_for(lambda: info(c, "stats")["current_eviction_exceeded_time"] == "0",
             what="the budget holds")
    unlimited(c)
    gone, heard, messages = set(), set(), 0
    while len(gone) < 6000 - c.cmd("DBSIZE").value:  # a step on the pool may still be under way
        gone = set(range(6000)) - present(c, "fill", 6000)
        for messages in range(messages + 1, 2 * len(gone) + 1):
            message = listener.read()
            heard.add((message[2].value, message[3].value))
    assert len(gone) > 500
    keys = {f"fill:{i}".encode() for i in gone}
    assert {key for channel, key in heard if channel == b"__keyevent@0__:evicted"} == keys
    assert {channel for channel, event in heard if event == b"evicted"} == {
        b"__keyspace@0__:" + key for key in keys}
    c.cmd("CONFIG", "SET", "notify-keyspace-events", "").is_ok()
    restart(c)


@case(protocols=BOTH)
def test_a_watched_key_that_goes(c):
    c.cmd("SET", "k", VALUE, "EX", "10000").is_ok()
    c.cmd("WATCH", "k").is_ok()
    other = client(c)
    limit(other, "volatile-lru")
    fill(other, 6000)
    assert other.cmd("EXISTS", "k") == 0
    unlimited(other)
    c.cmd("MULTI").is_ok()
    assert c.cmd("PING") == "QUEUED"
    assert c.cmd("EXEC").value is None
    restart(c)


@case(protocols=BOTH)
def test_a_cached_key_that_goes(c):
    c.cmd("SET", "k", VALUE, "EX", "10000").is_ok()
    listener = client(c, 3)
    if c.protocol == 3:
        listener.cmd("CLIENT", "TRACKING", "ON").is_ok()
        reader = listener
    else:
        reader = client(c, 2)
        reader.cmd("CLIENT", "TRACKING", "ON", "REDIRECT", str(listener.id)).is_ok()
        listener.send("SUBSCRIBE", "__redis__:invalidate")
        listener.read()
    assert reader.cmd("GET", "k") == VALUE
    limit(c, "volatile-lru")
    fill(c, 6000)
    assert c.cmd("EXISTS", "k") == 0
    push = listener.read()
    assert push.kind == "push" and push[len(push.value) - 1] == [b"k"], push
    restart(c)


@case
def test_object(c):
    c.cmd("SET", "k", "v").is_ok()
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", "1").is_ok()
    c.cmd("SET", "new", "v").is_ok()
    assert c.cmd("OBJECT", "FREQ", "new") == 5
    for _ in range(200):
        c.cmd("GET", "new")
    assert 10 < c.cmd("OBJECT", "FREQ", "new").value < 60
    c.cmd("OBJECT", "IDLETIME", "new").is_error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.")
    assert c.cmd("OBJECT", "FREQ", "nosuch").value is None
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "lfu-log-factor", "10").is_ok()
    c.cmd("OBJECT", "FREQ", "k").is_error("ERR An LFU maxmemory policy is not selected")
    c.cmd("SET", "k", "v").is_ok()
    assert c.cmd("OBJECT", "IDLETIME", "k").value <= 1
    restart(c)


@case
def test_object_of_own_policies(c):
    newer()
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-tinylfu").is_ok()
    c.cmd("SET", "k", "v").is_ok()
    assert c.cmd("OBJECT", "FREQ", "k").value >= 1
    c.cmd("OBJECT", "IDLETIME", "k").is_error("ERR An LFU maxmemory policy is selected")
    for policy in ("allkeys-sieve", "volatile-s3fifo"):
        c.cmd("CONFIG", "SET", "maxmemory-policy", policy).is_ok()
        c.cmd("OBJECT", "FREQ", "k").is_error("ERR An LFU maxmemory policy is not selected")
        c.cmd("OBJECT", "IDLETIME", "k").is_error(
            "ERR The maxmemory policy that is selected tracks neither idle time nor access "
            "frequency of keys, only whether they were used.")
    c.cmd("CONFIG", "SET", "maxmemory-policy", "allkeys-lrm").is_ok()
    assert c.cmd("OBJECT", "IDLETIME", "k").kind == "integer"
    restart(c)


@case(options=MANY)
def test_policies_change_while_they_work(c):
    writers = [client(c) for _ in range(3)]
    limit(c, "allkeys-lru")
    for round_number in range(3):
        for policy in ALLKEYS + VOLATILE:
            c.cmd("CONFIG", "SET", "maxmemory-policy", policy).is_ok()
            for number, writer in enumerate(writers):
                for i in range(200):
                    writer.send("SET", f"{number}:{round_number}:{policy}:{i}", VALUE, "EX", "999")
            for writer in writers:
                assert all(writer.read() == OK for _ in range(200)), policy
    assert c.cmd("DBSIZE").value < 8000
    assert evicted(c) > 0
    restart(c)


@case
def test_figures(c):
    limit(c, "allkeys-lru")
    assert fill(c, 8000) == []
    stats = info(c, "stats")
    assert int(stats["evicted_keys"]) > 1000
    assert int(stats["total_eviction_exceeded_time"]) >= 0
    wait_for(lambda: info(c, "stats")["current_eviction_exceeded_time"] == "0",
             what="the budget holds")
    restart(c)


if __name__ == "__main__":
    main()
