"""maxmemory-clients over the wire: the largest clients go first, but for those with NO-EVICT.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server); sizes are far apart, because memory of
a client differs.
"""
from pollard_test import Error, case, is_oracle, main, wait_for
from talkers import OK, client, fields, gone, info, rows

MANY = () if is_oracle() else ("--threads", "4", "--connection-spread", "all")


def limit(c, value):
    c.cmd("CONFIG", "SET", "maxmemory-clients", value).is_ok()


def holds(c, size):
    """A client with so many bytes of an argument that is not complete."""
    a = client(c)
    a.socket.sendall(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$%d\r\n" % (2 * size) + b"x" * size)
    wait_for(lambda: int(fields(c, a.id)["tot-mem"]) > size, what="the argument has come")
    return a


def evicted(c):
    return int(info(c, "stats")["evicted_clients"])


@case(options=MANY)
def test_the_option(c):
    rows(c, ("CONFIG GET maxmemory-clients", [b"maxmemory-clients", b"0"]),
         ("CONFIG SET maxmemory-clients 5%", OK),
         ("CONFIG GET maxmemory-clients", [b"maxmemory-clients", b"5%"]),
         ("CONFIG SET maxmemory-clients 1mb", OK),
         ("CONFIG GET maxmemory-clients", [b"maxmemory-clients", b"1048576"]),
         ("CONFIG SET maxmemory-clients 101%",
          Error("ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
                "percentage argument must be less or equal to 100")),
         ("CONFIG SET maxmemory-clients -1",
          Error("ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
                "argument must be a memory or percent value")),
         ("CONFIG SET maxmemory-clients 0", OK))


@case(options=MANY)
def test_the_largest_go_first(c):
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    small = [holds(c, 100_000) for _ in range(4)]
    large = [holds(c, 3_000_000) for _ in range(4)]
    before = evicted(c)
    limit(c, "5mb")
    wait_for(lambda: evicted(c) > before)
    wait_for(lambda: sum(fields(c, a.id) is not None for a in large) <= 1)
    assert all(fields(c, a.id) is not None for a in small)
    limit(c, "0")
    last = holds(c, 10_000_000)
    assert fields(c, last.id) is not None


@case(options=MANY)
def test_who_grows_goes(c):
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    limit(c, "4mb")
    before = evicted(c)
    others = [holds(c, 200_000) for _ in range(4)]
    assert evicted(c) == before
    a = client(c)
    a.socket.sendall(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$20000000\r\n")
    try:
        for _ in range(100):
            a.socket.sendall(b"x" * 100_000)
    except OSError:
        pass
    gone(c, a.id)
    assert evicted(c) == before + 1
    assert all(fields(c, other.id) is not None for other in others)
    limit(c, "0")


@case(options=MANY)
def test_replies_that_nobody_reads(c):
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    c.cmd("SET", "big", "x" * 500_000).is_ok()
    limit(c, "4mb")
    a = client(c)
    a.socket.sendall(b"GET big\r\n" * 100)
    gone(c, a.id)
    limit(c, "0")


@case(options=MANY)
def test_protected_clients_stay(c):
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    a = client(c)
    a.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    a.socket.sendall(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$20000000\r\n" + b"x" * 6_000_000)
    wait_for(lambda: int(fields(c, a.id)["tot-mem"]) > 6_000_000)
    assert "e" in fields(c, a.id)["flags"]
    b = holds(c, 1_000_000)
    limit(c, "4mb")
    gone(c, b.id)
    assert fields(c, a.id) is not None
    a.socket.sendall(b"x" * 14_000_000 + b"\r\n")
    assert a.read() == OK
    limit(c, "0")


@case(options=MANY)
def test_a_share_of_maxmemory(c):
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    a = holds(c, 3_000_000)
    limit(c, "1%")
    assert fields(c, a.id) is not None  # of no limit
    c.cmd("CONFIG", "SET", "maxmemory", "100mb").is_ok()
    gone(c, a.id)
    c.cmd("CONFIG", "SET", "maxmemory", "0").is_ok()
    limit(c, "0")


main()
