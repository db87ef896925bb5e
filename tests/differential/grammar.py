"""Random commands out of templates: the generator of the differential test.

A grammar file holds one template a line (grammar/*.txt), optionally weighted "3: TEMPLATE":
    WORD         a literal, now and then in another case
    word         an argument of a kind (the functions in KINDS below)
    word+        one to four of them
    word+N       one to N of them
    [a | b c]    nothing, or one of the alternatives
    <a | b c>    one of the alternatives
    {a | b c}    some of the alternatives in any order, contradictions and repeats included
Then every twentieth command is broken: an argument dropped, added or replaced by junk. Everything
is drawn from one random.Random, so a seed names a sequence for ever.
"""
import re

TOKEN = re.compile(r"[\[\]<>{}|]|[^\s\[\]<>{}|]+")
CLOSING = {"[": "]", "<": ">", "{": "}"}

KEYS = ["a", "b", "c", "key:1", "key:2", "n", "x" * 60, ""]
TEXTS = [
    "", "0", "1", "-1", "5", "10", "17", "100", "007", " 1", "+3", "1 ", "1.5", "-0", "3.0e3",
    "1e400",
    "nan", "inf", "-inf", "abc", "ABC", "hello world", "ohmytext", "mynewtext", "\x00\x01\xff\r\n",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "9999999999",
    "4294967296",
    "0.1", "3.141592653589793", "5e-324", "x" * 20, "y" * 43, "y" * 44, "y" * 45,
    "z" * 64, "w" * 300, "v" * 5000,
]
INTEGERS = [
    "0", "1", "-1", "2", "3", "5", "10", "-7", "100", "1000000", "9223372036854775807",
    "-9223372036854775808", "9223372036854775808", "4611686018427387904", "abc", "", "1.0", " 4",
    "0x10",
]
FLOATS = ["0", "1", "-1", "0.1", "2.5", "-3.75", "1e3", "3.0e-2", "1e17", "1e-20",
          "123456789.123456789", "inf", "-inf", "nan", "abc", "", "5.0e4932", " 1", "0x1p3"]
JUNK = ["", "junk", "-1", "0", "NX", "XX", "EX", "GET", "COUNT", "MATCH", "1", "\xff", "9" * 30]
BAD_TIMES = ["0", "-1", "abc", "", "1.5",
             "9223372036854775807", "9223372036854775000", "99999999999999999999"]


def _time_kind(low, high, past):
    def draw(random):
        chance = random.random()
        if chance < 0.12:
            return random.choice(BAD_TIMES)
        if past and chance < 0.2:
            return str(random.choice([-5, 0, 1, -100000]))
        return str(random.randrange(low, high))
    return draw


def _choice(values):
    return lambda random: random.choice(values)


def _degrees(limit, centers, edges):
    def draw(random):
        chance = random.random()
        if chance < 0.03:
            return random.choice(edges)
        if chance < 0.4:
            return f"{random.uniform(-limit, limit):.6f}"
        near = random.choice(centers) + random.gauss(0, 0.5)
        return f"{max(-limit, min(limit, near)):.7g}"
    return draw


# All expiries lie hours away or are past, so that the two servers never race with a clock.
NOW_S = 1893456000  # 2030: far from the day of the test, and constant
KINDS = {
    "key": _choice(KEYS),
    "value": _choice(TEXTS),
    "integer": _choice(INTEGERS),
    "float": _choice(FLOATS),
    "offset": _choice(["0", "1", "2", "3", "5", "10", "50", "299", "600", "-1", "-2", "-3", "-5",
                       "-400", "536870912", "abc"]),
    "bit": _choice(["0", "1"] * 4 + ["2", "-1", "", "abc"]),
    "bit_offset": _choice(["0", "1", "5", "7", "8", "9", "31", "63", "64", "100", "1000", "8191",
                           "100000", "-1", "4294967296", "99999999999999999999", "abc", ""]),
    "field_type": _choice(["u1", "u2", "u4", "u5", "u7", "u8", "u16", "u31", "u32", "u63", "i1",
                           "i2", "i5", "i8", "i15", "i16", "i32", "i33", "i63", "i64", "u64", "u0",
                           "i65", "x8", "u", "U8", "i-1", ""]),
    "field_offset": _choice(["0", "1", "3", "7", "8", "33", "100", "999", "#0", "#1", "#2", "#9",
                             "#", "#-1", "-1", "#a", "4294967296", "#4294967296", "abc", ""]),
    "field_value": _choice(["0", "1", "-1", "2", "-2", "7", "-8", "100", "255", "256", "-129",
                            "65536", "-4294967297", "9223372036854775807", "-9223372036854775808",
                            "4611686018427387904", "abc", ""]),
    # Near each other, anywhere, at the edges, and no place at all.
    "longitude": _degrees(180, [13.361389, 15.087269, 0, 179.9], ["180", "-180", "181", "abc"]),
    "latitude": _degrees(85.05112878, [38.115556, 37.502669, 0, 84],
                         ["85.05112878", "-85.05112878", "86", ""]),
    "element": lambda random: f"e{random.randrange(1 << random.randrange(4, 20))}",
    "sketch": _choice([
        "HYLL\x01" + "\0" * 11 + "\x7f\xff", "HYLL\0" + "\0" * 12299, "HYLL\0" + "\0" * 12298,
        "HYLL\x01" + "\0" * 10 + "\x80\x7f\xff", "HYLL\x01" + "\0" * 11 + "\x7f\xfe\x80",
        "HYLL\x01" + "\0" * 10 + "\x80\x7f\x7f\x40\x7f",
        "HYLL\x01" + "\0" * 10 + "\x80",
        "HYLL\x01" + "\0" * 10 + "\x80\x83\xff\x7f\xf7", "HYLL\x02" + "\0" * 11 + "\x7f\xff",
        "HYLL", "HYLI\x01" + "\0" * 11 + "\x7f\xff", ""]),
    "seconds": _time_kind(10000, 90000, False),
    "milliseconds": _time_kind(10000000, 90000000, False),
    "any_seconds": _time_kind(10000, 90000, True),
    "any_milliseconds": _time_kind(10000000, 90000000, True),
    "unix": _time_kind(NOW_S, NOW_S + 90000, False),
    "unix_ms": _time_kind(NOW_S * 1000, NOW_S * 1000 + 90000000, False),
    "any_unix": _time_kind(NOW_S, NOW_S + 90000, True),
    "any_unix_ms": _time_kind(NOW_S * 1000, NOW_S * 1000 + 90000000, True),
    "member": _choice(["a", "b", "c", "d", "e", "1", "2", "3", "-7", "70000", "5000000000", "",
                       "element", "m" * 30, "M" * 70, "\x00\xff\r\n", "n" * 600]),
    "score": _choice(["0", "1", "2", "3", "-1", "1.5", "2.5", "-0", "1e3", "1e21", "inf", "-inf",
                      "3.3333333333333335", "17179869184", "nan", "abc", "", "0x10", " 1"]),
    "bound": _choice(["0", "1", "2", "3", "(1", "(2", "-inf", "+inf", "(inf", "1.5", "abc", "nan",
                      "(", "1e3", "-1"]),
    "text_bound": _choice(["-", "+", "[a", "(a", "[b", "(c", "[foo", "(", "[", "abc", ""]),
    "small": _choice(["0", "1", "2", "3", "-1", "100", "abc"]),
    "weight": _choice(["1", "2", "0", "-1", "0.5", "inf", "-inf", "nan", "abc"]),
    "field": _choice(["a", "b", "c", "d", "e", "f", "1", "-7", "0", "", "f" * 30, "F" * 70,
                      "\x00\xff\r\n", "g" * 600]),
    "pattern": _choice(["*", "key:*", "?", "[a-c]", "[^a]", "\\a", "*:1", "", "x*x", "[", "a[b",
                        "nomatch"]),
    "database": _choice(["0", "1", "2", "15", "16", "-1", "abc", ""]),
    "type": _choice(["string", "list", "STRING", "hash", "nosuch"]),
    "count": _choice(["1000", "5000", "100", "0", "-1", "abc"]),
    "cursor": _choice(["0", "0", "0", "abc", "-1", ""]),
    "channel": _choice(["a", "b", "ab", "abc", "news.art", "news"]),
    "channel_pattern": _choice(["a*", "*", "a?", "[ab]", "news.*", "n*s*", "a", "", "nomatch"]),
    "name": _choice(["joe", "a-b", "with space", "new\nline", "", "\xff"]),
    "word": _choice(["abc", "", "on", "off", "yes", "1", "get", "\x01", "x" * 100]),
    "option": _choice(["maxmemory", "timeout", "databases", "save", "nosuch", "max*", "*list*",
                       "port", ""]),
}


class Template:
    """One parsed line; draw() gives the arguments of a command."""

    def __init__(self, text):
        weight, separator, rest = text.partition(": ")
        self.weight = int(weight) if separator and weight.isdigit() else 1
        self.tokens = TOKEN.findall(rest if separator and weight.isdigit() else text)
        self.position = 0
        self.parts = self._sequence(None)

    def _sequence(self, closing):
        """Parses up to the closing bracket; returns the alternatives, each a list of parts."""
        alternatives = [[]]
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            self.position += 1
            if token == closing:
                return alternatives
            if token == "|":
                alternatives.append([])
            elif token in CLOSING:
                alternatives[-1].append((token, self._sequence(CLOSING[token])))
            else:
                alternatives[-1].append(("word", token))
        if closing:
            raise ValueError(f"no {closing} in {self.tokens}")
        return alternatives

    def draw(self, random):
        arguments = []
        _emit(self.parts[0], random, arguments)
        return arguments


def _emit(parts, random, arguments):
    for kind, body in parts:
        if kind == "word":
            _emit_word(body, random, arguments)
        elif kind == "<":
            _emit(random.choice(body), random, arguments)
        elif kind == "[":
            if random.random() < 0.5:
                _emit(random.choice(body), random, arguments)
        else:
            count = random.choice([0, 0, 1, 1, 1, 2, 2, 3])
            for _ in range(count):
                _emit(random.choice(body), random, arguments)


def _emit_word(word, random, arguments):
    word, plus, most = word.partition("+")
    repeat = random.randint(1, int(most or 4)) if plus else 1
    for _ in range(repeat):
        for name in word.split(","):
            if name in KINDS:
                arguments.append(KINDS[name](random))
            elif random.random() < 0.1:
                arguments.append(random.choice([name.lower(), name.capitalize()]))
            else:
                arguments.append(name)


def _break(arguments, random):
    """Breaks a command in one of three ways, the name itself rarely included."""
    way = random.random()
    first = 0 if random.random() < 0.05 else 1
    if way < 0.4 and len(arguments) > first:
        del arguments[random.randrange(first, len(arguments))]
    elif way < 0.7:
        arguments.insert(random.randint(min(1, len(arguments)), len(arguments)),
                         random.choice(JUNK))
    elif len(arguments) > first:
        arguments[random.randrange(first, len(arguments))] = random.choice(JUNK)


def _defuse(arguments, random):
    """Times that a broken command makes so short that they would end between the two servers'
    looks are made long, and different: who is asked first, and when, must not matter."""
    if len(arguments) == 2 and arguments[0].lower() == "spop":
        arguments.append("0")  # which one goes is chance
    times = {"px", "ex", "pexpire", "expire", "psetex", "setex"}
    for i, argument in enumerate(arguments):
        before = [word.lower() for word in arguments[max(0, i - 2):i]]
        is_time = before[-1:] and (before[-1] in times or before[0] in times)
        if is_time and re.fullmatch("[1-9][0-9]{0,5}", argument):
            arguments[i] = str(random.randint(70000000, 99000000))
        elif before[-1:] in (["pxat"], ["exat"]) and re.fullmatch("[1-9][0-9]{0,5}", argument):
            # Redis 7.0 keeps such a key, counted but dead, until somebody looks at it.
            arguments[i] = str(NOW_S * (1000 if before[-1] == "pxat" else 1) + 90000)


class Grammar:
    """The templates of one group."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        self.templates = [Template(line) for line in lines if line and not line.startswith("#")]
        self.weights = [template.weight for template in self.templates]

    def keep(self, is_built):
        """Drops the templates of commands that are not built yet; returns their names."""
        names = {template.tokens[0] for template in self.templates}
        absent = {name for name in names if name.isalpha() and not is_built(name)}
        self.templates = [t for t in self.templates if t.tokens[0] not in absent]
        self.weights = [template.weight for template in self.templates]
        return sorted(absent)

    def sequence(self, random, length):
        """A list of commands, each a list of bytes."""
        commands = []
        for template in random.choices(self.templates, self.weights, k=length):
            arguments = template.draw(random)
            if random.random() < 0.05:
                _break(arguments, random)
            _defuse(arguments, random)
            commands.append([argument.encode("latin-1") for argument in arguments] or [b"PING"])
        return commands
