/* One client's state: its description, its reset, its texts. On the owner's thread only. */
#include "pollard/client/session.h"
#include "pollard/base/mem.h"
#include "pollard/client/fieldsets.h"
#include "registry_private.h"

void session_set_text(char **field, struct bytes text)
{
    mem_free(*field);
    *field = text.size == 0 ? NULL : mem_copy_text(text);
}

void session_reset(struct session *session)
{
    session_set_monitor(session, false);
    session->flags &= ~(uint32_t)(SESSION_NO_TOUCH | SESSION_NO_EVICT | SESSION_REPLY_OFF |
                                  SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT);
    if (option_text_is_set(&registry_options(session->registry)->requirepass)) {
        session->flags &= ~(uint32_t)SESSION_AUTHENTICATED;
    } else {
        session->flags |= SESSION_AUTHENTICATED;
    }
    session->protocol = 2;
    session->db = 0;
    session_set_text(&session->name, bytes_make(NULL, 0));
    fieldsets_release(session->fieldsets);
    session->fieldsets = NULL;
}

bool session_needs_password(struct session *session)
{
    if (option_text_is_set(&registry_options(session->registry)->requirepass)) {
        return true;
    }
    /* The password was taken back: it need not be asked again. */
    session->flags |= SESSION_AUTHENTICATED;
    return false;
}

size_t session_memory(const struct session *session)
{
    size_t decoder = session->decoder == NULL ? 0 : decoder_memory(session->decoder);
    return sizeof(*session) + session->input.capacity + decoder + session->queued_memory +
           session->tracking_memory + session->subscription_memory +
           chain_memory(&session->conn.output) + chain_memory(&session->held) +
           fieldsets_memory(session->fieldsets);
}

/* The letters of CLIENT LIST's flags field; "N" when there is nothing to tell. */
static void append_flags(const struct session *session, struct buf *line)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {
        {SESSION_MONITOR, 'O'},         {SESSION_SUBSCRIBED, 'P'},     {SESSION_MULTI, 'x'},
        {SESSION_WATCH_LOST, 'd'},      {SESSION_BLOCKED, 'b'},        {SESSION_TRACKING, 't'},
        {SESSION_TRACKING_BROKEN, 'R'}, {SESSION_TRACKING_BCAST, 'B'}, {SESSION_CLOSE_AFTER, 'c'},
        {SESSION_CLOSE_NOW, 'A'},       {SESSION_UNIX, 'U'},           {SESSION_NO_EVICT, 'e'},
        {SESSION_NO_TOUCH, 'T'},
    };
    size_t before = line->size;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if ((session->flags & letters[i].flag) != 0) {
            buf_append_byte(line, (unsigned char)letters[i].letter);
        }
    }
    if (line->size == before) {
        buf_append_byte(line, 'N');
    }
}

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void describe_buffers(const struct session *session, struct buf *line)
{
    size_t pending = session->input.size - session->input_offset;
    size_t output = chain_size(&session->conn.output);
    size_t output_memory = chain_memory(&session->conn.output);
    buf_format(line, " qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=%zu rbs=0 rbp=0", pending,
               session->input.capacity - pending, session->queued_memory);
    buf_format(line, " obl=0 oll=%d omem=%zu tot-mem=%zu events=%s", output > 0 ? 1 : 0,
               output_memory, session_memory(session),
               (session->conn.flags & CONN_WRITES) != 0 ? "rw" : "r");
}

void session_describe(struct session *session, struct buf *line)
{
    const struct client_registry *registry = session->registry;
    registry->describe_hook(registry->hook_context, session);
    const struct reactor *reactor = session->conn.reactor;
    int64_t now_ms = reactor_now_ms(reactor);
    int64_t idle_ms = reactor_monotonic_ms(reactor) - session->conn.active_ms;
    buf_format(line, "id=%llu addr=", (unsigned long long)session->id);
    conn_peer_text(&session->conn, line);
    buf_append_text(line, " laddr=");
    conn_local_text(&session->conn, line);
    buf_format(line, " fd=%d name=%s age=%lld idle=%lld flags=", session->conn.fd,
               text_or_empty(session->name), (long long)((now_ms - session->created_ms) / 1000),
               (long long)(idle_ms / 1000));
    append_flags(session, line);
    bool is_in_multi = (session->flags & SESSION_MULTI) != 0;
    bool is_tracking = (session->flags & SESSION_TRACKING) != 0;
    buf_format(line, " db=%u sub=%u psub=%u ssub=%u multi=%lld watch=%u", session->db,
               session->channel_count, session->pattern_count, session->shard_channel_count,
               is_in_multi ? (long long)session->queued_count : -1LL, session->watch_count);
    describe_buffers(session, line);
    buf_format(line, " cmd=%s user=%s redir=%lld resp=%u lib-name=%s lib-ver=%s",
               session->last_command, "default",
               is_tracking ? (long long)session->redirect_id : -1LL, session->protocol,
               text_or_empty(session->lib_name), text_or_empty(session->lib_version));
    buf_format(line, " io-thread=%u tot-net-in=%llu tot-net-out=%llu tot-cmds=%llu",
               reactor_index(reactor), (unsigned long long)session->conn.read_bytes,
               (unsigned long long)session->conn.written_bytes,
               (unsigned long long)session->commands);
}
