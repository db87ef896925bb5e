"""Fields of hashes with a time to live: every reply code, option and error text, and that fields
leave memory by themselves. All of it is newer than Redis 7.0."""
import time

from pollard_test import Error, case, main, wait_for
from talkers import BOTH, NOT_INTEGER, OK, arity, rows

NEGATIVE = Error("ERR invalid expire time, must be >= 0")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
NO_FIELDS = Error("ERR Mandatory argument FIELDS is missing or not at the right position")
MISMATCH = Error("ERR The `numfields` parameter must match the number of arguments")
NOT_ABOVE_0 = Error("ERR Parameter `numFields` should be greater than 0")
NOT_POSITIVE = Error("ERR Number of fields must be a positive integer")
PAST = 1000000000
FUTURE = 4102444800  # 2100
FUTURE_MS = FUTURE * 1000


def bad_expiry(name):
    return Error(f"ERR invalid expire time in '{name}' command")


def flat(reply):
    if reply.kind == "map":
        return [part.items for pair in reply.items for part in pair]
    return [part.items for part in reply.items]


def both_forms(c):
    """Yields a key a form: in the second round hashes are large from the first field on."""
    for key, entries in (("small", "512"), ("large", "0")):
        c.cmd("CONFIG", "SET", "hash-max-listpack-entries", entries).is_ok()
        yield key
    c.cmd("CONFIG", "SET", "hash-max-listpack-entries", "512").is_ok()


def subexpiry(c):
    rows_of_info = c.cmd("INFO", "keyspace").items.decode().splitlines()
    line = [row for row in rows_of_info if row.startswith("db0")]
    return int(line[0].split("subexpiry=")[1]) if line else 0


@case(protocols=BOTH)
def test_expire(c):
    for key in both_forms(c):
        rows(c,
             (f"HSET {key} a 1 b 2 c 3", 3), (f"HEXPIRE {key} 100 FIELDS 3 a b x", [1, 1, -2]),
             (f"HTTL {key} FIELDS 4 a b c x", [100, 100, -1, -2]),
             (f"HPEXPIRE {key} 50500 FIELDS 1 a", [1]), (f"HTTL {key} FIELDS 1 a", [51]),
             (f"HEXPIREAT {key} {FUTURE} FIELDS 1 a", [1]),
             (f"HEXPIRETIME {key} FIELDS 1 a", [FUTURE]),
             (f"HPEXPIRETIME {key} FIELDS 2 a c", [FUTURE_MS, -1]),
             (f"HPEXPIREAT {key} {FUTURE_MS + 1} FIELDS 1 a", [1]),
             (f"HPEXPIRETIME {key} FIELDS 1 a", [FUTURE_MS + 1]),
             (f"HEXPIRETIME {key} FIELDS 1 a", [FUTURE + 1]),
             (f"HPERSIST {key} FIELDS 3 a c x", [1, -1, -2]), (f"HTTL {key} FIELDS 1 a", [-1]),
             (f"HEXPIRE {key} 0 FIELDS 1 a", [2]), (f"HGET {key} a", None),
             (f"HEXPIREAT {key} {PAST} FIELDS 2 b b", [2, -2]), (f"HLEN {key}", 1),
             (f"HPEXPIREAT {key} 0 FIELDS 1 c", [2]), (f"EXISTS {key}", 0),
             (f"HEXPIRE {key} 10 FIELDS 2 a b", [-2, -2]), (f"HTTL {key} FIELDS 2 a b", [-2, -2]),
             (f"HPERSIST {key} FIELDS 1 a", [-2]))
        assert subexpiry(c) == 0


@case
def test_conditions(c):
    for key in both_forms(c):
        rows(c,
             (f"HSET {key} a 1 b 2", 2), (f"HPEXPIREAT {key} {FUTURE_MS} XX FIELDS 1 a", [0]),
             (f"HPEXPIREAT {key} {FUTURE_MS} GT FIELDS 1 a", [0]),
             (f"HPEXPIREAT {key} {FUTURE_MS} LT FIELDS 1 a", [1]),
             (f"HPEXPIREAT {key} {FUTURE_MS} nx FIELDS 2 a b", [0, 1]),
             (f"HPEXPIREAT {key} {FUTURE_MS} GT FIELDS 1 a", [0]),
             (f"HPEXPIREAT {key} {FUTURE_MS} LT FIELDS 1 a", [0]),
             (f"HPEXPIREAT {key} {FUTURE_MS + 5} GT FIELDS 1 a", [1]),
             (f"HPEXPIREAT {key} {FUTURE_MS + 1} LT FIELDS 1 a", [1]),
             (f"HPEXPIREAT {key} {FUTURE_MS + 7} FIELDS 1 a XX", [1]),
             (f"HPEXPIRETIME {key} FIELDS 2 a b", [FUTURE_MS + 7, FUTURE_MS]),
             (f"HEXPIRE {key} 0 GT FIELDS 1 a", [0]), (f"HEXPIRE {key} 0 NX FIELDS 1 a", [0]),
             (f"HEXPIRE {key} 0 LT FIELDS 2 a b", [2, 2]), (f"EXISTS {key}", 0))


@case(protocols=BOTH)
def test_errors(c):
    rows(c,
         ("HSET h a 1", 1), ("SET s x", OK), ("HEXPIRE h 10 FIELDS 1", arity("hexpire")),
         ("HEXPIRE s x FIELDS 1 a", WRONG_TYPE), ("HEXPIRE h x FIELDS 1 a", NOT_INTEGER),
         ("HEXPIRE h -1 FIELDS 1 a", NEGATIVE), ("HPEXPIREAT h -1 FIELDS 1 a", NEGATIVE),
         ("HEXPIRE h 99999999999 FIELDS 1 a", bad_expiry("hexpire")),
         ("HEXPIREAT h 9999999999999999 FIELDS 1 a", bad_expiry("hexpireat")),
         ("HPEXPIRE h 9223372036854775807 FIELDS 1 a", bad_expiry("hpexpire")),
         ("HPEXPIREAT h 70368744177664 FIELDS 1 a", bad_expiry("hpexpireat")),
         ("HPEXPIREAT h 70368744177663 FIELDS 1 a", [1]),
         ("HEXPIRE h 10 NX XX FIELDS 1 a", NO_FIELDS), ("HEXPIRE h 10 FOO FIELDS 1 a", NO_FIELDS),
         ("HEXPIRE h 10 FOO 1 a", NO_FIELDS), ("HEXPIRE h 10 FIELDS 0 a", NOT_ABOVE_0),
         ("HEXPIRE h 10 FIELDS -1 a", NOT_ABOVE_0), ("HEXPIRE h 10 FIELDS x a", NOT_ABOVE_0),
         ("HEXPIRE h 10 FIELDS 2 a", MISMATCH), ("HEXPIRE h 10 FIELDS 1 a b", MISMATCH),
         ("HEXPIRE h 10 FIELDS 9223372036854775807 a", MISMATCH),
         ("HTTL s FIELDS 1 a", WRONG_TYPE), ("HTTL h FIELD 1 a", NO_FIELDS),
         ("HTTL h FIELDS 0 a", NOT_POSITIVE), ("HTTL h FIELDS x a", NOT_POSITIVE),
         ("HTTL h FIELDS 2 a", MISMATCH), ("HTTL h FIELDS 1 a b", MISMATCH),
         ("HTTL h FIELDS 1", arity("httl")), ("HPERSIST s FIELDS 1 a", WRONG_TYPE),
         ("HPERSIST h FIELDS 0 a", NOT_POSITIVE), ("HPERSIST h FIELDS 3 a", MISMATCH),
         ("HGETDEL s FIELDS 1 a", WRONG_TYPE), ("HGETDEL h FOO 1 a", NO_FIELDS),
         ("HGETDEL h FIELDS 0 a", NOT_POSITIVE), ("HGETDEL h FIELDS 2 a", MISMATCH),
         ("HPEXPIRETIME h FIELDS 1 a", [70368744177663]))
    for name in ("hpttl", "hexpiretime", "hpexpiretime"):
        rows(c, (f"{name} h FIELDS 0 a", NOT_POSITIVE), (f"{name} nokey FIELDS 1 a", [-2]))


@case(protocols=BOTH)
def test_getex_errors(c):
    count = Error("ERR invalid number of fields")
    mismatch = Error("ERR wrong number of arguments")
    once = Error("ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified")
    keep = Error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
    condition = Error("ERR Only one of FXX or FNX arguments can be specified")
    rows(c,
         ("HSET h a 1", 1), ("SET s x", OK), ("HGETEX s FIELDS 1 a", WRONG_TYPE),
         ("HGETEX h FIELDS 0 a", count), ("HGETEX h FIELDS x a", count),
         ("HGETEX h EX 10 FIELDS 2 a", mismatch), ("HGETEX h FIELDS 1 a b", mismatch),
         ("HGETEX h FOO FIELDS 1 a", Error("ERR unknown argument: FOO")),
         ("HGETEX h KEEPTTL FIELDS 1 a", Error("ERR unknown argument: KEEPTTL")),
         ("HGETEX h EX 10 PX 10 FIELDS 1 a", once), ("HGETEX h PERSIST EX 1 FIELDS 1 a", once),
         ("HGETEX h FIELDS 1 a EX", Error("ERR missing expire time")),
         ("HGETEX h EX x FIELDS 1 a", NOT_INTEGER), ("HGETEX h EX -1 FIELDS 1 a", NEGATIVE),
         ("HGETEX h EX 99999999999 FIELDS 1 a", bad_expiry("hgetex")),
         ("HGETEX h EX 10 EX", once), ("HGETEX h EX 10 EX 5", once),
         ("HGETEX h EX 10 PX x", once), ("HGETEX h EX 10 foo", Error("ERR unknown argument: foo")),
         ("HGETEX h EXAT 10 PERSIST 5", once), ("HGETEX h PERSIST PXAT 10", once),
         ("HGETEX h FIELDS 1 a FIELDS 1 a",
         Error("ERR FIELDS keyword specified multiple times")),
         ("HSETEX s FIELDS 1 a 1", WRONG_TYPE), ("HSETEX h FIELDS 0 a 1", count),
         ("HSETEX h FIELDS 2 a 1", mismatch), ("HSETEX h FIELDS 1 a 1 b", mismatch),
         ("HSETEX h FNX FXX FIELDS 1 a 1", condition),
         ("HSETEX h FNX FNX FIELDS 1 a 1", condition),
         ("HSETEX h NX FIELDS 1 a 1", Error("ERR unknown argument: NX")),
         ("HSETEX h PERSIST FIELDS 1 a 1", Error("ERR unknown argument: PERSIST")),
         ("HSETEX h EX 1 KEEPTTL FIELDS 1 a 1", keep),
         ("HSETEX h FIELDS 1 a 1 PX", Error("ERR missing expire time")),
         ("HSETEX h EX 1 PX 1 KEEPTTL", keep),
         ("HSETEX h EX 10 FNX FXX", condition), ("HGET h a", b"1"))


@case(protocols=BOTH)
def test_getex(c):
    for key in both_forms(c):
        rows(c,
             (f"HSET {key} a 1 b 2 c 3", 3), (f"HGETEX {key} FIELDS 2 a x", [b"1", None]),
             (f"HGETEX {key} EX 100 FIELDS 2 a b", [b"1", b"2"]),
             (f"HTTL {key} FIELDS 3 a b c", [100, 100, -1]),
             (f"HGETEX {key} FIELDS 1 a", [b"1"]), (f"HTTL {key} FIELDS 1 a", [100]),
             (f"HGETEX {key} FIELDS 1 a PXAT {FUTURE_MS}", [b"1"]),
             (f"HPEXPIRETIME {key} FIELDS 1 a", [FUTURE_MS]),
             (f"HGETEX {key} EXAT {FUTURE} FIELDS 1 a", [b"1"]),
             (f"HGETEX {key} PX 77000 FIELDS 1 a", [b"1"]), (f"HTTL {key} FIELDS 1 a", [77]),
             (f"HGETEX {key} PERSIST FIELDS 3 a c x", [b"1", b"3", None]),
             (f"HTTL {key} FIELDS 1 a", [-1]),
             (f"HGETEX {key} EX 0 FIELDS 3 a a x", [b"1", None, None]), (f"HLEN {key}", 2),
             (f"HGETEX {key} PXAT {PAST} FIELDS 2 b c", [b"2", b"3"]), (f"EXISTS {key}", 0),
             (f"HGETEX {key} EX 10 FIELDS 2 b c", [None, None]))


@case(protocols=BOTH)
def test_setex(c):
    for key in both_forms(c):
        rows(c,
             (f"HSETEX {key} EX 100 FIELDS 2 a 1 b 2", 1),
             (f"HTTL {key} FIELDS 2 a b", [100, 100]), (f"HSETEX {key} FIELDS 1 a 2", 1),
             (f"HTTL {key} FIELDS 1 a", [-1]), (f"HSETEX {key} KEEPTTL FIELDS 2 a 3 b 3", 1),
             (f"HTTL {key} FIELDS 2 a b", [-1, 100]), (f"HMGET {key} a b", [b"3", b"3"]),
             (f"HSETEX {key} FNX FIELDS 2 new 1 a 9", 0), (f"HEXISTS {key} new", 0),
             (f"HSETEX {key} FXX FIELDS 2 new 1 a 9", 0), (f"HGET {key} a", b"3"),
             (f"HSETEX {key} FXX PXAT {FUTURE_MS} FIELDS 2 a 4 b 4", 1),
             (f"HPEXPIRETIME {key} FIELDS 2 a b", [FUTURE_MS, FUTURE_MS]),
             (f"HSETEX {key} FIELDS 1 new 5 FNX EXAT {FUTURE}", 1), (f"HGET {key} new", b"5"),
             (f"HSETEX {key} EX 0 FIELDS 2 a 7 x 8", 1),
             (f"HMGET {key} a b x new", [None, b"4", None, b"5"]),
             (f"HLEN {key}", 2), (f"HSETEX {key} PXAT {PAST} FIELDS 2 b 1 new 1", 1),
             (f"EXISTS {key}", 0), (f"HSETEX {key} FXX FIELDS 1 a 1", 0),
             (f"HSETEX {key} PX 0 FIELDS 1 a 1", 1), (f"EXISTS {key}", 0))


@case(protocols=BOTH)
def test_getdel(c):
    for key in both_forms(c):
        rows(c,
             (f"HSET {key} a 1 b 2 c 3", 3), (f"HEXPIRE {key} 100 FIELDS 2 a c", [1, 1]),
             (f"HGETDEL {key} FIELDS 3 a x a", [b"1", None, None]), (f"HLEN {key}", 2),
             (f"HGETDEL {key} FIELDS 2 b c", [b"2", b"3"]), (f"EXISTS {key}", 0),
             (f"HGETDEL {key} FIELDS 1 b", [None]))


@case
def test_writes_and_ttls(c):
    for key in both_forms(c):
        other = "listpackex" if key == "small" else "hashtable"
        plain = "listpack" if key == "small" else "hashtable"
        assert c.cmd("HSET", key, *"a 1 b 2 c 3 d 4 e 5".split()) == 5
        rows(c,
             (f"OBJECT ENCODING {key}", plain.encode()),
             (f"HPEXPIREAT {key} {FUTURE_MS} FIELDS 5 a b c d e", [1] * 5),
             (f"OBJECT ENCODING {key}", other.encode()), (f"HSET {key} a 9", 0),
             (f"HMSET {key} b 9", OK), (f"HINCRBY {key} c 1", 4),
             (f"HINCRBYFLOAT {key} d 0.5", b"4.5"), (f"HSETNX {key} e 9", 0),
             (f"HPEXPIRETIME {key} FIELDS 5 a b c d e",
              [-1, -1, FUTURE_MS, FUTURE_MS, FUTURE_MS]),
             (f"HDEL {key} e", 1), (f"HSET {key} e 1", 1), (f"HTTL {key} FIELDS 1 e", [-1]),
             (f"COPY {key} copy", 1), ("HPEXPIRETIME copy FIELDS 2 b c", [-1, FUTURE_MS]),
             ("RENAME copy moved", OK), ("HPEXPIRETIME moved FIELDS 1 c", [FUTURE_MS]),
             ("HPERSIST moved FIELDS 2 c d", [1, 1]),
             ("OBJECT ENCODING moved", plain.encode()),
             (f"HPEXPIRETIME {key} FIELDS 1 c", [FUTURE_MS]), (f"EXPIRE {key} 100", 1),
             (f"TTL {key}", 100), (f"HPEXPIRETIME {key} FIELDS 1 c", [FUTURE_MS]),
             (f"PERSIST {key}", 1), (f"TTL {key}", -1),
             (f"HPEXPIRETIME {key} FIELDS 1 c", [FUTURE_MS]),
             (f"MOVE {key} 1", 1), ("SELECT 1", OK),
             (f"HPEXPIRETIME {key} FIELDS 1 c", [FUTURE_MS]), ("FLUSHALL", OK), ("SELECT 0", OK))


@case(protocols=BOTH)
def test_expired_fields_are_not_seen(c):
    c.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "0").is_ok()
    for key in both_forms(c):
        assert c.cmd("HSET", key, *"a 1 b 2 c 3 d 4".split()) == 4
        at_ms = int(time.time() * 1000) + 30
        rows(c, (f"HPEXPIREAT {key} {at_ms} FIELDS 3 a b c", [1, 1, 1]))
        wait_for(lambda: c.cmd("HGET", key, "a") == None, what="a to be over")  # noqa: E711
        rows(c,
             (f"HEXISTS {key} a", 0), (f"HSTRLEN {key} a", 0), (f"HMGET {key} a d", [None, b"4"]),
             (f"HLEN {key}", 1), (f"HKEYS {key}", [b"d"]), (f"HVALS {key}", [b"4"]),
             (f"HSCAN {key} 0", [b"0", [b"d", b"4"]]), (f"HRANDFIELD {key}", b"d"),
             (f"HRANDFIELD {key} 5", [b"d"]), (f"HRANDFIELD {key} -3", [b"d"] * 3),
             (f"HTTL {key} FIELDS 2 a d", [-2, -1]), (f"HDEL {key} a", 0),
             (f"HEXPIRE {key} 10 FIELDS 1 b", [-2]), (f"HPERSIST {key} FIELDS 1 b", [-2]),
             (f"HGETEX {key} EX 5 FIELDS 1 b", [None]), (f"HGETDEL {key} FIELDS 1 b", [None]),
             (f"HSETEX {key} FXX FIELDS 1 b 1", 0), (f"HSETNX {key} b 7", 1),
             (f"HTTL {key} FIELDS 1 b", [-1]), (f"HINCRBY {key} c 5", 5),
             (f"HTTL {key} FIELDS 1 c", [-1]), (f"HSET {key} a 1", 1), (f"HLEN {key}", 4))
        assert flat(c.cmd("HGETALL", key)).count(b"d") == 1
    c.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "1").is_ok()


@case
def test_fields_leave_memory(c):
    """Without being looked at: fields, then the keys with their last ones, and the statistics."""
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    for key in both_forms(c):
        for index in range(1000):
            c.send("HSETEX", f"{key}:{index}", "PX", "40", "FIELDS", "2", "a", "1", "b", "2")
        for _ in range(1000):
            assert c.read() == 1
        fields = [word for index in range(3000) for word in (f"f{index}", index)]
        assert c.cmd("HSETEX", key, "PX", "40", "FIELDS", "3000", *fields) == 1
        assert c.cmd("HSET", key, "stays", "1") == 1
        wait_for(lambda: c.cmd("DBSIZE") == 1, what="all but one key to go")
        wait_for(lambda: subexpiry(c) == 0, what="the last TTL to go")
        assert flat(c.cmd("HGETALL", key)) == [b"stays", b"1"]
        assert c.cmd("DEL", key) == 1
    info = c.cmd("INFO", "stats").items.decode()
    assert "expired_subkeys:10000\r\n" in info, info


@case(protocols=BOTH)
def test_import(c):
    absent = Error("ERR no such fieldset")
    rows(c,
         ("HIMPORT PREPARE s a b a", Error("ERR duplicate field name in fieldset")),
         ("HIMPORT SET h s 1 2", absent), ("HIMPORT PREPARE s a b", OK),
         ("HIMPORT SET h s 1 2", OK), ("HMGET h a b", [b"1", b"2"]),
         ("HSET h c 3", 1), ("EXPIRE h 100", 1), ("HEXPIRE h 100 FIELDS 1 a", [1]),
         ("HIMPORT SET h s 5 6", OK), ("HMGET h a b c", [b"5", b"6", None]), ("TTL h", -1),
         ("HTTL h FIELDS 1 a", [-1]),
         ("HIMPORT SET h s 1", Error("ERR value count does not match the fields of the fieldset")),
         ("SET str x", OK), ("HIMPORT SET str s 1 2", WRONG_TYPE), ("HIMPORT PREPARE s z", OK),
         ("HIMPORT PREPARE t x y", OK), ("HIMPORT SET h s 1", OK), ("HKEYS h", [b"z"]),
         ("HIMPORT DISCARD s", 1), ("HIMPORT DISCARD s", 0), ("HIMPORT SET h s 1", absent),
         ("HIMPORT DISCARDALL", 1), ("HIMPORT DISCARDALL", 0), ("HGET h z", b"1"),
         ("HIMPORT PREPARE s", arity("himport|prepare")), ("HIMPORT SET h s", arity("himport|set")),
         ("HIMPORT", arity("himport")))
    long = "f" * 700
    c.cmd("HIMPORT", "PREPARE", "long", long, "b").is_ok()
    c.cmd("HIMPORT", "SET", "h", "long", "1" * 9000, "2").is_ok()
    assert c.cmd("HGET", "h", long) == b"1" * 9000
    c.cmd("RESET")
    assert c.cmd("HIMPORT", "SET", "h", "long", "1", "2") == absent


@case
def test_later_and_earlier(c):
    """A field's expiry that moves is obeyed; the key's own is too, whichever comes first."""
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    for key in both_forms(c):
        rows(c,
             (f"HSET {key} a 1 b 2", 2), (f"HEXPIRE {key} 1000 FIELDS 2 a b", [1, 1]),
             (f"HPEXPIRE {key} 30 FIELDS 1 a", [1]))
        wait_for(lambda: "expired_subkeys:0\r\n" not in c.cmd("INFO", "stats").items.decode(),
                 what="a to be reaped")
        rows(c, (f"HKEYS {key}", [b"b"]), (f"PEXPIRE {key} 30", 1))
        wait_for(lambda: c.cmd("DBSIZE") == 0, what="the key to go")
        rows(c,
             (f"HSETEX {key} PX 30 FIELDS 1 a 1", 1), (f"EXPIRE {key} 1000", 1))
        wait_for(lambda: c.cmd("DBSIZE") == 0, what="the key to go with its field")
        rows(c,
             (f"HSETEX {key} PX 30 FIELDS 2 a 1 b 2", 1), (f"HPERSIST {key} FIELDS 1 a", [1]))
        wait_for(lambda: subexpiry(c) == 0, what="b to go")
        rows(c, (f"HKEYS {key}", [b"a"]), (f"DEL {key}", 1), ("CONFIG RESETSTAT", OK))


if __name__ == "__main__":
    main("--enable-debug-command", "yes")
