/* The command logs: newest first, a list a kind under one lock.
 *
 * Off the data path: only commands over a threshold come here.
 * Invariants: 1. ids of a kind rise by one an entry and are never given twice. 2. No list is longer
 * than its maximum at the last commandlog_add. */
#include "pollard/stats/commandlog.h"
#include "pollard/base/clock.h"
#include "pollard/base/lock.h"
#include "pollard/base/mem.h"

struct log_node {
    struct log_node *newer;
    struct log_node *older;
    struct commandlog_entry entry;
};

struct log_list {
    struct log_node *newest;
    struct log_node *oldest;
    size_t length;
    int64_t next_id;
};

static struct lock log_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_RANK_STATS};
static struct log_list lists[COMMANDLOG_KINDS];

static void node_destroy(struct log_node *node)
{
    for (size_t i = 0; i < node->entry.argument_count; i++) {
        buf_deinit(&node->entry.arguments[i]);
    }
    buf_deinit(&node->entry.peer);
    buf_deinit(&node->entry.client_name);
    mem_free(node);
}

/* An argument as it is kept: what is cut off is counted behind it. */
static void keep_argument(struct buf *kept, struct bytes argument)
{
    if (argument.size <= COMMANDLOG_ARGUMENT_SIZE_MAX) {
        buf_append(kept, argument);
        return;
    }
    buf_append(kept, bytes_make(argument.data, COMMANDLOG_ARGUMENT_SIZE_MAX));
    buf_format(kept, "... (%zu more bytes)", argument.size - COMMANDLOG_ARGUMENT_SIZE_MAX);
}

static void keep_arguments(struct commandlog_entry *entry, const struct bytes *argv, size_t argc)
{
    entry->argument_count = argc < COMMANDLOG_ARGUMENTS_MAX ? argc : COMMANDLOG_ARGUMENTS_MAX;
    for (size_t i = 0; i < entry->argument_count; i++) {
        if (argc > COMMANDLOG_ARGUMENTS_MAX && i == COMMANDLOG_ARGUMENTS_MAX - 1) {
            buf_format(&entry->arguments[i], "... (%zu more arguments)",
                       argc - COMMANDLOG_ARGUMENTS_MAX + 1);
        } else {
            keep_argument(&entry->arguments[i], argv[i]);
        }
    }
}

/* Cuts the oldest entry off; the caller destroys it. */
static struct log_node *take_oldest(struct log_list *list)
{
    struct log_node *node = list->oldest;
    list->oldest = node->newer;
    if (list->oldest != NULL) {
        list->oldest->older = NULL;
    } else {
        list->newest = NULL;
    }
    list->length--;
    return node;
}

void commandlog_add(const struct stats_options *options, enum commandlog_kind kind, int64_t value,
                    const struct commandlog_call *call)
{
    struct log_node *node = mem_alloc_zero(sizeof(*node));
    struct commandlog_entry *entry = &node->entry;
    entry->time_s = clock_ms() / 1000;
    entry->value = value;
    keep_arguments(entry, call->argv, call->argc);
    buf_append(&entry->peer, call->peer);
    buf_append(&entry->client_name, call->client_name);
    size_t max_size = (size_t)option_get(&options->commandlog_max_size[kind]);
    struct log_list *list = &lists[kind];
    lock_acquire(&log_lock);
    entry->id = list->next_id;
    list->next_id++;
    node->older = list->newest;
    if (list->newest != NULL) {
        list->newest->newer = node;
    } else {
        list->oldest = node;
    }
    list->newest = node;
    list->length++;
    while (list->length > max_size) {
        node_destroy(take_oldest(list));
    }
    lock_release(&log_lock);
}

void commandlog_each(enum commandlog_kind kind, int64_t count,
                     void (*visit)(void *argument, const struct commandlog_entry *entry),
                     void *argument)
{
    lock_acquire(&log_lock);
    for (struct log_node *node = lists[kind].newest; node != NULL && count != 0;
         node = node->older) {
        visit(argument, &node->entry);
        if (count > 0) {
            count--;
        }
    }
    lock_release(&log_lock);
}

size_t commandlog_length(enum commandlog_kind kind)
{
    lock_acquire(&log_lock);
    size_t length = lists[kind].length;
    lock_release(&log_lock);
    return length;
}

void commandlog_reset(enum commandlog_kind kind)
{
    lock_acquire(&log_lock);
    while (lists[kind].length > 0) {
        node_destroy(take_oldest(&lists[kind]));
    }
    lock_release(&log_lock);
}

void commandlog_teardown(void)
{
    for (int kind = 0; kind < COMMANDLOG_KINDS; kind++) {
        commandlog_reset((enum commandlog_kind)kind);
    }
    (void)latency_reset(bytes_make(NULL, 0)); /* How many there were matters to nobody here. */
}
