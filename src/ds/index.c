/* An index of objects that embed their node.
 *
 *     older:    [moved][moved][ .. nodes .. ]         n / 2 buckets, NULL when it does not grow
 *     buckets:  [nodes][nodes][ not yet  ... ]        n buckets; b and b + n / 2 come of older's b
 *
 * When there are as many nodes as buckets, a table of twice as many is begun; each insertion moves
 * two buckets into it, so that it is filled long before it is full. New buckets are written before
 * they are read: the table need not be cleared first.
 * Threads: none of its own. */
#include "pollard/ds/index.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

#define BUCKETS_MIN ((size_t)4)
/* Buckets of the older table that an insertion moves: two fill the new one in half the insertions
 * that there are until the next growth. */
#define MOVES_AN_INSERTION 2

static struct index_node **bucket_of(const struct index *index, uint64_t hash)
{
    if (index->older != NULL) {
        size_t bucket = hash & (index->bucket_count / 2 - 1);
        if (bucket >= index->moved) {
            return &index->older[bucket];
        }
    }
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static struct index_node *with_hash(struct index_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct index_node *index_find(const struct index *index, uint64_t hash)
{
    return index->count == 0 ? NULL : with_hash(*bucket_of(index, hash), hash);
}

struct index_node *index_find_next(const struct index_node *node)
{
    return with_hash(node->next, node->hash);
}

/* Divides the next bucket of the older table between its two new ones. */
static void move_bucket(struct index *index)
{
    size_t half = index->bucket_count / 2;
    struct index_node *node = index->older[index->moved];
    struct index_node **low = &index->buckets[index->moved];
    struct index_node **high = &index->buckets[index->moved + half];
    *low = NULL;
    *high = NULL;
    while (node != NULL) {
        struct index_node *next = node->next;
        struct index_node **bucket = (node->hash & half) != 0 ? high : low;
        node->next = *bucket;
        *bucket = node;
        node = next;
    }
    index->moved++;
    if (index->moved == half) {
        mem_free(index->older);
        index->older = NULL;
    }
}

static void grow(struct index *index)
{
    if (index->bucket_count == 0) {
        index->bucket_count = BUCKETS_MIN;
        index->buckets = mem_alloc_zero(BUCKETS_MIN * sizeof(struct index_node *));
        return;
    }
    debug_check(index->older == NULL);
    index->older = index->buckets;
    index->moved = 0;
    index->bucket_count *= 2;
    index->buckets = mem_alloc(index->bucket_count * sizeof(struct index_node *));
}

void index_insert(struct index *index, struct index_node *node)
{
    if (index->count == index->bucket_count) {
        grow(index);
    }
    for (int i = 0; i < MOVES_AN_INSERTION && index->older != NULL; i++) {
        move_bucket(index);
    }
    struct index_node **bucket = bucket_of(index, node->hash);
    node->next = *bucket;
    *bucket = node;
    index->count++;
}

void index_remove(struct index *index, struct index_node *node)
{
    struct index_node **link = bucket_of(index, node->hash);
    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
    index->count--;
    if (index->count == 0) {
        mem_free(index->older);
        mem_free(index->buckets);
        *index = (struct index){0};
    }
}

/* The bucket at a position of the walk: those of the older table that are left, then the new ones
 * that were written. NULL behind the last. */
static struct index_node **bucket_at(const struct index *index, size_t position)
{
    if (index->older == NULL) {
        return position < index->bucket_count ? &index->buckets[position] : NULL;
    }
    size_t half = index->bucket_count / 2;
    if (position < half - index->moved) {
        return &index->older[index->moved + position];
    }
    position -= half - index->moved;
    if (position < index->moved) {
        return &index->buckets[position];
    }
    position -= index->moved;
    return position < index->moved ? &index->buckets[half + position] : NULL;
}

void index_each(struct index *index, bool (*visit)(struct index_node *node, void *argument),
                void *argument)
{
    struct index_node **bucket;
    for (size_t i = 0; index->count > 0 && (bucket = bucket_at(index, i)) != NULL; i++) {
        struct index_node *node = *bucket;
        while (node != NULL) {
            struct index_node *next = node->next;
            if (!visit(node, argument)) {
                return;
            }
            node = next;
        }
    }
}

struct index_node *index_any(const struct index *index, size_t *position)
{
    struct index_node **bucket;
    while (index->count > 0 && (bucket = bucket_at(index, *position)) != NULL) {
        if (*bucket != NULL) {
            return *bucket;
        }
        ++*position;
    }
    return NULL;
}

size_t index_memory(const struct index *index)
{
    size_t older = index->older == NULL ? 0 : index->bucket_count / 2;
    return (index->bucket_count + older) * sizeof(struct index_node *);
}
