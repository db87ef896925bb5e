"""tidy: the house rules (docs/style.md) as a test. tidy.py [BUILD_DIRECTORY]; prints TAP.

Every rule is a function that yields the places where the tree breaks it. Rules about the text of
one file are in text_rules.py, those about the tree in tree_rules.py.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import text_rules  # noqa: E402
import tree_rules  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KINDS = (".c", ".h", ".def", ".py", ".build", ".sh", ".toml", ".txt", ".mjs")


class Tree:
    """The project's own files (tracked, or new and not ignored), read once."""

    def __init__(self, root, build):
        self.root = root
        self.build = build
        listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                                capture_output=True, text=True, check=False)
        names = listed.stdout.split("\n") if listed.returncode == 0 else self._walk()
        self.texts = {}
        for name in sorted(set(names)):
            path = os.path.join(root, name)
            is_command = name.startswith("bench/") and "." not in name
            wanted = name.endswith(KINDS) or is_command
            if wanted and "/corpus/" not in name and os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    self.texts[name] = file.read()

    def _walk(self):
        """Without git (a release archive): everything but build directories."""
        for directory, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if not f.startswith(("build", ".", "__"))]
            for name in files:
                yield os.path.relpath(os.path.join(directory, name), self.root)

    def read(self, name):
        path = os.path.join(self.root, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()

    def files(self, *endings, below=""):
        """(name, text) of the files with these endings below a directory."""
        return [(name, text) for name, text in self.texts.items()
                if name.endswith(endings) and name.startswith(below)]


def main():
    tree = Tree(ROOT, sys.argv[1] if len(sys.argv) > 1 else None)
    rules = text_rules.RULES + tree_rules.RULES
    print(f"1..{len(rules)}")
    failed = 0
    for number, rule in enumerate(rules, 1):
        name = rule.__doc__.splitlines()[0].rstrip(".")
        try:
            found = list(rule(tree))
        except tree_rules.Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}")
            continue
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {name}", flush=True)
        for place in found[:40]:
            print(place, file=sys.stderr)  # Meson shows stderr, not comments of TAP
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
