/* Tests of threads, their indexes, locks, option texts and the log. */
#include "pollard/base/check.h"
#include "pollard/base/lock.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/base/option.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct shared {
    struct lock lock;
    uint64_t count;
    uint32_t index;
    bool signals_blocked;
};

static void work(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < 20000; i++) {
        lock_acquire(&shared->lock);
        shared->count++;
        lock_release(&shared->lock);
    }
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    lock_acquire(&shared->lock);
    shared->index = thread_index();
    shared->signals_blocked = sigismember(&mask, SIGTERM) == 1;
    lock_release(&shared->lock);
    thread_nice();
    thread_pause();
}

Test(thread, runs_counts_and_gets_an_index)
{
    thread_adopt();
    cr_assert_eq(thread_index(), 0);
    struct shared shared = {.count = 0};
    lock_init(&shared.lock, LOCK_RANK_POOL);
    struct thread *threads[8];
    for (int i = 0; i < 8; i++) {
        threads[i] = thread_start("a-name-of-more-than-15-bytes", work, &shared);
        cr_assert_not_null(threads[i]);
    }
    for (int i = 0; i < 8; i++) {
        thread_join(&threads[i]);
        cr_assert_null(threads[i]);
    }
    cr_assert_eq(shared.count, 160000);
    cr_assert(shared.index >= 1 && shared.index <= 8);
    cr_assert(shared.signals_blocked);
    cr_assert_geq(thread_index_limit(), 2);
    cr_assert_leq(thread_index_limit(), 9);
    lock_deinit(&shared.lock);
    thread_join(&threads[0]);
}

static void wait_for(void *argument)
{
    struct lock *lock = argument;
    lock_acquire(lock);
    lock_release(lock);
}

Test(thread, the_table_is_bounded)
{
    thread_adopt();
    struct lock lock;
    lock_init(&lock, LOCK_RANK_LOG);
    lock_acquire(&lock);
    struct thread *threads[THREADS_MAX];
    size_t count = 0;
    while (count < THREADS_MAX) {
        threads[count] = thread_start("waiter", wait_for, &lock);
        if (threads[count] == NULL) {
            break;
        }
        count++;
    }
    lock_release(&lock);
    for (size_t i = 0; i < count; i++) {
        thread_join(&threads[i]);
    }
    lock_deinit(&lock);
    cr_assert_leq(count, THREADS_MAX - 1);
    cr_assert_leq(thread_index_limit(), THREADS_MAX);
    thread_release();
    cr_assert_eq(thread_index_self, THREAD_INDEX_NONE);
}

#if POLLARD_DEBUG
Test(lock, ranks_rise)
{
    lock_rank_enter(LOCK_RANK_CONFIG);
    lock_rank_enter(LOCK_RANK_SHARD);
    lock_rank_enter(LOCK_RANK_SHARD);
    lock_rank_enter(LOCK_RANK_LOG);
    lock_rank_leave(LOCK_RANK_SHARD);
    lock_rank_leave(LOCK_RANK_LOG);
    lock_rank_leave(LOCK_RANK_SHARD);
    lock_rank_leave(LOCK_RANK_CONFIG);
}

Test(lock, a_falling_rank_aborts, .signal = SIGABRT)
{
    lock_rank_enter(LOCK_RANK_POOL);
    lock_rank_enter(LOCK_RANK_SHARD);
}

Test(lock, the_same_rank_twice_aborts, .signal = SIGABRT)
{
    lock_rank_enter(LOCK_RANK_POOL);
    lock_rank_enter(LOCK_RANK_POOL);
}

Test(thread, an_index_never_given_aborts, .signal = SIGABRT)
{
    (void)thread_index();
}
#endif

Test(check, a_broken_promise_aborts, .signal = SIGABRT)
{
    check(1 + 1 == 3);
}

Test(option_text, copies)
{
    thread_adopt();
    size_t before = mem_used();
    struct option_text text = {.value = NULL};
    struct buf copy = {0};
    bool unset = !option_text_is_set(&text);
    option_text_copy(&text, &copy);
    option_text_set(&text, bytes_text("first"));
    option_text_set(&text, bytes_text("second"));
    bool set = option_text_is_set(&text);
    option_text_copy(&text, &copy);
    bool equal = bytes_equal(buf_bytes(&copy), bytes_text("second"));
    option_text_set(&text, bytes_text(""));
    bool unset_again = !option_text_is_set(&text);
    option_text_deinit(&text);
    buf_deinit(&copy);
    size_t after = mem_used();
    cr_assert(unset && set && equal && unset_again);
    cr_assert_eq(before, after);
}

Test(log, writes_lines_and_reopens)
{
    char path[] = "/tmp/pollard-test-log-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_not(log_open("/nonexistent-directory/log"));
    cr_assert(log_open(path));
    log_line(LOG_NOTICE, "hello %d", 5);
    log_line(LOG_DEBUG, "not shown");
    log_set_level(LOG_DEBUG);
    cr_assert(log_open(path));
    log_line(LOG_DEBUG, "%s", "shown");
    char long_text[4000];
    memset(long_text, 'x', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    log_line(LOG_WARNING, "%s", long_text);
    char text[4096];
    ssize_t size = pread(descriptor, text, sizeof(text) - 1, 0);
    cr_assert_gt(size, 0);
    text[size] = '\0';
    cr_assert_not_null(strstr(text, " * hello 5\n"));
    cr_assert_null(strstr(text, "not shown"));
    cr_assert_not_null(strstr(text, " . shown\n"));
    cr_assert_not_null(strstr(text, "xxx\n"));
    char head[32];
    snprintf(head, sizeof(head), "%ld:M ", (long)getpid());
    cr_assert_eq(strncmp(text, head, strlen(head)), 0);
    cr_assert(log_open(NULL));
    close(descriptor);
    unlink(path);
}
