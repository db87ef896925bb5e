"""MEMORY *, the memory part of INFO, and the options of the budget. What Redis 7.0 has as well
holds there too (POLLARD_SERVER=redis-server).
"""
from pollard_test import Error, Skip, case, is_oracle, main, wait_for
from talkers import BOTH, OK, arity, client, gone, info, newer, rows

STATS = """peak.allocated total.allocated startup.allocated replication.backlog clients.slaves
clients.normal cluster.links aof.buffer lua.caches functions.caches overhead.total keys.count
keys.bytes-per-key dataset.bytes dataset.percentage peak.percentage allocator.allocated
allocator.active allocator.resident allocator-fragmentation.ratio allocator-fragmentation.bytes
allocator-rss.ratio allocator-rss.bytes rss-overhead.ratio rss-overhead.bytes fragmentation
fragmentation.bytes""".encode().split()
def ours(*options):
    """Options that Redis 7.0 does not have."""
    return () if is_oracle() else options


FLOATS = {name for name in STATS if name.endswith((b".percentage", b".ratio"))} | {b"fragmentation"}


def refused(option, why):
    return Error(f"ERR CONFIG SET failed (possibly related to argument '{option}') - {why}")


def told(c, *command):
    """A map as a dict; in RESP2 it is a flat list."""
    value = c.cmd(*command).value
    return value if c.protocol == 3 else dict(zip(value[::2], value[1::2]))


@case(protocols=BOTH)
def test_stats(c):
    empty = told(c, "MEMORY", "STATS")
    assert list(empty) == STATS
    for name, value in empty.items():
        if name in FLOATS:
            assert isinstance(value, float if c.protocol == 3 else bytes), (name, value)
            assert float(value) >= 0
        else:
            assert isinstance(value, int), (name, value)
    assert empty[b"keys.count"] == 0
    assert 0 < empty[b"startup.allocated"] <= empty[b"total.allocated"]
    for i in range(2000):
        c.send("SET", f"k{i}", "x" * 1000)
    for _ in range(2000):
        c.read()
    c.cmd("SELECT", "3")
    c.cmd("SET", "a", "1", "EX", "1000")
    full = told(c, "MEMORY", "STATS")
    assert full[b"keys.count"] == 2001
    assert full[b"dataset.bytes"] > 1_500_000
    assert full[b"total.allocated"] > full[b"startup.allocated"] + 1_500_000
    assert full[b"peak.allocated"] >= full[b"total.allocated"] - 100_000
    assert full[b"keys.bytes-per-key"] > 900
    for db in (b"db.0", b"db.3"):
        part = full[db]
        names = list(part) if c.protocol == 3 else part[::2]
        assert names[:2] == [b"overhead.hashtable.main", b"overhead.hashtable.expires"], names
    assert list(full).index(b"db.0") == list(full).index(b"overhead.total") - 2
    c.cmd("SELECT", "0")


@case(protocols=BOTH)
def test_words(c):
    for name in ("stats", "doctor", "purge", "malloc-stats", "help"):
        assert c.cmd("MEMORY", name, "x") == arity("memory|" + name)
    c.cmd("MEMORY", "PURGE").is_ok()
    for reply in (c.cmd("MEMORY", "MALLOC-STATS"), c.cmd("MEMORY", "DOCTOR")):
        assert reply.kind == ("verbatim" if c.protocol == 3 else "bulk"), reply
        assert len(reply) > 20
    c.cmd("MEMORY", "NOSUCH").is_error("ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.")
    lines = c.cmd("MEMORY", "HELP").value
    assert lines[0].startswith(b"MEMORY <subcommand>")
    for name in (b"DOCTOR", b"MALLOC-STATS", b"PURGE", b"STATS", b"USAGE <key> [SAMPLES <count>]"):
        assert name in lines


@case()
def test_usage(c):
    c.cmd("SET", "k", "x" * 100_000)
    assert 100_000 < c.cmd("MEMORY", "USAGE", "k").value < 140_000
    c.cmd("RPUSH", "l", *["y" * 1000] * 500)
    assert 400_000 < c.cmd("MEMORY", "USAGE", "l", "SAMPLES", "0").value < 800_000
    c.cmd("MEMORY", "USAGE", "none").is_null()
    rows(c, ("MEMORY USAGE l SAMPLES -1", Error("ERR syntax error")),
         ("MEMORY USAGE l SAMPLES", Error("ERR syntax error")))


@case()
def test_info(c):
    before = info(c, "memory")
    assert 0 < int(before["used_memory_startup"]) <= int(before["used_memory"])
    c.cmd("SET", "k", "x" * 10_000_000)
    at_peak = info(c, "memory")
    assert int(at_peak["used_memory_dataset"]) > 9_000_000
    assert (int(at_peak["used_memory_overhead"]) + int(at_peak["used_memory_dataset"])
            == int(at_peak["used_memory"]))
    c.cmd("DEL", "k")
    low = int(at_peak["used_memory"]) - 9_000_000
    wait_for(lambda: int(info(c, "memory")["used_memory"]) < low)
    assert int(info(c, "memory")["used_memory_peak"]) >= int(at_peak["used_memory"]) - 100_000
    assert is_oracle() or int(before["mem_clients_normal"]) > 0
    assert before["active_defrag_running"] == "0"


@case(options=())
def test_freed_by_the_pool(c):
    """Large values and flushed databases: in Redis by UNLINK and ASYNC, here always."""
    def figures():
        memory = info(c, "memory")
        return int(memory["lazyfree_pending_objects"]), int(memory["lazyfreed_objects"])
    assert figures() == (0, 0)
    c.cmd("SADD", "large", *range(20000))
    c.cmd("SET", "small", "1")
    rows(c, ("UNLINK large small", 2))
    wait_for(lambda: figures() == (0, 1), what="the set's end")
    for i in range(1000):
        c.cmd("SET", i, "1")
    rows(c, ("FLUSHALL ASYNC", OK))
    wait_for(lambda: figures() == (0, 1001), what="the keys' end")
    rows(c, ("CONFIG RESETSTAT", OK))
    assert figures() == (0, 0)


@case(options=ours("--maxmemory", "100mb", "--maxmemory-reserve", "10mb"))
def test_not_counted_for_eviction(c):
    """What clients take, but no more than the reserve."""
    newer()
    clients = wait_for(lambda: int(info(c, "memory")["mem_clients_normal"]), what="this client")
    wait_for(lambda: 0 < int(info(c, "memory")["mem_not_counted_for_evict"]) <= 10 * clients,
             what="its memory")
    rows(c, ("CONFIG SET maxmemory 0", OK))
    wait_for(lambda: info(c, "memory")["mem_not_counted_for_evict"] == "0", what="no budget")


@case(options=("--enable-debug-command", "yes"))
def test_stale_share(c):
    newer()
    assert info(c, "stats")["expired_stale_perc"] == "0.00"
    rows(c, ("DEBUG SET-ACTIVE-EXPIRE 0", OK))
    for i in range(400):
        c.cmd("SET", i, "1", "PX", "1" if i % 2 else "3600000")
    wait_for(lambda: 35 < float(info(c, "stats")["expired_stale_perc"]) < 65, what="half")
    rows(c, ("DEBUG SET-ACTIVE-EXPIRE 1", OK))
    wait_for(lambda: info(c, "stats")["expired_stale_perc"] == "0.00", what="their end")


def is_lean(c):
    """Does an empty server take little? Not in builds with a sanitizer."""
    memory = info(c, "memory")
    return int(memory["used_memory_rss"]) - int(memory["used_memory"]) < 15_000_000


@case(options=())
def test_doctor(c):
    assert b"empty" in c.cmd("MEMORY", "DOCTOR").value or not is_lean(c)
    c.cmd("SET", "a", "x" * 6_000_000)
    c.cmd("SET", "k", "x" * 20_000_000)
    assert int(info(c, "memory")["used_memory_peak"]) > 26_000_000  # peaks are seen by who looks
    c.cmd("DEL", "k")
    wait_for(lambda: b"Peak memory" in c.cmd("MEMORY", "DOCTOR").value)


@case(options=())
def test_doctor_after_a_flush(c):
    """Next to no data, but the process holds the pages of what was there."""
    newer()
    if not is_lean(c):
        raise Skip("a sanitizer keeps what is freed")
    for i in range(0, 300000, 1000):
        c.pipeline(*[("SET", f"key:{j}", "x" * 100) for j in range(i, i + 1000)])
    rows(c, ("FLUSHALL", OK))
    wait_for(lambda: int(info(c, "memory")["used_memory"]) < 5_000_000, what="the keys' end")
    text = c.cmd("MEMORY", "DOCTOR").value
    if int(info(c, "memory")["used_memory_rss"]) > 30_000_000:
        assert b"Peak memory" in text and b"Unused pages: " in text, text
    wait_for(lambda: c.cmd("MEMORY", "PURGE") == OK and b"empty" in c.cmd("MEMORY", "DOCTOR").value,
             what="the pages' end")


@case()
def test_options(c):
    newer()
    whole = int(info(c, "memory")["total_system_memory"])
    rows(c, ("CONFIG GET maxmemory-reserve", [b"maxmemory-reserve", b"10%"]),
         ("CONFIG SET maxmemory 75%", OK))
    limit = int(c.cmd("CONFIG", "GET", "maxmemory").value[1])
    assert 0 < limit <= whole * 3 // 4
    assert int(info(c, "memory")["maxmemory"]) == limit
    part = limit // 100 * 10 + limit % 100 * 10 // 100
    assert int(info(c, "memory")["maxmemory_reserve"]) == part
    rows(c, ("CONFIG SET maxmemory-reserve 5mb", OK),
         ("CONFIG GET maxmemory-reserve", [b"maxmemory-reserve", b"5242880"]))
    assert int(info(c, "memory")["maxmemory_reserve"]) == 5 << 20
    rows(c, ("CONFIG SET maxmemory 101%",
             refused("maxmemory", "percentage argument must be less or equal to 100")),
         ("CONFIG SET maxmemory-reserve 101%",
          refused("maxmemory-reserve", "percentage argument must be less or equal to 100")),
         ("CONFIG SET maxmemory 0%",
          refused("maxmemory", "percentage argument must be 1 at least")),
         ("CONFIG SET maxmemory %", refused("maxmemory", "argument must be a memory value")),
         ("CONFIG SET maxmemory -1%", refused("maxmemory", "argument must be a memory value")),
         ("CONFIG SET maxmemory-reserve x",
          refused("maxmemory-reserve", "argument must be a memory or percent value")),
         ("CONFIG SET maxmemory-reserve 101%",
          refused("maxmemory-reserve", "percentage argument must be less or equal to 100")),
         ("CONFIG SET maxmemory-clients 1mb", OK))
    c.cmd("PING")
    wait_for(lambda: int(info(c, "memory")["maxmemory_reserve"]) == 1 << 20)


@case(options=ours("--maxmemory", "50%", "--maxmemory-reserve", "20%"))
def test_command_line(c):
    newer()
    limit = int(info(c, "memory")["maxmemory"])
    assert 0 < limit <= int(info(c, "memory")["total_system_memory"]) // 2
    assert c.cmd("CONFIG", "GET", "maxmemory-reserve") == [b"maxmemory-reserve", b"20%"]


def fills(c, name):
    """Writes 10 KB values until the limit; returns how many."""
    count = 0
    while c.cmd("SET", f"{name}{count}", "x" * 10_000) == OK:
        count += 1
    return count


@case(options=ours("--maxmemory", "40mb", "--maxmemory-reserve", "40%", "--threads", "2"))
def test_clients_are_not_data(c):
    newer()
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    count = fills(c, "k")
    assert 16_000_000 < count * 10_000 < 25_200_000
    c.cmd("FLUSHALL")
    wait_for(lambda: int(info(c, "memory")["used_memory"]) < 10_000_000)
    large = client(c)
    large.socket.sendall(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$9900000\r\n" + b"x" * 9_000_000)
    wait_for(lambda: int(info(c, "memory")["mem_clients_normal"]) > 9_000_000)
    again = fills(c, "k")
    assert again > count * 0.85, "what a client holds is not the data's"


@case(options=ours("--maxmemory", "40mb", "--threads", "2"))
def test_who_overruns_the_reserve_is_closed(c):
    newer()
    keys = fills(c, "k") // 2
    for i in range(keys):
        c.cmd("DEL", f"k{i}")
    c.cmd("SET", "big", "x" * 500_000).is_ok()
    before = c.cmd("DBSIZE").value
    large = client(c)
    large.socket.sendall(b"GET big\r\n" * 100)
    gone(c, large.id)
    assert int(info(c, "stats")["evicted_clients"]) == 1
    assert c.cmd("DBSIZE") == before, "no data goes for a client"


LARGE = b"x" * 25_000_000


@case(options=ours("--maxmemory", "20mb", "--threads", "2", "--maxmemory-policy", "allkeys-lru"),
      protocols=BOTH)
def test_what_cannot_fit_takes_nothing(c):
    newer()
    OOM = Error("OOM command not allowed when used memory > 'maxmemory'.")
    c.cmd("FLUSHALL").is_ok()
    for i in range(1000):
        c.cmd("SET", f"k{i}", "x" * 10_000).is_ok()
    before = c.cmd("DBSIZE").value
    part = client(c)
    part.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$25000000\r\n" + LARGE[:15_000_000])
    for command in (("SET", "k", LARGE), ("ECHO", LARGE), ("APPEND", "k", LARGE), ("GET", LARGE)):
        assert c.cmd(*command) == OOM, command[0]
    c.cmd("MULTI").is_ok()
    assert c.cmd("SET", "k", LARGE) == OOM
    c.cmd("EXEC").is_error("EXECABORT")
    part.socket.sendall(LARGE[15_000_000:] + b"\r\n")
    assert part.read() == OOM
    assert part.cmd("PING") == "PONG"
    assert c.cmd("EXISTS", "k") == 0
    assert c.cmd("DBSIZE") == before, "no data goes for what cannot be stored"
    assert int(info(c, "stats")["evicted_clients"]) == 0


@case(options=ours("--maxmemory", "20mb", "--threads", "2", "--maxmemory-policy", "allkeys-lru"))
def test_who_may_not_be_closed_sends_much(c):
    """There is nobody that could be closed instead."""
    newer()
    c.cmd("CLIENT", "NO-EVICT", "ON").is_ok()
    c.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12000000\r\n" + LARGE[:6_000_000])
    c.socket.sendall(LARGE[6_000_000:12_000_000] + b"\r\n")
    assert c.read() == OK
    assert c.cmd("STRLEN", "k") == 12_000_000


@case(options=ours("--maxmemory", "20mb", "--threads", "2", "--maxmemory-policy", "allkeys-lru"))
def test_many_senders_do_not_take_all(c):
    newer()
    for i in range(1400):
        c.cmd("SET", f"k{i}", "x" * 10_000).is_ok()
    senders = [client(c) for _ in range(20)]
    for sender in senders:
        try:
            sender.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n" + LARGE[:1_500_000])
        except OSError:
            pass  # it was closed before it had sent all
    wait_for(lambda: int(info(c, "stats")["evicted_clients"]) > 10, what="senders are closed")
    assert c.cmd("DBSIZE").value > 500


main()
