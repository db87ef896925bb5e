/* Redis's options about replication: kept and checked, without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

static const struct option_choice choices_repl_diskless_load[] = {
    {"disabled", 0}, {"on-empty-db", 1}, {"swapdb", 2}, {"flushdb", 3}, {NULL, 0},
};

static const struct option_choice choices_propagation_error_behavior[] = {
    {"ignore", 0},
    {"panic", 1},
    {"panic-on-replicas", 2},
    {NULL, 0},
};

const struct option_row inert_replication_rows[] = {
    INERT_SPECIAL("replicaof", "slaveof", OPTION_IMMUTABLE, "", inert_parse_primary,
                  inert_print_text, "Primary to replicate from: host and port."),
    INERT_TEXT("masteruser", NULL, 0, "", "User for the primary."),
    INERT_TEXT("masterauth", NULL, OPTION_SECRET, "", "Password for the primary."),
    INERT_BOOL("replica-serve-stale-data", "slave-serve-stale-data", 0, "yes",
               "Answer while the link to the primary is down."),
    INERT_BOOL("replica-read-only", "slave-read-only", 0, "yes", "Refuse writes on a replica."),
    INERT_BOOL("replica-ignore-maxmemory", "slave-ignore-maxmemory", 0, "yes",
               "A replica leaves eviction to its primary."),
    INERT_BOOL("replica-ignore-disk-write-errors", NULL, 0, "no",
               "A replica goes on when its disk fails."),
    INERT_BOOL("replica-lazy-flush", "slave-lazy-flush", 0, "no",
               "Free the old data in the background before a sync."),
    INERT_BOOL("replica-announced", NULL, 0, "yes", "Show the replica to sentinels."),
    INERT_NUMBER("replica-priority", "slave-priority", "100", 0, INT32_MAX, "Rank for promotion."),
    INERT_TEXT("replica-announce-ip", "slave-announce-ip", 0, "",
               "Address a replica tells its primary."),
    INERT_NUMBER("replica-announce-port", "slave-announce-port", "0", 0, 65535,
                 "Port a replica tells its primary."),
    INERT_MEMORY("replica-full-sync-buffer-limit", NULL, "0", 0,
                 "Bound on what a replica buffers during a full sync."),
    INERT_BOOL("repl-diskless-sync", NULL, 0, "yes", "Send snapshots without a file."),
    INERT_NUMBER("repl-diskless-sync-delay", NULL, "5", 0, INT32_MAX,
                 "Seconds to wait for more replicas."),
    INERT_NUMBER("repl-diskless-sync-max-replicas", NULL, "0", 0, INT32_MAX,
                 "Start at once when so many replicas wait."),
    INERT_ENUM("repl-diskless-load", 0, "disabled", choices_repl_diskless_load,
               "How a replica loads without a file."),
    INERT_BOOL("repl-disable-tcp-nodelay", NULL, 0, "no", "Fewer, larger packets to replicas."),
    INERT_NUMBER("repl-ping-replica-period", "repl-ping-slave-period", "10", 1, INT32_MAX,
                 "Seconds between pings to replicas."),
    INERT_NUMBER("repl-timeout", NULL, "60", 1, INT32_MAX,
                 "Seconds without traffic after which a link is down."),
    INERT_MEMORY("repl-backlog-size", NULL, "1048576", 1, "Size of the backlog for partial syncs."),
    INERT_NUMBER("repl-backlog-ttl", NULL, "3600", 0, INT64_MAX,
                 "Seconds after which an unused backlog is freed."),
    INERT_NUMBER("min-replicas-to-write", "min-slaves-to-write", "0", 0, INT32_MAX,
                 "Refuse writes with fewer replicas."),
    INERT_NUMBER("min-replicas-max-lag", "min-slaves-max-lag", "10", 0, INT32_MAX,
                 "Seconds of lag up to which a replica counts."),
    INERT_ENUM("propagation-error-behavior", 0, "ignore", choices_propagation_error_behavior,
               "What a failed propagation does."),
};
const size_t inert_replication_count =
    sizeof(inert_replication_rows) / sizeof(inert_replication_rows[0]);
