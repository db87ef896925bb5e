/* HIMPORT: hashes of the same fields, whose names a connection tells once.
 *
 * The lists of names belong to the session: PREPARE, DISCARD and DISCARDALL run on its reactor. SET
 * runs inside a WRITE access on one key. */
#include "common.h"
#include "pollard/client/fieldsets.h"
#include "pollard_commands.h"

/* Most names of a list: they are sorted on the reactor. */
#define FIELDS_MAX 16384

enum status cmd_himport_prepare(struct exec *x)
{
    if (x->argc - 3 > FIELDS_MAX) {
        return STATUS_FIELDSET_LIMIT;
    }
    switch (fieldsets_put(&x->session->fieldsets, x->argv[2], x->argv + 3, x->argc - 3)) {
    case FIELDSET_DUPLICATE:
        return STATUS_FIELDSET_DUPLICATE;
    case FIELDSET_TOO_MANY:
        return STATUS_FIELDSET_LIMIT;
    case FIELDSET_OK:
        break;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_himport_discard(struct exec *x)
{
    bool was_there =
        x->session->fieldsets != NULL && fieldsets_remove(x->session->fieldsets, x->argv[2]);
    reply_integer(x->reply, was_there ? 1 : 0);
    return STATUS_OK;
}

enum status cmd_himport_discardall(struct exec *x)
{
    struct fieldsets *sets = x->session->fieldsets;
    reply_integer(x->reply, sets == NULL ? 0 : (int64_t)fieldsets_count(sets));
    x->session->fieldsets = NULL;
    fieldsets_release(sets);
    return STATUS_OK;
}

/* A hash of the list's fields with the values from argv[4] on. */
static enum status make(struct exec *x, const struct fieldset *set, struct collection **ret_hash)
{
    struct item_needle field;
    struct hash_write write = {.limits = &x->services->value_limits, .now_ms = x->now_ms};
    struct collection *hash = hash_create();
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < set->count && status == STATUS_OK; i++) {
        item_needle_init(&field, set->fields[i]);
        status = item_make(set->fields[i], /* blob= */ NULL, &field.item);
        if (status != STATUS_OK) {
            break;
        }
        status = argument_item(x, 4 + i, &write.value);
        if (status == STATUS_OK) {
            (void)hash_set(&hash, &field, &write); /* It is new: no name stands there twice. */
            item_unmake(&write.value);
        }
        item_unmake(&field.item);
    }
    if (status != STATUS_OK) {
        collection_release(hash);
        return status;
    }
    *ret_hash = hash;
    return STATUS_OK;
}

enum status cmd_himport_set(struct exec *x)
{
    struct value value;
    struct collection *hash;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    const struct fieldsets *sets = x->session != NULL ? x->session->fieldsets : x->fieldsets;
    const struct fieldset *set = fieldsets_find(sets, x->argv[3]);
    if (set == NULL) {
        return STATUS_FIELDSET_ABSENT;
    }
    if (set->count != x->argc - 4) {
        return STATUS_FIELDSET_MISMATCH;
    }
    if (key_find(x->access, 0, KEY_QUIET, &value) && value.type != VALUE_HASH) {
        return STATUS_WRONG_TYPE;
    }
    enum status status = make(x, set, &hash);
    if (status == STATUS_OK) {
        status = collection_store(x, 0, hash, EVENT_hset);
    }
    if (status == STATUS_OK) {
        reply_ok(x->reply);
    }
    return status;
}
