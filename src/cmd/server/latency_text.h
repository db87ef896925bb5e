/* The texts of LATENCY GRAPH and LATENCY DOCTOR. */
#ifndef POLLARD_CMD_SERVER_LATENCY_TEXT_H
#define POLLARD_CMD_SERVER_LATENCY_TEXT_H

#include "pollard/stats/commandlog.h"

/* A drawing of the event's latest samples, one column each, with their age below. */
void latency_text_graph(const struct latency_event *event, int64_t now_s, struct buf *ret_text);
/* A report on all events. threshold_ms: the option, 0 when the monitor is off. */
void latency_text_doctor(int64_t threshold_ms, struct buf *ret_text);

#endif
