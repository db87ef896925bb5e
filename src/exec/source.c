/* Replies that are made as the client takes them, for HOTKEYS and INFO hotkeys.
 *
 *     handler -> exec_source -> [booked source [the handler's source]] in the output
 *     reactor, socket has room: render -> the handler's render, timed -> hotkeys_book_part
 *
 * Off the path of all replies that are written at once. Threads: made where the handler runs,
 * rendered on the client's reactor with no lock held.
 * Invariant: the call's own booking has counted the source as one byte (chain.h), and placeholder
 * is that byte until the first part is booked. */
#include "job.h"
#include "pollard/base/chain.h"
#include "pollard/base/clock.h"
#include "pollard/base/mem.h"

struct booked_source {
    struct chain_source source; /* first: the chain hands it back */
    struct chain_source *inner;
    struct hotkeys *hotkeys;
    uint32_t weight; /* hotkeys_wants_parts */
    size_t placeholder;
    uint32_t key_count;
    struct access_key keys[]; /* behind them the bytes of their names */
};

static bool render(struct chain_source *source, struct chain *chain)
{
    struct booked_source *booked = (struct booked_source *)source;
    size_t before = chain_size(chain);
    uint64_t begin = clock_ticks();
    bool is_more = booked->inner->render(booked->inner, chain);
    size_t bytes = chain_size(chain) - before;
    size_t counted = bytes < booked->placeholder ? bytes : booked->placeholder;
    const struct hotkeys_call part = {.keys = {booked->keys, booked->key_count},
                                      .ticks = clock_ticks() - begin,
                                      .bytes = bytes - counted};
    hotkeys_book_part(booked->hotkeys, &part, booked->weight);
    booked->placeholder -= counted;
    return is_more;
}

static void release(struct chain_source *source)
{
    struct booked_source *booked = (struct booked_source *)source;
    booked->inner->release(booked->inner);
    mem_free(booked);
}

/* A copy of the keys: the request is gone when the client takes the reply. */
static struct booked_source *make_booked(const struct access_key *keys, uint32_t count)
{
    size_t size = sizeof(struct booked_source) + count * sizeof(*keys);
    size_t names_at = size;
    for (uint32_t i = 0; i < count; i++) {
        size += keys[i].name.size;
    }
    struct booked_source *booked = mem_alloc_zero(size);
    unsigned char *names = (unsigned char *)booked + names_at;
    for (uint32_t i = 0; i < count; i++) {
        size_t name_size = keys[i].name.size;
        memcpy(names, keys[i].name.data, name_size);
        booked->keys[i] = keys[i];
        booked->keys[i].name = bytes_make(names, name_size);
        names += name_size;
    }
    booked->key_count = count;
    booked->source.memory = size;
    return booked;
}

static ATTR_NOINLINE struct chain_source *wrap(const struct exec *x, struct chain_source *inner,
                                               uint32_t weight)
{
    struct access_key room[INLINE_KEYS_MAX + 1];
    struct access_key *keys = room;
    int count = x->request->argc == 0
                    ? 0
                    : call_find_keys(x->services->keyspace, x->command, x->request, x->db, &keys);
    struct booked_source *booked = make_booked(keys, count < 0 ? 0 : (uint32_t)count);
    booked->source.render = render;
    booked->source.release = release;
    booked->source.memory += inner->memory;
    booked->inner = inner;
    booked->hotkeys = x->services->hotkeys;
    booked->weight = weight;
    booked->placeholder = 1;
    if (keys != room) {
        mem_free(keys);
    }
    return &booked->source;
}

void exec_source(struct exec *x, struct chain_source *source)
{
    uint32_t weight;
    if (hotkeys_wants_parts(x->services->hotkeys, &weight)) {
        source = wrap(x, source, weight);
    }
    reply_source(x->reply, source);
}
