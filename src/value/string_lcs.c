/* Longest common subsequences of two strings (LCS).
 *
 * Lengths are computed row by row over one array; of the whole matrix only one bit a cell is kept:
 * which neighbour was the longer one where the bytes differ. That is all the walk back needs, since
 * equal bytes always step diagonally, and it is a 32nd of a matrix of lengths.
 *
 *           b[0] b[1] ...
 *     a[0]   .    .        row i holds, at j, the best length of a[0..i] and b[0..j]
 *     a[1]   .    .
 *
 * Invariants: 1. rows_done <= a.size. 2. steps, if kept, has a.size rows of steps_stride bytes.
 * Long work: the caller runs it in slices of rows, off the reactor and without a lock. */
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/value/string.h"

bool lcs_init(struct lcs *lcs, struct bytes a, struct bytes b, bool steps, size_t memory_max)
{
    *lcs = (struct lcs){.a = a, .b = b, .a_left = a.size, .b_left = b.size};
    if (a.size >= UINT32_MAX || b.size >= UINT32_MAX) {
        return false;
    }
    lcs->row = mem_try_alloc((b.size + 1) * sizeof(*lcs->row));
    if (lcs->row == NULL) {
        return false;
    }
    memset(lcs->row, 0, (b.size + 1) * sizeof(*lcs->row));
    if (!steps) {
        return true;
    }
    lcs->steps_stride = (b.size + 7) / 8;
    /* Both factors are below 2^32. */
    size_t steps_size = a.size * lcs->steps_stride;
    if (steps_size <= memory_max) {
        lcs->steps = mem_try_alloc(steps_size);
    }
    if (lcs->steps == NULL) {
        lcs_deinit(lcs);
        return false;
    }
    return true;
}

void lcs_deinit(struct lcs *lcs)
{
    mem_free(lcs->row);
    mem_free(lcs->steps);
    lcs->row = NULL;
    lcs->steps = NULL;
}

/* Lengths of the next row; where the bytes differ, notes whether up is longer than left. */
static void fill_row(struct lcs *lcs, unsigned char byte, unsigned char *steps)
{
    uint32_t *row = lcs->row;
    const unsigned char *other = lcs->b.data;
    uint32_t diagonal = 0;
    uint32_t left = 0;
    for (size_t j = 0; j < lcs->b.size; j++) {
        uint32_t up = row[j + 1];
        bool is_up = up > left;
        if (steps != NULL) {
            steps[j / 8] |= (unsigned char)((unsigned)is_up << (j % 8));
        }
        uint32_t longer = is_up ? up : left;
        left = other[j] == byte ? diagonal + 1 : longer;
        diagonal = up;
        row[j + 1] = left;
    }
}

bool lcs_row(struct lcs *lcs)
{
    if (lcs->rows_done < lcs->a.size) {
        unsigned char *steps = NULL;
        if (lcs->steps != NULL) {
            steps = lcs->steps + lcs->rows_done * lcs->steps_stride;
            memset(steps, 0, lcs->steps_stride);
        }
        fill_row(lcs, lcs->a.data[lcs->rows_done], steps);
        lcs->rows_done++;
    }
    lcs->length = lcs->row[lcs->b.size];
    return lcs->rows_done < lcs->a.size;
}

static bool is_equal_here(const struct lcs *lcs)
{
    return lcs->a_left > 0 && lcs->b_left > 0 &&
           lcs->a.data[lcs->a_left - 1] == lcs->b.data[lcs->b_left - 1];
}

bool lcs_next(struct lcs *lcs, struct lcs_match *ret_match)
{
    check(lcs->rows_done == lcs->a.size);
    if (lcs->steps == NULL) {
        return false;
    }
    while (!is_equal_here(lcs)) {
        if (lcs->a_left == 0 || lcs->b_left == 0) {
            return false;
        }
        size_t j = lcs->b_left - 1;
        const unsigned char *steps = lcs->steps + (lcs->a_left - 1) * lcs->steps_stride;
        if ((steps[j / 8] >> (j % 8) & 1) != 0) {
            lcs->a_left--;
        } else {
            lcs->b_left--;
        }
    }
    ret_match->a_end = lcs->a_left - 1;
    ret_match->b_end = lcs->b_left - 1;
    while (is_equal_here(lcs)) {
        lcs->a_left--;
        lcs->b_left--;
    }
    ret_match->a_start = lcs->a_left;
    ret_match->b_start = lcs->b_left;
    return true;
}
