/* Leases: who is to rebuild a key's value. A part of the key's note; see pollard/keyspace/leases.h.
 *
 * A lease that is over is found so by the next caller, and is swept by the expiry of the shard:
 * soon after its end, so that notes of keys that nobody asks for again go too; at its end, if
 * somebody waited for it from its beginning on, so that he gets his turn.
 *
 * Threads: under the shard's exclusive lock, or with every thread kept out. Invariant:
 * lease_count is the number of the shard's notes with a lease, over or not. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/keyspace/leases.h"

/* How late a lease that is over may be swept when nobody waits: many go in one sweep then. */
#define SWEEP_SLACK_MS 250

static struct note_table *table_of(const struct keyspace *keyspace, uint64_t hash)
{
    return &keyspace->notes[hash & keyspace->shard_mask];
}

static void count_lease(struct keyspace *keyspace, uint64_t hash, int change)
{
    table_of(keyspace, hash)->lease_count += (uint32_t)change;
    atomic_fetch_add_explicit(&keyspace->leased_keys, (uint64_t)(int64_t)change,
                              memory_order_relaxed);
}

/* The note stays in its table until key_end_turn. */
static void add_turn(struct keyspace *keyspace, struct key_note *note)
{
    if (note->is_turn_due) {
        return;
    }
    note->is_turn_due = true;
    note->next_turn = atomic_load_explicit(&keyspace->due_turns, memory_order_relaxed);
    /* Release: pairs with the acquire in keyspace_take_turns. */
    while (!atomic_compare_exchange_weak_explicit(&keyspace->due_turns, &note->next_turn, note,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

void note_end_lease(struct keyspace *keyspace, struct key_note *note, struct access *access)
{
    if (note->lease == 0) {
        return;
    }
    note->lease = 0;
    count_lease(keyspace, note->hash, -1);
    if (note->turn_count > 0 && access != NULL) {
        note_make_ready(access, note);
    } else if (note->turn_count > 0) {
        add_turn(keyspace, note);
    }
    note_drop(keyspace, note);
}

void key_end_lease(struct access *access, uint32_t index)
{
    struct key_note *note = note_find(access->keyspace, &access->keys[index]);
    if (note != NULL) {
        note_end_lease(access->keyspace, note, access);
    }
}

/* From the system's randomness: a call of some 100 ns, once a lease. */
static uint64_t make_token(void)
{
    uint64_t token;
    do {
        random_bytes(&token, sizeof(token));
    } while (token == 0);
    return token;
}

static int64_t sweep_time(const struct key_note *note)
{
    return note->lease_end_ms + (note->turn_count > 0 ? 0 : SWEEP_SLACK_MS);
}

/* Has the shard looked through when this lease is over. */
static void plan_sweep(struct access *access, const struct key_note *note)
{
    struct keyspace *keyspace = access->keyspace;
    struct note_table *table = table_of(keyspace, note->hash);
    int64_t sweep_ms = sweep_time(note);
    if (table->lease_count == 1 || sweep_ms < table->sweep_ms) {
        table->sweep_ms = sweep_ms;
        shard_publish_due(keyspace, shard_of(keyspace, note->hash));
        access->due_ms = sweep_ms < access->due_ms ? sweep_ms : access->due_ms;
        access->has_extras = true;
    }
}

/* Which leases go. */
struct lease_filter {
    int64_t now_ms;   /* over by then */
    bool keeps_turns; /* but not if somebody waits for it */
    bool by_prefix;   /* or, of keys of the database with the prefix */
    uint32_t db;
    struct bytes prefix;
    int64_t next_ms; /* found: when those that stay are to be looked through */
};

static bool goes(const struct lease_filter *filter, const struct key_note *note)
{
    if (!filter->by_prefix) {
        return note->lease_end_ms <= filter->now_ms &&
               (!filter->keeps_turns || note->turn_count == 0);
    }
    return note->db == filter->db && note->name_size >= filter->prefix.size &&
           bytes_same(note->name, filter->prefix.data, filter->prefix.size);
}

static void end_leases(struct keyspace *keyspace, struct shard *shard, struct lease_filter *filter)
{
    struct note_table *table = &keyspace->notes[shard_index(keyspace, shard)];
    filter->next_ms = INT64_MAX;
    /* The last note takes the slots with it. */
    for (uint32_t i = 0; table->lease_count > 0 && i < table->slot_count; i++) {
        struct key_note *note = table->slots[i];
        while (note != NULL) {
            struct key_note *next = note->chain;
            if (note->lease != 0 && goes(filter, note)) {
                note_end_lease(keyspace, note, /* access= */ NULL);
            } else if (note->lease != 0 && sweep_time(note) < filter->next_ms) {
                filter->next_ms = sweep_time(note);
            }
            note = next;
        }
    }
}

/* Ends those that are over and need not wait for their sweep. It is not for this access to serve
 * those who wait for others. */
static void make_room(struct keyspace *keyspace, struct shard *shard, int64_t now_ms)
{
    struct note_table *table = &keyspace->notes[shard_index(keyspace, shard)];
    struct lease_filter filter = {.now_ms = now_ms, .keeps_turns = true};
    if (table->sweep_ms - SWEEP_SLACK_MS <= now_ms) {
        end_leases(keyspace, shard, &filter);
        table->sweep_ms = filter.next_ms;
    }
}

enum status key_lease(struct access *access, uint32_t index, int64_t ms,
                      struct key_lease *ret_lease)
{
    struct keyspace *keyspace = access->keyspace;
    const struct access_key *key = &access->keys[index];
    struct key_note *note = note_find(keyspace, key);
    bool is_out = note != NULL && note->lease != 0;
    if (is_out && note->lease_end_ms > access->now_ms) {
        *ret_lease = (struct key_lease){.token = note->lease, .end_ms = note->lease_end_ms};
        return STATUS_OK;
    }
    if (!is_out && table_of(keyspace, key->hash)->lease_count >= SHARD_LEASES_MAX) {
        make_room(keyspace, shard_of(keyspace, key->hash), access->now_ms);
        if (table_of(keyspace, key->hash)->lease_count >= SHARD_LEASES_MAX) {
            return STATUS_LEASES_FULL;
        }
    }
    note = note_make(keyspace, key);
    note->lease = make_token();
    note->lease_end_ms = access->now_ms + ms;
    count_lease(keyspace, key->hash, is_out ? 0 : 1);
    /* What follows in this access is to see it. */
    access->interest |= ACCESS_NOTED;
    plan_sweep(access, note);
    *ret_lease =
        (struct key_lease){.token = note->lease, .end_ms = note->lease_end_ms, .is_new = true};
    return STATUS_OK;
}

bool key_take_lease(struct access *access, uint32_t index, uint64_t token)
{
    struct key_note *note = note_find(access->keyspace, &access->keys[index]);
    if (note == NULL || token == 0 || note->lease != token ||
        note->lease_end_ms <= access->now_ms) {
        return false;
    }
    note_end_lease(access->keyspace, note, access);
    return true;
}

void shard_sweep_leases(struct keyspace *keyspace, struct shard *shard, int64_t now_ms)
{
    struct note_table *table = &keyspace->notes[shard_index(keyspace, shard)];
    struct lease_filter filter = {.now_ms = now_ms};
    if (table->lease_count == 0 || table->sweep_ms > now_ms) {
        return;
    }
    end_leases(keyspace, shard, &filter);
    table->sweep_ms = filter.next_ms;
}

void shard_end_leases(struct keyspace *keyspace, struct shard *shard, uint32_t db,
                      struct bytes prefix)
{
    struct lease_filter filter = {.by_prefix = true, .db = db, .prefix = prefix};
    end_leases(keyspace, shard, &filter);
}

/* ---- Turns ---- */

bool key_note_has_turn(const struct access *access, const struct key_note *note)
{
    return note->turn_count > 0 && (note->lease == 0 || note->lease_end_ms <= access->now_ms);
}

void keyspace_tell_turns(struct keyspace *keyspace)
{
    if (atomic_load_explicit(&keyspace->due_turns, memory_order_relaxed) != NULL &&
        keyspace->hooks.want_turns != NULL) {
        keyspace->hooks.want_turns(keyspace->hooks.context);
    }
}

struct key_note *keyspace_take_turns(struct keyspace *keyspace)
{
    /* Acquire: pairs with the release in add_turn. */
    return atomic_exchange_explicit(&keyspace->due_turns, NULL, memory_order_acquire);
}

struct key_note *key_note_next_turn(const struct key_note *note)
{
    return note->next_turn;
}

void key_end_turn(struct access *access, uint32_t index)
{
    struct key_note *note = note_find(access->keyspace, &access->keys[index]);
    check(note != NULL && note->is_turn_due);
    note->is_turn_due = false;
    note_make_ready(access, note);
    note_drop(access->keyspace, note);
}

uint64_t keyspace_leased_keys(const struct keyspace *keyspace)
{
    return atomic_load_explicit(&((struct keyspace *)keyspace)->leased_keys, memory_order_relaxed);
}
