"""Client-side caching over the wire when its clients live on different reactors, and its bounds.

The first cases hold on Redis 7.0, too, where there is one thread.
"""
import itertools

from pollard_test import case, is_oracle, main, wait_for
from talkers import BOTH, client, clients, gone, info, tracker

CHANNEL = b"__redis__:invalidate"
MANY = () if is_oracle() else ("--threads", "4", "--connection-spread", "all")


def pushed(a, count):
    """The names of that many invalidations, in their order."""
    found = []
    while len(found) < count:
        push = a.push()
        assert push[0] == b"invalidate", push
        found += [name.decode() for name in push[1].value]
    return found


@case(protocols=BOTH, options=MANY)
def test_redirections_between_all_reactors(c):
    sources, targets = [client(c, 3) for _ in range(8)], clients(c, 8)
    for a, b in itertools.product(sources, targets):
        if c.protocol == 2:
            b.cmd("SUBSCRIBE", CHANNEL)
        a.cmd("CLIENT", "TRACKING", "ON", "REDIRECT", b.id).is_ok()
        a.cmd("MGET", "k", "j")
        c.cmd("MSET", "k", 1, "j", 2).is_ok()
        found = []
        for _ in range(2):
            message = b.push() if c.protocol == 3 else b.read()
            found += message.value[-1]
        assert sorted(found) == [b"j", b"k"]
        if c.protocol == 2:
            b.cmd("UNSUBSCRIBE", CHANNEL)


@case(protocols=(3,), options=MANY)
def test_redirections_that_break(c):
    sources, targets = [client(c, 3) for _ in range(4)], clients(c, 4)
    for a, b in zip(sources, targets):
        a.cmd("CLIENT", "TRACKING", "ON", "REDIRECT", b.id).is_ok()
        a.cmd("GET", "k")
        b.close()
        gone(c, b.id)
    c.cmd("SET", "k", 1).is_ok()
    for a, b in zip(sources, targets):
        assert a.push() == [b"tracking-redir-broken", b.id]
        assert b"broken_redirect" in a.cmd("CLIENT", "TRACKINGINFO")["flags"].value
        assert a.cmd("CLIENT", "GETREDIR") == b.id
        a.cmd("CLIENT", "TRACKING", "ON").is_ok()
        assert b"broken_redirect" not in a.cmd("CLIENT", "TRACKINGINFO")["flags"].value


@case(protocols=(3,), options=MANY)
def test_broadcasts_reach_all_reactors_in_order(c):
    everything = [tracker(c, "BCAST") for _ in range(4)]
    some = [tracker(c, "BCAST", "PREFIX", "k:1", "PREFIX", "other") for _ in range(4)]
    names = [f"k:{number}" for number in range(30)]
    for name in names:
        c.cmd("SET", name, 1).is_ok()
    for a in everything:
        assert pushed(a, 30) == names
    chosen = [name for name in names if name.startswith("k:1")]
    for a in some:
        assert pushed(a, len(chosen)) == chosen
    assert info(c, "stats")["tracking_total_prefixes"] == "3"
    for a in everything + some:
        a.cmd("CLIENT", "TRACKING", "OFF").is_ok()
    assert info(c, "stats")["tracking_total_prefixes"] == "0"


@case(protocols=(3,), options=MANY)
def test_flushes_reach_all_reactors(c):
    readers = [tracker(c) for _ in range(4)] + [tracker(c, "BCAST", "PREFIX", "x")
                                                for _ in range(4)]
    for a in readers:
        a.cmd("GET", "k")
    c.cmd("FLUSHALL").is_ok()
    for a in readers:
        assert a.push() == [b"invalidate", None]
    assert info(c, "stats")["tracking_total_keys"] == "0"


@case(protocols=(3,), options=MANY)
def test_a_read_comes_after_what_was_told_before_it(c):
    """Who is answered a write has told everybody: the next read of a client is behind that."""
    readers = [tracker(c) for _ in range(4)]
    for a in readers:
        a.cmd("GET", "k")
    for number in range(50):
        c.cmd("SET", "k", number).is_ok()
        for a in readers:
            a.send("GET", "k")
        for a in readers:
            first, second = a.read(), a.read()
            assert first == [b"invalidate", [b"k"]], first
            assert second == str(number).encode(), second


@case(protocols=(3,), options=MANY)
def test_many_readers_of_a_key(c):
    readers = [tracker(c) for _ in range(100)]
    for a in readers:
        a.cmd("GET", "k")
    stats = info(c, "stats")
    assert (stats["tracking_total_keys"], stats["tracking_total_items"]) == ("1", "100")
    c.cmd("SET", "k", 1).is_ok()
    for a in readers:
        assert a.push() == [b"invalidate", [b"k"]]


@case(protocols=(3,), options=MANY)
def test_readers_that_are_gone_do_not_add_up(c):
    if is_oracle():
        return
    keeper = tracker(c)
    told = 0
    for _ in range(300):
        keeper.cmd("GET", "k")
        a = tracker(c)
        a.cmd("GET", "k")
        a.close()
        told += len(keeper.pushes)
        keeper.pushes.clear()
        assert int(info(c, "stats")["tracking_total_items"]) <= 150
    assert told > 0


@case(protocols=(3,), options=MANY)
def test_the_last_one_leaves_an_empty_table(c):
    a = tracker(c)
    for number in range(1000):
        a.send("GET", f"k{number}")
    for _ in range(1000):
        a.read()
    assert info(c, "stats")["tracking_total_keys"] == "1000"
    a.close()
    if not is_oracle():
        wait_for(lambda: info(c, "stats")["tracking_total_keys"] == "0")
    wait_for(lambda: info(c, "clients")["tracking_clients"] == "0")


@case(protocols=(3,), options=MANY + ("--tracking-table-max-keys", "1000"))
def test_a_lower_limit_is_kept_to_soon(c):
    a = tracker(c)
    for number in range(500):
        a.cmd("GET", f"k{number}")
    c.cmd("CONFIG", "SET", "tracking-table-max-keys", "20").is_ok()

    def is_low():
        a.cmd("GET", "k")
        return int(info(c, "stats")["tracking_total_keys"]) <= 20
    wait_for(is_low)


main()
