/* Memory at the end of a cycle: all clients together keep to maxmemory-clients, and to the reserve.
 *
 * While there is a limit of either the clients are counted, because what they take is not the
 * data's. On the reactor's thread. */
#include "cycle.h"

/* Memory that clients may take together however small the reserve is: one of them needs that for a
 * large command. */
#define CLIENTS_LEAST ((uint64_t)1024 * 1024)

/* The part of the data's budget that commands may take together while they are received. */
#define INPUT_PART 2

void cycle_hold_clients(struct cycle *cycle)
{
    const struct services *services = cycle->services;
    struct client_registry *registry = services->registry;
    uint64_t maxmemory = (uint64_t)option_get(&services->keyspace_options->maxmemory);
    uint64_t reserve = keyspace_reserve(services->keyspace);
    struct client_memory_limits limits = {
        .all = registry_memory_limit(registry, maxmemory),
        .large = reserve == 0 || reserve > CLIENTS_LEAST ? reserve : CLIENTS_LEAST,
        .input = (maxmemory - reserve) / INPUT_PART,
        .counts = maxmemory != 0,
    };
    cycle->counts_clients = limits.counts || limits.all != 0;
    registry_hold_memory(registry, cycle->reactor, &limits);
    keyspace_set_clients(services->keyspace, registry_memory(registry), limits.all);
    cycle->held_bytes =
        atomic_load_explicit((_Atomic uint64_t *)cycle->client_bytes, memory_order_relaxed);
    cycle->bulk_keep_max = maxmemory == 0 ? UINT64_MAX : maxmemory - reserve;
}
