/* The options of SORT. Pure. */
#include "pollard/base/number.h"
#include "sort.h"

static bool has_star(struct bytes pattern)
{
    return pattern.size > 0 && memchr(pattern.data, '*', pattern.size) != NULL;
}

static enum status read_limit(const struct exec *x, uint32_t *index, struct sort_options *options)
{
    if (argument_integer(x, *index + 1, &options->offset) != STATUS_OK ||
        argument_integer(x, *index + 2, &options->limit) != STATUS_OK) {
        return STATUS_NOT_INTEGER;
    }
    *index += 2;
    return STATUS_OK;
}

static void read_by(struct bytes pattern, struct sort_options *options)
{
    options->by = pattern;
    if (!has_star(pattern)) {
        options->skips_sorting = true;
    } else {
        options->reads_keys = true;
    }
}

static void read_get(const struct exec *x, uint32_t index, struct sort_options *options)
{
    struct bytes pattern = x->argv[index + 1];
    if (options->get_count == 0) {
        options->first_get = index;
    }
    options->get_count++;
    options->reads_keys = options->reads_keys || has_star(pattern);
}

/* One word with its operands. */
static enum status read_word(const struct exec *x, uint32_t *index, bool takes_store,
                             struct sort_options *options)
{
    uint32_t left = x->argc - *index - 1;
    if (argument_is(x, *index, "asc")) {
        options->is_descending = false;
    } else if (argument_is(x, *index, "desc")) {
        options->is_descending = true;
    } else if (argument_is(x, *index, "alpha")) {
        options->is_alpha = true;
    } else if (argument_is(x, *index, "limit") && left >= 2) {
        return read_limit(x, index, options);
    } else if (takes_store && argument_is(x, *index, "store") && left >= 1) {
        *index += 1;
        options->store = *index;
    } else if (argument_is(x, *index, "by") && left >= 1) {
        *index += 1;
        read_by(x->argv[*index], options);
    } else if (argument_is(x, *index, "get") && left >= 1) {
        read_get(x, *index, options);
        *index += 1;
    } else {
        return STATUS_SYNTAX;
    }
    return STATUS_OK;
}

enum status sort_read(const struct exec *x, bool takes_store, struct sort_options *options)
{
    *options = (struct sort_options){.limit = -1};
    for (uint32_t i = 2; i < x->argc; i++) {
        enum status status = read_word(x, &i, takes_store, options);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

struct bytes sort_next_get(const struct exec *x, uint32_t *index)
{
    /* The words were read before: every operand is stepped over with its option. */
    for (;;) {
        uint32_t i = *index;
        bool is_get = argument_is(x, i, "get");
        bool has_operand = is_get || argument_is(x, i, "by") || argument_is(x, i, "store");
        *index += argument_is(x, i, "limit") ? 3 : has_operand ? 2 : 1;
        if (is_get) {
            return x->argv[i + 1];
        }
    }
}
