"""What the wire tests share: rows of calls and replies, other clients and how to wait for them."""
import shlex

from pollard_test import Error, Skip, is_oracle, wait_for

OK = "OK"
BOTH = (2, 3)
SYNTAX = Error("ERR syntax error")
NOT_INTEGER = Error("ERR value is not an integer or out of range")
WRONG = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
POSITIVE = Error("ERR value is out of range, must be positive")


def arity(name):
    return Error(f"ERR wrong number of arguments for '{name}' command")


def rows(c, *table):
    for line, expected in table:
        reply = c.cmd(*shlex.split(line))
        assert reply == expected, f"{line}: {reply!r}, expected {expected!r}"


def fails(c, prefix, *lines):
    """Errors whose text is ours, but for its beginning."""
    for line in lines:
        c.cmd(*shlex.split(line)).is_error(prefix)


def newer():
    if is_oracle():
        raise Skip("newer than Redis 7.0")


def items(text):
    """A list of bulk strings, one a word."""
    return [word.encode() for word in text.split()]


def client(c, protocol=None):
    """Another connection to the server of c, by default in its protocol; .id is its id."""
    other = c.server.connect(protocol or c.protocol)
    other.id = other.cmd("CLIENT", "ID").value
    return other


def clients(c, count):
    return [client(c) for _ in range(count)]


def fields(c, identity):
    """The fields of a client in CLIENT LIST; None when it is gone."""
    for line in c.cmd("CLIENT", "LIST").value.decode().splitlines():
        found = dict(field.split("=", 1) for field in line.split(" "))
        if found["id"] == str(identity):
            return found
    return None


def info(c, section):
    """A section of INFO as a dict."""
    lines = c.cmd("INFO", section).value.decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def waits(c, other, line):
    """Lets other send a command that blocks; returns when the server says that it waits."""
    other.send(*(shlex.split(line) if isinstance(line, str) else line))
    wait_for(lambda: "b" in fields(c, other.id)["flags"], what=f"{line} waits")


def still_waits(c, other):
    """Asserts that nothing has come to a client that waits."""
    assert "b" in fields(c, other.id)["flags"], "served too early"
    assert not other.reader.buffer
    other.socket.setblocking(False)
    try:
        data = other.socket.recv(100)
        raise AssertionError(f"got {data!r} while waiting")
    except BlockingIOError:
        pass
    finally:
        other.socket.settimeout(30)


def gone(c, identity):
    wait_for(lambda: fields(c, identity) is None, what=f"client {identity} gone")


def tracker(c, *options):
    """A client in RESP3 that tracks."""
    a = client(c, 3)
    a.cmd("CLIENT", "TRACKING", "ON", *options).is_ok()
    return a


def told(a, *expected):
    """The invalidations that came, one by one; then, in the order of the stream, a PING's reply."""
    a.send("PING", "told")
    found = []
    while (reply := a.read()).kind == "push":
        assert reply[0] == b"invalidate", reply
        names = reply[1].value
        found.append(names if names is None else [name.decode() for name in names])
    assert reply == b"told", reply
    assert found == list(expected), f"{found}, expected {list(expected)}: {a.history}"
