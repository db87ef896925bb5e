/* The texts of statuses, generated from the one table of error texts.
 *
 * On the data path of failing commands only. Any thread; constant data. */
#include "pollard/base/status.h"
#include <stddef.h>

static const char *const texts[STATUS_COUNT] = {
#define WIRE_ERROR(name, text) [STATUS_##name] = text,
#include "pollard/base/wire_errors.def"
#undef WIRE_ERROR
};

const char *status_text(enum status status)
{
    unsigned index = (unsigned)status;
    return index < STATUS_COUNT ? texts[index] : NULL;
}
