/* The mailbox of one reactor. Private to net. */
#ifndef POLLARD_NET_MAILBOX_H
#define POLLARD_NET_MAILBOX_H

#include "pollard/net/net.h"
#include <stdatomic.h>

struct mailbox {
    /* NULL: awake, empty. The address of asleep: sleeping, empty. Else the newest mail. */
    _Atomic(struct mail *) newest;
    struct mail asleep; /* never delivered; only its address has a meaning */
    int wake_fd;        /* eventfd */
};

bool mailbox_open(struct mailbox *box);
void mailbox_close(struct mailbox *box);
/* Any thread. */
void mailbox_post(struct mailbox *box, struct mail *mail);
/* Any thread, also in a signal handler: the owner's next wait returns at once. */
void mailbox_wake(struct mailbox *box);
/* The owner, before it waits: false if there is mail, so that it must not sleep. */
bool mailbox_fall_asleep(struct mailbox *box);
/* The owner, after it waited: all mails, oldest first; NULL without. */
struct mail *mailbox_take(struct mailbox *box);
/* Reads the wake descriptor empty: for level-triggered polling. */
void mailbox_drain(struct mailbox *box);

#endif
