/* INFO sections of our own: threads (reactors and the pool) and shards (tables, on the pool). */
#include "info.h"
#include "pollard/exec/pool.h"

static void print_reactor(const struct info *info, size_t index)
{
    struct reactor_figures figures;
    reactor_figures(registry_reactor(info->services->registry, index), &figures);
    buf_format(info->text,
               "reactor_%zu:connections=%llu,parked=%llu,cycles=%llu,waits=%llu,busy_us=%llu,"
               "mails=%llu\r\n",
               index, (unsigned long long)figures.connections, (unsigned long long)figures.parked,
               (unsigned long long)figures.cycles, (unsigned long long)figures.waits,
               (unsigned long long)figures.busy_us, (unsigned long long)figures.mails);
}

static uint64_t number_reactors(const struct info *info)
{
    return registry_reactor_count(info->services->registry);
}

static uint64_t number_pool_threads(const struct info *info)
{
    return pool_threads(info->services->pool);
}

static uint64_t number_queued_quick(const struct info *info)
{
    return pool_queued(info->services->pool, POOL_QUICK);
}

static uint64_t number_queued_long(const struct info *info)
{
    return pool_queued(info->services->pool, POOL_LONG);
}

void info_threads(const struct info *info)
{
    static const struct info_row rows[] = {
        INFO_NUMBER("reactors", number_reactors),
        INFO_NUMBER("pool_threads", number_pool_threads),
        INFO_NUMBER("pool_queued_quick", number_queued_quick),
        INFO_NUMBER("pool_queued_long", number_queued_long),
        INFO_COUNTER("pool_jobs", STAT_pool_jobs),
        INFO_COUNTER("pool_jobs_busy_shard", STAT_pool_jobs_busy_shard),
        INFO_COUNTER("lock_spins", STAT_lock_spins),
        INFO_COUNTER("parse_batches", STAT_parse_batches),
        INFO_COUNTER("parse_batch_commands", STAT_parse_batch_commands),
    };
    INFO_ROWS(info, rows);
    for (size_t i = 0; i < registry_reactor_count(info->services->registry); i++) {
        print_reactor(info, i);
    }
}

static void print_database(const struct info *info, uint32_t db)
{
    struct keyspace_figures figures;
    keyspace_figures(info->services->keyspace, db, &figures);
    buf_format(info->text,
               "db%u_tables:keys=%llu,buckets=%llu,overflow_buckets=%llu,table_bytes=%llu,"
               "expiry_bytes=%llu,largest_shard_keys=%llu\r\n",
               db, (unsigned long long)figures.keys, (unsigned long long)figures.buckets,
               (unsigned long long)figures.overflow_buckets,
               (unsigned long long)figures.table_bytes, (unsigned long long)figures.expiry_bytes,
               (unsigned long long)figures.largest_shard_keys);
}

void info_shards(const struct info *info)
{
    struct keyspace *keyspace = info->services->keyspace;
    struct keyspace_figures figures;
    keyspace_figures(keyspace, 0, &figures);
    buf_format(info->text,
               "shards:%llu\r\nshard_queued_jobs:%llu\r\ngate_closes:%llu\r\n"
               "retired_bytes:%llu\r\n",
               (unsigned long long)figures.shard_count, (unsigned long long)figures.queued_jobs,
               (unsigned long long)figures.gate_closes, (unsigned long long)figures.retired_bytes);
    for (uint32_t db = 0; db < keyspace_databases(keyspace); db++) {
        if (keyspace_size(keyspace, db) > 0) {
            print_database(info, db);
        }
    }
}
