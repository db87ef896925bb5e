"""Large lists: every command beyond the small form's bounds, conversions in both directions, and
what is long: searched, removed, moved and told from versions, with the list free for others.
"""
import random
import threading

from pollard_test import Error, Skip, case, encode, is_oracle, main

STEP = 1000
LARGE = 100000


def name(number):
    return b"item:%08d" % number


def fill(c, key, texts):
    for start in range(0, len(texts), STEP):
        c.cmd("RPUSH", key, *texts[start:start + STEP])


def expect(c, key, texts):
    assert c.cmd("LLEN", key) == len(texts)
    assert c.cmd("LRANGE", key, 0, -1).value == texts


@case(protocols=(2, 3))
def test_each_command(c):
    texts = [name(number) for number in range(3000)]
    fill(c, "l", texts)
    expect(c, "l", texts)
    for index in (0, 1, 255, 256, 1500, 2998, 2999, -1, -2, -1501, -3000):
        assert c.cmd("LINDEX", "l", index) == texts[index]
        texts[index] = b"set:%d" % index
        c.cmd("LSET", "l", index, texts[index]).is_ok()
    c.cmd("LSET", "l", 3000, "x").is_error("ERR index out of range")
    for start, stop in ((0, 9), (1490, 1510), (-10, -1), (2999, 2999), (100, 2500), (0, 1023),
                        (0, 1024), (7, 1031)):
        stop_index = len(texts) + stop if stop < 0 else stop
        start_index = len(texts) + start if start < 0 else start
        assert c.cmd("LRANGE", "l", start, stop).value == texts[start_index:stop_index + 1]
    expect(c, "l", texts)
    assert c.cmd("LPOP", "l") == texts.pop(0)
    assert c.cmd("RPOP", "l") == texts.pop()
    assert c.cmd("LPOP", "l", 50).value == texts[:50]
    assert c.cmd("RPOP", "l", 1500).value == texts[:-1501:-1]
    texts = texts[50:-1500]
    expect(c, "l", texts)
    assert c.cmd("LPUSH", "l", "x", "y") == len(texts) + 2
    texts = [b"y", b"x"] + texts
    assert c.cmd("LINSERT", "l", "AFTER", texts[900], "dup") == len(texts) + 1
    texts.insert(901, b"dup")
    assert c.cmd("LINSERT", "l", "BEFORE", texts[300], "dup") == len(texts) + 1
    texts.insert(300, b"dup")
    assert c.cmd("LPOS", "l", "dup", "COUNT", 0).value == [300, 902]
    assert c.cmd("LPOS", "l", "dup", "RANK", -1) == 902
    assert c.cmd("LREM", "l", -1, "dup") == 1
    assert c.cmd("LREM", "l", 0, "dup") == 1
    texts = [text for text in texts if text != b"dup"]
    expect(c, "l", texts)
    assert c.cmd("LMOVE", "l", "l", "LEFT", "RIGHT") == texts[0]
    assert c.cmd("LMOVE", "l", "m", "RIGHT", "LEFT") == texts[0]
    assert c.cmd("LMPOP", 2, "no", "l", "RIGHT", "COUNT", 3).value == [b"l", texts[:-4:-1]]
    texts = texts[1:-3]
    expect(c, "l", texts)
    c.cmd("LTRIM", "l", 10, -10).is_ok()
    expect(c, "l", texts[10:-9])
    c.cmd("LTRIM", "l", 100, 103).is_ok()
    expect(c, "l", texts[110:114])


@case
def test_conversions_keep_every_item(c):
    dice = random.Random(5)
    for limit in (-2, -1, 4, 100, 5000, -5):
        c.cmd("CONFIG", "SET", "list-max-listpack-size", limit).is_ok()
        c.cmd("DEL", "l")
        texts = []
        for target in (100, 400, 3, 2000, 120, 700, 60, 1500, 0):
            while len(texts) != target:
                count = min(abs(target - len(texts)), dice.randint(1, 90))
                if len(texts) < target:
                    more = [b"%d" % dice.randint(0, 10 ** dice.randint(1, 12))
                            for _ in range(count)]
                    if dice.random() < 0.5:
                        c.cmd("RPUSH", "l", *more)
                        texts += more
                    else:
                        c.cmd("LPUSH", "l", *more)
                        texts = more[::-1] + texts
                elif dice.random() < 0.5:
                    assert c.cmd("LPOP", "l", count).value == texts[:count]
                    texts = texts[count:]
                else:
                    assert c.cmd("RPOP", "l", count).value == texts[::-1][:count]
                    texts = texts[:len(texts) - count]
            expect(c, "l", texts)
        assert c.cmd("EXISTS", "l") == 0
    c.cmd("CONFIG", "SET", "list-max-listpack-size", -2).is_ok()


@case(protocols=(2, 3))
def test_long_searches(c):
    texts = [name(number % 50000) for number in range(LARGE)]
    fill(c, "l", texts)
    c.cmd("EXPIRE", "l", 1000)
    last = name(49999)
    assert c.cmd("LPOS", "l", name(7)) == 7
    assert c.cmd("LPOS", "l", last) == 49999
    assert c.cmd("LPOS", "l", last, "RANK", 2) == 99999
    assert c.cmd("LPOS", "l", last, "RANK", -1) == 99999
    assert c.cmd("LPOS", "l", name(0), "RANK", -1) == 50000
    assert c.cmd("LPOS", "l", last, "RANK", 3).value is None
    assert c.cmd("LPOS", "l", "nosuch").value is None
    assert c.cmd("LPOS", "l", "nosuch", "COUNT", 0).value == []
    assert c.cmd("LPOS", "l", name(5), "COUNT", 0).value == [5, 50005]
    assert c.cmd("LPOS", "l", name(5), "COUNT", 0, "RANK", -1).value == [50005, 5]
    assert c.cmd("LPOS", "l", name(5), "COUNT", 0, "MAXLEN", 50005).value == [5]
    assert c.cmd("LPOS", "l", name(5), "MAXLEN", 3).value is None
    for where in (0, 4000, 49999):
        assert c.cmd("LINSERT", "l", "AFTER", name(where), "new") == len(texts) + 1
        texts.insert(texts.index(name(where)) + 1, b"new")
    assert c.cmd("LINSERT", "l", "BEFORE", "nosuch", "new") == -1
    expect(c, "l", texts)
    assert c.cmd("LREM", "l", 0, "nosuch") == 0
    assert c.cmd("LREM", "l", 2, "new") == 2
    assert c.cmd("LREM", "l", -1, "new") == 1
    texts = [text for text in texts if text != b"new"]
    expect(c, "l", texts)
    assert 900 < c.cmd("TTL", "l").value <= 1000


@case
def test_long_removals(c):
    for period in (2, 3, 10, 15, 16, 17, 30, 5000):
        texts = [b"x" if number % period == 0 else b"%d" % number for number in range(30000)]
        for count in (0, 5, -5, 1000, -1000, 4000, -4000):
            c.cmd("DEL", "l")
            fill(c, "l", texts)
            there = [index for index, text in enumerate(texts) if text == b"x"]
            gone = there if count == 0 else there[:count] if count > 0 else there[count:]
            assert c.cmd("LREM", "l", count, "x") == len(gone), (period, count)
            gone = set(gone)
            expect(c, "l", [text for index, text in enumerate(texts) if index not in gone])
    c.cmd("DEL", "l")
    fill(c, "l", [b"x"] * 20000)
    assert c.cmd("LREM", "l", 0, "x") == 20000
    assert c.cmd("EXISTS", "l") == 0


@case
def test_long_moves(c):
    if is_oracle():
        raise Skip("newer than Redis 7.0")
    texts = [name(number) for number in range(20000)]
    for source_end in ("LEFT", "RIGHT"):
        for target_end in ("LEFT", "RIGHT"):
            for order in ("OBO", "BULK"):
                for target in ("none", "there", "same"):
                    move_block(c, texts, (source_end, target_end, order), target)


def move_block(c, texts, words, target):
    source_end, target_end, order = words
    count = 10000
    c.cmd("FLUSHALL")
    fill(c, "s", texts)
    block = texts[:count] if source_end == "LEFT" else texts[-count:]
    rest = texts[count:] if source_end == "LEFT" else texts[:-count]
    if order == "OBO" and source_end == target_end:
        block = block[::-1]
    there = rest if target == "same" else [b"a", b"b"] if target == "there" else []
    if target == "there":
        c.cmd("RPUSH", "d", *there)
        c.cmd("EXPIRE", "d", 1000)
    c.cmd("EXPIRE", "s", 1000)
    key = "s" if target == "same" else "d"
    reply = c.cmd("LMOVEM", "s", key, source_end, target_end, "COUNT", count, order)
    assert reply.value == block, (words, target)
    expect(c, key, block + there if target_end == "LEFT" else there + block)
    if target != "same":
        expect(c, "s", rest)
    assert (c.cmd("TTL", key).value > 0) == (target != "none")
    assert c.cmd("TTL", "s").value > 0
    if target != "same":
        reply = c.cmd("LMOVEM", "s", "d", source_end, target_end, "EXACTLY", len(rest), order)
        assert len(reply.value) == len(rest)
        assert c.cmd("EXISTS", "s") == 0


@case
def test_long_items(c):
    texts = [bytes([65 + number % 26]) * (400 + number * 7) for number in range(500)]
    fill(c, "l", texts)
    expect(c, "l", texts)
    assert c.cmd("LPOS", "l", texts[321]) == 321
    assert c.cmd("LREM", "l", 0, texts[321]) == 1
    assert c.cmd("LINSERT", "l", "BEFORE", texts[322], texts[321]) == 500
    c.cmd("COPY", "l", "m")
    assert c.cmd("LPOP", "l", 250).value == texts[:250]
    expect(c, "m", texts)
    c.cmd("LTRIM", "m", 499, 499).is_ok()
    expect(c, "m", texts[499:])
    expect(c, "l", texts[250:])


@case(protocols=(2, 3))
def test_a_slow_reader_gets_the_list_as_it_was(c):
    texts = [name(number) for number in range(30000)]
    changes = (["LPUSH", "l", "new"], ["LSET", "l", 15000, "new"], ["LTRIM", "l", 10, -100],
               ["LREM", "l", 0, name(29999)], ["LPOP", "l", 25000],
               ["LINSERT", "l", "BEFORE", name(16000), "new"], ["LMPOP", 1, "l", "LEFT"],
               ["RPOPLPUSH", "l", "l"], ["DEL", "l"])
    for read, expected in ((["LRANGE", "l", 0, -1], texts),
                           (["LRANGE", "l", 1000, -1000], texts[1000:-999])):
        c.cmd("DEL", "l")
        fill(c, "l", texts)
        readers = []
        for change in changes:
            slow = c.server.connect(protocol=c.protocol)
            slow.raw(encode(*read))
            slow.reader.feed(slow.socket.recv(10))
            readers.append(slow)
        reader = readers.pop(0)
        for change in changes:
            assert not isinstance(c.cmd(*change).value, Error), change
        for slow in [reader] + readers:
            assert slow.read().value == expected
            slow.close()


@case
def test_a_popped_range_is_told_to_a_slow_reader(c):
    texts = [name(number) for number in range(LARGE)]
    fill(c, "l", texts)
    slow = c.server.connect()
    slow.raw(encode("RPOP", "l", 60000) + encode("LPOP", "l", 60000))
    slow.reader.feed(slow.socket.recv(10))
    c.cmd("RPUSH", "l", "new")
    assert slow.read().value == texts[:39999:-1]
    first = slow.read().value
    assert first[:40000] == texts[:40000] and first[40000:] in ([], [b"new"])
    slow.close()


@case
def test_writers_beside_long_work(c):
    """Searches and removals begin anew when the list was changed, and lose nothing."""
    texts = [name(number) for number in range(LARGE)]
    fill(c, "l", texts)
    stop = threading.Event()
    pushed = []

    def push():
        d = c.server.connect()
        while not stop.is_set() and len(pushed) < 100000:
            text = b"pushed:%d" % len(pushed)
            d.cmd("RPUSH", "l", text)
            pushed.append(text)
        d.close()
    thread = threading.Thread(target=push)
    thread.start()
    try:
        for number in range(0, 30):
            middle = name(50000 + number)
            assert c.cmd("LREM", "l", 0, middle) == 1
            before = name(50000 + number + 1)
            assert c.cmd("LINSERT", "l", "BEFORE", before, b"in:%d" % number).value > 0
            assert c.cmd("LPOS", "l", b"in:%d" % number).value == 50000 + number
    finally:
        stop.set()
        thread.join()
    expected = (texts[:50000] + [b"in:%d" % number for number in range(30)] + texts[50030:]
                + pushed)
    expect(c, "l", expected)


main()
