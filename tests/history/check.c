/* The checker: is there an order of the operations that explains every reply?
 *
 * Wing and Gong's search as Lowe improved it: calls and returns in a list by time; the search takes
 * a call before the first return, applies it to the model and lifts it out; at a return it has
 * failed, and takes the last step back. Three things keep it small, and none loses an order:
 * 1. A pair (operations taken, state) that was met before is not tried again.
 * 2. An operation that can be put anywhere without harm is taken at once (struct facts).
 * 3. Calls that have nothing to do with the one that returns first wait (find_choices).
 * What it accepts is right: the order it found agrees with time, with each client's own order and
 * with the model. Pairs are known by numbers of 64 bits; two that collide, once in 10^8 rows, could
 * lose an order and so raise a false alarm. */
#include "history.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 1 << 18, SHOWN_MAX = 12 };

/* A call or a return, in a list by time. */
struct event {
    struct event *before, *after;
    struct event *partner; /* of a call: its return; of a return: NULL */
    int64_t at_ns;
    int op;
};

struct step {
    struct event *call;
    struct state state; /* before it */
};

struct search {
    const struct row *row;
    struct event head; /* not an event: the list's begin */
    struct event *events;
    struct step *steps;
    int depth;
    bool *is_taken;
    struct facts *facts;
    struct facts choice; /* the union of those worth a try at this point */
    uint64_t taken;      /* the sum of the numbers of the operations taken */
    struct state state;
    struct state next; /* what the call that is looked at would lead to */
    /* Open addressing; 0 is free. */
    uint64_t *pairs;
    size_t pair_room, pair_count;
    /* The longest order found, for the message. */
    int *best;
    int best_depth;
    int best_stuck; /* the operation whose return no order passes */
    struct state best_state;
};

static void *get_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

static int by_time(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    /* At one instant calls come first: then the two overlap, and no order is ruled out. */
    return (a->partner == NULL) - (b->partner == NULL);
}

static void link_events(struct search *search)
{
    int count = search->row->count;
    struct event **calls = get_memory((size_t)count, sizeof(struct event *));
    for (int i = 0; i < count; i++) {
        const struct op *op = &search->row->ops[i];
        /* Any partner marks a call; the loop below puts in the return. */
        search->events[2 * i] =
            (struct event){.at_ns = op->invoked_ns, .op = i, .partner = &search->head};
        search->events[2 * i + 1] = (struct event){.at_ns = op->returned_ns, .op = i};
    }
    qsort(search->events, (size_t)count * 2, sizeof(struct event), by_time);
    struct event *last = &search->head;
    for (int i = 0; i < 2 * count; i++) {
        struct event *event = &search->events[i];
        if (event->partner != NULL) {
            calls[event->op] = event;
        } else {
            calls[event->op]->partner = event;
        }
        event->before = last;
        last->after = event;
        last = event;
    }
    last->after = NULL;
    free(calls);
}

static void unlink_event(struct event *event)
{
    event->before->after = event->after;
    if (event->after != NULL) {
        event->after->before = event->before;
    }
}

static void relink_event(struct event *event)
{
    event->before->after = event;
    if (event->after != NULL) {
        event->after->before = event;
    }
}

/* The operation's number in sums that stand for sets of operations. */
static uint64_t number_of(int op)
{
    struct random random = {.state = (uint64_t)op + 1};
    return random_next(&random);
}

static void grow_pairs(struct search *search)
{
    uint64_t *old = search->pairs;
    size_t room = search->pair_room;
    search->pair_room = room == 0 ? 1024 : room * 2;
    search->pairs = get_memory(search->pair_room, sizeof(uint64_t));
    for (size_t i = 0; i < room; i++) {
        if (old[i] != 0) {
            size_t at = old[i] & (search->pair_room - 1);
            while (search->pairs[at] != 0) {
                at = (at + 1) & (search->pair_room - 1);
            }
            search->pairs[at] = old[i];
        }
    }
    free(old);
}

/* Whether the pair is new; it no longer is. */
static bool is_new_pair(struct search *search, uint64_t taken, uint64_t hash)
{
    struct random random = {.state = taken ^ hash};
    uint64_t pair = random_next(&random);
    pair += pair == 0;
    if (search->pair_count * 2 >= search->pair_room) {
        grow_pairs(search);
    }
    size_t at = pair & (search->pair_room - 1);
    while (search->pairs[at] != 0) {
        if (search->pairs[at] == pair) {
            return false;
        }
        at = (at + 1) & (search->pair_room - 1);
    }
    search->pairs[at] = pair;
    search->pair_count++;
    return true;
}

/* Whether the operation has to do with those `search->choice` stands for. */
static bool is_choice(const struct search *search, int op)
{
    const struct facts *facts = &search->facts[op];
    const struct facts *choice = &search->choice;
    return (facts->writes & (choice->reads | choice->writes)) || (facts->reads & choice->writes) ||
           (facts->clients & choice->clients);
}

static bool is_within(const struct facts *facts, const struct facts *whole)
{
    return !(facts->reads & ~whole->reads) && !(facts->writes & ~whole->writes) &&
           !(facts->clients & ~whole->clients);
}

/* What became of a call that the search looked at. */
enum outcome {
    OUTCOME_REFUSED, /* it cannot come next, or leads to where the search has been */
    OUTCOME_TAKEN,
    OUTCOME_DEAD, /* no order from here can be completed */
};

/* Applies the operation to `search->next`; whether the model gives the recorded reply. */
static bool agrees(struct search *search, const struct op *op)
{
    int64_t reply[REPLY_MAX];
    const int64_t *hint = op->reply_count > 0 ? op->reply : NULL;
    state_copy(&search->next, &search->state);
    int count = model_step(&search->next, op, hint, reply);
    return count == op->reply_count &&
           memcmp(reply, op->reply, (size_t)count * sizeof(reply[0])) == 0;
}

/* Takes the call, if the model agrees and this leads to somewhere new. */
static enum outcome take(struct search *search, struct event *call)
{
    const struct op *op = &search->row->ops[call->op];
    bool is_final = search->facts[call->op].is_final;
    if ((op->previous >= 0 && !search->is_taken[op->previous]) || !agrees(search, op)) {
        return OUTCOME_REFUSED;
    }
    uint64_t taken = search->taken + number_of(call->op);
    if (!is_new_pair(search, taken, state_hash(&search->next))) {
        return is_final ? OUTCOME_DEAD : OUTCOME_REFUSED;
    }
    struct step *step = &search->steps[search->depth++];
    step->call = call;
    state_copy(&step->state, &search->state);
    state_copy(&search->state, &search->next);
    search->taken = taken;
    search->is_taken[call->op] = true;
    unlink_event(call->partner);
    unlink_event(call);
    return OUTCOME_TAKEN;
}

/* Takes back the last step. */
static struct step *take_back(struct search *search)
{
    struct step *step = &search->steps[--search->depth];
    state_copy(&search->state, &step->state);
    search->taken -= number_of(step->call->op);
    search->is_taken[step->call->op] = false;
    relink_event(step->call);
    relink_event(step->call->partner);
    return step;
}

/* Which calls are worth a try here. Before the call whose return comes first only those can be
 * taken that began before that return. Of these, the ones that have no key and no client in common
 * with it, not even over others, change nothing for it: any order goes as well with them behind. */
static void find_choices(struct search *search)
{
    struct event *first = search->head.after;
    while (first != NULL && first->partner != NULL) {
        first = first->after;
    }
    if (first == NULL) {
        return;
    }
    search->choice = search->facts[first->op];
    for (bool grows = true; grows;) {
        grows = false;
        for (struct event *event = search->head.after; event != first; event = event->after) {
            const struct facts *facts = &search->facts[event->op];
            struct facts *choice = &search->choice;
            if (is_choice(search, event->op) && !is_within(facts, choice)) {
                choice->reads |= facts->reads;
                choice->writes |= facts->writes;
                choice->clients |= facts->clients;
                grows = true;
            }
        }
    }
}

static void remember_best(struct search *search, int stuck)
{
    if (search->depth < search->best_depth) {
        return;
    }
    search->best_depth = search->depth;
    search->best_stuck = stuck;
    search->best_state = search->state;
    for (int i = 0; i < search->depth; i++) {
        search->best[i] = search->steps[i].call->op;
    }
}

/* Goes back to the last step that has a choice left and sets `*event` behind it; false if none. */
static bool go_back(struct search *search, struct event **event)
{
    while (search->depth > 0) {
        struct step *step = take_back(search);
        if (!search->facts[step->call->op].is_final) {
            *event = step->call->after;
            find_choices(search);
            return true;
        }
    }
    return false;
}

/* At a point the search comes to for the first time: takes a final call, if one can be. */
static enum outcome take_final(struct search *search)
{
    for (struct event *event = search->head.after; event->partner != NULL; event = event->after) {
        enum outcome outcome =
            search->facts[event->op].is_final ? take(search, event) : OUTCOME_REFUSED;
        if (outcome != OUTCOME_REFUSED) {
            return outcome;
        }
    }
    return OUTCOME_REFUSED;
}

static enum verdict run_search(struct search *search)
{
    struct event *event = search->head.after;
    enum outcome outcome = OUTCOME_TAKEN; /* the begin is such a point, too */
    while (search->head.after != NULL) {
        if (search->pair_count > PAIRS_MAX) {
            return UNDECIDED;
        }
        if (outcome == OUTCOME_TAKEN) {
            outcome = take_final(search);
            event = search->head.after;
            find_choices(search);
        } else if (event->partner != NULL) {
            outcome = is_choice(search, event->op) ? take(search, event) : OUTCOME_REFUSED;
            event = event->after; /* unless it was taken: then the search begins at the head */
        } else {
            remember_best(search, event->op);
            outcome = OUTCOME_DEAD;
        }
        if (outcome == OUTCOME_DEAD) {
            if (!go_back(search, &event)) {
                return VIOLATION;
            }
            outcome = OUTCOME_REFUSED;
        }
    }
    return LINEARIZABLE;
}

/* The smallest window around the first point that no order passes: the last operations of the
 * longest order, the state it leads to, and those that were open when the stuck one returned. */
static void print_violation(const struct search *search)
{
    const struct row *row = search->row;
    const struct op *stuck = &row->ops[search->best_stuck];
    int64_t begin_ns = row->ops[0].invoked_ns;
    bool *is_taken = get_memory((size_t)row->count, sizeof(bool));
    int first = search->best_depth > SHOWN_MAX ? search->best_depth - SHOWN_MAX : 0;
    printf("the longest order that explains the replies ends with (%d before):\n", first);
    for (int i = 0; i < search->best_depth; i++) {
        is_taken[search->best[i]] = true;
        if (i >= first) {
            op_print(&row->ops[search->best[i]], begin_ns);
        }
    }
    printf("and leads to:\n");
    state_print(&search->best_state, stuck->group);
    printf("no order explains this one, which returned first:\n");
    op_print(stuck, begin_ns);
    printf("beside it were open:\n");
    for (int i = 0; i < row->count; i++) {
        const struct op *op = &row->ops[i];
        if (op != stuck && !is_taken[i] && op->invoked_ns <= stuck->returned_ns) {
            op_print(op, begin_ns);
        }
    }
    free(is_taken);
}

enum verdict check_row(const struct row *row, struct state *state)
{
    size_t count = (size_t)row->count;
    struct search search = {.row = row, .state = *state};
    search.events = get_memory(2 * count + 1, sizeof(struct event));
    search.steps = get_memory(count + 1, sizeof(struct step));
    search.is_taken = get_memory(count + 1, sizeof(bool));
    search.facts = get_memory(count + 1, sizeof(struct facts));
    search.best = get_memory(count + 1, sizeof(int));
    link_events(&search);
    facts_find(row, search.facts);
    enum verdict verdict = run_search(&search);
    if (verdict == LINEARIZABLE) {
        *state = search.state;
    } else if (verdict == VIOLATION && !row->is_quiet) {
        print_violation(&search);
    }
    free(search.events);
    free(search.steps);
    free(search.is_taken);
    free(search.facts);
    free(search.best);
    free(search.pairs);
    return verdict;
}
