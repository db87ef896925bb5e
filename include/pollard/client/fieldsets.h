/* Field lists of HIMPORT: a connection prepares lists of field names, and makes hashes of them.
 *
 * Threads: changed by the reactor that owns the connection, while no job of it is out; a job holds
 * a reference and reads. Source: the page of HIMPORT. */
#ifndef POLLARD_CLIENT_FIELDSETS_H
#define POLLARD_CLIENT_FIELDSETS_H

#include "pollard/base/bytes.h"

/* Most lists of a connection, and most bytes of all their names together. */
#define FIELDSETS_MAX 1024
#define FIELDSETS_SIZE_MAX ((size_t)16 * 1024 * 1024)

struct fieldsets;

/* One list; borrowed from the fieldsets until they are changed. */
struct fieldset {
    struct bytes name;
    uint32_t count;
    struct bytes fields[];
};

enum fieldset_result {
    FIELDSET_OK,
    FIELDSET_DUPLICATE, /* a field stands in it twice */
    FIELDSET_TOO_MANY   /* over one of the two limits above */
};

struct fieldsets *fieldsets_acquire(struct fieldsets *sets); /* NULL is allowed */
void fieldsets_release(struct fieldsets *sets);              /* NULL is allowed */
/* Stores a list of count names (copied) under a name, over the one it had. *sets is made when NULL.
 * O(count * log(count)). */
enum fieldset_result fieldsets_put(struct fieldsets **sets, struct bytes name,
                                   const struct bytes *fields, uint32_t count);
/* NULL when there is none. sets may be NULL. O(lists). */
const struct fieldset *fieldsets_find(const struct fieldsets *sets, struct bytes name);
/* False when there was none. */
bool fieldsets_remove(struct fieldsets *sets, struct bytes name);
uint32_t fieldsets_count(const struct fieldsets *sets);
/* Bytes they take; sets may be NULL. */
size_t fieldsets_memory(const struct fieldsets *sets);

#endif
