#!/usr/bin/env python3
"""Makes the command table out of the command files, at build time.

    generate.py [--header FILE] [--source FILE] [--list FILE] [--docs FILE] GROUP.toml...

Writes what is asked for: the C header with the handlers' prototypes, the C source of the table,
the list of full names (one a line), the page of commands. Exits with 1 and one line on standard
error when a command file is wrong; command_files.py says what must be in them.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

import command_files  # noqa: E402
import emit_c  # noqa: E402
import emit_docs  # noqa: E402


def names(commands):
    return "".join(c.full_name + "\n" for c in command_files.with_subcommands(commands))


def main():
    parser = argparse.ArgumentParser(description="Makes the command table.")
    outputs = {"header": emit_c.header, "source": emit_c.source, "list": names,
               "docs": emit_docs.page}
    for output in outputs:
        parser.add_argument(f"--{output}", type=pathlib.Path)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        commands = command_files.load(arguments.files)
        texts = {getattr(arguments, output): emit(commands) for output, emit in outputs.items()
                 if getattr(arguments, output)}
    except command_files.Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    for path, content in texts.items():
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
