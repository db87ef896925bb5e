"""INFO prefixes over the wire: what is counted by key prefix, its bounds and its options."""
import re
import shlex

from pollard_test import Skip, case, is_oracle, main, wait_for

OWN = "Pollard's own" if is_oracle() else None
ROW = re.compile(r'^prefix(\d+):name=(.*),keys=(\d+),bytes=(\d+),hits=(\d+),misses=(\d+),'
                 r'misses_expired=(\d+),evictions=(\d+),sets=(\d+)$')
FIGURES = ("keys", "bytes", "hits", "misses", "misses_expired", "evictions", "sets")
FEW = ("--prefix-max", "3")


def section(c):
    reply = c.cmd("INFO", "prefixes")
    assert reply.kind == ("verbatim" if c.protocol == 3 else "bulk")
    lines = reply.value.decode().split("\r\n")
    assert lines[0] == "# Prefixes" and lines[-1] == ""
    return lines[1:-1]


def header(c):
    return dict(line.split(":", 1) for line in section(c) if line.startswith("prefix_"))


def table(c):
    """{name: {figure: number}}; names as they are printed, without their quotes."""
    found = {}
    last = None
    for number, line in enumerate(x for x in section(c) if not x.startswith("prefix_")):
        match = ROW.match(line)
        assert match and int(match[1]) == number, line
        row = dict(zip(FIGURES, map(int, match.groups()[2:])))
        assert last is None or row["bytes"] <= last, "most bytes first"
        last = row["bytes"]
        found[match[2].strip('"')] = row
    assert int(header(c)["prefix_rows"]) == len(found)
    return found


def do(c, *lines):
    for line in lines:
        c.cmd(*shlex.split(line))


@case(skip=OWN, protocols=(2, 3), options=())
def test_header(c):
    assert header(c) == {
        "prefix_stats": "1", "prefix_separator": '":"', "prefix_max": "256", "prefix_rows": "0",
        "prefix_exact": "keys,bytes,evictions", "prefix_estimated": "bytes_of_long_elements",
        "prefix_sampled": "hits,misses,misses_expired,sets", "prefix_sample_ratio": "128"}
    assert c.cmd("CONFIG", "GET", "prefix-*") == {
        "prefix-stats": b"yes", "prefix-max": b"256", "prefix-separator": b":"}
    c.cmd("CONFIG", "SET", "prefix-max", "3").is_error("ERR CONFIG SET failed")
    everything = c.cmd("INFO", "everything").value + c.cmd("INFO", "all").value
    assert everything.count(b"# Prefixes\r\n") == 2
    assert b"# Prefixes" not in c.cmd("INFO").value


@case(skip=OWN, protocols=(2, 3), options=("--threads", "1"))
def test_few_are_exact(c):
    do(c, "SET user:1 x", "SET user:2 12", "SET plain x", "MSET a:b:c 1 :empty 2 user: 3",
       "GET user:1", "GET user:9", "MGET user:1 user:2 plain nothing", "EXISTS user:1 user:7")
    rows = table(c)
    user = {k: v for k, v in rows["user"].items() if k != "bytes"}
    assert user == {"keys": 3, "hits": 4, "misses": 2, "misses_expired": 0, "evictions": 0,
                    "sets": 3}, user
    assert rows["user"]["bytes"] >= 3 * 16
    assert rows["(none)"]["keys"] == 1 and rows["(none)"]["hits"] == 1
    assert rows["(none)"]["misses"] == 1
    assert rows["a"]["keys"] == 1 and rows[""]["keys"] == 1


@case(skip=OWN, options=("--threads", "1"))
def test_keys_and_bytes_follow(c):
    c.cmd("SET", "s:1", "x" * 100)
    first = table(c)["s"]["bytes"]
    assert 100 <= first <= 200
    c.cmd("SET", "s:1", "x" * 10)
    assert table(c)["s"]["bytes"] < first
    c.cmd("SET", "s:1", "x" * 100000)
    assert 100000 <= table(c)["s"]["bytes"] < 120000
    do(c, "SETRANGE s:2 5000 x", "APPEND s:3 abc", "COPY s:3 t:3", "RENAME s:1 t:1")
    rows = table(c)
    assert rows["s"]["keys"] == 2 and rows["t"]["keys"] == 2
    assert rows["t"]["bytes"] >= 100000 > rows["s"]["bytes"] >= 5000
    do(c, "EXPIRE s:2 100", "PERSIST s:2", "EXPIRE s:3 100")
    assert table(c)["s"]["keys"] == 2
    do(c, "DEL s:2 t:3", "UNLINK t:1", "GETDEL s:3")
    assert all(row["keys"] == 0 and row["bytes"] == 0 for row in table(c).values())


@case(skip=OWN, options=("--threads", "1", "--enable-debug-command", "yes"))
def test_collections_follow(c):
    c.cmd("RPUSH", "l:1", *["x" * 20] * 10)
    small = table(c)["l"]["bytes"]
    c.cmd("RPUSH", "l:1", *["x" * 20] * 5000)
    large = table(c)["l"]["bytes"]
    assert small < 1000 and 100000 < large < 200000, (small, large)
    do(c, "LTRIM l:1 0 2", "SADD m:1 a b c", "SMOVE m:1 m:2 a", "HSET h:1 f v", "ZADD z:1 1 a",
       "LMOVE l:1 l:1 LEFT RIGHT", "LMOVE l:1 l:2 LEFT RIGHT", "HSET h:2 f v g w",
       "HPEXPIRE h:2 100000 FIELDS 1 f", "HPERSIST h:2 FIELDS 1 f", "HDEL h:2 f g")
    rows = table(c)
    assert rows["l"]["keys"] == 2 and rows["l"]["bytes"] < 1000
    assert rows["m"]["keys"] == 2 and rows["h"]["keys"] == 1 and rows["z"]["keys"] == 1
    c.cmd("MULTI")
    do(c, "RPUSH l:1 a b", "DEL l:1", "RPUSH l:1 c", "SADD m:1 z", "RENAME m:1 m:2", "HDEL h:1 f")
    c.cmd("EXEC")
    rows = table(c)
    assert rows["l"]["keys"] == 2 and rows["m"]["keys"] == 1 and rows["h"]["keys"] == 0
    c.cmd("DEL", "l:1", "l:2", "m:2", "z:1")
    assert all(row["keys"] == 0 and row["bytes"] == 0 for row in table(c).values())


@case(skip=OWN, options=("--threads", "1"))
def test_long_elements_count(c):
    for i in range(20):
        c.cmd("HSET", f"job:{i}", "id", i, "data", "x" * 5000)
    found = table(c)["job"]["bytes"]
    assert 20 * 5000 <= found <= 20 * 7000, found


@case(skip=OWN, options=("--threads", "1"))
def test_expired(c):
    do(c, "SET e:1 x PX 1", "SET e:2 x")
    wait_for(lambda: c.cmd("GET", "e:1").kind == "null", what="expiry")
    before = table(c)["e"]
    assert before["misses"] == before["misses_expired"] == 1
    wait_for(lambda: table(c)["e"]["keys"] == 1, what="active expiry")
    do(c, "GET e:1", "GET e:3")
    assert table(c)["e"]["misses"] == 3 and table(c)["e"]["misses_expired"] == 2
    do(c, "SET e:1 x", "DEL e:1", "GET e:1")
    assert table(c)["e"]["misses_expired"] == 2, "it was there again, and did not expire"


@case(skip=OWN, options=())
def test_databases(c):
    do(c, "SET a:1 x", "SELECT 1", "SET a:1 x", "SET b:1 x", "SWAPDB 0 1")
    rows = table(c)
    assert rows["a"]["keys"] == 2 and rows["b"]["keys"] == 1
    do(c, "FLUSHDB")
    rows = table(c)
    assert rows["a"]["keys"] == 1 and rows["b"]["keys"] == 1, "database 1 had one a"
    do(c, "MOVE a:1 3", "SELECT 0", "MOVE b:1 2")
    assert table(c)["a"]["keys"] == 1 and table(c)["b"]["keys"] == 1
    do(c, "FLUSHALL", "SET b:2 x")
    rows = table(c)
    assert rows["a"]["keys"] == 0 and rows["a"]["bytes"] == 0 and rows["b"]["keys"] == 1
    do(c, "FLUSHALL")
    for _ in range(50):  # emptied databases are used again
        do(c, "SET a:1 x", "FLUSHALL")
    assert table(c)["a"]["keys"] == 0 and table(c)["a"]["bytes"] == 0


@case(skip=OWN, options=FEW)
def test_bound(c):
    for name in "abcde":
        do(c, f"SET {name}:1 x", f"SET {name}:2 x")
    rows = table(c)
    assert set(rows) == {"a", "b", "c", "(other)"}
    assert rows["(other)"]["keys"] == 4 and rows["b"]["keys"] == 2
    do(c, "DEL a:1 a:2 d:1", "SET f:1 x")
    rows = table(c)
    assert rows["a"]["keys"] == 0 and rows["(other)"]["keys"] == 4, "a row is kept for good"
    c.cmd("DEL", "b:1", "b:2", "c:1", "c:2", "d:2", "e:1", "e:2", "f:1")
    assert all(row["keys"] == 0 and row["bytes"] == 0 for row in table(c).values())


@case(skip=OWN, options=())
def test_names(c):
    c.cmd("SET", b'a "b\r\n\xff,:x', "1")
    c.cmd("SET", "x" * 64 + ":1", "1")
    c.cmd("SET", "x" * 65 + ":1", "1")
    rows = table(c)
    assert rows[r'a \"b\r\n\xff,']["keys"] == 1
    assert rows["x" * 64]["keys"] == 1
    assert rows["(none)"]["keys"] == 1, "too long for a prefix"


@case(skip=OWN, options=("--prefix-separator", "."))
def test_separator(c):
    do(c, "SET a:1.x 1", "SET a.b 1", "SET a:2 1")
    rows = table(c)
    assert rows["a:1"]["keys"] == 1 and rows["a"]["keys"] == 1 and rows["(none)"]["keys"] == 1


@case(skip=OWN, options=("--prefix-separator", ""))
def test_no_separator(c):
    do(c, "SET a:1 1", "GET a:1", "RPUSH l:1 a", "RPUSH l:1 b", "CONFIG RESETSTAT")
    assert header(c)["prefix_stats"] == "0" and table(c) == {}


@case(skip=OWN, options=("--prefix-stats", "no"))
def test_off(c):
    do(c, "SET a:1 1", "GET a:1", "RPUSH l:1 a", "RPUSH l:1 b", "FLUSHALL", "DEL l:1")
    assert header(c)["prefix_stats"] == "0" and table(c) == {}


@case(skip=OWN, options=("--threads", "1"))
def test_many_are_sampled(c):
    for _ in range(100):
        c.pipeline(*[("GET", "h:1"), ("GET", "m:1")] * 100)
    c.cmd("SET", "h:1", "x")
    rows = table(c)
    total = rows["h"]["misses"] + rows["m"]["misses"]
    assert 0.5 * 20000 < total < 1.5 * 20000, total
    assert rows["h"]["keys"] == 1


@case(skip=OWN, options=("--maxmemory-policy", "allkeys-random"))
def test_evictions(c):
    used = int(c.cmd("INFO", "memory").value.split(b"used_memory:")[1].split(b"\r")[0])
    c.cmd("CONFIG", "SET", "maxmemory", str(used + 2000000))
    for i in range(8000):
        if c.cmd("SET", f"{'ab'[i % 2]}:{i}", "x" * 1000).kind == "error":
            raise Skip("nothing is evicted")
    c.cmd("CONFIG", "SET", "maxmemory", "0")
    evicted = int(c.cmd("INFO", "stats").value.split(b"evicted_keys:")[1].split(b"\r")[0])
    rows = table(c)
    assert rows["a"]["evictions"] > 0 and rows["b"]["evictions"] > 0
    assert rows["a"]["evictions"] + rows["b"]["evictions"] == evicted
    assert rows["a"]["keys"] + rows["b"]["keys"] == c.cmd("DBSIZE").value == 8000 - evicted


@case(skip=OWN, options=("--threads", "1"))
def test_resetstat(c):
    do(c, "SET a:1 x", "GET a:1", "GET a:2", "CONFIG RESETSTAT")
    row = table(c)["a"]
    assert row["keys"] == 1 and row["bytes"] > 0
    assert all(row[k] == 0 for k in ("hits", "misses", "sets", "evictions"))
    do(c, "GET a:1")
    assert table(c)["a"]["hits"] == 1


main()
