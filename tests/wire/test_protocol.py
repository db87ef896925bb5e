"""The protocol as bytes: frames cut anywhere, pipelines, inline lines, errors, big values.

Error texts are those of redis-server 7.0.15; the file passes against it too.
"""
import select
import threading
import time

from pollard_test import Closed, case, encode, main, wait_for

PING = b"*1\r\n$4\r\nPING\r\n"


def protocol_error(c, data, text):
    """data makes the server answer with text and close."""
    d = c.server.connect()
    try:
        d.raw(data)
    except ConnectionError:
        pass  # it may have closed before the whole of a long frame was sent
    d.read().is_error("ERR Protocol error: " + text)
    assert d.is_closed()
    d.close()


@case
def test_frames_cut_at_every_byte(c):
    frame = encode("SET", "key", "some value\r\nwith lines") + encode("GET", "key") + b"PING x\r\n"
    for cut in range(1, len(frame)):
        c.raw(frame[:cut])
        time.sleep(0.0005)  # lets the server read the first part by itself; not relied upon
        c.raw(frame[cut:])
        c.read().is_ok()
        assert c.read() == b"some value\r\nwith lines"
        assert c.read() == b"x"


@case
def test_one_byte_at_a_time(c):
    for byte in encode("SET", "k", "v" * 50) + encode("GET", "k"):
        c.raw(bytes([byte]))
    c.read().is_ok()
    assert c.read() == "v" * 50


@case
def test_pipelines_of_any_depth(c):
    for depth in (1, 2, 63, 64, 65, 1000, 20000):
        replies = c.pipeline(*[("SET", f"k{i}", i) for i in range(depth)])
        assert len(replies) == depth
        assert all(reply.items == b"OK" for reply in replies)
        replies = c.pipeline(*[("GET", f"k{i}") for i in range(depth)])
        assert [reply.items for reply in replies] == [b"%d" % i for i in range(depth)]


@case
def test_errors_in_a_pipeline_keep_their_place(c):
    replies = c.pipeline(("SET", "a", "x"), ("INCR", "a"), ("nosuch", "b"), ("GET",), ("GET", "a"))
    replies[0].is_ok()
    replies[1].is_error("ERR value is not an integer")
    replies[2].is_error("ERR unknown command 'nosuch', with args beginning with: 'b' ")
    replies[3].is_error("ERR wrong number of arguments for 'get' command")
    assert replies[4] == "x"


@case
def test_inline(c):
    for line, want in [(b"PING\r\n", "PONG"), (b"PING\n", "PONG"), (b"  PING  \r\n", "PONG"),
                       (b"\r\n\r\nPING\r\n", "PONG"), (b"ECHO a\r\n", "a"),
                       (b"ECHO \"a b\"\r\n", "a b"), (b"ECHO \"\\x41\\n\\\"\"\r\n", "A\n\""),
                       (b"ECHO 'it\\'s \\n'\r\n", "it's \\n"), (b"ECHO \"\"\r\n", ""),
                       (b"ECHO a\xff\r\n", b"a\xff")]:
        c.raw(line)
        assert c.read() == want, line
    c.raw(b"SET k v\r\n" + encode("GET", "k") + b"GET k\r\n")
    c.read().is_ok()
    assert c.read() == "v"
    assert c.read() == "v"
    c.raw(b"$4\r\nPING\r\n")
    c.read().is_error("ERR unknown command '$4', with args beginning with: ")
    assert c.read() == "PONG"


@case
def test_inline_errors(c):
    for line in (b"get 'a\r\n", b'get "a\r\n', b'get "a"b\r\n'):
        protocol_error(c, line, "unbalanced quotes in request")
    protocol_error(c, b"A" * 70000, "too big inline request")


@case
def test_empty_frames_are_skipped(c):
    c.raw(b"*0\r\n*-1\r\n\r\n" + PING)
    assert c.read() == "PONG"
    c.raw(b"*1\r\n$0\r\n\r\n")
    c.read().is_error("ERR unknown command '', with args beginning with: ")


@case
def test_protocol_errors(c):
    for count in (b"abc", b"2147483648", b"99999999999999999999", b"", b"01", b"+1", b" 1"):
        protocol_error(c, b"*" + count + b"\r\n", "invalid multibulk length")
    for size in (b"-1", b"abc", b"536870913", b"4294967296", b" 4", b"+4", b"04", b""):
        protocol_error(c, b"*1\r\n$" + size + b"\r\n", "invalid bulk length")
    protocol_error(c, b"*1\r\nPING\r\n", "expected '$', got 'P'")
    protocol_error(c, b"*2\r\n$4\r\nECHO\r\n:4\r\n", "expected '$', got ':'")
    protocol_error(c, b"*" + b"1" * 70000, "too big mbulk count string")
    protocol_error(c, b"*1\r\n$" + b"1" * 70000, "too big bulk count string")
    assert c.cmd("PING") == "PONG"


@case
def test_replies_before_a_protocol_error_arrive(c):
    c.raw(encode("SET", "k", "v") + PING + b"*abc\r\n" + PING)
    c.read().is_ok()
    assert c.read() == "PONG"
    c.read().is_error("ERR Protocol error: invalid multibulk length")
    assert c.is_closed()


@case
def test_http_is_cut_off(c):
    for request in (b"POST / HTTP/1.1\r\n\r\n", b"Host: example.org\r\n",
                    encode("POST", "/"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\nSET hacked 1\r\n"):
        d = c.server.connect(timeout=5)
        d.raw(request)
        try:
            while d.read():
                pass
        except Closed:
            pass
        d.close()
    assert c.cmd("EXISTS", "hacked") == 0


@case(protocols=(2, 3))
def test_unknown_command_text_is_bounded(c):
    reply = c.cmd("nosuch" * 100, *["argument" * 20] * 50)
    reply.is_error("ERR unknown command 'nosuch")
    assert len(reply.items) < 450, len(reply.items)
    reply = c.cmd("a\r\nb", "c\r\nd")
    reply.is_error("ERR unknown command 'a")
    assert "\r" not in reply.items and "\n" not in reply.items
    assert c.cmd("PING") == "PONG"


@case(timeout=120)
def test_big_values_both_ways(c):
    for size in (16383, 16384, 200 * 1024, 20 * 1024 * 1024):
        value = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        c.cmd("SET", "big", value).is_ok()
        assert c.cmd("STRLEN", "big") == size
        assert c.cmd("GET", "big").items == value
        replies = c.pipeline(("GET", "big"), ("PING",), ("SET", "big", value), ("GET", "big"))
        assert replies[0].items == value and replies[3].items == value
        assert replies[1] == "PONG"


@case
def test_a_big_value_in_pieces(c):
    value = b"abcdefgh" * 40000
    frame = encode("SET", "big", value) + encode("STRLEN", "big") + PING
    for start in range(0, len(frame), 7777):
        c.raw(frame[start:start + 7777])
    c.read().is_ok()
    assert c.read() == len(value)
    assert c.read() == "PONG"


@case
def test_a_client_that_leaves_in_the_middle(c):
    for data in (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nabc", b"*3\r\n$3", b"PIN",
                 encode("GET", "k") * 1000):
        d = c.server.connect()
        d.raw(data)
        d.close()
    assert c.cmd("PING") == "PONG"
    assert c.cmd("EXISTS", "k") == 0


@case
def test_a_slow_reader_does_not_hold_up_others(c):
    c.cmd("SET", "big", "v" * 1000000).is_ok()
    slow = c.server.connect()
    slow.raw(encode("GET", "big") * 20)
    for _ in range(200):
        assert c.cmd("PING") == "PONG"
    for _ in range(20):
        assert len(slow.read().items) == 1000000
    slow.close()


@case
def test_replies_while_still_sending(c):
    """A client that writes a long pipeline and reads at the same time gets every reply."""
    count = 50000
    data = encode("ECHO", "x" * 100) * count

    def write():
        c.raw(data)
    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(count):
        assert len(c.read().items) == 100
    writer.join()


@case
def test_quit_sends_what_is_due(c):
    c.raw(PING + encode("SET", "k", "v") + encode("QUIT") + encode("SET", "after", "1"))
    assert c.read() == "PONG"
    c.read().is_ok()
    c.read().is_ok()
    assert c.is_closed()
    assert c.server.connect().cmd("EXISTS", "after") == 0


@case
def test_half_closed_connection_gets_its_replies(c):
    c.raw(PING * 3)
    for _ in range(3):
        assert c.read() == "PONG"
    ready, _, _ = select.select([c.socket], [], [], 0)
    assert not ready


@case(protocols=(2, 3))
def test_client_reply(c):
    c.raw(encode("CLIENT", "REPLY", "OFF") + encode("SET", "a", "1") + encode("GET", "a")
          + encode("CLIENT", "REPLY", "ON") + PING)
    c.read().is_ok()
    assert c.read() == "PONG"
    c.raw(encode("CLIENT", "REPLY", "SKIP") + encode("GET", "a") + encode("GET", "a"))
    assert c.read() == "1"
    c.cmd("CLIENT", "REPLY", "maybe").is_error("ERR syntax error")
    assert c.cmd("GET", "missing") == None  # noqa: E711 - a reply compares with None by value


@case
def test_both_protocols_on_one_connection(c):
    assert c.cmd("GET", "none").kind == "null"
    c.raw(encode("GET", "none"))
    assert c.read_raw() == b"$-1\r\n"
    assert c.hello(3).kind == "map"
    c.raw(encode("GET", "none"))
    assert c.read_raw() == b"_\r\n"
    assert c.hello(2).kind == "array"
    c.raw(encode("GET", "none"))
    assert c.read_raw() == b"$-1\r\n"


@case
def test_many_connections_at_once(c):
    others = [c.server.connect() for _ in range(300)]
    for number, other in enumerate(others):
        other.send("INCR", "n")
        other.send("ECHO", number)
    seen = sorted(other.read().items for other in others)
    assert seen == list(range(1, 301))
    for number, other in enumerate(others):
        assert other.read() == str(number)
    for other in others:
        other.close()
    wait_for(lambda: b"connected_clients:1\r" in c.cmd("INFO", "clients").items,
             what="connections gone")
    assert c.cmd("GET", "n") == b"300"


main()
