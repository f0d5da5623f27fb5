/* SPDX-License-Identifier: Apache-2.0 */
/* Whose refusals suppress, and whom a suppression stops: nothing that this program writes of itself. */
#include "../../server/main/service_internal.h"

#include <stdlib.h>

#include "../../server/lists/list_fields.h"
#include "check.h"

#define V(s) sgl_view_cstr(s)

static unsigned suppressed;

void directory_suppress(struct directory *d, struct directory_suppress *s)
{
    (void)d;
    suppressed++;
    free(s);
}

void directory_suppress_exact(struct directory *d, bool exact)
{
    (void)d;
    (void)exact;
}

bool directory_suppressed_now(struct directory *d, const struct suppression_question *q,
                              enum suppression_reason *reason)
{
    (void)d;
    (void)q;
    *reason = SUPPRESSION_HARD_BOUNCE;
    return true;
}

bool directory_left_sender(struct directory *d, const struct suppression_question *q,
                           sgl_view header_from, enum suppression_reason *reason)
{
    (void)d;
    (void)q;
    (void)header_from;
    (void)reason;
    return false;
}

bool directory_may_be_unsubscribed(struct directory *d, sgl_view subscription, sgl_view address)
{
    (void)d;
    (void)subscription;
    (void)address;
    return false;
}

bool directory_unsubscribed(struct directory *d, const struct suppression_question *q,
                            enum suppression_reason *reason)
{
    (void)d;
    (void)q;
    (void)reason;
    return false;
}

bool suppression_reason_stops(enum suppression_reason reason)
{
    return reason != SUPPRESSION_BLOCKED;
}

const char *suppression_reason_text(enum suppression_reason reason)
{
    (void)reason;
    return "suppressed";
}

enum statistic suppression_reason_drop(enum suppression_reason reason)
{
    (void)reason;
    return STATISTIC_NONE;
}

enum batch_status store_batch_status(struct store *store, sgl_view subscription, sgl_view batch)
{
    (void)store;
    (void)subscription;
    (void)batch;
    return BATCH_GOES;
}

bool list_id_of(const struct sgl_headers *headers, struct sgl_arena *arena, sgl_view *id)
{
    (void)headers;
    (void)arena;
    (void)id;
    return false;
}

static const struct {
    const char *name, *door, *identity, *from;
    bool theirs;
} rows[] = {
    {"mail of a sender", "submission", "credential:app1", "me@example.org", true},
    {"a report about TLS", "tlsrpt", "system", "reports@example.org", false},
    {"a report about DMARC", "dmarc-report", "system", "reports@example.org", false},
    {"a bounce", "bounce", "system", "", false},
    {"mail that arrived", "inbound", "inbound", "you@x.test", false},
};

static void test_reports_are_nobodys_mail(void **state)
{
    struct service *s = calloc(1, sizeof(*s));
    struct store_rcpt rcpt = {.address = V("u@x.test"), .domain = V("x.test")};
    struct queue_stop_why why;

    (void)state;
    assert_non_null(s);
    atomic_store(&s->suppress_s, 60);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store_message m = {.door = V(rows[i].door),
                                  .identity = V(rows[i].identity),
                                  .env_from = V(rows[i].from),
                                  .header_from = V("reports@example.org")};

        suppressed = 0;
        service_bounced(s, &m, &rcpt, BOUNCE_ADDRESS, V("5.1.1"), V("no"));
        CHECK_EQ(rows[i].name, suppressed, rows[i].theirs);
        CHECK_EQ(rows[i].name, service_stops(s, &m, &rcpt, V("x"), &why),
                 rows[i].theirs ? QUEUE_STOP_ENDS : QUEUE_STOP_GOES);
    }
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reports_are_nobodys_mail)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
