/* Lists: sequences of items that grow and shrink at both ends.
 *
 *   small: a block of packed items, head first, none of them a blob; within LIST_SMALL_RECORDS and
 *          LIST_SMALL_SIZE
 *   large: struct tree, by position (src/value/list/form.h)
 *
 * OBJECT ENCODING tells "listpack" as long as the list is within list-max-listpack-size, whatever
 * the form; "quicklist" lists are always large. A list that has shrunk to half the limit is called
 * listpack again, and one that is far below the small form's bounds becomes small again.
 *
 * Operations take the list through the pointer that its owner has, and the owner must be the only
 * one (collection_own): a small list moves and is converted. They store references to the items'
 * blobs of their own. Nothing fails. Not more than O(log n) unless said; a conversion is bounded by
 * the small form. An empty list is allowed. */
#ifndef POLLARD_VALUE_LIST_H
#define POLLARD_VALUE_LIST_H

#include "pollard/value/collection.h"

/* Source: a pass over so many items takes a fraction of a microsecond, as does a copy. */
#define LIST_SMALL_RECORDS 128
#define LIST_SMALL_SIZE ((size_t)8176)

enum list_end { LIST_HEAD, LIST_TAIL };

/* An empty list with room for so many packed bytes (a hint, at most LIST_SMALL_SIZE counts). */
ATTR_MUST_USE struct collection *list_create(size_t room);

void list_push(struct collection **list, enum list_end end, const struct item *item,
               const struct value_limits *limits);

/* The view is valid until the list is changed. index < count. */
void list_get(const struct collection *list, uint64_t index, struct item *ret_item);

/* An item that has left its list. */
struct list_popped {
    struct item item; /* its bytes are below, or it has a reference to its blob */
    unsigned char bytes[ITEM_EMBED_MAX];
};
/* Takes an item off an end. The list must not be empty. list_popped_end afterwards. */
void list_pop(struct collection **list, enum list_end end, const struct value_limits *limits,
              struct list_popped *ret_popped);
static inline void list_popped_end(struct list_popped *popped)
{
    item_release(&popped->item);
}

/* Puts an item before the one at index; index == count: at the end. */
void list_insert(struct collection **list, uint64_t index, const struct item *item,
                 const struct value_limits *limits);
void list_replace(struct collection **list, uint64_t index, const struct item *item,
                  const struct value_limits *limits);
void list_remove(struct collection **list, uint64_t index, const struct value_limits *limits);
/* Takes count items from index on out of the list and returns them as one of their own. */
ATTR_MUST_USE struct collection *list_cut(struct collection **list, uint64_t index, uint64_t count,
                                          const struct value_limits *limits);

/* ---- Searches ---- */

/* A walk to the items that equal one. Valid as collection_cursor. */
struct list_search {
    /* private */
    struct collection_cursor cursor;
    struct item wanted; /* borrows the text */
    uint64_t next;      /* of the walk: items passed so far */
    uint64_t end;
    uint64_t count;
    bool is_reverse;
};
enum list_found {
    LIST_FOUND,
    LIST_END,
    LIST_PAUSED /* the budget is used up: ask again with a new one */
};
/* Looks at no more than look_max items, from the head or (is_reverse) from the tail. */
void list_search_begin(struct list_search *search, const struct collection *list,
                       struct bytes wanted, uint64_t look_max, bool is_reverse);
/* The next match's index, from the head. *budget items are looked at, and taken off it. */
enum list_found list_search_next(struct list_search *search, uint64_t *budget, uint64_t *ret_index);

/* ---- Removal of what equals ---- */

/* What is to go: what equals text (borrowed until the end), the first limit of it from an end. */
struct list_wanted {
    struct bytes text;
    uint64_t limit; /* 0: all */
    bool is_reverse;
};
/* In two steps, so that long ones need no lock: prepare on a version, in slices; then finish on the
 * list itself, if it still is that version. */
struct list_removal {
    uint64_t found; /* read-only for users: so many go, when prepared */
    /* private */
    const struct collection *list;
    const struct value_limits *limits;
    struct list_search search;
    uint64_t limit;
    uint64_t low; /* the lowest and the highest place of what goes */
    uint64_t high;
    uint64_t *places; /* while they are few */
    bool is_searched;
    struct collection *built; /* what stays, when it is made anew */
    struct collection_cursor cursor;
    uint64_t looked; /* items passed in building */
};
/* list: borrowed, must not change until it is finished or ended. */
void list_removal_begin(struct list_removal *removal, const struct collection *list,
                        const struct list_wanted *wanted, const struct value_limits *limits);
/* Looks at *budget items at most; false: not done, call again with a new budget. */
bool list_removal_prepare(struct list_removal *removal, uint64_t *budget);
/* Takes them out of *list, which has the same items as the list it was prepared on. Returns what is
 * to be freed (key_dispose), or NULL. Once. O(1), or O(log n) each when they are few. */
ATTR_MUST_USE struct collection *list_removal_finish(struct list_removal *removal,
                                                     struct collection **list);
/* Frees what it holds, finished or not. */
void list_removal_end(struct list_removal *removal);

#endif
