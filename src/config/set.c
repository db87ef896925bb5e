/* CONFIG SET: several options at once, all or none.
 *
 * Called by command threads. The config lock is held from the first look-up to the last apply
 * hook, so that two calls cannot mix; the log lines are written after it is released.
 *
 * Invariants: 1. On false every option has the value it had before, and every hook that saw a new
 * value has been called again with the old one. 2. A hook runs once a call, and only when one of
 * its options changed.
 */
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "table.h"

struct set_item {
    struct config_entry *entry;
    struct bytes name;
    struct bytes value;
    struct buf old;
    bool is_changed;
    bool is_applied;
};

static bool set_fail(struct bytes name, const char *text, struct buf *ret_error)
{
    buf_append_text(ret_error, "ERR CONFIG SET failed (possibly related to argument '");
    buf_append(ret_error, name);
    buf_append_text(ret_error, "') - ");
    buf_append_text(ret_error, text);
    return false;
}

/* The name as its row has it: errors of values do not echo the client's letters, as in Redis. */
static struct bytes item_name(const struct set_item *item)
{
    const struct option_row *row = item->entry->row;
    bool is_alias = row->alias != NULL && bytes_is(item->name, row->alias);
    return bytes_text(is_alias ? row->alias : row->name);
}

/* Does enable-protected-configs let this client set protected options? */
static bool set_allows_protected(struct config *config, bool is_local)
{
    const struct config_entry *entry = config_find(config, bytes_text("enable-protected-configs"));
    if (entry == NULL) {
        return false;
    }
    struct buf value = {0};
    config_value_print(entry, &value);
    bool is_allowed =
        bytes_is(buf_bytes(&value), "yes") || (is_local && bytes_is(buf_bytes(&value), "local"));
    buf_deinit(&value);
    return is_allowed;
}

static bool set_is_duplicate(const struct set_item *items, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (items[i].entry == items[index].entry) {
            return true;
        }
    }
    return false;
}

/* Finds the entries and refuses what may not be set; nothing is changed yet. */
static bool set_resolve(struct config *config, struct set_item *items, size_t count, bool is_local,
                        struct buf *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        items[i].entry = config_find(config, items[i].name);
        if (items[i].entry == NULL || (items[i].entry->row->flags & OPTION_FILE_ONLY) != 0) {
            buf_append_text(ret_error, "ERR Unknown option or number of arguments for CONFIG SET");
            buf_append_text(ret_error, " - '");
            buf_append(ret_error, items[i].name);
            buf_append_text(ret_error, "'");
            return false;
        }
        uint32_t flags = items[i].entry->row->flags;
        if ((flags & OPTION_IMMUTABLE) != 0) {
            return set_fail(items[i].name, "can't set immutable config", ret_error);
        }
        if ((flags & OPTION_PROTECTED) != 0 && !set_allows_protected(config, is_local)) {
            return set_fail(items[i].name, "can't set protected config", ret_error);
        }
        if (set_is_duplicate(items, i)) {
            return set_fail(items[i].name, "duplicate parameter", ret_error);
        }
    }
    return true;
}

static void set_restore(struct set_item *items, size_t count)
{
    struct buf scratch = {0};
    for (size_t i = 0; i < count; i++) {
        if (items[i].is_changed) {
            /* It was set before, so it can be set again. */
            (void)config_value_set(items[i].entry, buf_bytes(&items[i].old), &scratch);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].is_applied) {
            /* Back to what worked; a second failure has nobody to go to. */
            (void)items[i].entry->row->apply(items[i].entry->owner);
        }
    }
    buf_deinit(&scratch);
}

static bool set_store(struct set_item *items, size_t count, struct buf *ret_error)
{
    struct buf scratch = {0};
    struct buf now = {0};
    const char *error = NULL;
    for (size_t i = 0; i < count && error == NULL; i++) {
        config_value_print(items[i].entry, &items[i].old);
        error = config_value_set(items[i].entry, items[i].value, &scratch);
        if (error != NULL) {
            set_restore(items, i);
            set_fail(item_name(&items[i]), error, ret_error);
            break;
        }
        now.size = 0;
        config_value_print(items[i].entry, &now);
        items[i].is_changed = !bytes_equal(buf_bytes(&now), buf_bytes(&items[i].old));
    }
    buf_deinit(&scratch);
    buf_deinit(&now);
    return error == NULL;
}

/* Has the hook of items[index] run for an earlier item? */
static bool set_has_applied(const struct set_item *items, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (items[i].is_applied && items[i].entry->owner == items[index].entry->owner &&
            items[i].entry->row->apply == items[index].entry->row->apply) {
            return true;
        }
    }
    return false;
}

static bool set_apply(struct set_item *items, size_t count, struct buf *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        const struct option_row *row = items[i].entry->row;
        if (row->apply == NULL || !items[i].is_changed || set_has_applied(items, i)) {
            continue;
        }
        const char *error = row->apply(items[i].entry->owner);
        if (error != NULL) {
            set_fail(item_name(&items[i]), error, ret_error);
            set_restore(items, count);
            return false;
        }
        items[i].is_applied = true;
    }
    return true;
}

bool config_set(struct config *config, const struct bytes *pairs, size_t pair_count, bool is_local,
                struct buf *ret_error)
{
    struct set_item *items = mem_alloc_zero(pair_count * sizeof(*items));
    for (size_t i = 0; i < pair_count; i++) {
        items[i].name = pairs[2 * i];
        items[i].value = pairs[2 * i + 1];
    }
    lock_acquire(&config->lock);
    bool is_set = set_resolve(config, items, pair_count, is_local, ret_error) &&
                  set_store(items, pair_count, ret_error) &&
                  set_apply(items, pair_count, ret_error);
    lock_release(&config->lock);
    for (size_t i = 0; i < pair_count; i++) {
        if (is_set && (items[i].entry->row->flags & OPTION_INERT) != 0) {
            log_line(LOG_WARNING, "Option '%s' has no effect here", items[i].entry->row->name);
        }
        buf_deinit(&items[i].old);
    }
    mem_free(items);
    return is_set;
}
