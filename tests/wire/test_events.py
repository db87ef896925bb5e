"""Keyspace events that differential/events.py does not reach: of commands newer than Redis 7.0, of
collections that are changed on the pool, of time that is over. Each row is a command and what it
tells, "event key" in order."""
import shlex

from pollard_test import case, main

MARK = b"mark"
BIG = 9000


class Hearer:
    """A subscriber to all events, and a connection whose commands it tells apart."""

    def __init__(self, c, classes="EA"):
        self.c = c
        c.cmd("CONFIG", "SET", "notify-keyspace-events", classes).is_ok()
        self.subscriber = c.server.connect()
        for pattern in ("__keyevent@*__:*", MARK):
            self.subscriber.cmd("PSUBSCRIBE", pattern)

    def told(self, *words):
        """What one command tells, as text."""
        reply = self.c.cmd(*words)
        assert reply.kind != "error", f"{words[:9]}: {reply!r}"
        self.c.cmd("PUBLISH", MARK, "")
        return ", ".join(self.next_events())

    def next_events(self):
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self):
        channel, payload = self.subscriber.read().value[2:]
        if channel == MARK:
            return None
        return (channel.split(b":", 1)[1] + b" " + payload).decode()

    def rows(self, *table):
        for line, expected in table:
            words = shlex.split(line) if isinstance(line, str) else line
            told = self.told(*words)
            assert told == expected, f"{words[:9]}: {told!r}, expected {expected!r}"

    def close(self):
        self.c.cmd("CONFIG", "SET", "notify-keyspace-events", "").is_ok()
        self.subscriber.close()


@case
def test_newer_strings(c):
    hearer = Hearer(c)
    hearer.rows(
        ("MSETEX 2 a 1 b 2 EX 100", "set a, expire a, set b, expire b"),
        ("MSETEX 1 a 5 NX", ""), ("MSETEX 1 a 1 KEEPTTL", "set a"),
        ("SET a 2 IFEQ 7", ""), ("SET a 1 IFEQ 1", "set a"),
        ("DELEX a IFEQ 7", ""), ("DELEX a IFEQ 1", "del a"), ("DELEX b", "del b"),
        ("DELEX b", ""), ("SET b 2", "set b"), ("DELIFEQ b 2", "del b"))
    hearer.rows(
        ("INCREX c", "incrby c"), ("INCREX c EX 100", "incrby c, expire c"),
        ("INCREX c PERSIST", "incrby c, persist c"), ("INCREX c PERSIST", "incrby c"),
        ("INCREX c ENX EX 100", "incrby c, expire c"), ("INCREX c ENX EX 100", "incrby c"),
        ("INCREX c UBOUND 1", ""), ("INCREX c EXAT 1", "del c"), ("INCREX c EXAT 1", ""),
        ("INCREX c BYFLOAT 0.5", "incrbyfloat c"))
    hearer.rows(
        ("BITOP DIFF d c c", "set d"), ("BITOP ONE d nothing", "del d"),
        ("BITOP ONE d nothing", ""),
        ("SET e v PXAT 1", "set e, expire e, expired e"), ("GETEX c PXAT 1", "del c"))
    hearer.close()


@case
def test_fields_with_a_time(c):
    hearer = Hearer(c)
    hearer.rows(
        ("HSET h f 1 g 2 i 3", "hset h"), ("HEXPIRE h 100 FIELDS 2 f nope", "hexpire h"),
        ("HEXPIRE h 100 NX FIELDS 1 f", ""), ("HEXPIRE h 100 FIELDS 1 nope", ""),
        ("HPERSIST h FIELDS 2 f g", "hpersist h"), ("HPERSIST h FIELDS 2 f g", ""),
        ("HPEXPIRE h 0 FIELDS 1 f", "hdel h"), ("HGETEX h EX 100 FIELDS 1 g", "hexpire h"),
        ("HGETEX h PERSIST FIELDS 2 g i", "hpersist h"), ("HGETEX h PERSIST FIELDS 1 g", ""),
        ("HGETEX h FIELDS 1 g", ""), ("HGETEX h EX 0 FIELDS 2 g i", "hdel h, del h"),
        ("HSETEX h FIELDS 1 a 1", "hset h"), ("HSETEX h EX 100 FIELDS 1 a 1", "hset h, hexpire h"),
        ("HSETEX h FNX FIELDS 1 a 1", ""), ("HSETEX h EX 0 FIELDS 1 b 1", "hset h, hdel h"),
        ("HSETEX h EX 0 FIELDS 1 a 1", "hset h, hdel h, del h"),
        ("HSETEX h EX 0 FIELDS 1 a 1", "hset h, hdel h, del h"),
        ("HSET h x 1 y 2", "hset h"), ("HGETDEL h FIELDS 2 x nope", "hdel h"),
        ("HGETDEL h FIELDS 1 nope", ""), ("HGETDEL h FIELDS 1 y", "hdel h, del h"))
    hearer.rows(("HIMPORT PREPARE names a b", ""), ("HIMPORT SET hi names 1 2", "hset hi"))
    hearer.close()


@case
def test_time_that_is_over(c):
    hearer = Hearer(c)
    table = (("HSETEX h PX 1 FIELDS 1 a 1", "hset h, hexpire h, hexpired h, del h"),
             ("HSET g b 1", "hset g"),
             ("HSETEX g PX 1 FIELDS 1 a 1", "hset g, hexpire g, hexpired g"),
             ("SET s 1 PX 1", "set s, expire s, expired s"))
    for line, expected in table:
        c.cmd(*line.split())
        for event in expected.split(", "):
            assert hearer.next_event() == event, line
    hearer.close()


@case
def test_lists_moved_at_once(c):
    hearer = Hearer(c)
    hearer.rows(
        ("RPUSH l 1 2 3 4 5", "rpush l"),
        ("LMOVEM l m LEFT LEFT COUNT 2 OBO", "lpush m, lpop l"),
        ("LMOVEM l l LEFT RIGHT COUNT 2 BULK", "lpop l, rpush l"),
        ("LMOVEM l m LEFT LEFT EXACTLY 9 OBO", ""),
        ("LMOVEM l m RIGHT RIGHT EXACTLY 3 BULK", "rpush m, rpop l, del l"))
    numbers = [str(i % 7) for i in range(2 * BIG)]
    hearer.rows(
        (["RPUSH", "big", *numbers], "rpush big"),
        (f"LMOVEM big m LEFT RIGHT COUNT {BIG} BULK", "rpush m, lpop big"),
        (f"LMOVEM big new LEFT RIGHT COUNT {BIG} BULK", "rpush new, lpop big, del big"),
        (f"LMOVEM m m LEFT RIGHT COUNT {BIG} OBO", "lpop m, rpush m"),
        ("LREM m 0 3", "lrem m"), ("LREM m 0 77", ""), ("LPOP m 5000", "lpop m"),
        ("LTRIM m 10 20", "ltrim m"), ("LTRIM m 0 -1", "ltrim m"),
        ("LTRIM m 1 0", "ltrim m, del m"))
    hearer.close()


@case
def test_sets_changed_on_the_pool(c):
    hearer = Hearer(c)
    members = [f"m{i}" for i in range(BIG)]
    hearer.rows(
        (["SADD", "s", *members], "sadd s"), (["SADD", "t", *members[:BIG // 2]], "sadd t"),
        ("SPOP s 2000", "spop s"), ("SUNIONSTORE d s t", "sunionstore d"),
        ("SDIFFSTORE d t nothing", "sdiffstore d"), ("SINTERSTORE d s nothing", "del d"),
        ("SINTERSTORE d s nothing", ""), (f"SPOP s {BIG}", "spop s, del s"))
    pairs = [text for i in range(BIG) for text in (str(i), f"m{i}")]
    hearer.rows(
        (["ZADD", "z", *pairs], "zadd z"), ("ZREMRANGEBYRANK z 0 4500", "zremrangebyrank z"),
        ("ZRANGESTORE y z 0 4300", "zrangestore y"), ("ZUNIONSTORE u 2 z y", "zunionstore u"),
        ("ZDIFFSTORE u 2 y z", "del u"), ("ZINTERSTORE u 1 y", "zinterstore u"),
        ("ZPOPMIN z 4200", "zpopmin z"), ("ZMPOP 1 y MAX COUNT 5000", "zpopmax y, del y"),
        ("SORT u BY nothing STORE l", "sortstore l"), ("SORT nothing STORE l", "del l"))
    hearer.close()


@case
def test_overwritten_values(c):
    hearer = Hearer(c, "Eoc")
    hearer.rows(
        ("SET s 1", ""), ("SET s 2", "overwritten s"), ("GETSET s 3", "overwritten s"),
        ("INCR s", ""), ("APPEND s 1", ""), ("SETRANGE s 90 x", ""), ("EXPIRE s 100", ""),
        ("SET s 2 KEEPTTL", "overwritten s"), ("PERSIST s", ""),
        ("SADD t 1", ""), ("SADD t 2", ""), ("SUNIONSTORE s t", "overwritten s, type_changed s"),
        ("SUNIONSTORE s s t", "overwritten s"), ("SET u 1", ""),
        ("RENAME s u", "overwritten u, type_changed u"), ("SET s 1", ""),
        ("COPY u s REPLACE", "overwritten s, type_changed s"),
        ("SORT u STORE u", "overwritten u, type_changed u"),
        ("PFADD p 1", ""), ("PFADD p 2", ""), ("DEL s", ""), ("SET s 1", ""))
    hearer.close()


@case
def test_many_keys_at_once(c):
    """Visited shard by shard: the events of a key keep their order, keys need not."""
    hearer = Hearer(c)
    names = [f"k{i}" for i in range(300)]
    told = hearer.told("MSET", *[word for name in names for word in (name, "1")])
    assert sorted(told.split(", ")) == sorted(f"set {name}" for name in names)
    told = hearer.told("DEL", *names, "nothing")
    assert sorted(told.split(", ")) == sorted(f"del {name}" for name in names)
    hearer.close()


if __name__ == "__main__":
    main()
