/* SPDX-License-Identifier: Apache-2.0 */
/* A domain that sends no mail and gets none: records with which nobody can pretend to be it. */
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/tags.h"
#include "spf_build_internal.h"

static const sgl_view parked = SGL_LIT_INIT("v=spf1 -all");
static const sgl_view reject = SGL_LIT_INIT("v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s");

static enum sgl_status say(struct spf_build *b, const char *code, const char *mend,
                           const char *format)
{
    struct sgl_finding what = {.code = code, .severity = SGL_WARNING};

    return sgl_finding_add(&b->out->findings, b->arena, &what, mend, "%.*s %s",
                           SGL_FMT(b->request->domain.text), format);
}

static void add(struct spf_build *b, struct sgl_name name, sgl_view text, sgl_view replaces)
{
    b->record[b->records++] = (struct sgl_spf_publish){
        .name = name, .text = text, .replaces = replaces, .unchanged = sgl_view_eq(text, replaces)};
}

static enum sgl_status build_spf(struct spf_build *b)
{
    struct spf_existing existing = {.first = b->request->existing};
    const struct sgl_dns_answer *answer;
    bool known;

    if (existing.first.ptr == NULL) {
        SGL_TRY(sgl_spf_build_ask(b, b->request->domain, SGL_RR_TXT, &answer, &known));
        existing = sgl_spf_existing(answer);
    }
    if (existing.count > 1)
        SGL_TRY(say(b, "spf-many-records", "remove them all when you publish the new one",
                    "has several SPF records: one takes their place."));
    if (existing.first.len > 0 && !sgl_view_eq_nocase(existing.first, parked))
        SGL_TRY(say(b, "spf-parked-senders", "make sure that nothing of that sends any more",
                    "has a record that lets others send: it is replaced."));
    add(b, b->request->domain, parked, existing.first);
    return SGL_OK;
}

/* ---- DMARC  [RFC 9989 s4.7] --------------------------------------------------------------------------------------- */

/* The first one; empty: none. */
static sgl_view find_dmarc(const struct sgl_dns_answer *answer)
{
    for (size_t i = 0; answer != NULL && i < answer->count; i++) {
        sgl_view txt = answer->rr[i].txt, rest, version = sgl_view_split(txt, ';', &rest), value,
                 name = sgl_view_trim(sgl_view_split(version, '=', &value));

        if (sgl_view_eq(name, SGL_LIT("v")) && sgl_view_eq(sgl_view_trim(value), SGL_LIT("DMARC1")))
            return txt;
    }
    return sgl_view_of(NULL, 0);
}

static bool is_reject(const struct sgl_tags *tags, sgl_view name, bool absent)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);

    return tag == NULL ? absent : sgl_view_eq_nocase(tag->value, SGL_LIT("reject"));
}

/* A record that rejects already stays; else ours, with the report addresses of what was there. */
static enum sgl_status dmarc_text(struct spf_build *b, sgl_view existing, sgl_view *out)
{
    static const sgl_view kept[] = {SGL_LIT_INIT("rua"), SGL_LIT_INIT("ruf")};
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2 * SGL_LIMIT_DNS_RDATA);
    struct sgl_tags tags = {0};
    enum sgl_status st = SGL_OK;

    if (existing.len > 0)
        st = sgl_tags_parse(existing, SGL_TAGS_SKIP_BAD, b->arena, &tags, NULL);
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && b->arena->status != SGL_OK))
        return st;
    if (existing.len > 0 && is_reject(&tags, SGL_LIT("p"), false) &&
        is_reject(&tags, SGL_LIT("sp"), true) && is_reject(&tags, SGL_LIT("np"), true) &&
        sgl_tags_find(&tags, SGL_LIT("t")) == NULL) {
        *out = existing;
        return SGL_OK;
    }
    sgl_buf_add(&text, reject);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const struct sgl_tag *tag = sgl_tags_find(&tags, kept[i]);

        if (tag == NULL)
            continue;
        sgl_buf_add(&text, SGL_LIT("; "));
        sgl_buf_add(&text, kept[i]);
        sgl_buf_add_byte(&text, '=');
        sgl_buf_add(&text, tag->value);
    }
    SGL_TRY(text.status);
    return sgl_arena_dup(b->arena, sgl_buf_view(&text), out);
}

static enum sgl_status build_dmarc(struct spf_build *b)
{
    const struct sgl_dns_answer *answer;
    struct sgl_name name;
    sgl_view existing, text;
    bool known;
    enum sgl_status st = sgl_name_under(SGL_LIT("_dmarc"), b->request->domain, b->arena, &name);

    if (st == SGL_E_LIMIT && b->arena->status == SGL_OK) /* a name that long cannot exist */
        return say(b, "spf-no-dmarc", NULL, "is too long for a DMARC record below it.");
    SGL_TRY(st);
    SGL_TRY(sgl_spf_build_ask(b, name, SGL_RR_TXT, &answer, &known));
    existing = find_dmarc(answer);
    SGL_TRY(dmarc_text(b, existing, &text));
    add(b, name, text, existing);
    return SGL_OK;
}

/* ---- MX  [RFC 7505 s3] -------------------------------------------------------------------------------------------- */

static enum sgl_status hint_mx(struct spf_build *b)
{
    sgl_auto(sgl_buf) mend = SGL_BUF_INIT(512);
    const struct sgl_dns_answer *mx = NULL;
    const char *text;
    enum sgl_status st =
        b->dns == NULL ? SGL_OK : sgl_dns_get(b->dns, b->request->domain, SGL_RR_MX, &mx);

    if (st == SGL_NEED_DNS) {
        b->pending = true;
        return SGL_OK;
    }
    if (st != SGL_OK && st != SGL_E_LIMIT) /* a hint only: what is not known is not said */
        return st;
    if (mx != NULL &&
        (sgl_dns_is_error(mx) || (mx->count == 1 && sgl_name_is_root(mx->rr[0].mx.host))))
        return SGL_OK;
    sgl_buf_addf(&mend, "%.*s MX 0 .", SGL_FMT(b->request->domain.text));
    text = sgl_cstr(&mend);
    if (mend.status != SGL_OK || text == NULL)
        return SGL_E_NOMEM;
    return say(b, "spf-null-mx-missing", text,
               mx == NULL ? "should have a null MX: without one senders try for days to reach a "
                            "domain that takes no mail."
               : mx->count > 0
                   ? "takes mail: it has MX records. A parked domain has a null MX instead."
                   : "has no null MX: senders try for days to reach a domain that takes no mail.");
}

enum sgl_status sgl_spf_build_parked(struct spf_build *b)
{
    SGL_TRY(build_spf(b));
    SGL_TRY(build_dmarc(b));
    return hint_mx(b);
}
