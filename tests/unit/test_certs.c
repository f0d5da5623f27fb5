/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates are in use, as files come and go. */
#include <string.h>
#include <time.h>

#include "../../server/certs/certs.h"
#include "check.h"
#include "fail_alloc.h"
#include "tls_fixture.h"

static struct made_pair a, b, c2, soon;

static int make(void **state)
{
    (void)state;
    make_named_certificate(&a, "a", "DNS:a.test", 90 * 86400);
    make_named_certificate(&b, "b", "DNS:b.test", 80 * 86400);
    make_named_certificate(&c2, "b", "DNS:b.test,DNS:c.test", 70 * 86400);
    make_named_certificate(&soon, "s", "DNS:s.test", 3600);
    return 0;
}

static struct config_certificate section(const char *name, const struct made_pair *of)
{
    return (struct config_certificate){.name = name,
                                       .certificate = "/c",
                                       .key = "/k",
                                       .certificate_pem = of->certificate,
                                       .key_pem = of->key};
}

static struct config config_of(struct config_certificate *beside, size_t count)
{
    return (struct config){.tls_certificate = "/c",
                           .tls_key = "/k",
                           .tls_certificate_pem = a.certificate,
                           .tls_key_pem = a.key,
                           .certificate = beside,
                           .certificates = count};
}

static struct certs *certs_of(const struct config *config)
{
    char why[300] = "";
    struct certs *c = certs_new(config, why, sizeof why);

    CHECK_TRUE(why, c != NULL);
    return c;
}

static void without_any_there_is_no_server(void **state)
{
    struct certs *c = certs_of(&(struct config){.path = "x"});

    (void)state;
    CHECK_TRUE("none", certs_server(c) == NULL);
    CHECK_EQ("no end", certs_expire_at(c), 0);
    certs_free(c);
}

static void a_mistake_names_the_key_of_the_configuration(void **state)
{
    struct config_certificate beside[] = {section("web", &b)};
    struct config config = config_of(beside, 1);
    char why[300];

    (void)state;
    CHECK_TRUE("good", certs_check(&config, why, sizeof why));
    beside[0].key_pem = a.key;
    CHECK_TRUE("a key of another", !certs_check(&config, why, sizeof why));
    CHECK_TRUE(why, strncmp(why, "certificate web: key: does not belong", 37) == 0);
    beside[0].key_pem = b.key;
    beside[0].next_key_pem = "hello";
    CHECK_TRUE("a next key that is none", !certs_check(&config, why, sizeof why));
    CHECK_STR("why", why,
              "certificate web: next_key: not an unencrypted PEM key, private or public");
    beside[0].next_key_pem = a.key;
    CHECK_TRUE("good", certs_check(&config, why, sizeof why));
    config.tls_certificate_pem = "";
    CHECK_TRUE("broken", !certs_check(&config, why, sizeof why));
    CHECK_TRUE(why, strncmp(why, "tls_certificate: not a PEM", 26) == 0);
    CHECK_TRUE("not begun with", certs_new(&config, why, sizeof why) == NULL);
}

static void new_files_take_their_place_and_broken_ones_do_not(void **state)
{
    struct config_certificate beside[] = {section("web", &b), section("more", &soon)};
    struct config config = config_of(beside, 1);
    struct certs *c = certs_of(&config);
    struct tls_server *s = certs_server(c);

    (void)state;
    CHECK_TRUE("as it began", tls_server_covers(s, "a.test") && tls_server_covers(s, "b.test") &&
                                  !tls_server_covers(s, "c.test"));
    beside[0] = section("web", &c2);
    certs_offer(c, &config);
    CHECK_TRUE("the server is the same", certs_server(c) == s);
    CHECK_TRUE("taken", tls_server_covers(s, "c.test"));
    beside[0].certificate_pem = "";
    config.certificates = 2;
    certs_offer(c, &config);
    CHECK_TRUE("the broken one stays, the other is taken",
               tls_server_covers(s, "c.test") && tls_server_covers(s, "s.test"));
    config.tls_key_pem = b.key;
    config.certificates = 0;
    certs_offer(c, &config);
    CHECK_TRUE("the default stays", tls_server_covers(s, "a.test"));
    CHECK_TRUE("those that are gone are gone", !tls_server_covers(s, "c.test"));
    config.tls_certificate = NULL;
    certs_offer(c, &config);
    CHECK_TRUE("a door with TLS keeps its certificate", tls_server_covers(s, "a.test"));
    certs_free(c);
}

static void ends_are_counted(void **state)
{
    struct config_certificate beside[] = {section("web", &b), section("more", &soon)};
    struct config config = config_of(beside, 2);
    struct certs *c = certs_of(&config);
    int64_t now = time(NULL);

    (void)state;
    CHECK_TRUE("the first", certs_expire_at(c) > now + 3500 && certs_expire_at(c) < now + 3700);
    CHECK_EQ("none is over", certs_expired(c, now), 0);
    CHECK_EQ("one is", certs_expired(c, now + 3700), 1);
    CHECK_EQ("all are", certs_expired(c, now + 91 * 86400), 3);
    certs_tend(c, now);
    certs_free(c);
}

static void add_key(void *ctx, const struct certs_key *key)
{
    const struct made_pair *of = memcmp(key->hash, a.spki_sha256, 32) == 0   ? &a
                                 : memcmp(key->hash, b.spki_sha256, 32) == 0 ? &b
                                                                             : &c2;
    size_t len = strlen(ctx);

    snprintf((char *)ctx + len, 200 - len, "%s:%s:%s ", key->certificate,
             key->use == CERTS_KEY_USED ? "used" : "next",
             of == &a   ? "a"
             : of == &b ? "b"
                        : "c");
}

/* [RFC 7671 s8.1] */
static void keys_are_told_with_the_next_ones(void **state)
{
    struct config_certificate beside[] = {section("web", &b)};
    struct config config = config_of(beside, 1);
    struct certs *c;
    char text[200] = "";

    (void)state;
    config.tls_next_key_pem = c2.key;
    beside[0].next_key_pem = b.key; /* the same one is no next one */
    c = certs_of(&config);
    certs_each_key(c, NULL, add_key, text);
    CHECK_STR("all of them", text, "default:used:a default:next:c web:used:b ");
    text[0] = '\0';
    certs_each_key(c, "b.test", add_key, text);
    CHECK_STR("of the certificate with the name", text, "web:used:b ");
    text[0] = '\0';
    certs_each_key(c, "x.test", add_key, text);
    CHECK_STR("of no certificate", text, "");
    certs_free(c);
}

static void memory_ends(void **state)
{
    struct config_certificate beside[] = {section("web", &b)};
    struct config config = config_of(beside, 1), next = config_of(beside, 1);
    char why[300];

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct certs *c = certs_new(&config, why, sizeof why);

        fail_alloc_off();
        CHECK_EQ("nothing half done", c == NULL, fail_alloc_hit());
        certs_free(c);
    }
    next.tls_certificate_pem = c2.certificate;
    next.tls_key_pem = c2.key;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct certs *c;

        fail_alloc_off();
        c = certs_of(&config);
        fail_alloc_on();
        certs_offer(c, &next);
        fail_alloc_off();
        CHECK_EQ("the old ones, or the new ones", tls_server_covers(certs_server(c), "c.test"),
                 !tls_server_covers(certs_server(c), "a.test"));
        CHECK_TRUE("one of them", fail_alloc_hit() || tls_server_covers(certs_server(c), "c.test"));
        certs_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_there_is_no_server),
        cmocka_unit_test(a_mistake_names_the_key_of_the_configuration),
        cmocka_unit_test(new_files_take_their_place_and_broken_ones_do_not),
        cmocka_unit_test(ends_are_counted),
        cmocka_unit_test(keys_are_told_with_the_next_ones),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
