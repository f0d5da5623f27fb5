/* SPDX-License-Identifier: Apache-2.0 */
/* Whose TLSA records are asked before a certificate with another key is taken. */
#include <event2/event.h>
#include <string.h>

#include "../../server/certs/certs_internal.h"
#include "../../server/loop/loop.h"
#include "../../server/resolver/resolver.h"
#include "check.h"
#include "tls_fixture.h"

static struct made_pair a, b;
static char asked[1000];

/* Nobody answers. */
void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    const struct sgl_dns_question *q;

    (void)r;
    while ((q = sgl_dns_next_open(fill->dns, NULL)) != NULL) {
        size_t len = strlen(asked);

        snprintf(asked + len, sizeof(asked) - len, "%.*s ", SGL_FMT(q->name.text));
        sgl_dns_fail(fill->dns, q->name, q->type, "nobody answers");
    }
    fill->done(fill);
}

static void tick(struct certs *c, struct loop *loop)
{
    asked[0] = '\0';
    event_active(c->timer, EV_TIMEOUT, 0);
    for (int i = 0; i < 5; i++)
        event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
}

/* Records of the old key may stand where the new certificate has no name: DANE does not compare names. [RFC 7672 s3.1.1] */
static void names_of_both_are_asked(void **state)
{
    struct config config = {.tls_certificate = "/c", .tls_key = "/k"};
    struct loop *loop = loop_new("test");
    struct certs *c;
    char why[300] = "";

    (void)state;
    make_named_certificate(&a, "a", "DNS:mx1.a.test,DNS:mx2.a.test,DNS:*.a.test", 90 * 86400);
    make_named_certificate(&b, "b", "DNS:mx3.a.test,DNS:MX1.a.test", 90 * 86400);
    config.tls_certificate_pem = a.certificate;
    config.tls_key_pem = a.key;
    c = certs_new(&config, why, sizeof(why));
    assert_non_null(c);
    assert_true(certs_start(c, &(struct certs_parts){.loop = loop, .outgoing = loop}, &config));
    tick(c, loop);
    CHECK_STR("of the one in use", asked, "_25._tcp.mx1.a.test _25._tcp.mx2.a.test ");
    config.tls_certificate_pem = b.certificate;
    config.tls_key_pem = b.key;
    certs_offer(c, &config);
    tick(c, loop);
    CHECK_STR("of both, each once", asked,
              "_25._tcp.mx1.a.test _25._tcp.mx2.a.test _25._tcp.mx3.a.test ");
    CHECK_EQ("what is not known takes nothing", certs_waiting(c), 1);
    certs_free(c);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_both_are_asked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
