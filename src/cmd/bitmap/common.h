/* What the handlers of the bitmap group share. */
#ifndef POLLARD_CMD_BITMAP_COMMON_H
#define POLLARD_CMD_BITMAP_COMMON_H

#include "../string/common.h"
#include "pollard/value/bitmap.h"

/* Bytes that a reactor may work through in one call, and between two looks at whether the client is
 * still there. Source: half a megabyte takes about 50 us, eight about a millisecond. */
#define BITMAP_REACTOR_SIZE ((uint64_t)512 * 1024)
#define BITMAP_SLICE_SIZE ((size_t)8 * 1024 * 1024)

/* argv[index] as the offset of a bit that a string may have; "#n" counts fields of unit bits if
 * unit is not 0. STATUS_OK, STATUS_BIT_OFFSET. */
enum status bitmap_offset(const struct exec *x, uint32_t index, uint32_t unit,
                          uint64_t *ret_offset);

#endif
