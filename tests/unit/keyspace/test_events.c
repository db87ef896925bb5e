/* Tests of events: what the keyspace tells by itself and in which order, who hears of what, and how
 * classes are written. */
#include "fixture.h"
#include "pollard/keyspace/event.h"
#include "pollard/value/set.h"
#include <criterion/criterion.h>
#include <signal.h>

#define EVERYTHING UINT32_C(0xffff)

/* Sinks that write down what they hear, as "event key" and "! key" for changes. */
struct recording {
    struct fixture fixture;
    struct buf heard;
    uint32_t settles;
};

static void hear_event(void *context, const struct key_change *change, enum key_event event)
{
    struct buf *heard = &((struct recording *)context)->heard;
    buf_append_text(heard, event_name(event));
    buf_append_byte(heard, ' ');
    buf_append(heard, change->name);
    buf_append_text(heard, ", ");
}

static void hear_change(void *context, const struct key_change *change)
{
    struct buf *heard = &((struct recording *)context)->heard;
    buf_append_text(heard, "! ");
    buf_append(heard, change->name);
    buf_append_text(heard, ", ");
}

static void hear_flush(void *context, uint32_t db)
{
    (void)db;
    buf_append_text(&((struct recording *)context)->heard, "flush, ");
}

static void hear_settle(void *context)
{
    ((struct recording *)context)->settles++;
}

static void begin(struct recording *recording, uint32_t classes)
{
    *recording = (struct recording){.settles = 0};
    fixture_begin(&recording->fixture, 1);
    const struct keyspace_sinks sinks = {.context = recording,
                                         .event = hear_event,
                                         .changed = hear_change,
                                         .flushed = hear_flush,
                                         .settle = hear_settle};
    keyspace_use_sinks(recording->fixture.keyspace, &sinks);
    keyspace_want_events(recording->fixture.keyspace, classes);
}

static void end(struct recording *recording)
{
    buf_deinit(&recording->heard);
    fixture_end(&recording->fixture);
}

/* What was heard since the last look is the text. */
static void expect(struct recording *recording, const char *text)
{
    cr_assert(bytes_equal(buf_bytes(&recording->heard), bytes_text(text)), "%.*s, not %s",
              (int)recording->heard.size, (const char *)recording->heard.data, text);
    recording->heard.size = 0;
}

/* An access for the keys "a" and "b". */
struct both {
    struct access access;
    struct access_key keys[2];
};

static void open_both(struct recording *recording, struct both *both, enum access_mode mode)
{
    both->keys[0] = fixture_key(&recording->fixture, 0, bytes_text("a"));
    both->keys[1] = fixture_key(&recording->fixture, 0, bytes_text("b"));
    fixture_open(&recording->fixture, &both->access, mode, both->keys, 2);
}

static void put(struct both *both, uint32_t index, struct value value, int64_t expires_at_ms)
{
    cr_assert_eq(key_put(&both->access, index, &value, expires_at_ms), STATUS_OK);
}

Test(events, a_new_key_and_an_overwritten_one)
{
    struct recording r;
    struct both both;
    begin(&r, EVERYTHING);
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    key_event(&both.access, 0, EVENT_set);
    expect(&r, "new a, set a, ");
    put(&both, 0, value_integer(2), KEY_NO_EXPIRY);
    key_event(&both.access, 0, EVENT_set);
    expect(&r, "overwritten a, set a, ");
    struct collection *set = set_create();
    const struct item one = item_of_integer(1);
    static struct value_options options;
    const struct value_limits limits = {&options, keyspace_secret(r.fixture.keyspace)};
    (void)set_add(&set, &limits, &one);
    put(&both, 0, value_collection(set), KEY_NO_EXPIRY);
    key_event(&both.access, 0, EVENT_sunionstore);
    expect(&r, "overwritten a, type_changed a, sunionstore a, ");
    fixture_close(&r.fixture, &both.access);
    cr_assert_eq(r.settles, 1);
    end(&r);
}

Test(events, a_value_that_goes_on_is_not_overwritten)
{
    struct recording r;
    struct both both;
    begin(&r, EVERYTHING);
    open_both(&r, &both, ACCESS_WRITE);
    const struct value one = value_integer(1);
    const struct value two = value_integer(2);
    cr_assert_eq(key_update(&both.access, 0, &one, KEY_KEEP_EXPIRY), STATUS_OK);
    expect(&r, "new a, ");
    cr_assert_eq(key_update(&both.access, 0, &two, KEY_KEEP_EXPIRY), STATUS_OK);
    cr_assert(key_set_expiry(&both.access, 0, both.access.now_ms + 1000));
    expect(&r, "");
    fixture_close(&r.fixture, &both.access);
    end(&r);
}

Test(events, moving_over_a_key)
{
    struct recording r;
    struct both both;
    begin(&r, EVERYTHING);
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    cr_assert_eq(key_move(&both.access, 0, 1), STATUS_OK);
    expect(&r, "new a, new b, ");
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    cr_assert_eq(key_copy(&both.access, 0, 1), STATUS_OK);
    expect(&r, "new a, overwritten b, new b, ");
    fixture_close(&r.fixture, &both.access);
    end(&r);
}

Test(events, misses_of_readers_and_of_writers_that_look)
{
    struct recording r;
    struct both both;
    struct value value;
    begin(&r, EVERYTHING);
    open_both(&r, &both, ACCESS_READ);
    cr_assert_not(key_find(&both.access, 0, 0, &value));
    cr_assert_not(key_find(&both.access, 1, KEY_NO_CLOCK, &value));
    expect(&r, "keymiss a, keymiss b, ");
    cr_assert_not(key_find(&both.access, 0, KEY_QUIET, &value));
    cr_assert_not(key_find(&both.access, 0, KEY_NO_CLOCK | KEY_NO_MISS, &value));
    expect(&r, "");
    fixture_close(&r.fixture, &both.access);
    open_both(&r, &both, ACCESS_WRITE);
    cr_assert_not(key_find(&both.access, 0, 0, &value));
    expect(&r, "keymiss a, ");
    fixture_close(&r.fixture, &both.access);
    end(&r);
}

Test(events, an_expired_key_goes_first)
{
    struct recording r;
    struct both both;
    begin(&r, EVERYTHING);
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(1), both.access.now_ms + 10);
    expect(&r, "new a, ");
    fixture_close(&r.fixture, &both.access);
    r.fixture.now_ms += 20;
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(2), KEY_NO_EXPIRY);
    expect(&r, "expired a, new a, ");
    fixture_close(&r.fixture, &both.access);
    end(&r);
}

Test(events, only_wanted_classes_are_heard)
{
    struct recording r;
    struct both both;
    begin(&r, EVENT_CLASS_STRING | EVENT_CLASS_KEYEVENT);
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    key_event(&both.access, 0, EVENT_set);
    key_event(&both.access, 0, EVENT_expire);
    expect(&r, "set a, ");
    fixture_close(&r.fixture, &both.access);
    /* Neither K nor E: nowhere to. */
    keyspace_want_events(r.fixture.keyspace, EVENT_CLASS_STRING);
    open_both(&r, &both, ACCESS_WRITE);
    key_event(&both.access, 0, EVENT_set);
    expect(&r, "");
    fixture_close(&r.fixture, &both.access);
    end(&r);
}

Test(events, changes_are_told_of_events_and_of_the_unnamed)
{
    struct recording r;
    struct both both;
    struct value value;
    begin(&r, 0);
    keyspace_want_changes(r.fixture.keyspace, true);
    open_both(&r, &both, ACCESS_WRITE);
    cr_assert_not(key_find(&both.access, 0, 0, &value));
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    expect(&r, "");
    key_event_unnamed(&both.access, 0);
    expect(&r, "! a, ");
    key_event(&both.access, 1, EVENT_del);
    expect(&r, "! b, ");
    fixture_close(&r.fixture, &both.access);
    cr_assert_eq(r.settles, 1);
    end(&r);
}

#if POLLARD_DEBUG
/* A handler that forgets to tell is found out. */
Test(events, forgetting_to_tell_is_a_defect, .signal = SIGABRT)
{
    struct recording r;
    struct both both;
    begin(&r, 0);
    open_both(&r, &both, ACCESS_WRITE);
    put(&both, 0, value_integer(1), KEY_NO_EXPIRY);
    access_end(&both.access);
}
#endif

/* ---- Classes as text ---- */

static void expect_classes(const char *text, const char *printed)
{
    uint32_t classes;
    struct buf buf = {0};
    cr_assert(event_classes_parse(bytes_text(text), &classes), "%s", text);
    event_classes_print(classes, &buf);
    cr_assert(bytes_equal(buf_bytes(&buf), bytes_text(printed)), "%s: %.*s", text, (int)buf.size,
              (const char *)buf.data);
    uint32_t again;
    cr_assert(event_classes_parse(buf_bytes(&buf), &again));
    cr_assert_eq(again, classes, "%s", text);
    buf_deinit(&buf);
}

Test(events, classes_as_redis_prints_them)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"KEA", "AKE"},
        {"Kg", "gK"},
        {"g$lshzxetd", "A"},
        {"Am", "Am"},
        {"mn", "nm"},
        {"EmKn", "nKEm"},
        {"gKKg", "gK"},
        {"tezd", "zetd"},
        {"nmEK$", "$nKEm"},
        {"ElgKm", "glKEm"},
        {"KEx", "xKE"},
        {"xnKm", "xnKm"},
        {"g$lshzxet", "g$lshzxet"},
        /* Not so in Redis, which forgets n beside A. */
        {"KEAnm", "AnKEm"},
        {"An", "An"},
        /* Not in Redis 7.0. */
        {"Kco", "ocK"},
        {"AocnE", "AnocE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_classes(rows[i][0], rows[i][1]);
    }
}

Test(events, other_letters_are_refused)
{
    static const char *const texts[] = {"q", "Kq", "K ", "a", "G", "KEA,"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint32_t classes = 42;
        cr_assert_not(event_classes_parse(bytes_text(texts[i]), &classes), "%s", texts[i]);
        cr_assert_eq(classes, 42);
    }
}

Test(events, all_is_what_the_letters_of_all_are)
{
    uint32_t classes;
    cr_assert(event_classes_parse(bytes_text("A"), &classes));
    cr_assert_eq(classes & (EVENT_CLASS_MISS | EVENT_CLASS_NEW | EVENT_CLASS_OVERWRITTEN |
                            EVENT_CLASS_TYPE_CHANGED | EVENT_CLASS_KEYSPACE | EVENT_CLASS_KEYEVENT),
                 0);
    for (int event = 0; event < EVENT_COUNT; event++) {
        uint32_t class = event_class_of((enum key_event)event);
        bool is_in_all = (classes & class) != 0;
        bool is_extra = (class & (EVENT_CLASS_MISS | EVENT_CLASS_NEW | EVENT_CLASS_OVERWRITTEN |
                                  EVENT_CLASS_TYPE_CHANGED)) != 0;
        cr_assert_neq(is_in_all, is_extra, "%s", event_name((enum key_event)event));
    }
}
