/* The map against an array: random puts, removals, picks and searches in phases of growth and
 * shrinking, with versions taken and dropped in between and compared in full, and a scan that goes
 * on all the time. All kinds; names and values short, long and behind counted pointers.
 *
 * POLLARD_LONG=1 makes it ten million steps; POLLARD_TEST_SEED another sequence. */
#include "pollard/base/mem.h"
#include "pollard/ds/map.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* More than one directory of segments can hold. */
#define NAMES 20000
#define VERSIONS 3
#define STEPS 70000
#define STEPS_LONG 3400000
#define LOOK_EVERY 7000
#define TEXT_ROOM 1024

/* What the map must hold: the number of each name's word or value, 0 for none. */
struct state {
    uint32_t numbers[NAMES];
    uint64_t count;
};

struct version {
    struct map map;
    struct state state;
    bool is_taken;
};

struct model {
    struct map map;
    struct hash_secret secret;
    struct state state;
    struct version versions[VERSIONS];
    uint64_t random;
    uint32_t names; /* so many are in use now: it grows and shrinks */
    bool shrinks;
    /* The scan: what was there all along, and what it has seen. */
    uint64_t cursor;
    bool stays[NAMES];
    bool seen[NAMES];
    unsigned char name_text[TEXT_ROOM];
    unsigned char value_text[TEXT_ROOM];
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (model->random >> 11) % bound;
}

/* A text that says its number: mostly short; integers; some long; some too long for a segment. */
static struct bytes text_of(unsigned char *out, uint32_t number)
{
    static const size_t sizes[] = {0, 0, 0, 0, 1, 10, 119, 120, 127, 500, 504, 505, 600};
    size_t extra = number % 8 == 0 ? sizes[number / 8 % 13] : 0;
    const char *form = number % 8 < 3 ? "%" PRIu32 : "text:%" PRIu32 ":";
    size_t size = (size_t)snprintf((char *)out, TEXT_ROOM, form, number);
    memset(out + size, '.', extra);
    return bytes_make(out, size + extra);
}

static uint32_t number_in(const struct item *item)
{
    unsigned char scratch[ITEM_SCRATCH];
    struct bytes text = item_text(item, scratch);
    uint32_t number = 0;
    for (size_t i = 0; i < text.size && text.data[i] != '.'; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        number = is_digit ? number * 10 + text.data[i] - '0' : number;
    }
    return number;
}

/* Is the record of this name and number, in every byte? */
static void expect_record(struct model *model, const struct map_record *record, uint32_t name,
                          uint32_t number)
{
    unsigned char scratch[ITEM_SCRATCH];
    struct bytes text = text_of(model->name_text, name);
    cr_assert(bytes_equal(item_text(&record->name, scratch), text));
    if (model->map.kind == MAP_WORDS) {
        cr_assert_eq(record->word, number);
    } else if (model->map.kind == MAP_ITEMS) {
        text = text_of(model->value_text, number);
        cr_assert(bytes_equal(item_text(&record->value, scratch), text));
    }
}

/* A walk over all, a search for each, and the map's own check. */
static void expect_same(struct model *model, const struct map *map, const struct state *state)
{
    struct map_cursor cursor;
    struct map_record record;
    uint64_t count = 0;
    map_verify(map);
    cr_assert_eq(map->count, state->count);
    map_cursor_begin(map, &cursor);
    while (map_next(&cursor, &record)) {
        uint32_t name = number_in(&record.name);
        cr_assert_lt(name, NAMES);
        cr_assert_neq(state->numbers[name], 0);
        expect_record(model, &record, name, state->numbers[name]);
        count++;
    }
    cr_assert_eq(count, state->count);
    for (uint32_t name = 0; name < NAMES; name++) {
        struct item item = item_of(text_of(model->name_text, name));
        cr_assert_eq(map_has(map, &item), state->numbers[name] != 0);
    }
}

static void make_needle(struct model *model, uint32_t name, struct item_needle *ret_needle)
{
    item_needle_init(ret_needle, text_of(model->name_text, name));
}

static void step_put(struct model *model, uint32_t name)
{
    struct map_record record = {0};
    uint32_t number = 1 + (uint32_t)draw(model, 100000);
    struct bytes text = text_of(model->name_text, name);
    number = model->map.kind == MAP_NAMES ? 1 : number;
    record.word = number;
    cr_assert_eq(item_make(text, NULL, &record.name), STATUS_OK);
    cr_assert_eq(item_make(text_of(model->value_text, number), NULL, &record.value), STATUS_OK);
    bool is_new = map_put(&model->map, &record);
    item_unmake(&record.name);
    item_unmake(&record.value);
    cr_assert_eq(is_new, model->state.numbers[name] == 0);
    model->state.numbers[name] = number;
    model->state.count += is_new;
}

static void step_remove(struct model *model, uint32_t name)
{
    struct item_needle needle;
    make_needle(model, name, &needle);
    bool was_there = draw(model, 2) == 0 ? map_remove(&model->map, &needle)
                                         : map_remove_item(&model->map, &needle.item);
    cr_assert_eq(was_there, model->state.numbers[name] != 0);
    model->state.numbers[name] = 0;
    model->state.count -= was_there;
    model->stays[name] = false;
}

static void step_find(struct model *model, uint32_t name)
{
    struct item_needle needle;
    struct map_record record;
    make_needle(model, name, &needle);
    bool is_there = map_find(&model->map, &needle, &record);
    cr_assert_eq(is_there, model->state.numbers[name] != 0);
    if (is_there) {
        expect_record(model, &record, name, model->state.numbers[name]);
    }
}

static void step_word(struct model *model, uint32_t name)
{
    struct item_needle needle;
    uint32_t number = 1 + (uint32_t)draw(model, 100000);
    if (model->map.kind != MAP_WORDS) {
        return;
    }
    make_needle(model, name, &needle);
    bool is_there = map_set_word(&model->map, &needle, number);
    cr_assert_eq(is_there, model->state.numbers[name] != 0);
    model->state.numbers[name] = is_there ? number : 0;
}

static void step_pick(struct model *model)
{
    struct map_record record;
    if (model->map.count > 0) {
        map_at(&model->map, draw(model, model->map.count), &record);
        uint32_t name = number_in(&record.name);
        expect_record(model, &record, name, model->state.numbers[name]);
    }
}

static void scan_visit(void *argument, const struct map_record *record)
{
    struct model *model = argument;
    uint32_t name = number_in(&record->name);
    expect_record(model, record, name, model->state.numbers[name]);
    model->seen[name] = true;
}

/* A part of the scan. At its end all that stayed was seen; then the next begins. */
static void step_scan(struct model *model)
{
    model->cursor = map_scan(&model->map, model->cursor, draw(model, 100), scan_visit, model);
    cr_assert_lt(model->cursor, UINT64_C(1) << 53);
    for (uint32_t name = 0; model->cursor == 0 && name < NAMES; name++) {
        cr_assert(model->seen[name] || !model->stays[name], "name %" PRIu32, name);
        model->stays[name] = model->state.numbers[name] != 0;
        model->seen[name] = false;
    }
}

static void drop_version(struct model *model, struct version *version)
{
    if (version->is_taken) {
        expect_same(model, &version->map, &version->state);
        map_clear(&version->map);
        version->is_taken = false;
    }
}

static void step_version(struct model *model)
{
    struct version *version = &model->versions[draw(model, VERSIONS)];
    drop_version(model, version);
    if (draw(model, 4) != 0) {
        map_copy(&model->map, &version->map);
        version->state = model->state;
        version->is_taken = true;
    }
}

/* Now and then the whole map is emptied at once, as DEL does. */
static void step_clear(struct model *model)
{
    map_clear(&model->map);
    memset(&model->state, 0, sizeof(model->state));
    memset(model->stays, 0, sizeof(model->stays));
}

static void step(struct model *model)
{
    uint32_t name = (uint32_t)draw(model, model->names);
    uint64_t what = draw(model, 100000);
    if (what < 60) {
        step_version(model);
    } else if (what < 62) {
        step_clear(model);
    } else if (what < 3000) {
        step_scan(model);
    } else if (what < 30000) {
        step_find(model, name);
    } else if (what < 40000) {
        step_pick(model);
    } else if (what < 50000) {
        step_word(model, name);
    } else if ((what < 85000) != model->shrinks) {
        step_put(model, name);
    } else {
        step_remove(model, name);
    }
}

/* Other names, another direction; sometimes nearly all come or go at once. */
static void change_phase(struct model *model)
{
    static const uint32_t names[] = {20, 100, 2000, NAMES, NAMES};
    uint64_t what = draw(model, 8);
    for (uint32_t name = 0; what < 2 && name < NAMES; name++) {
        if (draw(model, 16) == 0) {
            continue;
        }
        if (what == 0) {
            step_put(model, name);
        } else {
            step_remove(model, name);
        }
    }
    model->names = names[draw(model, 5)];
    model->shrinks = draw(model, 5) < 2;
}

static void run(enum map_kind kind)
{
    const char *given = getenv("POLLARD_TEST_SEED");
    const char *is_long = getenv("POLLARD_LONG");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : UINT64_C(88172645463325252);
    uint32_t steps = is_long != NULL && strcmp(is_long, "1") == 0 ? STEPS_LONG : STEPS;
    mem_thread_begin();
    size_t used = mem_used();
    struct model *model = mem_alloc_zero(sizeof(*model));
    cr_log_info("seed %" PRIu64, seed);
    model->random = seed + kind;
    hash_secret_fixed(&model->secret, seed);
    map_init(&model->map, kind, &model->secret);
    for (uint32_t i = 0; i < steps; i++) {
        if (i % LOOK_EVERY == 0) {
            expect_same(model, &model->map, &model->state);
            change_phase(model);
        }
        step(model);
        cr_assert_eq(model->map.count, model->state.count, "seed %" PRIu64 ", step %" PRIu32, seed,
                     i);
    }
    for (int i = 0; i < VERSIONS; i++) {
        drop_version(model, &model->versions[i]);
    }
    expect_same(model, &model->map, &model->state);
    map_clear(&model->map);
    mem_free(model);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
}

Test(map_model, names_do_as_an_array_does)
{
    run(MAP_NAMES);
}

Test(map_model, words_do_as_an_array_does)
{
    run(MAP_WORDS);
}

Test(map_model, items_do_as_an_array_does)
{
    run(MAP_ITEMS);
}
