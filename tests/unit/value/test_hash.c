/* Hashes against a naive model: random writes, removals, TTLs, a clock that moves on, versions
 * taken and dropped in between, in both forms. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/value/hash.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define NAMES 40
#define TEXT_MAX 700
#define STEPS_DEFAULT 60000
#define VERSIONS 4

struct model_field {
    bool is_there;
    uint32_t value; /* the number of a text */
    int64_t expiry; /* HASH_NO_EXPIRY if none */
};

struct model {
    struct model_field fields[NAMES];
};

struct version {
    struct collection *hash;
    struct model model;
    int64_t now_ms;
};

struct fixture {
    struct value_options options;
    struct hash_secret secret;
    struct value_limits limits;
    struct collection *hash;
    struct model model;
    struct version versions[VERSIONS];
    int64_t now_ms;
    uint64_t random;
};

static uint64_t draw(struct fixture *fixture, uint64_t bound)
{
    fixture->random ^= fixture->random << 13;
    fixture->random ^= fixture->random >> 7;
    fixture->random ^= fixture->random << 17;
    return (fixture->random >> 11) % bound;
}

/* The texts: integers, short strings, and some longer than ITEM_EMBED_MAX. */
static struct bytes text_of(uint32_t number, unsigned char *room)
{
    if (number % 4 == 0) {
        return bytes_make(room, number_print_i64(room, (int64_t)number * 1000 - 2000));
    }
    size_t size = number % 10 == 1 ? TEXT_MAX : number % 60;
    memset(room, 'a' + (int)(number % 26), size);
    size_t length = number_print_u64(room, number);
    room[length] = '-';
    return bytes_make(room, size < length + 1 ? length + 1 : size);
}

static void needle_of(uint32_t name, unsigned char *room, struct item_needle *needle)
{
    struct bytes text = text_of(name, room);
    item_needle_init(needle, text);
    cr_assert_eq(item_make(text, NULL, &needle->item), STATUS_OK);
}

static void begin(struct fixture *fixture, int64_t entries, int64_t longest, uint64_t seed)
{
    memset(fixture, 0, sizeof(*fixture));
    atomic_init(&fixture->options.hash_max_listpack_entries, entries);
    atomic_init(&fixture->options.hash_max_listpack_value, longest);
    hash_secret_fixed(&fixture->secret, seed);
    fixture->limits = (struct value_limits){&fixture->options, &fixture->secret};
    fixture->hash = hash_create();
    fixture->now_ms = 1000000;
    fixture->random = seed * 2 + 1;
}

static void end(struct fixture *fixture)
{
    for (int i = 0; i < VERSIONS; i++) {
        collection_release(fixture->versions[i].hash);
    }
    collection_release(fixture->hash);
}

static bool is_live(const struct model_field *field, int64_t now_ms)
{
    return field->is_there && (field->expiry == HASH_NO_EXPIRY || field->expiry > now_ms);
}

static uint64_t model_count(const struct model *model, int64_t now_ms)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        count += is_live(&model->fields[i], now_ms) ? 1 : 0;
    }
    return count;
}

/* All of a hash, by lookups and by a walk. */
static void expect_same(const struct collection *hash, const struct model *model, int64_t now_ms)
{
    unsigned char room[TEXT_MAX + 32];
    unsigned char value_room[TEXT_MAX + 32];
    unsigned char scratch[ITEM_SCRATCH];
    uint64_t count = model_count(model, now_ms);
    hash_verify(hash);
    cr_assert_eq(hash_count(hash, now_ms), count);
    for (uint32_t i = 0; i < NAMES; i++) {
        struct item_needle needle;
        struct item value;
        const struct model_field *field = &model->fields[i];
        item_needle_init(&needle, text_of(i, room));
        bool is_found = hash_find(hash, &needle, now_ms, &value);
        cr_assert_eq(is_found, is_live(field, now_ms), "field %u", i);
        cr_assert_eq(hash_expiry(hash, &needle, now_ms), is_found ? field->expiry : HASH_NO_FIELD);
        if (is_found) {
            cr_assert(bytes_equal(item_text(&value, scratch), text_of(field->value, value_room)));
        }
    }
    struct collection_cursor cursor;
    struct element element;
    uint64_t seen = 0;
    collection_cursor_begin(&cursor, hash, &(struct cursor_start){.now_ms = now_ms});
    while (collection_cursor_next(&cursor, &element)) {
        struct item_needle needle;
        struct item value;
        item_needle_init(&needle, item_text(&element.member, scratch));
        cr_assert(hash_find(hash, &needle, now_ms, &value));
        cr_assert(item_equal(&value, &element.value));
        seen++;
    }
    cr_assert_eq(seen, count);
}

static void set(struct fixture *fixture, uint32_t name)
{
    unsigned char room[TEXT_MAX + 32];
    unsigned char value_room[TEXT_MAX + 32];
    struct item_needle needle;
    struct model_field *field = &fixture->model.fields[name];
    uint32_t number = (uint32_t)draw(fixture, 500);
    struct hash_write write = {.limits = &fixture->limits,
                               .now_ms = fixture->now_ms,
                               .keeps_expiry = draw(fixture, 2) == 0};
    needle_of(name, room, &needle);
    cr_assert_eq(item_make(text_of(number, value_room), NULL, &write.value), STATUS_OK);
    bool was_live = is_live(field, fixture->now_ms);
    cr_assert_eq(hash_set(&fixture->hash, &needle, &write), !was_live);
    int64_t expiry = was_live && write.keeps_expiry ? field->expiry : HASH_NO_EXPIRY;
    *field = (struct model_field){.is_there = true, .value = number, .expiry = expiry};
    item_unmake(&write.value);
    item_unmake(&needle.item);
}

static void change(struct fixture *fixture, uint32_t name)
{
    unsigned char room[TEXT_MAX + 32];
    struct item_needle needle;
    struct model_field *field = &fixture->model.fields[name];
    item_needle_init(&needle, text_of(name, room));
    bool was_live = is_live(field, fixture->now_ms);
    if (draw(fixture, 3) == 0) {
        cr_assert_eq(hash_remove(&fixture->hash, &needle, fixture->now_ms), was_live);
        field->is_there = false;
    } else if (was_live) {
        bool ends = draw(fixture, 4) == 0;
        field->expiry = ends ? HASH_NO_EXPIRY : fixture->now_ms + 1 + (int64_t)draw(fixture, 3000);
        hash_set_expiry(&fixture->hash, &needle, field->expiry);
    }
}

static void reap(struct fixture *fixture)
{
    uint64_t most = 1 + draw(fixture, 5);
    uint64_t over = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        struct model_field *field = &fixture->model.fields[i];
        over += field->is_there && !is_live(field, fixture->now_ms) ? 1 : 0;
    }
    /* The model may count fields as there that the hash has lost to writes: both are over. */
    uint64_t removed = hash_reap(&fixture->hash, fixture->now_ms, most);
    cr_assert_leq(removed, over);
    if (fixture->hash->is_large) {
        cr_assert_leq(removed, most);
    }
    if (removed < most) {
        cr_assert_gt(hash_next_expiry(fixture->hash), fixture->now_ms);
        cr_assert_eq(collection_count(fixture->hash), hash_count(fixture->hash, fixture->now_ms));
    }
}

/* Takes a version, after the one it replaces has been compared. */
static void version(struct fixture *fixture)
{
    struct version *version = &fixture->versions[draw(fixture, VERSIONS)];
    if (version->hash != NULL) {
        expect_same(version->hash, &version->model, version->now_ms);
        collection_release(version->hash);
    }
    *version = (struct version){.hash = collection_acquire(fixture->hash),
                                .model = fixture->model,
                                .now_ms = fixture->now_ms};
}

static void play(int64_t entries, int64_t longest, uint64_t seed)
{
    struct fixture fixture;
    const char *wanted = getenv("POLLARD_MODEL_STEPS");
    uint64_t steps = wanted == NULL ? STEPS_DEFAULT : strtoull(wanted, NULL, 10);
    begin(&fixture, entries, longest, seed);
    for (uint64_t i = 0; i < steps; i++) {
        uint32_t name = (uint32_t)draw(&fixture, NAMES);
        if (draw(&fixture, 20) == 0) {
            version(&fixture);
        }
        collection_own(&fixture.hash);
        switch (draw(&fixture, 8)) {
        case 0:
            fixture.now_ms += (int64_t)draw(&fixture, 200);
            break;
        case 1:
            reap(&fixture);
            break;
        case 2:
        case 3:
        case 4:
            change(&fixture, name);
            break;
        default:
            set(&fixture, name);
        }
        if (i % 16 == 0) {
            expect_same(fixture.hash, &fixture.model, fixture.now_ms);
        }
        /* Beginning anew makes it small again. */
        if (draw(&fixture, 3000) == 0) {
            collection_release(fixture.hash);
            fixture.hash = hash_create();
            memset(&fixture.model, 0, sizeof(fixture.model));
        }
    }
    end(&fixture);
}

Test(hash, small_is_as_the_model)
{
    play(1000, 100000, 1);
}

Test(hash, large_is_as_the_model)
{
    play(0, 64, 2);
}

Test(hash, converted_is_as_the_model)
{
    play(30, 1000, 3);
    play(1000, 64, 4);
}

static void put_text(struct fixture *fixture, const char *name, const char *text)
{
    struct item_needle needle;
    const struct hash_write write = {.limits = &fixture->limits,
                                     .value = item_of(bytes_text(text))};
    item_needle_init(&needle, bytes_text(name));
    (void)hash_set(&fixture->hash, &needle, &write);
}

Test(hash, keeps_the_order_of_insertion)
{
    struct fixture fixture;
    struct collection_cursor cursor;
    struct element element;
    unsigned char scratch[ITEM_SCRATCH];
    const char *const order[] = {"one", "two", "3"};
    begin(&fixture, 512, 64, 1);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            put_text(&fixture, order[round == 0 ? i : 2 - i], round == 0 ? "1" : "longer");
        }
    }
    collection_cursor_begin(&cursor, fixture.hash, &(struct cursor_start){0});
    for (size_t i = 0; i < 3; i++) {
        cr_assert(collection_cursor_next(&cursor, &element));
        cr_assert(bytes_equal(item_text(&element.member, scratch), bytes_text(order[i])));
    }
    cr_assert_not(collection_cursor_next(&cursor, &element));
    end(&fixture);
}

Test(hash, spends_nothing_without_ttls)
{
    struct fixture fixture;
    struct item_needle needle;
    begin(&fixture, 512, 64, 1);
    put_text(&fixture, "a", "1");
    put_text(&fixture, "b", "2");
    size_t before = fixture.hash->size;
    item_needle_init(&needle, bytes_text("a"));
    hash_set_expiry(&fixture.hash, &needle, 5000);
    cr_assert_eq(fixture.hash->encoding, ENCODING_LISTPACKEX);
    cr_assert_eq(hash_next_expiry(fixture.hash), 5000);
    hash_set_expiry(&fixture.hash, &needle, HASH_NO_EXPIRY);
    cr_assert_eq(fixture.hash->encoding, ENCODING_LISTPACK);
    cr_assert_eq(fixture.hash->size, before);
    cr_assert_not(hash_has_expiry(fixture.hash));
    cr_assert_eq(hash_next_expiry(fixture.hash), HASH_NEVER);
    end(&fixture);
}
