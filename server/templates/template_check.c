/* SPDX-License-Identifier: Apache-2.0 */
/* What a template and a version of one may hold. */
#include <stdio.h>
#include <string.h>

#include "sigillo/limits.h"
#include "sigillo/template.h"
#include "templates_internal.h"

#define ARENA_MAX (64u << 20)

/* Characters, as people count them. */
static size_t characters(sgl_view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += (v.ptr[i] & 0xc0) != 0x80;
    return n;
}

static bool is_line(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    return true;
}

bool template_check_name(struct templates_call *c, sgl_view name)
{
    if (name.len == 0)
        return template_say(c, TEMPLATES_INVALID, "name", "A name is wanted.");
    if (characters(name) > TEMPLATES_NAME_MAX || !is_line(name))
        return template_say(c, TEMPLATES_INVALID, "name",
                            "A name is one line of at most 100 characters.");
    return true;
}

static sgl_view text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return sgl_view_of(json_string_value(value), json_string_length(value));
}

/* Handlebars, or why not, with line and column. */
static bool check_words(struct templates_call *c, const char *field, sgl_view text)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA_MAX);
    const struct sgl_template *t;
    struct sgl_diag diag = {0};
    size_t line, column;
    char why[200];
    enum sgl_status st = sgl_template_parse(text, &arena, &t, &diag);

    if (st == SGL_OK)
        return true;
    if (diag.what == NULL)
        return template_room_ended(c);
    sgl_template_place(text, diag.off, &line, &column);
    snprintf(why, sizeof(why), "Line %zu, column %zu: %s.", line, column, diag.what);
    return template_say(c, TEMPLATES_INVALID, field, why);
}

static bool check_size(struct templates_call *c, const char *field, sgl_view text)
{
    char why[80];

    if (text.len <= TEMPLATES_TEXT_MAX)
        return true;
    snprintf(why, sizeof(why), "There are more than %u bytes.", TEMPLATES_TEXT_MAX);
    return template_say(c, TEMPLATES_INVALID, field, why);
}

bool template_check(struct templates_call *c, const json_t *row, const json_t *content,
                    bool dynamic)
{
    sgl_view subject = text_of(row, "subject"), html = text_of(content, "html");
    sgl_view plain = text_of(content, "plain"), editor = text_of(row, "editor");

    if (!template_check_name(c, text_of(row, "name")))
        return false;
    if (subject.len == 0)
        return template_say(c, TEMPLATES_INVALID, "subject", "A subject is wanted.");
    if (characters(subject) > TEMPLATES_SUBJECT_MAX || !is_line(subject))
        return template_say(c, TEMPLATES_INVALID, "subject",
                            "A subject is one line of at most 255 characters.");
    if (!sgl_view_eq(editor, SGL_LIT("code")) && !sgl_view_eq(editor, SGL_LIT("design")))
        return template_say(c, TEMPLATES_INVALID, "editor",
                            "The editor is \"code\" or \"design\".");
    if (!check_size(c, "html", html) || !check_size(c, "plain", plain) ||
        !check_size(c, "test_data", text_of(content, "test_data")))
        return false;
    return !dynamic ||
           (check_words(c, "subject", subject) && check_words(c, "html", html) &&
            (json_is_true(json_object_get(row, "generate")) || check_words(c, "plain", plain)));
}
