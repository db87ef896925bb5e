"""Conversations: several connections to both servers, line by line, all that arrives compared.

The oracle has one thread: two round trips of a control connection after a line, everything that the
line causes is in the sockets. It so says how many frames each connection gets, and whether the
sender waits (is blocked); of ours as many are awaited, and the same state. What comes too much is
found at the next line, or at the end, when all connections are told to QUIT and read to their end.
What a waiting connection of ours gets before the oracle's does (a time-out) is kept until then.
Between replies and pushes of one line no order is demanded; within each of the two it is. A line on
a connection that the oracle keeps waiting is passed over.
"""
import re
import time

import compare
from pollard_test import SLOW
from resp import Closed, Reader, encode

PROLOGUE = (("FLUSHALL",), ("CONFIG", "SET", "notify-keyspace-events", ""))
BROKEN = b"tracking-redir-broken"
INVALID = b"(invalid) "
OLD_CHANNEL = b"__redis__:invalidate"
CLOSED = b"(closed)"
NOTHING = (b"(nothing)", None)
PATIENCE_S = 3.0


class Line:
    """One connection of one side, and the frames that have arrived on it."""

    def __init__(self, connection, identity):
        self.connection = connection
        self.identity = identity
        self.held = b""
        self.open = True
        self.raw, self.parsed = Reader(3), Reader(3)
        self.frames = []

    def send(self, data):
        try:
            self.connection.raw(self.held + data)
        except ConnectionError:
            pass  # closed: its end is, or will be, a frame
        self.held = b""

    def pump(self, seconds):
        """Reads what is there, waiting for the first bytes only; False at the time or the end."""
        if not self.open:
            return False
        self.connection.socket.settimeout(seconds)
        try:
            data = self.connection.socket.recv(1 << 20)
        except (BlockingIOError, TimeoutError):
            return False
        except ConnectionError:
            data = b""
        if not data:
            self.open = False
            self.frames.append((CLOSED, None))
            return False
        self.raw.feed(data)
        self.parsed.feed(data)
        while (frame := self.raw.take_raw()) is not None:
            self.frames.append((frame, self.parsed.take()))
        return True

    def await_frames(self, count, seconds):
        deadline = time.monotonic() + seconds
        while len(self.frames) < count and self.open and time.monotonic() < deadline:
            self.pump(max(0.001, deadline - time.monotonic()))

    def take(self, count=None):
        """The frames that have arrived, or the first of them."""
        count = len(self.frames) if count is None else count
        frames, self.frames = self.frames[:count], self.frames[count:]
        return frames


class Talk:
    """The connections of one side during one conversation."""

    def __init__(self, side, protocol):
        self.side = side
        self.protocol = protocol
        self.lines = {}
        self.identities = {}
        self.control = side.server.connect(2, timeout=60)
        for command in PROLOGUE:
            self.control.cmd(*command)

    def line(self, number):
        if number not in self.lines:
            connection = self.side.server.connect(self.protocol, timeout=60)
            self.identities[number] = connection.cmd("CLIENT", "ID").items
            self.lines[number] = Line(connection, self.identities[number])
        return self.lines[number]

    def encode(self, words):
        if words[0].upper() != b"CLIENT":
            return encode(*words)
        known = {b"$id%d" % number: b"%d" % identity
                 for number, identity in self.identities.items()}
        return encode(*words[:2], *(known.get(word, word) for word in words[2:]))

    def perform(self, step):
        line = self.line(step.connection)
        if step.action == ">":
            line.send(self.encode(step.words))
        elif step.action == "+":
            line.held += self.encode(step.words)
        elif step.action == "!":
            line.connection.close()
            line.open = False
            del self.lines[step.connection]
            self.await_gone(line.identity)

    def drain(self):
        """The oracle only: takes in everything that is on its way."""
        self.control.cmd("PING")
        self.control.cmd("PING")
        for line in self.lines.values():
            while line.pump(0):
                pass

    def state(self, number):
        """What the server says about a client: (waits, name of its last command)."""
        text = self.control.cmd("CLIENT", "LIST", "ID", self.lines[number].identity).items
        fields = dict(word.split("=", 1) for word in text.decode("latin-1").split() if "=" in word)
        return "b" in fields.get("flags", ""), fields.get("cmd")

    def await_gone(self, identity):
        needle = b"id=%d " % identity
        self._await(lambda: needle not in self.control.cmd("CLIENT", "LIST").items)

    def await_state(self, number, state, seconds):
        """Waits until a client is in that state, or has got something: then it has left it."""
        line = self.lines[number]

        def reached():
            line.pump(0)
            return line.frames or self.state(number) == state
        self._await(reached, seconds)

    def _await(self, condition, seconds=PATIENCE_S * SLOW):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.001)

    def quit(self):
        """Ends all connections; what was still on its way is in their frames."""
        for line in self.lines.values():
            if line.open:
                self.control.cmd("CLIENT", "UNBLOCK", line.identity)
                line.send(encode("CLIENT", "REPLY", "ON") + encode("QUIT"))
        for line in self.lines.values():
            line.await_frames(1 << 30, PATIENCE_S * SLOW)

    def close(self):
        for line in self.lines.values():
            line.connection.close()
        for line in self.lines.values():
            self.await_gone(line.identity)
        self.control.close()


class Mismatch(Exception):
    """Frames of a connection that differ."""

    def __init__(self, number, theirs, ours):
        super().__init__(number)
        self.number, self.theirs, self.ours = number, theirs, ours


class Conversing:
    """Plays conversations on both sides of a pair in step."""

    def __init__(self, sides, differences, protocol):
        self.talks = [Talk(side, protocol) for side in sides]
        self.differences = differences
        self.waiting = set()
        self.queued = {}
        self.texts = {}
        self.patience = PATIENCE_S * SLOW

    def play(self, steps):
        """Raises (index, Mismatch) as a pair in an exception at the first difference."""
        for index, step in enumerate(steps):
            try:
                self._step(step)
            except Mismatch as mismatch:
                mismatch.index = index
                raise
        for talk in self.talks:
            talk.quit()
        self.waiting.clear()
        try:
            self._compare("(end)")
        except Mismatch as mismatch:
            mismatch.index = len(steps)
            raise

    def close(self):
        for talk in self.talks:
            try:
                talk.close()
            except (Closed, OSError):
                pass  # a server that is gone is reported by who talks to it next

    def _step(self, step):
        theirs, ours = self.talks
        number = step.connection
        if step.action in ">+" and number in self.waiting:
            return
        for talk in self.talks:
            talk.perform(step)
        self.texts.setdefault(number, []).append(compare.text_of(step.words))
        if step.action == "!":
            self.waiting.discard(number)
            self.queued.pop(number, None)
        if step.action == "<":
            theirs.line(number).await_frames(1, 20 if number in self.waiting else 2)
        theirs.drain()
        if step.action == ">" and not theirs.line(number).frames:
            state = theirs.state(number)
            if state[0]:
                self.waiting.add(number)
            ours.await_state(number, state, self.patience)
        for other, line in theirs.lines.items():
            if line.frames:
                self.waiting.discard(other)
            ours.line(other).await_frames(len(line.frames), self.patience)
        if step.action != "+":
            self._compare(compare.text_of(step.words), number)

    def _compare(self, text, sender=None):
        for number, line in list(self.talks[0].lines.items()):
            own = self.talks[1].line(number)
            own.pump(0)
            left = line.take()
            right = own.take(len(left) if number in self.waiting else None)
            own_text = text if number == sender else "(arrived) " + text
            texts = self.texts.pop(number, [])
            for is_push in (False, True):
                pairs = pairs_of(left, right, is_push, own_text)
                texts = texts if len(texts) == len(pairs) and not is_push else []
                for (theirs, ours), said in zip(pairs, texts or [own_text] * len(pairs)):
                    if not self._same(number, said, theirs, ours):
                        raise Mismatch(number, theirs[0], ours[0])

    def _same(self, number, text, theirs, ours):
        queue = self.queued.setdefault(number, [])
        name = text.split(" ")[0].upper()
        commands = queue[:]
        if theirs[0] == b"+QUEUED\r\n":
            queue.append(text)
        elif name in ("EXEC", "DISCARD", "RESET") and not theirs[0].startswith(b"-ERR"):
            queue.clear()
        if theirs[0] == ours[0]:
            return True
        if None in (theirs[1], ours[1]):
            return self.differences.accepts(text, theirs[0], ours[0])
        left, right = theirs[1], ours[1]
        if name == "EXEC" and left.kind == right.kind == "array" and (
                len(left) == len(right) == len(commands)):
            if all(self._agree(*part) for part in zip(commands, left.items, right.items)):
                return True
        return self._agree(text, left, right) or self.differences.accepts(text, theirs[0], ours[0])

    def _agree(self, text, left, right):
        """compare.same, with the ids of connections replaced by their numbers."""
        is_broken = left.kind == "push" and left[0].value == BROKEN
        if is_broken or re.match(r"CLIENT (ID|GETREDIR|TRACKINGINFO)", text, re.IGNORECASE):
            for talk, reply in zip(self.talks, (left, right)):
                number_ids(reply, {identity: -1000 - number
                                   for number, identity in talk.identities.items()})
        return compare.same(text, left, right)


def number_ids(reply, numbers):
    """Replaces ids by numbers in a reply and in its elements."""
    if reply.kind == "integer":
        reply.items = numbers.get(reply.items, reply.items)
    elif isinstance(reply.items, list):
        for item in reply.items:
            for part in item if isinstance(item, tuple) else (item,):
                number_ids(part, numbers)


def pairs_of(left, right, is_push, text):
    """The pushes, or the other frames, of both sides: each beside its partner."""
    theirs, ours = (ordered([frame for frame in side if frame[0].startswith(b">") == is_push], text)
                    for side in (left, right))
    count = max(len(theirs), len(ours))
    return list(zip(theirs + [NOTHING] * (count - len(theirs)),
                    ours + [NOTHING] * (count - len(ours))))


def ordered(frames, text):
    """Frames in the order that counts: subscriptions that end all at once, the patterns that one
    message matches, and the names that become invalid come in any order; what a single pattern
    gets does not. How many names share an invalidation, and how often one is named, is free."""
    if re.match(r"[PS]?UNSUBSCRIBE$", text, re.IGNORECASE):
        names = sorted(frames, key=lambda frame: frame[0].split(b"\n")[4:5])
        return [(re.sub(rb":\d+\r\n$", b":n\r\n", raw), None) for raw, _ in names]

    frames = [name for frame in frames for name in invalidated(frame)]
    frames = [frame for index, frame in enumerate(frames)
              if not is_invalidation(frame) or frame[0] not in [f[0] for f in frames[:index]]]

    def rank(frame):
        raw = frame[0].split(b"\r\n")
        return raw[4] if raw[2:3] == [b"pmessage"] else frame[0] if is_invalidation(frame) else b""
    return sorted(frames, key=rank)


def is_invalidation(frame):
    """Whether a frame is a push, or a message on the old channel, of names that are invalid."""
    raw, reply = frame
    if reply is None:
        return raw.startswith(INVALID)
    words = reply.items if reply.kind in ("push", "array") else []
    if len(words) not in (2, 3) or words[-1].kind not in ("array", "null", "null_array"):
        return False
    return words[0] == b"invalidate" or (words[0] == b"message" and words[1] == OLD_CHANNEL)


def invalidated(frame):
    """An invalidation as one frame for each of its names; any other frame as it is."""
    if not is_invalidation(frame):
        return [frame]
    names = frame[1].items[-1].items
    return [(INVALID + (b"(all)" if name is None else name.items), None)
            for name in ([None] if names is None else names)]
