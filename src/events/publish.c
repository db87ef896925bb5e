/* Publishing: a message is encoded once for a target, and the block is posted to the reactors.
 *
 *     delivery: [target][payload][push of reactor 0][push of reactor 3] .. [frame]
 *                           |                                             *3 message channel ...
 *                           +-> a large message, shared by all deliveries and outputs
 *
 * On the data path of PUBLISH and of notifications. Threads: a delivery is made by the publisher,
 * under the target's lock, read by the reactors, and freed by the last of them. */
#include "events_private.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"
#include "pollard/base/number.h"

struct delivery;

struct delivery_push {
    struct push push; /* first */
    struct delivery *delivery;
    uint64_t load; /* counted in the reactor's backlog */
};

struct delivery {
    _Atomic uint32_t refs; /* pushes that are out */
    struct events *events;
    struct target *target; /* shares */
    struct blob *payload;  /* shares; the message and its line end, when they are not in frame */
    size_t frame_size;
    const unsigned char *frame; /* behind the pushes; its first byte is RESP2's */
    struct delivery_push pushes[];
};

/* What the deliveries of one message have alike. */
struct outgoing {
    struct events *events;
    const struct publication *publication;
    struct blob *payload; /* NULL: the message is small */
};

/* ---- The receiving side ---- */

static void delivery_release(struct delivery *delivery)
{
    /* Acquire and release: the others have read it before it is freed. */
    if (atomic_fetch_sub_explicit(&delivery->refs, 1, memory_order_acq_rel) == 1) {
        target_release(delivery->target);
        blob_release(delivery->payload);
        mem_free(delivery);
    }
}

static void append(struct session *session, const struct delivery *delivery)
{
    struct chain *chain = session_push(session);
    unsigned char mark = session->protocol >= 3 ? '>' : '*';
    if (LIKELY(delivery->frame_size <= CHAIN_RESERVE_MAX)) {
        unsigned char *out = chain_reserve(chain, delivery->frame_size);
        memcpy(out, delivery->frame, delivery->frame_size);
        out[0] = mark;
        chain->cursor = out + delivery->frame_size;
    } else {
        chain_append(chain, bytes_make(&mark, 1));
        chain_append(chain, bytes_make(delivery->frame + 1, delivery->frame_size - 1));
    }
    if (delivery->payload != NULL) {
        struct blob *payload = blob_acquire(delivery->payload);
        chain_append_blob_take(chain, payload, /* offset= */ 0, payload->size);
    }
    session_pushed(session);
}

static size_t delivery_size(const struct delivery *delivery)
{
    return delivery->frame_size + (delivery->payload == NULL ? 0 : delivery->payload->size);
}

static void deliver(struct push *push, struct reactor *reactor)
{
    const struct delivery_push *delivery_push = (struct delivery_push *)push;
    struct delivery *delivery = delivery_push->delivery;
    if (reactor != NULL) {
        uint32_t index = reactor_index(reactor);
        uint32_t count;
        struct seated *seats = target_seated(delivery->target, index, &count);
        for (uint32_t i = 0; i < count; i++) {
            append(seats[i].receiver, delivery);
        }
        target_waited(delivery->target, index, delivery_size(delivery));
        atomic_fetch_sub_explicit(&delivery->events->backlogs[index].bytes, delivery_push->load,
                                  memory_order_relaxed);
    }
    delivery_release(delivery);
}

/* What waits for them alone is over their limit: they are cut, as if it were in their outputs. */
static void deliver_cut(struct push *push, struct reactor *reactor)
{
    struct delivery *delivery = ((struct delivery_push *)push)->delivery;
    if (reactor != NULL) {
        uint32_t count;
        struct seated *seats = target_seated(delivery->target, reactor_index(reactor), &count);
        for (uint32_t i = 0; i < count; i++) {
            session_cut_for_output(seats[i].receiver);
            session_pushed(seats[i].receiver);
        }
    }
    delivery_release(delivery);
}

/* ---- The sending side ---- */

/* Heads of a frame: a mark, a number, CR LF. */
#define HEAD_MAX ((size_t)(1 + NUMBER_INT_MAX + 2))

static unsigned char *put(unsigned char *out, struct bytes bytes)
{
    if (bytes.size > 0) {
        memcpy(out, bytes.data, bytes.size);
    }
    return out + bytes.size;
}

static unsigned char *put_head(unsigned char *out, size_t size)
{
    *out++ = '$';
    out += number_print_u64(out, size);
    return put(out, bytes_text("\r\n"));
}

static unsigned char *put_bulk(unsigned char *out, struct bytes bytes)
{
    return put(put(put_head(out, bytes.size), bytes), bytes_text("\r\n"));
}

/* What a frame begins with, up to the channel. */
static const char *frame_begin(enum pubsub_space space)
{
    switch (space) {
    case PUBSUB_CHANNELS:
        return "*3\r\n$7\r\nmessage\r\n";
    case PUBSUB_SHARD_CHANNELS:
        return "*3\r\n$8\r\nsmessage\r\n";
    case PUBSUB_PATTERNS:
        return "*4\r\n$8\r\npmessage\r\n";
    case PUBSUB_SPACES:
        break;
    }
    check_unreachable();
}

static void encode(struct delivery *delivery, unsigned char *frame, const struct outgoing *outgoing)
{
    const struct publication *publication = outgoing->publication;
    enum pubsub_space space = target_space(delivery->target);
    unsigned char *out = put(frame, bytes_text(frame_begin(space)));
    if (space == PUBSUB_PATTERNS) {
        out = put_bulk(out, target_name(delivery->target));
    }
    out = put_bulk(out, publication->channel);
    if (outgoing->payload == NULL) {
        out = put_bulk(out, publication->message);
    } else {
        out = put_head(out, publication->message.size);
        delivery->payload = blob_acquire(outgoing->payload);
    }
    delivery->frame = frame;
    delivery->frame_size = (size_t)(out - frame);
}

/* Room that the frame needs at most. */
static size_t frame_bound(const struct target *target, const struct outgoing *outgoing)
{
    size_t texts = target_name(target).size + outgoing->publication->channel.size;
    texts += outgoing->payload == NULL ? outgoing->publication->message.size : 0;
    return 32 + 3 * (HEAD_MAX + 2) + texts;
}

/* The block, with room for a push to each of so many reactors. */
static struct delivery *make_delivery(struct target *target, const struct outgoing *outgoing,
                                      uint32_t reached)
{
    size_t head_size = sizeof(struct delivery) + reached * sizeof(struct delivery_push);
    struct delivery *delivery = mem_alloc(head_size + frame_bound(target, outgoing));
    *delivery = (struct delivery){.target = target_acquire(target), .events = outgoing->events};
    /* The push publishes it. One reference is the maker's. */
    atomic_init(&delivery->refs, reached + 1);
    encode(delivery, (unsigned char *)delivery + head_size, outgoing);
    return delivery;
}

/* Posts to one reactor with receivers; returns for how many it was enqueued. */
static uint32_t post(struct delivery *delivery, struct delivery_push *push, uint32_t reactor)
{
    struct events *events = delivery->events;
    struct target *target = delivery->target;
    uint32_t count = target_count(target, reactor);
    const struct output_limit *limit =
        &registry_options(events->registry)->output_limits[CLIENT_PUBSUB];
    *push = (struct delivery_push){.push.deliver = deliver, .delivery = delivery};
    if (UNLIKELY(!target_wait(target, reactor, delivery_size(delivery),
                              (uint64_t)option_get(&limit->hard_bytes)))) {
        push->push.deliver = deliver_cut;
        if (target_give_up(target, reactor)) {
            push_post(events->registry, reactor, &push->push);
        } else {
            delivery_release(delivery);
        }
        return 0;
    }
    push->load =
        delivery->frame_size * count + (delivery->payload == NULL ? 0 : delivery->payload->size);
    atomic_fetch_add_explicit(&events->backlogs[reactor].bytes, push->load, memory_order_relaxed);
    push_post(events->registry, reactor, &push->push);
    return count;
}

/* Under the target's lock. */
static uint64_t enqueue(void *context, struct target *target)
{
    const struct outgoing *outgoing = context;
    uint32_t reactor_count = outgoing->events->reactor_count;
    uint32_t reached = 0;
    for (uint32_t i = 0; i < reactor_count; i++) {
        reached += target_count(target, i) > 0;
    }
    struct delivery *delivery = make_delivery(target, outgoing, reached);
    struct delivery_push *push = delivery->pushes;
    uint64_t receivers = 0;
    for (uint32_t i = 0; i < reactor_count; i++) {
        if (target_count(target, i) > 0) {
            receivers += post(delivery, push, i);
            push++;
        }
    }
    delivery_release(delivery);
    return receivers;
}

/* The message and its line end, shared; NULL when memory is out. */
static struct blob *make_payload(struct bytes message)
{
    struct blob *payload = blob_try_create(message.size + 2, message.size + 2);
    if (payload != NULL) {
        memcpy(payload->data, message.data, message.size);
        memcpy(payload->data + message.size, "\r\n", 2);
    }
    return payload;
}

enum status events_publish(struct events *events, const struct publication *publication,
                           uint64_t *ret_receivers)
{
    *ret_receivers = 0;
    if (!pubsub_has_targets(events->pubsub, publication->space)) {
        return STATUS_OK;
    }
    struct outgoing outgoing = {.events = events, .publication = publication};
    if (publication->message.size >= BLOB_DIRECT_SIZE) {
        outgoing.payload = make_payload(publication->message);
        if (outgoing.payload == NULL) {
            return STATUS_OUT_OF_MEMORY;
        }
    }
    const struct pubsub_message message = {.space = publication->space,
                                           .channel = publication->channel};
    *ret_receivers = pubsub_publish(events->pubsub, &message, enqueue, &outgoing);
    blob_release(outgoing.payload);
    return STATUS_OK;
}
