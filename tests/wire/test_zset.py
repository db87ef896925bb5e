"""Sorted sets over the wire: members and scores, in RESP2 and RESP3, small and large.

Rows are "COMMAND words", expected reply. What Redis 7.0 knows also holds there; newer forms are
skipped then. Every case runs on a small sorted set and on one above its threshold.
"""
from pollard_test import Error, Skip, case, is_oracle, main
from talkers import BOTH, NOT_INTEGER, SYNTAX, arity, rows
from zset_rows import NOT_FLOAT, WRONG_TYPE, both_forms, pairs, score


@case(protocols=BOTH)
def test_zadd(c):
    def body():
        rows(c, ("ZADD z 1 a 2 b", 2), ("ZADD z 1 a", 0), ("ZADD z 5 a", 0),
             ("ZADD z CH 6 a 3 c", 2),
             ("ZADD z NX 9 a 9 d", 1), ("ZSCORE z a", score(c, "6")), ("ZADD z XX 7 a 7 e", 0),
             ("ZADD z XX CH 8 a 7 e", 1), ("ZSCORE z e", None), ("ZADD z GT CH 1 a", 0),
             ("ZADD z GT CH 10 a", 1), ("ZADD z LT CH 100 a", 0), ("ZADD z LT CH 2 a", 1),
             ("ZADD z GT 4 new", 1), ("ZADD z INCR 3 a", score(c, "5")),
             ("ZADD z NX INCR 3 a", None), ("ZADD z XX INCR 3 nope", None),
             ("ZADD z GT INCR -1 a", None), ("ZADD z INCR 2.5 fresh", score(c, "2.5")),
             ("ZADD nokey XX 1 a", 0), ("EXISTS nokey", 0), ("ZADD z 1 x 2 x", 1),
             ("ZSCORE z x", score(c, "2")))
    both_forms(c, body)
    rows(c, ("ZADD z NX XX 1 a",
             Error("ERR XX and NX options at the same time are not compatible")),
         ("ZADD z GT LT 1 a",
          Error("ERR GT, LT, and/or NX options at the same time are not compatible")),
         ("ZADD z INCR 1 a 2 b",
          Error("ERR INCR option supports a single increment-element pair")),
         ("ZADD z 1 a 2", SYNTAX), ("ZADD z x a", NOT_FLOAT), ("ZADD z nan a", NOT_FLOAT),
         ("ZADD z 1", arity("zadd")), ("ZADD z inf i", 1),
         ("ZADD z INCR -inf i", Error("ERR resulting score is not a number (NaN)")),
         ("SET k v", "OK"), ("ZADD k 1 a", WRONG_TYPE))


@case(protocols=BOTH)
def test_scores_print(c):
    if is_oracle():
        raise Skip("7.0 prints 17 digits")

    def body():
        for given, printed in (("1", "1"), ("1.5", "1.5"), ("0.1", "0.1"), ("inf", "inf"),
                               ("-inf", "-inf"), ("1e21", "1e+21"), ("17179869184", "17179869184"),
                               ("3.14159265358979", "3.14159265358979"), ("0x10", "16")):
            c.cmd("ZADD", "z", given, "m")
            assert c.cmd("ZSCORE", "z", "m") == score(c, printed), given
    both_forms(c, body)


@case(protocols=BOTH)
def test_members_and_counts(c):
    def body():
        rows(c, ("ZADD z 1 a 2 b 3 c", 3), ("ZCARD z", 3), ("ZCARD nokey", 0),
             ("ZSCORE z b", score(c, "2")), ("ZSCORE z x", None), ("ZSCORE nokey x", None),
             ("ZMSCORE z a x c", [score(c, "1"), None, score(c, "3")]),
             ("ZMSCORE nokey a b", [None, None]), ("ZCOUNT z 1 2", 2), ("ZCOUNT z (1 2", 1),
             ("ZCOUNT z -inf +inf", 3), ("ZCOUNT nokey 0 1", 0), ("ZCOUNT z 2 1", 0),
             ("ZINCRBY z 2 a", score(c, "3")), ("ZINCRBY z 1.5 new", score(c, "1.5")),
             ("ZRANK z b", 1), ("ZREVRANK z b", 2), ("ZRANK z x", None), ("ZREM z a x", 1),
             ("ZREM z b c new", 3), ("EXISTS z", 0), ("ZREM nokey a", 0))
    both_forms(c, body)
    rows(c, ("ZCARD", arity("zcard")), ("ZSCORE z", arity("zscore")), ("ZCOUNT z 1 x",
         Error("ERR min or max is not a float")), ("ZINCRBY z x a", NOT_FLOAT),
         ("ZMSCORE z", arity("zmscore")), ("ZREM z", arity("zrem")), ("SET k v", "OK"),
         ("ZCARD k", WRONG_TYPE), ("ZSCORE k a", WRONG_TYPE), ("ZMSCORE k a", WRONG_TYPE),
         ("ZCOUNT k 0 1", WRONG_TYPE), ("ZINCRBY k 1 a", WRONG_TYPE), ("ZREM k a", WRONG_TYPE),
         ("ZRANK k a", WRONG_TYPE), ("ZREVRANK k a", WRONG_TYPE))


@case(protocols=BOTH)
def test_rank_with_score(c):
    if is_oracle():
        raise Skip("newer than Redis 7.0")
    rows(c, ("ZADD z 1 a 2 b", 2), ("ZRANK z b WITHSCORE", [1, score(c, "2")]),
         ("ZREVRANK z b withscore", [0, score(c, "2")]), ("ZRANK z b FOO", SYNTAX),
         ("ZRANK z b WITHSCORE x", SYNTAX), ("ZRANK z x WITHSCORE", None),
         ("ZRANK nokey x WITHSCORE", None))
    assert c.cmd("ZRANK", "z", "x", "WITHSCORE").kind == ("null_array" if c.protocol == 2
                                                          else "null")


@case(protocols=BOTH)
def test_popping(c):
    def body():
        flat = ["a", score(c, "1")]
        rows(c, ("ZADD z 1 a 2 b 3 c 4 d 5 e", 5), ("ZPOPMIN z", flat),
             ("ZPOPMAX z", ["e", score(c, "5")]), ("ZPOPMIN z 2", pairs(c, ("b", "2"), ("c", "3"))),
             ("ZPOPMAX z 9", pairs(c, ("d", "4"))), ("EXISTS z", 0), ("ZPOPMIN z", []),
             ("ZPOPMAX z 3", []), ("ZADD z 1 a", 1), ("ZPOPMIN z 0", []), ("ZCARD z", 1))
        nested = [["a", score(c, "1")]]
        rows(c, ("ZMPOP 2 nokey z MIN", ["z", nested]), ("EXISTS z", 0), ("ZMPOP 1 z MIN", None),
             ("ZADD z 1 a 2 b 3 c", 3),
             ("ZMPOP 1 z MAX COUNT 2", ["z", [["c", score(c, "3")], ["b", score(c, "2")]]]),
             ("ZCARD z", 1))
    both_forms(c, body)
    rows(c, ("ZPOPMIN z -1", Error("ERR value is out of range, must be positive")),
         ("ZPOPMIN z 1 2", SYNTAX), ("ZPOPMIN", arity("zpopmin")),
         ("ZMPOP 0 z MIN", Error("ERR numkeys should be greater than 0")),
         ("ZMPOP 1 z FOO", SYNTAX), ("ZMPOP 2 z MIN", SYNTAX),
         ("ZMPOP 1 z MIN COUNT 0", Error("ERR count should be greater than 0")),
         ("ZMPOP 1 z MIN COUNT 1 COUNT 1", SYNTAX), ("ZMPOP 1 z", arity("zmpop")),
         ("SET k v", "OK"), ("ZPOPMIN k", WRONG_TYPE), ("ZPOPMAX k 2", WRONG_TYPE),
         ("ZMPOP 1 k MIN", WRONG_TYPE))


@case(protocols=BOTH)
def test_random_members(c):
    def body():
        c.cmd("ZADD", "z", 1, "a", 2, "b", 3, "c")
        assert c.cmd("ZRANDMEMBER", "z").value in (b"a", b"b", b"c")
        rows(c, ("ZRANDMEMBER nokey", None), ("ZRANDMEMBER nokey 3", []), ("ZRANDMEMBER z 0", []),
             ("ZRANDMEMBER z 5", ["a", "b", "c"]),
             ("ZRANDMEMBER z 3 WITHSCORES", pairs(c, ("a", "1"), ("b", "2"), ("c", "3"))))
        assert len(set(c.cmd("ZRANDMEMBER", "z", 2).value)) == 2
        assert len(c.cmd("ZRANDMEMBER", "z", -7)) == 7
        assert len(c.cmd("ZRANDMEMBER", "z", -7, "WITHSCORES")) == (14 if c.protocol == 2 else 7)
        seen = {c.cmd("ZRANDMEMBER", "z").value for _ in range(100)}
        assert seen == {b"a", b"b", b"c"}
    both_forms(c, body)
    rows(c, ("ZRANDMEMBER z x", NOT_INTEGER), ("ZRANDMEMBER z 1 FOO", SYNTAX),
         ("ZRANDMEMBER z -9223372036854775807 WITHSCORES", Error("ERR value is out of range")),
         ("SET k v", "OK"), ("ZRANDMEMBER k", WRONG_TYPE))


@case(protocols=BOTH)
def test_scan(c):
    def body():
        c.cmd("ZADD", "z", 1, "a", 2, "b", 3.5, "c")
        found = c.cmd("ZSCAN", "z", 0)
        assert found[0] == b"0"
        flat = [item.decode() for item in found[1].value]
        assert dict(zip(flat[::2], flat[1::2])) == {"a": "1", "b": "2", "c": "3.5"}
        assert c.cmd("ZSCAN", "z", 0, "MATCH", "a*")[1] == ["a", "1"]
    both_forms(c, body)
    rows(c, ("ZSCAN nokey 0", ["0", []]), ("ZSCAN z abc", Error("ERR invalid cursor")),
         ("ZADD z 1 a", 0), ("ZSCAN z 0 COUNT 0", SYNTAX), ("ZSCAN z 0 COUNT x", NOT_INTEGER),
         ("ZSCAN z 0 FOO", SYNTAX), ("SET k v", "OK"), ("ZSCAN k 0", WRONG_TYPE))


main()
