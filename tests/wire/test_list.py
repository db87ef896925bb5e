"""List commands over the wire: every form, option and error text, in RESP2 and RESP3.

Rows are "COMMAND words", expected reply. Words are split as a shell does. Everything that Redis 7.0
knows also holds there (POLLARD_SERVER=redis-server); newer commands are skipped then.
"""

from pollard_test import Error, case, main
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, WRONG, arity, newer, rows

POSITIVE = Error("ERR value is out of range, must be positive")
NO_KEY = Error("ERR no such key")
INDEX = Error("ERR index out of range")
NUMKEYS = Error("ERR numkeys should be greater than 0")
COUNT = Error("ERR count should be greater than 0")
MAX = 2 ** 63 - 1
MIN = -2 ** 63


def items(text):
    """A list of bulk strings, one a word."""
    return [word.encode() for word in text.split()]


@case(protocols=BOTH)
def test_push(c):
    rows(c,
         ("LPUSH l a", 1), ("LPUSH l b c", 3), ("RPUSH l d e", 5),
         ("LRANGE l 0 -1", items("c b a d e")),
         ("LPUSHX l x y", 7), ("RPUSHX l z", 8), ("LRANGE l 0 -1", items("y x c b a d e z")),
         ("LPUSHX no x", 0), ("RPUSHX no x y", 0), ("EXISTS no", 0), ("TYPE l", "list"),
         ("SET s x", OK), ("LPUSH s a", WRONG), ("RPUSH s a", WRONG), ("LPUSHX s a", WRONG),
         ("RPUSHX s a", WRONG), ("LLEN s", WRONG), ("LLEN l", 8), ("LLEN no", 0))
    for name in ("lpush", "rpush", "lpushx", "rpushx"):
        rows(c, (name, arity(name)), (name + " k", arity(name)))
    rows(c, ("LLEN", arity("llen")), ("LLEN a b", arity("llen")))


@case(protocols=BOTH)
def test_pop(c):
    rows(c,
         ("RPUSH l a b c d e f g", 7), ("LPOP l", b"a"), ("RPOP l", b"g"),
         ("LPOP l 2", items("b c")),
         ("RPOP l 2", items("f e")), ("LPOP l 0", []), ("RPOP l 0", []), ("LPOP l -1", POSITIVE),
         ("RPOP l abc", POSITIVE), ("LPOP l 1 2", arity("lpop")), ("RPOP l 1 2", arity("rpop")),
         (f"LPOP l {MAX + 1}", POSITIVE), (f"LPOP l {MAX}", items("d")), ("EXISTS l", 0),
         ("LPOP l", None), ("LPOP l 1", None), ("LPOP l 0", None), ("RPOP l 5", None),
         ("LPOP", arity("lpop")), ("RPOP", arity("rpop")),
         ("SET s x", OK), ("LPOP s", WRONG), ("RPOP s 0", WRONG), ("LPOP s -1", POSITIVE))


@case
def test_no_item_and_no_array_in_resp2(c):
    for command, reply in ((b"LPOP no\r\n", b"$-1\r\n"), (b"LPOP no 1\r\n", b"*-1\r\n"),
                           (b"LMPOP 1 no LEFT\r\n", b"*-1\r\n"),
                           (b"LMOVE no m LEFT LEFT\r\n", b"$-1\r\n"),
                           (b"LPOS no a\r\n", b"$-1\r\n"), (b"LPOS no a COUNT 1\r\n", b"*0\r\n"),
                           (b"LINDEX no 1\r\n", b"$-1\r\n"), (b"LRANGE no 0 -1\r\n", b"*0\r\n")):
        c.raw(command)
        assert c.socket.recv(100) == reply, command


@case(protocols=BOTH)
def test_ranges(c):
    rows(c,
         ("RPUSH l a b c d e", 5), ("LRANGE l 0 -1", items("a b c d e")),
         ("LRANGE l 1 3", items("b c d")),
         ("LRANGE l -3 -2", items("c d")), ("LRANGE l -100 100", items("a b c d e")),
         ("LRANGE l 3 1", []), ("LRANGE l 5 9", []), ("LRANGE l 4 9", items("e")),
         (f"LRANGE l {MIN} {MAX}", items("a b c d e")), (f"LRANGE l {MAX} {MIN}", []),
         ("LRANGE l -100 -6", []), ("LRANGE l x 1", NOT_INTEGER), ("LRANGE l 1 x", NOT_INTEGER),
         ("LRANGE no 0 -1", []), ("LRANGE no x 1", NOT_INTEGER), ("LRANGE l 1", arity("lrange")),
         ("SET s x", OK), ("LRANGE s 0 1", WRONG), ("LRANGE s x 1", NOT_INTEGER),
         ("LTRIM l 1 3", OK), ("LRANGE l 0 -1", items("b c d")), ("LTRIM l -2 100", OK),
         ("LRANGE l 0 -1", items("c d")), ("LTRIM l x 1", NOT_INTEGER), ("LTRIM s 0 1", WRONG),
         ("LTRIM no 0 1", OK), ("LTRIM no x 1", NOT_INTEGER), ("LTRIM l 2 1", OK), ("EXISTS l", 0),
         ("RPUSH l a b", 2), ("LTRIM l 5 10", OK), ("EXISTS l", 0), ("LTRIM l 1", arity("ltrim")))


@case(protocols=BOTH)
def test_positions(c):
    rows(c,
         ("RPUSH l a b c 10 -5", 5), ("LINDEX l 0", b"a"), ("LINDEX l 4", b"-5"),
         ("LINDEX l -1", b"-5"),
         ("LINDEX l -5", b"a"), ("LINDEX l 5", None),
         ("LINDEX l -6", None), (f"LINDEX l {MIN}", None),
         ("LINDEX l x", NOT_INTEGER), ("LINDEX no x", None), ("LINDEX l", arity("lindex")),
         ("LSET l 0 A", OK), ("LSET l -1 77", OK), ("LSET l 5 x", INDEX), ("LSET l -6 x", INDEX),
         ("LSET l x y", NOT_INTEGER), ("LSET no 0 x", NO_KEY), ("LSET no x y", NO_KEY),
         ("LRANGE l 0 -1", items("A b c 10 77")), ("LSET l 0", arity("lset")),
         ("SET s x", OK), ("LINDEX s 0", WRONG), ("LINDEX s x", WRONG), ("LSET s 0 x", WRONG))


@case(protocols=BOTH)
def test_linsert(c):
    rows(c,
         ("RPUSH l a b c b", 4), ("LINSERT l BEFORE b x", 5), ("LINSERT l after b y", 6),
         ("LRANGE l 0 -1", items("a x b y c b")), ("LINSERT l BEFORE a 0", 7),
         ("LINSERT l AFTER 0 1", 8), ("LINSERT l BEFORE zz 1", -1), ("LINSERT no AFTER a b", 0),
         ("LRANGE l 0 2", items("0 1 a")), ("LINSERT l foo a b", SYNTAX),
         ("LINSERT no foo a b", SYNTAX),
         ("LINSERT l BEFORE a", arity("linsert")), ("SET s x", OK), ("LINSERT s BEFORE a b", WRONG))


@case(protocols=BOTH)
def test_lrem(c):
    rows(c,
         ("RPUSH l a b a c a b a", 7), ("LREM l 1 a", 1), ("LRANGE l 0 -1", items("b a c a b a")),
         ("LREM l -2 a", 2), ("LRANGE l 0 -1", items("b a c b")), ("LREM l 0 zz", 0),
         ("LREM l 0 b", 2), ("LRANGE l 0 -1", items("a c")), ("LREM l x a", NOT_INTEGER),
         ("LREM no 0 a", 0), ("LREM no x a", NOT_INTEGER), (f"LREM l {MAX} c", 1),
         (f"LREM l -{MAX} a", 1), ("EXISTS l", 0), ("LREM l 0", arity("lrem")),
         ("RPUSH n 1 01 1 +1 1", 5), ("LREM n 0 1", 3), ("LRANGE n 0 -1", items("01 +1")),
         ("SET s x", OK), ("LREM s 0 x", WRONG), ("LREM s x x", NOT_INTEGER))


@case(protocols=BOTH)
def test_lpos(c):
    zero = Error("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second "
                 "... or use negative to start from the end of the list")
    count, most = Error("ERR COUNT can't be negative"), Error("ERR MAXLEN can't be negative")
    rows(c,
         ("RPUSH l a b c 1 2 3 c c", 8), ("LPOS l a", 0), ("LPOS l c", 2), ("LPOS l 3", 5),
         ("LPOS l c RANK 2", 6), ("LPOS l c RANK -1", 7), ("LPOS l c RANK 4", None),
         ("LPOS l c RANK -2 COUNT 0", [6, 2]), ("LPOS l c COUNT 2", [2, 6]),
         ("LPOS l c count 0", [2, 6, 7]), ("LPOS l c COUNT 0 MAXLEN 3", [2]),
         ("LPOS l c COUNT 0 MAXLEN 2", []), ("LPOS l c MAXLEN 2", None), ("LPOS l c MAXLEN 0", 2),
         ("LPOS l c RANK -1 MAXLEN 1", 7), ("LPOS l c RANK 2 COUNT 1 MAXLEN 0", [6]),
         ("LPOS l c RANK 0", zero), ("LPOS l c RANK x", NOT_INTEGER), ("LPOS l c COUNT -1", count),
         ("LPOS l c COUNT x", count), ("LPOS l c MAXLEN -1", most), ("LPOS l c MAXLEN x", most),
         (f"LPOS l c RANK {MAX}", None), (f"LPOS l c RANK -{MAX}", None), ("LPOS l c RANK", SYNTAX),
         ("LPOS l c foo 1", SYNTAX), ("LPOS l c RANK 1 RANK 2", 6), ("LPOS l zz", None),
         ("LPOS l zz COUNT 1", []), ("LPOS no a", None), ("LPOS no a COUNT 0", []),
         ("LPOS no a RANK 0", zero), ("LPOS l", arity("lpos")), ("SET s x", OK),
         ("LPOS s a", WRONG))


@case(protocols=BOTH)
def test_lpos_refuses_the_least_rank(c):
    newer()
    rows(c, ("RPUSH l a", 1),
         (f"LPOS l a RANK {MIN}", Error("ERR value is out of range, value must between "
                                        f"-{MAX} and {MAX}")))


@case(protocols=BOTH)
def test_lmove(c):
    rows(c,
         ("RPUSH l a b c d", 4), ("LMOVE l m LEFT RIGHT", b"a"), ("LMOVE l m left left", b"b"),
         ("LMOVE l m RIGHT LEFT", b"d"), ("LRANGE l 0 -1", items("c")),
         ("LRANGE m 0 -1", items("d b a")),
         ("LMOVE l m RIGHT RIGHT", b"c"), ("EXISTS l", 0), ("LMOVE l m LEFT LEFT", None),
         ("LMOVE m m LEFT RIGHT", b"d"), ("LRANGE m 0 -1", items("b a c d")),
         ("LMOVE m m RIGHT LEFT", b"d"), ("LMOVE m m LEFT LEFT", b"d"),
         ("LMOVE m m RIGHT RIGHT", b"c"),
         ("LRANGE m 0 -1", items("d b a c")), ("LMOVE m l up LEFT", SYNTAX),
         ("LMOVE m l LEFT up", SYNTAX),
         ("LMOVE m l LEFT", arity("lmove")), ("RPOPLPUSH m l", b"c"), ("RPOPLPUSH m m", b"a"),
         ("LRANGE m 0 -1", items("a d b")), ("LRANGE l 0 -1", items("c")), ("RPOPLPUSH no m", None),
         ("RPOPLPUSH m", arity("rpoplpush")), ("SET s x", OK), ("LMOVE s m LEFT LEFT", WRONG),
         ("LMOVE m s LEFT LEFT", WRONG), ("LMOVE no s LEFT LEFT", None), ("RPOPLPUSH m s", WRONG),
         ("RPOPLPUSH no s", None), ("RPOPLPUSH s s", WRONG), ("LRANGE m 0 -1", items("a d b")))


@case(protocols=BOTH)
def test_lmpop(c):
    rows(c,
         ("RPUSH l a b c d e", 5), ("RPUSH m 1 2 3", 3), ("LMPOP 1 l LEFT", [b"l", [b"a"]]),
         ("LMPOP 1 l right", [b"l", [b"e"]]), ("LMPOP 2 no m LEFT COUNT 2", [b"m", items("1 2")]),
         ("LMPOP 2 l m RIGHT COUNT 100", [b"l", items("d c b")]), ("EXISTS l", 0),
         ("LMPOP 2 l no LEFT", None), ("LMPOP 0 l LEFT", NUMKEYS), ("LMPOP -1 l LEFT", NUMKEYS),
         ("LMPOP abc l LEFT", NUMKEYS), ("LMPOP 5 l LEFT", SYNTAX), ("LMPOP 1 m up", SYNTAX),
         ("LMPOP 1 m LEFT COUNT", SYNTAX), ("LMPOP 1 m LEFT COUNT 0", COUNT),
         ("LMPOP 1 m LEFT COUNT -1", COUNT), ("LMPOP 1 m LEFT COUNT abc", COUNT),
         ("LMPOP 1 m LEFT COUNT 1 COUNT 1", SYNTAX), ("LMPOP 1 m LEFT foo 1", SYNTAX),
         ("LMPOP 1 m", arity("lmpop")), ("LMPOP 2147483648 m LEFT", SYNTAX), ("SET s x", OK),
         ("LMPOP 2 s m LEFT", WRONG), ("LMPOP 2 m s LEFT", [b"m", [b"3"]]),
         ("LMPOP 2 m s LEFT", WRONG))


@case(protocols=BOTH)
def test_lmovem(c):
    newer()
    rows(c,
         ("RPUSH s 1 2 3 4", 4), ("LMOVEM s d LEFT LEFT COUNT 2 OBO", items("2 1")),
         ("LRANGE d 0 -1", items("2 1")), ("LRANGE s 0 -1", items("3 4")), ("DEL s d", 2),
         ("RPUSH s 1 2 3 4", 4), ("LMOVEM s d LEFT LEFT COUNT 2 BULK", items("1 2")),
         ("LMOVEM s d right right exactly 2 bulk", items("3 4")),
         ("LRANGE d 0 -1", items("1 2 3 4")),
         ("EXISTS s", 0), ("LMOVEM d s RIGHT RIGHT COUNT 3 OBO", items("4 3 2")),
         ("LMOVEM s d RIGHT LEFT COUNT 2 BULK", items("3 2")), ("LRANGE d 0 -1", items("3 2 1")),
         ("LMOVEM d s LEFT RIGHT COUNT 100 BULK", items("3 2 1")),
         ("LRANGE s 0 -1", items("4 3 2 1")),
         ("LMOVEM s d LEFT RIGHT", items("4")), ("LMOVEM s s LEFT LEFT COUNT 2 OBO", items("2 3")),
         ("LRANGE s 0 -1", items("2 3 1")), ("LMOVEM s s LEFT LEFT COUNT 2 BULK", items("2 3")),
         ("LMOVEM s s LEFT RIGHT COUNT 2 BULK", items("2 3")), ("LRANGE s 0 -1", items("1 2 3")),
         ("LMOVEM s s RIGHT LEFT EXACTLY 3 OBO", items("1 2 3")), ("LRANGE s 0 -1", items("1 2 3")),
         ("LMOVEM s d LEFT LEFT EXACTLY 4 OBO", None), ("LMOVEM no d LEFT LEFT", None),
         ("LMOVEM no d LEFT LEFT COUNT 3 BULK", None), ("LRANGE s 0 -1", items("1 2 3")),
         ("LMOVEM s d LEFT LEFT COUNT 0 BULK", POSITIVE),
         ("LMOVEM s d LEFT LEFT COUNT x OBO", POSITIVE),
         ("LMOVEM s d LEFT LEFT EXACTLY -1 OBO", POSITIVE), ("LMOVEM s d up LEFT", SYNTAX),
         ("LMOVEM s d LEFT up", SYNTAX), ("LMOVEM s d LEFT LEFT COUNT 2", SYNTAX),
         ("LMOVEM s d LEFT LEFT COUNT 2 foo", SYNTAX), ("LMOVEM s d LEFT LEFT foo 2 OBO", SYNTAX),
         ("LMOVEM s d LEFT LEFT OBO", SYNTAX), ("LMOVEM s d LEFT LEFT COUNT 1 OBO x", SYNTAX),
         ("LMOVEM s d LEFT", arity("lmovem")), ("SET t x", OK), ("LMOVEM t d LEFT LEFT", WRONG),
         ("LMOVEM s t LEFT LEFT", WRONG), ("LMOVEM t t LEFT LEFT", WRONG))


@case
def test_the_expiry_stays_as_long_as_the_list(c):
    rows(c, ("RPUSH l a b c b", 4), ("EXPIRE l 1000", 1), ("RPUSH l d", 5), ("LPOP l", b"a"),
         ("LSET l 0 z", OK), ("LREM l 1 b", 1), ("LINSERT l AFTER z y", 4), ("LTRIM l 0 1", OK))
    assert 900 < c.cmd("TTL", "l").value <= 1000
    rows(c, ("LMOVE l l LEFT RIGHT", b"z"), ("LPOP l 1", items("y")))
    assert 900 < c.cmd("TTL", "l").value <= 1000
    rows(c, ("LPOP l", b"z"), ("RPUSH l a", 1), ("TTL l", -1))


@case(protocols=BOTH)
def test_texts_of_all_kinds(c):
    numbers = [0, 1, -1, 63, 64, 127, 128, 255, 256, 32767, 32768, -129, 8388607, 8388608, 2 ** 31,
               2 ** 40, 2 ** 56, MAX, MIN]
    texts = [b"%d" % number for number in numbers]
    texts += [b"", b"-0", b"00", b"+1", b"1.0", b" 1", b"%d" % (MAX + 1), bytes(range(256)),
              b"\r\n"]
    texts += [b"x" * size for size in (1, 126, 127, 128, 129, 511, 512, 513, 4095, 16383, 16384,
                                       70000)]
    for command, expected in (("LPUSH", texts[::-1]), ("RPUSH", texts)):
        for chunk in (1, 3, 100):
            c.cmd("DEL", "l")
            for start in range(0, len(texts), chunk):
                c.cmd(command, "l", *texts[start:start + chunk])
            assert c.cmd("LRANGE", "l", 0, -1).value == expected
    for index, text in enumerate(texts):
        assert c.cmd("LPOS", "l", text) == index
        assert c.cmd("LINDEX", "l", index) == text
        assert c.cmd("LREM", "l", 0, text) == 1
        assert c.cmd("LPOS", "l", text).value is None
        assert c.cmd("LPUSH", "l", "other") == len(texts)
        c.cmd("LSET", "l", 0, text).is_ok()
        assert c.cmd("LMOVE", "l", "m", "LEFT", "RIGHT") == text
        assert c.cmd("RPOPLPUSH", "m", "l") == text
        assert c.cmd("LPOP", "l") == text
        if index + 1 < len(texts):
            assert c.cmd("LINSERT", "l", "BEFORE", texts[index + 1], text) == len(texts)
        else:
            assert c.cmd("RPUSH", "l", text) == len(texts)
    assert c.cmd("LRANGE", "l", 0, -1).value == texts


@case
def test_encodings(c):
    newer()
    default = c.cmd("CONFIG", "GET", "list-max-listpack-size").value[1]

    def encoding(expected):
        assert c.cmd("OBJECT", "ENCODING", "l") == expected

    c.cmd("RPUSH", "l", "a", "1")
    encoding("listpack")
    c.cmd("RPUSH", "l", "x" * 9000)
    encoding("quicklist")
    c.cmd("RPOP", "l")
    encoding("listpack")
    c.cmd("CONFIG", "SET", "list-max-ziplist-size", 4).is_ok()
    c.cmd("RPUSH", "l", "c", "d")
    encoding("listpack")
    c.cmd("LINSERT", "l", "BEFORE", "a", "0")
    encoding("quicklist")
    c.cmd("LTRIM", "l", 0, 2)
    encoding("quicklist")
    c.cmd("LREM", "l", 0, "a")
    encoding("listpack")
    c.cmd("LMOVE", "l", "l", "LEFT", "RIGHT")
    encoding("listpack")
    for limit, size in ((-1, 4096), (-2, 8192), (-3, 16384), (-4, 32768), (-5, 65536)):
        c.cmd("CONFIG", "SET", "list-max-listpack-size", limit).is_ok()
        c.cmd("DEL", "l")
        c.cmd("RPUSH", "l", *["y" * 60] * (size // 62 - 2))
        encoding("listpack")
        c.cmd("RPUSH", "l", *["y" * 60] * 5)
        encoding("quicklist")
        c.cmd("LPOP", "l", size // 124)
        encoding("quicklist")
        c.cmd("LPOP", "l", 10)
        encoding("listpack")
    c.cmd("CONFIG", "SET", "list-max-listpack-size", default).is_ok()


main()
