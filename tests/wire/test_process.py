"""The server as a process: start, options, signals, files. Each case starts its own."""
import os
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

from pollard_test import (SLOW, Closed, Server, Skip, case, encode, is_oracle, main,
                          server_path, wait_for)
from resp import Connection


def run(*arguments, text=None):
    """Runs the program to its end; returns (status, output)."""
    done = subprocess.run([server_path(), *arguments], input=text, capture_output=True,
                          timeout=20 * SLOW, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def fails(words, *arguments, text=None):
    """The program refuses to start, with a non-zero status and all of words in its output."""
    status, output = run(*arguments, text=text)
    assert status not in (0, None) and status > 0, (status, output)
    for word in words:
        assert word in output, f"{word!r} not in {output!r}"


@case
def test_version_and_help():
    for form in ("--version", "-v"):
        status, output = run(form)
        assert status == 0 and "v=" in output, output
    status, output = run("--help")
    assert status in (0, 1) and "--port" in output, output
    if not is_oracle():
        assert status == 0
        assert "Pollard" in run("--version")[1]


@case
def test_wrong_options():
    fails(["nosuch"], "--nosuch", "1")
    fails(["port", "integer"], "--port", "abc")
    fails(["maxmemory", "memory value"], "--maxmemory", "xx")
    fails(["port"], "--port", "1", "2")
    fails(["No such file"], "/nonexistent/pollard.conf")
    fails(["timeout"], "--timeout", "-1")


@case
def test_wrong_file():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("# comment\n\nport 0\nmaxmemroy 5\n")
        file.flush()
        words = ["maxmemroy"] if is_oracle() else ["maxmemroy", "maxmemory", ":4", file.name]
        fails(words, file.name)


@case
def test_sample_names_hit_ratios():
    """The policy that the sample recommends is named with figures of docs/benchmarks.md."""
    if is_oracle():
        raise Skip("an option of Pollard's own")
    status, output = run("--print-sample-config")
    text = " ".join(line.strip("# ") for line in output.splitlines())
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "benchmarks.md")
    with open(path, encoding="utf-8") as file:
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file]
    rows = {cells[0]: cells for cells in lines if len(cells) == 8 and " / " in cells[2]}
    for policy in ("tinylfu", "s3fifo", "lfu", "sieve", "lru", "random"):
        cells = rows["allkeys-" + policy]
        zipf, shift = (round(float(cells[i].split(" / ")[1])) for i in (2, 7))
        assert f" {policy} {zipf}% / {shift}%" in text, (policy, zipf, shift)
    assert status == 0


@case
def test_check_config():
    if is_oracle():
        raise Skip("an option of Pollard's own")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("port 0\nmaxmemory 10mb\n")
        file.flush()
        status, output = run(file.name, "--check-config")
        assert status == 0, output
        file.write("bogus yes\n")
        file.flush()
        fails(["bogus"], file.name, "--check-config")


@case
def test_options_over_file():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("timeout 55\ndatabases 20\nrequirepass \"a b\"\n")
        file.flush()
        directory = tempfile.mkdtemp()
        path = os.path.join(directory, "s")
        process = subprocess.Popen([server_path(), file.name, "--port", "0", "--unixsocket", path,
                                    "--timeout", "66", "--save", ""], stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.exists(path), what="socket")
            c = Connection(path)
            c.cmd("AUTH", "a b").is_ok()
            assert c.cmd("CONFIG", "GET", "timeout") == ["timeout", "66"]
            assert c.cmd("CONFIG", "GET", "databases") == ["databases", "20"]
        finally:
            process.terminate()
            assert process.wait(10) == 0
        assert not os.path.exists(path)


@case
def test_configuration_from_standard_input():
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, "s")
    process = subprocess.Popen([server_path(), "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    process.stdin.write(f"port 0\nunixsocket {path}\ntimeout 77\nsave \"\"\n".encode())
    process.stdin.close()
    try:
        wait_for(lambda: os.path.exists(path), what="socket")
        assert Connection(path).cmd("CONFIG", "GET", "timeout") == ["timeout", "77"]
    finally:
        process.terminate()
        assert process.wait(10) == 0


@case
def test_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        fails([port], "--port", port, "--bind", "127.0.0.1")


@case
def test_socket_permissions():
    server = Server("--unixsocketperm", "700")
    assert stat.S_IMODE(os.stat(server.socket_path).st_mode) == 0o700
    path = server.socket_path
    server.stop()
    assert not os.path.exists(path)


@case
def test_tcp_and_unix_together():
    server = Server(tcp=True)
    server.connect(tcp=True).cmd("SET", "k", "v").is_ok()
    assert server.connect().cmd("GET", "k") == "v"
    server.stop()


def load(server, stop):
    """Keeps a pipeline of SETs going until told, or cut off."""
    try:
        c = server.connect()
        while not stop.is_set():
            c.pipeline(*[("SET", f"k{i}", "v") for i in range(100)])
    except (Closed, OSError):
        pass


@case(timeout=60)
def test_sigterm_under_load():
    server = Server()
    stop = threading.Event()
    threads = [threading.Thread(target=load, args=(server, stop)) for _ in range(4)]
    for thread in threads:
        thread.start()
    c = server.connect()
    wait_for(lambda: int(c.cmd("DBSIZE").items) >= 100, what="load")
    begun = time.monotonic()
    server.stop(signal.SIGTERM)
    took = time.monotonic() - begun
    stop.set()
    for thread in threads:
        thread.join()
    assert took < 2 * SLOW, f"{took:.2f} s"


@case
def test_sigint_stops_and_a_second_signal_is_no_harm():
    server = Server()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(5 * SLOW) == 0
    server.stop()
    server = Server()
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5 * SLOW) in (0, 1)
    server.stop(expect=None)


@case
def test_shutdown_command():
    for words in (("SHUTDOWN",), ("SHUTDOWN", "NOSAVE"), ("SHUTDOWN", "NOW")):
        server = Server()
        c = server.connect()
        c.send(*words)
        assert c.is_closed()
        assert server.process.wait(5 * SLOW) == 0
        server.stop()


@case
def test_sigpipe_and_sighup_are_ignored():
    server = Server()
    c = server.connect()
    server.process.send_signal(signal.SIGPIPE)
    server.process.send_signal(signal.SIGHUP)
    assert c.cmd("PING") == "PONG"
    server.stop()


@case
def test_more_memory_than_there_is():
    """A limit that cannot hold is warned of, with both figures; one that can is not."""
    if is_oracle():
        raise Skip("Redis 7.0 does not look")
    for limit, words in (("1000000gb", ["1073741824000000 bytes", "cgroup"]), ("75%", [])):
        server = Server("--maxmemory", limit)
        c = server.connect()
        memory = c.cmd("INFO", "memory").value.decode()
        whole = int(memory.split("total_system_memory:")[1].split("\r")[0])
        with open(server.output_path, encoding="utf-8") as output:
            warnings = [line for line in output if "maxmemory of" in line]
        assert len(warnings) == bool(words), warnings
        for word in words:
            assert word in warnings[0], warnings
            told = int(warnings[0].split("than the ")[1].split()[0])
            assert 0 < told <= whole, (told, whole)
        c.close()
        server.discard()


@case
def test_log_file_and_level():
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, "log")
    server = Server("--logfile", path, "--loglevel", "notice")
    server.stop()
    with open(path, encoding="utf-8") as file:
        assert file.read().strip()
    fails(["loglevel"], "--loglevel", "bogus", "--port", "0")


@case
def test_daemon_and_pid_file():
    directory = tempfile.mkdtemp()
    path, pid_path = os.path.join(directory, "s"), os.path.join(directory, "pid")
    status, output = run("--daemonize", "yes", "--pidfile", pid_path, "--port", "0",
                         "--unixsocket", path, "--logfile", os.path.join(directory, "log"),
                         "--dir", directory, "--save", "")
    assert status == 0, output
    wait_for(lambda: os.path.exists(path) and os.path.exists(pid_path), what="daemon")
    c = Connection(path)
    with open(pid_path, encoding="ascii") as file:
        pid = int(file.read())
    assert c.cmd("PING") == "PONG"
    assert f"process_id:{pid}".encode() in c.cmd("INFO", "server").items
    os.kill(pid, signal.SIGTERM)

    def is_gone():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    wait_for(is_gone, what="the daemon's end")
    assert not os.path.exists(path) and not os.path.exists(pid_path)


@case
def test_config_rewrite():
    directory = tempfile.mkdtemp()
    conf, path = os.path.join(directory, "c.conf"), os.path.join(directory, "s")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f"# mine\nport 0\nunixsocket {path}\ntimeout 5\nsave \"\"\n")
    process = subprocess.Popen([server_path(), conf], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(path), what="socket")
        c = Connection(path)
        c.cmd("CONFIG", "SET", "timeout", "9").is_ok()
        c.cmd("CONFIG", "REWRITE").is_ok()
    finally:
        process.terminate()
        assert process.wait(10) == 0
    with open(conf, encoding="utf-8") as file:
        text = file.read()
    assert "# mine\n" in text and "timeout 9\n" in text and "timeout 5" not in text


@case
def test_unread_replies_do_not_hold_up_the_end():
    server = Server()
    c = server.connect()
    c.cmd("SET", "big", "v" * 1000000).is_ok()
    c.raw(encode("GET", "big") * 50)
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 12 * SLOW


main()
