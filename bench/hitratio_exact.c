/* An exact LRU over a trace: a list of all objects that are held, the last used one first. What
 * sampled policies are measured against. */
#include "hitratio.h"

#define NOBODY UINT32_MAX

struct link {
    uint32_t newer;
    uint32_t older;
    bool is_held;
};

struct lru {
    struct link *links;
    uint32_t newest;
    uint32_t oldest;
    uint64_t bytes;
    uint64_t keys;
};

static void unlink_object(struct lru *lru, uint32_t object)
{
    struct link *link = &lru->links[object];
    if (link->newer == NOBODY) {
        lru->newest = link->older;
    } else {
        lru->links[link->newer].older = link->older;
    }
    if (link->older == NOBODY) {
        lru->oldest = link->newer;
    } else {
        lru->links[link->older].newer = link->newer;
    }
}

static void link_newest(struct lru *lru, uint32_t object)
{
    lru->links[object] = (struct link){.newer = NOBODY, .older = lru->newest, .is_held = true};
    if (lru->newest == NOBODY) {
        lru->oldest = object;
    } else {
        lru->links[lru->newest].newer = object;
    }
    lru->newest = object;
}

struct outcome replay_exact_lru(const struct trace *trace, uint64_t bytes, uint64_t keys)
{
    struct outcome outcome = {0};
    struct lru lru = {.newest = NOBODY, .oldest = NOBODY};
    lru.links = allocate(trace->objects * sizeof(*lru.links));
    for (size_t i = 0; i < trace->count; i++) {
        uint32_t object = trace->requests[i] & TRACE_OBJECT;
        bool is_held = lru.links[object].is_held;
        if ((trace->requests[i] & TRACE_SET) == 0 && i >= trace->count / 2) {
            outcome.gets++;
            outcome.hits += is_held;
        }
        if (is_held) {
            unlink_object(&lru, object);
        } else {
            lru.bytes += trace_cost(trace, object);
            lru.keys++;
        }
        link_newest(&lru, object);
        while (lru.bytes > bytes || lru.keys > keys) {
            uint32_t victim = lru.oldest;
            unlink_object(&lru, victim);
            lru.links[victim].is_held = false;
            lru.bytes -= trace_cost(trace, victim);
            lru.keys--;
        }
    }
    outcome.keys = lru.keys;
    free(lru.links);
    return outcome;
}
