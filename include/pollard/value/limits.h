/* How large the small forms of collections may become: options, and what operations need of them.
 */
#ifndef POLLARD_VALUE_LIMITS_H
#define POLLARD_VALUE_LIMITS_H

#include "pollard/base/hash.h"
#include "pollard/base/option.h"

struct value_options {
    option_number hash_max_listpack_entries;
    option_number hash_max_listpack_value;
    option_number list_max_listpack_size; /* > 0: items; -1 .. -5: 4, 8, 16, 32, 64 KB */
    option_number set_max_intset_entries;
    option_number set_max_listpack_entries;
    option_number set_max_listpack_value;
    option_number zset_max_listpack_entries;
    option_number zset_max_listpack_value;
    option_number hll_sparse_max_bytes;
};
extern const struct option_row value_option_rows[];
extern const size_t value_option_row_count;

/* A small form is one block, copied as a whole: whatever the options say, it is converted when it
 * would have more records or bytes than these. */
#define SMALL_RECORDS_MAX 8192
#define SMALL_SIZE_MAX ((size_t)64 * 1024)

/* Handed to every operation that may make or convert a collection; constant while threads run. */
struct value_limits {
    const struct value_options *options;
    const struct hash_secret *secret; /* of all maps */
};

#endif
