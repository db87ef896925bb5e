"""Memory: resident bytes a key, and what an empty or nearly empty server takes.

Bytes a key is the growth of the resident set over the number of keys of 16 bytes, key and value
included, at sizes that are no powers of two as well, so that a table that doubles cannot hide.
"""
from bench_lib import load_keys

VALUES = [
    ("32 B value", {"value_size": 32}), ("integer", {"value_size": 0, "integer": True}),
    ("100 B value", {"value_size": 100}), ("32 B value, TTL", {"value_size": 32, "ttl": True}),
]
SIZES = [700000, 1000000, 1400000, 2000000]


def _bytes_a_key(program, count, values):
    target = program.start(cores="")
    try:
        before = target.rss_bytes()
        load_keys(target, count, **values)
        return (target.rss_bytes() - before) / count
    finally:
        target.stop()


def keys(programs, quick, say):
    """Bytes a key for every kind at 1 million keys, and for 32-byte values at every size."""
    scale = 50 if quick else 1
    cases = [(name, values, 1000000) for name, values in VALUES[1:]]
    cases += [(VALUES[0][0], VALUES[0][1], size) for size in SIZES]
    rows = []
    for name, values, count in cases:
        for program in programs:
            used = _bytes_a_key(program, count // scale, values)
            rows.append({"what": f"{name}, {count // scale} keys", "server": program.name,
                         "bytes_per_key": used})
            say(f"{rows[-1]['what']}: {program.name} {used:.1f} bytes a key")
    return rows


def idle(programs, say):
    """Resident bytes of a server with no, 1,000 and 10,000 keys, and with 1,000 databases."""
    rows = []
    for program in programs:
        for name, count, options in (("no key", 0, ()), ("1,000 keys", 1000, ()),
                                     ("10,000 keys", 10000, ()),
                                     ("no key, 1,000 databases", 0, ("--databases", "1000"))):
            target = program.start(*options, cores="")
            try:
                load_keys(target, count, 32)
                rows.append({"what": name, "server": program.name,
                             "rss_mb": target.rss_bytes() / 1e6})
            finally:
                target.stop()
            say(f"{name}: {program.name} {rows[-1]['rss_mb']:.2f} MB")
    return rows


KEY_COLUMNS = [("what", "what", "%s"), ("server", "server", "%s"),
               ("bytes_per_key", "bytes/key", "%.1f")]
IDLE_COLUMNS = [("what", "what", "%s"), ("server", "server", "%s"), ("rss_mb", "RSS MB", "%.2f")]
