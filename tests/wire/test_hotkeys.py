"""HOTKEYS and INFO hotkeys over the wire: arguments, shapes, what is found."""
import re

from pollard_test import Error, case, is_oracle, main, wait_for
from talkers import BOTH, OK, SYNTAX, arity, rows

OWN = "newer than Redis 7.0" if is_oracle() else None
MISMATCH = Error("ERR METRICS count does not match number of metric types provided")
BAD_COUNT = Error("ERR COUNT must be between 1 and 64")
BAD_DURATION = Error("ERR DURATION must be between 1 and 1000000")
BAD_SAMPLE = Error("ERR SAMPLE ratio must be a positive integer")
NO_CLUSTER = Error("ERR SLOTS parameter cannot be used in non-cluster mode")
RUNNING = Error("ERR hotkeys tracking session already in progress")
START = "HOTKEYS START METRICS "
FIELDS = ["tracking-active", "sample-ratio", "selected-slots", "all-commands-all-slots-us",
          "net-bytes-all-commands-all-slots", "collection-start-time-unix-ms",
          "collection-duration-ms"]
CPU_TOTALS = ["total-cpu-time-user-ms", "total-cpu-time-sys-ms"]
HOT = re.compile(r'^hot_(accesses|bytes)_(\d+):key="(.*)",(?:accesses|bytes)=(\d+),'
                 r'percent=(\d+\.\d\d)$')
ONE = ("--threads", "1")


def get(c):
    """HOTKEYS GET as a dict; its shape is checked."""
    reply = c.cmd("HOTKEYS", "GET")
    assert reply.kind == "array" and len(reply) == 1
    inner = reply.items[0]
    assert inner.kind == ("map" if c.protocol == 3 else "array")
    pairs = inner.items if c.protocol == 3 else list(zip(inner.items[::2], inner.items[1::2]))
    return {name.value.decode(): value for name, value in pairs}


def found(reply):
    """A flat list of keys and numbers, as pairs; largest first."""
    assert reply.kind == "array"
    keys = [item.value.decode() for item in reply.items[::2]]
    numbers = [item.value for item in reply.items[1::2]]
    assert numbers == sorted(numbers, reverse=True) and all(n > 0 for n in numbers)
    return list(zip(keys, numbers))


@case(skip=OWN, protocols=BOTH)
def test_arguments(c):
    rows(c, ("HOTKEYS", arity("hotkeys")), ("HOTKEYS GET x", arity("hotkeys|get")),
         ("HOTKEYS STOP x", arity("hotkeys|stop")), ("HOTKEYS RESET x", arity("hotkeys|reset")),
         ("HOTKEYS HELP x", arity("hotkeys|help")),
         ("HOTKEYS what", Error("ERR unknown subcommand 'what'. Try HOTKEYS HELP.")),
         ("HOTKEYS START", Error("ERR METRICS parameter is required")),
         ("HOTKEYS START COUNT 5", Error("ERR METRICS parameter is required")),
         ("HOTKEYS START METRICS", Error("ERR METRICS count must be a positive integer")),
         (START + "x CPU", Error("ERR METRICS count must be a positive integer")),
         (START + "0", Error("ERR METRICS count must be a positive integer")),
         (START + "-1 CPU", Error("ERR METRICS count must be a positive integer")),
         (START + "1", MISMATCH), (START + "2 CPU", MISMATCH), (START + "1 CPU NET", MISMATCH),
         (START + "3 CPU NET", MISMATCH), (START + "1 DISK", MISMATCH),
         (START + "2 CPU CPU", Error("ERR METRICS CPU defined more than once!")),
         (START + "2 net NET", Error("ERR METRICS NET defined more than once!")),
         (START + "1 CPU METRICS 1 NET", Error("ERR METRICS defined more than once!")),
         (START + "1 CPU COUNT 5 COUNT 6", Error("ERR COUNT defined more than once!")),
         (START + "1 CPU DURATION 5 SAMPLE 2 duration 5",
          Error("ERR DURATION defined more than once!")),
         (START + "1 CPU SAMPLE 1 SAMPLE 1", Error("ERR SAMPLE defined more than once!")),
         (START + "1 CPU DISK", SYNTAX), (START + "1 CPU COUNT", BAD_COUNT),
         (START + "1 CPU COUNT 0", BAD_COUNT), (START + "1 CPU COUNT 65", BAD_COUNT),
         (START + "1 CPU COUNT x", BAD_COUNT), (START + "1 CPU DURATION 0", BAD_DURATION),
         (START + "1 CPU DURATION 1000001", BAD_DURATION), (START + "1 CPU DURATION", BAD_DURATION),
         (START + "1 CPU SAMPLE 0", BAD_SAMPLE), (START + "1 CPU SAMPLE -1", BAD_SAMPLE),
         (START + "1 CPU SAMPLE 9223372036854775808", BAD_SAMPLE),
         (START + "1 CPU SLOTS 1 0", NO_CLUSTER), ("HOTKEYS GET", None), ("HOTKEYS STOP", None))
    lines = [item.value.decode() for item in c.cmd("HOTKEYS", "HELP").items]
    assert lines[0].startswith("HOTKEYS <subcommand>") and "HELP" in lines[-2:]
    assert "STOP" in lines and "RESET" in lines and "GET" in lines


@case(skip=OWN, protocols=BOTH, options=())
def test_session(c):
    rows(c, (START + "2 CPU NET COUNT 64 DURATION 1000000 SAMPLE 1", OK),
         (START + "1 CPU", RUNNING),
         ("HOTKEYS RESET", Error("ERR hotkeys tracking session in progress, stop it first")))
    assert get(c)["tracking-active"] == 1
    rows(c, ("HOTKEYS STOP", OK), ("HOTKEYS STOP", None))
    assert get(c)["tracking-active"] == 0
    rows(c, ("HOTKEYS RESET", OK), ("HOTKEYS GET", None), ("HOTKEYS RESET", OK),
         ("HOTKEYS STOP", None), (START + "1 NET COUNT 1", OK), ("HOTKEYS STOP", OK),
         (START + "1 net count 1", OK), ("HOTKEYS STOP", OK))


@case(skip=OWN, protocols=BOTH, options=())
def test_shape(c):
    for metrics, more in (("1 CPU", CPU_TOTALS + ["by-cpu-time-us"]),
                          ("1 NET", ["total-net-bytes", "by-net-bytes"]),
                          ("2 NET CPU", CPU_TOTALS + ["total-net-bytes", "by-cpu-time-us",
                                                      "by-net-bytes"])):
        rows(c, (START + metrics + " SAMPLE 3", OK))
        reply = get(c)
        assert list(reply) == FIELDS + more, list(reply)
        assert reply["selected-slots"] == [[0, 16383]] and reply["sample-ratio"] == 3
        assert all(reply[name].kind == "integer" for name in FIELDS if name != "selected-slots")
        rows(c, ("HOTKEYS STOP", OK))


@case(skip=OWN, protocols=BOTH, options=())
def test_finds(c):
    c.cmd("SET", "big", "x" * 3000)
    c.cmd("RPUSH", "list", *range(5000))
    before = c.cmd("TIME")
    rows(c, (START + "2 CPU NET COUNT 3", OK))
    for i in range(50):
        c.cmd("GET", "big")
        c.cmd("LPOS", "list", "nothing")
        c.cmd("GET", f"rare:{i}")
        c.cmd("PING")
    now = get(c)
    by_bytes = found(now["by-net-bytes"])
    assert by_bytes[0][0] == "big" and 50 * 3000 < by_bytes[0][1] < 50 * 3100
    assert len(by_bytes) == 3
    by_time = found(now["by-cpu-time-us"])
    assert by_time[0][0] == "list", by_time
    assert now["all-commands-all-slots-us"].value >= by_time[0][1] - 50
    assert now["net-bytes-all-commands-all-slots"].value > by_bytes[0][1]
    assert now["total-net-bytes"].value > by_bytes[0][1]
    assert now["collection-start-time-unix-ms"].value // 1000 >= int(before.items[0].value)
    rows(c, ("HOTKEYS STOP", OK))
    stopped = get(c)
    for _ in range(20):
        c.cmd("GET", "big")
    after = get(c)
    assert found(after["by-net-bytes"]) == found(stopped["by-net-bytes"])
    for name in FIELDS:
        assert after[name] == stopped[name], name
    rows(c, (START + "1 NET", OK), ("GET other", None))
    assert [key for key, _ in found(get(c)["by-net-bytes"])] == ["other"], "the old data is gone"


# A reply of 5,000 members of 10 bytes: 17 each on the wire. It is made as the client takes it.
MEMBERS = [f"member{i:04}" for i in range(5000)]
STREAMED = 5000 * 17


def check_parts(c):
    c.cmd("SADD", "set", *MEMBERS)
    c.cmd("RPUSH", "list", *MEMBERS)
    rows(c, (START + "2 CPU NET", OK))
    for _ in range(3):
        assert len(c.cmd("SMEMBERS", "set")) == 5000
    assert len(c.cmd("SORT", "list", "BY", "nothing")) == 5000
    c.cmd("MULTI")
    c.cmd("LRANGE", "list", 0, -1)
    assert len(c.cmd("EXEC").items[0]) == 5000
    now = get(c)
    by_bytes = dict(found(now["by-net-bytes"]))
    assert 3 * STREAMED < by_bytes["set"] < 3 * STREAMED + 300, by_bytes
    assert 2 * STREAMED < by_bytes["list"] < 2 * STREAMED + 300, by_bytes
    by_time = dict(found(now["by-cpu-time-us"]))
    assert by_time["set"] > 60, by_time
    total, booked = now["total-net-bytes"].value, now["net-bytes-all-commands-all-slots"].value
    assert abs(total - booked) < 200, "all is some call's"
    assert now["all-commands-all-slots-us"].value >= by_time["set"]


@case(skip=OWN, protocols=BOTH, options=("--dispatch", "inline"))
def test_finds_what_is_sent_in_parts(c):
    check_parts(c)


@case(skip=OWN, options=("--dispatch", "pool"))
def test_finds_what_the_pool_sends_in_parts(c):
    check_parts(c)


@case(skip=OWN, options=("--dispatch", "pool"))
def test_finds_on_the_pool(c):
    rows(c, (START + "2 CPU NET", OK), ("SET a 1", OK), ("MGET a b c", [b"1", None, None]))
    assert {key for key, _ in found(get(c)["by-net-bytes"])} == {"a", "b", "c"}


@case(skip=OWN, options=())
def test_transactions_and_waiters(c):
    d = c.server.connect()
    rows(c, (START + "1 NET", OK))
    d.send("BLPOP", "queue", "0")
    wait_for(lambda: b"blocked_clients:1\r\n" in c.cmd("INFO", "clients").value, what="waiting")
    rows(c, ("MULTI", OK), ("SET inner 1", "QUEUED"), ("GET inner", "QUEUED"),
         ("EXEC", [OK, b"1"]), ("RPUSH queue x", 1))
    assert d.read() == [b"queue", b"x"]
    names = wait_for(lambda: (lambda n: n if "queue" in n else None)(
        {key for key, _ in found(get(c)["by-net-bytes"])}), what="the waiter's key")
    assert names == {"inner", "queue"}
    d.close()


@case(skip=OWN, options=())
def test_sample(c):
    rows(c, (START + "1 NET SAMPLE 1000000000", OK))
    for i in range(100):
        c.cmd("SET", "a", "1")
    now = get(c)
    assert found(now["by-net-bytes"]) == []
    assert now["net-bytes-all-commands-all-slots"].value > 1000, "all calls count in the totals"


@case(skip=OWN, options=())
def test_duration(c):
    rows(c, (START + "1 NET DURATION 1", OK), ("SET a 1", OK))
    wait_for(lambda: get(c)["tracking-active"] == 0, what="the end of the session")
    rows(c, ("HOTKEYS STOP", None), ("SET b 1", OK))
    now = get(c)
    assert [key for key, _ in found(now["by-net-bytes"])] == ["a"]
    assert now["collection-duration-ms"] == 1000
    rows(c, (START + "1 NET", OK))


@case(skip=OWN, options=("--threads", "4"))
def test_many_threads(c):
    clients = [c.server.connect() for _ in range(8)]
    rows(c, (START + "1 NET COUNT 20", OK))
    for i, d in enumerate(clients):
        d.pipeline(*[("SET", f"key:{i}", "v")] * 20)
    rows(c, ("SET last 1", OK))
    names = [key for key, _ in found(get(c)["by-net-bytes"])]
    assert set(names) == {f"key:{i}" for i in range(8)} | {"last"}
    for d in clients:
        d.close()


def info(c):
    lines = c.cmd("INFO", "hotkeys").value.decode().split("\r\n")
    assert lines[0] == "# Hotkeys" and lines[-1] == ""
    plain = dict(line.split(":", 1) for line in lines[1:-1] if not HOT.match(line))
    lists = {"accesses": [], "bytes": []}
    for match in filter(None, map(HOT.match, lines)):
        assert int(match[2]) == len(lists[match[1]])
        lists[match[1]].append((match[3], int(match[4]), float(match[5])))
    return plain, lists


@case(skip=OWN, protocols=BOTH, options=ONE)
def test_info(c):
    plain, lists = info(c)
    assert plain == {"hotkeys-tracking-active": "0", "hotkeys_sample_ratio": "256",
                     "hot_accesses_total": "0", "hot_bytes_total": "0"}
    assert lists == {"accesses": [], "bytes": []}
    rows(c, ("SET a 1", OK), ("GET a", b"1"), ("PING", "PONG"))
    c.cmd("SET", "b c", "x" * 1000)
    plain, lists = info(c)
    assert plain["hot_accesses_total"] == "3"
    assert lists["accesses"] == [("a", 2, 66.67), ("b c", 1, 33.33)]
    assert [key for key, _, _ in lists["bytes"]] == ["b c", "a"] and lists["bytes"][0][1] > 1000
    rows(c, (START + "1 CPU", OK))
    assert info(c)[0]["hotkeys-tracking-active"] == "1"


@case(skip=OWN, options=ONE)
def test_info_finds_the_hottest(c):
    for i in range(200):
        c.pipeline(*[("GET", "hot"), ("GET", "warm"), ("GET", "hot"), ("GET", f"cold:{i}"),
                     ("GET", f"cool:{i}")] * 20)
    plain, lists = info(c)
    total = int(plain["hot_accesses_total"])
    assert 0.5 * 20000 < total < 1.5 * 20000, total
    assert [key for key, _, _ in lists["accesses"][:2]] == ["hot", "warm"]
    assert 25 < lists["accesses"][0][2] < 55 and len(lists["accesses"]) <= 16


@case(skip=OWN, options=ONE)
def test_info_finds_what_is_sent_in_parts(c):
    c.cmd("SADD", "set", *MEMBERS)
    c.cmd("SADD", "other", "x" * 80000)
    for _ in range(3):
        c.cmd("SMEMBERS", "set")
    lists = info(c)[1]
    assert lists["accesses"][0][:2] == ("set", 4)
    assert lists["bytes"][0][0] == "set" and lists["bytes"][0][1] > 3 * STREAMED, lists


@case(skip=OWN, options=ONE)
def test_info_off(c):
    rows(c, ("CONFIG SET hotkeys-sample-ratio 0", OK), ("GET k", None))
    c.pipeline(*[("GET", "a")] * 1000)
    assert int(info(c)[0]["hot_accesses_total"]) <= 1
    rows(c, (START + "1 NET", OK), ("GET seen", None))
    assert found(get(c)["by-net-bytes"])[0][0] == "seen", "a session needs no sampling"
    rows(c, ("HOTKEYS STOP", OK), ("CONFIG SET hotkeys-sample-ratio 1", OK), ("GET back", None),
         ("GET back", None))
    assert "back" in [key for key, _, _ in info(c)[1]["accesses"]]
    for bad in ("-1", "1000001", "x"):
        c.cmd("CONFIG", "SET", "hotkeys-sample-ratio", bad).is_error("ERR CONFIG SET failed")


@case(skip=OWN, protocols=BOTH)
def test_command_docs(c):
    docs = c.cmd("COMMAND", "DOCS", "hotkeys")
    assert "HOTKEYS" in repr(docs).upper() and "METRICS" in repr(docs)
    keys = c.cmd("COMMAND", "INFO", "hotkeys|start").items[0]
    assert keys.items[1] == -2


main()
