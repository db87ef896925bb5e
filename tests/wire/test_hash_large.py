"""Large hashes: whole replies at one instant, cursors, random picks, the work on the pool."""
import random
import time

from pollard_test import case, main, wait_for

BOTH = (2, 3)
COUNT = 20000


def fill(c, key, count=COUNT):
    """Fields f:<n> with values v:<n>, in one go each thousand."""
    for begin in range(0, count, 1000):
        words = [word for index in range(begin, begin + 1000)
                 for word in (f"f:{index}", f"v:{index}")]
        assert c.cmd("HSET", key, *words) == 1000


def pairs_of(reply):
    if reply.kind == "map":
        return {field.items: value.items for field, value in reply.items}
    words = [item.items for item in reply.items]
    return dict(zip(words[::2], words[1::2]))


def expected(count=COUNT):
    return {f"f:{index}".encode(): f"v:{index}".encode() for index in range(count)}


@case(protocols=BOTH)
def test_whole(c):
    fill(c, "h")
    assert c.cmd("OBJECT", "ENCODING", "h") == b"hashtable"
    assert c.cmd("HLEN", "h") == COUNT
    assert pairs_of(c.cmd("HGETALL", "h")) == expected()
    fields = [item.items for item in c.cmd("HKEYS", "h").items]
    values = [item.items for item in c.cmd("HVALS", "h").items]
    assert dict(zip(fields, values)) == expected()
    found = c.cmd("HMGET", "h", *fields[:3000]).items
    assert [item.items for item in found] == values[:3000]
    assert c.cmd("HDEL", "h", *fields[:3000]) == 3000
    assert c.cmd("HLEN", "h") == COUNT - 3000


@case
def test_all_while_it_changes(c):
    """Whole replies are sent in parts; writes behind them in the pipeline do not show."""
    fill(c, "h")
    other = c.server.connect(2)
    for round_number in range(5):
        c.send("HGETALL", "h")
        for index in range(0, COUNT, 50):
            other.send("HSET", "h", f"f:{index}", f"r{round_number}")
        for index in range(0, COUNT, 50):
            assert other.read() == 0
        found = pairs_of(c.read())
        assert len(found) == COUNT
        for index in range(0, COUNT, 50):
            assert other.cmd("HSET", "h", f"f:{index}", f"v:{index}") == 0
    c.send("HGETALL", "h")
    c.send("DEL", "h")
    assert pairs_of(c.read()) == expected()
    assert c.read() == 1
    other.close()


@case(protocols=BOTH)
def test_scan(c):
    fill(c, "h")
    for count, words in ((10, ()), (700, ()), (5000, ()), (100000, ()), (3000, ("NOVALUES",))):
        cursor, found, calls = b"0", [], 0
        while True:
            reply = c.cmd("HSCAN", "h", cursor, "COUNT", count, *words).items
            cursor, found = reply[0].items, found + [item.items for item in reply[1].items]
            calls += 1
            if cursor == b"0":
                break
        assert calls <= COUNT // count * 2 + 2, f"{calls} calls of {count}"
        if words:
            assert sorted(found) == sorted(expected())
        else:
            assert dict(zip(found[::2], found[1::2])) == expected()
            assert len(found) == 2 * COUNT
    reply = c.cmd("HSCAN", "h", 0, "COUNT", 100000, "MATCH", "f:1999?")
    assert len(reply.items[1].items) == 20


@case
def test_scan_while_it_grows_and_shrinks(c):
    fill(c, "h", 2000)
    cursor, found = b"0", set()
    number = random.Random(5)
    while True:
        reply = c.cmd("HSCAN", "h", cursor, "COUNT", 50, "NOVALUES").items
        cursor = reply[0].items
        found.update(item.items for item in reply[1].items)
        if cursor == b"0":
            break
        if number.random() < 0.5:
            c.cmd("HSET", "h", *[word for _ in range(300)
                                 for word in (f"new:{number.randrange(20000)}", "x")])
        else:
            c.cmd("HDEL", "h", *[f"new:{number.randrange(20000)}" for _ in range(900)])
    assert set(expected(2000)) <= found


@case(protocols=BOTH)
def test_random(c):
    fill(c, "h")
    everything = expected()
    for count in (1, 10, 500, 1024, 1025, 4000, 5000, 5001, 15000, COUNT, COUNT + 5):
        fields = [item.items for item in c.cmd("HRANDFIELD", "h", count).items]
        assert len(fields) == min(count, COUNT) == len(set(fields)), count
        assert all(field in everything for field in fields)
    for count in (10, 2000, 50000):
        fields = [item.items for item in c.cmd("HRANDFIELD", "h", -count).items]
        assert len(fields) == count and all(field in everything for field in fields)
        assert count < 50000 or len(set(fields)) > COUNT * 0.8
    for count in (100, 3000, 12000, -3000):
        reply = c.cmd("HRANDFIELD", "h", count, "WITHVALUES").items
        words = ([part.items for pair in reply for part in pair.items] if c.protocol == 3
                 else [item.items for item in reply])
        assert len(words) == 2 * abs(count)
        assert all(everything[field] == value for field, value in zip(words[::2], words[1::2]))


@case
def test_an_endless_draw_ends_with_its_client(c):
    fill(c, "h", 1000)
    other = c.server.connect(2)
    other.send("HRANDFIELD", "h", -(1 << 40), "WITHVALUES")
    time.sleep(0.05)
    assert c.cmd("HLEN", "h") == 1000
    other.close()
    wait_for(lambda: b"cmd=hrandfield" not in c.cmd("CLIENT", "LIST").items,
             what="the other client to go")
    assert c.cmd("DEL", "h") == 1


@case
def test_ttls(c):
    """Fields of a large hash that are over leave whole replies at once, and then memory."""
    fill(c, "h")
    gone = [f"f:{index}" for index in range(0, COUNT, 2)]
    c.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "0").is_ok()
    at_ms = int(time.time() * 1000) + 300
    reply = c.cmd("HPEXPIREAT", "h", at_ms, "FIELDS", len(gone), *gone)
    assert [item.items for item in reply.items] == [1] * len(gone)
    c.cmd("COPY", "h", "copy")
    wait_for(lambda: c.cmd("HLEN", "h") == COUNT // 2, what="half of the fields to be over")
    left = {field: value for index, (field, value) in enumerate(expected().items())
            if index % 2 == 1}
    for key in ("h", "copy"):
        assert pairs_of(c.cmd("HGETALL", key)) == left
        drawn = [item.items for item in c.cmd("HRANDFIELD", key, 2000).items]
        assert len(set(drawn)) == 2000 and all(field in left for field in drawn)
        drawn = [item.items for item in c.cmd("HRANDFIELD", key, 9000).items]
        assert len(set(drawn)) == 9000 and all(field in left for field in drawn)
        scanned = c.cmd("HSCAN", key, 0, "COUNT", 100000).items[1]
        assert pairs_of(scanned) == left
    c.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "1").is_ok()
    wait_for(lambda: b"subexpiry=0" in c.cmd("INFO", "keyspace").items, what="fields to go")
    for key in ("h", "copy"):
        assert pairs_of(c.cmd("HGETALL", key)) == left


if __name__ == "__main__":
    main("--enable-debug-command", "yes")
