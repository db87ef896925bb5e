/* SSCAN: the members of a set in steps. Runs inside a READ access on one key. */
#include "../member_scan.h"
#include "pollard/value/set.h"
#include "pollard_commands.h"

static void visit(void *argument, const struct item *member)
{
    struct element element = {.member = *member};
    member_scan_visit(argument, &element);
}

static uint64_t scan_set(const struct collection *set, uint64_t cursor, uint64_t count,
                         struct member_scan *scan)
{
    return set_scan(set, cursor, count, visit, scan);
}

enum status cmd_sscan(struct exec *x)
{
    return member_scan(x, VALUE_SET, scan_set);
}
