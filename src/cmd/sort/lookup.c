/* What BY and GET patterns name: other keys, and fields of hashes under them.
 *
 * On the pool, while no key is held: each key is read in an access of its own, at its own instant.
 */
#include "pollard/value/hash.h"
#include "sort.h"
#include <sched.h>

/* A pattern with its star replaced; field is behind "->", or data NULL. */
static void name_key(struct bytes pattern, const struct item *element, struct buf *ret_name,
                     struct bytes *ret_field)
{
    unsigned char scratch[ITEM_SCRATCH];
    const unsigned char *star = memchr(pattern.data, '*', pattern.size);
    const unsigned char *end = pattern.data + pattern.size;
    struct bytes behind = bytes_make(star + 1, (size_t)(end - star - 1));
    *ret_field = (struct bytes){0};
    for (size_t i = 0; i + 2 < behind.size; i++) {
        if (behind.data[i] == '-' && behind.data[i + 1] == '>') {
            *ret_field = bytes_make(behind.data + i + 2, behind.size - i - 2);
            behind.size = i;
            break;
        }
    }
    buf_append(ret_name, bytes_make(pattern.data, (size_t)(star - pattern.data)));
    buf_append(ret_name, item_text(element, scratch));
    buf_append(ret_name, behind);
}

static void open_key(struct exec *x, struct access *access, struct access_key *key)
{
    key->hash = keyspace_hash(x->services->keyspace, key->name);
    key->db = x->db;
    access_init(access, x->services->keyspace, ACCESS_READ, (struct key_list){key, 1}, x->now_ms);
    while (access_try(access) == ACCESS_BUSY) {
        (void)sched_yield(); /* Its failure would only mean to try sooner. */
    }
}

static void take_value(struct access *access, struct bytes field, sort_taker *take, void *argument)
{
    struct value value;
    struct item item;
    struct item_needle needle;
    if (!key_find(access, 0, 0, &value)) {
        take(argument, NULL, NULL);
    } else if (field.data == NULL) {
        take(argument, value.type == VALUE_STRING ? &value : NULL, NULL);
    } else {
        item_needle_init(&needle, field);
        bool is_there =
            value.type == VALUE_HASH && hash_find(value.collection, &needle, access->now_ms, &item);
        take(argument, NULL, is_there ? &item : NULL);
    }
}

void sort_lookup(struct exec *x, struct bytes pattern, const struct item *element, sort_taker *take,
                 void *argument)
{
    struct buf name = {0};
    struct bytes field;
    struct access access;
    name_key(pattern, element, &name, &field);
    struct access_key key = {.name = buf_bytes(&name)};
    open_key(x, &access, &key);
    take_value(&access, field, take, argument);
    access_end(&access);
    buf_deinit(&name);
}
