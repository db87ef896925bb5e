/* Targets: what is subscribed to, and the seats of its receivers, reactor by reactor.
 *
 * Threads: a part's seats belong to that reactor's thread; references are counted by any. A target
 * is freed by the last reference, when all seats are empty: each receiver has had one. */
#include "target.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

#define SEATS_FIRST 4

struct target *target_create(enum pubsub_space space, struct bytes name, uint64_t hash,
                             uint32_t reactors)
{
    size_t parts_size = reactors * sizeof(struct target_part);
    struct target *target = mem_alloc(sizeof(*target) + parts_size + name.size);
    memset(target, 0, sizeof(*target) + parts_size);
    target->node.hash = hash;
    atomic_init(&target->refs, 1);
    target->part_count = reactors;
    target->space = space;
    target->name_size = name.size;
    target->name = (unsigned char *)&target->parts[reactors];
    if (name.size > 0) {
        memcpy(target->name, name.data, name.size);
    }
    return target;
}

struct bytes target_name(const struct target *target)
{
    return bytes_make(target->name, target->name_size);
}

uint64_t target_hash(const struct target *target)
{
    return target->node.hash;
}

enum pubsub_space target_space(const struct target *target)
{
    return target->space;
}

uint32_t target_count(const struct target *target, uint32_t reactor)
{
    return target->parts[reactor].count;
}

bool target_wait(struct target *target, uint32_t reactor, size_t size, uint64_t limit)
{
    _Atomic uint64_t *waiting = &target->parts[reactor].waiting;
    /* Relaxed: it only grows under the lock, and may shrink at any time. */
    uint64_t before = atomic_load_explicit(waiting, memory_order_relaxed);
    if (limit != 0 && before > 0 && before + size > limit) {
        return false;
    }
    atomic_fetch_add_explicit(waiting, size, memory_order_relaxed);
    return true;
}

void target_waited(struct target *target, uint32_t reactor, size_t size)
{
    atomic_fetch_sub_explicit(&target->parts[reactor].waiting, size, memory_order_relaxed);
}

bool target_give_up(struct target *target, uint32_t reactor)
{
    struct target_part *part = &target->parts[reactor];
    bool was_given_up = part->is_given_up;
    part->is_given_up = true;
    return !was_given_up;
}

struct target *target_acquire(struct target *target)
{
    atomic_fetch_add_explicit(&target->refs, 1, memory_order_relaxed);
    return target;
}

void target_release(struct target *target)
{
    /* Acquire and release: what each sharer did to its part is seen by the one that frees. */
    if (atomic_fetch_sub_explicit(&target->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < target->part_count; i++) {
        check(target->parts[i].size == 0);
        if (target->parts[i].capacity > 0) {
            mem_free(target->parts[i].many);
        }
    }
    mem_free(target);
}

struct seated *target_seated(struct target *target, uint32_t reactor, uint32_t *ret_count)
{
    struct target_part *part = &target->parts[reactor];
    *ret_count = part->size;
    return part->capacity == 0 ? &part->one : part->many;
}

/* Room for one more. */
static void widen(struct target_part *part)
{
    if (part->size == 0 || part->size < part->capacity) {
        return;
    }
    if (part->capacity == 0) {
        struct seated *many = mem_alloc(SEATS_FIRST * sizeof(*many));
        many[0] = part->one;
        part->many = many;
        part->capacity = SEATS_FIRST;
        return;
    }
    part->capacity *= 2;
    part->many = mem_realloc(part->many, part->capacity * sizeof(*part->many));
}

/* Gives back what a crowd has left behind. */
static void narrow(struct target_part *part)
{
    if (part->capacity > SEATS_FIRST && part->size < part->capacity / 4) {
        part->capacity /= 2;
        part->many = mem_realloc(part->many, part->capacity * sizeof(*part->many));
    } else if (part->capacity > 0 && part->size == 0) {
        mem_free(part->many);
        part->capacity = 0;
    }
}

void target_seat(struct target *target, uint32_t reactor, void *receiver, struct seat *seat)
{
    struct target_part *part = &target->parts[reactor];
    widen(part);
    struct seated *seats = part->capacity == 0 ? &part->one : part->many;
    seats[part->size] = (struct seated){.receiver = receiver, .seat = seat};
    seat->position = part->size;
    part->size++;
}

void target_unseat(struct target *target, uint32_t reactor, struct seat *seat)
{
    struct target_part *part = &target->parts[reactor];
    struct seated *seats = part->capacity == 0 ? &part->one : part->many;
    check(seat->position < part->size);
    part->size--;
    seats[seat->position] = seats[part->size];
    seats[seat->position].seat->position = seat->position;
    narrow(part);
}
