/* DEBUG DIGEST and DIGEST-VALUE: 160 bits of keys and values, the same whatever the order of keys.
 *
 * On the pool. Each key gives 160 bits (five words of a hash of its text with the word's number
 * before it); the digest of a data set is their exclusive or, and 0 when it is empty. The values
 * are Pollard's own and not those of Redis. */
#include "debug.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/value/collection.h"

#define DIGEST_WORDS 5

struct digest {
    uint32_t words[DIGEST_WORDS];
    uint32_t db;
    struct buf scratch; /* the text that is hashed; kept from key to key */
    struct later *later;
};

/* A large collection: its version, to be walked when no lock is held, and the text before it. */
struct later {
    struct later *next;
    struct collection *collection;
    struct buf text;
};

static void digest_add(struct digest *digest, struct buf *text)
{
    for (unsigned i = 0; i < DIGEST_WORDS; i++) {
        text->data[0] = (unsigned char)i;
        digest->words[i] ^= (uint32_t)hash_digest(buf_bytes(text));
    }
}

/* Begins a text with room for the word's number, and the type. */
static void text_begin(struct buf *text, const struct value *value)
{
    text->size = 0;
    buf_append_byte(text, 0);
    buf_append_byte(text, (unsigned char)value->type);
}

static void text_number(struct buf *text, uint64_t number)
{
    buf_append(text, bytes_make(&number, sizeof(number)));
}

/* A value by its bytes: the encoding does not count. */
static void text_value(struct buf *text, const struct value *value)
{
    unsigned char digits[32];
    struct bytes bytes = value_string_bytes(value, digits);
    text_number(text, bytes.size);
    text_number(text, hash_digest(bytes));
    if (bytes.size <= 64) {
        buf_append(text, bytes);
    }
}

static uint64_t item_digest(const struct item *item)
{
    unsigned char scratch[ITEM_SCRATCH];
    return hash_digest(item_text(item, scratch));
}

/* The elements: their order counts in lists alone. */
static void text_collection(struct buf *text, const struct collection *collection)
{
    struct collection_cursor cursor;
    struct element element;
    bool is_ordered = collection->type == VALUE_LIST;
    uint64_t sum = 0;
    uint64_t count = 0;
    collection_cursor_begin(&cursor, collection, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        uint64_t words[4] = {item_digest(&element.member), 0, 0, is_ordered ? count : 0};
        if (collection->type == VALUE_HASH) {
            words[1] = item_digest(&element.value);
        } else if (collection->type == VALUE_ZSET) {
            memcpy(&words[2], &element.score, sizeof(words[2]));
        }
        sum += hash_digest(bytes_make(words, sizeof(words)));
        count++;
    }
    text_number(text, count);
    text_number(text, sum);
}

/* A key whose value is large: the rest of its text comes later. */
static void digest_later(struct digest *digest, struct collection *collection)
{
    struct later *later = mem_alloc_zero(sizeof(*later));
    later->collection = collection_acquire(collection);
    buf_append(&later->text, buf_bytes(&digest->scratch));
    later->next = digest->later;
    digest->later = later;
}

/* No lock is held: walks the versions that were put aside. */
static void digest_catch_up(struct digest *digest, struct keyspace *keyspace)
{
    while (digest->later != NULL) {
        struct later *later = digest->later;
        digest->later = later->next;
        text_collection(&later->text, later->collection);
        digest_add(digest, &later->text);
        keyspace_discard_collection(keyspace, later->collection);
        buf_deinit(&later->text);
        mem_free(later);
    }
}

/* The value's part of the text in digest->scratch, and the digest of the whole. */
static void digest_value(struct digest *digest, const struct value *value)
{
    if (value->type == VALUE_STRING) {
        text_value(&digest->scratch, value);
    } else if (value->collection->is_large) {
        digest_later(digest, value->collection);
        return;
    } else {
        text_collection(&digest->scratch, value->collection);
    }
    digest_add(digest, &digest->scratch);
}

static void visit(void *argument, const struct key_view *key)
{
    struct digest *digest = argument;
    struct buf *text = &digest->scratch;
    text_begin(text, &key->value);
    text_number(text, digest->db);
    text_number(text, (uint64_t)key->expires_at_ms);
    text_number(text, key->name.size);
    buf_append(text, key->name);
    digest_value(digest, &key->value);
}

static void digest_reply(struct reply *reply, const struct digest *digest)
{
    struct buf text = {0};
    for (unsigned i = 0; i < DIGEST_WORDS; i++) {
        buf_format(&text, "%08x", digest->words[i]);
    }
    buf_append_byte(&text, '\0');
    reply_simple(reply, (const char *)text.data);
    buf_deinit(&text);
}

enum status debug_digest(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct keyspace *keyspace = x->services->keyspace;
    struct digest digest = {0};
    /* A walk enters and leaves by itself, shard by shard. */
    keyspace_leave(keyspace);
    for (uint32_t db = 0; db < keyspace_databases(keyspace); db++) {
        digest.db = db;
        keyspace_walk(keyspace, db, visit, x->cancelled, &digest);
        digest_catch_up(&digest, keyspace);
    }
    keyspace_enter(keyspace);
    digest_reply(x->reply, &digest);
    buf_deinit(&digest.scratch);
    return STATUS_OK;
}

enum status debug_digest_value(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    reply_array(x->reply, x->argc - 2);
    struct digest digest = {0};
    for (uint32_t i = 2; i < x->argc; i++) {
        memset(digest.words, 0, sizeof(digest.words));
        struct access access;
        struct access_key key = {.name = x->argv[i]};
        struct value value;
        debug_open_key(x, &access, &key, ACCESS_READ);
        if (key_find(&access, 0, KEY_QUIET, &value)) {
            text_begin(&digest.scratch, &value);
            digest_value(&digest, &value);
        }
        access_end(&access);
        digest_catch_up(&digest, x->services->keyspace);
        digest_reply(x->reply, &digest);
    }
    buf_deinit(&digest.scratch);
    return STATUS_OK;
}
