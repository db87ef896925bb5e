/* Redis's options about the cluster: kept and checked, without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

static const struct option_choice choices_cluster_preferred_endpoint_type[] = {
    {"ip", 0},
    {"hostname", 1},
    {"unknown-endpoint", 2},
    {NULL, 0},
};

const struct option_row inert_cluster_rows[] = {
    INERT_BOOL("cluster-enabled", NULL, OPTION_IMMUTABLE, "no", "Run as a node of a cluster."),
    INERT_TEXT("cluster-config-file", NULL, OPTION_IMMUTABLE, "nodes.conf",
               "File of the node table."),
    INERT_NUMBER("cluster-node-timeout", NULL, "15000", 0, INT64_MAX,
                 "Milliseconds after which a silent node is failing."),
    INERT_FIXED_NUMBER("cluster-port", "0", 0, 65535, "Port of the cluster bus."),
    INERT_NUMBER("cluster-migration-barrier", NULL, "1", 0, INT32_MAX,
                 "Replicas a primary keeps before one may move."),
    INERT_BOOL("cluster-allow-replica-migration", NULL, 0, "yes",
               "Let replicas move to orphaned primaries."),
    INERT_BOOL("cluster-require-full-coverage", NULL, 0, "yes",
               "Refuse queries while slots are uncovered."),
    INERT_BOOL("cluster-allow-reads-when-down", NULL, 0, "no",
               "Answer reads while the cluster is down."),
    INERT_BOOL("cluster-allow-pubsubshard-when-down", NULL, 0, "yes",
               "Deliver sharded messages while the cluster is down."),
    INERT_BOOL("cluster-replica-no-failover", "cluster-slave-no-failover", 0, "no",
               "This replica never takes over."),
    INERT_NUMBER("cluster-replica-validity-factor", "cluster-slave-validity-factor", "10", 0,
                 INT32_MAX, "How old a replica may be to take over."),
    INERT_MEMORY("cluster-link-sendbuf-limit", NULL, "0", 0, "Bound on the output of a bus link."),
    INERT_TEXT("cluster-announce-ip", NULL, 0, "", "Address to announce."),
    INERT_NUMBER("cluster-announce-port", NULL, "0", 0, 65535, "Port to announce."),
    INERT_NUMBER("cluster-announce-tls-port", NULL, "0", 0, 65535, "TLS port to announce."),
    INERT_NUMBER("cluster-announce-bus-port", NULL, "0", 0, 65535, "Bus port to announce."),
    INERT_CHECKED("cluster-announce-hostname", 0, "", inert_check_host_name,
                  "Host name to announce."),
    INERT_TEXT("cluster-announce-human-nodename", NULL, 0, "", "Name of the node for people."),
    INERT_ENUM("cluster-preferred-endpoint-type", 0, "ip", choices_cluster_preferred_endpoint_type,
               "What redirections name."),
    INERT_NUMBER("cluster-compatibility-sample-ratio", NULL, "0", 0, 100,
                 "Share of commands checked for use in a cluster."),
    INERT_BOOL("cluster-slot-stats-enabled", NULL, 0, "no", "Keep statistics of each slot."),
    INERT_FIXED_NUMBER("cluster-databases", "1", 1, INT32_MAX, "Databases in cluster mode."),
};
const size_t inert_cluster_count = sizeof(inert_cluster_rows) / sizeof(inert_cluster_rows[0]);
