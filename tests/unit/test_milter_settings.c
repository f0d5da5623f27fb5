/* SPDX-License-Identifier: Apache-2.0 */
#include "../../milter/edition.h"
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD  "socket = \"inet:8891@127.0.0.1\"\nauthserv_id = mx.a.test\n"
#define SIGNS GOOD "domain = {a.test}\nselector = s1\nkey_file = \"/k\"\n"

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "m.conf:1: socket: missing"},
        {GOOD, "m.conf:3: mode: to sign, key_table and signing_table are needed, or domain, "
               "selector and key_file"},
        {SIGNS "colour = red\n", "m.conf:6: syntax: no such option 'colour'"},
        {SIGNS "dmarc = obey\n", "m.conf:6: dmarc: \"obey\": not one of these words: follow "
                                 "quarantine mark"},
        {SIGNS "key_table = \"db:/x\"\n",
         "m.conf:6: key_table: \"db:/x\": a database: only lists, file: and refile: are read"},
        {SIGNS "key_table = \"/x\"\n",
         "m.conf:7: key_table: either tables, or domain, selector and key_file"},
        {GOOD "key_table = \"/x\"\n", "m.conf:4: signing_table: missing (key_table is given)"},
        {SIGNS "mode = {sign, seal}\n", "m.conf:7: mode: sign, verify or both: {sign, verify}"},
        {SIGNS "canonicalization = loose\n",
         "m.conf:7: canonicalization: must be relaxed or simple, for the header and for the body: "
         "relaxed/relaxed"},
        {SIGNS "sign_headers = {To}\n", "m.conf:7: sign_headers: From must be among them"},
        {SIGNS "sign_headers = {From, DKIM-Signature}\n",
         "m.conf:7: sign_headers: DKIM-Signature can't be among them"},
        {SIGNS "oversign_headers = {From}\n",
         "m.conf:7: oversign_headers: needs sign_headers (without both, all fields that matter are "
         "signed, and oversigned)"},
        {SIGNS "arc_seal { domain = a.test }\n",
         "m.conf:7: arc_seal: domain, selector and key_file are needed"},
        {SIGNS "resolver { forward = {} trust_anchor = anchor }\n",
         "m.conf:6: resolver.trust_anchor: \"anchor\": not an absolute path"},
        {SIGNS "min_key_bits = 512\n", "m.conf:6: min_key_bits: \"512\": too small"},
        {SIGNS "socket_mode = 0o660\n",
         "m.conf:7: socket_mode: not a mode: four octal digits, as 0660"},
        {SIGNS "metrics = localhost\n",
         "m.conf:7: metrics: \"localhost\": not an address (write 192.0.2.1:587 or "
         "[2001:db8::1]:587; names are not looked up)"},
        {"socket = \"inet:8891\"\nmode = {verify}\n",
         "m.conf:3: socket: not inet:PORT@HOST or unix:/PATH"},
        {"socket = \"8891\"\nmode = {verify}\n",
         "m.conf:3: socket: not inet:PORT@HOST or unix:/PATH"},
        {SIGNS "user = \"a\nb\"\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        char why[400] = "";

        CHECK_TRUE(cases[i].text,
                   settings_read("m.conf", cases[i].text, &arena, why, sizeof why) == NULL);
        if (cases[i].want != NULL)
            CHECK_STR(cases[i].text, why, cases[i].want);
    }
}

static void what_stands_there_is_read(void **state)
{
    static const char text[] =
        "socket = \"unix:/run/m\"\nsocket_mode = 0600\nauthserv_id = mx.a.test\n"
        "mode = {sign}\nkey_table = \"/kt\"\nsigning_table = \"refile:/st\"\n"
        "multiple_signatures = yes\ncanonicalization = simple\n"
        "sign_headers = {From, To}\noversign_headers = {from}\nsignature_expire = 7d\n"
        "dmarc = mark\nquarantine = hold\nspf = reject\non_error = accept\n"
        "metrics = \"127.0.0.1:9\"\nresolver { forward = {\"127.0.0.53\", \"::1\"} }\n";
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    char why[400] = "";
    const struct milter_settings *s = settings_read("m.conf", text, &arena, why, sizeof why);

    (void)state;
    CHECK_STR("no mistake", why, "");
    CHECK_EQ("socket_mode", s->socket_mode, 0600);
    CHECK_TRUE("mode", s->signs && !s->verifies);
    CHECK_STR("signing_table", s->signing_table, "refile:/st");
    CHECK_TRUE("multiple", s->multiple);
    CHECK_TRUE("one word is the header's  [RFC 6376 s3.5]", s->header_simple && s->body_simple);
    CHECK_EQ("sign_headers", s->sign_headers, 2);
    CHECK_STR("oversign", s->oversign[0], "from");
    CHECK_EQ("expire", s->signature_expire_ms, 7 * 86400000LL);
    CHECK_EQ("dmarc", s->dmarc, MILTER_DMARC_MARK);
    CHECK_EQ("quarantine", s->quarantine, MILTER_HOLD);
    CHECK_EQ("spf", s->spf, MILTER_SPF_REJECT);
    CHECK_EQ("on_error", s->on_error, MILTER_ACCEPT);
    CHECK_STR("metrics", s->metrics.text, "127.0.0.1:9");
    CHECK_EQ("forward", s->forwards, 2);
    CHECK_STR("internal_hosts", s->internal_hosts, "127.0.0.1, ::1");
    CHECK_TRUE("no seal", !s->seals);
    CHECK_TRUE("safe keys", s->require_safe_keys);
}

/* ---- with its files --------------------------------------------------------------------------------------------------- */

static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                              "-----END PRIVATE KEY-----\n";

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    CHECK_TRUE(path, f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

/* The text with the folder for each "@". */
static const char *in_folder(const char *text, const char *folder)
{
    static char out[1000];
    size_t len = 0;

    for (; *text != '\0' && len + 100 < sizeof out; text++) {
        if (*text == '@')
            len += (size_t)snprintf(out + len, sizeof out - len, "%s", folder);
        else
            out[len++] = *text;
    }
    out[len] = '\0';
    return out;
}

/* From the disk, then out of what was read of it; and what is wrong with the files. */
static void an_edition_is_read(void **state)
{
    static const struct {
        const char *name, *text, *want; /* a file that is changed, and what is said then */
        mode_t mode;
    } cases[] = {
        {"keys", "k a.test:s:@/key\n", "", 0644},
        {"key", key_pem,
         "/key: group or others may read or write it: chmod 600, or "
         "require_safe_keys = no",
         0640},
        {"key", "no key",
         "/key: holds no private key that can sign: PEM or DER, RSA of 1024 to "
         "4096 bits or Ed25519, without a passphrase",
         0600},
        {"hosts", "127.0.0.1\nnot a host/7\n/7\n",
         "/hosts:3: the row is no address, network "
         "(192.0.2.0/24), host name or .domain",
         0644},
        {"rules", "a.test k\nb.test q\n",
         "/rules:2: the row names a key that the key table has not", 0644},
        {"keys", "k a.test:s:MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n",
         "", 0644},
        {"keys", "k a.test:s:nothing\n",
         "/keys:1: the row has neither the path of a key nor a key in base64", 0644},
    };
    struct sgl_crypto *crypto = sgl_crypto_new();
    char folder[] = "/tmp/milter-edition-XXXXXX", path[300], why[600];

    (void)state;
    CHECK_TRUE("folder", mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/conf", folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct files files = {0}, again = {0};
        sgl_auto(sgl_buf) bundle = SGL_BUF_INIT(FILES_BUNDLE_MAX);
        struct edition *e;

        put(folder, "key", key_pem, 0600);
        put(folder, "hosts", "127.0.0.1\n", 0644);
        put(folder, "rules", "a.test k\n", 0644);
        put(folder, "keys", in_folder("k a.test:s:@/key\n", folder), 0644);
        put(folder, "conf",
            in_folder("socket = \"unix:/run/m\"\nauthserv_id = mx.a.test\nkey_table = "
                      "\"@/keys\"\nsigning_table = \"@/rules\"\n"
                      "internal_hosts = \"@/hosts\"\n",
                      folder),
            0644);
        put(folder, cases[i].name, in_folder(cases[i].text, folder), cases[i].mode);
        e = edition_read(crypto, path, &files, why, sizeof why);
        CHECK_EQ(cases[i].name, e != NULL, cases[i].want[0] == '\0');
        if (e == NULL) {
            CHECK_TRUE(why, strstr(why, cases[i].want) != NULL && why[0] == '/');
        } else {
            CHECK_TRUE("bundle", files_put(&files, &bundle));
            CHECK_TRUE("bundle", files_take(sgl_buf_view(&bundle), &again));
            edition_unref(e);
            e = edition_read(crypto, path, &again, why, sizeof why);
            CHECK_TRUE(why, e != NULL && e->signing.keys == 1 && e->internal.entries == 1);
        }
        edition_unref(e);
        files_done(&files);
        files_done(&again);
    }
    sgl_crypto_free(crypto);
}

static void bundles_that_are_none(void **state)
{
    static const struct {
        const char *rule;
        sgl_view bytes;
    } cases[] = {
        {"half a length", SGL_LIT_INIT("\0\0\0")},
        {"a path that is not there", SGL_LIT_INIT("\0\0\0\2a")},
        {"a path without its file", SGL_LIT_INIT("\0\0\0\1a")},
        {"a length that wraps", SGL_LIT_INIT("\377\377\377\377a\0\0\0\0")},
        {"a NUL in the path", SGL_LIT_INIT("\0\0\0\2a\0\0\0\0\0")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct files f = {0};
        sgl_view out;
        char why[100];

        CHECK_TRUE(cases[i].rule, !files_take(cases[i].bytes, &f));
        CHECK_TRUE("it never looks at the disk",
                   !files_get(&f, "/etc/passwd", 1 << 20, false, &out, why, sizeof why));
        files_done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_stands_there_is_read),
        cmocka_unit_test(an_edition_is_read),
        cmocka_unit_test(bundles_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
