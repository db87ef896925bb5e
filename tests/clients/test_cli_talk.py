"""redis-cli in conversations: its prompt in transactions, subscribed in RESP2 and RESP3."""
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time

from pollard_test import SLOW, Skip, case, main, wait_for


class Terminal:
    """An interactive redis-cli behind a terminal."""

    def __init__(self, c, *arguments):
        if shutil.which("redis-cli") is None:
            raise Skip("no redis-cli")
        self.child, self.file = pty.fork()
        if self.child == 0:
            termios.tcsetwinsize(0, (24, 200))  # else it asks the terminal, and nobody answers
            os.environ["TERM"] = "dumb"
            os.environ["HOME"] = c.server.directory
            os.execvp("redis-cli", ["redis-cli", "-s", c.server.socket_path, *arguments])
        self.shown = ""

    def read_until(self, text):
        """What is shown up to text, which must come."""
        deadline = time.monotonic() + 15 * SLOW
        while text not in self.shown:
            ready, _, _ = select.select([self.file], [], [], deadline - time.monotonic())
            assert ready, f"no {text!r} in {self.shown!r}"
            try:
                self.shown += os.read(self.file, 65536).decode("utf-8", "backslashreplace")
            except OSError:
                raise AssertionError(f"ended without {text!r}: {self.shown!r}") from None
        before, _, self.shown = self.shown.partition(text)
        return before

    def type(self, line, until):
        os.write(self.file, line.encode() + b"\r")
        return self.read_until(until)

    def close(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.file)


@case
def test_prompt_of_a_transaction(c):
    terminal = Terminal(c)
    try:
        terminal.read_until("> ")
        assert "OK" in terminal.type("multi", "(TX)> ")
        assert "QUEUED" in terminal.type("set k 1", "(TX)> ")
        assert "QUEUED" in terminal.type("incr k", "(TX)> ")
        assert "ERR MULTI calls can not be nested" in terminal.type("multi", "(TX)> ")
        os.write(terminal.file, b"exec\r")
        shown = terminal.read_until("2) (integer) 2")
        assert "1) OK" in shown, shown
        terminal.type("multi", "(TX)> ")
        assert "ERR unknown command" in terminal.type("nosuch", "(TX)> ")
        os.write(terminal.file, b"exec\r")
        terminal.read_until("EXECABORT")
        terminal.type("multi", "(TX)> ")
        terminal.type("select 3", "(TX)> ")
        os.write(terminal.file, b"exec\r")
        terminal.read_until("[3]> ")
        terminal.type("multi", "[3](TX)> ")
        os.write(terminal.file, b"discard\r")
        assert "TX" not in terminal.read_until("[3]> ")
        terminal.type("watch k", "[3]> ")
        rows = c.pipeline(("SELECT", "3"), ("SET", "k", "1"))
        assert rows == ["OK", "OK"]
        terminal.type("multi", "[3](TX)> ")
        terminal.type("ping", "[3](TX)> ")
        os.write(terminal.file, b"exec\r")
        assert "(nil)" in terminal.read_until("[3]> ")
    finally:
        terminal.close()


def subscribed(c, *arguments):
    """A redis-cli that subscribes and writes what it hears to a pipe."""
    if shutil.which("redis-cli") is None:
        raise Skip("no redis-cli")
    return subprocess.Popen(["redis-cli", "-s", c.server.socket_path, *arguments],
                            stdout=subprocess.PIPE)


@case
def test_subscribed_to_a_pipe(c):
    for version in ("-2", "-3"):
        process = subscribed(c, version, "subscribe", "news", "music")
        other = subscribed(c, version, "psubscribe", "n*")
        try:
            def lines(count, source=process):
                return [source.stdout.readline().decode().strip() for _ in range(count)]
            assert lines(6) == ["subscribe", "news", "1", "subscribe", "music", "2"]
            assert lines(3, other) == ["psubscribe", "n*", "1"]
            assert c.cmd("PUBLISH", "music", "hello") == 1 and c.cmd("PUBLISH", "news", "x") == 2
            assert lines(6) == ["message", "music", "hello", "message", "news", "x"]
            assert lines(4, other) == ["pmessage", "n*", "news", "x"]
        finally:
            for one in (process, other):
                one.kill()
                one.wait()
                one.stdout.close()
        wait_for(lambda: c.cmd("PUBSUB", "NUMPAT") == 0 and c.cmd("PUBSUB", "CHANNELS") == [])


@case
def test_subscribed_at_the_prompt(c):
    for version in ("-2", "-3"):
        terminal = Terminal(c, version)
        try:
            terminal.read_until("> ")
            os.write(terminal.file, b"subscribe news\r")
            shown = terminal.read_until("3) (integer) 1")
            assert "1) \"subscribe\"" in shown and "2) \"news\"" in shown, shown
            assert c.cmd("PUBLISH", "news", "hello") == 1
            shown = terminal.read_until("3) \"hello\"")
            assert "1) \"message\"" in shown, shown
        finally:
            terminal.close()


@case
def test_invalidations_at_the_prompt(c):
    """In RESP3 pushes are shown between replies."""
    terminal = Terminal(c, "-3")
    try:
        terminal.read_until("> ")
        terminal.type("client tracking on", "> ")
        terminal.type("get tracked", "> ")
        c.cmd("SET", "tracked", "1").is_ok()
        os.write(terminal.file, b"ping\r")
        shown = terminal.read_until("PONG")
        assert "invalidate" in shown and "tracked" in shown, shown
    finally:
        terminal.close()


@case
def test_blocked(c):
    process = subscribed(c, "blpop", "jobs", "0")
    try:
        wait_for(lambda: b"blocked_clients:1\r" in c.cmd("INFO", "clients").items)
        assert c.cmd("RPUSH", "jobs", "a") == 1
        assert process.communicate(timeout=15 * SLOW)[0] == b"jobs\na\n"
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


main()
