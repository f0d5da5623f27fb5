/* SPDX-License-Identifier: Apache-2.0 */
#include "import_internal.h"

#define PLAIN_LOG  "not needed: what happens is logged as JSON lines on standard error"
#define FOREGROUND "not needed: it stays in the foreground, and its supervisor starts it again"
#define NO_REPORT  "not here: sigillo serve writes reports"

static const struct import_row row[] = {
    {"IgnoreHosts", IMPORT_DATASET, "ignore_hosts"},
    {"IgnoreMailFrom", IMPORT_LIST, "ignore_from"},
    {"DomainWhitelist", IMPORT_LIST, "trusted_sealers"},
    {"DomainWhitelistSize", IMPORT_NOT, "not needed: lists have no size of their own"},
    {"IgnoreMailTo", IMPORT_NOT, "not here: recipients make no difference"},
    {"RejectString", IMPORT_NOT, "not here: the reply names the domain and its policy"},
    {"DomainWhitelistFile", IMPORT_NOT, "a file: write its domains into trusted_sealers"},
    {"Syslog", IMPORT_NOT, PLAIN_LOG},
    {"SyslogFacility", IMPORT_NOT, PLAIN_LOG},
    {"MilterDebug", IMPORT_NOT, PLAIN_LOG},
    {"Background", IMPORT_NOT, FOREGROUND},
    {"PidFile", IMPORT_NOT, FOREGROUND},
    {"AutoRestart", IMPORT_NOT, FOREGROUND},
    {"AutoRestartCount", IMPORT_NOT, FOREGROUND},
    {"AutoRestartRate", IMPORT_NOT, FOREGROUND},
    {"ChangeRootDirectory", IMPORT_NOT, "not needed: a sandbox takes its place"},
    {"EnableCoredumps", IMPORT_NOT, "not here: the process holds private keys"},
    {"BaseDirectory", IMPORT_NOT, "not here: paths are absolute"},
    {"Include", IMPORT_NOT, "not read: import the included file by itself, and join the results"},
    {"AuthservIDWithJobID", IMPORT_NOT, "not here: one name, without the queue id"},
    {"SoftwareHeader", IMPORT_NOT, "not here: no field names the software"},
    {"PublicSuffixList", IMPORT_NOT, "not needed: RFC 9989 finds policies by walking the tree"},
    {"SPFIgnoreResults", IMPORT_NOT, "not needed: SPF is always checked here"},
    {"SPFSelfValidate", IMPORT_NOT, "not needed: SPF is always checked here"},
    {"RejectMultiValueFrom", IMPORT_NOT,
     "not here: such mail is judged as RFC 9989 s11.5 says, never passed"},
    {"RequiredHeaders", IMPORT_NOT, "not here: the mail server's own checks do that"},
    {"HistoryFile", IMPORT_NOT, NO_REPORT},
    {"ReportCommand", IMPORT_NOT, NO_REPORT},
    {"RecordAllMessages", IMPORT_NOT, NO_REPORT},
    {"FailureReports", IMPORT_NOT, NO_REPORT},
    {"FailureReportsBcc", IMPORT_NOT, NO_REPORT},
    {"FailureReportsOnNone", IMPORT_NOT, NO_REPORT},
    {"FailureReportsSentBy", IMPORT_NOT, NO_REPORT},
    {"CopyFailuresTo", IMPORT_NOT, NO_REPORT},
    {"TemporaryDirectory", IMPORT_NOT, "not needed: nothing is written to files"},
    {"DNSTimeout", IMPORT_NOT, "set dns_timeout, which is for all answers together"},
};

/* What was done with failures. */
static void take_policy(struct importing *i, struct import_file *f)
{
    bool refuses = import_flag(f, "RejectFailures", false);
    bool holds = import_flag(f, "HoldQuarantinedMessages", false);

    sgl_buf_addf(i->out, "dmarc = %s\n", refuses ? "follow" : holds ? "quarantine" : "mark");
    if (holds)
        sgl_buf_add_cstr(i->out, "quarantine = hold\n");
}

/* Their names are ours: nobody outside may use them. "HOSTNAME" is the name of the machine. */
static void take_trusted(struct importing *i, struct import_file *f, struct import_file *dkim)
{
    const struct import_line *l = import_find(f, "TrustedAuthservIDs");
    sgl_auto(sgl_buf) names = SGL_BUF_INIT(IMPORT_FILE_MAX);
    sgl_view rest = l == NULL ? sgl_view_of(NULL, 0) : l->value;

    while (rest.ptr != NULL) {
        sgl_view name = sgl_view_trim(sgl_view_split(rest, ',', &rest));

        if (name.len == 0 || sgl_view_eq_nocase(name, SGL_LIT("HOSTNAME")))
            continue;
        sgl_buf_add_cstr(&names, names.len > 0 ? "," : "");
        sgl_buf_add(&names, name);
    }
    if (names.len == 0)
        return;
    import_note(i, f, l,
                "all is judged here: fields with these names are not believed, but removed where "
                "they come from outside",
                l->value);
    if (import_find(dkim, "RemoveARFrom") == NULL)
        import_put_list(i, "trusted_authserv", sgl_buf_view(&names));
}

/* Two filters become one: what the other file says of it counts. */
static void take_process(struct importing *i, struct import_file *f, struct import_file *dkim)
{
    static const char *const key[] = {"Socket", "AuthservID", "UserID", "UMask"};
    static const char *const ours[] = {"socket", "authserv_id", NULL, NULL};

    if (dkim->name == NULL)
        return;
    for (size_t n = 0; n < sizeof key / sizeof key[0]; n++) {
        const struct import_line *l = import_find(f, key[n]);
        bool there = import_find(dkim, key[n]) != NULL;

        if (l == NULL || sgl_view_eq_nocase(l->value, SGL_LIT("HOSTNAME")))
            continue;
        if (!there && ours[n] != NULL)
            import_put(i, ours[n], l->value);
        else
            import_note(i, f, l, "one filter takes the place of two: opendkim.conf says it",
                        l->value);
    }
}

void import_opendmarc(struct importing *i, struct import_file *f, struct import_file *dkim)
{
    const struct import_line *l = import_find(f, "IgnoreAuthenticatedClients");

    if (f->name == NULL) { /* nothing was refused before */
        sgl_buf_add_cstr(i->out, "dmarc = mark\n");
        return;
    }
    take_process(i, f, dkim);
    take_policy(i, f);
    import_rows(i, f, row, sizeof row / sizeof row[0]);
    take_trusted(i, f, dkim);
    if (l != NULL && !import_flag(f, "IgnoreAuthenticatedClients", true))
        import_note(i, f, l, "authenticated clients are never judged here", l->value);
}
