/* Events of keys: their names, and telling of them to the sinks. Comes after the change, under the
 * shard's lock; a server in which nobody listens never comes here. */
#include "pollard/keyspace/event.h"
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"
#include "prefix.h"

static const struct {
    const char *name;
    uint16_t class;
} events[EVENT_COUNT] = {
#define KEY_EVENT(text, kind) [EVENT_##text] = {#text, EVENT_CLASS_##kind},
#include "pollard/keyspace/events.def"
#undef KEY_EVENT
};

const char *event_name(enum key_event event)
{
    return events[event].name;
}

enum event_class event_class_of(enum key_event event)
{
    return (enum event_class)events[event].class;
}

/* In the order in which they are printed: first those that A stands for. */
static const struct {
    char letter;
    uint16_t class;
} letters[] = {
    {'g', EVENT_CLASS_GENERIC},      {'$', EVENT_CLASS_STRING},   {'l', EVENT_CLASS_LIST},
    {'s', EVENT_CLASS_SET},          {'h', EVENT_CLASS_HASH},     {'z', EVENT_CLASS_SORTED_SET},
    {'x', EVENT_CLASS_EXPIRED},      {'e', EVENT_CLASS_EVICTED},  {'t', EVENT_CLASS_STREAM},
    {'d', EVENT_CLASS_MODULE},       {'n', EVENT_CLASS_NEW},      {'o', EVENT_CLASS_OVERWRITTEN},
    {'c', EVENT_CLASS_TYPE_CHANGED}, {'K', EVENT_CLASS_KEYSPACE}, {'E', EVENT_CLASS_KEYEVENT},
    {'m', EVENT_CLASS_MISS},
};
#define LETTERS_OF_ALL 10

static uint32_t all_classes(void)
{
    uint32_t classes = 0;
    for (size_t i = 0; i < LETTERS_OF_ALL; i++) {
        classes |= letters[i].class;
    }
    return classes;
}

/* 0: it is no letter of a class. */
static uint32_t classes_of_letter(unsigned char letter)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].letter == (char)letter) {
            return letters[i].class;
        }
    }
    return letter == 'A' ? all_classes() : 0;
}

bool event_classes_parse(struct bytes text, uint32_t *ret_classes)
{
    uint32_t classes = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint32_t added = classes_of_letter(text.data[i]);
        if (added == 0) {
            return false;
        }
        classes |= added;
    }
    *ret_classes = classes;
    return true;
}

void event_classes_print(uint32_t classes, struct buf *ret_text)
{
    size_t first = 0;
    if ((classes & all_classes()) == all_classes()) {
        buf_append_byte(ret_text, 'A');
        first = LETTERS_OF_ALL;
    }
    for (size_t i = first; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if ((classes & letters[i].class) != 0) {
            buf_append_byte(ret_text, (unsigned char)letters[i].letter);
        }
    }
}

/* Does the event mean that the value is another one now? */
static bool is_change(enum key_event event)
{
    return event != EVENT_keymiss && event != EVENT_new && event != EVENT_overwritten &&
           event != EVENT_type_changed;
}

static void has_told(struct access *access)
{
    access->has_told = true;
    access->has_extras = true;
}

/* Does it make what someone is about to rebuild obsolete? That the old value went by itself, or is
 * to go at another time, does not. */
static bool ends_lease(enum key_event event)
{
    return event != EVENT_expired && event != EVENT_evicted && event != EVENT_expire &&
           event != EVENT_persist;
}

/* The key is another one now: to who watches it, waits for it, leased it, caches it. */
static void tell_change(struct access *access, uint32_t index, const struct key_change *change,
                        bool is_write)
{
    const struct keyspace_sinks *sinks = &access->keyspace->sinks;
    if ((access->interest & ACCESS_NOTED) != 0) {
        note_touch(access->keyspace, &access->keys[index], access, is_write);
    }
    /* Several events of a key, one after the other, are one change to who caches it. */
    if ((access->interest & ACCESS_CHANGES) != 0 && access->changed_index != index + 1) {
        sinks->changed(sinks->context, change);
        has_told(access);
    }
    access->changed_index = index + 1;
}

static struct key_change change_of(const struct access *access, uint32_t index)
{
    debug_check(access->granted && index < access->key_count);
    const struct access_key *key = &access->keys[index];
    return (struct key_change){
        .name = key->name, .hash = key->hash, .db = key->db, .client_id = access->client_id};
}

void key_tell(struct access *access, uint32_t index, enum key_event event)
{
    const struct keyspace_sinks *sinks = &access->keyspace->sinks;
    const struct key_change change = change_of(access, index);
    if (is_change(event)) {
        tell_change(access, index, &change, ends_lease(event));
    }
    if ((access->interest & (uint32_t)event_class_of(event)) != 0) {
        sinks->event(sinks->context, &change, event);
        has_told(access);
    }
}

void key_event_unnamed(struct access *access, uint32_t index)
{
    const struct key_change change = change_of(access, index);
    access->is_untold = false;
    tell_change(access, index, &change, /* is_write= */ true);
}

bool place_tell_of(const struct place *place, struct bytes name, enum key_event event,
                   uint64_t client_id)
{
    struct keyspace *keyspace = place->keyspace;
    const struct keyspace_sinks *sinks = &keyspace->sinks;
    uint32_t interest = shard_interest(keyspace, place->shard);
    if (event == EVENT_evicted) {
        prefixes_evicted(keyspace, name);
    }
    if (LIKELY(interest == 0)) {
        return false;
    }
    struct access_key key = {.name = name, .hash = keyspace_hash(keyspace, name), .db = place->db};
    if ((interest & ACCESS_NOTED) != 0) {
        note_touch(keyspace, &key, /* access= */ NULL, ends_lease(event));
    }
    const struct key_change change = {
        .name = name, .hash = key.hash, .db = key.db, .client_id = client_id};
    bool is_wanted = (interest & (uint32_t)event_class_of(event)) != 0;
    if ((interest & ACCESS_CHANGES) != 0) {
        sinks->changed(sinks->context, &change);
    }
    if (is_wanted) {
        sinks->event(sinks->context, &change, event);
    }
    return is_wanted || (interest & ACCESS_CHANGES) != 0;
}

bool place_tell(const struct place *place, struct bytes name, enum key_event event)
{
    return place_tell_of(place, name, event, /* client_id= */ 0);
}

void keyspace_settle(struct keyspace *keyspace)
{
    keyspace->sinks.settle(keyspace->sinks.context);
}

void keyspace_use_sinks(struct keyspace *keyspace, const struct keyspace_sinks *sinks)
{
    keyspace->sinks = *sinks;
}

static void set_interest(struct keyspace *keyspace, uint32_t mask, uint32_t value)
{
    uint32_t seen = atomic_load_explicit(&keyspace->interest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&keyspace->interest, &seen, (seen & ~mask) | value)) {
    }
}

void keyspace_want_events(struct keyspace *keyspace, uint32_t classes)
{
    bool goes_anywhere = (classes & (EVENT_CLASS_KEYSPACE | EVENT_CLASS_KEYEVENT)) != 0;
    set_interest(keyspace, ACCESS_EVENTS, goes_anywhere ? classes : 0);
}

void keyspace_want_changes(struct keyspace *keyspace, bool wanted)
{
    set_interest(keyspace, ACCESS_CHANGES, wanted ? ACCESS_CHANGES : 0);
}
