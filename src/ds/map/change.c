/* Changing maps: one record at a time, one segment at a time.
 *
 *   put     own the path -> find in the segment -> replace, or append -> split while over-full
 *   remove  own the path -> cut -> merge with the neighbour when both are small
 *
 * Whoever changes a node has made the whole path to it his own: a node with more than one reference
 * is replaced by a copy, whose children then have one reference more, and so on downwards. */
#include "map_node.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

/* Directories above a segment: 8 bits each. */
#define LEVELS_MAX 9

/* A segment is split as soon as it has one record too many. */
#define COUNT_MAX (SEGMENT_RECORDS + 1)

struct path {
    struct directory *directories[LEVELS_MAX]; /* the root's first */
    uint32_t level_count;
    struct segment *segment;
    uint64_t hash;
};

/* Puts a child into all slots that its depth stands for. */
static void set_child(struct directory *directory, uint64_t hash, struct map_node *child)
{
    uint32_t run = child_run(directory, child);
    uint32_t slot = directory_slot(directory, hash) & ~(run - 1);
    for (uint32_t i = 0; i < run; i++) {
        directory->slots[slot + i] = child;
    }
}

/* The child takes the place of the one that stood on the path below level_count directories. */
static void set_below(struct map *map, const struct path *path, uint32_t level_count,
                      struct map_node *child)
{
    if (level_count == 0) {
        map->root = child;
    } else {
        set_child(path->directories[level_count - 1], path->hash, child);
    }
}

/* Walks down to where the hash belongs and makes every node on the way the map's own. */
static void own_path(struct map *map, struct path *path)
{
    struct map_node *node = map->root;
    path->level_count = 0;
    for (;;) {
        if (UNLIKELY(node_is_shared(node))) {
            struct map_node *copy = node_copy(node, (enum map_kind)map->kind);
            (void)node_release(node, (enum map_kind)map->kind);
            node = copy;
            set_below(map, path, path->level_count, node);
        }
        if (node->is_segment) {
            path->segment = as_segment(node);
            return;
        }
        struct directory *directory = as_directory(node);
        debug_check(path->level_count < LEVELS_MAX);
        path->directories[path->level_count++] = directory;
        node = directory->slots[directory_slot(directory, path->hash)];
    }
}

/* The first slot of a child that stands at the hash. */
static uint32_t first_slot(const struct directory *directory, uint64_t hash,
                           const struct map_node *child)
{
    return directory_slot(directory, hash) & ~(child_run(directory, child) - 1);
}

static void add_counts(const struct path *path, int change)
{
    for (uint32_t i = 0; i < path->level_count; i++) {
        struct directory *directory = path->directories[i];
        const struct map_node *child =
            i + 1 < path->level_count ? &path->directories[i + 1]->head : &path->segment->head;
        directory->count += (uint64_t)change;
        directory_counts(directory)[first_slot(directory, path->hash, child)] += (uint32_t)change;
    }
}

/* The segment may have moved: its size and its place are brought up to date. */
static void segment_moved(struct map *map, struct path *path, size_t old_size,
                          struct segment *segment)
{
    map->bytes += node_size(&segment->head) - old_size;
    if (segment != path->segment) {
        path->segment = segment;
        set_below(map, path, path->level_count, &segment->head);
    }
}

/* ---- Growing ---- */

static struct directory *directory_create(uint8_t depth, uint8_t bits, uint64_t count)
{
    const struct map_node head = {.refs = 1, .depth = depth, .bits = bits};
    struct directory *directory = mem_alloc(node_size(&head));
    atomic_init(&directory->head.refs, 1);
    directory->head.is_segment = 0;
    directory->head.depth = depth;
    directory->head.bits = bits;
    directory->head.columns = 0;
    directory->count = count;
    memset(directory_counts(directory), 0, sizeof(uint32_t) << bits);
    return directory;
}

/* A directory of one bit more over the same children, in the old one's place. */
static void directory_double(struct map *map, struct path *path)
{
    struct directory *old = path->directories[path->level_count - 1];
    struct directory *fresh =
        directory_create(old->head.depth, (uint8_t)(old->head.bits + 1), old->count);
    for (uint32_t i = 0; i < 1U << old->head.bits; i++) {
        fresh->slots[2 * i] = old->slots[i];
        fresh->slots[2 * i + 1] = old->slots[i];
        directory_counts(fresh)[2 * i] = directory_counts(old)[i];
    }
    map->bytes += node_size(&fresh->head) - node_size(&old->head);
    mem_free_sized(old, node_size(&old->head));
    path->directories[path->level_count - 1] = fresh;
    set_below(map, path, path->level_count - 1, &fresh->head);
}

/* A directory of one bit between the path's last and the segment, which fills both its slots. */
static void directory_insert(struct map *map, struct path *path)
{
    struct segment *segment = path->segment;
    struct directory *fresh = directory_create(segment->head.depth, 1, segment->count);
    fresh->slots[0] = &segment->head;
    fresh->slots[1] = &segment->head;
    directory_counts(fresh)[0] = segment->count;
    map->bytes += node_size(&fresh->head);
    set_below(map, path, path->level_count, &fresh->head);
    path->directories[path->level_count++] = fresh;
}

/* Makes sure that the path's last directory tells the segment's two halves apart. */
static void make_divisible(struct map *map, struct path *path)
{
    if (path->level_count > 0) {
        const struct map_node *last = &path->directories[path->level_count - 1]->head;
        if (path->segment->head.depth < last->depth + last->bits) {
            return;
        }
        if (last->bits < DIRECTORY_BITS) {
            directory_double(map, path);
            return;
        }
    }
    directory_insert(map, path);
}

/* The records by their next bit, each half in a segment of just its size. */
static void make_halves(const struct map *map, const struct segment *segment,
                        struct segment **ret_halves)
{
    enum map_kind kind = (enum map_kind)map->kind;
    uint8_t bits[COUNT_MAX];
    size_t sizes[2] = {0};
    uint32_t counts[2] = {0};
    check(segment->count <= COUNT_MAX);
    for (uint32_t i = 0; i < segment->count; i++) {
        const unsigned char *p = segment_record(segment, i);
        uint64_t hash = record_hash(p, map->secret);
        bits[i] = (uint8_t)(hash << segment->head.depth >> 63);
        sizes[bits[i]] += (size_t)(record_end(p, kind) - p);
        counts[bits[i]]++;
    }
    for (uint32_t half = 0; half < 2; half++) {
        ret_halves[half] =
            segment_create((uint8_t)(segment->head.depth + 1), counts[half], sizes[half]);
    }
    for (uint32_t i = 0; i < segment->count; i++) {
        const unsigned char *p = segment_record(segment, i);
        size_t span = (size_t)(record_end(p, kind) - p);
        memcpy(segment_append(ret_halves[bits[i]], segment_tags(segment)[i], span), p, span);
    }
}

static bool is_over_full(const struct segment *segment)
{
    return segment->count > 1 && segment->head.depth < DEPTH_MAX &&
           (segment->count > SEGMENT_RECORDS || segment->used > SEGMENT_BYTES);
}

static void set_count(struct directory *directory, uint64_t hash, const struct segment *segment)
{
    directory_counts(directory)[first_slot(directory, hash, &segment->head)] = segment->count;
}

/* Two segments in the place of the path's one; the path goes on with the hash's half. */
static void split(struct map *map, struct path *path)
{
    make_divisible(map, path);
    struct directory *directory = path->directories[path->level_count - 1];
    struct segment *old = path->segment;
    uint8_t depth = old->head.depth;
    struct segment *halves[2];
    make_halves(map, old, halves);
    uint64_t bit = UINT64_C(1) << (63 - depth);
    set_child(directory, path->hash & ~bit, &halves[0]->head);
    set_child(directory, path->hash | bit, &halves[1]->head);
    set_count(directory, path->hash & ~bit, halves[0]);
    set_count(directory, path->hash | bit, halves[1]);
    map->bytes += node_size(&halves[0]->head) + node_size(&halves[1]->head);
    map->bytes -= node_size(&old->head);
    mem_free_sized(old, node_size(&old->head));
    path->segment = halves[(path->hash & bit) != 0];
}

/* ---- Records ---- */

static void make_root(struct map *map)
{
    if (map->root == NULL) {
        struct segment *segment = segment_create(0, 16, 0);
        map->root = &segment->head;
        map->bytes = node_size(map->root);
    }
}

static void append_record(struct map *map, struct path *path, const struct map_record *record,
                          size_t size)
{
    struct segment *segment = path->segment;
    size_t old_size = node_size(&segment->head);
    segment_reserve(&segment, size);
    record_write(record, (enum map_kind)map->kind,
                 segment_append(segment, hash_tag_of(path->hash), size));
    segment_moved(map, path, old_size, segment);
}

static void cut_record(struct map *map, struct path *path, uint32_t index)
{
    struct map_record old;
    const unsigned char *p = segment_record(path->segment, index);
    record_read(p, (enum map_kind)map->kind, &old);
    segment_cut(path->segment, index, (size_t)(record_end(p, (enum map_kind)map->kind) - p));
    item_release(&old.name);
    item_release(&old.value);
}

/* Gives back what the segment has too much. */
static void trim(struct map *map, struct path *path)
{
    struct segment *segment = path->segment;
    size_t old_size = node_size(&segment->head);
    segment_trim(&segment);
    segment_moved(map, path, old_size, segment);
}

/* The record at index gets another word or value. */
static void replace_record(struct map *map, struct path *path, uint32_t index,
                           const struct map_record *record)
{
    enum map_kind kind = (enum map_kind)map->kind;
    unsigned char *p = segment_record(path->segment, index);
    if (kind == MAP_NAMES) {
        return;
    }
    size_t size = record_size(record, kind);
    struct map_record old;
    record_read(p, kind, &old);
    if ((size_t)(record_end(p, kind) - p) == size) {
        if (kind == MAP_ITEMS) {
            item_acquire(&record->value);
            (void)item_pack(&record->value, p + item_span(p));
            item_release(&old.value);
        } else {
            memcpy(p + item_span(p), &record->word, sizeof(record->word));
        }
        return;
    }
    item_acquire(&record->name);
    item_acquire(&record->value);
    cut_record(map, path, index);
    append_record(map, path, record, size);
    trim(map, path);
}

bool map_put(struct map *map, const struct map_record *record)
{
    enum map_kind kind = (enum map_kind)map->kind;
    struct item_needle needle;
    item_needle_of(&needle, &record->name);
    struct path path = {.hash = map_hash(map, &record->name)};
    make_root(map);
    own_path(map, &path);
    int index = segment_find(path.segment, hash_tag_of(path.hash), &needle);
    if (index >= 0) {
        replace_record(map, &path, (uint32_t)index, record);
    } else {
        item_acquire(&record->name);
        if (kind == MAP_ITEMS) {
            item_acquire(&record->value);
        }
        append_record(map, &path, record, record_size(record, kind));
        map->count++;
        add_counts(&path, 1);
    }
    while (UNLIKELY(is_over_full(path.segment))) {
        split(map, &path);
    }
    return index < 0;
}

bool map_set_word(struct map *map, const struct item_needle *name, uint64_t word)
{
    if (map->root == NULL) {
        return false;
    }
    struct path path = {.hash = map_hash(map, &name->item)};
    int index = segment_find(find_segment(map, path.hash), hash_tag_of(path.hash), name);
    if (index < 0) {
        return false;
    }
    own_path(map, &path);
    unsigned char *p = segment_record(path.segment, (uint32_t)index);
    memcpy(p + item_span(p), &word, sizeof(word));
    return true;
}

/* ---- Shrinking ---- */

/* The last directory has become one segment: that takes its place. */
static void directory_end(struct map *map, struct path *path)
{
    struct directory *directory = path->directories[--path->level_count];
    map->bytes -= node_size(&directory->head);
    set_below(map, path, path->level_count, &path->segment->head);
    mem_free_sized(directory, node_size(&directory->head));
}

/* Halves the last directory when none of its children needs its last bit. */
static void directory_halve(struct map *map, struct path *path)
{
    struct directory *old = path->directories[path->level_count - 1];
    uint32_t slots = 1U << old->head.bits;
    for (uint32_t slot = 0; slot < slots; slot += child_run(old, old->slots[slot])) {
        if (child_run(old, old->slots[slot]) == 1) {
            return;
        }
    }
    struct directory *fresh =
        directory_create(old->head.depth, (uint8_t)(old->head.bits - 1), old->count);
    for (uint32_t i = 0; i < slots / 2; i++) {
        fresh->slots[i] = old->slots[2 * i];
        directory_counts(fresh)[i] = directory_counts(old)[2 * i];
    }
    map->bytes += node_size(&fresh->head) - node_size(&old->head);
    mem_free_sized(old, node_size(&old->head));
    path->directories[path->level_count - 1] = fresh;
    set_below(map, path, path->level_count - 1, &fresh->head);
}

/* The other half of what the path's segment was once split from, if it is a segment too and both
 * together are small. NULL otherwise. */
static struct segment *find_buddy(const struct path *path)
{
    const struct segment *segment = path->segment;
    const struct directory *directory = path->directories[path->level_count - 1];
    if (segment->count > MERGE_RECORDS || segment->used > MERGE_BYTES) {
        return NULL;
    }
    uint64_t bit = UINT64_C(1) << (64 - segment->head.depth);
    struct map_node *buddy = directory->slots[directory_slot(directory, path->hash ^ bit)];
    if (!buddy->is_segment || buddy->depth != segment->head.depth) {
        return NULL;
    }
    struct segment *other = as_segment(buddy);
    bool is_small = segment->count + other->count <= MERGE_RECORDS &&
                    segment->used + other->used <= MERGE_BYTES;
    return is_small ? other : NULL;
}

static void append_all(const struct map *map, struct segment *to, const struct segment *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const unsigned char *p = segment_record(from, i);
        size_t span = (size_t)(record_end(p, (enum map_kind)map->kind) - p);
        memcpy(segment_append(to, segment_tags(from)[i], span), p, span);
    }
}

/* One segment in the place of the path's and its neighbour. */
static void merge(struct map *map, struct path *path, struct segment *buddy)
{
    struct directory *directory = path->directories[path->level_count - 1];
    struct segment *old = path->segment;
    if (node_is_shared(&buddy->head)) {
        struct map_node *copy = node_copy(&buddy->head, (enum map_kind)map->kind);
        (void)node_release(&buddy->head, (enum map_kind)map->kind);
        buddy = as_segment(copy);
    }
    struct segment *both =
        segment_create((uint8_t)(old->head.depth - 1), (uint32_t)old->count + buddy->count,
                       old->used + buddy->used);
    append_all(map, both, old);
    append_all(map, both, buddy);
    map->bytes += node_size(&both->head);
    map->bytes -= node_size(&old->head) + node_size(&buddy->head);
    mem_free_sized(old, node_size(&old->head));
    mem_free_sized(buddy, node_size(&buddy->head));
    path->segment = both;
    set_child(directory, path->hash, &both->head);
    uint32_t slot = first_slot(directory, path->hash, &both->head);
    directory_counts(directory)[slot + child_run(directory, &both->head) / 2] = 0;
    directory_counts(directory)[slot] = both->count;
    if (both->head.depth == directory->head.depth) {
        directory_end(map, path);
    } else {
        directory_halve(map, path);
    }
}

static void shrink(struct map *map, struct path *path)
{
    if (map->count == 0) {
        map_clear(map);
        return;
    }
    trim(map, path);
    struct segment *buddy;
    while (path->level_count > 0 && (buddy = find_buddy(path)) != NULL) {
        merge(map, path, buddy);
    }
}

bool map_remove(struct map *map, const struct item_needle *name)
{
    if (map->root == NULL) {
        return false;
    }
    struct path path = {.hash = map_hash(map, &name->item)};
    const struct segment *segment = find_segment(map, path.hash);
    /* Looked for first, so that nothing is copied in vain; a copy has the same indices. */
    int index = segment_find(segment, hash_tag_of(path.hash), name);
    if (index < 0) {
        return false;
    }
    own_path(map, &path);
    cut_record(map, &path, (uint32_t)index);
    map->count--;
    add_counts(&path, -1);
    shrink(map, &path);
    return true;
}
