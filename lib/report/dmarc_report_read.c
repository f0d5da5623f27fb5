/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An aggregate report of somebody else, read as it streams by: the one place that knows expat.  [RFC 9990 s3.1, s8.1; RFC 7489 s7.2]
 *
 * A stack tells which element each level is, by its name and the element around it; whatever nobody knows is OTHER, with all in it.  Text is collected for leaves only, and read when
 * they end; a record is given when it ends.  Expat holds the bytes of one token and the names that it has met: both are bounded here (TOKEN_MAX, DMARC_REPORT_NAMES), everything else is a
 * fixed table or an arena that is emptied for each record.
 */
#include <stdlib.h>

#include "dmarc_report_internal.h"
#include "sigillo/ascii.h"

#include "sigillo/banned.h"

#define RULE       "RFC 9990 s8.1"
#define PIECE      ((size_t)16 << 10)  /* what expat is given at once */
#define TOKEN_MAX  ((size_t)128 << 10) /* bytes until something has been understood */
#define TEXTS_MAX  ((size_t)1 << 20)   /* of one record, and of the report itself */
#define NAME_MAX   256                 /* bytes of one */
#define RANGE_MAX  (8 * 86400)
#define FIXED_SALT 0x5167696c6c6f5e17u

/* ---- saying no ---- */

static size_t place(const struct sgl_dmarc_report_reader *r)
{
    XML_Index at = XML_GetCurrentByteIndex(r->xml);

    return at < 0 ? 0 : (size_t)at;
}

void sgl_dmarc_reader_stop(struct sgl_dmarc_report_reader *r, enum sgl_status status,
                           const char *what)
{
    if (r->status != SGL_OK)
        return;
    r->status = status;
    r->refused = true;
    r->diag.what = what;
    r->diag.rule = RULE;
    r->diag.off = place(r);
    (void)XML_StopParser(r->xml, XML_FALSE);
}

void sgl_dmarc_reader_odd(struct sgl_dmarc_report_reader *r, bool is,
                          enum sgl_dmarc_report_problem problem)
{
    r->sum.problem[problem] += is;
}

/* Expat calls a little longer after it was stopped. */
static bool is_over(const struct sgl_dmarc_report_reader *r)
{
    return r->status != SGL_OK || r->complete;
}

/* ---- names ---- */

static sgl_view local_name(const XML_Char *name)
{
    sgl_view all = sgl_view_cstr(name);
    size_t colon = sgl_view_find(all, ':');

    return colon < all.len ? sgl_view_from(all, colon + 1) : all;
}

/* Expat keeps each name that it has met for as long as it lives. */
static void note_name(struct sgl_dmarc_report_reader *r, const XML_Char *name)
{
    uint64_t mark = 14695981039346656037u;
    size_t len = 0;

    for (; name[len] != '\0' && len <= NAME_MAX; len++)
        mark = (mark ^ (uint8_t)name[len]) * 1099511628211u;
    if (len > NAME_MAX) {
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "a name in it has no end");
        return;
    }
    for (size_t i = 0; i < r->names; i++)
        if (r->name[i] == mark)
            return;
    if (r->names == DMARC_REPORT_NAMES)
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "it has more different names than any report");
    else
        r->name[r->names++] = mark;
}

/* The root, which is a report; one sender puts it into an element of a schema. */
static enum element find_root(struct sgl_dmarc_report_reader *r, sgl_view name)
{
    if (sgl_view_eq_nocase(name, SGL_LIT("feedback")))
        return FEEDBACK;
    if (!sgl_view_eq_nocase(name, SGL_LIT("schema")) || r->depth > 0) {
        sgl_dmarc_reader_stop(r, SGL_E_SYNTAX, "it is XML, and no DMARC report");
        return OTHER;
    }
    sgl_dmarc_reader_odd(r, true, SGL_DMARC_REPORT_NAME);
    return DOCUMENT;
}

/* ---- elements ---- */

static void note_attributes(struct sgl_dmarc_report_reader *r, const XML_Char **attribute)
{
    size_t n = 0;

    for (; attribute[n * 2] != NULL; n++) {
        if (sgl_view_starts(sgl_view_cstr(attribute[n * 2]), SGL_LIT("xmlns")) &&
            strcmp(attribute[n * 2 + 1], "urn:ietf:params:xml:ns:dmarc-2.0") == 0)
            r->meta.rfc9990 = true;
        note_name(r, attribute[n * 2]);
    }
    if (n > SGL_LIMIT_DMARC_REPORT_ATTRIBUTES)
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "an element has too many attributes");
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attribute)
{
    struct sgl_dmarc_report_reader *r = ctx;
    enum element parent = (enum element)r->level[r->depth], is;
    sgl_view local = local_name(name);

    r->understood = r->fed;
    r->text_bytes = 0;
    if (is_over(r))
        return;
    if (r->depth == SGL_LIMIT_DMARC_REPORT_DEPTH) {
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "its elements stand too deep in each other");
        return;
    }
    is = parent == DOCUMENT ? find_root(r, local) : sgl_dmarc_reader_find(parent, local);
    note_name(r, name);
    sgl_dmarc_reader_odd(r, is == IDENTIFIERS && local.len == 10, SGL_DMARC_REPORT_NAME);
    note_attributes(r, attribute);
    r->level[++r->depth] = (uint8_t)sgl_dmarc_reader_begin(r, is);
    if (r->level[r->depth] > LEAF)
        sgl_buf_reset(&r->text);
}

/* ---- text ---- */

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct sgl_dmarc_report_reader *r = ctx;

    r->understood = r->fed;
    if (is_over(r))
        return;
    r->text_bytes += (size_t)len;
    if (r->text_bytes > SGL_LIMIT_DMARC_REPORT_TEXT) {
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "an element has too much text");
        return;
    }
    if (r->level[r->depth] <= LEAF)
        return;
    sgl_buf_add(&r->text, sgl_view_of(text, (size_t)len));
    if (r->text.status != SGL_OK)
        sgl_dmarc_reader_stop(r, r->text.status, "out of memory");
}

/* Comments, processing instructions, the declaration: of no use, but seen whole. */
static void XMLCALL on_rest(void *ctx, const XML_Char *text, int len)
{
    struct sgl_dmarc_report_reader *r = ctx;

    (void)text;
    (void)len;
    r->understood = r->fed;
}

/* Before anything of it is read: there are no entities, and nothing is fetched.  [RFC 9990 s8.1] */
static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    sgl_dmarc_reader_stop(ctx, SGL_E_SYNTAX, "it has a DOCTYPE, which no report needs");
}

/* What Windows-1252 has between 0x80 and 0x9f; -1: nothing. */
static const int windows_1252[32] = {
    0x20ac, -1,     0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, -1,     0x017d, -1,     -1,     0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, -1,     0x017e, 0x0178};

/* UTF-7 and whatever else may hide a "<" is not read. */
static int XMLCALL on_encoding(void *ctx, const XML_Char *name, XML_Encoding *out)
{
    (void)ctx;
    if (!sgl_view_eq_nocase(sgl_view_cstr(name), SGL_LIT("windows-1252")) &&
        !sgl_view_eq_nocase(sgl_view_cstr(name), SGL_LIT("cp1252")))
        return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++)
        out->map[i] = i >= 0x80 && i < 0xa0 ? windows_1252[i - 0x80] : i;
    out->data = NULL;
    out->convert = NULL;
    out->release = NULL;
    return XML_STATUS_OK;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct sgl_dmarc_report_reader *r = ctx;
    enum element is;

    (void)name;
    r->understood = r->fed;
    r->text_bytes = 0;
    if (is_over(r))
        return;
    is = (enum element)r->level[r->depth--];
    sgl_dmarc_reader_end_of(r, (enum element)r->level[r->depth], is);
    if (is == FEEDBACK) {
        r->complete = true; /* what follows it is not looked at */
        (void)XML_StopParser(r->xml, XML_FALSE);
    }
}

/* ---- the reader ---- */

static void *x_malloc(size_t size)
{
    return malloc(size);
}

static void *x_realloc(void *old, size_t size)
{
    return realloc(old, size);
}

static void x_free(void *p)
{
    free(p);
}

struct sgl_dmarc_report_reader *
sgl_dmarc_report_reader_new(const struct sgl_dmarc_report_sink *sink, uint64_t salt)
{
    static const XML_Memory_Handling_Suite memory = {x_malloc, x_realloc, x_free};
    struct sgl_dmarc_report_reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->xml = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (r->xml == NULL) {
        free(r);
        return NULL;
    }
    r->sink = *sink;
    r->level[0] = DOCUMENT;
    sgl_buf_init(&r->text, SGL_LIMIT_DMARC_REPORT_TEXT);
    sgl_arena_init(&r->meta_texts, TEXTS_MAX);
    sgl_arena_init(&r->record_texts, TEXTS_MAX);
    (void)XML_SetHashSalt(r->xml, (unsigned long)(salt == 0 ? FIXED_SALT : salt));
    XML_SetUserData(r->xml, r);
    XML_SetElementHandler(r->xml, on_start, on_end);
    XML_SetCharacterDataHandler(r->xml, on_text);
    XML_SetDefaultHandler(r->xml, on_rest);
    XML_SetStartDoctypeDeclHandler(r->xml, on_doctype);
    XML_SetUnknownEncodingHandler(r->xml, on_encoding, NULL);
    return r;
}

void sgl_dmarc_report_reader_free(struct sgl_dmarc_report_reader *r)
{
    if (r == NULL)
        return;
    XML_ParserFree(r->xml);
    sgl_buf_done(&r->text);
    sgl_arena_done(&r->meta_texts);
    sgl_arena_done(&r->record_texts);
    free(r);
}

/* Expat said no: what it does not like, or what we stopped it for. */
static void note_failure(struct sgl_dmarc_report_reader *r)
{
    enum XML_Error error = XML_GetErrorCode(r->xml);

    if (is_over(r))
        return;
    r->status = error == XML_ERROR_NO_MEMORY ? SGL_E_NOMEM : SGL_E_SYNTAX;
    r->refused = error == XML_ERROR_NO_MEMORY;
    r->diag.what = error == XML_ERROR_NO_MEMORY ? "out of memory" : XML_ErrorString(error);
    r->diag.rule = RULE;
    r->diag.off = place(r);
}

static void feed_piece(struct sgl_dmarc_report_reader *r, sgl_view piece)
{
    r->fed += piece.len;
    if (XML_Parse(r->xml, (const char *)piece.ptr, (int)piece.len, XML_FALSE) != XML_STATUS_OK)
        note_failure(r);
    else if (r->fed - r->understood > TOKEN_MAX)
        sgl_dmarc_reader_stop(r, SGL_E_LIMIT, "a tag or a comment in it has no end");
}

enum sgl_status sgl_dmarc_report_feed(struct sgl_dmarc_report_reader *r, sgl_view bytes)
{
    while (!r->begun && bytes.len > 0 && sgl_ascii_is_fws(bytes.ptr[0]))
        bytes = sgl_view_from(bytes, 1); /* blank lines before the declaration */
    r->begun |= bytes.len > 0;
    while (bytes.len > 0 && r->status == SGL_OK && !r->complete) {
        feed_piece(r, sgl_view_sub(bytes, 0, PIECE));
        bytes = sgl_view_from(bytes, PIECE);
    }
    return r->status;
}

const struct sgl_dmarc_report_meta *
sgl_dmarc_report_meta(const struct sgl_dmarc_report_reader *reader)
{
    return &reader->meta;
}

/* ---- the whole ---- */

static void judge(struct sgl_dmarc_report_reader *r)
{
    const struct sgl_dmarc_report_meta *m = &r->meta;

    r->sum.partial = !r->complete;
    sgl_dmarc_reader_odd(r, r->sum.partial, SGL_DMARC_REPORT_CUT);
    sgl_dmarc_reader_odd(r, m->org_name.len == 0, SGL_DMARC_REPORT_NO_ORG);
    sgl_dmarc_reader_odd(r, m->email.len == 0, SGL_DMARC_REPORT_NO_EMAIL);
    sgl_dmarc_reader_odd(r, m->report_id.len == 0, SGL_DMARC_REPORT_NO_ID);
    sgl_dmarc_reader_odd(r, m->begin == 0 || m->end == 0, SGL_DMARC_REPORT_NO_DATES);
    sgl_dmarc_reader_odd(r, m->domain.len == 0, SGL_DMARC_REPORT_NO_DOMAIN);
    sgl_dmarc_reader_odd(r, m->end < m->begin || m->end - m->begin > RANGE_MAX,
                         SGL_DMARC_REPORT_RANGE);
    sgl_dmarc_reader_odd(
        r, m->p == SGL_DMARC_DISPOSITION_UNKNOWN && r->sum.problem[SGL_DMARC_REPORT_POLICY] == 0,
        SGL_DMARC_REPORT_POLICY);
    sgl_dmarc_reader_odd(r, r->sum.records == 0, SGL_DMARC_REPORT_EMPTY);
}

enum sgl_status sgl_dmarc_report_end(struct sgl_dmarc_report_reader *r,
                                     struct sgl_dmarc_report_summary *out, struct sgl_diag *diag)
{
    const struct sgl_dmarc_report_meta *m = &r->meta;
    bool something = r->sum.records > 0 || m->org_name.len > 0 || m->report_id.len > 0;

    if (diag != NULL)
        *diag = r->diag;
    if (r->refused)
        return r->status;
    if (!r->complete && !something) {
        if (diag != NULL && diag->what == NULL)
            diag->what = "it ends before it has said anything";
        return SGL_E_SYNTAX;
    }
    judge(r);
    *out = r->sum;
    return SGL_OK;
}
