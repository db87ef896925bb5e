"""ioredis and node-redis 5 (RESP3) as an application uses them.

Skipped, and counted as skipped, without node or when npm cannot reach its registry.
"""
from node_run import run
from pollard_test import case, main


@case(timeout=200)
def test_ioredis(c):
    run(c, "ioredis.mjs")


@case(timeout=200)
def test_node_redis_resp3(c):
    run(c, "node-redis.mjs")


main()
