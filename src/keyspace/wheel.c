/* The expiry index. See wheel.h for the idea. */
#include "wheel.h"
#include "entry.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Width of a level-0 slot: 2^7 ms. The bound on the lag of an expiry is twice this. */
#define UNIT_SHIFT 7
#define LEVEL_SHIFT 4
#define LEVEL_MAX 14
#define POSITION_BITS 12
#define SEARCH_STEP 16
/* The slot of what is due at once. Its level is none of slot_for's. */
#define OVERDUE_SLOT 0xf000
#define POSITION_MASK ((1u << POSITION_BITS) - 1)

struct wheel_slot {
    int64_t due_ms;
    uint32_t *hashes;
    uint32_t count;
    uint32_t capacity;
    uint16_t id;
};

/* Some dozens of slots at most: a linear search over their ids is a cache line or two. */
struct wheel {
    int64_t due_ms; /* the least of all slots */
    uint32_t count;
    uint32_t capacity;
    struct wheel_slot *slots;
    uint16_t *ids; /* of the slots, in their order */
};

/* The slot for a time seen from now, and when it is due. */
static uint16_t slot_for(int64_t at_ms, int64_t now_ms, int64_t *ret_due_ms)
{
    int64_t unit = at_ms >> UNIT_SHIFT;
    int64_t now_unit = now_ms >> UNIT_SHIFT;
    /* What is past is due as soon as can be, not in the slot that its old place would alias. */
    unit = unit < now_unit ? now_unit : unit;
    int64_t distance = unit - now_unit;
    uint32_t level = 0;
    while (level < LEVEL_MAX && distance >> (LEVEL_SHIFT * (level + 1)) > 0) {
        level++;
    }
    int64_t position = unit >> (LEVEL_SHIFT * level);
    *ret_due_ms =
        level == 0 ? (unit + 1) << UNIT_SHIFT : (position << (LEVEL_SHIFT * level)) << UNIT_SHIFT;
    return (uint16_t)(level << POSITION_BITS | ((uint64_t)position & POSITION_MASK));
}

static struct wheel_slot *find_slot(const struct wheel *wheel, uint16_t id)
{
    for (uint32_t i = 0; i < wheel->count; i++) {
        if (wheel->ids[i] == id) {
            return &wheel->slots[i];
        }
    }
    return NULL;
}

/* Where in a slot a hash is; count when it is not. Some at a time without a branch between them:
 * compilers make vector instructions of it. */
static uint32_t find_hash(const struct wheel_slot *slot, uint32_t hash)
{
    uint32_t i = 0;
    for (; i + SEARCH_STEP <= slot->count; i += SEARCH_STEP) {
        uint32_t equal = 0;
        for (uint32_t j = 0; j < SEARCH_STEP; j++) {
            equal |= slot->hashes[i + j] == hash;
        }
        if (equal != 0) {
            break;
        }
    }
    while (i < slot->count && slot->hashes[i] != hash) {
        i++;
    }
    return i;
}

static struct wheel_slot *make_slot(struct wheel *wheel, uint16_t id, int64_t due_ms)
{
    if (wheel->count == wheel->capacity) {
        wheel->capacity = wheel->capacity == 0 ? 4 : wheel->capacity * 2;
        wheel->slots = mem_realloc(wheel->slots, wheel->capacity * sizeof(*wheel->slots));
        wheel->ids = mem_realloc(wheel->ids, wheel->capacity * sizeof(*wheel->ids));
    }
    wheel->ids[wheel->count] = id;
    struct wheel_slot *slot = &wheel->slots[wheel->count++];
    *slot = (struct wheel_slot){.id = id, .due_ms = due_ms};
    wheel->due_ms = due_ms < wheel->due_ms ? due_ms : wheel->due_ms;
    return slot;
}

static void drop_slot(struct wheel *wheel, struct wheel_slot *slot)
{
    mem_free(slot->hashes);
    wheel->count--;
    wheel->ids[slot - wheel->slots] = wheel->ids[wheel->count];
    *slot = wheel->slots[wheel->count];
    wheel->due_ms = INT64_MAX;
    for (uint32_t i = 0; i < wheel->count; i++) {
        int64_t due_ms = wheel->slots[i].due_ms;
        wheel->due_ms = due_ms < wheel->due_ms ? due_ms : wheel->due_ms;
    }
}

static void slot_add(struct wheel_slot *slot, uint32_t hash)
{
    if (slot->count == slot->capacity) {
        /* A quarter more: what is unused stays a byte a key. */
        slot->capacity += slot->capacity / 4 < 4 ? 4 : slot->capacity / 4;
        slot->hashes = mem_realloc(slot->hashes, slot->capacity * sizeof(*slot->hashes));
    }
    slot->hashes[slot->count++] = hash;
}

static void file_in(struct wheel *wheel, struct entry *entry, uint32_t hash, uint16_t id,
                    int64_t due_ms)
{
    struct wheel_slot *slot = find_slot(wheel, id);
    if (slot == NULL) {
        slot = make_slot(wheel, id, due_ms);
    }
    slot_add(slot, hash);
    entry_set_slot(entry, id);
}

static struct wheel *make_wheel(struct wheel **wheel)
{
    if (*wheel == NULL) {
        *wheel = mem_alloc_zero(sizeof(**wheel));
        (*wheel)->due_ms = INT64_MAX;
    }
    return *wheel;
}

void wheel_file_due(struct wheel **wheel, struct entry *entry, uint32_t hash)
{
    file_in(make_wheel(wheel), entry, hash, OVERDUE_SLOT, /* due_ms= */ 0);
}

void wheel_file(struct wheel **wheel_pointer, struct entry *entry, uint32_t hash, int64_t now_ms)
{
    struct wheel *wheel = make_wheel(wheel_pointer);
    int64_t due_ms;
    uint16_t id = slot_for(entry_due(entry), now_ms, &due_ms);
    uint16_t filed = entry_slot(entry);
    if (filed == id) {
        return;
    }
    if (filed != ENTRY_NO_SLOT) {
        struct wheel_slot *slot = find_slot(wheel, filed);
        check(slot != NULL);
        if (slot->due_ms <= due_ms) {
            return;
        }
        wheel_forget(wheel, entry, hash);
    }
    file_in(wheel, entry, hash, id, due_ms);
}

void wheel_forget(struct wheel *wheel, struct entry *entry, uint32_t hash)
{
    uint16_t id = entry_slot(entry);
    if (id == ENTRY_NO_SLOT) {
        return;
    }
    struct wheel_slot *slot = find_slot(wheel, id);
    check(slot != NULL);
    uint32_t i = find_hash(slot, hash);
    check(i < slot->count);
    slot->hashes[i] = slot->hashes[--slot->count];
    entry_set_slot(entry, ENTRY_NO_SLOT);
    if (slot->count == 0) {
        drop_slot(wheel, slot);
    }
}

int64_t wheel_due(const struct wheel *wheel)
{
    return wheel == NULL ? INT64_MAX : wheel->due_ms;
}

bool wheel_take(struct wheel *wheel, int64_t now_ms, uint32_t *ret_hash, uint16_t *ret_slot)
{
    if (wheel == NULL || wheel->due_ms > now_ms) {
        return false;
    }
    struct wheel_slot *slot = wheel->slots;
    while (slot->due_ms > now_ms) {
        slot++;
    }
    *ret_hash = slot->hashes[--slot->count];
    *ret_slot = slot->id;
    if (slot->count == 0) {
        drop_slot(wheel, slot);
    }
    return true;
}

bool wheel_peek(const struct wheel *wheel, uint32_t number, uint32_t *ret_hash)
{
    size_t total = wheel_count(wheel);
    if (total == 0) {
        return false;
    }
    size_t left = number % total;
    const struct wheel_slot *slot = wheel->slots;
    while (left >= slot->count) {
        left -= slot->count;
        slot++;
    }
    *ret_hash = slot->hashes[left];
    return true;
}

size_t wheel_bytes(const struct wheel *wheel)
{
    if (wheel == NULL) {
        return 0;
    }
    size_t size = sizeof(*wheel) + wheel->capacity * (sizeof(*wheel->slots) + sizeof(*wheel->ids));
    for (uint32_t i = 0; i < wheel->count; i++) {
        size += wheel->slots[i].capacity * sizeof(uint32_t);
    }
    return size;
}

size_t wheel_count(const struct wheel *wheel)
{
    size_t count = 0;
    for (uint32_t i = 0; wheel != NULL && i < wheel->count; i++) {
        count += wheel->slots[i].count;
    }
    return count;
}

void wheel_destroy(struct wheel **wheel)
{
    if (*wheel == NULL) {
        return;
    }
    for (uint32_t i = 0; i < (*wheel)->count; i++) {
        mem_free((*wheel)->slots[i].hashes);
    }
    mem_free((*wheel)->slots);
    mem_free((*wheel)->ids);
    mem_free(*wheel);
    *wheel = NULL;
}

bool wheel_has(const struct wheel *wheel, uint16_t id, uint32_t hash)
{
    const struct wheel_slot *slot = wheel == NULL ? NULL : find_slot(wheel, id);
    return slot != NULL && find_hash(slot, hash) < slot->count;
}
