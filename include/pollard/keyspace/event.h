/* What happens to keys, as others may be told of it: events by their names and classes, and the
 * sinks that hear of them.
 *
 * A handler says key_event() once for each event of its command, after the change: that is at once
 * the notification, the mark for WATCH and the invalidation of what clients cache. */
#ifndef POLLARD_KEYSPACE_EVENT_H
#define POLLARD_KEYSPACE_EVENT_H

#include "pollard/base/bytes.h"

/* Classes as in the option notify-keyspace-events. */
enum event_class {
    EVENT_CLASS_GENERIC = 1 << 0,       /* g */
    EVENT_CLASS_STRING = 1 << 1,        /* $ */
    EVENT_CLASS_LIST = 1 << 2,          /* l */
    EVENT_CLASS_SET = 1 << 3,           /* s */
    EVENT_CLASS_HASH = 1 << 4,          /* h */
    EVENT_CLASS_SORTED_SET = 1 << 5,    /* z */
    EVENT_CLASS_EXPIRED = 1 << 6,       /* x */
    EVENT_CLASS_EVICTED = 1 << 7,       /* e */
    EVENT_CLASS_STREAM = 1 << 8,        /* t */
    EVENT_CLASS_MODULE = 1 << 9,        /* d */
    EVENT_CLASS_MISS = 1 << 10,         /* m: not in A */
    EVENT_CLASS_NEW = 1 << 11,          /* n: not in A */
    EVENT_CLASS_OVERWRITTEN = 1 << 12,  /* o: not in A */
    EVENT_CLASS_TYPE_CHANGED = 1 << 13, /* c: not in A */
    EVENT_CLASS_KEYSPACE = 1 << 14,     /* K: to the channel of the key */
    EVENT_CLASS_KEYEVENT = 1 << 15      /* E: to the channel of the event */
};

enum key_event {
#define KEY_EVENT(name, class) EVENT_##name,
#include "pollard/keyspace/events.def"
#undef KEY_EVENT
    EVENT_COUNT
};

/* Static data. */
const char *event_name(enum key_event event);
enum event_class event_class_of(enum key_event event);

/* Reads classes as notify-keyspace-events has them: a letter each, or A for g$lshzxetd, in any
 * order. False on another letter. Source: Redis 7.0, and 8.2 for o and c. */
bool event_classes_parse(struct bytes text, uint32_t *ret_classes);
/* The letters in Redis's order, A where it fits. Unlike Redis, n is not lost beside A: what is
 * printed reads as the same classes. */
void event_classes_print(uint32_t classes, struct buf *ret_text);

/* The key that an event is about; borrowed for the call. */
struct key_change {
    struct bytes name;
    uint64_t hash;
    uint32_t db;        /* logical */
    uint64_t client_id; /* whose command it was; 0: nobody's (expiry) */
};

/* Who hears of events. All are called under the lock of the key's shard (or with every thread kept
 * out), so that the order of calls about a key is the order of its changes: they may only enqueue,
 * and take locks of higher rank for that. settle is called afterwards by the same thread, with
 * nothing held: what was enqueued may be sent and others woken. */
struct keyspace_sinks {
    void *context;
    /* Of a class that is wanted, while K or E is (keyspace_want_events). */
    void (*event)(void *context, const struct key_change *change, enum key_event event);
    /* The key's value has changed or is gone, while keyspace_want_changes is on. */
    void (*changed)(void *context, const struct key_change *change);
    /* All keys of a database (or of all: UINT32_MAX) are gone, while keyspace_want_changes is on.
     */
    void (*flushed)(void *context, uint32_t db);
    void (*settle)(void *context);
};

#endif
