"""Publish and subscribe over the wire: every command and state, in RESP2 and RESP3.

All of it holds on Redis 7.0 (POLLARD_SERVER=redis-server) but for fields that are newer.
"""
import shlex

from pollard_test import Closed, Error, case, main, wait_for
from talkers import BOTH, OK, arity, client, clients, fields, gone, info, items, newer, rows, waits

KINDS = (("SUBSCRIBE", "UNSUBSCRIBE"), ("PSUBSCRIBE", "PUNSUBSCRIBE"),
         ("SSUBSCRIBE", "SUNSUBSCRIBE"))

ALLOWED = ("(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed "
           "in this context")


def hears(c, line, *expected):
    """Sends a line whose replies are messages: pushes in RESP3, arrays in RESP2."""
    c.send(*shlex.split(line))
    for words in expected:
        reply = c.read()
        assert reply.kind == ("push" if c.protocol == 3 else "array"), reply
        assert reply == words, f"{line}: {reply!r}, expected {words!r}"


def gets(c, *expected):
    for words in expected:
        reply = c.read()
        assert reply.kind == ("push" if c.protocol == 3 else "array"), reply
        assert reply == items(words) if isinstance(words, str) else reply == words, reply


def told(kind, name, count):
    return [kind.encode(), name if name is None else name.encode(), count]


@case(protocols=BOTH)
def test_arity(c):
    rows(c, ("SUBSCRIBE", arity("subscribe")), ("PSUBSCRIBE", arity("psubscribe")),
         ("SSUBSCRIBE", arity("ssubscribe")), ("PUBLISH a", arity("publish")),
         ("PUBLISH a b c", arity("publish")), ("SPUBLISH a", arity("spublish")),
         ("SPUBLISH a b c", arity("spublish")), ("PUBSUB", arity("pubsub")),
         ("PUBSUB NUMPAT x", arity("pubsub|numpat")),
         ("PUBSUB no", Error("ERR unknown subcommand 'no'. Try PUBSUB HELP.")))


@case(protocols=BOTH)
def test_counts(c):
    """SUBSCRIBE and PSUBSCRIBE count together, SSUBSCRIBE for itself."""
    hears(c, "SUBSCRIBE a b a", told("subscribe", "a", 1), told("subscribe", "b", 2),
          told("subscribe", "a", 2))
    hears(c, "PSUBSCRIBE a* a*", told("psubscribe", "a*", 3), told("psubscribe", "a*", 3))
    hears(c, "SSUBSCRIBE a s", told("ssubscribe", "a", 1), told("ssubscribe", "s", 2))
    hears(c, "UNSUBSCRIBE a no a", told("unsubscribe", "a", 2), told("unsubscribe", "no", 2),
          told("unsubscribe", "a", 2))
    hears(c, "PUNSUBSCRIBE a*", told("punsubscribe", "a*", 1))
    hears(c, "SUNSUBSCRIBE a no", told("sunsubscribe", "a", 1), told("sunsubscribe", "no", 1))
    hears(c, "UNSUBSCRIBE", told("unsubscribe", "b", 0))
    hears(c, "SUNSUBSCRIBE", told("sunsubscribe", "s", 0))
    rows(c, ("PING", "PONG"))


@case(protocols=BOTH)
def test_from_nothing(c):
    for subscribe, unsubscribe in KINDS:
        name = unsubscribe.lower()
        hears(c, unsubscribe, told(name, None, 0))
        hears(c, f"{unsubscribe} a b", told(name, "a", 0), told(name, "b", 0))
        rows(c, ("GET a", None))
        hears(c, f"{subscribe} a", told(subscribe.lower(), "a", 1))
        hears(c, unsubscribe, told(name, "a", 0))
        hears(c, unsubscribe, told(name, None, 0))


@case(protocols=BOTH)
def test_unsubscribe_from_all(c):
    names = {f"ch{i}" for i in range(100)}
    for subscribe, unsubscribe in KINDS:
        c.send(subscribe, *names)
        for count in range(1, 101):
            assert c.read()[2] == count
        c.send(unsubscribe)
        replies = [c.read().value for _ in range(100)]
        assert {reply[1].decode() for reply in replies} == names
        assert [reply[2] for reply in replies] == list(range(99, -1, -1))


@case
def test_restricted_in_resp2(c):
    for subscribe, unsubscribe in KINDS:
        hears(c, f"{subscribe} a", told(subscribe.lower(), "a", 1))
        for line in ("GET a", "get a", "SET a b", "PUBLISH a x", "MULTI", "DISCARD", "HELLO",
                     "HELLO 3", "SELECT 1", "CLIENT ID", "CONFIG GET maxmemory", "PUBSUB NUMPAT"):
            name = line.split()[0].lower()
            if name in ("client", "config", "pubsub"):
                name += "|" + line.split()[1].lower()
            rows(c, (line, Error(f"ERR Can't execute '{name}': only {ALLOWED}")))
        rows(c, ("NOSUCH", Error("ERR unknown command 'NOSUCH', with args beginning with: ")),
             ("GET", arity("get")), ("PING", items("pong") + [b""]),
             ("PING hello", items("pong hello")), ("PING a b", arity("ping")))
        hears(c, f"{subscribe} b", told(subscribe.lower(), "b", 2))
        hears(c, f"{unsubscribe} a b", told(unsubscribe.lower(), "a", 1),
              told(unsubscribe.lower(), "b", 0))
        rows(c, ("GET a", None), ("PING", "PONG"))


@case(protocols=(3,))
def test_any_command_beside_in_resp3(c):
    other = client(c)
    hears(c, "SUBSCRIBE a", told("subscribe", "a", 1))
    rows(c, ("SET k 1", OK), ("GET k", b"1"), ("PING", "PONG"), ("PING x", b"x"), ("MULTI", OK),
         ("INCR k", "QUEUED"), ("EXEC", [2]), ("SELECT 1", OK), ("CLIENT GETNAME", None))
    rows(other, ("PUBLISH a x", 1))
    rows(c, ("ECHO y", b"y"))
    assert c.push() == items("message a x")
    c.id = c.cmd("CLIENT", "ID").value
    waits(other, c, "BLPOP l 0")
    rows(other, ("PUBLISH a while", 1))
    gets(c, "message a while")
    rows(other, ("SELECT 1", OK), ("RPUSH l e", 1))
    assert c.read() == items("l e")


@case(protocols=BOTH)
def test_messages(c):
    a, b = clients(c, 2)
    hears(a, "SUBSCRIBE ch other", told("subscribe", "ch", 1), told("subscribe", "other", 2))
    hears(b, "SUBSCRIBE ch", told("subscribe", "ch", 1))
    rows(c, ("PUBLISH ch hello", 2), ("PUBLISH other x", 1), ("PUBLISH no x", 0),
         ("PUBLISH CH x", 0), ("PUBLISH ch ''", 2))
    gets(a, "message ch hello", "message other x", [b"message", b"ch", b""])
    gets(b, "message ch hello", [b"message", b"ch", b""])
    hears(b, "UNSUBSCRIBE ch", told("unsubscribe", "ch", 0))
    rows(c, ("PUBLISH ch again", 1))
    gets(a, "message ch again")
    rows(b, ("PING", "PONG"))


@case(protocols=BOTH)
def test_any_bytes(c):
    a = client(c)
    for name in (b"", b"\r\n", bytes(range(256)), b"x" * 100000):
        a.send("SUBSCRIBE", name)
        assert a.read()[1] == name
        for text in (b"", b"\r\n\x00", bytes(range(256)) * 3, b"y" * 1000000):
            assert c.cmd("PUBLISH", name, text) == 1
            assert a.read() == [b"message", name, text]


@case(protocols=BOTH)
def test_patterns(c):
    a = client(c)
    for pattern, matching, others in (
            ("n*", "n news", "mews '' N"), ("n?ws", "news nxws", "nws neews"),
            ("n[a-e]ws", "naws news", "nfws nws"), ("n[^a-e]ws", "nfws", "naws"),
            ("n[ab]", "na nb", "nc n"), ("a\\\\*b", "a*b", "aab"), ("", "''", "a"),
            ("*", "a b", ""), ("a**b", "ab axb", "a b"), ("[a", "a", "b"),
            ("h[a-", "ha", ""), ("x", "x", "xx X")):
        a.send("PSUBSCRIBE", *shlex.split(f"'{pattern}'" if "\\" not in pattern else pattern))
        name = a.read()[1].value
        for channel in shlex.split(matching):
            assert c.cmd("PUBLISH", channel, "m") == 1, (pattern, channel)
            gets(a, [b"pmessage", name, channel.encode(), b"m"])
        for channel in shlex.split(others):
            assert c.cmd("PUBLISH", channel, "m") == 0, (pattern, channel)
        a.send("PUNSUBSCRIBE")
        a.read()


@case(protocols=BOTH)
def test_patterns_and_channels(c):
    """A message comes once for the channel and once for every pattern; so it is counted."""
    a = client(c)
    hears(a, "SUBSCRIBE news", told("subscribe", "news", 1))
    hears(a, "PSUBSCRIBE n* news *s", told("psubscribe", "n*", 2), told("psubscribe", "news", 3),
          told("psubscribe", "*s", 4))
    rows(c, ("PUBLISH news x", 4))
    gets(a, "message news x")
    found = sorted(a.read().value[1] for _ in range(3))
    assert found == sorted(items("n* news *s"))


@case(protocols=BOTH, timeout=20)
def test_patterns_take_no_exponential_time(c):
    a = client(c)
    a.send("PSUBSCRIBE", "a*" * 30 + "b")
    a.read()
    assert c.cmd("PUBLISH", "a" * 45 + "b", "x") == 1


@case(protocols=BOTH)
def test_shards(c):
    a, b, d = clients(c, 3)
    hears(a, "SSUBSCRIBE ch", told("ssubscribe", "ch", 1))
    hears(b, "SUBSCRIBE ch", told("subscribe", "ch", 1))
    hears(d, "PSUBSCRIBE *", told("psubscribe", "*", 1))
    rows(c, ("SPUBLISH ch s", 1), ("SPUBLISH no s", 0), ("PUBLISH ch p", 2))
    gets(a, "smessage ch s")
    gets(b, "message ch p")
    gets(d, [b"pmessage", b"*", b"ch", b"p"])
    rows(c, ("PUBSUB SHARDCHANNELS", items("ch")), ("PUBSUB SHARDCHANNELS x*", []),
         ("PUBSUB SHARDNUMSUB ch no", [b"ch", 1, b"no", 0]), ("PUBSUB SHARDNUMSUB", []),
         ("PUBSUB CHANNELS", items("ch")), ("PUBSUB NUMSUB ch", [b"ch", 1]))


@case(protocols=BOTH)
def test_pubsub_command(c):
    a, b = clients(c, 2)
    rows(c, ("PUBSUB CHANNELS", []), ("PUBSUB NUMSUB", []), ("PUBSUB NUMPAT", 0),
         ("PUBSUB NUMSUB a", [b"a", 0]))
    a.send("SUBSCRIBE", "a", "b", "news")
    b.send("SUBSCRIBE", "a")
    b.send("PSUBSCRIBE", "a*", "b*")
    a.send("PSUBSCRIBE", "a*")
    for one, count in ((a, 4), (b, 3)):
        for _ in range(count):
            one.read()
    assert sorted(c.cmd("PUBSUB", "CHANNELS").value) == items("a b news")
    rows(c, ("PUBSUB CHANNELS n*", items("news")), ("PUBSUB CHANNELS ?????", []),
         ("PUBSUB NUMSUB a b no a", [b"a", 2, b"b", 1, b"no", 0, b"a", 2]), ("PUBSUB NUMPAT", 2))
    a.close()
    gone(c, a.id)
    rows(c, ("PUBSUB CHANNELS", items("a")), ("PUBSUB NUMSUB a b", [b"a", 1, b"b", 0]),
         ("PUBSUB NUMPAT", 2))
    b.cmd("RESET")
    b.pushes.clear()
    rows(c, ("PUBSUB CHANNELS", []), ("PUBSUB NUMPAT", 0), ("PUBLISH a x", 0))


@case(protocols=BOTH)
def test_reset_and_quit(c):
    a, b = clients(c, 2)
    for one in (a, b):
        hears(one, "SUBSCRIBE a", told("subscribe", "a", 1))
        hears(one, "PSUBSCRIBE a*", told("psubscribe", "a*", 2))
        hears(one, "SSUBSCRIBE a", told("ssubscribe", "a", 1))
    a.send("RESET")
    assert a.read() == "RESET"
    a.protocol = a.reader.protocol = 2
    b.send("QUIT")
    assert b.read() == OK and b.is_closed()
    gone(c, b.id)
    rows(c, ("PUBLISH a x", 0), ("SPUBLISH a x", 0), ("PUBSUB NUMPAT", 0))
    rows(a, ("GET a", None))


@case(protocols=BOTH)
def test_order(c):
    """What is published on a channel comes to all subscribers in one order."""
    readers, writers = clients(c, 3), clients(c, 4)
    for reader in readers:
        hears(reader, "SUBSCRIBE ch", told("subscribe", "ch", 1))
    for number, writer in enumerate(writers):
        writer.raw(b"".join(b"PUBLISH ch %d:%d\r\n" % (number, i) for i in range(500)))
    streams = [[reader.read()[2].value for _ in range(2000)] for reader in readers]
    assert streams[0] == streams[1] == streams[2]
    for number, writer in enumerate(writers):
        assert all(writer.read() == 3 for _ in range(500))
        own = [text for text in streams[0] if text.startswith(b"%d:" % number)]
        assert own == [b"%d:%d" % (number, i) for i in range(500)]


@case(protocols=BOTH)
def test_nothing_is_missed_after_the_reply(c):
    """Subscribing while a publisher runs: from the first message on, no gap."""
    writer, reader = clients(c, 2)
    # The server may not have met the end of the last case's subscribers yet.
    wait_for(lambda: c.cmd("PUBSUB", "NUMSUB", "ch").value[1] == 0)
    for round_number in range(20):
        writer.raw(b"".join(b"PUBLISH ch %d\r\n" % i for i in range(300)))
        reader.send("SUBSCRIBE", "ch")
        assert reader.read()[0] == b"subscribe"
        counts = [writer.read().value for _ in range(300)]
        writer.cmd("PUBLISH", "ch", "end")
        numbers = []
        while (message := reader.read()[2]) != b"end":
            numbers.append(int(message.value))
        assert numbers == list(range(300 - len(numbers), 300)), round_number
        assert sum(counts) == len(numbers)
        reader.send("UNSUBSCRIBE", "ch")
        reader.read()


@case(protocols=BOTH)
def test_pipelined_with_itself(c):
    c.raw(b"SUBSCRIBE a\r\nPING\r\nUNSUBSCRIBE a\r\nGET k\r\n")
    gets(c, told("subscribe", "a", 1))
    assert c.read() == (items("pong") + [b""] if c.protocol == 2 else "PONG")
    gets(c, told("unsubscribe", "a", 0))
    c.read().is_null()


@case(protocols=(3,))
def test_own_messages(c):
    hears(c, "SUBSCRIBE a", told("subscribe", "a", 1))
    c.send("PUBLISH", "a", "x")
    replies = [c.read() for _ in range(2)]
    assert sorted(reply.kind for reply in replies) == ["integer", "push"]


@case(protocols=BOTH)
def test_state(c):
    a = client(c)
    a.send("SUBSCRIBE", "a", "b")
    a.send("PSUBSCRIBE", "c*")
    a.send("SSUBSCRIBE", "s")
    for _ in range(4):
        a.read()
    found = fields(c, a.id)
    assert (found["sub"], found["psub"], found["ssub"]) == ("2", "1", "1") and "P" in found["flags"]
    stats = info(c, "stats")
    assert (stats["pubsub_channels"], stats["pubsub_patterns"]) == ("2", "1")
    assert b"id=%d " % a.id in c.cmd("CLIENT", "LIST", "TYPE", "pubsub").items
    assert b"id=%d " % a.id not in c.cmd("CLIENT", "LIST", "TYPE", "normal").items
    rows(c, ("CLIENT KILL TYPE pubsub", 1))
    assert a.is_closed()
    gone(c, a.id)
    assert info(c, "stats")["pubsub_channels"] == "0"


@case(protocols=BOTH)
def test_pubsub_clients_in_info(c):
    newer()
    a = client(c)
    assert info(c, "clients")["pubsub_clients"] == "0"
    hears(a, "SUBSCRIBE a", told("subscribe", "a", 1))
    assert info(c, "clients")["pubsub_clients"] == "1"


@case(protocols=BOTH)
def test_client_reply_off(c):
    """Silent are the replies; in RESP3 the messages are pushes, and come."""
    a = client(c, 3)
    a.send("CLIENT", "REPLY", "OFF")
    a.send("SUBSCRIBE", "a")
    wait_for(lambda: fields(c, a.id)["sub"] == "1")
    rows(c, ("PUBLISH a x", 1))


@case(protocols=BOTH,
      options=("--client-output-buffer-limit", "pubsub 2mb 0 0"), timeout=120)
def test_a_slow_subscriber_is_cut(c):
    """It loses its connection at its limit; the others miss nothing and the publisher goes on."""
    slow, quick = clients(c, 2)
    for one in (slow, quick):
        hears(one, "SUBSCRIBE ch", told("subscribe", "ch", 1))
    text = b"x" * 50000
    for number in range(200):
        assert c.cmd("PUBLISH", "ch", b"%d" % number + text).value in (1, 2)
        assert quick.read()[2] == b"%d" % number + text
    gone(c, slow.id)
    rows(c, ("PUBLISH ch end", 1))
    try:
        for _ in range(1000):
            slow.read()
        raise AssertionError("the slow one was not cut")
    except Closed:
        pass


@case(protocols=BOTH)
def test_many_channels_and_subscribers(c):
    others = clients(c, 50)
    for other in others:
        other.send("SUBSCRIBE", *[f"ch:{i}" for i in range(200)])
        for _ in range(200):
            other.read()
    assert c.cmd("PUBLISH", "ch:7", "x") == 50
    for other in others:
        gets(other, "message ch:7 x")
        other.close()
    for other in others:
        gone(c, other.id)
    rows(c, ("PUBSUB CHANNELS", []), ("PUBLISH ch:7 x", 0))


@case
def test_memory(c):
    """What a client has subscribed to counts as its memory, for as long as it has."""
    newer()
    other = client(c)
    before = int(fields(c, other.id)["tot-mem"])
    other.send("SUBSCRIBE", *[f"channel:{i}" for i in range(1000)])
    for _ in range(1000):
        other.read()
    assert int(fields(c, other.id)["tot-mem"]) > before + 1000 * 64
    other.send("UNSUBSCRIBE")
    for _ in range(1000):
        other.read()
    wait_for(lambda: int(fields(c, other.id)["tot-mem"]) < before + 1000 * 64)


@case
def test_help(c):
    reply = c.cmd("PUBSUB", "HELP")
    assert reply.kind == "array" and len(reply) > 5


main()
