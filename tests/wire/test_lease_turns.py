"""Who waits for the holder of a lease when it ends and nothing fresh has come: the next of them has
his turn at once, and the others go on waiting."""
import random
import shlex

from leases import LONG, MISS, becomes, get, ready, stale, token_of
from pollard_test import case, main, wait_for
from talkers import BOTH, OK, WRONG, client, clients, gone, info, rows, still_waits, waits

# What ends a lease of "k", where nothing is, and brings nothing. TOKEN is the holder's.
ENDING_WITHOUT_VALUE = (
    "DEL k", "UNLINK a k", "GETDEL k", "FLUSHDB", "FLUSHDB ASYNC", "FLUSHALL", "FLUSHALL SYNC",
    "SWAPDB 0 5", "SWAPDB 5 0", "DELPREFIX k", "DELPREFIX ''", "SET k v PXAT 1",
    "LEASE.SET k v TOKEN PXAT 1", "SDIFFSTORE k a b", "SORT a STORE k",
    "MULTI; DEL k; EXEC", "MULTI; FLUSHALL; EXEC", "MULTI; SWAPDB 0 5; EXEC",
    "MULTI; DELPREFIX k; EXEC", "MULTI; DEL k; RPUSH k a; DEL k; EXEC",
    "MULTI; SET k v; DEL k; EXEC")
# The same where a value is that is too stale to be shown; some leave it so.
ENDING_TOO_STALE = ENDING_WITHOUT_VALUE + (
    "APPEND k x", "SETRANGE k 0 x", "SET k v KEEPTTL", "EXPIREAT k 1", "GETEX k PXAT 1",
    "RENAME k other", "MOVE k 5", "LEASE.SET k v TOKEN KEEPTTL")


def run(c, lines, token):
    for line in lines.replace("TOKEN", token.decode()).split("; "):
        reply = c.cmd(*shlex.split(line))
        assert reply.kind != "error", (line, reply)
        assert not (line == "EXEC" and any(one.kind == "error" for one in reply)), (lines, reply)


def gives_a_turn(c, crowd, lines, is_there):
    """The first that waits has the token at once, the others wait for what it brings."""
    c.cmd("FLUSHALL").is_ok()
    if is_there:
        stale(c)
    old = token_of(get(c, "k", "GRACE", "0"), "MISS")
    for one in crowd:
        waits(c, one, f"LEASE.GET k LEASE {LONG} GRACE 0 WAIT 50000")
    run(c, lines, old)
    token = token_of(crowd[0].read(), "MISS")
    c.cmd("LEASE.SET", "k", "late", old).is_null()
    assert get(c, "k", "GRACE", "0") == MISS
    for one in crowd[1:]:
        still_waits(c, one)
    assert crowd[0].cmd("LEASE.SET", "k", "new", token).is_ok()
    for one in crowd[1:]:
        assert one.read() == [b"new", "FRESH", None], lines


@case(protocols=BOTH)
def test_turn_when_the_lease_ends_without_a_value(c):
    crowd = clients(c, 3)
    for lines in ENDING_WITHOUT_VALUE:
        gives_a_turn(c, crowd, lines, is_there=False)
    for lines in ENDING_TOO_STALE:
        gives_a_turn(c, crowd, lines, is_there=True)


@case(protocols=BOTH)
def test_turns_go_in_the_order_of_waiting(c):
    crowd = clients(c, 6)
    token_of(get(c), "MISS")
    for one in crowd:
        waits(c, one, f"LEASE.GET k LEASE {LONG} WAIT 50000")
    for i, line in enumerate(("DEL k", "FLUSHALL", "SWAPDB 0 1", "DELPREFIX k", "GETDEL k")):
        run(c, line, b"")
        token_of(crowd[i].read(), "MISS")
        for one in crowd[i + 1:]:
            still_waits(c, one)
    # Who has gone has no turn.
    late = client(c)
    waits(c, late, f"LEASE.GET k LEASE {LONG} WAIT 50000")
    crowd[5].close()
    gone(c, crowd[5].id)
    run(c, "FLUSHDB", b"")
    token_of(late.read(), "MISS")


@case(protocols=BOTH)
def test_turn_with_something_to_show(c):
    """A stale value has come: who has his turn is shown it, and rebuilds."""
    a, b = clients(c, 2)
    for line in ("RENAME from k", "COPY from k", "SWAPDB 0 5"):
        c.cmd("FLUSHALL").is_ok()
        token_of(get(c), "MISS")
        for one in (a, b):
            waits(c, one, f"LEASE.GET k LEASE {LONG} WAIT 50000")
        if line == "SWAPDB 0 5":
            rows(c, ("SELECT 5", OK))
            stale(c)
            rows(c, ("SELECT 0", OK))
        else:
            stale(c, "from")
        run(c, line, b"")
        token = token_of(a.read(), "STALE", b"old")
        still_waits(c, b)
        a.cmd("LEASE.SET", "k", "new", token).is_ok()
        assert b.read() == [b"new", "FRESH", None]


@case(protocols=BOTH)
def test_turn_when_another_type_has_come(c):
    """Nobody can rebuild it: all are told at once."""
    crowd = clients(c, 3)
    for line in ("RPUSH k a", "SADD k a", "SORT from STORE k", "RENAME from k", "COPY from k",
                 "MULTI; DEL k; HSET k f v; EXEC"):
        c.cmd("FLUSHALL").is_ok()
        rows(c, ("RPUSH from 1", 1))
        token_of(get(c), "MISS")
        for one in crowd:
            waits(c, one, f"LEASE.GET k LEASE {LONG} WAIT 50000")
        run(c, line, b"")
        for one in crowd:
            assert one.read() == WRONG, line
    # More of them than one access serves.
    crowd = clients(c, 150)
    c.cmd("FLUSHALL").is_ok()
    token_of(get(c), "MISS")
    for one in crowd:
        one.send("LEASE.GET", "k", "LEASE", LONG, "WAIT", "50000")
    wait_for(lambda: info(c, "clients")["blocked_clients"] == "150", what="all wait")
    rows(c, ("RPUSH k a", 1))
    for one in crowd:
        assert one.read() == WRONG


@case(protocols=BOTH)
def test_turn_after_a_turn_that_is_over(c):
    """Who waits for a lease that is to last longer than he waits, and then for a shorter one."""
    crowd = clients(c, 4)
    token_of(get(c, lease="80000000"), "MISS")
    for one in crowd:
        waits(c, one, "LEASE.GET k LEASE 20 WAIT 70000000")
    run(c, "DEL k", b"")
    tokens = [token_of(one.read(), "MISS") for one in crowd]
    assert len(set(tokens)) == 4
    becomes(c, "k", None, "MISS")
    for token in tokens:
        c.cmd("LEASE.SET", "k", "late", token).is_null()


@case(protocols=BOTH)
def test_turns_of_many_keys(c):
    crowd = clients(c, 60)
    for line in ("FLUSHALL", "FLUSHDB", "DELPREFIX k", "SWAPDB 0 1",
                 "DEL " + " ".join(f"k{i}" for i in range(60))):
        c.cmd("FLUSHALL").is_ok()
        for i, one in enumerate(crowd):
            token_of(get(c, f"k{i}"), "MISS")
            one.send("LEASE.GET", f"k{i}", "LEASE", LONG, "WAIT", "50000")
        wait_for(lambda: info(c, "clients")["blocked_clients"] == "60", what="all wait")
        run(c, line, b"")
        tokens = [token_of(one.read(), "MISS") for one in crowd]
        for i, one in enumerate(crowd):
            assert one.cmd("LEASE.SET", f"k{i}", "v", tokens[i]).is_ok(), line


@case(options=("--threads", "4"), timeout=120)
def test_turns_on_many_threads(c):
    """Nobody ever rebuilds, and each end of the lease has one of those that wait go on."""
    crowd = [c.server.connect(2 + i % 2) for i in range(40)]
    keys = ("k1", "k2", "l3")
    lines = ["FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "DELPREFIX ''", "DEL k1 k2 l3",
             "GETDEL k1", "UNLINK k2", "DELPREFIX l", "MULTI; RPUSH k1 a; DEL k1; EXEC"]
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)

    def ask(one, key):
        one.send("LEASE.GET", key, "LEASE", LONG, "WAIT", LONG)

    def answered():
        found = [(one, one.read()) for one in ready(crowd, 1)]
        for one, reply in found:
            token_of(reply, "MISS")
        return [one for one, _ in found]
    asked = {}
    for i, one in enumerate(crowd):
        asked[one] = keys[i % 3]
        ask(one, asked[one])
    for _ in range(300):
        for one in answered():
            ask(one, asked[one])
        run(c, draw.choice(lines), b"")
    # All have their turn in the end.
    left = len(crowd)
    while left > 0:
        left -= len(answered())
        run(c, "FLUSHALL", b"")
    assert info(c, "clients")["blocked_clients"] == "0", seed


@case(protocols=BOTH)
def test_turns(c):
    """Nobody rebuilds: one after the other is given the token, and the others go on waiting."""
    crowd = clients(c, 5)
    token_of(get(c, lease="50"), "MISS")
    for one in crowd:
        one.send("LEASE.GET", "k", "LEASE", "50", "WAIT", "60000")
    tokens = set()
    while len(crowd) > 1:
        for one in ready(crowd, 1):
            tokens.add(token_of(one.read(), "MISS"))
            crowd.remove(one)
    assert len(tokens) == 4
    c.cmd("SET", "k", "v").is_ok()
    reply = crowd[0].read()
    assert reply == [b"v", "FRESH", None] or reply[1] == "MISS"
    # With a lease that is longer than the wait, the wait ends first.
    c.cmd("DEL", "k")
    token_of(get(c, lease="20"), "MISS")
    token_of(get(crowd[0], "k", "WAIT", "60000"), "MISS")
    assert get(crowd[0], "k", "WAIT", "20") == MISS


@case(protocols=BOTH)
def test_turns_of_clients_that_go(c):
    crowd = clients(c, 4)
    token_of(get(c, lease="30"), "MISS")
    for one in crowd:
        one.send("LEASE.GET", "k", "LEASE", "30", "WAIT", "60000")
    for one in crowd[1:]:
        one.close()
    token_of(crowd[0].read(), "MISS")
    becomes(c, "k", None, "MISS")
    for one in crowd[1:]:
        gone(c, one.id)


main()
