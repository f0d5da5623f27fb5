/* SPDX-License-Identifier: Apache-2.0 */
/* One message through the filter without a mail server: what is signed, what is said of others', and what becomes of it when memory ends anywhere. */
#include "../../milter/filter.h"
#include "../../server/log/log.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

struct filter filter;
static const char *zone;

/* The loop's part: everything that is open, from the zone. */
size_t milter_dns_fill(struct milter_dns *d, struct sgl_dns *dns, uint64_t timeout_ms)
{
    struct dns_fixture fx;
    struct sgl_dns kept = *dns;

    (void)d;
    (void)timeout_ms;
    fail_alloc_off(); /* answers are not what is tested */
    fx = dns_fixture_init("a.test", zone);
    sgl_dns_done(&fx.dns);
    fx.dns = kept;
    dns_fixture_answer(&fx);
    *dns = fx.dns;
    sgl_arena_done(&fx.names);
    fail_alloc_on();
    return zone == NULL;
}

static const uint8_t seed[32] = "0123456789abcdef0123456789abcde";

struct trial {
    struct milter_settings settings;
    struct edition edition;
    struct signing_key key;
    struct message_client client;
    struct message message;
    struct message_reply reply;
};

static void trial_init(struct trial *t)
{
    *t = (struct trial){.settings = {.authserv_id = "mx.test",
                                     .signs = true,
                                     .verifies = true,
                                     .min_key_bits = 1024,
                                     .dns_timeout_ms = 1000,
                                     .seal_domain = "seal.test",
                                     .seal_selector = "s"}};
    t->edition.settings = &t->settings;
    t->key = (struct signing_key){
        .name = SGL_LIT("k"), .domain = SGL_LIT("%"), .selector = SGL_LIT("s1")};
    CHECK_EQ("key",
             sgl_private_key_from_seed(filter.crypto, sgl_view_of(seed, 32), &t->key.private),
             SGL_OK);
    CHECK_EQ("ip", sgl_ip_parse(SGL_LIT("192.0.2.1"), &t->client.ip), SGL_OK);
    t->client.helo = SGL_LIT("client.test");
}

/* Rows of a signing table that has one: every author at a.test. */
static void trial_tables(struct trial *t, struct sgl_arena *arena)
{
    struct dataset_row row = {SGL_LIT("*@a.test"), SGL_LIT("k"), 1};
    struct dataset set = {DATASET_PATTERNS, &row, 1};
    struct dataset_fault fault;

    t->edition.signing = (struct signing){.key = &t->key, .keys = 1};
    CHECK_EQ("table", signing_read_rules(&set, arena, &t->edition.signing, &fault), SGL_OK);
}

static void trial_run(struct trial *t, bool ours, const char *const *field, const char *body)
{
    message_begin(&t->message, &t->edition, &t->client, SGL_LIT("a@a.test"), ours);
    for (; field[0] != NULL; field += 2)
        message_header(&t->message, field[0], field[1]);
    (void)message_eoh(&t->message);
    message_body(&t->message, sgl_view_cstr(body));
    message_eom(&t->message, &t->reply);
}

static void trial_done(struct trial *t)
{
    message_done(&t->message);
    sgl_private_key_free(t->key.private);
}

static const char *const mail[] = {"From",    " a@a.test",  "To", " b@b.test",
                                   "Subject", " one\n two", NULL};
static const char *const forged[] = {"Authentication-Results",
                                     " mx.test; dmarc=pass",
                                     "From",
                                     " a@a.test",
                                     "Authentication-Results",
                                     " other.test; spf=pass",
                                     "Authentication-Results",
                                     " MX.test; spf=pass",
                                     NULL};
static const char reject[] = "_dmarc.a.test TXT v=DMARC1; p=reject\n";
static const char nothing[] = "b.test A 192.0.2.9\n";

/* The changes as text: "-Authentication-Results:3 +DKIM-Signature". */
static void check_changes(const char *rule, const struct message *m, const char *want)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);

    for (size_t i = 0; i < m->changes.count; i++) {
        const struct change *c = &m->changes.item[i];

        if (c->kind == CHANGE_REMOVE)
            sgl_buf_addf(&got, "-%u ", c->instance);
        else
            sgl_buf_addf(&got, "+%s ", c->kind == CHANGE_HOLD ? "hold" : c->name);
        if (c->kind == CHANGE_INSERT)
            CHECK_TRUE(rule, strchr(c->value, '\r') == NULL);
    }
    CHECK_VIEW(rule, sgl_buf_view(&got), sgl_view_cstr(want));
}

static void what_is_done(void **state)
{
    static const struct {
        const char *rule;
        bool ours, hold, seals;
        int dmarc;
        const char *const *field;
        const char *zone, *want;
        enum message_end end;
    } cases[] = {
        {"ours is signed", true, false, false, 0, mail, nothing, "+DKIM-Signature ", END_ACCEPT},
        {"forged results go last to first  [RFC 8601 s5]", true, false, false, 0, forged, nothing,
         "-3 -1 +DKIM-Signature ", END_ACCEPT},
        {"others' is judged", false, false, false, 0, mail, nothing, "+Authentication-Results ",
         END_ACCEPT},
        {"of others, too, forged results go", false, false, false, 0, forged, nothing,
         "-3 -1 +Authentication-Results ", END_ACCEPT},
        {"p=reject", false, false, false, 0, mail, reject, "", END_REJECT},
        {"never refused", false, false, false, 1, mail, reject,
         "+X-Spam-Flag +X-Sigillo-Quarantine +Authentication-Results ", END_ACCEPT},
        {"held", false, true, false, 1, mail, reject, "+hold +Authentication-Results ", END_ACCEPT},
        {"only told", false, false, false, 2, mail, reject, "+Authentication-Results ", END_ACCEPT},
        {"sealed  [RFC 8617 s5.1]", false, false, true, 0, mail, nothing,
         "+Authentication-Results +ARC-Authentication-Results +ARC-Message-Signature +ARC-Seal ",
         END_ACCEPT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct trial t;

        trial_init(&t);
        trial_tables(&t, &arena);
        zone = cases[i].zone;
        t.settings.seals = cases[i].seals;
        t.edition.seal_key = cases[i].seals ? t.key.private : NULL;
        t.settings.quarantine = cases[i].hold ? MILTER_HOLD : MILTER_BY_HEADER;
        t.settings.dmarc = (unsigned)cases[i].dmarc;
        trial_run(&t, cases[i].ours, cases[i].field, "hello\r\n");
        CHECK_EQ(cases[i].rule, t.reply.end, cases[i].end);
        check_changes(cases[i].rule, &t.message, cases[i].want);
        trial_done(&t);
    }
}

/* Whatever fails, nothing goes by unjudged or unsigned: it waits. */
static void memory_ends(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        zone = nothing;
        for (size_t n = 1; fail_alloc_round(n); n++) {
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
            struct trial t;

            fail_alloc_off();
            trial_init(&t);
            trial_tables(&t, &arena);
            t.settings.seals = way == 2;
            t.edition.seal_key = way == 2 ? t.key.private : NULL;
            fail_alloc_on();
            trial_run(&t, way == 0, forged, "hello\r\n");
            fail_alloc_off();
            if (t.reply.end == END_ACCEPT)
                check_changes("all of it", &t.message,
                              way == 0 ? "-3 -1 +DKIM-Signature "
                              : way == 1
                                  ? "-3 -1 +Authentication-Results "
                                  : "-3 -1 +Authentication-Results +ARC-Authentication-Results "
                                    "+ARC-Message-Signature +ARC-Seal ");
            else
                CHECK_TRUE("it waits", t.reply.end == END_TEMPFAIL && t.reply.code == 451 &&
                                           t.message.changes.count == 0 && fail_alloc_hit());
            trial_done(&t);
            fail_alloc_on();
        }
    }
}

static void a_header_without_an_end(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t);
    message_begin(&t.message, &t.edition, &t.client, SGL_LIT(""), false);
    for (size_t i = 0; i < 200000; i++)
        message_header(&t.message, "X-Filler", " 0123456789");
    CHECK_TRUE("no more is kept than may be", t.message.head.cap <= SGL_LIMIT_HEADER_SIZE);
    CHECK_TRUE("there is something to say", message_eoh(&t.message));
    CHECK_TRUE("and no body wanted", !message_wants_body(&t.message));
    message_eom(&t.message, &t.reply);
    CHECK_EQ("refused", t.reply.end, END_REJECT);
    CHECK_EQ("refused", t.reply.code, 552);
    trial_done(&t);
}

/* What a reader would see and the judge does not must not come in, whatever is to happen with faults of ours. */
static void a_header_that_is_not_read_to_its_end(void **state)
{
    static char name[SGL_LIMIT_FIELD_NAME + 2];
    static const struct {
        const char *rule;
        const char *field[7];
        unsigned code;
    } cases[] = {
        {"a name that is none", {"X Y", " x", "From", " a@a.test", NULL}, 554},
        {"a line within that is no continuation", {"X", " x\ny", "From", " a@a.test", NULL}, 554},
        {"a line within that is a field", {"X", " x\nFrom: a@b.test", NULL}, 554},
        {"an empty line within", {"X", " x\n\n y", "From", " a@a.test", NULL}, 554},
        {"too many", {NULL}, 552},
        {"a name that is long is one", {name, " x", "From", " a@a.test", NULL}, 550},
    };

    (void)state;
    memset(name, 'n', sizeof name - 1);
    for (size_t i = 0; i < 4 * sizeof cases / sizeof cases[0]; i++) {
        const char *const *field = cases[i / 4].field;
        bool ours = i % 4 < 2;
        struct trial t;

        trial_init(&t);
        zone = reject;
        t.settings.on_error = i % 2 == 0 ? MILTER_ACCEPT : MILTER_TEMPFAIL;
        message_begin(&t.message, &t.edition, &t.client, SGL_LIT(""), ours);
        message_header(&t.message, "Authentication-Results", " mx.test; dmarc=pass");
        for (; field[0] != NULL; field += 2)
            message_header(&t.message, field[0], field[1]);
        for (size_t k = 0; cases[i / 4].field[0] == NULL && k < SGL_LIMIT_HEADER_FIELDS; k++)
            message_header(&t.message, "X", " x");
        CHECK_TRUE("there is something to say", message_eoh(&t.message));
        message_eom(&t.message, &t.reply);
        if (ours && cases[i / 4].code == 550) { /* policies are not for ours */
            check_changes(cases[i / 4].rule, &t.message, "-1 ");
        } else {
            CHECK_EQ(cases[i / 4].rule, t.reply.end, END_REJECT);
            CHECK_EQ(cases[i / 4].rule, t.reply.code, cases[i / 4].code);
        }
        trial_done(&t);
    }
}

/* Mail of ours does not wait for ever because its author has no domain that can sign. */
static void authors_whose_domain_signs(void **state)
{
    static const struct {
        const char *from, *want;
    } cases[] = {{" a@b\xc3\xbc.test", "+DKIM-Signature "},
                 {" a@b.test", "+DKIM-Signature "},
                 {" a@x_y.test", ""},
                 {" a@-a-.test", ""},
                 {" root@localhost", ""}};
    struct dataset_row row = {SGL_LIT("*"), SGL_LIT("k"), 1};
    struct dataset set = {DATASET_PATTERNS, &row, 1};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        const char *field[] = {"From", cases[i].from, NULL};
        struct dataset_fault fault;
        struct trial t;

        trial_init(&t);
        t.edition.signing = (struct signing){.key = &t.key, .keys = 1};
        CHECK_EQ("table", signing_read_rules(&set, &arena, &t.edition.signing, &fault), SGL_OK);
        zone = nothing;
        trial_run(&t, true, field, "hello\r\n");
        CHECK_EQ(cases[i].from, t.reply.end, END_ACCEPT);
        check_changes(cases[i].from, &t.message, cases[i].want);
        trial_done(&t);
    }
}

/* No field at all, or a mail server that leaves a step out: judged like any other without an author. */
static void nothing_to_read(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct trial t;

        trial_init(&t);
        zone = nothing;
        message_begin(&t.message, &t.edition, &t.client, SGL_LIT("a@a.test"), false);
        if (way == 2)
            message_header(&t.message, "X", " y");
        if (way != 1)
            CHECK_TRUE("there is something to say", message_eoh(&t.message));
        message_eom(&t.message, &t.reply);
        CHECK_EQ("it comes in", t.reply.end, END_ACCEPT);
        check_changes("marked, and said", &t.message,
                      "+X-Spam-Flag +X-Sigillo-Quarantine +Authentication-Results ");
        trial_done(&t);
    }
}

/* Where faults let mail through, forged results are removed all the same; where they could not be looked for, it waits. */
static void memory_ends_where_faults_are_accepted(void **state)
{
    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        bool came_through = false, waited = false;

        zone = nothing;
        for (size_t n = 1; fail_alloc_round(n); n++) {
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
            struct trial t;

            fail_alloc_off();
            trial_init(&t);
            trial_tables(&t, &arena);
            t.settings.on_error = MILTER_ACCEPT;
            fail_alloc_on();
            trial_run(&t, ours == 1, forged, "hello\r\n");
            fail_alloc_off();
            if (t.reply.end == END_ACCEPT && t.message.changes.count < 3) {
                check_changes("forged fields go", &t.message, "-3 -1 ");
                came_through = true;
            }
            waited |= t.reply.end == END_TEMPFAIL;
            trial_done(&t);
            fail_alloc_on();
        }
        CHECK_TRUE("both were seen", came_through && waited);
    }
}

static int make_crypto(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR_);
    filter.crypto = sgl_crypto_new();
    return filter.crypto == NULL;
}

static int free_crypto(void **state)
{
    (void)state;
    sgl_crypto_free((struct sgl_crypto *)(uintptr_t)filter.crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done),
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(a_header_without_an_end),
        cmocka_unit_test(a_header_that_is_not_read_to_its_end),
        cmocka_unit_test(authors_whose_domain_signs),
        cmocka_unit_test(nothing_to_read),
        cmocka_unit_test(memory_ends_where_faults_are_accepted),
    };

    return cmocka_run_group_tests(tests, make_crypto, free_crypto);
}
