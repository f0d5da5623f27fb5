/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo verify: everything about one message. */
#include "verify.h"

#include <string.h>
#include <unistd.h>

#include "../server/loop/loop.h"
#include "lookup.h"
#include "mailfile.h"
#include "sigillo/limits.h"
#include "verbs.h"

#define SEALERS_MAX 100

struct verification {
    struct mailfile mail;
    struct sgl_arena arena;
    struct sgl_verdict_request request;
    struct sgl_verdict_state state;
    struct sgl_verdict verdict;
    sgl_view sealer[SEALERS_MAX];
    char host[256];
};

/* ---- what was given --------------------------------------------------------------------------------------------------- */

/* Without brackets; "" and "<>" are the null sender. */
static sgl_view path_of(const char *text)
{
    sgl_view path = sgl_view_cstr(text);

    if (path.len >= 2 && path.ptr[0] == '<' && path.ptr[path.len - 1] == '>')
        path = sgl_view_sub(path, 1, path.len - 2);
    return path;
}

static bool take_connection(struct cli *c, struct verification *v, int *status)
{
    const char *ip = cli_text(c, "--ip"), *helo = cli_text(c, "--helo"),
               *from = cli_text(c, "--from");

    if (ip == NULL && (helo != NULL || from != NULL)) {
        *status = cli_error(CLI_USAGE, "--ip", "it is needed: SPF asks about an address");
        return false;
    }
    if (ip == NULL)
        return true;
    if (helo == NULL && from == NULL) {
        *status = cli_error(CLI_USAGE, "--from", "it is needed, or --helo");
        return false;
    }
    if (sgl_ip_parse(sgl_view_cstr(ip), &v->request.ip) != SGL_OK) {
        *status = cli_error(CLI_USAGE, "--ip", "must be an IPv4 or IPv6 address, not %s", ip);
        return false;
    }
    v->request.helo = sgl_view_cstr(helo);
    v->request.sender = path_of(from == NULL ? "" : from);
    return true;
}

static bool take_sealers(struct cli *c, struct verification *v, int *status)
{
    const char *name;

    for (size_t i = 0; (name = cli_nth(c, "--trust-sealer", i)) != NULL; i++) {
        if (i == SEALERS_MAX || !sgl_name_ok(sgl_view_cstr(name), SGL_NAME_UNDERSCORE)) {
            *status =
                i == SEALERS_MAX
                    ? cli_error(CLI_USAGE, "--trust-sealer", "at most %d can be given", SEALERS_MAX)
                    : cli_error(CLI_USAGE, "--trust-sealer", "must be a domain name, not %s", name);
            return false;
        }
        v->sealer[i] = sgl_view_cstr(name);
        v->request.trust = (struct sgl_arc_trust){v->sealer, i + 1};
    }
    return true;
}

static bool take_rules(struct cli *c, struct verification *v, int *status)
{
    const char *rules = cli_text(c, "--rules");

    if (rules == NULL || strcmp(rules, "rfc9989") == 0)
        return true;
    if (strcmp(rules, "rfc7489") != 0) {
        *status = cli_error(CLI_USAGE, "--rules", "must be rfc9989 or rfc7489, not %s", rules);
        return false;
    }
    v->request.rules = SGL_DMARC_RFC7489;
    v->request.psl = sgl_psl_builtin();
    if (v->request.psl == NULL) {
        *status = cli_error(CLI_USAGE, "--rules", "this libpsl knows no public suffixes");
        return false;
    }
    return true;
}

/* Who judges: the name of this host, unless told otherwise. */
static bool take_id(struct cli *c, struct verification *v, int *status)
{
    const char *id = cli_text(c, "--authserv-id");

    if (id == NULL && gethostname(v->host, sizeof v->host - 1) == 0)
        id = v->host;
    v->request.authserv_id = sgl_view_cstr(id);
    if (sgl_name_ok(v->request.authserv_id, SGL_NAME_UNDERSCORE))
        return true;
    if (cli_text(c, "--authserv-id") != NULL) {
        *status = cli_error(CLI_USAGE, "--authserv-id", "must be a host name, not %s", id);
        return false;
    }
    v->request.authserv_id = SGL_LIT("localhost");
    return true;
}

/* ---- judging ---------------------------------------------------------------------------------------------------------- */

static enum sgl_status judge(struct verification *v, const struct sgl_crypto *crypto,
                             struct lookup *l)
{
    sgl_view header = sgl_view_sub(sgl_buf_view(&v->mail.head), 0, v->mail.headers.body_off);
    enum sgl_status st;
    sgl_view piece;

    SGL_TRY(sgl_verdict_begin(&v->state, crypto, &v->request, header, &v->arena, NULL));
    while (mailfile_next(&v->mail, &piece))
        sgl_verdict_body(&v->state, piece);
    if (v->mail.failed)
        return SGL_E_SYNTAX;
    while ((st = sgl_verdict_finish(&v->state, &l->dns, &v->verdict)) == SGL_NEED_DNS)
        lookup_fill(l);
    return st;
}

static bool is_open(const struct sgl_verdict *verdict)
{
    bool open = verdict->dmarc.result == SGL_DMARC_TEMPERROR ||
                (verdict->spf_checked && verdict->spf.result == SGL_SPF_TEMPERROR);

    for (size_t i = 0; i < verdict->dkim.count; i++)
        open = open || verdict->dkim.item[i].result == SGL_DKIM_TEMPERROR;
    return open;
}

/*
 * Yes: the author is authenticated (DMARC passes, or a trusted chain says so), or without a policy somebody is.  Could not find out: not
 * so, but what could not be looked up might have changed that.  chain_lost: a chain that might have been trusted was not, for want of a key (ARC itself knows no
 * such state), or its word could not be weighed.  A From that names no one domain is not "without a policy": a second From would buy a yes for the first.  [RFC 9989 s11.5]
 */
static int answer_of(const struct sgl_verdict *verdict, bool chain_lost)
{
    bool somebody =
        verdict->dkim.passes > 0 || (verdict->spf_checked && verdict->spf.result == SGL_SPF_PASS);

    if (verdict->author != SGL_DMARC_AUTHOR_OK)
        return CLI_NO;
    switch (verdict->dmarc.result) {
    case SGL_DMARC_PASS:
        return CLI_YES;
    case SGL_DMARC_FAIL:
        if (verdict->overridden)
            return CLI_YES;
        return chain_lost ? CLI_UNKNOWN : CLI_NO;
    case SGL_DMARC_TEMPERROR:
        return CLI_UNKNOWN;
    case SGL_DMARC_NONE:
    case SGL_DMARC_PERMERROR:
        break;
    }
    if (somebody)
        return CLI_YES;
    return is_open(verdict) ? CLI_UNKNOWN : CLI_NO;
}

static int show(const struct cli *c, const struct verification *v, const struct lookup *l)
{
    const struct sgl_verdict *verdict = &v->verdict;
    bool chain_lost =
        verdict->override_unknown ||
        (l->failures > 0 && v->request.trust.sealers > 0 && verdict->arc.result == SGL_ARC_FAIL);
    int status = CLI_YES;

    if (c->json)
        status = cli_print_json(verify_json(verdict));
    else
        verify_put(c, verdict);
    return status != CLI_YES ? status : answer_of(verdict, chain_lost);
}

static int judge_mail(struct cli *c, struct verification *v, struct lookup *l)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    enum sgl_status st = crypto == NULL ? SGL_E_NOMEM : judge(v, crypto, l);
    int status;

    if (v->mail.failed)
        status = CLI_USAGE;
    else if (st == SGL_OK)
        status = show(c, v, l);
    else
        status = cli_error(CLI_UNKNOWN, c->verb->name, "%s", sgl_status_name(st));
    sgl_verdict_end(&v->state);
    sgl_crypto_free(crypto);
    return status;
}

static int run(struct cli *c)
{
    struct verification v = {0};
    struct lookup l;
    int status = CLI_YES;

    if (!take_connection(c, &v, &status) || !take_sealers(c, &v, &status) ||
        !take_rules(c, &v, &status) || !take_id(c, &v, &status) ||
        !lookup_now(c, &v.request.now, &status) ||
        !lookup_init(&l, c, SGL_LIMIT_JUDGE_QUESTIONS, &status))
        return status;
    sgl_arena_init(&v.arena, SGL_LIMIT_JUDGE_MEMORY);
    if (mailfile_open(&v.mail, c->arguments > 0 ? c->argument[0] : NULL, 0, &status)) {
        status = judge_mail(c, &v, &l);
        mailfile_done(&v.mail);
    }
    sgl_arena_done(&v.arena);
    lookup_done(&l);
    return status;
}

static const struct cli_option options[] = {
    {"--ip", "ADDRESS", "the client's address; without it SPF is not checked", false},
    {"--helo", "NAME", "what the client said in HELO or EHLO", false},
    {"--from", "ADDRESS", "what it said in MAIL FROM; '' is the null sender", false},
    {"--authserv-id", "NAME", "who judges, for the field (default: this host)", false},
    {"--trust-sealer", "DOMAIN", "believe this domain's ARC seals", true},
    {"--rules", "RULES", "DMARC by rfc9989 (default) or rfc7489", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_verify = {
    "verify",
    "[FILE]",
    "judges a message: SPF, DKIM, ARC, DMARC, and the field that tells of them",
    options,
    0,
    1,
    run,
    "Without a file the message is read from standard input. Lines may end in LF.\n"
    "Exit status: 0 DMARC passes, or there is no policy and something else passes;\n"
    "1 neither, or From does not name one domain; 3 a lookup failed that might have\n"
    "changed the answer.",
    CLI_DNS};
