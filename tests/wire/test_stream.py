"""Long replies: rendered as the client takes them, from the value as it was when it was asked for.

The same walk for every type that has long replies; each case fills a key of 30,000 elements.
"""
from pollard_test import Error, case, encode, main, wait_for

COUNT = 12000
STEP = 500


def fill(c, add):
    """Runs add(first number, last number) in steps; add gives the arguments of one command."""
    for first in range(0, COUNT, STEP):
        reply = c.cmd(*add(range(first, first + STEP)))
        assert not isinstance(reply.value, Error), reply


def name(number):
    return b"element:%012d" % number


class Kind:
    """How a type is filled, read and changed."""

    def __init__(self, add, read, changes, expected):
        self.add, self.read, self.changes, self.expected = add, read, changes, expected


def flat(pairs):
    return [part for pair in pairs for part in pair]


KINDS = {
    "list": Kind(lambda r: ["RPUSH", "k"] + [name(i) for i in r], ["LRANGE", "k", 0, -1],
                 [["LTRIM", "k", 5, 100], ["LPUSH", "k", "new"], ["LSET", "k", 1, "x"]],
                 lambda: [name(i) for i in range(COUNT)]),
    "set": Kind(lambda r: ["SADD", "k"] + [name(i) for i in r], ["SMEMBERS", "k"],
                [["SREM", "k"] + [name(i) for i in range(100)], ["SADD", "k", "new"],
                 ["SPOP", "k", 9000]],
                lambda: sorted(name(i) for i in range(COUNT))),
    "hash": Kind(lambda r: ["HSET", "k"] + flat((name(i), b"%d" % i) for i in r),
                 ["HKEYS", "k"],
                 [["HDEL", "k"] + [name(i) for i in range(100)], ["HSET", "k", name(200), "new"]],
                 lambda: sorted(name(i) for i in range(COUNT))),
    "zset": Kind(lambda r: ["ZADD", "k"] + flat((i, name(i)) for i in r), ["ZRANGE", "k", 0, -1],
                 [["ZREMRANGEBYRANK", "k", 10, 9000], ["ZADD", "k", -1, "new"]],
                 lambda: [name(i) for i in range(COUNT)]),
}


def each_kind(c, body):
    for label, kind in KINDS.items():
        c.cmd("FLUSHALL")
        fill(c, kind.add)
        body(label, kind)


def members(label, reply):
    found = list(reply.value)
    return sorted(found) if label in ("set", "hash") else found


@case(protocols=(2, 3))
def test_a_slow_reader_sees_the_value_as_it_was(c):
    protocol = c.protocol

    def body(label, kind):
        for change in kind.changes + [["DEL", "k"], ["SET", "k", "string"], ["FLUSHALL"]]:
            c.cmd("FLUSHALL")
            fill(c, kind.add)
            slow = c.server.connect(protocol=protocol)
            slow.raw(encode(*kind.read))
            first = slow.socket.recv(10)
            slow.reader.feed(first)
            assert not isinstance(c.cmd(*change).value, Error), change
            assert members(label, slow.read()) == kind.expected(), (label, change)
            slow.close()
    each_kind(c, body)


@case
def test_what_is_asked_behind_a_long_reply_comes_behind_it(c):
    def body(label, kind):
        d = c.server.connect()
        d.raw((encode(*kind.read) + encode("ECHO", label)) * 5 + encode("QUIT"))
        for _ in range(5):
            assert members(label, d.read()) == kind.expected()
            assert d.read() == label.encode()
        d.read().is_ok()
        assert d.is_closed()
    each_kind(c, body)


@case
def test_others_are_served_while_one_does_not_read(c):
    def body(label, kind):
        slow = [c.server.connect() for _ in range(2)]
        for d in slow:
            d.raw(encode(*kind.read) * 3)
        for number in range(200):
            c.cmd("SET", "other", number).is_ok()
            assert c.cmd("GET", "other") == str(number).encode()
        for d in slow:
            for _ in range(3):
                assert members(label, d.read()) == kind.expected()
            d.close()
    each_kind(c, body)


@case
def test_a_client_that_leaves_amid_a_long_reply(c):
    def body(label, kind):
        for _ in range(10):
            d = c.server.connect()
            d.raw(encode(*kind.read) * 3)
            d.socket.recv(100)
            d.close()
        assert c.cmd("PING") == "PONG"
    each_kind(c, body)


@case(options=())
def test_memory_comes_back(c):
    def used():
        return int(c.cmd("INFO", "memory").value.split(b"used_memory:")[1].split(b"\r")[0])

    before = used()

    def body(label, kind):
        d = c.server.connect()
        d.raw(encode(*kind.read) * 3)
        d.socket.recv(100)
        c.cmd("DEL", "k")
        d.close()
        wait_for(lambda: used() < before + 400000, what=f"{label}: memory back")
    each_kind(c, body)


@case(options=("--client-output-buffer-limit", "normal 200kb 0 0"))
def test_a_version_counts_towards_the_output_limit(c):
    fill(c, KINDS["set"].add)
    d = c.server.connect()
    d.raw(encode("SMEMBERS", "k"))
    # It does not read: the server finds its socket full and its version over the limit.
    wait_for(lambda: c.cmd("CLIENT", "LIST").value.count(b"id=") == 1, what="the client is cut")
    d.close()
    assert c.cmd("PING") == "PONG"


@case
def test_replies_that_nobody_wants(c):
    def body(label, kind):
        d = c.server.connect()
        d.raw(encode("CLIENT", "REPLY", "SKIP") + encode(*kind.read) + encode("ECHO", "a"))
        assert d.read() == b"a"
        d.raw(encode("CLIENT", "REPLY", "OFF") + encode(*kind.read) + encode("PING")
              + encode("CLIENT", "REPLY", "ON"))
        d.read().is_ok()
        d.close()
    each_kind(c, body)


@case(options=("--dispatch", "pool"))
def test_long_replies_from_the_pool(c):
    def body(label, kind):
        d = c.server.connect()
        d.raw(encode(*kind.read) * 4)
        for _ in range(4):
            assert members(label, d.read()) == kind.expected()
        d.close()
    each_kind(c, body)


@case
def test_many_copies_of_one_value(c):
    def body(label, kind):
        for number in range(4):
            assert c.cmd("COPY", "k", f"copy:{number}", "REPLACE") == 1
        c.cmd(*kind.changes[0])
        for number in range(4):
            read = [f"copy:{number}" if part == "k" else part for part in kind.read]
            assert members(label, c.cmd(*read)) == kind.expected()
        c.cmd("RENAME", "copy:1", "k").is_ok()
        assert members(label, c.cmd(*kind.read)) == kind.expected()
        assert c.cmd("MOVE", "copy:2", 3) == 1
        c.cmd("SELECT", 3).is_ok()
        read = ["copy:2" if part == "k" else part for part in kind.read]
        assert members(label, c.cmd(*read)) == kind.expected()
        c.cmd("SELECT", 0).is_ok()
    each_kind(c, body)


main("--enable-debug-command", "yes")
