"""Writes the C side: the rows with their handlers, the hash over them, what COMMAND DOCS tells."""

import re

import command_files
import perfect_hash

HEADER = """/* Generated from the command files: the handlers of all commands and their table. */
#ifndef POLLARD_COMMANDS_H
#define POLLARD_COMMANDS_H

#include "pollard/exec/command_table.h"
#include "pollard/exec/exec.h"

extern const struct command_table pollard_command_table;

%s
#endif
"""

SOURCE_HEAD = """/* Generated from the command files: the command table. */
#include "pollard_commands.h"

/* A test that runs no command gives its own. */
#ifndef COMMAND_HANDLER
#define COMMAND_HANDLER(name) name
#endif
"""


def text(value):
    """A C string literal, or NULL."""
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def bits(prefix, words):
    return " | ".join(prefix + word.upper() for word in words) or "0"


def identifier(command):
    return re.sub(r"[|.-]", "_", command.full_name)


def header(commands):
    handlers = sorted(c.handler for c in command_files.with_subcommands(commands) if c.handler)
    return HEADER % "".join(f"enum status {name}(struct exec *x);\n" for name in handlers)


def array(kind, name, rows):
    """A static array, or nothing when it would be empty."""
    if not rows:
        return ""
    lines = "".join(f"    {row},\n" for row in rows)
    return f"static const {kind}{name}[] = {{\n{lines}}};\n"


def key_row(key):
    fields = [f".flags = {bits('KEY_SPEC_', key['flags'])}", f".step = {key.get('step', 1)}"]
    if "index" in key:
        fields += [".begin = KEY_BEGIN_INDEX", f".index = {key['index']}"]
    else:
        fields += [".begin = KEY_BEGIN_KEYWORD", f".index = {key['from']}",
                   f".keyword = {text(key['keyword'].lower())}"]
    if "last" in key:
        fields += [".find = KEY_FIND_RANGE", f".last = {key['last']}",
                   f".limit = {key.get('limit', 0)}"]
    else:
        fields += [".find = KEY_FIND_KEYNUM", f".keynum_index = {key['keynum']}",
                   f".first_key = {key['first']}"]
    return "{" + ", ".join(fields) + "}"


def argument_arrays(arguments, name, ret_arrays):
    """Arrays of nested arguments go before those that point at them."""
    rows = []
    for i, argument in enumerate(arguments):
        inner = argument.get("arguments", [])
        fields = [f".name = {text(argument['name'])}", f".type = {text(argument['type'])}",
                  f".flags = {bits('ARGUMENT_', argument.get('flags', []))}",
                  f".key_spec_index = {argument.get('key', -1)}"]
        for field in ("token", "since", "deprecated_since"):
            if field in argument:
                fields.append(f".{field} = {text(argument[field])}")
        if inner:
            argument_arrays(inner, f"{name}_{i}", ret_arrays)
            fields += [f".arguments = {name}_{i}", f".argument_count = {len(inner)}"]
        rows.append("{" + ", ".join(fields) + "}")
    ret_arrays.append(array("struct command_argument ", name, rows))


def command_arrays(command):
    """The arrays that a command's rows point at."""
    name = identifier(command)
    arrays = [array("struct key_spec ", f"keys_{name}", [key_row(key) for key in command.keys]),
              array("struct command_change ", f"history_{name}",
                    [f"{{{text(since)}, {text(change)}}}" for since, change in command.history]),
              array("char *const ", f"tips_{name}", [text(tip) for tip in command.tips])]
    if any("notes" in key for key in command.keys):
        arrays.append(array("char *const ", f"notes_{name}",
                            [text(key.get("notes")) for key in command.keys]))
    argument_arrays(command.arguments, f"arguments_{name}", arrays)
    return "".join(arrays)


def is_gated(command):
    """Has more to be asked than arity before it may run?"""
    return bool(command.subcommands) or not command.handler or "protected" in command.all_flags


def is_exclusive(command):
    """Does it take its keys for itself? PFCOUNT is read-only, and writes what it found out."""
    return ("write" in command.all_flags or bool(command.exclusive) or
            any({"RW", "OW", "RM"} & set(key["flags"]) for key in command.keys))


def has_one_key(command):
    """Has it the one key at first_key, always, and may it run on the reactor?"""
    return (len(command.keys) == 1 and "not_key" not in command.keys[0]["flags"] and
            0 < command.first_key < abs(command.arity) and
            command.first_key == command.last_key and (command.route or "inline") != "pool")


def command_row(command, ids):
    name = identifier(command)
    fields = [f".name = {text(command.name)}", f".full_name = {text(command.full_name)}",
              f".id = {ids[command.full_name]}", f".arity = {command.arity}",
              f".flags = {bits('COMMAND_', command.all_flags)}",
              f".acl = {bits('CATEGORY_', command.acl)}",
              f".route = ROUTE_{(command.route or 'inline').upper()}",
              f".inside = INSIDE_{(command.inside or 'keys').upper()}"]
    if command.handler:
        fields.append(f".handler = COMMAND_HANDLER({command.handler})")
    if command.parent:
        fields.append(f".parent = &commands[{ids[command.parent.full_name]}]")
    if command.subcommands:
        fields += [f".subcommands = &commands[{ids[command.subcommands[0].full_name]}]",
                   f".subcommand_count = {len(command.subcommands)}"]
    if command.keys:
        fields += [f".key_specs = keys_{name}", f".key_spec_count = {len(command.keys)}",
                   f".first_key = {command.first_key}", f".last_key = {command.last_key}",
                   f".key_step = {command.key_step}"]
    if command.sensitive:
        fields.append(".sensitive = true")
    if is_gated(command):
        fields.append(".is_gated = true")
    if is_exclusive(command):
        fields.append(".is_exclusive = true")
    if has_one_key(command):
        fields.append(".has_one_key = true")
    return "{" + ", ".join(fields) + "}"


def docs_row(command):
    name = identifier(command)
    fields = [f".summary = {text(command.summary)}", f".since = {text(command.since)}",
              f".group = {text(command.group)}", f".complexity = {text(command.complexity)}"]
    if command.deprecated:
        fields += [f".{field} = {text(command.deprecated[key])}" for field, key in
                   (("deprecated_since", "since"), ("replaced_by", "replaced_by"))]
    for field, count, items in (("history", "history_count", command.history),
                                ("arguments", "argument_count", command.arguments),
                                ("tips", "tip_count", command.tips)):
        if items:
            fields += [f".{field} = {field}_{name}", f".{count} = {len(items)}"]
    if any("notes" in key for key in command.keys):
        fields.append(f".key_notes = notes_{name}")
    if command.system:
        fields.append(".is_system = true")
    return "{" + ", ".join(fields) + "}"


def slot_row(name, ids):
    if name is None:
        return "{0}"
    first, last = perfect_hash.words(name)
    careful = "true" if perfect_hash.is_careful(name) else "false"
    return (f"{{UINT64_C({first:#x}), UINT64_C({last:#x}), &commands[{ids[name]}], {len(name)}, "
            f"{careful}}}")


def source(commands):
    every = command_files.with_subcommands(commands)
    ids = {command.full_name: i for i, command in enumerate(every)}
    hashed = perfect_hash.PerfectHash([command.name for command in commands])
    parts = [SOURCE_HEAD]
    parts += [command_arrays(command) for command in every]
    # Named before its rows, which point at each other.
    parts.append(f"static const struct command commands[{len(every)}];\n")
    parts.append(array("struct command ", "commands", [command_row(c, ids) for c in every])
                 .replace("commands[]", f"commands[{len(every)}]"))
    parts.append(array("struct command_docs ", "docs", [docs_row(c) for c in every]))
    parts.append(array("struct command_slot ", "slots", [slot_row(n, ids) for n in hashed.slots]))
    parts.append(array("uint16_t ", "displacements", hashed.displacements))
    parts.append("const struct command_table pollard_command_table = {\n"
                 "    .slots = slots,\n    .displacements = displacements,\n"
                 f"    .multiplier = UINT64_C({hashed.multiplier:#x}),\n"
                 f"    .slot_mask = {hashed.slot_count - 1},\n"
                 f"    .bucket_shift = {hashed.bucket_shift},\n"
                 f"    .toplevel_count = {len(commands)},\n    .count = {len(every)},\n"
                 "    .commands = commands,\n    .docs = docs,\n};\n")
    return "\n".join(part for part in parts if part)
