/* SPDX-License-Identifier: Apache-2.0 */
/* A request of a message API as it is parsed. Admission is played: nobody may send as ANY@foreign.test, or to ANY@nowhere.test. */
#ifndef TESTS_UNIT_API_REQUEST_FIXTURE_H
#define TESTS_UNIT_API_REQUEST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "../../server/doors/http/api_internal.h"
#include "check.h"

#define V(s) sgl_view_cstr(s)

static bool play(sgl_view mailbox, const char *refused, struct admission_answer *out)
{
    if (!sgl_view_ends(mailbox, V(refused)))
        return true;
    *out = (struct admission_answer){
        .http = 403, .code = "sender-not-allowed", .text = "No.", .rule = "not-own-domain"};
    return false;
}

bool admission_may_send_as(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    (void)who;
    return play(mailbox, "@foreign.test", out);
}

bool admission_may_send_to(struct admission *a, const struct identity *who, sgl_view mailbox,
                           struct admission_answer *out)
{
    (void)a;
    (void)who;
    return play(mailbox, "@nowhere.test", out);
}

bool admission_may_use_pool(struct admission *a, sgl_view subscription, sgl_view pool,
                            struct admission_answer *out)
{
    (void)a;
    (void)subscription;
    *out = (struct admission_answer){.code = "pool-unknown", .text = "There is no such pool."};
    return sgl_view_eq(pool, SGL_LIT("marketing"));
}

struct fixture {
    struct sgl_arena arena;
    struct api_message m;
    struct api_refusal why;
    json_t *json;
    struct sgl_buf out; /* for what is composed */
};

static const struct api five_recipients = {.recipients_max = 5};

static inline void begin(struct fixture *f, const char *text)
{
    memset(f, 0, sizeof(*f));
    sgl_arena_init(&f->arena, 1 << 20);
    sgl_buf_init(&f->out, 1 << 20);
    f->json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    CHECK_TRUE(text, f->json != NULL);
}

static inline void done(struct fixture *f)
{
    json_decref(f->json);
    sgl_buf_done(&f->out);
    sgl_arena_done(&f->arena);
}

#endif
