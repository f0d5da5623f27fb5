/* SPDX-License-Identifier: Apache-2.0 */
#include "suppression_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "sigillo/utf8.h"

#define ROOM_FIRST 1024u

/* ---- what a line may say ---- */

const char *const admin_suppression_part[SUPPRESSION_PARTS] = {
    [SUPPRESSION_ADDRESS] = "address",       [SUPPRESSION_DOMAIN] = "domain",
    [SUPPRESSION_REASON] = "reason",         [SUPPRESSION_CASE_SENSITIVE] = "case_sensitive",
    [SUPPRESSION_CREATED_AT] = "created_at", [SUPPRESSION_EXPIRES_AT] = "expires_at",
    [SUPPRESSION_REPLY] = "reply",
};

static const char *take_spelling(sgl_view text, struct suppression *to)
{
    if (sgl_view_eq(text, SGL_LIT("true")))
        to->spelling = SUPPRESSION_EXACT;
    else if (sgl_view_eq(text, SGL_LIT("false")))
        to->spelling = SUPPRESSION_ANY;
    else
        return "This is true or false.";
    return NULL;
}

static const char *take_time(sgl_view text, int64_t *to)
{
    int64_t ms;

    if (!admin_time_parse(text, 0, &ms))
        return "A time is RFC 3339, or seconds since 1970.";
    *to = ms / 1000;
    return NULL;
}

const char *admin_suppression_take(enum admin_suppression_part part, sgl_view text,
                                   struct suppression *to)
{
    if (text.len == 0)
        return NULL;
    switch (part) {
    case SUPPRESSION_ADDRESS:
        to->address = text;
        break;
    case SUPPRESSION_DOMAIN:
        to->domain = text;
        break;
    case SUPPRESSION_REASON:
        return suppression_reason_parse(text, &to->reason)
                   ? NULL
                   : "One of hard-bounce, invalid, complaint, unsubscribe, manual, blocked is "
                     "wanted.";
    case SUPPRESSION_CASE_SENSITIVE:
        return take_spelling(text, to);
    case SUPPRESSION_CREATED_AT:
        return take_time(text, &to->created_at);
    case SUPPRESSION_EXPIRES_AT:
        return take_time(text, &to->expires_at);
    case SUPPRESSION_REPLY:
        to->reply = text;
        return sgl_utf8_valid(text) ? NULL : "This is not UTF-8.";
    case SUPPRESSION_PARTS:
        break;
    }
    return NULL;
}

/* ---- the list ---- */

void suppression_list_init(struct suppression_list *l)
{
    /* Without a line that names them. */
    static const enum admin_suppression_part plain[] = {SUPPRESSION_ADDRESS, SUPPRESSION_REASON,
                                                        SUPPRESSION_EXPIRES_AT, SUPPRESSION_REPLY};

    *l = (struct suppression_list){.given = {.reason = SUPPRESSION_MANUAL},
                                   .columns = sizeof(plain) / sizeof(plain[0])};
    memcpy(l->column, plain, sizeof(plain));
}

void suppression_list_done(struct suppression_list *l)
{
    free(l->item);
    free(l->line);
    l->item = NULL;
    l->line = NULL;
    l->items = l->room = 0;
}

void suppression_list_fault(struct suppression_list *l, size_t line, const char *field,
                            const char *why)
{
    l->fault_line = line;
    snprintf(l->fault, sizeof(l->fault), "%s%s%s", field, field[0] == '\0' ? "" : ": ", why);
}

static bool refuse(struct suppression_list *l, size_t line, const char *field, const char *why)
{
    suppression_list_fault(l, line, field, why);
    return false;
}

static bool grow(struct suppression_list *l)
{
    size_t room = l->room == 0 ? ROOM_FIRST : l->room * 2;
    struct suppression *item;
    size_t *line;

    if (l->items < l->room)
        return true;
    item = realloc(l->item, room * sizeof(*item));
    if (item == NULL)
        return false;
    l->item = item;
    line = realloc(l->line, room * sizeof(*line));
    if (line == NULL)
        return false;
    l->line = line;
    l->room = room;
    return true;
}

static bool is_head(const struct csv *c)
{
    for (size_t i = 0; i < c->fields; i++)
        if (sgl_view_eq_nocase(c->field[i], SGL_LIT("address")))
            return true;
    return false;
}

static bool read_head(struct suppression_list *l, const struct csv *c)
{
    unsigned seen = 0;

    l->columns = c->fields;
    for (size_t i = 0; i < c->fields; i++) {
        unsigned part = 0;

        while (part < SUPPRESSION_PARTS &&
               !sgl_view_eq_nocase(c->field[i], sgl_view_cstr(admin_suppression_part[part])))
            part++;
        if (part == SUPPRESSION_PARTS || (seen & 1u << part) != 0)
            return refuse(l, c->line, "",
                          "the columns are address, domain, reason, case_sensitive, created_at, "
                          "expires_at and reply, each at most once");
        seen |= 1u << part;
        l->column[i] = (enum admin_suppression_part)part;
    }
    return true;
}

static bool read_row(struct suppression_list *l, const struct csv *c)
{
    struct suppression *item;

    if (l->items == DIRECTORY_SUPPRESSIONS_MAX)
        return refuse(l, c->line, "", "an import has at most 100,000 addresses; divide the list");
    if (c->fields > l->columns)
        return refuse(l, c->line, "", "there are more fields than columns");
    if (!grow(l))
        return false;
    item = &l->item[l->items];
    *item = l->given;
    item->address = SGL_LIT("");
    for (size_t i = 0; i < c->fields; i++) {
        const char *why = admin_suppression_take(l->column[i], c->field[i], item);

        if (why != NULL)
            return refuse(l, c->line, admin_suppression_part[l->column[i]], why);
    }
    l->line[l->items++] = c->line;
    return true;
}

bool suppression_list_read(struct suppression_list *l, void *text, size_t len)
{
    struct csv c;
    enum csv_step step;
    bool first = true;

    csv_init(&c, text, len);
    while ((step = csv_next(&c)) == CSV_RECORD) {
        bool head = first && is_head(&c);

        first = false;
        if (head ? !read_head(l, &c) : !read_row(l, &c))
            return false;
    }
    return step == CSV_END || refuse(l, c.line, "", c.fault);
}
