"""Keyspace events of a whole sequence: a listener on all of them, on both servers, compared.

The sequence goes out in one piece; a message published after its last reply marks the end of the
listener's stream, so nothing is waited for longer than it takes.
"""
from failure import Failure
from resp import Reader

MARK = b"differential-mark-51c0"
PROLOGUE = (("FLUSHALL",), ("SELECT", "0"))
EPILOGUE = (("CONFIG", "SET", "notify-keyspace-events", ""), ("PUBLISH", MARK, "end"))


class Heard:
    """A sequence whose events are compared, not its replies."""

    fresh = True
    classes = "KEAmn"

    def __init__(self, name, commands):
        self.name = name
        self.commands = commands


class HeardWithoutMisses(Heard):
    """SORT BY looks up the weights of a set in any order; bit, geo and list commands that fail for
    their arguments may miss first.
    """

    classes = "KEAn"


class HeardWithoutNew(Heard):
    """SMOVE makes its destination before it takes from its source, so that nothing is lost when
    memory is out: `new` comes before `srem`.
    """

    classes = "KEAm"


def events_of(side, sequence, protocol):
    """The frames that a listener to all events gets while the commands run."""
    writer, listener = side.server.connect(2, timeout=60), side.server.connect(protocol, timeout=60)
    try:
        listener.send("PSUBSCRIBE", "__key*@*__:*", MARK)
        listener.read()
        listener.read()
        asked = ("CONFIG", "SET", "notify-keyspace-events", sequence.classes)
        for command in (*PROLOGUE, asked):
            writer.cmd(*command).is_ok()
        writer.pipeline(*sequence.commands, *EPILOGUE)
        reader, frames = Reader(protocol), []
        reader.feed(bytes(listener.reader.buffer[listener.reader.position:]))
        while True:
            raw = reader.take_raw()
            if raw is None:
                reader.feed(listener.socket.recv(1 << 20))
            elif MARK in raw:
                return frames
            else:
                frames.append(raw)
    finally:
        writer.close()
        listener.close()


def play(sides, sequence, protocol):
    theirs, ours = (events_of(side, sequence, protocol) for side in sides)
    if theirs == ours:
        return
    index = 0
    while theirs[index:index + 1] == ours[index:index + 1]:
        index += 1
    shown = [b"".join(side[index:index + 1]) or b"(nothing)" for side in (theirs, ours)]
    raise Failure(len(sequence.commands) - 1, f"event {index + 1} of the sequence", *shown)
