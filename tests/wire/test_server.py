"""Server commands over the wire: CONFIG, the command logs, whole databases, LATENCY and the rest.

Rows are "COMMAND words", expected reply. What Redis 7.0 knows also holds there
(POLLARD_SERVER=redis-server); newer forms are skipped then.
"""
import time

from pollard_test import Closed, Error, Server, Skip, case, is_oracle, main, wait_for
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, newer, rows

DB_RANGE = Error("ERR DB index is out of range")
BAD_COUNT = Error("ERR count should be greater than or equal to -1")


def unknown(word, container):
    return Error(f"ERR unknown subcommand '{word}'. Try {container} HELP.")


@case(protocols=BOTH)
def test_config_get(c):
    rows(c, ("CONFIG GET maxmemory", {"maxmemory": b"0"}), ("CONFIG GET nothing", {}),
         ("CONFIG GET maxmemory timeout", {"maxmemory": b"0", "timeout": b"0"}),
         ("CONFIG GET maxmemor? maxmemory", {"maxmemory": b"0"}), ("CONFIG GET",
                                                                  arity("config|get")))
    names = [name.value for name, _ in pairs(c.cmd("CONFIG", "GET", "*"))]
    assert len(names) == len(set(names)) and len(names) > 50
    rows(c, ("CONFIG what", unknown("what", "CONFIG")), ("CONFIG", arity("config")))


def pairs(reply):
    return reply.items if reply.kind == "map" else list(zip(reply.items[::2], reply.items[1::2]))


@case(protocols=BOTH)
def test_long_lists(c):
    rows(c, ("CONFIG RESETSTAT", OK), ("GET k", None))
    assert c.cmd("CONFIG", "GET", *["maxmemory"] * 1000) == {"maxmemory": b"0"}
    newer()
    assert len(pairs(c.cmd("LATENCY", "HISTOGRAM", *["get"] * 1000))) == 1000


@case
def test_config_set(c):
    rows(c, ("CONFIG SET slowlog-max-len 77", OK),
         ("CONFIG GET slowlog-max-len", {"slowlog-max-len": b"77"}),
         ("CONFIG SET slowlog-max-len 78 timeout x", Error(
             "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't "
             "be parsed into an integer")),
         ("CONFIG GET slowlog-max-len", {"slowlog-max-len": b"77"}),
         ("CONFIG SET slowlog-max-len 128", OK),
         ("CONFIG SET what 1", Error(
             "ERR Unknown option or number of arguments for CONFIG SET - 'what'")),
         ("CONFIG SET maxmemory", arity("config|set")),
         ("CONFIG SET maxmemory 1 timeout", SYNTAX),
         ("CONFIG SET maxmemory x", Error(
             "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be "
             "a memory value")),
         ("CONFIG REWRITE", Error("ERR The server is running without a config file")),
         ("CONFIG RESETSTAT x", arity("config|resetstat")))


@case
def test_config_percentiles(c):
    name = "latency-tracking-info-percentiles"
    failed = f"ERR CONFIG SET failed (possibly related to argument '{name}') - "
    rows(c, (f"CONFIG GET {name}", {name: b"50 99 99.9"}), (f"CONFIG SET {name} '1 2.5'", OK),
         (f"CONFIG GET {name}", {name: b"1 2.5"}),
         (f"CONFIG SET {name} '5 101'", Error(
             failed + f"{name} parameters should sit between [0.0,100.0]")),
         (f"CONFIG SET {name} x", Error(failed + f"Invalid {name} parameters")),
         (f"CONFIG GET {name}", {name: b"1 2.5"}), (f"CONFIG SET {name} ''", OK),
         (f"CONFIG GET {name}", {name: b""}), (f"CONFIG SET {name} '50 99 99.9'", OK))


@case
def test_slowlog(c):
    rows(c, ("CONFIG SET slowlog-log-slower-than 0", OK), ("SLOWLOG RESET", OK),
         ("CLIENT SETNAME me", OK))
    c.cmd("SET", "k", "x" * 200)
    c.cmd("MGET", *["k"] * 40)
    entries = c.cmd("SLOWLOG", "GET")
    mget, set_ = [entry for entry in entries if entry[3][0].value in (b"MGET", b"SET")]
    assert [len(entry) for entry in entries] == [6] * len(entries)
    assert set_[3] == ["SET", "k", b"x" * 128 + b"... (72 more bytes)"]
    assert len(mget[3]) == 32 and mget[3][31] == "... (10 more arguments)"
    assert set_[5] == "me" and abs(set_[1].value - time.time()) < 60
    assert mget[0].value > set_[0].value
    rows(c, ("SLOWLOG GET x", BAD_COUNT), ("SLOWLOG GET -2", BAD_COUNT), ("SLOWLOG GET 0", []),
         ("SLOWLOG GET 1 2", Error("ERR unknown subcommand or wrong number of arguments for "
                                   "'GET'. Try SLOWLOG HELP.")),
         ("SLOWLOG what", unknown("what", "SLOWLOG")))
    assert len(c.cmd("SLOWLOG", "GET", "2")) == 2
    assert len(c.cmd("SLOWLOG", "GET", "-1")) > 6
    assert c.cmd("SLOWLOG", "LEN").value > 6
    rows(c, ("CONFIG SET slowlog-log-slower-than -1", OK), ("SLOWLOG RESET", OK),
         ("SLOWLOG LEN", 0), ("CONFIG SET slowlog-log-slower-than 10000", OK))


@case
def test_commandlog(c):
    newer()
    rows(c, ("CONFIG SET commandlog-request-larger-than 1000", OK),
         ("CONFIG SET commandlog-reply-larger-than 1000", OK), ("COMMANDLOG RESET large-reply", OK),
         ("COMMANDLOG RESET LARGE-REQUEST", OK))
    c.cmd("SET", "k", "x" * 2000).is_ok()
    c.cmd("GET", "k")
    rows(c, ("COMMANDLOG LEN large-request", 1), ("COMMANDLOG LEN large-reply", 1),
         ("COMMANDLOG GET 1", arity("commandlog|get")), ("COMMANDLOG GET x slow", BAD_COUNT))
    request = c.cmd("COMMANDLOG", "GET", "-1", "large-request")[0]
    reply = c.cmd("COMMANDLOG", "GET", "10", "large-reply")[0]
    assert request[2].value > 2000 and request[3][0] == "SET"
    assert reply[2].value > 2000 and reply[3] == ["GET", "k"]
    c.cmd("COMMANDLOG", "LEN", "what").is_error("ERR")
    c.cmd("COMMANDLOG", "GET", "1", "what").is_error("ERR")
    rows(c, ("CONFIG GET commandlog-execution-slower-than",
             {"commandlog-execution-slower-than": b"10000"}), ("COMMANDLOG RESET large-reply", OK),
         ("COMMANDLOG LEN large-reply", 0), ("COMMANDLOG RESET", arity("commandlog|reset")))
    rows(c, ("CONFIG SET commandlog-request-larger-than 1048576", OK),
         ("CONFIG SET commandlog-reply-larger-than 1048576", OK))


@case(protocols=BOTH)
def test_databases(c):
    rows(c, ("DBSIZE", 0), ("MSET a 1 b 2", OK), ("DBSIZE", 2), ("SELECT 1", OK), ("DBSIZE", 0),
         ("SET c 3", OK), ("SWAPDB 0 1", OK), ("GET a", b"1"), ("SELECT 0", OK), ("GET c", b"3"),
         ("SWAPDB 0 0", OK), ("FLUSHDB", OK), ("DBSIZE", 0), ("SELECT 1", OK), ("DBSIZE", 2),
         ("FLUSHALL SYNC", OK), ("DBSIZE", 0), ("FLUSHDB async", OK), ("FLUSHALL ASYNC", OK),
         ("FLUSHALL what", SYNTAX), ("FLUSHDB what", SYNTAX), ("FLUSHALL SYNC ASYNC", SYNTAX),
         ("SWAPDB 0 16", DB_RANGE), ("SWAPDB -1 0", DB_RANGE),
         ("SWAPDB x 1", Error("ERR invalid first DB index")),
         ("SWAPDB 1 x", Error("ERR invalid second DB index")), ("SWAPDB 1", arity("swapdb")),
         ("DBSIZE x", arity("dbsize")))


@case(protocols=BOTH)
def test_flush_of_many_keys(c):
    for first in range(0, 20000, 1000):
        c.cmd("MSET", *[w for i in range(first, first + 1000) for w in (f"k{i}", i)]).is_ok()
    rows(c, ("DBSIZE", 20000), ("FLUSHALL", OK), ("DBSIZE", 0), ("GET k1", None))


@case(protocols=BOTH)
def test_latency(c):
    rows(c, ("LATENCY RESET", 0), ("LATENCY LATEST", []), ("LATENCY HISTORY command", []),
         ("LATENCY HISTORY", arity("latency|history")), ("LATENCY RESET what", 0),
         ("LATENCY GRAPH what", Error("ERR No samples available for event 'what'")),
         ("LATENCY HISTOGRAM nothing", {}), ("LATENCY what", unknown("what", "LATENCY")))
    assert c.cmd("LATENCY", "DOCTOR").kind == ("verbatim" if c.protocol == 3 else "bulk")
    rows(c, ("CONFIG RESETSTAT", OK), ("SET k v", OK), ("SET k v", OK), ("GET k", b"v"))
    found = c.cmd("LATENCY", "HISTOGRAM", "set", "GET", "what")
    assert found["set"]["calls"] == 2 and found["get"]["calls"] == 1 and len(pairs(found)) == 2
    buckets = pairs(found["set"]["histogram_usec"])
    assert buckets[-1][1] == 2
    assert all(low[0].value < high[0].value for low, high in zip(buckets, buckets[1:]))
    assert "config|resetstat" in [name.value.decode() for name, _ in pairs(
        c.cmd("LATENCY", "HISTOGRAM"))] or is_oracle()


@case
def test_latency_events(c):
    if is_oracle():
        raise Skip("Redis' DEBUG SLEEP is an event of its own")
    rows(c, ("CONFIG SET latency-monitor-threshold 1", OK), ("LATENCY RESET", 0))
    c.cmd("DEBUG", "STRINGMATCH-LEN", 4000000, "*a*a*b").kind
    latest = c.cmd("LATENCY", "LATEST")
    if len(latest):
        assert latest[0][0] == "command" and latest[0][2].value >= 1
        assert len(c.cmd("LATENCY", "HISTORY", "command")[0]) == 2
        assert b"command - high" in c.cmd("LATENCY", "GRAPH", "command").value
        assert b"1. command:" in c.cmd("LATENCY", "DOCTOR").value
        assert c.cmd("LATENCY", "RESET", "command") == 1
    rows(c, ("CONFIG SET latency-monitor-threshold 0", OK))


def latest(c):
    """The events of LATENCY LATEST, with the worst of each in ms."""
    return {event[0].value.decode(): event[3].value for event in c.cmd("LATENCY", "LATEST").items}


@case(options=("--maxmemory-policy", "allkeys-lru"))
def test_latency_of_runs(c):
    """What the server does by itself: runs of expiry and of eviction."""
    rows(c, ("CONFIG SET latency-monitor-threshold 1", OK))
    at_ms = int(time.time() * 1000) + 1500
    c.pipeline(*[("SET", f"e{i}", "1", "PXAT", at_ms) for i in range(60000)])
    wait_for(lambda: "expire-cycle" in latest(c), what="a run of expiry")
    wait_for(lambda: c.cmd("DBSIZE") == 0, what="its end")
    c.pipeline(*[("SET", f"k{i}", "x" * 100) for i in range(60000)])
    rows(c, ("CONFIG SET maxmemory 4mb", OK))
    c.pipeline(*[("SET", f"new{i}", "x" * 100) for i in range(1000)])
    worst = wait_for(lambda: latest(c).get("eviction-cycle"), what="a run of eviction")
    assert 1 <= worst < 2000
    assert c.cmd("LATENCY", "RESET", "eviction-cycle", "expire-cycle") == 2


@case(protocols=BOTH)
def test_memory(c):
    rows(c, ("MEMORY USAGE nothing", None), ("SET k v", OK), ("MEMORY USAGE k SAMPLES x",
                                                              NOT_INTEGER),
         ("MEMORY USAGE k SAMPLES -1", SYNTAX), ("MEMORY USAGE k what 1", SYNTAX),
         ("MEMORY USAGE k SAMPLES", SYNTAX), ("MEMORY USAGE", arity("memory|usage")),
         ("MEMORY what", unknown("what", "MEMORY")))
    small = c.cmd("MEMORY", "USAGE", "k", "SAMPLES", "0").value
    c.cmd("SET", "k", "x" * 100000).is_ok()
    large = c.cmd("MEMORY", "USAGE", "k").value
    assert 8 < small < 200 and 100000 < large < 140000


@case(protocols=BOTH)
def test_small(c):
    rows(c, ("MODULE LIST", []), ("MODULE what", unknown("what", "MODULE")),
         ("ROLE", ["master", 0, []]), ("ROLE x", arity("role")), ("ACL WHOAMI", b"default"),
         ("ACL what", unknown("what", "ACL")), ("TIME x", arity("time")))
    seconds, micros = c.cmd("TIME").value
    assert abs(int(seconds) - time.time()) < 5 and 0 <= int(micros) < 1000000
    if not is_oracle():
        c.cmd("SAVE").is_error("ERR persistence is not supported")


@case(protocols=BOTH)
def test_lolwut(c):
    reply = c.cmd("LOLWUT")
    assert reply.kind == ("verbatim" if c.protocol == 3 else "bulk") and b"ver. " in reply.value
    rows(c, ("LOLWUT VERSION x", NOT_INTEGER))
    newer()
    assert c.cmd("LOLWUT", "VERSION", 5, 40) != reply
    assert c.cmd("LOLWUT", "VERSION", 5, 40) == c.cmd("LOLWUT", "VERSION", 5, 40).value
    assert max(map(len, c.cmd("LOLWUT", 99999999).value.split(b"\n"))) <= 160
    rows(c, ("LOLWUT x", NOT_INTEGER))


@case
def test_monitor(c):
    watcher = c.server.connect()
    watcher.cmd("MONITOR").is_ok()
    c.cmd("SET", "k", 'a "b"\r\n\x01')
    c.cmd("SELECT", 3)
    c.cmd("GET", "k")
    c.cmd("AUTH", "default", "hidden")
    c.cmd("PING")
    seen = [watcher.read().value for _ in range(5)]
    assert seen[0].endswith(b'] "SET" "k" "a \\"b\\"\\r\\n\\x01"'), seen[0]
    assert b" [0 unix:" in seen[0] and b" [3 unix:" in seen[2]
    assert b"hidden" not in b"".join(seen) and seen[4].endswith(b'"PING"')
    rows(c, ("MONITOR x", arity("monitor")))
    watcher.cmd("RESET")
    c.cmd("PING")


@case
def test_help(c):
    for name in ("CONFIG", "SLOWLOG", "LATENCY", "MEMORY", "MODULE", "ACL"):
        lines = c.cmd(name, "HELP")
        assert lines[0].value.startswith(name.encode() + b" <subcommand>"), name
        assert lines[len(lines) - 2] == "HELP", name
        assert c.cmd(name, "HELP", "x") == arity(f"{name.lower()}|help")
    newer()
    assert c.cmd("COMMANDLOG", "HELP")[0].value.startswith(b"COMMANDLOG <subcommand>")


@case
def test_shutdown(c):
    rows(c, ("SHUTDOWN what", SYNTAX), ("SHUTDOWN SAVE NOSAVE", SYNTAX),
         ("SHUTDOWN ABORT NOW", SYNTAX), ("SHUTDOWN ABORT", Error("ERR No shutdown in progress.")))
    if not is_oracle():
        rows(c, ("SHUTDOWN SAVE", Error("ERR Errors trying to SHUTDOWN. Check logs.")))
    for words in (("NOSAVE",), ("NOSAVE", "NOW", "FORCE")):
        server = Server()
        d = server.connect()
        try:
            reply = d.cmd("SHUTDOWN", *words)
            raise AssertionError(f"SHUTDOWN answered {reply!r}")
        except Closed:
            pass
        assert server.process.wait(10) == 0
        server.stop()


main()
