/* struct access: the permission to touch keys. The dispatcher opens it for a command's keys; the
 * handler reaches keys only through it, by their index; it is closed once.
 *
 *   access_init -> access_try -----------GRANTED--> key_* ... -> access_end
 *                     | BUSY                ^
 *                     +-> access_queue -> (a holder leaves) -> waiter.wake -> access_try again
 *
 * Threads: an access belongs to one thread at a time, between keyspace_enter and keyspace_leave
 * while it is granted. Several shards are taken all or none, in address order. */
#ifndef POLLARD_KEYSPACE_ACCESS_H
#define POLLARD_KEYSPACE_ACCESS_H

#include "pollard/base/status.h"
#include "pollard/keyspace/event.h"
#include "pollard/keyspace/keyspace.h"

struct shard;
struct garbage;
struct key_note;

enum access_mode { ACCESS_READ, ACCESS_WRITE };

enum access_flag {
    ACCESS_NO_TOUCH = 1, /* the client asked that its reads leave the access clock (NO-TOUCH) */
    ACCESS_LONG = 2      /* tells the locks that this holder will take longer than microseconds */
};

struct access_key {
    struct bytes name;
    uint64_t hash; /* keyspace_hash(name) */
    uint32_t db;   /* logical */
};

/* The keys of a call; borrowed. */
struct key_list {
    const struct access_key *keys;
    uint32_t count;
};

/* All steps of the hints (keyspace.h) for these keys, db included. Between enter and leave. */
void keyspace_prefetch(const struct keyspace *keyspace, const struct access_key *keys,
                       uint32_t count);

#define ACCESS_SHARDS_INLINE 16

struct access {
    struct keyspace *keyspace;
    const struct access_key *keys; /* borrowed until access_end */
    uint32_t key_count;
    uint8_t mode;   /* enum access_mode */
    uint8_t flags;  /* enum access_flag */
    bool changed;   /* a key_* call of this access changed something */
    int64_t now_ms; /* the one time this access judges by; set when granted */
    /* Keys that are to be held as well, though no index reaches them; borrowed. Set between
     * access_init and access_try. */
    struct key_list extra;
    uint64_t client_id; /* for struct key_change; 0 from access_init */
    /* Set when granted: whom events of these keys may concern (enum access_interest). */
    uint32_t interest;
    /* private */
    bool has_all;           /* everything, with every other thread kept out */
    bool is_borrowed;       /* a view: its shards are another's */
    bool has_told;          /* a sink was called: it is to be settled */
    uint32_t changed_index; /* 1 + of the key that the sinks heard of last: once is enough */
    bool is_untold;         /* debug builds: something was stored since the last event */
    bool has_edits;         /* collections change in place: they are counted at the end */
    bool has_lapsed;        /* a reader met an expired key: the last such one */
    struct access_key lapsed;
    struct key_note *ready; /* keys with waiters that may take something now, oldest first */
    bool granted;
    bool has_extras; /* something below is not as access_init made it: access_end has work */
    uint8_t tries;   /* refused so far: many make newcomers wait (ticket) */
    uint32_t shard_count;
    struct shard **shards; /* sorted, unique; points at inline_shards when few */
    struct shard *inline_shards[ACCESS_SHARDS_INLINE];
    struct shard *ticket; /* not NULL: this access has priority on its shards */
    struct shard *busy;   /* the one that refused last */
    int64_t due_ms;       /* an expiry that may be the earliest now */
    /* A big copy made ready outside the lock (access_prepare). */
    uint8_t prepares; /* how often that was asked for: not for ever */
    uint32_t prepare_index;
    size_t prepare_size;
    size_t prepare_capacity;
    struct blob *prepare_source;
    struct blob *prepared;
    struct garbage *garbage; /* unlinked under the lock, freed after it */
};

enum access_interest {
    /* Bits 0 .. 15: classes of events that are wanted (enum event_class). */
    ACCESS_EVENTS = 0xffff,
    ACCESS_CHANGES = 1 << 16, /* changes are wanted */
    ACCESS_NOTED = 1 << 28    /* a shard has keys that are watched or waited for */
};

enum access_result {
    ACCESS_GRANTED,
    ACCESS_BUSY /* a long holder, a queue, or still taken after a bounded spin: nothing is held */
};

/* A job that waits at a shard. wake is called once, by whichever thread frees the shard, with no
 * lock held: it must only hand the job on. */
struct access_waiter {
    struct access_waiter *next; /* private */
    int64_t since_us;           /* private */
    void (*wake)(struct access_waiter *waiter);
};

/* Fills the public fields. keys stays the caller's. now_ms: the caller's cached wall clock; the
 * grant uses the later of it and the latest that any of its shards has judged by. */
void access_init(struct access *access, struct keyspace *keyspace, enum access_mode mode,
                 struct key_list keys, int64_t now_ms);
/* The straight way for one key: access_init and access_try in one, for an access that was
 * initialised once and is ended. flags: of enum access_flag. */
struct access_open {
    const struct access_key *key; /* the caller's until access_end */
    enum access_mode mode;
    uint32_t flags;
    int64_t now_ms;
};
enum access_result access_open_one(struct access *access, const struct access_open *open);
/* Tries to take all shards of the keys: a bounded spin (about 2 us) for short holders, none for
 * long ones or when jobs have waited at the shard for more than 1 ms. */
enum access_result access_try(struct access *access);
/* Takes everything there is: waits until every other thread is outside the keyspace and keeps them
 * there until access_end. Pool only, outside keyspace_enter. An access that has all may see and
 * change any database, walk and flush. No-op when it has all already. */
void access_take_all(struct access *access);
/* After ACCESS_BUSY: leaves waiter at the shard that was busy. False when that shard has become
 * free meanwhile: the caller tries again. After a bounded number of refusals the access holds a
 * ticket on the shard that newcomers respect. */
bool access_queue(struct access *access, struct access_waiter *waiter);
/* Lets everything go, wakes queued jobs, frees garbage (big values go to keyspace_reclaim), and
 * tells the hooks. Also valid after ACCESS_BUSY (gives up a ticket). */
void access_end(struct access *access);
/* Something was enqueued for others while the keys are held: the sinks' settle is to be called at
 * the end. */
static inline void access_owe_settle(struct access *access)
{
    access->has_told = true;
    access->has_extras = true;
}

/* After a key_* call said STATUS_PREPARE and access_end: copies or allocates what it needs, with
 * no lock held, for at most one retry each. STATUS_OK or STATUS_ALLOCATION. The next granted try
 * finds it, and uses it if the source is still the same. */
enum status access_prepare(struct access *access);

/* For many keys: visits every key index, grouped by shard with everything prefetched, and lets each
 * shard go when its keys are done. All shards were held at one instant before the first went, so
 * the whole is still atomic. Afterwards only access_end is allowed. O(keys). */
typedef void access_visitor(void *argument, struct access *access, uint32_t index);
void access_each_by_shard(struct access *access, access_visitor *visit, void *argument);
/* The same for reads that many others must not wait for: every index is visited once or twice, and
 * the last visit counts: all last visits together see one instant. Pool only: it may wait for long
 * holders. */
void access_each_snapshot(struct access *access, access_visitor *visit, void *argument);

/* A view of another's keys on what a granted access holds: the commands of a transaction, and those
 * that are served for waiting clients, see their own keys by their own indexes. The shards of the
 * keys must be held by holder. view is granted in WRITE mode until access_return, which hands over
 * what is to be done after the locks are gone. */
void access_borrow(struct access *view, struct access *holder, struct key_list keys);
void access_return(struct access *view, struct access *holder);
/* Is the shard of this key held by the access? */
bool access_holds(const struct access *access, const struct access_key *key);

/* ---- Keys, by index into access->keys. Granted only. ---- */

#define KEY_NO_EXPIRY INT64_C(-1)
#define KEY_KEEP_EXPIRY INT64_C(-2)

enum key_find_flag {
    KEY_QUIET = 1,    /* no hit or miss counted, access clock untouched (TYPE, TTL, OBJECT, ...) */
    KEY_NO_CLOCK = 2, /* counted, clock untouched */
    KEY_NO_MISS = 4   /* that it is absent is counted, but told to nobody (OBJECT) */
};

/* The live value under the key: false when absent or expired. In a WRITE access an expired key is
 * deleted. The view is valid until the key is changed or access_end. O(1). */
bool key_find(struct access *access, uint32_t index, uint32_t flags, struct value *ret_value);
/* Absolute expiry of a live key: ms, KEY_NO_EXPIRY, or -2 when there is no such key. */
int64_t key_expiry(struct access *access, uint32_t index);
/* From when on the value of a live key is stale (ms since the epoch); 0 when there is no such time,
 * or no such key. */
int64_t key_soft_time(struct access *access, uint32_t index);
/* Seconds since the last access, as far as the policy keeps it; -1 when absent. As OBJECT IDLETIME.
 */
int64_t key_idle_s(struct access *access, uint32_t index);
/* How often it was used, on the scale of the policy; -1 when absent. As OBJECT FREQ. */
int64_t key_uses(struct access *access, uint32_t index);
/* Bytes the key takes: entry, its share of the table and a string's value (collection_memory tells
 * of others); 0 when absent. MEMORY USAGE. */
size_t key_memory(struct access *access, uint32_t index);

/* WRITE accesses only. */

/* Stores the value, whatever was there. expires_at_ms: a time, KEY_NO_EXPIRY or KEY_KEEP_EXPIRY. A
 * time in the past is stored as is: the caller decides to delete instead. A value with a blob:
 * acquires a reference; a collection: takes over the caller's, whatever it returns. STATUS_OK,
 * STATUS_ALLOCATION. */
enum status key_put(struct access *access, uint32_t index, const struct value *value,
                    int64_t expires_at_ms);
/* The same for a string that has a soft time: it is stale from then on, and stays until it expires.
 * A soft time goes with the value to other keys (key_move, key_copy) and is kept together with the
 * expiry by KEY_KEEP_EXPIRY; key_put takes it away. */
struct key_times {
    int64_t expires_at_ms; /* as key_put */
    int64_t soft_at_ms;    /* above 0 */
};
enum status key_put_soft(struct access *access, uint32_t index, const struct value *value,
                         struct key_times times);
/* key_put for a value that goes on in the key, a counter or a sketch: nobody is told that it was
 * overwritten. */
enum status key_update(struct access *access, uint32_t index, const struct value *value,
                       int64_t expires_at_ms);
/* The collection under the key, to be changed in place through the pointer, which is the keyspace's
 * own: it is the caller's alone (collection_own). STATUS_OK; STATUS_ABSENT; STATUS_WRONG_TYPE when
 * the key holds another type. Valid until the key is put, deleted or moved, or access_end; the
 * collection must not be left empty (key_delete). Counts as a change and a use. O(1), or a bounded
 * copy. */
enum status key_collection(struct access *access, uint32_t index, enum value_type type,
                           struct collection ***ret_collection);
/* To be called after fields of the hash under the key got an expiry (hash_set_expiry): has them
 * removed when they are over. Does nothing when there is no such key, or it is no hash. What
 * key_collection returned may not be used after. O(log n). */
void key_file_fields(struct access *access, uint32_t index);
/* A reference that the access frees after the lock is gone, on the pool if that is much work. */
void key_dispose(struct access *access, struct collection *collection);
/* Removes the key; false when there was none (or an expired one). */
bool key_delete(struct access *access, uint32_t index);
/* Sets or clears the expiry of a live key; false when absent. */
bool key_set_expiry(struct access *access, uint32_t index, int64_t expires_at_ms);
/* Makes the string under the key editable in place as RAW bytes of exactly size (growth is zeroed,
 * capacity grows with headroom when grow_ahead); creates it when absent, keeping no TTL; keeps the
 * TTL otherwise. The key must be a string or absent. STATUS_OK with the bytes in ret_data (valid
 * until the key changes or access_end); STATUS_ALLOCATION; STATUS_PREPARE when a copy or growth of
 * more than 64 KB should be made outside the lock first. */
enum status key_edit(struct access *access, uint32_t index, size_t size, bool grow_ahead,
                     unsigned char **ret_data);
/* Moves the value and TTL of one key over another, replacing it; from must be live and is gone
 * afterwards. STATUS_OK, STATUS_ALLOCATION. */
enum status key_move(struct access *access, uint32_t from, uint32_t to);
/* Copies value and TTL; large values are shared or copied as their type can. STATUS_OK,
 * STATUS_ALLOCATION. */
enum status key_copy(struct access *access, uint32_t from, uint32_t to);

/* ---- Events ---- */

void key_tell(struct access *access, uint32_t index, enum key_event event);
/* Tells of an event of the key, after the change that it is about (but for deletions of whole
 * keys, where before or after makes no difference): the key counts as changed for WATCH and for
 * caching clients, and a notification goes out if its class is wanted. Once for each event of the
 * command, in their documented order. A handler that changed nothing tells nothing. In debug builds
 * access_end aborts when a key_* call stored or deleted something that nothing was told of. */
static inline void key_event(struct access *access, uint32_t index, enum key_event event)
{
#if POLLARD_DEBUG
    access->is_untold = false;
#endif
    if (UNLIKELY(access->interest != 0)) {
        key_tell(access, index, event);
    }
}
/* Tells of a change that has no event of its own (DEBUG POPULATE, an estimate that PFCOUNT keeps in
 * the sketch): to WATCH, waiting and caching clients only. */
void key_event_unnamed(struct access *access, uint32_t index);
/* What was stored is what was there, though its form may be another: nobody's event. */
static inline void key_event_none(struct access *access)
{
    access->is_untold = false;
}

#endif
