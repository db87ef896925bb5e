"""Hashes over the wire: every form, option and error text of the commands that know no field TTL.

Everything but NOVALUES also holds for Redis 7.0 (POLLARD_SERVER=redis-server).
"""

from pollard_test import Error, Skip, case, is_oracle, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, rows

NOT_FLOAT = Error("ERR value is not a valid float")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")


def flat(reply):
    """The words of an aggregate, in order; of a map its keys and values."""
    if reply.kind == "map":
        return [part.items for pair in reply.items for part in pair]
    return [part.items for part in reply.items]


def words(text):
    return [word.encode() for word in text.split()]


@case(protocols=BOTH)
def test_set_and_get(c):
    rows(c,
         ("HSET h a 1 b 2", 2), ("HSET h a 3 c 4", 1), ("HGET h a", b"3"), ("HGET h c", b"4"),
         ("HGET h x", None), ("HGET nokey x", None), ("HLEN h", 3), ("HLEN nokey", 0),
         ("HSET h d 1 d 2", 1), ("HGET h d", b"2"), ("HSET h '' ''", 1), ("HGET h ''", b""),
         ("HSTRLEN h ''", 0), ("HSET h", arity("hset")), ("HSET h a", arity("hset")),
         ("HSET h a 1 b", arity("hset")), ("HMSET h a 5 e 6", OK), ("HGET h a", b"5"),
         ("HMSET h a", arity("hmset")), ("HMSET h a 1 b", arity("hmset")),
         ("HGET h", arity("hget")), ("HGET h a b", arity("hget")), ("TYPE h", "hash"),
         ("HMGET h a nosuch d", [b"5", None, b"2"]), ("HMGET nokey a b", [None, None]),
         ("HMGET h", arity("hmget")), ("HEXISTS h a", 1), ("HEXISTS h x", 0),
         ("HEXISTS nokey a", 0), ("HSTRLEN h a", 1), ("HSTRLEN h x", 0), ("HSTRLEN nokey x", 0),
         ("HSETNX h a 9", 0), ("HGET h a", b"5"), ("HSETNX h new 9", 1), ("HGET h new", b"9"),
         ("HSETNX k a 1", 1), ("HSETNX k a", arity("hsetnx")), ("HLEN k", 1))


@case(protocols=BOTH)
def test_all(c):
    assert c.cmd("HSET", "h", "a", "1", "b", "2", "a", "3", "c", "") == 3
    for name, expected in (("HGETALL", [b"a", b"3", b"b", b"2", b"c", b""]),
                           ("HKEYS", words("a b c")), ("HVALS", [b"3", b"2", b""])):
        reply = c.cmd(name, "h")
        kind = "map" if name == "HGETALL" and c.protocol == 3 else "array"
        assert reply.kind == kind and flat(reply) == expected, f"{name}: {reply!r}"
        reply = c.cmd(name, "nokey")
        assert reply.kind == kind and flat(reply) == [], f"{name}: {reply!r}"
        assert c.cmd(name) == arity(name.lower())
        assert c.cmd(name, "h", "x") == arity(name.lower())


@case(protocols=BOTH)
def test_delete(c):
    rows(c,
         ("HSET h a 1 b 2 c 3", 3), ("HDEL h x", 0), ("HDEL h a a x", 1), ("HLEN h", 2),
         ("HDEL nokey a", 0), ("HDEL h", arity("hdel")), ("HDEL h c b z", 2), ("EXISTS h", 0),
         ("HDEL h a", 0), ("HSET h z 1", 1), ("HLEN h", 1))


@case(protocols=BOTH)
def test_increment(c):
    not_integer = Error("ERR hash value is not an integer")
    overflow = Error("ERR increment or decrement would overflow")
    rows(c,
         ("HINCRBY h n 5", 5), ("HINCRBY h n -7", -2), ("HGET h n", b"-2"),
         ("HINCRBY h n x", NOT_INTEGER), ("HINCRBY h n 1.5", NOT_INTEGER),
         ("HINCRBY h n 9223372036854775808", NOT_INTEGER), ("HINCRBY h n", arity("hincrby")),
         ("HSET h t abc p ' 1' l 01 e ''", 4), ("HINCRBY h t 1", not_integer),
         ("HINCRBY h p 1", not_integer), ("HINCRBY h l 1", not_integer),
         ("HINCRBY h e 1", not_integer), ("HSET h m 9223372036854775807", 1),
         ("HINCRBY h m 1", overflow), ("HINCRBY h m -1", 9223372036854775806),
         ("HSET h m -9223372036854775808", 0), ("HINCRBY h m -1", overflow),
         ("HINCRBY k a 0", 0), ("HGET k a", b"0"))


@case(protocols=BOTH)
def test_increment_float(c):
    not_float = Error("ERR hash value is not a float")
    infinite = Error("ERR value is NaN or Infinity")
    rows(c,
         ("HINCRBYFLOAT h n 0.1", b"0.1"), ("HINCRBYFLOAT h n 0.2", b"0.3"),
         ("HSET h n 3", 0), ("HINCRBYFLOAT h n 3.0e3", b"3003"), ("HINCRBYFLOAT h n -3003", b"0"),
         ("HGET h n", b"0"), ("HINCRBYFLOAT h n x", NOT_FLOAT), ("HINCRBYFLOAT h n inf", infinite),
         ("HINCRBYFLOAT h n -inf", infinite), ("HINCRBYFLOAT h n nan", NOT_FLOAT),
         ("HINCRBYFLOAT h n", arity("hincrbyfloat")), ("HSET h t abc e '' i 10", 3),
         ("HINCRBYFLOAT h t 1", not_float), ("HINCRBYFLOAT h e 1", not_float),
         ("HINCRBYFLOAT h i 1.5", b"11.5"), ("HSET h i inf", 0),
         ("HINCRBYFLOAT h i 1", Error("ERR increment would produce NaN or Infinity")))
    reply = c.cmd("HINCRBYFLOAT", "h", "huge", "1e700").items
    assert len(reply) > 512 and c.cmd("HGET", "h", "huge") == reply


@case(protocols=BOTH)
def test_random(c):
    limits = Error("ERR value is out of range, value must between -9223372036854775807 and "
                   "9223372036854775807")
    too_far = Error("ERR value is out of range")
    rows(c,
         ("HRANDFIELD h", None), ("HRANDFIELD h 5", []), ("HRANDFIELD h -5 WITHVALUES", []),
         ("HSET h a 1", 1), ("HRANDFIELD h", b"a"), ("HRANDFIELD h 5", [b"a"]),
         ("HRANDFIELD h -3", [b"a"] * 3), ("HRANDFIELD h 0", []), ("HRANDFIELD h 0 WITHVALUES", []),
         ("HRANDFIELD h x", NOT_INTEGER), ("HRANDFIELD h x foo", NOT_INTEGER),
         ("HRANDFIELD h 1 foo", SYNTAX), ("HRANDFIELD h 1 WITHVALUES x", SYNTAX),
         ("HRANDFIELD h 9223372036854775807", [b"a"]),
         ("HRANDFIELD h -9223372036854775808", limits),
         ("HRANDFIELD h -9223372036854775807 WITHVALUES", too_far),
         ("HRANDFIELD h 4611686018427387904 WITHVALUES", too_far),
         ("HRANDFIELD h 4611686018427387903 WITHVALUES",
          [[b"a", b"1"]] if c.protocol == 3 else [b"a", b"1"]),
         ("HRANDFIELD", arity("hrandfield")))


@case
def test_random_is_fair(c):
    """Ten fields, of a small hash and of a large one: each comes about as often as any."""
    for key, entries in (("small", "512"), ("large", "4")):
        c.cmd("CONFIG", "SET", "hash-max-listpack-entries", entries).is_ok()
        for index in range(10):
            assert c.cmd("HSET", key, f"f{index}", index) == 1
        counts = {f"f{index}".encode(): 0 for index in range(10)}
        for _ in range(2000):
            counts[c.cmd("HRANDFIELD", key).items] += 1
        for field in flat(c.cmd("HRANDFIELD", key, -4000)):
            counts[field] += 1
        for _ in range(1000):
            fields = flat(c.cmd("HRANDFIELD", key, 4))
            assert len(set(fields)) == 4
            for field in fields:
                counts[field] += 1
        assert all(850 < count < 1150 for count in counts.values()), f"{key}: {counts}"
        assert sorted(flat(c.cmd("HRANDFIELD", key, 10))) == sorted(counts)
        assert sorted(flat(c.cmd("HRANDFIELD", key, 99))) == sorted(counts)
    c.cmd("CONFIG", "SET", "hash-max-listpack-entries", "512").is_ok()


@case(protocols=BOTH)
def test_scan(c):
    empty = [b"0", []]
    rows(c,
         ("HSET h a 1 b 2 abc 3", 3), ("HSCAN h 0", [b"0", words("a 1 b 2 abc 3")]),
         ("HSCAN h 0 MATCH a*", [b"0", words("a 1 abc 3")]), ("HSCAN h 0 match x", empty),
         ("HSCAN h 0 COUNT 1", [b"0", words("a 1 b 2 abc 3")]),
         ("HSCAN h 0 COUNT 0", SYNTAX), ("HSCAN h 0 COUNT x", NOT_INTEGER),
         ("HSCAN h 0 COUNT", SYNTAX), ("HSCAN h 0 MATCH", SYNTAX), ("HSCAN h 0 foo", SYNTAX),
         ("HSCAN h x", Error("ERR invalid cursor")), ("HSCAN nokey 0", empty),
         ("HSCAN nokey 0 foo", empty), ("HSCAN nokey x", Error("ERR invalid cursor")),
         ("HSCAN h", arity("hscan")))
    if is_oracle():
        raise Skip("NOVALUES is newer than Redis 7.0")
    rows(c,
         ("HSCAN h 0 NOVALUES", [b"0", words("a b abc")]),
         ("HSCAN h 0 novalues MATCH a* COUNT 10", [b"0", words("a abc")]),
         ("HSCAN h 0 NOVALUES x", SYNTAX))


@case(protocols=BOTH)
def test_wrong_type(c):
    c.cmd("SET", "s", "x").is_ok()
    for line in ("HSET s a 1", "HMSET s a 1", "HSETNX s a 1", "HGET s a", "HMGET s a", "HGETALL s",
                 "HKEYS s", "HVALS s", "HLEN s", "HEXISTS s a", "HDEL s a", "HSTRLEN s a",
                 "HINCRBY s a 1", "HINCRBYFLOAT s a 1", "HRANDFIELD s", "HRANDFIELD s 1",
                 "HSCAN s 0", "HSCAN s 0 foo"):
        rows(c, (line, WRONG_TYPE))
    rows(c, ("HSET h a 1", 1), ("GET h", WRONG_TYPE), ("INCR h", WRONG_TYPE),
         ("APPEND h x", WRONG_TYPE), ("GETRANGE h 0 1", WRONG_TYPE), ("MGET h s", [None, b"x"]),
         ("SET h v", OK), ("GET h", b"v"))


@case
def test_encodings(c):
    rows(c,
         ("CONFIG SET hash-max-listpack-entries 3", OK), ("HSET h a 1 b 2 c 3", 3),
         ("OBJECT ENCODING h", b"listpack"), ("HSET h a 9", 0),
         ("OBJECT ENCODING h", b"listpack"), ("HSET h d 4", 1),
         ("OBJECT ENCODING h", b"hashtable"), ("HDEL h a b c", 3),
         ("OBJECT ENCODING h", b"hashtable"), ("HGETALL h", [b"d", b"4"]),
         ("CONFIG SET hash-max-ziplist-entries 512", OK),
         ("CONFIG SET hash-max-listpack-value 10", OK), ("HSET v a 1234567890", 1),
         ("OBJECT ENCODING v", b"listpack"), ("HSET v a 12345678901", 0),
         ("OBJECT ENCODING v", b"hashtable"), ("HGET v a", b"12345678901"),
         ("HSET w abcdefghijk 1", 1), ("OBJECT ENCODING w", b"hashtable"),
         ("CONFIG SET hash-max-listpack-value 64", OK), ("DEL h", 1),
         ("CONFIG SET hash-max-listpack-entries 0", OK), ("HSET h a 1", 1),
         ("OBJECT ENCODING h", b"hashtable"), ("CONFIG SET hash-max-listpack-entries 512", OK))


@case
def test_any_bytes(c):
    """Fields and values of every size class, in small and large hashes, replaced by one another."""
    sizes = (0, 1, 19, 63, 64, 65, 127, 128, 129, 511, 512, 513, 5000, 16384, 70000)
    texts = [bytes((size + index * 7) % 251 for index in range(size)) for size in sizes]
    texts += [b"-1", b"63", b"64", b"127", b"128", b"65536", b"-9223372036854775808", b"007"]
    for limit in ("64", "100000"):
        c.cmd("CONFIG", "SET", "hash-max-listpack-value", limit).is_ok()
        for index, text in enumerate(texts):
            assert c.cmd("HSET", "h", text, texts[-index]) == 1
        assert c.cmd("HLEN", "h") == len(texts)
        for shift in (1, 3):
            for index, text in enumerate(texts):
                assert c.cmd("HSET", "h", text, texts[index - shift]) == 0
                assert c.cmd("HGET", "h", text) == texts[index - shift]
                assert c.cmd("HSTRLEN", "h", text) == len(texts[index - shift])
        found = flat(c.cmd("HGETALL", "h"))
        assert dict(zip(found[::2], found[1::2])) == {
            text: texts[index - 3] for index, text in enumerate(texts)}
        assert c.cmd("COPY", "h", "copy") == 1
        for count, text in enumerate(texts, 1):
            assert c.cmd("HDEL", "h", text) == 1
            assert c.cmd("HLEN", "h") == len(texts) - count
        assert c.cmd("EXISTS", "h") == 0 and c.cmd("HLEN", "copy") == len(texts)
        assert c.cmd("DEL", "copy") == 1
    c.cmd("CONFIG", "SET", "hash-max-listpack-value", "64").is_ok()


@case
def test_ttl_of_the_key_stays(c):
    rows(c,
         ("HSET h a 1", 1), ("EXPIRE h 100", 1), ("HSET h b 2", 1), ("HINCRBY h a 1", 2),
         ("HDEL h b", 1), ("TTL h", 100), ("PERSIST h", 1), ("TTL h", -1), ("HGET h a", b"2"),
         ("RENAME h g", OK), ("HGET g a", b"2"), ("EXPIRE g -1", 1), ("HGET g a", None))


if __name__ == "__main__":
    main()
