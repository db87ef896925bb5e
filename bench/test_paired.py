"""Tests of what bench/compare and bench/check say about figures: paired.py alone, no server.

A plain script: exits with 1 on the first failure.
"""
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import paired  # noqa: E402


def expect(condition, text):
    if not condition:
        print(f"not ok: {text}")
        sys.exit(1)


def check_spread():
    for pairs, starts, counts in ((8, 2, [4, 4]), (5, 2, [3, 2]), (1, 2, [1]), (6, 1, [6])):
        found = paired.spread(pairs, starts)
        expect(found == counts, f"{pairs} pairs in {starts} starts are {found}, not {counts}")


def check_interval():
    """Known from tables of the sign test."""
    for count, ends in ((1, (1, 1)), (6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (12, (3, 10)),
                        (15, (4, 12)), (20, (6, 15))):
        found = paired.interval(range(count, 0, -1))
        expect(found == ends, f"the interval of 1 to {count} is {found}, not {ends}")


def check_certainty():
    """Of noise alone the interval misses the true median at most as often as it promises."""
    noise, rounds = random.Random(7), 4000
    missed = 0
    for _ in range(rounds):
        low, high = paired.interval([noise.lognormvariate(0, 0.1) for _ in range(8)])
        missed += not low <= 1 <= high
    expect(missed < 0.02 * rounds, f"{missed} of {rounds} intervals miss (0.8 % expected)")


def check_judge():
    steady = [1.10, 1.11, 1.09, 1.12, 1.10, 1.08, 1.11, 1.10]
    for values, verdict in (
            (steady, "slower"),
            ([1 / value for value in steady], "faster"),
            ([1.30, 0.98, *steady[2:]], "within the noise"),  # one pair says otherwise
            ([1 + value / 100 for value in steady], "within the noise"),  # certain, but too little
            (steady[:5], "too few pairs")):
        found = paired.judge(values, 2.0)
        expect(found == verdict, f"{values} is judged {found}, not {verdict}")


def check_ratios():
    pairs = [({"cpu_ns": 100.0}, {"cpu_ns": 110.0}), ({"cpu_ns": 200.0}, {"cpu_ns": 180.0})]
    expect(paired.ratios(pairs) == [1.1, 0.9], "the ratios are not the second's over the first's")


def main():
    check_spread()
    check_interval()
    check_certainty()
    check_judge()
    check_ratios()
    print("ok")


if __name__ == "__main__":
    main()
