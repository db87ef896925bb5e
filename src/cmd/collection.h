/* What the handlers of all collections share: opening one for a change, and long replies. */
#ifndef POLLARD_CMD_COLLECTION_H
#define POLLARD_CMD_COLLECTION_H

#include "arguments.h"
#include "pollard/value/collection.h"

/* The collection under a key, for reading. flags as key_find. STATUS_OK, STATUS_ABSENT,
 * STATUS_WRONG_TYPE. Valid as long as the access; collection_acquire makes a version. */
enum status collection_find(struct exec *x, uint32_t key_index, enum value_type type,
                            struct collection **ret_collection);

/* The same in a command that writes: not counted as a hit or miss. */
enum status collection_look(struct exec *x, uint32_t key_index, enum value_type type,
                            struct collection **ret_collection);

/* A change in progress. at: what the type's operations take. */
struct collection_edit {
    struct collection **at;
    /* private */
    struct collection *fresh; /* not under the key yet */
    uint32_t key_index;
};
/* Opens the collection under a key for changes. fresh: what to begin with when the key is absent
 * (an empty collection, taken over and freed when not needed); NULL: STATUS_ABSENT then.
 * STATUS_OK, STATUS_ABSENT, STATUS_WRONG_TYPE. A handler that finds nothing to change had better
 * look with collection_find first: opening copies what a version shares, and counts as a change. */
enum status edit_begin(struct exec *x, uint32_t key_index, enum value_type type,
                       struct collection *fresh, struct collection_edit *ret_edit);
/* After edit_begin without a fresh one said STATUS_ABSENT: begins with this empty collection, taken
 * over. So none is made in vain when the key is there. */
static inline void edit_create(struct collection_edit *edit, struct collection *fresh)
{
    edit->fresh = fresh;
    edit->at = &edit->fresh;
}
/* What edit_end is to tell when nothing has changed, or the handler tells it. */
#define EDIT_TELLS_NOTHING EVENT_COUNT
/* Ends it: stores a fresh one unless it is empty, deletes the key when the collection is empty.
 * Tells the event, and of the deletion. Once for each edit_begin that was OK. STATUS_OK,
 * STATUS_ALLOCATION. */
enum status edit_end(struct exec *x, struct collection_edit *edit, enum key_event event);
/* Stores a collection over whatever is there, without expiry (*STORE), and tells the event; an
 * empty one deletes the key. Takes over the reference. STATUS_OK, STATUS_ALLOCATION. */
enum status collection_store(struct exec *x, uint32_t key_index, struct collection *collection,
                             enum key_event event);

/* A bulk string of an item; long ones are shared, not copied. */
void reply_item(struct reply *reply, const struct item *item);
/* argv[index] for storing (item_make with the request's blob). STATUS_OK, STATUS_ALLOCATION. */
enum status argument_item(const struct exec *x, uint32_t index, struct item *ret_item);

/* ---- Replies of many elements ---- */

enum stream_parts {
    STREAM_MEMBERS,      /* members; a hash's fields */
    STREAM_VALUES,       /* a hash's values */
    STREAM_PAIRS,        /* fields and values, one after the other */
    STREAM_SCORES,       /* members and scores; in RESP3 an array of pairs [member, score] */
    STREAM_PAIRED_SCORES /* pairs [member, score] in RESP2 as well */
};
/* What to reply of a collection: count elements from a rank on (collection_cursor_begin). The
 * header is the caller's own before it, by reply_array, reply_set, reply_map. */
struct stream {
    enum stream_parts parts;
    uint64_t rank;
    uint64_t count;
    bool is_reverse;
};
/* Few elements are written at once; many by the reactor as the client takes them, from a version
 * that is taken here: the handler's work is O(1) then, on any thread. The collection must be
 * under a key of the access, or the caller's own reference; it must have count elements from rank
 * on (of a hash: that are not over by x->now_ms). */
void stream_elements(struct exec *x, struct collection *collection, const struct stream *stream);

/* One element as stream_elements writes it. */
void stream_element(struct reply *reply, enum stream_parts parts, const struct element *element);

#endif
