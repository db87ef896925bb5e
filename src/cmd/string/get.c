/* GET and what reads one string: GETDEL, GETEX, STRLEN, DIGEST.
 *
 * The innermost handler of most reads. Runs inside an access on one key. */
#include "common.h"
#include "pollard_commands.h"

enum status cmd_get(struct exec *x)
{
    struct value value;
    if (!key_find(x->access, 0, 0, &value)) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    if (UNLIKELY(value.type != VALUE_STRING)) {
        return STATUS_WRONG_TYPE;
    }
    string_reply(x->reply, &value);
    return STATUS_OK;
}

/* For replies of nil: an absent key is no error. */
static enum status reply_if_absent(struct exec *x, enum status status)
{
    if (status == STATUS_ABSENT) {
        reply_null(x->reply);
        return STATUS_OK;
    }
    return status;
}

enum status cmd_getdel(struct exec *x)
{
    struct value value;
    enum status status = string_find(x, 0, 0, &value);
    if (status == STATUS_ABSENT) {
        /* As DEL: a lease of the key ends. */
        (void)key_delete(x->access, 0);
    }
    if (status != STATUS_OK) {
        return reply_if_absent(x, status);
    }
    string_reply(x->reply, &value);
    (void)key_remove(x, 0); /* It is there: it was found. */
    return STATUS_OK;
}

static enum status read_getex_option(const struct exec *x, struct expiry_option *option)
{
    for (uint32_t i = 2; i < x->argc; i++) {
        enum status status = expiry_read(x, EXPIRY_PERSIST, &i, option);
        if (status != STATUS_OK) {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}

enum status cmd_getex(struct exec *x)
{
    struct expiry_option option = {0};
    enum status status = read_getex_option(x, &option);
    if (status != STATUS_OK) {
        return status;
    }
    struct value value;
    status = string_find(x, 0, 0, &value);
    if (status != STATUS_OK) {
        return reply_if_absent(x, status);
    }
    /* Redis judges the time only when there is a string to give it to. */
    int64_t expires_at_ms;
    status = expiry_time(x, &option, &expires_at_ms);
    if (status != STATUS_OK) {
        return status;
    }
    string_reply(x->reply, &value);
    if (option.kind == EXPIRY_NONE) {
        return STATUS_OK;
    }
    if (expiry_is_past(x, expires_at_ms)) {
        (void)key_remove(x, 0); /* It is there: it was found. */
    } else if (expires_at_ms >= 0) {
        (void)key_set_expiry(x->access, 0, expires_at_ms);
        key_event(x->access, 0, EVENT_expire);
    } else if (key_expiry(x->access, 0) >= 0) {
        (void)key_set_expiry(x->access, 0, KEY_NO_EXPIRY);
        key_event(x->access, 0, EVENT_persist);
    }
    return STATUS_OK;
}

enum status cmd_strlen(struct exec *x)
{
    struct value value;
    enum status status = string_find(x, 0, 0, &value);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK ? (int64_t)value_string_size(&value) : 0);
    return STATUS_OK;
}

enum status cmd_digest(struct exec *x)
{
    struct value value;
    enum status status = string_find(x, 0, 0, &value);
    if (status != STATUS_OK) {
        return reply_if_absent(x, status);
    }
    unsigned char digest[STRING_DIGEST_SIZE];
    string_digest(&value, digest);
    reply_bulk(x->reply, bytes_make(digest, sizeof(digest)));
    return STATUS_OK;
}
