"""A raw RESP2/RESP3 client for the tests and the benchmarks: typed replies, nothing hidden.

Place: below pollard_test.py and the differential driver; standard library only. A Reply keeps the
type byte the server sent, so a test can tell a map from an array and a verbatim text from a bulk.
"""
import math
import socket
import time

KINDS = {
    b"+": "simple", b"-": "error", b":": "integer", b"$": "bulk", b"*": "array", b"_": "null",
    b"#": "bool", b",": "double", b"(": "big", b"!": "blob_error", b"=": "verbatim", b"%": "map",
    b"~": "set", b">": "push", b"|": "attribute",
}
LINES = {"simple", "error", "integer", "null", "bool", "double", "big"}
BLOBS = {"bulk", "blob_error", "verbatim"}
TEXTS = {"simple", "bulk", "verbatim"}


class ProtocolError(Exception):
    """The server sent bytes that are not RESP."""


class Closed(Exception):
    """The server closed the connection."""


class Error(str):
    """The text of an error reply, without the leading '-'; as an expectation it must match."""


class Reply:
    """One reply. kind is a name out of KINDS or null_array; value is plain Python."""

    __hash__ = None

    def __init__(self, kind, items, protocol=3, attribute=None):
        self.kind = kind
        self.items = items
        self.protocol = protocol
        self.attribute = attribute

    @property
    def value(self):
        """Plain Python: bytes, int, float, bool, None, Error, list, dict, set."""
        if self.kind in ("array", "push"):
            return [item.value for item in self.items]
        if self.kind == "map":
            pairs = [(key.value, value.value) for key, value in self.items]
            return dict(pairs) if all(_hashable(key) for key, _ in pairs) else pairs
        if self.kind == "set":
            values = [item.value for item in self.items]
            return set(values) if all(_hashable(value) for value in values) else values
        return self.items

    def is_ok(self):
        """Asserts that this is +OK; returns True."""
        assert self.kind == "simple" and self.items == b"OK", f"expected +OK, got {self!r}"
        return True

    def is_error(self, prefix=""):
        """Asserts that this is an error whose text starts with prefix; returns True."""
        assert self.kind in ("error", "blob_error"), f"expected an error, got {self!r}"
        assert self.items.startswith(prefix), f"expected {prefix!r}, got {self.items!r}"
        return True

    def is_null(self):
        """Asserts that this is a null of any form; returns True."""
        assert self.kind in ("null", "null_array"), f"expected null, got {self!r}"
        return True

    def __eq__(self, expected):
        return matches(self, expected)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        """An element of an array; for a map (or a RESP2 list of pairs) the value of a key."""
        if isinstance(index, (str, bytes)):
            for key, value in pairs_of(self):
                if key == index:
                    return value
            raise KeyError(index)
        return self.items[index]

    def __iter__(self):
        return iter(self.items)

    def __contains__(self, member):
        return any(item == member for item in self.items)

    def __repr__(self):
        shown = self.items
        if isinstance(shown, (bytes, str)) and len(shown) > 300:
            shown = shown[:300] + (b"..." if isinstance(shown, bytes) else "...")
        return f"{self.kind}:{shown!r}"


def _hashable(value):
    return not isinstance(value, (list, dict, set))


def pairs_of(reply):
    """The (key, value) pairs of a map, or of the flat array RESP2 sends for one."""
    if reply.kind == "map":
        return reply.items
    if reply.kind in ("array", "push"):
        return list(zip(reply.items[::2], reply.items[1::2]))
    raise TypeError(f"no pairs in {reply!r}")


def _same_members(items, expected):
    """Compares without order; duplicates count."""
    left = list(items)
    for member in expected:
        for index, item in enumerate(left):
            if matches(item, member):
                del left[index]
                break
        else:
            return False
    return not left


def _matches_float(reply, expected):
    if reply.kind == "double":
        number = reply.items
    elif reply.kind == "bulk" and reply.protocol == 2:
        number = float(reply.items)
    else:
        return False
    return number == expected or (math.isnan(number) and math.isnan(expected))


def _matches_dict(reply, expected):
    allowed = ("map",) if reply.protocol == 3 else ("map", "array")
    if reply.kind not in allowed:
        return False
    flat = reply.items if reply.kind == "map" else pairs_of(reply)
    if len(flat) != len(expected):
        return False
    return all(any(matches(k, key) and matches(v, value) for k, v in flat)
               for key, value in expected.items())


def matches(reply, expected):
    """Whether a reply is what a plain Python value expects.

    dict, set, float and bool stand for the RESP3 types; on a RESP2 connection they also match the
    form RESP2 has for them (flat array, array, bulk, integer), so that one expectation serves both.
    """
    kind = reply.kind
    if isinstance(expected, Reply):
        return kind == expected.kind and reply.value == expected.value
    if expected is None:
        return kind in ("null", "null_array")
    if isinstance(expected, bool):
        if kind == "integer" and reply.protocol == 2:
            return reply.items == int(expected)
        return kind == "bool" and reply.items == expected
    if isinstance(expected, Error):
        return kind in ("error", "blob_error") and reply.items == expected
    if isinstance(expected, str):
        return kind in TEXTS and reply.items == expected.encode()
    if isinstance(expected, (bytes, bytearray)):
        return kind in TEXTS and reply.items == bytes(expected)
    if isinstance(expected, int):
        return kind in ("integer", "big") and reply.items == expected
    if isinstance(expected, float):
        return _matches_float(reply, expected)
    if isinstance(expected, (list, tuple)):
        return (kind in ("array", "push") and len(reply.items) == len(expected)
                and all(matches(item, want) for item, want in zip(reply.items, expected)))
    if isinstance(expected, (set, frozenset)):
        allowed = ("set",) if reply.protocol == 3 else ("set", "array")
        return kind in allowed and _same_members(reply.items, expected)
    if isinstance(expected, dict):
        return _matches_dict(reply, expected)
    return False


def encode(*args):
    """A command as a RESP array of bulks. Accepts bytes, str, int and float arguments."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        if isinstance(arg, (bytes, bytearray)):
            data = bytes(arg)
        elif isinstance(arg, float):
            data = repr(arg).encode()
        else:
            data = str(arg).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Reader:
    """Turns bytes into replies: feed() it, then take() until None."""

    def __init__(self, protocol=2):
        self.protocol = protocol
        self.buffer = bytearray()
        self.position = 0

    def feed(self, data):
        if self.position > 1 << 20:
            del self.buffer[:self.position]
            self.position = 0
        self.buffer += data

    def take(self):
        """The next whole reply, or None when more bytes are needed."""
        start = self.position
        try:
            reply = self._parse()
        except IndexError:
            self.position = start
            return None
        if self.position == len(self.buffer):
            self.buffer.clear()
            self.position = 0
        return reply

    def take_raw(self):
        """The bytes of the next whole reply, or None when more bytes are needed."""
        start = self.position
        try:
            self._parse()
        except IndexError:
            self.position = start
            return None
        return bytes(self.buffer[start:self.position])

    def _line(self):
        end = self.buffer.find(b"\r\n", self.position)
        if end < 0:
            raise IndexError
        line = bytes(self.buffer[self.position:end])
        self.position = end + 2
        return line

    def _blob(self, size):
        end = self.position + size
        if len(self.buffer) < end + 2:
            raise IndexError
        data = bytes(self.buffer[self.position:end])
        if self.buffer[end:end + 2] != b"\r\n":
            raise ProtocolError(f"no CRLF after {size} bytes")
        self.position = end + 2
        return data

    def _parse(self):
        line = self._line()
        kind = KINDS.get(line[:1])
        if kind is None:
            raise ProtocolError(f"unknown type in {line[:80]!r}")
        rest = line[1:]
        if kind in LINES:
            return Reply(kind, _line_value(kind, rest), self.protocol)
        size = int(rest)
        if size < 0:
            return Reply("null" if kind == "bulk" else "null_array", None, self.protocol)
        if kind in BLOBS:
            data = self._blob(size)
            if kind == "verbatim":
                reply = Reply(kind, data[4:], self.protocol)
                reply.format = data[:3]
                return reply
            return Reply(kind, Error(data.decode()) if kind == "blob_error" else data,
                         self.protocol)
        if kind in ("map", "attribute"):
            items = [(self._parse(), self._parse()) for _ in range(size)]
            if kind == "attribute":
                reply = self._parse()
                reply.attribute = items
                return reply
            return Reply(kind, items, self.protocol)
        return Reply(kind, [self._parse() for _ in range(size)], self.protocol)


def _line_value(kind, rest):
    if kind == "error":
        return Error(rest.decode("utf-8", "backslashreplace"))
    if kind in ("integer", "big"):
        return int(rest)
    if kind == "bool":
        return {b"t": True, b"f": False}[rest]
    if kind == "double":
        return float(rest)
    return None if kind == "null" else rest


def _connect(target, address, timeout):
    """connect(); a unix socket whose backlog is full says EAGAIN at once: tried again."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            target.connect(address)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


class Connection:
    """One connection. cmd() sends and reads; send()/raw() and read() do halves of it."""

    def __init__(self, address, protocol=2, server=None, timeout=30):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        _connect(self.socket, address, timeout)
        self.server = server
        self.reader = Reader(2)
        self.pushes = []
        self.history = []
        self.protocol = 2
        if protocol == 3:
            self.hello(3)

    def hello(self, protocol, *args):
        """HELLO; the replies after it are read as those of that protocol."""
        self.reader.protocol = protocol
        reply = self.cmd("HELLO", protocol, *args)
        if reply.kind == "error":
            self.reader.protocol = self.protocol
        else:
            self.protocol = protocol
        return reply

    def raw(self, data):
        """Sends bytes as they are."""
        self.socket.sendall(data)

    def send(self, *args):
        """Sends a command, reads nothing."""
        self._note(args)
        self.socket.sendall(encode(*args))

    def read(self):
        """The next reply, a push included. Raises Closed at the end of the stream."""
        while True:
            reply = self.reader.take()
            if reply is not None:
                self.history.append(f"-> {reply!r}")
                return reply
            self._receive()

    def read_raw(self):
        """The bytes of the next reply as the server sent them."""
        while True:
            raw = self.reader.take_raw()
            if raw is not None:
                return raw
            self._receive()

    def cmd(self, *args):
        """Sends a command and returns its reply; pushes before it are kept in self.pushes."""
        self.send(*args)
        return self._reply()

    def pipeline(self, *commands):
        """Sends several commands at once; returns the list of their replies."""
        self.socket.sendall(b"".join(encode(*command) for command in commands))
        return [self._reply() for _ in commands]

    def push(self):
        """The next push message, from those kept or from the socket."""
        if self.pushes:
            return self.pushes.pop(0)
        reply = self.read()
        assert reply.kind == "push", f"expected a push, got {reply!r}"
        return reply

    def is_closed(self):
        """Waits for the server to close; False when it sends something instead."""
        if self.reader.buffer:
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.socket.close()

    def _reply(self):
        while True:
            reply = self.read()
            if reply.kind != "push":
                return reply
            self.pushes.append(reply)

    def _receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.reader.feed(data)

    def _note(self, args):
        del self.history[:-12]
        self.history.append("<- " + " ".join(str(arg)[:80] for arg in args))
