/* Values: names of types and encodings, and the views that handlers build. Pure. */
#include "pollard/value/value.h"
#include "pollard/base/number.h"
#include "pollard/value/collection.h"

static const char *const type_names[] = {
    [VALUE_STRING] = "string", [VALUE_LIST] = "list", [VALUE_SET] = "set",
    [VALUE_ZSET] = "zset",     [VALUE_HASH] = "hash", [VALUE_STREAM] = "stream",
};

static const char *const encoding_names[] = {
    [ENCODING_INT] = "int",
    [ENCODING_EMBSTR] = "embstr",
    [ENCODING_RAW] = "raw",
    [ENCODING_LISTPACK] = "listpack",
    [ENCODING_LISTPACKEX] = "listpackex",
    [ENCODING_INTSET] = "intset",
    [ENCODING_QUICKLIST] = "quicklist",
    [ENCODING_HASHTABLE] = "hashtable",
    [ENCODING_SKIPLIST] = "skiplist",
};

const char *value_type_name(enum value_type type)
{
    return type_names[type];
}

int value_type_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (bytes_is(name, type_names[i])) {
            return (int)i;
        }
    }
    return -1;
}

const char *value_encoding_name(enum value_encoding encoding)
{
    return encoding_names[encoding];
}

struct value value_string(struct bytes bytes)
{
    struct value value = {.type = VALUE_STRING, .bytes = bytes};
    if (bytes.size <= NUMBER_INT_MAX && number_parse_i64(bytes, &value.integer)) {
        value.encoding = ENCODING_INT;
    } else {
        value.encoding = bytes.size <= VALUE_EMBSTR_SIZE_MAX ? ENCODING_EMBSTR : ENCODING_RAW;
    }
    return value;
}

struct value value_blob(struct blob *blob)
{
    return (struct value){
        .type = VALUE_STRING, .encoding = ENCODING_RAW, .bytes = blob_bytes(blob), .blob = blob};
}

struct value value_integer(int64_t integer)
{
    return (struct value){.type = VALUE_STRING, .encoding = ENCODING_INT, .integer = integer};
}

struct value value_raw(struct bytes bytes)
{
    return (struct value){.type = VALUE_STRING, .encoding = ENCODING_RAW, .bytes = bytes};
}

struct value value_collection(struct collection *collection)
{
    return (struct value){.type = (enum value_type)collection->type,
                          .encoding = (enum value_encoding)collection->encoding,
                          .collection = collection};
}

struct bytes value_string_bytes(const struct value *value, unsigned char *scratch)
{
    if (value->encoding != ENCODING_INT) {
        return value->bytes;
    }
    return bytes_make(scratch, number_print_i64(scratch, value->integer));
}

size_t value_string_size(const struct value *value)
{
    return value->encoding == ENCODING_INT ? number_length_i64(value->integer) : value->bytes.size;
}
