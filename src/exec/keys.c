/* Keys that a handler finds out about while it runs: the same name in another database. And the
 * breath between slices of long work. */
#include "job.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

enum status exec_key_in_db(struct exec *x, uint32_t key_index, uint32_t db, uint32_t *ret_index)
{
    struct access *access = x->access;
    if (db >= keyspace_databases(x->services->keyspace)) {
        return STATUS_DB_RANGE;
    }
    check(key_index < access->key_count);
    /* Room for one more is kept behind every access's keys (call_find_keys). */
    struct access_key *keys = (struct access_key *)access->keys;
    keys[access->key_count] = keys[key_index];
    keys[access->key_count].db = db;
    *ret_index = access->key_count;
    access->key_count++;
    return STATUS_OK;
}

void exec_drop_work(struct exec *x)
{
    if (x->work != NULL) {
        x->work->free(x->work, x->services->keyspace);
        x->work = NULL;
    }
}

bool exec_breathe(struct exec *x)
{
    if (x->session != NULL || x->is_inside) {
        return false;
    }
    if (!x->access->granted) {
        keyspace_leave(x->services->keyspace);
        keyspace_enter(x->services->keyspace);
    }
    return atomic_load_explicit((_Atomic bool *)x->cancelled, memory_order_relaxed);
}
