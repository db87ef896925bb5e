"""maxmemory bounds the process: under loads that leave memory in the wrong places, the resident
size stays near the limit. A bound, not a time: writers wait rather than that the process grows.
"""
import os
import random
import threading
import time

from pollard_test import Skip, case, is_oracle, main, wait_for
from resp import encode
from talkers import client, info, newer

LIMIT = 96 << 20
# Promised are 105 on a machine with a core to spare; where the pool has to wait for its turn it may
# be more.
MOST = 112
BATCH = 200
OPTIONS = () if is_oracle() else ("--threads", "2")
EVICTING = (*OPTIONS, "--maxmemory", str(LIMIT), "--maxmemory-policy", "allkeys-lru")
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


class Watch:
    """The highest resident size of the server while the block runs."""

    def __init__(self, c):
        if is_oracle() or not info(c, "memory")["mem_allocator"].startswith("jemalloc"):
            raise Skip("does not hold its resident size")
        self.pid = c.server.pid
        self.peak = 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.ends.is_set():
            self.peak = max(self.peak, resident(self.pid))
            time.sleep(0.002)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.ends.set()
        self.thread.join()
        share = self.peak * 100 / LIMIT
        if os.environ.get("POLLARD_SHOW"):
            print(f"# peak {share:.1f} % of maxmemory", flush=True)
        if kind is None:
            assert share <= MOST, f"the process took {share:.1f} % of maxmemory"


def pipeline(c, commands):
    """Runs commands in batches; all must succeed."""
    batch = []
    for command in commands:
        batch.append(encode(*command))
        if len(batch) == BATCH:
            flush(c, batch)
            batch = []
    flush(c, batch)


def flush(c, batch):
    if batch:
        c.socket.sendall(b"".join(batch))
        for _ in batch:
            assert c.read().kind != "error"


def key(number):
    return b"key:%010d" % number


def sets(size, count, first=0, *words):
    value = b"x" * size
    for i in range(first, first + count):
        yield ("SET", key(i), value, *words)


def shuffled(count, seed):
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


def evicts(c):
    return int(info(c, "stats")["evicted_keys"]) > 0


@case(options=EVICTING, timeout=120)
def test_values_grow(c):
    with Watch(c):
        for size, count in ((24, 900_000), (200, 300_000), (900, 105_000), (5000, 21_000)):
            pipeline(c, sets(size, count))
        assert evicts(c)


@case(options=EVICTING, timeout=120)
def test_values_shrink(c):
    with Watch(c):
        for size, count in ((5000, 19_500), (900, 105_000), (200, 300_000), (24, 450_000)):
            pipeline(c, (("SET", key(i), b"x" * size) for i in shuffled(count, size)))
        assert evicts(c)


@case(options=EVICTING, timeout=120)
def test_many_are_deleted(c):
    with Watch(c):
        pipeline(c, sets(100, 675_000))
        pipeline(c, (("DEL", key(i)) for i in shuffled(675_000, 3) if i % 10 != 0))
        pipeline(c, sets(700, 150_000, first=2_000_000))
        assert evicts(c)


@case(options=EVICTING, timeout=120)
def test_many_expire(c):
    with Watch(c):
        pipeline(c, sets(100, 570_000, 0, "PX", "1500"))
        pipeline(c, sets(100, 60_000, 750_000))
        wait_for(lambda: c.cmd("DBSIZE").value <= 60_000, what="expiry")
        pipeline(c, sets(700, 150_000, first=2_000_000))
        assert evicts(c)


@case(options=EVICTING, timeout=120)
def test_large_values(c):
    rng = random.Random(7)
    data = b"x" * 400_000
    with Watch(c):
        for _ in range(40):
            pipeline(c, [("SET", key(rng.randrange(900)), data[:rng.randrange(1000, 400_000)])
                         for _ in range(60)])
        assert evicts(c)


@case(options=EVICTING, timeout=120)
def test_tables_grow(c):
    with Watch(c):
        pipeline(c, (("SET", key(i), i) for i in range(1_350_000)))
        pipeline(c, (("SET", key(i), b"x" * 300) for i in range(0, 1_350_000, 8)))
        assert evicts(c)


@case(options=(*OPTIONS, "--connection-spread", "all"), timeout=120)
def test_values_stay_while_they_move(c):
    newer()
    c.cmd("CONFIG", "SET", "activedefrag", "yes", "active-defrag-ignore-bytes", "1",
          "active-defrag-threshold-lower", "0").is_ok()
    others = [client(c) for _ in range(3)]
    for start in range(0, 9000, 3000):
        for i in range(start, start + 3000):
            c.send("SET", f"string:{i}", f"{i}:" + "s" * (i % 1500))
            c.send("SADD", f"set:{i}", i, f"member:{i}")
            others[i % 3].send("SET", f"other:{i % 1000}", "o" * (i % 300))
            others[i % 3].send("DEL", f"other:{i * 7 % 1000}")
        assert all(c.read().kind != "error" for _ in range(6000))
        for other in others:
            assert all(other.read().kind != "error" for _ in range(2000))
        for i in range(0, start, 2):
            c.send("DEL", f"string:{i}", f"set:{i}")
        for i in range(0, start, 2):
            c.read()
    for i in range(1, 9000, 2):
        c.send("GET", f"string:{i}")
        c.send("SMEMBERS", f"set:{i}")
    for i in range(1, 9000, 2):
        assert c.read() == f"{i}:".encode() + b"s" * (i % 1500)
        assert sorted(item.value for item in c.read()) == sorted(
            [str(i).encode(), f"member:{i}".encode()])


@case(options=EVICTING, timeout=120)
def test_many_clients(c):
    """Each has a reply that it does not read, for a while."""
    pipeline(c, sets(100, 675_000))
    with Watch(c):
        clients = [client(c) for _ in range(1000)]
        for a in clients:
            a.socket.sendall(b"".join(encode("GET", key(i)) for i in range(673_500, 673_650)))
        pipeline(c, sets(100, 75_000, first=900_000))
        for a in clients:
            a.close()


main()
