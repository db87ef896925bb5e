"""Memory: resident bytes a key, and what an empty or nearly empty server takes.

Bytes a key is the growth of the resident set over the number of keys of 16 bytes, key and value
included, at sizes that are no powers of two as well, so that a table that doubles cannot hide: the
worst of the sizes is what counts.
"""
import loader
from progress import progress_of

VALUES = [
    ("32 B value", {"value_size": 32}), ("integer", {"value_size": 0, "integer": True}),
    ("100 B value", {"value_size": 100}), ("32 B value, TTL", {"value_size": 32, "ttl": True}),
]
SIZES = [700000, 1000000, 1400000, 2000000]
QUICK = 50  # a quick run loads this much less
IDLE = [("no key", 0, ()), ("1,000 keys", 1000, ()), ("10,000 keys", 10000, ()),
        ("no key, 1,000 databases", 0, ("--databases", "1000"))]


def key_steps(programs, quick):
    return len(VALUES) * len(_sizes(quick)) * len(programs)


def idle_steps(programs):
    return len(IDLE) * len(programs)


def _sizes(quick):
    return [size // QUICK for size in SIZES[:1]] if quick else SIZES


def _bytes_a_key(program, count, values, load):
    target = program.start(cores="")
    try:
        before = target.rss_bytes()
        loader.fill(load, target, count, values)
        return (target.rss_bytes() - before) / count
    finally:
        target.stop()


def keys(programs, quick, say, load=None):
    """Bytes a key for every kind of value at every size, and the worst of the sizes as a row."""
    say, rows = progress_of(say), []
    for name, values in VALUES:
        worst = [{"what": f"{name}, worst", "server": program.name, "bytes_per_key": 0}
                 for program in programs]
        for count in _sizes(quick):
            for program, most in zip(programs, worst):
                say.step(f"{count} keys, {name}: {program.name}")
                used = _bytes_a_key(program, count, values, load)
                rows.append({"what": f"{name}, {count} keys", "server": program.name,
                             "bytes_per_key": used})
                if used > most["bytes_per_key"]:
                    most.update({"bytes_per_key": used, "keys": count})
        for most in worst:
            most["ratio"] = most["bytes_per_key"] / max(worst[0]["bytes_per_key"], 1)
        rows += worst
        say(f"{name}, worst: " + ", ".join(f"{most['server']} {most['bytes_per_key']:.1f}"
                                           for most in worst) + " bytes a key")
    return rows


def idle(programs, say):
    """Resident bytes of a server with no, 1,000 and 10,000 keys, and with 1,000 databases."""
    say, rows = progress_of(say), []
    for program in programs:
        for name, count, options in IDLE:
            say.step(f"resident size, {name}: {program.name}")
            if options and not program.takes_options or count and program.protocol != "resp":
                continue
            target = program.start(*options, cores="")
            try:
                loader.fill(None, target, count, {"value_size": 32})
                rows.append({"what": name, "server": program.name,
                             "rss_mb": target.rss_bytes() / 1e6})
            finally:
                target.stop()
    return rows


KEY_COLUMNS = [("what", "what", "%s"), ("server", "server", "%s"),
               ("bytes_per_key", "bytes/key", "%.1f")]
WORST_COLUMNS = [*KEY_COLUMNS, ("ratio", "ratio", "%.2f"), ("keys", "at keys", "%d")]
IDLE_COLUMNS = [("what", "what", "%s"), ("server", "server", "%s"), ("rss_mb", "RSS MB", "%.2f")]
