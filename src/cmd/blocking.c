/* Pops that wait: BLPOP, BRPOP, BZPOPMIN, BZPOPMAX. Inside a WRITE access on all keys, or on the
 * one that a waiting call is served from (exec.h, exec_wait). */
#include "blocking.h"

enum status blocking_pop_first(struct exec *x, enum value_type type, blocking_take *take, int end)
{
    struct exec_wait wait = {.key_count = x->argc - 2, .type = type, .null_is_array = true};
    enum status status = argument_timeout(x, x->argc - 1, &wait.timeout_ms);
    if (status != STATUS_OK) {
        return status;
    }
    const struct exec_range range = exec_wait_keys(x, wait.key_count);
    for (uint32_t i = range.begin; i < range.end; i++) {
        struct collection_edit edit;
        status = edit_begin(x, i, type, NULL, &edit);
        if (status == STATUS_OK) {
            return edit_end(x, &edit, take(x, i, edit.at, end));
        }
        if (status != STATUS_ABSENT) {
            return status;
        }
    }
    return exec_wait(x, &wait);
}
