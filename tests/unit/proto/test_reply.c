/* Tests of the reply builder in both protocols. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/proto/reply.h"
#include <criterion/criterion.h>
#include <math.h>
#include <sys/uio.h>

struct built {
    struct chain chain;
    struct reply reply;
};

static void begin(struct built *built, uint8_t protocol)
{
    *built = (struct built){.chain = {0}};
    reply_init(&built->reply, &built->chain, protocol);
}

/* Is this what was built? Clears it. */
static bool says(struct built *built, const char *expected)
{
    struct iovec vectors[256];
    size_t count = chain_vectors(&built->chain, vectors, 256, SIZE_MAX);
    struct buf all = {0};
    for (size_t i = 0; i < count; i++) {
        buf_append(&all, bytes_make(vectors[i].iov_base, vectors[i].iov_len));
    }
    bool equal = bytes_equal(buf_bytes(&all), bytes_text(expected));
    buf_deinit(&all);
    chain_clear(&built->chain);
    return equal;
}

Test(reply, common_forms)
{
    struct built built;
    begin(&built, 2);
    struct reply *reply = &built.reply;
    reply_ok(reply);
    reply_simple(reply, "PONG");
    reply_integer(reply, -42);
    reply_integer(reply, INT64_MIN);
    reply_bulk(reply, bytes_text("hi"));
    reply_bulk(reply, bytes_make(NULL, 0));
    reply_bulk_text(reply, "twelve bytes");
    reply_bulk_format(reply, "%d-%d", 1, 2);
    reply_bulk_integer(reply, 100);
    reply_array(reply, 12);
    cr_assert(says(&built, "+OK\r\n+PONG\r\n:-42\r\n:-9223372036854775808\r\n$2\r\nhi\r\n$0\r\n\r\n"
                           "$12\r\ntwelve bytes\r\n$3\r\n1-2\r\n$3\r\n100\r\n*12\r\n"));
    cr_assert_not(reply->had_error);
}

/* Everything whose form depends on the protocol. */
static void put_typed(struct reply *reply)
{
    reply_null(reply);
    reply_null_array(reply);
    reply_map(reply, 2);
    reply_set(reply, 3);
    reply_push(reply, 1);
    reply_double(reply, 1.5);
    reply_double(reply, INFINITY);
    reply_double(reply, -INFINITY);
    reply_double(reply, NAN);
    reply_bool(reply, true);
    reply_bool(reply, false);
    reply_big_number(reply, bytes_text("123"));
    reply_verbatim(reply, "txt", bytes_text("hello"));
}

Test(reply, typed_forms)
{
    struct built built;
    begin(&built, 2);
    put_typed(&built.reply);
    cr_assert(says(&built,
                   "$-1\r\n*-1\r\n*4\r\n*3\r\n*1\r\n$3\r\n1.5\r\n$3\r\ninf\r\n$4\r\n-inf\r\n"
                   "$3\r\nnan\r\n:1\r\n:0\r\n$3\r\n123\r\n$5\r\nhello\r\n"));
    begin(&built, 3);
    put_typed(&built.reply);
    reply_attribute(&built.reply, 1);
    cr_assert(says(&built,
                   "_\r\n_\r\n%2\r\n~3\r\n>1\r\n,1.5\r\n,inf\r\n,-inf\r\n,nan\r\n#t\r\n#f\r\n"
                   "(123\r\n=9\r\ntxt:hello\r\n|1\r\n"));
}

Test(reply, errors_are_noted)
{
    struct built built;
    begin(&built, 2);
    reply_error(&built.reply, "WRONGTYPE Operation");
    cr_assert(built.reply.had_error);
    cr_assert_str_eq(built.reply.error_code, "WRONGTYPE");
    reply_error_format(&built.reply, "ERR bad '%s'", "a\r\nb");
    cr_assert_str_eq(built.reply.error_code, "ERR");
    reply_error_status(&built.reply, STATUS_SYNTAX);
    reply_error_status(&built.reply, STATUS_IO);
    reply_error_bytes(&built.reply, bytes_text("ACODETHATISFARTOOLONGTOKEEP x"));
    cr_assert_str_eq(built.reply.error_code, "ACODETHATISFARTOOLONGTO");
    reply_error(&built.reply, "");
    cr_assert_str_eq(built.reply.error_code, "");
    cr_assert(says(&built, "-WRONGTYPE Operation\r\n-ERR bad 'a  b'\r\n-ERR syntax error\r\n"
                           "-ERR internal error\r\n-ACODETHATISFARTOOLONGTOKEEP x\r\n-\r\n"));
}

Test(reply, every_size_comes_out_whole)
{
    thread_adopt();
    size_t before = mem_used();
    struct buf source = {0};
    for (size_t i = 0; i < 70000; i++) {
        buf_append_byte(&source, (unsigned char)('a' + i % 26));
    }
    static const size_t sizes[] = {0,    1,    9,    10,   99,   100,   999,   1000,  4070,
                                   4071, 4072, 4073, 4074, 4096, 16383, 16384, 65536, 70000};
    bool good = true;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && good; i++) {
        struct built built;
        struct buf expected = {0};
        buf_format(&expected, "$%zu\r\n%.*s\r\n", sizes[i], (int)sizes[i], (char *)source.data);
        buf_append_byte(&expected, '\0');
        begin(&built, 2);
        reply_bulk(&built.reply, bytes_make(source.data, sizes[i]));
        good = says(&built, (char *)expected.data);
        struct blob *blob = blob_try_copy(buf_bytes(&source), source.size);
        reply_bulk_blob(&built.reply, blob, 0, sizes[i]);
        bool is_shared = !blob_is_unique(blob);
        good = good && is_shared == (sizes[i] >= BLOB_DIRECT_SIZE);
        good = good && says(&built, (char *)expected.data) && blob_is_unique(blob);
        blob_release(blob);
        expected.size = 0;
        buf_format(&expected, "+%.*s\r\n", (int)sizes[i], (char *)source.data);
        buf_append_byte(&expected, '\0');
        char *text = mem_copy_text(bytes_make(source.data, sizes[i]));
        reply_simple(&built.reply, text);
        good = good && says(&built, (char *)expected.data);
        mem_free(text);
        buf_deinit(&expected);
    }
    buf_deinit(&source);
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(reply, long_formats)
{
    struct built built;
    begin(&built, 2);
    reply_bulk_format(&built.reply, "%600d", 5);
    cr_assert_eq(chain_size(&built.chain), 6 + 600 + 2);
    reply_error_format(&built.reply, "ERR %600d", 5);
    cr_assert_eq(chain_size(&built.chain), 608 + 1 + 604 + 2);
    chain_clear(&built.chain);
}

Test(reply, counts_known_later)
{
    thread_adopt();
    size_t before = mem_used();
    bool good = true;
    for (uint8_t protocol = 2; protocol <= 3; protocol++) {
        struct built built;
        begin(&built, protocol);
        struct reply *reply = &built.reply;
        struct reply_later outer;
        struct reply_later inner;
        reply_ok(reply);
        reply_later_begin(reply, &outer);
        reply_integer(reply, 1);
        reply_later_begin(reply, &inner);
        reply_bulk_text(reply, "k");
        reply_bulk_text(reply, "v");
        reply_later_end(reply, &inner, REPLY_MAP, 1);
        reply_later_begin(reply, &inner);
        reply_later_end(reply, &inner, REPLY_SET, 0);
        reply_later_end(reply, &outer, REPLY_ARRAY, 3);
        reply_ok(reply);
        good = good &&
               says(&built, protocol == 2
                                ? "+OK\r\n*3\r\n:1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*0\r\n+OK\r\n"
                                : "+OK\r\n*3\r\n:1\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n~0\r\n+OK\r\n");
    }
    size_t after = mem_used();
    cr_assert(good);
    cr_assert_eq(before, after);
}

Test(reply, help)
{
    static const char *const lines[] = {"A <x>", "    Does a.", NULL};
    struct built built;
    begin(&built, 2);
    reply_help(&built.reply, "OBJECT", lines);
    cr_assert(says(&built,
                   "*5\r\n+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
                   "+A <x>\r\n+    Does a.\r\n+HELP\r\n+    Prints this help.\r\n"));
}
