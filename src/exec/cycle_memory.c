/* Memory at the end of a cycle: what clients take, and the data's budget.
 *
 * While there is a limit of either the clients are counted, because what they take is not the
 * data's. On the reactor's thread. */
#include "cycle.h"
#include "pollard/base/clock.h"

/* Memory that clients may take together however small the reserve is: one of them needs that for a
 * large command. */
#define CLIENTS_LEAST ((uint64_t)1024 * 1024)

/* The part of the data's budget that commands may take together while they are received. */
#define INPUT_PART 2

/* So much more than at the last look, and it is looked again at what clients take. */
#define CLIENTS_GROWN ((uint64_t)64 * 1024)

/* All clients together keep to maxmemory-clients, and to the reserve. */
static void hold_client_memory(struct cycle *cycle)
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
    cycle->held_bytes = registry_memory_of(registry, cycle->reactor);
    cycle->bulk_keep_max = maxmemory == 0 ? UINT64_MAX : maxmemory - reserve;
}

void cycle_hold_memory(struct cycle *cycle)
{
    bool has_limit = option_get(cycle->maxmemory) != 0;
    if (option_get(cycle->maxmemory_clients) != 0 || has_limit != cycle->counts_clients) {
        hold_client_memory(cycle);
    }
    if (has_limit) {
        uint64_t clients = registry_memory_of(cycle->services->registry, cycle->reactor);
        bool holds = budget_holds(&cycle->budget, clock_ticks());
        if (UNLIKELY(!holds || clients > cycle->held_bytes + CLIENTS_GROWN)) {
            hold_client_memory(cycle);
            /* The pool evicts when the limit was lowered, too, or replies took the memory. */
            (void)keyspace_make_room(cycle->services->keyspace, /* max_keys= */ 0);
        }
    }
}
