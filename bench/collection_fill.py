"""Fills servers with large collections: commands of many elements each, pipelined.

An element is 19 bytes, "element:" and eleven digits in no order, so that neither server gains from
sorted input; a hash's value is 8 bytes, a score a number below a million.
"""
ELEMENTS = 500  # of a command
BATCH = 8  # commands sent before their replies are read
SPREAD = 7368787  # odd and no multiple of five: number * SPREAD % 10^11 takes every value once


def element(number):
    return b"element:%011d" % (number * SPREAD % 10**11)


def _arguments(command, number):
    if command == "ZADD":
        return (b"%d" % (number * 7919 % 1000003), element(number))
    if command == "HSET":
        return (element(number), b"%08d" % (number % 10**8))
    return (element(number),)


def encode(*words):
    """A command of bytes and texts; Connection's encoder in the little that is needed here."""
    words = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word)
                                               for word in words)


def pieces(command, key, count, first=0):
    """The commands that put elements first .. first + count - 1 into a key."""
    for begin in range(first, first + count, ELEMENTS):
        words = [command, key]
        for number in range(begin, min(begin + ELEMENTS, first + count)):
            words += _arguments(command, number)
        yield encode(*words)


def send(connection, commands):
    """Sends encoded commands, a batch ahead of the replies, all of which are integers or OK."""
    waiting = 0
    batch = []
    for command in commands:
        batch.append(command)
        if len(batch) == BATCH:
            waiting = _exchange(connection, batch, waiting)
            batch = []
    _receive(connection, _exchange(connection, batch, waiting))


def _exchange(connection, batch, waiting):
    if batch:
        connection.raw(b"".join(batch))
    _receive(connection, waiting)
    return len(batch)


def _receive(connection, count):
    for _ in range(count):
        reply = connection.read()
        if reply.kind == "error":
            raise RuntimeError(f"a collection cannot be filled: {reply.items}")


def fill(target, command, key, count):
    """Puts count elements into a key with RPUSH, SADD, HSET or ZADD."""
    connection = target.connect()
    try:
        send(connection, pieces(command, key, count))
    finally:
        connection.close()


def fill_list(target, key, count, item):
    """A list of count times the same item; count is a multiple of ELEMENTS."""
    connection = target.connect()
    try:
        send(connection, [encode("RPUSH", key, *[item] * ELEMENTS)] * (count // ELEMENTS))
    finally:
        connection.close()
