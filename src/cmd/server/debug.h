/* The forms of DEBUG, by file. Each gets the whole call; argv[1] is its word. */
#ifndef POLLARD_CMD_SERVER_DEBUG_H
#define POLLARD_CMD_SERVER_DEBUG_H

#include "pollard/exec/exec.h"

/* debug_protocol.c */
enum status debug_protocol(struct exec *x);
/* debug_digest.c */
enum status debug_digest(struct exec *x);
enum status debug_digest_value(struct exec *x);
/* debug_keys.c */
enum status debug_object(struct exec *x);
enum status debug_listpack(struct exec *x);
enum status debug_htstats(struct exec *x);
enum status debug_populate(struct exec *x);

/* Opens an access on one key, on the pool, where waiting is allowed; keys stay the caller's. After
 * it: key_* with index 0, then access_end. */
void debug_open_key(struct exec *x, struct access *access, struct access_key *key,
                    enum access_mode mode);

#endif
