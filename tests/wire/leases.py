"""What the wire tests of leases share: asking for one, and waiting for who is given it."""
import selectors

from pollard_test import wait_for

MISS = [None, "MISS", None]
LONG = "60000"


def get(c, key="k", *options, lease=LONG):
    return c.cmd("LEASE.GET", key, "LEASE", lease, *options)


def token_of(reply, state, value=None):
    """The token of a reply, which must be the one that rebuilds."""
    assert reply[0] == value and reply[1] == state, reply
    assert reply[2].kind == "bulk" and 0 < int(reply[2].value) < 2**64, reply
    return reply[2].value


def stale(c, key="k", value="old", *options):
    """Stores a value that is stale, and has no lease."""
    c.cmd("SET", key, value, "SOFT", "1", *options).is_ok()
    wait_for(lambda: not get(c, key, lease="1")[1] == "FRESH", what="stale")
    c.cmd("SET", key, value, "KEEPTTL").is_ok()


def becomes(c, key, *expected):
    """Polls until a caller is given a token: the lease that was out has ended."""
    replies = []

    def has_token():
        replies.append(get(c, key))
        return not replies[-1][2].kind.startswith("null")
    wait_for(has_token, what="a token")
    assert replies[-1][:2] == list(expected), replies[-1]


def ready(connections, count):
    """At least so many of them have something to read: those."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        found = []

        def are_there():
            found[:] = [key.data for key, _ in selector.select(0)]
            return len(found) >= count
        wait_for(are_there, seconds=30, what=f"{count} replies")
        return list(found)
