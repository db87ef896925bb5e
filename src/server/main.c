/* main: the command line, the process's surroundings, then the server until it is told to end. */
#include "pollard/base/clock.h"
#include "pollard/base/log.h"
#include "pollard/base/mem.h"
#include "pollard/exec/command.h"
#include "pollard_commands.h"
#include "server.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int print_and_free(struct buf *text)
{
    size_t written = text->size == 0 ? 0 : fwrite(text->data, 1, text->size, stdout);
    int status = written == text->size && fflush(stdout) == 0 ? 0 : 1;
    buf_deinit(text);
    return status;
}

static int print_version(void)
{
    printf("Pollard server v=%s redis=7.2.4 malloc=%s bits=%zu\n", POLLARD_VERSION,
           mem_allocator_name(), sizeof(void *) * 8);
    return 0;
}

static int print_help(const struct server *server)
{
    struct buf text = {0};
    buf_append_text(&text,
                    "Usage: pollard [/path/to/pollard.conf] [options]\n"
                    "       pollard - (read the configuration from standard input)\n"
                    "       pollard --check-config [/path/to/pollard.conf] [options]\n"
                    "       pollard -v | --version\n"
                    "       pollard -h | --help\n\n"
                    "Examples:\n"
                    "       pollard (run with the defaults: 127.0.0.1:6379)\n"
                    "       pollard --port 7777 --threads 4\n"
                    "       pollard /etc/pollard.conf --maxmemory 1gb\n\n"
                    "Options, each also a line of the configuration file without the dashes:\n");
    config_print_help(server->config, &text);
    return print_and_free(&text);
}

/* What the build asks the binary for: files generated from the options' rows. */
static bool print_generated(const struct server *server, const char *argument, int *ret_status)
{
    struct buf text = {0};
    if (strcmp(argument, "--print-sample-config") == 0) {
        config_print_sample(server->config, &text);
    } else if (strcmp(argument, "--print-config-docs") == 0) {
        config_print_markdown(server->config, &text);
    } else {
        return false;
    }
    *ret_status = print_and_free(&text);
    return true;
}

/* Into the background: the parent ends, the child leads a session of its own without a terminal. */
static bool daemonize(void)
{
    pid_t child = fork();
    if (child < 0) {
        return false;
    }
    if (child > 0) {
        _exit(0);
    }
    setsid();
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO) {
            close(null);
        }
    }
    return true;
}

/* The pid file's path, NUL-terminated and owned; empty when none is wanted. Redis writes a default
 * one for daemons. */
static void pidfile_path(const struct server *server, struct buf *path)
{
    option_text_copy(&server->options.pidfile, path);
    if (path->size == 0 && option_get(&server->options.daemonize) != 0) {
        buf_append_text(path, "/var/run/pollard.pid");
    }
    buf_append_byte(path, '\0');
}

static void write_pidfile(const char *path)
{
    FILE *file = *path == '\0' ? NULL : fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
    } else if (*path != '\0') {
        log_line(LOG_WARNING, "Cannot write the pid file %s", path);
    }
}

static bool open_log(const struct server *server)
{
    struct buf path = {0};
    option_text_copy(&server->options.logfile, &path);
    buf_append_byte(&path, '\0');
    bool opened = log_open((const char *)path.data);
    if (!opened) {
        fprintf(stderr, "Can't open the log file: %s\n", (const char *)path.data);
    }
    buf_deinit(&path);
    log_set_level((enum log_level)option_get(&server->options.loglevel));
    return opened;
}

static bool enter_directory(const struct server *server)
{
    struct buf path = {0};
    option_text_copy(&server->options.dir, &path);
    buf_append_byte(&path, '\0');
    bool entered = path.size == 1 || chdir((const char *)path.data) == 0;
    if (!entered) {
        fprintf(stderr, "Can't chdir to '%s'\n", (const char *)path.data);
    }
    buf_deinit(&path);
    return entered;
}

static int run(struct server *server)
{
    shutdown_block_signals();
    if (!enter_directory(server)) {
        return 1;
    }
    if (option_get(&server->options.daemonize) != 0 && !daemonize()) {
        fprintf(stderr, "Can't fork into the background\n");
        return 1;
    }
    if (!open_log(server)) {
        return 1;
    }
    struct buf pidfile = {0};
    pidfile_path(server, &pidfile);
    thread_adopt();
    clock_setup();
    config_report_inert(server->config);
    int status = 1;
    if (server_start(server)) {
        write_pidfile((const char *)pidfile.data);
        status = server_wait(server);
        if (pidfile.data[0] != '\0') {
            unlink((const char *)pidfile.data);
        }
        server_finish(server);
        log_line(LOG_WARNING, "Pollard is now ready to exit, bye bye...");
    } else {
        /* Threads may run by now: no orderly end is possible, and none is needed. */
        _exit(1);
    }
    buf_deinit(&pidfile);
    thread_release();
    return status;
}

int main(int argc, char **argv)
{
    /* Static: threads hold its address for as long as the process lives. */
    static struct server server;
    struct config_command_line line = {0};
    struct buf error = {0};
    int status;
    command_table_use(&pollard_command_table);
    server_register_options(&server);
    if (argc == 2 && print_generated(&server, argv[1], &status)) {
        return status;
    }
    if (!config_load_arguments(server.config, argc, argv, &line, &error)) {
        fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Pollard %s) ***\n%.*s\n", POLLARD_VERSION,
                (int)error.size, (const char *)error.data);
        buf_deinit(&error);
        return 1;
    }
    if (line.help) {
        return print_help(&server);
    }
    if (line.version) {
        return print_version();
    }
    if (line.check_only) {
        printf("The configuration is valid\n");
        return 0;
    }
    return run(&server);
}
