/* Changing keys through an access: every change of an entry goes through here, so that counters,
 * the expiry index and (later) effects cannot be forgotten. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/stats/stats.h"
#include "pollard/value/hash.h"
#include "prefix.h"
#include "wheel.h"

/* Copies and growths larger than this are made without the lock. Source: the design page. */
#define PREPARE_SIZE ((size_t)64 * 1024)
/* Preparations in vain after which the copy is made under the lock after all: an edit that others
 * keep overtaking must end. */
#define PREPARES_MAX 2
/* Headroom of a growing value: as much again, at most so much. */
#define GROW_AHEAD_MAX ((size_t)1024 * 1024)

static void add_garbage(struct access *access, struct blob *blob, struct collection *collection)
{
    struct garbage *garbage = mem_alloc(sizeof(*garbage));
    garbage->blob = blob;
    garbage->collection = collection;
    garbage->next = access->garbage;
    access->garbage = garbage;
    access->has_extras = true;
}

void key_discard(struct access *access, struct entry *entry)
{
    if ((entry->flags & ENTRY_BLOB) != 0) {
        add_garbage(access, blob_acquire(entry_blob(entry)), NULL);
    } else if ((entry->flags & ENTRY_COLLECTION) != 0 && (*entry_collection(entry))->is_large) {
        add_garbage(access, NULL, collection_acquire(*entry_collection(entry)));
    }
    entry_free(entry);
}

void key_dispose(struct access *access, struct collection *collection)
{
    if (collection != NULL && collection->is_large) {
        add_garbage(access, NULL, collection);
    } else {
        collection_release(collection);
    }
}

static void note_change(struct access *access)
{
    access->changed = true;
    stat_add(STAT_changes, 1);
}

/* To be followed by the handler's event. */
static void note_untold(struct access *access)
{
#if POLLARD_DEBUG
    access->is_untold = true;
#else
    (void)access;
#endif
}

/* What the keyspace tells by itself, before the handler tells its own. */
static void tell_own(struct access *access, uint32_t index, enum key_event event)
{
    if (UNLIKELY(access->interest != 0)) {
        key_tell(access, index, event);
    }
}

static void tell_overwritten(struct access *access, uint32_t index, enum value_type old,
                             enum value_type fresh)
{
    tell_own(access, index, EVENT_overwritten);
    if (old != fresh) {
        tell_own(access, index, EVENT_type_changed);
    }
}

/* After the index may have changed: remembers to tell when something is due earlier. */
static void note_due(struct access *access, const struct place *place)
{
    int64_t due_ms =
        atomic_load_explicit(&access->keyspace->due_ms[shard_index(access->keyspace, place->shard)],
                             memory_order_relaxed);
    access->due_ms = due_ms < access->due_ms ? due_ms : access->due_ms;
    access->has_extras = true;
}

/* The clock of an entry that is put over old, or of one of a new key. */
static uint32_t first_clock(const struct access *access, uint32_t index, struct entry *old)
{
    struct keyspace *keyspace = access->keyspace;
    uint32_t policy = policy_of(&keyspace->options->maxmemory_policy);
    if (LIKELY((policy & POLICY_CLOCK) <= CLOCK_CHANGE)) {
        return clock_by_use(access->now_ms);
    }
    if (old != NULL) {
        return clock_used(keyspace, policy, clock_get(old), access->now_ms);
    }
    return clock_begin(keyspace, policy, access->keys[index].hash, access->now_ms);
}

/* Puts an entry of these parts at the place. */
static enum status put_parts(struct access *access, uint32_t index, struct place *place,
                             const struct entry_parts *parts)
{
    struct entry *entry = entry_make(parts, first_clock(access, index, place->position.entry));
    if (entry == NULL) {
        return STATUS_ALLOCATION;
    }
    struct entry *old = place_put(place, access->keys[index].db, entry, access->now_ms);
    if (old != NULL) {
        key_discard(access, old);
    } else {
        tell_own(access, index, EVENT_new);
    }
    if ((entry->flags & ENTRY_TTL) != 0) {
        note_due(access, place);
    }
    return STATUS_OK;
}

/* key_update but for the caller's reference to a collection. new_soft_ms: key_put_soft's time, else
 * 0: then one that the key has goes with its expiry. */
static inline enum status put_value(struct access *access, uint32_t index,
                                    const struct value *value, int64_t expires_at_ms,
                                    int64_t new_soft_ms)
{
    struct place place;
    struct entry *old = key_lookup(access, index, &place);
    int64_t soft_at_ms = new_soft_ms;
    if (expires_at_ms == KEY_KEEP_EXPIRY) {
        expires_at_ms = old == NULL ? KEY_NO_EXPIRY : entry_expiry(old);
        soft_at_ms = old == NULL || new_soft_ms != 0 ? new_soft_ms : entry_soft(old);
    }
    note_change(access);
    if (LIKELY(old != NULL && expires_at_ms < 0 && (old->flags & ENTRY_TTL) == 0) &&
        new_soft_ms == 0 && entry_overwrite_bytes(old, value)) {
        clock_change(access, old);
        return STATUS_OK;
    }
    const struct entry_parts parts = {.key = access->keys[index].name,
                                      .value = *value,
                                      .expires_at_ms = expires_at_ms,
                                      .soft_at_ms = soft_at_ms};
    if (old != NULL && entry_overwrite(old, &parts)) {
        clock_change(access, old);
        if (expires_at_ms >= 0) {
            wheel_file(&place.table->wheel, old, place.hash, access->now_ms);
            shard_publish_due(access->keyspace, place.shard);
            note_due(access, &place);
        }
        return STATUS_OK;
    }
    return put_parts(access, index, &place, &parts);
}

enum status key_update(struct access *access, uint32_t index, const struct value *value,
                       int64_t expires_at_ms)
{
    enum status status = put_value(access, index, value, expires_at_ms, 0);
    if (value->type != VALUE_STRING) {
        collection_release(value->collection);
    }
    if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    note_untold(access);
    return (enum status)prefixes_see(access, index, PREFIX_SET, STATUS_OK);
}

/* What there was under a key. */
struct before {
    bool was_there;
    enum value_type type;
};

static struct before look_before(struct access *access, uint32_t index)
{
    struct place place;
    const struct entry *old = key_lookup(access, index, &place);
    return (struct before){old != NULL, old != NULL ? entry_type(old) : VALUE_STRING};
}

/* key_put while someone listens. */
static ATTR_NOINLINE enum status put_and_tell(struct access *access, uint32_t index,
                                              const struct value *value, int64_t expires_at_ms)
{
    const struct before before = look_before(access, index);
    enum status status = key_update(access, index, value, expires_at_ms);
    if (status == STATUS_OK && before.was_there) {
        tell_overwritten(access, index, before.type, value->type);
    }
    return status;
}

enum status key_put(struct access *access, uint32_t index, const struct value *value,
                    int64_t expires_at_ms)
{
    if (UNLIKELY(access->interest != 0)) {
        return put_and_tell(access, index, value, expires_at_ms);
    }
    return key_update(access, index, value, expires_at_ms);
}

enum status key_put_soft(struct access *access, uint32_t index, const struct value *value,
                         struct key_times times)
{
    const struct before before = look_before(access, index);
    debug_check(value->type == VALUE_STRING && times.soft_at_ms > 0);
    enum status status = put_value(access, index, value, times.expires_at_ms, times.soft_at_ms);
    if (status != STATUS_OK) {
        return status;
    }
    note_untold(access);
    if (before.was_there) {
        tell_overwritten(access, index, before.type, VALUE_STRING);
    }
    return (enum status)prefixes_see(access, index, PREFIX_SET, STATUS_OK);
}

enum status key_collection(struct access *access, uint32_t index, enum value_type type,
                           struct collection ***ret_collection)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    debug_check(access->mode == ACCESS_WRITE);
    if (entry == NULL) {
        return STATUS_ABSENT;
    }
    if (UNLIKELY(entry_type(entry) != type)) {
        return STATUS_WRONG_TYPE;
    }
    note_change(access);
    clock_change(access, entry);
    *ret_collection = entry_collection(entry);
    (void)prefixes_see(access, index, PREFIX_SET, 0);
    if (access->keyspace->prefixes != NULL) {
        prefixes_edit(&place);
        access->has_edits = true;
        access->has_extras = true;
    }
    collection_own(*ret_collection);
    return STATUS_OK;
}

bool key_delete(struct access *access, uint32_t index)
{
    struct place place;
    if (key_lookup(access, index, &place) == NULL) {
        if (UNLIKELY((access->interest & ACCESS_NOTED) != 0)) {
            key_end_lease(access, index);
        }
        return false;
    }
    key_discard(access, place_unlink(&place));
    note_change(access);
    note_untold(access);
    return true;
}

/* Puts the entry at the place anew, in the layout that its value and the expiry want; its clock
 * stays. */
static void remake(struct access *access, uint32_t index, struct place *place,
                   int64_t expires_at_ms)
{
    struct entry *entry = place->position.entry;
    struct entry_parts parts = {.key = access->keys[index].name,
                                .expires_at_ms = expires_at_ms,
                                .soft_at_ms = entry_soft(entry)};
    entry_value(entry, &parts.value);
    uint32_t clock = clock_get(entry);
    check(put_parts(access, index, place, &parts) == STATUS_OK);
    struct entry *fresh = place->position.slot != NULL ? key_lookup(access, index, place) : NULL;
    if (fresh != NULL) {
        clock_put(fresh, clock);
    }
}

bool key_set_expiry(struct access *access, uint32_t index, int64_t expires_at_ms)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    if (entry == NULL) {
        return false;
    }
    note_change(access);
    note_untold(access);
    if (expires_at_ms >= 0 && entry_set_expiry(entry, expires_at_ms)) {
        wheel_file(&place.table->wheel, entry, place.hash, access->now_ms);
        shard_publish_due(access->keyspace, place.shard);
        note_due(access, &place);
        return true;
    }
    if (expires_at_ms < 0 && (entry->flags & ENTRY_TTL) == 0) {
        return true;
    }
    /* The TTL field comes or goes: another layout. */
    remake(access, index, &place, expires_at_ms < 0 ? -1 : expires_at_ms);
    return true;
}

void key_file_fields(struct access *access, uint32_t index)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    if (entry == NULL || entry_type(entry) != VALUE_HASH ||
        !hash_has_expiry(*entry_collection(entry))) {
        return;
    }
    if ((entry->flags & ENTRY_FIELD_TTL) == 0) {
        remake(access, index, &place, entry_expiry(entry));
        return;
    }
    wheel_file(&place.table->wheel, entry, place.hash, access->now_ms);
    shard_publish_due(access->keyspace, place.shard);
    note_due(access, &place);
}

/* ---- Editing in place ---- */

static size_t capacity_for(size_t size, bool grow_ahead)
{
    if (!grow_ahead) {
        return size;
    }
    return size + (size < GROW_AHEAD_MAX ? size : GROW_AHEAD_MAX);
}

/* Leaves word of what access_prepare is to make. */
static enum status ask_prepare(struct access *access, uint32_t index, struct blob *source,
                               size_t size, bool grow_ahead)
{
    access->prepares++;
    access->prepare_index = index;
    access->prepare_size = size;
    access->prepare_capacity = capacity_for(size, grow_ahead);
    access->prepare_source = source == NULL ? NULL : blob_acquire(source);
    return STATUS_PREPARE;
}

/* The prepared blob, if it was made for this edit and its source is still the key's value; it is
 * freed if not. */
static struct blob *take_prepared(struct access *access, uint32_t index, struct blob *source,
                                  size_t size)
{
    struct blob *prepared = access->prepared;
    bool fits = prepared != NULL && access->prepare_index == index &&
                access->prepare_source == source && access->prepare_size == size;
    blob_release(access->prepare_source);
    access->prepare_source = NULL;
    access->prepared = NULL;
    if (!fits) {
        blob_release(prepared);
        return NULL;
    }
    return prepared;
}

/* Stores a blob whose reference is ours under the key, which keeps its times. */
static enum status put_blob(struct access *access, uint32_t index, struct place *place,
                            struct blob *blob)
{
    const struct entry *entry = place->position.entry;
    const struct entry_parts parts = {
        .key = access->keys[index].name,
        .value = {.type = VALUE_STRING,
                  .encoding = ENCODING_RAW,
                  .bytes = blob_bytes(blob),
                  .blob = blob},
        .expires_at_ms = entry == NULL ? -1 : entry_expiry(entry),
        .soft_at_ms = entry == NULL ? 0 : entry_soft(entry),
    };
    enum status status = put_parts(access, index, place, &parts);
    blob_release(blob);
    return status;
}

/* Edits a value that will be (or is) a blob. */
static enum status edit_blob(struct access *access, uint32_t index, struct place *place,
                             size_t size, bool grow_ahead)
{
    struct entry *entry = place->position.entry;
    struct blob *source = entry == NULL ? NULL : entry_blob(entry);
    if (source != NULL && blob_is_unique(source) && source->capacity >= size) {
        if (size > source->size) {
            memset(source->data + source->size, 0, size - source->size);
        }
        source->size = size;
        entry->kind = VALUE_STRING | ENCODING_RAW << 4;
        return STATUS_OK;
    }
    struct blob *blob = take_prepared(access, index, source, size);
    if (blob == NULL && size > PREPARE_SIZE && access->prepares < PREPARES_MAX) {
        return ask_prepare(access, index, source, size, grow_ahead);
    }
    unsigned char scratch[24];
    struct value old = {.encoding = ENCODING_RAW};
    if (entry != NULL) {
        entry_value(entry, &old);
    }
    struct bytes bytes = value_string_bytes(&old, scratch);
    size_t kept = bytes.size < size ? bytes.size : size;
    if (blob == NULL) {
        blob = blob_try_create(size, capacity_for(size, grow_ahead));
        if (blob == NULL) {
            return STATUS_ALLOCATION;
        }
        memset(blob->data + kept, 0, size - kept);
        source = NULL;
    }
    /* What was prepared from a blob has its bytes; from an embedded value it is all zeroes. */
    if (source == NULL && kept > 0) {
        memcpy(blob->data, bytes.data, kept);
    }
    return put_blob(access, index, place, blob);
}

/* Edits a value that stays embedded: an entry of the new size with the old bytes. */
static enum status edit_embedded(struct access *access, uint32_t index, struct place *place,
                                 size_t size)
{
    unsigned char room[ENTRY_EMBED_MAX];
    unsigned char scratch[24];
    struct entry *entry = place->position.entry;
    struct value old = {.encoding = ENCODING_RAW};
    if (entry != NULL) {
        entry_value(entry, &old);
    }
    struct bytes bytes = value_string_bytes(&old, scratch);
    if (entry != NULL && old.encoding != ENCODING_INT && bytes.size == size && old.blob == NULL) {
        entry->kind = VALUE_STRING | ENCODING_RAW << 4;
        return STATUS_OK;
    }
    size_t kept = bytes.size < size ? bytes.size : size;
    if (kept > 0) {
        memcpy(room, bytes.data, kept);
    }
    memset(room + kept, 0, size - kept);
    const struct entry_parts parts = {
        .key = access->keys[index].name,
        .value = value_raw(bytes_make(room, size)),
        .expires_at_ms = entry == NULL ? -1 : entry_expiry(entry),
        .soft_at_ms = entry == NULL ? 0 : entry_soft(entry),
    };
    return put_parts(access, index, place, &parts);
}

enum status key_edit(struct access *access, uint32_t index, size_t size, bool grow_ahead,
                     unsigned char **ret_data)
{
    struct place place;
    struct entry *entry = key_lookup(access, index, &place);
    bool is_blob = entry != NULL && (entry->flags & ENTRY_BLOB) != 0;
    enum status status = is_blob || size > ENTRY_EMBED_MAX
                             ? edit_blob(access, index, &place, size, grow_ahead)
                             : edit_embedded(access, index, &place, size);
    if (status != STATUS_OK) {
        return status;
    }
    note_change(access);
    note_untold(access);
    entry = key_lookup(access, index, &place);
    check(entry != NULL);
    clock_change(access, entry);
    (void)prefixes_see(access, index, PREFIX_SET, 0);
    struct blob *blob = entry_blob(entry);
    *ret_data = blob != NULL ? blob->data : entry_embedded(entry);
    return STATUS_OK;
}

/* ---- Whole values ---- */

enum status key_copy(struct access *access, uint32_t from, uint32_t to)
{
    struct place place;
    struct entry_parts parts = {.key = access->keys[to].name};
    unsigned char room[ENTRY_EMBED_MAX];
    struct entry *source = key_lookup(access, from, &place);
    check(source != NULL);
    entry_value(source, &parts.value);
    parts.expires_at_ms = entry_expiry(source);
    parts.soft_at_ms = entry_soft(source);
    if (parts.value.type == VALUE_STRING && parts.value.blob == NULL &&
        parts.value.bytes.size > 0) {
        /* Looking the target up may unlink an expired entry, and putting may free the source. */
        check(parts.value.bytes.size <= sizeof(room));
        memcpy(room, parts.value.bytes.data, parts.value.bytes.size);
        parts.value.bytes.data = room;
    }
    struct entry *old = key_lookup(access, to, &place);
    enum value_type old_type = old == NULL ? VALUE_STRING : entry_type(old);
    note_change(access);
    (void)prefixes_see(access, to, PREFIX_SET, 0);
    enum status status = put_parts(access, to, &place, &parts);
    if (status == STATUS_OK && old != NULL) {
        /* What was there is deleted first, in Redis: the key is a new one. */
        tell_overwritten(access, to, old_type, (enum value_type)parts.value.type);
        tell_own(access, to, EVENT_new);
    }
    if (status == STATUS_OK) {
        note_untold(access);
    }
    return status;
}

enum status key_move(struct access *access, uint32_t from, uint32_t to)
{
    const struct access_key *keys = access->keys;
    if (keys[from].db == keys[to].db && bytes_equal(keys[from].name, keys[to].name)) {
        return STATUS_OK;
    }
    enum status status = key_copy(access, from, to);
    if (status == STATUS_OK) {
        struct place place;
        check(key_lookup(access, from, &place) != NULL);
        key_discard(access, place_unlink(&place));
    }
    return status;
}
