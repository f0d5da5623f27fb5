/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <assert.h>
#include <stdio.h>

#include "sigillo/limits.h"

/*
 * Failures without a reply.  `status` is ours [RFC 3463]; `last` is what NEXT_HOST becomes when no host is left.
 *
 * TLS that is required and can't be had is never answered by plaintext, and never by a bounce: keys roll over and certificates are mended
 * [RFC 7672 s2.2, RFC 8461 s5].  REQUIRETLS is the exception: its sender wants to hear of it [RFC 8689 s4.2.1].
 */
struct rule {
    enum failure failure;
    enum action action, last;
    enum site_effect site;
    bool session_over;
    const char *status;
    const char *word; /* stable, for events */
    const char *says; /* for people */
};

static const struct rule rules[] = {
    {FAILURE_REPLY, ACTION_DEFER, ACTION_DEFER, SITE_UNTOUCHED, false, "4.0.0", "reply",
     "the server refused"},
    {FAILURE_REFUSED, ACTION_NEXT_HOST, ACTION_DEFER, SITE_SLOWER, true, "4.4.1", "refused",
     "connection refused"},
    {FAILURE_CONNECT_TIMEOUT, ACTION_NEXT_HOST, ACTION_DEFER, SITE_SLOWER, true, "4.4.1",
     "connect-timeout", "no answer to the connection attempt"},
    {FAILURE_TIMEOUT, ACTION_NEXT_HOST, ACTION_DEFER, SITE_SLOWER, true, "4.4.2", "timeout",
     "timed out, the server fell silent"},
    {FAILURE_LOST, ACTION_NEXT_HOST, ACTION_DEFER, SITE_SLOWER, true, "4.4.2", "lost",
     "the server closed the connection"},
    {FAILURE_PROTOCOL, ACTION_NEXT_HOST, ACTION_DEFER, SITE_SLOWER, true, "4.5.0", "protocol",
     "the server does not speak SMTP"},
    {FAILURE_NO_STARTTLS, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.4",
     "no-starttls", "TLS is required and the server does not offer STARTTLS"},
    {FAILURE_TLS, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5", "tls",
     "TLS is required and the handshake failed"},
    {FAILURE_TLS_VERIFY, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5",
     "tls-verify", "the certificate does not prove who the server is"},
    {FAILURE_AUTH, ACTION_NEXT_HOST, ACTION_DEFER, SITE_REST, true, "4.7.8", "auth",
     "the smart host refused our credentials"},
    {FAILURE_NO_8BITMIME, ACTION_NEXT_HOST, ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.6.3",
     "no-8bitmime", "the message has 8-bit data and the server does not offer 8BITMIME"},
    {FAILURE_NO_SMTPUTF8, ACTION_NEXT_HOST, ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.6.7",
     "no-smtputf8", "an address needs SMTPUTF8 and the server does not offer it"},
    {FAILURE_NO_REQUIRETLS, ACTION_NEXT_HOST, ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.7.30",
     "no-requiretls",
     "the message requires proved TLS on all its way and there is none to this server"},
    {FAILURE_NO_ENCRYPTION, ACTION_NEXT_HOST, ACTION_BOUNCE, SITE_UNTOUCHED, true, "5.7.10",
     "no-starttls", "the message requires TLS on all its way and the server does not offer it"},
    {FAILURE_DEMAND, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5",
     "demand-not-met", "TLS with a proved server is demanded and can't be had"},
    {FAILURE_TOO_LARGE, ACTION_NEXT_HOST, ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.3.4",
     "too-large", "the message is larger than the server takes"},
    {FAILURE_ADDRESSES, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.4.3", "addresses",
     "the address lookup failed"},
    {FAILURE_NO_ADDRESS, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.4.4",
     "no-address", "no address that may be used"},
    {FAILURE_DANE_LOOKUP, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5",
     "dane-lookup", "the TLSA lookup failed"},
    {FAILURE_STS_MX, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5", "sts-mx",
     "not allowed"},
    {FAILURE_STS_UNKNOWN, ACTION_NEXT_HOST, ACTION_DEFER, SITE_UNTOUCHED, true, "4.7.5",
     "sts-unknown", "it cannot be found out now whether the domain has an MTA-STS policy"},
    {FAILURE_MX_LOOKUP, ACTION_DEFER, ACTION_DEFER, SITE_UNTOUCHED, true, "4.4.3", "mx-lookup",
     "the MX lookup failed"},
    {FAILURE_NO_DOMAIN, ACTION_BOUNCE, ACTION_BOUNCE, SITE_UNTOUCHED, true, "5.1.2", "no-domain",
     "the domain does not exist"},
    {FAILURE_NULL_MX, ACTION_BOUNCE, ACTION_BOUNCE, SITE_UNTOUCHED, true, "5.1.10", "null-mx",
     "the domain takes no mail (null MX)"},
    {FAILURE_MX_UNUSABLE, ACTION_DEFER, ACTION_DEFER, SITE_UNTOUCHED, true, "4.4.4", "mx-unusable",
     "the domain's MX records name no usable host"},
    {FAILURE_MX_LOOP, ACTION_BOUNCE, ACTION_BOUNCE, SITE_UNTOUCHED, true, "5.4.6", "mx-loop",
     "the domain's best mail host is this server itself"},
    {FAILURE_LOCAL, ACTION_PUT_BACK, ACTION_PUT_BACK, SITE_UNTOUCHED, true, "4.3.0", "local",
     "this server could not go on"},
};

static const struct rule *rule_of(enum failure failure)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].failure == failure)
            return &rules[i];
    assert(false); /* a failure without a rule */
    return &rules[0];
}

const char *failure_name(enum failure failure)
{
    return rule_of(failure)->word;
}

/* The server's own enhanced code where its class fits the reply, else one for the stage [RFC 3463 s2]. */
static void status_of_reply(char status[12], enum sgl_smtp_stage stage,
                            const struct sgl_smtp_reply *reply)
{
    unsigned class = reply->code / 100u;

    if (reply->enhanced.class_ == class) {
        snprintf(status, 12, "%u.%u.%u", (unsigned)reply->enhanced.class_,
                 (unsigned)(reply->enhanced.subject % 1000),
                 (unsigned)(reply->enhanced.detail % 1000));
        return;
    }
    snprintf(status, 12, "%u.%s", class,
             stage == SGL_SMTP_AT_RCPT  ? "1.0"
             : stage == SGL_SMTP_AT_DOT ? "6.0"
                                        : "0.0");
}

/* May another MX host think otherwise of a permanent answer?  Only before anything about this message was said [RFC 5321 s4.2.1, RFC 7504 s4]. */
static bool is_about_the_host(enum sgl_smtp_stage stage)
{
    return stage == SGL_SMTP_AT_GREETING || stage == SGL_SMTP_AT_EHLO ||
           stage == SGL_SMTP_AT_STARTTLS;
}

/* "Too many recipients": 452, and 552 on old servers, unless the enhanced code says something else [RFC 5321 s4.5.3.1.10, RFC 3463 s3.6]. */
static bool is_overflow(const struct sgl_smtp_reply *reply)
{
    if (reply->code != 452 && reply->code != 552)
        return false;
    return reply->enhanced.class_ == 0 ||
           (reply->enhanced.subject == 5 && reply->enhanced.detail == 3);
}

static struct decision decide_reply(enum sgl_smtp_stage stage, const struct sgl_smtp_reply *reply,
                                    bool last_try)
{
    struct decision d = {ACTION_DEFER, SITE_UNTOUCHED, false, false, false, ""};
    bool permanent = reply->code >= 500;

    status_of_reply(d.status, stage, reply);
    if (reply->code == 421) { /* the whole service goes away, whatever was asked [RFC 5321 s3.8] */
        d.action = last_try ? ACTION_DEFER : ACTION_NEXT_HOST;
        d.site = SITE_REST;
        d.session_over = true;
        return d;
    }
    if (is_about_the_host(stage)) {
        d.action = last_try ? ACTION_DEFER : ACTION_NEXT_HOST;
        d.site = SITE_SLOWER;
        d.session_over = true;
        /* 521, 556: "never"; and a 554 greeting of the last host is the domain's last word [RFC 7504 s4, RFC 5321 s3.1] */
        if (permanent && last_try)
            d.action = ACTION_BOUNCE;
        return d;
    }
    if (stage == SGL_SMTP_AT_AUTH) { /* our password is wrong, not the recipient */
        d.action = last_try ? ACTION_DEFER : ACTION_NEXT_HOST;
        d.site = SITE_REST;
        d.session_over = true;
        d.status[0] = '4';
        return d;
    }
    if (stage == SGL_SMTP_AT_RCPT && is_overflow(reply)) {
        d.overflow = true;
        d.status[0] = '4';
        return d;
    }
    if (permanent) {
        d.action = ACTION_BOUNCE;
        return d;
    }
    d.site = stage == SGL_SMTP_AT_MAIL || stage == SGL_SMTP_AT_DATA ? SITE_SLOWER : SITE_UNTOUCHED;
    return d;
}

struct decision policy_decide(enum failure failure, enum sgl_smtp_stage stage,
                              const struct sgl_smtp_reply *reply, bool last_try)
{
    const struct rule *rule = rule_of(failure);
    struct decision d = {
        last_try ? rule->last : rule->action, rule->site, rule->session_over, false, false, ""};

    if (failure == FAILURE_REPLY) {
        assert(reply != NULL && reply->code >= 400);
        return decide_reply(stage, reply, last_try);
    }
    snprintf(d.status, sizeof d.status, "%s", rule->status);
    if (stage == SGL_SMTP_AT_DOT &&
        (failure == FAILURE_TIMEOUT || failure == FAILURE_LOST || failure == FAILURE_PROTOCOL)) {
        /* It may have it. Another host now would repeat it at once; the schedule gives time to see. */
        d.action = ACTION_DEFER;
        d.possibly_repeated = true;
    }
    return d;
}

enum failure policy_requiretls(enum failure failure, enum sgl_smtp_stage stage, bool may_pass)
{
    bool for_good = failure == FAILURE_DEMAND || failure == FAILURE_NO_REQUIRETLS ||
                    failure == FAILURE_NO_ENCRYPTION ||
                    (failure == FAILURE_NO_STARTTLS && stage == SGL_SMTP_AT_EHLO);

    if (!for_good)
        return failure;
    if (may_pass)
        return FAILURE_DEMAND;
    return failure == FAILURE_NO_STARTTLS || failure == FAILURE_NO_ENCRYPTION
               ? FAILURE_NO_ENCRYPTION
               : FAILURE_NO_REQUIRETLS;
}

/* Is it about this recipient? */
static bool means_recipient(const char *stage, size_t rcpts)
{
    return stage == NULL || strcmp(stage, sgl_smtp_stage_name(SGL_SMTP_AT_RCPT)) == 0 ||
           (rcpts == 1 && strcmp(stage, sgl_smtp_stage_name(SGL_SMTP_AT_DOT)) == 0);
}

bool policy_bounce_kind(const char *stage, sgl_view status, size_t rcpts,
                        enum delivery_bounce *kind)
{
    static const struct {
        const char *code;
        enum delivery_bounce kind;
    } codes[] = {{"5.1.1", BOUNCE_ADDRESS},
                 {"5.1.2", BOUNCE_INVALID},
                 {"5.1.3", BOUNCE_INVALID},
                 {"5.1.6", BOUNCE_ADDRESS},
                 {"5.1.10", BOUNCE_INVALID}};

    for (size_t i = 0; means_recipient(stage, rcpts) && i < sizeof codes / sizeof *codes; i++)
        if (sgl_view_eq(status, sgl_view_cstr(codes[i].code))) {
            *kind = codes[i].kind;
            return true;
        }
    if (stage == NULL)
        return false;
    *kind = BOUNCE_REFUSED;
    return true;
}

void policy_reason_put(struct sgl_buf *out, enum failure failure, enum sgl_smtp_stage stage,
                       const struct sgl_smtp_reply *reply, sgl_view host, sgl_view detail)
{
    if (host.len > 0) {
        sgl_buf_add_escaped(out, host, 300);
        sgl_buf_add(out, reply != NULL ? SGL_LIT(" said") : SGL_LIT(": "));
    }
    if (reply != NULL) {
        if (host.len == 0)
            sgl_buf_add(out, SGL_LIT("the server said"));
        sgl_buf_addf(out, " at %s: %u ", sgl_smtp_stage_name(stage), (unsigned)reply->code);
        sgl_buf_add_escaped(out, reply->enhanced_text, 20);
        if (reply->enhanced_text.len > 0)
            sgl_buf_add_byte(out, ' ');
        sgl_buf_add_escaped(out, reply->text, 600);
        return;
    }
    sgl_buf_add_cstr(out, rule_of(failure)->says);
    if (failure == FAILURE_TIMEOUT || failure == FAILURE_LOST)
        sgl_buf_addf(out, " at %s", sgl_smtp_stage_name(stage));
    if (detail.len > 0) {
        sgl_buf_add(out, SGL_LIT(": "));
        sgl_buf_add_escaped(out, detail, 600);
    }
}
