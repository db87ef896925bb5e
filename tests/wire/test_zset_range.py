"""Ranges of sorted sets over the wire: by rank, score and text; told, counted, stored, removed."""
from pollard_test import Error, case, main
from talkers import BOTH, SYNTAX, arity, rows
from zset_rows import WRONG_TYPE, both_forms, pairs

FLOAT_RANGE = Error("ERR min or max is not a float")
TEXT_RANGE = Error("ERR min or max not valid string range item")
NOT_INTEGER = Error("ERR value is not an integer or out of range")


@case(protocols=BOTH)
def test_by_rank(c):
    def body():
        rows(c, ("ZADD z 1 a 2 b 3 c 4 d", 4), ("ZRANGE z 0 -1", ["a", "b", "c", "d"]),
             ("ZRANGE z 1 2", ["b", "c"]), ("ZRANGE z -2 -1", ["c", "d"]), ("ZRANGE z 3 1", []),
             ("ZRANGE z 9 10", []), ("ZRANGE z 0 1 REV", ["d", "c"]),
             ("ZRANGE z 0 1 WITHSCORES", pairs(c, ("a", "1"), ("b", "2"))),
             ("ZREVRANGE z 0 1", ["d", "c"]),
             ("ZREVRANGE z 2 -1 WITHSCORES", pairs(c, ("b", "2"), ("a", "1"))),
             ("ZRANGE nokey 0 -1", []), ("ZREMRANGEBYRANK z 1 2", 2),
             ("ZRANGE z 0 -1", ["a", "d"]), ("ZREMRANGEBYRANK z 5 9", 0),
             ("ZREMRANGEBYRANK z 0 -1", 2), ("EXISTS z", 0), ("ZREMRANGEBYRANK z 0 -1", 0))
    both_forms(c, body)
    rows(c, ("ZRANGE z a b", NOT_INTEGER), ("ZRANGE z 0", arity("zrange")),
         ("ZRANGE z 0 1 FOO", SYNTAX), ("ZREVRANGE z 0 1 FOO", SYNTAX),
         ("ZRANGE z 0 1 LIMIT 0 1", Error("ERR syntax error, LIMIT is only supported in "
                                          "combination with either BYSCORE or BYLEX")),
         ("ZREMRANGEBYRANK z x 1", NOT_INTEGER), ("SET k v", "OK"), ("ZRANGE k 0 1", WRONG_TYPE),
         ("ZREVRANGE k 0 1", WRONG_TYPE), ("ZREMRANGEBYRANK k 0 1", WRONG_TYPE))


@case(protocols=BOTH)
def test_by_score(c):
    def body():
        rows(c, ("ZADD z 1 a 2 b 2 bb 3 c inf d", 5),
             ("ZRANGEBYSCORE z 2 3", ["b", "bb", "c"]), ("ZRANGEBYSCORE z (2 +inf", ["c", "d"]),
             ("ZRANGEBYSCORE z -inf (2 WITHSCORES", pairs(c, ("a", "1"))),
             ("ZRANGEBYSCORE z 1 3 LIMIT 1 2", ["b", "bb"]),
             ("ZRANGEBYSCORE z 1 3 LIMIT 1 -1", ["b", "bb", "c"]),
             ("ZRANGEBYSCORE z 1 3 LIMIT -1 2", []), ("ZRANGEBYSCORE z 3 1", []),
             ("ZREVRANGEBYSCORE z 3 2", ["c", "bb", "b"]),
             ("ZREVRANGEBYSCORE z 3 1 LIMIT 1 1", ["bb"]),
             ("ZRANGE z 1 (3 BYSCORE", ["a", "b", "bb"]),
             ("ZRANGE z (3 1 BYSCORE REV LIMIT 0 2", ["bb", "b"]), ("ZREMRANGEBYSCORE z 2 2", 2),
             ("ZREMRANGEBYSCORE z (3 inf", 1), ("ZREMRANGEBYSCORE nokey 0 1", 0),
             ("ZRANGE z 0 -1", ["a", "c"]))
    both_forms(c, body)
    rows(c, ("ZRANGEBYSCORE z x 1", FLOAT_RANGE), ("ZRANGEBYSCORE z nan 1", FLOAT_RANGE),
         ("ZRANGE z 1 2 BYSCORE BYLEX", SYNTAX), ("ZRANGEBYSCORE z 1 2 LIMIT 0", SYNTAX),
         ("ZRANGEBYSCORE z 1 2 LIMIT a 1", NOT_INTEGER), ("ZREMRANGEBYSCORE z x 1", FLOAT_RANGE),
         ("ZREVRANGEBYSCORE z 1 x", FLOAT_RANGE), ("SET k v", "OK"),
         ("ZRANGEBYSCORE k 0 1", WRONG_TYPE), ("ZREVRANGEBYSCORE k 1 0", WRONG_TYPE),
         ("ZREMRANGEBYSCORE k 0 1", WRONG_TYPE))


@case(protocols=BOTH)
def test_by_text(c):
    def body():
        rows(c, ("ZADD z 0 a 0 b 0 c 0 d 0 10 0 9", 6),
             ("ZRANGEBYLEX z - +", ["10", "9", "a", "b", "c", "d"]),
             ("ZRANGEBYLEX z [b (d", ["b", "c"]), ("ZRANGEBYLEX z (b + LIMIT 1 1", ["d"]),
             ("ZREVRANGEBYLEX z [c (a", ["c", "b"]), ("ZREVRANGEBYLEX z + - LIMIT 0 1", ["d"]),
             ("ZRANGE z [b [c BYLEX", ["b", "c"]), ("ZRANGE z [c [b BYLEX REV", ["c", "b"]),
             ("ZLEXCOUNT z - +", 6), ("ZLEXCOUNT z (a [c", 2), ("ZLEXCOUNT z + -", 0),
             ("ZLEXCOUNT nokey - +", 0), ("ZREMRANGEBYLEX z [1 [9", 2),
             ("ZREMRANGEBYLEX z (c +", 1), ("ZRANGE z 0 -1", ["a", "b", "c"]),
             ("ZREMRANGEBYLEX nokey - +", 0))
    both_forms(c, body)
    rows(c, ("ZRANGEBYLEX z a b", TEXT_RANGE), ("ZLEXCOUNT z [a b", TEXT_RANGE),
         ("ZREMRANGEBYLEX z a b", TEXT_RANGE), ("ZREVRANGEBYLEX z b a", TEXT_RANGE),
         ("ZRANGE z - + BYLEX WITHSCORES",
          Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")),
         ("SET k v", "OK"), ("ZRANGEBYLEX k - +", WRONG_TYPE), ("ZLEXCOUNT k - +", WRONG_TYPE),
         ("ZREVRANGEBYLEX k + -", WRONG_TYPE), ("ZREMRANGEBYLEX k - +", WRONG_TYPE))


@case(protocols=BOTH)
def test_storing_a_range(c):
    def body():
        rows(c, ("ZADD z 1 a 2 b 3 c", 3), ("ZRANGESTORE d z 0 1", 2),
             ("ZRANGE d 0 -1 WITHSCORES", pairs(c, ("a", "1"), ("b", "2"))),
             ("ZRANGESTORE d z (1 +inf BYSCORE LIMIT 1 5", 1), ("ZRANGE d 0 -1", ["c"]),
             ("ZRANGESTORE d z 0 1 REV", 2), ("ZRANGE d 0 -1", ["b", "c"]),
             ("ZRANGESTORE z z 0 0", 1), ("ZRANGE z 0 -1", ["a"]), ("SET d v", "OK"),
             ("ZRANGESTORE d nokey 0 -1", 0), ("EXISTS d", 0))
    both_forms(c, body)
    rows(c, ("ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX), ("ZRANGESTORE d z 0", arity("zrangestore")),
         ("SET k v", "OK"), ("ZRANGESTORE d k 0 1", WRONG_TYPE))


main()
