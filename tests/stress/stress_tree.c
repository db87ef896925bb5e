/* Stress of trees' versions: one thread changes a tree and hands versions of it to others, which
 * walk them, look things up, cut and change their own copy and drop them, all at once.
 *
 * Every record says its key in its text, and the changing thread takes one record out for each that
 * it puts in, so that a version in which a change is seen by half shows in its count, its order or
 * a text. Everything is bounded by the number of operations. */
#include "pollard/base/check.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/ds/tree.h"
#include <pthread.h>
#include <stdio.h>

#define RECORDS 8000
#define NUMBERS 20000
#define READERS 3
#define VERSIONS 400
#define CHANGES_BETWEEN 60
#define LONG_TEXT 600
#define QUEUE_MAX 8

struct handed {
    struct tree tree;
    uint64_t count;
};

struct stress {
    bool is_keyed;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct handed queue[QUEUE_MAX]; /* under mutex, with what follows */
    uint32_t queued;
    bool is_done;
    _Atomic uint64_t walked;
};

/* The text of a number, sometimes too long for a block. */
static struct bytes text_of(char *out, uint32_t number)
{
    size_t size = (size_t)sprintf(out, "text:%05u", number);
    while (number % 8 == 0 && size <= LONG_TEXT) {
        size += (size_t)sprintf(out + size, "+text:%05u", number);
    }
    return bytes_make(out, size);
}

/* In its place; false when it is there. Trees without keys take it anywhere. */
static bool put(struct tree *tree, uint32_t number)
{
    char text[LONG_TEXT + 32];
    struct bytes bytes = text_of(text, number);
    struct tree_record record = {.key = tree->is_keyed ? number / 4 : 0};
    check(item_make(bytes, NULL, &record.item) == STATUS_OK);
    bool is_new = !tree->is_keyed || !tree_find(tree, record.key, &record.item, NULL);
    if (is_new && tree->is_keyed) {
        (void)tree_add(tree, &record);
    } else if (is_new) {
        tree_insert(tree, random_below(tree->count + 1), &record);
    }
    item_unmake(&record.item);
    return is_new;
}

static void expect_record(const struct tree *tree, const struct tree_record *record)
{
    char text[LONG_TEXT + 32];
    uint32_t number = 0;
    check(record->item.size >= 10);
    for (size_t i = 5; i < 10; i++) {
        number = number * 10 + record->item.data[i] - '0';
    }
    check(bytes_equal(bytes_make(record->item.data, record->item.size), text_of(text, number)));
    check(record->key == (tree->is_keyed ? number / 4 : 0));
}

/* ---- Readers ---- */

static uint64_t walk(const struct tree *tree)
{
    struct tree_cursor cursor;
    struct tree_record record;
    uint64_t count = 0;
    uint64_t last = 0;
    tree_cursor_at(tree, 0, &cursor);
    while (tree_next(&cursor, &record)) {
        expect_record(tree, &record);
        check(record.key >= last);
        last = record.key;
        count++;
    }
    return count;
}

static void read_version(struct stress *stress, struct handed *handed)
{
    struct tree *tree = &handed->tree;
    struct tree_record record;
    struct tree cut;
    check(walk(tree) == handed->count && tree->count == handed->count);
    for (uint32_t i = 0; i < 200; i++) {
        tree_get(tree, random_below(tree->count), &record);
        expect_record(tree, &record);
        check(!tree->is_keyed || tree_find(tree, record.key, &record.item, NULL));
    }
    /* What a reader does to its own copy is nobody else's. */
    for (uint32_t i = 0; i < 50; i++) {
        tree_remove(tree, random_below(tree->count));
        (void)put(tree, (uint32_t)random_below(NUMBERS));
    }
    uint64_t from = random_below(tree->count);
    tree_cut(tree, from, random_below(tree->count - from), &cut);
    check(walk(&cut) == cut.count && walk(tree) == tree->count);
    tree_clear(&cut);
    atomic_fetch_add_explicit(&stress->walked, handed->count, memory_order_relaxed);
    tree_clear(tree);
}

static void *reader_main(void *argument)
{
    struct stress *stress = argument;
    mem_thread_begin();
    for (;;) {
        struct handed handed;
        pthread_mutex_lock(&stress->mutex);
        while (stress->queued == 0 && !stress->is_done) {
            pthread_cond_wait(&stress->changed, &stress->mutex);
        }
        if (stress->queued == 0) {
            pthread_mutex_unlock(&stress->mutex);
            break;
        }
        handed = stress->queue[--stress->queued];
        pthread_cond_broadcast(&stress->changed);
        pthread_mutex_unlock(&stress->mutex);
        read_version(stress, &handed);
    }
    mem_thread_end();
    return NULL;
}

/* ---- The changing thread ---- */

static void change(struct tree *tree)
{
    struct tree_record record;
    uint64_t rank = random_below(tree->count);
    tree_get(tree, rank, &record);
    uint64_t key = record.key;
    if (!put(tree, (uint32_t)random_below(NUMBERS))) {
        return;
    }
    if (tree->is_keyed) {
        /* One of the same key: the view went with the change. */
        tree_get(tree, tree_rank_key(tree, key, /* after= */ false), &record);
        check(record.key == key);
        char text[LONG_TEXT + 32];
        memcpy(text, record.item.data, record.item.size);
        struct item item = item_of(bytes_make(text, record.item.size));
        check(tree_drop(tree, key, &item));
        return;
    }
    tree_remove(tree, rank);
    char text[LONG_TEXT + 32];
    struct bytes bytes = text_of(text, (uint32_t)random_below(NUMBERS));
    check(item_make(bytes, NULL, &record.item) == STATUS_OK);
    tree_replace(tree, random_below(tree->count), &record.item);
    item_unmake(&record.item);
}

static void hand_version(struct stress *stress, const struct tree *tree)
{
    pthread_mutex_lock(&stress->mutex);
    while (stress->queued == QUEUE_MAX) {
        pthread_cond_wait(&stress->changed, &stress->mutex);
    }
    struct handed *handed = &stress->queue[stress->queued++];
    tree_copy(tree, &handed->tree);
    handed->count = tree->count;
    pthread_cond_broadcast(&stress->changed);
    pthread_mutex_unlock(&stress->mutex);
}

static void run(bool is_keyed)
{
    struct stress stress = {.is_keyed = is_keyed,
                            .mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    struct tree tree;
    pthread_t readers[READERS];
    size_t used = mem_used();
    tree_init(&tree, is_keyed);
    for (uint32_t i = 0; i < RECORDS; i++) {
        check(put(&tree, i * 2));
    }
    for (uint32_t i = 0; i < READERS; i++) {
        check(pthread_create(&readers[i], NULL, reader_main, &stress) == 0);
    }
    for (uint32_t version = 0; version < VERSIONS; version++) {
        hand_version(&stress, &tree);
        for (uint32_t i = 0; i < CHANGES_BETWEEN; i++) {
            change(&tree);
        }
    }
    pthread_mutex_lock(&stress.mutex);
    stress.is_done = true;
    pthread_cond_broadcast(&stress.changed);
    pthread_mutex_unlock(&stress.mutex);
    for (uint32_t i = 0; i < READERS; i++) {
        check(pthread_join(readers[i], NULL) == 0);
    }
    tree_verify(&tree);
    check(tree.count == RECORDS);
    printf("%s: %u versions, %llu records walked, %llu left\n", is_keyed ? "keyed" : "unkeyed",
           VERSIONS, (unsigned long long)stress.walked, (unsigned long long)tree.count);
    tree_clear(&tree);
    /* The C library keeps some memory of ended threads. */
    check(mem_used() < used + 65536);
}

int main(void)
{
    mem_thread_begin();
    run(false);
    run(true);
    mem_thread_end();
    return 0;
}
