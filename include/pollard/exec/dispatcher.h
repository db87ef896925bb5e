/* The dispatcher: turns ready connections into executed commands. One a server; it keeps one cycle
 * state a reactor. Its functions are the reactors' hooks (net/net.h). */
#ifndef POLLARD_EXEC_DISPATCHER_H
#define POLLARD_EXEC_DISPATCHER_H

#include "pollard/exec/exec.h"

struct dispatcher;

/* services must stay valid and keep its addresses. reactors: how many there will be. */
ATTR_MUST_USE struct dispatcher *dispatcher_create(struct services *services, uint32_t reactors);
/* After all reactors have ended. Nulls the pointer. */
void dispatcher_destroy(struct dispatcher **dispatcher);
/* The hooks to create the reactors with. */
struct reactor_hooks dispatcher_hooks(struct dispatcher *dispatcher);
/* Asks every session of this reactor to end when its output is sent, and cancels jobs that only
 * read. On the reactor's thread. Returns how many sessions still have something to send. */
size_t dispatcher_drain(struct dispatcher *dispatcher, struct reactor *reactor);
/* Ends every session of this reactor now. On its thread, or after it has ended. */
void dispatcher_close_all(struct dispatcher *dispatcher, struct reactor *reactor);
/* Serves those whose turn it is since a lease ended without them (keyspace_hooks.want_turns). On
 * the pool. */
void dispatcher_give_turns(const struct services *services);
/* Parses the rename-command options; NULL, or what is wrong with them. Before reactors run. */
const char *dispatcher_use_renames(struct dispatcher *dispatcher);

struct dispatcher_figures {
    uint64_t calls;     /* commands run on this reactor */
    uint64_t handovers; /* commands given to the pool */
};
void dispatcher_figures(const struct dispatcher *dispatcher, uint32_t reactor,
                        struct dispatcher_figures *ret_figures);

#endif
