/* SPDX-License-Identifier: Apache-2.0 */
#include "import_internal.h"

#define PLAIN_LOG   "not needed: what happens is logged as JSON lines on standard error"
#define FOREGROUND  "not needed: it stays in the foreground, and its supervisor starts it again"
#define BY_DMARC    "not here: what is refused is DMARC's to say (dmarc)"
#define NO_SCRIPT   "not here: there are no scripts"
#define NO_LDAP     "not here: tables are lists and files"
#define NO_REPORT   "not here: sigillo serve writes reports"
#define NO_REWRITE  "not here: messages are not rewritten"
#define NO_FALLBACK "not here: it is never done"

static const struct import_row row[] = {
    {"KeyTable", IMPORT_DATASET, "key_table"},
    {"SigningTable", IMPORT_DATASET, "signing_table"},
    {"Domain", IMPORT_LIST, "domain"},
    {"Selector", IMPORT_TEXT, "selector"},
    {"KeyFile", IMPORT_TEXT, "key_file"},
    {"SubDomains", IMPORT_FLAG, "subdomains"},
    {"InternalHosts", IMPORT_DATASET, "internal_hosts"},
    {"ExternalIgnoreList", IMPORT_DATASET, "external_ignore"},
    {"PeerList", IMPORT_DATASET, "peers"},
    {"MTA", IMPORT_LIST, "originating_daemons"},
    {"MultipleSignatures", IMPORT_FLAG, "multiple_signatures"},
    {"RequireSafeKeys", IMPORT_FLAG, "require_safe_keys"},
    {"SignatureTTL", IMPORT_SECONDS, "signature_expire"},
    {"DNSTimeout", IMPORT_SECONDS, "dns_timeout"},
    {"RemoveARFrom", IMPORT_LIST, "trusted_authserv"},
    {"Syslog", IMPORT_NOT, PLAIN_LOG},
    {"SyslogSuccess", IMPORT_NOT, PLAIN_LOG},
    {"SyslogFacility", IMPORT_NOT, PLAIN_LOG},
    {"SyslogName", IMPORT_NOT, PLAIN_LOG},
    {"LogWhy", IMPORT_NOT, PLAIN_LOG},
    {"LogResults", IMPORT_NOT, PLAIN_LOG},
    {"Background", IMPORT_NOT, FOREGROUND},
    {"PidFile", IMPORT_NOT, FOREGROUND},
    {"AutoRestart", IMPORT_NOT, FOREGROUND},
    {"AutoRestartCount", IMPORT_NOT, FOREGROUND},
    {"AutoRestartRate", IMPORT_NOT, FOREGROUND},
    {"ChangeRootDirectory", IMPORT_NOT, "not needed: a sandbox takes its place"},
    {"EnableCoredumps", IMPORT_NOT, "not here: the process holds private keys"},
    {"BaseDirectory", IMPORT_NOT, "not here: paths are absolute"},
    {"Include", IMPORT_NOT, "not read: import the included file by itself, and join the results"},
    {"AlwaysAddARHeader", IMPORT_NOT, "not needed: every message of others gets the field"},
    {"AuthservIDWithJobID", IMPORT_NOT, "not here: one name, without the queue id"},
    {"SoftwareHeader", IMPORT_NOT, "not here: no field names the software"},
    {"Diagnostics", IMPORT_NOT, "not here: z= is not written"},
    {"IdentityHeader", IMPORT_NOT, "not here: i= is not written"},
    {"OmitHeaders", IMPORT_NOT, "not here: list what is to be signed (sign_headers)"},
    {"SenderHeaders", IMPORT_NOT, "not here: From alone says who signs, as DMARC reads it"},
    {"RemoveARAll", IMPORT_NOT, "not here: only fields that claim to be ours are removed"},
    {"RemoveOldSignatures", IMPORT_NOT, "not here: signatures of others stay"},
    {"KeepAuthResults", IMPORT_NOT, "not here: forged results are always removed"},
    {"BodyLengthDB", IMPORT_NOT, "not here: l= is not written, and does not pass (RFC 6376 s8.2)"},
    {"MaximumSignedBytes", IMPORT_NOT, "not here: l= is not written (RFC 6376 s8.2)"},
    {"FixCRLF", IMPORT_NOT, "not needed: line ends are signed as they will travel"},
    {"ClockDrift", IMPORT_NOT, "not here: signatures may be 300 s ahead"},
    {"MaximumHeaders", IMPORT_NOT, "not here: a header has up to 512 KiB and 1000 fields"},
    {"MaximumSignaturesToVerify", IMPORT_NOT, "not here: ten signatures are checked"},
    {"Quarantine", IMPORT_NOT, BY_DMARC},
    {"MustBeSigned", IMPORT_NOT, BY_DMARC},
    {"RequiredHeaders", IMPORT_NOT, "not here: the mail server's own checks do that"},
    {"DontSignMailTo", IMPORT_NOT, "not here: recipients make no difference"},
    {"ExemptDomains", IMPORT_NOT, "not here: see ignore_hosts and ignore_from"},
    {"ResignAll", IMPORT_NOT, "not here: forwarded mail is sealed with ARC (arc_seal)"},
    {"ResignMailTo", IMPORT_NOT, "not here: forwarded mail is sealed with ARC (arc_seal)"},
    {"FinalPolicyScript", IMPORT_NOT, NO_SCRIPT},
    {"ScreenPolicyScript", IMPORT_NOT, NO_SCRIPT},
    {"SetupPolicyScript", IMPORT_NOT, NO_SCRIPT},
    {"StatisticsPolicyScript", IMPORT_NOT, NO_SCRIPT},
    {"Statistics", IMPORT_NOT, "not here: figures are served for Prometheus (metrics)"},
    {"LDAPBindUser", IMPORT_NOT, NO_LDAP},
    {"LDAPBindPassword", IMPORT_NOT, NO_LDAP},
    {"LDAPUseTLS", IMPORT_NOT, NO_LDAP},
    {"SendReports", IMPORT_NOT, NO_REPORT},
    {"ReportAddress", IMPORT_NOT, NO_REPORT},
    {"RequestReports", IMPORT_NOT, NO_REPORT},
    {"ReplaceRules", IMPORT_NOT, NO_REWRITE},
    {"ReplaceHeaders", IMPORT_NOT, NO_REWRITE},
    {"POPDBFile", IMPORT_NOT, "not here: authenticated clients are known by {auth_type}"},
    {"StrictTestMode", IMPORT_NOT, NO_FALLBACK},
    {"WeakSyntaxChecks", IMPORT_NOT, NO_FALLBACK},
    {"DomainKeysCompat", IMPORT_NOT, NO_FALLBACK},
};

static void take_mode(struct importing *i, struct import_file *f)
{
    const struct import_line *l = import_find(f, "Mode");
    bool signs = l == NULL || sgl_view_find(l->value, 's') < l->value.len;
    bool verifies = l == NULL || sgl_view_find(l->value, 'v') < l->value.len;

    sgl_buf_addf(i->out, "mode = {%s%s%s}\n", signs ? "sign" : "", signs && verifies ? ", " : "",
                 verifies ? "verify" : "");
}

static void take_key_bits(struct importing *i, struct import_file *f)
{
    const struct import_line *l = import_find(f, "MinimumKeyBits");
    uint64_t bits;

    if (l == NULL)
        return;
    if (!sgl_view_u64(l->value, 4096, &bits) || bits < 1024)
        import_note(i, f, l, "keys below 1024 bits never verify (RFC 8301 s3.2)", l->value);
    else
        sgl_buf_addf(i->out, "min_key_bits = %llu\n", (unsigned long long)bits);
}

/* What is signed and oversigned without being asked for. */
static bool is_oversigned(sgl_view name)
{
    static const char *const always[] = {"From", "Subject",  "Date",   "To",
                                         "Cc",   "Reply-To", "Sender", "Message-ID"};

    for (size_t n = 0; n < sizeof always / sizeof always[0]; n++)
        if (sgl_view_eq_nocase(name, sgl_view_cstr(always[n])))
            return true;
    return false;
}

static void take_headers(struct importing *i, struct import_file *f)
{
    const struct import_line *sign = import_find(f, "SignHeaders"),
                             *over = import_find(f, "OversignHeaders");
    const struct import_row rows[] = {{"SignHeaders", IMPORT_LIST, "sign_headers"},
                                      {"OversignHeaders", IMPORT_LIST, "oversign_headers"}};
    sgl_view rest = over == NULL ? sgl_view_of(NULL, 0) : dataset_name(over->value).rest;

    if (sign != NULL && (sgl_view_find(sign->value, '*') < sign->value.len ||
                         sgl_view_find(sign->value, '+') < sign->value.len ||
                         sgl_view_find(sign->value, '-') == 0)) {
        import_note(i, f, sign, "a list with *, + or -: write the names themselves", sign->value);
        sign = NULL;
    }
    if (sign != NULL) {
        import_rows(i, f, rows, 2);
        return;
    }
    while (rest.ptr != NULL) {
        sgl_view name = sgl_view_trim(sgl_view_split(rest, ',', &rest));

        if (name.len > 0 && !is_oversigned(name))
            import_note(i, f, over,
                        "is signed where it stands, not once more: list all fields (sign_headers)",
                        name);
    }
}

static void take_resolver(struct importing *i, struct import_file *f)
{
    const struct import_line *servers = import_find(f, "Nameservers"),
                             *anchor = import_find(f, "TrustAnchorFile");

    import_find(f, "ResolverConfiguration");
    if (servers == NULL && anchor == NULL)
        return;
    sgl_buf_add_cstr(i->out, "resolver {\n");
    if (servers != NULL)
        import_put_list(i, "    forward", servers->value);
    if (anchor != NULL)
        import_put(i, "    trust_anchor", anchor->value);
    sgl_buf_add_cstr(i->out, "}\n");
}

/* On-Default, On-BadSignature, On-DNSError ... */
static void take_actions(struct importing *i, struct import_file *f)
{
    for (size_t n = 0; n < f->lines; n++) {
        struct import_line *l = &f->line[n];
        bool ours = sgl_view_eq_nocase(l->key, SGL_LIT("On-Default")) ||
                    sgl_view_eq_nocase(l->key, SGL_LIT("On-DNSError")) ||
                    sgl_view_eq_nocase(l->key, SGL_LIT("On-InternalError"));
        bool lets_in = sgl_view_starts_nocase(l->value, SGL_LIT("a"));

        if (!sgl_view_starts_nocase(l->key, SGL_LIT("On-")))
            continue;
        l->used = true;
        if (!lets_in && !(ours && sgl_view_starts_nocase(l->value, SGL_LIT("t"))))
            import_note(i, f, l, BY_DMARC, l->value);
    }
}

static bool lets_errors_in(struct import_file *f)
{
    const struct import_line *l = import_find(f, "On-DNSError");

    if (l == NULL)
        l = import_find(f, "On-InternalError");
    if (l == NULL)
        l = import_find(f, "On-Default");
    return l != NULL && sgl_view_starts_nocase(l->value, SGL_LIT("a"));
}

/* "daemon_name|ORIGINATING" */
static void take_macros(struct importing *i, struct import_file *f)
{
    const struct import_line *l = import_find(f, "MacroList");
    sgl_view values, rest = l == NULL ? sgl_view_of(NULL, 0) : l->value;

    while (rest.ptr != NULL) {
        sgl_view item = sgl_view_trim(sgl_view_split(rest, ',', &rest));
        sgl_view name = sgl_view_split(item, '|', &values);

        if (!sgl_view_eq(name, SGL_LIT("daemon_name")) &&
            !sgl_view_eq(name, SGL_LIT("{daemon_name}")))
            import_note(i, f, l, "only daemon_name and {auth_type} are looked at", item);
        else if (sgl_view_find(values, '|') < values.len || values.len == 0)
            import_note(i, f, l, "write the names into originating_daemons", item);
        else
            import_put_list(i, "originating_daemons", values);
    }
}

void import_opendkim(struct importing *i, struct import_file *f)
{
    const struct import_line *l;

    if (f->name == NULL) {
        sgl_buf_add_cstr(i->out, "mode = {verify}\n");
        return;
    }
    take_mode(i, f);
    import_rows(i, f, row, sizeof row / sizeof row[0]);
    l = import_find(f, "Canonicalization");
    import_put(i, "canonicalization", l != NULL ? l->value : SGL_LIT("simple/simple"));
    take_headers(i, f);
    take_key_bits(i, f);
    take_resolver(i, f);
    take_macros(i, f);
    l = import_find(f, "SignatureAlgorithm");
    if (l != NULL && sgl_view_ends_nocase(l->value, SGL_LIT("sha1")))
        import_note(i, f, l, "the key says how it signs; SHA-1 is not used (RFC 8301)", l->value);
    if (lets_errors_in(f))
        sgl_buf_add_cstr(i->out, "on_error = accept\n");
    take_actions(i, f);
}
