"""Transactions over the wire: MULTI EXEC DISCARD in every state, in RESP2 and RESP3.

Rows are "COMMAND words", expected reply. All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server)
but for fields that are newer. WATCH has test_watch.py.
"""
from pollard_test import Closed, Error, case, is_oracle, main, wait_for
from talkers import (BOTH, NOT_INTEGER, OK, WRONG, arity, client, clients, fields, gone, items,
                     newer, rows, still_waits, waits)

QUEUED = "QUEUED"
ABORT = Error("EXECABORT Transaction discarded because of previous errors.")
NO_MULTI = Error("ERR EXEC without MULTI")
UNKNOWN = Error("ERR unknown command 'NOSUCH', with args beginning with: ")


@case(protocols=BOTH)
def test_exec(c):
    rows(c, ("MULTI", OK), ("SET a 1", QUEUED), ("INCR a", QUEUED), ("GET a", QUEUED),
         ("EXEC", [OK, 2, b"2"]), ("GET a", b"2"), ("EXEC", NO_MULTI),
         ("MULTI", OK), ("EXEC", []), ("multi", OK), ("exec", []))


@case(protocols=BOTH)
def test_discard(c):
    rows(c, ("SET a 1", OK), ("MULTI", OK), ("SET a 2", QUEUED), ("DISCARD", OK), ("GET a", b"1"),
         ("EXEC", NO_MULTI), ("DISCARD", Error("ERR DISCARD without MULTI")),
         ("MULTI", OK), ("NOSUCH", UNKNOWN), ("DISCARD", OK), ("MULTI", OK), ("EXEC", []))


@case(protocols=BOTH)
def test_arity(c):
    exec_x = Error("EXECABORT Transaction discarded because of: "
                   "wrong number of arguments for 'exec' command")
    rows(c, ("MULTI x", arity("multi")), ("EXEC x", exec_x), ("DISCARD x", arity("discard")),
         ("EXEC", NO_MULTI), ("MULTI", OK), ("MULTI x", arity("multi")), ("EXEC", ABORT),
         ("MULTI", OK), ("SET a 1", QUEUED), ("EXEC x", exec_x), ("EXEC", NO_MULTI),
         ("MULTI", OK), ("DISCARD x", arity("discard")), ("EXEC", ABORT), ("EXEC", NO_MULTI))


@case(protocols=BOTH)
def test_errors_at_queue_time_abort(c):
    for line, error in (("NOSUCH", UNKNOWN), ("GET", arity("get")), ("GET a b", arity("get")),
                        ("CLIENT KILL", arity("client|kill")),
                        ("CONFIG GET", arity("config|get")), ("OBJECT", arity("object"))):
        rows(c, ("MULTI", OK), ("SET a 1", QUEUED), (line, error), ("SET b 1", QUEUED),
             ("EXEC", ABORT), ("EXISTS a b", 0), ("EXEC", NO_MULTI))


@case(protocols=BOTH)
def test_errors_at_run_time_do_not(c):
    rows(c, ("SET s text", OK), ("MULTI", OK), ("INCR s", QUEUED), ("LPUSH s x", QUEUED),
         ("SET a 1 EX 0", QUEUED), ("SET b 1", QUEUED), ("SELECT 99", QUEUED),
         ("EXEC", [NOT_INTEGER, WRONG, Error("ERR invalid expire time in 'set' command"), OK,
                   Error("ERR DB index is out of range")]),
         ("EXISTS a b", 1))


@case(protocols=BOTH)
def test_nested(c):
    rows(c, ("MULTI", OK), ("MULTI", Error("ERR MULTI calls can not be nested")),
         ("SET a 1", QUEUED), ("EXEC", [OK]),
         ("MULTI", OK), ("WATCH a", Error("ERR WATCH inside MULTI is not allowed")),
         ("SET a 2", QUEUED), ("UNWATCH", QUEUED), ("EXEC", [OK, OK]), ("GET a", b"2"))


@case(protocols=BOTH)
def test_select_inside(c):
    rows(c, ("MULTI", OK), ("SET a zero", QUEUED), ("SELECT 1", QUEUED), ("SET a one", QUEUED),
         ("SELECT 2", QUEUED), ("GET a", QUEUED), ("EXEC", [OK, OK, OK, OK, None]),
         ("SET a two", OK), ("SELECT 0", OK), ("GET a", b"zero"), ("SELECT 1", OK),
         ("GET a", b"one"), ("SELECT 2", OK), ("GET a", b"two"),
         ("MULTI", OK), ("SELECT 0", QUEUED), ("DISCARD", OK), ("GET a", b"two"),
         ("MULTI", OK), ("SELECT 3", QUEUED), ("SET m 1", QUEUED), ("MOVE m 4", QUEUED),
         ("EXISTS m", QUEUED), ("SELECT 4", QUEUED), ("EXISTS m", QUEUED), ("SWAPDB 3 4", QUEUED),
         ("EXISTS m", QUEUED), ("EXEC", [OK, OK, 1, 0, OK, 1, OK, 0]))


@case(protocols=BOTH)
def test_select_beside_what_takes_long(c):
    """The database that a transaction ends in stays selected, wherever it was run."""
    for line in ("FLUSHALL", "FLUSHDB", "SWAPDB 2 3", "KEYS *", "RANDOMKEY", "DBSIZE", "GET a",
                 "FLUSHALL ASYNC"):
        for lines in ((line, "SELECT 1"), ("SELECT 1", line), ("SET a 1", "SELECT 1", line)):
            rows(c, ("SELECT 0", OK), ("MULTI", OK), *[(one, QUEUED) for one in lines])
            c.cmd("EXEC")
            assert fields(c, c.cmd("CLIENT", "ID").value)["db"] == "1", lines


@case(protocols=BOTH)
def test_over_everything(c):
    rows(c, ("MSET a 1 b 2", OK), ("MULTI", OK), ("DBSIZE", QUEUED), ("KEYS *", QUEUED),
         ("FLUSHDB", QUEUED), ("DBSIZE", QUEUED), ("SET c 1", QUEUED), ("FLUSHALL", QUEUED),
         ("SET d 1", QUEUED), ("DBSIZE", QUEUED), ("RANDOMKEY", QUEUED))
    reply = c.cmd("EXEC")
    assert reply[0] == 2 and sorted(reply[1].value) == items("a b")
    assert [item.value for item in reply[2:]] == [b"OK", 0, b"OK", b"OK", b"OK", 1, b"d"]


@case(protocols=BOTH)
def test_many_keys_of_all_shards(c):
    """Hundreds of keys, some in several commands: all of it, or nothing."""
    c.pipeline(("MULTI",), *[("SET", f"key:{i % 700}", i) for i in range(2000)],
               ("DBSIZE",), ("MGET", *[f"key:{i}" for i in range(700)]))
    reply = c.cmd("EXEC")
    assert len(reply) == 2002 and reply[2000] == 700
    last = {i % 700: i for i in range(2000)}
    assert reply[2001] == [b"%d" % last[i] for i in range(700)]
    c.pipeline(("MULTI",), *[("DEL", f"key:{i}") for i in range(700)], ("NOSUCH",))
    assert c.cmd("EXEC") == ABORT and c.cmd("DBSIZE") == 700


@case(protocols=BOTH)
def test_shapes(c):
    rows(c, ("HSET h a 1", 1), ("ZADD z 1.5 m", 1), ("SADD s x", 1))
    rows(c, ("MULTI", OK), ("HGETALL h", QUEUED), ("ZSCORE z m", QUEUED), ("SMEMBERS s", QUEUED),
         ("GET no", QUEUED), ("LPOP no 1", QUEUED), ("PING", QUEUED), ("PING x", QUEUED))
    kinds = [item.kind for item in c.cmd("EXEC")]
    if c.protocol == 3:
        assert kinds == ["map", "double", "set", "null", "null", "simple", "bulk"], kinds
    else:
        assert kinds == ["array", "bulk", "array", "null", "null_array", "simple", "bulk"], kinds


@case
def test_hello_inside(c):
    rows(c, ("HSET h a 1", 1), ("MULTI", OK), ("HGETALL h", QUEUED), ("HELLO 3", QUEUED),
         ("HGETALL h", QUEUED))
    c.reader.protocol = c.protocol = 3
    kinds = [item.kind for item in c.cmd("EXEC")]
    assert kinds == ["array", "map", "map"], kinds
    assert c.cmd("HGETALL", "h").kind == "map"


@case(protocols=BOTH)
def test_reset(c):
    rows(c, ("MULTI", OK), ("SET a 1", QUEUED), ("RESET", "RESET"))
    c.reader.protocol = c.protocol = 2
    rows(c, ("GET a", None), ("EXEC", NO_MULTI))


@case(protocols=BOTH)
def test_quit_and_dropped(c):
    a, b = clients(c, 2)
    rows(a, ("MULTI", OK), ("SET a 1", QUEUED))
    a.close()
    rows(b, ("MULTI", OK), ("SET a 1", QUEUED), ("QUIT", OK))
    assert b.is_closed()
    gone(c, a.id)
    assert c.cmd("EXISTS", "a") == 0


@case
def test_half_a_transaction_at_the_end(c):
    """A connection that ends with EXEC half sent has run nothing."""
    d = client(c)
    d.raw(b"MULTI\r\nSET a 1\r\nEXE")
    assert d.read() == OK and d.read() == QUEUED
    d.close()
    gone(c, d.id)
    assert c.cmd("EXISTS", "a") == 0


@case(protocols=BOTH)
def test_client_reply(c):
    """OFF silences all of it, SKIP one reply; what the transaction does is done."""
    c.send("CLIENT", "REPLY", "OFF")
    for line in (("MULTI",), ("SET", "a", "1"), ("INCR", "a"), ("EXEC",)):
        c.send(*line)
    assert c.cmd("CLIENT", "REPLY", "ON") == OK
    assert c.cmd("GET", "a") == b"2"
    c.send("CLIENT", "REPLY", "SKIP")
    c.send("MULTI")
    assert c.cmd("INCR", "a") == QUEUED and c.cmd("EXEC") == [3]


@case(protocols=BOTH)
def test_reply_off_inside(c):
    rows(c, ("MULTI", OK), ("SET a 1", QUEUED), ("CLIENT REPLY OFF", QUEUED), ("GET a", QUEUED))
    d = client(c)
    c.send("EXEC")
    c.send("INCR", "a")
    wait_for(lambda: d.cmd("GET", "a") == b"2")


@case(protocols=BOTH)
def test_blocking_commands_do_not_block(c):
    rows(c, ("RPUSH l a b", 2), ("MULTI", OK), ("BLPOP l 0", QUEUED), ("BLPOP no 0", QUEUED),
         ("BRPOP no l 0", QUEUED), ("BLMOVE l m LEFT LEFT 0", QUEUED),
         ("BRPOPLPUSH l m 0", QUEUED), ("BLMPOP 0 1 l LEFT", QUEUED),
         ("BZPOPMIN z 0", QUEUED), ("BZPOPMAX z 0", QUEUED), ("BZMPOP 0 1 z MIN", QUEUED),
         ("BLPOP l -1", QUEUED),
         ("EXEC", [items("l a"), None, items("l b"), None, None, None, None, None, None,
                   Error("ERR timeout is negative")]))


@case(protocols=BOTH)
def test_waiters_are_served_after_exec(c):
    a, b = clients(c, 2)
    waits(c, a, "BLPOP l 0")
    rows(c, ("MULTI", OK), ("RPUSH l a b c", QUEUED), ("LPOP l", QUEUED), ("LLEN l", QUEUED))
    still_waits(b, a)
    rows(c, ("EXEC", [3, b"a", 2]), ("LRANGE l 0 -1", items("c")))
    assert a.read() == items("l b")


@case(protocols=BOTH)
def test_publish_inside(c):
    a = client(c, 3)
    a.send("SUBSCRIBE", "ch")
    assert a.read() == items("subscribe ch") + [1]
    rows(c, ("MULTI", OK), ("PUBLISH ch x", QUEUED), ("PUBLISH no x", QUEUED), ("EXEC", [1, 0]),
         ("MULTI", OK), ("PUBLISH ch y", QUEUED), ("DISCARD", OK), ("PUBLISH ch z", 1))
    assert a.read() == items("message ch x") and a.read() == items("message ch z")


@case(protocols=BOTH)
def test_state_in_client_list(c):
    a = client(c)
    assert fields(c, a.id)["multi"] == "-1"
    a.cmd("MULTI")
    assert fields(c, a.id)["multi"] == "0" and "x" in fields(c, a.id)["flags"]
    a.cmd("GET", "a")
    a.cmd("GET", "a")
    assert fields(c, a.id)["multi"] == "2" and int(fields(c, a.id)["multi-mem"]) > 0
    a.cmd("EXEC")
    assert fields(c, a.id)["multi"] == "-1" and "x" not in fields(c, a.id)["flags"]


@case(protocols=BOTH)
def test_watch_in_client_list(c):
    newer()
    a = client(c)
    assert fields(c, a.id)["watch"] == "0"
    a.cmd("WATCH", "x", "y", "x")
    assert fields(c, a.id)["watch"] == "2"
    a.cmd("UNWATCH")
    assert fields(c, a.id)["watch"] == "0"


@case(protocols=BOTH)
def test_pipelined(c):
    replies = c.pipeline(*[("MULTI",), ("INCR", "n"), ("INCR", "n"), ("EXEC",)] * 500)
    assert replies[3::4] == [[2 * i + 1, 2 * i + 2] for i in range(500)]
    assert all(reply == QUEUED for reply in replies[1::4])


@case
def test_byte_by_byte(c):
    for byte in b"MULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\nGET a\r\nEXEC\r\n":
        c.raw(bytes([byte]))
    assert [c.read() for _ in range(4)] == [OK, QUEUED, QUEUED, [OK, b"\r\n"]]


@case(protocols=BOTH)
def test_all_or_nothing_to_others(c):
    """A reader of two keys of different shards never sees one of them newer than the other."""
    writer, reader = clients(c, 2)
    keys = [f"pair:{i}" for i in range(8)]
    for number in range(200):
        writer.raw(b"MULTI\r\n" + b"".join(f"SET {key} {number}\r\n".encode() for key in keys)
                   + b"EXEC\r\n")
        seen = reader.cmd("MGET", *keys).value
        assert len(set(seen)) == 1, seen
    for _ in range(200):
        for _ in range(len(keys) + 1):
            writer.read()
        assert writer.read() == [OK] * len(keys)


@case(options=("--client-query-buffer-limit", "1mb", "--maxmemory-clients", "0"), timeout=120)
def test_queue_that_is_too_long(c):
    """A queue that grows without end costs its client the connection, or the transaction."""
    d = client(c)
    used = int(c.cmd("INFO", "memory").value.decode().split("used_memory:")[1].split()[0])
    d.cmd("MULTI")
    value = b"x" * 100000
    try:
        for _ in range(50):
            assert d.cmd("SET", "k", value) == QUEUED
        assert int(fields(c, d.id)["multi-mem"]) > 4000000
    except (Closed, ConnectionError):
        assert not is_oracle(), "Redis 7.0 bounds it by maxmemory-clients alone"
    d.close()
    gone(c, d.id)
    wait_for(lambda: int(c.cmd("INFO", "memory").value.decode().split("used_memory:")[1].split()[0])
             < used + 2000000, what="the queue's memory is given back")


@case(options=("--maxmemory-clients", "2mb"))
def test_queue_beyond_maxmemory_clients(c):
    d = client(c)
    d.cmd("MULTI")
    try:
        for _ in range(100):
            d.cmd("SET", "k", b"x" * 100000)
    except (Closed, ConnectionError):
        pass
    gone(c, d.id)
    assert c.cmd("EXISTS", "k") == 0


main()
