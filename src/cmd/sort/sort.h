/* SORT and SORT_RO: what is asked for, and the work. Private to cmd/sort. */
#ifndef POLLARD_SORT_H
#define POLLARD_SORT_H

#include "../collection.h"

struct sort_options {
    struct bytes by;    /* data NULL: the elements themselves */
    bool skips_sorting; /* BY a pattern without a star */
    bool is_alpha;
    bool is_descending;
    int64_t offset; /* LIMIT */
    int64_t limit;  /* negative: none */
    uint32_t get_count;
    uint32_t store;     /* index in argv of the destination; 0: none */
    bool reads_keys;    /* a pattern names other keys */
    uint32_t first_get; /* index in argv of the first GET word; the others are found from there */
};

/* Reads the options. takes_store: SORT. STATUS_OK, STATUS_SYNTAX, STATUS_NOT_INTEGER. */
enum status sort_read(const struct exec *x, bool takes_store, struct sort_options *options);
/* The next GET pattern from argv[*index] on; *index goes behind it. */
struct bytes sort_next_get(const struct exec *x, uint32_t *index);

/* An element and what it is sorted by. */
struct sort_element {
    struct item item; /* in the version */
    double score;
    struct bytes text; /* ALPHA with BY: a copy; data NULL: there is none */
};

struct sort_work {
    struct exec_work work; /* first */
    struct sort_options options;
    struct collection *version; /* NULL: the key is absent */
    struct sort_element *elements;
    uint64_t count;
    struct collection *result; /* a list of all that is told, row by row */
    unsigned char *missing;    /* a bit for each that is nothing; NULL: none is */
    struct buf texts;          /* the copies' bytes */
};

/* Does all: collects, looks up, sorts, gathers. STATUS_OK, STATUS_SORT_SCORE, STATUS_ALLOCATION;
 * STATUS_REPLIED when it should stop. */
enum status sort_run(struct exec *x, struct exec_work *work);
void sort_free(struct exec_work *work, struct keyspace *keyspace);
/* Elements that have to be looked at. */
uint64_t sort_weight(const struct sort_work *sort);

/* ---- lookup.c ---- */

/* Called with what a pattern names for an element, NULL when there is nothing; the value is valid
 * during the call. */
typedef void sort_taker(void *argument, const struct value *value, const struct item *field);
/* Looks up what the pattern names for an element, in an access of its own. On the pool only, while
 * no key is held. */
void sort_lookup(struct exec *x, struct bytes pattern, const struct item *element, sort_taker *take,
                 void *argument);

#endif
