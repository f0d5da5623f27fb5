/* SPDX-License-Identifier: Apache-2.0 */
/* What reports of others say, summed up: by domain, and there by sender, by policy, and by what failed where. */
#include <stdlib.h>
#include <string.h>

#include "../../intake/intake.h"
#include "../../store/received.h"
#include "admin_internal.h"
#include "received.h"
#include "sigillo/dns_name.h"
#include "sigillo/tls_report.h"

#define ROWS_MAX  200 /* of each kind and domain; what is more is one row without a name */
#define NAME_SIZE 320
#define SUM_MAX                                                                                    \
    ((UINT64_C(1) << 53) - 1) /* what JSON has exactly: strangers may claim any number */

struct row {
    char name[NAME_SIZE]; /* of what is counted: two parts, with a line end between them, or one */
    uint64_t reports, successes, failed;
};
struct rows {
    struct row *row;
    size_t count, room;
};
struct about {
    char domain[256];
    struct row all;
    struct rows senders, policies, failures;
    struct about *next;
};
struct received_sum {
    struct about *first;
};

/* ---- counting ---- */

/* Foreign text, cut; it cannot hold the line end that parts two parts. */
static void put_part(char *to, size_t size, sgl_view text)
{
    size_t len = strlen(to);

    for (size_t i = 0; i < text.len && len + 1 < size; i++)
        to[len++] = text.ptr[i] < ' ' || text.ptr[i] == 0x7f ? '?' : (char)text.ptr[i];
    to[len] = '\0';
}

static struct row *new_row(struct rows *rows)
{
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 4 : rows->room * 2;
        struct row *more = reallocarray(rows->row, room, sizeof(*more));

        if (more == NULL)
            return NULL;
        rows->row = more;
        rows->room = room;
    }
    memset(&rows->row[rows->count], 0, sizeof(*rows->row));
    return &rows->row[rows->count++];
}

/* NULL: memory has ended. */
static struct row *row_of(struct rows *rows, sgl_view first, sgl_view second)
{
    char name[NAME_SIZE] = "";
    struct row *row;

    put_part(name, NAME_SIZE / 2, first);
    if (second.len > 0)
        strcat(name, "\n");
    put_part(name, sizeof(name), second);
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->row[i].name, name) == 0)
            return &rows->row[i];
    if (rows->count == ROWS_MAX)
        return &rows->row[ROWS_MAX - 1];
    row = new_row(rows);
    if (row != NULL && rows->count < ROWS_MAX)
        memcpy(row->name, name, sizeof(name));
    return row;
}

static void add_up(uint64_t *sum, uint64_t n)
{
    *sum = n < SUM_MAX - *sum ? *sum + n : SUM_MAX;
}

static bool count(struct row *row, uint64_t reports, uint64_t successes, uint64_t failed)
{
    if (row == NULL)
        return false;
    add_up(&row->reports, reports);
    add_up(&row->successes, successes);
    add_up(&row->failed, failed);
    return true;
}

static bool count_policy(struct about *a, const struct received_report *r,
                         const struct sgl_tls_report_policy *p)
{
    const char *type = sgl_tls_policy_type_name(p->type);
    bool counted =
        count(&a->all, 0, p->successes, p->failed) &&
        count(row_of(&a->senders, r->organization, SGL_LIT("")), 0, p->successes, p->failed) &&
        count(row_of(&a->policies, sgl_view_cstr(type), SGL_LIT("")), 1, p->successes, p->failed);

    for (size_t i = 0; counted && i < p->failures; i++)
        counted = count(row_of(&a->failures, p->failure[i].result, p->failure[i].mx), 1, 0,
                        p->failure[i].sessions);
    return counted;
}

static struct about *about(struct received_sum *sum, sgl_view domain)
{
    struct about *a = sum->first;

    while (a != NULL && !sgl_view_eq(sgl_view_cstr(a->domain), domain))
        a = a->next;
    if (a != NULL || domain.len >= sizeof(a->domain))
        return a;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;
    memcpy(a->domain, domain.ptr, domain.len);
    a->next = sum->first;
    sum->first = a;
    return a;
}

/* A report can be about domains of others, too: those are not told here. */
static bool is_of(const struct sgl_tls_report_policy *p, sgl_view domain, struct sgl_arena *arena)
{
    struct sgl_name name;

    return sgl_name_parse(p->domain, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, arena, NULL,
                          &name) == SGL_OK &&
           sgl_view_eq(name.text, domain);
}

bool received_sum_add(struct received_sum *sum, const struct received_report *r)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(INTAKE_MEMORY_MAX);
    struct about *a = about(sum, r->domain);
    struct sgl_tls_report report;
    bool counted;

    if (a == NULL)
        return false;
    if (sgl_tls_report_parse(r->text, &arena, &report, NULL) != SGL_OK)
        return arena.status != SGL_E_NOMEM;
    counted = count(&a->all, 1, 0, 0) &&
              count(row_of(&a->senders, r->organization, SGL_LIT("")), 1, 0, 0);
    for (size_t i = 0; counted && i < report.policies; i++)
        if (is_of(&report.policy[i], r->domain, &arena))
            counted = count_policy(a, r, &report.policy[i]);
    return counted;
}

struct received_sum *received_sum_new(void)
{
    return calloc(1, sizeof(struct received_sum));
}

void received_sum_free(struct received_sum *sum)
{
    while (sum != NULL && sum->first != NULL) {
        struct about *next = sum->first->next;

        free(sum->first->senders.row);
        free(sum->first->policies.row);
        free(sum->first->failures.row);
        free(sum->first);
        sum->first = next;
    }
    free(sum);
}

/* ---- as JSON ---- */

static int worst_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->failed != y->failed)
        return x->failed > y->failed ? -1 : 1;
    if (x->successes != y->successes)
        return x->successes > y->successes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static json_t *told(sgl_view text)
{
    return text.len == 0 ? json_null() : admin_json_view(text);
}

/* second: what the second part of a name is called, NULL: there is none */
static json_t *rows_json(struct rows *rows, const char *first, const char *second)
{
    json_t *list = json_array();

    if (rows->count > 1)
        qsort(rows->row, rows->count, sizeof(rows->row[0]), worst_first);
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->row[i];
        sgl_view mx, name = sgl_view_split(sgl_view_cstr(row->name), '\n', &mx);
        json_t *json =
            json_pack("{s:o, s:I, s:I}", first, told(name), "reports", (json_int_t)row->reports,
                      "failed_sessions", (json_int_t)row->failed);

        if (second != NULL)
            json_object_set_new(json, second, told(mx));
        else
            json_object_set_new(json, "successful_sessions",
                                json_integer((json_int_t)row->successes));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *about_json(struct about *a)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "domain", a->domain, "reports",
                     (json_int_t)a->all.reports, "successful_sessions",
                     (json_int_t)a->all.successes, "failed_sessions", (json_int_t)a->all.failed,
                     "senders", rows_json(&a->senders, "organization", NULL), "policies",
                     rows_json(&a->policies, "type", NULL), "failures",
                     rows_json(&a->failures, "result", "mx"));
}

json_t *received_sum_json(struct received_sum *sum)
{
    json_t *list = json_array();

    for (struct about *a = sum->first; a != NULL; a = a->next) {
        size_t at = 0;
        const json_t *other;

        json_array_foreach(list, at, other)
        {
            if (json_integer_value(json_object_get(other, "failed_sessions")) <
                (json_int_t)a->all.failed)
                break;
        }
        json_array_insert_new(list, at, about_json(a));
    }
    return list;
}
