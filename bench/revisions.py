"""Servers of git revisions, source trees and build directories, for commands that compare two."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

from bench_lib import ROOT, Program


def run(*command):
    """What a command printed; the program ends with its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def workplace(name):
    """A temporary directory for trees and builds; git forgets the trees that are gone with it."""
    directory = tempfile.mkdtemp(prefix=f"pollard-{name}-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        # Where there is no repository, nothing was added to it.
        subprocess.run(["git", "-C", ROOT, "worktree", "prune"], check=False,
                       stderr=subprocess.DEVNULL)


def _built(given, directory, setup):
    """The server of a revision or source tree, built below directory."""
    tree = given
    if not os.path.isdir(given):
        tree = os.path.join(directory, "tree")
        run("git", "-C", ROOT, "worktree", "add", "--detach", tree, given)
    build = os.path.join(directory, "build")
    run("meson", "setup", build, tree, "--buildtype=release", "-Dtests=disabled", *setup)
    run("ninja", "-C", build, "pollard")
    return os.path.join(build, "pollard")


def program_of(name, given, directory, setup=()):
    """The program with one reactor, and what it was made from.

    given is a server program, a build directory that has one, a source tree or a revision; the
    latter two are built for release below directory, which is made.
    """
    for path in (given, os.path.join(given, "pollard")):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return Program(name, os.path.abspath(path), ["--threads", "1"]), path
    os.mkdir(directory)
    origin = given
    if not os.path.isdir(given):
        origin = f"{given} ({run('git', '-C', ROOT, 'rev-parse', '--short', given).strip()})"
    print(f"building {origin}", file=sys.stderr, flush=True)
    return Program(name, _built(given, directory, setup), ["--threads", "1"]), origin
