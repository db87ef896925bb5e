/* Sorted sets: one element at a time, in whichever form. On the data path of every command about
 * sorted sets. */
#include "forms.h"
#include "pollard/base/check.h"

struct collection *zset_create(void)
{
    return small_create(VALUE_ZSET, ENCODING_LISTPACK, 0);
}

/* The member's pair in a small one, or NULL. */
static const unsigned char *find_pair(const struct collection *zset,
                                      const struct item_needle *member)
{
    return pack_find(zset->pack, small_end(zset), member, 2);
}

bool zset_score(const struct collection *zset, const struct item_needle *member, double *ret_score)
{
    if (zset->is_large) {
        struct map_record record;
        if (!map_find(&zset_large_of(zset)->scores, member, &record)) {
            return false;
        }
        *ret_score = score_of_key(record.word);
        return true;
    }
    const unsigned char *p = find_pair(zset, member);
    if (p == NULL) {
        return false;
    }
    struct element element;
    (void)pair_read(p, &element);
    *ret_score = element.score;
    return true;
}

bool zset_rank(const struct collection *zset, const struct item_needle *member, uint64_t *ret_rank,
               double *ret_score)
{
    double score;
    if (!zset_score(zset, member, &score)) {
        return false;
    }
    if (ret_score != NULL) {
        *ret_score = score;
    }
    if (ret_rank == NULL) {
        return true;
    }
    if (zset->is_large) {
        check(tree_find(&zset_large_of(zset)->tree, score_key(score), &member->item, ret_rank));
        return true;
    }
    const unsigned char *at = find_pair(zset, member);
    *ret_rank = 0;
    for (const unsigned char *p = zset->pack; p < at; p = pack_seek(p, 2)) {
        *ret_rank += 1;
    }
    return true;
}

void zset_at(const struct collection *zset, uint64_t rank, struct element *ret_element)
{
    if (!zset->is_large) {
        check(rank < zset->count);
        (void)pair_read(pack_seek(zset->pack, rank * 2), ret_element);
        return;
    }
    struct tree_record record;
    tree_get(&zset_large_of(zset)->tree, rank, &record);
    *ret_element = (struct element){.member = record.item, .score = score_of_key(record.key)};
}

uint64_t zset_rank_of_score(const struct collection *zset, double score, bool after)
{
    if (zset->is_large) {
        return tree_rank_key(&zset_large_of(zset)->tree, score_key(score), after);
    }
    const unsigned char *p = zset->pack;
    uint64_t rank = 0;
    while (p < small_end(zset)) {
        struct element element;
        p = pair_read(p, &element);
        if (element.score > score || (element.score == score && !after)) {
            break;
        }
        rank++;
    }
    return rank;
}

uint64_t zset_rank_of_text(const struct collection *zset, const struct item *text, bool after)
{
    struct element element;
    if (zset->is_large) {
        zset_at(zset, 0, &element);
        return tree_rank(&zset_large_of(zset)->tree, score_key(element.score), text, after);
    }
    const unsigned char *p = zset->pack;
    uint64_t rank = 0;
    while (p < small_end(zset)) {
        p = pair_read(p, &element);
        int order = item_compare(&element.member, text);
        if (order > 0 || (order == 0 && !after)) {
            break;
        }
        rank++;
    }
    return rank;
}

struct visit {
    zset_visitor *visit;
    void *argument;
};

static void visit_record(void *argument, const struct map_record *record)
{
    const struct visit *visit = argument;
    const struct element element = {.member = record->name, .score = score_of_key(record->word)};
    visit->visit(visit->argument, &element);
}

uint64_t zset_scan(const struct collection *zset, uint64_t cursor, uint64_t count,
                   zset_visitor *visit, void *argument)
{
    if (zset->is_large) {
        struct visit through = {visit, argument};
        return map_scan(&zset_large_of(zset)->scores, cursor, count, visit_record, &through);
    }
    const unsigned char *p = zset->pack;
    while (p < small_end(zset)) {
        struct element element;
        p = pair_read(p, &element);
        visit(argument, &element);
    }
    return 0;
}

/* ---- Changing ---- */

static bool fits_small(const struct collection *zset, const struct value_limits *limits,
                       const struct item *member)
{
    uint64_t most = (uint64_t)option_get(&limits->options->zset_max_listpack_entries);
    uint64_t longest = (uint64_t)option_get(&limits->options->zset_max_listpack_value);
    size_t size = item_packed_size(member) + 1 + sizeof(double);
    return zset->count < most && zset->count < SMALL_RECORDS_MAX &&
           item_text_size(member) <= longest && zset->size + size <= SMALL_SIZE_MAX;
}

/* Another score for a pair of a small one. */
static void move_pair(struct collection **zset, const unsigned char *p, double score)
{
    unsigned char bytes[ITEM_PACKED_MAX];
    size_t size = item_span(p);
    struct item member;
    /* A copy: the pair is taken out. It keeps its blob. */
    memcpy(bytes, p, size);
    (void)item_read(bytes, &member);
    item_acquire(&member);
    packed_remove(zset, p, pack_seek(p, 2), 1);
    packed_insert(zset, &member, score);
    item_release(&member);
}

enum zset_change zset_put(struct collection **zset, const struct value_limits *limits,
                          const struct item *member, double score)
{
    if ((*zset)->is_large) {
        return large_put(*zset, member, score);
    }
    struct item_needle needle;
    item_needle_of(&needle, member);
    const unsigned char *p = find_pair(*zset, &needle);
    if (p != NULL) {
        struct element element;
        (void)pair_read(p, &element);
        if (element.score == score) {
            return ZSET_SAME;
        }
        move_pair(zset, p, score);
        return ZSET_MOVED;
    }
    if (!fits_small(*zset, limits, member)) {
        zset_to_large(zset, limits);
        return large_put(*zset, member, score);
    }
    packed_insert(zset, member, score);
    return ZSET_ADDED;
}

bool zset_remove(struct collection **zset, const struct item_needle *member)
{
    if ((*zset)->is_large) {
        return large_remove(*zset, member);
    }
    const unsigned char *p = find_pair(*zset, member);
    if (p == NULL) {
        return false;
    }
    packed_remove(zset, p, pack_seek(p, 2), 1);
    return true;
}

void zset_remove_range(struct collection **zset, uint64_t rank, uint64_t count)
{
    if (!(*zset)->is_large) {
        const unsigned char *p = pack_seek((*zset)->pack, rank * 2);
        packed_remove(zset, p, pack_seek(p, count * 2), (uint32_t)count);
        return;
    }
    struct zset_large *large = zset_large_of(*zset);
    struct tree cut;
    struct tree_cursor cursor;
    struct tree_record record;
    tree_cut(&large->tree, rank, count, &cut);
    tree_cursor_at(&cut, 0, &cursor);
    while (tree_next(&cursor, &record)) {
        check(map_remove_item(&large->scores, &record.item));
    }
    tree_clear(&cut);
}
