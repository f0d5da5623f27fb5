/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict as Authentication-Results  [RFC 8601 s2.7].  A property is what was checked; what nobody has checked (the sender's local part, i= of a signature
 * that failed) is not repeated  [RFC 8601 s7.1].  Reasons are our own sentences, never a peer's text.
 */
#include "verdict_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

#define B_MIN 8  /* [RFC 6008 s4] */
#define B_MAX 64 /* who copies a whole signature gets no longer name for it */

/* The longest list: SPF twice, each signature or one "none", ARC, DMARC; and their properties. */
#define RESULTS_BESIDE    5
#define OF_SIGNATURE      5
#define PROPERTIES_BESIDE 6

/* What is added last is open for more properties. */
struct list {
    const struct sgl_verdict_state *v;
    struct sgl_authres_result *result;
    struct sgl_authres_property *property;
    size_t results, properties;
    enum sgl_status status;
};

static void begin(struct list *l, sgl_view method, const char *result, const char *reason)
{
    struct sgl_authres_result *r = &l->result[l->results++];

    *r = (struct sgl_authres_result){
        .method = method, .version = 1, .result = sgl_view_cstr(result)};
    r->property = &l->property[l->properties];
    if (reason != NULL && reason[0] != '\0')
        r->reason = sgl_view_cstr(reason);
}

static void add(struct list *l, sgl_view ptype, sgl_view property, sgl_view value)
{
    l->property[l->properties++] = (struct sgl_authres_property){ptype, property, value};
    l->result[l->results - 1].properties++;
}

static void add_number(struct list *l, sgl_view ptype, sgl_view property, unsigned number)
{
    sgl_auto(sgl_buf) digits = SGL_BUF_INIT(16);
    sgl_view copy;

    sgl_buf_add_u64(&digits, number);
    l->status = sgl_join(l->status, digits.status);
    l->status = sgl_join(l->status, sgl_arena_dup(l->v->arena, sgl_buf_view(&digits), &copy));
    if (l->status == SGL_OK)
        add(l, ptype, property, copy);
}

/* ---- SPF ------------------------------------------------------------------------------------------------------------ */

/* Only the parameter that gave the result, and of an address only its domain. [RFC 8601 s2.7.2, RFC 7208 s9.2] */
static void list_one_spf(struct list *l, const struct sgl_spf *spf, sgl_view property)
{
    begin(l, SGL_LIT("spf"), sgl_spf_result_name(spf->result), spf->problem);
    if (sgl_name_ok(spf->domain, SGL_NAME_UNDERSCORE))
        add(l, SGL_LIT("smtp"), property, spf->domain);
}

static void list_spf(struct list *l, const struct sgl_verdict *verdict)
{
    bool null_sender = l->v->request.sender.len == 0;

    if (!verdict->spf_checked)
        return;
    list_one_spf(l, &verdict->spf, null_sender ? SGL_LIT("helo") : SGL_LIT("mailfrom"));
    if (!null_sender && verdict->spf_helo.result != SGL_SPF_NONE)
        list_one_spf(l, &verdict->spf_helo, SGL_LIT("helo"));
}

/* ---- DKIM ----------------------------------------------------------------------------------------------------------- */

static bool differ(sgl_view a, sgl_view b, size_t len)
{
    return !sgl_view_eq(sgl_view_sub(a, 0, len), sgl_view_sub(b, 0, len));
}

/* As much of b= as tells this signature from the others. [RFC 6008 s4] */
static sgl_view short_b(const struct sgl_dkim_verdicts *dkim, size_t which)
{
    sgl_view b = dkim->item[which].tags.b;
    size_t len = B_MIN;

    for (size_t i = 0; i < dkim->count; i++) {
        while (i != which && len < b.len && len < B_MAX && !differ(b, dkim->item[i].tags.b, len))
            len++;
    }
    return sgl_view_sub(b, 0, len);
}

/* i= says more than d= only where it was signed, can be read, and (8-bit) may stand in this message. [RFC 8616 s5] */
static bool has_identity(const struct list *l, const struct sgl_dkim_verdict *one)
{
    sgl_view i = one->tags.identity;

    if (one->result != SGL_DKIM_PASS || i.len == 0 || i.len > SGL_LIMIT_MAILBOX)
        return false;
    for (size_t at = 0; at < i.len; at++) {
        if (sgl_ascii_is_control(i.ptr[at]) || (i.ptr[at] >= 0x80 && !l->v->headers.eightbit))
            return false;
    }
    return true;
}

static void list_signature(struct list *l, const struct sgl_dkim_verdicts *dkim, size_t which)
{
    const struct sgl_dkim_verdict *one = &dkim->item[which];
    const struct sgl_dkim_tags *tags = &one->tags;

    begin(l, SGL_LIT("dkim"), sgl_dkim_result_name(one->result), one->reason);
    if (sgl_name_ok(tags->domain, SGL_NAME_UNDERSCORE))
        add(l, SGL_LIT("header"), SGL_LIT("d"), tags->domain);
    if (has_identity(l, one))
        add(l, SGL_LIT("header"), SGL_LIT("i"), tags->identity);
    if (sgl_name_ok(tags->selector, SGL_NAME_UNDERSCORE))
        add(l, SGL_LIT("header"), SGL_LIT("s"), tags->selector);
    if (tags->algorithm_known)
        add(l, SGL_LIT("header"), SGL_LIT("a"), sgl_view_cstr(sgl_dkim_algorithm_name(tags->alg)));
    if (tags->b.len > 0)
        add(l, SGL_LIT("header"), SGL_LIT("b"), short_b(dkim, which));
}

static void list_dkim(struct list *l, const struct sgl_verdict *verdict)
{
    if (verdict->dkim.count == 0)
        begin(l, SGL_LIT("dkim"), "none", "no signature");
    for (size_t i = 0; i < verdict->dkim.count; i++)
        list_signature(l, &verdict->dkim, i);
}

/* ---- ARC, DMARC ------------------------------------------------------------------------------------------------------ */

/* [RFC 8617 s6, s10.2] */
static void list_arc(struct list *l, const struct sgl_arc *arc)
{
    char text[SGL_IP_TEXT_SIZE];
    sgl_view ip;

    begin(l, SGL_LIT("arc"), sgl_arc_result_name(arc->result), arc->reason);
    if (arc->result == SGL_ARC_NONE)
        return;
    if (l->v->request.ip.version != 0) {
        l->status = sgl_join(l->status,
                             sgl_arena_dup(l->v->arena, sgl_ip_text(&l->v->request.ip, text), &ip));
        if (l->status == SGL_OK)
            add(l, SGL_LIT("smtp"), SGL_LIT("remote-ip"), ip);
    }
    if (arc->result == SGL_ARC_PASS)
        add_number(l, SGL_LIT("header"), SGL_LIT("oldest-pass"), arc->oldest_pass);
}

/*
 * policy.dmarc is the owner's policy after t= or pct=, also where a trusted chain overrides it; not where none is applied because something could not be
 * looked up.  [RFC 9989 s9.1, s5.3.6]
 */
static void list_dmarc(struct list *l, const struct sgl_verdict *verdict)
{
    const struct sgl_dmarc *dmarc = &verdict->dmarc;

    begin(l, SGL_LIT("dmarc"), sgl_dmarc_result_name(dmarc->result),
          verdict->overridden ? "overridden: a trusted ARC chain says that it passed"
                              : dmarc->reason);
    if (verdict->author == SGL_DMARC_AUTHOR_OK)
        add(l, SGL_LIT("header"), SGL_LIT("from"), dmarc->author.text);
    if (dmarc->has_policy && dmarc->result != SGL_DMARC_TEMPERROR && !dmarc->author_exists_unknown)
        add(l, SGL_LIT("policy"), SGL_LIT("dmarc"),
            sgl_view_cstr(sgl_dmarc_policy_name(dmarc->policy)));
}

enum sgl_status sgl_verdict_list(const struct sgl_verdict_state *v, struct sgl_verdict *verdict)
{
    size_t signatures = verdict->dkim.count;
    struct list l = {.v = v};

    l.result = SGL_NEW_N(v->arena, signatures + RESULTS_BESIDE, struct sgl_authres_result);
    l.property = SGL_NEW_N(v->arena, signatures * OF_SIGNATURE + PROPERTIES_BESIDE,
                           struct sgl_authres_property);
    if (l.result == NULL || l.property == NULL)
        return v->arena->status;
    list_spf(&l, verdict);
    list_dkim(&l, verdict);
    list_arc(&l, &verdict->arc);
    list_dmarc(&l, verdict);
    verdict->results = (struct sgl_authres){v->request.authserv_id, 1, l.result, l.results};
    return l.status;
}
