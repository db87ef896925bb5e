/* Prefixes of sessions that broadcast: the reactor's own index, prefix -> sessions, and what all
 * threads look at, prefix -> reactors, which follows it.
 *
 * Threads: the index on its reactor; publishing under the set-up lock. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "tracking_private.h"

/* Has other threads look at the prefixes that this reactor has now. */
static void publish(struct tracking_table *table, uint32_t reactor)
{
    struct tracking_part *part = &table->parts[reactor];
    lock_acquire(&table->setup_lock);
    struct prefix_change change = {.old = table->prefixes};
    prefix_set_begin(&change, reactor, part->prefixes, part->prefix_count);
    table->prefixes = change.fresh;
    tracked_use_prefixes(table->keys, change.fresh);
    prefix_set_end(&change);
    lock_release(&table->setup_lock);
}

static struct local_prefix *local_make(struct bytes text)
{
    struct local_prefix *local = mem_alloc_zero(sizeof(*local) + text.size);
    if (text.size > 0) {
        memcpy(local->text, text.data, text.size);
    }
    local->prefix.text = bytes_make(local->text, text.size);
    return local;
}

/* The reactor's prefix of that text, made if need be. */
static struct local_prefix *local_find(struct tracking_part *part, struct bytes text,
                                       bool *ret_is_new)
{
    size_t place = prefix_place(part->prefixes, part->prefix_count, text);
    if (prefix_is_at(part->prefixes, part->prefix_count, place, text)) {
        return (struct local_prefix *)part->prefixes[place];
    }
    if (part->prefix_count == part->prefix_slots) {
        part->prefix_slots = part->prefix_slots == 0 ? 4 : 2 * part->prefix_slots;
        part->prefixes =
            mem_realloc(part->prefixes, part->prefix_slots * sizeof(part->prefixes[0]));
    }
    struct local_prefix *made = local_make(text);
    memmove(&part->prefixes[place + 1], &part->prefixes[place],
            (part->prefix_count - place) * sizeof(part->prefixes[0]));
    part->prefixes[place] = &made->prefix;
    part->prefix_count++;
    *ret_is_new = true;
    return made;
}

static void local_remove(struct tracking_part *part, struct local_prefix *local)
{
    size_t place = prefix_place(part->prefixes, part->prefix_count, local->prefix.text);
    check(part->prefixes[place] == &local->prefix);
    part->prefix_count--;
    memmove(&part->prefixes[place], &part->prefixes[place + 1],
            (part->prefix_count - place) * sizeof(part->prefixes[0]));
    mem_free(local->clients);
    mem_free(local);
    if (part->prefix_count == 0) {
        mem_free(part->prefixes);
        part->prefixes = NULL;
        part->prefix_slots = 0;
    }
}

/* Hangs a prefix on the session, unless it has it; keeps the order. */
static void attach(struct tracking *tracking, struct local_prefix *local)
{
    uint32_t place = 0;
    while (place < tracking->prefix_count &&
           bytes_compare(tracking->prefixes[place]->prefix.text, local->prefix.text) < 0) {
        place++;
    }
    if (place < tracking->prefix_count && tracking->prefixes[place] == local) {
        return;
    }
    if (tracking->prefix_count == tracking->prefix_slots) {
        tracking->prefix_slots = tracking->prefix_slots == 0 ? 1 : 2 * tracking->prefix_slots;
        tracking->prefixes =
            mem_realloc(tracking->prefixes, tracking->prefix_slots * sizeof(tracking->prefixes[0]));
    }
    memmove(&tracking->prefixes[place + 1], &tracking->prefixes[place],
            (tracking->prefix_count - place) * sizeof(tracking->prefixes[0]));
    tracking->prefixes[place] = local;
    tracking->prefix_count++;
    tracking->session->tracking_memory += sizeof(*local) + local->prefix.text.size;
    if (local->client_count == local->client_slots) {
        local->client_slots = local->client_slots == 0 ? 1 : 2 * local->client_slots;
        local->clients =
            mem_realloc(local->clients, local->client_slots * sizeof(local->clients[0]));
    }
    local->clients[local->client_count] = tracking;
    local->client_count++;
}

static void detach(struct tracking *tracking, struct local_prefix *local)
{
    uint32_t place = 0;
    while (local->clients[place] != tracking) {
        place++;
    }
    local->client_count--;
    local->clients[place] = local->clients[local->client_count];
}

void tracking_add_prefixes(struct tracking_table *table, struct tracking *tracking,
                           const struct bytes *texts, uint32_t count)
{
    struct tracking_part *part = tracking_part_of(table, tracking->session);
    bool some_new = false;
    for (uint32_t i = 0; i < count; i++) {
        attach(tracking, local_find(part, texts[i], &some_new));
    }
    if (some_new) {
        publish(table, reactor_index(tracking->session->conn.reactor));
    }
}

void tracking_drop_prefixes(struct tracking_table *table, struct tracking *tracking)
{
    struct tracking_part *part = tracking_part_of(table, tracking->session);
    bool some_gone = false;
    for (uint32_t i = 0; i < tracking->prefix_count; i++) {
        struct local_prefix *local = tracking->prefixes[i];
        detach(tracking, local);
        if (local->client_count == 0) {
            local_remove(part, local);
            some_gone = true;
        }
    }
    mem_free(tracking->prefixes);
    tracking->prefixes = NULL;
    tracking->prefix_count = 0;
    tracking->prefix_slots = 0;
    if (some_gone) {
        publish(table, reactor_index(tracking->session->conn.reactor));
    }
}
