/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_host()  [RFC 7208 s4] as straight lines: identity -> record -> its terms from left to right -> redirect -> explanation.
 *
 * How many passes: the walk stops at the first answer that is missing.  Before it does, the terms behind that place are looked at once more and
 * what they would ask first travels along (want_rest), in this record and in those that include it.  So an evaluation takes about as many
 * passes as its includes are deep, not as it has terms.  What it costs: where an earlier term matches after all, the later ones were asked in
 * vain.  So only those are wanted that the limit of ten would let ask, that stand before a network which holds the client, and
 * whose name depends on nothing but the domain: names made of a client's address or a mailbox are nobody's business before they count.
 *
 * Measured: a record with ten terms that are all needed takes 3 passes instead of 12, for the same questions.  On the generated records of
 * tests/conformance/test_spf_peers.py, most of which match early, it is 3.1 passes with 2.9 questions instead of 3.5 with 2.5.
 */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/idn.h"
#include "sigillo/limits.h"
#include "spf_check_internal.h"

enum { VALUE_MAX = 512 }; /* of what a client chose: longer ones fit no SMTP command */

void sgl_spf_blame(struct spf_check *c, const char *problem, sgl_view at)
{
    if (c->result->problem[0] != 0)
        return;
    c->result->problem = problem;
    c->result->problem_at = at;
}

static enum sgl_status check_host(struct spf_check *c, const struct spf_level *level,
                                  struct spf_run *parent, enum sgl_spf_result *out);

/* ---- questions that travel together ------------------------------------------------------------------------------- */

static void want(struct spf_check *c, const struct spf_level *level, sgl_view spec,
                 enum sgl_rr type)
{
    struct sgl_arena_mark mark = sgl_arena_mark(c->arena);
    struct spf_values values = {.domain = level->domain.text};
    struct sgl_name name = level->domain;

    if ((sgl_spf_macro_letters(spec) & ~SPF_LETTER('d')) != 0)
        return;
    if (spec.len == 0 || sgl_spf_expand_name(spec, &values, c->arena, &name) == SGL_OK)
        sgl_dns_want(c->dns, name, type);
    sgl_arena_rewind(c->arena, mark);
}

/* False: this term is certain to match, so nothing behind it will be asked for. */
static bool want_term(struct spf_check *c, const struct spf_level *level,
                      const struct sgl_spf_term *term, unsigned *left)
{
    switch (term->mechanism) {
    case SGL_SPF_ALL:
        return false;
    case SGL_SPF_IP4:
    case SGL_SPF_IP6:
        return !sgl_ip_in_prefix(&c->ip, &term->network);
    case SGL_SPF_INCLUDE:
        want(c, level, term->domain, SGL_RR_TXT);
        break;
    case SGL_SPF_A:
        want(c, level, term->domain, c->ip.version == 4 ? SGL_RR_A : SGL_RR_AAAA);
        break;
    case SGL_SPF_MX:
        want(c, level, term->domain, SGL_RR_MX);
        break;
    case SGL_SPF_PTR:
    case SGL_SPF_EXISTS:
        break;
    }
    return --*left > 0;
}

/* `next`: the first term behind the one that waits. */
static void want_rest(struct spf_check *c, const struct spf_level *level,
                      const struct sgl_spf_record *record, size_t next)
{
    unsigned left = c->lookups < SPF_LOOKUPS_MAX ? SPF_LOOKUPS_MAX - c->lookups : 0;

    if (left == 0)
        return;
    for (size_t i = next; i < record->count; i++) {
        if (!want_term(c, level, &record->term[i], &left))
            return;
    }
    if (record->redirect.ptr != NULL)
        want(c, level, record->redirect, SGL_RR_TXT);
}

/* ---- include and redirect ------------------------------------------------------------------------------------------ */

/* The result of the record that `run` leads to. *entered is false where the term has ended, or can't match, before that. */
static enum sgl_status enter(struct spf_check *c, struct spf_run *run, sgl_view spec, bool included,
                             bool *entered, enum sgl_spf_result *out)
{
    struct spf_level below = {.depth = run->level->depth + 1, .included = included};
    enum spf_target target;

    *entered = false;
    *out = SGL_SPF_NONE;
    if (!sgl_spf_count_lookup(c, run))
        return SGL_OK;
    SGL_TRY(sgl_spf_find_target(c, run, spec, &target));
    if (target == SPF_TARGET_NONE)
        return SGL_OK;
    *entered = true;
    SGL_TRY(sgl_spf_trace_add(c, run, SGL_SPF_ENTERED));
    if (target == SPF_TARGET_MALFORMED)
        return SGL_OK;
    below.domain = run->target;
    return check_host(c, &below, run, out);
}

static void refuse(struct spf_check *c, struct spf_run *run, const char *why)
{
    run->outcome = SGL_SPF_TERM_PERMERROR;
    run->why = why;
    sgl_spf_blame(c, why, run->target.text.len > 0 ? run->target.text : run->text);
}

/* The table of RFC 7208 s5.2. */
static void judge_include(struct spf_check *c, struct spf_run *run, enum sgl_spf_result below)
{
    switch (below) {
    case SGL_SPF_PASS:
        run->outcome = SGL_SPF_MATCHED;
        run->why = "";
        break;
    case SGL_SPF_FAIL:
        run->why = "the included record says fail";
        break;
    case SGL_SPF_SOFTFAIL:
        run->why = "the included record says softfail";
        break;
    case SGL_SPF_NEUTRAL:
        run->why = "the included record says neutral";
        break;
    case SGL_SPF_TEMPERROR:
        run->outcome = SGL_SPF_TERM_TEMPERROR;
        run->why = "DNS lookup failed";
        break;
    case SGL_SPF_PERMERROR:
        run->outcome = SGL_SPF_TERM_PERMERROR;
        run->why = "the included record is in error";
        break;
    case SGL_SPF_NONE:
        refuse(c, run, "include of a domain without an SPF record");
        break;
    }
}

static enum sgl_status match_include(struct spf_check *c, struct spf_run *run,
                                     const struct sgl_spf_term *term)
{
    enum sgl_spf_result below;
    bool entered;

    SGL_TRY(enter(c, run, term->domain, true, &entered, &below));
    if (entered)
        judge_include(c, run, below);
    return SGL_OK;
}

/* The other record's result is this one's, but that it must be there.  [RFC 7208 s6.1] */
static enum sgl_status follow_redirect(struct spf_check *c, const struct spf_level *level,
                                       const struct sgl_spf_record *record,
                                       enum sgl_spf_result *out)
{
    sgl_view spec = record->redirect;
    struct spf_run run = {.level = level, .outcome = SGL_SPF_NOT_MATCHED, .why = ""};
    bool entered;

    run.text = sgl_view_of(spec.ptr - strlen("redirect="), spec.len + strlen("redirect="));
    SGL_TRY(enter(c, &run, spec, level->included, &entered, out));
    if (run.outcome == SGL_SPF_NOT_MATCHED && *out == SGL_SPF_NONE)
        refuse(c, &run, "redirect to a domain without an SPF record");
    if (run.outcome == SGL_SPF_TERM_PERMERROR || *out == SGL_SPF_PERMERROR) {
        *out = SGL_SPF_PERMERROR;
        run.outcome = SGL_SPF_TERM_PERMERROR;
    } else {
        run.outcome = *out == SGL_SPF_TEMPERROR ? SGL_SPF_TERM_TEMPERROR : SGL_SPF_MATCHED;
    }
    if (!level->included && c->result->mechanism.len == 0)
        c->result->mechanism = run.text;
    return sgl_spf_trace_add(c, &run, run.outcome);
}

/* ---- one record --------------------------------------------------------------------------------------------------- */

static enum sgl_status run_term(struct spf_check *c, struct spf_run *run,
                                const struct sgl_spf_term *term)
{
    if (term->mechanism == SGL_SPF_ALL)
        run->outcome = SGL_SPF_MATCHED;
    else if (term->mechanism == SGL_SPF_INCLUDE)
        SGL_TRY(match_include(c, run, term));
    else
        SGL_TRY(sgl_spf_match(c, run, term));
    return sgl_spf_trace_add(c, run, run->outcome);
}

/* *ended: the term decided about the record. */
static enum sgl_status walk_term(struct spf_check *c, const struct spf_level *level,
                                 const struct sgl_spf_record *record, size_t i, bool *ended,
                                 enum sgl_spf_result *out)
{
    const struct sgl_spf_term *term = &record->term[i];
    struct spf_run run = {level, term->text, {{NULL, 0}}, SGL_SPF_NOT_MATCHED, "", false};
    struct sgl_arena_mark mark = sgl_arena_mark(c->arena);
    bool values_known = c->values_known;
    enum sgl_status st = run_term(c, &run, term);

    if (st == SGL_NEED_DNS)
        want_rest(c, level, record, i + 1);
    SGL_TRY(st);
    *ended = run.outcome != SGL_SPF_NOT_MATCHED;
    if (!*ended) {
        if (!c->request->trace && values_known == c->values_known)
            sgl_arena_rewind(c->arena, mark);
        return SGL_OK;
    }
    *out = run.outcome == SGL_SPF_MATCHED          ? term->qualifier
           : run.outcome == SGL_SPF_TERM_TEMPERROR ? SGL_SPF_TEMPERROR
                                                   : SGL_SPF_PERMERROR;
    if (!level->included) {
        c->result->mechanism = term->text;
        c->exp = record->exp;
        c->exp_domain = level->domain;
    }
    return SGL_OK;
}

/* [RFC 7208 s4.6.2, s4.7] */
static enum sgl_status walk(struct spf_check *c, const struct spf_level *level,
                            const struct sgl_spf_record *record, enum sgl_spf_result *out)
{
    bool ended = false;

    for (size_t i = 0; i < record->count && !ended; i++)
        SGL_TRY(walk_term(c, level, record, i, &ended, out));
    if (ended)
        return SGL_OK;
    if (record->redirect.ptr != NULL)
        return follow_redirect(c, level, record, out);
    *out = SGL_SPF_NEUTRAL;
    if (!level->included)
        c->result->mechanism = SGL_LIT("default");
    return SGL_OK;
}

/* The whole term in which the parser stopped. */
static sgl_view term_around(sgl_view text, size_t off)
{
    size_t start = off < text.len ? off : text.len, end = start;

    while (start > 0 && text.ptr[start - 1] != ' ')
        start--;
    while (end < text.len && text.ptr[end] != ' ')
        end++;
    return sgl_view_sub(text, start, end - start);
}

static enum sgl_status walk_text(struct spf_check *c, const struct spf_level *level, sgl_view text,
                                 enum sgl_spf_result *out)
{
    struct sgl_spf_record record;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_spf_parse(text, c->arena, &record, &diag);

    if (level->depth == 0)
        c->result->record = text;
    if (st == SGL_OK)
        return walk(c, level, &record, out);
    if (diag.what == NULL)
        return st;
    *out = SGL_SPF_PERMERROR; /* [RFC 7208 s4.6] */
    sgl_spf_blame(c, diag.what,
                  st == SGL_E_LIMIT ? level->domain.text : term_around(text, diag.off));
    return SGL_OK;
}

/* ---- which record  [RFC 7208 s4.3 to s4.5] -------------------------------------------------------------------------- */

/* NULL: there is one record, and it is to be walked; else why not, and *out. */
static const char *judge_found(const struct spf_found *found, enum sgl_spf_result *out)
{
    if (sgl_dns_is_error(found->answer)) {
        *out = SGL_SPF_TEMPERROR;
        return "DNS lookup failed";
    }
    if (found->records == 1)
        return NULL;
    *out = SGL_SPF_PERMERROR;
    if (found->records > 1)
        return "more than one SPF record";
    if (found->hidden)
        return "too many or too long TXT records to find an SPF record among them";
    *out = SGL_SPF_NONE;
    return found->answer->outcome == SGL_DNS_NXDOMAIN ? "no such domain" : "no SPF record";
}

/* parent: the term that leads here; NULL for the first record, whose lookup does not count. */
static enum sgl_status check_host(struct spf_check *c, const struct spf_level *level,
                                  struct spf_run *parent, enum sgl_spf_result *out)
{
    struct spf_found found;
    enum sgl_status st;
    const char *why;

    *out = SGL_SPF_NONE;
    if (sgl_name_labels(level->domain) < 2) { /* [RFC 7208 s4.3] */
        if (parent == NULL)
            sgl_spf_blame(c, "domain has one label only", level->domain.text);
        return SGL_OK;
    }
    *out = SGL_SPF_PERMERROR;
    if (level->depth > SGL_LIMIT_SPF_DEPTH) {
        sgl_spf_blame(c, "records are nested too deep", level->domain.text);
        return SGL_OK;
    }
    st = sgl_spf_find_record(level->domain, c->dns, &found);
    if (st == SGL_E_LIMIT) {
        sgl_spf_blame(c, "too many DNS questions", level->domain.text);
        return SGL_OK;
    }
    SGL_TRY(st);
    if (parent != NULL && !sgl_spf_count_void(c, parent, found.answer))
        return SGL_OK;
    why = judge_found(&found, out);
    if (why == NULL)
        return walk_text(c, level, found.text, out);
    if (parent == NULL || *out != SGL_SPF_NONE) /* else the parent says what is missing */
        sgl_spf_blame(c, why, level->domain.text);
    return SGL_OK;
}

/* ---- explanation  [RFC 7208 s6.2] ----------------------------------------------------------------------------------- */

/* The TXT record at the target, or empty: whatever goes wrong, it is as if there were no "exp". */
static enum sgl_status get_explanation(struct spf_check *c, sgl_view *out)
{
    const struct sgl_dns_answer *txt;
    struct sgl_name target;
    enum sgl_status st;

    *out = SGL_LIT("");
    st = sgl_spf_expand_name(c->exp, &c->values, c->arena, &target);
    if (st == SGL_E_SYNTAX)
        return SGL_OK;
    SGL_TRY(st);
    st = sgl_dns_get(c->dns, target, SGL_RR_TXT, &txt);
    if (st == SGL_E_LIMIT)
        return SGL_OK;
    SGL_TRY(st);
    if (txt->outcome == SGL_DNS_OK && txt->count == 1 && txt->dropped == 0)
        *out = txt->rr[0].txt;
    return SGL_OK;
}

static enum sgl_status explain(struct spf_check *c)
{
    struct spf_level level = {.domain = c->exp_domain};
    uint32_t letters = sgl_spf_macro_letters(c->exp);
    sgl_view text;
    size_t off;

    if (c->foreign_local && (letters & (SPF_LETTER('s') | SPF_LETTER('l'))) != 0)
        return SGL_OK;
    SGL_TRY(sgl_spf_prepare_values(c, &level, letters));
    SGL_TRY(get_explanation(c, &text));
    if (text.len == 0 || sgl_spf_macro_fault(text, SPF_EXPLANATION, &off) != NULL)
        return SGL_OK;
    SGL_TRY(sgl_spf_prepare_values(c, &level, sgl_spf_macro_letters(text)));
    return sgl_spf_expand_text(text, &c->values, c->arena, &c->result->explanation);
}

/* ---- who is checked  [RFC 7208 s2.3, s2.4, s4.3] -------------------------------------------------------------------- */

static void split_sender(const struct sgl_spf_request *q, sgl_view *local, sgl_view *domain)
{
    size_t at = q->sender.len;

    *local = SGL_LIT("postmaster");
    *domain = q->helo;
    if (q->identity == SGL_SPF_HELO || q->sender.len == 0)
        return;
    while (at > 0 && q->sender.ptr[at - 1] != '@')
        at--;
    *domain = sgl_view_from(q->sender, at);
    if (at > 1)
        *local = sgl_view_sub(q->sender, 0, at - 1);
}

static enum sgl_status join_sender(struct spf_check *c, sgl_view local, sgl_view domain)
{
    sgl_view sender = c->request->sender;
    uint8_t *text;

    c->values.local = local;
    c->values.sender_domain = domain;
    if (c->request->identity == SGL_SPF_MAILFROM && sender.len == local.len + 1 + domain.len &&
        domain.ptr == sender.ptr + local.len + 1) {
        c->values.sender = sender;
        return SGL_OK;
    }
    text = sgl_arena_alloc(c->arena, local.len + 1 + domain.len);
    if (text == NULL)
        return c->arena->status;
    if (local.len > 0)
        memcpy(text, local.ptr, local.len);
    text[local.len] = '@';
    if (domain.len > 0)
        memcpy(text + local.len + 1, domain.ptr, domain.len);
    c->values.sender = sgl_view_of(text, local.len + 1 + domain.len);
    return SGL_OK;
}

/* U-labels become A-labels; what can't stays as it is.  [RFC 8616 s4] */
static enum sgl_status to_ascii(struct spf_check *c, sgl_view *text)
{
    enum sgl_status st = sgl_idn_to_ascii(*text, c->arena, text);

    if (st == SGL_E_NOMEM || c->arena->status != SGL_OK)
        return st;
    return SGL_OK;
}

/* *valid: the domain may be looked up. */
static enum sgl_status identify(struct spf_check *c, struct sgl_name *name, bool *valid)
{
    const struct sgl_spf_request *q = c->request;
    sgl_view local, domain;
    enum sgl_status st;

    split_sender(q, &local, &domain);
    local = sgl_view_sub(local, 0, VALUE_MAX);
    domain = sgl_view_sub(domain, 0, VALUE_MAX);
    if (domain.len > 1 &&
        domain.ptr[domain.len - 1] == '.') /* would be an empty label in "%{o}.b" */
        domain.len--;
    c->foreign_local = !sgl_ascii_only(local);
    SGL_TRY(to_ascii(c, &domain));
    SGL_TRY(join_sender(c, local, domain));
    c->values.helo = sgl_view_sub(q->helo, 0, VALUE_MAX);
    SGL_TRY(to_ascii(c, &c->values.helo));
    c->values.receiver = q->receiver.len == 0 ? SGL_LIT("unknown") : q->receiver;
    c->result->identity = q->identity;
    c->result->sender = c->values.sender;
    c->result->domain = domain;
    st = sgl_name_parse(domain, SGL_NAME_UNDERSCORE, c->arena, NULL, name);
    *valid = st == SGL_OK;
    if (st == SGL_E_SYNTAX)
        return SGL_OK;
    SGL_TRY(st);
    c->result->domain = name->text;
    return SGL_OK;
}

static enum sgl_status run(struct spf_check *c)
{
    struct spf_level first = {.depth = 0};
    bool valid;

    SGL_TRY(identify(c, &first.domain, &valid));
    if (valid)
        SGL_TRY(check_host(c, &first, NULL, &c->result->result));
    else
        sgl_spf_blame(c, "not a domain name", c->result->domain);
    if (c->result->result == SGL_SPF_FAIL && c->exp.ptr != NULL)
        SGL_TRY(explain(c));
    c->result->lookups = c->lookups;
    c->result->void_lookups = c->voids;
    c->result->step = c->trace.step;
    c->result->steps = c->trace.count;
    return SGL_OK;
}

enum sgl_status sgl_spf_check(const struct sgl_spf_request *request, struct sgl_dns *dns,
                              struct sgl_arena *arena, struct sgl_spf *out)
{
    struct sgl_spf result = {.result = SGL_SPF_NONE, .problem = ""};
    struct spf_check c = {.request = request,
                          .dns = dns,
                          .arena = arena,
                          .ip = sgl_ip_unmap(&request->ip),
                          .result = &result};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st;

    if (c.ip.version != 4 && c.ip.version != 6)
        return SGL_E_MISUSE;
    st = run(&c);
    if (st == SGL_OK)
        *out = result;
    else
        sgl_arena_rewind(arena, mark);
    return st;
}
