"""ioredis and node-redis 5: transactions, pub/sub, blocking commands, client-side caching.

Skipped, and counted as skipped, without node or when npm cannot reach its registry.
"""
from node_run import run
from pollard_test import case, main


@case(timeout=200)
def test_ioredis(c):
    run(c, "ioredis-talk.mjs")


@case(timeout=200)
def test_node_redis(c):
    run(c, "node-redis-talk.mjs")


main()
