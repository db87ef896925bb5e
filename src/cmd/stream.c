/* Replies of many elements: at once, or as the client takes them.
 *
 * On the data path of LRANGE, SMEMBERS, HGETALL, ZRANGE. The handler's part runs in its access; the
 * rendering of a long one on the client's reactor, from a version, with no lock held. */
#include "collection.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Elements that are written at once: some tens of microseconds. */
#define INLINE_COUNT 1024

struct stream_source {
    struct chain_source source; /* first: the chain hands it back */
    struct collection *collection;
    struct keyspace *keyspace;
    struct collection_cursor cursor;
    enum stream_parts parts;
    uint8_t protocol;
    uint64_t left;
};

void stream_element(struct reply *reply, enum stream_parts parts, const struct element *element)
{
    bool has_score = parts == STREAM_SCORES || parts == STREAM_PAIRED_SCORES;
    if (parts == STREAM_PAIRED_SCORES || (has_score && reply->protocol > 2)) {
        reply_array(reply, 2);
    }
    if (parts != STREAM_VALUES) {
        reply_item(reply, &element->member);
    }
    if (parts == STREAM_VALUES || parts == STREAM_PAIRS) {
        reply_item(reply, &element->value);
    } else if (has_score) {
        reply_double(reply, element->score);
    }
}

static bool render(struct chain_source *source, struct chain *chain)
{
    struct stream_source *stream = (struct stream_source *)source;
    struct reply reply;
    struct element element;
    reply_init(&reply, chain, stream->protocol);
    while (stream->left > 0 && chain_size(chain) < CHAIN_SOURCE_STEP) {
        check(collection_cursor_next(&stream->cursor, &element));
        stream_element(&reply, stream->parts, &element);
        stream->left--;
    }
    return stream->left > 0;
}

static void release(struct chain_source *source)
{
    struct stream_source *stream = (struct stream_source *)source;
    keyspace_discard_collection(stream->keyspace, stream->collection);
    mem_free(stream);
}

void stream_elements(struct exec *x, struct collection *collection, const struct stream *stream)
{
    const struct cursor_start start = {
        .rank = stream->rank, .is_reverse = stream->is_reverse, .now_ms = x->now_ms};
    if (LIKELY(stream->count <= INLINE_COUNT)) {
        struct collection_cursor cursor;
        struct element element;
        collection_cursor_begin(&cursor, collection, &start);
        for (uint64_t i = 0; i < stream->count && collection_cursor_next(&cursor, &element); i++) {
            stream_element(x->reply, stream->parts, &element);
        }
        return;
    }
    struct stream_source *source = mem_alloc(sizeof(*source));
    source->source = (struct chain_source){
        .render = render, .release = release, .memory = collection_memory(collection, 1)};
    source->collection = collection_acquire(collection);
    source->keyspace = x->services->keyspace;
    source->parts = stream->parts;
    source->protocol = x->protocol;
    source->left = stream->count;
    collection_cursor_begin(&source->cursor, collection, &start);
    exec_source(x, &source->source);
}
