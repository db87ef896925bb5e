/* The options of the process itself. INFO and CONFIG read them; handlers see them as an opaque
 * pointer in struct services. */
#ifndef POLLARD_SERVER_OPTIONS_H
#define POLLARD_SERVER_OPTIONS_H

#include "pollard/base/option.h"

struct server_options {
    option_number daemonize;
    option_number loglevel; /* enum log_level */
    option_number shutdown_timeout;
    struct option_text pidfile;
    struct option_text logfile;
    struct option_text dir;
};
extern const struct option_row server_option_rows[];
extern const size_t server_option_row_count;

#endif
