/* Items: the packed form of a collection's elements, and sequences of them. See item.h for the
 * picture. On the data path of every command about collections. Pure. */
#include "pollard/ds/item.h"
#include "pollard/base/number.h"

struct item item_of(struct bytes text)
{
    struct item item = {.data = text.data != NULL ? text.data : (const unsigned char *)"",
                        .size = text.size};
    /* Most texts are no integers: their first byte says so. */
    if (text.size == 0 || text.size > NUMBER_INT_MAX || text.data[0] > '9' ||
        !number_parse_i64(text, &item.integer)) {
        item.integer = 0;
        return item;
    }
    item.data = NULL;
    item.size = 0;
    return item;
}

enum status item_make(struct bytes text, struct blob *blob, struct item *ret_item)
{
    *ret_item = item_of(text);
    if (LIKELY(text.size <= ITEM_EMBED_MAX)) {
        return STATUS_OK;
    }
    bool is_whole = blob != NULL && blob->size == text.size;
    ret_item->blob = is_whole ? blob_acquire(blob) : blob_try_copy(text, text.size);
    if (ret_item->blob == NULL) {
        return STATUS_ALLOCATION;
    }
    ret_item->data = ret_item->blob->data;
    return STATUS_OK;
}

void item_unmake(struct item *item)
{
    blob_release(item->blob);
    item->blob = NULL;
}

struct bytes item_text(const struct item *item, unsigned char *scratch)
{
    if (LIKELY(item->data != NULL)) {
        return bytes_make(item->data, item->size);
    }
    return bytes_make(scratch, number_print_i64(scratch, item->integer));
}

size_t item_text_size(const struct item *item)
{
    return item->data != NULL ? item->size : number_length_i64(item->integer);
}

bool item_equal(const struct item *a, const struct item *b)
{
    if (item_is_integer(a) || item_is_integer(b)) {
        return item_is_integer(a) && item_is_integer(b) && a->integer == b->integer;
    }
    return a->size == b->size && bytes_same(a->data, b->data, a->size);
}

int item_compare(const struct item *a, const struct item *b)
{
    unsigned char a_scratch[ITEM_SCRATCH];
    unsigned char b_scratch[ITEM_SCRATCH];
    return bytes_compare(item_text(a, a_scratch), item_text(b, b_scratch));
}

/* Bytes of the shortest two's complement form. */
static size_t integer_width(int64_t integer)
{
    uint64_t folded = (uint64_t)(integer < 0 ? ~integer : integer);
    size_t bits = folded == 0 ? 1 : 65 - (size_t)__builtin_clzll(folded);
    return (bits + 7) / 8;
}

size_t item_packed_size(const struct item *item)
{
    if (item_is_integer(item)) {
        bool is_small = item->integer >= 0 && item->integer < ITEM_TAG_INT - ITEM_TAG_SMALL_INT;
        return is_small ? 1 : 1 + integer_width(item->integer);
    }
    if (LIKELY(item->size < ITEM_TAG_SMALL_INT)) {
        return 1 + item->size;
    }
    return item->size <= ITEM_EMBED_MAX ? 2 + item->size : 1 + sizeof(struct blob *);
}

static unsigned char *pack_integer(int64_t integer, unsigned char *out)
{
    if (integer >= 0 && integer < ITEM_TAG_INT - ITEM_TAG_SMALL_INT) {
        *out = (unsigned char)(ITEM_TAG_SMALL_INT + integer);
        return out + 1;
    }
    size_t width = integer_width(integer);
    *out = (unsigned char)(ITEM_TAG_INT + width - 1);
    memcpy(out + 1, &integer, width);
    return out + 1 + width;
}

unsigned char *item_pack(const struct item *item, unsigned char *out)
{
    if (item_is_integer(item)) {
        return pack_integer(item->integer, out);
    }
    if (LIKELY(item->size < ITEM_TAG_SMALL_INT)) {
        *out++ = (unsigned char)item->size;
    } else if (item->size <= ITEM_EMBED_MAX) {
        *out++ = (unsigned char)(ITEM_TAG_LONG | item->size >> 8);
        *out++ = (unsigned char)item->size;
    } else {
        *out++ = ITEM_TAG_BLOB;
        memcpy(out, &item->blob, sizeof(struct blob *));
        return out + sizeof(struct blob *);
    }
    memcpy(out, item->data, item->size);
    return out + item->size;
}

void item_needle_init(struct item_needle *needle, struct bytes text)
{
    needle->item = item_of(text);
    needle->packed_size = 0;
    if (LIKELY(text.size <= ITEM_EMBED_MAX)) {
        needle->packed_size = (size_t)(item_pack(&needle->item, needle->packed) - needle->packed);
    }
}

void item_needle_of(struct item_needle *needle, const struct item *item)
{
    needle->item = *item;
    needle->packed_size = 0;
    if (item_is_integer(item) || LIKELY(item->size <= ITEM_EMBED_MAX)) {
        needle->packed_size = (size_t)(item_pack(item, needle->packed) - needle->packed);
    }
}

static struct blob *read_blob(const unsigned char *p)
{
    struct blob *blob;
    memcpy(&blob, p + 1, sizeof(struct blob *));
    return blob;
}

const unsigned char *item_read_any(const unsigned char *p, struct item *ret_item)
{
    unsigned tag = *p;
    *ret_item = (struct item){0};
    if (tag < ITEM_TAG_SMALL_INT) {
        ret_item->data = p + 1;
        ret_item->size = tag;
    } else if (tag < ITEM_TAG_INT) {
        ret_item->integer = (int64_t)(tag - ITEM_TAG_SMALL_INT);
    } else if (tag < ITEM_TAG_LONG) {
        size_t width = tag - ITEM_TAG_INT + 1;
        uint64_t word = 0;
        memcpy(&word, p + 1, width);
        unsigned unused = 64 - 8 * (unsigned)width;
        ret_item->integer = (int64_t)(word << unused) >> unused;
    } else if (tag < ITEM_TAG_BLOB) {
        ret_item->data = p + 2;
        ret_item->size = (size_t)(tag & 15) << 8 | p[1];
    } else {
        ret_item->blob = read_blob(p);
        ret_item->data = ret_item->blob->data;
        ret_item->size = ret_item->blob->size;
    }
    return p + item_span(p);
}

bool item_is_any(const unsigned char *p, const struct item_needle *needle)
{
    struct item item;
    if (needle->packed_size == 0 && *p != ITEM_TAG_BLOB) {
        return false;
    }
    (void)item_read(p, &item);
    return item_equal(&item, &needle->item);
}

const unsigned char *pack_find(const unsigned char *begin, const unsigned char *end,
                               const struct item_needle *needle, uint32_t stride)
{
    const unsigned char *p = begin;
    while (p < end) {
        if (item_is(p, needle)) {
            return p;
        }
        p = pack_seek(p, stride);
    }
    return NULL;
}

void pack_acquire(const unsigned char *begin, const unsigned char *end)
{
    for (const unsigned char *p = begin; p < end; p += item_span(p)) {
        if (UNLIKELY(*p == ITEM_TAG_BLOB)) {
            (void)blob_acquire(read_blob(p));
        }
    }
}

void pack_release(const unsigned char *begin, const unsigned char *end)
{
    for (const unsigned char *p = begin; p < end; p += item_span(p)) {
        if (UNLIKELY(*p == ITEM_TAG_BLOB)) {
            blob_release(read_blob(p));
        }
    }
}

/* Is there a known tag at p, and all that it says follows? */
static bool is_whole(const unsigned char *p, const unsigned char *end)
{
    bool is_integer_too_wide = *p >= ITEM_TAG_INT + 8 && *p < ITEM_TAG_LONG;
    bool has_size = *p < ITEM_TAG_LONG || end - p >= 2;
    return *p <= ITEM_TAG_BLOB && !is_integer_too_wide && has_size &&
           item_span(p) <= (size_t)(end - p);
}

bool pack_verify(const unsigned char *begin, const unsigned char *end)
{
    const unsigned char *p = begin;
    while (p < end) {
        unsigned char again[ITEM_PACKED_MAX];
        unsigned char scratch[ITEM_SCRATCH];
        struct item item;
        if (!is_whole(p, end)) {
            return false;
        }
        (void)item_read(p, &item);
        struct item same = item_of(item_text(&item, scratch));
        if (same.size > ITEM_EMBED_MAX) {
            same.blob = item.blob;
        }
        if (item_is_integer(&same) != item_is_integer(&item) ||
            (size_t)(item_pack(&same, again) - again) != item_span(p) ||
            memcmp(again, p, item_span(p)) != 0) {
            return false;
        }
        p += item_span(p);
    }
    return p == end;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are packed little-endian");
