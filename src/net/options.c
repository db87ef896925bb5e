/* The option rows of net, with Redis's names and defaults; the listed defaults of the sample
 * redis.conf are taken where Redis's built-in one listens to the world.
 *
 * Off the data path. Threads: any; the rows are constant. */
#include "pollard/net/net.h"
#include <limits.h>

static const struct option_choice poller_choices[] = {
    {"auto", NET_POLLER_AUTO},
    {"poll", NET_POLLER_POLL},
    {"epoll", NET_POLLER_EPOLL},
    {NULL, 0},
};

static const struct option_choice spread_choices[] = {
    {"cpus", NET_SPREAD_CPUS},
    {"all", NET_SPREAD_ALL},
    {NULL, 0},
};

#define NET_OFFSET(field) offsetof(struct net_options, field)

const struct option_row net_option_rows[] = {
    {
        .name = "bind",
        .kind = OPTION_TEXT,
        .flags = OPTION_IMMUTABLE | OPTION_WORDS,
        .offset = NET_OFFSET(bind),
        .fallback = "127.0.0.1 -::1",
        .section = "network",
        .doc = "Addresses to listen on, separated by spaces; one with a leading '-' may be missing "
               "on this host. '*' and '::*' are all addresses of IPv4 and of IPv6.",
    },
    {
        .name = "port",
        .kind = OPTION_NUMBER,
        .flags = OPTION_IMMUTABLE,
        .offset = NET_OFFSET(port),
        .fallback = "6379",
        .min = 0,
        .max = 65535,
        .section = "network",
        .doc = "TCP port to listen on; 0 opens none.",
    },
    {
        .name = "unixsocket",
        .kind = OPTION_TEXT,
        .flags = OPTION_IMMUTABLE,
        .offset = NET_OFFSET(unixsocket),
        .fallback = "",
        .section = "network",
        .doc = "Path of the unix socket to listen on; empty opens none. A stale file is replaced.",
    },
    {
        .name = "unixsocketperm",
        .kind = OPTION_OCTAL,
        .flags = OPTION_IMMUTABLE,
        .offset = NET_OFFSET(unixsocketperm),
        .fallback = "0",
        .min = 0,
        .max = 0777,
        .section = "network",
        .doc = "File mode of the unix socket; 0 leaves it as the umask makes it.",
    },
    {
        .name = "tcp-backlog",
        .kind = OPTION_NUMBER,
        .flags = OPTION_IMMUTABLE,
        .offset = NET_OFFSET(tcp_backlog),
        .fallback = "511",
        .min = 0,
        .max = INT_MAX,
        .section = "network",
        .doc = "Connections that may wait to be accepted; the kernel cuts it to its own limit.",
    },
    {
        .name = "tcp-keepalive",
        .kind = OPTION_NUMBER,
        .offset = NET_OFFSET(tcp_keepalive),
        .fallback = "300",
        .min = 0,
        .max = INT_MAX,
        .unit = "s",
        .section = "network",
        .doc = "Idle time after which the kernel probes a TCP peer; 0 is never. Holds for "
               "connections accepted after a change.",
    },
    {
        .name = "poller",
        .kind = OPTION_ENUM,
        .flags = OPTION_IMMUTABLE | OPTION_OWN,
        .offset = NET_OFFSET(poller),
        .fallback = "auto",
        .choices = poller_choices,
        .section = "network",
        .doc = "How reactors wait: with poll() over all connections, with epoll, or auto: epoll "
               "where the system has it, else poll().",
    },
    {
        .name = "busy-wait-us",
        .kind = OPTION_NUMBER,
        .flags = OPTION_OWN,
        .offset = NET_OFFSET(busy_wait_us),
        .fallback = "0",
        .min = 0,
        .max = 1000,
        .section = "network",
        .doc =
            "How long a reactor looks for more requests before it sleeps, while that finds "
            "some. A few microseconds spare busy clients the time to wake it, for more CPU here. "
            "0: never.",
    },
    {
        .name = "connection-spread",
        .kind = OPTION_ENUM,
        .flags = OPTION_OWN,
        .offset = NET_OFFSET(connection_spread),
        .fallback = "cpus",
        .choices = spread_choices,
        .section = "network",
        .doc = "Over which reactors new connections are spread: cpus, as many as there are CPUs "
               "that the process may run on, because more only switch between each other; or all.",
    },
    {
        .name = "max-new-connections-per-cycle",
        .kind = OPTION_NUMBER,
        .offset = NET_OFFSET(max_new_connections_per_cycle),
        .fallback = "10",
        .min = 1,
        .max = 1000,
        .section = "network",
        .doc = "Connections that each listening socket accepts before others have their turn.",
    },
};

const size_t net_option_row_count = sizeof(net_option_rows) / sizeof(net_option_rows[0]);
