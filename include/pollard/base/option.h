/* Option rows: how a room says which options it has. config reads and sets them; CONFIG GET, the
 * sample configuration and docs/configuration.md come from the same rows.
 *
 * A room keeps its options in one struct of its own (struct net_options, ...) and exports an array
 * of rows whose offsets point into it. Numbers, booleans and enumerations are _Atomic int64_t and
 * may be read by any thread with option_get(). Strings are struct option_text, copied under one
 * lock. The struct belongs to server; config writes it. */
#ifndef POLLARD_BASE_OPTION_H
#define POLLARD_BASE_OPTION_H

#include "pollard/base/bytes.h"
#include <stdatomic.h>

/* A typedef because _Atomic cannot be hidden in a struct without a getter at each use. */
typedef _Atomic int64_t option_number;

struct option_text {
    char *value; /* private: read with option_text_copy */
};

enum option_kind {
    OPTION_BOOL,   /* yes | no */
    OPTION_NUMBER, /* integer in min .. max */
    OPTION_MEMORY, /* bytes with k/kb/m/mb/g/gb; with whole also a percentage, kept as bytes */
    OPTION_ENUM,   /* one of choices; ENUM_BITS: several, space separated */
    OPTION_TEXT,   /* any string */
    OPTION_OCTAL,  /* file mode */
    OPTION_SPECIAL /* parse and print are the row's own functions */
};

enum option_flag {
    OPTION_IMMUTABLE = 1, /* only in the file or on the command line */
    OPTION_INERT = 2,     /* accepted for compatibility, has no effect here: documented, logged */
    /* May stand several times in a file. Values of a TEXT add up, the first one replaces the
     * default, "" starts anew; a SPECIAL's parse sees each line alone and adds up itself. */
    OPTION_REPEATED = 4,
    OPTION_SECRET = 8, /* value is masked in logs and command logs */
    OPTION_OWN = 16,   /* Pollard's own: Redis has none of this name */
    OPTION_ENUM_BITS = 32,
    OPTION_PROTECTED = 64,  /* needs enable-protected-configs */
    OPTION_FILE_ONLY = 128, /* a directive of files: CONFIG GET and SET do not know it */
    /* A TEXT whose value may be several words, or none, in a file: bind. They are joined by single
     * spaces, quoted where needed, so that text_split_words gives them back. */
    OPTION_WORDS = 256
};

struct option_choice {
    const char *name;
    int64_t value;
};

struct option_row {
    const char *name;
    const char *alias; /* old name, or NULL */
    enum option_kind kind;
    uint32_t flags;
    size_t offset;        /* of the option_number or option_text in the owner's struct */
    const char *fallback; /* the default, as in a file */
    int64_t min;
    int64_t max;
    const struct option_choice *choices; /* ends with a NULL name */
    int64_t (*whole)(void); /* OPTION_MEMORY: what a percentage is of, read when it is set */
    const char *unit;       /* "ms", "bytes", ... or NULL */
    const char *section;    /* heading in the sample configuration: "network", "limits", ... */
    const char *doc;        /* one or two sentences */
    /* OPTION_SPECIAL: parse checks and stores value (words still quoted are not: plain text, words
     * separated by single spaces); returns NULL or the error text. print appends the value as
     * CONFIG GET shows it; parse must accept what print gave, as what it was. A TEXT row may have
     * a parse as well: it only checks, config stores. */
    const char *(*parse)(void *owner, struct bytes value);
    void (*print)(const void *owner, struct buf *ret_value);
    /* Called after a change at run time has been stored; NULL or an error text, upon which the old
     * value is put back. Runs on the thread of CONFIG SET. */
    const char *(*apply)(void *owner);
};

/* A room's rows together with where their values live. */
struct option_set {
    const struct option_row *rows;
    size_t count;
    void *owner;
};

static inline int64_t option_get(const option_number *number)
{
    return atomic_load_explicit((option_number *)number, memory_order_relaxed);
}

static inline void option_put(option_number *number, int64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

/* Appends the text's current value. Any thread. */
void option_text_copy(const struct option_text *text, struct buf *ret_value);
/* Is it set to something other than ""? Any thread. */
bool option_text_is_set(const struct option_text *text);
/* Replaces the value with a copy, up to the first NUL byte. Any thread. */
void option_text_set(struct option_text *text, struct bytes value);
void option_text_deinit(struct option_text *text);

/* ---- Shares: a number of bytes, or a percentage, which is kept as a negative number ---- */

/* Parses "10%" or a memory value; NULL or the error text. */
const char *option_parse_share(option_number *number, struct bytes value);
void option_print_share(const option_number *number, struct buf *ret_value);
/* The bytes it is of a whole. */
uint64_t option_share_of(const option_number *number, uint64_t whole);

#endif
