/* SPDX-License-Identifier: Apache-2.0 */
#include "dmarc_advice.h"

#include <stdio.h>

#define DAYS_ENOUGH     14 /* that have figures: a month's letter must not be forgotten */
#define MESSAGES_ENOUGH 100
#define DOUBTFUL        50 /* one of so many messages is in a report that anybody may have sent */
#define NAME_MAX        80 /* bytes of a domain in a sentence */

/* By the domains that they sign as, and that their return paths stand in, where a customer has not set up his own. */
struct service {
    sgl_view zone;
    const char *name;
};
static const struct service services[] = {
    {SGL_LIT_INIT("amazonses.com"), "Amazon SES"},
    {SGL_LIT_INIT("atlassian.net"), "Atlassian"},
    {SGL_LIT_INIT("azurecomm.net"), "Azure Communication Services"},
    {SGL_LIT_INIT("bounces.google.com"), "Google"},
    {SGL_LIT_INIT("brevo.com"), "Brevo"},
    {SGL_LIT_INIT("calendar-server.bounces.google.com"), "Google Calendar"},
    {SGL_LIT_INIT("createsend.com"), "Campaign Monitor"},
    {SGL_LIT_INIT("cmail19.com"), "Campaign Monitor"},
    {SGL_LIT_INIT("cmail20.com"), "Campaign Monitor"},
    {SGL_LIT_INIT("constantcontact.com"), "Constant Contact"},
    {SGL_LIT_INIT("elasticemail.com"), "Elastic Email"},
    {SGL_LIT_INIT("exacttarget.com"), "Salesforce Marketing Cloud"},
    {SGL_LIT_INIT("freshemail.io"), "Freshdesk"},
    {SGL_LIT_INIT("gappssmtp.com"), "Google Workspace"},
    {SGL_LIT_INIT("hubspotemail.net"), "HubSpot"},
    {SGL_LIT_INIT("klaviyomail.com"), "Klaviyo"},
    {SGL_LIT_INIT("mailgun.org"), "Mailgun"},
    {SGL_LIT_INIT("mailjet.com"), "Mailjet"},
    {SGL_LIT_INIT("mandrillapp.com"), "Mailchimp Transactional"},
    {SGL_LIT_INIT("mcdlv.net"), "Mailchimp"},
    {SGL_LIT_INIT("mcsv.net"), "Mailchimp"},
    {SGL_LIT_INIT("rsgsv.net"), "Mailchimp"},
    {SGL_LIT_INIT("mktomail.com"), "Marketo"},
    {SGL_LIT_INIT("mlsend.com"), "MailerLite"},
    {SGL_LIT_INIT("mtasv.net"), "Postmark"},
    {SGL_LIT_INIT("onmicrosoft.com"), "Microsoft 365"},
    {SGL_LIT_INIT("salesforce.com"), "Salesforce"},
    {SGL_LIT_INIT("sendgrid.net"), "SendGrid"},
    {SGL_LIT_INIT("sendgrid.info"), "SendGrid"},
    {SGL_LIT_INIT("sendinblue.com"), "Brevo"},
    {SGL_LIT_INIT("smtp2go.com"), "SMTP2GO"},
    {SGL_LIT_INIT("sparkpostmail.com"), "SparkPost"},
    {SGL_LIT_INIT("zendesk.com"), "Zendesk"},
};

/* By the reverse names of their servers, where those stand in another domain. */
static const struct service hosts[] = {
    {SGL_LIT_INIT("google.com"), "Google"},
    {SGL_LIT_INIT("mailgun.net"), "Mailgun"},
    {SGL_LIT_INIT("mailin.fr"), "Brevo"},
    {SGL_LIT_INIT("protection.outlook.com"), "Microsoft 365"},
};

static const char *found_in(const struct service *table, size_t count, sgl_view domain)
{
    const char *name = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < count; i++) {
        sgl_view zone = table[i].zone;

        if (zone.len > longest && sgl_view_ends_nocase(domain, zone) &&
            (domain.len == zone.len || domain.ptr[domain.len - zone.len - 1] == '.')) {
            name = table[i].name;
            longest = zone.len;
        }
    }
    return name;
}

static const char *service_of(sgl_view domain)
{
    return found_in(services, sizeof(services) / sizeof(services[0]), domain);
}

/* By what its mail proved: the rest anybody may write, it names nobody. */
static const char *service_by_mail(const struct dmarc_source *s)
{
    const char *name = s->dkim_result == SGL_DMARC_RAW_PASS ? service_of(s->dkim_domain) : NULL;

    if (name != NULL || s->spf_result != SGL_DMARC_RAW_PASS)
        return name;
    name = service_of(s->spf_domain);
    return name != NULL ? name : service_of(s->envelope_from);
}

static const char *service_by_host(const char *reverse)
{
    sgl_view host = sgl_view_cstr(reverse);
    const char *name = service_of(host);

    return name != NULL ? name : found_in(hosts, sizeof(hosts) / sizeof(hosts[0]), host);
}

const char *dmarc_service(const struct dmarc_source *s, const char *reverse)
{
    const char *name = service_by_mail(s);

    return name != NULL ? name : service_by_host(reverse);
}

/* Is it the same domain, or below it, or above it? */
static bool related(sgl_view a, sgl_view b)
{
    sgl_view longer = a.len > b.len ? a : b, shorter = a.len > b.len ? b : a;

    return shorter.len > 0 && sgl_view_ends(longer, shorter) &&
           (longer.len == shorter.len || longer.ptr[longer.len - shorter.len - 1] == '.');
}

/* None of it passed. */
static void advise_failing(const struct dmarc_source *s, const char *reverse, char *out,
                           size_t size)
{
    const char *service = service_by_mail(s), *host = service_by_host(reverse);

    if (service != NULL)
        snprintf(out, size,
                 "%s sends as you and is not set up for it. Add the domain there: it then signs as "
                 "your domain and takes a return path below it. An include in SPF alone does not "
                 "align.",
                 service);
    else if (s->dkim_result == SGL_DMARC_RAW_PASS && !related(s->dkim_domain, s->header_from))
        snprintf(
            out, size,
            "It signs as %.*s, which is not aligned with From. A mailing list, or a service: if "
            "it is yours, have it sign as your domain.",
            SGL_FMT(sgl_view_sub(s->dkim_domain, 0, NAME_MAX)));
    else if (s->dkim_domain.len > 0 && related(s->dkim_domain, s->header_from))
        snprintf(out, size,
                 "The signature of %.*s does not verify. Changed on the way by a list or a "
                 "forwarder; or the key in DNS is not the one that signs: look at its selector.",
                 SGL_FMT(sgl_view_sub(s->dkim_domain, 0, NAME_MAX)));
    else if (s->spf_result == SGL_DMARC_RAW_PASS && s->spf_domain.len > 0)
        snprintf(
            out, size,
            "SPF passes for %.*s, which is not aligned with From, and nothing signs as you. If "
            "it is yours, have it sign as your domain.",
            SGL_FMT(sgl_view_sub(s->spf_domain, 0, NAME_MAX)));
    else if (host != NULL)
        snprintf(out, size,
                 "It comes from servers of %s, and neither signs as you nor stands in SPF. If you "
                 "use it, add the domain there; if not, it is forged, or forwarded from there.",
                 host);
    else
        snprintf(out, size,
                 "Neither signs as you nor stands in SPF: forged, or a server that you forgot. If "
                 "it is yours, have it sign, and put it into SPF; if not, a policy of reject "
                 "stops it.");
}

void dmarc_source_advice(const struct dmarc_figure *f, const char *reverse, char *out, size_t size)
{
    const struct dmarc_source *s = &f->most;

    out[0] = '\0';
    if (f->messages == 0 || f->name.len == 0)
        return;
    if (f->passed < f->messages - f->messages / 2)
        advise_failing(s, reverse, out, size);
    else if (f->dkim > 0 && f->spf < f->messages / 2 && service_by_mail(s) != NULL)
        snprintf(out, size,
                 "Passes by DKIM. %s uses a return path of its own: set one below your domain "
                 "there, and SPF passes as well.",
                 service_by_mail(s));
    else if (f->dkim > 0 && f->spf < f->messages / 2)
        snprintf(out, size,
                 "Passes by DKIM; SPF fails, as it does for forwarded mail. Nothing to do; if this "
                 "is a server of yours, put it into SPF.");
    else if (f->spf > 0 && f->dkim < f->messages / 2)
        snprintf(out, size,
                 "Passes by SPF alone: forwarded, it fails. Have it sign as your domain.");
}

/* The share that passes, in tenths of a percent. */
static uint64_t share(const struct dmarc_figure *f)
{
    return f->messages == 0 ? 0 : (uint64_t)((double)f->passed * 1000.0 / (double)f->messages);
}

void dmarc_policy_advice(const struct dmarc_figure *f, char *out, size_t size)
{
    uint64_t passed = share(f);

    out[0] = '\0';
    if (f->p == SGL_DMARC_DISPOSITION_REJECT || f->p == SGL_DMARC_DISPOSITION_UNKNOWN)
        return;
    if (f->days < DAYS_ENOUGH || f->messages < MESSAGES_ENOUGH)
        snprintf(out, size, "Too little is known yet to be stricter: %llu days, %llu messages.",
                 (unsigned long long)f->days, (unsigned long long)f->messages);
    else if (f->unverified > f->messages / DOUBTFUL)
        snprintf(out, size,
                 "%llu of %llu messages stand in reports that anybody may have sent: no ground to "
                 "be stricter.",
                 (unsigned long long)f->unverified, (unsigned long long)f->messages);
    else if (passed >= 980)
        snprintf(out, size,
                 "%llu.%llu %% pass, over %llu days: p=%s is within reach. Look at the sources "
                 "that fail first.",
                 (unsigned long long)(passed / 10), (unsigned long long)(passed % 10),
                 (unsigned long long)f->days,
                 f->p == SGL_DMARC_DISPOSITION_NONE ? "quarantine" : "reject");
    else
        snprintf(out, size,
                 "%llu.%llu %% pass: mend the sources that are yours before the policy becomes "
                 "stricter.",
                 (unsigned long long)(passed / 10), (unsigned long long)(passed % 10));
}
