/* Numbers from and to text, exactly as Redis parses and prints them. */
#ifndef POLLARD_BASE_NUMBER_H
#define POLLARD_BASE_NUMBER_H

#include "pollard/base/bytes.h"

/* Longest text of an int64 and of a double or long double as printed here, without a NUL. */
#define NUMBER_INT_MAX 20
#define NUMBER_FLOAT_MAX (5 * 1024)

/* Strict decimal: optional '-', no '+', no spaces, no leading zeros but "0" itself, in int64's
 * range: only texts that print back the same are integers. false and nothing written otherwise. */
bool number_parse_i64(struct bytes text, int64_t *ret_value);
/* The same for 0 .. UINT64_MAX. */
bool number_parse_u64(struct bytes text, uint64_t *ret_value);
/* A double as Redis reads scores and timeouts: strtod's syntax without leading space and without
 * rest, inf allowed, nan refused; below NUMBER_FLOAT_MAX bytes. */
bool number_parse_double(struct bytes text, double *ret_value);
/* The same for long double (INCRBYFLOAT). */
bool number_parse_long_double(struct bytes text, long double *ret_value);
/* "1024", "1k", "1kb", "2mb", "3g", "4gb" (k=1000, kb=1024), any case. */
bool number_parse_memory(struct bytes text, uint64_t *ret_bytes);

/* Prints decimal into out (>= NUMBER_INT_MAX bytes); returns the length, no NUL. */
size_t number_print_i64(unsigned char *out, int64_t value);
size_t number_print_u64(unsigned char *out, uint64_t value);
size_t number_length_i64(int64_t value);
/* Shortest text that reads back the same, as Redis 7.2 replies doubles: "inf", "-inf", "nan",
 * "1.5", "3", "1e+30". out >= 64 bytes. */
size_t number_print_double(unsigned char *out, double value);
/* Human form of INCRBYFLOAT: %.17Lf with trailing zeros cut. out >= NUMBER_FLOAT_MAX. */
size_t number_print_long_double(unsigned char *out, long double value);

bool number_add_i64(int64_t a, int64_t b, int64_t *ret_sum);
bool number_sub_i64(int64_t a, int64_t b, int64_t *ret_difference);
bool number_mul_i64(int64_t a, int64_t b, int64_t *ret_product);

#endif
