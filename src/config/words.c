/* One option from its words: the step that a file's line and the command line share.
 *
 * Off the data path, with the config lock held. A repeated option's values add up over all that is
 * loaded, the first one replaces the default, and an empty one starts again - as save does.
 */
#include "table.h"

void config_join_words(const struct bytes *words, size_t count, struct buf *ret_text)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_byte(ret_text, ' ');
        }
        buf_append(ret_text, words[i]);
    }
}

const char *config_load_words(struct config_entry *entry, const struct bytes *words, size_t count,
                              struct buf *scratch)
{
    const struct option_row *row = entry->row;
    if (count != 1 && !config_row_takes_words(row)) {
        return "wrong number of arguments";
    }
    struct buf value = {0};
    struct buf added = {0};
    config_join_words(words, count, &added);
    if ((row->flags & OPTION_REPEATED) != 0 && entry->is_loaded && added.size > 0) {
        config_value_print(entry, &value);
        if (value.size > 0) {
            buf_append_byte(&value, ' ');
        }
    }
    buf_append(&value, buf_bytes(&added));
    const char *error = config_value_set(entry, buf_bytes(&value), scratch);
    buf_deinit(&value);
    buf_deinit(&added);
    if (error == NULL) {
        entry->is_loaded = true;
        entry->is_unreported = (row->flags & OPTION_INERT) != 0;
    }
    return error;
}
