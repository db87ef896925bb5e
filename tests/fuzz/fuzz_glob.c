/* Fuzz target of glob patterns, against a plain recursive matcher on small inputs. The first byte
 * says how long the pattern is. */
#include "fuzz.h"
#include "pollard/base/check.h"
#include "pollard/base/text.h"

/* The recursive model is exponential in the number of stars: they and the sizes are bounded. */
#define MODEL_SIZE_MAX 16
#define MODEL_STARS_MAX 4

/* Matches by trying every split at every star; single elements are left to text_glob itself. */
static bool model(struct bytes pattern, struct bytes text)
{
    if (pattern.size == 0) {
        return text.size == 0;
    }
    struct bytes behind = bytes_make(pattern.data + 1, pattern.size - 1);
    if (pattern.data[0] == '*') {
        for (size_t taken = 0; taken <= text.size; taken++) {
            if (model(behind, bytes_make(text.data + taken, text.size - taken))) {
                return true;
            }
        }
        return false;
    }
    if (text.size == 0) {
        return false;
    }
    if (pattern.data[0] != '?' && pattern.data[0] != text.data[0]) {
        return false;
    }
    return model(behind, bytes_make(text.data + 1, text.size - 1));
}

static bool is_for_model(struct bytes pattern, struct bytes text)
{
    size_t stars = 0;
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '[' || pattern.data[i] == '\\') {
            return false;
        }
        stars += pattern.data[i] == '*';
    }
    return stars <= MODEL_STARS_MAX && pattern.size <= MODEL_SIZE_MAX &&
           text.size <= MODEL_SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t length = data[0] < size - 1 ? data[0] : size - 1;
    struct bytes pattern = bytes_make(data + 1, length);
    struct bytes text = bytes_make(data + 1 + length, size - 1 - length);
    bool matches = text_glob(pattern, text, /* ignore_case= */ false);
    if (matches) {
        check(text_glob(pattern, text, /* ignore_case= */ true) ||
              memchr(pattern.data, '[', pattern.size) != NULL);
    }
    if (text_glob_is_literal(pattern)) {
        check(matches == bytes_equal(pattern, text));
    }
    if (is_for_model(pattern, text)) {
        check(matches == model(pattern, text));
    }
    return 0;
}
