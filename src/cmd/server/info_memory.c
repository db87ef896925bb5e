/* INFO memory. The process's figures come from base/mem and the kernel; what it is used for is
 * judged as in MEMORY STATS (memory.c). */
#include "info.h"

static uint64_t number_used(const struct info *info)
{
    return info->memory.used_bytes;
}

static uint64_t number_rss(const struct info *info)
{
    return info->memory.rss_bytes;
}

static uint64_t number_peak(const struct info *info)
{
    return info->memory_peak;
}

static uint64_t number_peak_time(const struct info *info)
{
    return (uint64_t)info->memory_peak_s;
}

static uint64_t number_overhead(const struct info *info)
{
    return info->overview.overhead;
}

static uint64_t number_startup(const struct info *info)
{
    return info->overview.startup;
}

static uint64_t number_dataset(const struct info *info)
{
    return info->overview.dataset;
}

static uint64_t number_total_system(const struct info *info)
{
    (void)info;
    return mem_machine_size();
}

static uint64_t number_reserve(const struct info *info)
{
    return keyspace_reserve(info->services->keyspace);
}

static uint64_t number_clients(const struct info *info)
{
    return info->overview.clients;
}

static uint64_t number_moving(const struct info *info)
{
    return info->trim.is_moving;
}

static uint64_t number_not_data(const struct info *info)
{
    return keyspace_not_data(info->services->keyspace);
}

static uint64_t number_dying(const struct info *info)
{
    return keyspace_dying_objects(info->services->keyspace);
}

static uint64_t number_maxmemory(const struct info *info)
{
    return (uint64_t)option_get(&info->services->keyspace_options->maxmemory);
}

static uint64_t number_allocated(const struct info *info)
{
    return info->memory.allocated_bytes;
}

static uint64_t number_active(const struct info *info)
{
    return info->memory.active_bytes;
}

static uint64_t number_resident(const struct info *info)
{
    return info->memory.resident_bytes;
}

static uint64_t number_muzzy(const struct info *info)
{
    return info->memory.muzzy_bytes;
}

#define HUMAN(function)                                                                            \
    static void print_##function(const struct info *info)                                          \
    {                                                                                              \
        info_print_human(info, number_##function(info));                                           \
    }
HUMAN(used)
HUMAN(rss)
HUMAN(peak)
HUMAN(total_system)
HUMAN(maxmemory)

static void print_share(const struct info *info, uint64_t part, uint64_t whole)
{
    buf_format(info->text, "%.2f%%", whole == 0 ? 0.0 : (double)part * 100.0 / (double)whole);
}

static void print_peak_share(const struct info *info)
{
    print_share(info, number_used(info), number_peak(info));
}

static void print_dataset_share(const struct info *info)
{
    buf_format(info->text, "%.2f%%", info->overview.dataset_percent);
}

static void print_ratio(const struct info *info, uint64_t part, uint64_t whole)
{
    buf_format(info->text, "%.2f", whole == 0 ? 0.0 : (double)part / (double)whole);
}

static void print_frag_ratio(const struct info *info)
{
    print_ratio(info, number_active(info), number_allocated(info));
}

static void print_allocator_rss_ratio(const struct info *info)
{
    print_ratio(info, number_resident(info), number_active(info));
}

static void print_rss_overhead_ratio(const struct info *info)
{
    print_ratio(info, number_rss(info), number_resident(info));
}

static void print_fragmentation_ratio(const struct info *info)
{
    print_ratio(info, number_rss(info), number_used(info));
}

static void print_difference(const struct info *info, uint64_t a, uint64_t b)
{
    buf_format(info->text, "%lld", (long long)a - (long long)b);
}

static void print_frag_bytes(const struct info *info)
{
    print_difference(info, number_active(info), number_allocated(info));
}

static void print_allocator_rss_bytes(const struct info *info)
{
    print_difference(info, number_resident(info), number_active(info));
}

static void print_rss_overhead_bytes(const struct info *info)
{
    print_difference(info, number_rss(info), number_resident(info));
}

static void print_fragmentation_bytes(const struct info *info)
{
    print_difference(info, number_rss(info), number_used(info));
}

static void print_allocator(const struct info *info)
{
    buf_append_text(info->text, mem_allocator_name());
}

static void print_policy(const struct info *info)
{
    buf_append_text(info->text, keyspace_policy_name(info->services->keyspace_options));
}

void info_memory(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_NUMBER("used_memory", number_used),
        INFO_PRINT("used_memory_human", print_used),
        INFO_NUMBER("used_memory_rss", number_rss),
        INFO_PRINT("used_memory_rss_human", print_rss),
        INFO_NUMBER("used_memory_peak", number_peak),
        INFO_PRINT("used_memory_peak_human", print_peak),
        INFO_NUMBER("used_memory_peak_time", number_peak_time),
        INFO_PRINT("used_memory_peak_perc", print_peak_share),
        INFO_NUMBER("used_memory_overhead", number_overhead),
        INFO_NUMBER("used_memory_startup", number_startup),
        INFO_NUMBER("used_memory_dataset", number_dataset),
        INFO_PRINT("used_memory_dataset_perc", print_dataset_share),
        INFO_NUMBER("allocator_allocated", number_allocated),
        INFO_NUMBER("allocator_active", number_active),
        INFO_NUMBER("allocator_resident", number_resident),
        INFO_NUMBER("allocator_muzzy", number_muzzy),
        INFO_NUMBER("total_system_memory", number_total_system),
        INFO_PRINT("total_system_memory_human", print_total_system),
        INFO_ZERO("used_memory_lua"),
        INFO_ZERO("used_memory_vm_eval"),
        INFO_FIXED("used_memory_lua_human", "0B"),
        INFO_ZERO("used_memory_scripts_eval"),
        INFO_ZERO("number_of_cached_scripts"),
        INFO_ZERO("number_of_functions"),
        INFO_ZERO("number_of_libraries"),
        INFO_ZERO("used_memory_vm_functions"),
        INFO_ZERO("used_memory_vm_total"),
        INFO_FIXED("used_memory_vm_total_human", "0B"),
        INFO_ZERO("used_memory_functions"),
        INFO_ZERO("used_memory_scripts"),
        INFO_FIXED("used_memory_scripts_human", "0B"),
        INFO_NUMBER("maxmemory", number_maxmemory),
        INFO_PRINT("maxmemory_human", print_maxmemory),
        INFO_PRINT("maxmemory_policy", print_policy),
        INFO_NUMBER("maxmemory_reserve", number_reserve),
        INFO_PRINT("allocator_frag_ratio", print_frag_ratio),
        INFO_PRINT("allocator_frag_bytes", print_frag_bytes),
        INFO_PRINT("allocator_rss_ratio", print_allocator_rss_ratio),
        INFO_PRINT("allocator_rss_bytes", print_allocator_rss_bytes),
        INFO_PRINT("rss_overhead_ratio", print_rss_overhead_ratio),
        INFO_PRINT("rss_overhead_bytes", print_rss_overhead_bytes),
        INFO_PRINT("mem_fragmentation_ratio", print_fragmentation_ratio),
        INFO_PRINT("mem_fragmentation_bytes", print_fragmentation_bytes),
        INFO_NUMBER("mem_not_counted_for_evict", number_not_data),
        INFO_ZERO("mem_replication_backlog"),
        INFO_ZERO("mem_total_replication_buffers"),
        INFO_ZERO("mem_clients_slaves"),
        INFO_NUMBER("mem_clients_normal", number_clients),
        INFO_ZERO("mem_cluster_links"),
        INFO_ZERO("mem_aof_buffer"),
        INFO_PRINT("mem_allocator", print_allocator),
        INFO_NUMBER("active_defrag_running", number_moving),
        INFO_NUMBER("lazyfree_pending_objects", number_dying),
        INFO_COUNTER("lazyfreed_objects", STAT_lazyfreed_objects),
    };
    INFO_ROWS(info, rows);
}
