"""Producers and blocking consumers whose connections are dropped and killed at random.

An element moved by BLMOVE is in one list or the other, always. One popped by BLPOP may be lost with
a connection that ended while it waited, one a connection, and is never given to two. A push whose
connection was killed before the reply may or may not have happened: it is at most once there.
"""
import queue
import random
import threading

from pollard_test import SLOW, Closed, case, is_oracle, main, wait_for

PRODUCERS = 64
CONSUMERS = 64
ELEMENTS = max(int(300 / SLOW), 8)  # a producer
LISTS = [f"queue:{number}" for number in range(4)]
TARGETS = [f"done:{number}" for number in range(4)]
KILL_EVERY = 20  # elements of a producer


class Worker(threading.Thread):
    """A connection that comes back when it was killed; subclasses say what it does."""

    def __init__(self, server, stop, seed):
        super().__init__(daemon=True)
        self.server = server
        self.stop = stop
        self.random = random.Random(seed)
        self.client_id = None
        self.drops = 0
        self.failure = None

    def connect(self):
        while True:
            connection = self.server.connect()
            try:
                self.client_id = connection.cmd("CLIENT", "ID").items
                return connection
            except (Closed, OSError):  # killed at once: an id is not used twice
                connection.close()

    def run(self):
        try:
            self.work()
        except Exception as error:  # shown by the case
            self.failure = error


class Producer(Worker):
    def __init__(self, server, stop, seed, kills):
        super().__init__(server, stop, seed)
        self.kills = kills
        self.name_part = seed
        self.acknowledged = set()
        self.unsure = set()

    def work(self):
        connection = self.connect()
        for number in range(0, ELEMENTS, 2):
            elements = [f"{self.name_part}:{number}", f"{self.name_part}:{number + 1}"]
            try:
                self.push(connection, elements)
                self.acknowledged.update(elements)
            except (Closed, OSError):
                self.unsure.update(elements)
                connection = self.connect()
            if number % KILL_EVERY == 0:
                self.kills.put(1)
        connection.close()

    def push(self, connection, elements):
        command = self.random.choice(["LPUSH", "RPUSH"])
        way = self.random.randrange(3)
        if way == 0:
            assert connection.cmd(command, self.random.choice(LISTS), *elements).kind == "integer"
        elif way == 1:
            for element in elements:
                reply = connection.cmd(command, self.random.choice(LISTS), element)
                assert reply.kind == "integer", reply
        else:
            pushes = [(command, self.random.choice(LISTS), element) for element in elements]
            replies = connection.pipeline(("MULTI",), *pushes, ("EXEC",))
            assert len(replies[-1]) == 2, replies


class Consumer(Worker):
    """Waits for an element again and again; now and then hangs up while it waits."""

    def __init__(self, server, stop, seed, command):
        super().__init__(server, stop, seed)
        self.command = command
        self.received = []

    def work(self):
        connection = self.connect()
        while not self.stop.is_set():
            try:
                connection.send(*self.command(self.random))
                if self.random.randrange(80) == 0:
                    self.drops += 1
                    connection.close()
                    connection = self.connect()
                    continue
                reply = connection.read()
            except (Closed, OSError):
                self.drops += 1
                connection = self.connect()
                continue
            assert reply.kind in ("bulk", "array", "null", "null_array"), reply
            self.received.append(reply.value)
        connection.close()


def kill_some(server, kills, workers, seed):
    """For each token one connection, whatever it is doing."""
    connection = server.connect()
    choose = random.Random(seed)
    while kills.get() is not None:
        connection.cmd("CLIENT", "KILL", "ID", choose.choice(workers).client_id or 0)
    connection.close()


def run_all(c, command):
    """Runs producers, consumers and the killer to their end; returns them."""
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}", flush=True)
    stop, kills = threading.Event(), queue.Queue()
    producers = [Producer(c.server, stop, seed + i, kills) for i in range(PRODUCERS)]
    consumers = [Consumer(c.server, stop, seed + 1000 + i, command) for i in range(CONSUMERS)]
    killer = threading.Thread(target=kill_some, daemon=True,
                              args=(c.server, kills, producers + consumers, seed))
    for thread in [*consumers, killer, *producers]:
        thread.start()
    for thread in producers:
        thread.join()
    kills.put(None)
    killer.join()
    wait_for(lambda: sum(c.cmd("LLEN", name).items for name in LISTS) == 0, 20,
             "the consumers to empty the queues")
    stop.set()
    for thread in consumers:
        thread.join()
    failures = [thread.failure for thread in producers + consumers if thread.failure]
    assert not failures, failures
    wait_for(lambda: c.cmd("CLIENT", "LIST").items.count(b"\n") == 1, 20, "ends of connections")
    assert b"blocked_clients:0\r\n" in c.cmd("INFO", "clients").items
    return producers, consumers


def pushed_by(producers):
    sure = set().union(*(producer.acknowledged for producer in producers))
    unsure = set().union(*(producer.unsure for producer in producers))
    return sure, unsure


def rest(c, names):
    return [item.decode() for name in names for item in c.cmd("LRANGE", name, 0, -1).value]


def check_each_once(elements, sure, unsure):
    assert len(elements) == len(set(elements)), "an element is there twice"
    assert set(elements) <= sure | unsure, "an element nobody pushed"


@case(timeout=120)
def test_blmove_is_exact(c):
    def command(choose):
        sides = [choose.choice(["LEFT", "RIGHT"]) for _ in range(2)]
        return ("BLMOVE", choose.choice(LISTS), choose.choice(TARGETS), *sides, "0.3")

    producers, consumers = run_all(c, command)
    sure, unsure = pushed_by(producers)
    elements = rest(c, LISTS + TARGETS)
    check_each_once(elements, sure, unsure)
    assert sure <= set(elements), f"lost: {sorted(sure - set(elements))[:20]}"
    drops = sum(consumer.drops for consumer in consumers)
    print(f"# {len(elements)} elements, {drops} waiting connections ended", flush=True)


@case(timeout=120)
def test_blpop_loses_one_a_dropped_connection_at_most(c):
    def command(choose):
        names = choose.sample(LISTS, 2)
        return (choose.choice(["BLPOP", "BRPOP"]), *names, "0.3")

    producers, consumers = run_all(c, command)
    sure, unsure = pushed_by(producers)
    received = [value[1].decode() for consumer in consumers for value in consumer.received
                if value is not None]
    elements = received + rest(c, LISTS)
    check_each_once(elements, sure, unsure)
    lost = sure - set(elements)
    drops = sum(consumer.drops for consumer in consumers)
    assert len(lost) <= drops, f"{len(lost)} lost, {drops} waiting connections ended"
    print(f"# {len(elements)} elements, {len(lost)} lost, {drops} waiting connections ended",
          flush=True)


main(*(() if is_oracle() else ("--threads", "4")))
