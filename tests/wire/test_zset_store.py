"""Unions, intersections and differences of sorted sets over the wire."""
from pollard_test import Error, Skip, case, is_oracle, main
from talkers import BOTH, NOT_INTEGER, SYNTAX, rows
from zset_rows import WRONG_TYPE, both_forms, pairs, score


def at_least(name):
    return Error(f"ERR at least 1 input key is needed for '{name}' command")


def fill(c):
    rows(c, ("ZADD a 1 x 2 y 3 z", 3), ("ZADD b 10 y 20 z 30 w", 3), ("SADD s y q", 2))


@case(protocols=BOTH)
def test_union(c):
    def body():
        fill(c)
        rows(c, ("ZUNION 2 a b", ["x", "y", "z", "w"]),
             ("ZUNION 2 a b WITHSCORES", pairs(c, ("x", "1"), ("y", "12"), ("z", "23"),
                                              ("w", "30"))),
             ("ZUNION 2 a s WEIGHTS 2 5 WITHSCORES",
              pairs(c, ("x", "2"), ("q", "5"), ("z", "6"), ("y", "9"))),
             ("ZUNION 2 a b AGGREGATE MAX WITHSCORES",
              pairs(c, ("x", "1"), ("y", "10"), ("z", "20"), ("w", "30"))),
             ("ZUNION 2 a b AGGREGATE MIN WITHSCORES",
              pairs(c, ("x", "1"), ("y", "2"), ("z", "3"), ("w", "30"))),
             ("ZUNION 1 nokey", []), ("ZUNIONSTORE d 2 a b", 4), ("ZCARD d", 4),
             ("ZUNIONSTORE a 2 a a", 3), ("ZSCORE a z", score(c, "6")),
             ("ZUNIONSTORE d 1 nokey", 0), ("EXISTS d", 0))
    both_forms(c, body)


@case(protocols=BOTH)
def test_intersection(c):
    def body():
        fill(c)
        rows(c, ("ZINTER 2 a b WITHSCORES", pairs(c, ("y", "12"), ("z", "23"))),
             ("ZINTER 2 a s WITHSCORES", pairs(c, ("y", "3"))), ("ZINTER 2 a nokey", []),
             ("ZINTERSTORE d 2 a b WEIGHTS 1 inf", 2),
             ("ZRANGE d 0 -1 WITHSCORES", pairs(c, ("y", "inf"), ("z", "inf"))),
             ("ZINTERSTORE d 2 a nokey", 0), ("EXISTS d", 0), ("ZINTERCARD 2 a b", 2),
             ("ZINTERCARD 2 a b LIMIT 1", 1), ("ZINTERCARD 2 a b LIMIT 0", 2),
             ("ZINTERCARD 2 a nokey", 0))
    both_forms(c, body)


@case(protocols=BOTH)
def test_difference(c):
    def body():
        fill(c)
        rows(c, ("ZDIFF 2 a b", ["x"]),
             ("ZDIFF 2 a s WITHSCORES", pairs(c, ("x", "1"), ("z", "3"))),
             ("ZDIFF 2 nokey a", []), ("ZDIFF 2 a nokey", ["x", "y", "z"]),
             ("ZDIFFSTORE d 2 a b", 1), ("ZRANGE d 0 -1", ["x"]), ("ZDIFFSTORE d 2 a a", 0),
             ("EXISTS d", 0))
    both_forms(c, body)


@case
def test_errors(c):
    fill(c)
    rows(c, ("ZUNION 0 a", at_least("zunion")), ("ZINTERSTORE d 0 a", at_least("zinterstore")),
         ("ZINTERCARD 0 a", at_least("zintercard")), ("ZUNION x a", NOT_INTEGER),
         ("ZUNION 3 a b", SYNTAX), ("ZUNION 2 a b WEIGHTS 1", SYNTAX),
         ("ZUNION 2 a b WEIGHTS 1 x", Error("ERR weight value is not a float")),
         ("ZUNION 2 a b AGGREGATE FOO", SYNTAX), ("ZUNIONSTORE d 2 a b WITHSCORES", SYNTAX),
         ("ZDIFF 2 a b WEIGHTS 1 1", SYNTAX), ("ZINTERCARD 2 a b LIMIT -1",
                                               Error("ERR LIMIT can't be negative")),
         ("ZINTERCARD 2 a b FOO", SYNTAX), ("SET k v", "OK"), ("ZUNION 2 a k", WRONG_TYPE),
         ("ZINTERSTORE d 2 k nokey", WRONG_TYPE), ("ZDIFFSTORE d 2 a k", WRONG_TYPE),
         ("ZINTERCARD 1 k", WRONG_TYPE))


@case(protocols=BOTH)
def test_counting_inputs(c):
    if is_oracle():
        raise Skip("newer than Redis 7.0")
    fill(c)
    rows(c, ("ZUNION 3 a b s AGGREGATE COUNT WITHSCORES",
             pairs(c, ("q", "1"), ("w", "1"), ("x", "1"), ("z", "2"), ("y", "3"))),
         ("ZINTER 2 a b WEIGHTS 2 3 AGGREGATE COUNT WITHSCORES", pairs(c, ("y", "5"), ("z", "5"))))


@case
def test_large_inputs_on_the_pool(c):
    for start in range(0, 10000, 500):
        c.cmd("ZADD", "a", *[part for i in range(start, start + 500) for part in (i, f"m{i}")])
        c.cmd("ZADD", "b", *[part for i in range(start, start + 500)
                             for part in (i, f"m{i + 5000}")])
    assert c.cmd("ZUNIONSTORE", "u", 2, "a", "b") == 15000
    assert c.cmd("ZINTERSTORE", "i", 2, "a", "b") == 5000
    assert c.cmd("ZDIFFSTORE", "d", 2, "a", "b") == 5000
    assert c.cmd("ZINTERCARD", 2, "a", "b") == 5000
    assert c.cmd("ZSCORE", "i", "m5000") == "5000"
    assert len(c.cmd("ZUNION", 2, "a", "b")) == 15000
    assert c.cmd("ZRANGESTORE", "r", "u", 0, 9999) == 10000
    assert c.cmd("ZREMRANGEBYRANK", "u", 10, 9999) == 9990
    assert c.cmd("ZCARD", "u") == 5010
    assert len(c.cmd("ZPOPMIN", "r", 6000)) == 12000
    assert c.cmd("ZCARD", "r") == 4000
    assert c.cmd("EXPIRE", "r", 1000) == 1
    assert len(c.cmd("ZPOPMAX", "r", 3999)) == 7998


main()
