/* Redis's options about encodings, expiry, defragmentation and lazy freeing: kept and checked,
 * without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

const struct option_row inert_memory_rows[] = {
    INERT_NUMBER("maxmemory-eviction-tenacity", NULL, "10", 0, 100,
                 "Effort of one eviction cycle."),
    INERT_NUMBER("hz", NULL, "10", 0, INT32_MAX, "Background cycles a second."),
    INERT_BOOL("dynamic-hz", NULL, 0, "yes", "More cycles with more clients."),
    INERT_NUMBER("active-expire-effort", NULL, "1", 1, 10, "Effort of the expiry cycle."),
    INERT_BOOL("lazyexpire-nested-arbitrary-keys", NULL, 0, "yes",
               "Delete expired keys met inside scripts and transactions."),
    INERT_BOOL("activerehashing", NULL, 0, "yes", "Rehash tables in the background."),
    INERT_BOOL("lazyfree-lazy-eviction", NULL, 0, "no", "Free evicted values in the background."),
    INERT_BOOL("lazyfree-lazy-expire", NULL, 0, "no", "Free expired values in the background."),
    INERT_BOOL("lazyfree-lazy-server-del", NULL, 0, "no",
               "Free overwritten values in the background."),
    INERT_BOOL("lazyfree-lazy-user-del", NULL, 0, "no", "DEL frees in the background."),
    INERT_BOOL("lazyfree-lazy-user-flush", NULL, 0, "no", "FLUSHALL frees in the background."),
    INERT_NUMBER("active-defrag-threshold-upper", NULL, "100", 0, 1000,
                 "Percentage of fragmentation with most effort."),
    INERT_NUMBER("active-defrag-cycle-min", NULL, "1", 1, 99, "Least effort in percent of CPU."),
    INERT_NUMBER("active-defrag-cycle-max", NULL, "25", 1, 99, "Most effort in percent of CPU."),
    INERT_NUMBER("active-defrag-max-scan-fields", NULL, "1000", 1, INT64_MAX,
                 "Fields handled in one go."),
    INERT_BOOL("jemalloc-bg-thread", NULL, 0, "yes", "Let jemalloc purge in a thread."),
    INERT_NUMBER("list-compress-depth", NULL, "0", 0, INT32_MAX,
                 "Nodes at either end of a list that stay uncompressed."),
    INERT_MEMORY("stream-node-max-bytes", NULL, "4096", 0, "Largest node of a stream."),
    INERT_NUMBER("stream-node-max-entries", NULL, "100", 0, INT64_MAX,
                 "Most entries of a node of a stream."),
    INERT_NUMBER("stream-idmp-duration", NULL, "100", 0, INT64_MAX,
                 "Seconds for which new streams know message identifiers again."),
    INERT_NUMBER("stream-idmp-maxsize", NULL, "100", 0, INT64_MAX,
                 "Message identifiers new streams remember."),
    INERT_BOOL("key-memory-histograms", NULL, 0, "no", "Keep histograms of the sizes of keys."),
    INERT_NUMBER("lookahead", NULL, "16", 1, INT32_MAX,
                 "Commands decoded ahead of their execution."),
};
const size_t inert_memory_count = sizeof(inert_memory_rows) / sizeof(inert_memory_rows[0]);
