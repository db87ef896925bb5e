/* The work of SORT: from a version, inside the access when it is little, else on the pool with no
 * key held.
 *
 *   collect -> look up what to sort by -> sort -> gather what is asked for, into a list */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/value/list.h"
#include "sort.h"
#include <math.h>
#include <stdlib.h>

/* Elements between two looks at whether to go on. */
#define SLICE 1024
#define LOOKUP_SLICE 64

/* The part of the sorted elements that is wanted. */
static void find_part(const struct sort_options *options, uint64_t count, uint64_t *ret_first,
                      uint64_t *ret_end)
{
    uint64_t first = options->offset < 0 ? 0 : (uint64_t)options->offset;
    first = first < count ? first : count;
    uint64_t most = options->limit < 0 ? count : (uint64_t)options->limit;
    *ret_first = first;
    *ret_end = most < count - first ? first + most : count;
}

uint64_t sort_weight(const struct sort_work *sort)
{
    uint64_t count = sort->version == NULL ? 0 : collection_count(sort->version);
    uint64_t first;
    uint64_t end;
    if (!sort->options.skips_sorting || sort->version == NULL || sort->version->type == VALUE_SET) {
        return count;
    }
    find_part(&sort->options, count, &first, &end);
    return end - first;
}

/* ---- Collecting ---- */

/* What is not to be sorted is taken in the order of the walk, and only the part that is wanted. */
static enum status collect(struct exec *x, struct sort_work *sort)
{
    const struct sort_options *options = &sort->options;
    uint64_t first = 0;
    uint64_t end = collection_count(sort->version);
    struct cursor_start start = {0};
    struct collection_cursor cursor;
    struct element element;
    if (options->skips_sorting) {
        find_part(options, end, &first, &end);
        start.is_reverse = options->is_descending && sort->version->type != VALUE_SET;
        start.rank = sort->version->type == VALUE_SET ? 0 : first;
    }
    sort->elements = mem_try_alloc((size_t)(end - first + 1) * sizeof(*sort->elements));
    if (sort->elements == NULL) {
        return STATUS_ALLOCATION;
    }
    collection_cursor_begin(&cursor, sort->version, &start);
    uint64_t skip = first - start.rank;
    for (uint64_t i = 0; i < end - start.rank; i++) {
        check(collection_cursor_next(&cursor, &element));
        if (i >= skip) {
            sort->elements[sort->count++] = (struct sort_element){.item = element.member};
        }
        if (i % SLICE == SLICE - 1 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}

/* ---- What to sort by ---- */

static bool read_score(const struct item *item, double *ret_score)
{
    char text[ITEM_EMBED_MAX + 1];
    char *end;
    if (item_is_integer(item)) {
        *ret_score = (double)item->integer;
        return true;
    }
    if (item->size >= sizeof(text)) {
        return false;
    }
    memcpy(text, item->data, item->size);
    text[item->size] = '\0';
    /* As Redis does: nothing is 0, blanks may go before a number. */
    *ret_score = strtod(text, &end);
    return *end == '\0' && !isnan(*ret_score);
}

struct by_taker {
    struct sort_work *sort;
    struct sort_element *element;
    bool is_bad;
};

static void take_by(void *argument, const struct value *value, const struct item *field)
{
    struct by_taker *taker = argument;
    unsigned char scratch[ITEM_SCRATCH];
    if (value == NULL && field == NULL) {
        return;
    }
    struct item item;
    if (value != NULL) {
        item = item_of(value_string_bytes(value, scratch));
    } else {
        item = *field;
    }
    if (!taker->sort->options.is_alpha) {
        taker->is_bad = !read_score(&item, &taker->element->score);
        return;
    }
    /* The place is noted first: the buffer may move while it grows. */
    unsigned char digits[ITEM_SCRATCH];
    struct bytes text = item_text(&item, digits);
    taker->element->text = bytes_make((void *)(taker->sort->texts.size + 1), text.size);
    buf_append(&taker->sort->texts, text);
}

/* Scores, or texts, of all elements. */
static enum status find_keys(struct exec *x, struct sort_work *sort)
{
    bool looks_up = sort->options.by.data != NULL;
    for (uint64_t i = 0; i < sort->count; i++) {
        struct sort_element *element = &sort->elements[i];
        if (looks_up) {
            struct by_taker taker = {.sort = sort, .element = element};
            sort_lookup(x, sort->options.by, &element->item, take_by, &taker);
            if (taker.is_bad) {
                return STATUS_SORT_SCORE;
            }
        } else if (!sort->options.is_alpha && !read_score(&element->item, &element->score)) {
            return STATUS_SORT_SCORE;
        }
        if (i % LOOKUP_SLICE == LOOKUP_SLICE - 1 && looks_up && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    for (uint64_t i = 0; i < sort->count && looks_up && sort->options.is_alpha; i++) {
        struct bytes *text = &sort->elements[i].text;
        if (text->data != NULL) {
            text->data = sort->texts.data + ((uintptr_t)text->data - 1);
        }
    }
    return STATUS_OK;
}

/* ---- Sorting: merges, so that it can be done in slices, and equal ones keep their order ---- */

static int compare(const struct sort_options *options, const struct sort_element *a,
                   const struct sort_element *b)
{
    int order;
    if (!options->is_alpha) {
        order = a->score < b->score ? -1 : a->score > b->score;
        order = order != 0 ? order : item_compare(&a->item, &b->item);
    } else if (options->by.data == NULL) {
        order = item_compare(&a->item, &b->item);
    } else if (a->text.data == NULL || b->text.data == NULL) {
        order = (a->text.data != NULL) - (b->text.data != NULL);
    } else {
        order = bytes_compare(a->text, b->text);
    }
    return options->is_descending ? -order : order;
}

static void merge(const struct sort_work *sort, struct sort_element *out, uint64_t first,
                  uint64_t width)
{
    const struct sort_element *in = sort->elements;
    uint64_t middle = first + width < sort->count ? first + width : sort->count;
    uint64_t end = middle + width < sort->count ? middle + width : sort->count;
    uint64_t left = first;
    uint64_t right = middle;
    for (uint64_t i = first; i < end; i++) {
        bool takes_left =
            right >= end || (left < middle && compare(&sort->options, &in[left], &in[right]) <= 0);
        out[i] = in[takes_left ? left++ : right++];
    }
}

static enum status sort_elements(struct exec *x, struct sort_work *sort)
{
    struct sort_element *other = mem_try_alloc((size_t)(sort->count + 1) * sizeof(*other));
    enum status status = STATUS_OK;
    if (other == NULL) {
        return STATUS_ALLOCATION;
    }
    for (uint64_t width = 1; width < sort->count && status == STATUS_OK; width *= 2) {
        uint64_t since = 0;
        for (uint64_t first = 0; first < sort->count && status == STATUS_OK; first += 2 * width) {
            merge(sort, other, first, width);
            since += 2 * width;
            if (since >= SLICE) {
                since = 0;
                status = exec_breathe(x) ? STATUS_REPLIED : STATUS_OK;
            }
        }
        struct sort_element *sorted = other;
        other = sort->elements;
        sort->elements = sorted;
    }
    mem_free(other);
    return status;
}

/* ---- Gathering ---- */

struct get_taker {
    struct exec *x;
    struct sort_work *sort;
    uint64_t row;
    enum status status;
};

static void push(struct get_taker *taker, const struct item *item)
{
    list_push(&taker->sort->result, LIST_TAIL, item, &taker->x->services->value_limits);
}

static void take_get(void *argument, const struct value *value, const struct item *field)
{
    struct get_taker *taker = argument;
    unsigned char scratch[ITEM_SCRATCH];
    if (field != NULL) {
        push(taker, field);
    } else if (value != NULL) {
        struct item item;
        taker->status = item_make(value_string_bytes(value, scratch), value->blob, &item);
        if (taker->status == STATUS_OK) {
            push(taker, &item);
            item_unmake(&item);
        }
    } else {
        struct item nothing = item_of(bytes_make("", 0));
        push(taker, &nothing);
        taker->sort->missing[taker->row / 8] |= (unsigned char)(1U << taker->row % 8);
    }
}

/* The values of one element's patterns. */
static enum status gather_row(struct exec *x, struct sort_work *sort, const struct item *element,
                              struct get_taker *taker)
{
    uint32_t index = sort->options.first_get;
    for (uint32_t i = 0; i < sort->options.get_count; i++) {
        struct bytes pattern = sort_next_get(x, &index);
        if (pattern.size == 1 && pattern.data[0] == '#') {
            push(taker, element);
        } else if (pattern.size == 0 || memchr(pattern.data, '*', pattern.size) == NULL) {
            take_get(taker, NULL, NULL);
        } else {
            sort_lookup(x, pattern, element, take_get, taker);
        }
        taker->row++;
    }
    return taker->status;
}

static enum status gather(struct exec *x, struct sort_work *sort)
{
    struct get_taker taker = {.x = x, .sort = sort, .status = STATUS_OK};
    uint64_t first = 0;
    uint64_t end = sort->count;
    if (!sort->options.skips_sorting) {
        find_part(&sort->options, sort->count, &first, &end);
    }
    if (sort->options.get_count > 0) {
        sort->missing = mem_alloc_zero((size_t)((end - first) * sort->options.get_count / 8 + 1));
    }
    for (uint64_t i = first; i < end && taker.status == STATUS_OK; i++) {
        const struct item *element = &sort->elements[i].item;
        if (sort->options.get_count == 0) {
            push(&taker, element);
        } else {
            (void)gather_row(x, sort, element, &taker);
        }
        if (i % LOOKUP_SLICE == LOOKUP_SLICE - 1 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return taker.status;
}

enum status sort_run(struct exec *x, struct exec_work *work)
{
    struct sort_work *sort = (struct sort_work *)work;
    collection_release(sort->result);
    mem_free(sort->elements);
    sort->elements = NULL;
    sort->count = 0;
    sort->result = list_create(0);
    if (sort->version == NULL) {
        return STATUS_OK;
    }
    enum status status = collect(x, sort);
    if (status == STATUS_OK && !sort->options.skips_sorting) {
        status = find_keys(x, sort);
        status = status == STATUS_OK ? sort_elements(x, sort) : status;
    }
    return status == STATUS_OK ? gather(x, sort) : status;
}

void sort_free(struct exec_work *work, struct keyspace *keyspace)
{
    struct sort_work *sort = (struct sort_work *)work;
    keyspace_discard_collection(keyspace, sort->version);
    keyspace_discard_collection(keyspace, sort->result);
    mem_free(sort->elements);
    mem_free(sort->missing);
    buf_deinit(&sort->texts);
    mem_free(sort);
}
