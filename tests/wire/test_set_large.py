"""Large sets: whole replies at one instant, fair picks, cursors, the work on the pool."""
import threading

from pollard_test import Skip, case, is_oracle, main

BOTH = (2, 3)
COUNT = 20000


def name(number):
    return b"member:%d" % number


def fill(c, key, first, count):
    for begin in range(first, first + count, 1000):
        end = min(begin + 1000, first + count)
        assert c.cmd("SADD", key, *map(name, range(begin, end))) == end - begin


def texts(reply):
    return [part.items for part in reply.items]


def names(*ranges):
    return sorted(name(number) for numbers in ranges for number in numbers)


@case(protocols=BOTH)
def test_each_command(c):
    fill(c, "s", 0, COUNT)
    assert c.cmd("OBJECT", "ENCODING", "s") == b"hashtable"
    assert c.cmd("SCARD", "s") == COUNT
    assert sorted(texts(c.cmd("SMEMBERS", "s"))) == names(range(COUNT))
    wanted = [name(number * 7) for number in range(4000)]
    assert c.cmd("SMISMEMBER", "s", *wanted) == [1 if n * 7 < COUNT else 0 for n in range(4000)]
    assert c.cmd("SADD", "s", *wanted) == sum(n * 7 >= COUNT for n in range(4000))
    assert c.cmd("SREM", "s", *wanted) == 4000
    assert c.cmd("SCARD", "s") == COUNT - (COUNT + 6) // 7
    assert sorted(texts(c.cmd("SMEMBERS", "s"))) == names(n for n in range(COUNT) if n % 7)
    assert c.cmd("SMOVE", "s", "t", name(1)) == 1
    assert c.cmd("SISMEMBER", "s", name(1)) == 0
    assert c.cmd("SREM", "s", *[name(n) for n in range(COUNT)]) == COUNT - (COUNT + 6) // 7 - 1
    assert c.cmd("EXISTS", "s") == 0


@case(protocols=BOTH)
def test_random_members(c):
    fill(c, "s", 0, COUNT)
    everything = set(names(range(COUNT)))
    for count in (1, 100, 1024, 1025, 9999, COUNT - 1, COUNT, COUNT * 2):
        found = texts(c.cmd("SRANDMEMBER", "s", count))
        assert len(found) == min(count, COUNT) == len(set(found)) and set(found) <= everything
    for count in (1, 1024, 1025, COUNT * 3):
        found = texts(c.cmd("SRANDMEMBER", "s", -count))
        assert len(found) == count and set(found) <= everything
    assert c.cmd("SCARD", "s") == COUNT


def chi_square(found, kinds):
    expected = len(found) / kinds
    counts = {}
    for member in found:
        counts[member] = counts.get(member, 0) + 1
    return sum((counts.get(name(n), 0) - expected) ** 2 / expected for n in range(kinds))


@case
def test_picks_are_fair(c):
    """With k members the sum is k - 1 +- sqrt(2k); a bound of 8 of these is never met by chance."""
    if is_oracle():
        raise Skip("its picks are not fair")
    for kinds in (100, 1000):
        c.cmd("DEL", "s")
        fill(c, "s", 0, kinds)
        bound = kinds - 1 + 8 * (2 * kinds) ** 0.5
        repeated = texts(c.cmd("SRANDMEMBER", "s", -kinds * 40))
        assert chi_square(repeated, kinds) < bound, "SRANDMEMBER with repeats"
        for word in (["SRANDMEMBER", "s"], ["SRANDMEMBER", "s", "5"]):
            found = []
            for _ in range(kinds * 4):
                c.send(*word)
            for _ in range(kinds * 4):
                reply = c.read()
                found += [reply.items] if reply.kind == "bulk" else texts(reply)
            assert chi_square(found, kinds) < bound, word
    c.cmd("DEL", "s")
    fill(c, "s", 0, 3000)
    found = []
    for _ in range(30):
        found += texts(c.cmd("SRANDMEMBER", "s", 1500))
    assert chi_square(found, 3000) < 2999 + 8 * 6000 ** 0.5


@case
def test_pops_are_fair(c):
    found = []
    for _ in range(60):
        fill(c, "s", 0, 200)
        for _ in range(20):
            found.append(c.cmd("SPOP", "s").items)
        found += texts(c.cmd("SPOP", "s", 20))
        c.cmd("DEL", "s")
    assert chi_square(found, 200) < 199 + 8 * 400 ** 0.5


@case(protocols=BOTH)
def test_pop(c):
    for count in (1, 1000, 1024, 1025, 10000, COUNT - 1, COUNT, COUNT + 1):
        c.cmd("DEL", "s")
        fill(c, "s", 0, COUNT)
        c.cmd("EXPIRE", "s", 1000)
        found = texts(c.cmd("SPOP", "s", count))
        assert len(found) == min(count, COUNT)
        left = texts(c.cmd("SMEMBERS", "s"))
        assert c.cmd("SCARD", "s") == len(left)
        assert sorted(found + left) == names(range(COUNT)), count
        if left:
            assert c.cmd("TTL", "s").items > 900


@case(protocols=BOTH)
def test_scan(c):
    fill(c, "s", 0, COUNT)
    for count in (10, 1000, 100000):
        cursor, found, steps = b"0", set(), 0
        while True:
            reply = c.cmd("SSCAN", "s", cursor, "COUNT", count).items
            cursor, steps = reply[0].items, steps + 1
            found.update(texts(reply[1]))
            if steps % 10 == 0 and count == 10:
                c.cmd("SADD", "s", b"new:%d" % steps)
                c.cmd("SREM", "s", b"new:%d" % (steps - 10))
            if cursor == b"0":
                break
        assert set(names(range(COUNT))) <= found
        assert steps <= COUNT // count + 2
    reply = c.cmd("SSCAN", "s", 0, "COUNT", COUNT * 10, "MATCH", "member:1999?").items
    assert sorted(texts(reply[1])) == names(range(19990, 20000))


@case(protocols=BOTH)
def test_algebra(c):
    fill(c, "a", 0, COUNT)
    fill(c, "b", COUNT // 2, COUNT)
    fill(c, "c", COUNT - 10, 100)
    half = COUNT // 2
    rows = (("SINTER", ["a", "b"], [range(half, COUNT)]),
            ("SINTER", ["a", "b", "c"], [range(COUNT - 10, COUNT)]),
            ("SUNION", ["a", "b"], [range(COUNT + half)]),
            ("SUNION", ["c", "a"], [range(COUNT + 90)]),
            ("SDIFF", ["a", "b"], [range(half)]),
            ("SDIFF", ["a", "c"], [range(COUNT - 10)]),
            ("SDIFF", ["c", "a"], [range(COUNT, COUNT + 90)]),
            ("SDIFF", ["a", "a"], []), ("SDIFF", ["a", "c", "b"], [range(half)]))
    for operation, keys, expected in rows:
        expected = names(*expected)
        assert sorted(texts(c.cmd(operation, *keys))) == expected, (operation, keys)
        for target in ("d", keys[-1]):
            copies = [key + ":copy" for key in keys]
            for key, copy in zip(keys, copies):
                c.cmd("COPY", key, copy, "REPLACE")
            into = target if target == "d" else target + ":copy"
            assert c.cmd(operation + "STORE", into, *copies) == len(expected), (operation, keys)
            assert sorted(texts(c.cmd("SMEMBERS", into))) == expected
            for key, copy in zip(keys, copies):
                if copy != into:
                    assert c.cmd("SCARD", copy) == c.cmd("SCARD", key).items
        if operation == "SINTER" or not is_oracle():
            assert c.cmd(operation + "CARD", len(keys), *keys) == len(expected)
            limited = c.cmd(operation + "CARD", len(keys), *keys, "LIMIT", 5000)
            assert limited == min(5000, len(expected))
    assert sorted(texts(c.cmd("SMEMBERS", "a"))) == names(range(COUNT))
    assert sorted(texts(c.cmd("SMEMBERS", "b"))) == names(range(half, COUNT + half))


@case(options=["--set-max-listpack-entries", "100000"])
def test_pops_of_a_long_small_set(c):
    fill(c, "s", 0, 3000)
    assert c.cmd("OBJECT", "ENCODING", "s") == b"listpack"
    found = texts(c.cmd("SPOP", "s", 2000))
    left = texts(c.cmd("SMEMBERS", "s"))
    assert len(found) == 2000 and sorted(found + left) == names(range(3000))


@case
def test_store_while_the_sources_change(c):
    """Each result is that of one instant: members move in one command from a to b and back, so that
    the union always has all of them, once each."""
    fill(c, "a", 0, COUNT)
    fill(c, "b", COUNT, COUNT)
    stop = threading.Event()
    failures = []

    def shuttle():
        other = c.server.connect(2)
        number = 0
        while not stop.is_set():
            moved = name(number % COUNT)
            if other.cmd("SMOVE", "a", "b", moved) != 1 or other.cmd("SMOVE", "b", "a", moved) != 1:
                failures.append(moved)
            number += 1
        other.close()

    thread = threading.Thread(target=shuttle)
    thread.start()
    try:
        for _ in range(6):
            assert c.cmd("SUNIONSTORE", "u", "a", "b") == COUNT * 2
            assert c.cmd("SINTERSTORE", "i", "a", "b") == 0
            assert len(texts(c.cmd("SUNION", "a", "b"))) == COUNT * 2
            assert c.cmd("SDIFFSTORE", "e", "a", "b").items in (COUNT, COUNT - 1)
            assert c.cmd("SCARD", "u") == COUNT * 2
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert sorted(texts(c.cmd("SMEMBERS", "u"))) == names(range(COUNT * 2))


@case(protocols=BOTH)
def test_members_while_they_change(c):
    """A whole reply is sent in parts; what other clients write meanwhile does not show."""
    fill(c, "s", 0, COUNT)
    other = c.server.connect(2)
    for round_number in range(5):
        c.send("SMEMBERS", "s")
        for number in range(0, COUNT, 100):
            other.send("SMOVE", "s", "gone", name(number))
            other.send("SADD", "s", b"new:%d:%d" % (round_number, number))
        c.send("SCARD", "gone")
        found = texts(c.read())
        gone = names(range(COUNT)) != sorted(found) and not is_oracle()
        for _ in range(COUNT // 100 * 2):
            assert other.read() == 1
        assert c.read().kind == "integer"
        assert len(found) == len(set(found))
        if gone:
            kept = {member for member in found if member.startswith(b"member:")}
            lost = [n for n in range(0, COUNT, 100) if name(n) not in kept]
            assert lost == list(range(0, len(lost) * 100, 100)), "not a moment between two writes"
        for number in range(0, COUNT, 100):
            other.send("SMOVE", "gone", "s", name(number))
            other.send("SREM", "s", b"new:%d:%d" % (round_number, number))
        for _ in range(COUNT // 100 * 2):
            assert other.read() == 1
    c.send("SMEMBERS", "s")
    c.send("DEL", "s")
    assert sorted(texts(c.read())) == names(range(COUNT))
    assert c.read() == 1
    other.close()


@case
def test_sets_shrink(c):
    """A set that was large is one that few members are taken from fast, and nothing is lost."""
    fill(c, "s", 0, COUNT)
    for number in range(COUNT - 5):
        c.send("SREM", "s", name(number))
    for _ in range(COUNT - 5):
        assert c.read() == 1
    assert sorted(texts(c.cmd("SMEMBERS", "s"))) == names(range(COUNT - 5, COUNT))
    for _ in range(5):
        assert c.cmd("SPOP", "s").kind == "bulk"
    assert c.cmd("EXISTS", "s") == 0


main()
