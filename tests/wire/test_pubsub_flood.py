"""Messages in masses and of all sizes: nothing is lost or cut that reads, all is bounded that does
not.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import threading

from pollard_test import SLOW, Closed, case, main, wait_for
from talkers import BOTH, OK, client, clients, gone, info, rows

LIMIT = "client-output-buffer-limit"


def subscribed(c, count, channel="ch"):
    """Other clients that are subscribed to the channel."""
    wait_for(lambda: c.cmd("PUBSUB", "NUMSUB", channel).value[1] == 0, what="no subscribers")
    others = clients(c, count)
    for other in others:
        other.send("SUBSCRIBE", channel)
        assert other.read()[0] == b"subscribe"
    return others


def is_cut(c):
    """Reads what is left of a connection that the server has ended."""
    try:
        for _ in range(100000):
            c.read()
    except Closed:
        return True
    return False


def cuts(c):
    """How many have been cut; None where it is not told."""
    value = info(c, "stats").get("client_output_buffer_limit_disconnections")
    return None if value is None else int(value)


@case(protocols=BOTH)
def test_messages_of_all_sizes(c):
    plain, = subscribed(c, 1)
    pattern = client(c)
    pattern.send("PSUBSCRIBE", "c?")
    pattern.read()
    sizes = [0, 1, 9, 10, 99, 100, 1000, 4000, 4040, 4096, 5000, 16000, 16383, 16384, 16385, 65536,
             1000000]
    for size in sizes:
        text = bytes(i % 251 for i in range(size))
        assert c.cmd("PUBLISH", "ch", text) == 2
        assert plain.read() == [b"message", b"ch", text], size
        assert pattern.read() == [b"pmessage", b"c?", b"ch", text], size


@case
def test_long_names(c):
    name = b"n" * 70000
    other, = subscribed(c, 1, name)
    assert c.cmd("PUBLISH", name, "x") == 1
    assert other.read() == [b"message", name, b"x"]
    other.send("PSUBSCRIBE", name[:50000] + b"*")
    assert other.read()[1] == name[:50000] + b"*"
    assert c.cmd("PUBLISH", name, "y") == 2
    assert other.read() == [b"message", name, b"y"]
    assert other.read() == [b"pmessage", name[:50000] + b"*", name, b"y"]


@case
def test_a_flood_cuts_nobody_who_reads(c):
    """Publishers that do not wait for each other are held to what the readers' threads deliver."""
    rows(c, (f"CONFIG SET {LIMIT} 'pubsub 32mb 8mb 60'", OK))
    before = cuts(c)
    count, each = 4, 6000
    readers, writers = subscribed(c, 8), clients(c, count)
    heard = [{} for _ in readers]

    def read(reader, found):
        for _ in range(count * each):
            writer, number = reader.read()[2].value.split(b":")[:2]
            assert found.get(writer, -1) + 1 == int(number)
            found[writer] = int(number)

    def write(writer, number):
        for start in range(0, each, 500):
            writer.raw(b"".join(b"PUBLISH ch %d:%d:%064d\r\n" % (number, i, i)
                                for i in range(start, start + 500)))
            replies = {writer.read().value for _ in range(500)}
            assert replies == {len(readers)}, replies

    threads = [threading.Thread(target=read, args=pair) for pair in zip(readers, heard)]
    threads += [threading.Thread(target=write, args=(writer, number))
                for number, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * SLOW)
    wanted = {b"%d" % number: each - 1 for number in range(count)}
    assert all(found == wanted for found in heard), heard
    assert cuts(c) == before


@case(protocols=BOTH)
def test_the_soft_limit(c):
    """One who does not read is cut some time after it is over, although nothing happens then."""
    rows(c, (f"CONFIG SET {LIMIT} 'pubsub 0 100000 1'", OK))
    slow, quick = subscribed(c, 2)
    for _ in range(60):
        assert c.cmd("PUBLISH", "ch", b"x" * 50000).value in (1, 2)
        quick.read()
    gone(c, slow.id)
    rows(c, ("PUBLISH ch end", 1))
    assert quick.read()[2] == b"end"
    assert is_cut(slow)
    rows(c, (f"CONFIG SET {LIMIT} 'pubsub 32mb 8mb 60'", OK))


@case(protocols=BOTH)
def test_more_at_once_than_the_limit(c):
    """A transaction publishes more than a subscriber may have: it is cut, others are not."""
    rows(c, (f"CONFIG SET {LIMIT} 'pubsub 1mb 0 0'", OK))
    victims = subscribed(c, 4)
    others = subscribed(c, 2, "other")
    c.send("MULTI")
    for _ in range(40):
        c.send("PUBLISH", "ch", b"x" * 100000)
    c.send("PUBLISH", "other", "y")
    c.send("EXEC")
    assert c.read() == OK
    for _ in range(41):
        assert c.read() == "QUEUED"
    counts = c.read().value
    assert counts[0] == 4 and counts[-1] == 2, counts
    for other in others:
        assert other.read() == [b"message", b"other", b"y"]
    for victim in victims:
        gone(c, victim.id)
        assert is_cut(victim)
    rows(c, ("PUBLISH ch z", 0), (f"CONFIG SET {LIMIT} 'pubsub 32mb 8mb 60'", OK))


@case(protocols=BOTH)
def test_notifications_that_nobody_reads(c):
    rows(c, (f"CONFIG SET {LIMIT} 'pubsub 1mb 0 0'", OK),
         ("CONFIG SET notify-keyspace-events KEA", OK))
    slow, quick = clients(c, 2)
    for one in (slow, quick):
        one.send("PSUBSCRIBE", "__keyspace@0__:*")
        one.read()
    key = "k" * 20000
    for _ in range(100):
        rows(c, (f"SET {key} 1", OK))
        assert quick.read()[3] == b"set"
    gone(c, slow.id)
    assert is_cut(slow)
    rows(c, (f"SET {key} 1", OK), ("CONFIG SET notify-keyspace-events ''", OK),
         (f"CONFIG SET {LIMIT} 'pubsub 32mb 8mb 60'", OK))
    assert quick.read()[3] == b"set"


main()
