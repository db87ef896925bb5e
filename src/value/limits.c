/* The options of small forms: rows for config. The names are Redis's, old ones as aliases. */
#include "pollard/value/limits.h"

#define FIELD(name) .offset = offsetof(struct value_options, name)
#define ROW(row_kind, row_name, old_name, field, standard, least)                                  \
    .name = row_name, .alias = old_name, .kind = row_kind, FIELD(field), .fallback = standard,     \
    .min = least, .section = "encodings"

const struct option_row value_option_rows[] = {
    {ROW(OPTION_NUMBER, "hash-max-listpack-entries", "hash-max-ziplist-entries",
         hash_max_listpack_entries, "512", 0),
     .max = INT64_MAX, .doc = "Most fields of a compact hash."},
    {ROW(OPTION_MEMORY, "hash-max-listpack-value", "hash-max-ziplist-value",
         hash_max_listpack_value, "64", 0),
     .max = INT64_MAX, .doc = "Longest field or value of a compact hash."},
    {ROW(OPTION_NUMBER, "list-max-listpack-size", "list-max-ziplist-size", list_max_listpack_size,
         "-2", INT32_MIN),
     .max = INT32_MAX,
     .doc = "Most items of a compact list, or its size: -1 to -5 are 4, 8, 16, 32 and 64 KB."},
    {ROW(OPTION_NUMBER, "set-max-intset-entries", NULL, set_max_intset_entries, "512", 0),
     .max = INT64_MAX, .doc = "Most members of a set that is a sorted array of integers."},
    {ROW(OPTION_NUMBER, "set-max-listpack-entries", NULL, set_max_listpack_entries, "128", 0),
     .max = INT64_MAX, .doc = "Most members of a compact set."},
    {ROW(OPTION_MEMORY, "set-max-listpack-value", NULL, set_max_listpack_value, "64", 0),
     .max = INT64_MAX, .doc = "Longest member of a compact set."},
    {ROW(OPTION_NUMBER, "zset-max-listpack-entries", "zset-max-ziplist-entries",
         zset_max_listpack_entries, "128", 0),
     .max = INT64_MAX, .doc = "Most members of a compact sorted set."},
    {ROW(OPTION_MEMORY, "zset-max-listpack-value", "zset-max-ziplist-value",
         zset_max_listpack_value, "64", 0),
     .max = INT64_MAX, .doc = "Longest member of a compact sorted set."},
    {ROW(OPTION_MEMORY, "hll-sparse-max-bytes", NULL, hll_sparse_max_bytes, "3000", 0),
     .max = INT64_MAX, .unit = "bytes",
     .doc = "Largest sparse HyperLogLog; above it the dense form is taken."},
};
const size_t value_option_row_count = sizeof(value_option_rows) / sizeof(value_option_rows[0]);
