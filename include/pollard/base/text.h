/* Text matching and quoting. */
#ifndef POLLARD_BASE_TEXT_H
#define POLLARD_BASE_TEXT_H

#include "pollard/base/bytes.h"

/* Glob as in KEYS and CONFIG GET: * ? [a-z] [^a] \x. Time is bounded by
 * O(pattern size x text size): no input makes it exponential. */
bool text_glob(struct bytes pattern, struct bytes text, bool ignore_case);
/* Has the pattern none of * ? [ \ ? Then it matches only itself. */
bool text_glob_is_literal(struct bytes pattern);
/* Splits a line into words as redis.conf and inline commands do: "…" with \xHH \n \r \t \b \a
 * escapes, '…' with \' only. words[i] are appended to storage as NUL-less slices. Returns the
 * count, or -1 on unbalanced quotes (or more than max words). storage must outlive words. */
int text_split_words(struct bytes line, struct buf *storage, struct bytes *words, int max);
/* Levenshtein distance of two names, at most limit + 1: for "did you mean". */
size_t text_distance(const char *a, const char *b, size_t limit);

#endif
