/* SSCAN and ZSCAN: members in steps.
 *
 * Run inside a READ access on one key; many at a time on the pool, from a version. */
#include "member_scan.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include "pollard/base/text.h"

/* Members that are visited in the access, and in a slice on the pool. */
#define SCAN_SLICE ((uint64_t)1000)
#define SCAN_COUNT_DEFAULT 10

struct member_scan {
    struct exec_work work; /* first */
    struct collection *collection;
    member_scanner *scanner;
    uint64_t cursor;
    uint64_t count;
    struct bytes pattern; /* data NULL: all */
    bool has_scores;
    struct reply *reply;
    size_t replied;
};

void member_scan_visit(struct member_scan *scan, const struct element *element)
{
    unsigned char scratch[ITEM_SCRATCH];
    if (scan->pattern.data != NULL &&
        !text_glob(scan->pattern, item_text(&element->member, scratch), false)) {
        return;
    }
    reply_item(scan->reply, &element->member);
    scan->replied++;
    if (scan->has_scores) {
        unsigned char digits[64];
        size_t size = number_print_double(digits, element->score);
        reply_bulk(scan->reply, bytes_make(digits, size));
        scan->replied++;
    }
}

static enum status read_options(const struct exec *x, struct member_scan *scan)
{
    int64_t count = SCAN_COUNT_DEFAULT;
    for (uint32_t i = 3; i < x->argc; i += 2) {
        if (i + 1 >= x->argc) {
            return STATUS_SYNTAX;
        }
        if (argument_is(x, i, "count")) {
            if (argument_integer(x, i + 1, &count) != STATUS_OK) {
                return STATUS_NOT_INTEGER;
            }
            if (count < 1) {
                return STATUS_SYNTAX;
            }
        } else if (argument_is(x, i, "match")) {
            scan->pattern = x->argv[i + 1];
        } else {
            return STATUS_SYNTAX;
        }
    }
    scan->count = (uint64_t)count;
    if (bytes_equal(scan->pattern, bytes_text("*"))) {
        scan->pattern = bytes_make(NULL, 0);
    }
    return STATUS_OK;
}

static void run_slices(struct exec *x, struct member_scan *scan)
{
    /* The cursor goes before the members but is known only after them. */
    struct chain chain = {0};
    struct reply members;
    reply_init(&members, &chain, x->protocol);
    scan->reply = &members;
    uint64_t left = scan->count;
    do {
        uint64_t slice = left < SCAN_SLICE ? left : SCAN_SLICE;
        scan->cursor = scan->scanner(scan->collection, scan->cursor, slice, scan);
        left -= slice;
    } while (scan->cursor != 0 && left > 0 && !exec_breathe(x));
    reply_array(x->reply, 2);
    reply_bulk_format(x->reply, "%llu", (unsigned long long)scan->cursor);
    reply_array(x->reply, scan->replied);
    chain_splice(x->reply->chain, &chain);
}

static enum status run(struct exec *x, struct exec_work *work)
{
    run_slices(x, (struct member_scan *)work);
    return STATUS_REPLIED;
}

static void release(struct exec_work *work, struct keyspace *keyspace)
{
    keyspace_discard_collection(keyspace, ((struct member_scan *)work)->collection);
    mem_free(work);
}

static enum status scan_without_lock(struct exec *x, const struct member_scan *scan)
{
    if (exec_on_reactor(x)) {
        return STATUS_TO_POOL;
    }
    struct member_scan *mine = mem_alloc(sizeof(*mine));
    *mine = *scan;
    mine->work = (struct exec_work){.run = run, .free = release};
    (void)collection_acquire(mine->collection);
    x->work = &mine->work;
    return STATUS_COMPUTE;
}

enum status member_scan(struct exec *x, enum value_type type, member_scanner *scanner)
{
    struct member_scan scan = {.scanner = scanner, .has_scores = type == VALUE_ZSET};
    if (!argument_cursor(x, 2, &scan.cursor)) {
        return STATUS_INVALID_CURSOR;
    }
    enum status status = collection_find(x, 0, type, &scan.collection);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_ABSENT) {
        reply_array(x->reply, 2);
        reply_bulk_text(x->reply, "0");
        reply_array(x->reply, 0);
        return STATUS_OK;
    }
    status = read_options(x, &scan);
    if (status != STATUS_OK) {
        return status;
    }
    if (scan.count > SCAN_SLICE && collection_count(scan.collection) > SCAN_SLICE) {
        return scan_without_lock(x, &scan);
    }
    run_slices(x, &scan);
    return STATUS_OK;
}
