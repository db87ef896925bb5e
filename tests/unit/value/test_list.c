/* Lists against a naive array: random operations over both forms and all limits, with versions
 * taken and dropped in between. The seed is printed when it fails. */
#include "pollard/base/mem.h"
#include "pollard/value/list.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 200000
#define ITEMS_MAX 1500
#define LOOK_EVERY 200
#define VERSIONS 4

struct text {
    size_t size;
    unsigned char bytes[1024];
};

struct sequence {
    size_t count;
    struct text **texts;
};

struct version {
    struct collection *list;
    struct sequence sequence;
};

struct model {
    uint64_t random;
    struct value_options options;
    struct value_limits limits;
    struct collection *list;
    struct sequence sequence;
    struct version versions[VERSIONS];
    bool grows;
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (model->random >> 11) % bound;
}

static void sequence_init(struct sequence *sequence)
{
    sequence->count = 0;
    sequence->texts = mem_alloc(2 * ITEMS_MAX * sizeof(*sequence->texts));
}

static void sequence_put(struct sequence *sequence, size_t index, const struct text *text)
{
    struct text *copy = mem_alloc(sizeof(*copy));
    *copy = *text;
    memmove(sequence->texts + index + 1, sequence->texts + index,
            (sequence->count - index) * sizeof(*sequence->texts));
    sequence->texts[index] = copy;
    sequence->count++;
}

static void sequence_drop(struct sequence *sequence, size_t index, size_t count)
{
    for (size_t i = index; i < index + count; i++) {
        mem_free(sequence->texts[i]);
    }
    memmove(sequence->texts + index, sequence->texts + index + count,
            (sequence->count - index - count) * sizeof(*sequence->texts));
    sequence->count -= count;
}

static void sequence_deinit(struct sequence *sequence)
{
    sequence_drop(sequence, 0, sequence->count);
    mem_free(sequence->texts);
}

static struct bytes bytes_of(const struct text *text)
{
    return bytes_make(text->bytes, text->size);
}

static bool is_text(const struct item *item, const struct text *text)
{
    unsigned char scratch[ITEM_SCRATCH];
    return bytes_equal(item_text(item, scratch), bytes_of(text));
}

static void expect_walk(const struct collection *list, const struct sequence *sequence,
                        bool is_reverse, uint64_t rank)
{
    const struct cursor_start start = {.rank = rank, .is_reverse = is_reverse};
    struct collection_cursor cursor;
    struct element element;
    collection_cursor_begin(&cursor, list, &start);
    for (uint64_t i = rank; i < sequence->count; i++) {
        cr_assert(collection_cursor_next(&cursor, &element));
        size_t at = (size_t)(is_reverse ? sequence->count - 1 - i : i);
        cr_assert(is_text(&element.member, sequence->texts[at]), "item %zu", at);
    }
    cr_assert_not(collection_cursor_next(&cursor, &element));
}

static void expect_same(struct model *model, const struct collection *list,
                        const struct sequence *sequence)
{
    cr_assert_eq(collection_count(list), sequence->count);
    expect_walk(list, sequence, false, draw(model, sequence->count + 1));
    expect_walk(list, sequence, true, draw(model, sequence->count + 1));
    expect_walk(list, sequence, false, 0);
}

static void draw_text(struct model *model, struct text *text)
{
    static const size_t sizes[] = {2, 5, 20, 60, 130, 520, 1000};
    if (draw(model, 3) == 0) {
        text->size = (size_t)snprintf((char *)text->bytes, sizeof(text->bytes), "%lld",
                                      (long long)draw(model, 300) - 100);
        return;
    }
    text->size = (size_t)draw(model, sizes[draw(model, draw(model, 8) == 0 ? 7 : 4)]);
    for (size_t i = 0; i < text->size; i++) {
        text->bytes[i] = (unsigned char)('a' + draw(model, 3));
    }
}

static struct item make_item(const struct text *text)
{
    struct item item;
    cr_assert_eq(item_make(bytes_of(text), NULL, &item), STATUS_OK);
    return item;
}

static void step_put(struct model *model)
{
    struct text text;
    draw_text(model, &text);
    struct item item = make_item(&text);
    size_t count = model->sequence.count;
    switch (draw(model, 4)) {
    case 0:
        list_push(&model->list, LIST_HEAD, &item, &model->limits);
        sequence_put(&model->sequence, 0, &text);
        break;
    case 1:
        list_push(&model->list, LIST_TAIL, &item, &model->limits);
        sequence_put(&model->sequence, count, &text);
        break;
    case 2: {
        size_t index = (size_t)draw(model, count + 1);
        list_insert(&model->list, index, &item, &model->limits);
        sequence_put(&model->sequence, index, &text);
        break;
    }
    default:
        if (count > 0) {
            size_t index = (size_t)draw(model, count);
            list_replace(&model->list, index, &item, &model->limits);
            sequence_drop(&model->sequence, index, 1);
            sequence_put(&model->sequence, index, &text);
        }
    }
    item_unmake(&item);
}

static void step_pop(struct model *model)
{
    enum list_end end = draw(model, 2) == 0 ? LIST_HEAD : LIST_TAIL;
    size_t index = end == LIST_HEAD ? 0 : model->sequence.count - 1;
    struct list_popped popped;
    list_pop(&model->list, end, &model->limits, &popped);
    cr_assert(is_text(&popped.item, model->sequence.texts[index]));
    list_popped_end(&popped);
    sequence_drop(&model->sequence, index, 1);
}

static void step_get_remove(struct model *model)
{
    size_t index = (size_t)draw(model, model->sequence.count);
    struct item item;
    list_get(model->list, index, &item);
    cr_assert(is_text(&item, model->sequence.texts[index]));
    list_remove(&model->list, index, &model->limits);
    sequence_drop(&model->sequence, index, 1);
}

static void step_cut(struct model *model)
{
    size_t count = model->sequence.count;
    size_t index = (size_t)draw(model, count + 1);
    size_t cut_count =
        (size_t)draw(model, draw(model, 20) == 0 ? count - index + 1 : 1 + count / 50);
    cut_count = cut_count > count - index ? count - index : cut_count;
    struct collection *cut = list_cut(&model->list, index, cut_count, &model->limits);
    struct sequence part = {.count = cut_count, .texts = model->sequence.texts + index};
    expect_same(model, cut, &part);
    collection_release(cut);
    sequence_drop(&model->sequence, index, cut_count);
}

static void step_search(struct model *model)
{
    struct text text;
    struct list_search search;
    draw_text(model, &text);
    size_t count = model->sequence.count;
    bool is_reverse = draw(model, 2) == 0;
    uint64_t look_max = draw(model, 2) == 0 ? UINT64_MAX : draw(model, count + 2);
    list_search_begin(&search, model->list, bytes_of(&text), look_max, is_reverse);
    for (size_t i = 0; i < count && i < look_max; i++) {
        size_t at = is_reverse ? count - 1 - i : i;
        if (!bytes_equal(bytes_of(&text), bytes_of(model->sequence.texts[at]))) {
            continue;
        }
        uint64_t index = UINT64_MAX;
        enum list_found found;
        do {
            uint64_t budget = 1 + draw(model, 100);
            found = list_search_next(&search, &budget, &index);
        } while (found == LIST_PAUSED);
        cr_assert_eq(found, LIST_FOUND);
        cr_assert_eq(index, at);
    }
    uint64_t index;
    uint64_t budget = UINT64_MAX;
    cr_assert_eq(list_search_next(&search, &budget, &index), LIST_END);
}

/* Takes the first limit ones that equal the text out of the sequence; returns their number. */
static uint64_t sequence_remove(struct sequence *sequence, const struct list_wanted *wanted)
{
    uint64_t found = 0;
    size_t left = sequence->count;
    size_t at = wanted->is_reverse ? sequence->count : 0;
    for (; left > 0 && (wanted->limit == 0 || found < wanted->limit); left--) {
        at -= wanted->is_reverse ? 1 : 0;
        if (bytes_equal(wanted->text, bytes_of(sequence->texts[at]))) {
            sequence_drop(sequence, at, 1);
            found++;
        } else {
            at += wanted->is_reverse ? 0 : 1;
        }
    }
    return found;
}

static void step_remove_equal(struct model *model)
{
    struct text text;
    struct list_removal removal;
    draw_text(model, &text);
    const struct list_wanted wanted = {
        .text = bytes_of(&text), .limit = draw(model, 4), .is_reverse = draw(model, 2) == 0};
    struct collection *version = collection_acquire(model->list);
    list_removal_begin(&removal, version, &wanted, &model->limits);
    uint64_t budget = 1 + draw(model, 3000);
    while (!list_removal_prepare(&removal, &budget)) {
        budget = 1 + draw(model, 3000);
    }
    cr_assert_eq(removal.found, sequence_remove(&model->sequence, &wanted));
    collection_own(&model->list);
    collection_release(list_removal_finish(&removal, &model->list));
    list_removal_end(&removal);
    collection_release(version);
}

static void drop_version(struct model *model, struct version *version)
{
    if (version->list != NULL) {
        expect_same(model, version->list, &version->sequence);
        collection_release(version->list);
        sequence_deinit(&version->sequence);
        version->list = NULL;
    }
}

static void step_version(struct model *model)
{
    struct version *version = &model->versions[draw(model, VERSIONS)];
    drop_version(model, version);
    version->list = collection_acquire(model->list);
    sequence_init(&version->sequence);
    for (size_t i = 0; i < model->sequence.count; i++) {
        sequence_put(&version->sequence, i, model->sequence.texts[i]);
    }
}

static void step(struct model *model)
{
    static const int64_t limits[] = {-2, -1, -5, 4, 128, 1000, 0, -9};
    collection_own(&model->list);
    size_t count = model->sequence.count;
    uint64_t kind = draw(model, 200);
    if (kind == 0) {
        option_put(&model->options.list_max_listpack_size, limits[draw(model, 8)]);
    } else if (kind < 3) {
        step_version(model);
    } else if (kind < 6 && draw(model, 3) == 0) {
        step_cut(model);
    } else if (kind < 20) {
        step_search(model);
    } else if (kind < 26) {
        step_remove_equal(model);
    } else if (count == 0 || (count < ITEMS_MAX && draw(model, 100) < (model->grows ? 65 : 40))) {
        step_put(model);
    } else if (draw(model, 4) == 0) {
        step_get_remove(model);
    } else {
        step_pop(model);
    }
    if (draw(model, 3000) == 0) {
        model->grows = !model->grows;
    }
}

static void expect_form(const struct collection *list)
{
    if (list->is_large) {
        tree_verify((const struct tree *)(const void *)list->pack);
        return;
    }
    cr_assert_eq(list->encoding, ENCODING_LISTPACK);
    cr_assert_leq(list->count, LIST_SMALL_RECORDS);
    cr_assert_leq(list->size, LIST_SMALL_SIZE);
    cr_assert(pack_verify(list->pack, small_end(list)));
}

Test(list, does_as_an_array_does)
{
    uint64_t seed = 88172645463325252u;
    const char *given = getenv("POLLARD_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : seed;
    struct model model = {.random = seed, .grows = true};
    size_t used = mem_used();
    option_put(&model.options.list_max_listpack_size, -2);
    model.limits.options = &model.options;
    model.list = list_create(0);
    sequence_init(&model.sequence);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(&model);
        cr_assert_eq(collection_count(model.list), model.sequence.count,
                     "seed %" PRIu64 ", step %u", seed, i);
        if (i % LOOK_EVERY == 0) {
            expect_form(model.list);
            expect_same(&model, model.list, &model.sequence);
        }
    }
    for (int i = 0; i < VERSIONS; i++) {
        drop_version(&model, &model.versions[i]);
    }
    collection_release(model.list);
    sequence_deinit(&model.sequence);
    cr_assert_eq(mem_used(), used);
}

static void push_text(struct collection **list, const char *text, const struct value_limits *limits)
{
    struct item item = item_of(bytes_text(text));
    list_push(list, LIST_TAIL, &item, limits);
}

Test(list, is_called_listpack_within_its_limit)
{
    struct value_options options = {0};
    const struct value_limits limits = {.options = &options};
    struct list_popped popped;
    option_put(&options.list_max_listpack_size, 4);
    struct collection *list = list_create(0);
    for (int i = 0; i < 4; i++) {
        push_text(&list, "a", &limits);
        cr_expect_eq(list->encoding, ENCODING_LISTPACK);
    }
    push_text(&list, "a", &limits);
    cr_expect_eq(list->encoding, ENCODING_QUICKLIST);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(list->encoding, ENCODING_QUICKLIST);
        list_pop(&list, LIST_HEAD, &limits, &popped);
        list_popped_end(&popped);
    }
    cr_expect_eq(list->encoding, ENCODING_LISTPACK);
    cr_expect_not(list->is_large);
    collection_release(list);
}

Test(list, is_called_listpack_within_its_size)
{
    static const struct {
        int64_t limit;
        uint64_t most; /* items of 10 bytes: 12 in a listpack, whose frame takes 7 */
    } rows[] = {{-1, 340},  {-2, 682},    {-3, 1364}, {-4, 2730},
                {-5, 5460}, {-100, 5460}, {1000, 682}};
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct value_options options = {0};
        const struct value_limits limits = {.options = &options};
        option_put(&options.list_max_listpack_size, rows[row].limit);
        struct collection *list = list_create(0);
        uint64_t count = 0;
        while (list->encoding == ENCODING_LISTPACK) {
            push_text(&list, "abcdefghij", &limits);
            count++;
        }
        cr_expect_eq(count, rows[row].most + 1, "limit %" PRId64 ": %" PRIu64, rows[row].limit,
                     count);
        struct collection *cut = list_cut(&list, 3, count - 5, &limits);
        cr_expect_eq(list->encoding, ENCODING_LISTPACK);
        cr_expect_eq(collection_count(cut), count - 5);
        collection_release(cut);
        collection_release(list);
    }
}

Test(list, a_long_item_makes_it_large)
{
    struct value_options options = {0};
    const struct value_limits limits = {.options = &options};
    option_put(&options.list_max_listpack_size, -2);
    unsigned char text[9000];
    memset(text, 'x', sizeof(text));
    struct item item;
    struct collection *list = list_create(0);
    push_text(&list, "a", &limits);
    cr_assert_eq(item_make(bytes_make(text, 600), NULL, &item), STATUS_OK);
    list_push(&list, LIST_HEAD, &item, &limits);
    item_unmake(&item);
    cr_expect(list->is_large);
    cr_expect_eq(list->encoding, ENCODING_LISTPACK);
    cr_assert_eq(item_make(bytes_make(text, sizeof(text)), NULL, &item), STATUS_OK);
    list_replace(&list, 0, &item, &limits);
    cr_expect_eq(list->encoding, ENCODING_QUICKLIST);
    cr_expect_gt(collection_memory(list, 0), sizeof(text));
    item_unmake(&item);
    list_remove(&list, 0, &limits);
    cr_expect_eq(list->encoding, ENCODING_LISTPACK);
    cr_expect_not(list->is_large);
    collection_release(list);
}
