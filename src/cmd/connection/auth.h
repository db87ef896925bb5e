/* Authentication as AUTH and HELLO share it. */
#ifndef POLLARD_CMD_CONNECTION_AUTH_H
#define POLLARD_CMD_CONNECTION_AUTH_H

#include "pollard/exec/exec.h"

/* Checks the pair and, when it is right, marks the session as authenticated. STATUS_OK or
 * STATUS_WRONG_PASS. */
enum status auth_check(struct exec *x, struct bytes user, struct bytes password);
/* Are these bytes fit for a client's name or library: '!' to '~' only? */
bool client_text_is_valid(struct bytes text);
/* Sets the session's name; false when it was refused and the error replied. */
bool client_set_name(struct exec *x, struct bytes name);

#endif
