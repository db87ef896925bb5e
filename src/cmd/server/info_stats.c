/* INFO stats and keyspace: counters and databases. Fields of what does not exist here stay at 0. */
#include "info.h"
#include "pollard/events/events.h"

static void print_kbps(const struct info *info, double bytes)
{
    buf_format(info->text, "%.2f", bytes / 1024);
}

static uint64_t number_ops(const struct info *info)
{
    return (uint64_t)(info->rates.commands + 0.5);
}

static void print_input_kbps(const struct info *info)
{
    print_kbps(info, info->rates.input_bytes);
}

static void print_output_kbps(const struct info *info)
{
    print_kbps(info, info->rates.output_bytes);
}

static uint64_t number_expire_ms(const struct info *info)
{
    (void)info;
    return stats_sum(STAT_expire_cycle_us) / 1000;
}

static void print_stale_share(const struct info *info)
{
    buf_format(info->text, "%.2f", keyspace_stale_percent(info->services->keyspace));
}

static uint64_t number_moved(const struct info *info)
{
    return info->trim.moved;
}

static uint64_t number_left(const struct info *info)
{
    return info->trim.left;
}

static uint64_t number_keys_moved(const struct info *info)
{
    return info->trim.keys_moved;
}

static uint64_t number_keys_left(const struct info *info)
{
    return info->trim.keys_left;
}

static uint64_t number_current_ms(const struct info *info)
{
    return info->trim.current_us / 1000;
}

static uint64_t number_moving_ms(const struct info *info)
{
    return info->trim.spent_us / 1000;
}

static uint64_t number_channels(const struct info *info)
{
    return pubsub_count(events_pubsub(info->services->events), PUBSUB_CHANNELS);
}

static uint64_t number_patterns(const struct info *info)
{
    return pubsub_count(events_pubsub(info->services->events), PUBSUB_PATTERNS);
}

static uint64_t number_shard_channels(const struct info *info)
{
    return pubsub_count(events_pubsub(info->services->events), PUBSUB_SHARD_CHANNELS);
}

static struct tracking_table *tracking_of(const struct info *info)
{
    return events_tracking(info->services->events);
}

static uint64_t number_tracked_keys(const struct info *info)
{
    return tracking_count_keys(tracking_of(info));
}

static uint64_t number_tracked_items(const struct info *info)
{
    return tracking_count_items(tracking_of(info));
}

static uint64_t number_tracked_prefixes(const struct info *info)
{
    return tracking_count_prefixes(tracking_of(info));
}

static uint64_t number_exceeded(const struct info *info)
{
    int64_t total_ms;
    int64_t current_ms;
    keyspace_over_times(info->services->keyspace, &total_ms, &current_ms);
    return (uint64_t)total_ms;
}

static uint64_t number_exceeds(const struct info *info)
{
    int64_t total_ms;
    int64_t current_ms;
    keyspace_over_times(info->services->keyspace, &total_ms, &current_ms);
    return (uint64_t)current_ms;
}

void info_stats(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_COUNTER("total_connections_received", STAT_connections_received),
        INFO_COUNTER("total_commands_processed", STAT_commands_processed),
        INFO_NUMBER("instantaneous_ops_per_sec", number_ops),
        INFO_COUNTER("total_net_input_bytes", STAT_net_input_bytes),
        INFO_COUNTER("total_net_output_bytes", STAT_net_output_bytes),
        INFO_ZERO("total_net_repl_input_bytes"),
        INFO_ZERO("total_net_repl_output_bytes"),
        INFO_PRINT("instantaneous_input_kbps", print_input_kbps),
        INFO_PRINT("instantaneous_output_kbps", print_output_kbps),
        INFO_FIXED("instantaneous_input_repl_kbps", "0.00"),
        INFO_FIXED("instantaneous_output_repl_kbps", "0.00"),
        INFO_COUNTER("rejected_connections", STAT_connections_rejected),
        INFO_ZERO("sync_full"),
        INFO_ZERO("sync_partial_ok"),
        INFO_ZERO("sync_partial_err"),
        INFO_COUNTER("expired_subkeys", STAT_expired_subkeys),
        INFO_COUNTER("expired_keys", STAT_expired_keys),
        INFO_PRINT("expired_stale_perc", print_stale_share),
        INFO_COUNTER("expired_time_cap_reached_count", STAT_expire_time_caps),
        INFO_NUMBER("expire_cycle_cpu_milliseconds", number_expire_ms),
        INFO_COUNTER("evicted_keys", STAT_evicted_keys),
        INFO_COUNTER("evicted_clients", STAT_clients_evicted),
        INFO_ZERO("evicted_scripts"),
        INFO_NUMBER("total_eviction_exceeded_time", number_exceeded),
        INFO_NUMBER("current_eviction_exceeded_time", number_exceeds),
        INFO_COUNTER("keyspace_hits", STAT_keyspace_hits),
        INFO_COUNTER("keyspace_misses", STAT_keyspace_misses),
        INFO_NUMBER("pubsub_channels", number_channels),
        INFO_NUMBER("pubsub_patterns", number_patterns),
        INFO_NUMBER("pubsubshard_channels", number_shard_channels),
        INFO_ZERO("latest_fork_usec"),
        INFO_ZERO("total_forks"),
        INFO_ZERO("migrate_cached_sockets"),
        INFO_ZERO("slave_expires_tracked_keys"),
        INFO_NUMBER("active_defrag_hits", number_moved),
        INFO_NUMBER("active_defrag_misses", number_left),
        INFO_NUMBER("active_defrag_key_hits", number_keys_moved),
        INFO_NUMBER("active_defrag_key_misses", number_keys_left),
        INFO_NUMBER("total_active_defrag_time", number_moving_ms),
        INFO_NUMBER("current_active_defrag_time", number_current_ms),
        INFO_NUMBER("tracking_total_keys", number_tracked_keys),
        INFO_NUMBER("tracking_total_items", number_tracked_items),
        INFO_NUMBER("tracking_total_prefixes", number_tracked_prefixes),
        INFO_ZERO("unexpected_error_replies"),
        INFO_COUNTER("total_error_replies", STAT_error_replies),
        INFO_ZERO("dump_payload_sanitizations"),
        INFO_COUNTER("total_reads_processed", STAT_reads_processed),
        INFO_COUNTER("total_writes_processed", STAT_writes_processed),
        INFO_ZERO("io_threaded_reads_processed"),
        INFO_ZERO("io_threaded_writes_processed"),
        INFO_ZERO("reply_buffer_shrinks"),
        INFO_ZERO("reply_buffer_expands"),
        INFO_COUNTER("client_query_buffer_limit_disconnections", STAT_client_input_limit_cuts),
        INFO_COUNTER("client_output_buffer_limit_disconnections", STAT_client_output_limit_cuts),
        INFO_COUNTER("acl_access_denied_auth", STAT_auth_failures),
        INFO_COUNTER("acl_access_denied_cmd", STAT_command_denials),
        INFO_ZERO("acl_access_denied_key"),
        INFO_ZERO("acl_access_denied_channel"),
    };
    INFO_ROWS(info, rows);
}

void info_keyspace(const struct info *info)
{
    const struct keyspace *keyspace = info->services->keyspace;
    for (uint32_t db = 0; db < keyspace_databases(keyspace); db++) {
        uint64_t keys = keyspace_size(keyspace, db);
        if (keys == 0) {
            continue;
        }
        buf_format(info->text, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld,subexpiry=%llu\r\n", db,
                   (unsigned long long)keys, (unsigned long long)keyspace_expires(keyspace, db),
                   (long long)keyspace_average_ttl(keyspace, db),
                   (unsigned long long)keyspace_subexpires(keyspace, db));
    }
}
