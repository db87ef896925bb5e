/* Tests of the reply reader: every type, every cut, and what it refuses. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/proto/read.h"
#include <criterion/criterion.h>
#include <math.h>

static struct reply_node *read_text(const char *text)
{
    struct bytes input = bytes_text(text);
    struct reply_node *node = NULL;
    int result = reply_read(&input, &node);
    return result == 1 && input.size == 0 ? node : NULL;
}

static bool is_text(const char *text, enum reply_kind kind, const char *expected)
{
    struct reply_node *node = read_text(text);
    bool good = node != NULL && node->kind == kind &&
                bytes_equal(buf_bytes(&node->text), bytes_text(expected));
    reply_node_destroy(&node);
    return good;
}

Test(read, scalars)
{
    cr_assert(is_text("+OK\r\n", REPLY_KIND_SIMPLE, "OK"));
    cr_assert(is_text("-ERR x\r\n", REPLY_KIND_ERROR, "ERR x"));
    cr_assert(is_text("!5\r\nERR x\r\n", REPLY_KIND_ERROR, "ERR x"));
    cr_assert(is_text("$5\r\na\r\nbc\r\n", REPLY_KIND_BULK, "a\r\nbc"));
    cr_assert(is_text("$-1\r\n", REPLY_KIND_NULL, ""));
    cr_assert(is_text("*-1\r\n", REPLY_KIND_NULL, ""));
    cr_assert(is_text("_\r\n", REPLY_KIND_NULL, ""));
    cr_assert(
        is_text("(123456789012345678901\r\n", REPLY_KIND_BIG_NUMBER, "123456789012345678901"));
    cr_assert(is_text("=7\r\ntxt:abc\r\n", REPLY_KIND_VERBATIM, "abc"));
    cr_assert(is_text(",1.5\r\n", REPLY_KIND_DOUBLE, "1.5"));
    struct reply_node *node = read_text(":-7\r\n");
    cr_assert(node->kind == REPLY_KIND_INTEGER && node->integer == -7);
    reply_node_destroy(&node);
    node = read_text("#t\r\n");
    cr_assert(node->kind == REPLY_KIND_BOOL && node->integer == 1);
    reply_node_destroy(&node);
    node = read_text(",nan\r\n");
    cr_assert(isnan(node->number));
    reply_node_destroy(&node);
    reply_node_destroy(&node);
}

static const char nested[] =
    "*5\r\n:1\r\n%1\r\n+k\r\n~2\r\n:2\r\n_\r\n>1\r\n#f\r\n*0\r\n|1\r\n+a\r\n:9\r\n";

Test(read, aggregates_at_every_cut)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = true;
    for (size_t size = 0; size < sizeof(nested) - 1; size++) {
        struct bytes input = bytes_make(nested, size);
        struct reply_node *node = NULL;
        good = good && reply_read(&input, &node) == 0 && input.size == size && node == NULL;
    }
    struct reply_node *node = read_text(nested);
    good = good && node != NULL && node->kind == REPLY_KIND_ARRAY && node->child_count == 5 &&
           node->children[1].kind == REPLY_KIND_MAP && node->children[1].child_count == 2 &&
           node->children[1].children[1].kind == REPLY_KIND_SET &&
           node->children[2].kind == REPLY_KIND_PUSH &&
           node->children[4].kind == REPLY_KIND_ATTRIBUTE && node->children[4].child_count == 2;
    reply_node_destroy(&node);
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(read, refuses_what_is_not_resp)
{
    static const char *const bad[] = {"x\r\n",   "$a\r\n",          "*-2\r\n",  "$-2\r\n",
                                      ":1x\r\n", "#x\r\n",          "_x\r\n",   "$1\r\nabcd",
                                      "+a\rb",   "=3\r\nabc\r\n",   ",abc\r\n", "*99999999999\r\n",
                                      "%-1\r\n", "$99999999999\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes input = bytes_text(bad[i]);
        struct reply_node *node = NULL;
        cr_assert_eq(reply_read(&input, &node), -1, "%s", bad[i]);
        cr_assert_eq(input.size, strlen(bad[i]));
    }
}

Test(read, bounds_depth)
{
    for (int depth = 1; depth < 40; depth++) {
        struct buf text = {0};
        for (int i = 0; i < depth; i++) {
            buf_append_text(&text, "*1\r\n");
        }
        buf_append_text(&text, ":1\r\n");
        struct bytes input = buf_bytes(&text);
        struct reply_node *node = NULL;
        cr_assert_eq(reply_read(&input, &node), depth <= 32 ? 1 : -1);
        reply_node_destroy(&node);
        buf_deinit(&text);
    }
}
