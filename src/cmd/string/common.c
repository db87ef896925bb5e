/* What the handlers of the string group share.
 *
 * On the data path between the key and the reply. Runs inside the call's access. */
#include "common.h"
#include "pollard/base/number.h"

enum status string_find(struct exec *x, uint32_t key_index, uint32_t flags, struct value *ret_value)
{
    if (!key_find(x->access, key_index, flags, ret_value)) {
        return STATUS_ABSENT;
    }
    return LIKELY(ret_value->type == VALUE_STRING) ? STATUS_OK : STATUS_WRONG_TYPE;
}

void string_reply(struct reply *reply, const struct value *value)
{
    if (value->encoding == ENCODING_INT) {
        reply_bulk_integer(reply, value->integer);
    } else if (value->blob != NULL) {
        reply_bulk_blob(reply, value->blob, (size_t)(value->bytes.data - value->blob->data),
                        value->bytes.size);
    } else {
        reply_bulk(reply, value->bytes);
    }
}

enum status string_store_timed(struct exec *x, uint32_t key_index, const struct value *value,
                               int64_t expires_at_ms)
{
    bool is_over = expiry_is_past(x, expires_at_ms);
    if (is_over) {
        if (!key_delete(x->access, key_index)) {
            key_event(x->access, key_index, EVENT_new);
        }
    } else {
        enum status status = key_put(x->access, key_index, value, expires_at_ms);
        if (status != STATUS_OK) {
            return status;
        }
    }
    key_event(x->access, key_index, EVENT_set);
    key_event(x->access, key_index, EVENT_expire);
    if (is_over) {
        key_event(x->access, key_index, EVENT_expired);
    }
    return STATUS_OK;
}

struct blob *string_hold(const struct value *value)
{
    if (value->blob != NULL) {
        return blob_acquire(value->blob);
    }
    unsigned char scratch[NUMBER_INT_MAX + 4];
    struct bytes bytes = value_string_bytes(value, scratch);
    return blob_try_copy(bytes, bytes.size);
}

bool string_size_is_allowed(const struct exec *x, uint64_t size)
{
    return size <= (uint64_t)option_get(&x->services->client_options->bulk_size_max);
}

static enum condition_kind find_condition(struct bytes word)
{
    static const struct {
        const char *name;
        enum condition_kind kind;
    } words[] = {
        {"nx", CONDITION_NX},     {"xx", CONDITION_XX},       {"ifeq", CONDITION_IFEQ},
        {"ifne", CONDITION_IFNE}, {"ifdeq", CONDITION_IFDEQ}, {"ifdne", CONDITION_IFDNE},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (bytes_is(word, words[i].name)) {
            return words[i].kind;
        }
    }
    return CONDITION_NONE;
}

enum status condition_read(const struct exec *x, uint32_t *index, struct condition *condition)
{
    enum condition_kind kind = find_condition(x->argv[*index]);
    if (kind == CONDITION_NONE) {
        return STATUS_ABSENT;
    }
    /* NX or XX may be said twice, as in Redis; conditions with operands may not. */
    if (condition->kind != CONDITION_NONE &&
        (condition->kind != kind || condition_compares(condition))) {
        return STATUS_SYNTAX;
    }
    condition->kind = kind;
    if (!condition_compares(condition)) {
        return STATUS_OK;
    }
    if (*index + 1 >= x->argc) {
        return STATUS_SYNTAX;
    }
    *index += 1;
    condition->argument = *index;
    if (kind >= CONDITION_IFDEQ && x->argv[*index].size != STRING_DIGEST_SIZE) {
        return STATUS_DIGEST_SIZE;
    }
    return STATUS_OK;
}

/* Is operand, in any case of its letters, the digest of value? */
static bool digest_is(const struct value *value, struct bytes operand)
{
    unsigned char digest[STRING_DIGEST_SIZE];
    string_digest(value, digest);
    for (size_t i = 0; i < STRING_DIGEST_SIZE; i++) {
        unsigned char byte = operand.data[i];
        if (byte >= 'A' && byte <= 'F') {
            byte = (unsigned char)(byte - 'A' + 'a');
        }
        if (byte != digest[i]) {
            return false;
        }
    }
    return true;
}

bool condition_holds(const struct exec *x, const struct condition *condition,
                     const struct value *value)
{
    enum condition_kind kind = condition->kind;
    if (kind == CONDITION_NONE) {
        return true;
    }
    if (value == NULL || !condition_compares(condition)) {
        bool holds_when_absent =
            kind == CONDITION_NX || kind == CONDITION_IFNE || kind == CONDITION_IFDNE;
        return (value == NULL) == holds_when_absent;
    }
    struct bytes operand = x->argv[condition->argument];
    if (kind == CONDITION_IFDEQ || kind == CONDITION_IFDNE) {
        return digest_is(value, operand) == (kind == CONDITION_IFDEQ);
    }
    unsigned char scratch[NUMBER_INT_MAX + 4];
    bool is_equal = bytes_equal(value_string_bytes(value, scratch), operand);
    return is_equal == (kind == CONDITION_IFEQ);
}
