"""The differential test of keyspace events: what both servers tell of the same random commands.

    events.py [--count N] [--seed N] [--group NAME]...

A subscriber to every keyspace and keyevent channel of each server hears the events, with a mark
between two commands. Commands are those of grammar/<group>.txt; where the replies differ already
(driver.py judges them) or a key expires meanwhile, the rest of the sequence is left out. The first
differences of a group are printed with the commands before them. Output is TAP.
"""
import argparse
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import compare  # noqa: E402
from grammar import Grammar  # noqa: E402
from pollard_test import Server, explain, is_oracle  # noqa: E402
from resp import encode  # noqa: E402

GROUPS = ("string", "generic", "list", "set", "hash", "sorted_set", "geo", "bitmap", "hyperloglog",
          "sort")
CLASSES = "AKEmn"
LENGTH = 50
MOST_FAILURES = 3
MARK = b"differential-mark"


class Side:
    """One of the two servers, a connection to it and one that hears."""

    def __init__(self, server):
        self.server = server
        self.connection = server.connect(timeout=60)
        self.connection.cmd("CONFIG", "SET", "notify-keyspace-events", CLASSES).is_ok()
        self.subscriber = server.connect(timeout=60)
        for pattern in ("__key*__:*", MARK):
            self.subscriber.cmd("PSUBSCRIBE", pattern)

    def play(self, commands):
        """The reply and the list of events of each command."""
        data = [encode("FLUSHALL"), encode("SELECT", "0"), encode("PUBLISH", MARK, "begin")]
        for command in commands:
            data += [encode(*command), encode("PUBLISH", MARK, "end")]
        self.connection.raw(b"".join(data))
        replies = [self.connection.read() for _ in data]
        self._hear()
        return [(reply, self._hear()) for reply in replies[3::2]]

    def _hear(self):
        """The events up to the next mark."""
        events = []
        while True:
            channel, payload = self.subscriber.read().value[2:]
            if channel == MARK:
                return events
            events.append((channel, payload))


def normal(command, reply, events):
    """What must be the same. SORT looks keys up in an order of its own, and what was looked up
    before an error was found is free. SMOVE makes its target before it tells of its source:
    nothing is lost when memory is out."""
    name = command[0].upper()
    left_out = []
    if reply.kind == "error" or name in (b"SORT", b"SORT_RO"):
        left_out.append(b"keymiss")
    if name == b"SMOVE":
        left_out.append(b"new")
    return [(channel, payload) for channel, payload in events
            if payload not in left_out and channel.split(b":", 1)[1] not in left_out]


def has_expired(events):
    return any(payload in (b"expired", b"hexpired") for _, payload in events)


def first_difference(commands, theirs, ours):
    """The index of the first command whose events differ, or None."""
    for index, command in enumerate(commands):
        (their_reply, their_events), (our_reply, our_events) = theirs[index], ours[index]
        if not compare.same(compare.text_of(command), their_reply, our_reply):
            return None
        if normal(command, their_reply, their_events) == normal(command, our_reply, our_events):
            continue
        if has_expired(their_events) or has_expired(our_events):
            return None
        return index
    return None


def report(name, commands, theirs, ours):
    explain(f"{name}: {compare.text_of(commands[-1])[:400]}")
    explain(f"oracle: {theirs[1]!r}"[:600])
    explain(f"ours:   {ours[1]!r}"[:600])
    for command in commands[:-1]:
        explain("    " + compare.text_of(command)[:200])


def run(sides, group, options):
    """Plays the random sequences of a group; returns how many differ."""
    grammar = Grammar(os.path.join(HERE, "grammar", group + ".txt"))
    failures = 0
    for number in range(options.count // LENGTH):
        name = f"{group} seed {options.seed} sequence {number}"
        commands = grammar.sequence(random.Random(name), LENGTH)
        theirs, ours = (side.play(commands) for side in sides)
        index = first_difference(commands, theirs, ours)
        if index is not None:
            report(name, commands[:index + 1], theirs[index], ours[index])
            failures += 1
            if failures == MOST_FAILURES:
                break
    return failures


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10000, help="commands a group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--group", action="append", choices=GROUPS)
    options = parser.parse_args()
    if os.environ.get("POLLARD_LONG") == "1":
        options.count = max(options.count, 200000)
    return options


def main():
    options = arguments_of()
    oracle = Server(path=os.environ.get("POLLARD_ORACLE", "/usr/bin/redis-server"))
    ours = Server(*["--enable-debug-command", "yes"][2 * is_oracle():])
    sides = Side(oracle), Side(ours)
    groups = options.group or GROUPS
    failed = 0
    print(f"1..{len(groups)}", flush=True)
    for number, group in enumerate(groups, 1):
        failures = run(sides, group, options)
        failed += failures > 0
        verdict = "not ok" if failures else "ok"
        print(f"{verdict} {number} - events of {group} # {options.count} commands", flush=True)
    for server in (oracle, ours):
        server.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
