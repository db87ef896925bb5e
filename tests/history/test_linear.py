"""Linearizability: one order explains all that 16 clients saw of a server with 4 reactors.

The C program `history` records and checks; here it gets a server. $POLLARD_SEED repeats a run as
far as threads allow, $POLLARD_LONG=1 makes it a million operations.
"""
import os
import random
import subprocess

from pollard_test import ROOT, SLOW, case, is_oracle, main

PROGRAM = os.environ.get("POLLARD_HISTORY") or os.path.join(ROOT, "build", "tests", "history",
                                                           "history")
IS_LONG = os.environ.get("POLLARD_LONG") == "1"
OPERATIONS = 1_000_000 if IS_LONG else int(50_000 / max(SLOW, 1))


def run(*arguments):
    seed = os.environ.get("POLLARD_SEED") or str(random.randrange(1 << 32))
    done = subprocess.run([PROGRAM, "--seed", seed, *map(str, arguments)], text=True,
                          capture_output=True, check=False, timeout=3000)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    for line in done.stdout.splitlines():
        print(f"# {line}", flush=True)


@case
def test_checker_sees_defects(c):
    run("--simulate")


@case(timeout=1500 if IS_LONG else 150)
def test_history_is_linearizable(c):
    run("--socket", c.server.socket_path, "--operations", OPERATIONS)


main(*(() if is_oracle() else ("--threads", "4")))
