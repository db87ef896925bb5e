/* The options of clients: rows for config. */
#include "pollard/base/number.h"
#include "pollard/base/text.h"
#include "registry_private.h"

static const char *const class_names[CLIENT_CLASSES] = {"normal", "slave", "pubsub"};

static int class_find(struct bytes name)
{
    if (bytes_is(name, "replica")) {
        return CLIENT_REPLICA;
    }
    for (int i = 0; i < CLIENT_CLASSES; i++) {
        if (bytes_is(name, class_names[i])) {
            return i;
        }
    }
    return -1;
}

/* "normal 0 0 0 slave 268435456 67108864 60 ...": classes that are not named keep their limits. */
static const char *parse_output_limits(void *owner, struct bytes value)
{
    struct client_options *options = owner;
    struct buf storage = {0};
    struct bytes words[CLIENT_CLASSES * 4];
    int count = text_split_words(value, &storage, words, CLIENT_CLASSES * 4);
    const char *error = NULL;
    if (count < 0 || count % 4 != 0) {
        error = "Wrong number of arguments in buffer limit configuration.";
    }
    for (int pass = 0; error == NULL && pass < 2; pass++) {
        for (int i = 0; i < count && error == NULL; i += 4) {
            uint64_t hard;
            uint64_t soft;
            int64_t seconds;
            int class = class_find(words[i]);
            if (class < 0 || class == CLIENT_CLASSES) {
                error = "Invalid client class specified in buffer limit configuration.";
            } else if (!number_parse_memory(words[i + 1], &hard) ||
                       !number_parse_memory(words[i + 2], &soft) ||
                       !number_parse_i64(words[i + 3], &seconds) || seconds < 0) {
                error =
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
            } else if (pass == 1) {
                option_put(&options->output_limits[class].hard_bytes, (int64_t)hard);
                option_put(&options->output_limits[class].soft_bytes, (int64_t)soft);
                option_put(&options->output_limits[class].soft_seconds, seconds);
            }
        }
    }
    buf_deinit(&storage);
    return error;
}

static void print_output_limits(const void *owner, struct buf *value)
{
    const struct client_options *options = owner;
    for (int i = 0; i < CLIENT_CLASSES; i++) {
        const struct output_limit *limit = &options->output_limits[i];
        buf_format(value, "%s%s %lld %lld %lld", i == 0 ? "" : " ", class_names[i],
                   (long long)option_get(&limit->hard_bytes),
                   (long long)option_get(&limit->soft_bytes),
                   (long long)option_get(&limit->soft_seconds));
    }
}

static const char *parse_share(void *owner, struct bytes value)
{
    struct client_options *options = owner;
    return option_parse_share(&options->maxmemory_clients, value);
}

static void print_share(const void *owner, struct buf *value)
{
    const struct client_options *options = owner;
    option_print_share(&options->maxmemory_clients, value);
}

/* Idle reactors have to look, too. */
static const char *apply_share(void *owner)
{
    const struct client_options *options = owner;
    if (options->registry != NULL) {
        registry_wake_all(options->registry);
    }
    return NULL;
}

#define FIELD(name) .offset = offsetof(struct client_options, name)

const struct option_row client_option_rows[] = {
    {.name = "maxclients",
     .kind = OPTION_NUMBER,
     FIELD(maxclients),
     .fallback = "10000",
     .min = 1,
     .max = UINT32_MAX,
     .section = "clients",
     .doc = "Most clients connected at a time; the next one gets an error and is closed. Lowered "
            "at start when the system gives fewer file descriptors."},
    {.name = "timeout",
     .kind = OPTION_NUMBER,
     FIELD(timeout),
     .fallback = "0",
     .min = 0,
     .max = INT32_MAX,
     .unit = "s",
     .section = "clients",
     .doc = "Close clients that sent nothing for so long; 0 never."},
    {.name = "protected-mode",
     .kind = OPTION_BOOL,
     FIELD(protected_mode),
     .fallback = "yes",
     .section = "network",
     .doc = "Without a password, take clients from this host only."},
    {.name = "proto-max-bulk-len",
     .kind = OPTION_MEMORY,
     FIELD(bulk_size_max),
     .fallback = "512mb",
     .min = 1024 * 1024,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "limits",
     .doc = "Largest argument a client may send, and largest string value."},
    {.name = "client-query-buffer-limit",
     .kind = OPTION_MEMORY,
     FIELD(query_buffer_limit),
     .fallback = "1gb",
     .min = 1024 * 1024,
     .max = INT64_MAX,
     .unit = "bytes",
     .section = "limits",
     .doc = "Most unprocessed input held for a client; who sends more is closed."},
    {.name = "client-output-buffer-limit",
     .kind = OPTION_SPECIAL,
     .flags = OPTION_REPEATED,
     .fallback = "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
     .section = "limits",
     .doc = "By class: bytes of unsent replies at which a client is closed at once, and bytes and "
            "seconds of staying above which it is closed. 0: no limit.",
     .parse = parse_output_limits,
     .print = print_output_limits},
    {.name = "maxmemory-clients",
     .kind = OPTION_SPECIAL,
     FIELD(maxmemory_clients),
     .fallback = "0",
     .section = "limits",
     .doc = "Most memory of all clients together, for their input, output and settings: bytes, or "
            "a percentage of maxmemory. Above it the largest ones are closed, but for those with "
            "CLIENT NO-EVICT. 0: no limit.",
     .parse = parse_share,
     .print = print_share,
     .apply = apply_share},
    {.name = "requirepass",
     .kind = OPTION_TEXT,
     .flags = OPTION_SECRET,
     FIELD(requirepass),
     .fallback = "",
     .section = "security",
     .doc = "The password that AUTH and HELLO AUTH ask for; empty: none is asked."},
};
const size_t client_option_row_count = sizeof(client_option_rows) / sizeof(client_option_rows[0]);
