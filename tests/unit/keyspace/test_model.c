/* The keyspace against a naive map: random calls on few names in several databases, with times that
 * move on, expiry, growth and shrink, flushes and swaps. The seed is printed when it fails. */
#include "fixture.h"
#include "pollard/base/mem.h"
#include <criterion/criterion.h>

#define NAMES 3000
#define DATABASES 3
#define STEPS 150000
#define LOOK_EVERY 5000

struct model_key {
    bool is_there;
    int64_t expires_at_ms;
    struct buf text;
    enum value_encoding encoding;
};

struct model {
    struct fixture fixture;
    uint64_t random;
    uint64_t names; /* so many are in use now: it grows and shrinks */
    struct model_key *keys[DATABASES];
    char room[2][32];
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (model->random >> 11) % bound;
}

static struct model_key *live(struct model *model, uint64_t db, uint64_t name)
{
    struct model_key *key = &model->keys[db][name];
    if (key->is_there && key->expires_at_ms >= 0 && key->expires_at_ms <= model->fixture.now_ms) {
        key->is_there = false;
    }
    return key;
}

static struct access_key key_of(struct model *model, uint64_t db, uint64_t name, int room)
{
    return fixture_key(&model->fixture, (uint32_t)db, fixture_name(model->room[room], name));
}

static int64_t draw_expiry(struct model *model)
{
    static const int64_t spans[] = {100, 1000, 60000, 3600000, INT64_C(400) * 24 * 3600000};
    switch (draw(model, 4)) {
    case 0:
        return KEY_NO_EXPIRY;
    case 1:
        return draw(model, 200) == 0 ? INT64_C(1) << 50 : KEY_KEEP_EXPIRY;
    default:
        return model->fixture.now_ms + 1 + (int64_t)draw(model, (uint64_t)spans[draw(model, 5)]);
    }
}

/* A text of some length, or a number, into the buffer. */
static void draw_text(struct model *model, struct buf *text)
{
    static const size_t sizes[] = {2, 10, 40, 60, 300, 2000, 3000};
    buf_deinit(text);
    if (draw(model, 3) == 0) {
        buf_format(text, "%lld", (long long)draw(model, 1000000) - 500000);
        return;
    }
    size_t size = draw(model, sizes[draw(model, 7)]);
    for (size_t i = 0; i < size; i++) {
        buf_append_byte(text, (unsigned char)draw(model, 256));
    }
}

static void expect_same(struct model *model, const struct model_key *key, struct access *access,
                        uint32_t index)
{
    unsigned char scratch[24];
    struct value value;
    bool found = key_find(access, index, 0, &value);
    cr_assert_eq(found, key->is_there);
    if (found) {
        cr_assert(bytes_equal(value_string_bytes(&value, scratch), buf_bytes(&key->text)));
        cr_assert_eq(value.encoding, key->encoding);
        cr_assert_eq(key_expiry(access, index), key->expires_at_ms);
        cr_assert_gt(key_memory(access, index), 0);
    } else {
        cr_assert_eq(key_expiry(access, index), -2);
    }
}

static void step_put(struct model *model, struct access *access, struct model_key *key)
{
    int64_t expiry = draw_expiry(model);
    draw_text(model, &key->text);
    struct value value = value_string(buf_bytes(&key->text));
    struct blob *blob = NULL;
    if (value.encoding == ENCODING_RAW && draw(model, 2) == 0) {
        blob = blob_try_copy(value.bytes, value.bytes.size);
        value = value_blob(blob);
    }
    cr_assert_eq(key_put(access, 0, &value, expiry), STATUS_OK);
    blob_release(blob);
    key->encoding = value.encoding;
    if (expiry != KEY_KEEP_EXPIRY || !key->is_there) {
        key->expires_at_ms = expiry == KEY_KEEP_EXPIRY ? KEY_NO_EXPIRY : expiry;
    }
    key->is_there = true;
}

static void step_edit(struct model *model, struct access *access, struct model_key *key)
{
    size_t old = key->is_there ? key->text.size : 0;
    size_t size = old + draw(model, draw(model, 4) == 0 ? 3000 : 20);
    if (!key->is_there) {
        key->text.size = 0;
        key->expires_at_ms = KEY_NO_EXPIRY;
    }
    if (size == 0 || size > 6000) {
        return;
    }
    unsigned char *data;
    cr_assert_eq(key_edit(access, 0, size, draw(model, 2) == 0, &data), STATUS_OK);
    cr_assert(bytes_equal(bytes_make(data, old), bytes_make(key->text.data, old)));
    for (size_t i = old; i < size; i++) {
        cr_assert_eq(data[i], 0);
        data[i] = (unsigned char)i;
        buf_append_byte(&key->text, (unsigned char)i);
    }
    key->is_there = true;
    key->encoding = ENCODING_RAW;
}

static void step_one(struct model *model)
{
    struct access access;
    uint64_t db = draw(model, DATABASES);
    uint64_t name = draw(model, model->names);
    struct access_key keys = key_of(model, db, name, 0);
    struct model_key *key = live(model, db, name);
    uint64_t what = draw(model, 10);
    fixture_open(&model->fixture, &access, what < 2 ? ACCESS_READ : ACCESS_WRITE, &keys, 1);
    if (what < 2) {
        expect_same(model, key, &access, 0);
    } else if (what < 5) {
        step_put(model, &access, key);
    } else if (what < 6) {
        step_edit(model, &access, key);
    } else if (what < 8) {
        cr_assert_eq(key_delete(&access, 0), key->is_there);
        key->is_there = false;
    } else {
        int64_t expiry = draw_expiry(model);
        expiry = expiry == KEY_KEEP_EXPIRY ? KEY_NO_EXPIRY : expiry;
        cr_assert_eq(key_set_expiry(&access, 0, expiry), key->is_there);
        key->expires_at_ms = expiry;
    }
    expect_same(model, key, &access, 0);
    fixture_close(&model->fixture, &access);
}

/* Copies or moves one key over another, perhaps in another database. */
static void step_two(struct model *model)
{
    struct access access;
    uint64_t dbs[2] = {draw(model, DATABASES), draw(model, DATABASES)};
    uint64_t names[2] = {draw(model, model->names), draw(model, model->names)};
    struct model_key *from = live(model, dbs[0], names[0]);
    struct model_key *to = live(model, dbs[1], names[1]);
    if (!from->is_there || from == to) {
        return;
    }
    struct access_key keys[2] = {key_of(model, dbs[0], names[0], 0),
                                 key_of(model, dbs[1], names[1], 1)};
    fixture_open(&model->fixture, &access, ACCESS_WRITE, keys, 2);
    bool moves = draw(model, 2) == 0;
    cr_assert_eq(moves ? key_move(&access, 0, 1) : key_copy(&access, 0, 1), STATUS_OK);
    buf_deinit(&to->text);
    buf_append(&to->text, buf_bytes(&from->text));
    to->encoding = from->encoding;
    to->expires_at_ms = from->expires_at_ms;
    to->is_there = true;
    from->is_there = !moves;
    expect_same(model, from, &access, 0);
    expect_same(model, to, &access, 1);
    fixture_close(&model->fixture, &access);
}

static void step_database(struct model *model)
{
    uint64_t a = draw(model, DATABASES);
    uint64_t b = draw(model, DATABASES);
    if (draw(model, 2) == 0) {
        fixture_swap(&model->fixture, (uint32_t)a, (uint32_t)b);
        struct model_key *keys = model->keys[a];
        model->keys[a] = model->keys[b];
        model->keys[b] = keys;
        return;
    }
    (void)keyspace_flush(model->fixture.keyspace, (uint32_t)a);
    for (uint64_t i = 0; i < NAMES; i++) {
        model->keys[a][i].is_there = false;
    }
    if (draw(model, 2) == 0) {
        while (keyspace_reclaim(model->fixture.keyspace)) {
        }
    }
}

/* Everything that is due goes; then both sides hold the same keys. */
static void look_at_all(struct model *model)
{
    /* A slot of the index is due within 256 ms of what is in it. */
    model->fixture.now_ms += 300;
    (void)fixture_expire_all(&model->fixture);
    keyspace_verify(model->fixture.keyspace);
    for (uint32_t db = 0; db < DATABASES; db++) {
        uint64_t count = 0;
        uint64_t expires = 0;
        for (uint64_t i = 0; i < NAMES; i++) {
            struct model_key *key = &model->keys[db][i];
            /* Those of the last 256 ms may be on either side: they are looked up to settle it. */
            bool is_there = fixture_has(&model->fixture, db, fixture_name(model->room[0], i));
            cr_assert_eq(is_there, live(model, db, i)->is_there);
            count += key->is_there;
            expires += key->is_there && key->expires_at_ms >= 0;
        }
        uint64_t size = keyspace_size(model->fixture.keyspace, db);
        cr_assert_geq(size, count);
        cr_assert_geq(keyspace_expires(model->fixture.keyspace, db), expires);
        cr_assert_eq(size - keyspace_expires(model->fixture.keyspace, db), count - expires);
    }
}

static void run(int64_t shards, uint64_t seed)
{
    struct model model = {.random = seed, .names = NAMES};
    cr_log_info("seed %llu", (unsigned long long)seed);
    fixture_begin(&model.fixture, shards);
    for (int db = 0; db < DATABASES; db++) {
        model.keys[db] = mem_alloc_zero(NAMES * sizeof(struct model_key));
    }
    for (int i = 0; i < STEPS; i++) {
        uint64_t what = draw(&model, 20000);
        if (what < 2) {
            step_database(&model);
        } else if (what < 2000) {
            step_two(&model);
        } else {
            step_one(&model);
        }
        model.fixture.now_ms += (int64_t)draw(&model, 20);
        if (i % LOOK_EVERY == LOOK_EVERY - 1) {
            look_at_all(&model);
            model.names = draw(&model, 2) == 0 ? NAMES : 20;
        }
    }
    for (int db = 0; db < DATABASES; db++) {
        for (int i = 0; i < NAMES; i++) {
            buf_deinit(&model.keys[db][i].text);
        }
        mem_free(model.keys[db]);
    }
    fixture_end(&model.fixture);
}

Test(model, agrees_on_one_shard)
{
    run(1, 88172645463325252u);
}

Test(model, agrees_on_many_shards)
{
    run(64, 1234567);
    run(64, 7654321);
}
