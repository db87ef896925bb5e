/* INFO's sections: rows as tables, printed into one text. Private to the INFO command. */
#ifndef POLLARD_CMD_SERVER_INFO_H
#define POLLARD_CMD_SERVER_INFO_H

#include "pollard/base/mem.h"
#include "pollard/exec/exec.h"
#include "pollard/stats/stats.h"
#include <sys/resource.h>

/* What memory in use is used for; tables and TTLs are judged by the number of keys. */
struct memory_overview {
    uint64_t used;
    uint64_t startup; /* before the first client */
    uint64_t clients;
    uint64_t tables;
    uint64_t overhead; /* these three */
    uint64_t dataset;  /* the others */
    uint64_t keys;
    double dataset_percent; /* of all but startup */
};
void memory_overview(const struct services *services, size_t used, struct memory_overview *ret);

/* What the sections of one call look at; gathered once, so that their figures agree. */
struct info {
    struct exec *x;
    const struct services *services;
    struct buf *text;
    int64_t now_us;
    struct mem_figures memory;
    struct memory_overview overview;
    struct trim_figures trim;
    uint64_t memory_peak;
    int64_t memory_peak_s;
    struct stats_rates rates;
    struct rusage usage;
};

/* A line "name:value". One of: a fixed text, a counter, or a function. */
struct info_row {
    const char *name;
    const char *fixed;
    enum stat_index counter; /* unless fixed or a function is given */
    uint64_t (*number)(const struct info *info);
    void (*print)(const struct info *info); /* appends the value alone */
};

#define INFO_FIXED(field, value)                                                                   \
    {                                                                                              \
        .name = field, .fixed = value                                                              \
    }
#define INFO_ZERO(field)                                                                           \
    {                                                                                              \
        .name = field, .fixed = "0"                                                                \
    }
#define INFO_COUNTER(field, stat)                                                                  \
    {                                                                                              \
        .name = field, .counter = stat                                                             \
    }
#define INFO_NUMBER(field, function)                                                               \
    {                                                                                              \
        .name = field, .number = function                                                          \
    }
#define INFO_PRINT(field, function)                                                                \
    {                                                                                              \
        .name = field, .print = function                                                           \
    }

void info_rows(const struct info *info, const struct info_row *rows, size_t count);
#define INFO_ROWS(info, rows) info_rows(info, rows, sizeof(rows) / sizeof(rows[0]))

/* Appends "1.50M", as Redis writes sizes for people. */
void info_print_human(const struct info *info, uint64_t bytes);

/* The sections. */
void info_server(const struct info *info);
void info_clients(const struct info *info);
void info_memory(const struct info *info);
void info_persistence(const struct info *info);
void info_stats(const struct info *info);
void info_replication(const struct info *info);
void info_cpu(const struct info *info);
void info_commandstats(const struct info *info);
void info_errorstats(const struct info *info);
void info_latencystats(const struct info *info);
void info_cluster(const struct info *info);
void info_keyspace(const struct info *info);
void info_hotkeys(const struct info *info);
void info_prefixes(const struct info *info);
void info_threads(const struct info *info);
void info_shards(const struct info *info);

#endif
