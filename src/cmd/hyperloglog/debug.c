/* PFDEBUG: a sketch as it is.
 *
 * Runs inside a WRITE access on one key. */
#include "common.h"
#include "pollard_commands.h"

#define SUBCOMMAND_SHOWN_MAX 1000

/* Makes the sketch dense if it is not; value is what is under the key afterwards. */
static enum status make_dense(struct exec *x, struct value *value, bool *ret_changed)
{
    *ret_changed = hll_encoding_of(value->bytes) == HLL_SPARSE;
    if (!*ret_changed) {
        return STATUS_OK;
    }
    struct sketch_room room;
    enum status status = room_init(x, &room, value->bytes);
    if (status == STATUS_OK) {
        status = room_make_dense(&room);
    }
    if (status == STATUS_OK) {
        status = room_store(x, &room, /* stale= */ false);
    }
    if (status == STATUS_OK) {
        key_event_unnamed(x->access, 0);
    }
    room_deinit(&room);
    return status == STATUS_OK ? sketch_find(x, 0, KEY_QUIET, value) : status;
}

static enum status debug_registers(struct exec *x, struct value *value)
{
    bool changed;
    enum status status = make_dense(x, value, &changed);
    if (status != STATUS_OK) {
        return status;
    }
    reply_array(x->reply, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        reply_integer(x->reply, hll_dense_get(value->bytes.data, i));
    }
    return STATUS_OK;
}

static enum status debug_to_dense(struct exec *x, struct value *value)
{
    bool changed;
    enum status status = make_dense(x, value, &changed);
    if (status == STATUS_OK) {
        reply_integer(x->reply, changed);
    }
    return status;
}

/* The opcodes as text: "z:3 Z:100 v:2,1". */
static enum status debug_decode(struct exec *x, struct bytes sketch)
{
    if (hll_encoding_of(sketch) != HLL_SPARSE) {
        return STATUS_HLL_NOT_SPARSE;
    }
    if (sketch.size > HLL_SPARSE_SIZE_MAX) {
        return STATUS_HLL_CORRUPT;
    }
    struct buf text = {0};
    size_t offset = HLL_HEADER_SIZE;
    struct hll_run run;
    while (hll_sparse_next(sketch, &offset, &run)) {
        if (text.size > 0) {
            buf_append_byte(&text, ' ');
        }
        if (run.value > 0) {
            buf_format(&text, "v:%u,%u", run.value, run.length);
        } else {
            buf_format(&text, "%c:%u", run.is_wide ? 'Z' : 'z', run.length);
        }
    }
    reply_bulk(x->reply, buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}

enum status cmd_pfdebug(struct exec *x)
{
    struct value value;
    enum status status = sketch_find(x, 0, KEY_QUIET, &value);
    if (status != STATUS_OK) {
        return status == STATUS_ABSENT ? STATUS_HLL_NO_KEY : status;
    }
    if (argument_is(x, 1, "getreg")) {
        return debug_registers(x, &value);
    }
    if (argument_is(x, 1, "todense")) {
        return debug_to_dense(x, &value);
    }
    if (argument_is(x, 1, "decode")) {
        return debug_decode(x, value.bytes);
    }
    if (argument_is(x, 1, "encoding")) {
        bool is_dense = hll_encoding_of(value.bytes) == HLL_DENSE;
        reply_simple(x->reply, is_dense ? "dense" : "sparse");
        return STATUS_OK;
    }
    struct bytes word = x->argv[1];
    int shown = word.size < SUBCOMMAND_SHOWN_MAX ? (int)word.size : SUBCOMMAND_SHOWN_MAX;
    reply_error_format(x->reply, "ERR Unknown PFDEBUG subcommand '%.*s'", shown,
                       (const char *)word.data);
    return STATUS_REPLIED;
}
