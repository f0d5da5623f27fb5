/* SPDX-License-Identifier: Apache-2.0 */
/* From what was said to what it means: phrases first, then the status, then the code of the reply. */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/smtp_reply.h"

#include "sigillo/banned.h"

const char *sgl_bounce_class_name(enum sgl_bounce_class class_)
{
    switch (class_) {
    case SGL_BOUNCE_UNKNOWN:
        return "unknown";
    case SGL_BOUNCE_HARD:
        return "hard";
    case SGL_BOUNCE_SOFT:
        return "soft";
    case SGL_BOUNCE_BLOCK:
        return "block";
    case SGL_BOUNCE_POLICY:
        return "policy";
    case SGL_BOUNCE_FULL:
        return "full";
    case SGL_BOUNCE_AUTO_REPLY:
        return "auto-reply";
    case SGL_BOUNCE_COMPLAINT:
        return "complaint";
    case SGL_BOUNCE_DELIVERED:
        return "delivered";
    }
    return "unknown";
}

const char *sgl_bounce_action_name(enum sgl_bounce_action action)
{
    switch (action) {
    case SGL_BOUNCE_FAILED:
        return "failed";
    case SGL_BOUNCE_DELAYED:
        return "delayed";
    case SGL_BOUNCE_ACTION_DELIVERED:
        return "delivered";
    case SGL_BOUNCE_RELAYED:
        return "relayed";
    case SGL_BOUNCE_EXPANDED:
        return "expanded";
    case SGL_BOUNCE_COMPLAINED:
        return "complaint";
    }
    return "failed";
}

/* ---- codes ---- */

/* Exact ones. The class of the code (4 or 5) is left off: a temporary one never makes an address bad. */
static const struct {
    uint16_t subject, detail;
    struct sgl_bounce_cause cause;
} by_status[] = {
    {1, 1, {"user-unknown", SGL_BOUNCE_HARD}},   {1, 2, {"host-unknown", SGL_BOUNCE_HARD}},
    {1, 3, {"bad-address", SGL_BOUNCE_HARD}},    {1, 6, {"moved", SGL_BOUNCE_HARD}},
    {1, 7, {"sender", SGL_BOUNCE_POLICY}},       {1, 8, {"sender", SGL_BOUNCE_POLICY}},
    {1, 10, {"no-mail", SGL_BOUNCE_HARD}}, /* [RFC 7505 s3]; Exchange: no such recipient */
    {2, 1, {"disabled", SGL_BOUNCE_SOFT}},       {2, 2, {"mailbox-full", SGL_BOUNCE_FULL}},
    {2, 3, {"size", SGL_BOUNCE_POLICY}},         {3, 2, {"system", SGL_BOUNCE_SOFT}},
    {3, 4, {"size", SGL_BOUNCE_POLICY}},         {4, 4, {"host-unknown", SGL_BOUNCE_HARD}},
    {4, 6, {"loop", SGL_BOUNCE_SOFT}},           {4, 7, {"expired", SGL_BOUNCE_SOFT}},
    {4, 310, {"host-unknown", SGL_BOUNCE_HARD}}, {5, 0, {NULL, SGL_BOUNCE_UNKNOWN}},
    {7, 25, {"reverse-dns", SGL_BOUNCE_BLOCK}}, /* [RFC 7372 s3.3] */
};

static const struct sgl_bounce_cause by_subject[] = {
    {NULL, SGL_BOUNCE_UNKNOWN},     {NULL, SGL_BOUNCE_UNKNOWN},    {"mailbox", SGL_BOUNCE_SOFT},
    {"system", SGL_BOUNCE_SOFT},    {"network", SGL_BOUNCE_SOFT},  {"protocol", SGL_BOUNCE_POLICY},
    {"content", SGL_BOUNCE_POLICY}, {"policy", SGL_BOUNCE_POLICY},
};

const struct sgl_bounce_cause *sgl_bounce_cause_of_status(sgl_view status)
{
    static const struct sgl_bounce_cause banned = {"blocklist", SGL_BOUNCE_BLOCK};
    struct sgl_smtp_enhanced e;

    if (sgl_smtp_enhanced_parse(status, &e) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof by_status / sizeof by_status[0]; i++)
        if (by_status[i].subject == e.subject && by_status[i].detail == e.detail)
            return by_status[i].cause.word == NULL ? NULL : &by_status[i].cause;
    if (e.subject == 7 && (e.detail == 511 || (e.detail >= 606 && e.detail <= 650)))
        return &banned; /* Microsoft's: an address of its list */
    if (e.subject >= sizeof by_subject / sizeof by_subject[0] || by_subject[e.subject].word == NULL)
        return NULL;
    return &by_subject[e.subject];
}

const struct sgl_bounce_cause *sgl_bounce_cause_of_code(uint16_t code)
{
    static const struct sgl_bounce_cause none = {"no-mail", SGL_BOUNCE_HARD},
                                         moved = {"moved", SGL_BOUNCE_HARD},
                                         full = {"mailbox-full", SGL_BOUNCE_FULL},
                                         protocol = {"protocol", SGL_BOUNCE_POLICY},
                                         later = {"temporary", SGL_BOUNCE_SOFT};

    if (code == 521 || code == 556) /* [RFC 7504 s3, s4] */
        return &none;
    if (code == 551) /* [RFC 5321 s3.4] */
        return &moved;
    if (code == 552) /* [RFC 5321 s4.2.2] */
        return &full;
    if (code >= 500 && code <= 504)
        return &protocol;
    return code >= 400 && code < 500 ? &later : NULL;
}

/* ---- the text that phrases are looked for in ---- */

/* What tells nothing, and could hold a word by chance: addresses, links, codes. */
static bool told_nothing(sgl_view word)
{
    struct sgl_smtp_enhanced e;
    size_t n;

    if (sgl_view_find(word, '@') < word.len ||
        sgl_view_find_view(word, SGL_LIT("://")) < word.len ||
        sgl_view_starts_nocase(word, SGL_LIT("www.")))
        return true;
    if (word.len >= 3 && word.ptr[0] >= '2' && word.ptr[0] <= '5' &&
        sgl_ascii_is_digit(word.ptr[1]) && sgl_ascii_is_digit(word.ptr[2])) {
        word = sgl_view_from(word, 3);
        if (word.len > 0 && (word.ptr[0] == '-' || word.ptr[0] == ':'))
            word = sgl_view_from(word, 1);
    }
    n = sgl_smtp_enhanced_parse(word, &e);
    return n == word.len;
}

static enum sgl_status reduce(sgl_view text, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *to;
    size_t len = 0;

    text = sgl_view_sub(text, 0, SGL_LIMIT_BOUNCE_DIAGNOSTIC);
    to = sgl_arena_alloc(arena, text.len + 2);
    if (to == NULL)
        return arena->status;
    to[len++] = ' ';
    for (size_t at = 0; at < text.len;) {
        size_t end = at;

        while (end < text.len && !sgl_ascii_is_fws(text.ptr[end]))
            end++;
        if (end > at && !told_nothing(sgl_view_sub(text, at, end - at))) {
            for (size_t i = at; i < end; i++)
                if (text.ptr[i] != '"')
                    to[len++] = sgl_ascii_lower(text.ptr[i]);
            to[len++] = ' ';
        }
        at = end + 1;
    }
    *out = sgl_view_of(to, len);
    return SGL_OK;
}

/* ---- the verdict ---- */

static bool permanent(const struct sgl_bounce_said *said)
{
    if (said->code != 0)
        return said->code >= 500;
    return said->status.len == 0 || said->status.ptr[0] == '5';
}

static const struct sgl_bounce_cause *cause_of(const struct sgl_bounce_said *said, sgl_view text)
{
    const struct sgl_bounce_cause *cause = sgl_bounce_cause_of_text(text);

    if (cause == NULL && !sgl_bounce_status_vague(said->status))
        cause = sgl_bounce_cause_of_status(said->status);
    if (cause == NULL)
        cause = sgl_bounce_cause_of_code(said->code);
    if (cause == NULL)
        cause = sgl_bounce_cause_of_status(said->status);
    return cause;
}

/*
 * "No such user" is said by filters that hide, too: by servers that had taken the recipient before, or with the status of a policy.  Not sure enough for the address, unless the
 * status says the same or the text says more.
 */
static bool doubtful(const struct sgl_bounce_said *said, sgl_view text)
{
    struct sgl_smtp_enhanced e = {0};
    bool vague = sgl_bounce_has(text, "unknown user") || sgl_bounce_has(text, "user unknown") ||
                 sgl_bounce_has(text, "no such user") || sgl_bounce_has(text, "unknown address");

    (void)sgl_smtp_enhanced_parse(sgl_bounce_codes_of(said->text).status, &e);
    return vague && ((said->after_message && !sgl_view_ends(said->status, SGL_LIT(".1.1"))) ||
                     e.subject == 7);
}

enum sgl_status sgl_bounce_classify(const struct sgl_bounce_said *said, struct sgl_arena *arena,
                                    enum sgl_bounce_class *class_, const char **cause)
{
    const struct sgl_bounce_cause *found;
    sgl_view text;

    SGL_TRY(reduce(said->text, arena, &text));
    found = cause_of(said, text);
    if (found == NULL) {
        *class_ = permanent(said) ? SGL_BOUNCE_UNKNOWN : SGL_BOUNCE_SOFT;
        *cause = permanent(said) ? "" : "temporary";
        return SGL_OK;
    }
    *class_ = found->class_;
    *cause = found->word;
    if (found->class_ == SGL_BOUNCE_HARD && !permanent(said))
        *class_ = SGL_BOUNCE_SOFT;
    if (found->class_ == SGL_BOUNCE_HARD && doubtful(said, text)) {
        *class_ = said->after_message ? SGL_BOUNCE_SOFT : SGL_BOUNCE_POLICY;
        *cause = "filtered";
    }
    return SGL_OK;
}
