/* The expiry index of a table: which keys are due when. Private to keyspace.
 *
 * Time is cut into slots, 128 ms wide when near and 16 times wider at each level of distance. A
 * slot holds the 32-bit table hashes of its keys: 4 bytes a key. An entry remembers the slot it is
 * filed in (16 bits: level and position). A key whose expiry moves later stays where it is filed:
 * when its slot is due it is filed again. So a TTL that is refreshed all the time costs nothing.
 *
 *   level 0   a slot is due at its end: everything in it has expired
 *   others    due at the beginning: its keys are filed again, finer
 *
 * Threads: under the shard's exclusive lock. */
#ifndef POLLARD_KEYSPACE_WHEEL_H
#define POLLARD_KEYSPACE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel;
struct entry;

/* Files the entry for when it is due (entry_due), unless where it is filed is early enough. The
 * wheel is made when *wheel is NULL. */
void wheel_file(struct wheel **wheel, struct entry *entry, uint32_t hash, int64_t now_ms);
/* Files an entry that is filed nowhere for at once: it has more to do than fits one hold. */
void wheel_file_due(struct wheel **wheel, struct entry *entry, uint32_t hash);
/* Takes the entry out of its slot. */
void wheel_forget(struct wheel *wheel, struct entry *entry, uint32_t hash);
/* When the next slot is due; INT64_MAX when there is none. */
int64_t wheel_due(const struct wheel *wheel);
/* Takes the hash of one key out of a slot that is due; false when none is. ret_slot is the slot it
 * was in. */
bool wheel_take(struct wheel *wheel, int64_t now_ms, uint32_t *ret_hash, uint16_t *ret_slot);
/* The hash of one of those filed, by any number: neighbours come with numbers one after the other.
 * False when none is. */
bool wheel_peek(const struct wheel *wheel, uint32_t number, uint32_t *ret_hash);
size_t wheel_bytes(const struct wheel *wheel);
/* How many keys are filed. */
size_t wheel_count(const struct wheel *wheel);
void wheel_destroy(struct wheel **wheel);
/* Is the hash in that slot? For checks. */
bool wheel_has(const struct wheel *wheel, uint16_t slot, uint32_t hash);

#endif
