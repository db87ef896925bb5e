/* Tests of the cycle with every poller: reporting, holding back, renewing, removing, leftovers. */
#include "net_support.h"
#include <criterion/criterion.h>

TestSuite(reactor, .init = thread_adopt);

static const enum net_poller pollers[] = {NET_POLLER_AUTO, NET_POLLER_POLL, NET_POLLER_EPOLL};
#define POLLERS (sizeof(pollers) / sizeof(pollers[0]))
#define MANY 400

Test(reactor, echoes_on_several_hundred)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn *items = mem_alloc(MANY * sizeof(*items));
        echo_open(&echo, pollers[p]);
        for (size_t i = 0; i < MANY; i++) {
            echo_connect(&echo, &items[i]);
        }
        for (int round = 0; round < 5; round++) {
            for (size_t i = 0; i < MANY; i++) {
                echo_say(&items[i], "hello");
            }
            (void)echo_run(&echo, 20);
            for (size_t i = 0; i < MANY; i++) {
                cr_assert_eq(echo_heard(&items[i]), 5, "poller %zu conn %zu", p, i);
            }
        }
        struct reactor_figures figures;
        reactor_figures(echo.reactor, &figures);
        cr_assert_eq(figures.connections, MANY);
        cr_assert_eq(figures.parked, pollers[p] == NET_POLLER_POLL ? 0 : MANY);
        echo_close(&echo);
        for (size_t i = 0; i < MANY; i++) {
            cr_assert_eq(read(items[i].peer, &(char){0}, 1), 0);
            close(items[i].peer);
        }
        mem_free(items);
    }
}

Test(reactor, held_back_input_is_told_when_wanted_again)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        echo_open(&echo, pollers[p]);
        echo_connect(&echo, &item);
        conn_want_reads(&item.conn, false);
        echo_say(&item, "abc");
        struct reactor_figures before;
        struct reactor_figures after;
        (void)echo_run(&echo, 10);
        cr_assert_eq(item.reports, 0);
        reactor_figures(echo.reactor, &before);
        (void)echo_run(&echo, 50);
        reactor_figures(echo.reactor, &after);
        cr_assert_leq(after.cycles - before.cycles, 3, "held back input must not spin");
        conn_want_reads(&item.conn, true);
        echo.stop_after_ready = 1;
        cr_assert(echo_run(&echo, 1000));
        cr_assert_eq(echo_heard(&item), 3);
        echo_close(&echo);
        close(item.peer);
    }
}

/* Reads one byte a time: what is left must be reported again and again. */
static void read_one_byte(struct echo *echo, struct conn **conns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct echo_conn *item = (struct echo_conn *)conns[i];
        unsigned char byte;
        if (conn_read(&item->conn, &byte, 1) > 0 && ++item->bytes == 6) {
            reactor_stop(echo->reactor);
        }
    }
}

Test(reactor, partly_read_input_is_told_again)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        echo_open(&echo, pollers[p]);
        echo_connect(&echo, &item);
        echo.scripted = read_one_byte;
        echo_say(&item, "sixsix");
        cr_assert(echo_run(&echo, 1000));
        cr_assert_eq(item.bytes, 6);
        echo_close(&echo);
        close(item.peer);
    }
}

static void renew_always(struct echo *echo, struct conn **conns, size_t count)
{
    if (echo->ready_calls < 10) {
        reactor_renew(conns[0]);
    }
}

Test(reactor, renewed_ones_come_without_input)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        echo_open(&echo, pollers[p]);
        echo_connect(&echo, &item);
        conn_want_reads(&item.conn, false);
        echo.scripted = renew_always;
        echo.stop_after_ready = 10;
        reactor_renew(&item.conn);
        cr_assert(echo_run(&echo, 1000));
        echo.stop_after_ready = 0;
        cr_assert_not(echo_run(&echo, 20));
        cr_assert_eq(echo.ready_calls, 10);
        echo_close(&echo);
        close(item.peer);
    }
}

/* The first of the list removes all others. */
static void remove_the_rest(struct echo *echo, struct conn **conns, size_t count)
{
    struct echo_conn *items = echo->extra;
    for (size_t i = 0; i < 100; i++) {
        if (&items[i].conn != conns[0]) {
            reactor_remove(&items[i].conn);
        }
    }
    for (size_t i = 1; i < count; i++) {
        cr_assert_null(conns[i]);
    }
    unsigned char data[16];
    cr_assert_eq(conn_read(conns[0], data, sizeof(data)), 1);
    reactor_stop(echo->reactor);
}

Test(reactor, removal_in_dispatch_leaves_nulls)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn items[100];
        echo_open(&echo, pollers[p]);
        echo.extra = items;
        echo.scripted = remove_the_rest;
        for (size_t i = 0; i < 100; i++) {
            echo_connect(&echo, &items[i]);
            echo_say(&items[i], "x");
            reactor_renew(&items[i].conn);
        }
        cr_assert(echo_run(&echo, 1000));
        cr_assert_eq(echo.ready_calls, 1);
        cr_assert_eq(echo.last_count, 100);
        echo_close(&echo);
        for (size_t i = 0; i < 100; i++) {
            close(items[i].peer);
        }
    }
}

Test(reactor, input_before_a_hang_up_is_read_first)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        echo_open(&echo, pollers[p]);
        echo_connect(&echo, &item);
        echo_say(&item, "last words");
        close(item.peer);
        (void)echo_run(&echo, 30);
        cr_assert_eq(item.bytes, 10);
        struct reactor_figures figures;
        reactor_figures(echo.reactor, &figures);
        cr_assert_eq(figures.connections, 0);
        echo_close(&echo);
    }
}

static void ignore(struct echo *echo, struct conn **conns, size_t count)
{
}

Test(reactor, leftovers_drain_by_themselves)
{
    size_t total = 8 * 1024 * 1024;
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        struct blob *blob = blob_try_create(total, total);
        echo_open(&echo, pollers[p]);
        echo.scripted = ignore;
        echo_connect(&echo, &item);
        memset(blob->data, 'x', total);
        chain_append_blob_take(&item.conn.output, blob, 0, total);
        cr_assert(conn_flush(&item.conn));
        cr_assert(item.conn.flags & CONN_WRITES);
        size_t heard = 0;
        for (int i = 0; i < 2000 && heard < total; i++) {
            heard += echo_heard(&item);
            (void)echo_run(&echo, 1);
        }
        cr_assert_eq(heard, total);
        cr_assert_eq(echo.drained, 1);
        cr_assert_eq(item.conn.written_bytes, total);
        cr_assert_eq(item.conn.flags & CONN_WRITES, 0);
        echo_close(&echo);
        close(item.peer);
    }
}

/* Notes what has been written of each connection when input is reported. */
static void note_written(struct echo *echo, struct conn **conns, size_t count)
{
    struct echo_conn *item = (struct echo_conn *)conns[0];
    uint64_t *seen = echo->extra;
    *seen = item->conn.written_bytes;
    echo_default_ready(echo, conns, count);
}

Test(reactor, large_output_goes_in_turns_and_input_waits_for_it)
{
    size_t total = 150000;
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        uint64_t seen = 0;
        struct blob *blob = blob_try_create(total, total);
        echo_open(&echo, pollers[p]);
        echo.scripted = note_written;
        echo.extra = &seen;
        echo_connect_as(&echo, &item, /* is_unix= */ false);
        memset(blob->data, 'x', total);
        chain_append_blob_take(&item.conn.output, blob, 0, total);
        cr_assert(conn_flush(&item.conn));
        cr_assert_lt(item.conn.written_bytes, total);
        cr_assert(item.conn.flags & CONN_WRITES);
        echo_say(&item, "next");
        echo.stop_after_ready = 1;
        cr_assert(echo_run(&echo, 1000));
        cr_assert_eq(seen, total);
        cr_assert_eq(echo.drained, 1);
        cr_assert_eq(echo_heard(&item), total + 4);
        cr_assert_eq(item.conn.flags & CONN_WRITES, 0);
        echo_close(&echo);
        close(item.peer);
    }
}

Test(reactor, the_longer_the_output_the_larger_its_share)
{
    struct echo echo;
    struct echo_conn item;
    echo_open(&echo, NET_POLLER_AUTO);
    echo_connect_as(&echo, &item, /* is_unix= */ false);
    uint64_t shares[2];
    for (size_t i = 0; i < 2; i++) {
        size_t total = i == 0 ? 200000 : 800000;
        struct blob *blob = blob_try_create(total, total);
        memset(blob->data, 'x', total);
        chain_append_blob_take(&item.conn.output, blob, 0, total);
        cr_assert(conn_flush(&item.conn));
        shares[i] = item.conn.written_bytes;
        item.conn.written_bytes = 0;
        chain_clear(&item.conn.output);
        (void)echo_heard(&item);
    }
    cr_assert_eq(shares[0], 56 * 1024);
    cr_assert_eq(shares[1], 100000);
    echo_close(&echo);
    close(item.peer);
}

Test(reactor, a_peer_gone_amid_large_output_is_told)
{
    size_t total = 150000;
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        struct blob *blob = blob_try_create(total, total);
        echo_open(&echo, pollers[p]);
        echo_connect_as(&echo, &item, /* is_unix= */ false);
        memset(blob->data, 'x', total);
        chain_append_blob_take(&item.conn.output, blob, 0, total);
        cr_assert(conn_flush(&item.conn));
        close(item.peer);
        (void)echo_run(&echo, 20);
        cr_assert_eq(item.reports, 1);
        struct reactor_figures figures;
        reactor_figures(echo.reactor, &figures);
        cr_assert_eq(figures.connections, 0);
        echo_close(&echo);
    }
}

Test(reactor, a_gone_peer_fails_the_flush_and_is_told)
{
    for (size_t p = 0; p < POLLERS; p++) {
        struct echo echo;
        struct echo_conn item;
        echo_open(&echo, pollers[p]);
        echo_connect(&echo, &item);
        close(item.peer);
        chain_append(&item.conn.output, bytes_text("to nobody"));
        cr_assert_not(conn_flush(&item.conn));
        cr_assert(item.conn.flags & CONN_FAILED);
        cr_assert(chain_is_empty(&item.conn.output));
        (void)echo_run(&echo, 20);
        cr_assert_eq(item.reports, 1);
        echo_close(&echo);
    }
}

Test(reactor, idle_makes_no_cycles)
{
    struct echo echo;
    struct reactor_figures before;
    struct reactor_figures after;
    echo_open(&echo, NET_POLLER_AUTO);
    reactor_figures(echo.reactor, &before);
    (void)echo_run(&echo, 100);
    reactor_figures(echo.reactor, &after);
    cr_assert_leq(after.waits - before.waits, 2);
    echo_close(&echo);
}

/* Looks in vain end in sleep, and what comes then is served. */
Test(reactor, a_busy_wait_ends_when_nothing_comes)
{
    struct echo echo;
    struct echo_conn item;
    struct reactor_figures before;
    struct reactor_figures after;
    echo_open(&echo, NET_POLLER_AUTO);
    option_put(&echo.options.busy_wait_us, 100);
    echo_connect(&echo, &item);
    for (int i = 0; i < 20; i++) {
        echo_say(&item, "hello");
        (void)echo_run(&echo, 5);
        cr_assert_eq(echo_heard(&item), 5);
    }
    reactor_figures(echo.reactor, &before);
    (void)echo_run(&echo, 100);
    reactor_figures(echo.reactor, &after);
    cr_assert_leq(after.waits - before.waits, 2);
    echo_close(&echo);
    close(item.peer);
}
