"""Written sequences: cases/*.txt of the differential test.

One command a line, words as redis-cli reads them ("\\xff" and the like in double quotes). A line
"---" begins the next sequence (an empty server); "--- fresh" one on a connection of its own, for
sequences that close or change it. "#" begins a comment.
"""
import os


class Sequence:
    """Commands that start on an empty server; name says where they come from."""

    def __init__(self, name, commands, fresh=False):
        self.name = name
        self.commands = commands
        self.fresh = fresh


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


def read(path):
    """The sequences of a file; none when it does not exist."""
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
                current = Sequence(name, [], line.endswith("fresh"))
                sequences.append(current)
            if not line.startswith("---"):
                current.commands.append(words(line))
    return sequences
