/* SPDX-License-Identifier: Apache-2.0 */
/* What a program's answer means for a message. */
#include "../../server/webhook/answer.h"

#include "check.h"

#define NOW INT64_C(1790000000)

static const struct row {
    const char *name;
    enum https_end end;
    unsigned status;
    int64_t retry_after_s;
    const char *why;
    enum delivery_carried carried;
    const char *code, *said;
    int64_t not_before;
} rows[] = {
    {"200", HTTPS_OK, 200, 0, "", CARRIED, "2.0.0", "HTTP 200", 0},
    {"202", HTTPS_OK, 202, 0, "", CARRIED, "2.0.0", "HTTP 202", 0},
    {"204 that asks for patience", HTTPS_OK, 204, 60, "", CARRIED, "2.0.0", "HTTP 204", 0},
    {"200 with an endless answer", HTTPS_TOO_LARGE, 200, 0, "", CARRIED, "2.0.0", "HTTP 200", 0},
    {"200 that breaks off", HTTPS_CONNECTION, 200, 0, "", CARRIED, "2.0.0", "HTTP 200", 0},
    {"301", HTTPS_STATUS, 301, 0, "", CARRIED_LATER, "4.3.0", "HTTP 301", 0},
    {"400", HTTPS_STATUS, 400, 0, "", CARRIED_LATER, "4.3.0", "HTTP 400", 0},
    {"401", HTTPS_STATUS, 401, 0, "", CARRIED_LATER, "4.3.0", "HTTP 401", 0},
    {"404", HTTPS_STATUS, 404, 0, "", CARRIED_LATER, "4.3.0", "HTTP 404", 0},
    {"410", HTTPS_STATUS, 410, 60, "", CARRIED_NEVER, "5.2.1", "HTTP 410", 0},
    {"429", HTTPS_STATUS, 429, 120, "", CARRIED_LATER, "4.3.0", "HTTP 429", NOW + 120},
    {"503", HTTPS_STATUS, 503, 5, "", CARRIED_LATER, "4.3.0", "HTTP 503", NOW + 5},
    {"503 for ever", HTTPS_STATUS, 503, INT64_MAX, "", CARRIED_LATER, "4.3.0", "HTTP 503",
     NOW + 86400},
    {"500", HTTPS_STATUS, 500, 0, "", CARRIED_LATER, "4.3.0", "HTTP 500", 0},
    {"no name", HTTPS_LOOKUP, 0, 0, "no name", CARRIED_LATER, "4.4.3", "no name", 0},
    {"no address", HTTPS_NO_ADDRESS, 0, 0, "none", CARRIED_LATER, "4.4.1", "none", 0},
    {"no connection", HTTPS_CONNECTION, 0, 0, "x", CARRIED_LATER, "4.4.1", "x", 0},
    {"no answer", HTTPS_TIMEOUT, 0, 0, "x", CARRIED_LATER, "4.4.2", "x", 0},
    {"no proof", HTTPS_CERTIFICATE, 0, 0, "x", CARRIED_LATER, "4.7.5", "x", 0},
    {"no memory", HTTPS_LOCAL, 0, 0, "x", CARRIED_LATER, "4.3.0", "x", 0},
    {"an interim answer only", HTTPS_TIMEOUT, 103, 0, "x", CARRIED_LATER, "4.4.2", "x", 0},
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct https_get g = {
            .end = rows[i].end, .status = rows[i].status, .retry_after_s = rows[i].retry_after_s};
        struct delivery_receipt receipt;
        char said[ANSWER_SAID_SIZE];

        snprintf(g.why, sizeof(g.why), "%s", rows[i].why);
        answer_of(&g, NOW, said, &receipt);
        CHECK_EQ(rows[i].name, receipt.carried, rows[i].carried);
        CHECK_STR(rows[i].name, receipt.status, rows[i].code);
        CHECK_VIEW(rows[i].name, receipt.said, sgl_view_cstr(rows[i].said));
        CHECK_EQ(rows[i].name, receipt.not_before, rows[i].not_before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
