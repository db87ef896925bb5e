/* The entry that libFuzzer and replay_main.c call. */
#ifndef POLLARD_TESTS_FUZZ_H
#define POLLARD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
