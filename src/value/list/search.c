/* Lists: where an item is, and the removal of all that equal one (LPOS, LINSERT, LREM).
 *
 * Long searches run in slices, on versions, with no lock held. */
#include "form.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Taking one out is so much more work than looking at one. */
#define REMOVAL_LOOKS 16
/* As long as so few go, their places are kept. */
#define PLACES_MAX 4096
/* When fewer than one in so many goes, each is taken out; else what stays is appended to a new
 * list, which costs less than a tenth an item of what taking one out does. */
#define SPARSE 16

void list_search_begin(struct list_search *search, const struct collection *list,
                       struct bytes wanted, uint64_t look_max, bool is_reverse)
{
    const struct cursor_start start = {.is_reverse = is_reverse};
    search->count = collection_count(list);
    search->end = look_max < search->count ? look_max : search->count;
    search->next = 0;
    search->wanted = item_of(wanted);
    search->is_reverse = is_reverse;
    collection_cursor_begin(&search->cursor, list, &start);
}

static inline bool is_wanted(const struct item *item, const struct item *wanted)
{
    if (wanted->data == NULL) {
        return item->data == NULL && item->integer == wanted->integer;
    }
    return item->data != NULL && item->size == wanted->size &&
           bytes_same(item->data, wanted->data, wanted->size);
}

enum list_found list_search_next(struct list_search *search, uint64_t *budget, uint64_t *ret_index)
{
    struct element element;
    while (search->next < search->end) {
        if (*budget == 0) {
            return LIST_PAUSED;
        }
        *budget -= 1;
        check(collection_cursor_next(&search->cursor, &element));
        uint64_t passed = search->next++;
        if (is_wanted(&element.member, &search->wanted)) {
            *ret_index = search->is_reverse ? search->count - 1 - passed : passed;
            return LIST_FOUND;
        }
    }
    return LIST_END;
}

void list_removal_begin(struct list_removal *removal, const struct collection *list,
                        const struct list_wanted *wanted, const struct value_limits *limits)
{
    removal->found = 0;
    removal->list = list;
    removal->limits = limits;
    removal->limit = wanted->limit == 0 ? UINT64_MAX : wanted->limit;
    removal->low = UINT64_MAX;
    removal->high = 0;
    removal->places = NULL;
    removal->is_searched = false;
    removal->built = NULL;
    removal->looked = 0;
    list_search_begin(&removal->search, list, wanted->text, UINT64_MAX, wanted->is_reverse);
}

static void note_place(struct list_removal *removal, uint64_t place)
{
    uint64_t found = removal->found++;
    removal->low = place < removal->low ? place : removal->low;
    removal->high = place > removal->high ? place : removal->high;
    if (found >= PLACES_MAX) {
        return;
    }
    /* Doubled from 8 on, whenever a power of two is full. */
    if (found == 0 || (found >= 8 && (found & (found - 1)) == 0)) {
        size_t room = found == 0 ? 8 : (size_t)found * 2;
        removal->places = mem_realloc(removal->places, room * sizeof(*removal->places));
    }
    removal->places[found] = place;
}

static bool is_sparse(const struct list_removal *removal)
{
    return removal->found <= PLACES_MAX && removal->found < removal->search.count / SPARSE;
}

/* Appends what stays to a list of its own. */
static bool build(struct list_removal *removal, uint64_t *budget)
{
    struct element element;
    if (removal->built == NULL) {
        removal->built =
            removal->list->is_large ? list_create_large() : list_create(removal->list->size);
        removal->built->encoding = removal->list->encoding;
        collection_cursor_begin(&removal->cursor, removal->list, &(struct cursor_start){0});
    }
    for (; *budget > 0; *budget -= 1) {
        if (!collection_cursor_next(&removal->cursor, &element)) {
            return true;
        }
        uint64_t place = removal->looked++;
        if (place < removal->low || place > removal->high ||
            !is_wanted(&element.member, &removal->search.wanted)) {
            list_push(&removal->built, LIST_TAIL, &element.member, removal->limits);
        }
    }
    return removal->looked == removal->search.count;
}

bool list_removal_prepare(struct list_removal *removal, uint64_t *budget)
{
    while (!removal->is_searched) {
        uint64_t place;
        enum list_found found = list_search_next(&removal->search, budget, &place);
        if (found == LIST_PAUSED) {
            return false;
        }
        if (found == LIST_FOUND) {
            note_place(removal, place);
            *budget -= *budget < REMOVAL_LOOKS ? *budget : REMOVAL_LOOKS;
        }
        removal->is_searched = found == LIST_END || removal->found == removal->limit;
    }
    return is_sparse(removal) || removal->found == 0 || build(removal, budget);
}

struct collection *list_removal_finish(struct list_removal *removal, struct collection **list)
{
    debug_check(collection_count(*list) == removal->search.count);
    if (removal->built != NULL) {
        struct collection *old = *list;
        *list = removal->built;
        removal->built = NULL;
        if ((*list)->is_large) {
            list_shrunk(list, removal->limits);
        }
        return old;
    }
    /* From the tail on: so the other places stay true. */
    bool is_reverse = removal->search.is_reverse;
    for (uint64_t i = 0; i < removal->found; i++) {
        uint64_t at = is_reverse ? i : removal->found - 1 - i;
        list_remove(list, removal->places[at], removal->limits);
    }
    return NULL;
}

void list_removal_end(struct list_removal *removal)
{
    mem_free(removal->places);
    collection_release(removal->built);
    removal->places = NULL;
    removal->built = NULL;
}
