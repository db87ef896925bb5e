"""Every reply of many elements is the exact value at one instant, whatever changes meanwhile.

Readers ask for whole collections of 20,000 elements and take the replies in small pieces; writers
change the same keys with commands that each keep something true: a list stays a rotation of itself,
numbers keep their sum, two members come and go together. A torn read breaks what is kept. Where
one writer's commands have an order, the reply must also lie between what was answered before the
question and what was asked before the first byte of the reply.
"""
import random

from pollard_test import case, encode, main

COUNT = 20000
STEP = 500
READERS = 3
REPLIES = 12
BATCH = 40
PIECE = 24 << 10
PADDING = b"." * 40
SENTINEL = b"the-end-of-this-reply"
END = b"$%d\r\n%b\r\n" % (len(SENTINEL), SENTINEL)


def name(number):
    return b"%08d" % number + PADDING


def number_of(element):
    return int(element[:8])


class Slow:
    """A reader with one reply on its way."""

    def __init__(self, connection, question, answered):
        self.connection = connection
        self.low = answered  # commands answered when the question was sent
        self.high = None     # commands asked when the first byte had come
        self.data = bytearray()
        connection.raw(encode(*question) + encode("ECHO", SENTINEL))

    def take(self, asked):
        """A piece more; True when that was all."""
        self.data += self.connection.socket.recv(PIECE)
        self.high = asked if self.high is None else self.high
        return self.data.endswith(END)

    def elements(self):
        """Of a RESP2 array of bulk strings without line ends in them."""
        lines = bytes(self.data[:-len(END)]).split(b"\r\n")
        assert int(lines[0][1:]) * 2 == len(lines) - 2, lines[0]
        return lines[2::2]


class Race:
    """Writers against slow readers. commands: a function that gives the n-th command; writers: how
    many connections share them (one keeps their order)."""

    def __init__(self, c, commands, writers=1):
        self.c = c
        self.commands = commands
        self.writers = [c.server.connect() for _ in range(writers)]
        self.asked = self.answered = 0

    def _write(self):
        """Asks for a batch of each writer; the replies are taken later."""
        for writer in self.writers:
            batch = range(self.asked, self.asked + BATCH)
            writer.raw(b"".join(encode(*self.commands(n)) for n in batch))
            self.asked += BATCH

    def _answers(self):
        for writer in self.writers:
            for _ in range(BATCH):
                reply = writer.read()
                assert reply.kind != "error", reply
            self.answered += BATCH

    def run(self, question, check):
        """Calls check(elements, low, high) for each of REPLIES replies."""
        idle = [self.c.server.connect() for _ in range(READERS)]
        waiting, begun = [], 0
        while begun < REPLIES or waiting:
            if idle and begun < REPLIES:
                # One a turn, so that their instants differ.
                waiting.append(Slow(idle.pop(), question, self.answered))
                begun += 1
            self._write()
            for slow in list(waiting):
                if slow.take(self.asked):
                    check(slow.elements(), slow.low, slow.high)
                    waiting.remove(slow)
                    idle.append(slow.connection)
            self._answers()


def fill(c, command, arguments):
    """Runs command in steps; arguments gives those of one element."""
    for first in range(0, COUNT, STEP):
        words = [word for n in range(first, first + STEP) for word in arguments(n)]
        assert c.cmd(*command, *words).kind != "error"


def check_rotation(elements, low, high):
    numbers = [number_of(element) for element in elements]
    first = numbers[0]
    assert numbers == [(first + n) % COUNT for n in range(COUNT)], "no rotation"
    turns = -first % COUNT
    assert any(low <= turns + round_ * COUNT <= high for round_ in range(10)), (low, turns, high)


@case(timeout=120)
def test_a_list_that_turns(c):
    for command in (["RPOPLPUSH", "k", "k"], ["LMOVE", "k", "k", "RIGHT", "LEFT"]):
        c.cmd("DEL", "k")
        fill(c, ["RPUSH", "k"], lambda n: [name(n)])
        Race(c, lambda n, command=command: command).run(["LRANGE", "k", 0, -1], check_rotation)


@case(timeout=120)
def test_a_list_written_from_end_to_end(c):
    """The elements that were written are a beginning of the list, as long as the writes said."""
    fill(c, ["RPUSH", "k"], lambda n: [name(0)])

    def write(n):
        return ["LSET", "k", n % COUNT, name(n // COUNT + 1)]

    def check(elements, low, high):
        assert len(elements) == COUNT
        rounds = [number_of(element) for element in elements]
        written = rounds.count(rounds[0])
        assert rounds == [rounds[0]] * written + [rounds[0] - 1] * (COUNT - written), "torn"
        done = (rounds[0] - 1) * COUNT + written
        assert low <= done <= high, (low, done, high)

    Race(c, write).run(["LRANGE", "k", 0, -1], check)


@case(timeout=120)
def test_a_list_that_moves_on(c):
    """Elements come at one end; LTRIM cuts the other: always neighbours, in order."""
    fill(c, ["RPUSH", "k"], lambda n: [name(n)])

    def write(n):
        return ["RPUSH", "k", name(COUNT + n // 2)] if n % 2 == 0 else ["LTRIM", "k", 1, -1]

    def check(elements, low, high):
        numbers = [number_of(element) for element in elements]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "torn"
        done = numbers[0] * 2 + len(numbers) - COUNT
        assert low <= done <= high, (low, done, high)

    Race(c, write).run(["LRANGE", "k", 0, -1], check)


def two_numbers(seed):
    """Pairs of different elements, repeatable."""
    source = random.Random(seed)

    def draw():
        first = source.randrange(COUNT)
        return first, (first + source.randrange(1, COUNT)) % COUNT
    return draw


@case(timeout=120)
def test_a_hash_whose_sum_stays(c):
    values = [1000] * COUNT
    fill(c, ["HSET", "k"], lambda n: [name(n), values[n]])
    draw = two_numbers(1)

    def write(n):
        first, second = draw()
        values[first] -= n
        values[second] += n
        return ["HSET", "k", name(first), values[first], name(second), values[second]]

    def check(elements, low, high):
        assert len({number_of(field) for field in elements[::2]}) == COUNT
        assert sum(int(value) for value in elements[1::2]) == 1000 * COUNT, "torn"

    Race(c, write).run(["HGETALL", "k"], check)


def check_values_sum(elements, low, high):
    assert len(elements) == COUNT
    assert sum(int(value) for value in elements) == 1000 * COUNT, "torn"


@case(timeout=120)
def test_the_values_of_a_hash(c):
    fill(c, ["HSET", "k"], lambda n: [name(n), 1000])
    values = [1000] * COUNT
    draw = two_numbers(2)

    def write(n):
        first, second = draw()
        values[first] -= 7
        values[second] += 7
        return ["HSET", "k", name(first), values[first], name(second), values[second]]

    Race(c, write).run(["HVALS", "k"], check_values_sum)


def come_and_go(add, remove):
    """Pairs x, y with the same number come and go, in one command each. Those that are there are
    the numbers from the one after the last that went on, below the next that comes."""
    def write(n):
        pair = n // 2
        if n % 2 == 0:
            return add(b"x%d" % (COUNT + pair), b"y%d" % (COUNT + pair))
        return remove(b"x%d" % pair, b"y%d" % pair)
    return write


def check_pairs(members, low, high):
    numbers = {letter: {int(member[1:]) for member in members if member[:1] == letter}
               for letter in (b"x", b"y")}
    assert len(members) == len(numbers[b"x"]) + len(numbers[b"y"]), "an element twice"
    assert numbers[b"x"] == numbers[b"y"], "half a pair"
    first, last = min(numbers[b"x"]), max(numbers[b"x"])
    assert len(numbers[b"x"]) == last - first + 1, "a pair is missing"
    done = first + last - COUNT + 1
    assert low <= done <= high, (low, done, high)


@case(timeout=120)
def test_a_set_of_pairs(c):
    fill(c, ["SADD", "k"], lambda n: [b"x%d" % n, b"y%d" % n])
    write = come_and_go(lambda x, y: ["SADD", "k", x, y], lambda x, y: ["SREM", "k", y, x])
    Race(c, write).run(["SMEMBERS", "k"], check_pairs)


@case(timeout=120)
def test_a_hash_of_pairs(c):
    fill(c, ["HSET", "k"], lambda n: [b"x%d" % n, n, b"y%d" % n, n])
    write = come_and_go(lambda x, y: ["HSET", "k", x, 1, y, 2], lambda x, y: ["HDEL", "k", y, x])
    Race(c, write).run(["HKEYS", "k"], check_pairs)


@case(timeout=120)
def test_members_that_move_between_sets(c):
    """SMOVE there and back: together the two sets always have every member, and none twice."""
    fill(c, ["SADD", "a"], lambda n: [name(n)])
    c.cmd("SADD", "b", name(COUNT))
    draw = random.Random(3)

    def write(_):
        keys = ["a", "b"] if draw.random() < 0.5 else ["b", "a"]
        return ["SMOVE", *keys, name(draw.randrange(COUNT))]

    def check(members, low, high):
        assert len(members) == COUNT + 1, len(members)
        assert {number_of(member) for member in members} == set(range(COUNT + 1))

    Race(c, write, writers=2).run(["SUNION", "a", "b"], check)


@case(timeout=120)
def test_a_set_of_integers(c):
    """Small enough to be sorted integers no more, and the same rule."""
    fill(c, ["SADD", "k"], lambda n: [n * 2, n * 2 + 1])

    def write(n):
        pair = COUNT + n // 2 if n % 2 == 0 else n // 2
        return ["SADD" if n % 2 == 0 else "SREM", "k", pair * 2, pair * 2 + 1]

    def check(members, low, high):
        check_pairs([b"%s%d" % (b"xy"[int(m) % 2:][:1], int(m) // 2) for m in members], low, high)

    Race(c, write).run(["SMEMBERS", "k"], check)


@case(timeout=120)
def test_a_sorted_set_whose_sum_stays(c):
    scores = [1000] * COUNT
    fill(c, ["ZADD", "k"], lambda n: [1000, name(n)])
    draw = two_numbers(4)

    def write(n):
        first, second = draw()
        scores[first] -= n
        scores[second] += n
        return ["ZADD", "k", scores[first], name(first), scores[second], name(second)]

    def check(elements, low, high):
        assert len({number_of(member) for member in elements[::2]}) == COUNT
        found = [int(score) for score in elements[1::2]]
        assert found == sorted(found), "not in order"
        assert sum(found) == 1000 * COUNT, "torn"

    Race(c, write).run(["ZRANGE", "k", 0, -1, "WITHSCORES"], check)


@case(timeout=120)
def test_a_sorted_set_that_turns(c):
    """The lowest member becomes the highest, again and again: always neighbours, in order."""

    def write(n):
        return ["ZADD", "k", COUNT + n, name(n % COUNT)]

    for question, is_reverse in ((["ZRANGE", "k", 0, -1], False),
                                 (["ZRANGE", "k", 0, -1, "REV"], True)):
        c.cmd("DEL", "k")
        fill(c, ["ZADD", "k"], lambda n: [n, name(n)])

        def check(elements, low, high, is_reverse=is_reverse):
            numbers = [number_of(element) for element in elements]
            numbers = numbers[::-1] if is_reverse else numbers
            first = numbers[0]
            assert numbers == [(first + n) % COUNT for n in range(COUNT)], "torn"
            assert any(low <= first + round_ * COUNT <= high for round_ in range(10))

        Race(c, write).run(question, check)


@case(timeout=120)
def test_a_sorted_set_of_pairs(c):
    fill(c, ["ZADD", "k"], lambda n: [n, b"x%d" % n, n, b"y%d" % n])
    write = come_and_go(lambda x, y: ["ZADD", "k", x[1:], x, y[1:], y],
                        lambda x, y: ["ZREM", "k", y, x])
    Race(c, write).run(["ZRANGE", "k", 0, -1], check_pairs)


main()
