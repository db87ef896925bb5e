/* Field lists of HIMPORT: kept with the session, lost with it. Off the hot path but for the lookup
 * of a list by its name, of which a connection has few. */
#include "pollard/client/fieldsets.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <stdatomic.h>
#include <stdlib.h>

struct fieldsets {
    _Atomic uint32_t refs;
    uint32_t count;
    size_t size; /* of all lists */
    struct fieldset *lists[FIELDSETS_MAX];
};

/* A list is one block: the header, the slices, then the bytes they point to. */
static size_t list_size(struct bytes name, const struct bytes *fields, uint32_t count)
{
    size_t size = sizeof(struct fieldset) + count * sizeof(struct bytes) + name.size;
    for (uint32_t i = 0; i < count; i++) {
        size += fields[i].size;
    }
    return size;
}

static struct bytes put_bytes(unsigned char **at, struct bytes bytes)
{
    struct bytes copy = bytes_make(*at, bytes.size);
    if (bytes.size > 0) {
        memcpy(*at, bytes.data, bytes.size);
    }
    *at += bytes.size;
    return copy;
}

static struct fieldset *list_make(struct bytes name, const struct bytes *fields, uint32_t count,
                                  size_t size)
{
    struct fieldset *list = mem_alloc(size);
    unsigned char *at = (unsigned char *)&list->fields[count];
    list->name = put_bytes(&at, name);
    list->count = count;
    for (uint32_t i = 0; i < count; i++) {
        list->fields[i] = put_bytes(&at, fields[i]);
    }
    return list;
}

static int compare_fields(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static bool has_duplicate(const struct bytes *fields, uint32_t count)
{
    struct bytes *sorted = mem_alloc(count * sizeof(*sorted));
    bool found = false;
    memcpy(sorted, fields, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_fields);
    for (uint32_t i = 1; i < count && !found; i++) {
        found = bytes_equal(sorted[i - 1], sorted[i]);
    }
    mem_free(sorted);
    return found;
}

struct fieldsets *fieldsets_acquire(struct fieldsets *sets)
{
    if (sets != NULL) {
        atomic_fetch_add_explicit(&sets->refs, 1, memory_order_relaxed);
    }
    return sets;
}

void fieldsets_release(struct fieldsets *sets)
{
    if (sets == NULL || atomic_fetch_sub_explicit(&sets->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < sets->count; i++) {
        mem_free(sets->lists[i]);
    }
    mem_free(sets);
}

/* Where the list of that name is; count when there is none. */
static uint32_t find_list(const struct fieldsets *sets, struct bytes name)
{
    uint32_t i = 0;
    while (i < sets->count && !bytes_equal(sets->lists[i]->name, name)) {
        i++;
    }
    return i;
}

static size_t size_of(const struct fieldset *list)
{
    return list_size(list->name, list->fields, list->count);
}

enum fieldset_result fieldsets_put(struct fieldsets **sets, struct bytes name,
                                   const struct bytes *fields, uint32_t count)
{
    if (has_duplicate(fields, count)) {
        return FIELDSET_DUPLICATE;
    }
    if (*sets == NULL) {
        *sets = mem_alloc_zero(sizeof(**sets));
        atomic_init(&(*sets)->refs, 1);
    }
    debug_check(atomic_load_explicit(&(*sets)->refs, memory_order_relaxed) == 1);
    uint32_t index = find_list(*sets, name);
    size_t size = list_size(name, fields, count);
    size_t old = index < (*sets)->count ? size_of((*sets)->lists[index]) : 0;
    if (index == FIELDSETS_MAX || (*sets)->size - old + size > FIELDSETS_SIZE_MAX) {
        return FIELDSET_TOO_MANY;
    }
    struct fieldset *list = list_make(name, fields, count, size);
    if (index < (*sets)->count) {
        mem_free((*sets)->lists[index]);
    } else {
        (*sets)->count++;
    }
    (*sets)->lists[index] = list;
    (*sets)->size += size - old;
    return FIELDSET_OK;
}

const struct fieldset *fieldsets_find(const struct fieldsets *sets, struct bytes name)
{
    if (sets == NULL) {
        return NULL;
    }
    uint32_t index = find_list(sets, name);
    return index < sets->count ? sets->lists[index] : NULL;
}

bool fieldsets_remove(struct fieldsets *sets, struct bytes name)
{
    uint32_t index = sets == NULL ? 0 : find_list(sets, name);
    if (sets == NULL || index == sets->count) {
        return false;
    }
    sets->size -= size_of(sets->lists[index]);
    mem_free(sets->lists[index]);
    sets->count--;
    sets->lists[index] = sets->lists[sets->count];
    return true;
}

uint32_t fieldsets_count(const struct fieldsets *sets)
{
    return sets == NULL ? 0 : sets->count;
}

size_t fieldsets_memory(const struct fieldsets *sets)
{
    return sets == NULL ? 0 : sizeof(*sets) + sets->size;
}
