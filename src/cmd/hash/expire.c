/* Setting expiries of fields: HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HPERSIST.
 *
 * Run inside a WRITE access on one key. A time that is over deletes the field at once, and the key
 * with its last field. */
#include "common.h"
#include "pollard_commands.h"

enum expire_condition { EXPIRE_ALWAYS, EXPIRE_NX, EXPIRE_XX, EXPIRE_GT, EXPIRE_LT };

static enum expire_condition find_condition(struct bytes word)
{
    if (word.size != 2) {
        return EXPIRE_ALWAYS;
    }
    if (bytes_is(word, "nx")) {
        return EXPIRE_NX;
    }
    if (bytes_is(word, "xx")) {
        return EXPIRE_XX;
    }
    if (bytes_is(word, "gt")) {
        return EXPIRE_GT;
    }
    return bytes_is(word, "lt") ? EXPIRE_LT : EXPIRE_ALWAYS;
}

/* No expiry is later than any. */
static bool condition_holds(enum expire_condition condition, int64_t current, int64_t at_ms)
{
    bool has_expiry = current != HASH_NO_EXPIRY;
    switch (condition) {
    case EXPIRE_NX:
        return !has_expiry;
    case EXPIRE_XX:
        return has_expiry;
    case EXPIRE_GT:
        return has_expiry && at_ms > current;
    case EXPIRE_LT:
        return !has_expiry || at_ms < current;
    case EXPIRE_ALWAYS:
        break;
    }
    return true;
}

struct expire_plan {
    enum expire_condition condition;
    int64_t at_ms;
    struct hash_fields fields;
};

/* The condition stands before FIELDS or behind the fields. */
static enum status read_plan(struct exec *x, struct expire_plan *plan)
{
    uint32_t at = 3;
    plan->condition = find_condition(x->argv[at]);
    at += plan->condition != EXPIRE_ALWAYS ? 1 : 0;
    if (!argument_is(x, at, "fields")) {
        return STATUS_FIELDS_MISSING;
    }
    int64_t count;
    if (argument_integer(x, at + 1, &count) != STATUS_OK || count < 1) {
        return STATUS_FIELDS_NOT_POSITIVE;
    }
    uint32_t rest = x->argc - at - 2;
    bool has_last = plan->condition == EXPIRE_ALWAYS && (int64_t)rest - 1 == count;
    if (has_last) {
        plan->condition = find_condition(x->argv[x->argc - 1]);
    }
    if ((int64_t)rest != count && !(has_last && plan->condition != EXPIRE_ALWAYS)) {
        return STATUS_FIELDS_MISMATCH;
    }
    plan->fields = (struct hash_fields){.first = at + 2, .count = (uint32_t)count, .stride = 1};
    return STATUS_OK;
}

/* Sets the expiry of one field and returns the code to reply. */
static int64_t expire_field(const struct exec *x, struct collection **hash,
                            const struct expire_plan *plan, uint32_t index)
{
    struct item_needle field;
    item_needle_init(&field, x->argv[index]);
    int64_t current = hash_expiry(*hash, &field, x->now_ms);
    if (current == HASH_NO_FIELD) {
        return HASH_NO_FIELD;
    }
    if (!condition_holds(plan->condition, current, plan->at_ms)) {
        return 0;
    }
    if (plan->at_ms <= x->now_ms) {
        (void)hash_remove(hash, &field, x->now_ms); /* It is there. */
        return 2;
    }
    hash_set_expiry(hash, &field, plan->at_ms);
    return 1;
}

static enum status expire(struct exec *x, int64_t unit_ms, bool is_relative)
{
    const struct collection *hash;
    struct collection_edit edit;
    struct expire_plan plan;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status found = hash_look(x, &hash);
    if (found == STATUS_WRONG_TYPE) {
        return found;
    }
    const struct hash_time time = {.index = 2, .unit_ms = unit_ms, .is_relative = is_relative};
    enum status status = hash_time_read(x, &time, &plan.at_ms);
    if (status == STATUS_OK) {
        status = read_plan(x, &plan);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (found == STATUS_ABSENT || edit_begin(x, 0, VALUE_HASH, NULL, &edit) != STATUS_OK) {
        hash_reply_absent(x, &plan.fields, HASH_NO_FIELD);
        return STATUS_OK;
    }
    enum key_event event = EDIT_TELLS_NOTHING;
    reply_array(x->reply, plan.fields.count);
    for (uint32_t i = 0; i < plan.fields.count; i++) {
        int64_t code = expire_field(x, edit.at, &plan, plan.fields.first + i);
        if (code > 0) {
            event = code == 1 ? EVENT_hexpire : EVENT_hdel; /* The same for all. */
        }
        reply_integer(x->reply, code);
    }
    return hash_edit_end(x, &edit, event);
}

enum status cmd_hexpire(struct exec *x)
{
    return expire(x, 1000, /* is_relative= */ true);
}

enum status cmd_hpexpire(struct exec *x)
{
    return expire(x, 1, /* is_relative= */ true);
}

enum status cmd_hexpireat(struct exec *x)
{
    return expire(x, 1000, /* is_relative= */ false);
}

enum status cmd_hpexpireat(struct exec *x)
{
    return expire(x, 1, /* is_relative= */ false);
}

static int64_t persist_field(const struct exec *x, struct collection **hash, uint32_t index)
{
    struct item_needle field;
    item_needle_init(&field, x->argv[index]);
    int64_t current = hash_expiry(*hash, &field, x->now_ms);
    if (current < 0) {
        return current;
    }
    hash_set_expiry(hash, &field, HASH_NO_EXPIRY);
    return 1;
}

enum status cmd_hpersist(struct exec *x)
{
    const struct collection *hash;
    struct collection_edit edit;
    struct hash_fields fields;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status found = hash_look(x, &hash);
    if (found == STATUS_WRONG_TYPE) {
        return found;
    }
    enum status status = hash_fields_read(x, 2, &fields);
    if (status != STATUS_OK) {
        return status;
    }
    if (found == STATUS_ABSENT || edit_begin(x, 0, VALUE_HASH, NULL, &edit) != STATUS_OK) {
        hash_reply_absent(x, &fields, HASH_NO_FIELD);
        return STATUS_OK;
    }
    enum key_event event = EDIT_TELLS_NOTHING;
    reply_array(x->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        int64_t code = persist_field(x, edit.at, fields.first + i);
        event = code == 1 ? EVENT_hpersist : event;
        reply_integer(x->reply, code);
    }
    return edit_end(x, &edit, event);
}
