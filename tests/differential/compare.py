"""When two replies are the same: named normalisers, and the list of accepted differences.

Replies are compared byte for byte. A command whose reply holds a clock, an id, a size or an order
that is free has a normaliser below, by name; what remains different must be in differences.toml.
"""
import re
import tomllib


def exact(reply):
    """What every reply must agree on: type and value, all the way down."""
    if isinstance(reply.items, list):
        return (reply.kind, [tuple(exact(part) for part in item) if isinstance(item, tuple)
                             else exact(item) for item in reply.items])
    return (reply.kind, str(reply.items) if isinstance(reply.items, float) else reply.items)


def unordered(reply):
    """The members of an aggregate, sorted; the pairs of a map stay together."""
    if reply.kind == "map":
        return ("map", sorted(str((exact(key), exact(value))) for key, value in reply.items))
    if isinstance(reply.items, list):
        return (reply.kind, sorted(str(exact(item)) for item in reply.items))
    return exact(reply)


def pairs(reply):
    """A map or, in RESP2, the flat array of one: the pairs in any order."""
    if reply.kind == "array":
        keys = [str(exact(item)) for item in reply.items]
        return ("array", sorted(zip(keys[::2], keys[1::2])))
    return unordered(reply)


def scores(reply):
    """Replies with scores: 7.0 prints doubles with 17 digits, 7.2 as short as they read back."""
    def number(value):
        if isinstance(value, (list, tuple)):
            return [number(item) for item in value]
        try:
            return float(value) if isinstance(value, (bytes, str)) and value else value
        except ValueError:
            return value
    return number(exact(reply))


def shape(reply):
    """Only the type; an error keeps its text."""
    return exact(reply) if reply.kind == "error" else reply.kind


def lines(reply):
    """HELP texts: an array of simple strings, the words are ours."""
    if reply.kind != "array":
        return exact(reply)
    return ("array", sorted({item.kind for item in reply.items}))


def near(reply):
    """A clock in seconds or milliseconds: the magnitude, not the last digits."""
    if reply.kind != "integer" or abs(reply.items) < 100:
        return exact(reply)
    return ("near", reply.items)


def scan(reply):
    """A complete scan is compared without order, an incomplete one by its shape."""
    if reply.kind != "array" or len(reply.items) != 2:
        return exact(reply)
    cursor, keys = reply.items
    if cursor.items != b"0":
        return "incomplete"
    return ("scan", unordered(keys))


def drawn(reply):
    """Elements drawn at random: how many. Errors, nothing and lone elements as they are."""
    if isinstance(reply.items, list):
        return (reply.kind, len(reply.items), sorted({item.kind for item in reply.items}))
    return exact(reply) if reply.kind == "error" else reply.kind


def hello(reply):
    """HELLO: the id of the connection and the version of the server are free."""
    if reply.kind not in ("array", "map"):
        return exact(reply)
    items = reply.items if reply.kind == "map" else list(zip(reply.items[::2], reply.items[1::2]))
    return (reply.kind, [(exact(key), value.kind if key.items in (b"id", b"version")
                          else exact(value)) for key, value in items])


def without_notes(reply):
    """COMMAND INFO: the notes of key specifications are prose, and ours."""
    def strip(value):
        if not isinstance(value, (list, tuple)):
            return value
        found = [strip(item) for item in value]
        for index, item in enumerate(found[:-1]):
            if item in (["bulk", b"notes"], ["simple", b"notes"]):
                found[index + 1] = "prose"
        return found
    return strip(exact(reply))


CLIENT_FIELDS = (b"db", b"sub", b"psub", b"ssub", b"multi", b"resp")
INFO_FIELDS = ("blocked_clients|tracking_clients|clients_in_timeout_table|pubsub_channels"
               "|pubsub_patterns|tracking_total_keys|tracking_total_items|tracking_total_prefixes")


def client_fields(reply):
    """A line of CLIENT LIST: the fields that say what state the client is in. That a watched key
    has changed (flag d) is found at EXEC here, and what was only queued is no last command."""
    if reply.kind not in ("bulk", "verbatim"):
        return exact(reply)
    pairs = [word.split(b"=", 1) for word in reply.items.split() if b"=" in word]
    flags = sorted(dict(pairs).get(b"flags", b"").replace(b"d", b""))
    return (reply.kind, flags, [pair for pair in pairs if pair[0] in CLIENT_FIELDS])


def info_fields(reply):
    """INFO: the counts of clients and subscriptions in the states of conversations."""
    if reply.kind not in ("bulk", "verbatim"):
        return exact(reply)
    return (reply.kind, re.findall(rf"^({INFO_FIELDS}):(\d+)", reply.items.decode(), re.MULTILINE))


NORMALISERS = [
    (r"CLIENT LIST ID \$", client_fields),
    (r"INFO (clients|stats)$", info_fields),
    (r"PUBSUB (SHARD)?CHANNELS\b", unordered),
    (r"\w+ HELP\b", lines),
    (r"KEYS\b", unordered),
    (r"SCAN 0\b", scan),
    (r"SCAN\b", shape),
    (r"(HKEYS|HVALS)\b", unordered),
    (r"(SMEMBERS|SINTER|SUNION|SDIFF|SPOP)\b", unordered),
    (r"SSCAN \S+ [+-]?0+( |$)", scan),
    (r"ZSCAN \S+ [+-]?0+( |$)", shape),
    (r"[SZ]SCAN\b", shape),
    (r"(SRANDMEMBER|ZRANDMEMBER)\b", drawn),
    # Equal ones, and sets that are not sorted, come in any order; tests/wire/test_sort.py looks.
    (r"SORT(_RO)? .*BY \S+(?<!\*)(?<!->f)( |$)", drawn),
    (r"SORT(_RO)? (?=.*ALPHA).*BY ", drawn),
    (r"(BZ|Z|GEO|\(arrived\) (.. )?(Z|GEO|RENAME|COPY|MOVE|SWAPDB|EXEC))\w*\b", scores),
    (r"HGETALL\b", pairs),
    (r"HSCAN \S+ [+-]?0+( |$)", scan),
    (r"HSCAN\b", shape),
    (r"HRANDFIELD\b", drawn),
    (r"CONFIG GET\b", pairs),
    (r"(TTL|PTTL|EXPIRETIME|PEXPIRETIME|OBJECT IDLETIME)\b", near),
    (r"(RANDOMKEY|TIME|LASTSAVE|INFO|LOLWUT)\b", shape),
    (r"CLIENT (ID|INFO|LIST)\b", shape),
    (r"MEMORY (USAGE|STATS|DOCTOR)\b", shape),
    (r"LATENCY (LATEST|HISTORY|DOCTOR|HISTOGRAM)\b", shape),
    (r"SLOWLOG (GET|LEN)\b", shape),
    (r"DEBUG (OBJECT|DIGEST|DIGEST-VALUE)\b", shape),
    (r"COMMAND INFO\b", without_notes),
    (r"COMMAND LIST\b", unordered),
    (r"COMMAND( COUNT)?$", shape),
    (r"HELLO\b", hello),
]
NORMALISERS = [(re.compile(pattern, re.IGNORECASE), function)
               for pattern, function in NORMALISERS]


def text_of(command):
    """A command (or a line of a conversation) as one would type it, for patterns and reports."""
    if not isinstance(command, list):
        label = f"{command.connection}{command.action} "
        return (label + text_of(command.words)).strip()
    words = []
    for argument in command:
        word = argument.decode("latin-1")
        plain = re.fullmatch(r"[!-~]+", word) and '"' not in word and "'" not in word
        words.append(word if plain and "\\" not in word else quote(argument))
    return " ".join(words)


def quote(argument):
    """A double-quoted word that cases/*.txt and redis-cli read back as the same bytes."""
    parts = []
    for byte in argument:
        char = chr(byte)
        if char in '"\\':
            parts.append("\\" + char)
        elif 32 <= byte < 127:
            parts.append(char)
        else:
            parts.append(f"\\x{byte:02x}")
    return '"' + "".join(parts) + '"'


def same(command_text, theirs, ours):
    """Whether two replies to the same command agree."""
    for pattern, function in NORMALISERS:
        if pattern.match(command_text):
            break
    else:
        function = exact
    left, right = function(theirs), function(ours)
    if "incomplete" in (left, right):
        return theirs.kind == ours.kind
    if isinstance(left, tuple) and isinstance(right, tuple) and left[0] == right[0] == "near":
        return abs(left[1] - right[1]) <= 5000
    return left == right


class Differences:
    """The accepted differences: each with patterns for the command and both replies, a reason."""

    def __init__(self, path):
        with open(path, "rb") as file:
            rows = tomllib.load(file).get("difference", [])
        self.rows = []
        for row in rows:
            if not row.get("reason"):
                raise ValueError(f"a difference without a reason: {row}")
            patterns = [re.compile(row.get(name, ""), re.IGNORECASE | re.DOTALL)
                        for name in ("command", "oracle", "ours")]
            self.rows.append((*patterns, row["reason"]))
        self.used = [0] * len(self.rows)

    def accepts(self, command_text, theirs, ours):
        """theirs and ours are the raw replies."""
        for index, (command, oracle, own, _) in enumerate(self.rows):
            if (command.match(command_text) and oracle.match(theirs.decode("latin-1"))
                    and own.match(ours.decode("latin-1"))):
                self.used[index] += 1
                return True
        return False
