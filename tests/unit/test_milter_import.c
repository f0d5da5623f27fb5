/* SPDX-License-Identifier: Apache-2.0 */
#include "../../milter/import.h"
#include "../../milter/settings.h"
#include "check.h"
#include "fail_alloc.h"

static enum sgl_status make(const char *dkim, const char *dmarc, struct sgl_arena *arena,
                            struct sgl_buf *out, struct import_notes *notes,
                            struct import_fault *fault)
{
    struct import_source a = {dkim != NULL ? "k" : NULL, sgl_view_cstr(dkim)},
                         b = {dmarc != NULL ? "m" : NULL, sgl_view_cstr(dmarc)};

    return import_make(&a, &b, arena, out, notes, fault);
}

/* "FILE:LINE Key; ..." */
static void check_notes(const char *rule, const struct import_notes *notes, const char *want)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);

    for (size_t i = 0; i < notes->count; i++) {
        const struct import_note *n = &notes->item[i];

        sgl_buf_addf(&got, "%s:%u ", n->file, n->line);
        sgl_buf_add(&got, n->key);
        sgl_buf_add_cstr(&got, ";");
    }
    CHECK_VIEW(rule, sgl_buf_view(&got), sgl_view_cstr(want));
}

static void what_becomes_of_a_line(void **state)
{
    static const struct {
        const char *dkim, *dmarc, *want, *notes;
    } cases[] = {
        {"KeyTable /kt\nSigningTable refile:/st\n", NULL,
         "key_table = \"/kt\"\nsigning_table = \"refile:/st\"\n", ""},
        {"KeyTable dsn:mysql://u@h/d\n", NULL, "", "k:1 KeyTable;"},
        {"Domain a.test, b.test\nSelector s1\nKeyFile /k\nSubDomains yes\n", NULL,
         "domain = {\"a.test\", \"b.test\"}\nselector = \"s1\"\nkey_file = \"/k\"\n"
         "subdomains = true\n",
         ""},
        {"Domain file:/domains\n", NULL, "", "k:1 Domain;"},
        {"InternalHosts refile:/h\nPeerList 192.0.2.1\n", NULL,
         "internal_hosts = \"refile:/h\"\npeers = \"192.0.2.1\"\n", ""},
        {"InternalHosts hosts.db\n", NULL, "", "k:1 InternalHosts;"},
        {"Mode s\n", NULL, "mode = {sign}\n", ""},
        {"Mode vs\n", NULL, "mode = {sign, verify}\n", ""},
        {NULL, "RejectFailures true\n", "mode = {verify}\n", ""},
        {"X y\n", NULL, "canonicalization = \"simple/simple\"\n", "k:1 X;"},
        {"Canonicalization relaxed\n", NULL, "canonicalization = \"relaxed\"\n", ""},
        {"UserID opendkim:postfix\nUMask 007\nSocket local:/run/o.sock\n", NULL,
         "socket = \"local:/run/o.sock\"\nuser = \"opendkim\"\nsocket_group = \"postfix\"\n"
         "socket_mode = \"0660\"\n",
         ""},
        {"Mode s\n", "RejectFailures true\n", "dmarc = follow\n", ""},
        {"Mode s\n", "RejectFailures false\n", "dmarc = mark\n", ""},
        {"Mode s\n", "HoldQuarantinedMessages yes\n", "dmarc = quarantine\nquarantine = hold\n",
         ""},
        {"Mode sv\n", NULL, "dmarc = mark\n", ""},
        {NULL, "IgnoreHosts /ih\nIgnoreMailFrom a.test,b.test\n",
         "ignore_hosts = \"/ih\"\nignore_from = {\"a.test\", \"b.test\"}\n", ""},
        {NULL, "TrustedAuthservIDs HOSTNAME, mx.a.test\n", "trusted_authserv = {\"mx.a.test\"}\n",
         "m:1 TrustedAuthservIDs;"},
        {"Socket inet:1@localhost\n", "Socket inet:2@localhost\n",
         "socket = \"inet:1@localhost\"\n", "m:1 Socket;"},
        {"Mode v\nSocket inet:1\n", NULL, "", "k:2 Socket;"},
        {NULL, "Socket inet:2@localhost\n", "socket = \"inet:2@localhost\"\n", ""},
        {"OversignHeaders From,List-Id\n", NULL, "", "k:1 OversignHeaders;"},
        {"OversignHeaders From\n", NULL, "", ""},
        {"OversignHeaders From\nSignHeaders From,To\n", NULL,
         "sign_headers = {\"From\", \"To\"}\noversign_headers = {\"From\"}\n", ""},
        {"SignHeaders *,+List-Id\n", NULL, "", "k:1 SignHeaders;"},
        {"MinimumKeyBits 2048\n", NULL, "min_key_bits = 2048\n", ""},
        {"MinimumKeyBits 0\n", NULL, "", "k:1 MinimumKeyBits;"},
        {"SignatureTTL 604800\n", NULL, "signature_expire = 604800s\n", ""},
        {"On-Default reject\nOn-DNSError a\n", NULL, "on_error = accept\n", "k:1 On-Default;"},
        {"MacroList daemon_name|ORIGINATING\n", NULL, "originating_daemons = {\"ORIGINATING\"}\n",
         ""},
        {"MacroList auth_author\n", NULL, "", "k:1 MacroList;"},
        {"Nameservers 192.0.2.1,192.0.2.2\nTrustAnchorFile /r\n", NULL,
         "resolver {\n    forward = {\"192.0.2.1\", \"192.0.2.2\"}\n"
         "    trust_anchor = \"/r\"\n}\n",
         ""},
        {"Syslog yes\nNoSuchKey 1\nSyslog no\n", NULL, "", "k:2 NoSuchKey;k:3 Syslog;"},
        {"Selector a\"b\\c${HOME}\n", NULL, "selector = \"a\\\"b\\\\c\\${HOME}\"\n", ""},
        {"selector lower\n", NULL, "selector = \"lower\"\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *rule = cases[i].dkim != NULL ? cases[i].dkim : cases[i].dmarc;
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
        struct import_notes notes = {0};
        struct import_fault fault = {0};
        const char *text;

        CHECK_EQ(rule, make(cases[i].dkim, cases[i].dmarc, &arena, &out, &notes, &fault), SGL_OK);
        text = sgl_cstr(&out);
        if (strstr(text, cases[i].want) == NULL)
            fail_msg("%s: got \"%s\", want \"%s\" in it", rule, text, cases[i].want);
        check_notes(rule, &notes, cases[i].notes);
    }
}

/* What both packages install is read by us at once. */
static void the_result_is_a_configuration(void **state)
{
    static const char dkim[] = "Syslog yes\nUMask 007\nMode sv\nCanonicalization relaxed/simple\n"
                               "OversignHeaders From\nKeyTable /etc/dkimkeys/KeyTable\n"
                               "SigningTable refile:/etc/dkimkeys/SigningTable\n"
                               "InternalHosts /etc/dkimkeys/TrustedHosts\nUserID opendkim\n"
                               "Socket inet:8891@localhost # local only\n"
                               "TrustAnchorFile /usr/share/dns/root.key\n";
    static const char dmarc[] = "AuthservID mx.a.test\nRejectFailures true\n"
                                "IgnoreHosts /etc/opendmarc/ignore.hosts\nUserID opendmarc\n"
                                "TrustedAuthservIDs mx.a.test,mx2.a.test\n";
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    struct import_notes notes = {0};
    struct import_fault fault = {0};
    const struct milter_settings *s;
    char why[400] = "";

    (void)state;
    CHECK_EQ("made", make(dkim, dmarc, &arena, &out, &notes, &fault), SGL_OK);
    s = settings_read("out", sgl_cstr(&out), &arena, why, sizeof why);
    CHECK_STR("no mistake", why, "");
    CHECK_STR("socket", s->socket, "inet:8891@localhost");
    CHECK_STR("table", s->signing_table, "refile:/etc/dkimkeys/SigningTable");
    CHECK_STR("user", s->user, "opendkim");
    CHECK_STR("the only name that is given", s->authserv_id, "mx.a.test");
    CHECK_EQ("mode", s->socket_mode, 0660);
    CHECK_EQ("dmarc", s->dmarc, MILTER_DMARC_FOLLOW);
    CHECK_TRUE("canonicalization", !s->header_simple && s->body_simple);
    CHECK_STR("anchor", s->trust_anchor, "/usr/share/dns/root.key");
    check_notes("notes", &notes, "k:1 Syslog;m:4 UserID;m:5 TrustedAuthservIDs;");
}

static void lines_that_are_none(void **state)
{
    static const struct {
        const char *dkim, *file;
        unsigned line;
    } cases[] = {
        {"Mode s\n\n# x\nSelector\n", "k", 4},
        {"Mode s\nSelector a\001b\n", "k", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
        struct import_notes notes = {0};
        struct import_fault fault = {0};

        CHECK_EQ(cases[i].dkim, make(cases[i].dkim, NULL, &arena, &out, &notes, &fault),
                 SGL_E_SYNTAX);
        CHECK_STR(cases[i].dkim, fault.file, cases[i].file);
        CHECK_EQ(cases[i].dkim, fault.line, cases[i].line);
        CHECK_EQ("nothing half done", out.len, 0);
    }
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
        struct import_notes notes = {0};
        struct import_fault fault = {0};
        enum sgl_status got = make("Syslog yes\nMode s\n", "Socket inet:1@h\nAuthservID a\n",
                                   &arena, &out, &notes, &fault);

        CHECK_EQ("status", got, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("nothing half done", got == SGL_OK || out.len == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_becomes_of_a_line),
        cmocka_unit_test(the_result_is_a_configuration),
        cmocka_unit_test(lines_that_are_none),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
