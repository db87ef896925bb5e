/* MEMORY STATS, DOCTOR, PURGE, MALLOC-STATS: the process's memory. On the reactor, but for what
 * takes the allocator's locks for long: PURGE and MALLOC-STATS run on the pool. */
#include "info.h"
#include "pollard/base/clock.h"
#include "pollard_commands.h"

/* Bytes a key takes in the table (8 a slot at a load near 0.8), and a TTL in the expiry index.
 * Source: the keyspace's design. Exact sizes would need a walk over all shards (INFO shards). */
#define TABLE_BYTES_PER_KEY 10
#define EXPIRY_BYTES_PER_KEY 6

void memory_overview(const struct services *services, size_t used, struct memory_overview *ret)
{
    const struct keyspace *keyspace = services->keyspace;
    *ret = (struct memory_overview){
        .used = used,
        .startup = services->startup_bytes < used ? services->startup_bytes : used,
        .clients = registry_memory(services->registry),
    };
    for (uint32_t db = 0; db < keyspace_databases(keyspace); db++) {
        ret->keys += keyspace_size(keyspace, db);
        ret->tables += keyspace_size(keyspace, db) * TABLE_BYTES_PER_KEY;
        ret->tables += keyspace_expires(keyspace, db) * EXPIRY_BYTES_PER_KEY;
    }
    ret->overhead = ret->startup + ret->clients + ret->tables;
    ret->overhead = ret->overhead < used ? ret->overhead : used;
    ret->dataset = used - ret->overhead;
    uint64_t net = used - ret->startup;
    ret->dataset_percent = net == 0 ? 0 : (double)ret->dataset * 100.0 / (double)net;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

/* ---- STATS ---- */

static void field(struct exec *x, const char *name, int64_t value)
{
    reply_bulk_text(x->reply, name);
    reply_integer(x->reply, value);
}

static void field_double(struct exec *x, const char *name, double value)
{
    reply_bulk_text(x->reply, name);
    reply_double(x->reply, value);
}

static bool has_keys(const struct keyspace *keyspace, uint32_t db)
{
    return keyspace_size(keyspace, db) > 0;
}

static size_t count_databases(const struct keyspace *keyspace)
{
    size_t count = 0;
    for (uint32_t db = 0; db < keyspace_databases(keyspace); db++) {
        count += has_keys(keyspace, db);
    }
    return count;
}

static void print_databases(struct exec *x, size_t count)
{
    const struct keyspace *keyspace = x->services->keyspace;
    for (uint32_t db = 0; db < keyspace_databases(keyspace) && count > 0; db++) {
        if (!has_keys(keyspace, db)) {
            continue;
        }
        count--;
        reply_bulk_format(x->reply, "db.%u", db);
        reply_map(x->reply, 3);
        field(x, "overhead.hashtable.main",
              (int64_t)(keyspace_size(keyspace, db) * TABLE_BYTES_PER_KEY));
        field(x, "overhead.hashtable.expires",
              (int64_t)(keyspace_expires(keyspace, db) * EXPIRY_BYTES_PER_KEY));
        field(x, "overhead.hashtable.slot-to-keys", 0);
    }
}

static void print_overview(struct exec *x, const struct memory_overview *view, uint64_t peak)
{
    uint64_t net = view->used - view->startup;
    field(x, "overhead.total", (int64_t)view->overhead);
    field(x, "keys.count", (int64_t)view->keys);
    field(x, "keys.bytes-per-key", view->keys == 0 ? 0 : (int64_t)(net / view->keys));
    field(x, "dataset.bytes", (int64_t)view->dataset);
    field_double(x, "dataset.percentage", view->dataset_percent);
    field_double(x, "peak.percentage", ratio(view->used, peak) * 100);
}

static void print_allocator(struct exec *x, const struct mem_figures *figures)
{
    int64_t allocated = (int64_t)figures->allocated_bytes;
    int64_t active = (int64_t)figures->active_bytes;
    int64_t resident = (int64_t)figures->resident_bytes;
    int64_t rss = (int64_t)figures->rss_bytes;
    int64_t used = (int64_t)figures->used_bytes;
    field(x, "allocator.allocated", allocated);
    field(x, "allocator.active", active);
    field(x, "allocator.resident", resident);
    field_double(x, "allocator-fragmentation.ratio",
                 ratio(figures->active_bytes, figures->allocated_bytes));
    field(x, "allocator-fragmentation.bytes", active - allocated);
    field_double(x, "allocator-rss.ratio", ratio(figures->resident_bytes, figures->active_bytes));
    field(x, "allocator-rss.bytes", resident - active);
    field_double(x, "rss-overhead.ratio", ratio(figures->rss_bytes, figures->resident_bytes));
    field(x, "rss-overhead.bytes", rss - resident);
    field_double(x, "fragmentation", ratio(figures->rss_bytes, figures->used_bytes));
    field(x, "fragmentation.bytes", rss - used);
}

/* Fields of STATS without those of databases. */
#define STATS_FIELDS 27

enum status cmd_memory_stats(struct exec *x)
{
    struct mem_figures figures;
    struct memory_overview view;
    int64_t peak_s;
    mem_figures(&figures);
    memory_overview(x->services, figures.used_bytes, &view);
    uint64_t peak = stats_memory_peak(figures.used_bytes, clock_ms() / 1000, &peak_s);
    size_t databases = count_databases(x->services->keyspace);
    reply_map(x->reply, STATS_FIELDS + databases);
    field(x, "peak.allocated", (int64_t)peak);
    field(x, "total.allocated", (int64_t)view.used);
    field(x, "startup.allocated", (int64_t)view.startup);
    field(x, "replication.backlog", 0);
    field(x, "clients.slaves", 0);
    field(x, "clients.normal", (int64_t)view.clients);
    field(x, "cluster.links", 0);
    field(x, "aof.buffer", 0);
    field(x, "lua.caches", 0);
    field(x, "functions.caches", 0);
    print_databases(x, databases);
    print_overview(x, &view, peak);
    print_allocator(x, &figures);
    return STATUS_OK;
}

/* ---- DOCTOR ---- */

/* Below these sizes nothing is worth a remark. */
#define DOCTOR_LEAST ((uint64_t)5 * 1024 * 1024)
#define DOCTOR_WASTE_LEAST ((uint64_t)10 * 1024 * 1024)
/* Unused pages of a server that holds nearly nothing: its code and what threads keep is less. */
#define DOCTOR_UNUSED_LEAST ((uint64_t)20 * 1024 * 1024)
#define DOCTOR_CLIENT_MEAN ((uint64_t)200 * 1024)

struct patient {
    const struct services *services;
    struct mem_figures figures;
    struct memory_overview view;
    uint64_t peak;
    uint64_t limit;
    struct buf *text;
};

static void look_at_peak(const struct patient *patient)
{
    if (ratio(patient->peak, patient->view.used) > 1.5) {
        buf_append_text(patient->text,
                        " * Peak memory: the server has used more than 1.5 times what it uses now. "
                        "What it gives back to the system comes some seconds later; MEMORY PURGE "
                        "gives it back at once.\n");
    }
}

static void tell_unused(const struct patient *patient, uint64_t bytes)
{
    buf_format(
        patient->text,
        " * Unused pages: %llu MB of the process hold nothing. They go back to the system as "
        "the server works on; MEMORY PURGE gives them back at once.\n",
        (unsigned long long)(bytes >> 20));
}

/* Pages that hold no value at all. */
static void look_at_pages(const struct patient *patient)
{
    const struct mem_figures *figures = &patient->figures;
    if (figures->resident_bytes > figures->active_bytes + DOCTOR_WASTE_LEAST &&
        ratio(figures->resident_bytes, figures->active_bytes) > 1.1) {
        tell_unused(patient, figures->resident_bytes - figures->active_bytes);
    }
}

/* Of a server with next to no data; after a flush, say. */
static void look_at_empty(const struct patient *patient)
{
    const struct mem_figures *figures = &patient->figures;
    if (figures->rss_bytes > figures->used_bytes + DOCTOR_UNUSED_LEAST) {
        look_at_peak(patient);
        tell_unused(patient, figures->rss_bytes - figures->used_bytes);
    } else {
        buf_append_text(patient->text,
                        "The server is empty, or nearly so: there is nothing to find.\n");
    }
}

static void look_at_fragments(const struct patient *patient)
{
    const struct mem_figures *figures = &patient->figures;
    uint64_t waste = figures->active_bytes - figures->allocated_bytes;
    if (waste > DOCTOR_WASTE_LEAST &&
        ratio(figures->active_bytes, figures->allocated_bytes) > 1.1) {
        buf_format(patient->text,
                   " * Fragmentation: %llu MB lie unused between small values, more than 10%% of "
                   "what is in use. With 'activedefrag yes' values are moved together.\n",
                   (unsigned long long)(waste >> 20));
    }
    if (figures->rss_bytes > figures->resident_bytes + DOCTOR_WASTE_LEAST &&
        ratio(figures->rss_bytes, figures->resident_bytes) > 1.1) {
        buf_append_text(patient->text,
                        " * Other memory: the process is more than 10% larger than what its "
                        "allocator holds.\n");
    }
}

static void look_at_limit(const struct patient *patient)
{
    int64_t system = mem_system_size();
    if (patient->limit == 0) {
        return;
    }
    if (patient->figures.rss_bytes > patient->limit + patient->limit / 20) {
        buf_append_text(patient->text,
                        " * Over the limit: the process is more than 5% larger than maxmemory. "
                        "Large collections are not moved together; few, large keys may cause "
                        "this.\n");
    }
    if (system > 0 && patient->limit > (uint64_t)system) {
        buf_append_text(patient->text,
                        " * Limit too high: maxmemory is more than the memory that this process "
                        "may use. 'maxmemory 75%' fits it to the machine or its cgroup.\n");
    }
}

static void look_at_clients(const struct patient *patient)
{
    const struct services *services = patient->services;
    uint64_t count = registry_count(services->registry);
    uint64_t reserve = keyspace_reserve(services->keyspace);
    if (count > 0 && patient->view.clients / count > DOCTOR_CLIENT_MEAN) {
        buf_append_text(patient->text,
                        " * Large clients: they take more than 200 KB each on average. Do they "
                        "read their replies? maxmemory-clients closes the largest.\n");
    }
    if (reserve > 0 && patient->view.clients > reserve) {
        buf_append_text(patient->text, " * Reserve too small: connections alone take more than "
                                       "maxmemory-reserve, and so of what is meant for data.\n");
    }
}

enum status cmd_memory_doctor(struct exec *x)
{
    struct buf text = {0};
    int64_t peak_s;
    struct patient patient = {
        .services = x->services,
        .limit = (uint64_t)option_get(&x->services->keyspace_options->maxmemory),
        .text = &text,
    };
    mem_figures(&patient.figures);
    memory_overview(x->services, patient.figures.used_bytes, &patient.view);
    patient.peak = stats_memory_peak(patient.figures.used_bytes, clock_ms() / 1000, &peak_s);
    if (patient.view.used - patient.view.startup < DOCTOR_LEAST) {
        look_at_empty(&patient);
    } else {
        look_at_peak(&patient);
        look_at_pages(&patient);
        look_at_fragments(&patient);
        look_at_limit(&patient);
        look_at_clients(&patient);
        if (text.size == 0) {
            buf_append_text(&text, "Nothing is wrong with the memory of this server.\n");
        }
    }
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

/* ---- The allocator ---- */

enum status cmd_memory_purge(struct exec *x)
{
    mem_purge();
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_memory_malloc_stats(struct exec *x)
{
    struct buf text = {0};
    mem_stats_text(&text);
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

enum status cmd_memory_help(struct exec *x)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Tell what may be wrong with the server's memory.",
        "MALLOC-STATS",
        "    Print the statistics of the memory allocator.",
        "PURGE",
        "    Give memory that is not in use back to the system.",
        "STATS",
        "    Tell what the server's memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    Tell how many bytes a key and its value take. What long elements of a",
        "    collection take is judged by <count> of them (0: all; default: 5).",
        NULL};
    reply_help(x->reply, "MEMORY", lines);
    return STATUS_OK;
}
