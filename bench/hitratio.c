/* Hit ratios of the eviction policies: a trace replayed against the keyspace itself, with no server
 * around it, as a look-aside cache (get, and on a miss set).
 *
 *   hitratio --trace NAME [--objects N] [--requests N] [--seed N] [--policy NAME]
 *            [--share PERMILLE | --bytes N] [--server SOCKET [--pipeline N]]
 *
 * Prints one line of JSON: what was asked, the hit ratio of the second half, keys held. With
 * --share the cache is given so many thousandths of what all objects take. The policy lru-exact is
 * a simulation, of --keys, or by the same estimate of what an object takes. */
#include "hitratio.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/keyspace/access.h"
#include "pollard/keyspace/keyspace.h"
#include "pollard/stats/stats.h"

/* The pace of the requests that the clocks of the keys see: the time is not the program's. */
#define REQUESTS_PER_MS 50
/* Keys evicted before a set, as in the server. */
#define EVICTS_MAX 16

struct settings {
    const char *trace;
    const char *policy;
    const char *server;
    uint64_t objects;
    uint64_t requests;
    uint64_t seed;
    uint64_t share; /* of the footprint, in thousandths */
    uint64_t bytes; /* 0: by share */
    uint64_t keys;  /* lru-exact: so many; 0: by bytes */
    uint64_t pipeline;
    uint64_t samples;
};

struct replay {
    const struct trace *trace;
    struct keyspace_options options;
    struct keyspace *keyspace;
    struct access_key key;
    char name[TRACE_KEY_SIZE];
    unsigned char *value;
    int64_t now_ms;
};

static bool find(struct replay *replay, uint32_t object)
{
    struct access access;
    struct value value;
    trace_key(object, replay->name);
    replay->key = (struct access_key){.name = bytes_make(replay->name, TRACE_KEY_SIZE)};
    replay->key.hash = keyspace_hash(replay->keyspace, replay->key.name);
    access_init(&access, replay->keyspace, ACCESS_READ, (struct key_list){&replay->key, 1},
                replay->now_ms);
    if (access_try(&access) != ACCESS_GRANTED) {
        fail("a shard is taken", "");
    }
    bool is_there = key_find(&access, 0, 0, &value);
    access_end(&access);
    return is_there;
}

static void store(struct replay *replay, uint32_t object)
{
    struct access access;
    struct value value = value_raw(bytes_make(replay->value, trace_size(replay->trace, object)));
    keyspace_look_again(replay->keyspace);
    if (!keyspace_make_room(replay->keyspace, EVICTS_MAX)) {
        fail("nothing to evict", "");
    }
    access_init(&access, replay->keyspace, ACCESS_WRITE, (struct key_list){&replay->key, 1},
                replay->now_ms);
    if (access_try(&access) != ACCESS_GRANTED ||
        key_put(&access, 0, &value, KEY_NO_EXPIRY) != STATUS_OK) {
        fail("cannot store", "");
    }
    key_event_none(&access);
    access_end(&access);
}

static void replay_begin(struct replay *replay, const struct settings *settings, uint64_t bytes)
{
    uint32_t largest = TRACE_VALUE_SIZE;
    const struct keyspace_hooks hooks = {.context = NULL};
    for (uint32_t i = 0; replay->trace->sizes != NULL && i < replay->trace->objects; i++) {
        largest = replay->trace->sizes[i] > largest ? replay->trace->sizes[i] : largest;
    }
    replay->value = allocate(largest);
    replay->now_ms = clock_ms() + 1000;
    option_put(&replay->options.databases, 1);
    option_put(&replay->options.shards, 256);
    option_put(&replay->options.maxmemory_policy, keyspace_policy_find(settings->policy));
    option_put(&replay->options.maxmemory_samples, (int64_t)settings->samples);
    option_put(&replay->options.lfu_log_factor, 10);
    option_put(&replay->options.lfu_decay_time, 1);
    replay->keyspace = keyspace_create(&replay->options, &hooks, 1);
    keyspace_seed(replay->keyspace, settings->seed);
    keyspace_enter(replay->keyspace);
    /* The memory of an empty keyspace is not the cache's. */
    option_put(&replay->options.maxmemory, (int64_t)(mem_used() + bytes));
}

static struct outcome replay_keyspace(const struct trace *trace, const struct settings *settings,
                                      uint64_t bytes)
{
    struct outcome outcome = {0};
    struct replay replay = {.trace = trace};
    clock_setup();
    thread_adopt();
    stats_setup(1);
    (void)stats_self();
    replay_begin(&replay, settings, bytes);
    for (size_t i = 0; i < trace->count; i++) {
        uint32_t object = trace->requests[i] & TRACE_OBJECT;
        bool is_set = (trace->requests[i] & TRACE_SET) != 0;
        replay.now_ms += i % REQUESTS_PER_MS == 0;
        if (i % 1024 == 0) {
            /* Memory that is retired is freed, as between the cycles of a server. */
            keyspace_leave(replay.keyspace);
            keyspace_enter(replay.keyspace);
        }
        bool is_hit = find(&replay, object) && !is_set;
        if (!is_set && i >= trace->count / 2) {
            outcome.gets++;
            outcome.hits += is_hit;
        }
        if (!is_hit) {
            store(&replay, object);
        }
    }
    outcome.keys = keyspace_size(replay.keyspace, 0);
    keyspace_leave(replay.keyspace);
    keyspace_destroy(&replay.keyspace);
    free(replay.value);
    return outcome;
}

static void parse(struct settings *settings, int argc, char **argv)
{
    static const struct setting numbers[] = {
        {"--objects", offsetof(struct settings, objects), 1, TRACE_OBJECT},
        {"--requests", offsetof(struct settings, requests), 2, UINT32_MAX},
        {"--seed", offsetof(struct settings, seed), 0, UINT64_MAX},
        {"--share", offsetof(struct settings, share), 1, 1000},
        {"--bytes", offsetof(struct settings, bytes), 1, UINT64_MAX},
        {"--keys", offsetof(struct settings, keys), 1, UINT64_MAX},
        {"--pipeline", offsetof(struct settings, pipeline), 1, 1024},
        {"--samples", offsetof(struct settings, samples), 1, 64},
        {NULL, 0, 0, 0},
    };
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--trace") == 0) {
            settings->trace = argv[i + 1];
        } else if (strcmp(argv[i], "--policy") == 0) {
            settings->policy = argv[i + 1];
        } else if (strcmp(argv[i], "--server") == 0) {
            settings->server = argv[i + 1];
        } else {
            parse_settings(settings, numbers, 2, argv + i);
        }
    }
    if (settings->trace == NULL || argc % 2 == 0) {
        fail("hitratio --trace NAME [--OPTION VALUE]...: see the head of bench/hitratio.c", "");
    }
}

static uint64_t footprint_of(const struct trace *trace)
{
    unsigned char *seen = allocate(trace->objects);
    uint64_t bytes = 0;
    for (size_t i = 0; i < trace->count; i++) {
        uint32_t object = trace->requests[i] & TRACE_OBJECT;
        bytes += seen[object] == 0 ? trace_cost(trace, object) : 0;
        seen[object] = 1;
    }
    free(seen);
    return bytes;
}

int main(int argc, char **argv)
{
    struct settings settings = {.policy = "allkeys-lru",
                                .objects = 2000000,
                                .requests = 10000000,
                                .seed = 1,
                                .share = 10,
                                .pipeline = 64,
                                .samples = 5};
    parse(&settings, argc, argv);
    struct trace *trace = trace_make(settings.trace, (uint32_t)settings.objects,
                                     (size_t)settings.requests, settings.seed);
    uint64_t footprint = footprint_of(trace);
    uint64_t bytes = settings.bytes != 0 ? settings.bytes : footprint * settings.share / 1000;
    struct outcome outcome;
    int64_t begin_ns = now_ns();
    if (settings.server != NULL) {
        outcome = replay_server(trace, settings.server, (uint32_t)settings.pipeline);
    } else if (strcmp(settings.policy, "lru-exact") == 0) {
        outcome = settings.keys != 0 ? replay_exact_lru(trace, UINT64_MAX, settings.keys)
                                     : replay_exact_lru(trace, bytes, UINT64_MAX);
    } else {
        outcome = replay_keyspace(trace, &settings, bytes);
    }
    printf("{\"trace\": \"%s\", \"policy\": \"%s\", \"bytes\": %llu, \"footprint\": %llu, "
           "\"keys\": %llu, \"ratio\": %.4f, \"seconds\": %.2f}\n",
           settings.trace, settings.policy, (unsigned long long)bytes,
           (unsigned long long)footprint, (unsigned long long)outcome.keys,
           outcome.gets == 0 ? 0 : 100.0 * (double)outcome.hits / (double)outcome.gets,
           (double)(now_ns() - begin_ns) / NS_PER_S);
    return 0;
}
