"""Writes the page of commands (docs/commands.md) from the command files."""

INTRO = """# Commands

Generated from the command files (`src/exec/table/*.toml`). *Since* is the version of Redis or
Valkey that brought the command. In a syntax line, words in capitals are typed as they are,
`[x]` may be left out, `a | b` is a choice and `...` repeats.
"""
TITLES = {"string": "Strings", "generic": "Keys of any type", "connection": "Connection",
          "server": "Server", "lease": "Leases"}


def argument_syntax(argument):
    inner = argument.get("arguments", [])
    flags = argument.get("flags", [])
    if argument["type"] == "pure-token":
        shown = argument["token"]
    elif argument["type"] == "oneof":
        shown = " | ".join(argument_syntax(a) for a in inner)
        if "optional" not in flags or "token" in argument:
            shown = f"<{shown}>"
    elif argument["type"] == "block":
        shown = arguments_syntax(inner)
    else:
        shown = argument["name"]
    if "token" in argument and argument["type"] != "pure-token":
        shown = (argument["token"] or '""') + " " + shown
    if "multiple" in flags:
        group = f"({shown})" if len(inner) > 1 else shown
        shown = f"{group} [{group} ...]"
    return f"[{shown}]" if "optional" in flags else shown


def arguments_syntax(arguments):
    return " ".join(argument_syntax(argument) for argument in arguments)


def section(command):
    words = command.full_name.upper().replace("|", " ")
    syntax = f"{words} {arguments_syntax(command.arguments)}".strip()
    lines = [f"### {words}", ""]
    if command.handler:
        lines += [f"`{syntax}`", ""]
    lines += [command.summary, ""]
    lines.append(f"- Since {command.since}. Cost: {command.complexity}")
    if command.flags:
        lines.append("- Flags: " + ", ".join(command.all_flags))
    lines.append("- Categories: " + ", ".join("@" + name for name in command.acl))
    if command.deprecated:
        lines.append(f"- Deprecated since {command.deprecated['since']}; instead: "
                     f"{command.deprecated['replaced_by']}")
    lines += [f"- {since}: {change}" for since, change in command.history]
    return "\n".join(lines) + "\n"


def page(commands):
    parts = [INTRO]
    for group in sorted({command.group for command in commands}, key=lambda g: TITLES.get(g, g)):
        parts.append(f"## {TITLES.get(group, group.capitalize())}\n")
        for command in commands:
            if command.group == group:
                parts += [section(c) for c in [command, *command.subcommands]]
    return "\n".join(parts)
