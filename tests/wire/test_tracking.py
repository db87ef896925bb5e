"""Client-side caching over the wire: CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import shlex

from pollard_test import Error, case, main, wait_for
from talkers import (NOT_INTEGER, OK, SYNTAX, arity, client, clients, fields, gone,
                     info, rows, told, tracker, waits)

BOTH_MODES = Error("ERR You can't specify both OPTIN mode and OPTOUT mode")
WITH_BCAST = Error("ERR OPTIN and OPTOUT are not compatible with BCAST")
NO_PREFIX = Error("ERR PREFIX option requires BCAST mode to be enabled")
SWITCH = Error("ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.")
SWITCH_OPT = Error("ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this "
                   "client, and then re-enabling it with a different mode.")
NO_CLIENT = Error("ERR The client ID you want redirect to does not exist")
NO_RESP3 = Error("ERR Client tracking in RESP2 requires REDIRECT")
CACHING_YES = Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
CACHING_NO = Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
NO_TRACKING = Error("ERR CLIENT CACHING can be called only when the client is in tracking mode "
                    "with OPTIN or OPTOUT mode enabled")


def lines(c, *texts):
    for text in texts:
        reply = c.cmd(*shlex.split(text))
        assert reply.kind != "error", (text, reply)


def state(a):
    """(flags, redirect, prefixes) of CLIENT TRACKINGINFO."""
    reply = a.cmd("CLIENT", "TRACKINGINFO")
    assert reply.kind == ("map" if a.protocol == 3 else "array")
    if a.protocol == 3:
        assert reply["flags"].kind == "set"
    return ({flag.decode() for flag in reply["flags"].value}, reply["redirect"].value,
            sorted(prefix.decode() for prefix in reply["prefixes"].value))


@case(protocols=(3,))
def test_arguments(c):
    rows(c, ("CLIENT TRACKING", arity("client|tracking")), ("CLIENT TRACKING maybe", SYNTAX),
         ("CLIENT TRACKING ON x", SYNTAX), ("CLIENT TRACKING ON REDIRECT", SYNTAX),
         ("CLIENT TRACKING ON REDIRECT abc", NOT_INTEGER),
         ("CLIENT TRACKING ON REDIRECT 99999999", NO_CLIENT),
         ("CLIENT TRACKING ON PREFIX", SYNTAX), ("CLIENT TRACKING ON PREFIX a", NO_PREFIX),
         ("CLIENT TRACKING ON OPTIN OPTOUT", BOTH_MODES),
         ("CLIENT TRACKING ON BCAST OPTIN", WITH_BCAST),
         ("CLIENT TRACKING ON BCAST OPTOUT", WITH_BCAST),
         ("CLIENT CACHING", arity("client|caching")), ("CLIENT CACHING yes", NO_TRACKING),
         ("CLIENT CACHING maybe", NO_TRACKING), ("CLIENT GETREDIR x", arity("client|getredir")),
         ("CLIENT TRACKINGINFO x", arity("client|trackinginfo")), ("CLIENT TRACKING OFF", OK),
         ("CLIENT GETREDIR", -1))


@case(protocols=(3,))
def test_switching(c):
    rows(c, ("CLIENT TRACKING ON", OK), ("CLIENT TRACKING ON", OK),
         ("CLIENT TRACKING ON BCAST", SWITCH), ("CLIENT TRACKING OFF", OK),
         ("CLIENT TRACKING ON OPTIN", OK), ("CLIENT TRACKING ON OPTOUT", SWITCH_OPT),
         ("CLIENT CACHING NO", CACHING_NO), ("CLIENT CACHING YES", OK),
         ("CLIENT CACHING maybe", SYNTAX), ("CLIENT TRACKING OFF", OK),
         ("CLIENT TRACKING ON OPTOUT", OK), ("CLIENT CACHING YES", CACHING_YES),
         ("CLIENT CACHING NO", OK), ("CLIENT TRACKING OFF", OK),
         ("CLIENT TRACKING ON BCAST", OK), ("CLIENT TRACKING ON", SWITCH),
         ("CLIENT CACHING YES", CACHING_YES), ("CLIENT TRACKING OFF", OK),
         ("CLIENT CACHING YES", NO_TRACKING))


@case(protocols=(3,))
def test_info_of_the_state(c):
    other = client(c)
    assert state(c) == ({"off"}, -1, [])
    for line, flags, prefixes in (
            ("ON", {"on"}, []), ("ON NOLOOP", {"on", "noloop"}, []),
            ("ON OPTIN", {"on", "optin"}, []), ("ON OPTOUT NOLOOP", {"on", "optout", "noloop"}, []),
            ("ON BCAST", {"on", "bcast"}, [""]),
            ("ON BCAST PREFIX b PREFIX a", {"on", "bcast"}, ["a", "b"])):
        lines(c, "CLIENT TRACKING " + line)
        assert state(c) == (flags, 0, prefixes), line
        assert c.cmd("CLIENT", "GETREDIR") == 0
        lines(c, "CLIENT TRACKING OFF")
    lines(c, "CLIENT TRACKING ON OPTIN", "CLIENT CACHING YES")
    assert state(c)[0] == {"on", "optin", "caching-yes"}
    lines(c, "CLIENT TRACKING OFF", "CLIENT TRACKING ON OPTOUT", "CLIENT CACHING NO")
    assert state(c)[0] == {"on", "optout", "caching-no"}
    lines(c, "CLIENT TRACKING OFF", f"CLIENT TRACKING ON REDIRECT {other.id}")
    assert state(c) == ({"on"}, other.id, []) and c.cmd("CLIENT", "GETREDIR") == other.id
    assert c.cmd("RESET") == "RESET"
    c.protocol = c.reader.protocol = 2
    assert state(c) == ({"off"}, -1, [])


@case
def test_resp2_alone(c):
    """Without a redirection there is no way to tell it: accepted, and silent."""
    lines(c, "CLIENT TRACKING ON", "GET a")
    lines(client(c), "SET a 1")
    rows(c, ("PING", "PONG"))


@case(protocols=(3,))
def test_invalidated_once(c):
    a = tracker(c)
    lines(a, "GET a")
    lines(c, "SET a 1", "SET a 2")
    told(a, ["a"])
    lines(c, "SET a 3")
    told(a)
    lines(a, "GET a", "GET a", "MGET a b", "EXISTS no")
    lines(c, "MSET a 1 b 2 other 3", "SET no 1", "DEL a")
    told(a, ["a"], ["b"], ["no"])


@case(protocols=(3,))
def test_reads_that_track(c):
    a = tracker(c)
    for read, write in (
            ("GET k", "SET k 1"), ("STRLEN k", "APPEND k x"), ("GETRANGE k 0 1", "SETRANGE k 1 x"),
            ("GETBIT k 1", "SETBIT k 1 1"), ("BITCOUNT k", "DEL k"), ("LRANGE k 0 -1", "RPUSH k a"),
            ("LLEN k", "LPOP k"), ("SMEMBERS k", "SADD k a"), ("SCARD k", "SREM k a"),
            ("SINTER k j", "SADD j a"), ("HGETALL k", "HSET k a 1"), ("HGET k a", "HDEL k a"),
            ("ZRANGE k 0 -1", "ZADD k 1 a"), ("ZSCORE k a", "ZREM k a"), ("PFCOUNT k", "PFADD k a"),
            ("GETBIT k 0", "DEL k"), ("GEOPOS k a", "GEOADD k 1 1 a"), ("TYPE k", "DEL k"),
            ("TTL k", "SET k 1"), ("EXISTS k", "EXPIRE k 1000"), ("OBJECT ENCODING k", "PERSIST k"),
            ("GET k", "RENAME k b"), ("GET k", "RENAME b k"), ("GET k", "SET k 2"),
            ("GET k", "MOVE k 1"), ("SORT_RO k", "RPUSH k 1")):
        key = "j" if write.split()[1] == "j" else "k"
        lines(a, read)
        lines(c, write)
        told(a, [key])


@case(protocols=(3,))
def test_writes_track_nothing(c):
    a = tracker(c)
    for line in ("SET k 1", "INCR k", "GETSET k 1", "SET k 1 GET", "APPEND k 1", "GETDEL k",
                 "DEL k", "EXPIRE k 100"):
        lines(a, line)
        lines(c, "SET k 5")
        told(a)


@case(protocols=(3,))
def test_its_own_writes(c):
    a = tracker(c)
    lines(a, "GET k", "SET k 1")
    if not a.pushes:  # the push may stand before the reply or after it
        told(a, ["k"])
    b = tracker(c, "NOLOOP")
    lines(b, "GET k", "SET k 2")
    told(b)
    lines(b, "GET k")
    lines(c, "SET k 3")
    told(b, ["k"])


@case(protocols=(3,))
def test_after_the_reply_it_invalidates(c):
    """The client reads, another writes: the old value first, then that it is old."""
    a = tracker(c)
    for number in range(300):
        lines(c, f"SET k {number}")
        a.send("GET", "k")
        c.send("SET", "k", f"new{number}")
        a.send("GET", "k")
        seen = []
        while len([1 for kind, _ in seen if kind == "bulk"]) < 2:
            reply = a.read()
            seen.append((reply.kind, reply.value))
        c.read()
        a.send("PING")
        while (reply := a.read()).kind == "push":
            seen.append((reply.kind, reply.value))
        pushes = [index for index, (kind, _) in enumerate(seen) if kind == "push"]
        values = [value for kind, value in seen if kind == "bulk"]
        last = max(index for index, (kind, _) in enumerate(seen) if kind == "bulk")
        if values[-1] == b"%d" % number:
            assert pushes and pushes[-1] > last, seen


@case(protocols=(3,))
def test_optin(c):
    a = tracker(c, "OPTIN")
    lines(a, "GET k")
    lines(c, "SET k 1")
    told(a)
    lines(a, "CLIENT CACHING YES", "GET k", "GET j")
    lines(c, "MSET k 1 j 1")
    told(a, ["k"])
    lines(a, "CLIENT CACHING YES", "MULTI", "GET k", "GET j", "EXEC", "GET h")
    lines(c, "MSET k 1 j 1 h 1")
    told(a, ["k"], ["j"])


@case(protocols=(3,))
def test_optout(c):
    a = tracker(c, "OPTOUT")
    lines(a, "CLIENT CACHING NO", "GET k", "GET j")
    lines(c, "MSET k 1 j 1")
    told(a, ["j"])
    lines(a, "CLIENT CACHING NO", "MULTI", "GET k", "GET j", "EXEC", "GET h")
    lines(c, "MSET k 1 j 1 h 1")
    told(a, ["h"])


@case(protocols=(3,))
def test_flush(c):
    a = tracker(c)
    for line in ("FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC"):
        lines(a, "GET k")
        lines(c, "SET j 1", line)
        told(a, None)
        lines(c, "SET k 1")
        told(a)


@case(protocols=(3,))
def test_expired(c):
    a = tracker(c)
    lines(c, "SET k 1 PX 60")
    lines(a, "GET k")
    assert a.push() == [b"invalidate", [b"k"]]


@case(protocols=(3,))
def test_transactions(c):
    a = tracker(c)
    lines(a, "MULTI", "GET k", "GET j", "EXEC")
    lines(c, "MULTI", "SET k 1", "SET j 2", "INCR k", "EXEC")
    told(a, ["k"], ["j"])


@case(protocols=(3,))
def test_served_clients_change_keys(c):
    a, b = tracker(c), client(c)
    waits(c, b, "BLMOVE l m LEFT LEFT 0")
    lines(a, "LRANGE m 0 -1")
    lines(c, "RPUSH l x")
    b.read()
    assert a.push() == [b"invalidate", [b"m"]]


@case(protocols=(3,))
def test_while_waiting(c):
    """An invalidation reaches a client that waits."""
    a = tracker(c)
    lines(a, "GET k")
    waits(c, a, "BLPOP l 0")
    lines(c, "SET k 1")
    assert a.push() == [b"invalidate", [b"k"]]
    lines(c, "RPUSH l x")
    assert a.read() == [b"l", b"x"]


@case(protocols=(3,))
def test_databases_share_names(c):
    a = tracker(c)
    lines(a, "SELECT 3", "GET k")
    lines(c, "SET k 1")
    told(a, ["k"])


@case(protocols=(3,))
def test_off_and_gone(c):
    a, b = tracker(c), tracker(c)
    lines(a, "GET k", "CLIENT TRACKING OFF")
    lines(b, "GET k")
    b.close()
    gone(c, b.id)
    lines(c, "SET k 1")
    a.send("PING")
    assert a.read() == "PONG"
    assert info(c, "clients")["tracking_clients"] == "0"


@case(protocols=(3,))
def test_state_in_client_list(c):
    other = client(c)
    a, b = tracker(c), tracker(c, "BCAST")
    d = tracker(c, "REDIRECT", other.id)
    assert "t" in fields(c, a.id)["flags"] and fields(c, a.id)["redir"] == "0"
    assert "B" in fields(c, b.id)["flags"] and fields(c, d.id)["redir"] == str(other.id)
    assert fields(c, other.id)["redir"] == "-1"
    assert info(c, "clients")["tracking_clients"] == "3"
    lines(a, "MGET a b c")
    stats = info(c, "stats")
    assert (stats["tracking_total_keys"], stats["tracking_total_items"],
            stats["tracking_total_prefixes"]) == ("3", "3", "1")


@case(protocols=(3,), options=("--tracking-table-max-keys", "100"))
def test_the_table_is_bounded(c):
    """What no longer fits is invalidated early; nothing is forgotten."""
    a = tracker(c)
    names = [f"k{i}" for i in range(1000)]
    for name in names:
        a.send("GET", name)
    early, replies = set(), 0
    while replies < 1000:
        reply = a.read()
        if reply.kind == "push":
            early.update(reply[1].value)
        else:
            replies += 1
    wait_for(lambda: int(info(c, "stats")["tracking_total_keys"]) <= 100)
    for name in names:
        lines(c, f"SET {name} 1")
    while len(early) < 1000:
        early.update(a.push()[1].value)
    assert early == {name.encode() for name in names}


@case(protocols=(3,), timeout=120)
def test_caches_equal_the_server(c):
    """Clients that cache what they read, while writers write; at rest the caches are right."""
    readers, writers = [tracker(c) for _ in range(4)], clients(c, 3)
    caches = [{} for _ in readers]
    keys = [f"k{i}" for i in range(20)]

    def take(reader, cache, key):
        while (reply := reader.read()).kind == "push":
            for name in reply[1].value or list(cache):
                cache.pop(name.decode() if isinstance(name, bytes) else name, None)
        if key is not None:
            cache[key] = reply.value
    for number in range(400):
        for index, writer in enumerate(writers):
            writer.send("SET", keys[(number * 7 + index * 3) % 20], f"{index}:{number}")
        for index, reader in enumerate(readers):
            key = keys[(number * 3 + index) % 20]
            if key not in caches[index]:
                reader.send("GET", key)
                take(reader, caches[index], key)
        for writer in writers:
            writer.read()
    truth = dict(zip(keys, c.cmd("MGET", *keys).value))
    for reader, cache in zip(readers, caches):
        reader.send("PING")
        take(reader, cache, None)
        assert all(truth[key] == value for key, value in cache.items())


main()
