/* SRANDMEMBER and ZRANDMEMBER: members drawn at random, each as likely as any.
 *
 * Run inside a READ access on one key. Few are drawn there; many by the client's reactor as it
 * takes them, from a version, with no lock held. */
#include "member_draw.h"
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"

/* Members that are drawn at once. */
#define INLINE_COUNT 1024

struct draw_source {
    struct chain_source source; /* first: the chain hands it back */
    struct collection *collection;
    struct keyspace *keyspace;
    struct collection_cursor cursor;
    struct member_draw draw;
    uint8_t protocol;
    uint64_t left;   /* to be replied */
    uint64_t unseen; /* of the walk */
};

/* The next element of a walk in which each has the chance that is due. */
static void walk_on(struct draw_source *source, struct element *ret_element)
{
    bool is_taken;
    do {
        check(collection_cursor_next(&source->cursor, ret_element));
        is_taken = random_below(source->unseen) < source->left;
        source->unseen--;
    } while (!is_taken);
}

static bool render(struct chain_source *chain_source, struct chain *chain)
{
    struct draw_source *source = (struct draw_source *)chain_source;
    struct reply reply;
    struct element element;
    reply_init(&reply, chain, source->protocol);
    while (source->left > 0 && chain_size(chain) < CHAIN_SOURCE_STEP) {
        if (source->draw.count < 0) {
            uint64_t rank = random_below(collection_count(source->collection));
            source->draw.at(source->collection, rank, &element);
        } else {
            walk_on(source, &element);
        }
        stream_element(&reply, source->draw.parts, &element);
        source->left--;
    }
    return source->left > 0;
}

static void release(struct chain_source *chain_source)
{
    struct draw_source *source = (struct draw_source *)chain_source;
    keyspace_discard_collection(source->keyspace, source->collection);
    mem_free(source);
}

static void draw_later(struct exec *x, struct collection *collection,
                       const struct member_draw *draw, uint64_t count)
{
    struct draw_source *source = mem_alloc(sizeof(*source));
    source->source = (struct chain_source){
        .render = render, .release = release, .memory = collection_memory(collection, 1)};
    source->collection = collection_acquire(collection);
    source->keyspace = x->services->keyspace;
    source->draw = *draw;
    source->protocol = x->protocol;
    source->left = count;
    source->unseen = collection_count(collection);
    collection_cursor_begin(&source->cursor, collection, &(struct cursor_start){0});
    exec_source(x, &source->source);
}

/* Replies count (<= INLINE_COUNT) different elements of a collection that has more. */
static void draw_distinct(struct exec *x, const struct collection *collection,
                          const struct member_draw *draw, uint64_t count)
{
    uint64_t taken[INLINE_COUNT]; /* ranks, sorted */
    uint64_t size = collection_count(collection);
    uint64_t have = 0;
    /* Floyd: each step takes a rank among the first ones, or the last of them. */
    for (uint64_t last = size - count; last < size; last++) {
        uint64_t rank = random_below(last + 1);
        uint64_t at = 0;
        while (at < have && taken[at] < rank) {
            at++;
        }
        if (at < have && taken[at] == rank) {
            rank = last;
            at = have;
        }
        memmove(taken + at + 1, taken + at, (have - at) * sizeof(taken[0]));
        taken[at] = rank;
        have++;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct element element;
        draw->at(collection, taken[i], &element);
        stream_element(x->reply, draw->parts, &element);
    }
}

static void draw_repeated(struct exec *x, const struct collection *collection,
                          const struct member_draw *draw, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct element element;
        draw->at(collection, random_below(collection_count(collection)), &element);
        stream_element(x->reply, draw->parts, &element);
    }
}

void member_draw(struct exec *x, struct collection *collection, const struct member_draw *draw)
{
    uint64_t size = collection_count(collection);
    bool is_repeated = draw->count < 0;
    uint64_t count = is_repeated ? (uint64_t)-draw->count : (uint64_t)draw->count;
    if (!is_repeated && count > size) {
        count = size;
    }
    bool is_flat = draw->parts == STREAM_SCORES && x->protocol == 2;
    reply_array(x->reply, is_flat ? count * 2 : count);
    if (!is_repeated && count == size) {
        stream_elements(x, collection, &(struct stream){.parts = draw->parts, .count = count});
    } else if (count > INLINE_COUNT) {
        draw_later(x, collection, draw, count);
    } else if (is_repeated) {
        draw_repeated(x, collection, draw, count);
    } else {
        draw_distinct(x, collection, draw, count);
    }
}
