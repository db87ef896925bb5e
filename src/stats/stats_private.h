/* What the files of stats share. */
#ifndef POLLARD_STATS_PRIVATE_H
#define POLLARD_STATS_PRIVATE_H

#include "pollard/base/lock.h"
#include "pollard/stats/stats.h"

/* Forgets all error codes. */
void stats_errors_reset(void);

#endif
