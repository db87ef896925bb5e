/* A lock-free mailbox: many senders, one reader, a system call only if the reader sleeps.
 *
 *      post:  newest -> M3 -> M2 -> M1        take: exchange with NULL, then turn the list round
 *
 * How other threads reach a reactor: replies of jobs, new connections, pushes.
 * Threads: post and wake any; the rest the reactor's own.
 * Invariants: 1. newest is `asleep` only between mailbox_fall_asleep and the first post or take
 * after it, so that exactly one sender pays for the wake. 2. The mails of one sender stand in the
 * list in the order of their posting, newest first. */
#define _GNU_SOURCE
#include "mailbox.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool mailbox_open(struct mailbox *box)
{
    atomic_init(&box->newest, NULL);
    box->asleep = (struct mail){.next = NULL};
    box->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return box->wake_fd >= 0;
}

void mailbox_close(struct mailbox *box)
{
    if (box->wake_fd >= 0) {
        (void)close(box->wake_fd); /* an eventfd has no error to tell */
    }
    box->wake_fd = -1;
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
    struct mail *seen = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do {
        mail->next = seen == &box->asleep ? NULL : seen;
        /* Release: the mail's content is published to the acquire exchange in mailbox_take. On
         * failure only the pointer value is used, never what it points to: relaxed. */
    } while (!atomic_compare_exchange_weak_explicit(&box->newest, &seen, mail, memory_order_release,
                                                    memory_order_relaxed));
    if (seen == &box->asleep) {
        mailbox_wake(box);
    }
}

void mailbox_wake(struct mailbox *box)
{
    int saved = errno;
    uint64_t one = 1;
    /* It fails only when the counter is full, and then the wake is on its way already. */
    ssize_t written = write(box->wake_fd, &one, sizeof(one));
    (void)written;
    errno = saved;
}

bool mailbox_fall_asleep(struct mailbox *box)
{
    struct mail *empty = NULL;
    /* Relaxed: it decides with the post on the same word who comes first, which the order of one
     * atomic settles; it publishes nothing. A sender that sees `asleep` writes the descriptor
     * after, and the wait that follows here finds that. */
    return atomic_compare_exchange_strong_explicit(&box->newest, &empty, &box->asleep,
                                                   memory_order_relaxed, memory_order_relaxed);
}

struct mail *mailbox_take(struct mailbox *box)
{
    /* A look without a locked instruction first: a cycle that did not sleep mostly has no mail. */
    if (atomic_load_explicit(&box->newest, memory_order_relaxed) == NULL) {
        return NULL;
    }
    /* Acquire: pairs with the release in mailbox_post. The compare-exchanges of later senders
     * continue the release sequence of earlier ones, so all mails of the list are covered. */
    struct mail *mail = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    if (mail == &box->asleep) {
        return NULL;
    }
    struct mail *oldest = NULL;
    while (mail != NULL) {
        struct mail *older = mail->next;
        mail->next = oldest;
        oldest = mail;
        mail = older;
    }
    return oldest;
}

void mailbox_drain(struct mailbox *box)
{
    uint64_t count;
    /* EAGAIN is as good as a count: either way it is empty now. */
    ssize_t got = read(box->wake_fd, &count, sizeof(count));
    (void)got;
}
