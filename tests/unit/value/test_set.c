/* Sets against a naive array of flags: random operations over all forms and limits, with versions
 * taken and dropped in between. The seed is printed when it fails. */
#include "pollard/base/mem.h"
#include "pollard/value/set.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 200000
#define NAMES 2000
#define INTEGERS 1200 /* the first names are integers */
#define LOOK_EVERY 250
#define VERSIONS 4

struct flags {
    uint32_t count;
    bool has[NAMES];
};

struct version {
    struct collection *set;
    struct flags flags;
};

struct model {
    uint64_t random;
    struct hash_secret secret;
    struct value_options options;
    struct value_limits limits;
    struct collection *set;
    struct flags flags;
    struct version versions[VERSIONS];
    uint32_t domain; /* names in use: the integers alone, or all */
    bool grows;
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (model->random >> 11) % bound;
}

static void model_init(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    model->random = seed;
    model->domain = INTEGERS;
    model->grows = true;
    hash_secret_fixed(&model->secret, seed);
    option_put(&model->options.set_max_intset_entries, 512);
    option_put(&model->options.set_max_listpack_entries, 128);
    option_put(&model->options.set_max_listpack_value, 64);
    model->limits = (struct value_limits){&model->options, &model->secret};
    model->set = set_create();
}

/* ---- Names ---- */

/* Integers of all widths, distinct. */
static int64_t integer_of(uint32_t name)
{
    static const int64_t scales[] = {1, 1000, 10000000, INT64_C(1000000000000000)};
    int64_t integer = (int64_t)(name / 2 + 1) * scales[name / (INTEGERS / 4)];
    return name % 2 == 0 ? integer : -integer;
}

static struct bytes text_of(uint32_t name, unsigned char *text)
{
    int size = name < INTEGERS ? snprintf((char *)text, 1024, "%" PRId64, integer_of(name))
                               : snprintf((char *)text, 1024, "%u:", name);
    /* A few are longer than what a small form, or a block, takes. */
    size_t whole = name < INTEGERS ? (size_t)size : (size_t)size + (name * 7) % 50;
    if (name >= INTEGERS && name % 40 == 0) {
        whole = name % 200 == 0 ? 700 : 130;
    }
    memset(text + size, 'x', whole - (size_t)size);
    return bytes_make(text, whole);
}

static uint32_t name_of(const struct item *item)
{
    unsigned char text[1024];
    uint32_t name = 0;
    if (item_is_integer(item)) {
        while (name < INTEGERS && integer_of(name) != item->integer) {
            name++;
        }
        cr_assert_lt(name, (uint32_t)INTEGERS);
        return name;
    }
    name = (uint32_t)strtoul((const char *)item->data, NULL, 10);
    cr_assert_lt(name, (uint32_t)NAMES);
    cr_assert(bytes_equal(text_of(name, text), bytes_make(item->data, item->size)));
    return name;
}

/* ---- Looking ---- */

static void expect_same(const struct collection *set, const struct flags *flags)
{
    struct flags seen = {0};
    struct collection_cursor cursor;
    struct element element;
    struct item item;
    int64_t before = INT64_MIN;
    cr_assert_eq(collection_count(set), flags->count);
    collection_cursor_begin(&cursor, set, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        uint32_t name = name_of(&element.member);
        cr_assert(flags->has[name] && !seen.has[name], "name %u", name);
        seen.has[name] = true;
        if (seen.count % 7 == 0) {
            set_at(set, seen.count, &item);
            cr_assert_eq(name_of(&item), name);
        }
        if (set_is_intset(set)) {
            cr_assert(seen.count == 0 || element.member.integer > before);
            before = element.member.integer;
        }
        seen.count++;
    }
    cr_assert_eq(seen.count, flags->count);
}

static void expect_form(const struct model *model)
{
    const struct collection *set = model->set;
    if (set->is_large) {
        cr_assert_eq(set->encoding, ENCODING_HASHTABLE);
        map_verify((const struct map *)(const void *)set->pack);
    } else if (set_is_intset(set)) {
        cr_assert_eq(set->size, set->count * set->form);
    } else {
        cr_assert_eq(set->encoding, ENCODING_LISTPACK);
        cr_assert_leq(set->size, SMALL_SIZE_MAX + ITEM_PACKED_MAX);
        cr_assert(pack_verify(set->pack, small_end(set)));
    }
    cr_assert_gt(collection_memory(set, 5), 0u);
}

static void visit(void *argument, const struct item *member)
{
    struct flags *flags = argument;
    uint32_t name = name_of(member);
    flags->count += !flags->has[name];
    flags->has[name] = true;
}

/* Every member that stays is visited, though others come and go. */
static void step_scan(struct model *model)
{
    struct flags seen = {0};
    struct flags stay = model->flags;
    uint64_t cursor = 0;
    for (uint32_t turns = 0; turns < NAMES; turns++) {
        unsigned char text[1024];
        cursor = set_scan(model->set, cursor, 1 + draw(model, 100), visit, &seen);
        if (cursor == 0) {
            break;
        }
        uint32_t name = (uint32_t)draw(model, model->domain);
        struct item_needle needle;
        item_needle_init(&needle, text_of(name, text));
        if (set_remove(&model->set, &needle)) {
            model->flags.has[name] = false;
            model->flags.count--;
            stay.has[name] = false;
        }
    }
    cr_assert_eq(cursor, 0u);
    for (uint32_t name = 0; name < NAMES; name++) {
        cr_assert(!stay.has[name] || seen.has[name]);
    }
}

/* ---- Changing ---- */

static void step_add(struct model *model)
{
    unsigned char text[1024];
    struct item item;
    uint32_t name = (uint32_t)draw(model, model->domain);
    cr_assert_eq(item_make(text_of(name, text), NULL, &item), STATUS_OK);
    cr_assert_eq(set_add(&model->set, &model->limits, &item), !model->flags.has[name]);
    item_unmake(&item);
    model->flags.count += !model->flags.has[name];
    model->flags.has[name] = true;
    cr_assert(set_is_intset(model->set) || model->set->is_large ||
              model->set->encoding == ENCODING_LISTPACK);
}

static void step_remove(struct model *model)
{
    unsigned char text[1024];
    struct item_needle needle;
    uint32_t name = (uint32_t)draw(model, model->domain);
    item_needle_init(&needle, text_of(name, text));
    cr_assert_eq(set_find(model->set, &needle), model->flags.has[name]);
    cr_assert_eq(set_has(model->set, &needle.item), model->flags.has[name]);
    cr_assert_eq(set_remove(&model->set, &needle), model->flags.has[name]);
    model->flags.count -= model->flags.has[name];
    model->flags.has[name] = false;
}

static void step_remove_at(struct model *model)
{
    struct item item;
    if (model->flags.count == 0) {
        return;
    }
    uint64_t rank = draw(model, model->flags.count);
    set_at(model->set, rank, &item);
    uint32_t name = name_of(&item);
    cr_assert(model->flags.has[name]);
    set_remove_at(&model->set, rank, &item);
    model->flags.has[name] = false;
    model->flags.count--;
}

static void drop_version(struct version *version)
{
    if (version->set != NULL) {
        expect_same(version->set, &version->flags);
        collection_release(version->set);
        version->set = NULL;
    }
}

static void step_version(struct model *model)
{
    struct version *version = &model->versions[draw(model, VERSIONS)];
    drop_version(version);
    version->set = collection_acquire(model->set);
    version->flags = model->flags;
}

/* Begins anew: of integers or of all names, with other limits. */
static void step_anew(struct model *model)
{
    static const int64_t limits[] = {512, 0, 10, 300, 100000};
    collection_release(model->set);
    model->set = set_create();
    model->flags = (struct flags){0};
    model->domain = draw(model, 2) == 0 ? INTEGERS : NAMES;
    option_put(&model->options.set_max_intset_entries, limits[draw(model, 5)]);
    option_put(&model->options.set_max_listpack_entries, limits[draw(model, 5)]);
    option_put(&model->options.set_max_listpack_value, draw(model, 2) == 0 ? 64 : 1000);
}

static void step(struct model *model)
{
    uint64_t kind = draw(model, 10000);
    collection_own(&model->set);
    if (kind < 8) {
        step_anew(model);
    } else if (kind < 100) {
        step_version(model);
    } else if (kind < 110) {
        step_scan(model);
    } else if (draw(model, 100) < (model->grows ? 70 : 35)) {
        step_add(model);
    } else if (draw(model, 2) == 0) {
        step_remove_at(model);
    } else {
        step_remove(model);
    }
    if (draw(model, 3000) == 0) {
        model->grows = !model->grows;
    }
}

Test(set, does_as_flags_do)
{
    const char *given = getenv("POLLARD_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 88172645463325252u;
    size_t used = mem_used();
    struct model *model = mem_alloc(sizeof(*model));
    model_init(model, seed);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(model);
        cr_assert_eq(collection_count(model->set), model->flags.count, "seed %" PRIu64 ", step %u",
                     seed, i);
        if (i % LOOK_EVERY == 0) {
            expect_form(model);
            expect_same(model->set, &model->flags);
        }
    }
    for (int i = 0; i < VERSIONS; i++) {
        drop_version(&model->versions[i]);
    }
    collection_release(model->set);
    mem_free(model);
    cr_assert_eq(mem_used(), used);
}

/* ---- Forms ---- */

static void add(struct model *model, uint32_t name)
{
    unsigned char text[1024];
    struct item item;
    cr_assert_eq(item_make(text_of(name, text), NULL, &item), STATUS_OK);
    (void)set_add(&model->set, &model->limits, &item);
    item_unmake(&item);
}

Test(set, converts_at_its_limits)
{
    struct model *model = mem_alloc(sizeof(*model));
    model_init(model, 5);
    for (uint32_t i = 0; i < 512; i++) {
        add(model, i);
        cr_assert(set_is_intset(model->set));
    }
    add(model, 512);
    cr_assert_eq(model->set->encoding, ENCODING_HASHTABLE);
    step_anew(model);
    option_put(&model->options.set_max_intset_entries, 512);
    option_put(&model->options.set_max_listpack_entries, 128);
    option_put(&model->options.set_max_listpack_value, 64);
    for (uint32_t i = 0; i < 100; i++) {
        add(model, i);
    }
    add(model, INTEGERS + 1);
    cr_assert_eq(model->set->encoding, ENCODING_LISTPACK);
    for (uint32_t i = 101; i < 128; i++) {
        add(model, INTEGERS + i * 4 + 1);
        cr_assert_eq(model->set->encoding, ENCODING_LISTPACK, "%u", i);
    }
    add(model, INTEGERS + 1);
    cr_assert_eq(model->set->encoding, ENCODING_LISTPACK);
    add(model, INTEGERS + 2);
    cr_assert_eq(model->set->encoding, ENCODING_HASHTABLE);
    step_anew(model);
    option_put(&model->options.set_max_intset_entries, INT64_C(1000000));
    option_put(&model->options.set_max_listpack_entries, INT64_C(1000000));
    for (int64_t i = 0; i < SMALL_RECORDS_MAX + 2; i++) {
        struct item item = item_of_integer(i * 100000);
        (void)set_add(&model->set, &model->limits, &item);
    }
    cr_assert(model->set->is_large);
    cr_assert_eq(collection_count(model->set), (uint64_t)SMALL_RECORDS_MAX + 2);
    collection_release(model->set);
    mem_free(model);
}

/* ---- Intersections of integers ---- */

static struct collection *draw_integers(struct model *model, uint32_t count, int64_t scale)
{
    struct collection *set = set_create();
    for (uint32_t i = 0; i < count; i++) {
        int64_t integer = ((int64_t)draw(model, (uint64_t)count * 2 + 50) - 40) * scale;
        struct item item = item_of_integer(integer);
        (void)set_add(&set, &model->limits, &item);
    }
    return set;
}

static void expect_intersection(const struct collection *a, const struct collection *b)
{
    int64_t *found = mem_alloc((a->count + 1) * sizeof(*found));
    int64_t *wanted = mem_alloc((a->count + 1) * sizeof(*wanted));
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        wanted[count] = intset_get(a, i);
        struct item item = item_of_integer(wanted[count]);
        count += set_has(b, &item);
    }
    cr_assert_eq(intset_intersect(a, b, UINT32_MAX, NULL), count);
    cr_assert_eq(intset_intersect(a, b, count / 2, NULL), count / 2);
    uint32_t least = a->count < b->count ? a->count : b->count;
    cr_assert_eq(intset_intersect(a, b, least, found), count);
    cr_assert_eq(memcmp(found, wanted, count * sizeof(*found)), 0);
    mem_free(found);
    mem_free(wanted);
}

Test(set, integers_intersect)
{
    static const int64_t scales[] = {1, 100, INT64_C(100000), INT64_C(100000000000)};
    struct model *model = mem_alloc(sizeof(*model));
    model_init(model, 17);
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t few = (uint32_t)draw(model, 20) + (draw(model, 2) == 0 ? 300 : 0);
        struct collection *a = draw_integers(model, few, scales[draw(model, 4)]);
        struct collection *b =
            draw_integers(model, (uint32_t)draw(model, 400), scales[draw(model, 4)]);
        expect_intersection(a, b);
        expect_intersection(b, a);
        collection_release(a);
        collection_release(b);
    }
    collection_release(model->set);
    mem_free(model);
}
