/* Configuration texts and files: lines, quoting, include.
 *
 * Off the data path, before other threads start. The config lock is held; nothing is logged.
 *
 * Invariants: 1. Nesting is bounded by CONFIG_INCLUDE_DEPTH_MAX, files by CONFIG_FILE_SIZE_MAX.
 * 2. Errors name the place and the option, never a value: it may be a password.
 */
#include "pollard/base/mem.h"
#include "pollard/base/text.h"
#include "table.h"
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

struct load_line {
    const char *origin;
    size_t number;
    int depth;
    struct buf *ret_error;
};

void config_append_errno(struct buf *ret_text, int error)
{
    char text[256] = "";
    if (strerror_r(error, text, sizeof(text)) != 0) {
        buf_format(ret_text, "error %d", error);
    } else {
        buf_append_text(ret_text, text);
    }
}

void config_note_file(struct config *config, const char *path)
{
    struct buf absolute = {0};
    char directory[4096];
    if (path[0] != '/' && getcwd(directory, sizeof(directory)) != NULL) {
        buf_append_text(&absolute, directory);
        buf_append_byte(&absolute, '/');
    }
    buf_append_text(&absolute, path);
    mem_free(config->file);
    config->file = mem_copy_text(buf_bytes(&absolute));
    buf_deinit(&absolute);
}

bool config_read_file(const char *path, struct buf *ret_text)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    int error = 0;
    for (;;) {
        buf_reserve(ret_text, BUFSIZ);
        errno = 0;
        size_t got = fread(ret_text->data + ret_text->size, 1, BUFSIZ, file);
        ret_text->size += got;
        if (got == 0) {
            error = ferror(file) != 0 ? errno : 0;
            break;
        }
        if (ret_text->size > CONFIG_FILE_SIZE_MAX) {
            error = EFBIG;
            break;
        }
    }
    if (!is_input) {
        (void)fclose(file); /* only read from */
    }
    errno = error;
    return error == 0;
}

static void load_begin_error(const struct load_line *line)
{
    const char *origin = line->origin == NULL ? "configuration" : line->origin;
    buf_format(line->ret_error, "%s:%zu: ", origin, line->number);
}

static bool load_unknown(struct config *config, const struct load_line *line, struct bytes name)
{
    load_begin_error(line);
    buf_append_text(line->ret_error, "unknown option '");
    buf_append(line->ret_error, name);
    buf_append_text(line->ret_error, "'");
    char *text = mem_copy_text(name);
    const char *nearest = config_nearest(config, text);
    if (nearest != NULL) {
        buf_format(line->ret_error, ", did you mean '%s'?", nearest);
    }
    mem_free(text);
    return false;
}

static bool load_include_failed(const struct load_line *line, const char *path, const char *why)
{
    load_begin_error(line);
    buf_format(line->ret_error, "include '%s': %s", path, why);
    return false;
}

/* Loads the files that match. A pattern without a match is fine, a plain path is not. */
static bool load_include(struct config *config, const struct load_line *line, const char *pattern)
{
    if (line->origin == NULL) {
        return load_include_failed(line, pattern, "not allowed here");
    }
    if (line->depth >= CONFIG_INCLUDE_DEPTH_MAX) {
        return load_include_failed(line, pattern, "too deeply nested, does it include itself?");
    }
    if (text_glob_is_literal(bytes_text(pattern))) {
        return config_load_file_locked(config, pattern, line->depth + 1, line->ret_error);
    }
    glob_t matches;
    int result = glob(pattern, /* flags= */ 0, /* errfunc= */ NULL, &matches);
    if (result == GLOB_NOMATCH) {
        globfree(&matches);
        return true;
    }
    if (result != 0) {
        globfree(&matches);
        return load_include_failed(line, pattern, "cannot be expanded");
    }
    bool is_loaded = true;
    for (size_t i = 0; i < matches.gl_pathc && is_loaded; i++) {
        is_loaded =
            config_load_file_locked(config, matches.gl_pathv[i], line->depth + 1, line->ret_error);
    }
    globfree(&matches);
    return is_loaded;
}

static bool load_words(struct config *config, const struct load_line *line,
                       const struct bytes *words, size_t count)
{
    if (bytes_is(words[0], "include") && count == 2) {
        char *path = mem_copy_text(words[1]);
        bool is_loaded = load_include(config, line, path);
        mem_free(path);
        return is_loaded;
    }
    struct config_entry *entry = config_find(config, words[0]);
    if (entry == NULL) {
        return load_unknown(config, line, words[0]);
    }
    struct buf scratch = {0};
    const char *error = config_load_words(entry, words + 1, count - 1, &scratch);
    if (error != NULL) {
        load_begin_error(line);
        buf_format(line->ret_error, "%s: %s", entry->row->name, error);
    }
    buf_deinit(&scratch);
    return error == NULL;
}

static bool load_line(struct config *config, const struct load_line *line, struct bytes text)
{
    size_t start = 0;
    while (start < text.size && strchr(" \t\r", text.data[start]) != NULL &&
           text.data[start] != '\0') {
        start++;
    }
    text = bytes_make(text.data + start, text.size - start);
    if (text.size == 0 || text.data[0] == '#') {
        return true;
    }
    if (memchr(text.data, '\0', text.size) != NULL) {
        load_begin_error(line);
        buf_append_text(line->ret_error, "a NUL byte, is this a configuration file?");
        return false;
    }
    struct buf storage = {0};
    struct bytes *words = mem_alloc(CONFIG_WORDS_MAX * sizeof(*words));
    int count = text_split_words(text, &storage, words, CONFIG_WORDS_MAX);
    bool is_loaded = true;
    if (count < 0) {
        load_begin_error(line);
        buf_append_text(line->ret_error, "unbalanced quotes or too many words");
        is_loaded = false;
    } else if (count > 0) {
        is_loaded = load_words(config, line, words, (size_t)count);
    }
    mem_free(words);
    buf_deinit(&storage);
    return is_loaded;
}

bool config_load_text_locked(struct config *config, struct bytes text, const char *origin,
                             int depth, struct buf *ret_error)
{
    struct load_line line = {.origin = origin, .depth = depth, .ret_error = ret_error};
    size_t start = 0;
    while (start < text.size) {
        const unsigned char *newline = memchr(text.data + start, '\n', text.size - start);
        size_t end = newline == NULL ? text.size : (size_t)(newline - text.data);
        line.number++;
        if (!load_line(config, &line, bytes_make(text.data + start, end - start))) {
            return false;
        }
        start = end + 1;
    }
    return true;
}

bool config_load_file_locked(struct config *config, const char *path, int depth,
                             struct buf *ret_error)
{
    struct buf text = {0};
    bool is_loaded = config_read_file(path, &text);
    if (!is_loaded) {
        int error = errno;
        buf_format(ret_error, "%s: ", path);
        config_append_errno(ret_error, error);
    } else {
        const char *origin = strcmp(path, "-") == 0 ? "standard input" : path;
        is_loaded = config_load_text_locked(config, buf_bytes(&text), origin, depth, ret_error);
    }
    buf_deinit(&text);
    return is_loaded;
}

bool config_load_text(struct config *config, struct bytes text, const char *origin,
                      struct buf *ret_error)
{
    lock_acquire(&config->lock);
    bool is_loaded = config_load_text_locked(config, text, origin, /* depth= */ 0, ret_error);
    lock_release(&config->lock);
    return is_loaded;
}

bool config_load_file(struct config *config, const char *path, struct buf *ret_error)
{
    lock_acquire(&config->lock);
    bool is_loaded = config_load_file_locked(config, path, /* depth= */ 0, ret_error);
    if (is_loaded && strcmp(path, "-") != 0) {
        config_note_file(config, path);
    }
    lock_release(&config->lock);
    return is_loaded;
}
