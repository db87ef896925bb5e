"""COMMAND and its subcommands over the wire.

What Redis 7.0 knows also holds there (POLLARD_SERVER=redis-server); newer facts are skipped then.
"""

from pollard_test import Error, case, main, pairs_of
from talkers import BOTH, SYNTAX, arity, newer, rows

NO_SUCH = Error("ERR Invalid command specified")
NO_KEYS = Error("ERR The command has no key arguments")
BAD_WORDS = Error("ERR Invalid arguments specified for command")
BAD_COUNT = Error("ERR Invalid number of arguments specified for command")


def names(c, *words):
    return [name.value.decode() for name in c.cmd("COMMAND", "LIST", *words).items]


def kinds(reply):
    return [item.kind for item in reply.items]


@case(protocols=BOTH)
def test_all(c):
    infos = c.cmd("COMMAND").items
    assert c.cmd("COMMAND", "COUNT") == len(infos)
    found = {info.items[0].value.decode() for info in infos}
    assert len(found) == len(infos) and {"get", "client", "command"} <= found
    assert found == {name for name in names(c) if "|" not in name}
    rows(c, ("COMMAND COUNT x", arity("command|count")),
         ("COMMAND what", Error("ERR unknown subcommand 'what'. Try COMMAND HELP.")))
    assert len(c.cmd("COMMAND", "INFO").items) == len(infos)


@case(protocols=BOTH)
def test_info(c):
    rows(c, ("COMMAND INFO nothing", [None]), ("COMMAND INFO client|nothing", [None]))
    missing, get = c.cmd("COMMAND", "INFO", "nothing", "GET").items
    assert missing == None and get.items[0] == b"get" and get.items[1] == 2  # noqa: E711
    assert [item.value for item in get.items[3:6]] == [1, 1, 1]
    flags = [flag.value for flag in get.items[2].items]
    assert flags == ["readonly", "fast"] or flags == [b"readonly", b"fast"]
    expected = "set" if c.protocol == 3 else "array"
    assert kinds(get)[6:] == [expected] * 4
    specs = get.items[8].items
    assert len(specs) == 1 and specs[0].kind == ("map" if c.protocol == 3 else "array")
    sub = c.cmd("COMMAND", "INFO", "MEMORY|usage").items[0].items
    assert sub[0] == b"memory|usage" and sub[1] == -3 and sub[3] == 2
    container = c.cmd("COMMAND", "INFO", "config").items[0].items
    assert container[9].kind == "array"
    assert b"config|get" in [info.items[0].value for info in container[9].items]


@case
def test_help_is_the_same_everywhere(c):
    """HELP of every command that has one: flags, and no category but slow and the group's."""
    helps = [info for command in c.cmd("COMMAND", "INFO").items if len(command.items) > 9
             for info in command.items[9].items if info.items[0].value.endswith(b"|help")]
    assert len(helps) >= 10
    for info in helps:
        assert {flag.value for flag in info.items[2].items} == {b"loading", b"stale"}, info
        assert len(info.items[6].items) <= 2, info.items[0]


@case(protocols=BOTH)
def test_docs(c):
    rows(c, ("COMMAND DOCS nothing", {} if c.protocol == 3 else []))
    docs = pairs_of(c.cmd("COMMAND", "DOCS", "EXPIRE", "nothing", "config"))
    assert [name.value for name, _ in docs] == [b"expire", b"config"]
    expire = {name.value: value for name, value in pairs_of(docs[0][1])}
    assert list(expire)[:4] == [b"summary", b"since", b"group", b"complexity"]
    assert list(expire)[4:] == [b"history", b"arguments"]
    assert expire[b"since"] == b"1.0.0" and expire[b"group"] == b"generic"
    arguments = [dict((k.value, v.value) for k, v in pairs_of(argument))
                 for argument in expire[b"arguments"].items]
    assert arguments[0] == {b"name": b"key", b"type": b"key", b"key_spec_index": 0}
    assert arguments[1] == {b"name": b"seconds", b"type": b"integer"}
    config = {name.value: value for name, value in pairs_of(docs[1][1])}
    assert b"config|set" in [name.value for name, _ in pairs_of(config[b"subcommands"])]
    old = {name.value: value for name, value in
           pairs_of(pairs_of(c.cmd("COMMAND", "DOCS", "getset"))[0][1])}
    assert old[b"deprecated_since"] == b"6.2.0"
    assert len(old[b"doc_flags"].items) == 1
    assert len(pairs_of(c.cmd("COMMAND", "DOCS"))) == c.cmd("COMMAND", "COUNT").value


@case(protocols=BOTH)
def test_docs_of_own_arguments(c):
    """What SET takes here alone is dated by Pollard's versions."""
    newer()
    docs = {name.value: value for name, value in
            pairs_of(pairs_of(c.cmd("COMMAND", "DOCS", "set"))[0][1])}
    changes = [[part.value for part in change.items] for change in docs[b"history"].items]
    assert [version for version, text in changes if b"SOFT" in text] == [b"0.1.0"], changes
    arguments = [dict((k.value, v.value) for k, v in pairs_of(argument))
                 for argument in docs[b"arguments"].items]
    own = {argument[b"token"]: argument.get(b"since") for argument in arguments[-2:]}
    assert own == {b"SOFT": b"0.1.0", b"JITTER": b"0.1.0"}


@case(protocols=BOTH)
def test_list(c):
    rows(c, ("COMMAND LIST what", SYNTAX), ("COMMAND LIST FILTERBY PATTERN", SYNTAX),
         ("COMMAND LIST FILTERBY what x", SYNTAX), ("COMMAND LIST FILTERBY PATTERN x y", SYNTAX),
         ("COMMAND LIST FILTERBY MODULE x", []), ("COMMAND LIST FILTERBY ACLCAT what", []),
         ("COMMAND LIST FILTERBY ACLCAT @string", []),
         ("COMMAND LIST FILTERBY PATTERN nothing*", []),
         ("command list filterby pattern GETSET", [b"getset"]))
    assert set(names(c, "FILTERBY", "PATTERN", "CONFIG*")) == {
        "config", "config|get", "config|set", "config|help", "config|rewrite", "config|resetstat"}
    strings = names(c, "FILTERBY", "ACLCAT", "String")
    assert "get" in strings and "del" not in strings
    every = names(c)
    assert "client|id" in every and len(every) == len(set(every))


@case(protocols=BOTH)
def test_getkeys(c):
    rows(c, ("COMMAND GETKEYS get a", [b"a"]), ("COMMAND GETKEYS mset a 1 b 2", [b"a", b"b"]),
         ("COMMAND GETKEYS mget a b c", [b"a", b"b", b"c"]),
         ("COMMAND GETKEYS copy a b", [b"a", b"b"]),
         ("COMMAND GETKEYS memory usage a", [b"a"]), ("COMMAND GETKEYS MEMORY what a", NO_SUCH),
         ("COMMAND GETKEYS what a", NO_SUCH), ("COMMAND GETKEYS config get a", NO_KEYS),
         ("COMMAND GETKEYS setex a 1", BAD_COUNT), ("COMMAND GETKEYS object encoding", BAD_COUNT),
         ("COMMAND GETKEYS", arity("command|getkeys")))
    many = [f"k{i}" for i in range(100)]
    assert c.cmd("COMMAND", "GETKEYS", "DEL", *many) == [name.encode() for name in many]
    newer()
    rows(c, ("COMMAND GETKEYS ping", NO_KEYS),
         ("COMMAND GETKEYS msetex 2 a 1 b 2 ex 5", [b"a", b"b"]),
         ("COMMAND GETKEYS msetex 3 a 1", BAD_WORDS), ("COMMAND GETKEYS msetex x a 1", BAD_WORDS))


def flags_of(c, *words):
    """(key, flags) pairs; flags are a set in RESP3."""
    reply = c.cmd("COMMAND", "GETKEYSANDFLAGS", *words)
    found = []
    for pair in reply.items:
        key, flags = pair.items
        assert flags.kind == ("set" if c.protocol == 3 else "array")
        texts = [flag.value.decode() if isinstance(flag.value, bytes) else flag.value
                 for flag in flags.items]
        found.append((key.value, texts))
    return found


@case(protocols=BOTH)
def test_getkeysandflags(c):
    assert flags_of(c, "get", "a") == [(b"a", ["RO", "access"])]
    assert flags_of(c, "mset", "a", "1", "b", "2") == [(b"a", ["OW", "update"]),
                                                       (b"b", ["OW", "update"])]
    assert flags_of(c, "set", "a", "1") == [(b"a", ["OW", "update"])]
    assert flags_of(c, "set", "a", "1", "nx", "GET") == [(b"a", ["RW", "access", "update"])]
    rows(c, ("COMMAND GETKEYSANDFLAGS debug x", NO_KEYS), ("COMMAND GETKEYSANDFLAGS no x", NO_SUCH))
    newer()
    assert flags_of(c, "set", "a", "1", "ifeq", "2") == [(b"a", ["RW", "access", "update"])]
    assert flags_of(c, "delex", "a") == [(b"a", ["RM", "delete"])]


@case(protocols=BOTH)
def test_help(c):
    lines = [line.value if isinstance(line.value, str) else line.value.decode()
             for line in c.cmd("COMMAND", "HELP").items]
    assert lines[0] == "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[1] == "(no subcommand)" and lines[-2:] == ["HELP", "    Prints this help."]
    rows(c, ("COMMAND HELP x", arity("command|help")))


main()
