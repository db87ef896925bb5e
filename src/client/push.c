/* Pushes: a queue a reactor, beside its mailbox: that may be taken in at any point of a cycle, not
 * only between two.
 *
 * Threads: any posts; the reactor takes. The mail that makes a sleeping reactor look is posted
 * later than the push, by push_wake: waking is a system call, and the poster may hold a shard. */
#include "pollard/client/push.h"
#include "pollard/base/thread.h"
#include "registry_private.h"
#include <stddef.h>

static void on_mail(struct mail *mail, struct reactor *reactor)
{
    struct registry_part *part =
        (struct registry_part *)((char *)mail - offsetof(struct registry_part, push_mail));
    /* Sequentially consistent, as the exchange in push_post: a push that finds the mail out still
     * is in the queue before this store, and so before the taking. */
    atomic_store(&part->push_mail_is_out, false);
    if (push_take(part->registry, reactor)) {
        push_wake(part->registry);
    }
}

void push_setup(struct client_registry *registry)
{
    for (size_t i = 0; i < registry->reactor_count; i++) {
        registry->parts[i].push_mail.deliver = on_mail;
        registry->parts[i].registry = registry;
    }
}

void push_adopt(struct client_registry *registry, const struct reactor *reactor,
                struct push_marks *ret_marks)
{
    struct registry_part *part = &registry->parts[reactor_index(reactor)];
    struct push_wakes *wakes = &registry->wakes[thread_index()];
    wakes->own_part = part;
    *ret_marks = (struct push_marks){.pushes = &part->pushes};
}

void push_ask(struct client_registry *registry, struct reactor *reactor)
{
    struct registry_part *part = &registry->parts[reactor_index(reactor)];
    if (!atomic_exchange(&part->push_mail_is_out, true)) {
        reactor_post(reactor, &part->push_mail);
    }
}

void push_post(struct client_registry *registry, size_t reactor_index, struct push *push)
{
    struct registry_part *part = &registry->parts[reactor_index];
    struct push *seen = atomic_load_explicit(&part->pushes, memory_order_relaxed);
    do {
        push->next = seen;
        /* Sequentially consistent: pairs with the exchange in push_take, and stands before the
         * look at push_mail_is_out. */
    } while (!atomic_compare_exchange_weak(&part->pushes, &seen, push));
    struct push_wakes *wakes = &registry->wakes[thread_index()];
    if (wakes->own_part != part && !atomic_exchange(&part->push_mail_is_out, true)) {
        wakes->bits[reactor_index / 64] |= UINT64_C(1) << (reactor_index & 63);
        wakes->any = true;
    }
}

void push_wake(struct client_registry *registry)
{
    struct push_wakes *wakes = &registry->wakes[thread_index()];
    if (!wakes->any) {
        return;
    }
    wakes->any = false;
    for (size_t word = 0; word < sizeof(wakes->bits) / sizeof(wakes->bits[0]); word++) {
        while (wakes->bits[word] != 0) {
            size_t index = word * 64 + (size_t)__builtin_ctzll(wakes->bits[word]);
            wakes->bits[word] &= wakes->bits[word] - 1;
            reactor_post(registry->reactors[index], &registry->parts[index].push_mail);
        }
    }
}

bool push_take(struct client_registry *registry, struct reactor *reactor)
{
    struct registry_part *part = &registry->parts[reactor_index(reactor)];
    if (atomic_load_explicit(&part->pushes, memory_order_relaxed) == NULL) {
        return false;
    }
    struct push *push = atomic_exchange(&part->pushes, NULL);
    struct push *oldest = NULL;
    while (push != NULL) {
        struct push *older = push->next;
        push->next = oldest;
        oldest = push;
        push = older;
    }
    while (oldest != NULL) {
        struct push *next = oldest->next;
        oldest->deliver(oldest, reactor);
        oldest = next;
    }
    return true;
}

void push_drop_all(struct client_registry *registry)
{
    for (size_t i = 0; i < registry->reactor_count; i++) {
        struct push *push = atomic_exchange(&registry->parts[i].pushes, NULL);
        while (push != NULL) {
            struct push *next = push->next;
            push->deliver(push, /* reactor= */ NULL);
            push = next;
        }
    }
}

struct chain *session_push(struct session *session)
{
    return (session->flags & SESSION_HOLD) != 0 ? &session->held : &session->conn.output;
}

void session_pushed(struct session *session)
{
    if ((session->flags & SESSION_HOLD) == 0) {
        session->registry->output_hook(session->registry->hook_context, session);
    }
}

void session_hold(struct session *session)
{
    session->flags |= SESSION_HOLD;
}

void session_release(struct session *session)
{
    session->flags &= ~(uint32_t)SESSION_HOLD;
    if (!chain_is_empty(&session->held)) {
        chain_splice(&session->conn.output, &session->held);
        session_pushed(session);
    }
}
