/* Fuzz target of items: texts as clients send them through their packed form and back, alone and in
 * packs; and any bytes through the checker of packs.
 *
 * The input is a sequence of texts, each behind its length in two bytes (little-endian, modulo
 * TEXT_MAX + 1). */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/ds/item.h"

#define TEXT_MAX 600
#define TEXTS_MAX 256

struct texts {
    struct bytes texts[TEXTS_MAX];
    size_t count;
};

static void split(struct bytes input, struct texts *texts)
{
    texts->count = 0;
    while (input.size >= 2 && texts->count < TEXTS_MAX) {
        size_t size = (input.data[0] | (size_t)input.data[1] << 8) % (TEXT_MAX + 1);
        input = bytes_make(input.data + 2, input.size - 2);
        size = size < input.size ? size : input.size;
        texts->texts[texts->count++] = bytes_make(input.data, size);
        input = bytes_make(input.data + size, input.size - size);
    }
}

static void round_trip(struct bytes text, const struct item *item)
{
    struct item back;
    struct item_needle needle;
    unsigned char scratch[ITEM_SCRATCH];
    size_t size = item_packed_size(item);
    unsigned char *block = mem_alloc(size);
    check(item_pack(item, block) == block + size && item_span(block) == size);
    check(item_read(block, &back) == block + size);
    check(bytes_equal(item_text(&back, scratch), text));
    check(item_text_size(&back) == text.size && item_equal(item, &back));
    check(pack_verify(block, block + size));
    item_needle_init(&needle, text);
    check(item_is(block, &needle));
    mem_free(block);
}

static void compare(struct bytes a, struct bytes b)
{
    struct item items[2] = {item_of(a), item_of(b)};
    int expected = bytes_compare(a, b);
    int order = item_compare(&items[0], &items[1]);
    check((order > 0) - (order < 0) == (expected > 0) - (expected < 0));
    check(item_equal(&items[0], &items[1]) == (expected == 0));
}

static void try_pack(const struct texts *texts)
{
    unsigned char *pack = mem_alloc(texts->count * ITEM_PACKED_MAX);
    unsigned char *end = pack;
    for (size_t i = 0; i < texts->count; i++) {
        struct item item;
        check(item_make(texts->texts[i], NULL, &item) == STATUS_OK);
        round_trip(texts->texts[i], &item);
        compare(texts->texts[i], texts->texts[i > 0 ? i - 1 : 0]);
        end = item_pack(&item, end);
    }
    check(pack_verify(pack, end) && pack_seek(pack, texts->count) == end);
    for (size_t i = 0; i < texts->count; i++) {
        struct item_needle needle;
        size_t first = 0;
        while (!bytes_equal(texts->texts[first], texts->texts[i])) {
            first++;
        }
        item_needle_init(&needle, texts->texts[i]);
        check(pack_find(pack, end, &needle, 1) == pack_seek(pack, first));
    }
    pack_release(pack, end);
    mem_free(pack);
}

/* Whatever is found to be a pack can be walked. Pointers to blobs cannot be made up. */
static void try_bytes(const uint8_t *data, size_t size)
{
    unsigned char *bytes = mem_alloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = data[i] == ITEM_TAG_BLOB ? ITEM_TAG_BLOB + 1 : data[i];
    }
    if (pack_verify(bytes, bytes + size)) {
        const unsigned char *p = bytes;
        while (p < bytes + size) {
            struct item item;
            p = item_read(p, &item);
            check(item_text_size(&item) <= ITEM_EMBED_MAX);
        }
        check(p == bytes + size);
    }
    mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct texts texts;
    split(bytes_make(data, size), &texts);
    try_pack(&texts);
    try_bytes(data, size);
    return 0;
}
