/* The request decoder: RESP arrays of bulk strings; inline lines are in decode_inline.c.
 *
 * On the data path of every request, between the reactor's read and dispatch. One thread at a time;
 * no shared state. Complete small frames are taken whole (take_small_frame), complete ordinary
 * arguments of others by one tight loop (take_ready); whatever it stops at - a cut, a limit, an
 * error, an odd number - is handled one argument at a time by take_argument, which also goes on
 * where an earlier call stopped. Invariants: 1. Between calls the frame in work is described by
 * offsets alone. 2. No byte before scanned is looked at twice in search of a line end. 3. Slots are
 * resolved to pointers only when their frame is delivered. */
#include "pollard/proto/decode.h"
#include "decode_internal.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include <limits.h>
#include <stdio.h>

/* What a client that has not authenticated may send. Source: Redis 6.2's reply texts name them. */
#define UNAUTHENTICATED_ARGC ((int64_t)10)
#define UNAUTHENTICATED_SIZE ((uint64_t)16384)
/* Slots reserved on a client's mere word; beyond, room doubles as arguments really come. */
#define ARGC_TRUSTED ((size_t)64)
/* Longest length that the short form takes: 8 digits, far below any overflow. */
#define SHORT_DIGITS 8
/* An argument of no bytes: "$0\r\n\r\n". */
#define SHORT_ARGUMENT_MIN 6
/* What three digits can say: limits above it need not be asked for small frames. */
#define SHORT_SIZE_MAX 999

struct decoder *decoder_create(void)
{
    return mem_alloc_zero(sizeof(struct decoder));
}

void decoder_destroy(struct decoder **decoder)
{
    if (*decoder == NULL) {
        return;
    }
    direct_discard(*decoder);
    storage_deinit(&(*decoder)->storage);
    mem_free(*decoder);
    *decoder = NULL;
}

static void frame_reset(struct decoder *decoder)
{
    decoder->phase = PHASE_START;
    decoder->argc = 0;
    decoder->done = 0;
    decoder->is_resumed = false;
    decoder->at = 0;
    decoder->scanned = 0;
    decoder->dropped = 0;
    decoder->is_cut = false;
}

/* Reads mark, digits, CR and one byte when all is there and plain: returns what is behind, or NULL
 * for the careful way. The byte behind CR is not looked at, as in Redis. */
static inline const unsigned char *short_length(const unsigned char *at, const unsigned char *end,
                                                unsigned char mark, size_t *ret_length)
{
    if (end - at < 4 || at[0] != mark) {
        return NULL;
    }
    size_t length = (size_t)at[1] - '0';
    if (length > 9) {
        return NULL;
    }
    at += 2;
    if (*at != '\r') {
        if (length == 0) {
            return NULL;
        }
        const unsigned char *last = end - at > SHORT_DIGITS ? at + SHORT_DIGITS : end - 1;
        for (; at < last && *at != '\r'; at++) {
            size_t digit = (size_t)*at - '0';
            if (digit > 9) {
                return NULL;
            }
            length = length * 10 + digit;
        }
        if (end - at < 2 || *at != '\r') {
            return NULL;
        }
    }
    *ret_length = length;
    return at + 2;
}

/* Reads "$size" of at most three digits and its argument: returns what is behind, or NULL when it
 * is not all there or not that plain. */
static inline const unsigned char *short_argument(const unsigned char *at, const unsigned char *end,
                                                  struct bytes *ret_argument)
{
    if (end - at < SHORT_ARGUMENT_MIN || at[0] != '$') {
        return NULL;
    }
    size_t size = (size_t)at[1] - '0';
    if (size > 9) {
        return NULL;
    }
    at += 2;
    for (int digits = 1; *at != '\r'; digits++) {
        size_t digit = (size_t)*at - '0';
        if (digit > 9 || size == 0 || digits == 3) {
            return NULL;
        }
        size = size * 10 + digit;
        at++;
    }
    at += 2;
    if (end - at < (ptrdiff_t)(size + DECODE_END_SIZE)) {
        return NULL;
    }
    *ret_argument = bytes_make(at, size);
    return at + size + DECODE_END_SIZE;
}

/* The commonest of all: a whole frame of up to 99 small arguments. False, and nothing changed, when
 * the input does not begin with one, or with no room for its slots. */
static inline bool take_small_frame(struct decoder *decoder, struct bytes *input,
                                    struct request *ret_request)
{
    const unsigned char *at = input->data;
    const unsigned char *end = at + input->size;
    if (end - at < 4 + SHORT_ARGUMENT_MIN || at[0] != '*') {
        return false;
    }
    size_t count = (size_t)at[1] - '0';
    if (count - 1 > 8) {
        return false;
    }
    if (UNLIKELY(at[2] != '\r')) {
        size_t digit = (size_t)at[2] - '0';
        if (digit > 9 || at[3] != '\r') {
            return false;
        }
        count = count * 10 + digit;
        at++;
    }
    if (storage_room(&decoder->storage) < count) {
        return false;
    }
    struct bytes *slots = storage_slots(&decoder->storage);
    at += 4;
    for (size_t i = 0; i < count; i++) {
        at = short_argument(at, end, &slots[i]);
        if (at == NULL) {
            return false;
        }
    }
    decoder->storage.chunk->used += count;
    ret_request->argc = (uint32_t)count;
    ret_request->blob_count = 0;
    ret_request->argv = slots;
    ret_request->blobs = NULL;
    ret_request->is_cut = false;
    ret_request->wire_size = (size_t)(at - input->data);
    ret_request->owned = NULL;
    *input = bytes_make(at, (size_t)(end - at));
    return true;
}

/* The largest argument the limits allow. */
static inline uint64_t size_limit(const struct decode_limits *limits)
{
    if (UNLIKELY(!limits->authenticated) && limits->bulk_size_max > UNAUTHENTICATED_SIZE) {
        return UNAUTHENTICATED_SIZE;
    }
    return limits->bulk_size_max;
}

/* Takes complete ordinary arguments, as long as they come and there are slots. */
static void take_ready(struct decoder *decoder, struct decode_cursor *cursor, uint64_t size_max)
{
    size_t room = storage_room(&decoder->storage);
    if (decoder->done >= room) {
        return;
    }
    struct bytes *slots = storage_slots(&decoder->storage);
    size_t count = decoder->argc < room ? decoder->argc : room;
    size_t done = decoder->done;
    const unsigned char *at = cursor->at;
    const unsigned char *end = cursor->end;
    /* Offsets once the frame was cut, else pointers: what is added to a distance from base. */
    uintptr_t origin = decoder->is_resumed ? 0 : (uintptr_t)cursor->base;
    while (done < count) {
        size_t size;
        const unsigned char *body = short_length(at, end, '$', &size);
        if (body == NULL || size > size_max || (size_t)(end - body) < size + DECODE_END_SIZE) {
            break;
        }
        slots[done].data = (const unsigned char *)(origin + (size_t)(body - cursor->base));
        slots[done].size = size;
        done++;
        at = body + size + DECODE_END_SIZE;
    }
    decoder->done = (uint32_t)done;
    cursor->at = at;
}

/* Finds the line at the cursor and moves behind it. true with the line, without its end. */
static bool find_line(struct decoder *decoder, struct decode_cursor *cursor, struct bytes *ret_line)
{
    size_t at = (size_t)(cursor->at - cursor->base);
    if (decoder->scanned < at) {
        decoder->scanned = at;
    }
    const unsigned char *from = cursor->base + decoder->scanned;
    const unsigned char *end = memchr(from, '\r', (size_t)(cursor->end - from));
    if (end == NULL || end + 1 == cursor->end) {
        decoder->scanned = (size_t)((end == NULL ? cursor->end : end) - cursor->base);
        return false;
    }
    *ret_line = bytes_make(cursor->at, (size_t)(end - cursor->at));
    cursor->at = end + DECODE_END_SIZE;
    return true;
}

static enum decode_result fail(const char *text, const char **ret_error)
{
    *ret_error = text;
    return DECODE_ERROR;
}

/* A line whose end has not come: waits for it, within reason. */
static enum decode_result wait_for_line(const struct decode_cursor *cursor, const char *too_big,
                                        const char **ret_error)
{
    if ((size_t)(cursor->end - cursor->at) > DECODE_LINE_MAX) {
        return fail(too_big, ret_error);
    }
    return DECODE_MORE;
}

/* Reads "*count". DECODE_REQUEST: go on, with argc set (0 for counts below 1). */
static enum decode_result take_head(struct decoder *decoder, struct decode_cursor *cursor,
                                    const struct decode_limits *limits, const char **ret_error)
{
    struct bytes line;
    decoder->phase = PHASE_HEAD;
    if (!find_line(decoder, cursor, &line)) {
        return wait_for_line(cursor, "Protocol error: too big mbulk count string", ret_error);
    }
    int64_t count;
    struct bytes digits = bytes_make(line.data + 1, line.size - 1);
    if (!number_parse_i64(digits, &count) || count > INT_MAX) {
        return fail("Protocol error: invalid multibulk length", ret_error);
    }
    if (count > UNAUTHENTICATED_ARGC && !limits->authenticated) {
        return fail("Protocol error: unauthenticated multibulk length", ret_error);
    }
    decoder->argc = count > 0 ? (uint32_t)count : 0;
    decoder->phase = PHASE_LENGTH;
    return DECODE_REQUEST;
}

/* Reads "$size" of the next argument. */
static enum decode_result take_length(struct decoder *decoder, struct decode_cursor *cursor,
                                      const struct decode_limits *limits, const char **ret_error)
{
    struct bytes line;
    if (!find_line(decoder, cursor, &line)) {
        return wait_for_line(cursor, "Protocol error: too big bulk count string", ret_error);
    }
    if (line.size == 0 || line.data[0] != '$') {
        /* The byte may be the CR itself, which the reply turns into a space. */
        (void)snprintf(decoder->error_text, sizeof(decoder->error_text),
                       "Protocol error: expected '$', got '%c'", line.data[0]);
        return fail(decoder->error_text, ret_error);
    }
    uint64_t size;
    struct bytes digits = bytes_make(line.data + 1, line.size - 1);
    if (!number_parse_u64(digits, &size) || size > limits->bulk_size_max || size > INT64_MAX) {
        return fail("Protocol error: invalid bulk length", ret_error);
    }
    if (size > size_limit(limits)) {
        return fail("Protocol error: unauthenticated bulk length", ret_error);
    }
    decoder->body_size = (size_t)size;
    decoder->phase = PHASE_BODY;
    return DECODE_REQUEST;
}

/* Takes the argument whose size is known, or begins to receive it into a blob. */
static enum decode_result take_body(struct decoder *decoder, struct decode_cursor *cursor,
                                    uint64_t keep_max, const char **ret_error)
{
    size_t there = (size_t)(cursor->end - cursor->at);
    size_t size = decoder->body_size;
    if (there < size && size >= BLOB_DIRECT_SIZE) {
        return direct_begin(decoder, cursor, size > keep_max) ? DECODE_MORE
                                                              : fail("out of memory", ret_error);
    }
    if (there < size || there - size < DECODE_END_SIZE) {
        return DECODE_MORE;
    }
    uintptr_t origin = decoder->is_resumed ? 0 : (uintptr_t)cursor->base;
    struct bytes *slot = &storage_slots(&decoder->storage)[decoder->done++];
    slot->data = (const unsigned char *)(origin + (size_t)(cursor->at - cursor->base));
    slot->size = size;
    cursor->at += size + DECODE_END_SIZE;
    decoder->phase = PHASE_LENGTH;
    return DECODE_REQUEST;
}

/* Goes on with an argument that has a blob. */
static enum decode_result take_direct(struct decoder *decoder, struct decode_cursor *cursor,
                                      const char **ret_error)
{
    if (!direct_continue(decoder, cursor)) {
        return DECODE_MORE;
    }
    if ((size_t)(cursor->end - cursor->at) < DECODE_END_SIZE) {
        return DECODE_MORE;
    }
    if (!direct_finish(decoder)) {
        return fail("out of memory", ret_error);
    }
    /* The slot is filled when the request is delivered, or stays empty. */
    storage_slots(&decoder->storage)[decoder->done++] = bytes_make(NULL, 0);
    cursor->at += DECODE_END_SIZE;
    decoder->phase = PHASE_LENGTH;
    return DECODE_REQUEST;
}

/* One step of what take_ready() left. DECODE_REQUEST: go on. */
static enum decode_result take_argument(struct decoder *decoder, struct decode_cursor *cursor,
                                        const struct decode_limits *limits, const char **ret_error)
{
    size_t done = decoder->done;
    if (done == storage_room(&decoder->storage)) {
        size_t wanted = done * 2 > ARGC_TRUSTED ? done * 2 : ARGC_TRUSTED;
        wanted = wanted < decoder->argc ? wanted : decoder->argc;
        bool grown = storage_grow(&decoder->storage, done, wanted);
        return grown ? DECODE_REQUEST : fail("out of memory", ret_error);
    }
    if (decoder->phase == PHASE_LENGTH) {
        return take_length(decoder, cursor, limits, ret_error);
    }
    if (decoder->phase == PHASE_BODY) {
        return take_body(decoder, cursor, limits->bulk_keep_max, ret_error);
    }
    return take_direct(decoder, cursor, ret_error);
}

/* Turns the slots' pointers into offsets (from the frame's base), or back. */
static void slots_shift(struct decoder *decoder, uintptr_t distance)
{
    struct bytes *slots = decoder->done > 0 ? storage_slots(&decoder->storage) : NULL;
    for (uint32_t i = 0; i < decoder->done; i++) {
        slots[i].data = (const unsigned char *)((uintptr_t)slots[i].data + distance);
    }
}

/* Hands the complete frame out. */
static enum decode_result deliver(struct decoder *decoder, const struct decode_cursor *cursor,
                                  struct request *ret_request, const char **ret_error)
{
    if (decoder->is_resumed) {
        slots_shift(decoder, (uintptr_t)cursor->base);
    }
    *ret_request = (struct request){
        .argc = decoder->argc,
        .argv = storage_slots(&decoder->storage),
        .wire_size = (size_t)(cursor->at - cursor->base) + decoder->dropped,
        .is_cut = decoder->is_cut,
    };
    if (decoder->direct_count > 0 && !direct_deliver(decoder, ret_request)) {
        return fail("out of memory", ret_error);
    }
    decoder->storage.chunk->used += decoder->argc;
    return DECODE_REQUEST;
}

/* Makes the frame in work independent of where the input is. */
static void suspend(struct decoder *decoder, const struct decode_cursor *cursor)
{
    decoder->at = (size_t)(cursor->at - cursor->base);
    if (!decoder->is_resumed) {
        slots_shift(decoder, (uintptr_t)0 - (uintptr_t)cursor->base);
        decoder->is_resumed = true;
    }
}

static enum decode_result decode_array(struct decoder *decoder, struct decode_cursor *cursor,
                                       const struct decode_limits *limits,
                                       struct request *ret_request, const char **ret_error)
{
    enum decode_result result = DECODE_REQUEST;
    size_t count;
    const unsigned char *behind = NULL;
    if (decoder->phase == PHASE_START && limits->authenticated) {
        behind = short_length(cursor->at, cursor->end, '*', &count);
    }
    if (LIKELY(behind != NULL)) {
        decoder->argc = (uint32_t)count;
        decoder->phase = PHASE_LENGTH;
        cursor->at = behind;
        size_t first = count < ARGC_TRUSTED ? count : ARGC_TRUSTED;
        if (UNLIKELY(storage_room(&decoder->storage) < first) &&
            !storage_grow(&decoder->storage, 0, first)) {
            return fail("out of memory", ret_error);
        }
    } else if (decoder->phase <= PHASE_HEAD) {
        result = take_head(decoder, cursor, limits, ret_error);
    }
    while (result == DECODE_REQUEST && decoder->done < decoder->argc) {
        if (decoder->phase == PHASE_LENGTH) {
            take_ready(decoder, cursor, size_limit(limits));
        }
        if (decoder->done < decoder->argc) {
            result = take_argument(decoder, cursor, limits, ret_error);
        }
    }
    if (result == DECODE_MORE) {
        suspend(decoder, cursor);
        return result;
    }
    if (result == DECODE_ERROR || decoder->argc > 0) {
        return result == DECODE_ERROR ? result : deliver(decoder, cursor, ret_request, ret_error);
    }
    *ret_request = (struct request){.argc = 0};
    return DECODE_REQUEST;
}

/* Whatever the input begins with. Apart, so that small frames do not pay for its registers. */
static ATTR_NOINLINE enum decode_result next_carefully(struct decoder *decoder, struct bytes *input,
                                                       const struct decode_limits *limits,
                                                       struct request *ret_request,
                                                       const char **ret_error)
{
    while (input->size > 0) {
        check(decoder->at <= input->size);
        check(decoder->scanned <= input->size);
        struct decode_cursor cursor = {
            .base = input->data,
            .at = input->data + decoder->at,
            .end = input->data + input->size,
        };
        enum decode_result result;
        if (LIKELY(*input->data == '*')) {
            result = decode_array(decoder, &cursor, limits, ret_request, ret_error);
        } else {
            result = decode_inline(decoder, &cursor, ret_request, ret_error);
        }
        if (result == DECODE_MORE) {
            bool fills_blob = decoder->phase == PHASE_DIRECT && decoder_direct(decoder).size > 0;
            decoder->keep = fills_blob ? decoder->at : input->size;
            return result;
        }
        if (result == DECODE_ERROR) {
            direct_discard(decoder);
            frame_reset(decoder);
            return result;
        }
        size_t size = (size_t)(cursor.at - cursor.base);
        *input = bytes_make(input->data + size, input->size - size);
        frame_reset(decoder);
        if (LIKELY(ret_request->argc > 0)) {
            return result;
        }
    }
    check(decoder->phase == PHASE_START);
    decoder->keep = 0;
    return DECODE_MORE;
}

enum decode_result decoder_next(struct decoder *decoder, struct bytes *input,
                                const struct decode_limits *limits, struct request *ret_request,
                                const char **ret_error)
{
    if (LIKELY(decoder->phase == PHASE_START && limits->authenticated &&
               limits->bulk_size_max >= SHORT_SIZE_MAX) &&
        LIKELY(take_small_frame(decoder, input, ret_request))) {
        return DECODE_REQUEST;
    }
    return next_carefully(decoder, input, limits, ret_request, ret_error);
}

bool decoder_is_mid_frame(const struct decoder *decoder)
{
    return decoder->phase != PHASE_START;
}

struct direct_target decoder_direct(struct decoder *decoder)
{
    if (decoder->direct_blob == NULL) {
        return (struct direct_target){.data = NULL, .size = 0};
    }
    size_t missing = direct_missing(decoder);
    if (decoder->direct_skips) {
        size_t piece = decoder->direct_blob->size;
        return (struct direct_target){
            .data = decoder->direct_blob->data,
            .size = missing < piece ? missing : piece,
        };
    }
    return (struct direct_target){
        .data = decoder->direct_blob->data + decoder->direct_filled,
        .size = missing,
    };
}

void decoder_direct_filled(struct decoder *decoder, size_t size)
{
    check(size <= decoder_direct(decoder).size);
    decoder->direct_filled += size;
    decoder->dropped += size;
}

size_t decoder_keep(const struct decoder *decoder)
{
    return decoder->keep;
}

void decoder_rewind(struct decoder *decoder)
{
    storage_rewind(&decoder->storage, decoder->done);
}

size_t decoder_memory(const struct decoder *decoder)
{
    size_t size = sizeof(*decoder) + decoder->storage.memory_size;
    size += decoder->direct_capacity * sizeof(*decoder->directs);
    for (uint32_t i = 0; i < decoder->direct_count; i++) {
        size += decoder->directs[i].blob->capacity;
    }
    return size + (decoder->direct_blob != NULL ? decoder->direct_blob->capacity : 0);
}
