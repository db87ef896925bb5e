"""The differential test: the same commands to redis-server and to Pollard, replies compared.

    driver.py [--long] [--count N] [--seed N] [--group NAME]... [--protocol N] [--replay FILE]

For each group and protocol: the written sequences of cases/<group>.txt, then random ones from
grammar/<group>.txt. A sequence starts on an empty server and, where it may change the state of the
connection, on a new connection; it is sent in one piece to both servers. Conversations of several
connections go line by line (talk.py); the sequences of all groups are played a second time to
compare their keyspace events (listen.py). The first failure of a group is cut down to the
commands it needs and printed so that --replay (or redis-cli) repeats it.
Output is TAP. $POLLARD_SERVER and $POLLARD_ORACLE name the programs.
"""
import argparse
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import cases  # noqa: E402
import compare  # noqa: E402
import listen  # noqa: E402
from failure import Failure  # noqa: E402
from grammar import Grammar  # noqa: E402
from pollard_test import Server, explain, is_oracle  # noqa: E402
from resp import Closed, Reader, encode  # noqa: E402
from talk import Conversing, Mismatch  # noqa: E402

GROUPS = ("string", "generic", "connection", "server", "list", "set", "hash", "sorted_set", "geo",
          "bitmap", "hyperloglog", "sort", "transactions", "blocking", "pubsub", "notifications",
          "tracking")
TALKS = {"transactions", "blocking", "pubsub", "tracking"}
EVENTS_OF = ("string", "generic", "list", "set", "hash", "sorted_set", "geo", "bitmap",
             "hyperloglog", "sort")
FRESH = {"connection"}
TALKERS = 3
LENGTH = 50
PROLOGUE = [[b"FLUSHALL"], [b"SELECT", b"0"]]
NONCE = b"differential-sentinel-7f3a"
END = encode("ECHO", NONCE)
END_REPLY = b"$%d\r\n%b\r\n" % (len(NONCE), NONCE)


class Side:
    """One of the two servers, and the connection to it in one protocol."""

    def __init__(self, name, server):
        self.name = name
        self.server = server
        self.connection = None

    def open(self, protocol):
        self.close()
        self.connection = self.server.connect(protocol, timeout=60)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, data):
        self.connection.raw(data)

    def receive(self):
        """Everything up to the sentinel's reply, or up to the end of the stream."""
        chunks = bytearray()
        while not chunks.endswith(END_REPLY):
            try:
                data = self.connection.socket.recv(1 << 20)
            except ConnectionError:
                data = b""
            if not data:
                self.close()
                return bytes(chunks)
            chunks += data
        return bytes(chunks)


def split(data):
    """The raw replies in data, each with its parsed form."""
    reader, parser = Reader(3), Reader(3)
    reader.feed(data)
    found = []
    while (raw := reader.take_raw()) is not None:
        parser.feed(raw)
        found.append((raw, parser.take()))
    return found


class Pair:
    """Both sides, in step."""

    def __init__(self, oracle, ours, differences):
        self.sides = (Side("oracle", oracle), Side("ours", ours))
        self.differences = differences
        self.protocol = 0
        self.is_shrinking = False

    def play(self, sequence, protocol, fresh):
        """Sends a sequence to both; raises Failure at the first difference that is not accepted."""
        if isinstance(sequence, cases.Conversation):
            self._converse(sequence, protocol)
            return
        if isinstance(sequence, listen.Heard):
            listen.play(self.sides, sequence, protocol)
            return
        commands = PROLOGUE + sequence.commands
        data = b"".join(encode(*command) for command in commands) + END
        for side in self.sides:
            if fresh or side.connection is None or protocol != self.protocol:
                side.open(protocol)
        self.protocol = protocol
        for side in self.sides:
            try:
                side.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a sequence may close its connection; what was replied is compared
        theirs, ours = (side.receive() for side in self.sides)
        if theirs != ours:
            self._judge(commands, split(theirs), split(ours))

    def _converse(self, conversation, protocol):
        conversing = Conversing(self.sides, self.differences, protocol)
        if self.is_shrinking:
            conversing.patience /= 6
        try:
            conversing.play(conversation.commands)
        except Mismatch as found:
            steps = conversation.commands
            text = compare.text_of(steps[found.index]) if found.index < len(steps) else "(end)"
            raise Failure(found.index, f"{text} (seen on connection {found.number})",
                          found.theirs, found.ours) from None
        finally:
            conversing.close()

    def _judge(self, commands, theirs, ours):
        nothing = (b"(nothing)", None)
        for index in range(max(len(theirs), len(ours))):
            left = theirs[index] if index < len(theirs) else nothing
            right = ours[index] if index < len(ours) else nothing
            if left[0] == right[0]:
                continue
            command = commands[index] if index < len(commands) else [b"(end)"]
            text = compare.text_of(command)
            if None not in (left[1], right[1]) and compare.same(text, left[1], right[1]):
                continue
            if not self.differences.accepts(text, left[0], right[0]):
                raise Failure(index - len(PROLOGUE), text, left[0], right[0])

    def fails(self, kind, commands, protocol):
        """Whether a sequence, conversation or heard sequence of these commands fails."""
        self.is_shrinking = True
        try:
            self.play(kind("", commands), protocol, True)
        except Failure:
            return True
        finally:
            self.is_shrinking = False
        return False

    def shrink(self, kind, commands, protocol):
        """Drops commands while the sequence still fails: what is left is what it takes."""
        index = len(commands) - 1
        while index >= 0 and len(commands) > 1:
            shorter = commands[:index] + commands[index + 1:]
            if self.fails(kind, shorter, protocol):
                commands = shorter
            index -= 1
        return commands


def report(pair, sequence, protocol, failure):
    """Explains a failure as TAP comments."""
    upto = sequence.commands[:max(failure.index, 0) + 1]
    kind = type(sequence)
    if pair.fails(kind, upto, protocol):
        upto = pair.shrink(kind, upto, protocol)
    lines = [f"{sequence.name} RESP{protocol}, command {failure.index + 1}: {failure.command}",
             f"oracle: {failure.theirs[:400]!r}", f"ours:   {failure.ours[:400]!r}", "to repeat:"]
    lines += ["    --- talk"] if kind is cases.Conversation else []
    lines += ["    " + compare.text_of(command) for command in upto[-60:]]
    for line in lines:
        explain(line[:600])


def run(pair, sequences, protocol, fresh):
    """Plays sequences; returns the number of commands, or None after the first failures."""
    commands = failures = 0
    for sequence in sequences:
        try:
            pair.play(sequence, protocol, fresh or sequence.fresh)
            commands += len(sequence.commands)
        except Failure as failure:
            failures += 1
            report(pair, sequence, protocol, failure)
            if failures == MOST_FAILURES:
                break
        except (Closed, OSError) as error:
            explain(f"{sequence.name} RESP{protocol}: {error}")
            return None
    return None if failures else commands


MOST_FAILURES = 5


def random_sequences(grammar, group, seed, count):
    for number in range(count // LENGTH):
        name = f"{group} seed {seed} sequence {number}"
        yield cases.Sequence(name, grammar.sequence(random.Random(name), LENGTH))


def random_conversations(grammar, group, seed, count):
    for number in range(count // LENGTH):
        name = f"{group} seed {seed} conversation {number}"
        source = random.Random(name)
        steps = [cases.Step(source.randint(1, TALKERS), ">", words)
                 for words in grammar.sequence(source, LENGTH)]
        yield cases.Conversation(name, steps)


def heard(group):
    misses_vary = group in ("sort", "bitmap", "geo", "list")
    if group == "set":
        return listen.HeardWithoutNew
    return listen.HeardWithoutMisses if misses_vary else listen.Heard


def heard_sequences(grammars, seed, count):
    """The written sequences of all groups, then random ones of each in turn, with a listener."""
    for group in EVENTS_OF:
        for sequence in cases.read(os.path.join(HERE, "cases", group + ".txt")):
            yield heard(group)(sequence.name, sequence.commands)
    for number in range(count // LENGTH):
        name = f"notifications seed {seed} sequence {number}"
        source = random.Random(name)
        group = EVENTS_OF[number % len(EVENTS_OF)]
        yield heard(group)(f"{name} ({group})", grammars[group].sequence(source, LENGTH))


def is_built_in(connection):
    """A test whether the server under test has a command, from its own table."""
    def is_built(name):
        reply = connection.cmd("COMMAND", "INFO", name)
        if reply.kind == "error":
            return not connection.cmd(name).value.startswith("ERR unknown command")
        return reply.items[0].kind not in ("null", "null_array")
    return is_built


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="a million commands a group")
    parser.add_argument("--count", type=int, default=30000, help="random commands a group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--group", action="append", choices=GROUPS)
    parser.add_argument("--protocol", type=int, choices=(2, 3))
    parser.add_argument("--replay", help="a file of sequences, as cases/*.txt")
    options = parser.parse_args()
    if options.long or os.environ.get("POLLARD_LONG") == "1":
        options.count = max(options.count, 1000000)
    return options


def drawn_of(group, grammars, options):
    """The random sequences of a group. Lines of a conversation cost more."""
    if group == "notifications":
        return heard_sequences(grammars, options.seed, options.count)
    if group in TALKS:
        return random_conversations(grammars[group], group, options.seed, options.count // 3)
    return random_sequences(grammars[group], group, options.seed, options.count)


def plan_of(options, pair):
    """The runs to do: (name, sequences, protocol, fresh)."""
    if options.replay:
        sequences = cases.read(options.replay)
        return [("replay", sequences, p, True) for p in (2, 3)
                if options.protocol in (None, p)]
    plan = []
    control = pair.sides[1].server.connect()
    grammars = {}
    for group in dict.fromkeys([*(options.group or GROUPS), *EVENTS_OF]):
        path = os.path.join(HERE, "grammar", group + ".txt")
        if os.path.exists(path):
            grammars[group] = Grammar(path)
            absent = grammars[group].keep(is_built_in(control))
            if absent:
                print("# not built, left out: " + " ".join(absent))
    for group in options.group or GROUPS:
        written = cases.read(os.path.join(HERE, "cases", group + ".txt"), group in TALKS)
        for protocol in (2, 3):
            if options.protocol in (None, protocol):
                drawn = drawn_of(group, grammars, options)
                plan.append((f"{group} written", written, protocol, group in FRESH))
                plan.append((f"{group} random", drawn, protocol, group in FRESH))
    control.close()
    return plan


def main():
    options = arguments_of()
    settings = ["--enable-debug-command", "yes", "--save", ""]
    oracle = Server(path=os.environ.get("POLLARD_ORACLE", "/usr/bin/redis-server"))
    ours = Server(*settings[2 * is_oracle():])
    pair = Pair(oracle, ours, compare.Differences(os.path.join(HERE, "differences.toml")))
    failed = 0
    plan = plan_of(options, pair)
    print(f"1..{len(plan)}", flush=True)
    for number, (name, sequences, protocol, fresh) in enumerate(plan, 1):
        begun = time.monotonic()
        commands = run(pair, sequences, protocol, fresh)
        failed += commands is None
        verdict = "not ok" if commands is None else "ok"
        print(f"{verdict} {number} - {name} RESP{protocol} # {commands or 0} commands, "
              f"{time.monotonic() - begun:.1f} s", flush=True)
        for side in pair.sides:
            side.close()
    for server in (oracle, ours):
        server.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
