"""What is told of keys of every type: TYPE, OBJECT, MEMORY USAGE, DEBUG OBJECT and DIGEST, SCAN
TYPE, expiry, COPY; and the options of compact forms, with their old names.
"""
import re
import shlex

from pollard_test import Error, case, is_oracle, main

FILLS = {
    "string": ["SET k value"],
    "list": ["RPUSH k a b c"],
    "set": ["SADD k a b c"],
    "zset": ["ZADD k 1 a 2 b 3 c"],
    "hash": ["HSET k f a g b h c"],
}
ENCODINGS = {"string": "embstr", "list": "listpack", "set": "listpack", "zset": "listpack",
             "hash": "listpack"}
LARGE = {"list": "quicklist", "set": "hashtable", "zset": "skiplist", "hash": "hashtable"}
# Option, its old name, its default; an option of entries of each type.
OPTIONS = [
    ("hash-max-listpack-entries", "hash-max-ziplist-entries", "512"),
    ("hash-max-listpack-value", "hash-max-ziplist-value", "64"),
    ("list-max-listpack-size", "list-max-ziplist-size", "-2"),
    ("set-max-intset-entries", None, "512"),
    ("set-max-listpack-entries", None, "128"),
    ("set-max-listpack-value", None, "64"),
    ("zset-max-listpack-entries", "zset-max-ziplist-entries", "128"),
    ("zset-max-listpack-value", "zset-max-ziplist-value", "64"),
    ("hll-sparse-max-bytes", None, "3000"),
]


def fill(c, kind, key="k"):
    for line in FILLS[kind]:
        words = [key if word == "k" else word for word in shlex.split(line)]
        assert not isinstance(c.cmd(*words).value, Error)


@case(protocols=(2, 3))
def test_type_and_encoding(c):
    for kind in FILLS:
        c.cmd("FLUSHALL")
        fill(c, kind)
        assert c.cmd("TYPE", "k") == kind
        if not is_oracle():
            assert c.cmd("OBJECT", "ENCODING", "k") == ENCODINGS[kind]
        assert c.cmd("OBJECT", "REFCOUNT", "k") == 1
        assert c.cmd("OBJECT", "IDLETIME", "k") == 0
        c.cmd("OBJECT", "FREQ", "k").is_error("ERR An LFU maxmemory policy is not selected")
        assert c.cmd("OBJECT", "HELP")


@case
def test_scan_by_type(c):
    for kind in FILLS:
        fill(c, kind, "key:" + kind)
    for kind in FILLS:
        found = c.cmd("SCAN", 0, "COUNT", 1000, "TYPE", kind)
        assert found[1] == ["key:" + kind]


@case
def test_memory_usage_grows_with_the_value(c):
    for kind in ("list", "set", "zset", "hash"):
        fill(c, kind, kind)
        before = c.cmd("MEMORY", "USAGE", kind).value
        long = "x" * 20000
        words = {"list": ["RPUSH", kind, long], "set": ["SADD", kind, long],
                 "zset": ["ZADD", kind, 9, long], "hash": ["HSET", kind, "z", long]}[kind]
        c.cmd(*words)
        for samples in ([], ["SAMPLES", 0], ["SAMPLES", 100]):
            after = c.cmd("MEMORY", "USAGE", kind, *samples).value
            assert before + 20000 <= after < before + 70000, (kind, samples, before, after)
    c.cmd("MEMORY", "USAGE", "set", "SAMPLES", -1).is_error("ERR syntax error")
    c.cmd("MEMORY", "USAGE", "set", "SAMPLES", "x").is_error("ERR value is not an integer")
    c.cmd("MEMORY", "USAGE", "set", "SAMPLES").is_error("ERR syntax error")
    c.cmd("MEMORY", "USAGE", "missing").is_null()


@case
def test_memory_usage_of_a_large_one(c):
    for start in range(0, 20000, 500):
        c.cmd("SADD", "s", *[f"member:{i:08}" for i in range(start, start + 500)])
    assert 20000 * 16 < c.cmd("MEMORY", "USAGE", "s", "SAMPLES", 0).value < 20000 * 100
    assert 20000 * 16 < c.cmd("MEMORY", "USAGE", "s").value < 20000 * 100


@case
def test_debug_object(c):
    for kind in FILLS:
        c.cmd("FLUSHALL")
        fill(c, kind)
        text = c.cmd("DEBUG", "OBJECT", "k").value
        match = re.match(rb"Value at:\S+ refcount:1 encoding:(\w+) serializedlength:(\d+) lru:\d+ "
                         rb"lru_seconds_idle:0", text if isinstance(text, bytes) else text.encode())
        assert match, text
        assert int(match.group(2)) > 3
    c.cmd("DEBUG", "OBJECT", "missing").is_error("ERR no such key")


@case
def test_digests_know_elements_and_their_order(c):
    def digest():
        return c.cmd("DEBUG", "DIGEST-VALUE", "k")[0].value

    def after(*lines):
        c.cmd("DEL", "k")
        for line in lines:
            c.cmd(*shlex.split(line))
        return digest()
    assert after("RPUSH k a b c") != after("RPUSH k c b a")
    assert after("SADD k a b c") == after("SADD k c b a")
    assert after("HSET k a 1 b 2") == after("HSET k b 2 a 1")
    assert after("HSET k a 1 b 2") != after("HSET k a 2 b 1")
    assert after("ZADD k 1 a 2 b") == after("ZADD k 2 b 1 a")
    assert after("ZADD k 1 a 2 b") != after("ZADD k 2 a 1 b")
    assert after("SADD k a b c") != after("RPUSH k a b c")
    many = [f"m{i}" for i in range(2000)]
    c.cmd("DEL", "k")
    c.cmd("SADD", "k", *many)
    first = digest(), c.cmd("DEBUG", "DIGEST").value
    c.cmd("DEL", "k")
    c.cmd("SADD", "k", *reversed(many))
    assert (digest(), c.cmd("DEBUG", "DIGEST").value) == first
    c.cmd("SREM", "k", "m7")
    assert digest() != first[0]


@case
def test_expiry_and_copies(c):
    for kind in FILLS:
        if kind == "string":
            continue
        c.cmd("FLUSHALL")
        fill(c, kind)
        assert c.cmd("EXPIRE", "k", 1000) == 1
        assert c.cmd("COPY", "k", "copy") == 1
        assert c.cmd("TTL", "copy").value in (999, 1000)
        same = c.cmd("DEBUG", "DIGEST-VALUE", "k", "copy")
        assert same[0].value == same[1].value
        assert c.cmd("PERSIST", "k") == 1
        assert c.cmd("TTL", "k") == -1
        assert c.cmd("PEXPIREAT", "k", 1) == 1
        assert c.cmd("EXISTS", "k") == 0
        assert c.cmd("TYPE", "copy") == kind
        assert c.cmd("SET", "copy", "v") == "OK"
        assert c.cmd("GET", "copy") == b"v"


@case
def test_string_commands_refuse_collections(c):
    wrong = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
    for kind in ("list", "set", "zset", "hash"):
        c.cmd("FLUSHALL")
        fill(c, kind)
        for line in ("GET k", "APPEND k x", "INCR k", "STRLEN k", "GETRANGE k 0 1",
                     "SETRANGE k 0 x", "GETSET k x", "GETDEL k", "GETEX k"):
            assert c.cmd(*line.split()) == wrong, (kind, line)
        assert c.cmd("MGET", "k", "k").value == [None, None]
        assert c.cmd("SETNX", "k", "x") == 0
        assert c.cmd("DEL", "k") == 1


@case
def test_options_of_compact_forms(c):
    for option, old, default in OPTIONS:
        if is_oracle() and option.startswith("set-max-listpack"):
            continue
        assert c.cmd("CONFIG", "GET", option)[1] == default
        c.cmd("CONFIG", "SET", option, "3").is_ok()
        if old:
            assert c.cmd("CONFIG", "GET", old)[1] == "3"
            c.cmd("CONFIG", "SET", old, default).is_ok()
        c.cmd("CONFIG", "SET", option, default).is_ok()


@case(options=("--hash-max-listpack-entries", "2", "--zset-max-ziplist-entries", "2",
               "--set-max-listpack-entries", "2", "--list-max-listpack-size", "2"))
def test_thresholds_are_the_options(c):
    if is_oracle():
        return
    for kind, encoding in LARGE.items():
        fill(c, kind, kind)
        assert c.cmd("OBJECT", "ENCODING", kind) == encoding
        c.cmd("DEL", kind)


main("--enable-debug-command", "yes")
