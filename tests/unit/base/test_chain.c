/* Tests of chains: order, consumption, splicing, truncation, and that nothing leaks. */
#include "pollard/base/chain.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include <criterion/criterion.h>
#include <sys/uio.h>

/* All unsent bytes, through chain_vectors. */
static struct buf content(struct chain *chain)
{
    struct iovec vectors[2048];
    size_t count = chain_vectors(chain, vectors, 2048, SIZE_MAX);
    struct buf all = {0};
    for (size_t i = 0; i < count; i++) {
        buf_append(&all, bytes_make(vectors[i].iov_base, vectors[i].iov_len));
    }
    return all;
}

static bool holds(struct chain *chain, struct bytes expected)
{
    struct buf all = content(chain);
    bool equal = bytes_equal(buf_bytes(&all), expected) && chain_size(chain) == expected.size &&
                 chain_is_empty(chain) == (expected.size == 0);
    buf_deinit(&all);
    return equal;
}

static void put(struct chain *chain, const char *text)
{
    size_t size = strlen(text);
    memcpy(chain_reserve(chain, size), text, size);
    chain->cursor += size;
}

Test(chain, keeps_order_over_parts)
{
    thread_adopt();
    size_t before = mem_used();
    struct chain chain = {0};
    bool empty = chain_is_empty(&chain) && chain_memory(&chain) == 0;
    struct blob *blob = blob_try_copy(bytes_text("0123456789"), 10);
    put(&chain, "head-");
    chain_append_blob_take(&chain, blob_acquire(blob), 2, 3);
    put(&chain, "-mid-");
    chain_append_blob_take(&chain, blob, 9, 1);
    chain_append(&chain, bytes_text("-tail"));
    bool whole = holds(&chain, bytes_text("head-234-mid-9-tail"));
    bool counts = chain_memory(&chain) > 19;
    chain_consume(&chain, 6);
    bool cut = holds(&chain, bytes_text("34-mid-9-tail"));
    put(&chain, "!");
    chain_consume(&chain, 8);
    bool rest = holds(&chain, bytes_text("-tail!"));
    chain_consume(&chain, 6);
    size_t after = mem_used();
    cr_assert(empty && whole && counts && cut && rest);
    cr_assert_null(chain.head);
    cr_assert_eq(before, after);
}

Test(chain, large_appends_are_cut_into_pieces)
{
    thread_adopt();
    size_t before = mem_used();
    struct buf source = {0};
    for (size_t i = 0; i < 300000; i++) {
        buf_append_byte(&source, (unsigned char)(i * 7));
    }
    struct chain chain = {0};
    put(&chain, "x");
    chain_append(&chain, buf_bytes(&source));
    chain_consume(&chain, 1);
    bool whole = holds(&chain, buf_bytes(&source));
    struct iovec one[1];
    bool limited = chain_vectors(&chain, one, 1, SIZE_MAX) == 1 &&
                   chain_vectors(&chain, one, 0, SIZE_MAX) == 0;
    struct iovec two[2];
    size_t first = one[0].iov_len;
    bool cut = chain_vectors(&chain, two, 2, first + 5) == 2 && two[0].iov_len == first &&
               two[1].iov_len == 5 && chain_vectors(&chain, two, 2, first) == 1;
    chain_clear(&chain);
    buf_deinit(&source);
    size_t after = mem_used();
    cr_assert(whole && limited && cut);
    cr_assert_eq(before, after);
}

Test(chain, splices)
{
    thread_adopt();
    size_t before = mem_used();
    struct chain a = {0};
    struct chain b = {0};
    chain_splice(&a, &b);
    bool both_empty = chain_is_empty(&a);
    put(&b, "one");
    chain_splice(&a, &b);
    bool moved = holds(&a, bytes_text("one")) && chain_is_empty(&b) && b.head == NULL;
    put(&b, "-two");
    chain_splice(&a, &b);
    bool copied = holds(&a, bytes_text("one-two")) && b.head == NULL;
    chain_append_blob_take(&b, blob_try_copy(bytes_text("-three"), 6), 0, 6);
    put(&b, "-four");
    chain_splice(&a, &b);
    put(&a, "-five");
    bool linked = holds(&a, bytes_text("one-two-three-four-five"));
    chain_splice(&a, &b);
    bool unchanged = holds(&a, bytes_text("one-two-three-four-five"));
    chain_clear(&a);
    size_t after = mem_used();
    cr_assert(both_empty && moved && copied && linked && unchanged);
    cr_assert_eq(before, after);
}

Test(chain, truncates_at_every_size)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = true;
    for (size_t size = 0; size <= 19; size++) {
        struct chain chain = {0};
        put(&chain, "head-");
        chain_append_blob_take(&chain, blob_try_copy(bytes_text("0123456789"), 10), 2, 3);
        put(&chain, "-mid-9-tail");
        chain_truncate(&chain, size);
        char expected[32] = "head-234-mid-9-tail";
        good = good && holds(&chain, bytes_make(expected, size));
        put(&chain, "ZZ");
        memcpy(expected + size, "ZZ", 3);
        good = good && holds(&chain, bytes_make(expected, size + 2));
        chain_consume(&chain, size + 2);
        good = good && chain.head == NULL;
    }
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(chain, an_empty_slice_is_released)
{
    thread_adopt();
    size_t before = mem_used();
    struct chain chain = {0};
    chain_append_blob_take(&chain, blob_try_copy(bytes_text("abc"), 3), 3, 0);
    bool empty = chain.head == NULL;
    size_t after = mem_used();
    cr_assert(empty);
    cr_assert_eq(before, after);
}

/* One random step on the chain and on its model. */
static void random_step(struct chain *chain, struct buf *model)
{
    unsigned char bytes[3000];
    memset(bytes, (int)random_below(256), sizeof(bytes));
    size_t size = 1 + (size_t)random_below(sizeof(bytes) - 1);
    size_t some = model->size > 0 ? (size_t)random_below(model->size + 1) : 0;
    struct bytes slice = bytes_make(bytes, size);
    struct chain other = {0};
    switch (random_below(6)) {
    case 0:
        chain_append(chain, slice);
        break;
    case 1:
        memcpy(chain_reserve(chain, size), bytes, size);
        chain->cursor += size;
        break;
    case 2:
        chain_append_blob_take(chain, blob_try_copy(slice, size), 0, size);
        break;
    case 3:
        chain_append(&other, slice);
        chain_splice(chain, &other);
        break;
    case 4:
        chain_truncate(chain, some);
        model->size = some;
        return;
    default:
        chain_consume(chain, some);
        memmove(model->data, model->data + some, model->size - some);
        model->size -= some;
        return;
    }
    buf_append(model, slice);
}

Test(chain, behaves_as_its_model)
{
    thread_adopt();
    struct buf model = {0};
    buf_append_byte(&model, 0);
    model.size = 0;
    size_t before = mem_used();
    struct chain chain = {0};
    bool good = true;
    for (int i = 0; i < 5000 && good; i++) {
        random_step(&chain, &model);
        good = holds(&chain, buf_bytes(&model));
    }
    chain_clear(&chain);
    buf_deinit(&model);
    cr_assert(good);
    cr_assert_leq(mem_used(), before);
}

/* Counts down: renders left steps of size bytes of its letter each. */
struct countdown {
    struct chain_source source;
    int left;
    size_t size;
    char letter;
    int *released;
};

static bool countdown_render(struct chain_source *source, struct chain *chain)
{
    struct countdown *countdown = (struct countdown *)source;
    if (countdown->left == 0) {
        return false;
    }
    for (size_t i = 0; i < countdown->size; i++) {
        chain_append(chain, bytes_make(&countdown->letter, 1));
    }
    return --countdown->left > 0;
}

static void countdown_release(struct chain_source *source)
{
    struct countdown *countdown = (struct countdown *)source;
    (*countdown->released)++;
    mem_free(countdown);
}

static void append_countdown(struct chain *chain, char letter, int steps, int *released)
{
    struct countdown *countdown = mem_alloc(sizeof(*countdown));
    *countdown = (struct countdown){
        .source = {.render = countdown_render, .release = countdown_release, .memory = 1000},
        .left = steps,
        .size = 30000,
        .letter = letter,
        .released = released,
    };
    chain_append_source(chain, &countdown->source);
}

/* Sends the chain in pieces of at most most bytes; the text of what was sent, runs of one letter
 * written once. */
static void add_letters(struct buf *letters, const struct iovec *vector)
{
    const char *bytes = vector->iov_base;
    for (size_t i = 0; i < vector->iov_len; i++) {
        if (letters->size == 0 || letters->data[letters->size - 1] != bytes[i]) {
            buf_append_byte(letters, (unsigned char)bytes[i]);
        }
    }
}

static struct buf drain(struct chain *chain, size_t most)
{
    struct buf letters = {0};
    while (!chain_is_empty(chain)) {
        struct iovec vectors[64];
        size_t sent = 0;
        size_t count = chain_vectors(chain, vectors, 64, most);
        for (size_t i = 0; i < count; i++) {
            add_letters(&letters, &vectors[i]);
            sent += vectors[i].iov_len;
        }
        if (!chain_is_empty(chain)) {
            chain_consume(chain, sent);
        }
    }
    return letters;
}

Test(chain, sources_render_in_their_place)
{
    for (size_t most = 7; most < 200000; most *= 11) {
        struct chain chain = {0};
        int released = 0;
        chain_append(&chain, bytes_text("<"));
        append_countdown(&chain, 'a', 5, &released);
        chain_append(&chain, bytes_text("|"));
        append_countdown(&chain, 'b', 0, &released);
        append_countdown(&chain, 'c', 1, &released);
        chain_append(&chain, bytes_text(">"));
        append_countdown(&chain, 'd', 2, &released);
        cr_assert_geq(chain_memory(&chain), 4000);
        cr_assert_eq(chain_size(&chain), 3 + 4);
        struct buf letters = drain(&chain, most);
        cr_assert(bytes_equal(buf_bytes(&letters), bytes_text("<a|c>d")), "%.*s", (int)letters.size,
                  (const char *)letters.data);
        cr_assert_eq(released, 4);
        cr_assert_eq(chain_memory(&chain), 0);
        buf_deinit(&letters);
    }
}

Test(chain, sources_are_dropped_unrendered)
{
    struct chain chain = {0};
    struct chain other = {0};
    int released = 0;
    chain_append(&chain, bytes_text("kept"));
    size_t before = chain_size(&chain);
    append_countdown(&other, 'a', 3, &released);
    chain_splice(&chain, &other);
    append_countdown(&chain, 'b', 3, &released);
    chain_truncate(&chain, before + 1);
    cr_assert_eq(released, 1, "the second one");
    chain_append(&chain, bytes_text("!"));
    chain_truncate(&chain, before);
    cr_assert_eq(released, 2);
    chain_append(&chain, bytes_text("."));
    struct buf letters = drain(&chain, 100);
    cr_assert(bytes_equal(buf_bytes(&letters), bytes_text("kept.")));
    buf_deinit(&letters);
    append_countdown(&chain, 'c', 3, &released);
    chain_clear(&chain);
    cr_assert_eq(released, 3);
}
