/* Texts made from the rows: the sample configuration, docs/configuration.md and --help.
 *
 * Runs in short-lived calls of the binary, before other threads. Sections come in the order in
 * which their first row was registered; options without effect stand by themselves at the end.
 */
#include "table.h"
#include <inttypes.h>

typedef void print_entry(const struct config_entry *entry, struct buf *ret_text);

/* Appends the heading of a section. */
typedef void print_heading(const char *section, struct buf *ret_text);

static bool print_is_inert(const struct config_entry *entry)
{
    return (entry->row->flags & OPTION_INERT) != 0;
}

static bool print_is_first_of_section(const struct config *config, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct config_entry *entry = &config->entries[i];
        if (!print_is_inert(entry) &&
            strcmp(entry->row->section, config->entries[index].row->section) == 0) {
            return false;
        }
    }
    return true;
}

static void print_sections(const struct config *config, print_heading *heading, print_entry *body,
                           struct buf *ret_text)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *section = config->entries[i].row->section;
        if (print_is_inert(&config->entries[i]) || !print_is_first_of_section(config, i)) {
            continue;
        }
        heading(section, ret_text);
        for (size_t j = i; j < config->count; j++) {
            const struct config_entry *entry = &config->entries[j];
            if (!print_is_inert(entry) && strcmp(entry->row->section, section) == 0) {
                body(entry, ret_text);
            }
        }
    }
}

static void print_inert(const struct config *config, print_entry *body, struct buf *ret_text)
{
    for (size_t i = 0; i < config->count; i++) {
        if (print_is_inert(&config->entries[i])) {
            body(&config->entries[i], ret_text);
        }
    }
}

static void print_bound(const struct option_row *row, int64_t bound, struct buf *ret_text)
{
    if (row->kind == OPTION_OCTAL) {
        buf_format(ret_text, "%" PRIo64, (uint64_t)bound);
    } else {
        buf_format(ret_text, "%" PRId64, bound);
    }
}

static void print_range(const struct option_row *row, struct buf *ret_text)
{
    print_bound(row, row->min, ret_text);
    if (row->max == INT64_MAX) {
        buf_append_text(ret_text, " or more");
        return;
    }
    buf_append_text(ret_text, " to ");
    print_bound(row, row->max, ret_text);
}

/* What the value may be, in words. */
static void print_kind(const struct option_row *row, struct buf *ret_text)
{
    switch (row->kind) {
    case OPTION_BOOL:
        buf_append_text(ret_text, "yes, no");
        break;
    case OPTION_ENUM:
        for (const struct option_choice *choice = row->choices; choice->name != NULL; choice++) {
            buf_append_text(ret_text, choice == row->choices ? "" : ", ");
            buf_append_text(ret_text, choice->name);
        }
        if ((row->flags & OPTION_ENUM_BITS) != 0) {
            buf_append_text(ret_text, " (several)");
        }
        break;
    case OPTION_NUMBER:
    case OPTION_MEMORY:
    case OPTION_OCTAL:
        buf_append_text(ret_text, row->kind == OPTION_MEMORY  ? "memory, "
                                  : row->kind == OPTION_OCTAL ? "octal, "
                                                              : "");
        print_range(row, ret_text);
        break;
    case OPTION_TEXT:
    case OPTION_SPECIAL:
        buf_append_text(ret_text, config_row_takes_words(row) ? "words" : "text");
        break;
    }
    if (row->unit != NULL && row->kind != OPTION_MEMORY) {
        buf_format(ret_text, ", %s", row->unit);
    }
}

/* The default as it would stand in a file. */
static void print_fallback(const struct option_row *row, struct buf *ret_text)
{
    buf_append_text(ret_text, row->fallback[0] == '\0' ? "\"\"" : row->fallback);
}

static void print_sample_heading(const char *section, struct buf *ret_text)
{
    buf_format(ret_text, "\n# ---- %s ----\n", section);
}

/* Breaks the text into comment lines of at most 78 columns. */
static void print_comment(const char *text, struct buf *ret_text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > 78) {
            buf_append_byte(ret_text, '\n');
            column = 0;
        }
        buf_append_text(ret_text, column == 0 ? "# " : " ");
        column += (column == 0 ? 2 : 1) + length;
        buf_append(ret_text, bytes_make(text, length));
        text += length;
        text += strspn(text, " ");
    }
    buf_append_byte(ret_text, '\n');
}

static void print_sample_entry(const struct config_entry *entry, struct buf *ret_text)
{
    struct buf note = {0};
    buf_format(&note, "%s Values: ", entry->row->doc);
    print_kind(entry->row, &note);
    buf_append_byte(&note, '.');
    if ((entry->row->flags & OPTION_IMMUTABLE) != 0) {
        buf_append_text(&note, " Not changeable at run time.");
    }
    buf_append_byte(&note, '\0');
    buf_append_byte(ret_text, '\n');
    print_comment((const char *)note.data, ret_text);
    buf_deinit(&note);
    if ((entry->row->flags & OPTION_FILE_ONLY) == 0) {
        buf_format(ret_text, "# %s ", entry->row->name);
        print_fallback(entry->row, ret_text);
        buf_append_byte(ret_text, '\n');
    }
}

void config_print_sample(const struct config *config, struct buf *ret_text)
{
    buf_append_text(ret_text,
                    "# Pollard sample configuration.\n#\n"
                    "# Every option stands here with its default, as a comment. Lines\n"
                    "# are \"name value\"; sizes take k, kb, m, mb, g and gb (kb = 1024\n"
                    "# bytes, k = 1000). \"include path\" reads other files, with globs.\n"
                    "# Start with: pollard /path/to/pollard.conf --port 7000\n");
    print_sections(config, print_sample_heading, print_sample_entry, ret_text);
}

static void print_markdown_heading(const char *section, struct buf *ret_text)
{
    buf_format(ret_text,
               "\n## %s\n\n| Option | Values | Default | At run time | Meaning |\n"
               "|---|---|---|---|---|\n",
               section);
}

static void print_markdown_entry(const struct config_entry *entry, struct buf *ret_text)
{
    const struct option_row *row = entry->row;
    buf_format(ret_text, "| `%s`", row->name);
    if (row->alias != NULL) {
        buf_format(ret_text, " (`%s`)", row->alias);
    }
    if ((row->flags & OPTION_OWN) != 0) {
        buf_append_text(ret_text, " *");
    }
    buf_append_text(ret_text, " | ");
    print_kind(row, ret_text);
    buf_append_text(ret_text, " | `");
    print_fallback(row, ret_text);
    const char *settable = (row->flags & OPTION_IMMUTABLE) != 0   ? "no"
                           : (row->flags & OPTION_FILE_ONLY) != 0 ? "no"
                           : (row->flags & OPTION_PROTECTED) != 0 ? "protected"
                                                                  : "yes";
    buf_format(ret_text, "` | %s | %s |\n", settable, row->doc);
}

void config_print_markdown(const struct config *config, struct buf *ret_text)
{
    buf_append_text(
        ret_text,
        "# Configuration\n\nGenerated by `pollard --print-config-docs` from the option rows; do "
        "not edit.\n\nOptions stand in a file (`pollard /path/to/pollard.conf`), on the command "
        "line (`--name value`) or in `CONFIG SET`.\nA name in brackets is an old name of the same "
        "option; a star marks Pollard's own options.\n\"protected\" means that "
        "`enable-protected-configs` must allow it.\n");
    print_sections(config, print_markdown_heading, print_markdown_entry, ret_text);
    print_markdown_heading("Options without effect", ret_text);
    print_inert(config, print_markdown_entry, ret_text);
    buf_append_text(ret_text, "\nThese are accepted, checked and kept, so that configurations and "
                              "tools made for Redis work; setting one is logged.\n");
}

static void print_help_heading(const char *section, struct buf *ret_text)
{
    buf_format(ret_text, "\n%s:\n", section);
}

static void print_help_entry(const struct config_entry *entry, struct buf *ret_text)
{
    buf_format(ret_text, "  --%s ", entry->row->name);
    print_kind(entry->row, ret_text);
    buf_append_text(ret_text, " [");
    print_fallback(entry->row, ret_text);
    buf_append_text(ret_text, "]\n");
}

void config_print_help(const struct config *config, struct buf *ret_text)
{
    print_sections(config, print_help_heading, print_help_entry, ret_text);
    buf_append_text(ret_text, "\nOptions of Redis that have no effect here are accepted too: see "
                              "configuration.md.\n");
}
