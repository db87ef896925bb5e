"""The differential test of options: CONFIG GET * and CONFIG SET of every option of the oracle.

Three TAP cases: every option of redis-server exists; it has the same default; wrong and odd values
get the same reply and leave the same value. What differs with a reason is in differences.toml
([[option]]: name, reason, and "default" or "values" for which of the cases).
"""
import os
import re
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from pollard_test import Server, explain, is_oracle  # noqa: E402
from resp import Reply, pairs_of  # noqa: E402

VALUES = ("", "abc", "-1", "0", "yes", "no", "1", "99999999999999999999", "1.5", "10mb",
          "a b", "YES")

# Options whose values act on the outside, or would lock the test out.
NOT_SET = re.compile(
    r"port$|^tls|^bind|^dir$|^db|^save$|^append(only|filename|dirname)|^requirepass$|^logfile$"
    r"|^(slave|replica)(of|-announce)|^oom|^aclfile|^cluster|^maxclients|^unixsocket|^pidfile"
    r"|^proc-title|^socket-mark|^activedefrag|^client-query|^proto-max|^timeout$|^masterauth"
    r"|^(server|bio|aof|bgsave).*cpulist")


def options_of(connection):
    return {key.items.decode(): value.items.decode()
            for key, value in pairs_of(connection.cmd("CONFIG", "GET", "*"))}


class Accepted:
    """The [[option]] rows of differences.toml."""

    def __init__(self):
        with open(os.path.join(HERE, "differences.toml"), "rb") as file:
            self.rows = tomllib.load(file).get("option", [])

    def has(self, name, what):
        return any(re.fullmatch(row["name"], name) and what in row["what"] and row["reason"]
                   for row in self.rows)


def missing(theirs, ours, accepted):
    for name in theirs:
        if name not in ours and not accepted.has(name, "missing"):
            yield f"{name}: not known"


def defaults(theirs, ours, accepted):
    for name, value in theirs.items():
        if name in ours and ours[name] != value and not accepted.has(name, "default"):
            yield f"{name}: {ours[name]!r}, the oracle has {value!r}"


def text_of(reply):
    return str(reply.items) if isinstance(reply, Reply) else str(reply)


def values(theirs, sides, accepted):
    """Sets every value on both; compares the replies and what CONFIG GET says after."""
    for name, before in theirs.items():
        if NOT_SET.search(name) or accepted.has(name, "values"):
            continue
        for value in VALUES:
            replies = [text_of(side.cmd("CONFIG", "SET", name, value)) for side in sides]
            after = [side.cmd("CONFIG", "GET", name).value for side in sides]
            if replies[0] != replies[1] or after[0] != after[1]:
                yield f"CONFIG SET {name} {value!r}: {replies[1]} {after[1]}"
                yield f"    the oracle: {replies[0]} {after[0]}"
                break
        for side in sides:
            side.cmd("CONFIG", "SET", name, before)


def main():
    oracle = Server(path=os.environ.get("POLLARD_ORACLE", "/usr/bin/redis-server"))
    ours = Server(*([] if is_oracle() else ["--enable-debug-command", "yes", "--save", ""]))
    sides = [oracle.connect(), ours.connect()]
    theirs, own = (options_of(side) for side in sides)
    accepted = Accepted()
    cases = [("every option of the oracle exists", missing(theirs, own, accepted)),
             ("the defaults are the oracle's", defaults(theirs, own, accepted)),
             ("values get the oracle's replies",
              values({name: value for name, value in theirs.items() if name in own}, sides,
                     accepted))]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, (name, found) in enumerate(cases, 1):
        places = list(found)
        for place in places[:60]:
            explain(place)
        failed += bool(places)
        print(f"{'not ok' if places else 'ok'} {number} - {name}", flush=True)
    oracle.stop()
    ours.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
