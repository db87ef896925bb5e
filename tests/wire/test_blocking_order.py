"""Blocking commands over the wire: who is served, in which order, with what.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server).
"""
from pollard_test import case, main
from talkers import (BOTH, OK, WRONG, client, clients, items, rows, still_waits, waits)

QUEUED = "QUEUED"


@case(protocols=BOTH)
def test_first_come_first_served(c):
    others = clients(c, 20)
    for other in others:
        waits(c, other, "BLPOP l 0")
    for number, other in enumerate(others[:10]):
        rows(c, (f"RPUSH l {number}", 1), ("EXISTS l", 0))
        assert other.read() == items(f"l {number}")
    rows(c, ("RPUSH l " + " ".join(str(number) for number in range(10, 23)), 13), ("LLEN l", 3))
    for number, other in enumerate(others[10:], 10):
        assert other.read() == items(f"l {number}")


@case(protocols=BOTH)
def test_forms_share_one_queue(c):
    a, b, d, e = clients(c, 4)
    waits(c, a, "BLPOP l 0")
    waits(c, b, "BRPOP l 0")
    waits(c, d, "BLMOVE l m LEFT LEFT 0")
    waits(c, e, "BLMPOP 0 1 l RIGHT COUNT 2")
    rows(c, ("RPUSH l 1 2 3 4 5 6", 6), ("LRANGE l 0 -1", items("3")),
         ("LRANGE m 0 -1", items("2")))
    assert a.read() == items("l 1") and b.read() == items("l 6")
    assert d.read() == b"2" and e.read() == [b"l", items("5 4")]


@case(protocols=BOTH)
def test_sorted_sets_share_one_queue(c):
    a, b, d = clients(c, 3)

    def score(text):
        return float(text) if c.protocol == 3 else text.encode()
    waits(c, a, "BZPOPMIN z 0")
    waits(c, b, "BZPOPMAX z 0")
    waits(c, d, "BZMPOP 0 1 z MIN COUNT 2")
    rows(c, ("ZADD z 1 a 2 b 3 c 4 d 5 e", 5), ("ZRANGE z 0 -1", items("d")))
    assert a.read() == [b"z", b"a", score("1")] and b.read() == [b"z", b"e", score("5")]
    assert d.read() == [b"z", [[b"b", score("2")], [b"c", score("3")]]]


@case(protocols=BOTH)
def test_no_later_command_is_ahead(c):
    """What the pusher sends next finds the element gone, pipelined too."""
    a = client(c)
    for _ in range(50):
        waits(c, a, "BLPOP l 0")
        replies = c.pipeline(("RPUSH", "l", "x"), ("LPOP", "l"), ("EXISTS", "l"))
        assert replies == [1, None, 0], replies
        assert a.read() == items("l x")


@case(protocols=BOTH)
def test_keys_by_their_place(c):
    a = client(c)
    waits(c, a, "BLPOP x y z 0")
    rows(c, ("MULTI", OK), ("RPUSH z 1", QUEUED), ("RPUSH y 2", QUEUED), ("EXEC", [1, 1]))
    first = a.read()
    assert first in (items("y 2"), items("z 1")), first
    rows(c, ("DEL x y z", 1))
    waits(c, a, "BLPOP x y z 0")
    rows(c, ("RPUSH z 1", 1))
    assert a.read() == items("z 1")
    rows(c, ("RPUSH z 1", 1), ("RPUSH y 2", 1))
    rows(a, ("BLPOP x y z 0", items("y 2")))


@case(protocols=BOTH)
def test_a_key_twice(c):
    a = client(c)
    waits(c, a, "BLPOP x x y x 0")
    rows(c, ("RPUSH x 1 2", 2), ("LRANGE x 0 -1", items("2")))
    assert a.read() == items("x 1")
    rows(a, ("PING", "PONG"))


@case(protocols=BOTH)
def test_served_once_for_many_keys(c):
    a, b = clients(c, 2)
    waits(c, a, "BLPOP x y 0")
    waits(c, b, "BLPOP y x 0")
    rows(c, ("RPUSH x 1", 1), ("RPUSH y 2", 1), ("RPUSH x 3", 1), ("LRANGE x 0 -1", items("3")),
         ("EXISTS y", 0))
    assert a.read() == items("x 1") and b.read() == items("y 2")


@case(protocols=BOTH)
def test_wrong_type_while_waiting(c):
    a, b = clients(c, 2)
    waits(c, a, "BLPOP k 0")
    waits(c, b, "BZPOPMIN k 0")
    rows(c, ("SET k x", OK), ("DEL k", 1), ("SADD k x", 1), ("DEL k", 1), ("HSET k a 1", 1),
         ("DEL k", 1))
    still_waits(c, a)
    still_waits(c, b)
    rows(c, ("ZADD k 1 m", 1), ("EXISTS k", 0))
    still_waits(c, a)
    assert b.read()[1] == b"m"
    rows(c, ("RPUSH k v", 1), ("EXISTS k", 0))
    assert a.read() == items("k v")


@case(protocols=BOTH)
def test_the_target_is_wrong_when_it_comes(c):
    """The one at the head gets the error and the element goes to the next."""
    a, b = clients(c, 2)
    rows(c, ("SET m x", OK))
    waits(c, a, "BLMOVE l m LEFT LEFT 0")
    waits(c, b, "BLPOP l 0")
    rows(c, ("RPUSH l 1", 1), ("EXISTS l", 0))
    assert a.read() == WRONG and b.read() == items("l 1")


@case(protocols=BOTH)
def test_deleted_and_made_again(c):
    a = client(c)
    waits(c, a, "BLPOP l 0")
    rows(c, ("MULTI", OK), ("RPUSH l a", QUEUED), ("DEL l", QUEUED), ("EXEC", [1, 1]))
    still_waits(c, a)
    rows(c, ("MULTI", OK), ("RPUSH l a", QUEUED), ("DEL l", QUEUED), ("SET l x", QUEUED),
         ("EXEC", [1, 1, OK]))
    still_waits(c, a)
    rows(c, ("MULTI", OK), ("DEL l", QUEUED), ("RPUSH l b c", QUEUED), ("LPOP l", QUEUED),
         ("EXEC", [1, 2, b"b"]), ("EXISTS l", 0))
    assert a.read() == items("l c")


@case(protocols=BOTH)
def test_chains(c):
    a, b, d, e = clients(c, 4)
    waits(c, a, "BLMOVE p q LEFT LEFT 0")
    waits(c, b, "BLMOVE q r LEFT LEFT 0")
    waits(c, d, "BRPOPLPUSH r s 0")
    waits(c, e, "BLPOP s 0")
    rows(c, ("RPUSH p x", 1), ("EXISTS p q r s", 0))
    assert a.read() == b.read() == d.read() == b"x" and e.read() == items("s x")


@case(protocols=BOTH)
def test_chain_that_ends_where_it_began(c):
    a, b = clients(c, 2)
    waits(c, a, "BLMOVE p q LEFT LEFT 0")
    waits(c, b, "BLMOVE q p LEFT LEFT 0")
    rows(c, ("RPUSH p x", 1), ("LRANGE p 0 -1", items("x")), ("EXISTS q", 0))
    assert a.read() == b.read() == b"x"
    waits(c, a, "BLMOVE o o LEFT RIGHT 0")
    rows(c, ("RPUSH o 1 2", 2), ("LRANGE o 0 -1", items("2 1")))
    assert a.read() == b"1"


@case(protocols=BOTH)
def test_databases_are_apart(c):
    a, b, d = clients(c, 3)
    rows(a, ("SELECT 1", OK))
    waits(c, a, "BLPOP l 0")
    waits(c, b, "BLPOP l 0")
    rows(d, ("RPUSH l zero", 1), ("RPUSH l left", 1), ("SELECT 1", OK), ("RPUSH l one", 1),
         ("EXISTS l", 0))
    assert a.read() == items("l one") and b.read() == items("l zero")


@case(protocols=BOTH)
def test_unblocked_ones_leave_the_queue(c):
    a, b, d = clients(c, 3)
    for one in (a, b, d):
        waits(c, one, "BLPOP l 0")
    rows(c, (f"CLIENT UNBLOCK {a.id}", 1), ("RPUSH l x", 1))
    a.read().is_null()
    assert b.read() == items("l x")
    waits(c, a, "BLPOP l 0")
    rows(c, ("RPUSH l y z", 2))
    assert d.read() == items("l y") and a.read() == items("l z")


@case(protocols=BOTH)
def test_waiting_again(c):
    """A client that waits a second time stands behind those who have waited since."""
    a, b = clients(c, 2)
    waits(c, a, "BLPOP l 0")
    waits(c, b, "BLPOP l 0")
    for number in range(20):
        rows(c, (f"RPUSH l {number}", 1))
        one = (a, b)[number % 2]
        assert one.read() == items(f"l {number}")
        waits(c, one, "BLPOP l 0")


@case(protocols=BOTH)
def test_resp2_and_resp3_beside(c):
    a, b = client(c, 2), client(c, 3)
    waits(c, a, "BZPOPMIN z 0")
    waits(c, b, "BZPOPMIN z 0")
    rows(c, ("ZADD z 1.5 a 2.5 b", 2))
    first, second = a.read(), b.read()
    assert first[2].kind == "bulk" and first[2] == b"1.5"
    assert second[2].kind == "double" and second[2] == 2.5


main()
