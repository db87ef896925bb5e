/* What the handlers of the HyperLogLog group share. */
#include "common.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"

enum status sketch_find(struct exec *x, uint32_t key_index, uint32_t flags, struct value *ret_value)
{
    enum status status = string_find(x, key_index, flags, ret_value);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_sketch = ret_value->encoding != ENCODING_INT && hll_is_valid(ret_value->bytes);
    return is_sketch ? STATUS_OK : STATUS_HLL_TYPE;
}

/* ---- A sparse sketch in change ---- */

enum status room_init(const struct exec *x, struct sketch_room *room, struct bytes sketch)
{
    int64_t limit = option_get(&x->services->value_limits.options->hll_sparse_max_bytes);
    room->size_max = (uint64_t)limit < HLL_SPARSE_SIZE_MAX ? (size_t)limit : HLL_SPARSE_SIZE_MAX;
    room->dense = NULL;
    room->sparse = room->room;
    if (sketch.size > HLL_SPARSE_SIZE_MAX) {
        return STATUS_HLL_CORRUPT;
    }
    size_t longest = sketch.size > room->size_max ? sketch.size : room->size_max;
    if (longest + HLL_SPARSE_GROWTH > sizeof(room->room)) {
        room->sparse = mem_alloc(longest + HLL_SPARSE_GROWTH);
    }
    if (sketch.size == 0) {
        hll_make_empty(room->sparse);
        room->size = HLL_EMPTY_SIZE;
    } else {
        memcpy(room->sparse, sketch.data, sketch.size);
        room->size = sketch.size;
    }
    return STATUS_OK;
}

void room_deinit(struct sketch_room *room)
{
    if (room->sparse != room->room) {
        mem_free(room->sparse);
    }
    blob_release(room->dense);
}

enum status room_make_dense(struct sketch_room *room)
{
    struct blob *blob = blob_try_create(HLL_DENSE_SIZE, HLL_DENSE_SIZE);
    if (blob == NULL) {
        return STATUS_ALLOCATION;
    }
    if (!hll_sparse_to_dense(bytes_make(room->sparse, room->size), blob->data)) {
        blob_release(blob);
        return STATUS_HLL_CORRUPT;
    }
    room->dense = blob;
    return STATUS_OK;
}

enum status room_raise(struct sketch_room *room, struct hll_sample sample, bool *changed)
{
    if (room->dense == NULL) {
        enum hll_result result =
            hll_sparse_raise(room->sparse, &room->size, sample, room->size_max);
        if (result == HLL_CORRUPT) {
            return STATUS_HLL_CORRUPT;
        }
        if (result != HLL_FULL) {
            *changed |= result == HLL_RAISED;
            return STATUS_OK;
        }
        enum status status = room_make_dense(room);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *changed |= hll_dense_raise(room->dense->data, sample) == HLL_RAISED;
    return STATUS_OK;
}

enum status room_raise_all(struct sketch_room *room, const struct hll_registers *registers)
{
    enum hll_result result =
        hll_sparse_raise_all(room->sparse, &room->size, registers, room->size_max);
    if (result == HLL_CORRUPT) {
        return STATUS_HLL_CORRUPT;
    }
    return result == HLL_FULL ? room_make_dense(room) : STATUS_OK;
}

enum status room_store(struct exec *x, struct sketch_room *room, bool stale)
{
    if (stale) {
        hll_uncache(room->dense != NULL ? room->dense->data : room->sparse);
    }
    const struct value value = room->dense != NULL
                                   ? value_blob(room->dense)
                                   : value_raw(bytes_make(room->sparse, room->size));
    return key_update(x->access, 0, &value, KEY_KEEP_EXPIRY);
}

/* ---- Sketches of many keys ---- */

enum status versions_take(struct exec *x, struct sketch_versions *versions)
{
    uint32_t count = x->access->key_count;
    versions->count = 0;
    versions->blobs = mem_alloc((size_t)count * sizeof(struct blob *));
    for (uint32_t i = 0; i < count; i++) {
        struct value value;
        enum status status = sketch_find(x, i, 0, &value);
        if (status != STATUS_OK && status != STATUS_ABSENT) {
            return status;
        }
        struct blob *blob =
            status == STATUS_OK ? string_hold(&value) : blob_try_create(/* size= */ 0, 0);
        if (blob == NULL) {
            return STATUS_ALLOCATION;
        }
        versions->blobs[versions->count++] = blob;
    }
    return STATUS_OK;
}

bool versions_are_current(struct exec *x, const struct sketch_versions *versions)
{
    for (uint32_t i = 0; i < versions->count; i++) {
        struct value value;
        enum status status = string_find(x, i, KEY_QUIET, &value);
        struct bytes bytes = {0};
        unsigned char scratch[NUMBER_INT_MAX + 4];
        if (status == STATUS_OK) {
            bytes = value_string_bytes(&value, scratch);
        }
        /* Small ones were copied, so they are compared. */
        bool is_same = status == STATUS_OK && value.blob != NULL
                           ? value.blob == versions->blobs[i]
                           : bytes_equal(bytes, blob_bytes(versions->blobs[i]));
        if (status == STATUS_WRONG_TYPE || !is_same) {
            return false;
        }
    }
    return true;
}

void versions_release(struct sketch_versions *versions)
{
    for (uint32_t i = 0; i < versions->count; i++) {
        blob_release(versions->blobs[i]);
    }
    mem_free(versions->blobs);
}

enum status union_add(struct sketch_union *total, struct bytes sketch)
{
    total->has_dense |= hll_encoding_of(sketch) == HLL_DENSE;
    return hll_merge(&total->registers, sketch) ? STATUS_OK : STATUS_HLL_CORRUPT;
}

enum status union_of_keys(struct exec *x, struct sketch_union *total)
{
    *total = (struct sketch_union){.has_dense = false};
    for (uint32_t i = 0; i < x->access->key_count; i++) {
        struct value value;
        enum status status = sketch_find(x, i, 0, &value);
        if (status == STATUS_OK) {
            status = union_add(total, value.bytes);
        }
        if (status != STATUS_OK && status != STATUS_ABSENT) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status union_of_versions(struct exec *x, const struct sketch_versions *versions,
                              struct sketch_union *total)
{
    *total = (struct sketch_union){.has_dense = false};
    for (uint32_t i = 0; i < versions->count; i++) {
        struct bytes sketch = blob_bytes(versions->blobs[i]);
        enum status status = sketch.size == 0 ? STATUS_OK : union_add(total, sketch);
        if (status != STATUS_OK) {
            return status;
        }
        if (i % SKETCHES_REACTOR_MAX == 0 && exec_breathe(x)) {
            return STATUS_REPLIED;
        }
    }
    return STATUS_OK;
}
