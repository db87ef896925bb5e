/* What the structures of large collections are measured against: a skiplist with spans whose nodes
 * are also in a chained hash table, as sorted sets are often built. Written for the bench only, and
 * in its thriftiest form: one allocation an element, the text and the chain in the node. */
#ifndef POLLARD_BENCH_RIVAL_H
#define POLLARD_BENCH_RIVAL_H

#include "pollard/base/hash.h"
#include "pollard/base/mem.h"

#define RIVAL_LEVELS 24

struct rival_node;

struct rival_level {
    struct rival_node *next;
    uint64_t span; /* nodes to next, it included */
};

struct rival_node {
    uint64_t key;
    struct rival_node *chain;
    uint8_t level_count;
    uint8_t size;
    struct rival_level levels[]; /* then the text */
};

struct rival {
    struct rival_node *head;
    struct rival_node **buckets;
    uint64_t bucket_count; /* a power of two */
    uint64_t count;
    const struct hash_secret *secret;
};

static inline struct bytes rival_text(const struct rival_node *node)
{
    return bytes_make(node->levels + node->level_count, node->size);
}

static inline size_t rival_size(uint32_t level_count, size_t size)
{
    return sizeof(struct rival_node) + level_count * sizeof(struct rival_level) + size;
}

static inline struct rival_node *rival_node(uint64_t key, struct bytes text, uint32_t level_count)
{
    struct rival_node *node = mem_alloc(rival_size(level_count, text.size));
    node->key = key;
    node->chain = NULL;
    node->level_count = (uint8_t)level_count;
    node->size = (uint8_t)text.size;
    memset(node->levels, 0, level_count * sizeof(struct rival_level));
    memcpy(node->levels + level_count, text.data, text.size);
    return node;
}

static inline void rival_init(struct rival *rival, const struct hash_secret *secret)
{
    *rival = (struct rival){.bucket_count = 4, .secret = secret};
    rival->head = rival_node(0, bytes_text(""), RIVAL_LEVELS);
    rival->buckets = mem_alloc_zero(rival->bucket_count * sizeof(struct rival_node *));
}

static inline void rival_deinit(struct rival *rival)
{
    struct rival_node *node = rival->head;
    while (node != NULL) {
        struct rival_node *next = node->levels[0].next;
        mem_free(node);
        node = next;
    }
    mem_free(rival->buckets);
}

static inline struct rival_node **rival_bucket(const struct rival *rival, struct bytes text)
{
    return &rival->buckets[hash_keyed(rival->secret, text) & (rival->bucket_count - 1)];
}

static inline struct rival_node *rival_find(const struct rival *rival, struct bytes text)
{
    struct rival_node *node = *rival_bucket(rival, text);
    while (node != NULL && !bytes_equal(rival_text(node), text)) {
        node = node->chain;
    }
    return node;
}

static inline bool rival_is_below(const struct rival_node *node, uint64_t key, struct bytes text)
{
    return node->key < key || (node->key == key && bytes_compare(rival_text(node), text) < 0);
}

/* The last node of each level that is below, and how many are before it. */
struct rival_path {
    struct rival_node *nodes[RIVAL_LEVELS];
    uint64_t ranks[RIVAL_LEVELS];
};

static inline void rival_seek(const struct rival *rival, uint64_t key, struct bytes text,
                              struct rival_path *ret_path)
{
    struct rival_node *node = rival->head;
    uint64_t rank = 0;
    for (uint32_t level = RIVAL_LEVELS; level-- > 0;) {
        struct rival_node *next;
        while ((next = node->levels[level].next) != NULL && rival_is_below(next, key, text)) {
            rank += node->levels[level].span;
            node = next;
        }
        ret_path->nodes[level] = node;
        ret_path->ranks[level] = rank;
    }
}

/* All at once: kinder to it than step by step, which a server would need. */
static inline void rival_grow(struct rival *rival)
{
    mem_free(rival->buckets);
    rival->bucket_count *= 2;
    rival->buckets = mem_alloc_zero(rival->bucket_count * sizeof(struct rival_node *));
    for (struct rival_node *node = rival->head->levels[0].next; node != NULL;) {
        struct rival_node **bucket = rival_bucket(rival, rival_text(node));
        node->chain = *bucket;
        *bucket = node;
        node = node->levels[0].next;
    }
}

/* The text is not there yet. */
static inline void rival_add(struct rival *rival, uint64_t key, struct bytes text)
{
    struct rival_path path;
    uint32_t level_count = 1;
    uint64_t random = random_u64();
    while (level_count < RIVAL_LEVELS && (random & 3) == 0) {
        random >>= 2;
        level_count++;
    }
    struct rival_node *node = rival_node(key, text, level_count);
    rival_seek(rival, key, text, &path);
    for (uint32_t level = 0; level < RIVAL_LEVELS; level++) {
        struct rival_level *before = &path.nodes[level]->levels[level];
        uint64_t passed = path.ranks[0] - path.ranks[level];
        if (level < level_count) {
            node->levels[level].next = before->next;
            node->levels[level].span = before->next != NULL ? before->span - passed : 0;
            before->next = node;
            before->span = passed + 1;
        } else if (before->next != NULL) {
            before->span++;
        }
    }
    struct rival_node **bucket = rival_bucket(rival, text);
    node->chain = *bucket;
    *bucket = node;
    if (++rival->count > rival->bucket_count) {
        rival_grow(rival);
    }
}

static inline bool rival_remove(struct rival *rival, struct bytes text)
{
    struct rival_path path;
    struct rival_node **place = rival_bucket(rival, text);
    while (*place != NULL && !bytes_equal(rival_text(*place), text)) {
        place = &(*place)->chain;
    }
    struct rival_node *node = *place;
    if (node == NULL) {
        return false;
    }
    *place = node->chain;
    rival_seek(rival, node->key, text, &path);
    for (uint32_t level = 0; level < RIVAL_LEVELS; level++) {
        struct rival_level *before = &path.nodes[level]->levels[level];
        if (before->next == node) {
            before->span += node->levels[level].span - 1;
            before->next = node->levels[level].next;
        } else if (before->next != NULL) {
            before->span--;
        }
    }
    mem_free(node);
    rival->count--;
    return true;
}

static inline uint64_t rival_rank(const struct rival *rival, uint64_t key, struct bytes text)
{
    struct rival_path path;
    rival_seek(rival, key, text, &path);
    return path.ranks[0];
}

static inline struct rival_node *rival_at(const struct rival *rival, uint64_t rank)
{
    struct rival_node *node = rival->head;
    uint64_t passed = 0;
    for (uint32_t level = RIVAL_LEVELS; level-- > 0;) {
        while (node->levels[level].next != NULL && passed + node->levels[level].span <= rank + 1) {
            passed += node->levels[level].span;
            node = node->levels[level].next;
        }
    }
    return node;
}

#endif
