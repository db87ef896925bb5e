/* The forms of lists: when a list changes its encoding or its form, and how.
 *
 * On the data path of every push and pop; the owner's thread. A conversion copies no more than a
 * small list. */
#include "form.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Header and end of a listpack. */
#define LISTPACK_FRAME 7
/* More than an item's cost can be above its packed size here. */
#define COST_ABOVE_PACKED 4
/* Most items of a list whose cost is counted again after a cut. Longer ones are no listpacks. */
#define RECOUNT_MAX 4096
/* A list by items must be within this size too, as in Redis. */
#define SAFE_SIZE 8192

struct limit {
    uint64_t size;
    uint64_t count;
};

static struct limit limit_of(const struct value_limits *limits)
{
    int64_t option = option_get(&limits->options->list_max_listpack_size);
    if (option < 0) {
        int64_t step = option < -5 ? 4 : -option - 1;
        return (struct limit){UINT64_C(4096) << step, UINT64_MAX};
    }
    return (struct limit){SAFE_SIZE, option == 0 ? 1 : (uint64_t)option};
}

uint64_t list_cost_any(const struct item *item)
{
    if (item->data == NULL) {
        int64_t integer = item->integer;
        if (integer >= 0 && integer <= 127) {
            return 2;
        }
        if (integer >= -4096 && integer <= 4095) {
            return 3;
        }
        if (integer >= INT16_MIN && integer <= INT16_MAX) {
            return 4;
        }
        if (integer >= -(1 << 23) && integer < 1 << 23) {
            return 5;
        }
        return integer >= INT32_MIN && integer <= INT32_MAX ? 6 : 10;
    }
    uint64_t size = item->size + (item->size <= 63 ? 1 : item->size <= 4095 ? 2 : 5);
    return size + (size <= 127 ? 1 : size <= 16383 ? 2 : size <= 2097151 ? 3 : 5);
}

static uint64_t count_cost(const struct collection *list)
{
    struct collection_cursor cursor;
    struct element element;
    uint64_t cost = 0;
    collection_cursor_begin(&cursor, list, &(struct cursor_start){0});
    while (collection_cursor_next(&cursor, &element)) {
        cost += list_cost(&element.member);
    }
    return cost;
}

struct collection *list_create_large(void)
{
    struct collection *list = small_create(VALUE_LIST, ENCODING_LISTPACK, sizeof(struct list_body));
    list->is_large = 1;
    list_body(list)->cost = 0;
    tree_init(&list_body(list)->tree, false);
    return list;
}

static void make_large(struct collection **list)
{
    struct collection *small = *list;
    struct collection *large = list_create_large();
    struct list_body *body = list_body(large);
    struct tree_record record = {0};
    const unsigned char *at = small->pack;
    const unsigned char *end = small_end(small);
    while (at < end) {
        at = item_read(at, &record.item);
        tree_insert(&body->tree, body->tree.count, &record);
        body->cost += list_cost(&record.item);
    }
    mem_free(small);
    *list = large;
}

/* Unless there is a blob among the items. */
static void make_small(struct collection **list)
{
    struct collection *large = *list;
    struct collection *small =
        small_create(VALUE_LIST, ENCODING_LISTPACK, (size_t)list_body(large)->cost);
    struct tree_cursor cursor;
    struct tree_record record;
    unsigned char *out = small->pack;
    tree_cursor_at(&list_body(large)->tree, 0, &cursor);
    while (tree_next(&cursor, &record)) {
        if (record.item.blob != NULL) {
            mem_free(small);
            return;
        }
        out = item_pack(&record.item, out);
        small->count++;
    }
    small->size = (uint32_t)(out - small->pack);
    collection_release(large);
    *list = small;
}

/* Would the list be over the limit with the item put in? Replacing one is judged alike. */
static bool is_over(const struct collection *list, const struct item *item,
                    const struct limit *limit)
{
    uint64_t size = LISTPACK_FRAME + item_text_size(item);
    if (!list->is_large) {
        if (list->count >= limit->count) {
            return true;
        }
        uint64_t cost_max = list->size + COST_ABOVE_PACKED * (uint64_t)list->count;
        return size + cost_max > limit->size && size + count_cost(list) > limit->size;
    }
    struct list_body *body = list_body(list);
    if (body->tree.count >= limit->count) {
        return true;
    }
    if (body->cost == LIST_COST_UNKNOWN) {
        body->cost = count_cost(list);
    }
    return size + body->cost > limit->size;
}

void list_prepare(struct collection **list, const struct item *item,
                  const struct value_limits *limits)
{
    if ((*list)->encoding == ENCODING_QUICKLIST) {
        return;
    }
    const struct limit limit = limit_of(limits);
    bool is_quicklist = is_over(*list, item, &limit);
    if (!(*list)->is_large &&
        (is_quicklist || item->blob != NULL || (*list)->count >= LIST_SMALL_RECORDS ||
         (*list)->size + item_packed_size(item) > LIST_SMALL_SIZE)) {
        make_large(list);
    }
    if (is_quicklist) {
        (*list)->encoding = ENCODING_QUICKLIST;
    }
}

void list_shrunk(struct collection **list, const struct value_limits *limits)
{
    struct list_body *body = list_body(*list);
    uint64_t count = body->tree.count;
    debug_check((*list)->is_large);
    if (LIKELY(count > RECOUNT_MAX)) {
        return;
    }
    if (body->cost == LIST_COST_UNKNOWN) {
        body->cost = count_cost(*list);
    }
    if ((*list)->encoding == ENCODING_QUICKLIST) {
        const struct limit limit = limit_of(limits);
        if (limit.count == UINT64_MAX ? LISTPACK_FRAME + body->cost > limit.size / 2
                                      : count > limit.count / 2) {
            return;
        }
        (*list)->encoding = ENCODING_LISTPACK;
    }
    if (count <= LIST_SMALL_RECORDS / 2 && body->cost <= LIST_SMALL_SIZE / 2) {
        make_small(list);
    }
}
