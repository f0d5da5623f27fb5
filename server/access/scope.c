/* SPDX-License-Identifier: Apache-2.0 */
#include "scope.h"

/* Who looks needs to be a reader, and who changes an owner: it is the account's, not a program's that sends. */
#define READ(what)                                                                                 \
    {                                                                                              \
        what ".read", ROLE_READER                                                                  \
    }
#define WRITE(what)                                                                                \
    {what ".create", ROLE_OWNER}, {what ".update", ROLE_OWNER},                                    \
    {                                                                                              \
        what ".delete", ROLE_OWNER                                                                 \
    }
#define ALL(what) READ(what), WRITE(what)
/* It is about what one sends oneself. */
#define SENDS(what)                                                                                \
    {what ".create", ROLE_NONE}, {what ".read", ROLE_NONE}, {what ".update", ROLE_NONE},           \
    {                                                                                              \
        what ".delete", ROLE_NONE                                                                  \
    }

/* The scopes that there are, and which role a key without a list of scopes needs. */
static const struct {
    const char *name;
    enum role least;
} table[] = {
    {"mail.send", ROLE_NONE},
    SENDS("mail.batch"),
    SENDS("user.scheduled_sends"),
    ALL("api_keys"),
    ALL("templates"),
    ALL("templates.versions"),
    ALL("templates.versions.activate"),
    ALL("suppression"),
    ALL("suppression.bounces"),
    ALL("suppression.blocks"),
    ALL("suppression.invalid_emails"),
    ALL("suppression.spam_reports"),
    ALL("suppression.unsubscribes"),
    ALL("asm.groups"),
    ALL("asm.groups.suppressions"),
    ALL("asm.suppressions.global"),
    ALL("whitelabel"),
    ALL("ips.pools"),
    ALL("ips.pools.ips"),
    READ("ips"),
    READ("ips.assigned"),
    READ("stats"),
    READ("stats.global"),
    READ("categories"),
    READ("categories.stats"),
    READ("categories.stats.sums"),
    READ("email_activity"),
};
#define SCOPES (sizeof(table) / sizeof(table[0]))
_Static_assert(SCOPES <= SCOPES_MAX, "each scope has a bit");

static bool has(const struct scopes *s, size_t i)
{
    return (s->word[i / 64] >> i % 64 & 1) != 0;
}

static void add(struct scopes *s, size_t i)
{
    s->listed = true;
    s->word[i / 64] |= UINT64_C(1) << i % 64;
}

/* SCOPES: it is none. */
static size_t find(sgl_view name)
{
    size_t i = 0;

    while (i < SCOPES && !sgl_view_eq(name, sgl_view_cstr(table[i].name)))
        i++;
    return i;
}

bool scopes_add(struct scopes *s, sgl_view name)
{
    size_t i = find(name);

    if (i == SCOPES)
        return false;
    add(s, i);
    return true;
}

const char *scopes_next(const struct scopes *s, size_t *index)
{
    for (size_t i = *index; i < SCOPES; i++)
        if (has(s, i)) {
            *index = i + 1;
            return table[i].name;
        }
    *index = SCOPES;
    return NULL;
}

static bool allows(const struct scopes *s, enum role role, size_t i)
{
    return s->listed ? has(s, i) : role >= table[i].least;
}

bool scopes_allow(const struct scopes *s, enum role role, const char *scope)
{
    size_t i = find(sgl_view_cstr(scope));

    return i == SCOPES ? !s->listed && role >= ROLE_OWNER : allows(s, role, i);
}

bool scopes_within(const struct scopes *part, const struct scopes *all, enum role role)
{
    for (size_t i = 0; i < SCOPES; i++)
        if (has(part, i) && !allows(all, role, i))
            return false;
    return part->listed;
}

void scopes_of(const struct scopes *s, enum role role, struct scopes *out)
{
    *out = (struct scopes){.listed = true};
    for (size_t i = 0; i < SCOPES; i++)
        if (allows(s, role, i))
            add(out, i);
}
