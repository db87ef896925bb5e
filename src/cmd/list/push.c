/* Items put at the ends of lists: LPUSH, RPUSH, LPUSHX, RPUSHX.
 *
 * Run inside a WRITE access on one key. */
#include "common.h"
#include "pollard_commands.h"

/* Packed bytes of the items, as far as a small list could hold them. */
static size_t room_for_items(const struct exec *x)
{
    size_t room = 0;
    for (uint32_t i = 2; i < x->argc && room < LIST_SMALL_SIZE; i++) {
        struct item item = item_of(x->argv[i]);
        if (x->argv[i].size > ITEM_EMBED_MAX) {
            return 0;
        }
        room += item_packed_size(&item);
    }
    return room;
}

static enum status push_items(struct exec *x, struct collection **list, enum list_end end)
{
    const struct value_limits *limits = list_limits(x);
    for (uint32_t i = 2; i < x->argc; i++) {
        struct item item;
        enum status status = argument_item(x, i, &item);
        if (UNLIKELY(status != STATUS_OK)) {
            uint64_t begin = end == LIST_HEAD ? 0 : collection_count(*list) - (i - 2);
            key_dispose(x->access, list_cut(list, begin, i - 2, limits));
            return status;
        }
        list_push(list, end, &item, limits);
        item_unmake(&item);
    }
    return STATUS_OK;
}

static enum status push(struct exec *x, enum list_end end, bool creates)
{
    struct collection_edit edit;
    enum status status = edit_begin(x, 0, VALUE_LIST, NULL, &edit);
    if (status == STATUS_ABSENT) {
        if (!creates) {
            reply_integer(x->reply, 0);
            return STATUS_OK;
        }
        edit_create(&edit, list_create(room_for_items(x)));
    } else if (UNLIKELY(status != STATUS_OK)) {
        return status;
    }
    enum status pushed = push_items(x, edit.at, end);
    int64_t count = (int64_t)collection_count(*edit.at);
    status = edit_end(x, &edit,
                      pushed != STATUS_OK ? EDIT_TELLS_NOTHING
                      : end == LIST_HEAD  ? EVENT_lpush
                                          : EVENT_rpush);
    status = pushed == STATUS_OK ? status : pushed;
    if (LIKELY(status == STATUS_OK)) {
        reply_integer(x->reply, count);
    }
    return status;
}

enum status cmd_lpush(struct exec *x)
{
    return push(x, LIST_HEAD, true);
}

enum status cmd_rpush(struct exec *x)
{
    return push(x, LIST_TAIL, true);
}

enum status cmd_lpushx(struct exec *x)
{
    return push(x, LIST_HEAD, false);
}

enum status cmd_rpushx(struct exec *x)
{
    return push(x, LIST_TAIL, false);
}
