"""What the wire tests of sorted sets share."""
from pollard_test import Error

NOT_FLOAT = Error("ERR value is not a valid float")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")


def score(c, value):
    """A score as the protocol has it: a bulk string, or a double."""
    return value if c.protocol == 2 else float(value)


def pairs(c, *found):
    """Members and scores: flat in RESP2, pairs in RESP3."""
    if c.protocol == 2:
        return [part for member, value in found for part in (member, value)]
    return [[member, float(value)] for member, value in found]


def both_forms(c, body):
    """Runs the body with compact sorted sets and with large ones."""
    for threshold, encoding in ((128, "listpack"), (0, "skiplist")):
        c.cmd("FLUSHALL")
        c.cmd("CONFIG", "SET", "zset-max-listpack-entries", threshold).is_ok()
        try:
            body()
            c.cmd("ZADD", "probe", 1, "a")
            assert c.cmd("OBJECT", "ENCODING", "probe") == encoding
        finally:
            c.cmd("CONFIG", "SET", "zset-max-listpack-entries", 128).is_ok()
