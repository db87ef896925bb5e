/* The forms of sorted sets. Private to value/zset. */
#ifndef POLLARD_VALUE_ZSET_FORMS_H
#define POLLARD_VALUE_ZSET_FORMS_H

#include "pollard/value/zset.h"

/* Stands where a small one has its pack. */
struct zset_large {
    struct tree tree;  /* keyed by score_key */
    struct map scores; /* words: score_key */
};

static inline struct zset_large *zset_large_of(const struct collection *zset)
{
    return (struct zset_large *)(uintptr_t)zset->pack;
}

/* A double as an unsigned integer of the same order. */
static inline uint64_t score_key(double score)
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof(bits));
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline double score_of_key(uint64_t key)
{
    uint64_t bits = (key >> 63) != 0 ? key & ~(UINT64_C(1) << 63) : ~key;
    double score;
    memcpy(&score, &bits, sizeof(score));
    return score;
}

/* ---- packed.c: small ones ---- */

/* A score as an item: an integer if it is one exactly, else its eight bytes, which buffer holds. */
struct item score_item(double score, unsigned char *buffer);
static inline double score_of_item(const struct item *item)
{
    double score;
    if (item_is_integer(item)) {
        return (double)item->integer;
    }
    memcpy(&score, item->data, sizeof(score));
    return score;
}
/* Reads a pair and returns where the next begins. */
static inline const unsigned char *pair_read(const unsigned char *p, struct element *ret_element)
{
    struct item score;
    p = item_read(p, &ret_element->member);
    p = item_read(p, &score);
    ret_element->value = (struct item){0};
    ret_element->score = score_of_item(&score);
    return p;
}
/* Puts a member that is not there. */
void packed_insert(struct collection **zset, const struct item *member, double score);
/* Takes size bytes of pairs at p out. */
void packed_remove(struct collection **zset, const unsigned char *p, const unsigned char *end,
                   uint32_t count);

/* ---- large.c ---- */

void zset_to_large(struct collection **zset, const struct value_limits *limits);
enum zset_change large_put(struct collection *zset, const struct item *member, double score);
bool large_remove(struct collection *zset, const struct item_needle *member);

#endif
