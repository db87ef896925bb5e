/* Text matching and quoting.
 *
 * On the data path of KEYS, SCAN MATCH, pattern subscriptions and inline commands. Pure functions
 * but for the storage the caller gives. Invariant of the matcher: only the last '*' met is ever
 * gone back to. What an earlier one matched need not be reconsidered: a later star can take up
 * whatever slack there is. Hence the bound of O(pattern x text). */
#include "pollard/base/text.h"
#include "pollard/base/check.h"

/* Longest name that distances are computed of. */
#define DISTANCE_NAME_MAX ((size_t)64)

static unsigned char lower(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
    if (low > high) {
        unsigned char swapped = low;
        low = high;
        high = swapped;
    }
    return byte >= low && byte <= high;
}

/* Matches one byte against the class that begins at pattern[*at] == '['. *at ends behind it. A
 * class without ']' reaches to the pattern's end. */
static bool glob_class(struct bytes pattern, size_t *at, unsigned char byte, bool ignore_case)
{
    size_t i = *at + 1;
    bool inverted = i < pattern.size && pattern.data[i] == '^';
    bool found = false;
    i += inverted;
    while (i < pattern.size && pattern.data[i] != ']') {
        unsigned char low = pattern.data[i];
        unsigned char high = low;
        if (low == '\\' && i + 1 < pattern.size) {
            low = pattern.data[i + 1];
            high = low;
            i += 2;
        } else if (i + 2 < pattern.size && pattern.data[i + 1] == '-') {
            high = pattern.data[i + 2];
            i += 3;
        } else {
            i++;
        }
        if (ignore_case) {
            low = lower(low);
            high = lower(high);
        }
        found = found || in_range(byte, low, high);
    }
    *at = i < pattern.size ? i + 1 : i;
    return found != inverted;
}

/* Matches one byte against the element at pattern[*at], which is no '*'. *at ends behind it. */
static bool glob_one(struct bytes pattern, size_t *at, unsigned char byte, bool ignore_case)
{
    unsigned char element = pattern.data[*at];
    if (ignore_case) {
        byte = lower(byte);
    }
    if (element == '?') {
        ++*at;
        return true;
    }
    if (element == '[') {
        return glob_class(pattern, at, byte, ignore_case);
    }
    if (element == '\\' && *at + 1 < pattern.size) {
        ++*at;
        element = pattern.data[*at];
    }
    ++*at;
    return byte == (ignore_case ? lower(element) : element);
}

bool text_glob(struct bytes pattern, struct bytes text, bool ignore_case)
{
    size_t pattern_at = 0;
    size_t text_at = 0;
    /* Where to go on after a mismatch: behind the last star, and what it has not yet taken. */
    size_t retry_pattern = SIZE_MAX;
    size_t retry_text = 0;
    while (text_at < text.size) {
        if (pattern_at < pattern.size && pattern.data[pattern_at] == '*') {
            retry_pattern = ++pattern_at;
            retry_text = text_at;
            if (pattern_at == pattern.size) {
                return true;
            }
            continue;
        }
        if (pattern_at < pattern.size &&
            glob_one(pattern, &pattern_at, text.data[text_at], ignore_case)) {
            text_at++;
            continue;
        }
        if (retry_pattern == SIZE_MAX) {
            return false;
        }
        pattern_at = retry_pattern;
        text_at = ++retry_text;
    }
    while (pattern_at < pattern.size && pattern.data[pattern_at] == '*') {
        pattern_at++;
    }
    return pattern_at == pattern.size;
}

bool text_glob_is_literal(struct bytes pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (memchr("*?[\\", pattern.data[i], 4) != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_space(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(unsigned char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte = lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The byte that a backslash at line[*at] stands for within double quotes; *at ends behind it. */
static unsigned char unescape(struct bytes line, size_t *at)
{
    size_t left = line.size - *at;
    const unsigned char *escape = line.data + *at;
    if (left >= 4 && escape[1] == 'x' && hex_value(escape[2]) >= 0 && hex_value(escape[3]) >= 0) {
        *at += 4;
        return (unsigned char)(hex_value(escape[2]) * 16 + hex_value(escape[3]));
    }
    *at += 2;
    switch (escape[1]) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return escape[1];
    }
}

/* Copies what is quoted by the mark at line[*at]; *at ends behind the closing mark. false when it
 * never closes, or when no space follows. */
static bool split_quoted(struct bytes line, size_t *at, struct buf *storage)
{
    unsigned char mark = line.data[*at];
    ++*at;
    while (*at < line.size) {
        unsigned char byte = line.data[*at];
        if (byte == mark) {
            ++*at;
            return *at == line.size || is_space(line.data[*at]);
        }
        bool escapes = byte == '\\' && *at + 1 < line.size;
        if (escapes && mark == '"') {
            buf_append_byte(storage, unescape(line, at));
        } else if (escapes && line.data[*at + 1] == '\'') {
            buf_append_byte(storage, '\'');
            *at += 2;
        } else {
            buf_append_byte(storage, byte);
            ++*at;
        }
    }
    return false;
}

/* Copies one word from line[*at]; *at ends behind it. A quoted part ends the word. */
static bool split_word(struct bytes line, size_t *at, struct buf *storage)
{
    while (*at < line.size) {
        unsigned char byte = line.data[*at];
        if (byte == '"' || byte == '\'') {
            return split_quoted(line, at, storage);
        }
        /* Vertical tab and form feed separate words but do not end one: so do Redis' inline lines.
         */
        if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') {
            return true;
        }
        buf_append_byte(storage, byte);
        ++*at;
    }
    return true;
}

int text_split_words(struct bytes line, struct buf *storage, struct bytes *words, int max)
{
    /* Words are never longer than their source: from here on the storage does not move. */
    buf_reserve(storage, line.size);
    int count = 0;
    size_t at = 0;
    for (;;) {
        while (at < line.size && is_space(line.data[at])) {
            at++;
        }
        if (at == line.size) {
            return count;
        }
        size_t start = storage->size;
        if (count == max || !split_word(line, &at, storage)) {
            return -1;
        }
        words[count++] = bytes_make(storage->data + start, storage->size - start);
    }
}

size_t text_distance(const char *a, const char *b, size_t limit)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > DISTANCE_NAME_MAX || b_size > DISTANCE_NAME_MAX) {
        return limit + 1;
    }
    /* One row of the edit matrix at a time: row[j] is the distance of a's first i and b's first j.
     */
    size_t row[DISTANCE_NAME_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b_size] <= limit ? row[b_size] : limit + 1;
}
