"""The progress line of a benchmark: what is measured, n of N, time gone; on stderr.

On a terminal the line is overwritten in place, elsewhere every step is a line of its own. A
Progress may be given wherever a benchmark takes `say`, a function of one text.
"""
import sys
import time


class Progress:
    """step() before every measurement; calling it says a line that stays."""

    def __init__(self, total, stream=None):
        self.total = total
        self.stream = stream or sys.stderr
        self.in_place = self.stream.isatty()
        self.done = 0
        self.begun = time.monotonic()

    def step(self, text):
        self.done += 1
        gone = int(time.monotonic() - self.begun)
        line = f"[{self.done}/{self.total}] {gone // 60}:{gone % 60:02d} {text}"
        if self.in_place:
            self.stream.write("\r\x1b[K" + line[:118])
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def __call__(self, text):
        self.stream.write(("\r\x1b[K" if self.in_place else "") + text + "\n")
        self.stream.flush()

    def skip(self, count):
        """Steps that were announced and are not made."""
        self.done += count

    def end(self):
        if self.in_place:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


class Silent:
    """Stands in for a Progress where the caller only has a function that says a line."""

    def __init__(self, say):
        self.say = say

    def __call__(self, text):
        self.say(text)

    def step(self, text):
        pass

    def skip(self, count):
        pass


def progress_of(say):
    return say if isinstance(say, Progress) else Silent(say)
