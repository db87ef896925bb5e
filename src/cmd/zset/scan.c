/* ZSCAN: the members of a sorted set in steps. Runs inside a READ access on one key. */
#include "../member_scan.h"
#include "pollard/value/zset.h"
#include "pollard_commands.h"

static void visit(void *argument, const struct element *element)
{
    member_scan_visit(argument, element);
}

static uint64_t scan_zset(const struct collection *zset, uint64_t cursor, uint64_t count,
                          struct member_scan *scan)
{
    return zset_scan(zset, cursor, count, visit, scan);
}

enum status cmd_zscan(struct exec *x)
{
    return member_scan(x, VALUE_ZSET, scan_zset);
}
