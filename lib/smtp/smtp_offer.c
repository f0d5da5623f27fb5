/* SPDX-License-Identifier: Apache-2.0 */
/* What a server offers: the lines of its reply to EHLO behind the first.  Unknown ones are passed over.  [RFC 5321 s4.1.1.1] */
#include "smtp_client_internal.h"

static const struct {
    const char *name;
    unsigned bit;
} extensions[] = {
    {"PIPELINING", SGL_SMTP_PIPELINING},
    {"8BITMIME", SGL_SMTP_8BITMIME},
    {"SMTPUTF8", SGL_SMTP_SMTPUTF8},
    {"CHUNKING", SGL_SMTP_CHUNKING},
    {"DSN", SGL_SMTP_DSN},
    {"ENHANCEDSTATUSCODES", SGL_SMTP_ENHANCED},
    {"STARTTLS", SGL_SMTP_TLS},
    {"REQUIRETLS", SGL_SMTP_REQUIRETLS},
    {"SIZE", SGL_SMTP_SIZE},
    {"LIMITS", SGL_SMTP_LIMITS},
    {"AUTH", SGL_SMTP_HAS_AUTH},
};

static unsigned mechanism_bits(sgl_view names)
{
    unsigned bits = 0;

    while (names.len != 0) {
        sgl_view name = sgl_view_split(names, ' ', &names);

        if (sgl_view_eq_nocase(name, SGL_LIT("PLAIN")))
            bits |= SGL_SASL_PLAIN;
        else if (sgl_view_eq_nocase(name, SGL_LIT("LOGIN")))
            bits |= SGL_SASL_LOGIN;
        else if (sgl_view_eq_nocase(name, SGL_LIT("SCRAM-SHA-256")))
            bits |= SGL_SASL_SCRAM_SHA_256;
        else if (sgl_view_eq_nocase(name, SGL_LIT("OAUTHBEARER")))
            bits |= SGL_SASL_OAUTHBEARER;
        else if (sgl_view_eq_nocase(name, SGL_LIT("XOAUTH2")))
            bits |= SGL_SASL_XOAUTH2;
    }
    return bits;
}

/* "RCPTMAX=100 MAILMAX=10"  [RFC 9422 s3]; a value that is no number is as if it were not there. */
static void read_limits(sgl_view words, struct sgl_smtp_offer *out)
{
    while (words.len != 0) {
        sgl_view value, name = sgl_view_split(sgl_view_split(words, ' ', &words), '=', &value);
        uint64_t n;

        if (!sgl_view_u64(value, 999999, &n))
            continue;
        if (sgl_view_eq_nocase(name, SGL_LIT("RCPTMAX")))
            out->rcpt_max = (uint32_t)n;
        else if (sgl_view_eq_nocase(name, SGL_LIT("MAILMAX")))
            out->mail_max = (uint32_t)n;
    }
}

static void read_line(sgl_view line, struct sgl_smtp_offer *out)
{
    sgl_view args, word = sgl_view_split(line, ' ', &args);
    unsigned bit = 0;

    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        if (sgl_view_eq_nocase(word, sgl_view_cstr(extensions[i].name)))
            bit = extensions[i].bit;
    }
    out->extensions |= bit;
    args = sgl_view_trim(args);
    if (bit == SGL_SMTP_SIZE && !sgl_view_u64(args, INT64_MAX, &out->size_max))
        out->size_max = 0; /* [RFC 1870 s4] without a number: no fixed limit */
    else if (bit == SGL_SMTP_LIMITS)
        read_limits(args, out);
    else if (bit == SGL_SMTP_HAS_AUTH)
        out->mechanisms |= mechanism_bits(args);
}

void sgl_smtp_offer_parse(sgl_view text, bool tls, struct sgl_smtp_offer *out)
{
    struct sgl_smtp_offer offer = {.esmtp = true};

    (void)sgl_view_split(text, '\n', &text); /* the server's name and greeting */
    while (text.ptr != NULL)
        read_line(sgl_view_split(text, '\n', &text), &offer);
    if (tls)
        offer.extensions &= ~(unsigned)SGL_SMTP_TLS; /* [RFC 3207 s4.2] */
    else
        offer.extensions &= ~(unsigned)SGL_SMTP_REQUIRETLS; /* [RFC 8689 s2] only within TLS */
    *out = offer;
}
