/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are made of a template.  One of the dynamic kind is filled in for each personalization, with its dynamic_template_data.  One that is not has places, <%subject%> and
 * <%body%>, for what the request says itself; then substitutions are replaced as in every message.
 */
#include <stdio.h>

#include "../../templates/template_json.h"
#include "../../templates/templates.h"
#include "sendgrid_internal.h"
#include "sigillo/html_text.h"

#define FILLED_MAX (32u << 20)

static sgl_view text_of(const json_t *object, const char *name)
{
    return api_string_view(json_object_get(object, name));
}

/* ---- read ---- */

/* It could be read when it was kept: what fails now is memory. */
static bool read_words(const struct api_reader *p, sgl_view text, const struct sgl_template **out)
{
    struct sgl_diag diag = {0};

    if (sgl_template_parse(text, p->arena, out, &diag) == SGL_OK)
        return true;
    return diag.what == NULL ? api_refuse_memory(p->why)
                             : api_wrong(p, "template", "template_id", diag.what);
}

bool sendgrid_template_read(const struct api_reader *p, const struct templates_call *found,
                            struct sendgrid_template *out)
{
    *out = (struct sendgrid_template){.id = found->id,
                                      .subject = text_of(found->row, "subject"),
                                      .html = text_of(found->content, "html"),
                                      .plain = text_of(found->content, "plain"),
                                      .dynamic =
                                          json_is_true(json_object_get(found->json, "dynamic"))};
    out->generate = out->html.len > 0 && json_is_true(json_object_get(found->row, "generate"));
    if (out->html.len == 0 && out->plain.len == 0)
        return api_wrong(p, "template", "template_id",
                         "The active version of the template has no content.");
    return !out->dynamic || (read_words(p, out->subject, &out->subject_words) &&
                             read_words(p, out->html, &out->html_words) &&
                             (out->generate || read_words(p, out->plain, &out->plain_words)));
}

/* ---- the dynamic kind ---- */

/* Where it stands in the template, and what data it was that did not fit. */
static bool cannot_fill(const struct api_reader *p, const struct sendgrid_template *t,
                        sgl_view text, const char *member, enum sgl_status status,
                        const struct sgl_diag *diag, const char *path)
{
    size_t line, column;
    char detail[300];

    if (status == SGL_E_NOMEM || diag->what == NULL)
        return api_refuse_memory(p->why);
    sgl_template_place(text, diag->off, &line, &column);
    snprintf(detail, sizeof(detail), "The template %.*s, %s, line %zu, column %zu: %s.",
             SGL_FMT(t->id), member, line, column, diag->what);
    return api_refuse(p->why, status == SGL_E_LIMIT ? 413 : 422,
                      status == SGL_E_LIMIT ? "message-too-large" : "template", path, detail,
                      SGL_LIT(""));
}

struct fill {
    const struct api_reader *p;
    struct sendgrid_mail *mail;
    struct sgl_template_data data;
    const char *path;
};

static bool fill(struct fill *f, const struct sgl_template *words, sgl_view text,
                 const char *member, sgl_view *out)
{
    struct sgl_buf buf = SGL_BUF_INIT(FILLED_MAX);
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_template_put(words, &f->data, &buf, &diag);
    bool fine = status == SGL_OK;

    if (!fine)
        (void)cannot_fill(f->p, f->mail->template_, text, member, status, &diag, f->path);
    else if (sgl_arena_dup(f->p->arena, sgl_buf_view(&buf), out) != SGL_OK)
        fine = api_refuse_memory(f->p->why);
    sgl_buf_done(&buf);
    return fine;
}

/* The text that the HTML has in it, after it was filled in. */
static bool text_of_html(const struct api_reader *p, sgl_view html, sgl_view *out)
{
    struct sgl_buf buf = SGL_BUF_INIT(2 * FILLED_MAX);
    bool fine;

    sgl_html_text(html, &buf);
    fine = buf.status == SGL_OK && sgl_arena_dup(p->arena, sgl_buf_view(&buf), out) == SGL_OK;
    sgl_buf_done(&buf);
    return fine || api_refuse_memory(p->why);
}

bool sendgrid_fill(const struct api_reader *p, struct sendgrid_mail *mail, const json_t *data,
                   const char *path)
{
    const struct sendgrid_template *t = mail->template_;
    struct sgl_compose *c = &p->m->compose;
    struct fill f = {.p = p,
                     .mail = mail,
                     .data = {.reader = &template_json_reader,
                              .root = template_json_value(data),
                              .steps = &mail->steps},
                     .path = path};

    if (!fill(&f, t->subject_words, t->subject, "subject", &c->subject))
        return false;
    f.data.html = true;
    if (!fill(&f, t->html_words, t->html, "html_content", &c->html))
        return false;
    f.data.html = false;
    if (t->generate ? !text_of_html(p, c->html, &c->text)
                    : !fill(&f, t->plain_words, t->plain, "plain_content", &c->text))
        return false;
    return sendgrid_footer(p, mail, &c->text, &c->html);
}

/* ---- the legacy kind ---- */

/* The text with this in each such place. */
static bool put_in(const struct api_reader *p, sgl_view text, const char *place, sgl_view value,
                   sgl_view *out)
{
    sgl_view mark = sgl_view_cstr(place);
    struct sgl_buf buf = SGL_BUF_INIT(FILLED_MAX);
    enum sgl_status status;

    while (text.len > 0 && buf.status == SGL_OK) {
        size_t at = sgl_view_find_view(text, mark);

        sgl_buf_add(&buf, sgl_view_sub(text, 0, at));
        if (at < text.len)
            sgl_buf_add(&buf, value);
        text = sgl_view_from(text, at + (at < text.len ? mark.len : 0));
    }
    status = buf.status == SGL_OK ? sgl_arena_dup(p->arena, sgl_buf_view(&buf), out) : buf.status;
    sgl_buf_done(&buf);
    if (status == SGL_E_LIMIT)
        return api_refuse(p->why, 413, "message-too-large", "template_id",
                          "The template makes the message too large.", SGL_LIT(""));
    return status == SGL_OK || api_refuse_memory(p->why);
}

/* Plain text as HTML. */
static bool html_of_text(const struct api_reader *p, sgl_view text, sgl_view *out)
{
    struct sgl_buf buf = SGL_BUF_INIT(FILLED_MAX);
    bool fine;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '<')
            sgl_buf_add_cstr(&buf, "&lt;");
        else if (text.ptr[i] == '>')
            sgl_buf_add_cstr(&buf, "&gt;");
        else if (text.ptr[i] == '&')
            sgl_buf_add_cstr(&buf, "&amp;");
        else if (text.ptr[i] == '\n')
            sgl_buf_add_cstr(&buf, "<br>\n");
        else
            sgl_buf_add_byte(&buf, text.ptr[i]);
    }
    fine = buf.status == SGL_OK && sgl_arena_dup(p->arena, sgl_buf_view(&buf), out) == SGL_OK;
    sgl_buf_done(&buf);
    return fine || api_refuse_memory(p->why);
}

bool sendgrid_body(const struct api_reader *p, struct sendgrid_mail *mail)
{
    const struct sendgrid_template *t = mail->template_;
    sgl_view text = mail->text, html = mail->html;

    if (t == NULL || t->dynamic)
        return true;
    if (html.ptr == NULL && text.len > 0 && !html_of_text(p, text, &html))
        return false;
    if (text.ptr == NULL && html.len > 0 && !text_of_html(p, html, &text))
        return false;
    return (t->html.len == 0 || put_in(p, t->html, "<%body%>", html, &mail->html)) &&
           (t->plain.len == 0 || put_in(p, t->plain, "<%body%>", text, &mail->text));
}

bool sendgrid_subject(const struct api_reader *p, const struct sendgrid_mail *mail,
                      sgl_view *subject)
{
    const struct sendgrid_template *t = mail->template_;

    if (t == NULL || t->dynamic)
        return true;
    return put_in(p, t->subject, "<%subject%>", *subject, subject);
}
