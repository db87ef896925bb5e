"""Large values: replies that go out in several turns, over TCP and over a unix socket."""
from pollard_test import case, encode, main

SIZES = (16384, 57000, 57344, 65536, 204800, 1048575, 1048576, 3000000)


def value_of(number, size):
    return bytes((number * 31 + index) % 251 for index in range(1000)) * (size // 1000 + 1)


def fill(d):
    """Sets a key a size; returns their values."""
    values = {}
    for number, size in enumerate(SIZES):
        values[size] = value_of(number, size)[:size]
        d.cmd("SET", f"big:{size}", values[size]).is_ok()
    return values


def ask_all(d):
    """One send: every value twice, each followed by a small command; QUIT at the end."""
    parts = []
    for size in SIZES * 2:
        parts += [encode("GET", f"big:{size}"), encode("ECHO", str(size))]
    d.raw(b"".join(parts) + encode("QUIT"))


@case(tcp=True, options=())
def test_pipelines_of_large_replies(c):
    values = fill(c)
    for tcp in (True, False):
        d = c.server.connect(tcp=tcp)
        ask_all(d)
        for size in SIZES * 2:
            assert d.read() == values[size]
            assert d.read() == str(size)
        d.read().is_ok()
        assert d.is_closed()


@case(tcp=True, options=())
def test_others_are_served_while_one_does_not_read(c):
    values = fill(c)
    for tcp in (True, False):
        slow, quick = c.server.connect(tcp=tcp), c.server.connect(tcp=tcp)
        slow.raw(encode("GET", "big:3000000") * 20)
        for _ in range(20):
            assert quick.cmd("PING") == "PONG"
            assert quick.cmd("GET", "big:65536") == values[65536]
        for _ in range(20):
            assert slow.read() == values[3000000]


@case(tcp=True, options=())
def test_values_go_while_they_are_being_sent(c):
    for size in (204800, 1048576):
        old, new = b"o" * size, b"n" * size
        for change in (("SET", "k", new), ("DEL", "k"), ("APPEND", "k", "more"), ("FLUSHALL",)):
            c.cmd("SET", "k", old).is_ok()
            d = c.server.connect(tcp=True)
            d.raw(encode("GET", "k") * 30)
            assert d.read() == old
            c.cmd(*change)
            after = c.cmd("GET", "k").value
            changed = False
            for _ in range(29):
                reply = d.read().value
                assert reply in (old, after), "neither the old value nor the new one"
                assert not (changed and reply == old), "the old value after the new one"
                changed = reply == after


@case(tcp=True, options=())
def test_large_values_in_pieces(c):
    d = c.server.connect(tcp=True)
    for size in SIZES:
        first, second = value_of(1, size)[:size], value_of(2, size)[:size]
        data = encode("MSET", "a", first, "b", second) + encode("GET", "b") + encode("STRLEN", "a")
        step = len(data) // 7 + 1
        for start in range(0, len(data), step):
            d.raw(data[start:start + step])
            c.cmd("PING")
        d.read().is_ok()
        assert d.read() == second
        assert d.read() == size
        assert c.cmd("GET", "a") == first


@case(tcp=True, options=())
def test_a_client_that_leaves_amid_a_reply(c):
    fill(c)
    for _ in range(20):
        d = c.server.connect(tcp=True)
        d.raw(encode("GET", "big:3000000") * 3)
        d.socket.recv(1000)
        d.close()
    assert c.cmd("PING") == "PONG"


main()
