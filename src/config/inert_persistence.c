/* Redis's options about snapshots and the append-only file: kept and checked, without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

static const struct option_choice choices_sanitize_dump_payload[] = {
    {"no", 0},
    {"yes", 1},
    {"clients", 2},
    {NULL, 0},
};

static const struct option_choice choices_appendfsync[] = {
    {"everysec", 0},
    {"always", 1},
    {"no", 2},
    {NULL, 0},
};

const struct option_row inert_persistence_rows[] = {
    INERT_CHECKED("save", OPTION_WORDS | OPTION_REPEATED, "3600 1 300 100 60 10000",
                  inert_check_save, "Snapshot after so many seconds if so many keys changed."),
    INERT_CHECKED("dbfilename", OPTION_PROTECTED, "dump.rdb", inert_check_file_name,
                  "Name of the snapshot file."),
    INERT_BOOL("rdbcompression", NULL, 0, "yes", "Compress strings in snapshots."),
    INERT_BOOL("rdbchecksum", NULL, OPTION_IMMUTABLE, "yes", "Checksum at the end of snapshots."),
    INERT_BOOL("rdb-del-sync-files", NULL, 0, "no", "Delete snapshot files that replication left."),
    INERT_BOOL("rdb-save-incremental-fsync", NULL, 0, "yes",
               "Sync snapshots in steps while they are written."),
    INERT_BOOL("stop-writes-on-bgsave-error", NULL, 0, "yes",
               "Refuse writes after a failed snapshot."),
    INERT_ENUM("sanitize-dump-payload", 0, "no", choices_sanitize_dump_payload,
               "Check RESTORE payloads and snapshots in full."),
    INERT_BOOL("appendonly", NULL, 0, "no", "Keep an append-only file."),
    INERT_CHECKED("appendfilename", OPTION_IMMUTABLE, "appendonly.aof", inert_check_file_name,
                  "Base name of the append-only files."),
    INERT_CHECKED("appenddirname", OPTION_IMMUTABLE, "appendonlydir", inert_check_file_name,
                  "Directory of the append-only files."),
    INERT_ENUM("appendfsync", 0, "everysec", choices_appendfsync,
               "When the append-only file is synced."),
    INERT_BOOL("no-appendfsync-on-rewrite", NULL, 0, "no", "Do not sync while a rewrite runs."),
    INERT_NUMBER("auto-aof-rewrite-percentage", NULL, "100", 0, INT32_MAX,
                 "Growth in percent that starts a rewrite."),
    INERT_MEMORY("auto-aof-rewrite-min-size", NULL, "67108864", 0,
                 "Smallest append-only file that is rewritten."),
    INERT_BOOL("aof-load-truncated", NULL, 0, "yes",
               "Load an append-only file whose end is cut off."),
    INERT_MEMORY("aof-load-corrupt-tail-max-size", NULL, "0", 0,
                 "Largest corrupt end of an append-only file to cut off."),
    INERT_BOOL("aof-use-rdb-preamble", NULL, 0, "yes",
               "Begin rewritten append-only files with a snapshot."),
    INERT_BOOL("aof-timestamp-enabled", NULL, 0, "no",
               "Write timestamps into the append-only file."),
    INERT_BOOL("aof-disable-auto-gc", NULL, 0, "no", "Keep old append-only files."),
    INERT_BOOL("aof-rewrite-incremental-fsync", NULL, 0, "yes", "Sync rewritten files in steps."),
};
const size_t inert_persistence_count =
    sizeof(inert_persistence_rows) / sizeof(inert_persistence_rows[0]);
