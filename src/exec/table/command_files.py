"""Reads the command files and refuses what is wrong in them.

A file is a group; a table in it is a command; its table "subcommands" holds those of a container.
The fields of a command (those with a star must be there):

    summary*     what it does, one sentence
    since*       the version of Redis or Valkey that brought it; of Pollard, for its own
    arity*       words with the name (both names of a subcommand); negative: at least so many
    flags*       as COMMAND INFO tells them, and "protected", "touches_arbitrary_keys"
    acl*         all categories, "fast" or "slow" among them
    complexity*  its cost
    route        "inline", "size" or "pool": where it runs; "queue": as the session's queued
                 commands want; a container without a form has none
    inside       what it needs in a transaction beside its keys: "session" (it looks at the client's
                 session), "later" (the same, and its answer may come later), "whole" (it looks at
                 whole databases), "apart" (it is not queued, but runs at once)
    handler      the C function: cmd_<name>, cmd_<container>_<name>
    exclusive    true: it takes its keys for itself though it does not write them
    sensitive    true: its arguments are kept out of logs and MONITOR
    tips         hints for clients that split calls over a cluster
    deprecated   { since, replaced_by }
    system       true: not meant for applications
    history      [[version, what changed], ...]
    keys         key specs: { flags, notes, index | keyword + from, then
                 last + step + limit | keynum + first + step }
    arguments    { name, type, key, token, since, deprecated_since, flags, arguments }
"""

import pathlib
import re
import tomllib

FLAGS = """write readonly denyoom admin pubsub noscript blocking loading stale skip_monitor
skip_slowlog asking fast no_auth may_replicate sentinel only_sentinel no_mandatory_keys protected
no_async_loading no_multi allow_busy touches_arbitrary_keys""".split()
CATEGORIES = """keyspace read write set sortedset list hash string bitmap hyperloglog geo stream
pubsub admin fast slow blocking dangerous connection transaction scripting""".split()
KEY_FLAGS = "RO RW OW RM access update insert delete not_key incomplete variable_flags".split()
ARGUMENT_FLAGS = ["optional", "multiple", "multiple_token"]
ARGUMENT_TYPES = """string integer double key pattern unix-time pure-token oneof block""".split()
ROUTES = ["inline", "size", "pool", "queue"]
INSIDE = ["session", "later", "whole", "apart"]

REQUIRED = {"summary": str, "since": str, "arity": int, "flags": list, "acl": list,
            "complexity": str}
OPTIONAL = {"route": str, "inside": str, "handler": str, "exclusive": bool, "sensitive": bool,
            "tips": list, "deprecated": dict, "system": bool, "history": list, "keys": list,
            "arguments": list, "subcommands": dict}
KEY_FIELDS = {"flags": list, "notes": str, "index": int, "keyword": str, "from": int, "last": int,
              "step": int, "limit": int, "keynum": int, "first": int}
ARGUMENT_FIELDS = {"name": str, "type": str, "key": int, "token": str, "since": str,
                   "deprecated_since": str, "flags": list, "arguments": list}


class Problem(Exception):
    """Something wrong in a command file."""


class Command:
    """One command with its fields as attributes; absent ones are None or empty."""

    def __init__(self, name, group, fields, parent=None):
        self.name = name
        self.group = group
        self.parent = parent
        self.full_name = f"{parent.name}|{name}" if parent else name
        self._check_fields(fields)
        for field, kind in (REQUIRED | OPTIONAL).items():
            empty = None if kind in (str, int, bool) else kind()
            setattr(self, field, fields.get(field, empty))
        self._check_values()
        self.subcommands = [Command(sub, group, self.subcommands[sub], self)
                            for sub in sorted(self.subcommands)]
        self._check_handler()
        self.first_key, self.last_key, self.key_step, covered = key_triple(self.keys)
        self.all_flags = list(self.flags) + ([] if covered else ["movablekeys"])

    def problem(self, text):
        return Problem(f"{self.group}.toml: {self.full_name}: {text}")

    def _check_fields(self, fields):
        if not isinstance(fields, dict):
            raise self.problem("is not a table")
        if not re.fullmatch(r"[a-z][a-z0-9_.-]*", self.name):
            raise self.problem("a name is lower-case letters, digits, -, _ and .")
        check_kinds(self, "command", fields, REQUIRED | OPTIONAL)
        for field in REQUIRED:
            if field not in fields:
                raise self.problem(f"lacks the field {field}")

    def _check_values(self):
        check_words(self, "flag", self.flags, FLAGS)
        check_words(self, "category", self.acl, CATEGORIES)
        if ("fast" in self.acl) == ("slow" in self.acl):
            raise self.problem("is in one of the categories fast and slow")
        if self.name != "role" and ("fast" in self.flags) != ("fast" in self.acl):
            raise self.problem("has the flag fast but not the category, or the other way round")
        if {"write", "readonly"} <= set(self.flags):
            raise self.problem("is both write and readonly")
        least = 2 if self.parent else 1
        if abs(self.arity) < least or abs(self.arity) > 100:
            raise self.problem(f"the arity {self.arity} cannot be")
        if self.deprecated and set(self.deprecated) != {"since", "replaced_by"}:
            raise self.problem("deprecated takes since and replaced_by")
        if not re.fullmatch(r"\d+\.\d+\.\d+", self.since):
            raise self.problem(f"the version {self.since} is not three numbers")
        for change in self.history:
            if len(change) != 2 or not all(isinstance(part, str) for part in change):
                raise self.problem("history holds pairs of a version and a text")
        for key in self.keys:
            check_key(self, key)
        for argument in self.arguments:
            check_argument(self, argument)

    def _check_handler(self):
        if self.parent and self.subcommands:
            raise self.problem("a subcommand has no subcommands")
        if not self.handler:
            if not self.subcommands:
                raise self.problem("lacks the field handler")
            return
        name = "cmd_" + re.sub(r"[|.-]", "_", self.full_name)
        if self.handler != name:
            raise self.problem(f"the handler must be {name}")
        if self.route not in ROUTES:
            raise self.problem(f"the route must be one of {', '.join(ROUTES)}")
        if self.inside and self.inside not in INSIDE:
            raise self.problem(f"inside must be one of {', '.join(INSIDE)}")


def check_kinds(command, what, fields, kinds):
    for field, value in fields.items():
        if field not in kinds:
            raise command.problem(f"unknown field of a {what}: {field}")
        if not isinstance(value, kinds[field]) or (kinds[field] is int and value is True):
            raise command.problem(f"the field {field} is not of type {kinds[field].__name__}")


def check_words(command, what, given, known):
    for word in given:
        if word not in known:
            raise command.problem(f"unknown {what}: {word}")
    if len(set(given)) != len(given):
        raise command.problem(f"the same {what} twice")


def check_key(command, key):
    check_kinds(command, "key", key, KEY_FIELDS)
    check_words(command, "key flag", key.get("flags", []), KEY_FLAGS)
    access = {"RO", "RW", "OW", "RM"} & set(key.get("flags", []))
    if len(access) != 1 and "not_key" not in key.get("flags", []):
        raise command.problem("a key is one of RO, RW, OW and RM")
    if ("index" in key) == ("keyword" in key) or ("keyword" in key) != ("from" in key):
        raise command.problem("a key begins at an index, or at a keyword looked for from a start")
    if ("last" in key) == ("keynum" in key) or ("keynum" in key) != ("first" in key):
        raise command.problem("keys are a range with last, or counted with keynum and first")
    if key.get("index", 1) < 1 or key.get("step", 1) < 1:
        raise command.problem("the index and the step of a key are above 0")
    # All arguments from an index on may be none, but not those of the first spec, which is looked
    # at without a count; unless they are no keys.
    is_key = "not_key" not in key.get("flags", [])
    may_be_none = key.get("last") == -1 and (key is not command.keys[0] or not is_key)
    if "index" in key and abs(command.arity) + may_be_none <= key["index"]:
        raise command.problem("the arity does not reach the first key")


def check_argument(command, argument):
    check_kinds(command, "argument", argument, ARGUMENT_FIELDS)
    if "name" not in argument or argument.get("type") not in ARGUMENT_TYPES:
        raise command.problem("an argument has a name and one of the types "
                              + ", ".join(ARGUMENT_TYPES))
    check_words(command, "argument flag", argument.get("flags", []), ARGUMENT_FLAGS)
    if (argument["type"] == "pure-token") and "token" not in argument:
        raise command.problem(f"the argument {argument['name']} lacks its token")
    if ("arguments" in argument) != (argument["type"] in ("oneof", "block")):
        raise command.problem(f"the argument {argument['name']}: oneof and block hold arguments")
    if ("key" in argument) and not 0 <= argument["key"] < len(command.keys):
        raise command.problem(f"the argument {argument['name']} names a key spec that is not there")
    for inner in argument.get("arguments", []):
        check_argument(command, inner)


def key_triple(keys):
    """The old description of keys (first, last, step), and whether it says all: the ranges that
    begin at an index and follow each other."""
    first, last, step, covered = 0, 0, 0, True
    for key in keys:
        if "index" not in key or "last" not in key or key.get("limit") or \
                "incomplete" in key["flags"]:
            covered = False
            continue
        end = key["last"] if key["last"] < 0 else key["index"] + key["last"]
        if first == 0:
            first, last, step = key["index"], end, key.get("step", 1)
        elif last == key["index"] - 1 and step == 1 and key.get("step", 1) == 1:
            last = end
        else:
            covered = False
    return first, last, step, covered


def load(paths):
    """All top-level commands of the files, sorted by name."""
    commands = {}
    for path in paths:
        group = pathlib.Path(path).stem
        try:
            with open(path, "rb") as file:
                tables = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise Problem(f"{group}.toml: {error}") from error
        for name, fields in tables.items():
            if name in commands:
                raise Problem(f"{group}.toml: {name}: is in {commands[name].group}.toml too")
            commands[name] = Command(name, group, fields)
    return [commands[name] for name in sorted(commands)]


def with_subcommands(commands):
    """In the order of ids: top-level commands, then the subcommands, container by container."""
    return list(commands) + [sub for command in commands for sub in command.subcommands]
