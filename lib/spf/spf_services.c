/* SPDX-License-Identifier: Apache-2.0 */
#include "spf_tree_internal.h"

#include "sigillo/banned.h"

#define NEWSLETTERS                                                                                \
    "readers who call its newsletters spam lower the standing of your people's mail, too"
#define OWN_BOUNCES                                                                                \
    "it sends with a bounce address of its own or of a subdomain, where this include is not "      \
    "looked at"

/* Services that send for many, by the zone that their customers include. Those that carry people's own mail are not here. */
static const struct spf_service services[] = {
    {SGL_LIT_INIT("activehosted.com"), "ActiveCampaign", NEWSLETTERS},
    {SGL_LIT_INIT("amazonses.com"), "Amazon SES", OWN_BOUNCES},
    {SGL_LIT_INIT("brevo.com"), "Brevo", NEWSLETTERS},
    {SGL_LIT_INIT("constantcontact.com"), "Constant Contact", NEWSLETTERS},
    {SGL_LIT_INIT("createsend.com"), "Campaign Monitor", NEWSLETTERS},
    {SGL_LIT_INIT("elasticemail.com"), "Elastic Email", NEWSLETTERS},
    {SGL_LIT_INIT("emsd1.com"), "ActiveCampaign", NEWSLETTERS},
    {SGL_LIT_INIT("exacttarget.com"), "Salesforce Marketing Cloud", NEWSLETTERS},
    {SGL_LIT_INIT("getresponse.com"), "GetResponse", NEWSLETTERS},
    {SGL_LIT_INIT("hubspotemail.net"), "HubSpot", NEWSLETTERS},
    {SGL_LIT_INIT("mailerlite.com"), "MailerLite", NEWSLETTERS},
    {SGL_LIT_INIT("mailgun.org"), "Mailgun", OWN_BOUNCES},
    {SGL_LIT_INIT("mailjet.com"), "Mailjet", NEWSLETTERS},
    {SGL_LIT_INIT("mandrillapp.com"), "Mailchimp Transactional", OWN_BOUNCES},
    {SGL_LIT_INIT("mcsv.net"), "Mailchimp", OWN_BOUNCES},
    {SGL_LIT_INIT("mktomail.com"), "Marketo", NEWSLETTERS},
    {SGL_LIT_INIT("mlsend.com"), "MailerLite", NEWSLETTERS},
    {SGL_LIT_INIT("mtasv.net"), "Postmark", OWN_BOUNCES},
    {SGL_LIT_INIT("pardot.com"), "Salesforce Account Engagement", NEWSLETTERS},
    {SGL_LIT_INIT("sendgrid.net"), "SendGrid", OWN_BOUNCES},
    {SGL_LIT_INIT("sendinblue.com"), "Brevo", NEWSLETTERS},
    {SGL_LIT_INIT("sendpulse.com"), "SendPulse", NEWSLETTERS},
    {SGL_LIT_INIT("smtp2go.com"), "SMTP2GO", OWN_BOUNCES},
    {SGL_LIT_INIT("sparkpostmail.com"), "SparkPost", OWN_BOUNCES},
};

const struct spf_service *sgl_spf_service_of(sgl_view target)
{
    if (target.len > 0 && target.ptr[target.len - 1] == '.')
        target.len--;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        sgl_view zone = services[i].zone;

        if (sgl_view_ends_nocase(target, zone) &&
            (target.len == zone.len || target.ptr[target.len - zone.len - 1] == '.'))
            return &services[i];
    }
    return NULL;
}
