/* Moving and copying keys: RENAME, RENAMENX, COPY, MOVE.
 *
 * Run inside a WRITE access on both keys. A key in another database is one more key of the access:
 * databases share shards, so it is held already. */
#include "../arguments.h"
#include "pollard_commands.h"

static bool exists(struct exec *x, uint32_t key_index)
{
    struct value value;
    return key_find(x->access, key_index, KEY_QUIET, &value);
}

/* Gives the first key's value to the second. */
static enum status rename_key(struct exec *x)
{
    enum status status = key_move(x->access, 0, 1);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_rename_from);
        key_event(x->access, 1, EVENT_rename_to);
    }
    return status;
}

enum status cmd_rename(struct exec *x)
{
    if (!exists(x, 0)) {
        return STATUS_NO_SUCH_KEY;
    }
    if (!bytes_equal(x->argv[1], x->argv[2])) {
        enum status status = rename_key(x);
        if (status != STATUS_OK) {
            return status;
        }
    }
    reply_ok(x->reply);
    return STATUS_OK;
}

enum status cmd_renamenx(struct exec *x)
{
    if (!exists(x, 0)) {
        return STATUS_NO_SUCH_KEY;
    }
    /* Also when both are the same key: it exists. */
    if (exists(x, 1)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    enum status status = rename_key(x);
    if (status == STATUS_OK) {
        reply_integer(x->reply, 1);
    }
    return status;
}

struct copy_options {
    uint32_t db;
    bool replaces;
};

static enum status read_copy_options(const struct exec *x, struct copy_options *options)
{
    options->db = x->db;
    for (uint32_t i = 3; i < x->argc; i++) {
        if (argument_is(x, i, "replace")) {
            options->replaces = true;
            continue;
        }
        if (!argument_is(x, i, "db") || i + 1 >= x->argc) {
            return STATUS_SYNTAX;
        }
        i++;
        enum status status = argument_db(x, i, &options->db);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status cmd_copy(struct exec *x)
{
    struct copy_options options = {0};
    enum status status = read_copy_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t target = 1;
    if (options.db != x->db) {
        status = exec_key_in_db(x, 1, options.db, &target);
        if (status != STATUS_OK) {
            return status;
        }
    } else if (bytes_equal(x->argv[1], x->argv[2])) {
        return STATUS_SAME_OBJECT;
    }
    struct value value;
    if (!key_find(x->access, 0, 0, &value) || (!options.replaces && exists(x, target))) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    status = key_copy(x->access, 0, target);
    if (status == STATUS_OK) {
        key_event(x->access, target, EVENT_copy_to);
        reply_integer(x->reply, 1);
    }
    return status;
}

enum status cmd_move(struct exec *x)
{
    uint32_t db;
    enum status status = argument_db(x, 2, &db);
    if (status != STATUS_OK) {
        return status;
    }
    if (db == x->db) {
        return STATUS_SAME_OBJECT;
    }
    uint32_t target;
    status = exec_key_in_db(x, 0, db, &target);
    if (status != STATUS_OK) {
        return status;
    }
    if (!exists(x, 0) || exists(x, target)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    status = key_move(x->access, 0, target);
    if (status == STATUS_OK) {
        key_event(x->access, 0, EVENT_move_from);
        key_event(x->access, target, EVENT_move_to);
        reply_integer(x->reply, 1);
    }
    return status;
}
