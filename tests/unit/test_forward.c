/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that is sent on: its envelope, its seal, what is left alone, loops; and the reports that come back. */
#include "../../server/forward/forward.h"

#include "../../server/directory/route.h"
#include "directory_fixture.h"
#include "sigillo/header.h"
#include "sigillo/verdict.h"

#define HEADER "Received: from a.test\r\nFrom: <anna@a.test>\r\nSubject: x\r\n"
#define FIELDS "Authentication-Results: ours.test; spf=pass smtp.mailfrom=a.test\r\n"
#define TEXT   "hello\r\n"

struct world {
    struct directory_fixture *f;
    struct loop *loop; /* the secret's */
    struct secret *secret;
    struct forward *forward;
    sem_t done;
    enum arrival_result result;
    char why[200];
};

static void route_to(struct directory_fixture *f, const char *pattern, const char *first,
                     const char *second)
{
    const sgl_view target[] = {sgl_view_cstr(first), sgl_view_cstr(second)};
    const struct route_change r = {.set_action = true,
                                   .action = ROUTE_FORWARD,
                                   .target = target,
                                   .targets = second == NULL ? 1 : 2,
                                   .junk = SGL_LIT_INIT("junk@far.test")};
    struct directory_change c = {.noun = DIRECTORY_ROUTE,
                                 .verb = DIRECTORY_ADD,
                                 .name = sgl_view_cstr(pattern),
                                 .route = &r};

    CHECK_EQ(pattern, fixture_change(f, &c), DIRECTORY_OK);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    uint8_t bytes[SECRET_SIZE];
    char why[200];

    w->f = fixture_new();
    CHECK_EQ("a domain", fixture_domain(w->f, "fwd.test", false), DIRECTORY_OK);
    route_to(w->f, "sales@fwd.test", "ben@far.test", "carl@away.test");
    w->loop = loop_new("secret");
    w->secret = secret_new(w->loop, w->f->store, (struct keys *)&fake_keys, FORWARD_KEY_KIND, why,
                           sizeof why);
    assert_non_null(w->secret);
    assert_true(loop_start(w->loop));
    while (!secret_get(w->secret, bytes))
        usleep(1000);
    w->forward = forward_new(&(struct forward_setup){
        .directory = w->f->directory, .keys = (struct keys *)&fake_keys, .secret = w->secret});
    assert_non_null(w->forward);
    sem_init(&w->done, 0, 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    forward_free(w->forward);
    loop_stop(w->loop);
    loop_join(w->loop);
    secret_free(w->secret);
    loop_free(w->loop);
    fixture_free(w->f);
    sem_destroy(&w->done);
    free(w);
    return 0;
}

/* ---- a message ---- */

struct mail {
    struct reception_forward f; /* first: cast from it */
    struct world *w;
    struct store_message message;
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_verdict verdict;
    struct judge_decision decision;
    struct arrival_route *route;
};

static void mail_done(struct reception_forward *f, enum arrival_result result, const char *why)
{
    struct mail *m = (struct mail *)(void *)f;

    m->w->result = result;
    snprintf(m->w->why, sizeof m->w->why, "%s", why == NULL ? "" : why);
    sem_post(&m->w->done);
}

/* As reception describes one. */
static void mail_init(struct world *w, struct mail *m, const char *rcpt, const char *from,
                      const char *header)
{
    memset(m, 0, sizeof *m);
    m->w = w;
    sgl_arena_init(&m->arena, 8 << 20);
    CHECK_EQ("its header",
             sgl_headers_parse(sgl_view_cstr(header), SGL_HEADERS_TOLERANT, &m->arena, &m->headers,
                               NULL),
             SGL_OK);
    m->route = directory_route(w->f->directory, sgl_view_cstr(rcpt));
    m->message =
        (struct store_message){.env_from = sgl_view_cstr(from), .subscription = SGL_LIT_INIT("")};
    m->f = (struct reception_forward){.arrival = {.route = m->route,
                                                  .rcpt = sgl_view_cstr(rcpt),
                                                  .env_from = sgl_view_cstr(from),
                                                  .headers = &m->headers,
                                                  .verdict = &m->verdict,
                                                  .decision = &m->decision,
                                                  .at_ms = clock_now_ms(),
                                                  .loop = w->f->loop},
                                      .fields = SGL_LIT_INIT(FIELDS),
                                      .header = sgl_view_cstr(header),
                                      .body = SGL_LIT_INIT(TEXT),
                                      .authserv_id = SGL_LIT_INIT("ours.test"),
                                      .authenticated = true,
                                      .results = SGL_LIT_INIT("spf=pass smtp.mailfrom=a.test"),
                                      .message = &m->message,
                                      .arena = &m->arena,
                                      .done = mail_done};
}

static enum arrival_result send_it(struct mail *m)
{
    forward_make(m->w->forward, &m->f);
    sem_wait(&m->w->done);
    return m->w->result;
}

static void mail_end(struct mail *m)
{
    arrival_route_unref(m->route);
    body_unref(m->f.made);
    sgl_arena_done(&m->arena);
}

static bool has(const struct mail *m, const char *text)
{
    sgl_view all = sgl_view_of(m->f.made->bytes, m->f.made->len);

    return sgl_view_find_view(all, sgl_view_cstr(text)) < all.len;
}

/* ---- sent on ---- */

static void sealed_and_rewritten(void **state)
{
    struct world *w = *state;
    struct mail m;
    char back[200];
    enum route_action action = ROUTE_TRAP;

    mail_init(w, &m, "sales@fwd.test", "anna@a.test", HEADER);
    CHECK_EQ(w->why, send_it(&m), ARRIVAL_DONE);
    CHECK_EQ("to both", m.message.rcpts, 2);
    CHECK_VIEW("one", m.message.rcpt[0].address, SGL_LIT("ben@far.test"));
    CHECK_VIEW("at his domain", m.message.rcpt[0].domain, SGL_LIT("far.test"));
    CHECK_VIEW("the other", m.message.rcpt[1].domain, SGL_LIT("away.test"));
    snprintf(back, sizeof back, "%.*s", SGL_FMT(m.message.env_from));
    CHECK_TRUE("a return address",
               strncmp(back, "SRS0=", 5) == 0 && strstr(back, "=a.test=anna@fwd.test") != NULL);
    CHECK_TRUE("the seal comes first", memcmp(m.f.made->bytes, "ARC-Seal: ", 10) == 0);
    CHECK_TRUE("by the domain", has(&m, "d=fwd.test;") && has(&m, "ARC-Message-Signature: "));
    CHECK_TRUE(
        "what was found on arrival",
        has(&m, "ARC-Authentication-Results: i=1; ours.test; spf=pass smtp.mailfrom=a.test"));
    CHECK_TRUE("the mark, and the rest as it came",
               has(&m, "Delivered-To: sales@fwd.test\r\n" FIELDS HEADER "\r\n" TEXT));
    CHECK_EQ("its size", m.message.size, m.f.made->len);
    CHECK_EQ("its header", m.f.made->header_len, m.f.made->len - strlen(TEXT));
    CHECK_EQ("it is known again", forward_knows(w->forward, sgl_view_cstr(back), &action),
             RECEPTION_KNOWN);
    CHECK_EQ("to be sent back", action, ROUTE_FORWARD);
    mail_end(&m);

    mail_init(w, &m, back, "", HEADER);
    CHECK_EQ(w->why, send_it(&m), ARRIVAL_DONE);
    CHECK_EQ("to one", m.message.rcpts, 1);
    CHECK_VIEW("who sent it", m.message.rcpt[0].address, SGL_LIT("anna@a.test"));
    CHECK_EQ("who hears of nothing more", m.message.rcpt[0].notify, RCPT_NOTIFY_NEVER);
    CHECK_EQ("from nobody", m.message.env_from.len, 0);
    CHECK_VIEW("for the domain's owner", m.message.subscription, SGL_LIT("default"));
    mail_end(&m);

    mail_init(w, &m, back, "somebody@a.test", HEADER);
    CHECK_EQ("no mail of a person", send_it(&m), ARRIVAL_REFUSED);
    mail_end(&m);
}

static void who_hears_of_failures(void **state)
{
    static const struct {
        const char *name, *from;
        bool authenticated;
        uint8_t notify;
    } cases[] = {
        {"a null sender stays one", "", true, RCPT_NOTIFY_NEVER},
        {"one that was not proved hears nothing", "anna@a.test", false, RCPT_NOTIFY_NEVER},
        {"nor one for whom there is no return address",
         "a-very-long-local-part-of-forty-characters@a.test", true, RCPT_NOTIFY_NEVER},
        {"nor one in quotes", "\"a b\"@a.test", true, RCPT_NOTIFY_NEVER},
        {"one that was proved does", "anna@a.test", true, RCPT_NOTIFY_FAILURE},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mail m;

        mail_init(w, &m, "sales@fwd.test", cases[i].from, HEADER);
        m.f.authenticated = cases[i].authenticated;
        CHECK_EQ(cases[i].name, send_it(&m), ARRIVAL_DONE);
        CHECK_EQ(cases[i].name, m.message.env_from.len > 0, cases[i].notify == RCPT_NOTIFY_FAILURE);
        CHECK_EQ(cases[i].name, m.message.rcpt[0].notify, cases[i].notify);
        mail_end(&m);
    }
}

static void loops_end(void **state)
{
    struct world *w = *state;
    struct mail m;

    mail_init(w, &m, "sales@fwd.test", "anna@a.test", "delivered-to:  Sales@FWD.test\r\n" HEADER);
    CHECK_EQ("it came back", send_it(&m), ARRIVAL_REFUSED);
    CHECK_TRUE(w->why, strstr(w->why, "loop") != NULL);
    mail_end(&m);
    mail_init(w, &m, "sales@fwd.test", "anna@a.test", "Delivered-To: other@fwd.test\r\n" HEADER);
    CHECK_EQ("from another address it did not", send_it(&m), ARRIVAL_DONE);
    mail_end(&m);
}

static void junk_goes_its_way(void **state)
{
    struct world *w = *state;
    struct mail m;

    mail_init(w, &m, "sales@fwd.test", "anna@a.test", HEADER);
    m.decision.action = JUDGED_QUARANTINE;
    CHECK_EQ(w->why, send_it(&m), ARRIVAL_DONE);
    CHECK_EQ("to one", m.message.rcpts, 1);
    CHECK_VIEW("which is for that", m.message.rcpt[0].address, SGL_LIT("junk@far.test"));
    mail_end(&m);
}

static void without_keys_later(void **state)
{
    struct world *w = *state;
    struct mail m;

    mail_init(w, &m, "sales@fwd.test", "anna@a.test", HEADER);
    atomic_store(&fake_keys.down, 1);
    CHECK_EQ("the first signature", send_it(&m), ARRIVAL_LATER);
    mail_end(&m);
    mail_init(w, &m, "sales@fwd.test", "anna@a.test", HEADER);
    CHECK_EQ("again", send_it(&m), ARRIVAL_DONE);
    mail_end(&m);
}

static void forged_return_addresses(void **state)
{
    static const struct {
        const char *address;
        enum reception_known want;
    } cases[] = {
        {"SRS0=AAAAAAAA=AA=a.test=anna@fwd.test", RECEPTION_FORGED},
        {"srs0=x@fwd.test", RECEPTION_FORGED},
        {"SRS1=AAAAAAAA=b.test==x=y=a.test=anna@fwd.test", RECEPTION_FORGED},
        {"SRS0=AAAAAAAA=AA=a.test=anna@other.test", RECEPTION_NOT_MINE},
        {"srs@fwd.test", RECEPTION_NOT_MINE},
        {"sales@fwd.test", RECEPTION_NOT_MINE},
        {"SRS0=@", RECEPTION_NOT_MINE},
    };
    struct world *w = *state;
    enum route_action action;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_EQ(cases[i].address,
                 forward_knows(w->forward, sgl_view_cstr(cases[i].address), &action),
                 cases[i].want);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(sealed_and_rewritten), T(who_hears_of_failures), T(loops_end),
        T(junk_goes_its_way),    T(without_keys_later),    T(forged_return_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
