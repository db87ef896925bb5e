/* Keyspace notifications: events of keys become messages of channels.
 *
 * Called under the lock of the key's shard: enqueues only (keyspace/event.h). */
#include "events_private.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"

/* A channel's name fits here unless the key is long. */
#define NAME_ROOM 256

static void publish(struct events *events, struct bytes channel, struct bytes message)
{
    const struct publication publication = {
        .space = PUBSUB_CHANNELS, .channel = channel, .message = message};
    uint64_t receivers;
    /* Out of memory for a large key's name: nobody can be told that it was not said. */
    (void)events_publish(events, &publication, &receivers);
}

/* "__<kind>@<db>__:<rest>" */
static void publish_as(struct events *events, struct bytes kind, const struct key_change *change,
                       const struct bytes texts[2])
{
    unsigned char room[NAME_ROOM];
    size_t bound = kind.size + NUMBER_INT_MAX + 6 + texts[0].size;
    unsigned char *name = bound <= sizeof(room) ? room : mem_alloc(bound);
    unsigned char *out = name;
    memcpy(out, kind.data, kind.size);
    out += kind.size;
    out += number_print_u64(out, change->db);
    memcpy(out, "__:", 3);
    out += 3;
    if (texts[0].size > 0) {
        memcpy(out, texts[0].data, texts[0].size);
    }
    out += texts[0].size;
    publish(events, bytes_make(name, (size_t)(out - name)), texts[1]);
    if (name != room) {
        mem_free(name);
    }
}

void notify_event(void *context, const struct key_change *change, enum key_event event)
{
    struct events *events = context;
    if (!pubsub_has_targets(events->pubsub, PUBSUB_CHANNELS)) {
        return;
    }
    uint32_t classes = (uint32_t)option_get(&events->options->notify_classes);
    struct bytes event_text = bytes_text(event_name(event));
    if ((classes & EVENT_CLASS_KEYSPACE) != 0) {
        const struct bytes texts[2] = {change->name, event_text};
        publish_as(events, bytes_text("__keyspace@"), change, texts);
    }
    if ((classes & EVENT_CLASS_KEYEVENT) != 0) {
        const struct bytes texts[2] = {event_text, change->name};
        publish_as(events, bytes_text("__keyevent@"), change, texts);
    }
}
