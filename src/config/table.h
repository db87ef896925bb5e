/* The table of options inside config: entries, look-up and values. Private to the room; the caller
 * holds the config lock unless stated. */
#ifndef POLLARD_CONFIG_TABLE_H
#define POLLARD_CONFIG_TABLE_H

#include "pollard/base/lock.h"
#include "pollard/config/config.h"

/* Deepest nesting of include, and the largest file: our guesses at what no honest file reaches. */
#define CONFIG_INCLUDE_DEPTH_MAX 16
#define CONFIG_FILE_SIZE_MAX (16 * 1024 * 1024)
/* Most words of one line. */
#define CONFIG_WORDS_MAX 1024

struct config_entry {
    const struct option_row *row;
    void *owner;
    struct buf fallback; /* the default as CONFIG GET shows it */
    bool is_loaded;      /* a file or the command line named it */
    bool is_unreported;  /* is inert, was loaded, and config_report_inert has not told yet */
};

struct config {
    struct lock lock;
    struct config_entry *entries;
    size_t count;
    size_t capacity;
    char *file; /* absolute path, or NULL */
    struct inert_slot *inert_slots;
    size_t inert_count;
};

/* By name or alias, whatever the case; NULL when there is none. O(options). */
struct config_entry *config_find(struct config *config, struct bytes name);
/* The name or alias nearest to a misspelt one, or NULL if none is near. */
const char *config_nearest(const struct config *config, const char *name);

/* May the option have another number of words than one in a file? */
bool config_row_takes_words(const struct option_row *row);
/* Checks and stores. NULL, or the error text: static, or in *scratch. */
const char *config_value_set(const struct config_entry *entry, struct bytes value,
                             struct buf *scratch);
/* Appends the value as CONFIG GET shows it. */
void config_value_print(const struct config_entry *entry, struct buf *ret_value);
/* Appends what CONFIG GET would show if text were set, without setting or checking it fully: for
 * comparing. Text that cannot be read is appended as it is. */
void config_value_normalise(const struct config_entry *entry, struct bytes text,
                            struct buf *ret_value);
/* Sets an option from the words of a file's line or of the command line. NULL or the error. */
const char *config_load_words(struct config_entry *entry, const struct bytes *words, size_t count,
                              struct buf *scratch);
/* Joins with single spaces; words of a TEXT are quoted where text_split_words would lose them. */
void config_join_words(const struct option_row *row, const struct bytes *words, size_t count,
                       struct buf *ret_text);

/* Reads a whole file, or standard input for "-". False with errno set. */
bool config_read_file(const char *path, struct buf *ret_text);
/* The bodies of config_load_text and config_load_file, with the lock held. depth counts includes.
 */
bool config_load_text_locked(struct config *config, struct bytes text, const char *origin,
                             int depth, struct buf *ret_error);
bool config_load_file_locked(struct config *config, const char *path, int depth,
                             struct buf *ret_error);
/* Appends the text of an errno value. */
void config_append_errno(struct buf *ret_text, int error);
/* Remembers path, made absolute, as the file in use. */
void config_note_file(struct config *config, const char *path);

#endif
