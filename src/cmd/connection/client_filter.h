/* Filters of CLIENT LIST and CLIENT KILL: conditions that a session must all meet. */
#ifndef POLLARD_CMD_CONNECTION_CLIENT_FILTER_H
#define POLLARD_CMD_CONNECTION_CLIENT_FILTER_H

#include "pollard/exec/exec.h"

struct client_condition;

struct client_filter {
    struct client_condition *conditions;
    size_t count;
    bool skip_me;
    bool for_kill; /* wording of errors; IDs are told apart from LIST's */
};

/* Parses the options from argv[first] on, copying what it keeps. STATUS_OK, or STATUS_REPLIED or an
 * error status, with the filter empty. */
enum status client_filter_parse(struct exec *x, uint32_t first, struct client_filter *filter);
/* One condition: the address is text. For the old form of CLIENT KILL. */
void client_filter_address(struct client_filter *filter, struct bytes text);
void client_filter_deinit(struct client_filter *filter);
/* Does the session meet all conditions? SKIPME is the caller's. On the session's own thread. */
bool client_filter_matches(const struct client_filter *filter, struct session *session);

#endif
