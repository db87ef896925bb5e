"""Keyspace notifications over the wire: classes, names, order, and every writing command.

Rows are "COMMAND words", events ("event key", in their order). Everything that Redis 7.0 knows also
holds there (POLLARD_SERVER=redis-server); newer commands are skipped then. The differential test
compares the events of random commands of all groups besides.
"""
import shlex
import time

from pollard_test import Error, case, main, wait_for
from talkers import BOTH, OK, client, newer, rows, waits

CLASSES = "g$lszhxetdmn"
INVALID = Error("ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - "
                "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")


class Listener:
    """A client that hears all events; take() returns those up to now as "event key" texts."""

    def __init__(self, c, classes="EA", pattern="__keyevent@*__:*"):
        c.cmd("CONFIG", "SET", "notify-keyspace-events", classes).is_ok()
        self.connection = client(c)
        self.publisher = client(c)
        self.connection.send("PSUBSCRIBE", pattern)
        self.mark = f"mark:{self.publisher.id}"
        self.connection.send("SUBSCRIBE", self.mark)
        self.connection.read()
        self.connection.read()

    def messages(self):
        """(channel, text) of everything that has been sent, by way of a mark behind it."""
        assert self.publisher.cmd("PUBLISH", self.mark, "") == 1
        found = []
        while (reply := self.connection.read()).value[0] == b"pmessage":
            found.append(tuple(part.decode() for part in reply.value[2:]))
        return found

    def take(self):
        return [f"{channel.partition(':')[2]} {text}" for channel, text in self.messages()]


def judge(c, *table, classes="EA"):
    listener = Listener(c, classes)
    for line, *events in table:
        reply = c.cmd(*shlex.split(line))
        assert reply.kind != "error", (line, reply)
        found = listener.take()
        assert found == events, f"{line}: {found}, expected {events}"


@case(protocols=BOTH)
def test_option(c):
    for value, shown in (("", ""), ("K", "K"), ("E", "E"), ("KEA", "AKE"), ("AKE", "AKE"),
                         ("A", "A"), ("Kg$", "g$K"), ("KElshzxe", "lshzxeKE"), ("Kn", "nK"),
                         ("Am", "Am"), ("KKK", "K"), ("Et", "tE"), ("Ed", "dE")):
        rows(c, (f"CONFIG SET notify-keyspace-events '{value}'", OK))
        found = c.cmd("CONFIG", "GET", "notify-keyspace-events")
        assert sorted(found["notify-keyspace-events"].value) == sorted(shown.encode()), found
    rows(c, ("CONFIG SET notify-keyspace-events KEq", INVALID),
         ("CONFIG SET notify-keyspace-events 'K E'", INVALID))
    rows(c, ("CONFIG SET notify-keyspace-events ''", OK))


@case(protocols=BOTH)
def test_both_channels(c):
    listener = Listener(c, "KEA", "__key*__:*")
    rows(c, ("SET a 1", OK), ("DEL a", 1), ("SELECT 3", OK), ("SET b 1", OK))
    assert listener.messages() == [
        ("__keyspace@0__:a", "set"), ("__keyevent@0__:set", "a"),
        ("__keyspace@0__:a", "del"), ("__keyevent@0__:del", "a"),
        ("__keyspace@3__:b", "set"), ("__keyevent@3__:set", "b")]


@case(protocols=BOTH)
def test_channels_by_choice(c):
    for classes, count in (("KA", 1), ("EA", 1), ("KEA", 2), ("A", 0), ("KE", 0), ("", 0),
                           ("K$", 1), ("Kl", 0)):
        listener = Listener(c, classes, "__key*__:*")
        rows(c, ("SET a 1", OK))
        assert len(listener.messages()) == count, classes


@case(protocols=BOTH)
def test_classes(c):
    """Each class alone lets its events pass and no others."""
    lines = ("SET s 1", "SET s 1 EX 1000", "RPUSH l a", "SADD t a", "HSET h a 1", "ZADD z 1 a",
             "DEL s", "GET nosuch")
    expected = {
        "g": ["expire s", "del s"], "$": ["set s", "set s"], "l": ["rpush l"], "s": ["sadd t"],
        "h": ["hset h"], "z": ["zadd z"], "x": [], "e": [], "t": [], "d": [],
        "m": ["keymiss nosuch"], "n": ["new s", "new l", "new t", "new h", "new z"]}
    for name in CLASSES:
        c.cmd("FLUSHALL",)
        listener = Listener(c, "E" + name)
        for line in lines:
            c.cmd(*shlex.split(line))
        assert listener.take() == expected[name], name


@case(protocols=BOTH)
def test_strings(c):
    judge(c, ("SET a 1", "set a"), ("SET a 1 EX 100", "set a", "expire a"), ("SET a 1 NX",),
          ("SETNX n 1", "set n"), ("SETNX n 1",), ("SETEX a 100 x", "set a", "expire a"),
          ("PSETEX a 100000 x", "set a", "expire a"), ("GETSET a 5", "set a"),
          ("SET a 5 GET", "set a"), ("INCR a", "incrby a"), ("DECR a", "incrby a"),
          ("INCRBY a 5", "incrby a"), ("DECRBY a 5", "incrby a"),
          ("INCRBYFLOAT a 0.5", "incrbyfloat a"), ("APPEND a x", "append a"),
          ("SETRANGE a 3 x", "setrange a"), ("SETRANGE a 3 ''",), ("GETEX a",),
          ("GETEX a EX 100", "expire a"), ("GETEX a PERSIST", "persist a"), ("GETEX a PERSIST",),
          ("GETDEL a", "del a"), ("GETDEL a",), ("MSET a 1 b 2", "set a", "set b"),
          ("MSETNX a 1 q 2",), ("MSETNX p 1 q 2", "set p", "set q"), ("GET a",), ("STRLEN a",))


@case(protocols=BOTH)
def test_keys(c):
    judge(c, ("MSET a 1 b 2 c 3", "set a", "set b", "set c"),
          ("DEL a b no", "del a", "del b"), ("UNLINK c", "del c"), ("SET a 1", "set a"),
          ("EXPIRE a 100", "expire a"), ("EXPIRE a 100 NX",), ("PEXPIRE a 100000", "expire a"),
          ("EXPIREAT a 9999999999", "expire a"), ("PEXPIREAT a 9999999999999", "expire a"),
          ("PERSIST a", "persist a"), ("PERSIST a",), ("EXPIRE a -1", "del a"), ("EXPIRE a 1",),
          ("SET a 1", "set a"), ("RENAME a b", "rename_from a", "rename_to b"),
          ("SET a 1", "set a"), ("RENAME a b", "rename_from a", "rename_to b"),
          ("RENAMENX b c", "rename_from b", "rename_to c"),
          ("COPY c d", "copy_to d"), ("COPY c d",), ("COPY c d REPLACE", "copy_to d"),
          ("MOVE c 1", "move_from c", "move_to c"), ("TOUCH d",), ("TYPE d",), ("FLUSHDB",),
          ("FLUSHALL",), ("SWAPDB 0 1",), ("RPUSH l 2 1", "rpush l"),
          ("SORT l STORE m", "sortstore m"), ("SORT no STORE m", "del m"), ("SORT no STORE m",))


@case(protocols=BOTH)
def test_lists(c):
    judge(c, ("LPUSH l a b", "lpush l"), ("RPUSH l a b", "rpush l"), ("LPUSHX no a",),
          ("RPUSHX l x", "rpush l"), ("LPOP l", "lpop l"), ("RPOP l 2", "rpop l"), ("LPOP l 0",),
          ("LINSERT l BEFORE a y", "linsert l"), ("LINSERT l BEFORE no y",),
          ("LSET l 0 q", "lset l"),
          ("LREM l 0 no",), ("LREM l 0 q", "lrem l"), ("LTRIM l 0 -1", "ltrim l"),
          ("LMOVE l m LEFT LEFT", "lpush m", "lpop l"),
          ("RPOPLPUSH m n", "lpush n", "rpop m", "del m"),
          ("LMOVE n n LEFT RIGHT", "rpush n", "lpop n"),
          ("LMPOP 2 no n LEFT", "lpop n", "del n"), ("RPUSH l z", "rpush l"),
          ("LTRIM l 5 9", "ltrim l", "del l"), ("RPUSH l z", "rpush l"),
          ("LREM l 0 z", "lrem l", "del l"), ("RPUSH l z", "rpush l"),
          ("LPOP l", "lpop l", "del l"), ("LPOP l",))


@case(protocols=BOTH)
def test_sets(c):
    judge(c, ("SADD s a b c", "sadd s"), ("SADD s a",), ("SREM s c no", "srem s"), ("SREM s no",),
          ("SMOVE s t a", "srem s", "sadd t"), ("SMOVE s t no",), ("SMOVE s s b",),
          ("SPOP s", "spop s", "del s"), ("SPOP s",), ("SADD s a b", "sadd s"),
          ("SINTERSTORE d s t", "sinterstore d"), ("SUNIONSTORE d s t", "sunionstore d"),
          ("SDIFFSTORE d s t", "sdiffstore d"), ("SDIFFSTORE d t t", "del d"),
          ("SDIFFSTORE d t t",),
          ("SPOP t 5", "spop t", "del t"), ("SREM s a b", "srem s", "del s"))


@case(protocols=BOTH)
def test_hashes(c):
    judge(c, ("HSET h a 1 b 2", "hset h"), ("HSET h a 1", "hset h"), ("HMSET h a 1", "hset h"),
          ("HSETNX h a 1",), ("HSETNX h c 1", "hset h"), ("HINCRBY h a 1", "hincrby h"),
          ("HINCRBYFLOAT h a 1.5", "hincrbyfloat h"), ("HDEL h no",), ("HDEL h c", "hdel h"),
          ("HDEL h a b", "hdel h", "del h"))


@case(protocols=BOTH)
def test_hash_fields(c):
    newer()
    judge(c, ("HSET h a 1 b 2 c 3", "hset h"), ("HEXPIRE h 100 FIELDS 1 a", "hexpire h"),
          ("HEXPIRE h 100 NX FIELDS 1 a",), ("HPERSIST h FIELDS 1 a", "hpersist h"),
          ("HPERSIST h FIELDS 1 a",), ("HGETEX h EX 100 FIELDS 1 a", "hexpire h"),
          ("HEXPIRE h 0 FIELDS 1 a", "hdel h"), ("HGETDEL h FIELDS 1 b", "hdel h"),
          ("HSETEX h EX 100 FIELDS 1 d 1", "hset h", "hexpire h"),
          ("HGETDEL h FIELDS 2 c d", "hdel h", "del h"))


@case(protocols=BOTH)
def test_sorted_sets(c):
    judge(c, ("ZADD z 1 a 2 b 3 c 4 d", "zadd z"), ("ZADD z 1 a",), ("ZADD z NX 9 a",),
          ("ZADD z INCR 1 a", "zincr z"), ("ZINCRBY z 1 a", "zincr z"), ("ZREM z no",),
          ("ZREM z d", "zrem z"), ("ZPOPMIN z", "zpopmin z"), ("ZPOPMAX z", "zpopmax z"),
          ("ZMPOP 1 z MIN", "zpopmin z", "del z"), ("ZADD z 1 a 2 b 3 c", "zadd z"),
          ("ZREMRANGEBYSCORE z 9 9",), ("ZREMRANGEBYSCORE z 1 1", "zremrangebyscore z"),
          ("ZREMRANGEBYRANK z 0 0", "zremrangebyrank z"),
          ("ZREMRANGEBYLEX z - +", "zremrangebylex z", "del z"),
          ("ZADD z 1 a", "zadd z"), ("ZUNIONSTORE d 1 z", "zunionstore d"),
          ("ZINTERSTORE d 1 z", "zinterstore d"), ("ZDIFFSTORE d 1 z", "zdiffstore d"),
          ("ZRANGESTORE d z 0 -1", "zrangestore d"), ("ZRANGESTORE d no 0 -1", "del d"),
          ("ZUNIONSTORE d 1 no",))


@case(protocols=BOTH)
def test_bits_sketches_places(c):
    judge(c, ("SETBIT b 7 1", "setbit b"), ("BITFIELD b SET u8 0 2", "setbit b"),
          ("BITFIELD b GET u8 0",), ("BITOP NOT d b", "set d"), ("BITOP AND d no", "del d"),
          ("BITOP AND d no",), ("PFADD p a", "pfadd p"), ("PFADD p a",), ("PFMERGE q p", "pfadd q"),
          ("PFCOUNT p",), ("GEOADD g 1 1 a", "zadd g"),
          ("GEOSEARCHSTORE r g FROMLONLAT 1 1 BYRADIUS 9 km", "geosearchstore r"),
          ("GEORADIUS g 1 1 9 km STORE r", "georadiusstore r"),
          ("GEOSEARCHSTORE r g FROMLONLAT 9 9 BYRADIUS 9 km", "del r"))


@case(protocols=BOTH)
def test_newer_commands(c):
    newer()
    judge(c, ("RPUSH s 1 2 3", "rpush s"),
          ("LMOVEM s d LEFT RIGHT COUNT 2 OBO", "rpush d", "lpop s"),
          ("LMOVEM s d LEFT RIGHT COUNT 2 BULK", "rpush d", "lpop s", "del s"))


@case(protocols=BOTH)
def test_new_keys(c):
    """Class n is not in A; it comes before the event of the write."""
    judge(c, ("SET a 1", "new a", "set a"), ("SET a 1", "set a"), ("RPUSH l a", "new l", "rpush l"),
          ("COPY a b", "new b", "copy_to b"),
          ("RENAME a c", "new c", "rename_from a", "rename_to c"),
          classes="EAn")


@case(protocols=BOTH)
def test_misses(c):
    """Class m is not in A; only reading misses."""
    judge(c, ("GET no", "keymiss no"), ("MGET no nope", "keymiss no", "keymiss nope"),
          ("EXISTS no", "keymiss no"), ("STRLEN no", "keymiss no"),
          ("LRANGE no 0 -1", "keymiss no"), ("SET no 1",), ("INCR other",), ("DEL nope",),
          ("GET no",), ("HGET no2 a", "keymiss no2"), classes="Em")


@case(protocols=BOTH)
def test_expired(c):
    """A key that nobody looks at fires soon after its time."""
    listener = Listener(c, "Ex")
    begun = time.monotonic()
    rows(c, ("SET a 1 PX 50", OK), ("SET b 1 PX 60", OK), ("SET keep 1 PX 1000000", OK))
    heard = sorted(tuple(part.decode() for part in listener.connection.read().value[2:])
                   for _ in range(2))
    assert heard == [("__keyevent@0__:expired", "a"), ("__keyevent@0__:expired", "b")]
    assert time.monotonic() - begun >= 0.05
    rows(c, ("EXISTS a b keep", 1))
    assert listener.take() == []


@case(protocols=BOTH)
def test_expired_when_looked_at(c):
    listener = Listener(c, "EA")
    rows(c, ("SET a 1 PX 1", OK))
    wait_for(lambda: c.cmd("EXISTS", "a") == 0)
    found = []
    wait_for(lambda: found.extend(listener.take()) or "expired a" in found)
    assert found == ["set a", "expire a", "expired a"], found
    rows(c, ("SET a 1 PX 1", OK))
    wait_for(lambda: c.cmd("SET", "a", "2", "NX").value == b"OK")
    found = listener.take()
    assert found == ["set a", "expire a", "expired a", "set a"], found


@case(protocols=BOTH)
def test_many_expire(c):
    listener = Listener(c, "Ex")
    c.pipeline(*[("SET", f"k{i}", "x", "PX", 1 + i % 50) for i in range(2000)])
    heard = [listener.connection.read().value[3].decode() for _ in range(2000)]
    assert sorted(heard) == sorted(f"k{i}" for i in range(2000))


@case(protocols=BOTH)
def test_transactions(c):
    """The events of EXEC come in the order of its commands."""
    listener = Listener(c, "EA")
    for line in ("MULTI", "SET a 1", "RPUSH l x", "DEL a", "INCR a", "LPOP l", "EXEC"):
        c.cmd(*shlex.split(line))
    assert listener.take() == ["set a", "rpush l", "del a", "incrby a", "lpop l", "del l"]


@case(protocols=BOTH)
def test_blocked_clients(c):
    listener = Listener(c, "EA")
    a = client(c)
    for command, push, events in (
            ("BLPOP l 0", "RPUSH l x", ["rpush l", "lpop l", "del l"]),
            ("BLMOVE l m LEFT LEFT 0", "RPUSH l x", ["rpush l", "lpush m", "lpop l", "del l"]),
            ("BRPOPLPUSH l m 0", "RPUSH l x", ["rpush l", "lpush m", "rpop l", "del l"]),
            ("BLMPOP 0 1 l RIGHT COUNT 2", "RPUSH l x y", ["rpush l", "rpop l", "del l"]),
            ("BZPOPMIN z 0", "ZADD z 1 a", ["zadd z", "zpopmin z", "del z"]),
            ("BZMPOP 0 1 z MAX", "ZADD z 1 a", ["zadd z", "zpopmax z", "del z"])):
        waits(c, a, command)
        c.cmd(*shlex.split(push))
        a.read()
        assert listener.take() == events, command


@case(protocols=BOTH)
def test_odd_keys(c):
    listener = Listener(c, "KA", "__keyspace@0__:*")
    for key in ("", "a b", "x" * 10000, "[*?\\"):
        c.cmd("SET", key, "1").is_ok()
        assert listener.messages() == [("__keyspace@0__:" + key, "set")]


@case(protocols=BOTH)
def test_order_of_a_key(c):
    """Writers of one key at once: its events come in the order in which they were applied."""
    listener = Listener(c, "EA")
    writers = [client(c) for _ in range(4)]
    for writer in writers:
        writer.raw(b"RPUSH l x\r\nDEL l\r\n" * 200)
    for writer in writers:
        for _ in range(400):
            writer.read()
    there = False
    for event in listener.take():
        assert event in ("rpush l", "del l")
        assert event == "rpush l" or there, "deleted what was not there"
        there = event == "rpush l"
    assert not there and c.cmd("EXISTS", "l") == 0


main()
