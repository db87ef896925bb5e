/* Small sorted sets: pairs of member and score, in order. */
#include "forms.h"
#include "pollard/base/check.h"

/* Integers up to here are doubles exactly. */
#define EXACT_MAX (INT64_C(1) << 53)

struct item score_item(double score, unsigned char *buffer)
{
    if (score > (double)-EXACT_MAX && score < (double)EXACT_MAX) {
        int64_t integer = (int64_t)score;
        /* -0 becomes 0, as in a listpack of Redis. */
        if ((double)integer == score) {
            return item_of_integer(integer);
        }
    }
    memcpy(buffer, &score, sizeof(score));
    return (struct item){.data = buffer, .size = sizeof(score)};
}

/* The first pair that comes behind the member with that score. */
static const unsigned char *find_place(const struct collection *zset, const struct item *member,
                                       double score)
{
    const unsigned char *p = zset->pack;
    while (p < small_end(zset)) {
        struct element element;
        const unsigned char *next = pair_read(p, &element);
        if (element.score > score ||
            (element.score == score && item_compare(&element.member, member) > 0)) {
            break;
        }
        p = next;
    }
    return p;
}

void packed_insert(struct collection **zset, const struct item *member, double score)
{
    unsigned char buffer[sizeof(double)];
    struct item packed_score = score_item(score, buffer);
    size_t offset = (size_t)(find_place(*zset, member, score) - (*zset)->pack);
    size_t size = item_packed_size(member) + item_packed_size(&packed_score);
    unsigned char *out = small_open(zset, offset, size);
    (void)item_pack(&packed_score, item_pack(member, out));
    item_acquire(member);
    (*zset)->count++;
}

void packed_remove(struct collection **zset, const unsigned char *p, const unsigned char *end,
                   uint32_t count)
{
    pack_release(p, end);
    (*zset)->count -= count;
    small_close(zset, (size_t)(p - (*zset)->pack), (size_t)(end - p));
}
