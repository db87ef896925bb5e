/* Lists: items put in, looked at, taken out.
 *
 * On the data path of every list command; the owner's thread (value/list.h). */
#include "form.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

struct collection *list_create(size_t room)
{
    return small_create(VALUE_LIST, ENCODING_LISTPACK,
                        room < LIST_SMALL_SIZE ? room : LIST_SMALL_SIZE);
}

static size_t small_offset(const struct collection *list, uint64_t index)
{
    return (size_t)(pack_seek(list->pack, index) - list->pack);
}

static void small_put(struct collection **list, size_t offset, const struct item *item)
{
    (void)item_pack(item, small_open(list, offset, item_packed_size(item)));
    (*list)->count++;
}

static void large_put(struct collection *list, uint64_t index, const struct item *item)
{
    struct list_body *body = list_body(list);
    list_cost_add(body, item);
    tree_insert(&body->tree, index, &(struct tree_record){.item = *item});
}

void list_push(struct collection **list, enum list_end end, const struct item *item,
               const struct value_limits *limits)
{
    list_prepare(list, item, limits);
    if (!(*list)->is_large) {
        small_put(list, end == LIST_HEAD ? 0 : (*list)->size, item);
    } else {
        large_put(*list, end == LIST_HEAD ? 0 : list_body(*list)->tree.count, item);
    }
}

void list_insert(struct collection **list, uint64_t index, const struct item *item,
                 const struct value_limits *limits)
{
    list_prepare(list, item, limits);
    if (!(*list)->is_large) {
        small_put(list, small_offset(*list, index), item);
    } else {
        large_put(*list, index, item);
    }
}

void list_get(const struct collection *list, uint64_t index, struct item *ret_item)
{
    if (!list->is_large) {
        debug_check(index < list->count);
        (void)item_read(pack_seek(list->pack, index), ret_item);
        return;
    }
    struct tree_record record;
    tree_get(&list_body(list)->tree, index, &record);
    *ret_item = record.item;
}

void list_replace(struct collection **list, uint64_t index, const struct item *item,
                  const struct value_limits *limits)
{
    list_prepare(list, item, limits);
    if (!(*list)->is_large) {
        size_t offset = small_offset(*list, index);
        size_t old_size = item_span((*list)->pack + offset);
        (void)item_pack(item, small_resize(list, offset, old_size, item_packed_size(item)));
        return;
    }
    struct list_body *body = list_body(*list);
    struct tree_record old;
    tree_get(&body->tree, index, &old);
    list_cost_take(body, &old.item);
    list_cost_add(body, item);
    tree_replace(&body->tree, index, item);
    list_shrunk(list, limits);
}

/* A copy that outlives the list's bytes. */
static void keep_item(const struct item *item, struct list_popped *ret_popped)
{
    ret_popped->item = *item;
    if (item->blob != NULL) {
        item_acquire(item);
    } else if (item->data != NULL) {
        memcpy(ret_popped->bytes, item->data, item->size);
        ret_popped->item.data = ret_popped->bytes;
    }
}

void list_pop(struct collection **list, enum list_end end, const struct value_limits *limits,
              struct list_popped *ret_popped)
{
    if (!(*list)->is_large) {
        size_t offset = end == LIST_HEAD ? 0 : small_offset(*list, (*list)->count - 1);
        const unsigned char *at = (*list)->pack + offset;
        struct item item;
        const unsigned char *behind = item_read(at, &item);
        keep_item(&item, ret_popped);
        (*list)->count--;
        small_close(list, offset, (size_t)(behind - at));
        return;
    }
    struct list_body *body = list_body(*list);
    uint64_t index = end == LIST_HEAD ? 0 : body->tree.count - 1;
    struct tree_record record;
    tree_get(&body->tree, index, &record);
    keep_item(&record.item, ret_popped);
    list_cost_take(body, &record.item);
    tree_remove(&body->tree, index);
    list_shrunk(list, limits);
}

void list_remove(struct collection **list, uint64_t index, const struct value_limits *limits)
{
    if (!(*list)->is_large) {
        size_t offset = small_offset(*list, index);
        (*list)->count--;
        small_close(list, offset, item_span((*list)->pack + offset));
        return;
    }
    struct list_body *body = list_body(*list);
    struct tree_record record;
    tree_get(&body->tree, index, &record);
    list_cost_take(body, &record.item);
    tree_remove(&body->tree, index);
    list_shrunk(list, limits);
}

static struct collection *small_cut(struct collection **list, uint64_t index, uint64_t count)
{
    const unsigned char *begin = pack_seek((*list)->pack, index);
    const unsigned char *end = pack_seek(begin, count);
    size_t size = (size_t)(end - begin);
    struct collection *cut = list_create(size);
    memcpy(cut->pack, begin, size);
    cut->size = (uint32_t)size;
    cut->count = (uint32_t)count;
    (*list)->count -= (uint32_t)count;
    small_close(list, (size_t)(begin - (*list)->pack), size);
    return cut;
}

struct collection *list_cut(struct collection **list, uint64_t index, uint64_t count,
                            const struct value_limits *limits)
{
    debug_check(index + count <= collection_count(*list));
    if (!(*list)->is_large) {
        return small_cut(list, index, count);
    }
    struct collection *cut = list_create_large();
    struct list_body *body = list_body(*list);
    tree_cut(&body->tree, index, count, &list_body(cut)->tree);
    list_body(cut)->cost = LIST_COST_UNKNOWN;
    body->cost = LIST_COST_UNKNOWN;
    list_shrunk(list, limits);
    return cut;
}
