"""Written sequences: cases/*.txt of the differential test.

One command a line, words as redis-cli reads them ("\\xff" and the like in double quotes). A line
"---" begins the next sequence (an empty server); "--- fresh" one on a connection of its own, for
sequences that close or change it; "--- talk" a conversation of several connections, of lines
    N> COMMAND    connection N (1 to 9, opened when first named) sends it; no label is "1>"
    N+ COMMAND    the same, but it leaves together with the next of that connection
    N<            something arrives on connection N (a time-out): waited for
    N!            connection N is dropped
After each line everything that arrived on any connection is compared. The word $idN is the id of
connection N. "#" begins a comment.
"""
import os
import re


class Sequence:
    """Commands that start on an empty server; name says where they come from."""

    def __init__(self, name, commands, fresh=False):
        self.name = name
        self.commands = commands
        self.fresh = fresh


class Step:
    """A line of a conversation: an action (one of "> + < !") on a connection."""

    def __init__(self, connection, action, words):
        self.connection = connection
        self.action = action
        self.words = words


class Conversation:
    """Steps of several connections, on an empty server."""

    fresh = True

    def __init__(self, name, commands):
        self.name = name
        self.commands = commands


LABEL = re.compile(r"([1-9])([>+<!])(?:\s+|$)")
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b"}


def words(line):
    """Splits a line into words (bytes); quotes as redis-cli."""
    found, index = [], 0
    while index < len(line):
        if line[index].isspace():
            index += 1
            continue
        word, index = _word(line, index)
        found.append(word)
    return found


def _word(line, index):
    if line[index] == '"':
        return _quoted(line, index + 1)
    if line[index] == "'":
        end = line.index("'", index + 1)
        return line[index + 1:end].encode("latin-1"), end + 1
    end = index
    while end < len(line) and not line[end].isspace():
        end += 1
    return line[index:end].encode("latin-1"), end


def _quoted(line, index):
    word = bytearray()
    while line[index] != '"':
        char = line[index]
        index += 1
        if char != "\\":
            word += char.encode("latin-1")
            continue
        escaped = line[index]
        index += 1
        if escaped == "x":
            word.append(int(line[index:index + 2], 16))
            index += 2
        else:
            word += ESCAPES.get(escaped, escaped.encode("latin-1"))
    return bytes(word), index + 1


def read(path, is_talk=False):
    """The sequences of a file, all of them conversations if is_talk; none when there is no file."""
    sequences, current = [], None
    if not os.path.exists(path):
        return sequences
    with open(path, encoding="latin-1") as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("---") or current is None:
                name = f"{os.path.basename(path)}:{number}"
                current = (Conversation(name, []) if is_talk or line.startswith("--- talk") else
                           Sequence(name, [], line.endswith("fresh")))
                sequences.append(current)
            if line.startswith("---"):
                continue
            labelled = isinstance(current, Conversation)
            current.commands.append(step(line) if labelled else words(line))
    return sequences


def step(line):
    label = LABEL.match(line)
    if label is None:
        return Step(1, ">", words(line))
    return Step(int(label.group(1)), label.group(2), words(line[label.end():]))
