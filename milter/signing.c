/* SPDX-License-Identifier: Apache-2.0 */
#include "signing.h"

#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/dns_name.h"
#include "sigillo/limits.h"

struct signing_rule {
    sgl_view pattern;
    size_t key;
    unsigned line;
};

/* ---- the tables as data ---------------------------------------------------------------------------------------------- */

static bool is_path(sgl_view text)
{
    return sgl_view_starts(text, SGL_LIT("/")) || sgl_view_starts(text, SGL_LIT("./")) ||
           sgl_view_starts(text, SGL_LIT("../"));
}

static const char *name_wrong(sgl_view name, const char *why)
{
    return sgl_view_eq(name, SGL_LIT("%")) || sgl_name_ok(name, SGL_NAME_UNDERSCORE) ? NULL : why;
}

/* "example.org:selector:/path/to/key"; the key itself may hold no colon, a path may. */
static const char *read_key(const struct dataset_row *row, struct signing_key *out)
{
    sgl_view rest;
    const char *wrong;

    *out = (struct signing_key){.name = row->key, .line = row->line};
    out->domain = dataset_field(row->value, &rest);
    out->selector = dataset_field(rest, &rest);
    out->place = sgl_view_trim(rest);
    out->is_path = is_path(out->place);
    if (out->place.len == 0)
        return "is not \"name domain:selector:key\"";
    wrong = name_wrong(out->domain, "has a domain that is none");
    if (wrong == NULL)
        wrong = name_wrong(out->selector, "has a selector that is none");
    if (wrong == NULL && out->is_path && sgl_view_find(out->place, '%') < out->place.len)
        wrong = "has a % in the path of its key: write a row for each domain";
    return wrong;
}

enum sgl_status signing_read_keys(const struct dataset *from, struct sgl_arena *arena,
                                  struct signing *out, struct dataset_fault *fault)
{
    out->keys = 0;
    out->key = SGL_NEW_N(arena, from->rows, struct signing_key);
    if (out->key == NULL)
        return arena->status;
    for (size_t i = 0; i < from->rows; i++) {
        const char *wrong = read_key(&from->row[i], &out->key[i]);

        if (wrong != NULL) {
            *fault = (struct dataset_fault){from->row[i].line, wrong};
            return SGL_E_SYNTAX;
        }
        out->keys++;
    }
    return SGL_OK;
}

static int cmp_nocase(sgl_view a, sgl_view b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int d = (int)sgl_ascii_lower(a.ptr[i]) - (int)sgl_ascii_lower(b.ptr[i]);

        if (d != 0)
            return d;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int by_pattern(const void *a, const void *b)
{
    const struct signing_rule *x = a, *y = b;
    int d = cmp_nocase(x->pattern, y->pattern);

    return d != 0 ? d : x->line < y->line ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
    const struct signing_key *x = *(struct signing_key *const *)a,
                             *y = *(struct signing_key *const *)b;
    int d = cmp_nocase(x->name, y->name);

    return d != 0 ? d : x->line < y->line ? -1 : 1;
}

/* The first row of that name; `sorted` by name. */
static struct signing_key *find_key(struct signing_key **sorted, size_t keys, sgl_view name)
{
    size_t low = 0, high = keys;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cmp_nocase(sorted[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < keys && cmp_nocase(sorted[low]->name, name) == 0 ? sorted[low] : NULL;
}

/* "name" or "name:identity" */
static const char *read_rule(const struct dataset_row *row, struct signing *s,
                             struct signing_key **sorted, struct signing_rule *out)
{
    sgl_view identity;
    sgl_view name = dataset_field(row->value, &identity);
    const struct signing_key *key = find_key(sorted, s->keys, name);

    if (name.len == 0)
        return "is not \"pattern keyname\"";
    if (key == NULL)
        return "names a key that the key table has not";
    s->identities += identity.len > 0;
    *out = (struct signing_rule){row->key, (size_t)(key - s->key), row->line};
    return NULL;
}

enum sgl_status signing_read_rules(const struct dataset *from, struct sgl_arena *arena,
                                   struct signing *out, struct dataset_fault *fault)
{
    struct signing_rule *rule = SGL_NEW_N(arena, from->rows, struct signing_rule);
    struct signing_key **sorted = SGL_NEW_N(arena, out->keys, struct signing_key *);

    if (rule == NULL || sorted == NULL)
        return arena->status;
    for (size_t i = 0; i < out->keys; i++)
        sorted[i] = &out->key[i];
    if (out->keys > 0)
        qsort(sorted, out->keys, sizeof *sorted, by_name);
    for (size_t i = 0; i < from->rows; i++) {
        const char *wrong = read_rule(&from->row[i], out, sorted, &rule[i]);

        if (wrong != NULL) {
            *fault = (struct dataset_fault){from->row[i].line, wrong};
            return SGL_E_SYNTAX;
        }
    }
    out->patterns = from->kind == DATASET_PATTERNS;
    if (!out->patterns && from->rows > 0)
        qsort(rule, from->rows, sizeof *rule, by_pattern);
    out->rule = rule;
    out->rules = from->rows;
    return SGL_OK;
}

/* ---- picking --------------------------------------------------------------------------------------------------------- */

struct picking {
    const struct signing *s;
    const struct signing_key **out;
    size_t count;
};

/* false: enough. */
static bool take(struct picking *p, const struct signing_rule *rule)
{
    const struct signing_key *key = &p->s->key[rule->key];

    for (size_t i = 0; i < p->count; i++)
        if (p->out[i] == key)
            return true;
    p->out[p->count++] = key;
    return p->s->multiple && p->count < SIGNING_MOST;
}

static bool look_up(struct picking *p, sgl_view key)
{
    size_t low = 0, high = p->s->rules;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cmp_nocase(p->s->rule[middle].pattern, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->s->rules || cmp_nocase(p->s->rule[low].pattern, key) != 0)
        return true;
    return take(p, &p->s->rule[low]);
}

/* `before` and then ".domain", ".parent", ...; text is user@host. */
static bool look_up_parents(struct picking *p, sgl_view before, sgl_view domain)
{
    char key[SGL_LIMIT_LOCAL_PART + SGL_LIMIT_DOMAIN + 4];

    memcpy(key, before.ptr, before.len);
    for (size_t at = 0; at < domain.len; at++) {
        sgl_view rest = sgl_view_from(domain, at);

        if (at > 0 && domain.ptr[at - 1] != '.')
            continue;
        key[before.len] = '.';
        memcpy(key + before.len + 1, rest.ptr, rest.len);
        if (!look_up(p, sgl_view_of(key, before.len + 1 + rest.len)))
            return false;
    }
    return true;
}

static void pick_exact(struct picking *p, sgl_view address, sgl_view local, sgl_view domain)
{
    char star[SGL_LIMIT_LOCAL_PART + 2];
    sgl_view user = sgl_view_sub(address, 0, local.len + 1); /* with its @ */

    memcpy(star, user.ptr, user.len);
    star[user.len] = '*';
    if (look_up(p, address) && look_up(p, domain) && look_up_parents(p, user, domain) &&
        look_up_parents(p, sgl_view_of("", 0), domain) &&
        look_up(p, sgl_view_of(star, user.len + 1)))
        (void)look_up(p, SGL_LIT("*"));
}

size_t signing_pick(const struct signing *s, sgl_view local, sgl_view domain,
                    const struct signing_key *out[SIGNING_MOST])
{
    char text[SGL_LIMIT_LOCAL_PART + 1 + SGL_LIMIT_DOMAIN];
    struct picking p = {s, out, 0};
    sgl_view address = {(const uint8_t *)text, local.len + 1 + domain.len};

    if (local.len > SGL_LIMIT_LOCAL_PART || domain.len > SGL_LIMIT_DOMAIN || domain.len == 0)
        return 0;
    if (local.len > 0)
        memcpy(text, local.ptr, local.len);
    text[local.len] = '@';
    memcpy(text + local.len + 1, domain.ptr, domain.len);
    if (!s->patterns) {
        pick_exact(&p, address, local, domain);
        return p.count;
    }
    for (size_t i = 0; i < s->rules; i++)
        if (dataset_match(s->rule[i].pattern, address) && !take(&p, &s->rule[i]))
            break;
    return p.count;
}
