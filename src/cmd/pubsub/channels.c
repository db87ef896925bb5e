/* PUBSUB: which channels there are, and how many listen. On a reactor while it is quick. */
#include "pollard/base/text.h"
#include "pollard/events/events.h"
#include "pollard_commands.h"

/* Names that a reactor walks itself. */
#define NAMES_INLINE_MAX 1024

struct listing {
    struct reply *reply;
    struct bytes pattern;
    bool has_pattern;
    size_t count;
};

static void list_name(void *context, struct bytes name)
{
    struct listing *listing = context;
    if (listing->has_pattern && !text_glob(listing->pattern, name, /* ignore_case= */ false)) {
        return;
    }
    reply_bulk(listing->reply, name);
    listing->count++;
}

static enum status list_names(struct exec *x, enum pubsub_space space)
{
    if (x->argc > 3) {
        reply_error_format(x->reply,
                           "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                           "PUBSUB HELP.",
                           (int)(x->argv[1].size < 128 ? x->argv[1].size : 128),
                           (const char *)x->argv[1].data);
        return STATUS_REPLIED;
    }
    struct pubsub *pubsub = events_pubsub(x->services->events);
    if (exec_on_reactor(x) && pubsub_count(pubsub, space) > NAMES_INLINE_MAX) {
        return STATUS_TO_POOL;
    }
    struct listing listing = {.reply = x->reply};
    if (x->argc == 3) {
        listing.has_pattern = true;
        listing.pattern = x->argv[2];
    }
    struct reply_later later;
    reply_later_begin(x->reply, &later);
    pubsub_names(pubsub, space, list_name, &listing);
    reply_later_end(x->reply, &later, REPLY_ARRAY, listing.count);
    return STATUS_OK;
}

static enum status count_receivers(struct exec *x, enum pubsub_space space)
{
    struct pubsub *pubsub = events_pubsub(x->services->events);
    reply_array(x->reply, 2 * ((size_t)x->argc - 2));
    for (uint32_t i = 2; i < x->argc; i++) {
        reply_bulk(x->reply, x->argv[i]);
        reply_integer(x->reply, (int64_t)pubsub_receivers(pubsub, space, x->argv[i]));
    }
    return STATUS_OK;
}

enum status cmd_pubsub_channels(struct exec *x)
{
    return list_names(x, PUBSUB_CHANNELS);
}

enum status cmd_pubsub_shardchannels(struct exec *x)
{
    return list_names(x, PUBSUB_SHARD_CHANNELS);
}

enum status cmd_pubsub_numsub(struct exec *x)
{
    return count_receivers(x, PUBSUB_CHANNELS);
}

enum status cmd_pubsub_shardnumsub(struct exec *x)
{
    return count_receivers(x, PUBSUB_SHARD_CHANNELS);
}

enum status cmd_pubsub_numpat(struct exec *x)
{
    struct pubsub *pubsub = events_pubsub(x->services->events);
    reply_integer(x->reply, (int64_t)pubsub_count(pubsub, PUBSUB_PATTERNS));
    return STATUS_OK;
}

enum status cmd_pubsub_help(struct exec *x)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    Return the currently active channels matching a <pattern> (default: '*').",
        "NUMPAT",
        "    Return number of subscriptions to patterns.",
        "NUMSUB [<channel> ...]",
        "    Return the number of subscribers for the specified channels, excluding",
        "    pattern subscriptions(default: no channels).",
        "SHARDCHANNELS [<pattern>]",
        "    Return the currently active shard level channels matching a <pattern> (default: '*').",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Return the number of subscribers for the specified shard level channel(s)",
        NULL,
    };
    reply_help(x->reply, "PUBSUB", lines);
    return STATUS_OK;
}
