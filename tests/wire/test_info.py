"""INFO over the wire: sections, their fields against those of Redis, and figures that are true."""
from pollard_test import Skip, case, is_oracle, main

DEFAULT = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
           "Errorstats", "Cluster", "Keyspace"]
# Fields that tools read; all are Redis's names.
NEEDED = {
    "server": "redis_version redis_mode os arch_bits multiplexing_api process_id run_id tcp_port "
              "uptime_in_seconds uptime_in_days hz lru_clock executable config_file",
    "clients": "connected_clients maxclients blocked_clients tracking_clients",
    "memory": "used_memory used_memory_human used_memory_rss used_memory_peak used_memory_dataset "
              "used_memory_overhead total_system_memory maxmemory maxmemory_human "
              "maxmemory_policy mem_fragmentation_ratio mem_allocator allocator_frag_ratio",
    "persistence": "loading rdb_changes_since_last_save rdb_bgsave_in_progress aof_enabled "
                   "rdb_last_save_time",
    "stats": "total_connections_received total_commands_processed instantaneous_ops_per_sec "
             "total_net_input_bytes total_net_output_bytes rejected_connections expired_keys "
             "evicted_keys keyspace_hits keyspace_misses total_error_replies pubsub_channels",
    "replication": "role connected_slaves master_replid master_repl_offset",
    "cpu": "used_cpu_sys used_cpu_user",
    "cluster": "cluster_enabled",
}


def fields(c, *sections):
    text = c.cmd("INFO", *sections).value.decode()
    assert text == "" or text.endswith("\r\n")
    return dict(line.split(":", 1) for line in text.split("\r\n")
                if line and not line.startswith("#"))


def headings(c, *sections):
    return [line[2:] for line in c.cmd("INFO", *sections).value.decode().split("\r\n")
            if line.startswith("# ")]


@case(protocols=(2, 3))
def test_sections(c):
    reply = c.cmd("INFO")
    assert reply.kind == ("verbatim" if c.protocol == 3 else "bulk")
    assert headings(c) == DEFAULT and headings(c, "default") == DEFAULT
    assert headings(c, "SERVER") == ["Server"] and c.cmd("INFO", "what") == b""
    assert headings(c, "keyspace", "server", "what", "server") == ["Server", "Keyspace"]
    assert {"Commandstats", "Latencystats"} <= set(headings(c, "all"))
    assert set(DEFAULT) | {"Commandstats", "Latencystats"} <= set(headings(c, "everything"))
    if not is_oracle():
        assert {"Threads", "Shards"} <= set(headings(c, "everything"))
        assert headings(c, "threads", "shards") == ["Threads", "Shards"]


@case
def test_needed_fields(c):
    for section, names in NEEDED.items():
        found = fields(c, section)
        missing = set(names.split()) - set(found)
        assert not missing, f"{section}: {missing}"
    assert fields(c, "replication")["role"] == "master"
    assert fields(c, "memory")["maxmemory_policy"] == "noeviction"
    assert fields(c, "persistence")["loading"] == "0"
    if not is_oracle():
        server = fields(c, "server")
        assert server["redis_version"] == "7.2.4" and "pollard_version" in server
        assert int(server["process_id"]) == c.server.pid and len(server["run_id"]) == 40


@case
def test_keyspace(c):
    assert fields(c, "keyspace") == {}
    c.cmd("MSET", "a", 1, "b", 2, "c", 3)
    c.cmd("PEXPIRE", "a", 100000000)
    c.cmd("SELECT", 5)
    c.cmd("SET", "x", 1)
    found = fields(c, "keyspace")
    assert found["db0"].startswith("keys=3,expires=1,avg_ttl=") and set(found) == {"db0", "db5"}
    c.cmd("FLUSHALL")
    assert fields(c, "keyspace") == {}


@case
def test_counters(c):
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    before = fields(c, "stats")
    assert before["keyspace_hits"] == "0" and before["keyspace_misses"] == "0"
    c.cmd("SET", "k", "v")
    for name in ("k", "k", "nothing"):
        c.cmd("GET", name)
    c.cmd("INCR", "k")
    after = fields(c, "stats")
    assert after["keyspace_hits"] == "2" and after["keyspace_misses"] == "1"
    assert int(after["total_commands_processed"]) > int(before["total_commands_processed"])
    assert int(after["total_net_input_bytes"]) > int(before["total_net_input_bytes"])
    assert int(after["total_net_output_bytes"]) > int(before["total_net_output_bytes"])
    assert after["total_error_replies"] == "1"
    assert fields(c, "errorstats") == {"errorstat_ERR": "count=1"}
    d = c.server.connect()
    d.cmd("PING")
    assert int(fields(c, "stats")["total_connections_received"]) == 1
    assert int(fields(c, "clients")["connected_clients"]) >= 2


@case
def test_commandstats(c):
    c.cmd("CONFIG", "RESETSTAT").is_ok()
    c.cmd("SET", "k", "v")
    c.cmd("SET", "k")
    c.cmd("INCR", "k")
    c.cmd("CLIENT", "ID")
    found = fields(c, "commandstats")
    stats = {name: dict(pair.split("=") for pair in text.split(","))
             for name, text in found.items()}
    assert stats["cmdstat_set"]["calls"] == "1" and stats["cmdstat_set"]["rejected_calls"] == "1"
    assert stats["cmdstat_incr"]["failed_calls"] == "1"
    assert stats["cmdstat_client|id"]["calls"] == "1" and "cmdstat_get" not in stats
    latencies = fields(c, "latencystats")
    assert latencies["latency_percentiles_usec_set"].startswith("p50=")
    names = [part.split("=")[0] for part in latencies["latency_percentiles_usec_set"].split(",")]
    assert names == ["p50", "p99", "p99.9"]
    c.cmd("CONFIG", "SET", "latency-tracking-info-percentiles", "0 100").is_ok()
    assert fields(c, "latencystats")["latency_percentiles_usec_set"].startswith("p0=")
    c.cmd("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99 99.9").is_ok()
    c.cmd("CONFIG", "SET", "latency-tracking", "no").is_ok()
    off = fields(c, "latencystats")
    c.cmd("CONFIG", "SET", "latency-tracking", "yes").is_ok()
    assert off == {}


@case
def test_memory(c):
    before = int(fields(c, "memory")["used_memory"])
    c.cmd("SET", "k", "x" * 10_000_000)
    after = fields(c, "memory")
    assert int(after["used_memory"]) - before > 9_000_000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    assert after["used_memory_human"].endswith("M")
    assert int(after["used_memory_rss"]) > 10_000_000
    c.cmd("FLUSHALL")


@case
def test_threads(c):
    if is_oracle():
        raise Skip("a section of Pollard's own")
    found = fields(c, "threads")
    reactors = [name for name in found if name.startswith("reactor_")]
    assert len(reactors) == int(found["reactors"]) >= 1 and int(found["pool_threads"]) >= 2
    total = sum(int(dict(p.split("=") for p in found[name].split(","))["connections"])
                for name in reactors)
    assert total >= 1
    c.cmd("MSET", *[word for i in range(500) for word in (f"k{i}", i)])
    shards = fields(c, "shards")
    assert int(shards["shards"]) >= 1 and "keys=500," in shards["db0_tables"]


main()
