/* The forms of DEBUG about keys and tables: OBJECT, LISTPACK, HTSTATS, POPULATE. All on the pool.
 */
#include "debug.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/value/collection.h"
#include <sched.h>

/* Keys made between two looks at whether the client still waits. */
#define POPULATE_SLICE 64
/* Keys evicted for one that is made. */
#define POPULATE_EVICTS_MAX 4
/* Largest value POPULATE makes. Source: proto-max-bulk-len's default. */
#define POPULATE_SIZE_MAX (INT64_C(512) * 1024 * 1024)

void debug_open_key(struct exec *x, struct access *access, struct access_key *key,
                    enum access_mode mode)
{
    key->hash = keyspace_hash(x->services->keyspace, key->name);
    key->db = x->db;
    access_init(access, x->services->keyspace, mode, (struct key_list){key, 1}, x->now_ms);
    while (access_try(access) == ACCESS_BUSY) {
        (void)sched_yield(); /* Its failure would only mean to try sooner. */
    }
}

/* Length of a string in a snapshot: its length and its bytes. */
static size_t serialized_string(size_t size)
{
    return size + (size < 64 ? 1 : size < 16384 ? 2 : 5);
}

/* Length of a string value as a snapshot would store it, without compression. */
static size_t serialized_value(const struct value *value)
{
    unsigned char digits[32];
    size_t size = value_string_bytes(value, digits).size;
    if (value->encoding == ENCODING_INT && value->integer >= INT32_MIN &&
        value->integer <= INT32_MAX) {
        bool is_byte = value->integer >= INT8_MIN && value->integer <= INT8_MAX;
        bool is_short = value->integer >= INT16_MIN && value->integer <= INT16_MAX;
        return is_byte ? 2 : is_short ? 3 : 5;
    }
    return serialized_string(size);
}

/* The same for a collection: its elements, one by one. */
static size_t serialized_collection(const struct collection *collection)
{
    struct collection_cursor cursor;
    struct element element;
    size_t size = serialized_string(0);
    collection_cursor_begin(&cursor, collection, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        size += serialized_string(item_text_size(&element.member));
        if (collection->type == VALUE_HASH) {
            size += serialized_string(item_text_size(&element.value));
        } else if (collection->type == VALUE_ZSET) {
            size += sizeof(element.score);
        }
    }
    return size;
}

enum status debug_object(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct access access;
    struct access_key key = {.name = x->argv[2]};
    struct value value;
    debug_open_key(x, &access, &key, ACCESS_READ);
    if (!key_find(&access, 0, KEY_QUIET, &value)) {
        access_end(&access);
        return STATUS_NO_SUCH_KEY;
    }
    int64_t idle_s = key_idle_s(&access, 0);
    uint64_t clock = (uint64_t)(access.now_ms / 1000 - idle_s) & 0xffffff;
    enum value_encoding encoding = value.encoding;
    const void *at;
    size_t size;
    if (value.type != VALUE_STRING) {
        /* Walked without the lock. */
        at = value.collection;
        (void)collection_acquire(value.collection);
        access_end(&access);
        size = serialized_collection(value.collection);
        keyspace_discard_collection(x->services->keyspace, value.collection);
    } else {
        at = value.blob != NULL ? (const void *)value.blob : value.bytes.data;
        size = serialized_value(&value);
        access_end(&access);
    }
    struct buf text = {0};
    buf_format(&text,
               "Value at:%p refcount:%u encoding:%s serializedlength:%zu lru:%llu "
               "lru_seconds_idle:%lld",
               at, 1U, value_encoding_name(encoding), size, (unsigned long long)clock,
               (long long)idle_s);
    buf_append_byte(&text, '\0');
    reply_simple(x->reply, (const char *)text.data);
    buf_deinit(&text);
    return STATUS_OK;
}

enum status debug_listpack(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct access access;
    struct access_key key = {.name = x->argv[2]};
    struct value value;
    debug_open_key(x, &access, &key, ACCESS_READ);
    bool is_there = key_find(&access, 0, KEY_QUIET, &value);
    bool is_small = is_there && value.encoding == ENCODING_LISTPACK;
    if (is_small) {
        (void)collection_acquire(value.collection);
    }
    access_end(&access);
    if (!is_there) {
        return STATUS_NO_SUCH_KEY;
    }
    if (!is_small) {
        reply_error(x->reply, "ERR Not a listpack encoded object.");
        return STATUS_REPLIED;
    }
    log_line(LOG_NOTICE, "listpack: %u elements, %u bytes packed", value.collection->count,
             value.collection->size);
    collection_release(value.collection);
    reply_simple(x->reply, "Listpack structure printed in the log");
    return STATUS_OK;
}

enum status debug_htstats(struct exec *x)
{
    int64_t db;
    if (!number_parse_i64(x->argv[2], &db)) {
        return STATUS_NOT_INTEGER;
    }
    if (db < 0 || db >= (int64_t)keyspace_databases(x->services->keyspace)) {
        reply_error(x->reply, "ERR Out of range database");
        return STATUS_REPLIED;
    }
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct keyspace_figures figures;
    keyspace_figures(x->services->keyspace, (uint32_t)db, &figures);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"shards", figures.shard_count},
        {"number of elements", figures.keys},
        {"with an expiry", figures.expires},
        {"buckets", figures.buckets},
        {"overflow buckets", figures.overflow_buckets},
        {"table bytes", figures.table_bytes},
        {"expiry index bytes", figures.expiry_bytes},
        {"elements of the largest shard", figures.largest_shard_keys},
    };
    struct buf text = {0};
    buf_append_text(&text, "[Dictionary HT]\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_format(&text, " %s: %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    }
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

struct populate {
    int64_t count;
    int64_t size; /* 0: as long as "value:<n>" is */
    struct bytes prefix;
    struct buf name;
    unsigned char *value;
};

/* Makes one key unless it is there. */
static enum status populate_one(struct exec *x, struct populate *populate, int64_t index)
{
    populate->name.size = 0;
    buf_append(&populate->name, populate->prefix);
    buf_format(&populate->name, ":%lld", (long long)index);
    unsigned char digits[NUMBER_INT_MAX];
    size_t digits_size = number_print_i64(digits, index);
    size_t text_size = strlen("value:") + digits_size;
    size_t size = populate->size > 0 ? (size_t)populate->size : text_size;
    /* A value that is longer than its text ends in zero bytes, a shorter one is cut. */
    unsigned char text[32] = "value:";
    memcpy(text + strlen("value:"), digits, digits_size);
    memcpy(populate->value, text, size < text_size ? size : text_size);

    struct access access;
    struct access_key key = {.name = buf_bytes(&populate->name)};
    struct value found;
    enum status status = STATUS_OK;
    debug_open_key(x, &access, &key, ACCESS_WRITE);
    if (!key_find(&access, 0, KEY_QUIET, &found)) {
        struct value value = value_string(bytes_make(populate->value, size));
        status = key_put(&access, 0, &value, KEY_NO_EXPIRY);
        if (status == STATUS_OK) {
            key_event_unnamed(&access, 0);
        }
    }
    access_end(&access);
    return status;
}

static enum status populate_parse(const struct exec *x, struct populate *populate)
{
    populate->prefix = x->argc >= 4 ? x->argv[3] : bytes_text("key");
    if (!number_parse_i64(x->argv[2], &populate->count) || populate->count < 0) {
        return STATUS_NOT_POSITIVE;
    }
    if (x->argc == 5 && (!number_parse_i64(x->argv[4], &populate->size) || populate->size < 0 ||
                         populate->size > POPULATE_SIZE_MAX)) {
        return STATUS_NOT_POSITIVE;
    }
    return STATUS_OK;
}

enum status debug_populate(struct exec *x)
{
    struct populate populate = {0};
    enum status status = populate_parse(x, &populate);
    if (status != STATUS_OK) {
        return status;
    }
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    size_t room = (size_t)populate.size + 32;
    populate.value = mem_try_alloc(room);
    if (populate.value == NULL) {
        return STATUS_ALLOCATION;
    }
    memset(populate.value, 0, room);
    for (int64_t i = 0; i < populate.count && status == STATUS_OK; i++) {
        if (i % POPULATE_SLICE == 0 && exec_breathe(x)) {
            break;
        }
        /* It is for tests: where nothing can be evicted it goes beyond the limit, as Redis does. */
        (void)keyspace_make_room(x->services->keyspace, POPULATE_EVICTS_MAX);
        status = populate_one(x, &populate, i);
    }
    mem_free(populate.value);
    buf_deinit(&populate.name);
    if (status != STATUS_OK) {
        return status;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}
