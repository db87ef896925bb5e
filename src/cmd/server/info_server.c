/* INFO sections about the process and its clients: server, clients, persistence, replication, cpu,
 * cluster. Field names and order are Redis's; what does not exist here has Redis's idle value. */
#include "info.h"
#include "pollard/base/hash.h"
#include "pollard/config/config.h"
#include "pollard/events/events.h"
#include "pollard/keyspace/leases.h"
#include "pollard/keyspace/notes.h"
#include <sys/utsname.h>
#include <unistd.h>

/* The version of gcc, or the one clang claims to be compatible with, as Redis tells it. */
#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define COMPILER_VERSION                                                                           \
    TEXT_OF(__GNUC__) "." TEXT_OF(__GNUC_MINOR__) "." TEXT_OF(__GNUC_PATCHLEVEL__)

static void print_build_id(const struct info *info)
{
    uint64_t id = hash_digest(bytes_text(POLLARD_VERSION " " COMPILER_VERSION));
    buf_format(info->text, "%llx", (unsigned long long)id);
}

static void print_os(const struct info *info)
{
    struct utsname name;
    if (uname(&name) >= 0) {
        buf_format(info->text, "%s %s %s", name.sysname, name.release, name.machine);
    }
}

static void print_poller(const struct info *info)
{
    bool is_poll = option_get(&info->services->net_options->poller) == NET_POLLER_POLL;
    buf_append_text(info->text, POLLARD_HAVE_EPOLL && !is_poll ? "epoll" : "poll");
}

static uint64_t number_bits(const struct info *info)
{
    (void)info;
    return sizeof(long) * 8;
}

static uint64_t number_pid(const struct info *info)
{
    (void)info;
    return (uint64_t)getpid();
}

static void print_run_id(const struct info *info)
{
    buf_append_text(info->text, info->services->run_id);
}

static uint64_t number_port(const struct info *info)
{
    return (uint64_t)info->services->tcp_port;
}

static uint64_t number_time_us(const struct info *info)
{
    return (uint64_t)info->now_us;
}

static uint64_t number_uptime_s(const struct info *info)
{
    int64_t uptime_ms = info->now_us / 1000 - info->services->started_ms;
    return uptime_ms > 0 ? (uint64_t)uptime_ms / 1000 : 0;
}

static uint64_t number_uptime_days(const struct info *info)
{
    return number_uptime_s(info) / 86400;
}

/* 24 bits of seconds: what OBJECT's clocks are compared with. */
static uint64_t number_lru_clock(const struct info *info)
{
    return (uint64_t)(info->now_us / 1000000) & 0xffffff;
}

static void print_executable(const struct info *info)
{
    buf_append_text(info->text, info->services->executable);
}

static void print_config_file(const struct info *info)
{
    const char *path = config_file(info->services->config);
    buf_append_text(info->text, path == NULL ? "" : path);
}

void info_server(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_FIXED("redis_version", "7.2.4"),
        INFO_FIXED("server_name", "pollard"),
        INFO_FIXED("pollard_version", POLLARD_VERSION),
        INFO_FIXED("redis_git_sha1", "00000000"),
        INFO_ZERO("redis_git_dirty"),
        INFO_PRINT("redis_build_id", print_build_id),
        INFO_FIXED("redis_mode", "standalone"),
        INFO_PRINT("os", print_os),
        INFO_NUMBER("arch_bits", number_bits),
        INFO_FIXED("monotonic_clock", "POSIX clock_gettime"),
        INFO_PRINT("multiplexing_api", print_poller),
        INFO_FIXED("atomicvar_api", "c11-builtin"),
        INFO_FIXED("gcc_version", COMPILER_VERSION),
        INFO_NUMBER("process_id", number_pid),
        INFO_FIXED("process_supervised", "no"),
        INFO_PRINT("run_id", print_run_id),
        INFO_NUMBER("tcp_port", number_port),
        INFO_NUMBER("server_time_usec", number_time_us),
        INFO_NUMBER("uptime_in_seconds", number_uptime_s),
        INFO_NUMBER("uptime_in_days", number_uptime_days),
        INFO_FIXED("hz", "10"),
        INFO_FIXED("configured_hz", "10"),
        INFO_NUMBER("lru_clock", number_lru_clock),
        INFO_PRINT("executable", print_executable),
        INFO_PRINT("config_file", print_config_file),
        INFO_ZERO("io_threads_active"),
    };
    INFO_ROWS(info, rows);
}

static uint64_t number_clients(const struct info *info)
{
    return registry_count(info->services->registry);
}

static uint64_t number_maxclients(const struct info *info)
{
    return (uint64_t)option_get(&info->services->client_options->maxclients);
}

static uint64_t number_blocked(const struct info *info)
{
    return registry_count_blocked(info->services->registry);
}

static uint64_t number_monitors(const struct info *info)
{
    return registry_count_monitors(info->services->registry);
}

static enum pause_mode paused(const struct info *info)
{
    return registry_paused(info->services->registry, info->now_us / 1000);
}

static void print_paused_reason(const struct info *info)
{
    buf_append_text(info->text, paused(info) == PAUSE_NONE ? "none" : "client_pause");
}

static void print_paused_actions(const struct info *info)
{
    static const char *const names[] = {
        [PAUSE_NONE] = "none", [PAUSE_WRITE] = "write", [PAUSE_ALL] = "all"};
    buf_append_text(info->text, names[paused(info)]);
}

static uint64_t number_paused_ms(const struct info *info)
{
    int64_t left_ms = registry_pause_end(info->services->registry) - info->now_us / 1000;
    return left_ms > 0 ? (uint64_t)left_ms : 0;
}

static uint64_t number_subscribers(const struct info *info)
{
    return events_subscribers(info->services->events);
}

static uint64_t number_tracking(const struct info *info)
{
    return tracking_count(events_tracking(info->services->events));
}

static uint64_t number_watched(const struct info *info)
{
    return keyspace_watched_keys(info->services->keyspace);
}

static uint64_t number_waited(const struct info *info)
{
    return keyspace_waited_keys(info->services->keyspace);
}

static uint64_t number_leased(const struct info *info)
{
    return keyspace_leased_keys(info->services->keyspace);
}

static uint64_t number_watching(const struct info *info)
{
    return registry_count_watching(info->services->registry);
}

void info_clients(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_NUMBER("connected_clients", number_clients),
        INFO_ZERO("cluster_connections"),
        INFO_NUMBER("maxclients", number_maxclients),
        INFO_NUMBER("blocked_clients", number_blocked),
        INFO_NUMBER("tracking_clients", number_tracking),
        INFO_NUMBER("pubsub_clients", number_subscribers),
        INFO_NUMBER("watching_clients", number_watching),
        INFO_ZERO("clients_in_timeout_table"),
        INFO_NUMBER("total_watched_keys", number_watched),
        INFO_NUMBER("total_blocking_keys", number_waited),
        INFO_ZERO("total_blocking_keys_on_nokey"),
        INFO_NUMBER("total_leased_keys", number_leased),
        INFO_NUMBER("monitor_clients", number_monitors),
        INFO_PRINT("paused_reason", print_paused_reason),
        INFO_PRINT("paused_actions", print_paused_actions),
        INFO_NUMBER("paused_timeout_milliseconds", number_paused_ms),
    };
    INFO_ROWS(info, rows);
}

static uint64_t number_started_s(const struct info *info)
{
    return (uint64_t)(info->services->started_ms / 1000);
}

void info_persistence(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_ZERO("loading"),
        INFO_ZERO("async_loading"),
        INFO_ZERO("current_cow_peak"),
        INFO_ZERO("current_cow_size"),
        INFO_ZERO("current_cow_size_age"),
        INFO_FIXED("current_fork_perc", "0.00"),
        INFO_ZERO("current_save_keys_processed"),
        INFO_ZERO("current_save_keys_total"),
        INFO_COUNTER("rdb_changes_since_last_save", STAT_changes),
        INFO_ZERO("rdb_bgsave_in_progress"),
        INFO_NUMBER("rdb_last_save_time", number_started_s),
        INFO_FIXED("rdb_last_bgsave_status", "ok"),
        INFO_FIXED("rdb_last_bgsave_time_sec", "-1"),
        INFO_FIXED("rdb_current_bgsave_time_sec", "-1"),
        INFO_ZERO("rdb_saves"),
        INFO_ZERO("rdb_last_cow_size"),
        INFO_ZERO("rdb_last_load_keys_expired"),
        INFO_ZERO("rdb_last_load_keys_loaded"),
        INFO_ZERO("aof_enabled"),
        INFO_ZERO("aof_rewrite_in_progress"),
        INFO_ZERO("aof_rewrite_scheduled"),
        INFO_FIXED("aof_last_rewrite_time_sec", "-1"),
        INFO_FIXED("aof_current_rewrite_time_sec", "-1"),
        INFO_FIXED("aof_last_bgrewrite_status", "ok"),
        INFO_ZERO("aof_rewrites"),
        INFO_ZERO("aof_rewrites_consecutive_failures"),
        INFO_FIXED("aof_last_write_status", "ok"),
        INFO_ZERO("aof_last_cow_size"),
        INFO_ZERO("module_fork_in_progress"),
        INFO_ZERO("module_fork_last_cow_size"),
    };
    INFO_ROWS(info, rows);
}

void info_replication(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_FIXED("role", "master"),
        INFO_ZERO("connected_slaves"),
        INFO_FIXED("master_failover_state", "no-failover"),
        INFO_PRINT("master_replid", print_run_id),
        INFO_FIXED("master_replid2", "0000000000000000000000000000000000000000"),
        INFO_ZERO("master_repl_offset"),
        INFO_FIXED("second_repl_offset", "-1"),
        INFO_ZERO("repl_backlog_active"),
        INFO_FIXED("repl_backlog_size", "1048576"),
        INFO_ZERO("repl_backlog_first_byte_offset"),
        INFO_ZERO("repl_backlog_histlen"),
    };
    INFO_ROWS(info, rows);
}

static void print_time(const struct info *info, const struct timeval *time)
{
    buf_format(info->text, "%lld.%06ld", (long long)time->tv_sec, (long)time->tv_usec);
}

static void print_cpu_system(const struct info *info)
{
    print_time(info, &info->usage.ru_stime);
}

static void print_cpu_user(const struct info *info)
{
    print_time(info, &info->usage.ru_utime);
}

void info_cpu(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_PRINT("used_cpu_sys", print_cpu_system),
        INFO_PRINT("used_cpu_user", print_cpu_user),
        INFO_FIXED("used_cpu_sys_children", "0.000000"),
        INFO_FIXED("used_cpu_user_children", "0.000000"),
    };
    INFO_ROWS(info, rows);
}

void info_cluster(const struct info *info)
{
    static const struct info_row rows[] = {INFO_ZERO("cluster_enabled")};
    INFO_ROWS(info, rows);
}
