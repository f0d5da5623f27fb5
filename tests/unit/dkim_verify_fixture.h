/* SPDX-License-Identifier: Apache-2.0 */
/* A message with signatures by the keys of dkim_fixture.h, and what is found of them. */
#ifndef TESTS_UNIT_DKIM_VERIFY_FIXTURE_H
#define TESTS_UNIT_DKIM_VERIFY_FIXTURE_H

#include "dkim_fixture.h"
#include "sigillo/limits.h"

#define NOW 1700000000

static struct dkim_fixture fx;

static inline int setup(void **state)
{
    (void)state;
    dkim_fixture_init(&fx);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    dkim_fixture_done(&fx);
    return 0;
}

#define HEADER                                                                                     \
    "From: Joe <joe@example.org>\r\nTo: sue@example.net\r\nSubject: A  subject\r\nDate: today\r\n"
#define BODY "Hello,\r\n\r\nworld.  \r\n\r\n\r\n"
#define RSA  "v=1; a=rsa-sha256; d=example.org; s=r; h=from:to:subject; bh=@; "
#define ED   "v=1; a=ed25519-sha256; d=example.org; s=e; h=from:to:subject; bh=@; "
#define R    "r._domainkey.example.org TXT "
#define ZONE R DKIM_RSA_KEY "\ne._domainkey.example.org TXT " DKIM_ED25519_KEY "\n"
#define MISMATCH                                                                                   \
    "the signature does not fit: signed fields were changed, or it was made with another key"
#define BODY_CHANGED "the body was changed: its hash is not the one that was signed"

static const struct sgl_dkim_verify_options plain = {.now = NOW};

/* Signs HEADER and BODY with each field, the last one topmost, and verifies. */
static inline void verify_fields(const char *const *field, size_t count,
                                 const struct sgl_dkim_verify_options *options,
                                 struct dns_fixture *dns, struct sgl_buf *message,
                                 struct dkim_run *run)
{
    sgl_buf_add_cstr(message, HEADER "\r\n" BODY);
    for (size_t i = 0; i < count; i++)
        dkim_fixture_sign(&fx, field[i], message);
    CHECK_EQ("started", dkim_run_start(run, fx.crypto, options, sgl_buf_view(message), 0), SGL_OK);
    CHECK_EQ("judged", dkim_run_finish(run, dns, DNS_ALL_AT_ONCE), SGL_OK);
}

#endif
