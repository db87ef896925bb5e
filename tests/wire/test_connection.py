"""Connection commands over the wire: AUTH, HELLO, CLIENT and the small ones, in RESP2 and RESP3.

Rows are "COMMAND words", expected reply. What Redis 7.0 knows also holds there
(POLLARD_SERVER=redis-server); newer forms are skipped then.
"""
import time

from pollard_test import Error, Server, case, is_oracle, main, wait_for
from talkers import BOTH, NOT_INTEGER, OK, SYNTAX, arity, newer, rows

BAD_NAME = Error("ERR Client names cannot contain spaces, newlines or special characters.")
WRONG_PASS = Error("WRONGPASS invalid username-password pair or user is disabled.")
NO_AUTH = Error("NOAUTH Authentication required.")


def lines(reply):
    """CLIENT LIST's lines as dicts."""
    return [dict(field.split("=", 1) for field in line.split(" "))
            for line in reply.value.decode().splitlines()]


@case(protocols=BOTH)
def test_small(c):
    rows(c, ("PING", "PONG"), ("PING hello", b"hello"), ("PING a b", arity("ping")),
         ("ECHO hi", b"hi"), ("ECHO ''", b""), ("ECHO", arity("echo")),
         ("SELECT 0", OK), ("SELECT 15", OK), ("SELECT x", NOT_INTEGER),
         ("SELECT 9999999999",
          Error("ERR value is out of range, value must between -2147483648 and 2147483647")),
         ("SELECT 16", Error("ERR DB index is out of range")),
         ("SELECT -1", Error("ERR DB index is out of range")), ("SELECT", arity("select")))


@case(protocols=BOTH)
def test_select_keeps_databases_apart(c):
    rows(c, ("SET k 0", OK), ("SELECT 3", OK), ("GET k", None), ("SET k 3", OK), ("SELECT 0", OK),
         ("GET k", b"0"), ("DBSIZE", 1))


@case
def test_quit(c):
    c.cmd("QUIT").is_ok()
    assert c.is_closed()


@case
def test_hello(c):
    fields = {"server": b"redis", "proto": 2, "mode": b"standalone", "role": b"master",
              "modules": []}
    reply = c.cmd("HELLO")
    for name, value in fields.items():
        assert reply[name] == value
    assert reply["id"] == c.cmd("CLIENT", "ID").value
    if not is_oracle():
        assert reply["version"] == b"7.2.4"
    rows(c, ("HELLO 4", Error("NOPROTO unsupported protocol version")),
         ("HELLO 1", Error("NOPROTO unsupported protocol version")),
         ("HELLO x", Error("ERR Protocol version is not an integer or out of range")),
         ("HELLO 2 what", Error("ERR Syntax error in HELLO option 'what'")),
         ("HELLO 2 SETNAME", Error("ERR Syntax error in HELLO option 'SETNAME'")),
         ("HELLO 2 AUTH default", Error("ERR Syntax error in HELLO option 'AUTH'")),
         ("HELLO 2 SETNAME 'a b'", BAD_NAME), ("HELLO 2 AUTH who x", WRONG_PASS),
         ("CLIENT GETNAME", None))
    assert c.hello(3, "AUTH", "default", "any", "SETNAME", "me").kind == "map"
    rows(c, ("CLIENT GETNAME", b"me"), ("GET nothing", None))
    assert c.hello(2).kind == "array"


@case
def test_auth_without_password(c):
    rows(c, ("AUTH x", Error("ERR AUTH <password> called without any password configured for the "
                             "default user. Are you sure your configuration is correct?")),
         ("AUTH default x", OK), ("AUTH other x", WRONG_PASS), ("AUTH a b c", SYNTAX),
         ("AUTH", arity("auth")))


@case
def test_auth_with_password():
    server = Server("--requirepass", "secret")
    c = server.connect()
    rows(c, ("PING", NO_AUTH), ("GET k", NO_AUTH), ("AUTH wrong", WRONG_PASS),
         ("AUTH other secret", WRONG_PASS), ("PING", NO_AUTH))
    c.cmd("HELLO", 3).is_error("NOAUTH HELLO must be called with the client already authenticated")
    rows(c, ("AUTH secret", OK), ("PING", "PONG"))
    rows(c, ("RESET", "RESET"), ("PING", NO_AUTH), ("AUTH default secret", OK), ("PING", "PONG"))
    d = server.connect()
    assert d.hello(3, "AUTH", "default", "secret").kind == "map"
    d.cmd("PING")
    rows(c, ("CONFIG SET requirepass ''", OK))
    e = server.connect()
    rows(e, ("PING", "PONG"))
    server.stop()


@case
def test_reset(c):
    c.hello(3)
    rows(c, ("CLIENT SETNAME me", OK), ("SELECT 4", OK))
    c.reader.protocol = 2
    rows(c, ("RESET", "RESET"), ("CLIENT GETNAME", None), ("RESET x", arity("reset")))
    info = lines(c.cmd("CLIENT", "INFO"))[0]
    assert info["db"] == "0" and info["resp"] == "2"


@case(protocols=BOTH)
def test_client_names(c):
    rows(c, ("CLIENT GETNAME", None), ("CLIENT SETNAME me", OK), ("CLIENT GETNAME", b"me"),
         ("CLIENT SETNAME 'a b'", BAD_NAME), ("CLIENT SETNAME ''", OK), ("CLIENT GETNAME", None),
         ("CLIENT SETNAME", arity("client|setname")), ("CLIENT ID x", arity("client|id")),
         ("CLIENT what", Error("ERR unknown subcommand 'what'. Try CLIENT HELP.")),
         ("CLIENT", arity("client")))


@case(protocols=BOTH)
def test_client_setinfo(c):
    newer()
    rows(c, ("CLIENT SETINFO LIB-NAME redis-py(x)", OK), ("CLIENT SETINFO lib-ver 5.0.1", OK),
         ("CLIENT SETINFO lib-name 'a b'",
          Error("ERR lib-name cannot contain spaces, newlines or special characters.")),
         ("CLIENT SETINFO lib-ver 'a b'",
          Error("ERR lib-ver cannot contain spaces, newlines or special characters.")),
         ("CLIENT SETINFO what x", Error("ERR Unrecognized option 'what'")),
         ("CLIENT SETINFO lib-name", arity("client|setinfo")))
    info = lines(c.cmd("CLIENT", "INFO"))[0]
    assert info["lib-name"] == "redis-py(x)" and info["lib-ver"] == "5.0.1"


@case(protocols=BOTH)
def test_client_info_and_list(c):
    c.cmd("CLIENT", "SETNAME", "me").is_ok()
    mine = c.cmd("CLIENT", "ID").value
    reply = c.cmd("CLIENT", "INFO")
    assert reply.kind == ("verbatim" if c.protocol == 3 else "bulk")
    info = lines(reply)[0]
    assert info["id"] == str(mine) and info["name"] == "me" and info["cmd"] == "client|info"
    assert info["resp"] == str(c.protocol) and info["user"] == "default" and info["flags"] == "U"
    other = c.server.connect()
    theirs = other.cmd("CLIENT", "ID").value  # asked first: it must have been accepted
    ids = {line["id"] for line in lines(c.cmd("CLIENT", "LIST"))}
    assert {str(mine), str(theirs)} <= ids
    only = lines(c.cmd("CLIENT", "LIST", "ID", mine))
    assert [line["name"] for line in only] == ["me"] and only[0]["cmd"] == "client|list"
    assert lines(c.cmd("CLIENT", "LIST", "TYPE", "pubsub")) == []
    assert len(lines(c.cmd("CLIENT", "LIST", "TYPE", "NORMAL"))) >= 2
    rows(c, ("CLIENT LIST TYPE what", Error("ERR Unknown client type 'what'")),
         ("CLIENT LIST ID x", Error("ERR Invalid client ID")), ("CLIENT LIST ID", SYNTAX),
         ("CLIENT LIST what", SYNTAX), ("CLIENT LIST TYPE", SYNTAX),
         ("CLIENT INFO x", arity("client|info")))


@case(protocols=BOTH)
def test_client_list_filters(c):
    newer()
    c.cmd("CLIENT", "SETNAME", "me").is_ok()
    c.cmd("SELECT", 7).is_ok()
    mine = c.cmd("CLIENT", "ID").value
    for words in ("NAME me", "DB 7", f"ID {mine} 999999 USER default", "NAME me NOT-DB 6",
                  "NAME me MAXAGE 0", "NAME me FLAGS U", "NAME me NOT-NAME you"):
        found = lines(c.cmd("CLIENT", "LIST", *words.split()))
        assert [line["id"] for line in found] == [str(mine)], words
    for words in ("NAME you", f"ID {mine} SKIPME yes", f"NOT-ID {mine} NAME me", "NOT-USER default",
                  "MAXAGE 9999", "NAME me FLAGS O", "LADDR nowhere:1", "CAPA r", "IDLE 9999",
                  "LIB-NAME x"):
        assert lines(c.cmd("CLIENT", "LIST", *words.split())) == [], words
    rows(c, ("CLIENT LIST USER who", Error("ERR No such user 'who'")), ("CLIENT LIST DB x",
                                                                        NOT_INTEGER),
         ("CLIENT CAPA redirect what", OK), ("CLIENT CAPA", arity("client|capa")))
    assert lines(c.cmd("CLIENT", "LIST", "CAPA", "r"))[0]["id"] == str(mine)


@case
def test_client_list_of_many_ids(c):
    mine = c.cmd("CLIENT", "ID").value
    found = lines(c.cmd("CLIENT", "LIST", "ID", *range(1000000, 1100000), mine, mine))
    assert {line["id"] for line in found} == {str(mine)}
    newer()
    assert c.cmd("CLIENT", "LIST", *["NAME", ""] * 64).kind == "bulk"
    assert c.cmd("CLIENT", "LIST", *["NAME", ""] * 65) == SYNTAX


@case(protocols=BOTH)
def test_client_kill(c):
    other = c.server.connect()
    rows(c, ("CLIENT KILL ID x", Error("ERR client-id should be greater than 0")),
         ("CLIENT KILL ID 0", Error("ERR client-id should be greater than 0")),
         ("CLIENT KILL ID 999999", 0), ("CLIENT KILL TYPE what", Error(
             "ERR Unknown client type 'what'")),
         ("CLIENT KILL USER who", Error("ERR No such user 'who'")),
         ("CLIENT KILL 1.1.1.1:1", Error("ERR No such client")),
         ("CLIENT KILL SKIPME maybe", SYNTAX), ("CLIENT KILL ID 1 TYPE", SYNTAX),
         ("CLIENT KILL what x", SYNTAX), ("CLIENT KILL", arity("client|kill")))
    rows(c, (f"CLIENT KILL ID {other.cmd('CLIENT', 'ID').value}", 1))
    assert other.is_closed()
    mine = c.cmd("CLIENT", "ID").value
    rows(c, (f"CLIENT KILL ID {mine}", 0), ("PING", "PONG"),
         (f"CLIENT KILL ID {mine} SKIPME no", 1))
    assert c.is_closed()


@case
def test_client_kill_by_address(c):
    address = lines(c.cmd("CLIENT", "INFO"))[0]["addr"]
    assert c.cmd("CLIENT", "KILL", address) == "OK"
    assert c.is_closed()


@case
def test_client_kill_all_but_me(c):
    others = [c.server.connect() for _ in range(20)]
    for other in others:
        other.cmd("PING")
    assert c.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").value >= 20
    assert all(other.is_closed() for other in others)
    assert len(lines(c.cmd("CLIENT", "LIST"))) == 1


@case
def test_client_kill_of_a_waiting_client(c):
    sleeper = c.server.connect()
    name = sleeper.cmd("CLIENT", "ID").value
    sleeper.send("WAIT", 1, 0) if not is_oracle() else sleeper.send("BLPOP", "nothing", 0)
    wait_for(lambda: "b" in lines(c.cmd("CLIENT", "LIST", "ID", name))[0]["flags"])
    rows(c, (f"CLIENT KILL ID {name}", 1))
    assert sleeper.is_closed()


@case
def test_client_reply(c):
    c.raw(b"CLIENT REPLY OFF\r\nPING\r\nGET x\r\nCLIENT REPLY ON\r\n")
    c.read().is_ok()
    c.raw(b"CLIENT REPLY SKIP\r\nPING a\r\nPING b\r\n")
    assert c.read() == b"b"
    c.raw(b"CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\nPING x\r\n")
    c.read().is_ok()
    assert c.read() == b"x"
    rows(c, ("CLIENT REPLY what", SYNTAX), ("CLIENT REPLY", arity("client|reply")))


@case(protocols=BOTH)
def test_client_switches(c):
    rows(c, ("CLIENT NO-EVICT on", OK), ("CLIENT NO-EVICT what", SYNTAX))
    assert "e" in lines(c.cmd("CLIENT", "INFO"))[0]["flags"]
    rows(c, ("CLIENT NO-EVICT OFF", OK))
    assert "e" not in lines(c.cmd("CLIENT", "INFO"))[0]["flags"]
    newer()
    rows(c, ("CLIENT NO-TOUCH on", OK), ("CLIENT NO-TOUCH what", SYNTAX))
    assert "T" in lines(c.cmd("CLIENT", "INFO"))[0]["flags"]
    rows(c, ("CLIENT NO-TOUCH off", OK))


@case
def test_client_pause(c):
    rows(c, ("CLIENT PAUSE x", Error("ERR timeout is not an integer or out of range")),
         ("CLIENT PAUSE -1", Error("ERR timeout is negative")),
         ("CLIENT PAUSE 1 what", Error("ERR CLIENT PAUSE mode must be WRITE or ALL")),
         ("CLIENT PAUSE", arity("client|pause")), ("CLIENT UNPAUSE", OK))
    other = c.server.connect()
    started = time.monotonic()
    rows(c, ("CLIENT PAUSE 200 WRITE", OK), ("GET k", None))
    assert time.monotonic() - started < 0.15
    other.send("SET", "k", "v")
    other.read().is_ok()
    assert time.monotonic() - started >= 0.19
    rows(c, ("CLIENT PAUSE 60000 WRITE", OK))
    other.send("SET", "k", "w")
    rows(c, ("CLIENT UNPAUSE", OK))
    other.read().is_ok()
    started = time.monotonic()
    rows(c, ("CLIENT PAUSE 200", OK), ("GET k", b"w"))
    assert time.monotonic() - started >= 0.19


@case
def test_help(c):
    help_lines = c.cmd("CLIENT", "HELP")
    assert help_lines[0].value.startswith(b"CLIENT <subcommand>")
    assert help_lines[len(help_lines) - 2] == "HELP"
    assert c.cmd("CLIENT", "HELP", "x") == arity("client|help")


main()
