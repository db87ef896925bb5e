"""Sums a Meson JUnit report for tools/test: prints "passed failed skipped" over the test cases.

A TAP program counts with each of its cases; a program that ended badly without a failed case
counts as one failure.
"""
import sys
import xml.etree.ElementTree as ElementTree


def counts_of(suite):
    cases = suite.findall("testcase")
    failed = sum(1 for case in cases
                 if case.find("failure") is not None or case.find("error") is not None)
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    reported = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
    if failed == 0 and reported > 0:
        failed = 1
    return len(cases) - min(failed, len(cases)) - skipped, failed, skipped


def main():
    try:
        suites = ElementTree.parse(sys.argv[1]).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):
        return 1
    rows = [counts_of(suite) for suite in suites]
    if not rows:
        return 1
    print(*(sum(column) for column in zip(*rows)))
    return 0


sys.exit(main())
