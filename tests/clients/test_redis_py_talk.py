"""redis-py (Debian's python3-redis): transactions, WATCH loops, locks, pub/sub, blocking queues.

Skipped when it is not installed.
"""
import threading

from pollard_test import SLOW, Skip, case, main, wait_for

try:
    import redis
except ImportError:
    redis = None


def client(c, **options):
    if redis is None:
        raise Skip("no python3-redis")
    return redis.Redis(unix_socket_path=c.server.socket_path, decode_responses=True, **options)


def together(*bodies):
    """Runs bodies in threads; what one raises is raised here."""
    raised = []

    def guarded(body):
        try:
            body()
        except Exception as error:  # handed over to the case
            raised.append(error)
    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30 * SLOW)
        assert not thread.is_alive(), "a thread hangs"
    if raised:
        raise raised[0]


@case
def test_pipeline_with_transaction(c):
    r = client(c)
    with r.pipeline() as pipe:
        assert pipe.set("k", 1).incr("k").get("k").execute() == [True, 2, "2"]
        pipe.lpush("k", "x").set("after", 1)
        try:
            pipe.execute()
            raise AssertionError("no error")
        except redis.ResponseError as error:
            assert "WRONGTYPE" in str(error)
        assert r.get("after") == "1"
        replies = pipe.incr("k").lpush("k", "x").incr("k").execute(raise_on_error=False)
        assert replies[0] == 3 and isinstance(replies[1], redis.ResponseError) and replies[2] == 4
        pipe.execute_command("NOSUCH").set("never", 1)
        try:
            pipe.execute()
            raise AssertionError("no error")
        except redis.ResponseError as error:
            assert "unknown command" in str(error)
    assert r.exists("never") == 0
    with r.pipeline() as pipe:
        for i in range(2000):
            pipe.set(f"p{i}", i)
        assert pipe.execute() == [True] * 2000


@case
def test_watch_loop(c):
    """transaction() of several threads: every increment is there in the end."""
    def work():
        r = client(c)

        def increment(pipe):
            value = int(pipe.get("n") or 0)
            pipe.multi()
            pipe.set("n", value + 1)
        for _ in range(50):
            r.transaction(increment, "n")
    together(work, work, work, work)
    assert client(c).get("n") == "200"


@case
def test_watch_error(c):
    r, other = client(c), client(c)
    with r.pipeline() as pipe:
        pipe.watch("k")
        other.set("k", "changed")
        pipe.multi()
        pipe.set("k", "mine")
        try:
            pipe.execute()
            raise AssertionError("no error")
        except redis.WatchError:
            pass
        pipe.watch("k")
        assert pipe.get("k") == "changed"
        pipe.unwatch()
        assert pipe.set("k", "plain") is True or pipe.execute() == [True]
    assert r.get("k") == "plain"


@case
def test_lock(c):
    """A lock by SET NX PX, given back by a WATCH transaction: one holder at a time."""
    inside, worst = [], []

    def work():
        r = client(c)
        for turn in range(20):
            token = f"{threading.get_ident()}:{turn}"
            wait_for(lambda: r.set("lock", token, nx=True, px=20000), 20, "the lock")  # noqa: B023
            inside.append(token)
            worst.append(len(inside))
            inside.remove(token)

            def release(pipe):
                assert pipe.get("lock") == token  # noqa: B023
                pipe.multi()
                pipe.delete("lock")
            assert r.transaction(release, "lock") == [1]
    together(work, work, work)
    assert max(worst) == 1 and len(worst) == 60


@case
def test_pubsub(c):
    r = client(c)
    with r.pubsub() as p:
        p.subscribe("news", "music")
        p.psubscribe("n*")
        for kind, channel, count in (("subscribe", "news", 1), ("subscribe", "music", 2),
                                     ("psubscribe", "n*", 3)):
            assert p.get_message(timeout=10) == {
                "type": kind, "pattern": None, "channel": channel, "data": count}
        assert r.publish("news", "hello") == 2 and r.publish("music", "") == 1
        assert p.get_message(timeout=10) == {
            "type": "message", "pattern": None, "channel": "news", "data": "hello"}
        assert p.get_message(timeout=10) == {
            "type": "pmessage", "pattern": "n*", "channel": "news", "data": "hello"}
        assert p.get_message(timeout=10)["data"] == ""
        p.ping("are you there")
        assert p.get_message(timeout=10)["data"] == "are you there"
        assert sorted(r.pubsub_channels()) == ["music", "news"]
        assert r.pubsub_numsub("news", "no") == [("news", 1), ("no", 0)]
        assert r.pubsub_numpat() == 1
        p.unsubscribe("news")
        assert p.get_message(timeout=10)["type"] == "unsubscribe"
        p.punsubscribe()
        assert p.get_message(timeout=10)["data"] == 1
        p.unsubscribe()
        assert p.get_message(timeout=10)["data"] == 0
    wait_for(lambda: r.pubsub_channels() == [])


@case
def test_pubsub_in_a_thread(c):
    r = client(c)
    heard = []
    p = r.pubsub(ignore_subscribe_messages=True)
    p.subscribe(**{"ch": lambda message: heard.append(message["data"])})
    thread = p.run_in_thread(sleep_time=0.01)
    try:
        wait_for(lambda: r.publish("ch", "first") == 1)
        for i in range(1000):
            r.publish("ch", i)
        wait_for(lambda: len(heard) >= 1001)
    finally:
        thread.stop()
        thread.join(10 * SLOW)
    assert heard[-1000:] == [str(i) for i in range(1000)]


@case
def test_keyspace_events(c):
    r = client(c)
    r.config_set("notify-keyspace-events", "KEA")
    with r.pubsub(ignore_subscribe_messages=True) as p:
        p.psubscribe("__key*@0__:*")
        p.get_message(timeout=10)
        r.set("k", "v", px=30)
        heard = []

        def done():
            message = p.get_message(timeout=0.1)
            if message:
                heard.append((message["channel"], message["data"]))
            return ("__keyevent@0__:expired", "k") in heard
        wait_for(done)
    assert heard == [
        ("__keyspace@0__:k", "set"), ("__keyevent@0__:set", "k"), ("__keyspace@0__:k", "expire"),
        ("__keyevent@0__:expire", "k"), ("__keyspace@0__:k", "expired"),
        ("__keyevent@0__:expired", "k")]
    r.config_set("notify-keyspace-events", "")


@case
def test_queues(c):
    """Producers and blocking consumers in the ways of Celery and of reliable queues."""
    done = []

    def consume():
        r = client(c)
        while (item := r.brpop(["high", "low"], timeout=5)) and item[1] != "stop":
            done.append(item[1])

    def consume_reliably():
        r = client(c)
        while (item := r.blmove("work", "busy", 5, "RIGHT", "LEFT")) != "stop":
            done.append(item)
            assert r.lrem("busy", 1, item) == 1

    def produce():
        r = client(c)
        for i in range(300):
            r.lpush(("high", "low", "work")[i % 3], i)
        for name in ("low", "low", "work"):
            r.lpush(name, "stop")
    together(consume, consume, consume_reliably, produce)
    assert sorted(int(item) for item in done) == list(range(300))
    assert client(c).lrange("busy", 0, -1) == ["stop"]


@case
def test_blocking_forms(c):
    r = client(c)
    assert r.blpop("no", timeout=0.01) is None and r.bzpopmin("no", timeout=0.01) is None
    assert r.brpoplpush("no", "x", timeout=1) is None
    r.zadd("z", {"a": 1, "b": 2})
    assert r.bzpopmin("z") == ("z", "a", 1.0) and r.bzpopmax(["no", "z"]) == ("z", "b", 2.0)
    r.rpush("l", 1, 2, 3)
    assert r.blpop("l") == ("l", "1") and r.brpop(["no", "l"]) == ("l", "3")
    assert r.blmpop(0, 1, "l", direction="LEFT") == ["l", ["2"]]


main()
