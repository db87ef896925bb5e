/* How much memory there is: the machine's, or what the process's cgroups leave it.
 *
 * Not on the data path: read at the start and when an option that is a share of it is set. A limit
 * of an ancestor holds as well, and a container may show its own cgroup as the root, under a path
 * that only its host knows: so each directory from the named one up to the root is asked, and those
 * that are not there do not count. */
#include "pollard/base/mem.h"
#include "pollard/base/number.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_MEMBERSHIP "/proc/self/cgroup"
/* Most bytes of /proc/self/cgroup that are looked at: a line a hierarchy, of which there are some
 * dozen, each bounded by the longest path. */
#define MEMBERSHIP_MAX ((size_t)64 * 1024)

/* Reads at most max bytes of a file; an empty text if there is none. */
static void read_file(const char *path, size_t max, struct buf *ret_text)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = 1;
    while (descriptor >= 0 && size > 0 && ret_text->size < max) {
        unsigned char part[512];
        size = read(descriptor, part, sizeof(part));
        if (size > 0) {
            buf_append(ret_text, bytes_make(part, (size_t)size));
        }
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
}

/* The number in a limit's file; UINT64_MAX if there is no such file, or it says "max". */
static uint64_t read_limit(const struct buf *path)
{
    struct buf text = {0};
    uint64_t limit = UINT64_MAX;
    read_file((const char *)path->data, /* max= */ 64, &text);
    while (text.size > 0 && text.data[text.size - 1] == '\n') {
        text.size--;
    }
    if (text.size == 0 || !number_parse_u64(buf_bytes(&text), &limit)) {
        limit = UINT64_MAX;
    }
    buf_deinit(&text);
    return limit;
}

/* The lowest limit from root/path up to root. */
static uint64_t limit_of_path(const char *root, struct bytes path, const char *file)
{
    uint64_t lowest = UINT64_MAX;
    struct buf name = {0};
    for (;;) {
        while (path.size > 0 && path.data[path.size - 1] == '/') {
            path.size--;
        }
        name.size = 0;
        buf_append_text(&name, root);
        buf_append(&name, path);
        buf_format(&name, "/%s", file);
        buf_append_byte(&name, '\0');
        uint64_t limit = read_limit(&name);
        lowest = limit < lowest ? limit : lowest;
        if (path.size == 0) {
            break;
        }
        while (path.size > 0 && path.data[path.size - 1] != '/') {
            path.size--;
        }
    }
    buf_deinit(&name);
    return lowest;
}

/* Is name one of the words between commas? */
static bool has_word(struct bytes words, const char *name)
{
    size_t start = 0;
    while (start <= words.size) {
        size_t end = start;
        while (end < words.size && words.data[end] != ',') {
            end++;
        }
        if (bytes_is(bytes_make(words.data + start, end - start), name)) {
            return true;
        }
        start = end + 1;
    }
    return false;
}

/* A line "0::/path" (version 2) or "4:memory:/path" (version 1). */
static uint64_t limit_of_line(const char *root, struct bytes line)
{
    const unsigned char *first = memchr(line.data, ':', line.size);
    size_t left = first == NULL ? 0 : line.size - (size_t)(first + 1 - line.data);
    const unsigned char *second = left == 0 ? NULL : memchr(first + 1, ':', left);
    if (second == NULL) {
        return UINT64_MAX;
    }
    struct bytes controllers = bytes_make(first + 1, (size_t)(second - first - 1));
    struct bytes path = bytes_make(second + 1, left - controllers.size - 1);
    if (controllers.size == 0) {
        return limit_of_path(root, path, "memory.max");
    }
    if (!has_word(controllers, "memory")) {
        return UINT64_MAX;
    }
    struct buf mount = {0};
    buf_format(&mount, "%s/memory", root);
    buf_append_byte(&mount, '\0');
    uint64_t limit = limit_of_path((const char *)mount.data, path, "memory.limit_in_bytes");
    buf_deinit(&mount);
    return limit;
}

uint64_t mem_cgroup_limit(struct bytes membership, const char *root)
{
    uint64_t lowest = UINT64_MAX;
    size_t start = 0;
    while (start < membership.size) {
        size_t end = start;
        while (end < membership.size && membership.data[end] != '\n') {
            end++;
        }
        if (end > start) {
            uint64_t limit = limit_of_line(root, bytes_make(membership.data + start, end - start));
            lowest = limit < lowest ? limit : lowest;
        }
        start = end + 1;
    }
    return lowest;
}

uint64_t mem_machine_size(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

int64_t mem_system_size(void)
{
    struct buf membership = {0};
    read_file(CGROUP_MEMBERSHIP, MEMBERSHIP_MAX, &membership);
    uint64_t limit = mem_cgroup_limit(buf_bytes(&membership), CGROUP_ROOT);
    uint64_t machine = mem_machine_size();
    buf_deinit(&membership);
    return (int64_t)(limit < machine ? limit : machine);
}
