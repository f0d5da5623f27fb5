/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo tls check */
#include "tls_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "name.h"
#include "tls_show.h"
#include "verbs.h"

#define ARENA_MAX        (32u * 1024u * 1024u)
#define CA_FILE_MAX      (8u * 1024u * 1024u)
#define ADDRESSES_MAX    8 /* looked at of one host */
#define TIMEOUT_DEFAULT  20
#define TIMEOUT_MAX      3600
#define PROGRESS_AFTER_S 2
#define PROGRESS_NAME    40 /* of the host that is waited for: the line must fit 80 columns */

struct checking {
    const struct cli *c;
    struct lookup lookup;
    struct sgl_arena arena;
    struct sgl_survey_request request;
    struct sgl_survey survey;
    struct check_fetch fetch;
    struct tls_check check;
    struct tls_client *trust;
    char helo[256];
    /* while hosts are connected to */
    struct loop *loop;
    size_t open;
    unsigned seconds;
    uint64_t ends_ms;
    bool shown;
};

static int out_of_memory(void)
{
    return cli_error(CLI_UNKNOWN, "memory", "there is none left");
}

/* ---- what was given ---- */

static bool take_domain(struct checking *k, int *status)
{
    const char *text = k->c->argument[0], *port = cli_text(k->c, "--port");
    struct sgl_diag diag = {0};
    uint64_t n = 25;

    if (port != NULL && (!sgl_view_u64(sgl_view_cstr(port), 65535, &n) || n == 0)) {
        *status = cli_error(CLI_USAGE, "--port", "must be a number from 1 to 65535");
        return false;
    }
    k->request.transport_only = true;
    k->request.port = k->check.port = (uint16_t)n;
    if (name_parse(sgl_view_cstr(text), SGL_NAME_HOST, &k->arena, &diag, &k->request.domain))
        return true;
    *status = cli_error(CLI_USAGE, text, "this is not a domain%s%s", diag.what == NULL ? "" : ": ",
                        diag.what == NULL ? "" : diag.what);
    return false;
}

/* The name for EHLO: --helo, or this machine's. */
static bool take_helo(struct checking *k, int *status)
{
    const char *helo = cli_text(k->c, "--helo");

    if (helo == NULL) {
        if (gethostname(k->helo, sizeof k->helo - 1) != 0 ||
            !sgl_name_ok(sgl_view_cstr(k->helo), SGL_NAME_UNDERSCORE))
            snprintf(k->helo, sizeof k->helo, "localhost");
        return true;
    }
    if (!sgl_name_ok(sgl_view_cstr(helo), SGL_NAME_HOST)) {
        *status = cli_error(CLI_USAGE, "--helo", "must be the name of a host");
        return false;
    }
    snprintf(k->helo, sizeof k->helo, "%s", helo);
    return true;
}

/* Without a bundle nothing can be proved by an authority; DANE can. */
static bool take_trust(struct checking *k, int *status)
{
    const char *ca = cli_text(k->c, "--ca"), *path = ca != NULL ? ca : tls_system_ca_file();
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(CA_FILE_MAX);
    char why[160] = "";

    if ((ca != NULL || access(path, R_OK) == 0) &&
        !cli_read_file("--ca", path, CA_FILE_MAX, &pem)) {
        *status = CLI_USAGE;
        return false;
    }
    k->trust = tls_client_new(sgl_buf_view(&pem), why, sizeof why);
    if (k->trust == NULL)
        *status = cli_error(CLI_USAGE, path, "%s", why);
    return k->trust != NULL;
}

static uint64_t timeout_ms(const struct cli *c)
{
    const char *value = cli_text(c, "--timeout"); /* lookup_init() has judged it */
    uint64_t seconds = TIMEOUT_DEFAULT;

    if (value != NULL && !sgl_view_u64(sgl_view_cstr(value), TIMEOUT_MAX, &seconds))
        seconds = TIMEOUT_DEFAULT;
    return seconds * 1000;
}

/* ---- DNS and the policy ---- */

static enum sgl_status survey(struct checking *k)
{
    enum sgl_status st;

    while ((st = sgl_survey(&k->request, &k->lookup.dns, &k->arena, &k->survey)) == SGL_NEED_DNS)
        lookup_fill(&k->lookup);
    return st;
}

/* The answer that was asked for already; NULL: it was not. */
static const struct sgl_dns_answer *known_tlsa(struct checking *k, struct sgl_name base)
{
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;
    char labels[32];

    snprintf(labels, sizeof labels, "_%u._tcp", (unsigned)k->check.port);
    if (sgl_name_under(sgl_view_cstr(labels), base, &k->arena, &name) != SGL_OK)
        return NULL;
    return sgl_dns_get(&k->lookup.dns, name, SGL_RR_TLSA, &answer) == SGL_OK ? answer : NULL;
}

static void look_at_records(struct checking *k, struct tls_host *h)
{
    const struct sgl_survey_host *found = h->found;
    const struct sgl_dns_answer *tlsa;

    if (found->dane.level != SGL_DANE_AUTHENTICATE && found->dane.level != SGL_DANE_ENCRYPT)
        return;
    tlsa = known_tlsa(k, found->dane.base);
    if (tlsa == NULL)
        return;
    h->record = tlsa->rr;
    h->records = tlsa->count < SGL_LIMIT_TLSA_RECORDS ? tlsa->count : SGL_LIMIT_TLSA_RECORDS;
}

/* ---- the hosts ---- */

/* What a delivery would ask of the host's certificate. */
static bool make_demand(struct checking *k, const struct tls_host *h, struct tls_target *out)
{
    const struct sgl_dane *dane = &h->found->dane;
    struct tls_tlsa *record = SGL_NEW_N(&k->arena, dane->tlsas, struct tls_tlsa);
    const char **more = SGL_NEW_N(&k->arena, dane->names, const char *);

    if (record == NULL || more == NULL)
        return false;
    *out = (struct tls_target){.verify = TLS_VERIFY_NONE,
                               .name = (const char *)h->found->name.text.ptr};
    if (tls_goes_by_policy(&k->check, h))
        out->verify = TLS_VERIFY_NAME;
    if (dane->level != SGL_DANE_AUTHENTICATE)
        return true;
    out->verify = TLS_VERIFY_DANE;
    out->name = (const char *)dane->base.text.ptr;
    out->tlsa = record;
    out->tlsas = dane->tlsas;
    for (size_t i = 0; i < dane->tlsas; i++)
        record[i] = (struct tls_tlsa){dane->tlsa[i].usage, dane->tlsa[i].selector,
                                      dane->tlsa[i].matching, dane->tlsa[i].data};
    out->more_name = more;
    for (size_t i = 1; i < dane->names; i++)
        more[out->more_names++] = (const char *)dane->name[i].text.ptr;
    return true;
}

static bool make_probes(struct checking *k, struct tls_host *h)
{
    struct sgl_tlsa *record = SGL_NEW_N(&k->arena, h->records, struct sgl_tlsa);
    size_t n = h->found->dane.addresses;
    struct tls_target demand;

    n = n < ADDRESSES_MAX ? n : ADDRESSES_MAX;
    h->probe = SGL_NEW_N(&k->arena, n, struct tls_probe);
    if (record == NULL || h->probe == NULL || !make_demand(k, h, &demand))
        return false;
    for (size_t i = 0; i < h->records; i++)
        record[i] = h->record[i].tlsa;
    for (size_t i = 0; i < n; i++)
        h->probe[i].target =
            (struct tls_probe_target){.ip = h->found->dane.address[i],
                                      .port = k->check.port,
                                      .helo = k->helo,
                                      .host = (const char *)h->found->name.text.ptr,
                                      .trust = k->trust,
                                      .demand = demand,
                                      .record = record,
                                      .records = h->records,
                                      .now = cli_text(k->c, "--now") != NULL ? k->check.now : 0,
                                      .timeout_ms = timeout_ms(k->c)};
    h->probes = n;
    return true;
}

static bool make_hosts(struct checking *k)
{
    struct tls_check *check = &k->check;

    check->survey = &k->survey;
    check->host = SGL_NEW_N(&k->arena, k->survey.hosts, struct tls_host);
    if (check->host == NULL)
        return false;
    check->hosts = k->survey.hosts;
    for (size_t i = 0; i < check->hosts; i++) {
        struct tls_host *h = &check->host[i];

        h->found = &k->survey.host[i];
        h->listed = k->survey.has_policy && sgl_mta_sts_matches(&k->survey.policy, h->found->name);
        look_at_records(k, h);
        if (!cli_flag(k->c, "--no-connect") && !make_probes(k, h))
            return false;
    }
    return true;
}

/* ---- all of them at once ---- */

static void probe_done(struct tls_probe *p)
{
    struct checking *k = p->ctx;

    if (--k->open == 0)
        loop_stop(k->loop);
}

static void show_progress(evutil_socket_t fd, short what, void *arg)
{
    struct checking *k = arg;
    uint64_t now = clock_mono_ms(), left = k->ends_ms > now ? k->ends_ms - now : 0;
    sgl_view name = {0};

    (void)fd;
    (void)what;
    if (++k->seconds < PROGRESS_AFTER_S)
        return;
    for (size_t i = 0; i < k->check.hosts && name.len == 0; i++) {
        for (size_t a = 0; a < k->check.host[i].probes && name.len == 0; a++) {
            if (!k->check.host[i].probe[a].over)
                name = k->check.host[i].found->name.text;
        }
    }
    k->shown = true;
    fprintf(stderr, "\r\033[Kwaiting for %.*s%s",
            name.len > PROGRESS_NAME ? PROGRESS_NAME : (int)name.len, (const char *)name.ptr,
            name.len > PROGRESS_NAME ? "..." : "");
    if (k->open > 1)
        fprintf(stderr, " and %zu more", k->open - 1);
    fprintf(stderr, ", %llu s left", (unsigned long long)((left + 999) / 1000));
    fflush(stderr);
}

static bool connect_all(struct checking *k)
{
    struct timeval second = {1, 0};
    struct event *progress = NULL;

    k->loop = loop_new("probe");
    if (k->loop == NULL)
        return false;
    for (size_t i = 0; i < k->check.hosts; i++) {
        for (size_t a = 0; a < k->check.host[i].probes; a++) {
            struct tls_probe *p = &k->check.host[i].probe[a];

            p->ctx = k;
            p->done = probe_done;
            k->open++;
            tls_probe_start(p, k->loop);
        }
    }
    k->ends_ms = clock_mono_ms() + timeout_ms(k->c);
    if (isatty(STDERR_FILENO))
        progress = event_new(loop_base(k->loop), -1, EV_PERSIST, show_progress, k);
    if (progress != NULL)
        event_add(progress, &second);
    if (k->open > 0)
        loop_run(k->loop);
    if (progress != NULL)
        event_free(progress);
    if (k->shown)
        fprintf(stderr, "\r\033[K");
    loop_free(k->loop);
    k->check.connected = true;
    return true;
}

/* ---- the answer ---- */

static int tell(struct checking *k)
{
    bool unvalidated = k->lookup.unvalidated && !k->survey.failed;

    if (k->c->json)
        (void)cli_print_json(tls_json(&k->check, unvalidated));
    else
        tls_print(k->c, &k->check, unvalidated);
    if (k->check.findings.errors > 0)
        return CLI_NO;
    if (!k->check.incomplete)
        return CLI_YES;
    return cli_error(CLI_UNKNOWN, k->c->argument[0],
                     k->survey.failed ? "not everything could be looked up"
                                      : "not every host could be looked at");
}

static int answer(struct checking *k)
{
    enum sgl_status st = survey(k);

    if (st == SGL_OK && k->survey.policy_wanted) {
        check_fetch_policy(&k->fetch, &k->lookup, &k->request, &k->arena, cli_text(k->c, "--ca"));
        st = survey(k);
    }
    if (st == SGL_E_LIMIT)
        return cli_error(CLI_UNKNOWN, k->c->argument[0],
                         "its records are more than this program looks at");
    if (st != SGL_OK || !make_hosts(k))
        return out_of_memory();
    if (!cli_flag(k->c, "--no-connect") && !connect_all(k))
        return out_of_memory();
    if (tls_judge(&k->check, &k->arena) != SGL_OK)
        return out_of_memory();
    return tell(k);
}

static int tls_check_run(struct cli *c)
{
    struct checking *k = calloc(1, sizeof(*k));
    int status = CLI_UNKNOWN;

    if (k == NULL)
        return out_of_memory();
    k->c = c;
    sgl_arena_init(&k->arena, ARENA_MAX);
    sgl_buf_init(&k->fetch.body, SGL_LIMIT_MTA_STS_POLICY);
    if (take_domain(k, &status) && take_helo(k, &status) && lookup_now(c, &k->check.now, &status) &&
        take_trust(k, &status) && lookup_init(&k->lookup, c, SGL_LIMIT_SURVEY_QUESTIONS, &status)) {
        status = answer(k);
        lookup_done(&k->lookup);
    }
    tls_client_free(k->trust);
    sgl_buf_done(&k->fetch.body);
    sgl_arena_done(&k->arena);
    free(k);
    return status;
}

static const struct cli_option tls_check_options[] = {
    {"--port", "N", "where its hosts take mail (default 25)", false},
    {"--no-connect", NULL, "look records up only; connect to no mail host", false},
    {"--helo", "NAME", "the name to say with EHLO (default: this machine's)", false},
    {"--ca", "FILE", "authorities to trust, in PEM (default: the system's)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_tls_check = {
    .name = "tls check",
    .arguments = "DOMAIN",
    .summary = "shows what a delivery would insist on and get, host by host",
    .option = tls_check_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = tls_check_run,
    .more =
        "Looks up MX, TLSA, MTA-STS and TLS-RPT, connects to each address of each host, says\n"
        "STARTTLS there, and judges the certificate as a delivery would: by DANE, by MTA-STS, or\n"
        "not at all. For each fault it names the record or the setting that mends it. No mail\n"
        "is sent.",
    .needs = CLI_DNS,
};
