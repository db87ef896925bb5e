/* Tests of mails from other threads and of timers. */
#include "net_support.h"
#include <criterion/criterion.h>

TestSuite(mail, .init = thread_adopt);
TestSuite(timer, .init = thread_adopt);

#define SENDERS 4
#define MAILS 20000

struct letter {
    struct mail mail; /* first */
    struct post *post;
    int sender;
    int number;
};

struct post {
    struct echo echo;
    int last[SENDERS];
    int arrived;
    bool in_order;
};

struct sender {
    struct post *post;
    int index;
    struct letter *letters;
};

static void letter_deliver(struct mail *mail, struct reactor *reactor)
{
    struct letter *letter = (struct letter *)mail;
    struct post *post = letter->post;
    post->in_order = post->in_order && letter->number == post->last[letter->sender] + 1;
    post->last[letter->sender] = letter->number;
    if (++post->arrived == SENDERS * MAILS) {
        reactor_stop(reactor);
    }
}

static void send_letters(void *argument)
{
    struct sender *sender = argument;
    for (int i = 0; i < MAILS; i++) {
        sender->letters[i] = (struct letter){
            .mail.deliver = letter_deliver,
            .post = sender->post,
            .sender = sender->index,
            .number = i + 1,
        };
        reactor_post(sender->post->echo.reactor, &sender->letters[i].mail);
        if (i % 1000 == 0) {
            (void)poll(NULL, 0, 1); /* lets the reactor fall asleep now and then */
        }
    }
}

static void four_senders(enum net_poller poller)
{
    struct post post = {.in_order = true};
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];
    echo_open(&post.echo, poller);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){
            .post = &post, .index = i, .letters = mem_alloc(MAILS * sizeof(struct letter))};
        threads[i] = thread_start("sender", send_letters, &senders[i]);
        cr_assert_not_null(threads[i]);
    }
    cr_assert(echo_run(&post.echo, 20000));
    for (int i = 0; i < SENDERS; i++) {
        thread_join(&threads[i]);
        mem_free(senders[i].letters);
    }
    cr_assert(post.in_order);
    cr_assert_eq(post.arrived, SENDERS * MAILS);
    struct reactor_figures figures;
    reactor_figures(post.echo.reactor, &figures);
    cr_assert_eq(figures.mails, SENDERS * MAILS);
    echo_close(&post.echo);
}

Test(mail, four_senders_in_order)
{
    four_senders(NET_POLLER_AUTO);
    four_senders(NET_POLLER_POLL);
}

struct tick {
    struct timer timer; /* first */
    int64_t *fired;
    size_t *count;
    int64_t due;
};

static void tick_fire(struct timer *timer, struct reactor *reactor)
{
    struct tick *tick = (struct tick *)timer;
    cr_assert_geq(reactor_monotonic_ms(reactor), tick->due);
    tick->fired[(*tick->count)++] = tick->due;
}

Test(timer, fire_in_order_and_not_early)
{
    struct echo echo;
    struct tick ticks[500];
    int64_t fired[500];
    size_t count = 0;
    unsigned state = 12345;
    echo_open(&echo, NET_POLLER_AUTO);
    int64_t base = reactor_monotonic_ms(echo.reactor);
    for (size_t i = 0; i < 500; i++) {
        state = state * 1103515245u + 12345u;
        ticks[i] = (struct tick){.timer.fire = tick_fire, .fired = fired, .count = &count};
        ticks[i].due = base + 5 + (state >> 16) % 60;
        reactor_timer_set(echo.reactor, &ticks[i].timer, ticks[i].due + 1000);
        reactor_timer_set(echo.reactor, &ticks[i].timer, ticks[i].due);
    }
    for (size_t i = 0; i < 500; i += 5) {
        reactor_timer_cancel(echo.reactor, &ticks[i].timer);
        reactor_timer_cancel(echo.reactor, &ticks[i].timer);
    }
    (void)echo_run(&echo, 120);
    cr_assert_eq(count, 400);
    for (size_t i = 1; i < count; i++) {
        cr_assert_leq(fired[i - 1], fired[i]);
    }
    echo_close(&echo);
}

static void fire_again(struct timer *timer, struct reactor *reactor)
{
    struct tick *tick = (struct tick *)timer;
    ++*tick->count;
    reactor_timer_set(reactor, timer, 0);
}

Test(timer, one_that_is_always_due_does_not_hold_the_cycle)
{
    struct echo echo;
    size_t count = 0;
    struct tick tick = {.timer.fire = fire_again, .count = &count};
    echo_open(&echo, NET_POLLER_AUTO);
    reactor_timer_set(echo.reactor, &tick.timer, 0);
    cr_assert_not(echo_run(&echo, 10));
    cr_assert_gt(count, 1);
    reactor_timer_cancel(echo.reactor, &tick.timer);
    echo_close(&echo);
}
