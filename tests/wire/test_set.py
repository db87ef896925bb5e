"""Sets over the wire: every form, option and error text of the commands about one set.

Everything but the encodings also holds for Redis 7.0 (POLLARD_SERVER=redis-server).
"""

from pollard_test import Error, case, is_oracle, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, rows

NOT_POSITIVE = Error("ERR value is out of range, must be positive")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")


def members(reply):
    return sorted(part.items for part in reply.items)


def words(text):
    return sorted(word.encode() for word in text.split())


@case(protocols=BOTH)
def test_add_and_remove(c):
    rows(c,
         ("SADD s a b c", 3), ("SADD s a d", 1), ("SADD s a", 0), ("SCARD s", 4),
         ("SADD s x x x", 1), ("SCARD nokey", 0), ("SADD s", arity("sadd")),
         ("SADD", arity("sadd")),
         ("SREM s a a nosuch", 1), ("SREM s a", 0), ("SREM nokey a", 0), ("SREM s", arity("srem")),
         ("SREM s b c d x", 4), ("EXISTS s", 0), ("SCARD s", 0), ("SCARD", arity("scard")),
         ("SCARD s s", arity("scard")), ("SADD s ''", 1), ("SISMEMBER s ''", 1), ("TYPE s", "set"),
         ("SREM s '' ''", 1), ("TYPE s", "none"))


@case(protocols=BOTH)
def test_members(c):
    rows(c,
         ("SADD s a b 1 -7", 4), ("SISMEMBER s a", 1), ("SISMEMBER s 1", 1), ("SISMEMBER s 01", 0),
         ("SISMEMBER s -7", 1), ("SISMEMBER s +1", 0), ("SISMEMBER nokey a", 0),
         ("SISMEMBER s", arity("sismember")), ("SISMEMBER s a b", arity("sismember")),
         ("SMISMEMBER s a z 1", [1, 0, 1]), ("SMISMEMBER nokey a b", [0, 0]),
         ("SMISMEMBER s", arity("smismember")), ("SMEMBERS", arity("smembers")),
         ("SMEMBERS s s", arity("smembers")))
    reply = c.cmd("SMEMBERS", "s")
    assert reply.kind == ("set" if c.protocol == 3 else "array"), reply
    assert members(reply) == words("a b 1 -7")
    reply = c.cmd("SMEMBERS", "nokey")
    assert reply.kind == ("set" if c.protocol == 3 else "array") and reply.items == [], reply


@case(protocols=BOTH)
def test_integers_are_sorted(c):
    numbers = [5, -1, 70000, 3, -70000, 1 << 40, -(1 << 40), (1 << 63) - 1, -(1 << 63), 0]
    for count in range(1, len(numbers) + 1):
        c.cmd("DEL", "s")
        assert c.cmd("SADD", "s", *numbers[:count]) == count
        found = [part.items for part in c.cmd("SMEMBERS", "s").items]
        assert found == [b"%d" % number for number in sorted(numbers[:count])]
        assert c.cmd("OBJECT", "ENCODING", "s") == b"intset"
    for left in range(len(numbers) - 1, 0, -1):
        assert c.cmd("SREM", "s", numbers[left]) == 1
        found = [part.items for part in c.cmd("SMEMBERS", "s").items]
        assert found == [b"%d" % number for number in sorted(numbers[:left])]
    rows(c, ("SADD s 9223372036854775808", 1), ("SISMEMBER s 9223372036854775808", 1),
         ("SISMEMBER s 5", 1), ("SISMEMBER s -9223372036854775808", 0))


@case(protocols=BOTH)
def test_encodings(c):
    small = b"hashtable" if is_oracle() else b"listpack"

    def expect(encoding, count):
        assert c.cmd("OBJECT", "ENCODING", "s") == encoding
        assert c.cmd("SCARD", "s") == count

    assert c.cmd("SADD", "s", *range(512)) == 512
    expect(b"intset", 512)
    assert c.cmd("SADD", "s", 512) == 1
    expect(b"hashtable", 513)
    c.cmd("DEL", "s")
    assert c.cmd("SADD", "s", *range(100), "a") == 101
    expect(small, 101)
    assert c.cmd("SADD", "s", *range(100, 127)) == 27
    expect(small, 128)
    assert c.cmd("SADD", "s", 5, "a") == 0
    expect(small, 128)
    assert c.cmd("SADD", "s", "b") == 1
    expect(b"hashtable", 129)
    assert members(c.cmd("SMEMBERS", "s")) == sorted([b"a", b"b"] + [b"%d" % n for n in range(127)])
    c.cmd("DEL", "s")
    assert c.cmd("SADD", "s", "x" * 64) == 1
    expect(small, 1)
    assert c.cmd("SADD", "s", "x" * 65) == 1
    expect(b"hashtable", 2)
    c.cmd("DEL", "s")
    assert c.cmd("SADD", "s", 1, 2, 3, "y" * 65) == 4
    expect(b"hashtable", 4)
    c.cmd("DEL", "s")
    assert c.cmd("SADD", "s", *range(200)) == 200
    assert c.cmd("SADD", "s", "word") == 1
    expect(b"hashtable", 201)


@case(protocols=BOTH)
def test_thresholds_are_options(c):
    small = b"hashtable" if is_oracle() else b"listpack"
    names = ("set-max-intset-entries", "set-max-listpack-entries", "set-max-listpack-value")
    if is_oracle():
        names = names[:1]
    before = {name: c.cmd("CONFIG", "GET", name).items for name in names}
    try:
        for name in names:
            assert c.cmd("CONFIG", "SET", name, 4) == OK
        rows(c, ("SADD i 1 2 3 4", 4), ("OBJECT ENCODING i", b"intset"), ("SADD i 5", 1),
             ("OBJECT ENCODING i", b"hashtable"), ("SADD l a 2 3 4", 4),
             ("OBJECT ENCODING l", small), ("SADD l b", 1), ("OBJECT ENCODING l", b"hashtable"),
             ("SADD v abcd", 1), ("OBJECT ENCODING v", small), ("SADD v abcde", 1),
             ("OBJECT ENCODING v", b"hashtable"))
        assert members(c.cmd("SMEMBERS", "l")) == words("a b 2 3 4")
        assert c.cmd("CONFIG", "SET", "set-max-intset-entries", 0) == OK
        rows(c, ("SADD z 1", 1), ("OBJECT ENCODING z", b"hashtable"))
    finally:
        for name in names:
            pair = before[name]
            value = pair[0][1].items if c.protocol == 3 else pair[1].items
            assert c.cmd("CONFIG", "SET", name, value) == OK


@case(protocols=BOTH)
def test_all_bytes(c):
    odd = [bytes(range(256)), b"\r\n", b"\0", b"\xff" * 127, b"\xff" * 128, b"q" * 512, b"q" * 513,
           b"r" * 70000, b"$-1\r\n"]
    assert c.cmd("SADD", "s", *odd) == len(odd)
    assert members(c.cmd("SMEMBERS", "s")) == sorted(odd)
    assert c.cmd("SMISMEMBER", "s", *odd) == [1] * len(odd)
    assert c.cmd("SADD", "s", *odd) == 0
    assert c.cmd("SISMEMBER", "s", b"q" * 514) == 0
    assert c.cmd("SREM", "s", *odd[::2]) == len(odd[::2])
    assert members(c.cmd("SMEMBERS", "s")) == sorted(odd[1::2])


@case(protocols=BOTH)
def test_pop(c):
    rows(c,
         ("SPOP nokey", None), ("SADD s only", 1), ("SPOP s", b"only"), ("EXISTS s", 0),
         ("SPOP s -1", NOT_POSITIVE), ("SPOP s abc", NOT_POSITIVE), ("SPOP s 1 1", SYNTAX),
         ("SPOP", arity("spop")))
    kind = "set" if c.protocol == 3 else "array"
    for line in ("SPOP nokey 3", "SPOP nokey 0"):
        reply = c.cmd(*line.split())
        assert reply.kind == kind and reply.items == [], reply
    for base in (list(range(20)), [f"w{n}" for n in range(20)], [f"w{n}" for n in range(300)]):
        everything = sorted(str(word).encode() for word in base)
        assert c.cmd("SADD", "s", *base) == len(base)
        reply = c.cmd("SPOP", "s", 0)
        assert reply.kind == kind and reply.items == []
        one = c.cmd("SPOP", "s").items
        some = c.cmd("SPOP", "s", 7)
        assert some.kind == kind and len(set(members(some))) == 7
        rest = c.cmd("SPOP", "s", 100000)
        assert sorted([one] + members(some) + members(rest)) == everything
        assert c.cmd("EXISTS", "s") == 0


@case(protocols=BOTH)
def test_pop_keeps_the_expiry(c):
    assert c.cmd("SADD", "s", *range(10)) == 10
    assert c.cmd("EXPIRE", "s", 1000) == 1
    c.cmd("SPOP", "s")
    c.cmd("SPOP", "s", 3)
    assert c.cmd("SCARD", "s") == 6
    assert 990 < c.cmd("TTL", "s").items <= 1000


@case(protocols=BOTH)
def test_random_member(c):
    between = Error("ERR value is out of range, value must between -9223372036854775807 and "
                    "9223372036854775807")
    rows(c,
         ("SRANDMEMBER nokey", None), ("SRANDMEMBER nokey 3", []), ("SRANDMEMBER nokey -3", []),
         ("SADD one x", 1), ("SRANDMEMBER one", b"x"), ("SRANDMEMBER one 3", [b"x"]),
         ("SRANDMEMBER one 0", []), ("SRANDMEMBER one -3", [b"x"] * 3), ("SCARD one", 1),
         ("SRANDMEMBER one a", NOT_INTEGER), ("SRANDMEMBER one 1 1", SYNTAX),
         ("SRANDMEMBER", arity("srandmember")),
         ("SRANDMEMBER one 9223372036854775808", NOT_INTEGER),
         ("SRANDMEMBER one -9223372036854775808", between))
    for base in (list(range(20)), [f"w{n}" for n in range(20)], [f"w{n}" for n in range(300)]):
        everything = sorted(str(word).encode() for word in base)
        c.cmd("DEL", "s")
        assert c.cmd("SADD", "s", *base) == len(base)
        assert c.cmd("SRANDMEMBER", "s").items in everything
        for count in (1, 2, len(base) // 2, len(base) - 1, len(base), len(base) + 1, 1 << 62):
            reply = c.cmd("SRANDMEMBER", "s", count)
            assert reply.kind == "array"
            found = members(reply)
            assert len(found) == min(count, len(base)) and len(set(found)) == len(found)
            assert set(found) <= set(everything)
        found = members(c.cmd("SRANDMEMBER", "s", -3 * len(base)))
        assert len(found) == 3 * len(base) and set(found) <= set(everything)
        assert len(set(found)) < len(found)
        assert c.cmd("SCARD", "s") == len(base)


@case(protocols=BOTH)
def test_move(c):
    rows(c,
         ("SADD a x y z 1", 4), ("SADD b 1 2", 2), ("SMOVE a b x", 1), ("SMOVE a b nosuch", 0),
         ("SMOVE nokey b x", 0), ("SMOVE a a y", 1), ("SMOVE a a nosuch", 0), ("SMOVE a b 1", 1),
         ("SCARD a", 2), ("SCARD b", 3), ("SISMEMBER b x", 1), ("SMOVE a new y", 1),
         ("SMOVE a new z", 1), ("EXISTS a", 0), ("SCARD new", 2), ("SMOVE a b", arity("smove")),
         ("SMOVE a b c d", arity("smove")), ("SET str v", OK), ("SMOVE str b x", WRONG_TYPE),
         ("SMOVE b str x", WRONG_TYPE), ("SMOVE b str nosuch", WRONG_TYPE),
         ("SMOVE nokey str x", 0), ("SCARD b", 3))


@case(protocols=BOTH)
def test_scan(c):
    rows(c,
         ("SSCAN nokey 0", [b"0", []]), ("SSCAN s x", Error("ERR invalid cursor")),
         ("SSCAN s", arity("sscan")),
         ("SADD s 3 1 2", 3), ("SSCAN s 0", [b"0", [b"1", b"2", b"3"]]),
         ("SSCAN s 0 COUNT 1", [b"0", [b"1", b"2", b"3"]]), ("SSCAN s 0 COUNT 0", SYNTAX),
         ("SSCAN s 0 COUNT x", NOT_INTEGER), ("SSCAN s 0 COUNT", SYNTAX),
         ("SSCAN s 0 MATCH", SYNTAX), ("SSCAN s 0 NOVALUES", SYNTAX), ("SSCAN s 0 WHAT 1", SYNTAX),
         ("SSCAN s 0 MATCH [12]", [b"0", [b"1", b"2"]]), ("SSCAN s 0 match x*", [b"0", []]),
         ("SSCAN s -1", [b"0", [b"1", b"2", b"3"]]))
    assert c.cmd("SADD", "w", "apple", "pear", "avocado") == 3
    reply = c.cmd("SSCAN", "w", 0, "COUNT", 100, "MATCH", "a*").items
    assert reply[0].items == b"0" and members(reply[1]) == words("apple avocado")


@case(protocols=BOTH)
def test_wrong_type(c):
    c.cmd("SET", "k", "v")
    for line in ("SADD k a", "SREM k a", "SISMEMBER k a", "SMISMEMBER k a b", "SCARD k",
                 "SMEMBERS k", "SPOP k", "SPOP k 2", "SPOP k 0", "SRANDMEMBER k", "SRANDMEMBER k 2",
                 "SRANDMEMBER k -2", "SRANDMEMBER k 0", "SSCAN k 0"):
        reply = c.cmd(*line.split())
        assert reply == WRONG_TYPE, f"{line}: {reply!r}"
    assert c.cmd("GET", "k") == b"v"
    c.cmd("SADD", "s", "a")
    for line in ("GET s", "LPUSH s a", "HSET s a b", "ZADD s 1 a", "INCR s"):
        reply = c.cmd(*line.split())
        assert reply == WRONG_TYPE or line.startswith("ZADD"), f"{line}: {reply!r}"
    assert c.cmd("SCARD", "s") == 1


@case(protocols=BOTH)
def test_as_a_key(c):
    rows(c,
         ("SADD s a b", 2), ("EXPIRE s 100", 1), ("SADD s c", 1), ("TTL s", 100),
         ("RENAME s t", OK), ("SCARD t", 3), ("COPY t u", 1), ("SREM t a", 1), ("SADD u z", 1),
         ("SCARD t", 2), ("SCARD u", 4), ("SET t v", OK), ("TYPE t", "string"), ("DEL u", 1),
         ("SADD u q", 1), ("SMEMBERS u", [b"q"]) if c.protocol == 2 else ("SCARD u", 1))


main()
