/* Members of one set: SADD SREM SISMEMBER SMISMEMBER SCARD SMEMBERS SMOVE.
 *
 * On the data path. Run inside an access on one key (SMOVE: two). */
#include "../collection.h"
#include "pollard/value/set.h"
#include "pollard_commands.h"

/* Adds the arguments from index 2 on. */
static enum status add_arguments(struct exec *x, struct collection **set, int64_t *ret_added)
{
    *ret_added = 0;
    for (uint32_t i = 2; i < x->argc; i++) {
        struct item member;
        enum status status = argument_item(x, i, &member);
        if (UNLIKELY(status != STATUS_OK)) {
            return status;
        }
        *ret_added += set_add(set, &x->services->value_limits, &member);
        item_unmake(&member);
    }
    return STATUS_OK;
}

enum status cmd_sadd(struct exec *x)
{
    struct collection_edit edit;
    int64_t added;
    enum status status = edit_begin(x, 0, VALUE_SET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        edit_create(&edit, set_create());
    } else if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    status = add_arguments(x, edit.at, &added);
    enum status ended = edit_end(x, &edit, added > 0 ? EVENT_sadd : EDIT_TELLS_NOTHING);
    if (LIKELY(status == STATUS_OK && ended == STATUS_OK)) {
        reply_integer(x->reply, added);
    }
    return status == STATUS_OK ? ended : status;
}

enum status cmd_srem(struct exec *x)
{
    struct collection_edit edit;
    int64_t removed = 0;
    enum status status = edit_begin(x, 0, VALUE_SET, NULL, &edit);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK) {
        for (uint32_t i = 2; i < x->argc && collection_count(*edit.at) > 0; i++) {
            struct item_needle member;
            item_needle_init(&member, x->argv[i]);
            removed += set_remove(edit.at, &member);
        }
        status = edit_end(x, &edit, removed > 0 ? EVENT_srem : EDIT_TELLS_NOTHING);
    }
    reply_integer(x->reply, removed);
    return STATUS_OK;
}

enum status cmd_sismember(struct exec *x)
{
    struct collection *set;
    struct item_needle member;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    item_needle_init(&member, x->argv[2]);
    reply_integer(x->reply, status == STATUS_OK && set_find(set, &member));
    return STATUS_OK;
}

enum status cmd_smismember(struct exec *x)
{
    struct collection *set;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_array(x->reply, x->argc - 2);
    for (uint32_t i = 2; i < x->argc; i++) {
        struct item_needle member;
        item_needle_init(&member, x->argv[i]);
        reply_integer(x->reply, status == STATUS_OK && set_find(set, &member));
    }
    return STATUS_OK;
}

enum status cmd_scard(struct exec *x)
{
    struct collection *set;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    reply_integer(x->reply, status == STATUS_OK ? (int64_t)collection_count(set) : 0);
    return STATUS_OK;
}

enum status cmd_smembers(struct exec *x)
{
    struct collection *set;
    enum status status = collection_find(x, 0, VALUE_SET, &set);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    uint64_t count = status == STATUS_OK ? collection_count(set) : 0;
    reply_set(x->reply, count);
    if (count > 0) {
        stream_elements(x, set, &(struct stream){.parts = STREAM_MEMBERS, .count = count});
    }
    return STATUS_OK;
}

/* The member goes into the set under key 1. True if it is new there. */
static enum status move_to(struct exec *x, bool *ret_is_new)
{
    struct collection_edit edit;
    struct item member;
    enum status status = argument_item(x, 3, &member);
    if (status != STATUS_OK) {
        return status;
    }
    status = edit_begin(x, 1, VALUE_SET, NULL, &edit);
    if (status == STATUS_ABSENT) {
        edit_create(&edit, set_create());
    }
    *ret_is_new = set_add(edit.at, &x->services->value_limits, &member);
    item_unmake(&member);
    return edit_end(x, &edit, EDIT_TELLS_NOTHING);
}

/* The member, which is in the set under key 0, goes from there to the one under key 1. Into the
 * target first: if memory is out nothing is lost. It is told the other way round, as Redis does. */
static enum status move(struct exec *x, const struct item_needle *member)
{
    struct collection_edit edit;
    bool is_new;
    enum status status = move_to(x, &is_new);
    if (status != STATUS_OK) {
        return status;
    }
    (void)edit_begin(x, 0, VALUE_SET, NULL, &edit); /* It was just found. */
    (void)set_remove(edit.at, member);
    status = edit_end(x, &edit, EVENT_srem);
    if (is_new) {
        key_event(x->access, 1, EVENT_sadd);
    }
    return status;
}

enum status cmd_smove(struct exec *x)
{
    struct collection *from;
    struct collection *to;
    struct item_needle member;
    enum status status = collection_look(x, 0, VALUE_SET, &from);
    if (status == STATUS_ABSENT) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    if (status != STATUS_OK || collection_look(x, 1, VALUE_SET, &to) == STATUS_WRONG_TYPE) {
        return STATUS_WRONG_TYPE;
    }
    item_needle_init(&member, x->argv[3]);
    bool is_there = set_find(from, &member);
    if (is_there && !bytes_equal(x->argv[1], x->argv[2])) {
        status = move(x, &member);
        if (status != STATUS_OK) {
            return status;
        }
    }
    reply_integer(x->reply, is_there);
    return STATUS_OK;
}
