/* Keys that a handler finds out about while it runs: the same name in another database, and the
 * one key of a command without key specs. */
#include "job.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include <sched.h>

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

enum status exec_extra_key(struct exec *x, struct bytes name, enum access_mode mode,
                           uint32_t *ret_index)
{
    struct access *access = x->access;
    struct access_key *key = (struct access_key *)access->keys;
    check(access->key_count == 0 && key != NULL);
    *key = (struct access_key){
        .name = name, .hash = keyspace_hash(access->keyspace, name), .db = x->db};
    access_init(access, access->keyspace, mode, key, 1, access->now_ms);
    while (access_try(access) == ACCESS_BUSY) {
        if (exec_on_reactor(x)) {
            access_end(access);
            access->key_count = 0;
            return STATUS_TO_POOL;
        }
        sched_yield();
    }
    x->now_ms = access->now_ms;
    *ret_index = 0;
    return STATUS_OK;
}

bool exec_breathe(struct exec *x)
{
    if (exec_on_reactor(x)) {
        return false;
    }
    keyspace_leave(x->services->keyspace);
    keyspace_enter(x->services->keyspace);
    return atomic_load_explicit((_Atomic bool *)x->cancelled, memory_order_relaxed);
}
