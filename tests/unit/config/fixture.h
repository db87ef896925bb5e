/* A small room of options of every kind, and shorthands, for the tests of config. */
#ifndef POLLARD_TEST_CONFIG_FIXTURE_H
#define POLLARD_TEST_CONFIG_FIXTURE_H

#include "pollard/config/config.h"

struct fixture_options {
    option_number flag;
    option_number number;
    option_number size;
    option_number part;
    option_number level;
    option_number bits;
    option_number mode;
    option_number fixed;
    option_number guard;
    option_number guarded;
    struct option_text text;
    struct option_text words;
    struct option_text saves;
    struct option_text renames;
    struct option_text special;
    int64_t applied;     /* calls of the hook */
    int64_t refuse_from; /* the hook refuses numbers from here on; 0: none */
};

struct fixture {
    struct fixture_options options;
    struct config *config;
    struct buf text;   /* of the last error or value */
    size_t used_bytes; /* before everything: a leak shows at the end */
};

void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);
/* NULL on success, else the error; valid until the next call. */
const char *fixture_load(struct fixture *fixture, const char *text);
/* The value by CONFIG GET; valid until the next call. */
const char *fixture_get(struct fixture *fixture, const char *name);
/* Sets pairs of names and values up to a NULL. NULL on success, else the error. */
const char *fixture_set(struct fixture *fixture, ...);
/* Takes words up to a NULL as argv[1] and so on. */
const char *fixture_arguments(struct fixture *fixture, struct config_command_line *ret_line, ...);

#endif
