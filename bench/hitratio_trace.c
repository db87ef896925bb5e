/* Traces for the hit ratio benchmark: seeded generators, and the two formats in which public
 * collections of cache traces come. Off every data path; ends the program on what it cannot read.
 *
 *   CSV     time,key,key size,value size,client,operation,ttl     one request a line
 *   binary  uint32 time, uint64 object, uint32 size, int64 next   24 bytes, little endian, packed
 */
#include "hitratio.h"
#include <math.h>

/* Objects of a file are found by their hash in an open table that is kept half empty. */
struct names {
    uint64_t *hashes; /* 0: free */
    uint32_t *objects;
    size_t capacity;
    uint32_t count;
};

static struct trace *trace_new(size_t count)
{
    struct trace *trace = allocate(sizeof(*trace));
    trace->count = count;
    trace->requests = allocate(count * sizeof(*trace->requests) + 1);
    return trace;
}

static double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

/* ---- Generators ---- */

/* The distribution function of ranks, for a binary search. */
static double *zipf_make(uint32_t objects, double skew)
{
    double *sums = allocate(objects * sizeof(*sums));
    double sum = 0;
    for (uint32_t i = 0; i < objects; i++) {
        sum += pow(i + 1.0, -skew);
        sums[i] = sum;
    }
    return sums;
}

static uint32_t zipf_draw(const double *sums, uint32_t objects, uint64_t *state)
{
    double wanted = random_unit(state) * sums[objects - 1];
    uint32_t low = 0;
    uint32_t high = objects - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sums[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void make_zipf(struct trace *trace, double skew, uint64_t *state)
{
    double *sums = zipf_make(trace->objects, skew);
    for (size_t i = 0; i < trace->count; i++) {
        trace->requests[i] = zipf_draw(sums, trace->objects, state);
    }
    free(sums);
}

/* Popular objects, and every so often a walk over a part of others that are asked for once a walk:
 * a third of all requests. */
static void make_scan(struct trace *trace, uint64_t *state)
{
    uint32_t popular = trace->objects / 2;
    uint32_t next = popular;
    size_t stretch = trace->objects / 20 + 1;
    double *sums = zipf_make(popular, 0.9);
    for (size_t i = 0; i < trace->count; i++) {
        if (i / stretch % 3 == 2) {
            trace->requests[i] = next;
            next = next + 1 < trace->objects ? next + 1 : popular;
        } else {
            trace->requests[i] = zipf_draw(sums, popular, state);
        }
    }
    free(sums);
}

static void make_loop(struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++) {
        trace->requests[i] = (uint32_t)(i % trace->objects);
    }
}

/* Every twentieth of the objects' number of requests, the most popular thousandth of the objects
 * goes to the end of the ranking. */
static void make_shift(struct trace *trace, uint64_t *state)
{
    double *sums = zipf_make(trace->objects, 0.9);
    size_t stretch = trace->objects / 20 + 1;
    uint64_t step = trace->objects / 1000 + 1;
    for (size_t i = 0; i < trace->count; i++) {
        uint64_t rank = zipf_draw(sums, trace->objects, state);
        trace->requests[i] = (uint32_t)((rank + i / stretch * step) % trace->objects);
    }
    free(sums);
}

/* ---- Files ---- */

static uint64_t mix(uint64_t number)
{
    uint64_t hash = random_next(&number);
    return hash == 0 ? 1 : hash;
}

static void names_grow(struct names *names)
{
    struct names old = *names;
    names->capacity = old.capacity == 0 ? 1024 : old.capacity * 2;
    names->hashes = allocate(names->capacity * sizeof(*names->hashes));
    names->objects = allocate(names->capacity * sizeof(*names->objects));
    for (size_t i = 0; i < old.capacity; i++) {
        size_t at = old.hashes[i] & (names->capacity - 1);
        while (old.hashes[i] != 0 && names->hashes[at] != 0) {
            at = (at + 1) & (names->capacity - 1);
        }
        if (old.hashes[i] != 0) {
            names->hashes[at] = old.hashes[i];
            names->objects[at] = old.objects[i];
        }
    }
    free(old.hashes);
    free(old.objects);
}

static uint32_t names_find(struct names *names, uint64_t hash)
{
    if ((size_t)names->count * 2 >= names->capacity) {
        names_grow(names);
    }
    size_t at = hash & (names->capacity - 1);
    while (names->hashes[at] != 0 && names->hashes[at] != hash) {
        at = (at + 1) & (names->capacity - 1);
    }
    if (names->hashes[at] == 0) {
        names->hashes[at] = hash;
        names->objects[at] = names->count++;
    }
    return names->objects[at];
}

/* Adds a request; the size of an object is that of its first one. */
static void add_request(struct trace *trace, struct names *names, uint64_t hash, uint64_t size)
{
    uint32_t object = names_find(names, hash);
    if (object >= TRACE_OBJECT) {
        fail("too many objects", "");
    }
    if (object == trace->objects) {
        if ((object & (object + 1)) == 0) {
            trace->sizes = realloc(trace->sizes, (object + 1) * 2 * sizeof(*trace->sizes));
            if (trace->sizes == NULL) {
                fail("no memory", "");
            }
        }
        size = size > TRACE_KEY_SIZE ? size - TRACE_KEY_SIZE : 0;
        trace->sizes[object] = (uint32_t)(size < TRACE_VALUE_MAX ? size : TRACE_VALUE_MAX);
        trace->objects++;
    }
    trace->requests[trace->count++] = object;
}

static FILE *open_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fail("cannot read the trace", path);
    }
    *ret_size = (size_t)ftell(file);
    rewind(file);
    return file;
}

static void read_binary(struct trace *trace, FILE *file, size_t most)
{
    unsigned char row[24];
    struct names names = {0};
    while (trace->count < most && fread(row, sizeof(row), 1, file) == 1) {
        uint64_t object;
        uint32_t size;
        memcpy(&object, row + 4, sizeof(object));
        memcpy(&size, row + 12, sizeof(size));
        add_request(trace, &names, mix(object), size);
    }
}

/* The hash of a field's bytes. */
static uint64_t hash_text(const char *text, size_t size)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return mix(hash);
}

/* Splits at commas; the number of fields found. */
static size_t split_row(char *row, char **fields, size_t most)
{
    size_t count = 0;
    char *at = row;
    while (count < most) {
        fields[count++] = at;
        at = strchr(at, ',');
        if (at == NULL) {
            break;
        }
        *at++ = '\0';
    }
    return count;
}

static void read_csv(struct trace *trace, FILE *file, size_t most)
{
    char row[4096];
    struct names names = {0};
    while (trace->count < most && fgets(row, sizeof(row), file) != NULL) {
        char *fields[7];
        size_t count = split_row(row, fields, 7);
        if (count < 6 || fields[2][0] < '0' || fields[2][0] > '9') {
            continue; /* A heading, or a cut line. */
        }
        uint64_t size = strtoull(fields[2], NULL, 10) + strtoull(fields[3], NULL, 10);
        add_request(trace, &names, hash_text(fields[1], strlen(fields[1])), size);
        if (strncmp(fields[5], "get", 3) != 0) {
            trace->requests[trace->count - 1] |= TRACE_SET;
        }
    }
}

static struct trace *trace_read(const char *path, size_t most)
{
    size_t size;
    FILE *file = open_file(path, &size);
    const char *end = strrchr(path, '.');
    bool is_csv = end != NULL && strcmp(end, ".csv") == 0;
    /* A line has 12 bytes at least. */
    size_t requests = size / (is_csv ? 12 : 24) + 1;
    struct trace *trace = trace_new(requests < most ? requests : most);
    trace->count = 0;
    if (is_csv) {
        read_csv(trace, file, most);
    } else {
        read_binary(trace, file, most);
    }
    fclose(file);
    if (trace->count == 0) {
        fail("no requests in the trace", path);
    }
    return trace;
}

struct trace *trace_make(const char *name, uint32_t objects, size_t count, uint64_t seed)
{
    if (strncmp(name, "zipf:", 5) != 0 && strcmp(name, "scan") != 0 && strcmp(name, "loop") != 0 &&
        strcmp(name, "shift") != 0) {
        return trace_read(name, count);
    }
    struct trace *trace = trace_new(count);
    trace->objects = objects;
    if (name[0] == 'z') {
        make_zipf(trace, strtod(name + 5, NULL), &seed);
    } else if (name[0] == 'l') {
        make_loop(trace);
    } else if (name[1] == 'c') {
        make_scan(trace, &seed);
    } else {
        make_shift(trace, &seed);
    }
    return trace;
}
