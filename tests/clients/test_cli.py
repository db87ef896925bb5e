"""redis-cli and redis-benchmark as people use them, bounded in time."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time

from pollard_test import SLOW, Skip, case, encode, main, wait_for


def cli(c, *arguments, data=None, seconds=30, program="redis-cli"):
    """Runs redis-cli on the server of c; returns its output, which must come with status 0."""
    if shutil.which(program) is None:
        raise Skip(f"no {program}")
    done = subprocess.run([program, "-s", c.server.socket_path, *arguments], input=data,
                          capture_output=True, timeout=seconds * SLOW, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output.decode("utf-8", "backslashreplace")


def type_into(c, *lines):
    """An interactive redis-cli behind a terminal: types the lines, returns all it showed."""
    if shutil.which("redis-cli") is None:
        raise Skip("no redis-cli")
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (24, 200))  # else redis-cli asks the terminal, and nobody answers
        os.environ["TERM"] = "xterm"
        os.environ["HOME"] = c.server.directory
        os.execvp("redis-cli", ["redis-cli", "-s", c.server.socket_path])
    shown = b""
    deadline = time.monotonic() + 15 * SLOW
    pending = list(lines)
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if not ready:
            # Quiet: it waits at a prompt. Typed early, a line would only wait in the terminal.
            if pending and b"> " in shown:
                os.write(terminal, pending.pop(0).encode() + b"\r")
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status == 0, shown
    return shown.decode("utf-8", "backslashreplace")


@case
def test_interactive(c):
    shown = type_into(c, "ping", "set greeting \"hello world\"", "get greeting", "incr greeting",
                      "mget greeting nosuch", "exit")
    assert "PONG" in shown and "\"hello world\"" in shown, shown
    assert "(error) ERR value is not an integer" in shown, shown
    assert "(nil)" in shown, shown


@case
def test_one_command_in_every_form(c):
    assert cli(c, "set", "a", "1") == "OK\n"
    assert cli(c, "get", "a") == "1\n"
    assert cli(c, "-3", "--no-raw", "get", "nosuch") == "(nil)\n"
    assert cli(c, "--csv", "mget", "a", "b") == "\"1\",NULL\n"
    assert cli(c, "-x", "set", "b", data=b"from stdin") == "OK\n"
    assert cli(c, "get", "b") == "from stdin\n"
    assert cli(c, "-r", "5", "incr", "n").split() == ["1", "2", "3", "4", "5"]
    assert "PONG" in cli(c, "-n", "3", "ping")
    assert "redis_version:7" in cli(c, "info", "server")
    assert cli(c, data=b"set x 1\nget x\n").split() == ["OK", "1"]


@case
def test_pipe(c):
    data = b"".join(encode("SET", f"key:{i}", "v" * 50) for i in range(50000))
    assert "errors: 0, replies: 50000" in cli(c, "--pipe", data=data)
    assert c.cmd("DBSIZE") == 50000
    assert "errors: 1, replies: 3" in cli_fails(c, b"SET a b\r\nINCR a\r\nGET a\r\n")


def cli_fails(c, data):
    done = subprocess.run(["redis-cli", "-s", c.server.socket_path, "--pipe"], input=data,
                          capture_output=True, timeout=30 * SLOW, check=False)
    return (done.stdout + done.stderr).decode()


@case
def test_scan_and_sizes(c):
    c.pipeline(*[("SET", f"key:{i}", "x" * (i % 100)) for i in range(5000)])
    c.cmd("SET", "the:biggest", "x" * 100000)
    keys = cli(c, "--scan").split()
    assert len(keys) == 5001 and len(set(keys)) == 5001
    assert len(cli(c, "--scan", "--pattern", "key:1???").split()) == 1000
    shown = cli(c, "--bigkeys")
    assert "Sampled 5001 keys" in shown and "the:biggest" in shown, shown
    shown = cli(c, "--memkeys")
    assert "Sampled 5001 keys" in shown and "the:biggest" in shown, shown


@case
def test_sizes_of_every_type(c):
    c.cmd("SET", "text:small", "x")
    c.cmd("SET", "text:large", "x" * 3000)
    c.cmd("RPUSH", "list", *range(500))
    c.cmd("HSET", "hash", *range(600))
    c.cmd("SADD", "set", *range(700))
    c.cmd("ZADD", "zset", *range(800))
    shown = cli(c, "--bigkeys")
    for line in ("Sampled 6 keys", "Total key length in bytes is 35",
                 "'\"text:large\"' has 3000 bytes", "'\"list\"' has 500 items",
                 "'\"hash\"' has 300 fields", "'\"set\"' has 700 members",
                 "'\"zset\"' has 400 members", "2 strings with 3001 bytes"):
        assert line in shown, (line, shown)
    for arguments in (["--memkeys"], ["--memkeys", "--memkeys-samples", "0"]):
        shown = cli(c, *arguments)
        for name, at_least in (("text:large", 3000), ("list", 500), ("hash", 300), ("set", 700),
                               ("zset", 400)):
            size = re.search(rf"'\"{name}\"' has (\d+) bytes", shown)
            assert size and at_least <= int(size[1]) < at_least * 100, (name, shown)


@case(options=("--maxmemory-policy", "allkeys-lfu"))
def test_hot_keys(c):
    for i in range(20):
        c.cmd("SET", f"cold:{i}", "x")
    if c.cmd("OBJECT", "FREQ", "cold:0").kind == "error":
        raise Skip("no counters of accesses")
    c.pipeline(*[("SET", "hot", "x"), ("GET", "hot")] * 2000)
    shown = cli(c, "--hotkeys")
    assert "Sampled 21 keys" in shown, shown
    lines = re.findall(r'hot key found with counter: (\d+)\s+keyname: "?([^"\n]+)"?', shown)
    assert lines and lines[0][1] == "hot" and int(lines[0][0]) > 10, shown


@case
def test_latency_and_stat(c):
    shown = cli(c, "--latency", "--raw", "-i", "1")
    assert len(shown.split()) >= 4, shown
    process = subprocess.Popen(["redis-cli", "-s", c.server.socket_path, "--stat", "-i", "0.05"],
                               stdout=subprocess.PIPE)
    try:
        lines = [process.stdout.readline().decode() for _ in range(8)]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "keys" in "".join(lines) and "requests" in "".join(lines), lines
    assert any(re.match(r"^0\s+\d", line) for line in lines), lines


@case
def test_monitor(c):
    process = subprocess.Popen(["redis-cli", "-s", c.server.socket_path, "monitor"],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"OK\n"
        c.cmd("SET", "k", "with \"quotes\"")
        line = process.stdout.readline().decode()
        assert re.match(r"^\d+\.\d{6} \[0 .+\] \"SET\" \"k\" \"with \\\"quotes\\\"\"$",
                        line.strip()), line
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    wait_for(lambda: b"connected_clients:1\r" in c.cmd("INFO", "clients").items)


BENCHMARKS = [
    ("-n", "4000"),
    ("-n", "20000", "-P", "16", "-r", "1000"),
    ("-t", "ping_inline,ping_mbulk,set,get,incr,mset", "-n", "20000"),
    ("-t", "set,get", "-n", "100000", "-P", "64", "-r", "100000"),
    ("-t", "set,get", "-n", "5000", "-c", "500", "-d", "10000"),
    ("-t", "get", "-n", "20000", "--threads", "2", "-P", "8"),
    ("-n", "5000", "-P", "4", "-r", "1000", "SET", "key:__rand_int__", "v", "EX", "9999"),
]


@case(timeout=120)
def test_redis_benchmark(c):
    for arguments in BENCHMARKS:
        shown = cli(c, "--csv", *arguments, program="redis-benchmark", seconds=60)
        assert "Error" not in shown and "ERR" not in shown, shown
        rows = [line for line in shown.splitlines() if re.match(r'^".*","\d', line)]
        assert rows, shown


main("--maxclients", "2000")
