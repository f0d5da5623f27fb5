/* SPDX-License-Identifier: Apache-2.0 */
#include "suppression_name.h"

#include "sigillo/ascii.h"

sgl_view suppression_name_view(const struct suppression_name *n)
{
    return sgl_view_of(n->text, n->len < sizeof(n->text) ? n->len : 0);
}

static void add(struct suppression_name *n, sgl_view v, bool lower)
{
    if (v.len >= sizeof(n->text) - n->len) {
        n->len = sizeof(n->text);
        return;
    }
    for (size_t i = 0; i < v.len; i++)
        n->text[n->len++] = (char)(lower ? sgl_ascii_lower(v.ptr[i]) : v.ptr[i]);
}

static void put_name(struct suppression_name *n, sgl_view subscription, sgl_view domain)
{
    n->len = 0;
    add(n, subscription, false);
    add(n, SGL_LIT("/"), false);
    add(n, domain, true);
    add(n, SGL_LIT("/"), false);
}

static bool has_upper(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_upper(v.ptr[i]))
            return true;
    return false;
}

void suppression_spell(struct suppression_names *s, sgl_view subscription, sgl_view domain,
                       sgl_view address)
{
    s->differ = has_upper(address);
    put_name(&s->folded, subscription, domain);
    add(&s->folded, address, true);
    if (!s->differ)
        return;
    put_name(&s->given, subscription, domain);
    add(&s->given, address, false);
}

const struct suppression_name *suppression_given(const struct suppression_names *s)
{
    return s->differ ? &s->given : &s->folded;
}

bool suppression_has(const struct directory *d, const struct suppression_name *n, int64_t now,
                     unsigned *word)
{
    sgl_view name = suppression_name_view(n);

    return name.len > 0 && suppression_set_has(&d->suppressed, name, now, word);
}

enum suppression_reason suppression_reason_of(unsigned word)
{
    return (enum suppression_reason)(word & SUPPRESSION_REASON_MASK);
}

/* Of another reason than those that are passed over? */
static bool counts(unsigned word, unsigned passed)
{
    return (passed & SUPPRESSION_REASON_BIT(suppression_reason_of(word))) == 0;
}

bool suppression_is_listed(const struct directory *d, const struct suppression_names *s,
                           int64_t now, unsigned passed, unsigned *word)
{
    if (suppression_has(d, &s->folded, now, word) &&
        (!s->differ || (*word & SUPPRESSION_WORD_EXACT) == 0) && counts(*word, passed))
        return true;
    return s->differ && suppression_has(d, &s->given, now, word) && counts(*word, passed);
}

bool suppression_is_covered(const struct directory *d, const struct suppression_names *s,
                            const struct suppression_question *q, unsigned *word)
{
    return suppression_is_listed(d, s, q->now,
                                 q->passed | SUPPRESSION_REASON_BIT(SUPPRESSION_BLOCKED), word);
}
