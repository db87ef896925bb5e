/* The forms of sets. Private to value/set. */
#ifndef POLLARD_VALUE_SET_FORMS_H
#define POLLARD_VALUE_SET_FORMS_H

#include "pollard/value/set.h"

/* Stands where a small one has its pack. */
struct set_large {
    struct map members;
};

static inline struct set_large *set_large_of(const struct collection *set)
{
    return (struct set_large *)(uintptr_t)set->pack;
}

/* ---- intset.c ---- */

/* Index of the integer, or where it would go. */
bool intset_find(const struct collection *set, int64_t integer, uint32_t *ret_index);
/* Puts an integer that is not there at its index; the integers may become wider. */
void intset_insert(struct collection **set, uint32_t index, int64_t integer);
void intset_remove(struct collection **set, uint32_t index);

/* ---- convert.c ---- */

/* A packed list, or a map, of the same members. */
void set_to_listpack(struct collection **set);
void set_to_large(struct collection **set, const struct value_limits *limits);

#endif
