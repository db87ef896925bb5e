"""Limits on clients: authentication, buffers, maxclients, timeout, protected mode, connections."""
import resource
import socket
import time

from pollard_test import Closed, Skip, case, encode, main, wait_for
from resp import Connection


def fill_output(d, key, count):
    """Asks for a big value many times without reading; True when the server cuts the client."""
    try:
        d.raw(encode("GET", key) * count)
        return False
    except ConnectionError:
        return True


def is_cut(d, seconds=10):
    """Whether the connection ends, after any amount of replies."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            d.socket.settimeout(seconds)
            if not d.socket.recv(1 << 20):
                return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False
    return False


@case(options=("--requirepass", "secret"), protocols=(2, 3))
def test_requirepass(c):
    d = c.server.connect()
    for command in (("PING",), ("GET", "a"), ("COMMAND", "COUNT"), ("INFO",)):
        d.cmd(*command).is_error("NOAUTH Authentication required.")
    d.cmd("HELLO", "3").is_error("NOAUTH HELLO must be called")
    d.cmd("AUTH", "wrong").is_error("WRONGPASS invalid username-password pair")
    d.cmd("AUTH", "nobody", "secret").is_error("WRONGPASS invalid username-password pair")
    d.cmd("AUTH", "default", "secret").is_ok()
    assert d.cmd("PING") == "PONG"
    d.cmd("AUTH", "wrong").is_error("WRONGPASS")
    assert d.cmd("PING") == "PONG"
    assert d.cmd("RESET") == "RESET"
    d.cmd("PING").is_error("NOAUTH")
    d.cmd("AUTH", "secret").is_ok()
    e = c.server.connect()
    assert e.cmd("HELLO", "2", "AUTH", "default", "secret")["proto"] == 2
    assert e.cmd("PING") == "PONG"


@case(options=("--requirepass", "secret"))
def test_limits_before_authentication(c):
    for data, text in ((b"*11\r\n", "unauthenticated multibulk length"),
                       (b"*1\r\n$16385\r\n", "unauthenticated bulk length")):
        d = c.server.connect()
        d.raw(data)
        d.read().is_error("ERR Protocol error: " + text)
        assert d.is_closed()
    d = c.server.connect()
    d.cmd(*["PING"] * 10).is_error("NOAUTH")
    d.cmd("AUTH", "secret").is_ok()
    d.cmd("SET", "k", "v" * 20000).is_ok()
    d.cmd("MGET", *["k"] * 12)


@case
def test_password_at_run_time(c):
    c.cmd("CONFIG", "SET", "requirepass", "p").is_ok()
    d = c.server.connect()
    d.cmd("PING").is_error("NOAUTH")
    c.cmd("CONFIG", "SET", "requirepass", "").is_ok()
    assert d.cmd("PING") == "PONG"
    d.cmd("AUTH", "x").is_error("ERR AUTH <password> called without any password configured")


def ping(d):
    """The reply to PING, or what the server said before it closed."""
    try:
        d.send("PING")
    except ConnectionError:
        pass
    return d.read()


@case(options=("--maxclients", "12"))
def test_maxclients(c):
    others, refused = [], None
    for _ in range(20):
        d = c.server.connect()
        reply = ping(d)
        if reply.kind == "error":
            refused = d
            reply.is_error("ERR max number of clients reached")
            break
        others.append(d)
    assert refused is not None and 8 <= len(others) <= 11, len(others)
    assert refused.is_closed()
    assert c.cmd("PING") == "PONG"
    others.pop().close()

    def accepted():
        d = c.server.connect()
        try:
            return ping(d).kind == "simple"
        except Closed:
            return False
    wait_for(accepted, what="a place after one left")


@case(options=("--timeout", "1"))
def test_idle_timeout(c):
    d = c.server.connect()
    assert d.cmd("PING") == "PONG"
    begun = time.monotonic()
    while time.monotonic() - begun < 1.6:
        assert c.cmd("PING") == "PONG"
        time.sleep(0.2)
    d.socket.settimeout(5)
    assert d.is_closed()


@case(options=("--client-query-buffer-limit", "1mb"))
def test_query_buffer_limit(c):
    d = c.server.connect()
    try:
        d.raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000000\r\n" + b"x" * 4000000)
    except ConnectionError:
        pass
    assert is_cut(d)
    assert c.cmd("PING") == "PONG"
    assert c.cmd("EXISTS", "k") == 0


@case(options=("--client-output-buffer-limit", "normal 4mb 0 0"))
def test_hard_output_limit(c):
    c.cmd("SET", "big", "v" * 1000000).is_ok()
    d = c.server.connect()
    fill_output(d, "big", 100)
    assert is_cut(d)
    assert c.cmd("PING") == "PONG"


@case(options=("--client-output-buffer-limit", "normal 0 2mb 1"))
def test_soft_output_limit(c):
    c.cmd("SET", "big", "v" * 1000000).is_ok()
    d = c.server.connect()
    fill_output(d, "big", 20)
    wait_for(lambda: c.cmd("CLIENT", "LIST").items.count(b"\n") == 1, 12, "the soft limit")


@case(tcp=True, options=("--bind", "*", "--protected-mode", "yes"))
def test_protected_mode(c):
    addresses = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None,
                                                           socket.AF_INET)]
    outside = [address for address in addresses if not address.startswith("127.")]
    local = c.server.connect(tcp=True)
    assert local.cmd("PING") == "PONG"
    if not outside:
        raise Skip("no address but loopback")
    d = Connection((outside[0], c.server.port))
    d.read().is_error("DENIED Redis is running in protected mode")
    assert d.is_closed()


@case(options=("--maxclients", "12000"), timeout=120)
def test_ten_thousand_connections(c):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = min(10000, hard - 500, int(c.cmd("CONFIG", "GET", "maxclients").value[1]) - 10)
    if want < 1000:
        raise Skip(f"only {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, want + 400)), hard))
    others = [c.server.connect() for _ in range(want)]
    for start in (0, want // 2, want - 500):
        for other in others[start:start + 500]:
            other.send("INCR", "n")
        for other in others[start:start + 500]:
            assert other.read().kind == "integer"
    assert c.cmd("GET", "n") == b"1500"
    for other in others:
        other.close()
    wait_for(lambda: b"connected_clients:1\r" in c.cmd("INFO", "clients").items, 20,
             "connections gone")


main()
