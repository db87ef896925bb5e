/* DEBUG PROTOCOL: one sample of each reply type, byte for byte as Redis's. On the reactor. */
#include "debug.h"

static void sample_integers(struct reply *reply)
{
    for (int i = 0; i < 3; i++) {
        reply_integer(reply, i);
    }
}

static void sample_string(struct reply *reply)
{
    reply_bulk_text(reply, "Hello World");
}

static void sample_integer(struct reply *reply)
{
    reply_integer(reply, 12345);
}

static void sample_double(struct reply *reply)
{
    reply_double(reply, 3.141);
}

static void sample_bignum(struct reply *reply)
{
    reply_big_number(reply, bytes_text("1234567999999999999999999999999999999"));
}

static void sample_array(struct reply *reply)
{
    reply_array(reply, 3);
    sample_integers(reply);
}

static void sample_set(struct reply *reply)
{
    reply_set(reply, 3);
    sample_integers(reply);
}

static void sample_map(struct reply *reply)
{
    reply_map(reply, 3);
    for (int i = 0; i < 3; i++) {
        reply_integer(reply, i);
        reply_bool(reply, i == 1);
    }
}

static void sample_attrib(struct reply *reply)
{
    if (reply->protocol >= 3) {
        reply_attribute(reply, 1);
        reply_bulk_text(reply, "key-popularity");
        reply_array(reply, 2);
        reply_bulk_text(reply, "key:123");
        reply_integer(reply, 90);
    }
    reply_bulk_text(reply, "Some real reply following the attribute");
}

static void sample_push(struct reply *reply)
{
    if (reply->protocol < 3) {
        reply_error(reply, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(reply, 2);
    reply_bulk_text(reply, "server-cpu-usage");
    reply_integer(reply, 42);
    reply_bulk_text(reply, "Some real reply following the push reply");
}

static void sample_verbatim(struct reply *reply)
{
    reply_verbatim(reply, "txt", bytes_text("This is a verbatim\nstring"));
}

static void sample_true(struct reply *reply)
{
    reply_bool(reply, true);
}

static void sample_false(struct reply *reply)
{
    reply_bool(reply, false);
}

static const struct {
    const char *name;
    void (*write)(struct reply *reply);
} samples[] = {
    {"string", sample_string}, {"integer", sample_integer},   {"double", sample_double},
    {"bignum", sample_bignum}, {"null", reply_null},          {"array", sample_array},
    {"set", sample_set},       {"map", sample_map},           {"attrib", sample_attrib},
    {"push", sample_push},     {"verbatim", sample_verbatim}, {"true", sample_true},
    {"false", sample_false},
};

enum status debug_protocol(struct exec *x)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        if (bytes_is(x->argv[2], samples[i].name)) {
            samples[i].write(x->reply);
            return x->reply->had_error ? STATUS_REPLIED : STATUS_OK;
        }
    }
    reply_error(x->reply, "ERR Wrong protocol type name. Please use one of the following: "
                          "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|"
                          "true|false");
    return STATUS_REPLIED;
}
