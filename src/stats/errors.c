/* Error replies counted by their code word: INFO errorstats.
 *
 * Off the data path: an error takes the lock once. Invariant: codes are unique and stand in the
 * order they were first seen; when the table is full, new ones are not counted. */
#include "pollard/base/bytes.h"
#include "stats_private.h"

/* Different codes kept: a client that makes up code words (DEBUG ERROR) must not fill memory. The
 * bound is Redis's. */
#define ERROR_CODES_MAX 128
#define ERROR_CODE_SIZE 32

struct error_count {
    char code[ERROR_CODE_SIZE];
    uint64_t count;
};

static struct lock errors_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_RANK_STATS};
static struct error_count errors[ERROR_CODES_MAX];
static size_t error_count;

static struct error_count *find(const char *code)
{
    for (size_t i = 0; i < error_count; i++) {
        if (strncmp(errors[i].code, code, ERROR_CODE_SIZE - 1) == 0) {
            return &errors[i];
        }
    }
    return NULL;
}

void stats_error(const char *code)
{
    lock_acquire(&errors_lock);
    struct error_count *error = find(code);
    if (error == NULL && error_count < ERROR_CODES_MAX) {
        error = &errors[error_count];
        error_count++;
        size_t size = strlen(code);
        size = size < ERROR_CODE_SIZE - 1 ? size : ERROR_CODE_SIZE - 1;
        memcpy(error->code, code, size);
        error->code[size] = '\0';
        error->count = 0;
    }
    if (error != NULL) {
        error->count++;
    }
    lock_release(&errors_lock);
}

void stats_errors_each(void (*visit)(void *argument, const char *code, uint64_t count),
                       void *argument)
{
    lock_acquire(&errors_lock);
    for (size_t i = 0; i < error_count; i++) {
        visit(argument, errors[i].code, errors[i].count);
    }
    lock_release(&errors_lock);
}

void stats_errors_reset(void)
{
    lock_acquire(&errors_lock);
    error_count = 0;
    lock_release(&errors_lock);
}
