/* DEBUG DIGEST and DIGEST-VALUE: 160 bits of keys and values, the same whatever the order of keys.
 *
 * On the pool. Each key gives 160 bits (five words of a hash of its text with the word's number
 * before it); the digest of a data set is their exclusive or, and 0 when it is empty. The values
 * are Pollard's own and not those of Redis. */
#include "debug.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"

#define DIGEST_WORDS 5

struct digest {
    uint32_t words[DIGEST_WORDS];
    uint32_t db;
    struct buf scratch; /* the text that is hashed; kept from key to key */
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

static void visit(void *argument, const struct key_view *key)
{
    struct digest *digest = argument;
    struct buf *text = &digest->scratch;
    text_begin(text, &key->value);
    text_number(text, digest->db);
    text_number(text, (uint64_t)key->expires_at_ms);
    text_number(text, key->name.size);
    buf_append(text, key->name);
    text_value(text, &key->value);
    digest_add(digest, text);
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
            text_value(&digest.scratch, &value);
            digest_add(&digest, &digest.scratch);
        }
        access_end(&access);
        digest_reply(x->reply, &digest);
    }
    buf_deinit(&digest.scratch);
    return STATUS_OK;
}
