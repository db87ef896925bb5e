"""redis-py (Debian's python3-redis) as an application uses it. Skipped when it is not installed."""
from pollard_test import Skip, case, main

try:
    import redis
except ImportError:
    redis = None


def client(c, **options):
    if redis is None:
        raise Skip("no python3-redis")
    return redis.Redis(unix_socket_path=c.server.socket_path, **options)


@case
def test_strings(c):
    r = client(c, decode_responses=True)
    assert r.ping() is True
    assert r.set("k", "v") is True
    assert r.get("k") == "v"
    assert r.set("k", "w", nx=True) is None
    assert r.set("k", "w", get=True) == "v"
    assert r.set("t", "1", ex=1000) and 990 <= r.ttl("t") <= 1000
    assert r.getex("t", persist=True) == "1" and r.ttl("t") == -1
    assert r.incrby("n", 5) == 5 and r.incrbyfloat("f", 0.5) == 0.5
    assert r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "z") == ["1", "2", None]
    assert r.append("k", "x") == 2 and r.getrange("k", 0, 0) == "w" and r.strlen("k") == 2
    assert r.getdel("k") == "wx" and r.exists("k") == 0


@case
def test_keys(c):
    r = client(c, decode_responses=True)
    r.mset({f"key:{i}": i for i in range(1000)})
    assert set(r.scan_iter("key:*", count=50)) == {f"key:{i}" for i in range(1000)}
    assert len(r.keys("key:1*")) == 111
    assert r.rename("key:1", "renamed") and r.type("renamed") == "string"
    assert r.copy("renamed", "again") and r.delete("again", "nosuch") == 1
    assert r.expire("renamed", 1000) and r.expiretime("renamed") > 0
    assert r.object("encoding", "renamed") == "int"
    assert r.dbsize() == 1000 and r.flushdb() and r.randomkey() is None


@case
def test_pipeline_without_transaction(c):
    r = client(c)
    with r.pipeline(transaction=False) as pipe:
        for i in range(2000):
            pipe.set(f"p{i}", i).get(f"p{i}")
        replies = pipe.execute()
    assert replies[1::2] == [b"%d" % i for i in range(2000)]


@case
def test_administration(c):
    r = client(c, client_name="test-py", decode_responses=True)
    assert r.client_getname() == "test-py" and r.client_id() > 0
    assert any(row["name"] == "test-py" for row in r.client_list())
    assert r.info("server")["redis_version"].startswith("7.")
    assert r.config_get("maxmemory") == {"maxmemory": "0"}
    assert r.config_set("timeout", 100) and r.config_set("timeout", 0)
    assert "get" in r.command() and r.command_count() > 50
    assert r.slowlog_len() >= 0 and r.time()[0] > 0
    assert r.memory_usage("nosuch") is None


@case
def test_errors(c):
    r = client(c)
    r.set("k", "text")
    for action in (lambda: r.incr("k"), lambda: r.execute_command("NOSUCH"),
                   lambda: r.execute_command("GET")):
        try:
            action()
            raise AssertionError("no error")
        except redis.ResponseError:
            pass


main()
