/* The end: signals, SHUTDOWN, and the orderly stop.
 *
 * The main thread waits for signals in sigwait; every other thread has them blocked. SHUTDOWN
 * sends the main thread SIGUSR1. After the first signal a second one ends the process at once, and
 * an alarm does so after the time we promise. */
#include "pollard/base/clock.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "server.h"
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

/* What is due is sent for at most so long; then connections are closed. */
#define DRAIN_MAX_MS 1000
#define DRAIN_LOOK_MS 10
/* The whole end takes at most so long: the promise is 2 s. */
#define END_MAX_MS 1800

struct drain {
    struct mail mail; /* first */
    struct timer timer;
    struct server *server;
    int64_t deadline_ms;
};

static void wait_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
}

void shutdown_block_signals(void)
{
    sigset_t set;
    wait_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

void shutdown_request(void *server_pointer, bool now)
{
    struct server *server = server_pointer;
    atomic_store(&server->services.shutting_down, true);
    pthread_kill(server->main_thread, SIGUSR1);
}

bool shutdown_abort(void *server_pointer)
{
    /* Nothing delays an end that has begun (there are no replicas to wait for). */
    return false;
}

static void end_now(int signal_number)
{
    _exit(signal_number == SIGALRM ? 0 : 1);
}

/* From now on signals end the process without more ado. */
static void arm_hard_end(void)
{
    sigset_t set;
    signal(SIGTERM, end_now);
    signal(SIGINT, end_now);
    signal(SIGALRM, end_now);
    wait_set(&set);
    sigdelset(&set, SIGUSR1);
    const struct itimerval alarm_time = {
        .it_value = {.tv_sec = END_MAX_MS / 1000, .tv_usec = END_MAX_MS % 1000 * 1000}};
    setitimer(ITIMER_REAL, &alarm_time, NULL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void drain_step(struct drain *drain, struct reactor *reactor)
{
    struct server *server = drain->server;
    size_t left = dispatcher_drain(server->dispatcher, reactor);
    if (left > 0 && reactor_monotonic_ms(reactor) < drain->deadline_ms) {
        reactor_timer_set(reactor, &drain->timer, reactor_monotonic_ms(reactor) + DRAIN_LOOK_MS);
        return;
    }
    dispatcher_close_all(server->dispatcher, reactor);
    reactor_stop(reactor);
}

static void on_drain_timer(struct timer *timer, struct reactor *reactor)
{
    drain_step((struct drain *)((char *)timer - offsetof(struct drain, timer)), reactor);
}

static void on_drain_mail(struct mail *mail, struct reactor *reactor)
{
    struct drain *drain = (struct drain *)mail;
    if (reactor_index(reactor) == 0) {
        listeners_close(&drain->server->listeners);
    }
    drain->deadline_ms = reactor_monotonic_ms(reactor) + DRAIN_MAX_MS;
    drain_step(drain, reactor);
}

void shutdown_drain(struct server *server)
{
    server->drains = mem_alloc_zero(server->reactor_count * sizeof(*server->drains));
    for (uint32_t i = 0; i < server->reactor_count; i++) {
        struct drain *drain = &server->drains[i];
        drain->server = server;
        drain->mail.deliver = on_drain_mail;
        drain->timer.fire = on_drain_timer;
        reactor_post(server->reactors[i], &drain->mail);
    }
    for (uint32_t i = 0; i < server->reactor_count; i++) {
        thread_join(&server->threads[i]);
    }
    mem_free(server->drains);
    server->drains = NULL;
}

int server_wait(struct server *server)
{
    sigset_t set;
    int signal_number;
    wait_set(&set);
    while (sigwait(&set, &signal_number) != 0) {
    }
    atomic_store(&server->services.shutting_down, true);
    arm_hard_end();
    if (signal_number == SIGUSR1) {
        log_line(LOG_WARNING, "User requested shutdown...");
    } else {
        log_line(LOG_WARNING, "Received %s, shutting down...",
                 signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    }
    maintenance_stop(&server->maintenance);
    shutdown_drain(server);
    return 0;
}
