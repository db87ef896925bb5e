/* Options of Redis without effect here: their tables by theme, and where their values live.
 * Private to the room. */
#ifndef POLLARD_CONFIG_INERT_H
#define POLLARD_CONFIG_INERT_H

#include "pollard/base/option.h"

/* Each inert option owns one: its row's offset says which half it uses. */
struct inert_slot {
    option_number number;
    struct option_text text;
};

struct inert_table {
    const struct option_row *rows;
    const size_t *count;
};

#define INERT_TABLE_COUNT 6
extern const struct inert_table inert_tables[INERT_TABLE_COUNT];

extern const struct option_row inert_persistence_rows[];
extern const size_t inert_persistence_count;
extern const struct option_row inert_replication_rows[];
extern const size_t inert_replication_count;
extern const struct option_row inert_cluster_rows[];
extern const size_t inert_cluster_count;
extern const struct option_row inert_memory_rows[];
extern const size_t inert_memory_count;
extern const struct option_row inert_tls_rows[];
extern const size_t inert_tls_count;
extern const struct option_row inert_misc_rows[];
extern const size_t inert_misc_count;

/* Checks of texts and forms of special values, for the parse and print of rows. */
const char *inert_check_save(void *owner, struct bytes value);
const char *inert_check_file_name(void *owner, struct bytes value);
const char *inert_check_host_name(void *owner, struct bytes value);
const char *inert_check_scores(void *owner, struct bytes value);
const char *inert_check_title(void *owner, struct bytes value);
const char *inert_parse_primary(void *owner, struct bytes value);
void inert_print_text(const void *owner, struct buf *ret_value);

/* Rows; alias_ may be NULL, flags_ 0. */
#define INERT_ROW(name_, alias_, kind_, flags_, fallback_)                                         \
    .name = (name_), .alias = (alias_), .kind = (kind_), .flags = OPTION_INERT | (flags_),         \
    .fallback = (fallback_), .section = "without effect"
#define INERT_BOOL(name_, alias_, flags_, fallback_, doc_)                                         \
    {                                                                                              \
        INERT_ROW(name_, alias_, OPTION_BOOL, flags_, fallback_), .doc = (doc_)                    \
    }
#define INERT_NUMBER(name_, alias_, fallback_, min_, max_, doc_)                                   \
    {                                                                                              \
        INERT_ROW(name_, alias_, OPTION_NUMBER, 0, fallback_), .min = (min_), .max = (max_),       \
                                                               .doc = (doc_)                       \
    }
#define INERT_FIXED_NUMBER(name_, fallback_, min_, max_, doc_)                                     \
    {                                                                                              \
        INERT_ROW(name_, NULL, OPTION_NUMBER, OPTION_IMMUTABLE, fallback_),                        \
            .min = (min_), .max = (max_), .doc = (doc_)                                            \
    }
#define INERT_MEMORY(name_, alias_, fallback_, min_, doc_)                                         \
    {                                                                                              \
        INERT_ROW(name_, alias_, OPTION_MEMORY, 0, fallback_), .min = (min_), .max = INT64_MAX,    \
                                                               .unit = "bytes", .doc = (doc_)      \
    }
#define INERT_ENUM(name_, flags_, fallback_, choices_, doc_)                                       \
    {                                                                                              \
        INERT_ROW(name_, NULL, OPTION_ENUM, flags_, fallback_), .choices = (choices_),             \
                                                                .doc = (doc_)                      \
    }
#define INERT_TEXT(name_, alias_, flags_, fallback_, doc_)                                         \
    {                                                                                              \
        INERT_ROW(name_, alias_, OPTION_TEXT, flags_, fallback_),                                  \
            .offset = offsetof(struct inert_slot, text), .doc = (doc_)                             \
    }
#define INERT_CHECKED(name_, flags_, fallback_, check_, doc_)                                      \
    {                                                                                              \
        INERT_ROW(name_, NULL, OPTION_TEXT, flags_, fallback_),                                    \
            .offset = offsetof(struct inert_slot, text), .parse = (check_), .doc = (doc_)          \
    }
#define INERT_SPECIAL(name_, alias_, flags_, fallback_, parse_, print_, doc_)                      \
    {                                                                                              \
        INERT_ROW(name_, alias_, OPTION_SPECIAL, flags_, fallback_),                               \
            .parse = (parse_), .print = (print_), .doc = (doc_)                                    \
    }

#endif
