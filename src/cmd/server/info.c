/* INFO: which sections are asked for, and how their rows are printed.
 *
 * On the reactor: every section is a sum over threads, commands or databases; but "shards" walks
 * locks, so a call that asks for it goes to the pool. */
#include "info.h"
#include "pollard/base/clock.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

static void info_modules(const struct info *info)
{
    (void)info; /* There are none: the heading stands alone, as in Redis. */
}

/* Sections in the order they are printed. */
static const struct {
    const char *name; /* as asked for */
    const char *heading;
    bool is_default; /* part of INFO without arguments */
    bool is_in_all;  /* part of INFO ALL */
    void (*print)(const struct info *info);
} sections[] = {
    {"server", "Server", true, true, info_server},
    {"clients", "Clients", true, true, info_clients},
    {"memory", "Memory", true, true, info_memory},
    {"persistence", "Persistence", true, true, info_persistence},
    {"threads", "Threads", false, true, info_threads},
    {"stats", "Stats", true, true, info_stats},
    {"replication", "Replication", true, true, info_replication},
    {"cpu", "CPU", true, true, info_cpu},
    {"modules", "Modules", true, true, info_modules},
    {"commandstats", "Commandstats", false, true, info_commandstats},
    {"errorstats", "Errorstats", true, true, info_errorstats},
    {"latencystats", "Latencystats", false, true, info_latencystats},
    {"cluster", "Cluster", true, true, info_cluster},
    {"keyspace", "Keyspace", true, true, info_keyspace},
    {"hotkeys", "Hotkeys", false, true, info_hotkeys},
    {"prefixes", "Prefixes", false, true, info_prefixes},
    {"shards", "Shards", false, false, info_shards},
};
#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

/* Which sections an argument names, as bits. */
static uint32_t wanted_by(struct bytes word)
{
    bool is_default = bytes_is(word, "default");
    bool is_all = bytes_is(word, "all");
    bool is_everything = bytes_is(word, "everything");
    uint32_t wanted = 0;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (bytes_is(word, sections[i].name) || (is_default && sections[i].is_default) ||
            (is_all && sections[i].is_in_all) || is_everything) {
            wanted |= UINT32_C(1) << i;
        }
    }
    return wanted;
}

static void print_row(const struct info *info, const struct info_row *row)
{
    buf_format(info->text, "%s:", row->name);
    if (row->fixed != NULL) {
        buf_append_text(info->text, row->fixed);
    } else if (row->print != NULL) {
        row->print(info);
    } else {
        uint64_t value = row->number != NULL ? row->number(info) : stats_sum(row->counter);
        buf_format(info->text, "%llu", (unsigned long long)value);
    }
    buf_append_text(info->text, "\r\n");
}

void info_rows(const struct info *info, const struct info_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_row(info, &rows[i]);
    }
}

void info_print_human(const struct info *info, uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    if (bytes < 1024) {
        buf_format(info->text, "%lluB", (unsigned long long)bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof(units) - 1) {
        value /= 1024;
        unit++;
    }
    buf_format(info->text, "%.2f%c", value, units[unit]);
}

static void gather_figures(struct info *info)
{
    info->now_us = clock_us();
    mem_figures(&info->memory);
    memory_overview(info->services, info->memory.used_bytes, &info->overview);
    keyspace_trim_figures(info->services->keyspace, &info->trim);
    info->memory_peak =
        stats_memory_peak(info->memory.used_bytes, info->now_us / 1000000, &info->memory_peak_s);
    stats_rates(&info->rates);
    if (getrusage(RUSAGE_SELF, &info->usage) != 0) {
        memset(&info->usage, 0, sizeof(info->usage));
    }
}

enum status cmd_info(struct exec *x)
{
    uint32_t wanted = x->argc == 1 ? wanted_by(bytes_text("default")) : 0;
    for (uint32_t i = 1; i < x->argc; i++) {
        wanted |= wanted_by(x->argv[i]);
    }
    if ((wanted & wanted_by(bytes_text("shards"))) != 0 && exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct buf text = {0};
    struct info info = {.x = x, .services = x->services, .text = &text};
    gather_figures(&info);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if ((wanted & (UINT32_C(1) << i)) != 0) {
            buf_format(&text, "%s# %s\r\n", text.size > 0 ? "\r\n" : "", sections[i].heading);
            sections[i].print(&info);
        }
    }
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}
