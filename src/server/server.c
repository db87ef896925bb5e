/* Builds the rooms bottom-up and takes them down in reverse. The only place that knows them all. */
#include "server.h"
#include "pollard/base/clock.h"
#include "pollard/base/hash.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/exec/command.h"
#include "pollard/exec/hotkeys.h"
#include <stdio.h>
#include <unistd.h>

/* Descriptors that are not clients: listeners, epoll and wake-up descriptors, logs, files. */
#define RESERVED_DESCRIPTORS 64

void server_register_options(struct server *server)
{
    server->config = config_create();
    const struct option_set sets[] = {
        {net_option_rows, net_option_row_count, &server->net_options},
        {client_option_rows, client_option_row_count, &server->client_options},
        {exec_option_rows, exec_option_row_count, &server->exec_options},
        {keyspace_option_rows, keyspace_option_row_count, &server->keyspace_options},
        {value_option_rows, value_option_row_count, &server->value_options},
        {stats_option_rows, stats_option_row_count, &server->stats_options},
        {events_option_rows, events_option_row_count, &server->events_options},
        {server_option_rows, server_option_row_count, &server->options},
    };
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        config_register(server->config, &sets[i]);
    }
    config_register_inert(server->config);
}

/* maxclients is a promise to take so many: where the system gives fewer descriptors it is lowered,
 * and said so. */
static void fit_descriptors(struct server *server)
{
    size_t clients = (size_t)option_get(&server->client_options.maxclients);
    size_t wanted = clients + RESERVED_DESCRIPTORS;
    size_t got = net_raise_descriptor_limit(wanted);
    if (got >= wanted) {
        return;
    }
    size_t fit = got > RESERVED_DESCRIPTORS ? got - RESERVED_DESCRIPTORS : 1;
    option_put(&server->client_options.maxclients, (int64_t)fit);
    log_line(LOG_WARNING,
             "maxclients lowered from %zu to %zu: the system allows %zu open files and %d are "
             "reserved. Raise 'ulimit -n' to keep it.",
             clients, fit, got, RESERVED_DESCRIPTORS);
}

static void warn_backlog(const struct server *server)
{
    int limit = net_kernel_backlog();
    int64_t wanted = option_get(&server->net_options.tcp_backlog);
    if (limit >= 0 && wanted > limit) {
        log_line(LOG_WARNING, "tcp-backlog %lld is cut to %d by the kernel's somaxconn",
                 (long long)wanted, limit);
    }
}

/* Eviction holds the process to maxmemory; nothing holds it to less. */
static void warn_memory(const struct server *server)
{
    int64_t limit = option_get(&server->keyspace_options.maxmemory);
    int64_t system = mem_system_size();
    if (system > 0 && limit > system) {
        log_line(LOG_WARNING,
                 "maxmemory of %lld bytes is more than the %lld bytes that the machine or its "
                 "cgroup has: the process may be killed before it evicts. 'maxmemory 75%%' fits.",
                 (long long)limit, (long long)system);
    }
}

static void fill_services(struct server *server)
{
    struct services *services = &server->services;
    services->keyspace = server->keyspace;
    services->config = server->config;
    services->registry = server->registry;
    services->pool = server->pool;
    services->exec_options = &server->exec_options;
    services->client_options = &server->client_options;
    services->keyspace_options = &server->keyspace_options;
    services->value_limits = (struct value_limits){.options = &server->value_options,
                                                   .secret = keyspace_secret(server->keyspace)};
    services->net_options = &server->net_options;
    services->stats_options = &server->stats_options;
    services->server_options = &server->options;
    services->started_ms = clock_ms();
    services->server = server;
    services->request_shutdown = shutdown_request;
    services->abort_shutdown = shutdown_abort;
    static const char digits[] = "0123456789abcdef";
    unsigned char random[40];
    random_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        services->run_id[i] = digits[random[i] & 15];
    }
    ssize_t size =
        readlink("/proc/self/exe", services->executable, sizeof(services->executable) - 1);
    services->executable[size > 0 ? size : 0] = '\0';
}

static bool open_listeners(struct server *server)
{
    struct buf error = {0};
    server->listeners = listeners_open(&server->net_options, &error);
    if (server->listeners == NULL) {
        log_line(LOG_WARNING, "%.*s", (int)error.size, (const char *)error.data);
    }
    buf_deinit(&error);
    return server->listeners != NULL;
}

static void run_reactor(void *reactor)
{
    reactor_run(reactor);
}

static bool make_reactors(struct server *server)
{
    uint32_t count = server->reactor_count;
    const struct reactor_hooks hooks = dispatcher_hooks(server->dispatcher);
    server->reactors = mem_alloc_zero(count * sizeof(*server->reactors));
    server->threads = mem_alloc_zero(count * sizeof(*server->threads));
    for (uint32_t i = 0; i < count; i++) {
        server->reactors[i] = reactor_create(&server->net_options, &hooks, i);
        if (server->reactors[i] == NULL) {
            log_line(LOG_WARNING, "Cannot create reactor %u: out of file descriptors", i);
            return false;
        }
    }
    registry_set_reactors(server->registry, server->reactors, count);
    server->client_options.registry = server->registry;
    return true;
}

static void start_threads(struct server *server)
{
    char name[32];
    for (uint32_t i = 0; i < server->reactor_count; i++) {
        snprintf(name, sizeof(name), "reactor-%u", i);
        server->threads[i] = thread_start(name, run_reactor, server->reactors[i]);
        if (server->threads[i] == NULL) {
            log_line(LOG_WARNING, "Cannot start thread %s", name);
            _exit(1);
        }
    }
}

bool server_start(struct server *server)
{
    server->main_thread = pthread_self();
    int64_t threads = option_get(&server->exec_options.threads);
    int64_t workers = option_get(&server->exec_options.pool_threads);
    uint32_t cores = thread_cpus();
    server->reactor_count = threads > 0 ? (uint32_t)threads : cores;
    uint32_t worker_count = workers > 0 ? (uint32_t)workers : cores;
    worker_count = worker_count < 2 ? 2 : worker_count;
    fit_descriptors(server);
    warn_backlog(server);
    warn_memory(server);
    if (!open_listeners(server)) {
        return false;
    }
    stats_setup(command_table_count());
    const struct keyspace_hooks keyspace_hooks = maintenance_hooks(&server->maintenance);
    server->keyspace = keyspace_create(&server->keyspace_options, &keyspace_hooks,
                                       server->reactor_count + worker_count);
    server->registry = registry_create(&server->client_options);
    fill_services(server);
    server->services.hotkeys = hotkeys_create(&server->exec_options);
    server->dispatcher = dispatcher_create(&server->services, server->reactor_count);
    const char *rename_error = dispatcher_use_renames(server->dispatcher);
    if (rename_error != NULL) {
        log_line(LOG_WARNING, "%s", rename_error);
        return false;
    }
    if (!make_reactors(server)) {
        return false;
    }
    server->events = events_create(&server->services, &server->events_options);
    server->pool = pool_create(worker_count);
    server->services.pool = server->pool;
    server->services.tcp_port = listeners_port(server->listeners);
    maintenance_start(&server->maintenance, &server->services, server->reactors,
                      server->reactor_count);
    server->services.startup_bytes = mem_used();
    keyspace_note_own_size(server->keyspace);
    listeners_start(server->listeners, server->reactors, server->reactor_count);
    start_threads(server);
    mem_decay_begin();
    log_line(LOG_NOTICE, "Pollard %s, %u reactors, %u workers, %u shards, %s", POLLARD_VERSION,
             server->reactor_count, worker_count, keyspace_shard_count(server->keyspace),
             mem_allocator_name());
    log_line(LOG_NOTICE, "Ready to accept connections");
    return true;
}

void server_finish(struct server *server)
{
    pool_destroy(&server->pool);
    for (uint32_t i = 0; server->reactors != NULL && i < server->reactor_count; i++) {
        reactor_destroy(&server->reactors[i]);
    }
    maintenance_deinit(&server->maintenance);
    mem_free(server->reactors);
    mem_free(server->threads);
    dispatcher_destroy(&server->dispatcher);
    registry_destroy(&server->registry);
    events_destroy(&server->events);
    hotkeys_destroy(&server->services.hotkeys);
#if POLLARD_DEBUG
    /* The kernel frees faster: only debug builds check that every key can be freed. */
    if (server->keyspace != NULL) {
        keyspace_destroy(&server->keyspace);
    }
#endif
    commandlog_teardown();
    stats_teardown();
    config_destroy(&server->config);
}
