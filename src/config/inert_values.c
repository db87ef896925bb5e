/* Values of inert options that are more than a number or a string: Redis's checks of them.
 *
 * Off the data path; called with the config lock held. owner is the option's inert_slot.
 *
 * Invariant: what is printed can be parsed again and means the same.
 */
#include "inert.h"
#include "pollard/base/number.h"

const struct inert_table inert_tables[INERT_TABLE_COUNT] = {
    {inert_persistence_rows, &inert_persistence_count},
    {inert_replication_rows, &inert_replication_count},
    {inert_cluster_rows, &inert_cluster_count},
    {inert_memory_rows, &inert_memory_count},
    {inert_tls_rows, &inert_tls_count},
    {inert_misc_rows, &inert_misc_count},
};

/* Cuts the next word off at a single space. False at the end. */
static bool inert_next_word(struct bytes *text, struct bytes *ret_word)
{
    if (text->size == 0) {
        return false;
    }
    const unsigned char *space = memchr(text->data, ' ', text->size);
    size_t length = space == NULL ? text->size : (size_t)(space - text->data);
    *ret_word = bytes_make(text->data, length);
    size_t cut = space == NULL ? length : length + 1;
    *text = bytes_make(text->data + cut, text->size - cut);
    return true;
}

const char *inert_check_save(void *owner, struct bytes value)
{
    struct bytes rest = value;
    struct bytes word;
    size_t count = 0;
    while (inert_next_word(&rest, &word)) {
        int64_t number = 0;
        int64_t least = count % 2 == 0 ? 1 : 0;
        if (!number_parse_i64(word, &number) || number < least || number > INT32_MAX) {
            return "Invalid save parameters";
        }
        count++;
    }
    return count % 2 == 0 ? NULL : "Invalid save parameters";
}

const char *inert_check_file_name(void *owner, struct bytes value)
{
    bool has_slash = value.size > 0 && memchr(value.data, '/', value.size) != NULL;
    return has_slash ? "argument can't be a path, just a filename" : NULL;
}

const char *inert_check_host_name(void *owner, struct bytes value)
{
    if (value.size >= 256) {
        return "Hostnames must be less than 256 characters";
    }
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = value.data[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_letter && !is_digit && byte != '-' && byte != '.') {
            return "Hostnames may only contain alphanumeric characters, hyphens or dots";
        }
    }
    return NULL;
}

const char *inert_check_scores(void *owner, struct bytes value)
{
    struct bytes rest = value;
    struct bytes word;
    size_t count = 0;
    bool is_valid = true;
    while (inert_next_word(&rest, &word)) {
        int64_t number = 0;
        bool is_number = number_parse_i64(word, &number);
        is_valid = is_valid && is_number && number >= -2000 && number <= 2000;
        count++;
    }
    if (count != 3) {
        return "wrong number of arguments";
    }
    return is_valid ? NULL
                    : "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
}

static bool inert_is_title_variable(struct bytes name)
{
    static const char *const known[] = {"title",    "listen-addr", "server-mode", "port",
                                        "tls-port", "unixsocket",  "config-file"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bytes_equal(name, bytes_text(known[i]))) {
            return true;
        }
    }
    return false;
}

const char *inert_check_title(void *owner, struct bytes value)
{
    static const char error[] = "template format is invalid or contains unknown variables";
    size_t start = 0;
    if (value.size == 0) {
        return error;
    }
    while (start < value.size) {
        if (value.data[start++] != '{') {
            continue;
        }
        const unsigned char *end = memchr(value.data + start, '}', value.size - start);
        if (end == NULL) {
            return error;
        }
        size_t length = (size_t)(end - value.data) - start;
        if (!inert_is_title_variable(bytes_make(value.data + start, length))) {
            return error;
        }
        start += length + 1;
    }
    return NULL;
}

const char *inert_parse_primary(void *owner, struct bytes value)
{
    struct inert_slot *slot = owner;
    struct bytes rest = value;
    struct bytes host = {0};
    struct bytes port = {0};
    bool has_both = inert_next_word(&rest, &host) && inert_next_word(&rest, &port);
    if (value.size > 0 && (!has_both || rest.size > 0)) {
        return "wrong number of arguments";
    }
    if (value.size == 0 || (bytes_is(host, "no") && bytes_is(port, "one"))) {
        option_text_set(&slot->text, bytes_text(""));
        return NULL;
    }
    int64_t number = 0;
    if (!number_parse_i64(port, &number) || number < 0 || number > 65535) {
        return "Invalid master port";
    }
    option_text_set(&slot->text, value);
    return NULL;
}

void inert_print_text(const void *owner, struct buf *ret_value)
{
    const struct inert_slot *slot = owner;
    option_text_copy(&slot->text, ret_value);
}
