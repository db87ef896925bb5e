/* Tests of items: every text through its packed form and back, what each form's bytes are at its
 * bounds, order and equality, packs, and the checker on what is no pack. */
#include "pollard/base/mem.h"
#include "pollard/ds/item.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#define TEXTS 64
#define ROOM (TEXTS * (ITEM_PACKED_MAX + 1))

struct texts {
    struct buf texts[TEXTS];
    size_t count;
};

static void add(struct texts *texts, struct bytes text)
{
    cr_assert_lt(texts->count, TEXTS);
    buf_append(&texts->texts[texts->count++], text);
}

/* All that has to do with bounds: of integers' widths, of lengths, of what is an integer at all. */
static void make_texts(struct texts *texts)
{
    static const char *const words[] = {"",
                                        "0",
                                        "-1",
                                        "63",
                                        "64",
                                        "-64",
                                        "127",
                                        "128",
                                        "-128",
                                        "-129",
                                        "32767",
                                        "32768",
                                        "8388607",
                                        "8388608",
                                        "-8388609",
                                        "2147483647",
                                        "2147483648",
                                        "549755813887",
                                        "549755813888",
                                        "140737488355328",
                                        "36028797018963967",
                                        "36028797018963968",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999",
                                        "-0",
                                        "007",
                                        "+5",
                                        " 1",
                                        "1 ",
                                        "1.5",
                                        "-",
                                        "a",
                                        "abc",
                                        "1e3",
                                        "\x80",
                                        "\xe0",
                                        "\xff\xff"};
    static const size_t sizes[] = {8,   16,  17,  126, 127, 128,  129,  255,
                                   256, 257, 511, 512, 513, 4095, 4096, 70000};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        add(texts, bytes_text(words[i]));
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf *text = &texts->texts[texts->count++];
        for (size_t at = 0; at < sizes[i]; at++) {
            buf_append_byte(text, (unsigned char)(i % 2 == 0 ? '1' : at * 7 + i));
        }
    }
    add(texts, bytes_make("a\0b", 3));
    add(texts, bytes_make("\0", 1));
    add(texts, bytes_make("12\0", 3));
}

static void end_texts(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        buf_deinit(&texts->texts[i]);
    }
}

/* The packed form of a text in a block of just its size, so that a sanitizer sees reads beyond. */
static unsigned char *pack_alone(const struct item *item, size_t *ret_size)
{
    *ret_size = item_packed_size(item);
    unsigned char *block = mem_alloc(*ret_size);
    cr_assert_eq(item_pack(item, block), block + *ret_size);
    return block;
}

Test(item, every_text_comes_back)
{
    struct texts texts = {0};
    unsigned char scratch[ITEM_SCRATCH];
    make_texts(&texts);
    for (size_t i = 0; i < texts.count; i++) {
        struct bytes text = buf_bytes(&texts.texts[i]);
        struct item item;
        struct item back;
        struct item_needle needle;
        size_t size;
        cr_assert_eq(item_make(text, NULL, &item), STATUS_OK);
        cr_assert_eq(item.blob != NULL, text.size > ITEM_EMBED_MAX);
        unsigned char *block = pack_alone(&item, &size);
        cr_assert_leq(size, ITEM_PACKED_MAX);
        cr_assert_eq(item_span(block), size);
        cr_assert_eq(item_read(block, &back), block + size);
        cr_assert(bytes_equal(item_text(&back, scratch), text));
        cr_assert_eq(item_text_size(&back), text.size);
        cr_assert_eq(back.blob, item.blob);
        cr_assert(item_equal(&item, &back));
        cr_assert_eq(item_compare(&item, &back), 0);
        cr_assert(pack_verify(block, block + size));
        item_needle_init(&needle, text);
        cr_assert(item_is(block, &needle));
        cr_assert(item_is_any(block, &needle));
        item_needle_of(&needle, &back);
        cr_assert(item_is(block, &needle));
        mem_free(block);
        item_unmake(&item);
    }
    end_texts(&texts);
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

Test(item, pairs_compare_as_their_texts)
{
    struct texts texts = {0};
    make_texts(&texts);
    for (size_t i = 0; i < texts.count; i++) {
        struct item a;
        size_t size;
        cr_assert_eq(item_make(buf_bytes(&texts.texts[i]), NULL, &a), STATUS_OK);
        unsigned char *block = pack_alone(&a, &size);
        for (size_t k = 0; k < texts.count; k++) {
            struct bytes text = buf_bytes(&texts.texts[k]);
            struct item b = item_of(text);
            struct item_needle needle;
            int order = bytes_compare(buf_bytes(&texts.texts[i]), text);
            item_needle_init(&needle, text);
            cr_assert_eq(sign(item_compare(&a, &b)), sign(order));
            cr_assert_eq(item_equal(&a, &b), order == 0);
            cr_assert_eq(item_is(block, &needle), order == 0, "%zu and %zu", i, k);
            cr_assert_eq(item_is_any(block, &needle), order == 0);
        }
        mem_free(block);
        item_unmake(&a);
    }
    end_texts(&texts);
}

/* The bytes of a text's packed form. */
static void expect_packed(struct bytes text, struct bytes packed)
{
    unsigned char block[ITEM_PACKED_MAX];
    struct item item = item_of(text);
    size_t size = (size_t)(item_pack(&item, block) - block);
    cr_assert_eq(size, packed.size);
    cr_assert_eq(memcmp(block, packed.data, size), 0);
}

Test(item, packed_bytes)
{
    unsigned char long_text[2 + 512];
    expect_packed(bytes_text(""), bytes_make("\0", 1));
    expect_packed(bytes_text("ab"), bytes_text("\x02"
                                               "ab"));
    expect_packed(bytes_text("0"), bytes_text("\x80"));
    expect_packed(bytes_text("63"), bytes_text("\xbf"));
    expect_packed(bytes_text("64"), bytes_text("\xc0\x40"));
    expect_packed(bytes_text("-1"), bytes_text("\xc0\xff"));
    expect_packed(bytes_text("128"), bytes_make("\xc1\x80\0", 3));
    expect_packed(bytes_text("-129"), bytes_text("\xc1\x7f\xff"));
    expect_packed(bytes_text("9223372036854775807"),
                  bytes_text("\xc7\xff\xff\xff\xff\xff\xff\xff\x7f"));
    expect_packed(bytes_text("-9223372036854775808"), bytes_make("\xc7\0\0\0\0\0\0\0\x80", 9));
    memset(long_text, 'x', sizeof(long_text));
    long_text[0] = 127;
    expect_packed(bytes_make(long_text + 1, 127), bytes_make(long_text, 128));
    long_text[0] = 0xd0;
    long_text[1] = 0x80;
    expect_packed(bytes_make(long_text + 2, 128), bytes_make(long_text, 130));
    long_text[0] = 0xd2;
    long_text[1] = 0;
    expect_packed(bytes_make(long_text + 2, 512), bytes_make(long_text, 514));
}

static void expect_integer(int64_t integer)
{
    unsigned char block[ITEM_PACKED_MAX];
    char digits[32];
    struct item back;
    struct item item = item_of_integer(integer);
    int length = snprintf(digits, sizeof(digits), "%" PRId64, integer);
    struct item same = item_of(bytes_make(digits, (size_t)length));
    unsigned char *end = item_pack(&item, block);
    cr_assert_eq((size_t)(end - block), item_packed_size(&item));
    cr_assert_eq(item_read(block, &back), end);
    cr_assert(item_is_integer(&back) && item_is_integer(&same));
    cr_assert_eq(back.integer, integer);
    cr_assert_eq(same.integer, integer);
    cr_assert_eq(item_text_size(&back), (size_t)length);
    cr_assert(pack_verify(block, end));
}

Test(item, integers_at_every_power_of_two)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        for (int64_t near = -2; near <= 2; near++) {
            expect_integer((int64_t)(power + (uint64_t)near));
            expect_integer((int64_t)(0 - power + (uint64_t)near));
        }
    }
}

Test(item, blobs_are_shared_when_they_are_the_whole_text)
{
    unsigned char text[600];
    struct item item;
    memset(text, 'x', sizeof(text));
    struct blob *blob = blob_try_copy(bytes_make(text, 600), 600);
    cr_assert_eq(item_make(bytes_make(blob->data, 600), blob, &item), STATUS_OK);
    cr_assert_eq(item.blob, blob);
    cr_assert(!blob_is_unique(blob));
    item_unmake(&item);
    cr_assert(blob_is_unique(blob));
    cr_assert_eq(item_make(bytes_make(blob->data, 599), blob, &item), STATUS_OK);
    cr_assert_neq(item.blob, blob);
    cr_assert_eq(item.size, 599);
    item_unmake(&item);
    cr_assert_eq(item_make(bytes_make(blob->data, 512), blob, &item), STATUS_OK);
    cr_assert_null(item.blob);
    item_unmake(&item);
    blob_release(blob);
}

/* A pack of all texts; the caller ends with pack_release. */
static unsigned char *pack_all(const struct texts *texts, unsigned char *out)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct item item;
        cr_assert_eq(item_make(buf_bytes(&texts->texts[i]), NULL, &item), STATUS_OK);
        out = item_pack(&item, out); /* the item's reference is the pack's now */
    }
    return out;
}

Test(item, packs_are_searched)
{
    struct texts texts = {0};
    struct item_needle needle;
    unsigned char *pack = mem_alloc(ROOM);
    make_texts(&texts);
    if (texts.count % 2 == 1) {
        add(&texts, bytes_text("one more"));
    }
    unsigned char *end = pack_all(&texts, pack);
    cr_assert(pack_verify(pack, end));
    cr_assert(pack_verify(pack, pack));
    cr_assert_eq(pack_seek(pack, texts.count), end);
    for (size_t i = 0; i < texts.count; i++) {
        const unsigned char *place = pack_seek(pack, i);
        item_needle_init(&needle, buf_bytes(&texts.texts[i]));
        cr_assert_eq(pack_find(pack, end, &needle, 1), place);
        cr_assert_eq(pack_find(pack, end, &needle, 2), i % 2 == 0 ? place : NULL);
        cr_assert_eq(pack_find(pack, place, &needle, 1), NULL);
    }
    item_needle_init(&needle, bytes_text("not there"));
    cr_assert_null(pack_find(pack, end, &needle, 1));
    cr_assert_null(pack_find(pack, pack, &needle, 1));
    pack_release(pack, end);
    mem_free(pack);
    end_texts(&texts);
}

Test(item, packs_hold_references)
{
    struct texts texts = {0};
    unsigned char *pack = mem_alloc(ROOM);
    make_texts(&texts);
    mem_thread_begin();
    size_t used = mem_used();
    unsigned char *end = pack_all(&texts, pack);
    cr_assert_gt(mem_used(), used);
    pack_acquire(pack, end);
    for (const unsigned char *p = pack; p < end; p += item_span(p)) {
        struct item item;
        (void)item_read(p, &item);
        cr_assert(item.blob == NULL || atomic_load(&item.blob->refs) == 2);
    }
    pack_release(pack, end);
    cr_assert(pack_verify(pack, end));
    pack_release(pack, end);
    cr_assert_eq(mem_used(), used);
    mem_thread_end();
    mem_free(pack);
    end_texts(&texts);
}

/* In a block of its own, for the sanitizer. */
static bool verify_alone(const char *bytes, size_t size)
{
    unsigned char *block = mem_alloc(size);
    memcpy(block, bytes, size);
    bool is_pack = pack_verify(block, block + size);
    mem_free(block);
    return is_pack;
}

Test(item, other_bytes_are_no_pack)
{
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {
        {"\x01", 1}, /* no text */
        {"\x02"
         "a",
         2}, /* cut off */
        {"\x01"
         "5",
         2}, /* an integer as a string */
        {"\x02-7", 3},
        {"\xc0\x3f", 2}, /* 63 has a shorter form */
        {"\xc0", 1},
        {"\xc1\x40\0", 3},           /* 64 in two bytes */
        {"\xc1\xff\xff", 3},         /* -1 in two */
        {"\xc7\0\0\0\0\0\0\0\0", 9}, /* 0 in eight */
        {"\xc7\0\0\0\0\0\0\0", 8},
        {"\xc8\0\0\0\0\0\0\0\0\1", 10},               /* nine bytes */
        {"\xcf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 17}, /* sixteen */
        {"\xd0", 1},                                  /* no length */
        {"\xd0\x01"
         "a",
         3}, /* long form of a short text */
        {"\xd0\0", 2},
        {"\xd0\x80", 2},
        {"\xdf\xff", 2},
        {"\xe0\1\2\3", 4},
        {"\xe1\0\0\0\0\0\0\0\0", 9},
        {"\xff", 1},
        {"\x80\x01", 2}, /* a good one, then a wrong one */
    };
    unsigned char too_long[2 + 513] = {0xd2, 0x01, 'x'};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert(!verify_alone(wrong[i].bytes, wrong[i].size), "%zu", i);
    }
    cr_assert(!verify_alone((const char *)too_long, sizeof(too_long)));
    too_long[1] = 0x00;
    cr_assert(verify_alone((const char *)too_long, 2 + 512));
    cr_assert(!verify_alone((const char *)too_long, 2 + 511));
    cr_assert(verify_alone("\x80\x01"
                           "a",
                           3));
}
