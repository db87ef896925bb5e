/* One option from its words: the step that a file's line and the command line share.
 *
 * Off the data path, with the config lock held. A repeated option's values add up over all that is
 * loaded, the first one replaces the default, and an empty one starts again - as save does. Special
 * options add up themselves: their parse sees one line at a time.
 */
#include "table.h"

/* Would the word be lost or split by text_split_words? */
static bool words_need_quotes(struct bytes word)
{
    for (size_t i = 0; i < word.size; i++) {
        unsigned char byte = word.data[i];
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\'' || byte == '\\') {
            return true;
        }
    }
    return word.size == 0;
}

void config_join_words(const struct option_row *row, const struct bytes *words, size_t count,
                       struct buf *ret_text)
{
    /* A single word may itself be the list: --bind "a b". */
    bool keeps_words = row->kind == OPTION_TEXT && count > 1;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_byte(ret_text, ' ');
        }
        if (keeps_words && words_need_quotes(words[i])) {
            buf_append_quoted(ret_text, words[i]);
        } else {
            buf_append(ret_text, words[i]);
        }
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
    config_join_words(row, words, count, &added);
    bool adds_up = (row->flags & OPTION_REPEATED) != 0 && row->kind == OPTION_TEXT;
    if (adds_up && entry->is_loaded && added.size > 0) {
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
