/* From sockets to calls: one read a ready connection, its complete requests decoded into the group,
 * commands looked up, keys hashed and their lookups begun. The first half of the hot path; on
 * the reactor's thread. */
#include "cycle.h"
#include "pollard/base/log.h"

struct decoder *cycle_take_decoder(struct cycle *cycle)
{
    if (cycle->decoder_count > 0) {
        return cycle->decoders[--cycle->decoder_count];
    }
    return decoder_create();
}

void cycle_give_decoder(struct cycle *cycle, struct decoder **decoder)
{
    if (cycle->decoder_count < DECODER_POOL_MAX) {
        cycle->decoders[cycle->decoder_count++] = *decoder;
        *decoder = NULL;
        return;
    }
    decoder_destroy(decoder);
}

bool cycle_is_full(const struct cycle *cycle)
{
    return cycle->call_count == GROUP_CALLS_MAX || cycle->batch_count == GROUP_BATCHES_MAX ||
           cycle->arena_used > ARENA_SIZE - READ_SIZE;
}

static void note_read(struct cycle *cycle, ssize_t count)
{
    stat_counter_add(&cycle->stats->counters[STAT_net_input_bytes], (uint64_t)count);
}

/* What a read found. */
enum reading { READING_INPUT, READING_NOTHING, READING_ENDED };

/* Reads on into a large argument's own memory, as far as the socket gives. READING_INPUT: it is
 * complete (or there is none), and more may stand behind it. */
static enum reading read_direct(struct cycle *cycle, struct session *session)
{
    if (session->decoder == NULL) {
        return READING_INPUT;
    }
    struct direct_target target = decoder_direct(session->decoder);
    while (target.size > 0) {
        ssize_t count = conn_read(&session->conn, target.data, target.size);
        if (count <= 0) {
            return count < 0 ? READING_ENDED : READING_NOTHING;
        }
        note_read(cycle, count);
        decoder_direct_filled(session->decoder, (size_t)count);
        if ((size_t)count < target.size) {
            return READING_NOTHING;
        }
        target = decoder_direct(session->decoder);
    }
    return READING_INPUT;
}

/* Closes a client whose unread input has grown past the limit. */
static bool input_is_over_limit(struct session *session)
{
    const struct client_options *options = registry_options(session->registry);
    size_t held = session->input.size - session->input_offset;
    if (session->decoder != NULL) {
        held += decoder_memory(session->decoder);
    }
    if (held <= (uint64_t)option_get(&options->query_buffer_limit)) {
        return false;
    }
    struct buf line = {0};
    session_describe(session, &line);
    log_line(LOG_WARNING, "Closing client that reached max query buffer length: %.*s",
             (int)line.size, (const char *)line.data);
    buf_deinit(&line);
    stat_add(STAT_client_input_limit_cuts, 1);
    return true;
}

/* Appends one read to the session's own input. */
static enum reading read_to_input(struct cycle *cycle, struct session *session)
{
    buf_reserve(&session->input, READ_SIZE);
    ssize_t count = conn_read(&session->conn, session->input.data + session->input.size, READ_SIZE);
    if (count <= 0) {
        return count < 0 ? READING_ENDED : READING_NOTHING;
    }
    note_read(cycle, count);
    session->input.size += (size_t)count;
    return input_is_over_limit(session) ? READING_ENDED : READING_INPUT;
}

/* Finds the input to decode: the session's own when it has some, else a fresh read into the arena.
 */
static enum reading find_input(struct cycle *cycle, struct session *session, struct batch *batch)
{
    enum reading reading = read_direct(cycle, session);
    if (reading != READING_INPUT) {
        return reading;
    }
    struct buf *input = &session->input;
    bool is_mid_frame = session->decoder != NULL;
    if (input->size > session->input_offset || is_mid_frame) {
        /* What came while an answer was out may be all that comes: it is decoded without a read. */
        if (is_mid_frame && !session->is_unparsed &&
            (reading = read_to_input(cycle, session)) != READING_INPUT) {
            return reading;
        }
        session->is_unparsed = false;
        batch->from_input = true;
        batch->rest =
            bytes_make(input->data + session->input_offset, input->size - session->input_offset);
        return READING_INPUT;
    }
    unsigned char *room = cycle->arena + cycle->arena_used;
    ssize_t count = conn_read(&session->conn, room, READ_SIZE);
    if (count <= 0) {
        return count < 0 ? READING_ENDED : READING_NOTHING;
    }
    note_read(cycle, count);
    /* Whole cache lines, so that neighbours share none. */
    cycle->arena_used += ((size_t)count + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
    batch->from_input = false;
    batch->rest = bytes_make(room, (size_t)count);
    return READING_INPUT;
}

static const struct command *find_command(const struct cycle *cycle, const struct request *request)
{
    const struct command *command = UNLIKELY(cycle->dispatcher->renames != NULL)
                                        ? rename_find(cycle->dispatcher, request->argv[0])
                                        : command_find(request->argv[0]);
    if (command != NULL && command->subcommands != NULL && request->argc > 1) {
        const struct command *sub = command_find_sub(command, request->argv[1]);
        if (sub != NULL) {
            return sub;
        }
    }
    return command;
}

/* The keys of a call with several: found, hashed, and their lookups begun. */
static ATTR_NOINLINE void prepare_keys(struct cycle *cycle, uint32_t db, struct call *call)
{
    const struct request *request = &call->request;
    struct key_position positions[GROUP_ARGC_MAX];
    if (request->argc > GROUP_ARGC_MAX || !call_has_arity(call)) {
        return;
    }
    int count =
        command_keys(call->command, request->argv, request->argc, positions, GROUP_ARGC_MAX);
    /* One more is kept free behind them, for exec_key_in_db. */
    if (count <= 0 || count > GROUP_ARGC_MAX ||
        cycle->key_count + (uint32_t)count + 1 > GROUP_KEYS_MAX) {
        return;
    }
    const struct keyspace *keyspace = cycle->services->keyspace;
    call->keys = &cycle->keys[cycle->key_count];
    call->key_count = (uint32_t)count;
    cycle->key_count += (uint32_t)count + 1;
    for (int i = 0; i < count; i++) {
        struct access_key *key = &call->keys[i];
        key->name = request->argv[positions[i].index];
        key->hash = keyspace_hash(keyspace, key->name);
        key_hint_start(keyspace, db, key->hash, &cycle->hints[cycle->hint_count++]);
    }
}

static void prepare_call(struct cycle *cycle, const struct session *session, struct call *call)
{
    const struct request *request = &call->request;
    const struct command *command = find_command(cycle, request);
    call->command = command;
    call->hint.at = NULL;
    call->keys = NULL;
    if (UNLIKELY(command == NULL || command->first_key <= 0 ||
                 request->argc <= (uint32_t)command->first_key)) {
        return;
    }
    if (UNLIKELY(!command->has_one_key)) {
        prepare_keys(cycle, session->db, call);
        return;
    }
    const struct keyspace *keyspace = cycle->services->keyspace;
    call->key.name = request->argv[command->first_key];
    call->key.hash = keyspace_hash(keyspace, call->key.name);
    key_hint_start(keyspace, session->db, call->key.hash, &call->hint);
}

static void decode_batch(struct cycle *cycle, struct batch *batch)
{
    struct session *session = batch->session;
    const struct decode_limits limits = {
        .bulk_size_max = (uint64_t)option_get(&registry_options(session->registry)->bulk_size_max),
        .bulk_keep_max = cycle->bulk_keep_max,
        .authenticated = session_is_authenticated(session),
    };
    batch->first_call = cycle->call_count;
    while (batch->call_count < CONNECTION_CALLS_MAX && cycle->call_count < GROUP_CALLS_MAX) {
        struct call *call = &cycle->calls[cycle->call_count];
        call->wire = batch->rest.data;
        enum decode_result result =
            decoder_next(batch->decoder, &batch->rest, &limits, &call->request, &batch->error);
        if (result != DECODE_REQUEST) {
            break;
        }
        prepare_call(cycle, session, call);
        cycle->call_count++;
        batch->call_count++;
    }
}

/* Input of a session whose answer is still out is only kept, so that its end is noticed; a lot of
 * it is left to the kernel. */
static bool hold_back(struct cycle *cycle, struct session *session)
{
    if (session->input.size - session->input_offset >= 4 * READ_SIZE ||
        (session->decoder != NULL && decoder_direct(session->decoder).size > 0)) {
        conn_want_reads(&session->conn, false);
        return true;
    }
    enum reading reading = read_to_input(cycle, session);
    session->is_unparsed |= reading == READING_INPUT;
    return reading != READING_ENDED;
}

void cycle_gather(struct cycle *cycle, struct conn *conn)
{
    struct session *session = session_of(conn);
    if ((session->flags & SESSION_CLOSE_NOW) != 0 || (conn->flags & CONN_FAILED) != 0) {
        session_destroy(session);
        return;
    }
    if (UNLIKELY((session->flags & (SESSION_JOB | SESSION_CLOSE_AFTER)) != 0)) {
        if (!hold_back(cycle, session)) {
            session_destroy(session);
        }
        return;
    }
    if (UNLIKELY(session->decoder != NULL) && input_is_over_limit(session)) {
        session_destroy(session);
        return;
    }
    struct batch *batch = &cycle->batches[cycle->batch_count];
    *batch = (struct batch){.session = session};
    enum reading reading = find_input(cycle, session, batch);
    if (reading != READING_INPUT) {
        if (reading == READING_ENDED) {
            session_destroy(session);
        }
        return;
    }
    cycle->batch_count++;
    batch->end = batch->rest.data + batch->rest.size;
    batch->decoder = session->decoder != NULL ? session->decoder : cycle_take_decoder(cycle);
    session->decoder = NULL;
    decode_batch(cycle, batch);
}
