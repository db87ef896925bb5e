"""Blocking commands over the wire: arguments, immediate service, time-outs, UNBLOCK, state.

Rows are "COMMAND words", expected reply. Everything that Redis 7.0 knows also holds there
(POLLARD_SERVER=redis-server); BLMOVEM and newer fields are skipped then. Who is served, when and by
what is in test_blocking_order.py and test_blocking_wake.py.
"""
import time

from pollard_test import Closed, Error, case, is_oracle, main, wait_for
from talkers import (BOTH, NOT_INTEGER, OK, SYNTAX, WRONG, arity, client, clients, fails, fields,
                     gone, info, items, newer, rows, waits)

NOT_FLOAT = Error("ERR timeout is not a float or out of range")
NEGATIVE = Error("ERR timeout is negative")
NUMKEYS = Error("ERR numkeys should be greater than 0")
COUNT = Error("ERR count should be greater than 0")
UNBLOCKED = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")

# Every form with an empty key: "%s" is the time-out.
FORMS = ("BLPOP no %s", "BLPOP no nope %s", "BRPOP no %s", "BLMOVE no dst LEFT RIGHT %s",
         "BRPOPLPUSH no dst %s", "BLMPOP %s 1 no LEFT", "BLMPOP %s 2 no nope RIGHT COUNT 5",
         "BZPOPMIN no %s", "BZPOPMAX no nope %s", "BZMPOP %s 1 no MIN",
         "BZMPOP %s 2 no nope MAX COUNT 5")


def null_kind(c):
    """RESP2 knows two nulls; a wait that ends has that of an array, also where one item comes."""
    return "null" if c.protocol == 3 else "null_array"


@case(protocols=BOTH)
def test_arity(c):
    for name in ("blpop", "brpop", "bzpopmin", "bzpopmax"):
        rows(c, (name, arity(name)), (name + " k", arity(name)))
    for words in ("", " a", " a b", " a b LEFT LEFT", " a b LEFT LEFT 0 x"):
        rows(c, ("BLMOVE" + words, arity("blmove")))
    for words in ("", " a", " a b", " a b 0 x"):
        rows(c, ("BRPOPLPUSH" + words, arity("brpoplpush")))
    for name in ("blmpop", "bzmpop"):
        for words in ("", " 0", " 0 1", " 0 1 k"):
            rows(c, (name + words, arity(name)))


@case(protocols=BOTH)
def test_bad_timeouts(c):
    for form in FORMS:
        rows(c, (form % "abc", NOT_FLOAT), (form % "''", NOT_FLOAT), (form % "-1", NEGATIVE),
             (form % "-0.1", NEGATIVE), (form % "1x", NOT_FLOAT))
        fails(c, "ERR timeout is ", form % "1e400", form % "nan", form % "inf",
              form % "99999999999999999999")


@case(protocols=BOTH)
def test_bad_arguments(c):
    rows(c, ("BLMOVE a b UP LEFT 0", SYNTAX), ("BLMOVE a b LEFT '' 0", SYNTAX),
         ("BLMOVE a b UP LEFT abc", SYNTAX))
    for name, side in (("BLMPOP", "LEFT"), ("BZMPOP", "MIN")):
        rows(c, (f"{name} 0 0 k {side}", NUMKEYS), (f"{name} 0 -1 k {side}", NUMKEYS),
             (f"{name} 0 abc k {side}", NUMKEYS), (f"{name} 0 2 k {side}", SYNTAX),
             (f"{name} 0 1 k UP", SYNTAX), (f"{name} 0 1 k {side} COUNT", SYNTAX),
             (f"{name} 0 1 k {side} COUNT 0", COUNT), (f"{name} 0 1 k {side} COUNT -1", COUNT),
             (f"{name} 0 1 k {side} COUNT abc", COUNT),
             (f"{name} 0 1 k {side} COUNT 1 COUNT 1", SYNTAX), (f"{name} 0 1 k {side} x", SYNTAX),
             (f"{name} abc 0 k {side}", NUMKEYS), (f"{name} abc 1 k {side}", NOT_FLOAT))


@case(protocols=BOTH)
def test_lists_at_once(c):
    rows(c, ("RPUSH l a b c d e f g h i", 9), ("RPUSH m x", 1),
         ("BLPOP l 0", items("l a")), ("BRPOP l 0.5", items("l i")),
         ("BLPOP no l m 0", items("l b")), ("BRPOP m l 0", items("m x")),
         ("BLMOVE l m LEFT RIGHT 0", b"c"), ("BLMOVE l l right left 1", b"h"),
         ("BRPOPLPUSH l m 0", b"g"), ("LRANGE m 0 -1", items("g c")),
         ("BLMPOP 0 2 no l LEFT COUNT 2", [b"l", items("h d")]),
         ("BLMPOP 0 1 m RIGHT", [b"m", items("c")]),
         ("BLMPOP 0 1 l RIGHT COUNT 100", [b"l", items("f e")]), ("EXISTS l", 0))


@case(protocols=BOTH)
def test_sorted_sets_at_once(c):
    rows(c, ("ZADD z 1 a 2.5 b 3 c 4 d 5 e 6 f", 6))

    def score(text):
        return float(text) if c.protocol == 3 else text.encode()
    rows(c, ("BZPOPMIN z 0", [b"z", b"a", score("1")]),
         ("BZPOPMIN no z 0", [b"z", b"b", score("2.5")]),
         ("BZPOPMAX no z 0.1", [b"z", b"f", score("6")]),
         ("BZMPOP 0 1 z MIN", [b"z", [[b"c", score("3")]]]),
         ("BZMPOP 0 2 no z max COUNT 9", [b"z", [[b"e", score("5")], [b"d", score("4")]]]),
         ("EXISTS z", 0))


@case(protocols=BOTH)
def test_wrong_types_at_once(c):
    rows(c, ("SET s x", OK), ("RPUSH l a", 1), ("ZADD z 1 a", 1),
         ("BLPOP s 0", WRONG), ("BLPOP no s l 0", WRONG), ("BLPOP l s 0", items("l a")),
         ("RPUSH l a", 1), ("BRPOP z 0", WRONG), ("BLMOVE s l LEFT LEFT 0", WRONG),
         ("BLMOVE l s LEFT LEFT 0", WRONG), ("LRANGE l 0 -1", items("a")),
         ("BRPOPLPUSH s l 0", WRONG), ("BRPOPLPUSH l s 0", WRONG), ("BLMPOP 0 1 z LEFT", WRONG),
         ("BLMPOP 0 2 no s LEFT", WRONG), ("BZPOPMIN l 0", WRONG), ("BZPOPMAX no s z 0", WRONG),
         ("BZMPOP 0 2 s z MIN", WRONG), ("BLMOVE no s LEFT LEFT 0.01", None))


@case(protocols=BOTH)
def test_timeouts(c):
    """Every form, at the time it said and not before; the reply is its null."""
    for form in FORMS:
        for timeout in ("0.02", "2e-2", "0.001"):
            begun = time.monotonic()
            reply = c.cmd(*(form % timeout).split())
            assert reply.kind == null_kind(c), (form, reply)
            assert time.monotonic() - begun >= float(timeout), form
    rows(c, ("RPUSH no a", 1), ("LLEN no", 1), ("EXISTS dst", 0))


@case(protocols=BOTH)
def test_timeouts_of_several(c):
    """Each ends at its own time: none before, whatever else the machine does."""
    others = clients(c, 5)
    timeouts = (0.5, 0.1, 0.4, 0.2, 0.3)
    begun = []
    for other, timeout in zip(others, timeouts):
        begun.append(time.monotonic())
        other.send("BLPOP", "no", str(timeout))
    for index in (1, 3, 4, 2, 0):
        others[index].read().is_null()
        assert time.monotonic() - begun[index] >= timeouts[index]
    assert info(c, "clients")["blocked_clients"] == "0"


@case(protocols=BOTH)
def test_a_long_wait_is_ended(c):
    for timeout in ("0", "0.0", "1000000", "9223372036854775"):
        a = client(c)
        waits(c, a, f"BLPOP l {timeout}")
        c.cmd("RPUSH", "l", "x")
        assert a.read() == items("l x")


@case(protocols=BOTH)
def test_unblock(c):
    a = client(c)
    for form in FORMS:
        for how in ("", "TIMEOUT", "timeout"):
            waits(c, a, form % "0")
            rows(c, (f"CLIENT UNBLOCK {a.id} {how}", 1))
            assert a.read().kind == null_kind(c), form
        waits(c, a, form % "100")
        rows(c, (f"CLIENT UNBLOCK {a.id} ERROR", 1))
        assert a.read() == UNBLOCKED
    rows(c, (f"CLIENT UNBLOCK {a.id}", 0), ("RPUSH no x", 1), ("LLEN no", 1),
         ("CLIENT UNBLOCK 99999999", 0), ("CLIENT UNBLOCK abc", NOT_INTEGER),
         ("CLIENT UNBLOCK 1 maybe", Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
         ("CLIENT UNBLOCK", arity("client|unblock")))
    fails(c, "ERR ", "CLIENT UNBLOCK 1 ERROR x")
    rows(a, ("PING", "PONG"))


@case(protocols=BOTH)
def test_unblock_in_a_transaction(c):
    """Where commands about clients run after those about keys, the client has been served."""
    a = client(c)
    if not is_oracle():
        waits(c, a, "BLPOP l 0")
        rows(c, ("MULTI", OK), (f"CLIENT UNBLOCK {a.id}", "QUEUED"), ("RPUSH l x", "QUEUED"),
             ("EXEC", [0, 1]), ("LLEN l", 0))
        assert a.read() == items("l x")
        return
    waits(c, a, "BLPOP l 0")
    rows(c, ("MULTI", OK), (f"CLIENT UNBLOCK {a.id}", "QUEUED"), ("RPUSH l x", "QUEUED"),
         ("EXEC", [1, 1]), ("LLEN l", 1))
    a.read().is_null()


@case(protocols=BOTH)
def test_what_was_sent_while_waiting(c):
    """Commands behind a blocking one run when it has ended, in their order, and not before."""
    a = client(c)
    a.raw(b"BLPOP l 0\r\nSET a 1\r\nGET a\r\nBLPOP l 0\r\nGET a\r\n")
    wait_for(lambda: "b" in fields(c, a.id)["flags"])
    rows(c, ("EXISTS a", 0), ("RPUSH l x", 1))
    assert [a.read() for _ in range(3)] == [items("l x"), OK, b"1"]
    wait_for(lambda: "b" in fields(c, a.id)["flags"])
    rows(c, ("SET a 2", OK), ("RPUSH l y", 1))
    assert [a.read() for _ in range(2)] == [items("l y"), b"2"]
    a.raw(b"BLPOP l 0.01\r\n" * 20 + b"PING\r\n")
    for _ in range(20):
        a.read().is_null()
    assert a.read() == "PONG"


@case(protocols=BOTH)
def test_dropped_while_waiting(c):
    """Nothing is given to a client that has gone."""
    a, b, d = clients(c, 3)
    waits(c, a, "BLPOP l 0")
    a.close()
    gone(c, a.id)
    rows(c, ("RPUSH l x", 1), ("LRANGE l 0 -1", items("x")), ("DEL l", 1))
    waits(c, b, "BLMOVE l m LEFT LEFT 0")
    waits(c, d, "BLPOP l 0")
    b.close()
    gone(c, b.id)
    rows(c, ("RPUSH l x", 1), ("EXISTS l m", 0))
    assert d.read() == items("l x")
    assert info(c, "clients")["blocked_clients"] == "0"


@case(protocols=BOTH)
def test_killed_while_waiting(c):
    a = client(c)
    waits(c, a, "BLPOP l 0")
    rows(c, (f"CLIENT KILL ID {a.id}", 1))
    assert a.is_closed()
    rows(c, ("RPUSH l x", 1), ("LLEN l", 1))


@case(protocols=BOTH, options=())
def test_shutdown_while_waiting(c):
    a, b = clients(c, 2)
    waits(c, a, "BLPOP l 0")
    waits(c, b, "BZMPOP 100 1 z MIN")
    c.send("SHUTDOWN", "NOSAVE")
    for one in (a, b):
        try:
            while True:
                one.read()
        except Closed:
            pass
    wait_for(lambda: c.server.process.poll() is not None)


@case(protocols=BOTH)
def test_paused(c):
    """PAUSE WRITE holds the push back, and so the waiting client; UNPAUSE lets both go."""
    a, b = clients(c, 2)
    waits(c, a, "BLPOP l 0")
    rows(c, ("CLIENT PAUSE 100000 WRITE", OK))
    b.send("RPUSH", "l", "x")
    wait_for(lambda: "b" in fields(c, b.id)["flags"])
    assert "b" in fields(c, a.id)["flags"]
    rows(c, ("EXISTS l", 0), ("CLIENT UNPAUSE", OK))
    assert b.read() == 1 and a.read() == items("l x")


@case(protocols=BOTH)
def test_state(c):
    a, b = clients(c, 2)
    assert info(c, "clients")["blocked_clients"] == "0"
    waits(c, a, "BLPOP l m 0")
    waits(c, b, "BZPOPMIN z 100")
    found = info(c, "clients")
    assert found["blocked_clients"] == "2"
    assert fields(c, a.id)["cmd"] == "blpop" and fields(c, b.id)["cmd"] == "bzpopmin"
    rows(c, ("RPUSH m x", 1), ("ZADD z 1 a", 1))
    a.read()
    b.read()
    assert info(c, "clients")["blocked_clients"] == "0"
    assert "b" not in fields(c, a.id)["flags"]


@case(protocols=BOTH)
def test_keys_that_are_waited_for(c):
    newer()
    a, b = clients(c, 2)
    waits(c, a, "BLPOP l m 0")
    waits(c, b, "BLPOP l 0")
    assert info(c, "clients")["total_blocking_keys"] == "2"
    assert info(c, "clients")["total_blocking_keys_on_nokey"] == "0"
    rows(c, ("RPUSH l x y", 2))
    a.read()
    b.read()
    assert info(c, "clients")["total_blocking_keys"] == "0"


@case(timeout=120)
def test_a_thousand_wait(c):
    """All of them are served, each once."""
    others = clients(c, 1000)
    for other in others:
        other.send("BLPOP", "l", "0")
    wait_for(lambda: info(c, "clients")["blocked_clients"] == "1000")
    c.pipeline(*[("RPUSH", "l", i) for i in range(1000)])
    got = [int(other.read()[1].value) for other in others]
    assert sorted(got) == list(range(1000))
    assert c.cmd("EXISTS", "l") == 0


@case(protocols=BOTH)
def test_blmovem(c):
    newer()
    name = arity("blmovem")
    rows(c, ("BLMOVEM a b LEFT LEFT", name), ("BLMOVEM a b UP LEFT 0", SYNTAX),
         ("BLMOVEM a b LEFT LEFT abc", NOT_FLOAT), ("BLMOVEM a b LEFT LEFT -1", NEGATIVE),
         ("BLMOVEM a b LEFT LEFT 0 COUNT 1", SYNTAX),
         ("RPUSH s 1 2 3 4", 4), ("BLMOVEM s d LEFT LEFT 0", items("1")),
         ("BLMOVEM s d LEFT LEFT 0 COUNT 2 OBO", items("3 2")),
         ("BLMOVEM s d RIGHT RIGHT 0 COUNT 9 BULK", items("4")), ("EXISTS s", 0),
         ("LRANGE d 0 -1", items("3 2 1 4")),
         ("BLMOVEM s d LEFT LEFT 0.01", None), ("BLMOVEM d s LEFT LEFT 0.01 EXACTLY 9 BULK", None))
    fails(c, "ERR ", "BLMOVEM a b LEFT LEFT 0 COUNT 0 OBO")
    a = client(c)
    waits(c, a, "BLMOVEM s t LEFT RIGHT 0 COUNT 3 BULK")
    rows(c, ("RPUSH s a b", 2), ("EXISTS s", 0), ("LRANGE t 0 -1", items("a b")))
    assert a.read() == items("a b")
    waits(c, a, "BLMOVEM s t LEFT RIGHT 0 EXACTLY 3 BULK")
    rows(c, ("RPUSH s c d", 2), ("LLEN s", 2), ("RPUSH s e f", 4), ("LRANGE s 0 -1", items("f")))
    assert a.read() == items("c d e")
    rows(c, ("DEL s", 1), ("MULTI", OK), ("BLMOVEM s t LEFT LEFT 0", "QUEUED"), ("EXEC", [None]))
    waits(c, a, "BLMOVEM s t LEFT LEFT 0")
    rows(c, (f"CLIENT UNBLOCK {a.id} ERROR", 1))
    assert a.read() == UNBLOCKED


main("--maxclients", "4000")
