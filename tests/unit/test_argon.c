/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of passwords: written as they were read, and nothing else is one. */
#include "../../server/directory/directory_internal.h"
#include "check.h"

#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define HASH "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8"

static void a_hash_is_written_as_it_was_read(void **state)
{
    static const char *const rows[] = {
        "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH,
        "$argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH,
        "$argon2id$v=19$m=4294967295,t=4294967295,p=1$" SALT "$" HASH,
    };
    char made[ARGON_TEXT_SIZE], out[ARGON_TEXT_SIZE];
    struct argon_hash a;

    (void)state;
    assert_true(sodium_init() >= 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TRUE(rows[i], argon_parse(sgl_view_cstr(rows[i]), &a));
        argon_text(&a, out);
        CHECK_STR("the same text", out, rows[i]);
    }
    assert_int_equal(crypto_pwhash_str_alg(made, "secret", 6, 1, 8192, /* KiB: 8 */
                                           crypto_pwhash_ALG_ARGON2ID13),
                     0);
    CHECK_TRUE("what libsodium makes", argon_parse(sgl_view_cstr(made), &a));
    argon_text(&a, out);
    CHECK_STR("comes out as it was", out, made);
    CHECK_EQ("and opens", crypto_pwhash_str_verify(out, "secret", 6), 0);
}

static void what_is_no_hash_is_refused(void **state)
{
    static const struct {
        const char *rule, *text;
    } rows[] = {
        {"nothing", ""},
        {"another algorithm", "$argon2i$v=19$m=19456,t=2,p=1$" SALT "$" HASH},
        {"another version", "$argon2id$v=16$m=19456,t=2,p=1$" SALT "$" HASH},
        {"no memory", "$argon2id$v=19$m=,t=2,p=1$" SALT "$" HASH},
        {"memory that is no number", "$argon2id$v=19$m=+8,t=2,p=1$" SALT "$" HASH},
        {"too much memory", "$argon2id$v=19$m=4294967296,t=2,p=1$" SALT "$" HASH},
        {"no passes", "$argon2id$v=19$m=19456,p=1$" SALT "$" HASH},
        {"two threads", "$argon2id$v=19$m=19456,t=2,p=2$" SALT "$" HASH},
        {"a short salt", "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0O$" HASH},
        {"a long salt", "$argon2id$v=19$m=19456,t=2,p=1$" SALT "ABCD$" HASH},
        {"no hash", "$argon2id$v=19$m=19456,t=2,p=1$" SALT},
        {"a short hash", "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$EBES"},
        {"something after it", "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH "$"},
        {"no base64", "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$!" HASH},
    };
    struct argon_hash a = {.passes = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TRUE(rows[i].rule, !argon_parse(sgl_view_cstr(rows[i].text), &a));
        CHECK_EQ(rows[i].rule, a.passes, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hash_is_written_as_it_was_read),
                                       cmocka_unit_test(what_is_no_hash_is_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
