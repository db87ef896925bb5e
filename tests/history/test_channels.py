"""The order of a channel: several publishers, subscribers of every kind, one order for all.

Some subscribers stay from first to last, in RESP2 and RESP3, by channel and by pattern; others come
and go. What one saw between its SUBSCRIBE and its UNSUBSCRIBE is a piece of the one order without a
gap, and holds all whose PUBLISH began after the first reply and was answered before the second
request. The replies of PUBLISH add up to what all subscribers saw.
"""
import random
import threading

from pollard_test import SLOW, case, is_oracle, main

PUBLISHERS = 4
MESSAGES = max(int(1500 / SLOW), 100)  # a publisher
STAYING = 12
COMING = 6
CHANNEL = "news"
WAYS = [("SUBSCRIBE", CHANNEL, 2), ("SUBSCRIBE", CHANNEL, 3),
        ("PSUBSCRIBE", "n?ws", 2), ("PSUBSCRIBE", "new*", 3)]


class Board:
    """How far each publisher is: messages begun, and messages answered."""

    def __init__(self):
        self.begun = [0] * PUBLISHERS
        self.answered = [0] * PUBLISHERS
        self.receivers = [0] * PUBLISHERS
        self.running = PUBLISHERS


class Thread(threading.Thread):
    def __init__(self, server, board):
        super().__init__(daemon=True)
        self.server = server
        self.board = board
        self.failure = None

    def run(self):
        try:
            self.work()
        except Exception as error:  # shown by the case
            self.failure = error


class Publisher(Thread):
    def __init__(self, server, board, number):
        super().__init__(server, board)
        self.number = number

    def work(self):
        connection = self.server.connect()
        board = self.board
        try:
            index = 0
            while index < MESSAGES:
                burst = random.choice([1, 1, 1, 3])  # several in one write, too
                board.begun[self.number] = index + burst
                replies = connection.pipeline(*[("PUBLISH", CHANNEL, f"{self.number}:{index + i}")
                                                for i in range(burst)])
                board.receivers[self.number] += sum(reply.items for reply in replies)
                index += burst
                board.answered[self.number] = index
        finally:
            board.running -= 1
            connection.close()


class Subscriber(Thread):
    def __init__(self, server, board, number):
        super().__init__(server, board)
        self.command, self.target, protocol = WAYS[number % len(WAYS)]
        self.connection = server.connect(protocol=protocol)

    def order(self, command):
        """SUBSCRIBE or UNSUBSCRIBE; returns the messages that came before its confirmation."""
        self.connection.send(command, self.target)
        messages = []
        while True:
            value = self.connection.read().value
            if value[0] == command.lower().encode():
                assert value[1] == self.target.encode(), value
                return messages
            messages.append(self.message_of(value))

    def message_of(self, value):
        expected = {"SUBSCRIBE": [b"message"], "PSUBSCRIBE": [b"pmessage", self.target.encode()]}
        head = expected[self.command] + [CHANNEL.encode()]
        assert value[:-1] == head, value
        return value[-1].decode()

    def next_message(self):
        return self.message_of(self.connection.read().value)


class Staying(Subscriber):
    """There before the first message and until the one that ends all."""

    def __init__(self, server, board, number):
        super().__init__(server, board, number)
        self.seen = []
        assert self.order(self.command) == []

    def work(self):
        while not self.seen or self.seen[-1] != "end":
            self.seen.append(self.next_message())


class Coming(Subscriber):
    """Comes and goes; each stay is (begun at its begin, messages, answered at its end)."""

    def __init__(self, server, board, number):
        super().__init__(server, board, number)
        self.stays = []

    def work(self):
        while self.board.running > 0:
            assert self.order(self.command) == []
            begun = list(self.board.begun)
            seen = []
            # A stay is bounded by messages while there are sure to be some.
            while len(seen) < 8 and all(count < MESSAGES - 50 for count in self.board.begun):
                seen.append(self.next_message())
            answered = list(self.board.answered)
            seen += self.order(self.command.replace("SUB", "UNSUB"))
            self.stays.append((begun, seen, answered))


def check_stay(stay, places, order):
    begun, seen, answered = stay
    if seen:
        first = places[seen[0]]
        assert order[first:first + len(seen)] == seen, "a gap, or another order"
    due = {f"{publisher}:{index}" for publisher in range(PUBLISHERS)
           for index in range(begun[publisher], answered[publisher])}
    assert due <= set(seen), f"missed: {sorted(due - set(seen))[:10]}"


@case(timeout=120)
def test_one_order(c):
    board = Board()
    staying = [Staying(c.server, board, number) for number in range(STAYING)]
    coming = [Coming(c.server, board, number) for number in range(COMING)]
    publishers = [Publisher(c.server, board, number) for number in range(PUBLISHERS)]
    for thread in [*staying, *coming, *publishers]:
        thread.start()
    for thread in publishers + coming:
        thread.join()
    receivers = sum(board.receivers) + c.cmd("PUBLISH", CHANNEL, "end").items
    for thread in staying:
        thread.join()
    failures = [thread.failure for thread in [*staying, *coming, *publishers] if thread.failure]
    assert not failures, failures
    order = staying[0].seen
    assert all(thread.seen == order for thread in staying), "two subscribers saw two orders"
    assert len(order) == sum(board.begun) + 1 == len(set(order))
    for publisher in range(PUBLISHERS):
        own = [message for message in order if message.startswith(f"{publisher}:")]
        assert own == [f"{publisher}:{index}" for index in range(board.begun[publisher])]
    places = {message: place for place, message in enumerate(order)}
    stays = [stay for thread in coming for stay in thread.stays]
    for stay in stays:
        check_stay(stay, places, order)
    deliveries = STAYING * len(order) + sum(len(seen) for _, seen, _ in stays)
    assert receivers == deliveries, f"PUBLISH said {receivers}, seen were {deliveries}"
    print(f"# {len(order)} messages, {deliveries} deliveries, {len(stays)} stays", flush=True)
    for thread in staying + coming:
        thread.connection.close()


@case
def test_both_ways_count_twice(c):
    """A client that has the channel and a pattern for it gets both, and counts twice."""
    s = c.server.connect()
    s.cmd("SUBSCRIBE", CHANNEL)
    s.cmd("PSUBSCRIBE", "n*")
    assert c.cmd("PUBLISH", CHANNEL, "x") == 2
    assert s.read() == [b"message", CHANNEL, b"x"]
    assert s.read() == [b"pmessage", b"n*", CHANNEL, b"x"]
    s.close()


main(*(() if is_oracle() else ("--threads", "4")))
