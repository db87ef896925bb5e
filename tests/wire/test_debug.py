"""DEBUG over the wire: the forms that tests of clients use, compared with Redis's bytes."""
import re
import shlex
import time

from pollard_test import Error, Server, Skip, case, is_oracle, main

OK = "OK"
BOTH = (2, 3)
NO_KEY = Error("ERR no such key")
POSITIVE = Error("ERR value is out of range, must be positive")
TYPES = ("Wrong protocol type name. Please use one of the following: string|integer|double|bignum|"
         "null|array|set|map|attrib|push|verbatim|true|false")
# What Redis sends for DEBUG PROTOCOL in RESP2 and in RESP3.
SAMPLES = {
    "string": (b"$11\r\nHello World\r\n",) * 2,
    "integer": (b":12345\r\n",) * 2,
    "double": (b"$5\r\n3.141\r\n", b",3.141\r\n"),
    "bignum": (b"$37\r\n1234567999999999999999999999999999999\r\n",
               b"(1234567999999999999999999999999999999\r\n"),
    "null": (b"$-1\r\n", b"_\r\n"),
    "array": (b"*3\r\n:0\r\n:1\r\n:2\r\n",) * 2,
    "set": (b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
    "map": (b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
            b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
    "verbatim": (b"$25\r\nThis is a verbatim\nstring\r\n",
                 b"=29\r\ntxt:This is a verbatim\nstring\r\n"),
    "true": (b":1\r\n", b"#t\r\n"),
    "false": (b":0\r\n", b"#f\r\n"),
    "attrib": (b"$39\r\nSome real reply following the attribute\r\n",
               b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
               b"$39\r\nSome real reply following the attribute\r\n"),
    "push": (b"-ERR RESP2 is not supported by this command\r\n",
             b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"
             b"$40\r\nSome real reply following the push reply\r\n"),
}


def rows(c, *table):
    for line, expected in table:
        reply = c.cmd(*shlex.split(line))
        assert reply == expected, f"{line}: {reply!r}, expected {expected!r}"


def wrong(word):
    return Error(f"ERR unknown subcommand or wrong number of arguments for '{word}'. "
                 "Try DEBUG HELP.")


@case(protocols=BOTH)
def test_protocol(c):
    for name, expected in SAMPLES.items():
        c.send("DEBUG", "PROTOCOL", name)
        c.send("ECHO", "end")
        wanted = expected[c.protocol - 2] + b"$3\r\nend\r\n"
        got = b""
        while len(got) < len(wanted):
            got += c.socket.recv(4096)
        assert got == wanted, f"{name}: {got!r}"
    rows(c, ("DEBUG PROTOCOL what", Error("ERR " + TYPES)), ("DEBUG PROTOCOL", wrong("PROTOCOL")))


@case
def test_refused_unless_enabled():
    if is_oracle():
        raise Skip("the harness enables it there")
    server = Server("--enable-debug-command", "no")
    c = server.connect()
    assert c.cmd("DEBUG", "SLEEP", "0") == Error(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
        "you can run it from a local connection, otherwise you need to set this option in the "
        "configuration file, and then restart the server.")
    server.stop()
    server = Server("--enable-debug-command", "local")
    server.connect().cmd("DEBUG", "SLEEP", "0").is_ok()
    server.stop()


@case(protocols=BOTH)
def test_forms(c):
    rows(c, ("DEBUG what", wrong("what")), ("DEBUG SLEEP", wrong("SLEEP")),
         ("DEBUG LOG hello", OK), ("DEBUG LOG", wrong("LOG")), ("DEBUG SLEEP 0", OK),
         ("DEBUG SLEEP x", OK), ("DEBUG SLEEP -1", OK), ("DEBUG ERROR 'MINE of me'",
                                                        Error("MINE of me")),
         ("DEBUG SET-ACTIVE-EXPIRE 0", OK), ("DEBUG SET-ACTIVE-EXPIRE 1", OK),
         ("DEBUG QUICKLIST-PACKED-THRESHOLD 100b", OK),
         ("DEBUG QUICKLIST-PACKED-THRESHOLD x",
          Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb")),
         ("DEBUG HTSTATS 99", Error("ERR Out of range database")),
         ("DEBUG HTSTATS x", Error("ERR value is not an integer or out of range")),
         ("DEBUG LISTPACK nothing", NO_KEY), ("SET k v", OK),
         ("DEBUG LISTPACK k", Error("ERR Not a listpack encoded object.")),
         ("DEBUG OBJECT nothing", NO_KEY))
    assert c.cmd("DEBUG", "HTSTATS", "0").kind == ("verbatim" if c.protocol == 3 else "bulk")
    assert c.cmd("DEBUG", "HELP")[0].value.startswith(b"DEBUG <subcommand>")


@case
def test_sleep_holds_its_client_only(c):
    other = c.server.connect()
    started = time.monotonic()
    c.send("DEBUG", "SLEEP", "0.3")
    c.send("PING")
    if not is_oracle():
        other.cmd("SET", "k", "v").is_ok()
        assert time.monotonic() - started < 0.2
    c.read().is_ok()
    assert time.monotonic() - started >= 0.29
    assert c.read() == "PONG"


@case(protocols=BOTH)
def test_object(c):
    for value, encoding, size in (("5", "int", 2), ("300", "int", 3), ("70000", "int", 5),
                                  ("bar", "embstr", 4), ("x" * 45, "raw", None)):
        c.cmd("SET", "k", value)
        reply = c.cmd("DEBUG", "OBJECT", "k")
        assert reply.kind == "simple"
        found = re.fullmatch(rb"Value at:\S+ refcount:\d+ encoding:(\w+) serializedlength:(\d+) "
                             rb"lru:\d+ lru_seconds_idle:\d+", reply.value)
        assert found and found[1].decode() == encoding, reply
        assert size is None or int(found[2]) == size, reply


@case
def test_digest(c):
    empty = b"0" * 40
    assert c.cmd("DEBUG", "DIGEST") == empty
    c.cmd("MSET", "a", 1, "b", "two", "c", "x" * 100000)
    digest = c.cmd("DEBUG", "DIGEST").value
    assert len(digest) == 40 and digest != empty
    values = c.cmd("DEBUG", "DIGEST-VALUE", "a", "b", "nothing", "a").value
    assert values[0] == values[3] != values[1] and values[2] == empty
    c.cmd("FLUSHALL")
    c.cmd("MSET", "c", "x" * 100000, "b", "two", "a", "1")
    assert c.cmd("DEBUG", "DIGEST") == digest
    c.cmd("EXPIRE", "a", 1000000)
    assert c.cmd("DEBUG", "DIGEST") != digest
    c.cmd("PERSIST", "a")
    assert c.cmd("DEBUG", "DIGEST") == digest
    c.cmd("SELECT", 1)
    c.cmd("SET", "a", 1)
    assert c.cmd("DEBUG", "DIGEST") != digest
    assert c.cmd("DEBUG", "DIGEST-VALUE", "a") == values[:1]


@case
def test_populate(c):
    c.cmd("SET", "key:3", "mine")
    rows(c, ("DEBUG POPULATE 5000", OK), ("DBSIZE", 5000), ("GET key:0", b"value:0"),
         ("GET key:4999", b"value:4999"), ("GET key:3", b"mine"), ("DEBUG POPULATE 10 p 20", OK),
         ("GET p:7", b"value:7" + b"\0" * 13), ("DEBUG POPULATE 2 q 3", OK), ("GET q:1", b"val"),
         ("DEBUG POPULATE x", POSITIVE), ("DEBUG POPULATE -1", POSITIVE),
         ("DEBUG POPULATE 1 q x", POSITIVE), ("DEBUG POPULATE 1 q -5", POSITIVE),
         ("DEBUG POPULATE", wrong("POPULATE")))


@case
def test_stringmatch_len(c):
    if is_oracle():
        raise Skip("newer than Redis 7.0")
    rows(c, ("DEBUG STRINGMATCH-LEN 10 a*", 1), ("DEBUG STRINGMATCH-LEN 10 *b", 0),
         ("DEBUG STRINGMATCH-LEN 10 aaaaaaaaaa", 1), ("DEBUG STRINGMATCH-LEN 0 ''", 1),
         ("DEBUG STRINGMATCH-LEN 200000 " + "a*" * 30 + "b", 0),
         ("DEBUG STRINGMATCH-LEN x a", Error("ERR value is not an integer or out of range")))


main("--enable-debug-command", "yes")
