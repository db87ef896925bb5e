/* Where the keys of a call are: the key specs applied to its arguments.
 *
 * On the hot path for commands with several keys. Pure; any thread. The arguments come from a
 * client: nothing about them is taken for granted but that their count fits the arity. */
#include "pollard/base/number.h"
#include "pollard/exec/command.h"

/* The keys of one spec: argv[first], argv[first + step], ... count of them. */
struct key_run {
    uint32_t first;
    uint32_t step;
    uint32_t count;
};

/* Looks for the keyword from a start on: forwards, or backwards from the end. The index behind it,
 * or 0 when it is not there. */
static int64_t find_keyword(const struct key_spec *spec, const struct bytes *argv, uint32_t argc)
{
    bool is_forward = spec->index > 0;
    int64_t step = is_forward ? 1 : -1;
    int64_t start = is_forward ? spec->index : (int64_t)argc + spec->index;
    for (int64_t i = start; i > 0 && i < argc; i += step) {
        if (bytes_is(argv[i], spec->keyword)) {
            return i + 1;
        }
    }
    return 0;
}

/* A range whose last key is counted from its first, or from the end of the arguments. */
static bool find_range(const struct key_spec *spec, int64_t first, uint32_t argc,
                       struct key_run *ret_run)
{
    int64_t last = first + spec->last;
    if (spec->last < 0) {
        /* A limit divides what follows: half of it for 2 (XREAD's keys, then their ids). */
        last = spec->limit > 1 ? first + (argc - first) / spec->limit + spec->last
                               : (int64_t)argc + spec->last;
    }
    if (spec->begin == KEY_BEGIN_INDEX && first == argc && spec->last == -1) {
        return true; /* "All that follow" are none (PFMERGE). */
    }
    if (first >= argc || last >= argc || last < first) {
        return false;
    }
    ret_run->first = (uint32_t)first;
    ret_run->step = (uint32_t)spec->step;
    ret_run->count = (uint32_t)((last - first) / spec->step + 1);
    return true;
}

/* A count of keys, then the keys. */
static bool find_counted(const struct key_spec *spec, int64_t begin, const struct bytes *argv,
                         uint32_t argc, struct key_run *ret_run)
{
    int64_t count;
    int64_t number = begin + spec->keynum_index;
    if (number >= argc || !number_parse_i64(argv[number], &count) || count < 0 || count > argc) {
        return false;
    }
    int64_t first = begin + spec->first_key;
    if (count > 0 && first + (count - 1) * spec->step >= argc) {
        return false;
    }
    ret_run->first = (uint32_t)first;
    ret_run->step = (uint32_t)spec->step;
    ret_run->count = (uint32_t)count;
    return true;
}

/* True when the arguments fit the spec; a keyword that is absent leaves no keys. */
static bool find_run(const struct key_spec *spec, const struct bytes *argv, uint32_t argc,
                     struct key_run *ret_run)
{
    int64_t begin = spec->index;
    *ret_run = (struct key_run){0};
    if (spec->begin == KEY_BEGIN_KEYWORD) {
        begin = find_keyword(spec, argv, argc);
    }
    if (spec->begin == KEY_BEGIN_UNKNOWN || spec->find == KEY_FIND_UNKNOWN || begin == 0) {
        return true;
    }
    bool fits = spec->find == KEY_FIND_RANGE ? find_range(spec, begin, argc, ret_run)
                                             : find_counted(spec, begin, argv, argc, ret_run);
    /* A spec that does not claim to tell every key may also fail to fit. */
    return fits || (spec->flags & KEY_SPEC_INCOMPLETE) != 0;
}

int command_keys(const struct command *command, const struct bytes *argv, uint32_t argc,
                 struct key_position *positions, uint32_t capacity)
{
    const struct key_spec *spec = command->key_specs;
    if (command->key_spec_count == 1 && command->first_key > 0 &&
        command->first_key == command->last_key && capacity > 0 &&
        (spec->flags & KEY_SPEC_NOT_KEY) == 0) {
        positions[0] =
            (struct key_position){.index = (uint32_t)command->first_key, .flags = spec->flags};
        return 1;
    }
    uint32_t total = 0;
    for (uint32_t s = 0; s < command->key_spec_count; s++, spec++) {
        struct key_run run;
        if (!find_run(spec, argv, argc, &run)) {
            return -1;
        }
        if ((spec->flags & KEY_SPEC_NOT_KEY) != 0) {
            continue;
        }
        for (uint32_t i = 0; i < run.count; i++, total++) {
            if (total < capacity) {
                positions[total] =
                    (struct key_position){.index = run.first + i * run.step, .flags = spec->flags};
            }
        }
    }
    return (int)total;
}
