/* The server: all rooms, built bottom-up and stopped in reverse. Private to this room. */
#ifndef POLLARD_SERVER_SERVER_H
#define POLLARD_SERVER_SERVER_H

#include "maintenance.h"
#include "pollard/base/thread.h"
#include "pollard/config/config.h"
#include "pollard/events/events.h"
#include "pollard/exec/dispatcher.h"
#include "pollard/exec/pool.h"
#include "pollard/server/options.h"
#include "pollard/stats/commandlog.h"
#include "pollard/stats/stats.h"
#include <pthread.h>

struct server {
    struct config *config;
    struct net_options net_options;
    struct client_options client_options;
    struct keyspace_options keyspace_options;
    struct stats_options stats_options;
    struct value_options value_options;
    struct exec_options exec_options;
    struct events_options events_options;
    struct server_options options;
    struct services services;
    struct keyspace *keyspace;
    struct client_registry *registry;
    struct pool *pool;
    struct dispatcher *dispatcher;
    struct events *events;
    struct listeners *listeners;
    struct maintenance maintenance;
    struct reactor **reactors;
    struct thread **threads;
    struct drain *drains; /* one a reactor, shutdown.c */
    uint32_t reactor_count;
    pthread_t main_thread;
};

/* Registers every room's options with their defaults. */
void server_register_options(struct server *server);
/* Opens sockets and starts threads. False after a line in the log about what failed. */
bool server_start(struct server *server);
/* Sleeps until a signal or SHUTDOWN asks for the end, then ends in order: stops accepting, sends
 * what is due for at most about a second, joins all threads. Returns the exit status. */
int server_wait(struct server *server);
/* Frees what server_start made. */
void server_finish(struct server *server);

/* ---- shutdown.c ---- */

/* Blocks the signals that server_wait takes; before any thread starts. */
void shutdown_block_signals(void);
/* The hooks of struct services. */
void shutdown_request(void *server, bool now);
bool shutdown_abort(void *server);
/* Asks every reactor to send what is due and to end; returns when all have ended. */
void shutdown_drain(struct server *server);

#endif
