#!/usr/bin/env python3
"""Tests of the command table's generator: what it refuses, and the hash it makes.

A plain script: exits with 1 on the first failure.
"""

import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TABLE = pathlib.Path(__file__).resolve().parents[2] / "src" / "exec" / "table"
sys.path.insert(0, str(TABLE))

import command_files  # noqa: E402
import emit_docs  # noqa: E402
import perfect_hash  # noqa: E402

GOOD = """
[get]
summary = "Tells."
since = "1.0.0"
arity = 2
flags = ["readonly", "fast"]
acl = ["string", "read", "fast"]
complexity = "O(1)"
route = "inline"
handler = "cmd_get"
keys = [{ flags = ["RO"], index = 1, last = 0 }]
arguments = [{ name = "key", type = "key", key = 0 }]
"""
# What is changed in the good file, and a part of what must be said about it.
WRONG = [
    ('summary = "Tells."\n', "", "lacks the field summary"),
    ('acl = ["string", "read", "fast"]\n', "", "lacks the field acl"),
    ('summary = "Tells."', 'sumary = "Tells."', "unknown field of a command: sumary"),
    ("arity = 2", 'arity = "2"', "the field arity is not of type int"),
    ("arity = 2", "arity = 0", "the arity 0 cannot be"),
    ("arity = 2", "arity = -1", "the arity does not reach the first key"),
    ('"readonly", "fast"]', '"readonly", "quick", "fast"]', "unknown flag: quick"),
    ('"readonly", "fast"]', '"readonly", "write", "fast"]', "both write and readonly"),
    ('"readonly", "fast"]', '"readonly"]', "the flag fast"),
    ('"read", "fast"]', '"read"]', "one of the categories fast and slow"),
    ('"read", "fast"]', '"read", "read", "fast"]', "the same category twice"),
    ('"read", "fast"]', '"reed", "fast"]', "unknown category: reed"),
    ('"1.0.0"', '"1.0"', "is not three numbers"),
    ('"cmd_get"', '"cmd_set"', "the handler must be cmd_get"),
    ('handler = "cmd_get"\n', "", "lacks the field handler"),
    ('"inline"', '"outline"', "the route must be one of"),
    ("[get]", "[Get]", "a name is lower-case letters"),
    ('["RO"], index = 1', '["RO", "RW"], index = 1', "one of RO, RW, OW and RM"),
    ("index = 1, ", "", "a key begins at an index"),
    (", last = 0", "", "a range with last, or counted"),
    (", last = 0", ", last = 0, lst = 0", "unknown field of a key: lst"),
    ("key = 0", "key = 1", "names a key spec that is not there"),
    ('type = "key"', 'type = "kee"', "one of the types"),
    ('type = "key"', 'type = "oneof"', "oneof and block hold arguments"),
    ('type = "key"', 'type = "pure-token"', "lacks its token"),
    ("arity = 2", "arity =", "get.toml: "),
]


def fail(text):
    print(f"not ok: {text}")
    sys.exit(1)


def expect(condition, text):
    if not condition:
        fail(text)


def problem_of(*contents):
    """What the generator says about files of these contents; None when it takes them."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / f"{name}.toml" for name in ("get", "other")]
        for path, content in zip(paths, contents):
            path.write_text(content, encoding="utf-8")
        try:
            command_files.load(paths[:len(contents)])
        except command_files.Problem as problem:
            return str(problem)
    return None


def check_refusals():
    expect(problem_of(GOOD) is None, f"the good file is refused: {problem_of(GOOD)}")
    for old, new, said in WRONG:
        expect(old in GOOD, f"{old!r} is not in the good file")
        problem = problem_of(GOOD.replace(old, new))
        expect(problem is not None and said in problem, f"{new!r} gives {problem!r}, not {said!r}")
    problem = problem_of(GOOD, GOOD)
    expect(problem == "other.toml: get: is in get.toml too", f"the same name twice: {problem!r}")


def check_hash():
    for count in (1, 2, 3, 80, 700):
        names = [f"{'abcdefghijklm'[:i % 13 + 1]}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}"
                 for i in range(count)]
        names = sorted(set(names))
        made = perfect_hash.PerfectHash(names)
        for name in names:
            expect(made.slots[made.find(name)] == name, f"{name} of {count} is not in its slot")
        expect(made.slot_count < 4 * count + 4, f"{made.slot_count} slots for {count} names")
    expect(perfect_hash.is_careful("sort_ro"), "sort_ro is compared whole")
    expect(not perfect_hash.is_careful("get"), "get is not")


def check_triples():
    index = {"flags": ["RO"], "index": 1, "last": 0}
    second = {"flags": ["RO"], "index": 2, "last": -1}
    counted = {"flags": ["RO"], "index": 1, "keynum": 0, "first": 1}
    for keys, expected in (([], (0, 0, 0, True)), ([index], (1, 1, 1, True)),
                           ([index, second], (1, -1, 1, True)), ([counted], (0, 0, 0, False)),
                           ([index, counted], (1, 1, 1, False))):
        triple = command_files.key_triple(keys)
        expect(triple == expected, f"{keys} give {triple}, not {expected}")


def check_command_line():
    files = sorted(str(path) for path in TABLE.glob("*.toml"))
    with tempfile.TemporaryDirectory() as folder:
        listed = pathlib.Path(folder) / "commands.list"
        page = pathlib.Path(folder) / "commands.md"
        command = [sys.executable, str(TABLE / "generate.py"), "--list", str(listed), "--docs",
                   str(page), *files]
        subprocess.run(command, check=True)
        names = listed.read_text(encoding="utf-8").split()
        text = page.read_text(encoding="utf-8")
        expect("get" in names and "client|no-evict" in names, "the list lacks commands")
        for name in names:
            expect(f"\n### {name.upper().replace('|', ' ')}\n" in text, f"no section on {name}")
        bad = pathlib.Path(folder) / "bad.toml"
        bad.write_text("[x]\n", encoding="utf-8")
        result = subprocess.run([sys.executable, str(TABLE / "generate.py"), str(bad)],
                                capture_output=True, text=True, check=False)
        expect(result.returncode == 1 and result.stderr.count("\n") == 1, "a bad file is not said")


def check_syntax():
    optional = {"name": "n", "type": "integer", "token": "COUNT", "flags": ["optional"]}
    choice = {"name": "c", "type": "oneof", "arguments": [
        {"name": "a", "type": "pure-token", "token": "A"}, {"name": "b", "type": "string"}]}
    many = {"name": "key", "type": "key", "key": 0, "flags": ["multiple"]}
    shown = emit_docs.arguments_syntax([many, choice, optional])
    expect(shown == "key [key ...] <A | b> [COUNT n]", f"the syntax is shown as {shown!r}")


def main():
    check_refusals()
    check_hash()
    check_triples()
    check_command_line()
    check_syntax()
    print("ok")


if __name__ == "__main__":
    main()
