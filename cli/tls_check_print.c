/* SPDX-License-Identifier: Apache-2.0 */
/* A check for people, 80 columns wide. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "findings.h"
#include "sigillo/hex.h"
#include "tls_show.h"

#define INDENT  12
#define INNER   16
#define DAY     86400
#define SHOWN   2048 /* of a record */
#define HEX_MAX 24   /* digits of a record's data that are shown */

static const char *good(const struct cli *c, bool is_good)
{
    return is_good ? cli_green(c) : cli_red(c);
}

/* ---- the domain ---- */

static void put_row(const char *name, const struct sgl_buf *text)
{
    printf("  %-8s  ", name);
    cli_put_folded(stdout, sgl_buf_view(text), INDENT);
}

static const char *mx_words(const struct tls_check *k)
{
    switch (k->survey->mx.state) {
    case SGL_MX_HOSTS:
        return k->survey->mx.implicit ? "none: the domain is its own host" : NULL;
    case SGL_MX_NULL:
        return "takes no mail, and says so";
    case SGL_MX_NO_DOMAIN:
        return "no such domain";
    case SGL_MX_UNUSABLE:
    case SGL_MX_LOOP:
        return "no record names a host";
    case SGL_MX_FAILED:
        return "the lookup failed";
    }
    return "?";
}

static void put_mx(const struct tls_check *k)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(400);

    if (mx_words(k) != NULL)
        sgl_buf_add_cstr(&line, mx_words(k));
    else
        sgl_buf_addf(&line, "%zu host%s", k->hosts, k->hosts == 1 ? "" : "s");
    sgl_buf_addf(&line, ", DNSSEC %s", tls_dnssec_name(k));
    put_row("MX", &line);
}

static void put_mta_sts(const struct tls_check *k)
{
    const struct sgl_survey *s = k->survey;
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(32768);

    sgl_buf_add(&line, s->part[SGL_SURVEY_MTA_STS].summary);
    if (s->mta_sts.state == SGL_MTA_STS_FOUND)
        sgl_buf_addf(&line, ", id %.*s", SGL_FMT(s->mta_sts.record.id));
    for (size_t i = 0; s->has_policy && i < s->policy.count; i++)
        sgl_buf_addf(&line, "%s%s%.*s", i == 0 ? ": " : ", ", s->policy.mx[i].wildcard ? "*." : "",
                     SGL_FMT(s->policy.mx[i].name.text));
    put_row("MTA-STS", &line);
}

static void put_tls_rpt(const struct tls_check *k)
{
    const struct sgl_survey *s = k->survey;
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(32768);

    if (s->tlsrpt.state != SGL_TLSRPT_FOUND)
        sgl_buf_add(&line, s->part[SGL_SURVEY_TLSRPT].summary);
    for (size_t i = 0; s->tlsrpt.state == SGL_TLSRPT_FOUND && i < s->tlsrpt.record.count; i++) {
        sgl_buf_add_cstr(&line, i == 0 ? "" : ", ");
        sgl_buf_add_escaped(&line, s->tlsrpt.record.rua[i].text, SHOWN);
    }
    put_row("TLS-RPT", &line);
}

/* ---- a host ---- */

static const char *record_state(const struct tls_host *h, size_t i)
{
    const struct sgl_tlsa *r = &h->record[i].tlsa;

    if (tls_record_why(r) != NULL)
        return tls_record_why(r);
    if (!tls_record_counts(h, r))
        return "passed over: there is a stronger digest";
    if (h->shown == NULL)
        return "can be used";
    for (size_t a = 0; a < h->probes; a++) {
        if (h->probe[a].tls && h->probe[a].matched[i])
            return "matches";
    }
    return "matches nothing";
}

static void put_records(const struct cli *c, const struct tls_host *h)
{
    const struct sgl_dane *dane = &h->found->dane;

    if (h->records == 0) {
        printf("  TLSA      ");
        cli_put_folded(stdout, sgl_view_cstr(dane->why), INDENT);
    }
    for (size_t i = 0; i < h->records; i++) {
        const struct sgl_tlsa *r = &h->record[i].tlsa;
        const char *state = record_state(h, i);
        sgl_auto(sgl_buf) hex = SGL_BUF_INIT(256);
        bool bad = strcmp(state, "matches") != 0 && strcmp(state, "can be used") != 0;

        sgl_hex_encode(&hex, sgl_view_sub(r->data, 0, HEX_MAX / 2));
        printf("  %-8s  %u %u %u %.*s%s  %s%s%s\n", i == 0 ? "TLSA" : "", r->usage, r->selector,
               r->matching, SGL_FMT(sgl_buf_view(&hex)), r->data.len > HEX_MAX / 2 ? "..." : "",
               bad ? cli_yellow(c) : cli_green(c), state, cli_plain(c));
    }
}

static void put_date(struct sgl_buf *out, sgl_time at)
{
    time_t t = (time_t)at;
    char text[32];
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof text, "%F", &tm) > 0)
        sgl_buf_add_cstr(out, text);
}

static void put_line(const char *name, const char *colour, const char *text, const struct cli *c)
{
    printf("    %-12s%s", name, colour);
    cli_put_folded(stdout, sgl_view_cstr(text), INNER);
    fputs(colour[0] == '\0' ? "" : cli_plain(c), stdout);
}

static void put_certificate(const struct cli *c, const struct tls_check *k,
                            const struct tls_certificate *x)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(8192);

    for (size_t i = 0; i < x->names; i++)
        sgl_buf_addf(&line, "%s%s", i == 0 ? "" : ", ", x->name[i]);
    if (x->names == 0)
        sgl_buf_addf(&line, "without DNS names (%s)", x->subject);
    if (x->names_more > 0)
        sgl_buf_addf(&line, " and %zu more", x->names_more);
    sgl_buf_add_cstr(&line, x->not_after < k->now ? "; ended " : "; until ");
    put_date(&line, x->not_after);
    put_line("certificate", x->not_after < k->now ? cli_yellow(c) : "", sgl_cstr(&line), c);
    sgl_buf_reset(&line);
    sgl_buf_addf(&line, "%s; %s, %u bits", x->self_signed ? "itself" : x->issuer, x->key,
                 x->key_bits);
    put_line("signed by", "", sgl_cstr(&line), c);
    put_line("sha256", "", x->sha256, c);
}

static void put_proofs(const struct cli *c, const struct tls_host *h, const struct tls_probe *p)
{
    bool dane = h->found->dane.level == SGL_DANE_AUTHENTICATE;

    put_line("chain",
             p->chain == X509_V_OK ? cli_green(c)
             : dane                ? cli_dim(c)
                                   : cli_yellow(c),
             p->chain == X509_V_OK ? "trusted" : X509_verify_cert_error_string(p->chain), c);
    put_line("name",
             p->named ? cli_green(c)
             : dane   ? cli_dim(c)
                      : cli_yellow(c),
             p->named ? "is the host's" : "is not the host's", c);
    if (dane)
        put_line("DANE", good(c, p->verified == X509_V_OK),
                 p->verified == X509_V_OK ? "proved" : X509_verify_cert_error_string(p->verified),
                 c);
    put_line("REQUIRETLS", "", p->requiretls ? "offered" : "not offered", c);
}

/* The certificate of an address is shown where it differs from the one before. */
static void put_address(const struct cli *c, const struct tls_check *k, const struct tls_host *h,
                        const struct tls_probe *p)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(1024);
    char address[SGL_IP_TEXT_SIZE];
    int wide;

    sgl_ip_text(&p->target.ip, address);
    if (p->tls)
        sgl_buf_addf(&line, "%s, %s%s%s", p->version, p->cipher, p->group[0] == '\0' ? "" : ", ",
                     p->group);
    if (p->end != TLS_PROBE_DONE)
        sgl_buf_addf(&line, "%s%s", p->tls ? "; " : "", p->why);
    wide = printf("  %-8s  ", address);
    printf("%s", p->end == TLS_PROBE_DONE ? "" : cli_yellow(c));
    cli_put_folded(stdout, sgl_buf_view(&line), (size_t)wide);
    fputs(p->end == TLS_PROBE_DONE ? "" : cli_plain(c), stdout);
    if (!p->tls)
        return;
    if (p != h->shown && strcmp(p->certificate.sha256, h->shown->certificate.sha256) == 0) {
        put_line("certificate", "", "the same", c);
        return;
    }
    put_certificate(c, k, &p->certificate);
    put_proofs(c, h, p);
}

static const char *insists(const struct tls_host *h)
{
    switch (h->level) {
    case TLS_LEVEL_NONE:
    case TLS_LEVEL_OPPORTUNISTIC:
        return "insists on nothing";
    case TLS_LEVEL_MTA_STS:
        return "insists on MTA-STS";
    case TLS_LEVEL_DANE:
        return h->found->dane.level == SGL_DANE_ENCRYPT ? "insists on TLS" : "insists on DANE";
    }
    return "?";
}

static const char *goes(enum tls_transit transit)
{
    switch (transit) {
    case TLS_BY_DANE:
        return "mail goes, proved by DANE";
    case TLS_BY_MTA_STS:
        return "mail goes, proved by MTA-STS";
    case TLS_ENCRYPTED:
        return "mail goes by opportunistic TLS: encrypted, nobody proved";
    case TLS_PLAIN:
        return "mail goes in plaintext";
    case TLS_DEFERRED:
        return "mail waits";
    case TLS_UNKNOWN:
        return "not known";
    }
    return "?";
}

static void put_host(const struct cli *c, const struct tls_check *k, const struct tls_host *h)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(2048);
    const char *colour = h->transit <= TLS_BY_MTA_STS  ? cli_green(c)
                         : h->transit == TLS_ENCRYPTED ? ""
                         : h->transit == TLS_DEFERRED  ? cli_red(c)
                                                       : cli_yellow(c);

    printf("\n%s%.*s%s  preference %u, address %s\n", cli_bold(c), SGL_FMT(h->found->name.text),
           cli_plain(c), h->found->preference,
           h->found->dane.address_security == SGL_DNS_SECURE ? "secure" : "not secure");
    put_records(c, h);
    if (k->survey->has_policy)
        printf("  %-8s  %s%s%s\n", "MTA-STS", good(c, h->listed),
               h->listed ? "names this host" : "does not name this host", cli_plain(c));
    for (size_t a = 0; a < h->probes; a++)
        put_address(c, k, h, &h->probe[a]);
    sgl_buf_addf(&line, "a delivery %s; %s", insists(h), goes(h->transit));
    if (h->problem != NULL)
        sgl_buf_addf(&line, " (%s: %s)", h->result, h->problem);
    printf("  %s=>        ", colour);
    cli_put_folded(stdout, sgl_buf_view(&line), INDENT);
    fputs(cli_plain(c), stdout);
}

void tls_print(const struct cli *c, const struct tls_check *k, bool unvalidated)
{
    printf("%s%.*s%s  port %u\n\n", cli_bold(c), SGL_FMT(k->survey->domain.text), cli_plain(c),
           (unsigned)k->port);
    put_mx(k);
    put_mta_sts(k);
    put_tls_rpt(k);
    for (size_t i = 0; i < k->hosts; i++)
        put_host(c, k, &k->host[i]);
    if (k->findings.count > 0)
        printf("\n");
    findings_print(c, stdout, &k->findings);
    if (unvalidated)
        printf("info     The name servers that were asked do not pass DNSSEC on: nothing is\n"
               "         validated, and DANE can't be judged. See --resolver.\n");
}
