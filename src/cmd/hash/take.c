/* Fields with a TTL in one go: HGETEX HSETEX HGETDEL.
 *
 * Run inside a WRITE access on one key. */
#include "common.h"
#include "pollard_commands.h"

/* ---- Options of HGETEX and HSETEX, in any order ---- */

enum take_condition { TAKE_ALWAYS, TAKE_FNX, TAKE_FXX };

struct take_options {
    uint32_t stride;         /* 1: fields; 2: fields with values */
    enum expiry_kind plain;  /* the word that stands for a time: PERSIST or KEEPTTL */
    enum expiry_kind expiry; /* EXPIRY_NONE: no option */
    uint32_t time;           /* its index */
    int64_t at_ms;
    enum take_condition condition; /* HSETEX only */
    struct hash_fields fields;     /* count 0: not seen yet */
};

static enum status refuse_word(struct exec *x, uint32_t index)
{
    struct bytes word = x->argv[index];
    reply_error_format(x->reply, "ERR unknown argument: %.*s",
                       (int)(word.size > 128 ? 128 : word.size), (const char *)word.data);
    return STATUS_REPLIED;
}

/* FIELDS n field ... at *index, which is moved to the last of it. */
static enum status read_fields(const struct exec *x, uint32_t *index, struct take_options *options)
{
    int64_t count;
    if (options->fields.count != 0) {
        return STATUS_FIELDS_REPEATED;
    }
    if (*index + 1 >= x->argc || argument_integer(x, *index + 1, &count) != STATUS_OK ||
        count < 1 || count > INT32_MAX) {
        return STATUS_FIELDS_INVALID;
    }
    if (count * options->stride > (int64_t)(x->argc - *index - 2)) {
        return STATUS_FIELDS_COUNT;
    }
    options->fields = (struct hash_fields){
        .first = *index + 2, .count = (uint32_t)count, .stride = options->stride};
    *index += 1 + (uint32_t)count * options->stride;
    return STATUS_OK;
}

static enum status read_condition(const struct exec *x, uint32_t index,
                                  struct take_options *options)
{
    if (options->condition != TAKE_ALWAYS) {
        return STATUS_FIELD_CONDITIONS;
    }
    options->condition = argument_is(x, index, "fnx") ? TAKE_FNX : TAKE_FXX;
    return STATUS_OK;
}

/* STATUS_ABSENT when it is no option of time. */
static enum status read_expiry(const struct exec *x, uint32_t *index, struct take_options *options)
{
    static const struct {
        const char *word;
        enum expiry_kind kind;
    } kinds[] = {{"ex", EXPIRY_EX},     {"px", EXPIRY_PX},           {"exat", EXPIRY_EXAT},
                 {"pxat", EXPIRY_PXAT}, {"keepttl", EXPIRY_KEEPTTL}, {"persist", EXPIRY_PERSIST}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool is_plain = kinds[i].kind > EXPIRY_PXAT;
        if (!argument_is(x, *index, kinds[i].word) ||
            (is_plain && kinds[i].kind != options->plain)) {
            continue;
        }
        if (options->expiry != EXPIRY_NONE) {
            return options->plain == EXPIRY_PERSIST ? STATUS_EXPIRY_OR_PERSIST
                                                    : STATUS_EXPIRY_OR_KEEPTTL;
        }
        options->expiry = kinds[i].kind;
        if (is_plain) {
            return STATUS_OK;
        }
        *index += 1;
        options->time = *index;
        return *index < x->argc ? STATUS_OK : STATUS_EXPIRY_MISSING;
    }
    return STATUS_ABSENT;
}

static enum status read_option(struct exec *x, uint32_t *index, struct take_options *options)
{
    if (argument_is(x, *index, "fields")) {
        return read_fields(x, index, options);
    }
    if (options->stride == 2 && (argument_is(x, *index, "fnx") || argument_is(x, *index, "fxx"))) {
        return read_condition(x, *index, options);
    }
    enum status status = read_expiry(x, index, options);
    if (status != STATUS_ABSENT) {
        return status;
    }
    /* Behind the fields it is one too many of them. */
    return options->fields.count != 0 ? STATUS_FIELDS_COUNT : refuse_word(x, *index);
}

static enum status read_options(struct exec *x, struct take_options *options)
{
    for (uint32_t i = 2; i < x->argc; i++) {
        enum status status = read_option(x, &i, options);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (options->fields.count == 0) {
        return STATUS_FIELDS_MISSING;
    }
    if (options->time == 0) {
        return STATUS_OK;
    }
    enum expiry_kind kind = options->expiry;
    const struct hash_time time = {
        .index = options->time,
        .unit_ms = kind == EXPIRY_EX || kind == EXPIRY_EXAT ? 1000 : 1,
        .is_relative = kind == EXPIRY_EX || kind == EXPIRY_PX,
    };
    return hash_time_read(x, &time, &options->at_ms);
}

/* ---- HGETEX ---- */

static void reply_nulls(struct exec *x, uint32_t count)
{
    reply_array(x->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        reply_null(x->reply);
    }
}

/* Replies a field's value; false when there is none. */
static bool reply_field(struct exec *x, const struct collection *hash,
                        const struct item_needle *field)
{
    struct item value;
    bool is_found = hash_find(hash, field, x->now_ms, &value);
    if (is_found) {
        reply_item(x->reply, &value);
    } else {
        reply_null(x->reply);
    }
    return is_found;
}

static void reply_fields(struct exec *x, const struct collection *hash,
                         const struct hash_fields *fields)
{
    struct item_needle field;
    reply_array(x->reply, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        item_needle_init(&field, x->argv[fields->first + i]);
        (void)reply_field(x, hash, &field); /* Either answer is one. */
    }
}

/* Replies a field and changes its expiry; false when nothing has changed. */
static bool take_field(struct exec *x, struct collection **hash, const struct take_options *options,
                       uint32_t index)
{
    struct item_needle field;
    item_needle_init(&field, x->argv[index]);
    if (!reply_field(x, *hash, &field)) {
        return false;
    }
    if (options->expiry == EXPIRY_PERSIST) {
        if (hash_expiry(*hash, &field, x->now_ms) == HASH_NO_EXPIRY) {
            return false;
        }
        hash_set_expiry(hash, &field, HASH_NO_EXPIRY);
    } else if (options->at_ms <= x->now_ms) {
        (void)hash_remove(hash, &field, x->now_ms); /* It is there. */
    } else {
        hash_set_expiry(hash, &field, options->at_ms);
    }
    return true;
}

static enum key_event take_event(const struct exec *x, const struct take_options *options)
{
    if (options->expiry == EXPIRY_PERSIST) {
        return EVENT_hpersist;
    }
    return options->at_ms <= x->now_ms ? EVENT_hdel : EVENT_hexpire;
}

enum status cmd_hgetex(struct exec *x)
{
    struct take_options options = {.stride = 1, .plain = EXPIRY_PERSIST};
    const struct collection *hash;
    struct collection_edit edit;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    status = hash_of_key(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (status == STATUS_OK && options.expiry == EXPIRY_NONE) {
        reply_fields(x, hash, &options.fields);
        return STATUS_OK;
    }
    if (status == STATUS_ABSENT || edit_begin(x, 0, VALUE_HASH, NULL, &edit) != STATUS_OK) {
        reply_nulls(x, options.fields.count);
        return STATUS_OK;
    }
    reply_array(x->reply, options.fields.count);
    bool has_changed = false;
    for (uint32_t i = 0; i < options.fields.count; i++) {
        has_changed |= take_field(x, edit.at, &options, options.fields.first + i);
    }
    return hash_edit_end(x, &edit, has_changed ? take_event(x, &options) : EDIT_TELLS_NOTHING);
}

/* ---- HSETEX ---- */

static bool condition_holds(const struct exec *x, const struct collection *hash,
                            const struct take_options *options)
{
    struct item_needle field;
    struct item value;
    for (uint32_t i = 0; options->condition != TAKE_ALWAYS && i < options->fields.count; i++) {
        item_needle_init(&field, x->argv[options->fields.first + 2 * i]);
        bool is_there = hash != NULL && hash_find(hash, &field, x->now_ms, &value);
        if (is_there != (options->condition == TAKE_FXX)) {
            return false;
        }
    }
    return true;
}

static enum status set_field(struct exec *x, struct collection **hash,
                             const struct take_options *options, uint32_t index)
{
    struct item_needle field;
    bool is_new;
    if (options->time != 0 && options->at_ms <= x->now_ms) {
        item_needle_init(&field, x->argv[index]);
        (void)hash_remove(hash, &field, x->now_ms); /* Whether it was there does not matter. */
        return STATUS_OK;
    }
    const struct hash_pair pair = {.index = index,
                                   .keeps_expiry = options->expiry == EXPIRY_KEEPTTL};
    enum status status = hash_set_pair(x, hash, &pair, &is_new);
    if (status == STATUS_OK && options->time != 0) {
        item_needle_init(&field, x->argv[index]);
        hash_set_expiry(hash, &field, options->at_ms);
    }
    return status;
}

/* Ends the edit and tells of it. status: of the setting of fields. */
static enum status end_setting(struct exec *x, struct collection_edit *edit,
                               const struct take_options *options, enum status status)
{
    if (status != STATUS_OK) {
        (void)hash_edit_end(x, edit, EDIT_TELLS_NOTHING); /* The first failure is the answer. */
        return status;
    }
    bool is_over = options->time != 0 && options->at_ms <= x->now_ms;
    if (is_over) {
        bool was_absent = edit->fresh != NULL;
        key_event(x->access, 0, EVENT_hset);
        key_event(x->access, 0, EVENT_hdel);
        if (was_absent) {
            key_event(x->access, 0, EVENT_del); /* As if it had been made first. */
        }
        return hash_edit_end(x, edit, EDIT_TELLS_NOTHING);
    }
    status = hash_edit_end(x, edit, EVENT_hset);
    if (status == STATUS_OK && options->time != 0) {
        key_event(x->access, 0, EVENT_hexpire);
    }
    return status;
}

enum status cmd_hsetex(struct exec *x)
{
    struct take_options options = {.stride = 2, .plain = EXPIRY_KEEPTTL};
    const struct collection *hash = NULL;
    struct collection_edit edit;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = read_options(x, &options);
    if (status != STATUS_OK) {
        return status;
    }
    status = hash_look(x, &hash);
    if (status == STATUS_WRONG_TYPE) {
        return status;
    }
    if (!condition_holds(x, hash, &options)) {
        reply_integer(x->reply, 0);
        return STATUS_OK;
    }
    status = hash_edit(x, &edit);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < options.fields.count && status == STATUS_OK; i++) {
        status = set_field(x, edit.at, &options, options.fields.first + 2 * i);
    }
    status = end_setting(x, &edit, &options, status);
    if (status == STATUS_OK) {
        reply_integer(x->reply, 1);
    }
    return status;
}

/* ---- HGETDEL ---- */

enum status cmd_hgetdel(struct exec *x)
{
    struct hash_fields fields;
    struct collection_edit edit;
    struct item_needle field;
    if (hash_is_long(x)) {
        return STATUS_TO_POOL;
    }
    enum status status = hash_fields_read(x, 2, &fields);
    if (status != STATUS_OK) {
        return status;
    }
    status = edit_begin(x, 0, VALUE_HASH, /* fresh= */ NULL, &edit);
    if (status == STATUS_ABSENT) {
        reply_nulls(x, fields.count);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool has_changed = false;
    reply_array(x->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        item_needle_init(&field, x->argv[fields.first + i]);
        if (reply_field(x, *edit.at, &field)) {
            (void)hash_remove(edit.at, &field, x->now_ms); /* It is there. */
            has_changed = true;
        }
    }
    return edit_end(x, &edit, has_changed ? EVENT_hdel : EDIT_TELLS_NOTHING);
}
