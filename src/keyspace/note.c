/* Notes: keys that are watched, waited for or leased (lease.c). Off the hot path: a shard without
 * notes says so in its lock word (SHARD_NOTED), and nobody comes here.
 *
 * Threads: a table of notes is touched under its shard's exclusive lock, or with every thread kept
 * out. Invariants:
 * 1. A note is in its shard's table exactly while it has watchers, waiters or a lease, or is_ready,
 *    or is_turn_due.
 * 2. SHARD_NOTED is set exactly while the shard's table has notes. */
#include "note.h"
#include "key.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Slots of a table that has its first note. */
#define SLOTS_MIN 8

static struct note_table *table_of(const struct keyspace *keyspace, uint64_t hash)
{
    return &keyspace->notes[hash & keyspace->shard_mask];
}

/* The shard took the lowest bits of the hash. */
static struct key_note **slot_of(const struct note_table *table, uint64_t hash)
{
    return &table->slots[(hash >> 32) & (table->slot_count - 1)];
}

static bool is_note_of(const struct key_note *note, const struct access_key *key)
{
    return note->hash == key->hash && note->db == key->db &&
           bytes_equal(bytes_make(note->name, note->name_size), key->name);
}

struct key_note *note_find(const struct keyspace *keyspace, const struct access_key *key)
{
    const struct note_table *table = table_of(keyspace, key->hash);
    if (table->count == 0) {
        return NULL;
    }
    struct key_note *note = *slot_of(table, key->hash);
    while (note != NULL && !is_note_of(note, key)) {
        note = note->chain;
    }
    return note;
}

/* Doubles the slots: the pause is bounded by the notes of one shard. */
static void grow(struct note_table *table)
{
    struct note_table larger = *table;
    larger.slot_count = table->slot_count == 0 ? SLOTS_MIN : table->slot_count * 2;
    larger.slots = mem_alloc_zero(larger.slot_count * sizeof(struct key_note *));
    for (uint32_t i = 0; i < table->slot_count; i++) {
        struct key_note *note = table->slots[i];
        while (note != NULL) {
            struct key_note *next = note->chain;
            struct key_note **slot = slot_of(&larger, note->hash);
            note->chain = *slot;
            *slot = note;
            note = next;
        }
    }
    mem_free(table->slots);
    table->slots = larger.slots;
    table->slot_count = larger.slot_count;
}

struct key_note *note_make(struct keyspace *keyspace, const struct access_key *key)
{
    struct key_note *note = note_find(keyspace, key);
    if (note != NULL) {
        return note;
    }
    struct note_table *table = table_of(keyspace, key->hash);
    if (table->count == table->slot_count) {
        grow(table);
    }
    note = mem_alloc_zero(sizeof(*note) + key->name.size);
    note->hash = key->hash;
    note->db = key->db;
    note->name_size = (uint32_t)key->name.size;
    if (key->name.size > 0) {
        memcpy(note->name, key->name.data, key->name.size);
    }
    struct key_note **slot = slot_of(table, key->hash);
    note->chain = *slot;
    *slot = note;
    *note_filter_word(table, key->hash) |= note_filter_bit(key->hash);
    if (table->count++ == 0) {
        atomic_fetch_or_explicit(&shard_of(keyspace, key->hash)->word, SHARD_NOTED,
                                 memory_order_relaxed);
    }
    return note;
}

/* Makes the filter anew when it tells of as many keys that had notes as of those that have. */
static void settle_filter(struct note_table *table)
{
    if (++table->dropped < table->count) {
        return;
    }
    table->dropped = 0;
    memset(table->filter, 0, sizeof(table->filter));
    for (uint32_t i = 0; i < table->slot_count; i++) {
        for (struct key_note *note = table->slots[i]; note != NULL; note = note->chain) {
            *note_filter_word(table, note->hash) |= note_filter_bit(note->hash);
        }
    }
}

void note_drop(struct keyspace *keyspace, struct key_note *note)
{
    if (note->watchers > 0 || note->first != NULL || note->lease != 0 || note->is_ready ||
        note->is_turn_due) {
        return;
    }
    struct note_table *table = table_of(keyspace, note->hash);
    struct key_note **link = slot_of(table, note->hash);
    while (*link != note) {
        check(*link != NULL);
        link = &(*link)->chain;
    }
    *link = note->chain;
    if (--table->count == 0) {
        atomic_fetch_and_explicit(&shard_of(keyspace, note->hash)->word, ~SHARD_NOTED,
                                  memory_order_relaxed);
        mem_free(table->slots);
        *table = (struct note_table){0};
    } else {
        settle_filter(table);
    }
    mem_free(note);
}

void note_make_ready(struct access *access, struct key_note *note)
{
    if (note->first == NULL || note->is_ready) {
        return;
    }
    struct key_note **link = &access->ready;
    while (*link != NULL) {
        link = &(*link)->next_ready;
    }
    note->is_ready = true;
    note->next_ready = NULL;
    *link = note;
    access->has_extras = true;
}

/* Only holders of the shard write, so that a load and a store do. */
static void note_change(struct key_note *note, bool has_changed)
{
    uint64_t version = atomic_load_explicit(&note->version, memory_order_relaxed);
    atomic_store_explicit(&note->version, version + has_changed, memory_order_relaxed);
}

void note_touch(struct keyspace *keyspace, const struct access_key *key, struct access *access,
                bool ends_lease)
{
    struct key_note *note = note_find(keyspace, key);
    if (note != NULL) {
        note_change(note, true);
        if (access != NULL) {
            note_make_ready(access, note);
        }
        if (ends_lease) {
            note_end_lease(keyspace, note, access);
        }
    }
}

static bool exists(const struct keyspace *keyspace, const struct key_note *note, uint32_t db)
{
    struct access_key key = key_note_key(note);
    key.db = db;
    struct place place;
    place_find((struct keyspace *)keyspace, shard_of(keyspace, key.hash), &key, &place);
    return place.position.entry != NULL;
}

/* Databases that are another's now, and who serves their waiters. */
struct touched {
    uint32_t db;
    uint32_t other;
    struct access *access;
};

/* Of one slot: see notes_touch_databases. */
static void touch_slot(struct keyspace *keyspace, struct key_note *note,
                       const struct touched *touched)
{
    uint32_t other = touched->other;
    while (note != NULL) {
        struct key_note *next = note->chain;
        if (note->db == touched->db || note->db == other) {
            bool has_other = other != UINT32_MAX && exists(keyspace, note, other);
            note_change(note, exists(keyspace, note, touched->db) || has_other);
            if (touched->access != NULL) {
                note_make_ready(touched->access, note);
            }
            note_end_lease(keyspace, note, touched->access);
        }
        note = next;
    }
}

void notes_touch_databases(struct keyspace *keyspace, uint32_t db, uint32_t other,
                           struct access *access)
{
    const struct touched touched = {db, other, access};
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct note_table *table = &keyspace->notes[i];
        for (uint32_t slot = 0; table->count > 0 && slot < table->slot_count; slot++) {
            touch_slot(keyspace, table->slots[slot], &touched);
        }
    }
}

void notes_destroy(struct keyspace *keyspace)
{
    for (uint32_t i = 0; i < keyspace->shard_count; i++) {
        struct note_table *table = &keyspace->notes[i];
        for (uint32_t slot = 0; slot < table->slot_count; slot++) {
            while (table->slots[slot] != NULL) {
                struct key_note *note = table->slots[slot];
                table->slots[slot] = note->chain;
                mem_free(note);
            }
        }
        mem_free(table->slots);
    }
    mem_free(keyspace->notes);
}

struct access_key key_note_key(const struct key_note *note)
{
    return (struct access_key){
        .name = bytes_make(note->name, note->name_size), .hash = note->hash, .db = note->db};
}

struct key_note *key_note(const struct access *access, const struct access_key *key)
{
    return note_find(access->keyspace, key);
}

/* The entry under the note's key, expired or not. */
static struct entry *entry_of(const struct access *access, const struct key_note *note)
{
    const struct access_key key = key_note_key(note);
    struct place place;
    place_find(access->keyspace, shard_of(access->keyspace, key.hash), &key, &place);
    return place.position.entry;
}

bool key_note_value(const struct access *access, const struct key_note *note,
                    struct value *ret_value)
{
    const struct entry *entry = entry_of(access, note);
    if (entry == NULL || entry_is_expired(entry, access->now_ms)) {
        return false;
    }
    entry_value(entry, ret_value);
    return true;
}

bool key_note_is_fresh(const struct access *access, const struct key_note *note)
{
    const struct entry *entry = entry_of(access, note);
    if (entry == NULL || entry_is_expired(entry, access->now_ms)) {
        return false;
    }
    int64_t soft_at_ms = entry_soft(entry);
    return soft_at_ms == 0 || access->now_ms < soft_at_ms;
}

void key_wake(struct access *access, uint32_t index)
{
    struct key_note *note = note_find(access->keyspace, &access->keys[index]);
    if (note != NULL) {
        note_make_ready(access, note);
    }
}

/* ---- Watching ---- */

void key_watch(struct access *access, uint32_t index, struct key_watch *ret_watch)
{
    struct keyspace *keyspace = access->keyspace;
    struct place place;
    debug_check(access->granted && access->mode == ACCESS_WRITE);
    /* What has expired is taken out first: that it is gone is no change any more. */
    (void)key_lookup(access, index, &place);
    struct key_note *note = note_make(keyspace, &access->keys[index]);
    if (note->watchers++ == 0) {
        atomic_fetch_add_explicit(&keyspace->watched_keys, 1, memory_order_relaxed);
    }
    *ret_watch = (struct key_watch){
        .note = note, .hash = note->hash, .version = atomic_load(&note->version)};
}

bool key_watch_has_changed(const struct key_watch *watch)
{
    return atomic_load_explicit(&watch->note->version, memory_order_relaxed) != watch->version;
}

bool key_watch_is_intact(const struct access *access, const struct key_watch *watch)
{
    if (key_watch_has_changed(watch)) {
        return false;
    }
    /* No expired entry was there when the watch began. */
    const struct entry *entry = entry_of(access, watch->note);
    return entry == NULL || !entry_is_expired(entry, access->now_ms);
}

static void end_watch(struct keyspace *keyspace, struct key_watch *watch)
{
    if (--watch->note->watchers == 0) {
        atomic_fetch_sub_explicit(&keyspace->watched_keys, 1, memory_order_relaxed);
        note_drop(keyspace, watch->note);
    }
    watch->note = NULL;
}

void key_unwatch(struct access *access, struct key_watch *watch)
{
    debug_check(access->granted && access->mode == ACCESS_WRITE);
    end_watch(access->keyspace, watch);
}

/* The lock of a key's shard, for the keyspace's own short work. */
static bool lock_shard(struct shard *shard, bool patient)
{
    if (patient) {
        shard_lock_patiently(shard, /* exclusive= */ true, 0);
        return true;
    }
    if (!shard_try_lock(&shard->word, /* exclusive= */ true, SHARD_TICKET | SHARD_QUEUED, 0)) {
        return false;
    }
    lock_rank_enter(LOCK_RANK_SHARD);
    return true;
}

uint32_t keyspace_unwatch(struct keyspace *keyspace, struct key_watch *watches, uint32_t count,
                          bool patient)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct shard *shard = shard_of(keyspace, watches[i].hash);
        if (!lock_shard(shard, patient)) {
            watches[left++] = watches[i];
            continue;
        }
        end_watch(keyspace, &watches[i]);
        shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    }
    return left;
}

struct access_key key_watch_key(const struct key_watch *watch)
{
    return key_note_key(watch->note);
}

/* ---- Waiting ---- */

void key_wait(struct access *access, uint32_t index, struct key_waiter *waiter)
{
    struct keyspace *keyspace = access->keyspace;
    debug_check(access->granted && access->mode == ACCESS_WRITE);
    struct key_note *note = note_make(keyspace, &access->keys[index]);
    waiter->note = note;
    waiter->hash = note->hash;
    note->turn_count += waiter->takes_turns;
    waiter->next = NULL;
    waiter->previous = note->last;
    if (note->last != NULL) {
        note->last->next = waiter;
    } else {
        note->first = waiter;
        atomic_fetch_add_explicit(&keyspace->waited_keys, 1, memory_order_relaxed);
    }
    note->last = waiter;
}

static void end_wait(struct keyspace *keyspace, struct key_waiter *waiter)
{
    struct key_note *note = waiter->note;
    if (note == NULL) {
        return;
    }
    *(waiter->previous != NULL ? &waiter->previous->next : &note->first) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &note->last) = waiter->previous;
    waiter->note = NULL;
    note->turn_count -= waiter->takes_turns;
    if (note->first == NULL) {
        atomic_fetch_sub_explicit(&keyspace->waited_keys, 1, memory_order_relaxed);
        note_drop(keyspace, note);
    }
}

void key_unwait(struct access *access, struct key_waiter *waiter)
{
    debug_check(access->granted && access->mode == ACCESS_WRITE);
    end_wait(access->keyspace, waiter);
}

bool keyspace_unwait(struct keyspace *keyspace, struct key_waiter *waiter, bool patient)
{
    struct shard *shard = shard_of(keyspace, waiter->hash);
    if (!lock_shard(shard, patient)) {
        return false;
    }
    end_wait(keyspace, waiter);
    shard_unlock(keyspace, shard, /* exclusive= */ true, 0);
    return true;
}

struct key_waiter *key_note_first(const struct key_note *note)
{
    return note->first;
}

struct key_waiter *key_waiter_next(const struct key_waiter *waiter)
{
    return waiter->next;
}

struct key_note *access_next_ready(struct access *access)
{
    struct key_note *note = access->ready;
    if (note != NULL) {
        access->ready = note->next_ready;
    }
    return note;
}

void access_end_ready(struct access *access, struct key_note *note)
{
    note->is_ready = false;
    note_drop(access->keyspace, note);
}

uint64_t keyspace_waited_keys(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&((struct keyspace *)keyspace)->waited_keys, memory_order_relaxed);
}

uint64_t keyspace_watched_keys(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&((struct keyspace *)keyspace)->watched_keys, memory_order_relaxed);
}
