"""Client-side caching: eight RESP3 clients cache what they read while four writers change it.

Values are numbers that grow with each write of a key, and a key has one writer. What is asserted on
each connection, in the order in which replies and invalidations arrive on it:
- a read is at least as new as every write acknowledged before it was asked for;
- after an invalidation a read is newer than the value that was cached (with BCAST: not older);
- a reply newer than the cached value is never seen before the invalidation of that value;
- when all is quiet, what is still cached is what the server holds.
"""
import random
import threading

from pollard_test import SLOW, case, is_oracle, main

CACHERS = 8
WRITERS = 4
KEYS = [f"hot:{number}" for number in range(24)]
WRITES = max(int(1000 / SLOW), 50)  # a writer
PIPELINE = 4


class Board:
    """What the writers have done: number of the last write acknowledged, by key."""

    def __init__(self):
        self.acknowledged = {key: 0 for key in KEYS}
        self.running = WRITERS


class Thread(threading.Thread):
    def __init__(self, server, board, seed):
        super().__init__(daemon=True)
        self.server = server
        self.board = board
        self.random = random.Random(seed)
        self.failure = None

    def run(self):
        try:
            self.work()
        except Exception as error:  # shown by the case
            self.failure = error


class Writer(Thread):
    def __init__(self, server, board, seed, keys):
        super().__init__(server, board, seed)
        self.keys = keys
        self.last = {key: 0 for key in keys}

    def next_of(self, key):
        self.last[key] += 1
        return self.last[key]

    def work(self):
        connection = self.server.connect()
        try:
            for _ in range(WRITES):
                self.write(connection)
        finally:
            self.board.running -= 1
            connection.close()

    def write(self, connection):
        keys = self.random.sample(self.keys, 2)
        way = self.random.randrange(4)
        if way == 0:
            pairs = [part for key in keys for part in (key, self.next_of(key))]
            connection.cmd("MSET", *pairs).is_ok()
        elif way == 1:
            sets = [("SET", key, self.next_of(key)) for key in keys]
            assert len(connection.pipeline(("MULTI",), *sets, ("EXEC",))[-1]) == 2
        elif way == 2:
            keys = keys[:1]
            assert connection.cmd("INCR", keys[0]) == self.next_of(keys[0])
        else:
            keys = keys[:1]
            connection.cmd("SET", keys[0], self.next_of(keys[0])).is_ok()
        for key in keys:
            self.board.acknowledged[key] = self.last[key]


class Cacher(Thread):
    """One tracking connection with its cache."""

    def __init__(self, server, board, seed, mode):
        super().__init__(server, board, seed)
        self.mode = mode
        self.marker = f"hot:marker:{seed}"
        self.connection = server.connect(protocol=3)
        options = {"default": (), "OPTIN": ("OPTIN",), "BCAST": ("BCAST", "PREFIX", "hot:")}[mode]
        self.connection.cmd("CLIENT", "TRACKING", "ON", *options).is_ok()
        self.cache = {}
        self.newest = {}   # the newest value this connection has seen
        self.invalid = {}  # what was cached when the last invalidation came
        self.invalidations = self.hits = 0
        # redis-server sends what it broadcasts at the end of a turn, behind replies of that turn.
        self.is_ordered = not (mode == "BCAST" and is_oracle())

    def work(self):
        while self.board.running > 0:
            keys = self.random.sample(KEYS, PIPELINE)
            again = self.random.randrange(4) == 0  # also what is cached: the order is checked by it
            wanted = [key for key in keys if again or key not in self.cache]
            self.hits += len(keys) - len(wanted)
            if wanted:
                self.read_keys(wanted)
            else:
                self.connection.send("PING")
                self.frame_until_reply()

    def read_keys(self, keys):
        floors = {key: self.board.acknowledged[key] for key in keys}
        for key in keys:
            if self.mode == "OPTIN":
                self.connection.send("CLIENT", "CACHING", "YES")
            self.connection.send("GET", key)
        for key in keys:
            if self.mode == "OPTIN":
                self.frame_until_reply().is_ok()
            value = int(self.frame_until_reply().value or 0)
            assert value >= floors[key], f"{key} is {value}, {floors[key]} was acknowledged"
            self.check_reply(key, value)
            self.cache[key] = value

    def check_reply(self, key, value):
        assert value >= self.newest.get(key, 0), f"{key} went back to {value}"
        if key in self.cache and self.is_ordered:
            assert value == self.cache[key], (
                f"{key}: {value} before the invalidation of {self.cache[key]}")
        if key in self.invalid and self.mode != "BCAST":
            assert value > self.invalid[key], f"{key} is still {value} after its invalidation"
        self.newest[key] = value
        self.invalid.pop(key, None)

    def frame_until_reply(self):
        """The next reply; invalidations before it take effect."""
        while True:
            frame = self.connection.read()
            if frame.kind != "push":
                return frame
            self.take_invalidation(frame)

    def take_invalidation(self, frame):
        kind, keys = frame.value
        assert kind == b"invalidate" and keys, frame
        for key in (key.decode() for key in keys):
            self.invalidations += 1
            if key in self.cache:
                self.invalid[key] = self.cache.pop(key)

    def settle(self, control):
        """Waits for an invalidation that was caused after all others."""
        if self.mode == "OPTIN":
            self.connection.send("CLIENT", "CACHING", "YES")
            self.frame_until_reply().is_ok()
        self.connection.send("GET", self.marker)
        self.frame_until_reply()
        self.cache[self.marker] = 0
        control.cmd("SET", self.marker, 1).is_ok()
        while self.marker in self.cache:
            self.take_invalidation(self.connection.read())


def run_mode(c, mode):
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}", flush=True)
    board = Board()
    writers = [Writer(c.server, board, seed + i, KEYS[i::WRITERS]) for i in range(WRITERS)]
    cachers = [Cacher(c.server, board, seed + 100 + i, mode) for i in range(CACHERS)]
    for thread in writers + cachers:
        thread.start()
    for thread in writers + cachers:
        thread.join()
    failures = [thread.failure for thread in writers + cachers if thread.failure]
    assert not failures, failures
    held = {key: int(value or 0) for key, value in zip(KEYS, c.cmd("MGET", *KEYS).value)}
    for cacher in cachers:
        cacher.settle(c)
        stale = {key: (value, held[key]) for key, value in cacher.cache.items()
                 if value != held[key]}
        assert not stale, f"cached and held by the server: {stale}"
    invalidations = sum(cacher.invalidations for cacher in cachers)
    hits = sum(cacher.hits for cacher in cachers)
    assert invalidations > 0
    print(f"# {invalidations} invalidations, {hits} hits", flush=True)
    for cacher in cachers:
        cacher.connection.close()


@case
def test_default_mode(c):
    run_mode(c, "default")


@case
def test_optin(c):
    run_mode(c, "OPTIN")


@case
def test_bcast(c):
    run_mode(c, "BCAST")


main(*(() if is_oracle() else ("--threads", "4")))
