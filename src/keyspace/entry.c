/* Entries: their layout, made, read and overwritten. See entry.h for the picture. */
#include "entry.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/value/hash.h"

/* Offsets of the parts behind the header. */
struct layout {
    uint32_t flags;
    size_t word; /* number or pointer; a soft time stands before it */
    size_t key;
    size_t value;
    size_t size; /* of the whole allocation */
    size_t value_size;
};

/* Small allocations are asked for in steps of the allocator's classes, so that a value may change
 * its size within its block. */
#define SMALL_STEP ((size_t)16)
#define SMALL_MAX ((size_t)128)
#define SOFT_SIZE ((size_t)8)

static size_t allocation_size(size_t size)
{
    return size <= SMALL_MAX ? (size + SMALL_STEP - 1) / SMALL_STEP * SMALL_STEP : size;
}

/* Bytes before the word, of entries that have what few have. */
static ATTR_NOINLINE size_t layout_rare(uint32_t flags)
{
    size_t at = (flags & ENTRY_WIDE) != 0 ? 8 : 0;
    if ((flags & ENTRY_TTL) != 0) {
        at += (flags & ENTRY_WIDE) != 0 ? 16 : 8;
    }
    return at + ((flags & ENTRY_SOFT) != 0 ? SOFT_SIZE : 0);
}

static void layout_find(uint32_t flags, bool has_word, size_t key_size, size_t value_size,
                        struct layout *layout)
{
    size_t at = (flags & ENTRY_TTL) != 0 ? 8 : 0;
    layout->flags = flags;
    if (UNLIKELY((flags & (ENTRY_WIDE | ENTRY_SOFT)) != 0)) {
        at = layout_rare(flags);
    }
    layout->word = at;
    at += has_word ? 8 : 0;
    layout->key = at;
    layout->value = at + key_size;
    layout->size = allocation_size(sizeof(struct entry) + layout->value + value_size);
    layout->value_size = value_size;
}

static bool has_word(const struct entry *entry)
{
    return (entry->flags & ENTRY_POINTER) != 0 || entry->kind >> 4 == ENCODING_INT;
}

static size_t key_size_of(const struct entry *entry)
{
    uint32_t size;
    if ((entry->flags & ENTRY_WIDE) == 0) {
        return entry->key_size;
    }
    memcpy(&size, entry->body, sizeof(size));
    return size;
}

static size_t value_size_of(const struct entry *entry)
{
    uint32_t size;
    if ((entry->flags & ENTRY_WIDE) == 0) {
        return entry->value_size;
    }
    memcpy(&size, entry->body + 4, sizeof(size));
    return size;
}

static void layout_of(const struct entry *entry, struct layout *layout)
{
    layout_find(entry->flags, has_word(entry), key_size_of(entry), value_size_of(entry), layout);
}

/* Bytes of the value that live in the entry itself. */
static size_t embedded_size(const struct value *value, uint32_t pointer)
{
    return pointer != 0 || value->encoding == ENCODING_INT ? 0 : value->bytes.size;
}

static bool has_field_ttl(const struct value *value)
{
    return value->type == VALUE_HASH && hash_has_expiry(value->collection);
}

/* pointer: 0, or the flag that says what the word points to. */
static void plan(const struct entry_parts *parts, uint32_t pointer, struct layout *layout)
{
    size_t value_size = embedded_size(&parts->value, pointer);
    uint32_t flags = pointer;
    flags |= parts->expires_at_ms >= 0 ? ENTRY_TTL : 0;
    if (UNLIKELY(parts->soft_at_ms != 0)) {
        flags |= ENTRY_SOFT;
    }
    flags |= has_field_ttl(&parts->value) ? ENTRY_TTL | ENTRY_FIELD_TTL : 0;
    if (parts->key.size > UINT8_MAX || value_size > UINT8_MAX ||
        parts->expires_at_ms >= ENTRY_SHORT_TIME_MAX) {
        flags |= ENTRY_WIDE;
    }
    bool word = pointer != 0 || parts->value.encoding == ENCODING_INT;
    layout_find(flags, word, parts->key.size, value_size, layout);
}

static void write_value(struct entry *entry, const struct layout *layout, const struct value *value,
                        void *pointer)
{
    enum value_encoding encoding = value->type == VALUE_STRING ? value->encoding : ENCODING_RAW;
    entry->kind = (uint8_t)(value->type | encoding << 4);
    if (pointer != NULL) {
        memcpy(entry->body + layout->word, &pointer, sizeof(pointer));
    } else if (value->encoding == ENCODING_INT) {
        memcpy(entry->body + layout->word, &value->integer, sizeof(value->integer));
    } else if (value->bytes.size > 0) {
        memcpy(entry->body + layout->value, value->bytes.data, value->bytes.size);
    }
}

static void pointer_release(uint32_t flag, void *pointer)
{
    if (flag == ENTRY_BLOB) {
        blob_release(pointer);
    } else if (flag == ENTRY_COLLECTION) {
        collection_release(pointer);
    }
}

/* What the word shall point to, with a reference for the entry; false when memory is out. */
static bool pointer_for(const struct value *value, uint32_t *ret_flag, void **ret_pointer)
{
    *ret_flag = 0;
    *ret_pointer = NULL;
    if (value->type != VALUE_STRING) {
        *ret_flag = ENTRY_COLLECTION;
        *ret_pointer = collection_acquire(value->collection);
        return true;
    }
    if (value->encoding == ENCODING_INT || value->bytes.size <= ENTRY_EMBED_MAX) {
        return true;
    }
    *ret_flag = ENTRY_BLOB;
    *ret_pointer = value->blob != NULL ? blob_acquire(value->blob)
                                       : blob_try_copy(value->bytes, value->bytes.size);
    return *ret_pointer != NULL;
}

/* The time of an entry that has no expiry of its own. */
static int64_t no_deadline(const struct entry *entry)
{
    return (entry->flags & ENTRY_WIDE) != 0 ? INT64_MAX : ENTRY_SHORT_TIME_MAX;
}

static unsigned char *ttl_field(const struct entry *entry)
{
    return (unsigned char *)entry->body + ((entry->flags & ENTRY_WIDE) != 0 ? 8 : 0);
}

/* at_ms below 0: none. The time must fit. */
static void write_deadline(struct entry *entry, int64_t at_ms)
{
    uint64_t word = (uint64_t)(at_ms < 0 ? no_deadline(entry) : at_ms);
    if ((entry->flags & ENTRY_WIDE) == 0) {
        word = word << 16 | entry_slot(entry);
    }
    memcpy(ttl_field(entry), &word, sizeof(word));
}

/* The fields that few entries have. */
static ATTR_NOINLINE void write_rare(struct entry *entry, const struct layout *layout,
                                     const struct entry_parts *parts)
{
    if ((layout->flags & ENTRY_WIDE) != 0) {
        uint32_t sizes[2] = {(uint32_t)parts->key.size, (uint32_t)layout->value_size};
        memcpy(entry->body, sizes, sizeof(sizes));
    }
    if ((layout->flags & ENTRY_SOFT) != 0) {
        debug_check(parts->value.type == VALUE_STRING);
        memcpy(entry->body + layout->word - SOFT_SIZE, &parts->soft_at_ms, SOFT_SIZE);
    }
}

struct entry *entry_make(const struct entry_parts *parts, uint32_t clock)
{
    struct layout layout;
    uint32_t flag;
    void *pointer;
    if (!pointer_for(&parts->value, &flag, &pointer)) {
        return NULL;
    }
    plan(parts, flag, &layout);
    struct entry *entry = mem_try_alloc(layout.size);
    if (entry == NULL) {
        pointer_release(flag, pointer);
        return NULL;
    }
    size_t value_size = embedded_size(&parts->value, flag);
    entry->flags = (uint8_t)layout.flags;
    entry->key_size = (uint8_t)parts->key.size;
    entry->value_size = (uint8_t)value_size;
    atomic_init(&entry->clock, clock);
    if (UNLIKELY((layout.flags & (ENTRY_WIDE | ENTRY_SOFT)) != 0)) {
        write_rare(entry, &layout, parts);
    }
    write_value(entry, &layout, &parts->value, pointer);
    if (parts->key.size > 0) {
        memcpy(entry->body + layout.key, parts->key.data, parts->key.size);
    }
    if ((layout.flags & ENTRY_TTL) != 0) {
        entry_set_slot(entry, ENTRY_NO_SLOT);
        write_deadline(entry, parts->expires_at_ms);
    }
    return entry;
}

void entry_free(struct entry *entry)
{
    if ((entry->flags & ENTRY_BLOB) != 0) {
        blob_release(entry_blob(entry));
    } else if ((entry->flags & ENTRY_COLLECTION) != 0) {
        collection_release(*entry_collection(entry));
    }
    mem_free_sized(entry, entry_size(entry));
}

bool entry_overwrite(struct entry *entry, const struct entry_parts *parts)
{
    struct layout old;
    struct layout new;
    if ((entry->flags & (ENTRY_POINTER | ENTRY_WIDE | ENTRY_SOFT)) != 0 ||
        parts->value.type != VALUE_STRING ||
        (parts->value.encoding != ENCODING_INT && parts->value.bytes.size > ENTRY_EMBED_MAX)) {
        return false;
    }
    layout_of(entry, &old);
    plan(parts, /* pointer= */ 0, &new);
    if (old.flags != new.flags || old.key != new.key || old.size != new.size) {
        return false;
    }
    entry->value_size = (uint8_t)embedded_size(&parts->value, /* pointer= */ 0);
    write_value(entry, &new, &parts->value, NULL);
    if ((new.flags &ENTRY_TTL) != 0) {
        write_deadline(entry, parts->expires_at_ms);
    }
    return true;
}

bool entry_overwrite_bytes(struct entry *entry, const struct value *value)
{
    if (!entry_is_plain(entry) || value->type != VALUE_STRING || value->encoding == ENCODING_INT ||
        value->blob != NULL || value->bytes.size > UINT8_MAX) {
        return false;
    }
    size_t offset = ((entry->flags & ENTRY_TTL) != 0 ? 8 : 0) + (size_t)entry->key_size;
    size_t before = sizeof(*entry) + offset;
    if (allocation_size(before + entry->value_size) !=
        allocation_size(before + value->bytes.size)) {
        return false;
    }
    entry->kind = (uint8_t)(value->type | value->encoding << 4);
    entry->value_size = (uint8_t)value->bytes.size;
    if (value->bytes.size > 0) {
        memcpy(entry->body + offset, value->bytes.data, value->bytes.size);
    }
    return true;
}

size_t entry_size(const struct entry *entry)
{
    struct layout layout;
    layout_of(entry, &layout);
    return layout.size;
}

struct bytes entry_measure(const struct entry *entry, size_t *ret_size)
{
    struct layout layout;
    layout_of(entry, &layout);
    *ret_size = layout.size;
    return bytes_make(entry->body + layout.key, layout.value - layout.key);
}

struct bytes entry_key(const struct entry *entry)
{
    struct layout layout;
    layout_of(entry, &layout);
    return bytes_make(entry->body + layout.key, layout.value - layout.key);
}

struct blob *entry_blob(const struct entry *entry)
{
    struct layout layout;
    struct blob *blob;
    if ((entry->flags & ENTRY_BLOB) == 0) {
        return NULL;
    }
    layout_of(entry, &layout);
    memcpy(&blob, entry->body + layout.word, sizeof(blob));
    return blob;
}

struct collection **entry_collection(struct entry *entry)
{
    /* The header and what may stand before the word are multiples of a pointer's size. */
    size_t at = (entry->flags & ENTRY_WIDE) != 0 ? 8 : 0;
    if ((entry->flags & ENTRY_TTL) != 0) {
        at += (entry->flags & ENTRY_WIDE) != 0 ? 16 : 8;
    }
    return (struct collection **)(void *)(entry->body + at);
}

void entry_set_pointer(struct entry *entry, void *pointer)
{
    /* A blob's pointer has the collection's place. */
    memcpy(entry_collection(entry), &pointer, sizeof(pointer));
}

unsigned char *entry_embedded(struct entry *entry)
{
    struct layout layout;
    layout_of(entry, &layout);
    return entry->body + layout.value;
}

void entry_value_any(const struct entry *entry, struct value *ret_value)
{
    struct layout layout;
    layout_of(entry, &layout);
    ret_value->type = entry_type(entry);
    ret_value->encoding = (enum value_encoding)(entry->kind >> 4);
    ret_value->blob = NULL;
    if ((entry->flags & ENTRY_BLOB) != 0) {
        memcpy(&ret_value->blob, entry->body + layout.word, sizeof(ret_value->blob));
        ret_value->bytes = blob_bytes(ret_value->blob);
    } else if ((entry->flags & ENTRY_COLLECTION) != 0) {
        *ret_value = value_collection(*entry_collection((struct entry *)entry));
    } else if (ret_value->encoding == ENCODING_INT) {
        memcpy(&ret_value->integer, entry->body + layout.word, sizeof(ret_value->integer));
        ret_value->bytes = bytes_make(NULL, 0);
    } else {
        ret_value->bytes = bytes_make(entry->body + layout.value, layout.value_size);
    }
}

int64_t entry_deadline(const struct entry *entry)
{
    uint64_t word;
    memcpy(&word, ttl_field(entry), sizeof(word));
    return (entry->flags & ENTRY_WIDE) != 0 ? (int64_t)word : (int64_t)(word >> 16);
}

int64_t entry_expiry(const struct entry *entry)
{
    if ((entry->flags & ENTRY_TTL) == 0) {
        return -1;
    }
    int64_t at_ms = entry_deadline(entry);
    bool may_have_none = (entry->flags & ENTRY_FIELD_TTL) != 0;
    return UNLIKELY(may_have_none) && at_ms == no_deadline(entry) ? -1 : at_ms;
}

int64_t entry_soft_time(const struct entry *entry)
{
    int64_t at_ms;
    memcpy(&at_ms, entry->body + layout_rare(entry->flags) - SOFT_SIZE, sizeof(at_ms));
    return at_ms;
}

int64_t entry_due(const struct entry *entry)
{
    int64_t at_ms = entry_deadline(entry);
    if (LIKELY((entry->flags & ENTRY_FIELD_TTL) == 0)) {
        return at_ms;
    }
    int64_t field_ms = hash_next_expiry(*entry_collection((struct entry *)entry));
    return field_ms < at_ms ? field_ms : at_ms;
}

bool entry_set_expiry(struct entry *entry, int64_t at_ms)
{
    if (entry_expiry(entry) < 0 ||
        ((entry->flags & ENTRY_WIDE) == 0 && at_ms >= ENTRY_SHORT_TIME_MAX)) {
        return false;
    }
    write_deadline(entry, at_ms);
    return true;
}

uint16_t entry_slot(const struct entry *entry)
{
    uint16_t slot;
    size_t offset = (entry->flags & ENTRY_WIDE) != 0 ? 8 : 0;
    /* The low 16 bits of the word: the first two bytes on a little-endian machine. */
    memcpy(&slot, ttl_field(entry) + offset, sizeof(slot));
    return slot;
}

void entry_set_slot(struct entry *entry, uint16_t slot)
{
    size_t offset = (entry->flags & ENTRY_WIDE) != 0 ? 8 : 0;
    memcpy(ttl_field(entry) + offset, &slot, sizeof(slot));
}

_Static_assert(sizeof(struct entry) == 8, "the header is 8 bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the short TTL form is little-endian");
