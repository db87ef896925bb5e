/* Views: accesses on what another holds, for the commands of a transaction and those that are
 * served while they wait. They lock nothing; what is to be done after the locks goes to the holder.
 *
 * Threads: the holder's. */
#include "key.h"
#include "note.h"
#include "pollard/base/check.h"

bool access_holds(const struct access *access, const struct access_key *key)
{
    const struct shard *shard = shard_of(access->keyspace, key->hash);
    if (access->has_all) {
        return true;
    }
    for (uint32_t i = 0; i < access->shard_count; i++) {
        if (access->shards[i] == shard) {
            return true;
        }
    }
    return false;
}

void access_borrow(struct access *view, struct access *holder, struct key_list keys)
{
    /* Who holds nothing lends views of nothing. */
    debug_check(holder->granted || keys.count == 0);
    access_init(view, holder->keyspace, (enum access_mode)holder->mode, keys, holder->now_ms);
    view->flags = holder->flags;
    view->client_id = holder->client_id;
    view->interest = holder->interest;
    view->has_all = holder->has_all;
    view->is_borrowed = true;
    view->granted = holder->granted;
    /* What is large is copied here and now: the holder cannot let go. */
    view->prepares = UINT8_MAX;
}

void access_return(struct access *view, struct access *holder)
{
    struct garbage **garbage = &holder->garbage;
    struct key_note **ready = &holder->ready;
    debug_check(view->is_borrowed && !view->is_untold);
    while (*garbage != NULL) {
        garbage = &(*garbage)->next;
    }
    *garbage = view->garbage;
    while (*ready != NULL) {
        ready = &(*ready)->next_ready;
    }
    *ready = view->ready;
    holder->due_ms = view->due_ms < holder->due_ms ? view->due_ms : holder->due_ms;
    holder->changed |= view->changed;
    /* The next view is to see a lease that this one has given. */
    holder->interest |= view->interest & ACCESS_NOTED;
    holder->has_edits |= view->has_edits;
    holder->has_told |= view->has_told;
    holder->has_extras |= view->has_extras;
    view->granted = false;
}
