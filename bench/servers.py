"""The servers of a comparison: Pollard, redis-server, memcached, and any given as NAME=COMMAND."""
import os
import re
import shlex
import shutil
import signal
import subprocess

from bench_lib import Program

MEMCACHED = "memcached -t 1 -u nobody -l 127.0.0.1 -p {port} -m 8192 -c 11000"
PLACEHOLDERS = ("port", "socket", "dir")


class Given(Program):
    """A server by its command line, with {port}, {socket} and {dir} where those belong."""

    takes_options = False

    def __init__(self, name, template):
        self.words = shlex.split(template)
        if not self.words or "{port}" not in template:
            raise ValueError(f"{name}: a command with {{port}} is needed, not '{template}'")
        unknown = set(re.findall(r"\{(\w*)\}", template)) - set(PLACEHOLDERS)
        if unknown:
            raise ValueError(f"{name}: there is no {{{sorted(unknown)[0]}}}; "
                             f"there are {', '.join('{' + p + '}' for p in PLACEHOLDERS)}")
        super().__init__(name, self.words[0])
        if not os.access(self.path, os.X_OK):
            raise ValueError(f"{name}: no program {self.words[0]}")
        self.has_socket = "{socket}" in template
        is_memcached = os.path.basename(self.path).startswith("memcached")
        self.protocol = "memcached" if is_memcached else "resp"
        if not is_memcached:
            self.end_signal = signal.SIGTERM  # it may be a script that has to clean up

    def command(self, target, options):
        values = {"port": str(target.port), "socket": target.socket_path, "dir": target.directory}
        return [self.path] + [re.sub(r"\{(\w+)\}", lambda found: values[found.group(1)], word)
                              for word in self.words[1:]]

    def version(self):
        try:
            done = subprocess.run([self.path, "--version"], capture_output=True, text=True,
                                  timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        return (done.stdout + done.stderr).strip().split("\n")[0][:200]


def split_given(words):
    """Divides command-line words into {NAME: COMMAND} and the other words."""
    given, others = {}, []
    for word in words:
        found = re.match(r"([A-Za-z][\w.-]*)=(.+)", word, re.DOTALL)
        if found:
            given[found.group(1)] = found.group(2)
        else:
            others.append(word)
    return given, others


def choose(ours, oracle, given, wanted):
    """The servers in order, redis first: the base of the ratios. Also a list of what is missing.

    given may replace redis, pollard and memcached; wanted (names, or empty for all) restricts.
    """
    # One reactor: the server gets one core. An oracle in Pollard's place has no such option.
    own = [] if "redis" in os.path.basename(ours) else ["--threads", "1"]
    makers = {"redis": lambda: Program("redis", oracle), "pollard": lambda: Program("pollard", ours,
                                                                                    own)}
    makers["memcached"] = lambda: Given("memcached", MEMCACHED)
    for name, template in given.items():
        makers[name] = lambda name=name, template=template: Given(name, template)
    unknown = [name for name in wanted if name not in makers]
    if unknown:
        raise ValueError(f"no server '{unknown[0]}'; there are {', '.join(makers)}")
    programs, missing = [], []
    for name, make in makers.items():
        if wanted and name not in wanted:
            continue
        if name == "memcached" and name not in given and shutil.which("memcached") is None:
            missing.append("memcached: not installed; the comparison goes on without it")
            continue
        programs.append(make())
        if not os.access(programs[-1].path, os.X_OK):
            raise ValueError(f"no {programs[-1].path}")
    return programs, missing
