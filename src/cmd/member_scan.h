/* SSCAN and ZSCAN: members in steps. */
#ifndef POLLARD_CMD_MEMBER_SCAN_H
#define POLLARD_CMD_MEMBER_SCAN_H

#include "collection.h"

struct member_scan;

/* How a type is scanned: visits about count members from the cursor on with member_scan_visit and
 * returns the next cursor. */
typedef uint64_t member_scanner(const struct collection *collection, uint64_t cursor,
                                uint64_t count, struct member_scan *scan);
void member_scan_visit(struct member_scan *scan, const struct element *element);

/* The whole command, of the key at index 0. type: of the collection; has_scores: ZSCAN. */
enum status member_scan(struct exec *x, enum value_type type, member_scanner *scanner);

#endif
