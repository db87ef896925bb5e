/* Opens listening sockets: addresses of `bind` x `port`, and the unix socket.
 *
 * At start only. Threads: main's. errno is turned into texts for people here. */
#define _GNU_SOURCE
#include "listen.h"
#include "pollard/base/mem.h"
#include "pollard/base/text.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Longest host name and a NUL. */
#define OPEN_HOST_SIZE 256

static bool open_tcp_all(struct listen_set *set, const struct net_options *options,
                         struct buf *ret_error);
static bool open_unix(struct listen_set *set, const struct net_options *options,
                      struct buf *ret_error);

bool listen_set_open(struct listen_set *set, const struct net_options *options,
                     struct buf *ret_error)
{
    *set = (struct listen_set){0};
    if (option_get(&options->port) != 0 && !open_tcp_all(set, options, ret_error)) {
        listen_set_close(set);
        return false;
    }
    if (option_text_is_set(&options->unixsocket) && !open_unix(set, options, ret_error)) {
        listen_set_close(set);
        return false;
    }
    return true;
}

void listen_set_close(struct listen_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        (void)close(set->fds[i]); /* nothing was written to a listening socket */
    }
    if (set->unix_path != NULL) {
        (void)unlink(set->unix_path); /* it may have been removed by hand */
        mem_free(set->unix_path);
    }
    *set = (struct listen_set){0};
}

void listen_tune(int fd, int64_t keepalive_s)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (keepalive_s <= 0) {
        return;
    }
    /* As Redis: the first probe after the whole time, three more at thirds of it. */
    int idle = keepalive_s > 32767 ? 32767 : (int)keepalive_s; /* Linux takes no more */
    int interval = idle / 3 == 0 ? 1 : idle / 3;
    int count = 3;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void set_add(struct listen_set *set, int fd, bool is_unix)
{
    set->fds[set->count] = fd;
    set->is_unix[set->count] = is_unix;
    set->count++;
}

/* ---- TCP ---- */

/* Opens, binds and listens; -1 with errno and the name of the refused step. */
static int open_tcp(const struct addrinfo *info, int backlog, const char **ret_step)
{
    int on = 1;
    *ret_step = "socket";
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    *ret_step = "setsockopt";
    bool tuned = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    if (tuned && info->ai_family == AF_INET6) {
        /* Else [::] would take IPv4's addresses too, and "* ::*" could not be bound. */
        tuned = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
    }
    if (tuned) {
        *ret_step = "bind";
        tuned = bind(fd, info->ai_addr, info->ai_addrlen) == 0;
    }
    if (tuned) {
        *ret_step = "listen";
        tuned = listen(fd, backlog) == 0;
    }
    if (!tuned) {
        int saved = errno;
        (void)close(fd); /* the first error is the one to tell */
        errno = saved;
        return -1;
    }
    return fd;
}

/* Is it the error of an address that this host does not have? */
static bool is_missing(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
           error == ESOCKTNOSUPPORT || error == EPFNOSUPPORT || error == ENOPROTOOPT;
}

/* One word of `bind`. */
static bool open_address(struct listen_set *set, const struct net_options *options,
                         struct bytes word, struct buf *ret_error)
{
    bool optional = word.size > 1 && word.data[0] == '-';
    if (optional) {
        word = bytes_make(word.data + 1, word.size - 1);
    }
    char host[OPEN_HOST_SIZE];
    char port[sizeof("65535")];
    int number = (int)option_get(&options->port);
    (void)snprintf(port, sizeof(port), "%u", (unsigned)number & 0xffff);
    if (word.size >= sizeof(host)) {
        buf_append_text(ret_error, "A bind address is too long");
        return false;
    }
    memcpy(host, word.data, word.size);
    host[word.size] = '\0';
    const char *name = host;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (strcmp(host, "*") == 0) {
        hints.ai_family = AF_INET;
        name = NULL;
    } else if (strcmp(host, "::*") == 0) {
        hints.ai_family = AF_INET6;
        name = NULL;
    }
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(name, port, &hints, &found);
    if (failure != 0) {
        buf_format(ret_error, "Could not create server TCP listening socket %s:%s: %s", host, port,
                   gai_strerror(failure));
        return optional;
    }
    const char *step;
    int fd = open_tcp(found, (int)option_get(&options->tcp_backlog), &step);
    int error = errno;
    freeaddrinfo(found);
    if (fd >= 0) {
        set_add(set, fd, /* is_unix= */ false);
        set->port = number;
        return true;
    }
    buf_format(ret_error, "Could not create server TCP listening socket %s:%s: %s: %s", host, port,
               step, strerror(error));
    return optional && is_missing(error);
}

static bool open_tcp_all(struct listen_set *set, const struct net_options *options,
                         struct buf *ret_error)
{
    struct buf line = {0};
    struct buf storage = {0};
    struct buf skipped = {0};
    struct bytes words[LISTEN_ADDRESSES];
    bool opened = true;
    option_text_copy(&options->bind, &line);
    int count = text_split_words(buf_bytes(&line), &storage, words, LISTEN_ADDRESSES);
    if (count < 0) {
        buf_append_text(ret_error, "Too many bind addresses specified");
        opened = false;
    }
    for (int i = 0; i < count && opened; i++) {
        if (words[i].size == 0) {
            continue; /* bind "": no address, as Redis has it */
        }
        skipped.size = 0;
        opened = open_address(set, options, words[i], &skipped);
    }
    if (opened && set->count == 0 && skipped.size > 0) {
        opened = false; /* all were optional and none is there */
    }
    if (!opened) {
        buf_append(ret_error, buf_bytes(&skipped));
    }
    buf_deinit(&line);
    buf_deinit(&storage);
    buf_deinit(&skipped);
    return opened;
}

/* ---- The unix socket ---- */

/* Is a server answering behind the path? */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    /* EAGAIN is a full backlog: somebody listens. */
    bool answered =
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
    (void)close(fd); /* nothing was sent */
    return answered;
}

/* Removes what a server that died left behind. Only a socket is removed, never another file. */
static void remove_stale(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        (void)unlink(path); /* if it fails, so does bind, and tells */
    }
}

/* Binds and listens at the address; -1 with errno. */
static int open_unix_at(const struct sockaddr_un *address, const struct net_options *options)
{
    mode_t mode = (mode_t)option_get(&options->unixsocketperm);
    int backlog = (int)option_get(&options->tcp_backlog);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    bool bound = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    if (bound && (mode == 0 || chmod(address->sun_path, mode) == 0) && listen(fd, backlog) == 0) {
        return fd;
    }
    int saved = errno;
    if (bound) {
        (void)unlink(address->sun_path); /* the first error is the one to tell */
    }
    (void)close(fd); /* the same */
    errno = saved;
    return -1;
}

static bool open_unix(struct listen_set *set, const struct net_options *options,
                      struct buf *ret_error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct buf path = {0};
    option_text_copy(&options->unixsocket, &path);
    bool fits = path.size < sizeof(address.sun_path);
    if (fits) {
        memcpy(address.sun_path, path.data, path.size);
    }
    buf_deinit(&path);
    if (!fits) {
        buf_append_text(ret_error, "Failed opening Unix socket: the path is too long");
        return false;
    }
    if (is_answered(&address)) {
        buf_format(ret_error, "Failed opening Unix socket: bind: %s: another server listens there",
                   address.sun_path);
        return false;
    }
    remove_stale(address.sun_path);
    int fd = open_unix_at(&address, options);
    if (fd < 0) {
        buf_format(ret_error, "Failed opening Unix socket: bind: %s: %s", address.sun_path,
                   strerror(errno));
        return false;
    }
    set_add(set, fd, /* is_unix= */ true);
    set->unix_path = mem_copy_text(bytes_text(address.sun_path));
    return true;
}
