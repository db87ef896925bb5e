/* Sets: one member at a time, in whichever form. On the data path of every command about sets. */
#include "forms.h"
#include "pollard/base/check.h"

struct collection *set_create(void)
{
    struct collection *set = small_create(VALUE_SET, ENCODING_INTSET, 0);
    set->form = sizeof(int16_t);
    return set;
}

bool set_find(const struct collection *set, const struct item_needle *member)
{
    if (set->is_large) {
        return map_find(&set_large_of(set)->members, member, NULL);
    }
    if (set_is_intset(set)) {
        uint32_t index;
        return item_is_integer(&member->item) && intset_find(set, member->item.integer, &index);
    }
    return pack_find(set->pack, small_end(set), member, 1) != NULL;
}

bool set_has(const struct collection *set, const struct item *member)
{
    struct item_needle needle;
    item_needle_of(&needle, member);
    return set_find(set, &needle);
}

void set_at(const struct collection *set, uint64_t rank, struct item *ret_member)
{
    if (set->is_large) {
        struct map_record record;
        map_at(&set_large_of(set)->members, rank, &record);
        *ret_member = record.name;
    } else if (set_is_intset(set)) {
        *ret_member = item_of_integer(intset_get(set, (uint32_t)rank));
    } else {
        check(rank < set->count);
        (void)item_read(pack_seek(set->pack, rank), ret_member);
    }
}

struct visit {
    set_visitor *visit;
    void *argument;
};

static void visit_record(void *argument, const struct map_record *record)
{
    const struct visit *visit = argument;
    visit->visit(visit->argument, &record->name);
}

uint64_t set_scan(const struct collection *set, uint64_t cursor, uint64_t count, set_visitor *visit,
                  void *argument)
{
    if (set->is_large) {
        struct visit through = {visit, argument};
        return map_scan(&set_large_of(set)->members, cursor, count, visit_record, &through);
    }
    struct collection_cursor walk;
    struct element element;
    collection_cursor_begin(&walk, set, &(struct cursor_start){0});
    while (collection_cursor_next(&walk, &element)) {
        visit(argument, &element.member);
    }
    return 0;
}

/* ---- Adding ---- */

/* May it be, or stay, a packed list with one more member like this? */
static bool fits_listpack(const struct collection *set, const struct value_limits *limits,
                          const struct item *member)
{
    uint64_t most = (uint64_t)option_get(&limits->options->set_max_listpack_entries);
    uint64_t longest = (uint64_t)option_get(&limits->options->set_max_listpack_value);
    return set->count < most && set->count < SMALL_RECORDS_MAX &&
           item_text_size(member) <= longest &&
           set->size + item_packed_size(member) <= SMALL_SIZE_MAX;
}

static bool add_large(struct collection *set, const struct item *member)
{
    const struct map_record record = {.name = *member};
    return map_put(&set_large_of(set)->members, &record);
}

static bool add_listpack(struct collection **set, const struct value_limits *limits,
                         const struct item_needle *member)
{
    if (pack_find((*set)->pack, small_end(*set), member, 1) != NULL) {
        return false;
    }
    if (!fits_listpack(*set, limits, &member->item)) {
        set_to_large(set, limits);
        return add_large(*set, &member->item);
    }
    size_t size = item_packed_size(&member->item);
    (void)item_pack(&member->item, small_open(set, (*set)->size, size));
    item_acquire(&member->item);
    (*set)->count++;
    return true;
}

static bool add_integer(struct collection **set, const struct value_limits *limits, int64_t integer)
{
    uint32_t index;
    if (intset_find(*set, integer, &index)) {
        return false;
    }
    intset_insert(set, index, integer);
    uint64_t most = (uint64_t)option_get(&limits->options->set_max_intset_entries);
    if ((*set)->count > most || (*set)->count > SMALL_RECORDS_MAX) {
        set_to_large(set, limits);
    }
    return true;
}

bool set_add(struct collection **set, const struct value_limits *limits, const struct item *member)
{
    if ((*set)->is_large) {
        return add_large(*set, member);
    }
    if (set_is_intset(*set)) {
        if (item_is_integer(member)) {
            return add_integer(set, limits, member->integer);
        }
        if (!fits_listpack(*set, limits, member)) {
            set_to_large(set, limits);
            return add_large(*set, member);
        }
        set_to_listpack(set);
    }
    struct item_needle needle;
    item_needle_of(&needle, member);
    return add_listpack(set, limits, &needle);
}

/* ---- Removing ---- */

static void remove_packed(struct collection **set, const unsigned char *p)
{
    struct item item;
    size_t size = item_span(p);
    (void)item_read(p, &item);
    item_release(&item);
    (*set)->count--;
    small_close(set, (size_t)(p - (*set)->pack), size);
}

bool set_remove(struct collection **set, const struct item_needle *member)
{
    if ((*set)->is_large) {
        return map_remove(&set_large_of(*set)->members, member);
    }
    if (set_is_intset(*set)) {
        uint32_t index;
        if (!item_is_integer(&member->item) || !intset_find(*set, member->item.integer, &index)) {
            return false;
        }
        intset_remove(set, index);
        return true;
    }
    const unsigned char *p = pack_find((*set)->pack, small_end(*set), member, 1);
    if (p == NULL) {
        return false;
    }
    remove_packed(set, p);
    return true;
}

void set_remove_at(struct collection **set, uint64_t rank, const struct item *member)
{
    if ((*set)->is_large) {
        check(map_remove_item(&set_large_of(*set)->members, member));
    } else if (set_is_intset(*set)) {
        intset_remove(set, (uint32_t)rank);
    } else {
        remove_packed(set, pack_seek((*set)->pack, rank));
    }
}
