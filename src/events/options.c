/* The options of events: rows for config. */
#include "pollard/events/events.h"
#include "pollard/keyspace/keyspace.h"

static const char *parse_classes(void *owner, struct bytes value)
{
    struct events_options *options = owner;
    uint32_t classes;
    if (!event_classes_parse(value, &classes)) {
        return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
    }
    option_put(&options->notify_classes, classes);
    return NULL;
}

static void print_classes(const void *owner, struct buf *ret_value)
{
    const struct events_options *options = owner;
    event_classes_print((uint32_t)option_get(&options->notify_classes), ret_value);
}

static const char *apply_classes(void *owner)
{
    const struct events_options *options = owner;
    if (options->keyspace != NULL) {
        keyspace_want_events(options->keyspace, (uint32_t)option_get(&options->notify_classes));
    }
    return NULL;
}

const struct option_row events_option_rows[] = {
    {.name = "notify-keyspace-events",
     .kind = OPTION_SPECIAL,
     .offset = offsetof(struct events_options, notify_classes),
     .fallback = "",
     .section = "events",
     .doc = "Events of keys that are published: K to the channel of the key, E to the channel of "
            "the event, and the classes g $ l s h z x e t d n m, or A for all but n and m.",
     .parse = parse_classes,
     .print = print_classes,
     .apply = apply_classes},
    {.name = "tracking-table-max-keys",
     .kind = OPTION_NUMBER,
     .offset = offsetof(struct events_options, tracking.table_max_keys),
     .fallback = "1000000",
     .min = 0,
     .max = INT64_MAX,
     .section = "limits",
     .doc = "Most keys remembered for clients that cache (CLIENT TRACKING); above that others are "
            "forgotten and their clients told to drop them. 0: no limit."},
};
const size_t events_option_row_count = sizeof(events_option_rows) / sizeof(events_option_rows[0]);
