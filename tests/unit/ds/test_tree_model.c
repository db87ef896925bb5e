/* The tree against an array: random changes, searches, walks and cuts in phases of growth and
 * shrinking, with versions taken, exchanged and dropped in between and compared in full. With keys
 * (many of them equal) and without; texts short, long and behind counted pointers.
 *
 * POLLARD_LONG=1 makes it ten million steps; POLLARD_TEST_SEED another sequence. */
#include "pollard/base/mem.h"
#include "pollard/ds/tree.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Some hundreds of blocks: three levels. */
#define RECORDS 12000
#define NUMBERS 40000
#define VERSIONS 3
#define STEPS 100000
#define STEPS_LONG 5000000
#define LOOK_EVERY 5000
#define WALK 60
#define TEXT_ROOM 1024

struct entry {
    uint64_t key;
    uint32_t number; /* says the text */
};

/* What the tree must hold. */
struct state {
    struct entry entries[RECORDS];
    uint64_t count;
};

struct version {
    struct tree tree;
    struct state state;
    bool is_taken;
};

struct model {
    struct tree tree;
    struct state state;
    struct version versions[VERSIONS];
    struct version spare; /* for exchanges */
    uint64_t random;
    uint64_t keys; /* so many are in use now */
    bool is_keyed;
    bool shrinks;
    unsigned char text[TEXT_ROOM];
    unsigned char other[TEXT_ROOM];
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (model->random >> 11) % bound;
}

/* A text that says its number: mostly short; integers; some long; some too long for a block. */
static struct bytes text_of(unsigned char *out, uint32_t number)
{
    static const size_t sizes[] = {0, 0, 0, 0, 1, 10, 119, 120, 127, 500, 504, 505, 600};
    size_t extra = number % 8 == 0 ? sizes[number / 8 % 13] : 0;
    const char *form = number % 8 < 3 ? "%" PRIu32 : "text:%" PRIu32 ":";
    size_t size = (size_t)snprintf((char *)out, TEXT_ROOM, form, number);
    memset(out + size, '.', extra);
    return bytes_make(out, size + extra);
}

static uint64_t order_of(uint64_t key)
{
    return key == INT64_MAX ? key + 1 : key;
}

static uint64_t draw_key(struct model *model)
{
    /* Around the two that are one. */
    return (uint64_t)INT64_MAX - model->keys / 2 + draw(model, model->keys);
}

static struct entry draw_entry(struct model *model)
{
    uint32_t number = (uint32_t)draw(model, NUMBERS);
    return (struct entry){model->is_keyed ? draw_key(model) : 0, number};
}

static int compare(struct model *model, const struct entry *a, const struct entry *b)
{
    uint64_t left = order_of(a->key);
    uint64_t right = order_of(b->key);
    if (left != right) {
        return left < right ? -1 : 1;
    }
    return bytes_compare(text_of(model->text, a->number), text_of(model->other, b->number));
}

/* Where the entry is or belongs. */
static uint64_t place_of(struct model *model, const struct entry *entry, bool *ret_is_there)
{
    uint64_t low = 0;
    uint64_t high = model->state.count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (compare(model, &model->state.entries[middle], entry) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_is_there =
        low < model->state.count && compare(model, &model->state.entries[low], entry) == 0;
    return low;
}

static void expect_record(struct model *model, const struct tree_record *record,
                          const struct entry *entry)
{
    unsigned char scratch[ITEM_SCRATCH];
    struct bytes text = text_of(model->text, entry->number);
    cr_assert_eq(record->key, entry->key);
    cr_assert(bytes_equal(item_text(&record->item, scratch), text));
}

/* The tree's own check and a walk over all, forwards and back. */
static void expect_same(struct model *model, const struct tree *tree, const struct state *state)
{
    struct tree_cursor cursor;
    struct tree_record record;
    uint64_t rank = 0;
    tree_verify(tree);
    cr_assert_eq(tree->count, state->count);
    tree_cursor_at(tree, 0, &cursor);
    while (tree_next(&cursor, &record)) {
        cr_assert_lt(rank, state->count);
        expect_record(model, &record, &state->entries[rank++]);
    }
    cr_assert_eq(rank, state->count);
    while (tree_previous(&cursor, &record)) {
        cr_assert_gt(rank, 0);
        expect_record(model, &record, &state->entries[--rank]);
    }
    cr_assert_eq(rank, 0);
}

static void state_insert(struct state *state, uint64_t rank, struct entry entry)
{
    struct entry *at = &state->entries[rank];
    memmove(at + 1, at, (state->count - rank) * sizeof(*at));
    *at = entry;
    state->count++;
}

static void state_remove(struct state *state, uint64_t rank, uint64_t count)
{
    struct entry *at = &state->entries[rank];
    memmove(at, at + count, (state->count - rank - count) * sizeof(*at));
    state->count -= count;
}

/* ---- Steps ---- */

static void step_insert(struct model *model)
{
    struct entry entry = draw_entry(model);
    struct tree_record record = {.key = entry.key};
    uint64_t places[] = {0, model->state.count, draw(model, model->state.count + 1),
                         draw(model, model->state.count + 1)};
    uint64_t rank = places[draw(model, 4)];
    bool is_there = false;
    if (model->is_keyed) {
        rank = place_of(model, &entry, &is_there);
    }
    if (is_there || model->state.count == RECORDS) {
        return;
    }
    cr_assert_eq(item_make(text_of(model->text, entry.number), NULL, &record.item), STATUS_OK);
    if (model->is_keyed && draw(model, 4) != 0) {
        cr_assert_eq(tree_add(&model->tree, &record), rank);
    } else {
        tree_insert(&model->tree, rank, &record);
    }
    item_unmake(&record.item);
    state_insert(&model->state, rank, entry);
}

/* What is pushed at one end, a hundred at once. */
static void step_push(struct model *model)
{
    bool at_end = draw(model, 2) != 0;
    for (int i = 0; i < 100 && !model->is_keyed && model->state.count < RECORDS; i++) {
        struct entry entry = draw_entry(model);
        struct tree_record record = {0};
        uint64_t rank = at_end ? model->state.count : 0;
        cr_assert_eq(item_make(text_of(model->text, entry.number), NULL, &record.item), STATUS_OK);
        tree_insert(&model->tree, rank, &record);
        item_unmake(&record.item);
        state_insert(&model->state, rank, entry);
    }
}

/* Some are taken from one end, as pops do. */
static void step_pop(struct model *model)
{
    bool at_end = draw(model, 2) != 0;
    for (int i = 0; i < 100 && model->state.count > 0; i++) {
        uint64_t rank = at_end ? model->state.count - 1 : 0;
        tree_remove(&model->tree, rank);
        state_remove(&model->state, rank, 1);
    }
}

static void step_remove(struct model *model)
{
    struct state *state = &model->state;
    if (state->count == 0) {
        return;
    }
    uint64_t rank = draw(model, state->count);
    struct entry entry = state->entries[rank];
    if (model->is_keyed && draw(model, 4) != 0) {
        struct item item = item_of(text_of(model->text, entry.number));
        cr_assert(tree_drop(&model->tree, entry.key, &item));
    } else {
        tree_remove(&model->tree, rank);
    }
    state_remove(state, rank, 1);
}

/* One that most likely is not there. */
static void step_drop(struct model *model)
{
    struct entry entry = draw_entry(model);
    bool is_there;
    if (!model->is_keyed) {
        return;
    }
    uint64_t rank = place_of(model, &entry, &is_there);
    struct item item = item_of(text_of(model->text, entry.number));
    cr_assert_eq(tree_drop(&model->tree, entry.key, &item), is_there);
    if (is_there) {
        state_remove(&model->state, rank, 1);
    }
}

static void step_replace(struct model *model)
{
    struct item item;
    if (model->is_keyed || model->state.count == 0) {
        return;
    }
    uint64_t rank = draw(model, model->state.count);
    uint32_t number = draw_entry(model).number;
    cr_assert_eq(item_make(text_of(model->text, number), NULL, &item), STATUS_OK);
    tree_replace(&model->tree, rank, &item);
    item_unmake(&item);
    model->state.entries[rank].number = number;
}

static void step_find(struct model *model)
{
    struct state *state = &model->state;
    struct entry entry = draw_entry(model);
    struct tree_record record;
    uint64_t found;
    bool is_there;
    if (state->count > 0) {
        uint64_t rank = draw(model, state->count);
        tree_get(&model->tree, rank, &record);
        expect_record(model, &record, &state->entries[rank]);
        entry = draw(model, 2) == 0 ? entry : state->entries[rank];
    }
    if (!model->is_keyed) {
        return;
    }
    uint64_t rank = place_of(model, &entry, &is_there);
    struct item item = item_of(text_of(model->text, entry.number));
    cr_assert_eq(tree_find(&model->tree, entry.key, &item, &found), is_there);
    cr_assert_eq(found, rank);
    cr_assert_eq(tree_rank(&model->tree, entry.key, &item, false), rank);
    cr_assert_eq(tree_rank(&model->tree, entry.key, &item, true), rank + is_there);
    uint64_t key = order_of(entry.key);
    uint64_t below = rank;
    while (below > 0 && order_of(state->entries[below - 1].key) >= key) {
        below--;
    }
    while (rank < state->count && order_of(state->entries[rank].key) <= key) {
        rank++;
    }
    cr_assert_eq(tree_rank_key(&model->tree, entry.key, false), below);
    cr_assert_eq(tree_rank_key(&model->tree, entry.key, true), rank);
}

/* From somewhere on to and fro. */
static void step_walk(struct model *model)
{
    struct tree_cursor cursor;
    struct tree_record record;
    uint64_t rank = draw(model, model->state.count + 1);
    tree_cursor_at(&model->tree, rank, &cursor);
    for (int i = 0; i < WALK; i++) {
        if (draw(model, 40) < (model->shrinks ? 10 : 30)) {
            cr_assert_eq(tree_next(&cursor, &record), rank < model->state.count);
            if (rank < model->state.count) {
                expect_record(model, &record, &model->state.entries[rank++]);
            }
        } else {
            cr_assert_eq(tree_previous(&cursor, &record), rank > 0);
            if (rank > 0) {
                expect_record(model, &record, &model->state.entries[--rank]);
            }
        }
    }
}

/* A part is taken out: looked through, changed and dropped. */
static void step_cut(struct model *model)
{
    struct state *state = &model->state;
    struct tree cut;
    struct tree_cursor cursor;
    struct tree_record record;
    uint64_t rank = draw(model, state->count + 1);
    uint64_t most = draw(model, 8) == 0 ? state->count - rank : (state->count - rank) % 300;
    uint64_t count = draw(model, most + 1);
    tree_cut(&model->tree, rank, count, &cut);
    tree_verify(&cut);
    cr_assert_eq(cut.count, count);
    tree_cursor_at(&cut, 0, &cursor);
    for (uint64_t i = 0; i < count; i++) {
        cr_assert(tree_next(&cursor, &record));
        expect_record(model, &record, &state->entries[rank + i]);
    }
    for (int i = 0; i < 20 && cut.count > 0; i++) {
        tree_remove(&cut, draw(model, cut.count));
        tree_verify(&cut);
    }
    tree_clear(&cut);
    state_remove(state, rank, count);
}

static void drop_version(struct model *model, struct version *version)
{
    if (version->is_taken) {
        expect_same(model, &version->tree, &version->state);
        tree_clear(&version->tree);
        version->is_taken = false;
    }
}

static void step_version(struct model *model)
{
    struct version *version = &model->versions[draw(model, VERSIONS)];
    if (version->is_taken && draw(model, 3) == 0) {
        /* Which of the two is changed from now on makes no difference. */
        model->spare = *version;
        version->tree = model->tree;
        version->state = model->state;
        model->tree = model->spare.tree;
        model->state = model->spare.state;
        return;
    }
    drop_version(model, version);
    if (draw(model, 4) != 0) {
        tree_copy(&model->tree, &version->tree);
        version->state = model->state;
        version->is_taken = true;
    }
}

static void step(struct model *model)
{
    uint64_t what = draw(model, 100000);
    if (what < 60) {
        step_version(model);
    } else if (what < 120) {
        step_cut(model);
    } else if (what < 220) {
        step_push(model);
    } else if (what < 270) {
        step_pop(model);
    } else if (what < 3000) {
        step_walk(model);
    } else if (what < 20000) {
        step_find(model);
    } else if (what < 25000) {
        step_drop(model);
    } else if (what < 35000) {
        step_replace(model);
    } else if ((what < 80000) != model->shrinks) {
        step_insert(model);
    } else {
        step_remove(model);
    }
}

static void change_phase(struct model *model)
{
    static const uint64_t keys[] = {1, 2, 5, 300, 100000};
    if (draw(model, 30) == 0) {
        tree_clear(&model->tree);
        model->state.count = 0;
    }
    model->keys = keys[draw(model, 5)];
    bool grows = draw(model, 4) == 0;
    for (uint64_t i = 0; grows && i < RECORDS / 2; i++) {
        step_insert(model);
    }
    model->shrinks = draw(model, 5) < 2;
}

static void run(bool is_keyed)
{
    const char *given = getenv("POLLARD_TEST_SEED");
    const char *is_long = getenv("POLLARD_LONG");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : UINT64_C(88172645463325252);
    uint32_t steps = is_long != NULL && strcmp(is_long, "1") == 0 ? STEPS_LONG : STEPS;
    mem_thread_begin();
    cr_log_info("seed %" PRIu64, seed);
    size_t used = mem_used();
    struct model *model = mem_alloc_zero(sizeof(*model));
    model->random = seed + is_keyed;
    model->is_keyed = is_keyed;
    tree_init(&model->tree, is_keyed);
    for (uint32_t i = 0; i < steps; i++) {
        if (i % LOOK_EVERY == 0) {
            expect_same(model, &model->tree, &model->state);
            change_phase(model);
        }
        step(model);
        cr_assert_eq(model->tree.count, model->state.count, "seed %" PRIu64 ", step %" PRIu32, seed,
                     i);
    }
    for (int i = 0; i < VERSIONS; i++) {
        drop_version(model, &model->versions[i]);
    }
    expect_same(model, &model->tree, &model->state);
    tree_clear(&model->tree);
    mem_free(model);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
}

Test(tree_model, does_as_an_array_does)
{
    run(false);
}

Test(tree_model, does_as_a_sorted_array_does)
{
    run(true);
}
