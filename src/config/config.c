/* config: the registered options, looking them up, and CONFIG GET.
 *
 * Off the data path: rooms read their own option structs directly. Every public function takes the
 * config lock, the lowest rank; visitors and apply hooks run under it and must not call config.
 *
 * Invariants: 1. Names and aliases are unique over all rows. 2. Every entry's owner holds a valid
 * value from registration on. 3. entries only grow, and only before other threads start.
 */
#include "pollard/config/config.h"
#include "inert.h"
#include "pollard/base/check.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/base/text.h"
#include "table.h"

/* Farther names are no misspellings: asked for by the design, and short names match less. */
#define CONFIG_NEAR_LIMIT 3

struct config *config_create(void)
{
    struct config *config = mem_alloc_zero(sizeof(*config));
    lock_init(&config->lock, LOCK_RANK_CONFIG);
    return config;
}

void config_destroy(struct config **config)
{
    struct config *old = *config;
    *config = NULL;
    if (old == NULL) {
        return;
    }
    for (size_t i = 0; i < old->count; i++) {
        buf_deinit(&old->entries[i].fallback);
    }
    for (size_t i = 0; i < old->inert_count; i++) {
        option_text_deinit(&old->inert_slots[i].text);
    }
    mem_free(old->inert_slots);
    mem_free(old->entries);
    mem_free(old->file);
    lock_deinit(&old->lock);
    mem_free(old);
}

struct config_entry *config_find(struct config *config, struct bytes name)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct option_row *row = config->entries[i].row;
        if (bytes_is(name, row->name) || (row->alias != NULL && bytes_is(name, row->alias))) {
            return &config->entries[i];
        }
    }
    return NULL;
}

const char *config_nearest(const struct config *config, const char *name)
{
    const char *nearest = NULL;
    /* Half of a short name may not be wrong. */
    size_t limit = strlen(name) / 2 < CONFIG_NEAR_LIMIT ? strlen(name) / 2 : CONFIG_NEAR_LIMIT;
    size_t best = limit + 1;
    for (size_t i = 0; i < config->count && limit > 0; i++) {
        const char *names[] = {config->entries[i].row->name, config->entries[i].row->alias};
        for (size_t j = 0; j < 2 && names[j] != NULL; j++) {
            size_t distance = text_distance(name, names[j], limit);
            if (distance < best) {
                best = distance;
                nearest = names[j];
            }
        }
    }
    return nearest;
}

static void config_add_entry(struct config *config, const struct option_row *row, void *owner)
{
    check(config_find(config, bytes_text(row->name)) == NULL);
    check(row->alias == NULL || config_find(config, bytes_text(row->alias)) == NULL);
    check(row->kind != OPTION_ENUM || row->choices != NULL);
    check(row->kind != OPTION_SPECIAL || (row->parse != NULL && row->print != NULL));
    if (config->count == config->capacity) {
        config->capacity = config->capacity == 0 ? 64 : config->capacity * 2;
        size_t size = config->capacity * sizeof(*config->entries);
        config->entries = mem_realloc(config->entries, size);
    }
    struct config_entry *entry = &config->entries[config->count++];
    *entry = (struct config_entry){.row = row, .owner = owner};
    struct buf scratch = {0};
    const char *error = config_value_set(entry, bytes_text(row->fallback), &scratch);
    check(error == NULL);
    buf_deinit(&scratch);
    config_value_print(entry, &entry->fallback);
}

void config_register(struct config *config, const struct option_set *set)
{
    lock_acquire(&config->lock);
    for (size_t i = 0; i < set->count; i++) {
        config_add_entry(config, &set->rows[i], set->owner);
    }
    lock_release(&config->lock);
}

void config_register_inert(struct config *config)
{
    size_t total = 0;
    for (size_t i = 0; i < INERT_TABLE_COUNT; i++) {
        total += *inert_tables[i].count;
    }
    lock_acquire(&config->lock);
    check(config->inert_slots == NULL);
    config->inert_slots = mem_alloc_zero(total * sizeof(*config->inert_slots));
    config->inert_count = total;
    size_t slot = 0;
    for (size_t i = 0; i < INERT_TABLE_COUNT; i++) {
        for (size_t j = 0; j < *inert_tables[i].count; j++) {
            const struct option_row *row = &inert_tables[i].rows[j];
            /* A room that gives the option an effect has registered a row of its own. */
            if (config_find(config, bytes_text(row->name)) == NULL) {
                config_add_entry(config, row, &config->inert_slots[slot++]);
            }
        }
    }
    lock_release(&config->lock);
}

void config_report_inert(struct config *config)
{
    lock_acquire(&config->lock);
    for (size_t i = 0; i < config->count; i++) {
        if (config->entries[i].is_unreported) {
            config->entries[i].is_unreported = false;
            log_line(LOG_WARNING, "Option '%s' has no effect here", config->entries[i].row->name);
        }
    }
    lock_release(&config->lock);
}

static bool config_matches(const char *name, const struct bytes *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_glob(patterns[i], bytes_text(name), /* ignore_case= */ true)) {
            return true;
        }
    }
    return false;
}

/* A name that was asked for literally is answered in the asker's letters, as in Redis. */
static struct bytes config_shown_name(const char *name, const struct bytes *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_glob_is_literal(patterns[i]) && bytes_is(patterns[i], name)) {
            return patterns[i];
        }
    }
    return bytes_text(name);
}

void config_get(struct config *config, const struct bytes *patterns, size_t count,
                config_visitor *visit, void *argument)
{
    struct buf value = {0};
    lock_acquire(&config->lock);
    for (size_t i = 0; i < config->count; i++) {
        const struct option_row *row = config->entries[i].row;
        const char *names[] = {row->name, row->alias};
        for (size_t j = 0; j < 2 && names[j] != NULL; j++) {
            bool is_hidden = (row->flags & OPTION_FILE_ONLY) != 0;
            if (is_hidden || !config_matches(names[j], patterns, count)) {
                continue;
            }
            value.size = 0;
            config_value_print(&config->entries[i], &value);
            visit(argument, config_shown_name(names[j], patterns, count), buf_bytes(&value));
        }
    }
    lock_release(&config->lock);
    buf_deinit(&value);
}

const char *config_file(const struct config *config)
{
    return config->file;
}

void config_each(const struct config *config,
                 void (*visit)(void *argument, const struct option_row *row, const void *owner),
                 void *argument)
{
    for (size_t i = 0; i < config->count; i++) {
        visit(argument, config->entries[i].row, config->entries[i].owner);
    }
}
