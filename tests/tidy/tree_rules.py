"""Rules of tidy about the tree: floors, headers, build lists, coverage of commands."""
import os
import re
import shlex
import shutil
import subprocess
import tomllib

from text_rules import strip_comments

FLOORS = {
    "base": 0, "ds": 1, "proto": 1, "net": 1, "config": 1, "value": 2, "stats": 2, "acl": 2,
    "pubsub": 2, "keyspace": 3, "client": 4, "exec": 5, "events": 6, "txn": 6, "script": 6,
    "persist": 6, "repl": 6, "cmd": 7, "server": 8,
}

# Files that may have mutable variables at file scope: one a process, behind a lock or atomic.
STATE_ALLOWED = re.compile(
    r"src/(server/|base/(thread|log|mem\w*|hash|clock|option|lock)\.c|"
    r"stats/(errors|commandlog|rates|stats|latency)\.c|exec/command_table\.c)")

# Commands that the differential test cannot send, each with its reason.
NOT_COMPARED = {
    "monitor": "a stream without end; tests/clients and tests/wire",
    "lolwut": "a drawing of our own",
    "save": "no persistence yet: an error that Redis has not",
    "delprefix": "Pollard's own",
    "lease.get": "Pollard's own",
    "lease.set": "Pollard's own",
}


class Skip(Exception):
    """The rule cannot be checked here; the text is the reason."""


def room_of(name):
    """The room a file belongs to, or None."""
    parts = name.split("/")
    if name.startswith("include/pollard/") and len(parts) > 3:
        return parts[2]
    if name.startswith("src/") and len(parts) > 2:
        return parts[1]
    return None


def include_direction(tree):
    """A room includes headers of lower floors and its own only."""
    for name, text in tree.files(".c", ".h", ".def"):
        room = room_of(name)
        if room is None:
            continue
        if room not in FLOORS:
            yield f"{name}: the room {room} has no floor"
            continue
        for match in re.finditer(r'#include [<"]pollard/(\w+)/', text):
            other = match.group(1)
            if other != room and FLOORS.get(other, 99) >= FLOORS[room]:
                yield f"{name}: {room} (floor {FLOORS[room]}) includes {other}"


def guards_of(name):
    """The guards a header may have: by room and name, the room not twice; freer for tests."""
    room, base = name.split("/")[-2:]
    base = re.sub(r"\W", "_", base).upper()
    if room_of(name) is None:
        return rf"POLLARD_\w*{base}"
    above = name.split("/")[-3].upper()
    if base.startswith(room.upper()):
        return rf"POLLARD_({room.upper()}_)?{base}"
    return rf"POLLARD_({above}_)?{room.upper()}_{base}"


def header_guards(tree):
    """Headers are guarded by their path."""
    for name, text in tree.files(".h"):
        code = strip_comments(text)
        guard = re.search(r"#ifndef (\w+)\n#define (\w+)\n", code)
        if not guard or guard.group(1) != guard.group(2):
            yield f"{name}: no guard"
        elif not re.fullmatch(guards_of(name), guard.group(1)):
            yield f"{name}: guard {guard.group(1)}, expected {guards_of(name)}"


def self_contained(tree):
    """Every header compiles alone."""
    config = tree.build and os.path.join(tree.build, "pollard_config.h")
    if not config or not os.path.exists(config):
        raise Skip("no build directory")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fsyntax-only", "-xc", "-w", "-include",
             config, "-I", os.path.join(tree.root, "include")]
    generated = [os.path.join(tree.build, "src", "exec")]
    for name, _ in tree.files(".h"):
        if not name.startswith(("include/", "src/")):
            continue
        room = os.path.join(tree.root, "src", room_of(name) or "")
        command = [*compiler, *flags, "-I", room, *(f"-I{path}" for path in generated),
                   os.path.join(tree.root, name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            first = [line for line in done.stderr.splitlines() if "error" in line][:1]
            yield f"{name}: {first[0] if first else 'does not compile'}"


def listed_sources(tree):
    """Every C source is listed in a meson.build."""
    built = "\n".join(re.sub(r"#.*", "", text) for _, text in tree.files("meson.build"))
    names = set(re.findall(r"'([^'\n]+)'", built))
    for name, _ in tree.files(".c"):
        base = os.path.basename(name)
        stem = re.sub(r"^(test|fuzz|stress|bench|mem)_", "", base[:-2])
        if not any(word == base or word.endswith("/" + base) or word == stem for word in names):
            yield f"{name}: in no meson.build"


def file_scope_state(tree):
    """No mutable variable at file scope, no extern in sources, but in the listed files."""
    variable = re.compile(
        r"^(static |extern )?(?=\w)(?!const |typedef |struct \w+;|enum \w+;|return\b)"
        r"[\w ]+[\w\s*]*?\b\w+(\[[^]]*\])*( = .*|; *)$", re.M)
    for name, text in tree.files(".c", below="src/"):
        code = strip_comments(text)
        for match in variable.finditer(code):
            line = match.group(0)
            number = code.count("\n", 0, match.start()) + 1
            if line.startswith("extern "):
                yield f"{name}:{number}: extern in a source"
            elif ("const " not in line and "_Thread_local" not in line
                    and not STATE_ALLOWED.match(name)):
                yield f"{name}:{number}: {line.strip()[:80]}"


def commands(tree):
    """Every command of the tables: full name ("client id") and its row."""
    for name, text in tree.files(".toml", below="src/exec/table/"):
        for command, row in tomllib.loads(text).items():
            yield command, row
            for sub, sub_row in row.get("subcommands", {}).items():
                yield f"{command} {sub}", sub_row


def command_tests(tree):
    """Every command has a wire test."""
    texts = "\n".join(text for _, text in tree.files(".py", below="tests/wire/")).lower()
    for command, row in commands(tree):
        words = command.split()
        quoted = r'["\'],\s*["\']'.join(re.escape(word) for word in words)
        written = r"\s".join(re.escape(word) for word in words)
        if words[-1] == "help":  # tested in a loop over the containers
            quoted = re.escape(words[0])
        if "subcommands" not in row and not re.search(
                rf"[\"']{quoted}[\"']|[\"']{written}[\s\"']", texts):
            yield f"{command}: not in tests/wire"


def command_cases(tree):
    """Every command that the oracle knows has a differential case."""
    lines = "\n".join(text for _, text in tree.files(".txt", below="tests/differential/")).lower()
    for command, row in commands(tree):
        since = tuple(int(part) for part in row.get("since", "1").split(".")[:2])
        words = command.split()
        if since > (7, 0) or words[0] in NOT_COMPARED or "subcommands" in row:
            continue
        pattern = r"^(\d+: )?" + re.escape(words[0])
        pattern += rf"\b.*\b{re.escape(words[1])}\b" if len(words) > 1 else r"\b"
        if not re.search(pattern, lines, re.M):
            yield f"{command}: not in tests/differential"


def command_docs(tree):
    """Every command says what it does: docs/commands.md is made from these lines."""
    for command, row in commands(tree):
        if not row.get("summary", "").strip().endswith("."):
            yield f"{command}: no summary"


def rooms_in_docs(tree):
    """docs/architecture.md names every room."""
    text = tree.read("docs/architecture.md")
    for room in sorted({room_of(name) for name in tree.texts} - {None}):
        if not re.search(rf"\b{room}\b", text):
            yield f"{room}: not in docs/architecture.md"


def formatted(tree):
    """Sources are formatted by .clang-format."""
    if shutil.which("clang-format") is None:
        raise Skip("no clang-format")
    names = [os.path.join(tree.root, name) for name, _ in tree.files(".c", ".h")]
    done = subprocess.run(["clang-format", "--dry-run", *names], capture_output=True, text=True,
                          check=False)
    yield from sorted({line.split(":")[0].removeprefix(tree.root + "/")
                       for line in done.stderr.splitlines() if "clang-format" in line})


RULES = [include_direction, header_guards, self_contained, listed_sources, file_scope_state,
         command_tests, command_cases, command_docs, rooms_in_docs, formatted]
