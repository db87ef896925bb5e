"""SORT and SORT_RO over the wire: every option, the order of equal ones, large inputs."""
import shlex

from pollard_test import Error, case, main

SYNTAX = Error("ERR syntax error")
NOT_INTEGER = Error("ERR value is not an integer or out of range")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_SCORE = Error("ERR One or more scores can't be converted into double")
BOTH = (2, 3)


def rows(c, *table):
    for line, expected in table:
        reply = c.cmd(*shlex.split(line))
        assert reply == expected, f"{line}: {reply!r}, expected {expected!r}"


@case(protocols=BOTH)
def test_elements(c):
    rows(c, ("RPUSH l 3 1 2 10 -1 2.5", 6), ("SORT l", ["-1", "1", "2", "2.5", "3", "10"]),
         ("SORT l DESC", ["10", "3", "2.5", "2", "1", "-1"]),
         ("SORT l ALPHA", ["-1", "1", "10", "2", "2.5", "3"]), ("SORT l LIMIT 1 2", ["1", "2"]),
         ("SORT l LIMIT 4 -1", ["3", "10"]), ("SORT l LIMIT 9 2", []),
         ("SORT_RO l DESC LIMIT 0 1", ["10"]), ("SORT nokey", []), ("SORT_RO nokey", []),
         ("SADD s 3 1 2", 3), ("SORT s", ["1", "2", "3"]), ("ZADD z 1 c 2 a 3 b", 3),
         ("SORT z ALPHA", ["a", "b", "c"]), ("SORT z BY nosort", ["c", "a", "b"]),
         ("SORT z BY nosort DESC LIMIT 0 2", ["b", "a"]),
         ("SORT l BY nosort LIMIT 1 2", ["1", "2"]),
         ("SORT l BY nosort DESC LIMIT 0 2", ["2.5", "-1"]))
    rows(c, ("RPUSH l abc", 7), ("SORT l", NOT_SCORE), ("SORT z", NOT_SCORE),
         ("SORT l FOO", SYNTAX),
         ("SORT l LIMIT 1", SYNTAX), ("SORT l LIMIT a b", NOT_INTEGER), ("SORT l GET", SYNTAX),
         ("SORT", Error("ERR wrong number of arguments for 'sort' command")),
         ("SORT_RO l STORE x", SYNTAX), ("SET k v", "OK"), ("SORT k", WRONG_TYPE),
         ("SORT_RO k", WRONG_TYPE), ("HSET h a 1", 1), ("SORT h", WRONG_TYPE))


@case(protocols=BOTH)
def test_patterns(c):
    rows(c, ("RPUSH l 1 2 3", 3), ("MSET w_1 30 w_2 20 w_3 10 o_1 one o_2 two", "OK"),
         ("HSET h_1 f 5 n uno", 2), ("HSET h_2 f 4 n dos", 2), ("SORT l BY w_*", ["3", "2", "1"]),
         ("SORT l BY w_* GET o_*", [None, "two", "one"]),
         ("SORT l BY w_* GET # GET o_* GET w_*",
          ["3", None, "10", "2", "two", "20", "1", "one", "30"]),
         ("SORT l BY h_*->f", ["3", "2", "1"]),
         ("SORT l BY h_*->f DESC GET h_*->n", ["uno", "dos", None]),
         ("SORT l GET nostar", [None, None, None]), ("SORT l BY w_* ALPHA", ["3", "2", "1"]),
         ("SORT l BY missing_* ALPHA", ["1", "2", "3"]), ("SORT l BY o_*", NOT_SCORE),
         ("SORT_RO l BY w_* GET # LIMIT 0 1", ["3"]))


@case(protocols=BOTH)
def test_storing(c):
    rows(c, ("RPUSH l 3 1 2", 3), ("SORT l STORE d", 3), ("LRANGE d 0 -1", ["1", "2", "3"]),
         ("MSET o_1 one o_3 three", "OK"), ("SORT l GET o_* STORE d", 3),
         ("LRANGE d 0 -1", ["one", "", "three"]), ("EXPIRE d 1000", 1), ("SORT l STORE d", 3),
         ("TTL d", -1), ("SORT l DESC STORE l", 3), ("LRANGE l 0 -1", ["3", "2", "1"]),
         ("SORT nokey STORE d", 0), ("EXISTS d", 0), ("SADD s b a", 2),
         ("SORT s BY nosort STORE d", 2), ("LRANGE d 0 -1", ["a", "b"]), ("SET k v", "OK"),
         ("SORT l STORE k", 3), ("TYPE k", "list"),
         ("COMMAND GETKEYS SORT a BY b STORE x", ["a", "x"]))


@case
def test_large_inputs_on_the_pool(c):
    count = 20000
    for start in range(0, count, 500):
        numbers = range(start, start + 500)
        c.cmd("RPUSH", "l", *[(i * 7919) % count for i in numbers])
        c.cmd("MSET", *[part for i in numbers for part in (f"w:{i}", -i)])
    ordered = [b"%d" % i for i in range(count)]
    assert list(c.cmd("SORT", "l").value) == ordered
    assert list(c.cmd("SORT", "l", "BY", "w:*").value) == ordered[::-1]
    assert c.cmd("SORT", "l", "STORE", "d") == count
    assert list(c.cmd("LRANGE", "d", 0, -1).value) == ordered
    found = c.cmd("SORT", "l", "GET", "w:*", "GET", "missing:*", "LIMIT", 0, 5000).value
    assert list(found[::2]) == [b"%d" % -i for i in range(5000)]
    assert set(found[1::2]) == {None}
    assert c.cmd("SORT", "l", "BY", "nosort", "LIMIT", 5, 2) == [
        b"%d" % ((i * 7919) % count) for i in (5, 6)]


main()
