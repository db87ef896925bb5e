/* CLIENT PAUSE: until when writes, or all commands, wait. Two deadlines, read by every command
 * that finds one set. */
#include "registry_private.h"

void registry_pause(struct client_registry *registry, enum pause_mode mode, int64_t until_ms)
{
    _Atomic int64_t *deadline =
        mode == PAUSE_ALL ? &registry->pause_all_until_ms : &registry->pause_write_until_ms;
    lock_acquire(&registry->pause_lock);
    if (until_ms > atomic_load_explicit(deadline, memory_order_relaxed)) {
        atomic_store_explicit(deadline, until_ms, memory_order_relaxed);
    }
    if (until_ms > atomic_load_explicit(&registry->pause_end_ms, memory_order_relaxed)) {
        atomic_store_explicit(&registry->pause_end_ms, until_ms, memory_order_relaxed);
    }
    lock_release(&registry->pause_lock);
}

void registry_unpause(struct client_registry *registry)
{
    lock_acquire(&registry->pause_lock);
    atomic_store_explicit(&registry->pause_all_until_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&registry->pause_write_until_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&registry->pause_end_ms, 0, memory_order_relaxed);
    lock_release(&registry->pause_lock);
}

enum pause_mode registry_paused(const struct client_registry *registry, int64_t now_ms)
{
    struct client_registry *self = (struct client_registry *)registry;
    if (atomic_load_explicit(&self->pause_all_until_ms, memory_order_relaxed) > now_ms) {
        return PAUSE_ALL;
    }
    if (atomic_load_explicit(&self->pause_write_until_ms, memory_order_relaxed) > now_ms) {
        return PAUSE_WRITE;
    }
    return PAUSE_NONE;
}

int64_t registry_pause_end(const struct client_registry *registry)
{
    struct client_registry *self = (struct client_registry *)registry;
    return atomic_load_explicit(&self->pause_end_ms, memory_order_relaxed);
}

const _Atomic int64_t *registry_pause_mark(const struct client_registry *registry)
{
    return &registry->pause_end_ms;
}
