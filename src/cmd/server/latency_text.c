/* LATENCY GRAPH and DOCTOR: samples as a drawing and as a report. Pure text; any thread. */
#include "latency_text.h"

/* Columns and rows of a graph. Source: what fits an 80 column terminal beside short labels. */
#define GRAPH_COLUMNS 72
#define GRAPH_ROWS 4

/* Age of a sample in two characters or less and its unit: "5s", "3m", "7h", "2d". */
static void age_label(int64_t age_s, char label[4])
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    while (i < 3 && age_s < units[i].seconds) {
        i++;
    }
    int64_t count = age_s / units[i].seconds;
    count = count < 0 ? 0 : count > 99 ? 99 : count;
    label[0] = count >= 10 ? (char)('0' + count / 10) : ' ';
    label[1] = (char)('0' + count % 10);
    label[2] = units[i].unit;
    label[3] = '\0';
}

static uint32_t lowest(const struct latency_event *event, size_t first)
{
    uint32_t low = UINT32_MAX;
    for (size_t i = first; i < event->sample_count; i++) {
        low = event->samples[i].latency_ms < low ? event->samples[i].latency_ms : low;
    }
    return low;
}

static uint32_t highest(const struct latency_event *event, size_t first)
{
    uint32_t high = 0;
    for (size_t i = first; i < event->sample_count; i++) {
        high = event->samples[i].latency_ms > high ? event->samples[i].latency_ms : high;
    }
    return high;
}

static void graph_bars(const struct latency_event *event, size_t first, struct buf *text)
{
    uint64_t low = lowest(event, first);
    uint64_t span = highest(event, first) - low + 1;
    for (unsigned row = GRAPH_ROWS; row > 0; row--) {
        for (size_t i = first; i < event->sample_count; i++) {
            uint64_t height = (event->samples[i].latency_ms - low) * GRAPH_ROWS / span + 1;
            buf_append_byte(text, height == row ? '#' : height > row ? '|' : ' ');
        }
        buf_append_byte(text, '\n');
    }
}

void latency_text_graph(const struct latency_event *event, int64_t now_s, struct buf *text)
{
    size_t first = event->sample_count > GRAPH_COLUMNS ? event->sample_count - GRAPH_COLUMNS : 0;
    buf_format(text, "%s - high %u ms, low %u ms (all time high %u ms)\n", event->name,
               highest(event, first), lowest(event, first), event->max_ms);
    for (unsigned i = 0; i < GRAPH_COLUMNS + 8; i++) {
        buf_append_byte(text, '-');
    }
    buf_append_byte(text, '\n');
    graph_bars(event, first, text);
    buf_append_byte(text, '\n');
    for (unsigned row = 0; row < 3; row++) {
        for (size_t i = first; i < event->sample_count; i++) {
            char label[4];
            age_label(now_s - event->samples[i].time_s, label);
            buf_append_byte(text, (unsigned char)label[row]);
        }
        buf_append_byte(text, '\n');
    }
}

struct doctor {
    struct buf *text;
    size_t events;
};

static void doctor_event(void *argument, const struct latency_event *event)
{
    struct doctor *doctor = argument;
    uint64_t sum = 0;
    for (size_t i = 0; i < event->sample_count; i++) {
        sum += event->samples[i].latency_ms;
    }
    doctor->events++;
    buf_format(doctor->text,
               "%zu. %s: %zu samples kept, mean %.2f ms, all time worst %u ms, latest at %lld.\n",
               doctor->events, event->name, event->sample_count,
               (double)sum / (double)event->sample_count, event->max_ms,
               (long long)event->samples[event->sample_count - 1].time_s);
}

void latency_text_doctor(int64_t threshold_ms, struct buf *text)
{
    if (threshold_ms == 0) {
        buf_append_text(text, "The latency monitor is off. \"CONFIG SET latency-monitor-threshold "
                              "<milliseconds>\" turns it on; then come back.\n");
        return;
    }
    struct buf events = {0};
    struct doctor doctor = {.text = &events};
    latency_each(doctor_event, &doctor);
    if (doctor.events == 0) {
        buf_format(text, "Nothing has taken %lld ms or longer since the monitor was turned on.\n",
                   (long long)threshold_ms);
        buf_deinit(&events);
        return;
    }
    buf_format(text, "These events took %lld ms or longer:\n\n", (long long)threshold_ms);
    buf_append(text, buf_bytes(&events));
    buf_deinit(&events);
    buf_append_text(text,
                    "\nWhat to look at: SLOWLOG GET names slow commands. A \"fast-command\" that "
                    "was slow points at the machine: swapping, a busy or a virtual processor. Long "
                    "commands run beside others here, yet who sent them waits: prefer SCAN to "
                    "KEYS and small batches to large ones.\n");
}
