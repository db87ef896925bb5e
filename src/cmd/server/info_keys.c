/* INFO prefixes and hotkeys: what fills the keyspace, and which keys are asked for most. */
#include "info.h"
#include "pollard/exec/hotkeys.h"
#include "pollard/keyspace/prefixes.h"

/* Keys shown of each list. */
#define HOT_KEYS_MAX 16

/* Which figures of a row are counts, and which are scaled from samples. */
#define PREFIX_EXACT "keys,bytes,evictions"
#define PREFIX_ESTIMATED "bytes_of_long_elements"
#define PREFIX_SAMPLED "hits,misses,misses_expired,sets"

static unsigned long long wide(uint64_t number)
{
    return number;
}

static void print_prefix(struct buf *text, size_t number, const struct prefix_row *row)
{
    buf_format(text, "prefix%zu:name=", number);
    if (row->kind == PREFIX_NAMED) {
        buf_append_quoted(text, row->name);
    } else {
        buf_append_text(text, row->kind == PREFIX_NONE ? "(none)" : "(other)");
    }
    buf_format(text,
               ",keys=%llu,bytes=%llu,hits=%llu,misses=%llu,misses_expired=%llu,evictions=%llu,"
               "sets=%llu\r\n",
               wide(row->keys), wide(row->bytes), wide(row->hits), wide(row->misses),
               wide(row->misses_expired), wide(row->evictions), wide(row->sets));
}

void info_prefixes(const struct info *info)
{
    struct keyspace *keyspace = info->services->keyspace;
    const struct keyspace_options *options = info->services->keyspace_options;
    struct buf separator = {0};
    struct prefix_row *rows;
    size_t count = keyspace_prefixes(keyspace, &rows);
    option_text_copy(&options->prefix_separator, &separator);
    buf_format(info->text,
               "prefix_stats:%d\r\nprefix_separator:", keyspace_has_prefixes(keyspace) ? 1 : 0);
    buf_append_quoted(info->text, buf_bytes(&separator));
    buf_format(info->text,
               "\r\nprefix_max:%lld\r\nprefix_rows:%zu\r\n"
               "prefix_exact:" PREFIX_EXACT "\r\nprefix_estimated:" PREFIX_ESTIMATED
               "\r\nprefix_sampled:" PREFIX_SAMPLED "\r\nprefix_sample_ratio:%d\r\n",
               (long long)option_get(&options->prefix_max), count, PREFIX_SAMPLE_RATIO);
    for (size_t i = 0; i < count; i++) {
        print_prefix(info->text, i, &rows[i]);
    }
    buf_deinit(&separator);
    mem_free(rows);
}

static void print_hot_keys(const struct info *info, const char *name, enum hotkeys_recent which)
{
    struct topk *recent = hotkeys_recent(info->services->hotkeys, which);
    struct topk_item best[HOT_KEYS_MAX];
    uint32_t count = topk_best(recent, best, HOT_KEYS_MAX);
    uint64_t total = topk_total(recent);
    buf_format(info->text, "hot_%s_total:%llu\r\n", name, wide(total));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t sure = best[i].weight - best[i].error;
        if (sure == 0) {
            break;
        }
        buf_format(info->text, "hot_%s_%u:key=", name, i);
        buf_append_quoted(info->text, best[i].key);
        buf_format(info->text, ",%s=%llu,percent=%.2f\r\n", name, wide(sure),
                   100 * (double)sure / (double)total);
    }
    topk_destroy(&recent);
}

void info_hotkeys(const struct info *info)
{
    const struct exec_options *options = info->services->exec_options;
    buf_format(info->text, "hotkeys-tracking-active:%d\r\nhotkeys_sample_ratio:%lld\r\n",
               hotkeys_is_tracking(info->services->hotkeys, info->now_us / 1000) ? 1 : 0,
               (long long)option_get(&options->hotkeys_sample_ratio));
    print_hot_keys(info, "accesses", HOTKEYS_BY_ACCESSES);
    print_hot_keys(info, "bytes", HOTKEYS_BY_BYTES);
}
