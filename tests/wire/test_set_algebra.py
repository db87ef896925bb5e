"""Union, intersection and difference of sets over the wire, with their STORE and CARD forms.

All but SDIFFCARD and SUNIONCARD also holds for Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import random

from pollard_test import Error, Skip, case, is_oracle, main
from talkers import BOTH, OK, SYNTAX, arity, rows

WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
NUMKEYS = Error("ERR numkeys should be greater than 0")
BEYOND = Error("ERR Number of keys can't be greater than number of args")
NEGATIVE = Error("ERR LIMIT can't be negative")


def members(reply):
    return sorted(part.items for part in reply.items)


def expect(c, line, *expected):
    reply = c.cmd(*line.split())
    assert reply.kind == ("set" if c.protocol == 3 else "array"), f"{line}: {reply!r}"
    assert members(reply) == sorted(word.encode() for word in expected), f"{line}: {reply!r}"


@case(protocols=BOTH)
def test_answers(c):
    rows(c, ("SADD a x y z 1", 4), ("SADD b y z w 2", 4), ("SADD c z 3", 2), ("SADD i 1 2 3 9", 4),
         ("SADD k 2 3 4", 3))
    expect(c, "SINTER a", "x", "y", "z", "1")
    expect(c, "SINTER a b", "y", "z")
    expect(c, "SINTER a b c", "z")
    expect(c, "SINTER a b c i")
    expect(c, "SINTER a nokey")
    expect(c, "SINTER nokey")
    expect(c, "SINTER i k", "2", "3")
    expect(c, "SINTER i a", "1")
    expect(c, "SINTER a a", "x", "y", "z", "1")
    expect(c, "SUNION a b c", "x", "y", "z", "w", "1", "2", "3")
    expect(c, "SUNION i k", "1", "2", "3", "4", "9")
    expect(c, "SUNION a nokey", "x", "y", "z", "1")
    expect(c, "SUNION nokey nokey")
    expect(c, "SDIFF a b", "x", "1")
    expect(c, "SDIFF a b c i", "x")
    expect(c, "SDIFF a a")
    expect(c, "SDIFF nokey a")
    expect(c, "SDIFF a nokey", "x", "y", "z", "1")
    expect(c, "SDIFF i k", "1", "9")
    for name in ("sinter", "sunion", "sdiff"):
        rows(c, (name, arity(name)))
        rows(c, (f"{name}store d", arity(name + "store")))


@case(protocols=BOTH)
def test_integers_answer_sorted(c):
    c.cmd("SADD", "a", 5, 1, 100000, -3)
    c.cmd("SADD", "b", 7, 1, -3, 5000000000)
    for line, expected in (("SINTER a b", [-3, 1]), ("SDIFF a b", [5, 100000]),
                           ("SUNION a b", [-3, 1, 5, 7, 100000, 5000000000])):
        found = [part.items for part in c.cmd(*line.split()).items]
        assert found == [b"%d" % number for number in expected], f"{line}: {found}"
    rows(c, ("SUNIONSTORE d a b", 6), ("OBJECT ENCODING d", b"intset"), ("SINTERSTORE d a b", 2),
         ("OBJECT ENCODING d", b"intset"))


@case(protocols=BOTH)
def test_store(c):
    rows(c,
         ("SADD a x y z", 3), ("SADD b y z w", 3), ("SINTERSTORE d a b", 2),
         ("SUNIONSTORE e a b", 4), ("SDIFFSTORE f a b", 1), ("SCARD d", 2), ("SISMEMBER d y", 1),
         ("SCARD e", 4), ("SMISMEMBER f x y", [1, 0]), ("EXPIRE d 100", 1),
         ("SINTERSTORE d a b", 2), ("TTL d", -1), ("SINTERSTORE d a nokey", 0), ("EXISTS d", 0),
         ("SDIFFSTORE nothing nokey a", 0), ("EXISTS nothing", 0), ("SET str v", OK),
         ("SUNIONSTORE str a", 3), ("TYPE str", "set"), ("SET str v", OK),
         ("SDIFFSTORE str a a", 0), ("EXISTS str", 0), ("SUNIONSTORE a a b", 4), ("SCARD a", 4),
         ("SINTERSTORE a a b", 3), ("SCARD a", 3), ("SDIFFSTORE a a b", 0), ("EXISTS a", 0),
         ("SCARD b", 3), ("SUNIONSTORE copy b", 3), ("SREM copy w", 1), ("SCARD b", 3))


@case(protocols=BOTH)
def test_wrong_types(c):
    rows(c, ("SADD s a", 1), ("SET str v", OK))
    for name in ("SINTER", "SUNION", "SDIFF"):
        for keys in ("str", "s str", "str s", "nokey str", "s nokey str"):
            rows(c, (f"{name} {keys}", WRONG_TYPE), (f"{name}STORE d {keys}", WRONG_TYPE))
    rows(c, ("SINTERCARD 2 s str", WRONG_TYPE), ("SINTERCARD 2 nokey str", WRONG_TYPE),
         ("EXISTS d", 0), ("SINTERSTORE str s str", WRONG_TYPE), ("GET str", b"v"))


@case(protocols=BOTH)
def test_intercard(c):
    rows(c,
         ("SADD a 1 2 3 4 5", 5), ("SADD b 2 3 4 9", 4), ("SADD w 2 3 x", 3),
         ("SINTERCARD 1 a", 5), ("SINTERCARD 2 a b", 3), ("SINTERCARD 2 a b LIMIT 2", 2),
         ("SINTERCARD 2 a b limit 0", 3), ("SINTERCARD 2 a b LIMIT 100", 3),
         ("SINTERCARD 3 a b w LIMIT 1", 1), ("SINTERCARD 3 a b w", 2), ("SINTERCARD 2 a nokey", 0),
         ("SINTERCARD 2 a b LIMIT -1", NEGATIVE), ("SINTERCARD 2 a b LIMIT x", NEGATIVE),
         ("SINTERCARD 2 a b LIMIT", SYNTAX), ("SINTERCARD 2 a b c", SYNTAX),
         ("SINTERCARD 0 a", NUMKEYS), ("SINTERCARD -1 a", NUMKEYS), ("SINTERCARD x a", NUMKEYS),
         ("SINTERCARD 3 a b", BEYOND), ("SINTERCARD 1", arity("sintercard")),
         ("SINTERCARD 9223372036854775807 a", BEYOND))


@case(protocols=BOTH)
def test_newer_cards(c):
    if is_oracle():
        raise Skip("newer than the oracle")
    rows(c,
         ("SADD a 1 2 3 4 5", 5), ("SADD b 2 3 9", 3), ("SADD w 2 x y", 3), ("SET str v", OK),
         ("SDIFFCARD 1 a", 5), ("SDIFFCARD 2 a b", 3), ("SDIFFCARD 3 a b w", 3),
         ("SDIFFCARD 2 a nokey", 5), ("SDIFFCARD 2 nokey a", 0), ("SDIFFCARD 2 a b LIMIT 2", 2),
         ("SDIFFCARD 2 a b LIMIT 0", 3), ("SDIFFCARD 2 a b LIMIT -1", NEGATIVE),
         ("SDIFFCARD 2 a b APPROX", SYNTAX), ("SDIFFCARD 0 a", NUMKEYS),
         ("SDIFFCARD 2 a", BEYOND), ("SDIFFCARD 2 a str", WRONG_TYPE),
         ("SDIFFCARD 1", arity("sdiffcard")), ("SUNIONCARD 1 a", 5), ("SUNIONCARD 2 a b", 6),
         ("SUNIONCARD 3 a b w", 8), ("SUNIONCARD 2 a b LIMIT 4", 4),
         ("SUNIONCARD 2 a b LIMIT 0", 6),
         ("SUNIONCARD 2 a b APPROX", 6), ("SUNIONCARD 2 a b APPROX LIMIT 3", 3),
         ("SUNIONCARD 2 a b LIMIT 3 APPROX", 3), ("SUNIONCARD 2 nokey nokey", 0),
         ("SUNIONCARD 2 a b LIMIT -1", NEGATIVE), ("SUNIONCARD 2 a b LIMIT", SYNTAX),
         ("SUNIONCARD 2 a b WHAT", SYNTAX), ("SUNIONCARD 0 a", NUMKEYS),
         ("SUNIONCARD 2 a", BEYOND), ("SUNIONCARD 2 a str", WRONG_TYPE),
         ("SUNIONCARD 1", arity("sunioncard")))


def check_all(c, sets):
    keys = list(sets)
    first, rest = sets[keys[0]], [sets[key] for key in keys[1:]]
    answers = {"SINTER": first.intersection(*rest), "SUNION": first.union(*rest),
               "SDIFF": first.difference(*rest)}
    for name, expected in answers.items():
        found = members(c.cmd(name, *keys))
        assert found == sorted(expected), f"{name} {keys}: {len(found)} of {len(expected)}"
        assert c.cmd(name + "STORE", "dest", *keys) == len(expected)
        assert members(c.cmd("SMEMBERS", "dest")) == sorted(expected)
        if name == "SINTER" or not is_oracle():
            assert c.cmd(name + "CARD", len(keys), *keys) == len(expected)
            for limit in (1, 7, 100000):
                reply = c.cmd(name + "CARD", len(keys), *keys, "LIMIT", limit)
                assert reply == min(limit, len(expected))


@case(protocols=BOTH)
def test_any_forms(c):
    """Sets of all forms and sizes against Python's."""
    chance = random.Random(7)
    shapes = (("int", 10), ("int", 300), ("int", 500), ("word", 10), ("word", 120), ("mixed", 50),
              ("int", 1500), ("word", 2500), ("mixed", 6000))
    for round_number in range(40):
        sets = {}
        c.cmd("FLUSHALL")
        for index in range(chance.randint(1, 4)):
            kind, count = chance.choice(shapes)
            span = count * chance.choice((1, 2, 20))
            members_of = set()
            for _ in range(count):
                number = chance.randrange(span) - span // 3
                is_word = kind == "word" or (kind == "mixed" and number % 2)
                members_of.add(b"w:%d" % number if is_word else b"%d" % number)
            c.cmd("SADD", f"k{index}", *members_of)
            sets[f"k{index}"] = members_of
        check_all(c, sets)


@case(protocols=BOTH)
def test_integers_of_each_width(c):
    """The merge and the search of sorted integers, of each pair of widths."""
    chance = random.Random(11)
    widths = (1, 100000, 10 ** 11)
    for few, many in ((5, 400), (200, 300), (1, 500), (512, 512)):
        for left in widths:
            for right in widths:
                a = {(n + 1) * left for n in chance.sample(range(600), few)}
                b = {(n + 1) * right for n in chance.sample(range(600), many)}
                b = set(list(b)[:512 - 20]) | set(list(a)[:20])
                c.cmd("DEL", "a", "b")
                c.cmd("SADD", "a", *a)
                c.cmd("SADD", "b", *b)
                for pair in (("a", "b"), ("b", "a")):
                    assert members(c.cmd("SINTER", *pair)) == sorted(b"%d" % n for n in a & b)
                    assert c.cmd("SINTERCARD", 2, *pair) == len(a & b)
                    limit = c.cmd("SINTERCARD", 2, *pair, "LIMIT", 3)
                    assert limit == min(3, len(a & b))


main()
