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
def test_lists(c):
    r = client(c, decode_responses=True)
    assert r.rpush("l", *range(10)) == 10 and r.lpush("l", "x") == 11
    assert r.lrange("l", 0, 2) == ["x", "0", "1"] and r.lindex("l", -1) == "9"
    assert r.lpop("l") == "x" and r.rpop("l", 2) == ["9", "8"]
    assert r.lset("l", 0, "zero") and r.linsert("l", "before", "1", "half") == 9
    assert r.lrem("l", 0, "half") == 1 and r.lpos("l", "3") == 3
    assert r.lmove("l", "m", "LEFT", "RIGHT") == "zero" and r.rpoplpush("l", "m") == "7"
    assert r.ltrim("l", 0, 1) and r.llen("l") == 2
    assert r.lmpop(2, "nosuch", "l", direction="LEFT", count=5) == ["l", ["1", "2"]]
    assert r.sort("m", desc=True, alpha=True) == ["zero", "7"]


@case
def test_sets(c):
    r = client(c, decode_responses=True)
    assert r.sadd("s", *range(1000)) == 1000 and r.scard("s") == 1000
    assert r.smembers("s") == {str(i) for i in range(1000)}
    assert set(r.sscan_iter("s", count=10)) == r.smembers("s")
    assert r.sismember("s", 7) and r.smismember("s", [7, "x"]) == [1, 0]
    assert r.sadd("t", 5, 6, "x") == 3
    assert r.sinter("s", "t") == {"5", "6"} and r.sdiff("t", "s") == {"x"}
    assert r.sunionstore("u", "s", "t") == 1001 and r.sintercard(2, ["s", "t"], limit=1) == 1
    assert r.srem("s", 7) == 1 and r.spop("t") in {"5", "6", "x"}
    assert len(r.srandmember("s", -5)) == 5


@case
def test_hashes(c):
    r = client(c, decode_responses=True)
    assert r.hset("h", mapping={"a": 1, "b": "two"}) == 2 and r.hget("h", "b") == "two"
    assert r.hgetall("h") == {"a": "1", "b": "two"} and r.hmget("h", "a", "z") == ["1", None]
    assert r.hincrby("h", "a", 4) == 5 and r.hincrbyfloat("h", "f", 0.5) == 0.5
    assert dict(r.hscan_iter("h")) == r.hgetall("h") and r.hlen("h") == 3
    assert r.hdel("h", "f") == 1 and r.hexists("h", "a") and r.hstrlen("h", "b") == 3
    assert r.hrandfield("h", 2, withvalues=True) and r.hsetnx("h", "a", 9) == 0


@case
def test_sorted_sets(c):
    r = client(c, decode_responses=True)
    assert r.zadd("z", {"a": 1, "b": 2.5, "c": 3}) == 3 and r.zscore("z", "b") == 2.5
    assert r.zrange("z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.5), ("c", 3.0)]
    assert r.zrangebyscore("z", "(1", "+inf") == ["b", "c"] and r.zrevrank("z", "c") == 0
    assert r.zincrby("z", 10, "a") == 11 and r.zrank("z", "a") == 2
    assert r.zadd("y", {"a": 1, "d": 4}) == 2
    assert r.zunion(["z", "y"], withscores=True)[-1] == ("a", 12.0)
    assert r.zinterstore("x", ["z", "y"]) == 1 and r.zdiff(["z", "y"]) == ["b", "c"]
    assert r.zpopmin("z") == [("b", 2.5)] and r.zmpop(1, ["z"], max=True) == ["z", [["a", "11"]]]
    assert dict(r.zscan_iter("y")) == {"a": 1.0, "d": 4.0}


@case
def test_geo_bits_and_sketches(c):
    r = client(c, decode_responses=True)
    assert r.geoadd("g", [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]) == 2
    assert abs(r.geodist("g", "Palermo", "Catania", "km") - 166.2742) < 0.001
    assert r.geosearch("g", longitude=15, latitude=37, radius=100, unit="km") == ["Catania"]
    assert r.setbit("b", 7, 1) == 0 and r.bitcount("b") == 1 and r.bitpos("b", 1) == 7
    assert r.bitfield("f").set("u8", 0, 200).incrby("u8", 0, 100).execute() == [0, 44]
    assert r.pfadd("p", *range(1000)) == 1 and abs(r.pfcount("p") - 1000) < 40


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
