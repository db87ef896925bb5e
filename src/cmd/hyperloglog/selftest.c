/* PFSELFTEST: the sketches of this build on this machine, put to the test.
 *
 * Runs on the pool, without keys, on sketches of its own; some tens of milliseconds. */
#include "common.h"
#include "pollard/base/hash.h"
#include "pollard/base/mem.h"
#include "pollard_commands.h"
#include <math.h>

#define REGISTER_ROUNDS 50
#define ELEMENTS_MAX 1000000
/* Standard errors that an estimate may be off. Source: the probability of more is below 10^-6. */
#define ERRORS_ALLOWED 5.0
/* Relative: 1.04 / sqrt(registers). */
#define STANDARD_ERROR 0.008125

struct self_test {
    unsigned char *dense;
    unsigned char *sparse;
    size_t sparse_size;
    bool is_sparse; /* still */
};

static bool wants_stop(const struct exec *x)
{
    return x->cancelled != NULL &&
           atomic_load_explicit((_Atomic bool *)x->cancelled, memory_order_relaxed);
}

static void make_empty(struct self_test *test)
{
    hll_make_empty(test->sparse);
    test->sparse_size = HLL_EMPTY_SIZE;
    test->is_sparse = true;
    (void)hll_sparse_to_dense(bytes_make(test->sparse, HLL_EMPTY_SIZE), test->dense);
}

/* Registers hold what was put into them, whatever their neighbours have. NULL, or what is wrong. */
static const char *test_registers(const struct exec *x, struct self_test *test)
{
    struct hll_registers expected = {{0}};
    make_empty(test);
    for (uint32_t round = 0; round < REGISTER_ROUNDS && !wants_stop(x); round++) {
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            const struct hll_sample sample = {
                .index = (uint32_t)random_below(HLL_REGISTERS),
                .value = (uint32_t)random_below(64),
            };
            uint8_t *value = &expected.values[sample.index];
            bool is_higher = sample.value > *value;
            if ((hll_dense_raise(test->dense, sample) == HLL_RAISED) != is_higher) {
                return "a register does not say whether it was raised";
            }
            *value = is_higher ? (uint8_t)sample.value : *value;
        }
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            if (hll_dense_get(test->dense, i) != expected.values[i]) {
                return "a register does not hold what was put into it";
            }
        }
    }
    return NULL;
}

/* Is the estimate within its bounds, and the same of both forms? NULL, or what is wrong. */
static const char *check_estimates(const struct self_test *test, uint64_t elements)
{
    uint64_t count = 0;
    (void)hll_count(bytes_make(test->dense, HLL_DENSE_SIZE), &count);
    double error = fabs((double)count - (double)elements);
    /* Of few elements, some share a register by chance. */
    double allowed = (double)elements * STANDARD_ERROR * ERRORS_ALLOWED + 3.0;
    if (error > allowed) {
        return "an estimate is off by too much";
    }
    if (!test->is_sparse) {
        return NULL;
    }
    uint64_t sparse_count = 0;
    struct bytes sparse = bytes_make(test->sparse, test->sparse_size);
    struct hll_registers registers = {{0}};
    if (!hll_count(sparse, &sparse_count) || !hll_merge(&registers, sparse)) {
        return "a sparse sketch is corrupt";
    }
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        if (hll_dense_get(test->dense, i) != registers.values[i]) {
            return "a sparse sketch differs from the dense one";
        }
    }
    return sparse_count == count ? NULL : "a sparse sketch's estimate differs";
}

/* Different elements, looked at after 1, 2, 5, 10, 20, 50, ... of them. */
static const char *test_estimates(const struct exec *x, struct self_test *test)
{
    static const uint32_t steps[] = {1, 2, 5};
    uint64_t seed = random_u64();
    uint64_t next = 1;
    uint32_t looks = 0;
    make_empty(test);
    for (uint64_t i = 1; i <= ELEMENTS_MAX && !wants_stop(x); i++) {
        uint64_t element = seed + i;
        struct hll_sample sample = hll_sample_of(bytes_make(&element, sizeof(element)));
        (void)hll_dense_raise(test->dense, sample);
        if (test->is_sparse) {
            test->is_sparse = hll_sparse_raise(test->sparse, &test->sparse_size, sample,
                                               HLL_SPARSE_SIZE_MAX / 4) != HLL_FULL;
        }
        if (i < next) {
            continue;
        }
        const char *problem = check_estimates(test, i);
        if (problem != NULL) {
            return problem;
        }
        looks++;
        next = steps[looks % 3];
        for (uint32_t k = 0; k < looks / 3; k++) {
            next *= 10;
        }
    }
    return NULL;
}

enum status cmd_pfselftest(struct exec *x)
{
    struct self_test test = {
        .dense = mem_alloc(HLL_DENSE_SIZE),
        .sparse = mem_alloc(HLL_SPARSE_SIZE_MAX + HLL_SPARSE_GROWTH),
    };
    const char *problem = test_registers(x, &test);
    if (problem == NULL) {
        problem = test_estimates(x, &test);
    }
    mem_free(test.dense);
    mem_free(test.sparse);
    if (problem != NULL) {
        reply_error_format(x->reply, "TESTFAILED %s", problem);
        return STATUS_REPLIED;
    }
    reply_ok(x->reply);
    return STATUS_OK;
}
