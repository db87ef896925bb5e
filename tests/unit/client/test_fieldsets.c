/* Tests of field lists: stored, replaced, found, removed, refused, and no memory left behind. */
#include "pollard/base/mem.h"
#include "pollard/base/thread.h"
#include "pollard/client/fieldsets.h"
#include <criterion/criterion.h>

static void begin(void)
{
    thread_adopt();
}

static void end(void)
{
    thread_release();
}

TestSuite(fieldsets, .init = begin, .fini = end);

static struct bytes text(const char *text)
{
    return bytes_text(text);
}

Test(fieldsets, are_kept_by_name)
{
    size_t used = mem_used();
    struct fieldsets *sets = NULL;
    struct bytes fields[] = {bytes_text("b"), bytes_text(""), bytes_text("a")};
    cr_assert_null(fieldsets_find(sets, text("x")));
    cr_assert_not(fieldsets_remove(sets, text("x")));
    cr_assert_eq(fieldsets_memory(sets), 0);
    cr_assert_eq(fieldsets_put(&sets, text("x"), fields, 3), FIELDSET_OK);
    cr_assert_eq(fieldsets_put(&sets, text(""), fields, 1), FIELDSET_OK);
    const struct fieldset *found = fieldsets_find(sets, text("x"));
    cr_assert_not_null(found);
    cr_assert_eq(found->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert(bytes_equal(found->fields[i], fields[i]));
    }
    cr_assert_eq(fieldsets_put(&sets, text("x"), fields, 2), FIELDSET_OK);
    cr_assert_eq(fieldsets_find(sets, text("x"))->count, 2, "replaced");
    cr_assert_eq(fieldsets_count(sets), 2);
    cr_assert(fieldsets_remove(sets, text("")));
    cr_assert_null(fieldsets_find(sets, text("")));
    cr_assert_eq(fieldsets_count(sets), 1);
    cr_assert_gt(fieldsets_memory(sets), 0);
    struct fieldsets *held = fieldsets_acquire(sets);
    fieldsets_release(sets);
    cr_assert_not_null(fieldsets_find(held, text("x")), "a job still reads it");
    fieldsets_release(held);
    fieldsets_release(NULL);
    cr_assert_eq(mem_used(), used);
}

Test(fieldsets, refuse_duplicates_and_too_many)
{
    struct fieldsets *sets = NULL;
    struct bytes twice[] = {bytes_text("a"), bytes_text("b"), bytes_text("a")};
    cr_assert_eq(fieldsets_put(&sets, text("x"), twice, 3), FIELDSET_DUPLICATE);
    cr_assert_null(fieldsets_find(sets, text("x")));
    for (unsigned i = 0; i < FIELDSETS_MAX; i++) {
        cr_assert_eq(fieldsets_put(&sets, bytes_make(&i, sizeof(i)), twice, 2), FIELDSET_OK);
    }
    cr_assert_eq(fieldsets_put(&sets, text("one more"), twice, 2), FIELDSET_TOO_MANY);
    unsigned last = FIELDSETS_MAX - 1;
    cr_assert_eq(fieldsets_put(&sets, bytes_make(&last, sizeof(last)), twice, 1), FIELDSET_OK);
    fieldsets_release(sets);
    sets = NULL;
    unsigned char *large = mem_alloc_zero(FIELDSETS_SIZE_MAX);
    struct bytes huge = bytes_make(large, FIELDSETS_SIZE_MAX);
    cr_assert_eq(fieldsets_put(&sets, text("x"), &huge, 1), FIELDSET_TOO_MANY);
    cr_assert_eq(fieldsets_count(sets), 0);
    mem_free(large);
    fieldsets_release(sets);
}
