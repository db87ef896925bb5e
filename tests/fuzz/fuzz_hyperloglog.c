/* Fuzz target of sketches: any bytes are taken as one, as a client may have stored them. What is
 * found valid must give the same in both forms, before and after elements were added. */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/ds/hyperloglog.h"

#define SAMPLES 64

/* The registers by the two ways there are, if the sketch is right. */
static bool read_registers(struct bytes sketch, struct hll_registers *registers)
{
    uint64_t count;
    memset(registers, 0, sizeof(*registers));
    bool is_right = hll_merge(registers, sketch);
    check(hll_count(sketch, &count) == is_right);
    if (is_right) {
        check(count == hll_count_registers(registers));
    }
    return is_right;
}

static void try_sparse(struct bytes sketch)
{
    static struct hll_registers registers;
    static struct hll_registers after;
    bool is_right = read_registers(sketch, &registers);
    unsigned char *dense = mem_alloc(HLL_DENSE_SIZE);
    check(hll_sparse_to_dense(sketch, dense) == is_right);
    size_t size = sketch.size;
    unsigned char *copy = mem_alloc(size + HLL_SPARSE_GROWTH * SAMPLES);
    memcpy(copy, sketch.data, size);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct hll_sample sample = hll_sample_of(bytes_make(&i, sizeof(i)));
        sample.index = i % 2 == 0 ? sample.index : i * 7;
        struct hll_place place;
        enum hll_result tested = hll_sparse_find(bytes_make(copy, size), sample, &place);
        enum hll_result result = hll_sparse_raise(copy, &size, sample, SIZE_MAX);
        check(result == tested);
        check(!is_right || result != HLL_CORRUPT);
        uint8_t *value = &registers.values[sample.index];
        *value = sample.value > *value ? (uint8_t)sample.value : *value;
    }
    if (is_right) {
        check(read_registers(bytes_make(copy, size), &after));
        check(memcmp(&registers, &after, sizeof(after)) == 0);
        check(hll_sparse_raise_all(copy, &size, &after, SIZE_MAX) == HLL_RAISED);
        check(read_registers(bytes_make(copy, size), &after));
        check(memcmp(&registers, &after, sizeof(after)) == 0);
    }
    mem_free(copy);
    mem_free(dense);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes sketch = bytes_make(data, size);
    if (!hll_is_valid(sketch)) {
        return 0;
    }
    if (hll_encoding_of(sketch) == HLL_DENSE) {
        static struct hll_registers registers;
        check(read_registers(sketch, &registers));
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            check(hll_dense_get(data, i) == registers.values[i]);
        }
        return 0;
    }
    try_sparse(sketch);
    size_t offset = HLL_HEADER_SIZE;
    struct hll_run run;
    while (hll_sparse_next(sketch, &offset, &run)) {
        check(run.length >= 1 && run.value <= 32);
    }
    check(offset <= size);
    return 0;
}
