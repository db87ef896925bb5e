/* Items: the elements of collections, in the packed form that blocks hold and as a view.
 *
 *   tag            what follows
 *   0x00 .. 0x7f   a string of 0 .. 127 bytes
 *   0x80 .. 0xbf   nothing: the integer 0 .. 63
 *   0xc0 .. 0xc7   an integer of 1 .. 8 bytes, little-endian, two's complement, as few as do
 *   0xd0 .. 0xdf   a length of 12 bits, the high four in the tag, and a string of so many bytes
 *   0xe0           a pointer to a blob: a string longer than ITEM_EMBED_MAX
 *
 * Each text has exactly one packed form (texts that are the shortest decimal form of an int64 are
 * integers), so short ones are equal if and only if their packed bytes are. Pure; any thread. */
#ifndef POLLARD_DS_ITEM_H
#define POLLARD_DS_ITEM_H

#include "pollard/base/blob.h"
#include "pollard/base/bytes.h"
#include "pollard/base/status.h"

/* Longer strings live in blobs of their own. */
#define ITEM_EMBED_MAX ((size_t)512)
/* Most bytes an item takes in a block. */
#define ITEM_PACKED_MAX (ITEM_EMBED_MAX + 2)
/* What item_text may need for an integer's digits. */
#define ITEM_SCRATCH 24

enum item_tag {
    ITEM_TAG_SMALL_INT = 0x80,
    ITEM_TAG_INT = 0xc0,
    ITEM_TAG_LONG = 0xd0,
    ITEM_TAG_BLOB = 0xe0
};

/* A view: borrowed from where it was read. data NULL: the integer. blob not NULL: the bytes live in
 * it, all of it. */
struct item {
    const unsigned char *data;
    size_t size;
    int64_t integer;
    struct blob *blob;
};

/* A needle for searches: an item with its packed form at hand. */
struct item_needle {
    struct item item;
    size_t packed_size; /* 0: the text is longer than ITEM_EMBED_MAX, compare texts */
    unsigned char packed[ITEM_PACKED_MAX + 6];
};

static inline bool item_is_integer(const struct item *item)
{
    return item->data == NULL;
}

/* A view of a text to look for or to store: an integer if the text is one's shortest form. Borrows
 * the bytes. Its blob is NULL even if it is long: item_make is for what is to be stored. */
struct item item_of(struct bytes text);
static inline struct item item_of_integer(int64_t integer)
{
    return (struct item){.integer = integer};
}
/* The same for storing: a text longer than ITEM_EMBED_MAX gets a blob: blob (not NULL: it holds
 * exactly this text) is acquired, or a copy made. STATUS_OK, STATUS_ALLOCATION. What stores the
 * item takes a reference of its own; the caller ends with item_unmake in any case. */
enum status item_make(struct bytes text, struct blob *blob, struct item *ret_item);
void item_unmake(struct item *item);

/* The text; an integer's digits are printed into scratch (ITEM_SCRATCH bytes). */
struct bytes item_text(const struct item *item, unsigned char *scratch);
/* Length of the text. */
size_t item_text_size(const struct item *item);
bool item_equal(const struct item *a, const struct item *b);
/* Order of the texts, as memcmp with the shorter first: below, equal to or above 0. */
int item_compare(const struct item *a, const struct item *b);

/* Bytes of the packed form. */
size_t item_packed_size(const struct item *item);
/* Writes the packed form and returns its end. Takes no reference to a blob: who stores it does
 * (item_acquire). A text longer than ITEM_EMBED_MAX must have its blob. */
unsigned char *item_pack(const struct item *item, unsigned char *out);
/* For an item that is stored or dropped: its blob's count, if it has one. */
static inline void item_acquire(const struct item *item)
{
    if (item->blob != NULL) {
        (void)blob_acquire(item->blob);
    }
}
static inline void item_release(const struct item *item)
{
    if (item->blob != NULL) {
        blob_release(item->blob);
    }
}

void item_needle_init(struct item_needle *needle, struct bytes text);
/* The same for an item at hand. */
void item_needle_of(struct item_needle *needle, const struct item *item);

/* ---- Reading packed items ---- */

/* Packed bytes of the item at p, tag included. */
static inline size_t item_span(const unsigned char *p)
{
    unsigned tag = *p;
    if (LIKELY(tag < ITEM_TAG_SMALL_INT)) {
        return 1 + (size_t)tag;
    }
    if (tag < ITEM_TAG_INT) {
        return 1;
    }
    if (tag < ITEM_TAG_LONG) {
        return (size_t)tag - ITEM_TAG_INT + 2;
    }
    return tag < ITEM_TAG_BLOB ? 2 + ((size_t)(tag & 15) << 8 | p[1]) : 1 + sizeof(struct blob *);
}

/* The slow half of item_read: anything but a short string. */
const unsigned char *item_read_any(const unsigned char *p, struct item *ret_item);

/* Fills the view (all fields) and returns where the next item begins. */
static inline const unsigned char *item_read(const unsigned char *p, struct item *ret_item)
{
    if (LIKELY(*p < ITEM_TAG_SMALL_INT)) {
        ret_item->data = p + 1;
        ret_item->size = *p;
        ret_item->integer = 0;
        ret_item->blob = NULL;
        return p + 1 + *p;
    }
    return item_read_any(p, ret_item);
}

/* Is the packed item at p the needle? */
bool item_is_any(const unsigned char *p, const struct item_needle *needle);
static inline bool item_is(const unsigned char *p, const struct item_needle *needle)
{
    if (LIKELY(needle->packed_size != 0)) {
        /* The tag says the length, but of long texts only a part of it: no byte behind p's item may
         * be looked at. */
        return *p == needle->packed[0] &&
               (LIKELY(needle->packed_size <= ITEM_TAG_SMALL_INT) || p[1] == needle->packed[1]) &&
               bytes_same(p, needle->packed, needle->packed_size);
    }
    return item_is_any(p, needle);
}

/* ---- Packs: items one behind the other ---- */

/* The first item from begin on, every stride-th looked at, that is the needle; NULL if none is.
 * begin .. end holds a multiple of stride items. O(bytes). */
const unsigned char *pack_find(const unsigned char *begin, const unsigned char *end,
                               const struct item_needle *needle, uint32_t stride);
/* The index-th item; there must be so many (index may be the count: the end). */
static inline const unsigned char *pack_seek(const unsigned char *begin, uint64_t index)
{
    for (; index > 0; index--) {
        begin += item_span(begin);
    }
    return begin;
}
/* Takes or gives up a reference to every blob among the items. O(bytes). */
void pack_acquire(const unsigned char *begin, const unsigned char *end);
void pack_release(const unsigned char *begin, const unsigned char *end);
/* Is begin .. end a sequence of well-formed items, of their one packed form each? For checks. */
bool pack_verify(const unsigned char *begin, const unsigned char *end);

#endif
